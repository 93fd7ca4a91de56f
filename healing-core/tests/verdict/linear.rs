//! Twice the body is twice the work, whatever is in it.

use std::{iter, time::Duration};

use healing_core::{Body, classify::Promise};
use rustix::time::{ClockId, clock_gettime};

use super::{in_pieces, json, promise_of};

const SHORT: usize = 128 * 1024;

/// The longest body that is read whole, sixteen times as long.
const LONG: usize = 2 * 1024 * 1024;

/// What is allowed for sixteen times the bytes. Work that grows with the square would need 256.
const AT_MOST: u32 = 48;

/// The processor's time, the shortest of several: what others do on the machine only adds to it.
fn time(body: &Body, promise: &Promise) -> Duration {
    let head = json();
    let once = || {
        let mut promise = promise.clone();
        let from = spent();
        let _verdict = promise.judge_body(&head, body);
        spent().saturating_sub(from)
    };
    iter::repeat_with(once).take(2).min().unwrap_or_default()
}

/// What this thread had of the processor so far.
fn spent() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

#[track_caller]
fn check(name: &str, write: impl Fn(usize) -> Body) {
    let promise = promise_of(r#"{"rows":[{"a":1}]}"#);
    let short = time(&write(SHORT), &promise);
    let long = time(&write(LONG), &promise);
    assert!(
        long < short * AT_MOST,
        "{name}: {short:?} for 128 KiB, {long:?} for 2 MiB"
    );
}

/// A piece again and again, up to that size, between a beginning and an end.
fn filled(begin: &str, piece: &str, end: &str) -> impl Fn(usize) -> Body {
    move |bytes| format!("{begin}{}{end}", piece.repeat(bytes / piece.len())).into()
}

#[test]
fn healthy_bodies_are_judged_in_linear_time() {
    check(
        "rows",
        filled("[", r#"{"date":"2026-01-02","value":4.5},"#, "1]"),
    );
    check("a column", filled("[", "267.25,", "1]"));
    check("a column of nulls", filled("[1,", "null, 1,", "1]"));
    check(
        "days",
        filled("{", r#""2026-01-02":{"open":"1.5"},"#, r#""z":1}"#),
    );
    check("pieces of one byte", |bytes| {
        in_pieces(&format!("[{}1]", "1.5,".repeat(bytes / 4)), 1)
    });
}

#[test]
fn nasty_bodies_are_judged_in_linear_time() {
    let deep = format!("{}{},", "[".repeat(120), "]".repeat(120));
    check("deep values", filled("[", &deep, "1]"));
    check("no end of depth", filled("", "[", ""));
    check(
        "deep objects",
        filled(
            "[",
            &format!("{}1{},", r#"{"a":"#.repeat(120), "}".repeat(120)),
            "1]",
        ),
    );
    check("backslashes", filled("[\"", r"\\", "\"]"));
    check("backslashes without an end", filled("[\"", r"\\", ""));
    check("a long text", filled("[\"", "a", "\"]"));
    check("a long key", filled("{\"", "a", "\":1}"));
    check("an escaped key", filled("{\"", r"\u0061", "\":1}"));
    check("a long number", filled("[", "1", "]"));
    check("a long fraction", filled("[0.", "0", "]"));
    check("a long exponent", filled("[1e", "0", "]"));
    check("space", filled("[", " \n\t", "]"));
    check("empty texts", filled("[", r#""","#, "1]"));
    check("no JSON at its end", filled("[", "1.5,", "x]"));
    check("many keys", |bytes| {
        let keys: Vec<String> = (0..bytes / 12)
            .map(|n| format!(r#""k{:x}":1"#, n * 2_654_435_761 % 1_000_003))
            .collect();
        format!("{{{}}}", keys.join(",")).into()
    });
}

#[test]
fn rows_that_repeat_but_for_their_end_are_judged_in_linear_time() {
    let long = "x".repeat(900);
    let row = |last: &str| format!(r#"{{"a":"{long}","b":[{last}]}},"#);
    check(
        "rows that end differently",
        filled("[", &(row("1") + &row("1,2")), "1]"),
    );
    let mut nested = String::new();
    for depth in 0..60 {
        nested = format!(r#"["{long}",{depth},[{nested}1],["{long}",{depth}]]"#);
    }
    check("rows in rows", filled("[", &format!("{nested},"), "1]"));
}
