//! Who may read the admin port, and what its answers forbid a browser to do.
//!
//! Two attacks are meant. A page on the internet may point its own name at 127.0.0.1 (DNS rebinding) and read the port as
//! if it were its own: so the `Host` must be a name that only we have. And a page of any origin may open a WebSocket to
//! us, since the same-origin policy does not cover them: so the feed looks at `Origin`.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    AdminSettings,
    problem::{Problem, quote},
};

/// The headers that are the same on every answer. What a handler has set stays.
const SAME_FOR_ALL: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (header::CACHE_CONTROL, "no-store"),
];

/// Passes requests for a name that is ours.
pub(super) async fn check_host(
    State(settings): State<Arc<AdminSettings>>,
    request: Request,
    next: Next,
) -> Response {
    match hosts(request.uri(), request.headers()) {
        Some(named)
            if named
                .iter()
                .all(|host| is_ours(host, &settings.allowed_hosts)) =>
        {
            next.run(request).await
        }
        Some(named) => {
            let named = named
                .iter()
                .map(|host| quote(host.as_str()))
                .collect::<Vec<_>>()
                .join(", ");
            Problem::new(
                StatusCode::MISDIRECTED_REQUEST,
                "misdirected",
                "The admin port does not have this name",
            )
            .detail(format!(
                "{named} is not an IP address, not localhost and not in admin.allowed_hosts"
            ))
            .into_response()
        }
        None => Problem::new(
            StatusCode::BAD_REQUEST,
            "bad-host",
            "The request has no single valid Host",
        )
        .detail("send one Host field with a name or an address, and a port".to_owned())
        .into_response(),
    }
}

/// Lets pages that may read the feed read the JSON too, for when they cannot open a WebSocket.
pub(super) async fn share_with_trusted_pages(
    State(settings): State<Arc<AdminSettings>>,
    request: Request,
    next: Next,
) -> Response {
    let trusted = match origin(request.headers()) {
        Origin::Named(name) if may_read(request.headers(), &settings) => {
            HeaderValue::from_str(&name).ok()
        }
        Origin::Named(_) | Origin::Absent | Origin::Unclear => None,
    };
    let mut response = next.run(request).await;
    response
        .headers_mut()
        .append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(name) = trusted {
        response
            .headers_mut()
            .insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, name);
    }
    response
}

/// Refuses what a page of another origin would change: a browser sends such a request without asking, and says where it is from.
pub(super) async fn refuse_other_pages(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let is_own = match origin(headers) {
        Origin::Absent => true,
        Origin::Unclear => false,
        Origin::Named(name) => is_same(headers, &name),
    };
    if is_own {
        return next.run(request).await;
    }
    let title = "A page of another origin may not change anything here";
    Problem::new(StatusCode::FORBIDDEN, "foreign-page", title)
        .detail("send the request without Origin, or from the dashboard".to_owned())
        .into_response()
}

/// Puts the headers of a page that shows nothing but itself on every answer.
pub(super) async fn secure(request: Request, next: Next) -> Response {
    let host = hosts(request.uri(), request.headers()).and_then(|named| named.into_iter().next());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in SAME_FOR_ALL {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&content_policy(host.as_ref())) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Whether a page of the request's origin may read the feed. What is not a page sends no `Origin` and may.
pub(super) fn may_read(headers: &HeaderMap, settings: &AdminSettings) -> bool {
    let name = match origin(headers) {
        Origin::Absent => return true,
        Origin::Unclear => return false,
        Origin::Named(name) => name,
    };
    if settings
        .allowed_origins
        .iter()
        .any(|allowed| allowed.trim_end_matches('/').eq_ignore_ascii_case(&name))
    {
        return true;
    }
    let of_this_machine = |(_, origin): (bool, Authority)| is_loopback(origin.host());
    is_same(headers, &name)
        || (settings.listen.ip().is_loopback() && parts(&name).is_some_and(of_this_machine))
}

/// Whether an origin is that of the port itself, as the request names it.
fn is_same(headers: &HeaderMap, name: &str) -> bool {
    let Some((https, origin)) = parts(name) else {
        return false;
    };
    let default = if https { 443 } else { 80 };
    let same = |own: &Authority| {
        own.host().eq_ignore_ascii_case(origin.host())
            && own.port_u16().unwrap_or(default) == origin.port_u16().unwrap_or(default)
    };
    let own = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .and_then(|host| host.parse().ok());
    own.as_ref().is_some_and(same)
}

/// Where a page comes from.
enum Origin {
    Absent,
    Named(String),
    /// More than one, or not text.
    Unclear,
}

fn origin(headers: &HeaderMap) -> Origin {
    let mut all = headers.get_all(header::ORIGIN).iter();
    match (all.next(), all.next()) {
        (None, _) => Origin::Absent,
        (Some(one), None) => one
            .to_str()
            .map_or(Origin::Unclear, |name| Origin::Named(name.to_owned())),
        (Some(_), Some(_)) => Origin::Unclear,
    }
}

/// Whether an origin is https, and its authority; `None` for `null`, other schemes, and anything with a path.
fn parts(origin: &str) -> Option<(bool, Authority)> {
    let (scheme, rest) = origin.split_once("://")?;
    let https = match scheme {
        "https" => true,
        "http" => false,
        _ => return None,
    };
    let authority: Authority = rest.parse().ok()?;
    (!rest.contains('@')).then_some((https, authority))
}

/// Every name that the request goes to: of its target where that has one, and of its `Host`. `None` when the field is
/// missing, there twice or not a host (RFC 9112, section 3.2).
fn hosts(uri: &Uri, headers: &HeaderMap) -> Option<Vec<Authority>> {
    let mut fields = headers.get_all(header::HOST).iter();
    let (Some(field), None) = (fields.next(), fields.next()) else {
        return None;
    };
    let named: Authority = field.to_str().ok()?.parse().ok()?;
    if named.as_str().contains('@') {
        return None;
    }
    Some(
        uri.authority()
            .cloned()
            .into_iter()
            .chain([named])
            .collect(),
    )
}

fn is_ours(authority: &Authority, allowed: &[String]) -> bool {
    let host = authority.host();
    let plain = host.trim_end_matches('.');
    plain.eq_ignore_ascii_case("localhost")
        || address(host).is_some()
        || allowed
            .iter()
            .any(|name| name.trim_end_matches('.').eq_ignore_ascii_case(plain))
}

fn is_loopback(host: &str) -> bool {
    host.trim_end_matches('.').eq_ignore_ascii_case("localhost")
        || address(host).is_some_and(|address| address.is_loopback())
}

fn address(host: &str) -> Option<IpAddr> {
    match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(v6) => v6.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    }
}

/// The policy of the page. `'self'` does not cover `ws:` in every browser, so our own name is spelled out.
fn content_policy(host: Option<&Authority>) -> String {
    let plain = |host: &&Authority| {
        host.as_str()
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b))
    };
    let feeds = host
        .filter(plain)
        .map(|host| format!(" ws://{host} wss://{host}"))
        .unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'{feeds}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'"
    )
}
