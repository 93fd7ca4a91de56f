//! The answers that are ours alone: problem details (RFC 9457) for what no upstream answered.

use std::time::Duration;

use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::{
    body::Body,
    fields,
    vocabulary::{
        fault::{Fault, FaultClass},
        provenance::Provenance,
    },
};

/// An error of ours, as the caller gets it. It quotes no upstream.
///
/// ```
/// use healing_core::Problem;
/// let response = Problem::new(http::StatusCode::NOT_FOUND, "no-page", "There is no such page").response();
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    status: StatusCode,
    kind: &'static str,
    title: &'static str,
    detail: Option<String>,
    retry_after: Option<Duration>,
    members: Map<String, Value>,
}

// === impl Problem ===

impl Problem {
    /// A problem with that status; `kind` ends its `type`, `urn:healing-proxy:problem:{kind}`.
    #[must_use]
    pub fn new(status: StatusCode, kind: &'static str, title: &'static str) -> Self {
        Self {
            status,
            kind,
            title,
            detail: None,
            retry_after: None,
            members: Map::new(),
        }
    }

    /// The same, with a sentence about this case and the way out.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The same, with another member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// The same, asking the caller to come back after that time.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The answer to a fault that nothing healed, when no upstream's own error can be passed on.
    pub(crate) fn of_fault(fault: &Fault) -> Self {
        let (status, kind, title) = face(fault);
        Self::new(status, kind, title)
            .with("class", fault.class.as_str())
            .with("fault", &*fault.detail)
    }

    /// Says of what request it is.
    pub(crate) fn about(self, truth: &Provenance) -> Self {
        let problem = self.with("instance", format!("urn:uuid:{}", truth.id));
        match &truth.route {
            Some(route) => problem
                .with("source", route.source().as_str())
                .with("route", route.template()),
            None => problem,
        }
    }

    /// The response.
    #[must_use]
    pub fn response(self) -> Response<Body> {
        let mut members = json!({
            "type": format!("urn:healing-proxy:problem:{}", self.kind),
            "title": self.title,
            "status": self.status.as_u16(),
        });
        if let Value::Object(object) = &mut members {
            object.extend(
                self.detail
                    .map(|detail| ("detail".to_owned(), Value::from(detail))),
            );
            object.extend(
                self.retry_after
                    .map(|wait| ("retry_after_s".to_owned(), Value::from(whole_seconds(wait)))),
            );
            object.extend(self.members);
        }
        let mut response = Response::new(Body::from(members.to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
        }
        response
    }
}

/// Never earlier than asked.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// Status, kind and title of a fault, in the one place where a fault becomes a status.
fn face(fault: &Fault) -> (StatusCode, &'static str, &'static str) {
    if fault.is_resting() {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "breaker-open",
            "The source is resting after repeated failures",
        );
    }
    if fault.is_held_back() {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "own-quota",
            "No call to the source is left for now",
        );
    }
    match fault.class {
        FaultClass::Timeout => (
            StatusCode::GATEWAY_TIMEOUT,
            "timeout",
            "The source did not answer in time",
        ),
        FaultClass::ConnectionError => {
            let unreachable = fields::proxy_error(fault) != Some("connection_terminated");
            let kind = if unreachable {
                "upstream-unreachable"
            } else {
                "upstream-broken"
            };
            (
                StatusCode::BAD_GATEWAY,
                kind,
                "The source cannot be reached",
            )
        }
        FaultClass::RateLimit
        | FaultClass::QuotaExceeded
        | FaultClass::AuthError
        | FaultClass::Forbidden
        | FaultClass::NotFound
        | FaultClass::InvalidRequest
        | FaultClass::ServerError
        | FaultClass::StaleData
        | FaultClass::EmptyData
        | FaultClass::MalformedBody
        | FaultClass::PremiumRequired
        | FaultClass::Blocked
        | FaultClass::Maintenance => (
            StatusCode::BAD_GATEWAY,
            "bad-upstream-data",
            "The source's answer was not usable",
        ),
    }
}
