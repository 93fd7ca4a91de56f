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
    const WORDS: [&[u8]; 5] = [b"key", b"token", b"secret", b"auth", b"session"];
    let mut rest = name.as_str().as_bytes();
    while let [first, more @ ..] = rest {
        if matches!(first, b'k' | b't' | b's' | b'a')
            && WORDS.iter().any(|word| rest.starts_with(word))
        {
            return true;
        }
        rest = more;
    }
    *name == header::COOKIE
}
