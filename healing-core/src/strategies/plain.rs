//! Answers that others are made of: read whole, without their coding, and given under a head of their own.

use bytes::Bytes;
use http::{HeaderValue, Response, header, response::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::{
    body::Body,
    classify::plain_body,
    vocabulary::fault::{Fault, FaultClass},
};

/// The longest answer that another is made of, in bytes.
const MAX_BODY: usize = 2 * 1024 * 1024;

/// A whole answer without its coding.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) head: Parts,
    pub(crate) body: Bytes,
}

/// Why nothing can be made of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unread {
    /// It is longer than 2 MiB.
    TooLarge,
    /// It broke off, or its coding cannot be undone.
    Broken,
}

// === impl Plain ===

impl Plain {
    /// Reads an answer to its end.
    pub(crate) async fn read(response: Response<Body>) -> Result<Self, Unread> {
        let (head, body) = response.into_parts();
        let read = Limited::new(body, MAX_BODY).collect().await;
        let body = read.map_err(|error| {
            if error.is::<LengthLimitError>() {
                Unread::TooLarge
            } else {
                Unread::Broken
            }
        })?;
        let body = plain_body(&head.headers, body.to_bytes()).map_err(|_| Unread::Broken)?;
        if body.len() > MAX_BODY {
            return Err(Unread::TooLarge);
        }
        Ok(Self { head, body })
    }

    /// Its text.
    pub(crate) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok()
    }

    /// An answer of its kind with that body. What the source says of how long its own answer holds, and of whether it has
    /// changed, does not hold for one that was made.
    pub(crate) fn made(&self, body: String) -> Response<Body> {
        let mut response = Response::new(Body::from(body));
        let headers = response.headers_mut();
        if let Some(kind) = self.head.headers.get(header::CONTENT_TYPE) {
            headers.insert(header::CONTENT_TYPE, kind.clone());
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        *response.extensions_mut() = self.head.extensions.clone();
        response
    }
}

// === impl Unread ===

impl Unread {
    /// The fault that it is.
    pub(crate) const fn fault(self) -> Fault {
        let detail = match self {
            Self::TooLarge => "too_large_to_join",
            Self::Broken => "truncated_body",
        };
        Fault::new(FaultClass::MalformedBody, detail)
    }
}
