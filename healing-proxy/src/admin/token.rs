//! What readers of the admin port have to know, where a token is set.
//!
//! Programs send it as `Authorization: Bearer TOKEN` (RFC 6750). Browsers ask for a password (RFC 7617), which is the token
//! under any name; they send it with the requests and the feed of the dashboard, too.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::{AdminSettings, problem::Problem};

/// The probes of an orchestrator, which tell nothing but whether the program runs.
const OPEN: [&str; 2] = ["/livez", "/readyz"];

/// Both ways in which a reader may say what it knows.
const WAYS: [&str; 2] = [
    "Basic realm=\"healing-proxy\", charset=\"UTF-8\"",
    "Bearer realm=\"healing-proxy\"",
];

/// Passes requests that know the token, where there is one.
pub(super) async fn check(
    State(settings): State<Arc<AdminSettings>>,
    request: Request,
    next: Next,
) -> Response {
    match &settings.token {
        Some(token)
            if !OPEN.contains(&request.uri().path()) && !knows(request.headers(), token) =>
        {
            refusal()
        }
        Some(_) | None => next.run(request).await,
    }
}

/// Whether that is said once, and is the token.
fn knows(headers: &HeaderMap, token: &SecretString) -> bool {
    let mut said = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(said), None) = (said.next(), said.next()) else {
        return false;
    };
    let Some((scheme, said)) = said.to_str().ok().and_then(|said| said.split_once(' ')) else {
        return false;
    };
    let said = said.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return is(said.as_bytes(), token);
    }
    let pair = BASE64_STANDARD.decode(said).unwrap_or_default();
    let colon = pair.iter().position(|byte| *byte == b':');
    let password = colon.and_then(|colon| pair.get(colon + 1..));
    scheme.eq_ignore_ascii_case("basic") && password.is_some_and(|password| is(password, token))
}

/// Takes as long wherever the two differ; how long they are may be learned.
fn is(said: &[u8], token: &SecretString) -> bool {
    said.ct_eq(token.expose_secret().as_bytes()).into()
}

fn refusal() -> Response {
    let title = "The admin port wants to be told its token";
    let mut refusal = Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", title)
        .detail("send Authorization: Bearer with the token that admin.token_env names".to_owned())
        .into_response();
    for way in WAYS {
        let way = HeaderValue::from_static(way);
        refusal.headers_mut().append(header::WWW_AUTHENTICATE, way);
    }
    refusal
}
