//! An answer that sends the caller elsewhere.

use http::header;

use crate::{
    classify::{exchange::Exchange, finding::Finding},
    vocabulary::fault::FaultClass,
};

/// A redirect carries no data; where it leads says why. One that only mends the address is an answer.
pub(super) fn judge(exchange: &Exchange<'_>, status: u16) -> Option<Finding> {
    if matches!(status, 300 | 304) {
        return None;
    }
    let location = exchange.headers.get(header::LOCATION);
    let to = location.map(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase());
    let rule = format!("status_{status}");
    let Some(to) = to else {
        return Some(Finding::of(
            FaultClass::Blocked,
            rule,
            "the status, without a location",
        ));
    };
    let has = |words: &[&str]| words.iter().any(|word| to.contains(word));
    let class = if has(&[
        "consent",
        "captcha",
        "challenge",
        "blocked",
        "denied",
        "geo",
        "robot",
    ]) {
        FaultClass::Blocked
    } else if has(&["maintenance", "sorry"]) {
        FaultClass::Maintenance
    } else if has(&[
        "login", "signin", "sign-in", "sign_in", "/auth", "sso", "key", "register", "signup",
    ]) {
        FaultClass::AuthError
    } else if has(&["pricing", "upgrade", "premium", "subscri"]) {
        FaultClass::PremiumRequired
    } else if has(&["notfound", "not-found", "not_found", "404"]) {
        FaultClass::NotFound
    } else if has(&["error"]) {
        FaultClass::ServerError
    } else if leads_to_same(exchange, &to) {
        return None;
    } else if matches!(status, 301 | 308) {
        FaultClass::NotFound
    } else {
        FaultClass::Blocked
    };
    Some(Finding::of(class, rule, "the location"))
}

/// Whether a location is the asked path at another host, scheme or spelling.
fn leads_to_same(exchange: &Exchange<'_>, to: &str) -> bool {
    let behind_scheme = to.split_once("://").map_or(to, |(_, rest)| rest);
    let path = behind_scheme.split_once('/').map_or("", |(_, path)| path);
    let bare = |path: &str| {
        let path = path.split('?').next().unwrap_or_default();
        path.trim_matches('/').to_ascii_lowercase()
    };
    let asked = bare(exchange.path());
    !asked.is_empty() && (bare(path) == asked || bare(to) == asked)
}
