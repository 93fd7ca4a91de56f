//! What a file of rules may say, and what is said of its mistakes.

use proptest::prelude::*;

use crate::classify::rules::Rules;

/// The mistakes of a file, one a line.
fn mistakes(text: &str) -> String {
    Rules::parse(text).unwrap_err().to_string()
}

#[test]
fn all_mistakes_are_said_at_once_with_their_place() {
    let said = mistakes(concat!(
        "source: a\n",
        "hots: [x]\n",
        "rules:\n",
        "  - { name: one, clas: ok, doc: d, when: { status: 200 } }\n",
        "  - { name: two, class: rate_limt, doc: d, when: { json: a/b } }\n",
        "  - { name: two, class: ok, doc: d, when: { json: /a~2, contians: x } }\n",
        "  - { name: two, class: ok, doc: d, when: { status: 4x } }\n",
    ));
    let lines: Vec<&str> = said.lines().collect();
    for (line, part) in [
        (
            "line 2, column 1: ",
            r#"unknown key of a file of rules "hots"; did you mean "hosts"?"#,
        ),
        (
            "line 4, column 18: ",
            r#"unknown key of a rule "clas"; did you mean "class"?"#,
        ),
        (
            "line 5, column 25: ",
            r#"unknown class "rate_limt"; did you mean "rate_limit"?"#,
        ),
        (
            "line 5, ",
            r#"json: the pointer "a/b" does not start with `/`"#,
        ),
        (
            "line 6, ",
            r#"unknown key of a condition "contians"; did you mean "contains"?"#,
        ),
        ("line 6, ", r#"has a `~` that is neither"#),
        (
            "line 7, ",
            r#"status: must be such as 429 or 4xx, and is "4x""#,
        ),
    ] {
        let found = lines
            .iter()
            .any(|said| said.starts_with(line) && said.contains(part));
        assert!(found, "{line}{part} is not in\n{said}");
    }
}

#[test]
fn a_name_that_is_taken_is_a_mistake() {
    let rule = "  - { name: two, class: ok, doc: d, when: { status: 200 } }\n";
    let said = mistakes(&format!("source: a\nrules:\n{rule}{rule}"));
    assert_eq!(
        said,
        r#"line 4, column 5: name: "two" is taken by the rule of line 3"#
    );
}

/// What is said of a rule with these keys.
fn of_rule(inner: &str) -> String {
    mistakes(&format!(
        "source: a\nrules:\n  - {{ name: it, class: ok, doc: d, {inner} }}\n"
    ))
}

#[test]
fn mistakes_of_conditions_name_their_remedy() {
    for (inner, said) in [
        (
            "when: { contains: x }",
            r#"contains: of what? needs "json", "header" or "query" beside it"#,
        ),
        (
            "when: { json: /a, query: b, contains: x }",
            "contains: of which? put each",
        ),
        (
            "when: { json: /a, above: 1, below: 2 }",
            "put them under all",
        ),
        (
            "when: { json: /a, absent: false }",
            "absent: can only be true, and is false; for the opposite write not",
        ),
        (
            "when: { json: /a, is: text }",
            r#"unknown is "text"; one of object, array, string, number, bool, null"#,
        ),
        ("when: { }", "an empty condition always holds"),
        ("when: { any: [] }", "any: the list is empty"),
        (
            "when: { body: { above: 1 } }",
            "unknown key of a test of the body \"above\"",
        ),
        (
            "when: { header: a, is: object }",
            "unknown test of a text \"is\"",
        ),
        (
            "when: { header: 'a b' }",
            "header: \"a b\" can be no field's name",
        ),
    ] {
        assert!(of_rule(inner).contains(said), "{inner}: {}", of_rule(inner));
    }
}

#[test]
fn mistakes_of_rules_name_their_remedy() {
    for (inner, said) in [
        (
            "when: { status: 200 }, retryable: maybe",
            "retryable: must be true or false, and is \"maybe\"",
        ),
        (
            "when: { status: 200 }, domain: keys",
            r#"unknown domain "keys"; did you mean "key"?"#,
        ),
        (
            "when: { status: 200 }, wait: 5 minutes",
            "wait: must be a time such as 90s, 15m, 1h 30m or 2d",
        ),
        (
            "when: { status: 200 }, wait: { json: /a, unit: us }",
            r#"unknown unit "us""#,
        ),
        ("wait: 1m", r#"a rule needs the key "when""#),
    ] {
        assert!(of_rule(inner).contains(said), "{inner}: {}", of_rule(inner));
    }
}

#[test]
fn mistakes_of_freshness_name_their_remedy() {
    let age = |inner: &str| mistakes(&format!("source: a\nfreshness:\n  - {{ {inner} }}\n"));
    for (inner, said) in [
        ("json: /t, unit: sec, max_age: 1h", r#"unknown unit "sec""#),
        (
            "json: /t, unit: s",
            r#"needs "max_age", "sessions" or "frequency""#,
        ),
        (
            "json: /t, unit: date, frequency: montly",
            r#"did you mean "monthly"?"#,
        ),
        ("unit: s, max_age: 1h", r#"needs one of "json" and "csv""#),
        (
            "json: /t, unit: s, max_age: 1h, calendar: us_equity",
            r#"did you mean "us_equities"?"#,
        ),
        (
            "json: /t, unit: s, max_age: 1h, zone: Mars/Base",
            "zone: \"Mars/Base\" is no zone",
        ),
    ] {
        assert!(age(inner).contains(said), "{inner}: {}", age(inner));
    }
}

#[test]
fn mistakes_of_the_whole_are_said() {
    assert!(mistakes("source: A b").contains("must be of lower case letters"));
    assert!(mistakes("rules: [").contains("no YAML"));
    assert!(mistakes("source: a\nsource: b").starts_with("line 2, "));
    assert!(mistakes("- 1").contains("must be a map, and is a list"));
}

#[test]
fn stars_in_many_places_end_in_a_mistake_and_not_in_a_long_wait() {
    let rules: String = (0..24)
        .map(|n| {
            format!(
                "  - {{ name: r{n}, class: ok, doc: d, when: {{ json: '{}/x{}' }} }}\n",
                "/*".repeat(n),
                "/*".repeat(24 - n)
            )
        })
        .collect();
    assert!(mistakes(&format!("source: a\nrules:\n{rules}")).contains("too many pointers"));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text: String, tail in "[ -~\n]{0,80}") {
        drop(Rules::parse(&text));
        drop(Rules::parse(&format!("source: a\nrules:\n  - {tail}")));
    }
}
