//! What a URL that something is kept of is called: to people, and to other processes.

use std::hash::{BuildHasher, Hasher};

use http::{HeaderMap, HeaderName, Uri, header};
use sha2::{Digest, Sha256};

use crate::{
    kept::{
        caller,
        target::{UrlKey, hash_query, place_of},
        variant,
    },
    redact::redacted_target,
    vocabulary::route::Route,
};

/// What a URL is called.
#[derive(Debug)]
pub(crate) struct Title {
    /// Its key, whoever asks.
    pub(crate) url: UrlKey,
    pub(crate) route: Route,
    /// Its path and query, where nothing can be a secret.
    pub(crate) shown: Box<str>,
    /// A hash of its path and query as they are, to know it again.
    pub(crate) target: u64,
    /// Its name in a second level, as its caller sees it.
    pub(crate) own: FarName,
    /// Its name there, whoever asks.
    pub(crate) of_all: FarName,
}

/// A name that every process makes alike: a digest, so that nothing that is asked for can be read from it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct FarName([u8; 16]);

/// SHA-256 as a hash of eight bytes.
struct Sha(Sha256);

/// Begins one.
struct Begin;

// === impl Title ===

impl Title {
    pub(crate) fn of(url: UrlKey, route: &Route, uri: &Uri, headers: &HeaderMap) -> Self {
        let of_all = FarName::of(uri, headers);
        let caller = caller::digest(headers);
        Self {
            url,
            route: route.clone(),
            shown: redacted_target(uri).into(),
            target: 0,
            own: caller.map_or(of_all, |caller| of_all.for_caller(&caller)),
            of_all,
        }
    }
}

// === impl FarName ===

impl FarName {
    /// The name of a URL, of the same parts as its [`UrlKey`].
    pub(crate) fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let mut hash = Sha(Sha256::new());
        for part in [
            uri.scheme_str().unwrap_or_default().as_bytes(),
            place_of(uri, headers).unwrap_or_default(),
            uri.path().as_bytes(),
        ] {
            hash.write(part);
            hash.write_u8(0);
        }
        hash_query(uri.query(), &mut hash);
        Self::of_hash(hash)
    }

    /// The name of the same URL as that caller sees it.
    pub(crate) fn for_caller(self, caller: &[u8; 32]) -> Self {
        let mut hash = Sha(Sha256::new());
        hash.write(&self.0);
        hash.write(caller);
        Self::of_hash(hash)
    }

    fn of_hash(hash: Sha) -> Self {
        let digest: [u8; 32] = hash.0.finalize().into();
        let [name @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = digest;
        Self(name)
    }
}

impl std::fmt::LowerHex for FarName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Which variant a request asks for, as every process counts; `None` when no two ask for the same.
pub(crate) fn far_variant(answer: &HeaderMap, request: &HeaderMap) -> Option<u64> {
    variant::of(&Begin, answer, request)
}

/// The names of the fields that an answer varies by, as fields.
pub(crate) fn varying(names: &str) -> Option<HeaderMap> {
    let mut fields = HeaderMap::new();
    for name in names.split(',').map(str::trim) {
        HeaderName::try_from(name).ok()?;
        fields.append(header::VARY, name.parse().ok()?);
    }
    Some(fields)
}

impl Hasher for Sha {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest: [u8; 32] = self.0.clone().finalize().into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

impl BuildHasher for Begin {
    type Hasher = Sha;

    fn build_hasher(&self) -> Sha {
        Sha(Sha256::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(uri: &str, fields: &[(&'static str, &'static str)]) -> Title {
        let headers = fields
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        let headers: HeaderMap = headers.collect();
        let uri: Uri = uri.parse().unwrap();
        let route = Route::new(crate::Source::new("s").unwrap(), "/a");
        Title::of(UrlKey::of_bytes([0; 16]), &route, &uri, &headers)
    }

    #[test]
    fn every_process_calls_a_url_the_same() {
        // A new form of names needs a new number in the prefix of the second level.
        let title = name("/a?y=2&x=1", &[("host", "a.test")]);
        assert_eq!(
            format!("{:x}", title.of_all),
            "49113d5db06f53d76e0b11189803e331"
        );
        assert_eq!(
            title.of_all,
            name("/a?x=1&y=2", &[("host", "a.test")]).of_all
        );
        assert_eq!(title.own, title.of_all);
    }

    #[test]
    fn callers_hosts_and_values_are_apart() {
        let plain = name("/a?x=1", &[("host", "a.test")]);
        let bearer = name(
            "/a?x=1",
            &[("host", "a.test"), ("authorization", "Bearer k")],
        );
        let other = name(
            "/a?x=1",
            &[("host", "a.test"), ("authorization", "Bearer l")],
        );
        assert_eq!(plain.of_all, bearer.of_all);
        assert_ne!(bearer.own, bearer.of_all);
        assert_ne!(bearer.own, other.own);
        assert_ne!(plain.of_all, name("/a?x=2", &[("host", "a.test")]).of_all);
        assert_ne!(plain.of_all, name("/a?x=1", &[("host", "b.test")]).of_all);
    }

    #[test]
    fn what_is_shown_hides_what_could_be_a_secret() {
        assert_eq!(
            &*name("/a?symbol=X&apikey=abc", &[]).shown,
            "/a?symbol=X&apikey=REDACTED"
        );
    }
}
