//! What belongs to one hop and what is told to the next (RFC 9110, section 7.6; RFC 7239's `X-Forwarded-*` forerunners).

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Who a connection comes from.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    address: HeaderValue,
    /// In the form of RFC 7239: `for=192.0.2.7`, `for="[2001:db8::1]"`.
    forwarded: HeaderValue,
    /// Whether what it says of those before it is believed.
    is_trusted: bool,
}

// === impl Caller ===

impl Caller {
    /// The caller at that address; believed where it is of one of these networks. `None` is not reached: an address is visible
    /// ASCII.
    pub(crate) fn of(address: IpAddr, trusted: &[IpNet]) -> Option<Self> {
        // Where both kinds of addresses are listened for, IPv4 comes as a part of IPv6.
        let plain = address.to_canonical();
        let forwarded = match plain {
            IpAddr::V4(plain) => format!("for={plain}"),
            IpAddr::V6(plain) => format!("for=\"[{plain}]\""),
        };
        Some(Self {
            address: HeaderValue::try_from(plain.to_string()).ok()?,
            forwarded: HeaderValue::try_from(forwarded).ok()?,
            is_trusted: trusted.iter().any(|network| network.contains(&plain)),
        })
    }
}

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

/// Says in whose name the request comes, by the caller's address. What callers say of that themselves is dropped, unless they
/// are proxies that are trusted to know: then they are the last of those that they name.
pub(crate) fn forward(headers: &mut HeaderMap, caller: &Caller, upstream_is_near: bool) {
    if !upstream_is_near {
        // A public API is not told who its users are.
        for name in [
            header::FORWARDED,
            X_FORWARDED_FOR,
            X_FORWARDED_PROTO,
            X_FORWARDED_HOST,
        ] {
            headers.remove(name);
        }
        return;
    }
    if caller.is_trusted {
        headers.append(X_FORWARDED_FOR, caller.address.clone());
        if headers.contains_key(header::FORWARDED) {
            headers.append(header::FORWARDED, caller.forwarded.clone());
        }
        let http = HeaderValue::from_static("http");
        headers.entry(X_FORWARDED_PROTO).or_insert(http);
        if let Some(host) = headers.get(header::HOST).cloned() {
            headers.entry(X_FORWARDED_HOST).or_insert(host);
        }
        return;
    }
    headers.remove(header::FORWARDED);
    // Each takes the place of what the caller said.
    headers.insert(X_FORWARDED_FOR, caller.address.clone());
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
        let caller = Caller::of("192.0.2.7".parse().unwrap(), &[]).unwrap();
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
    fn a_proxy_that_is_trusted_is_the_last_of_those_that_it_names() {
        let trusted = ["192.0.2.0/24", "2001:db8::/32"].map(|network| network.parse().unwrap());
        let given = fields(&[
            ("host", "a:8080"),
            ("x-forwarded-for", "10.0.0.1"),
            ("x-forwarded-proto", "https"),
            ("forwarded", "for=x"),
        ]);
        for (address, last, is_believed) in [
            ("192.0.2.7", "for=192.0.2.7", true),
            ("::ffff:192.0.2.7", "for=192.0.2.7", true),
            ("2001:db8::1", "for=\"[2001:db8::1]\"", true),
            ("192.0.3.7", "", false),
            ("2001:db9::1", "", false),
        ] {
            let caller = Caller::of(address.parse().unwrap(), &trusted).unwrap();
            let mut near = given.clone();
            forward(&mut near, &caller, true);
            let all = |name: HeaderName| near.get_all(name).iter().collect::<Vec<_>>();
            let expected = if is_believed { 2 } else { 1 };
            assert_eq!(all(X_FORWARDED_FOR).len(), expected, "{near:?}");
            assert_eq!(near[&X_FORWARDED_PROTO] == "https", is_believed);
            assert_eq!(near[&X_FORWARDED_HOST], "a:8080");
            let forwarded = all(header::FORWARDED);
            assert_eq!(
                forwarded.last().is_some_and(|said| *said == last),
                is_believed
            );
            assert_eq!(forwarded.len(), if is_believed { 2 } else { 0 });
            let mut far = given.clone();
            forward(&mut far, &caller, false);
            assert_eq!(far, fields(&[("host", "a:8080")]));
        }
    }

    #[test]
    fn a_loop_is_seen() {
        let headers = fields(&[("via", "1.1 other, 1.1 heal-7f3a")]);
        assert!(has_passed(&headers, "heal-7f3a"));
        assert!(!has_passed(&headers, "heal-0000"));
    }
}
