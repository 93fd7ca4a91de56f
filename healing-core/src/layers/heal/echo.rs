//! Answers that repeat a key of ours: a redirect to the whole URL, an error that quotes the request, a notice that begins
//! with the key it counts. What a key stands in is masked before anybody sees it or anything of it is kept.
//!
//! A body that is streamed is passed on unread; its fields are masked like any other's.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderValue, header, response::Parts};

use crate::{
    body::Chunks,
    classify::encoding::{Inflated, inflate},
    keys::Secret,
    pace::Pass,
};

/// Masks the key of that pass in the fields.
pub(crate) fn mask_fields(head: &mut Parts, pass: &Pass) {
    let Some(key) = pass.secret() else {
        return;
    };
    for value in head.headers.values_mut() {
        if let Some(masked) = key.masked(value.as_bytes()) {
            *value = HeaderValue::from_bytes(&masked)
                .unwrap_or_else(|_| HeaderValue::from_static(crate::redact::REDACTED));
        }
    }
}

/// Masks the key of that pass in a whole body. A coded body that holds it is given plain.
pub(crate) fn mask_body(head: &mut Parts, chunks: Chunks, pass: &Pass) -> Chunks {
    let Some(key) = pass.secret() else {
        return chunks;
    };
    if let Inflated::Plain(plain) = inflate(&head.headers, &chunks) {
        let Some(masked) = key.masked(&plain) else {
            return chunks;
        };
        let headers = &mut head.headers;
        headers.remove(header::CONTENT_ENCODING);
        headers.remove(header::ETAG); // it named the coded form
        if headers.contains_key(header::CONTENT_LENGTH) {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(masked.len()));
        }
        return of(masked);
    }
    masked_chunks(&chunks, key).map_or(chunks, of)
}

/// A key may lie across two chunks, so more than one are looked at in one piece.
fn masked_chunks(chunks: &Chunks, key: &Secret) -> Option<Vec<u8>> {
    let whole: Cow<'_, [u8]> = match chunks {
        Chunks::None => return None,
        Chunks::One(chunk) => Cow::Borrowed(chunk),
        Chunks::Many(_) => Cow::Owned(chunks.iter().flatten().copied().collect()),
    };
    key.masked(&whole)
}

fn of(bytes: Vec<u8>) -> Chunks {
    let mut chunks = Chunks::None;
    chunks.push(Bytes::from(bytes));
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_across_two_chunks_is_masked() {
        let mut chunks = Chunks::None;
        for part in ["the key 012345", "6789abcdef is spent"] {
            chunks.push(Bytes::from_static(part.as_bytes()));
        }
        let key = Secret::new("0123456789abcdef".to_owned());
        let masked = masked_chunks(&chunks, &key).unwrap();
        assert_eq!(masked, b"the key **************** is spent");
        assert_eq!(
            masked_chunks(&chunks, &Secret::new("0123456789zzzzzz".to_owned())),
            None
        );
    }
}
