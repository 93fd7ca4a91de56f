//! The names under which things are remembered: of a URL, and of a URL as one caller sees it.

use std::hash::{BuildHasher, Hash, Hasher};

use http::{HeaderMap, HeaderValue, Uri, header, uri::Authority};
use siphasher::sip128::{Hash128, Hasher128, SipHasher13};

/// Parameters that are put in order; more are taken as they stand.
const MAX_SORTED: usize = 16;

/// Names a URL as one caller sees it: a keyed hash, so that nobody outside can make two URLs meet.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct UrlKey(u64, u64);

/// Makes the names. With the same key they are the same, also in another process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names {
    key: [u8; 16],
}

// === impl UrlKey ===

impl UrlKey {
    /// A number for telling objects apart.
    pub(crate) const fn object(self) -> u64 {
        self.0
    }

    /// The name as a store has it.
    pub(crate) fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.0) << 64 | u128::from(self.1)).to_be_bytes()
    }

    /// The name of that many bytes.
    pub(crate) fn of_bytes(bytes: [u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, rest @ ..] = bytes;
        let first = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        Self(first, u64::from_be_bytes(rest))
    }

    fn of_hash(hash: &impl Hasher128) -> Self {
        let Hash128 { h1, h2 } = hash.finish128();
        Self(h1, h2)
    }
}

// === impl Names ===

impl Names {
    /// Names that no other process makes.
    pub(crate) fn new() -> Self {
        Self::with_key(rand::random())
    }

    pub(crate) const fn with_key(key: [u8; 16]) -> Self {
        Self { key }
    }

    pub(crate) const fn key(&self) -> [u8; 16] {
        self.key
    }

    /// The name of a URL, whoever asks: scheme, authority (`Host` where the URL has none), path, and the query with its
    /// parameters in order. The order of those with the same name stays.
    pub(crate) fn of(&self, uri: &Uri, headers: &HeaderMap) -> UrlKey {
        let mut hash = self.build_hasher();
        (uri.scheme_str(), place_of(uri, headers), uri.path()).hash(&mut hash);
        hash_query(uri.query(), &mut hash);
        UrlKey::of_hash(&hash)
    }

    /// The name of a URL as that [`caller`](super::caller::digest) sees it.
    pub(crate) fn for_caller(&self, url: UrlKey, caller: Option<&[u8; 32]>) -> UrlKey {
        if caller.is_none() {
            return url;
        }
        let mut hash = self.build_hasher();
        (url, caller).hash(&mut hash);
        UrlKey::of_hash(&hash)
    }
}

impl BuildHasher for Names {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_key(&self.key)
    }
}

/// Where a URL is: its authority, or `Host` where it has none.
pub(crate) fn place_of<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a [u8]> {
    let host = || headers.get(header::HOST).map(HeaderValue::as_bytes);
    uri.authority()
        .map(Authority::as_str)
        .map(str::as_bytes)
        .or_else(host)
}

/// Hashes a query with its parameters in order.
pub(crate) fn hash_query(query: Option<&str>, hash: &mut impl Hasher) {
    let Some(query) = query else {
        return;
    };
    let count = query.bytes().filter(|byte| *byte == b'&').count() + 1;
    if count == 1 || count > MAX_SORTED {
        return query.hash(hash);
    }
    let mut sorted = [""; MAX_SORTED];
    for (place, parameter) in sorted.iter_mut().zip(query.split('&')) {
        *place = parameter;
    }
    let Some(parameters) = sorted.get_mut(..count) else {
        return;
    };
    parameters.sort_by_key(|parameter| name_of(parameter));
    for parameter in parameters {
        parameter.hash(hash);
    }
}

fn name_of(parameter: &str) -> &str {
    parameter
        .split_once('=')
        .map_or(parameter, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        let names = Names::new();
        let name = |uri: &str| names.of(&uri.parse().unwrap(), &HeaderMap::new());
        name(one) == name(other)
    }

    #[test]
    fn the_order_of_parameters_makes_no_difference_and_their_values_do() {
        assert!(same("/a?x=1&y=2", "/a?y=2&x=1"));
        assert!(!same("/a?x=1&x=2", "/a?x=2&x=1"));
        assert!(!same("/a?x=1&y=2", "/a?x=2&y=1"));
        assert!(!same("/a?x=1", "/a?x=1&y="));
        assert!(!same("/a", "/a?"));
        assert!(!same("http://a.test/a", "http://b.test/a"));
        assert!(!same("http://a.test/a", "https://a.test/a"));
    }

    #[test]
    fn with_the_same_key_names_are_the_same_and_survive_as_bytes() {
        let uri = Uri::from_static("http://a.test/a?x=1");
        let name = |names: Names| names.of(&uri, &HeaderMap::new());
        let names = Names::new();
        assert_eq!(name(names), name(Names::with_key(names.key())));
        assert_ne!(name(names), name(Names::new()));
        assert_eq!(UrlKey::of_bytes(name(names).to_bytes()), name(names));
    }

    #[test]
    fn hosts_are_apart() {
        let names = Names::new();
        let name = |host: &'static str| {
            let headers = [(header::HOST, HeaderValue::from_static(host))]
                .into_iter()
                .collect();
            names.of(&Uri::from_static("/"), &headers)
        };
        assert_ne!(name("a.test"), name("b.test"));
    }

    #[test]
    fn many_parameters_are_no_trouble() {
        let many: String = (0..100).map(|n| format!("&p{n}=1")).collect();
        assert!(same(&format!("/?a{many}"), &format!("/?a{many}")));
    }
}
