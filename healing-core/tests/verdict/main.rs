//! What a verdict on a body costs, and what copies take. A binary of its own: a counter stands in for the allocator.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "what is no answer, no number or no address is a mistake of the test"
)]

mod allocations;
mod linear;
mod memory;

use bytes::Bytes;
use healing_core::{Body, classify::Promise};
use http::{HeaderValue, Response, header, response::Parts};

/// The head of a JSON answer.
fn json() -> Parts {
    let mut response = Response::new(());
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response.into_parts().0
}

/// A body that came in pieces of that size.
fn in_pieces(text: &str, size: usize) -> Body {
    let text = Bytes::from(text.to_owned());
    (0..text.len())
        .step_by(size)
        .map(|from| text.slice(from..text.len().min(from + size)))
        .collect()
}

/// What such an answer promises.
fn promise_of(text: &str) -> Promise {
    let mut promise = Promise::new();
    promise
        .judge_body(&json(), &in_pieces(text, text.len()))
        .expect("a good answer");
    promise
}
