//! What belongs to one hop and what is told to the next (RFC 9110, section 7.6; RFC 7239's `X-Forwarded-*` forerunners).

use http::{HeaderMap, HeaderName, HeaderValue, header};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The protocol that a request wants to switch to, where it does.
pub(crate) fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let protocol = headers.get(header::UPGRADE)?;
    let wants = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|name| name.trim().eq_ignore_ascii_case("upgrade"));
    wants.then(|| protocol.clone())
}

/// Says in whose name the request comes, by the caller's address. What callers say of that themselves is dropped: nobody is
/// trusted to know.
pub(crate) fn forward(headers: &mut HeaderMap, caller: &HeaderValue, upstream_is_near: bool) {
    headers.remove(header::FORWARDED);
    if !upstream_is_near {
        // A public API is not told who its users are.
        for name in [X_FORWARDED_FOR, X_FORWARDED_PROTO, X_FORWARDED_HOST] {
            headers.remove(name);
        }
        return;
    }
    // Each takes the place of what the caller said.
    headers.insert(X_FORWARDED_FOR, caller.clone());
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static("http"));
    match headers.get(header::HOST).cloned() {
        Some(host) => drop(headers.insert(X_FORWARDED_HOST, host)),
        None => drop(headers.remove(X_FORWARDED_HOST)),
    }
}

/// Whether the message has passed this proxy before.
pub(crate) fn has_passed(headers: &HeaderMap, pseudonym: &str) -> bool {
    let mut hops = headers
        .get_all(header::VIA)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    hops.any(|hop| hop.split_whitespace().nth(1) == Some(pseudonym))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn an_upgrade_needs_both_fields() {
        assert!(
            upgrade(&fields(&[
                ("connection", "keep-alive, Upgrade"),
                ("upgrade", "websocket")
            ]))
            .is_some()
        );
        assert!(upgrade(&fields(&[("upgrade", "websocket")])).is_none());
        assert!(upgrade(&fields(&[("connection", "upgrade")])).is_none());
    }

    #[test]
    fn callers_do_not_say_who_they_are_and_public_apis_are_not_told() {
        let caller = HeaderValue::from_static("192.0.2.7");
        let given = fields(&[
            ("host", "a:8080"),
            ("x-forwarded-for", "10.0.0.1"),
            ("forwarded", "for=x"),
        ]);
        let mut near = given.clone();
        forward(&mut near, &caller, true);
        assert_eq!(near[&X_FORWARDED_FOR], "192.0.2.7");
        assert_eq!(near[&X_FORWARDED_HOST], "a:8080");
        assert!(!near.contains_key(header::FORWARDED));
        let mut far = given;
        forward(&mut far, &caller, false);
        assert_eq!(far, fields(&[("host", "a:8080")]));
    }

    #[test]
    fn a_loop_is_seen() {
        let headers = fields(&[("via", "1.1 other, 1.1 heal-7f3a")]);
        assert!(has_passed(&headers, "heal-7f3a"));
        assert!(!has_passed(&headers, "heal-0000"));
    }
}
