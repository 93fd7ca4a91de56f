//! The names under which things are remembered: of a URL, and of a URL as one caller sees it.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use http::{HeaderMap, HeaderValue, Uri, header, uri::Authority};

/// Parameters that are put in order; more are taken as they stand.
const MAX_SORTED: usize = 16;

/// Names a URL as one caller sees it. Two keyed hashes: nobody outside can make two URLs meet.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct UrlKey(u64, u64);

/// Makes the names.
pub(crate) struct Names([RandomState; 2]);

// === impl UrlKey ===

impl UrlKey {
    /// A number for telling objects apart.
    pub(crate) const fn object(self) -> u64 {
        self.0
    }
}

// === impl Names ===

impl Names {
    pub(crate) fn new() -> Self {
        Self([RandomState::new(), RandomState::new()])
    }

    /// The first of the hashers, for what needs only one.
    pub(crate) const fn hasher(&self) -> &RandomState {
        let [first, _] = &self.0;
        first
    }

    /// The name of a URL, whoever asks: scheme, authority (`Host` where the URL has none), path, and the query with its
    /// parameters in order. The order of those with the same name stays.
    pub(crate) fn of(&self, uri: &Uri, headers: &HeaderMap) -> UrlKey {
        let host = || headers.get(header::HOST).map(HeaderValue::as_bytes);
        let authority = uri
            .authority()
            .map(Authority::as_str)
            .map(str::as_bytes)
            .or_else(host);
        let [first, second] = &self.0;
        let of = |hasher: &RandomState| {
            let mut hash = hasher.build_hasher();
            (uri.scheme_str(), authority, uri.path()).hash(&mut hash);
            hash_query(uri.query(), &mut hash);
            hash.finish()
        };
        UrlKey(of(first), of(second))
    }

    /// The name of a URL as that [`caller`](super::caller::digest) sees it.
    pub(crate) fn for_caller(&self, url: UrlKey, caller: Option<&[u8; 32]>) -> UrlKey {
        let [first, second] = &self.0;
        match caller {
            Some(_) => UrlKey(
                first.hash_one((url, caller)),
                second.hash_one((url, caller)),
            ),
            None => url,
        }
    }
}

fn hash_query(query: Option<&str>, hash: &mut impl Hasher) {
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
