//! Maps: what they make, and that nothing they do goes on for ever.

use super::*;

fn map(text: &str) -> Mapping {
    Mapping::compile(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn made(text: &str, body: &str) -> Result<String, MapFault> {
    let made = map(text).apply_here(
        body.as_bytes(),
        &[("ticker", "AAPL"), ("from", "2024-03-05")],
    );
    made.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
}

#[track_caller]
fn check(text: &str, body: &str, expected: &str) {
    assert_eq!(made(text, body).as_deref(), Ok(expected), "{text}");
}

#[test]
fn a_map_gives_an_answer_another_shape() {
    let rows = r#"{"t":[1709641800,1709728200],"q":{"c":[170.12,169.1],"v":[3,null]}}"#;
    check(
        "{results: [.t as $t | .q as $q | range($t|length) | {t: ($t[.]*1000), c: $q.c[.], v: $q.v[.]}]}",
        rows,
        r#"{"results":[{"t":1709641800000,"c":170.12,"v":3},{"t":1709728200000,"c":169.1,"v":null}]}"#,
    );
    check("[$asked.ticker, (.t | length)]", rows, r#"["AAPL",2]"#);
    check(
        "[.t[] | strftime(\"%Y-%m-%d\") | select(. >= $asked.from)]",
        rows,
        r#"["2024-03-05","2024-03-06"]"#,
    );
    check("($asked.from | fromdate), empty", rows, "1709596800");
    check(
        "with_entries(select(.key == \"q\")) | .q.c |= map(. + 1) | .q.c[0]",
        rows,
        "171.12",
    );
    check("[.q.v[] // 0] | add, null | values", rows, "3");
    check(
        "[1,3,2] | sort | [first, last, min, max, (map(tostring) | join(\"-\"))]",
        "0",
        r#"[1,3,1,3,"1-2-3"]"#,
    );
    check("\"1.50\" | tonumber", "0", "1.50");
    check("[.. | numbers] | length", rows, "5");
    check(
        "any(.t[]; . > 1709641800) and (all(.t[]; . > 1709641800) | not)",
        rows,
        "true",
    );
    check(
        "[{a:1,b:2},{a:1,b:3}] | group_by(.a) | map(map(.b) | add)",
        "0",
        "[5]",
    );
}

#[test]
fn numbers_keep_their_digits() {
    check(
        ".",
        r#"{"p":229.8700,"n":1709641800123456789}"#,
        r#"{"p":229.8700,"n":1709641800123456789}"#,
    );
}

#[test]
fn a_map_that_does_not_end_is_stopped_with_its_reason() {
    for text in [
        "[range(1e12)]",
        "[repeat(1)]",
        "last(repeat(.))",
        "until(false; .)",
        "first(repeat(empty))",
        "reduce repeat(1) as $x (0; .)",
        "reduce range(1e9) as $x (.; .)",
        "[limit(1e9; repeat(\"x\"))] | length",
        "reduce range(60) as $i (\"x\"; . + .) | length",
        "reduce range(60) as $i ([0]; . + .) | length",
        "\"x\" * 1e15 | length",
        "\"x\" * 1000000000 | length",
        "[.[] as $a | .[] as $b | .[] as $c | .[] as $d | .[] as $e | .[] as $f | .[] as $g | .[] as $h | 1] | length",
        "reduce ((.,.,.,.)|(.,.,.,.)|(.,.,.,.)|(.,.,.,.)|(.,.,.,.)|(.,.,.,.)|(.,.,.,.)|(.,.,.,.)|(.,.,.,.)|(.,.,.,.)|(.,.,.,.)|(.,.,.,.)) as $x (0; .)",
        "[range(1000)] as $a | reduce range(100000) as $i (0; ($a + [1]) | length)",
        "[repeat(1)]?, [repeat(1)]?",
        "try last(repeat(.)) catch 1",
    ] {
        assert_eq!(
            made(text, "[1,2,3,4,5,6,7,8,9,10]"),
            Err(MapFault::OutOfSteps),
            "{text}"
        );
    }
}

#[test]
fn what_grows_too_deep_or_too_large_is_stopped() {
    for (text, expected) in [
        ("reduce range(100000) as $i (0; [.])", MapFault::TooDeep),
        ("reduce range(100000) as $i (0; {a: .})", MapFault::TooDeep),
        (
            "reduce range(100000) as $i ([0]; .[0] |= [.])",
            MapFault::TooDeep,
        ),
        ("reduce range(100) as $i (3; . * .)", MapFault::TooLarge),
    ] {
        assert_eq!(made(text, "0"), Err(expected), "{text}");
    }
    let deep = "[".repeat(5_000);
    assert_eq!(made(".", &deep), Err(MapFault::TooDeep));
    assert_eq!(made(".", &"9".repeat(100_000)), Err(MapFault::NotJson));
    assert_eq!(
        made(".", &" ".repeat(MAX_INPUT + 1)),
        Err(MapFault::TooLarge)
    );
}

#[test]
fn an_update_over_many_paths_does_not_overflow_the_stack() {
    let made = made("(reduce range(100000) as $i (.; .[0])) |= 1", "[0]");
    assert!(made.is_err(), "{made:?}");
}

#[test]
fn a_map_that_comes_to_nothing_says_why() {
    for (text, body, expected) in [
        (".", "<html>", MapFault::NotJson),
        (".", "{\"a\":", MapFault::NotJson),
        (".a.b", "[1]", MapFault::Failed),
        ("error(\"another instrument\")", "0", MapFault::Failed),
        ("empty", "0", MapFault::NoOutput),
        (".[]", "[1,2]", MapFault::SeveralOutputs),
        ("1 / 0", "0", MapFault::OutputNotJson),
        (". + 1", "{\"s3cret\":1}", MapFault::Failed),
    ] {
        let fault = made(text, body).unwrap_err();
        assert_eq!(fault, expected, "{text}");
        assert!(!fault.to_string().contains("s3cret") && fault.detail().starts_with("map_"));
    }
}

#[test]
fn what_is_no_map_is_named_with_its_place() {
    for (text, says) in [
        ("{a: .b", "line 1"),
        ("{a: 1}\n| .b |", "line 2"),
        (
            ".a | nosuch(1)",
            "line 1, column 6: there is no filter nosuch",
        ),
        ("$other", "there is no variable $other"),
        ("env", "there is no filter env"),
        ("input", "there is no filter input"),
        ("halt", "there is no filter halt"),
        (".a | test(\"x\")", "there is no filter test"),
        ("def f: f; f", "\"def\" may not stand in a map"),
        ("[.[] | (def f: 1; f)]", "\"def\" may not stand"),
        ("import \"x\" as x; .", "\"import\" may not stand"),
        ("\"a", "line 1"),
        ("§", "line 1"),
        ("", "line 1"),
    ] {
        let error = Mapping::compile(text).unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    assert_eq!(Mapping::compile(&deep), Err(MappingError::TooLarge));
    assert_eq!(
        Mapping::compile(&".".repeat(5_000)),
        Err(MappingError::TooLarge)
    );
}

#[tokio::test]
async fn a_map_that_is_stopped_does_not_hold_up_the_others() {
    let (endless, quick) = (map("last(repeat(.))"), map(".a"));
    let asked = Vec::new;
    let (first, second, third, answer) = tokio::join!(
        endless.apply("0".into(), asked()),
        endless.apply("0".into(), asked()),
        endless.apply("0".into(), asked()),
        quick.apply("{\"a\":1}".into(), asked()),
    );
    assert_eq!(
        (first, second),
        (Err(MapFault::OutOfSteps), Err(MapFault::OutOfSteps))
    );
    assert_eq!((third, answer), (Err(MapFault::OutOfSteps), Ok("1".into())));
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_the_reader_of_maps(text in "[ -~\\n]{0,60}") {
        if let Ok(mapping) = Mapping::compile(&text) {
            let _whatever = mapping.apply_here(b"{\"a\":[1,2]}", &[]);
        }
    }

    #[test]
    fn no_answer_breaks_a_map(body in "[\\[\\]{}\",:0-9a.e-]{0,60}") {
        let _whatever = map("[.. | .a?]").apply_here(body.as_bytes(), &[]);
    }
}
