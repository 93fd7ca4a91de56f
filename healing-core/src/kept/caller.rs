//! Who asks, as far as the fields of a request tell.

use http::{HeaderMap, HeaderName, header};
use sha2::{Digest, Sha256};

/// A digest of who asks, where the request tells; answers for one caller are not given to another.
pub(crate) fn digest(headers: &HeaderMap) -> Option<[u8; 32]> {
    if !has_credentials(headers) {
        return None;
    }
    let mut digest = Sha256::new();
    for (name, value) in headers.iter().filter(|(name, _)| is_credential(name)) {
        digest.update(name.as_str());
        digest.update([0]);
        digest.update(value.as_bytes());
        digest.update([0]);
    }
    Some(digest.finalize().into())
}

/// Whether a request carries credentials of its caller.
fn has_credentials(headers: &HeaderMap) -> bool {
    headers.keys().any(is_credential)
}

fn is_credential(name: &HeaderName) -> bool {
    // Whatever a provider calls its key: X-Api-Key, APCA-API-KEY-ID, X-Finnhub-Token. One name too many only separates
    // callers that could have shared.
    let mut rest = name.as_str().as_bytes();
    while let [first, more @ ..] = rest {
        let is_telling = match first {
            b'k' => more.starts_with(b"ey"),
            b't' => more.starts_with(b"oken"),
            b's' => more.starts_with(b"ecret") || more.starts_with(b"ession"),
            b'a' => more.starts_with(b"uth"),
            _ => false,
        };
        if is_telling {
            return true;
        }
        rest = more;
    }
    *name == header::COOKIE
}
