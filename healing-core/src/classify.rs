//! The verdict: is this answer good, and if not, what is wrong with it.
//!
//! Everything that decides about an answer's health is here; nothing else looks at a status code to do so. Nothing here
//! does I/O or reads a clock. The order is: transport, status and fields, then the body: first whether the data that this
//! URL promises is there (`shape`), and only where it is not, what the body says instead, by the rules of its source (`rules`)
//! and those of all (`general`); last how old it is (`freshness`). `live` puts them in that order, `recorded` does so for what
//! was recorded.

pub(crate) mod cadence;
mod calendar;
pub(crate) mod change;
pub(crate) mod encoding;
pub(crate) mod exchange;
mod finding;
pub(crate) mod freshness;
mod general;
pub(crate) mod json;
pub(crate) mod live;
mod promise;
mod recorded;
pub(crate) mod retry_after;
mod rules;
pub(crate) mod shape;
pub(crate) mod sources;
mod status;
pub(crate) mod times;
pub(crate) mod usual;
mod wait;
pub(crate) mod wording;

pub use calendar::{Calendar, Calendars, CalendarsError};
pub use encoding::{CodedError, plain_body};
pub use promise::Promise;
pub use recorded::{Recorded, Verdict, judge};
pub use rules::{Freshness, FreshnessError, Range, RangeError, Rules, RulesError};
pub use sources::Sources;

use std::{borrow::Cow, fmt};

use http::{HeaderMap, Method, StatusCode, header, response::Parts};
use jiff::Timestamp;

use crate::{
    body::{Chunks, declared_length},
    classify::shape::Shape,
    vocabulary::fault::{Domain, Fault, FaultClass},
};

/// What the head of an answer says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum HeadVerdict {
    /// The body decides.
    Judge,
    /// Good as far as can be told; the body is passed on as it comes.
    Pass,
    /// Bad, or the caller's mistake, whatever the body.
    Fault(Fault),
}

/// What the body of an answer with a good head says.
#[derive(Clone, Debug)]
pub(crate) enum BodyVerdict {
    /// Good; its shape, where it is not just the promised one.
    Good(Option<Shape>),
    /// All that was promised is gone, but what came instead may be an answer. Bad until it came three times in a row.
    Changed(Shape, Fault),
    /// Bad.
    Fault(Fault),
}

/// What the caller of a request can expect of its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expectation<'a> {
    pub(crate) method: &'a Method,
    /// Whether the caller sent credentials of its own.
    pub(crate) with_credentials: bool,
    /// Larger bodies are judged by their head.
    pub(crate) judge_up_to: u64,
}

/// A good answer as far as the general rules go, for a rule of one's own.
#[derive(Clone, Copy)]
pub struct Reply<'a> {
    /// Its status.
    pub status: StatusCode,
    /// Its fields.
    pub headers: &'a HeaderMap,
    chunks: &'a Chunks,
}

/// A rule of one's own: says what is wrong with an answer that the general rules call good. Asked only for bodies that are
/// read whole.
///
/// ```
/// use healing_core::{Classify, Fault, FaultClass, Reply};
///
/// #[derive(Debug)]
/// struct Vendor;
///
/// impl Classify for Vendor {
///     fn classify(&self, reply: &Reply<'_>) -> Option<Fault> {
///         let throttled = reply.body().windows(5).any(|text| text == b"E-429");
///         throttled.then(|| Fault::new(FaultClass::RateLimit, "vendor_throttle"))
///     }
/// }
/// ```
pub trait Classify: Send + Sync + fmt::Debug {
    /// What is wrong with it, if anything. Pure and quick: it runs on the request path.
    fn classify(&self, reply: &Reply<'_>) -> Option<Fault>;
}

// === impl Reply ===

impl<'a> Reply<'a> {
    pub(crate) const fn of(head: &'a Parts, chunks: &'a Chunks) -> Self {
        Self {
            status: head.status,
            headers: &head.headers,
            chunks,
        }
    }

