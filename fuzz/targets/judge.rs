//! The verdict on a body after another one: it ends, and is the same however the body was cut into pieces.
//!
//! An input is the content type, the content coding, and two bodies with a line `--` between.
#![no_main]

use bytes::Bytes;
use healing_core::{Body, classify::Promise};
use healing_fuzz::{add, halves, line};
use http::Response;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (media_type, input) = line(input);
    let (coding, input) = line(input);
    let mut response = Response::new(());
    add(response.headers_mut(), "content-type", media_type);
    add(response.headers_mut(), "content-encoding", coding);
    let (head, ()) = response.into_parts();
    let (first, second) = halves(input, b"\n--\n");

    let mut promise = Promise::new();
    let _first = promise.judge_body(&head, &Body::from(first.to_vec()));
    let mut again = promise.clone();
    let whole = promise.judge_body(&head, &Body::from(second.to_vec()));
    let pieces = second.chunks(7).map(Bytes::copy_from_slice).collect();
    let in_pieces = again.judge_body(&head, &pieces);
    assert_eq!(whole, in_pieces);
});
