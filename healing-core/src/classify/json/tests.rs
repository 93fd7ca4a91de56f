//! The scanner beside `serde_json`, and what it finds.

use std::collections::VecDeque;

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn scanned(text: &[u8]) -> Result<Scan, NoJson> {
    scan(&Chunks::One(text.to_vec().into()))
}

#[track_caller]
fn check(text: &str, expected: Result<(), NoJson>) {
    assert_eq!(scanned(text.as_bytes()).map(|_| ()), expected, "{text}");
}

#[test]
fn the_grammar_is_that_of_the_standard() {
    for good in [
        " {} ",
        "[]",
        "null",
        "-0.0e+7",
        "1E400",
        "\"\\u00e4\\n\\/\"",
        "[1,[2,{\"a\":[]}]]",
        "\"ä€😀\"",
    ] {
        check(good, Ok(()));
    }
    for bad in [
        "01",
        "+1",
        ".5",
        "1.x",
        "[1,]",
        "{\"a\" 1}",
        "{a:1}",
        "\"\\x\"",
        "\"\\u00g0\"",
        "\"a\nb\"",
        "{} {}",
        "NaN",
        "truth",
        "[1 2]",
        "{\"a\":1,}",
        "'a'",
    ] {
        check(bad, Err(NoJson::Invalid));
    }
    for cut in [
        "", " ", "{", "[1", "[1,", "{\"a", "{\"a\"", "{\"a\":", "\"\\", "\"\\u00", "-", "1.", "1e",
        "tru", "{\"a\":1",
    ] {
        check(cut, Err(NoJson::Cut));
    }
}

#[test]
fn values_too_deep_are_no_json() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    check(&deep(127), Ok(()));
    check(&deep(128), Err(NoJson::Invalid));
    check(&"[".repeat(1_000_000), Err(NoJson::Invalid));
}

#[test]
fn a_text_cut_inside_a_character_is_cut_and_one_that_is_no_utf8_is_no_json() {
    assert_eq!(scanned(b"[\"\xc3").map(|_| ()), Err(NoJson::Cut));
    assert_eq!(scanned(b"[\"\xc3\"]").map(|_| ()), Err(NoJson::Invalid));
}

#[test]
fn rows_share_their_paths_and_so_do_keys_that_are_values() {
    let paths = |text: &str| scanned(text.as_bytes()).unwrap().paths().to_vec();
    assert_eq!(
        paths(r#"{"rows":[{"a":1,"b":"x"},{"b":"y","a":2}]}"#),
        paths(r#"{"rows":[{"a":7,"b":"z"}]}"#)
    );
    assert_eq!(
        paths(r#"{"2024-01-02":{"close":1},"2024-01-03":{"close":2}}"#).len(),
        1
    );
    assert_eq!(paths(r#"{"a":1,"a1":2,"b":null,"c":""}"#).len(), 2);
}

#[test]
fn an_escaped_key_is_the_key_that_it_means() {
    let plain = scanned(br#"{"error":{"message":"too many requests, slow down"}}"#).unwrap();
    let escaped =
        scanned(br#"{"\u0065rror":{"m\u0065ssage":"too m\u0061ny requests, slow down"}}"#).unwrap();
    assert_eq!(plain.paths(), escaped.paths());
    assert!(escaped.error.is_some());
    assert_eq!(escaped.wording, Some(Wording::Throttle));
}

#[test]
fn a_zero_is_a_zero_however_it_is_written() {
    let error = |text: &str| {
        let text = format!(r#"{{"error":{text}}}"#);
        scanned(text.as_bytes()).unwrap().error.is_some()
    };
    assert!(!error("0") && !error("-0.000e5") && !error("false") && !error("null"));
    assert!(error("1") && error("0.001") && error("true"));
}

#[test]
fn a_thread_keeps_no_memory_of_a_large_body() {
    let row = vec![b'1'; 64 * 1024];
    let many = |count: usize| Chunks::Many(vec![row.clone().into(); count].into());
    scan(&many(32)).unwrap();
    assert!(TOGETHER.with_borrow(Vec::capacity) <= KEPT_BYTES);
    scan(&many(2)).unwrap();
    assert!(TOGETHER.with_borrow(Vec::capacity) >= row.len() * 2);
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..8)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #[test]
    fn what_a_serializer_writes_is_json_and_what_is_cut_off_it_is_not(value in json(), at: prop::sample::Index) {
        let text = serde_json::to_vec(&value).unwrap();
        prop_assert!(scanned(&text).is_ok());
        if value.is_array() || value.is_object() {
            let at = at.index(text.len());
            prop_assert_eq!(scanned(&text[..at]).map(|_| ()), Err(NoJson::Cut));
        }
    }

    #[test]
    fn any_bytes_are_json_where_they_are_for_serde_json(text in r#"[\[\]{}":,0-9eE.+\-tfnrualse\\ ]{0,24}"#) {
        let theirs = serde_json::from_str::<Value>(&text);
        // A number that is no float of 64 bits is JSON all the same, and so is half of a pair of escapes.
        let is_theirs_alone = theirs.as_ref().is_err_and(|error| {
            let error = error.to_string();
            error.contains("out of range") || error.contains("surrogate") || error.contains("hex escape")
        });
        if !is_theirs_alone {
            prop_assert_eq!(scanned(text.as_bytes()).is_ok(), theirs.is_ok(), "{}", text);
        }
    }

    #[test]
    fn the_same_is_found_however_the_body_was_cut_into_chunks(value in json(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let text = serde_json::to_vec(&value).unwrap();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len())).collect();
        cuts.sort_unstable();
        let mut chunks = VecDeque::new();
        let mut from = 0;
        for cut in cuts {
            chunks.push_back(text[from..cut].to_vec().into());
            from = cut;
        }
        chunks.push_back(text[from..].to_vec().into());
        let many = scan(&Chunks::Many(chunks)).unwrap();
        prop_assert_eq!(format!("{many:?}"), format!("{:?}", scanned(&text).unwrap()));
    }
}