    /// Its body as it came over the wire, in one piece.
    #[must_use]
    pub fn body(&self) -> Cow<'a, [u8]> {
        match self.chunks {
            Chunks::None => Cow::Borrowed(&[]),
            Chunks::One(chunk) => Cow::Borrowed(chunk),
            Chunks::Many(chunks) => Cow::Owned(chunks.iter().flatten().copied().collect()),
        }
    }
}

impl fmt::Debug for Reply<'_> {
    /// Shows the status and the size, never fields or content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("body", self.chunks)
            .finish_non_exhaustive()
    }
}

/// Judges the head of an answer that arrived at `now`, which is asked for only where it matters.
pub(crate) fn judge_head(
    head: &Parts,
    expected: Expectation<'_>,
    now: impl FnOnce() -> Timestamp,
) -> HeadVerdict {
    let status = head.status;
    if let Some((class, detail, domain)) = fault_of_status(status, expected.with_credentials) {
        let wait = retry_after::wait(&head.headers, now());
        return HeadVerdict::Fault(
            Fault::new(class, detail)
                .striking(domain)
                .with_status(status)
                .with_wait(wait),
        );
    }
    let judged = status.is_success()
        && !matches!(
            status,
            StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::PARTIAL_CONTENT
        )
        && *expected.method != Method::HEAD
        && !is_stream(head)
        && declared_length(&head.headers).is_none_or(|length| length <= expected.judge_up_to);
    if judged {
        HeadVerdict::Judge
    } else {
        HeadVerdict::Pass
    }
}

/// The class, detail and domain of a status that is no answer. Redirects and 304 are answers.
fn fault_of_status(
    status: StatusCode,
    with_credentials: bool,
) -> Option<(FaultClass, &'static str, Domain)> {
    if status.as_u16() < 400 {
        return None;
    }
    let class = match status {
        // A caller without credentials cannot mend them: the key that was refused is the upstream's own.
        StatusCode::FORBIDDEN if with_credentials => FaultClass::AuthError,
        _ => status::class_of(status.as_u16()),
    };
    let domain = if matches!(class, FaultClass::AuthError | FaultClass::RateLimit) {
        Domain::Key
    } else {
        Domain::Object
    };
    Some((class, detail_of(status.as_u16(), class), domain))
}

/// The finer word under the class of a status.
const fn detail_of(status: u16, class: FaultClass) -> &'static str {
    match (status, class) {
        (403, FaultClass::AuthError) => "auth_403",
        (403, _) => "forbidden_403",
        (408, _) => "request_timeout_408",
        (418 | 999, _) => "ban",
        (423, _) => "locked_423",
        (429, _) => "rate_limit_429",
        (451, _) => "geo_451",
        (_, FaultClass::AuthError) => "auth_401",
        (_, FaultClass::PremiumRequired) => "payment_required",
        (_, FaultClass::NotFound) => "not_found_404",
        (_, FaultClass::Timeout) => "gateway_timeout",
        (_, FaultClass::RateLimit) => "throttled",
        (_, FaultClass::Blocked) => "login_to_network_511",
        (_, FaultClass::InvalidRequest) => "invalid_request_4xx",
        _ => "server_error_5xx",
    }
}

/// Bodies that have no end to wait for, or are read as they come. Lines of JSON whose length is known are there already.
pub(crate) fn is_stream(head: &Parts) -> bool {
    let Some(kind) = head.headers.get(header::CONTENT_TYPE) else {
        return false;
    };
    if is_ndjson(kind.as_bytes()) {
        return declared_length(&head.headers).is_none_or(|length| length == 0);
    }
    ["text/event-stream", "multipart/"]
        .into_iter()
        .any(|prefix| starts_with(kind.as_bytes(), prefix))
}

/// Whether a media type is that of lines with a JSON value each.
fn is_ndjson(media_type: &[u8]) -> bool {
    [
        "application/x-ndjson",
        "application/ndjson",
        "application/stream+json",
    ]
    .into_iter()
    .any(|prefix| starts_with(media_type, prefix))
}

fn starts_with(text: &[u8], prefix: &str) -> bool {
    text.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

#[cfg(test)]
mod tests;
