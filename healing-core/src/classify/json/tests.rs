//! The scanner beside `serde_json`, and what it finds.

use std::collections::VecDeque;

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn scanned(text: &[u8]) -> Result<Scan, NoJson> {
    scan(&Chunks::One(text.to_vec().into()), Grammar::Value, |_| {
        false
    })
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
    let paths = |text: &str| scanned(text.as_bytes()).unwrap().paths.all().to_vec();
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
    assert_eq!(plain.paths.all(), escaped.paths.all());
    assert!(escaped.error.is_some());
    assert!(escaped.prose);
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
    scan(&many(32), Grammar::Value, |_| false).unwrap();
    assert!(TOGETHER.with_borrow(Vec::capacity) <= KEPT_BYTES);
    scan(&many(2), Grammar::Value, |_| false).unwrap();
    assert!(TOGETHER.with_borrow(Vec::capacity) >= row.len() * 2);
}

/// What is found of a text, with rows that repeat and with each row walked.
#[track_caller]
fn check_both_ways(text: &str) {
    let found = |pattern| {
        let mut scan = Scan::new();
        Walk::over(text, &mut scan, pattern).whole().map(|()| {
            scan.read_texts(text);
            (
                scan.paths.all().to_vec(),
                scan.paths.data().collect::<Vec<_>>(),
                (scan.leaves, scan.numbers),
                (scan.prose, scan.arrays, scan.error),
            )
        })
    };
    assert_eq!(found(Pattern::new()), found(Pattern::used_up()), "{text}");
}

#[test]
fn rows_that_repeat_are_found_to_hold_what_they_hold() {
    let many = |row: &str| format!("[{}]", vec![row; 20].join(","));
    let days = |value: &str| {
        let days: Vec<_> = (1000..1040)
            .map(|day| format!("\"{day}\":{value}"))
            .collect();
        format!("{{{}}}", days.join(","))
    };
    for text in [
        many(r#"{"date":"2026-01-02","value":4.5}"#),
        many(r#"{"a":null,"b":"","c":[],"d":{}}"#),
        many(r#"["1.0","2.5"]"#).replacen("2.5", "x\\\"y", 7),
        many("-1.5e3"),
        many("null"),
        many(r#"{"error":{"code":5,"text":"a b c d e f"}}"#),
        format!("{}x", many("1.25")),
        many("1.25").replacen("1.25,", "1.2.5,", 1),
        many("1").replace("1]", "01]"),
        many("1").replace(",1]", ", ]"),
        many(r#"{"a":1}"#).replace("1}]", "1]]"),
        many(r#"{"a":1}"#).replace("1}]", "nul}]"),
        many(r#"{"a":{"b":[1,2]},"c":"x"}"#).replacen("2]", "2,3]", 9),
        many(r#"{"a":null}"#).replacen("null}]", "7}]", 1),
        format!(
            "{{{}}}",
            (1000..1040)
                .map(|day| format!("\"{day}\":{{\"x\":{day}}}"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        many(&many("[1, 2]")),
        days("1.5"),
        days("\"x\""),
        days("1,2"),
        days("1.5").replacen("1.5,", "1.5,2,", 30),
        many(&format!(
            "{{{}}}",
            (0..40)
                .map(|n| format!("\"k{n}\":{n}"))
                .collect::<Vec<_>>()
                .join(",")
        )),
    ] {
        check_both_ways(&text);
    }
}

#[test]
fn lines_are_rows_and_each_is_a_value() {
    let lines = |text: &str| {
        let chunks = Chunks::One(text.to_owned().into());
        scan(&chunks, Grammar::Lines, |_| false)
    };
    let (lined, listed) = (
        lines("{\"a\":1}\n\n {\"a\":2} \r\n[true]\n"),
        scanned(br#"[{"a":1},{"a":2},[true]]"#),
    );
    assert_eq!(lined.unwrap().paths.all(), listed.unwrap().paths.all());
    for (text, expected) in [
        ("1\n2", Ok(())),
        ("{\"a\":1} {\"a\":2}", Err(NoJson::Invalid)),
        ("{\"a\":1},\n{\"a\":2}", Err(NoJson::Invalid)),
        ("{\"a\":1}\n{\"a\":", Err(NoJson::Cut)),
        ("{\"a\":1}\n{\"a\":\n", Err(NoJson::Cut)),
    ] {
        assert_eq!(lines(text).map(|_| ()), expected, "{text}");
    }
}

/// A text is JSON where it is for `serde_json`. A number that is no float of 64 bits is JSON here all the same, and so is half of
/// a pair of escapes.
#[track_caller]
fn check_with_serde(text: &str) {
    let theirs = serde_json::from_str::<Value>(text);
    let is_theirs_alone = theirs.as_ref().is_err_and(|error| {
        let error = error.to_string();
        ["out of range", "surrogate", "hex escape"]
            .iter()
            .any(|words| error.contains(words))
    });
    if !is_theirs_alone {
        assert_eq!(scanned(text.as_bytes()).is_ok(), theirs.is_ok(), "{text}");
    }
}

/// A row and its like: the same fields with other values, one of them at times of another kind, missing or broken.
fn rows() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        6 => "-?[0-9]{1,9}(\\.[0-9]{1,9})?(e[0-9])?",
        4 => r#""[a-z 0-9ä]{0,20}""#,
        1 => r#"null|true|false|""|\[\]|\{\}|\[1,2\]|"\\\\""#,
        1 => "[0-9.,\\]\\[}{a-z\"-]{1,3}",
    ];
    let row = prop::collection::vec(value, 1..4);
    let form = prop::sample::select(vec![
        ("{\"a\":", ",\"b\": ", "}"),
        ("[", ", ", "]"),
        ("", ",", ""),
        ("{\"x\":{\"y\":[", ",", "]}}"),
    ]);
    let rows = prop::collection::vec(row, 1..40);
    (form, rows, any::<bool>()).prop_map(|((begin, between, end), rows, are_days)| {
        let rows = rows.iter().enumerate().map(|(n, row)| {
            let row = format!("{begin}{}{end}", row.join(between));
            if are_days {
                format!("\"2026-{n}\":{row}")
            } else {
                row
            }
        });
        let (open, close) = if are_days { ('{', '}') } else { ('[', ']') };
        let rows = rows.collect::<Vec<_>>().join(",");
        format!("{{\"rows\":{open}{rows}{close}}}")
    })
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
    fn a_text_is_judged_alike_whether_its_rows_are_compared_or_walked(text in rows()) {
        check_both_ways(&text);
        check_with_serde(&text);
    }

    #[test]
    fn a_column_is_judged_alike_by_the_block_and_by_the_number(
        numbers in prop::collection::vec("-?(0|[1-9][0-9]{0,12})(\\.[0-9]{1,9})?", 12..60),
        space in " ?",
        at: prop::sample::Index,
        other in "[0-9.,e\\- \\]]",
    ) {
        let column = format!("[{}]", numbers.join(&format!(",{space}")));
        check_both_ways(&column);
        prop_assert!(scanned(column.as_bytes()).is_ok());
        let mut broken = column;
        let at = at.index(broken.len());
        broken.replace_range(at..=at, &other);
        check_both_ways(&broken);
        check_with_serde(&broken);
    }

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
        check_with_serde(&text);
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
        let many = scan(&Chunks::Many(chunks), Grammar::Value, |_| false).unwrap();
        prop_assert_eq!(format!("{many:?}"), format!("{:?}", scanned(&text).unwrap()));
    }
}
