//! Asking a source over HTTP.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Uri, header};
use http_body_util::{BodyExt, Empty};
use serde_json::Value;

use super::Front;
use crate::answer::{Answer, Delivery};
use crate::lab::Shared;
use crate::source_name::SourceName;

/// An application without a timeout waits for ever; this one gives up at last.
const PATIENCE: Duration = Duration::from_secs(30);
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// What a source answered.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) status: u16,
    content_type: Option<String>,
    encoding: Option<String>,
    retry_after: Option<String>,
    pub(super) cookie: Option<String>,
    pub(super) body: Bytes,
    /// The length that was promised, when the body ended before it or without its end.
    cut: Option<u64>,
}

/// Why a source gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("{0} cannot be reached: {1}")]
    Lost(SourceName, String),
    #[error("{0} sent more than {BODY_LIMIT} bytes")]
    TooLong(SourceName),
    #[error("{0} did not answer within {PATIENCE:?}")]
    TimedOut(SourceName),
}

impl FetchError {
    pub(super) fn answer(&self) -> Answer {
        Answer::json(502, &serde_json::json!({"error": self.to_string()}))
    }
}

impl Fetched {
    /// The body as JSON, where it is whole and is JSON.
    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Handed through as it came.
    pub(super) fn pass(self) -> Answer {
        let mut answer = match self.content_type {
            Some(content_type) => Answer::new(self.status, content_type, self.body),
            None => Answer {
                body: self.body,
                ..Answer::empty(self.status)
            },
        };
        if let Some(length) = self.cut {
            answer.delivery = Delivery::CutAfter { promised: length };
        }
        for (name, value) in [
            ("content-encoding", self.encoding),
            ("retry-after", self.retry_after),
        ] {
            if let Some(value) = value {
                answer = answer.with(name, value);
            }
        }
        answer
    }

    /// Whether the body ended too early; then there is nothing to reshape.
    pub(super) fn is_cut(&self) -> bool {
        self.cut.is_some()
    }
}

/// Asks `source` for a path and query.
pub(super) async fn fetch(
    shared: &Shared,
    source: SourceName,
    target: &str,
    cookie: Option<&str>,
) -> Result<Fetched, FetchError> {
    let lost = |why: String| FetchError::Lost(source, why);
    let url = format!("http://{}{target}", shared.addresses.of(source));
    let uri: Uri = url.parse().map_err(|error| lost(format!("{error}")))?;
    let mut request = Request::get(uri).header(header::USER_AGENT, "lab-api/1");
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    let request = request
        .body(Empty::new())
        .map_err(|error| lost(error.to_string()))?;
    let exchange = exchange(&shared.front, source, request);
    tokio::time::timeout(PATIENCE, exchange)
        .await
        .map_err(|_| FetchError::TimedOut(source))?
}

async fn exchange(
    front: &Front,
    source: SourceName,
    request: Request<Empty<Bytes>>,
) -> Result<Fetched, FetchError> {
    let response = front.client.request(request).await.map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        FetchError::Lost(source, cause.unwrap_or_else(|| error.to_string()))
    })?;
    let (head, mut incoming) = response.into_parts();
    let field = |name| {
        head.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let mut body = BytesMut::new();
    let mut cut = None;
    while let Some(frame) = incoming.frame().await {
        let Ok(frame) = frame else {
            let promised = field(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
            cut = Some(promised.unwrap_or(body.len() as u64 + 1));
            break;
        };
        if let Some(part) = frame.data_ref() {
            body.extend_from_slice(part);
        }
        if body.len() > BODY_LIMIT {
            return Err(FetchError::TooLong(source));
        }
    }
    Ok(Fetched {
        status: head.status.as_u16(),
        content_type: field(header::CONTENT_TYPE),
        encoding: field(header::CONTENT_ENCODING),
        retry_after: field(header::RETRY_AFTER),
        cookie: field(header::SET_COOKIE),
        body: body.freeze(),
        cut,
    })
}

/// A text as part of a path or query.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
