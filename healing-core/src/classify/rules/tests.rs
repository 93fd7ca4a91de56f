//! What rules find in answers.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::classify::recorded::Recorded;

/// The rules of a source with one rule, `a/it`.
fn one(when: &str) -> Rules {
    rules(&format!(
        "  - {{ name: it, class: blocked, doc: test, when: {when} }}"
    ))
}

fn rules(list: &str) -> Rules {
    Rules::parse(&format!("source: a\nrules:\n{list}\n")).unwrap()
}

fn answer(status: u16, body: &str) -> Recorded {
    Recorded {
        status: Some(status),
        method: "GET".to_owned(),
        host: "api.a.example".to_owned(),
        target: "/v1/quote?symbols=A,B%2CC&limit=5".to_owned(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        ..Recorded::default()
    }
}

fn with_field(name: &'static str, value: &'static str) -> Recorded {
    let field = (
        HeaderName::from_static(name),
        HeaderValue::from_static(value),
    );
    Recorded {
        headers: HeaderMap::from_iter([field]),
        ..answer(200, "{}")
    }
}

fn holds(when: &str, body: &str) -> bool {
    one(when).on(answer(200, body).exchange()).judge().is_some()
}

/// Each condition holds for all of the first bodies and none of the second.
#[track_caller]
fn tells_apart(when: &str, yes: &[&str], no: &[&str]) {
    let rules = one(when);
    for body in yes {
        assert!(
            rules.on(answer(200, body).exchange()).judge().is_some(),
            "{when} must hold for {body}"
        );
    }
    for body in no {
        assert!(
            rules.on(answer(200, body).exchange()).judge().is_none(),
            "{when} must not hold for {body}"
        );
    }
}

#[test]
fn a_pointer_alone_is_there_and_not_null() {
    tells_apart(
        "{ json: /a/b }",
        &[r#"{"a":{"b":0}}"#, r#"{"a":{"b":[]}}"#],
        &[
            r#"{"a":{"b":null}}"#,
            r#"{"a":{}}"#,
            r#"{"b":1}"#,
            "[]",
            "no json",
            r#"{"a":{"b":1}"#,
        ],
    );
    tells_apart(
        "{ json: '/a~1b/~0' }",
        &[r#"{"a/b":{"~":1}}"#],
        &[r#"{"a":{"b":1}}"#],
    );
    tells_apart(
        "{ json: /0/x }",
        &[r#"[{"x":1}]"#, r#"{"0":{"x":1}}"#],
        &[r#"[1,{"x":1}]"#],
    );
}

#[test]
fn values_are_compared_by_type() {
    tells_apart(
        "{ json: /a, equals: [429, 'no', true] }",
        &[
            r#"{"a":429}"#,
            r#"{"a":429.0}"#,
            r#"{"a":"no"}"#,
            r#"{"a":true}"#,
        ],
        &[
            r#"{"a":"429"}"#,
            r#"{"a":"No"}"#,
            r#"{"a":false}"#,
            r#"{"a":[429]}"#,
            "{}",
        ],
    );
    tells_apart(
        "{ json: /a, differs: OK }",
        &[r#"{"a":"ERROR"}"#, r#"{"a":1}"#, r#"{"a":null}"#],
        &[r#"{"a":"OK"}"#, "{}"],
    );
}

#[test]
fn words_ignore_case() {
    tells_apart(
        "{ json: /a, contains: ['per Day', daily] }",
        &[
            r#"{"a":"25 calls PER DAY"}"#,
            r#"{"a":"Daily"}"#,
            r#"{"a":"dadaily"}"#,
        ],
        &[
            r#"{"a":"per  day"}"#,
            r#"{"a":["daily"]}"#,
            r#"{"b":"daily"}"#,
        ],
    );
    tells_apart(
        "{ json: /a, starts: thank you }",
        &[r#"{"a":"Thank you for"}"#],
        &[r#"{"a":"No thank you"}"#],
    );
}

#[test]
fn emptiness_absence_and_type_are_told_apart() {
    tells_apart(
        "{ json: /a, empty: true }",
        &[
            "{}",
            r#"{"a":null}"#,
            r#"{"a":""}"#,
            r#"{"a":[]}"#,
            r#"{"a":{}}"#,
        ],
        &[
            r#"{"a":0}"#,
            r#"{"a":" "}"#,
            r#"{"a":[null]}"#,
            "<html>",
            "",
        ],
    );
    tells_apart(
        "{ json: /a, absent: true }",
        &["{}", "[]", r#"{"b":1}"#],
        &[r#"{"a":null}"#, "text"],
    );
    for (name, body) in [
        ("object", "{}"),
        ("array", "[]"),
        ("string", r#""""#),
        ("number", "1"),
        ("bool", "true"),
        ("null", "null"),
    ] {
        let when = format!("{{ json: /a, is: {name} }}");
        for value in ["{}", "[]", r#""""#, "1", "true", "null"] {
            assert_eq!(
                holds(&when, &format!(r#"{{"a":{value}}}"#)),
                value == body,
                "{name} {value}"
            );
        }
    }
    tells_apart("{ json: '', is: array }", &["[1]", "[]"], &["{}"]);
}

#[test]
fn limits_read_numbers_and_texts_of_numbers() {
    tells_apart(
        "{ json: /a, above: 10 }",
        &[r#"{"a":10.5}"#, r#"{"a":"11"}"#],
        &[r#"{"a":10}"#, r#"{"a":"x"}"#, r#"{"a":"inf"}"#],
    );
    tells_apart(
        "{ json: /a, below: 0 }",
        &[r#"{"a":-1}"#, r#"{"a":" -2.5 "}"#],
        &[r#"{"a":0}"#, r#"{"a":null}"#],
    );
}

#[test]
fn the_only_key_of_an_object_is_told_apart() {
    tells_apart(
        "{ json: /Note, only: true }",
        &[r#"{"Note":"x"}"#],
        &[r#"{"Note":"x","Data":{}}"#, r#"{"Data":{"Note":"x"}}"#],
    );
    tells_apart(
        "{ json: /Note, only: true, contains: slow }",
        &[r#"{"Note":"slow"}"#],
        &[r#"{"Note":"x"}"#, r#"{"Note":"slow","a":1}"#],
    );
}

#[test]
fn a_star_is_any_row_or_key() {
    tells_apart(
        "{ json: '/rows/*/id', equals: 7 }",
        &[
            r#"{"rows":[{"id":1},{"id":7}]}"#,
            r#"{"rows":{"x":{"id":7}}}"#,
        ],
        &[r#"{"rows":[{"id":1}]}"#, r#"{"rows":{"id":7}}"#],
    );
    // A literal beside a star: both look at the same value.
    let both = "{ all: [ { json: '/*/b', is: number }, { json: /a/b, equals: 1 }, { json: '/a/*', below: 2 } ] }";
    tells_apart(
        both,
        &[r#"{"a":{"b":1}}"#],
        &[r#"{"c":{"b":1}}"#, r#"{"a":{"c":1}}"#],
    );
}

#[test]
fn conditions_are_put_together() {
    let when = "{ status: 200, any: [ { json: /a }, { json: /b } ], not: { json: /c } }";
    tells_apart(
        when,
        &[r#"{"a":1}"#, r#"{"b":1}"#],
        &["{}", r#"{"a":1,"c":1}"#],
    );
    assert!(
        one(when)
            .on(answer(201, r#"{"a":1}"#).exchange())
            .judge()
            .is_none()
    );
}

#[test]
fn a_status_is_one_of_a_list_or_of_a_hundred() {
    let rules = one("{ status: [401, 5xx] }");
    let held = |status| rules.on(answer(status, "").exchange()).judge().is_some();
    assert!(held(401) && held(500) && held(599));
    assert!(!held(400) && !held(600));
    let failed = Recorded {
        status: None,
        ..answer(200, "")
    };
    assert!(rules.on(failed.exchange()).judge().is_none());
}

#[test]
fn the_body_is_read_as_text() {
    tells_apart(
        "{ body: { contains: [Incident, denied] } }",
        &["<p>ACCESS DENIED"],
        &["<p>fine"],
    );
    tells_apart(
        "{ body: { starts: too many } }",
        &["  Too Many Requests\r\n"],
        &["Edge: Too Many"],
    );
    tells_apart(
        "{ body: { equals: 'upstream error' } }",
        &[" Upstream Error\n"],
        &["upstream error 2"],
    );
    tells_apart(
        "{ kind: [html, empty] }",
        &["<!DOCTYPE html>", " "],
        &["{}", "text", "<a/>"],
    );
    let late = format!("{}denied", " x".repeat(5000));
    assert!(
        !holds("{ body: { contains: denied } }", &late),
        "beyond 8 KiB nothing is read"
    );
}

#[test]
fn fields_and_the_request_are_tested() {
    let mitigated = with_field("cf-mitigated", "Challenge");
    let held = |when: &str| one(when).on(mitigated.exchange()).judge().is_some();
    assert!(
        held("{ header: cf-mitigated }") && held("{ header: CF-Mitigated, equals: challenge }")
    );
    assert!(held("{ header: server, absent: true }") && !held("{ header: server }"));
    assert!(!held("{ header: cf-mitigated, absent: true }"));
    assert!(held("{ path: [/v1/quote, /x] }") && !held("{ path: limit }"));
    assert!(
        held("{ query: limit }") && held("{ query: limit, above: 4 }") && !held("{ query: lim }")
    );
    assert!(held("{ query: symbols, contains: 'b,c' }") && held("{ query: from, absent: true }"));
    assert!(held("{ host: A.example }") && !held("{ host: b.example }"));
    assert!(held("{ method: [get, HEAD] }") && !held("{ method: POST }"));
}

#[test]
fn the_first_rule_that_holds_decides() {
    let rules = rules(concat!(
        "  - { name: fine, class: ok, doc: d, when: { json: /data } }\n",
        "  - { name: limit, class: rate_limit, doc: d, when: { json: /error }, retryable: false, domain: address, wait: 1m 30s }\n",
        "  - { name: other, class: server_error, doc: d, when: { json: /error } }",
    ));
    let fine = rules
        .on(answer(200, r#"{"data":1,"error":"x"}"#).exchange())
        .judge()
        .unwrap();
    assert_eq!((fine.class, &*fine.rule), (None, "a/fine"));
    let limited = answer(200, r#"{"error":"x"}"#);
    let verdict = rules
        .on(limited.exchange())
        .judge()
        .unwrap()
        .verdict(&limited.exchange(), None);
    assert_eq!(verdict.class, Some(FaultClass::RateLimit));
    assert_eq!((&*verdict.rule, &*verdict.evidence), ("a/limit", "/error"));
    assert_eq!(verdict.wait, Some(Duration::from_secs(90)));
    assert!(!verdict.retryable);
    assert_eq!(rules.on(answer(200, "{}").exchange()).judge(), None);
}

#[test]
fn evidence_of_what_is_not_there_names_the_test() {
    let found = one("{ not: { any: [ { json: /a }, { json: /b, equals: 1 } ] } }");
    let found = found.on(answer(200, "{}").exchange()).judge().unwrap();
    assert_eq!(found.evidence, "not (/a or /b equals 1)");
    let found = one("{ status: 2xx, not: { json: /a } }");
    assert_eq!(
        found
            .on(answer(204, "").exchange())
            .judge()
            .unwrap()
            .evidence,
        "status 204"
    );
}

#[test]
fn evidence_names_the_field_and_not_the_text() {
    let rules =
        one("{ status: 200, any: [ { json: /x }, { json: /note, contains: [late, slow] } ] }");
    let found = rules
        .on(answer(200, r#"{"note":"secret, slow"}"#).exchange())
        .judge()
        .unwrap();
    assert_eq!(found.evidence, r#"status 200, /note contains "slow""#);
}

#[test]
fn a_wait_is_read_from_the_body() {
    let now: Timestamp = "2024-01-02T15:00:00Z".parse().unwrap();
    let wait = |unit: &str, value: &str| {
        let rules = rules(&format!(
            "  - {{ name: it, class: rate_limit, doc: d, when: {{ status: 200 }}, wait: {{ json: /w, unit: {unit} }} }}"
        ));
        let answer = answer(200, &format!(r#"{{"w":{value}}}"#));
        rules
            .on(answer.exchange())
            .judge()
            .unwrap()
            .verdict(&answer.exchange(), Some(now))
            .wait
    };
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!(wait("s", "30"), seconds(30));
    assert_eq!(wait("ms", r#""2000""#), seconds(2));
    assert_eq!(wait("epoch_s", "1704207660"), seconds(60));
    assert_eq!(wait("epoch_ms", "1704207660000"), seconds(60));
    assert_eq!(wait("epoch_s", "1704207000"), seconds(0));
    assert_eq!(wait("s", "-1"), None);
    assert_eq!(wait("s", "1e300"), None);
}

#[test]
fn what_is_missing_makes_a_good_answer_suspect() {
    let text = "source: a\ncomplete:\n  - { ask: { query: symbols, split: ',' }, got: { json: '/rows/*/s' } }\n";
    let rules = Rules::parse(text).unwrap();
    let found = |status, body| rules.on(answer(status, body).exchange()).judge();
    let some = found(200, r#"{"rows":[{"s":"A"},{"s":"B"}]}"#).unwrap();
    assert_eq!(
        (some.class, some.suspect.as_deref()),
        (None, Some("incomplete"))
    );
    assert_eq!(
        found(200, r#"{"rows":[{"s":"A"},{"s":"B"},{"s":"C"}]}"#),
        None
    );
    assert_eq!(
        found(200, r#"{"rows":[]}"#),
        None,
        "nothing at all is for the other rules"
    );
    assert_eq!(found(500, r#"{"rows":[{"s":"A"}]}"#), None);
}

const ALL_FORMS: &str = "{ any: [ { json: '', empty: true }, { json: '/*/a', contains: b }, { json: /x/0, only: true }, { body: { contains: zz } }, { kind: csv }, { json: /n, above: 3 } ] }";

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body: Vec<u8>, status in 0_u16..1000) {
        let rules = one(ALL_FORMS);
        let recorded = Recorded { body: body.into(), ..answer(status, "") };
        let _ = rules.on(recorded.exchange()).judge();
    }

    #[test]
    fn escapes_do_not_change_a_verdict(key in "[a-c]{1,2}", text in "[a-cA-C é]{0,4}") {
        let escaped = |text: &str| text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
        let plain = answer(200, &format!(r#"{{"{key}":"{text}"}}"#));
        let other = answer(200, &format!(r#"{{"{}":"{}"}}"#, escaped(&key), escaped(&text)));
        for when in ["{ json: /a, contains: b }", "{ json: /b, equals: [a, B] }", "{ json: '/*', empty: true }", "{ json: /c, starts: ab }"] {
            let rules = one(when);
            prop_assert_eq!(rules.on(plain.exchange()).judge(), rules.on(other.exchange()).judge());
        }
    }
}

#[test]
fn deep_nesting_is_no_json_or_is_passed_over() {
    let deep = "[".repeat(200_000);
    assert!(!holds("{ json: '', is: array }", &deep));
    let under_a_key = format!(r#"{{"x":{}{},"a":1}}"#, "[".repeat(1000), "]".repeat(1000));
    assert!(holds("{ json: /a }", &under_a_key));
}

#[test]
fn rules_of_a_cut_body_hold_by_its_text_alone() {
    let cut = r#"{"error":"too many requests","data":[1,2"#;
    assert!(!holds("{ json: /error }", cut));
    assert!(!holds("{ json: /missing, absent: true }", cut));
    assert!(holds("{ not: { json: /error } }", cut));
    assert!(holds("{ kind: json, body: { contains: too many } }", cut));
    assert!(holds(
        "{ json: /error }",
        &format!("\u{feff} {}", &(cut.to_owned() + "]}"))
    ));
}
