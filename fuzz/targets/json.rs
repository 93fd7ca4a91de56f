//! The scanner of bodies says of each text what `serde_json` says: JSON or not.
#![no_main]

use healing_core::{Body, Fault, classify::Promise};
use http::{HeaderValue, Response, header, response::Parts};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

thread_local! {
    static HEAD: Parts = head();
    static PROMISE: Promise = promise();
}

fuzz_target!(|text: &[u8]| {
    let judged = HEAD.with(|head| {
        let mut promise = PROMISE.with(Clone::clone);
        promise.judge_body(head, &Body::from(text.to_vec()))
    });
    if judged.as_ref().is_err_and(is_by_a_rule) {
        return; // a page or a text of which a rule knows what it says, an element `error` for one
    }
    let ours = !judged.is_err_and(|fault| is_about_the_grammar(&fault));
    let text = std::str::from_utf8(text);
    let theirs = text.is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
    // What is ignored is followed to any depth; a value is not, here and there.
    let is_too_deep = || {
        let value = text.map(serde_json::from_str::<serde_json::Value>);
        matches!(value, Ok(Err(error)) if error.to_string().contains("recursion limit"))
    };
    assert!(
        ours == theirs || !ours && is_too_deep(),
        "ours {ours}, theirs {theirs}"
    );
});

/// Rules have their file before their name.
fn is_by_a_rule(fault: &Fault) -> bool {
    fault.detail.contains('/')
}

fn is_about_the_grammar(fault: &Fault) -> bool {
    [
        "empty_body",
        "truncated_json",
        "invalid_json",
        "text_instead",
        "html_instead",
    ]
    .contains(&&*fault.detail)
}

fn head() -> Parts {
    let mut response = Response::new(());
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response.into_parts().0
}

/// Of a URL whose answers are JSON.
fn promise() -> Promise {
    let mut promise = Promise::new();
    let _good = promise.judge_body(&head(), &Body::from(r#"{"rows":[{"a":1}]}"#));
    promise
}
