//! Errors of the admin port as problem+json (RFC 9457).

use axum::{
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

/// The longest quote of what was asked.
const MAX_QUOTE: usize = 100;

/// An error, built piece by piece.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    members: Map<String, Value>,
}

// === impl Problem ===

impl Problem {
    /// A problem of that kind, the last part of its URN, with a title that is the same for all of the kind.
    pub(super) fn new(status: StatusCode, kind: &str, title: &str) -> Self {
        let mut members = Map::new();
        members.insert(
            "type".to_owned(),
            json!(format!("urn:healing-proxy:problem:{kind}")),
        );
        members.insert("title".to_owned(), json!(title));
        members.insert("status".to_owned(), json!(status.as_u16()));
        Self { status, members }
    }

    /// The same, with what went wrong this time.
    pub(super) fn detail(self, detail: String) -> Self {
        self.with("detail", detail.into())
    }

    /// The same, with a member of its own.
    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Value::Object(self.members).to_string();
        let kind = HeaderValue::from_static("application/problem+json");
        (self.status, [(header::CONTENT_TYPE, kind)], body).into_response()
    }
}

/// What was asked, short enough to be shown.
pub(super) fn quote(text: &str) -> String {
    let mut quote: String = text.chars().take(MAX_QUOTE).collect();
    if quote.len() < text.len() {
        quote.push('…');
    }
    quote
}

/// The answer for a parameter that is not there or not allowed.
pub(super) fn bad_parameter(name: &str, value: &str, allowed: &str) -> Problem {
    let (name, value) = (quote(name), quote(value));
    Problem::new(
        StatusCode::BAD_REQUEST,
        "bad-parameter",
        "A parameter is not allowed",
    )
    .detail(format!("{name}={value}: allowed is {allowed}"))
    .with("parameter", name.into())
    .with("value", value.into())
    .with("allowed", allowed.into())
}

/// The answer for a path that is not there.
pub(super) async fn no_such_page(uri: Uri) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not-found", "There is no such page").detail(format!(
        "{} is not on the admin port; the dashboard is at /health-dashboard",
        quote(uri.path())
    ))
}

/// The answer for a method other than GET and HEAD.
pub(super) async fn read_only(method: Method, uri: Uri) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "This page can only be read",
    )
    .detail(format!(
        "{} {} is not possible; use GET",
        quote(method.as_str()),
        quote(uri.path())
    ))
}
