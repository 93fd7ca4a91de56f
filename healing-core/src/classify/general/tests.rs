//! Whole verdicts with no rule of a source; what refusals say is in [`refusals`].

mod refusals;

use FaultClass::{
    AuthError, Blocked, ConnectionError, EmptyData, MalformedBody, NotFound, Timeout,
};
use http::{HeaderValue, header};
use proptest::prelude::*;

use super::*;
use crate::{
    classify::{
        Sources,
        recorded::{self, Recorded, Verdict},
    },
    vocabulary::fault::FaultClass,
};

fn judged(recorded: &Recorded, now: Option<Timestamp>) -> Verdict {
    judge(&recorded.exchange())
        .unwrap_or_else(Finding::good)
        .verdict(&recorded.exchange(), now)
}

fn answer(status: u16, kind: &'static str, body: impl Into<Vec<u8>>) -> Recorded {
    let mut recorded = Recorded {
        method: "GET".to_owned(),
        host: "api.example.com".to_owned(),
        target: "/v1/thing".to_owned(),
        status: Some(status),
        body: body.into().into(),
        ..Recorded::default()
    };
    recorded
        .headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    recorded
}

fn json(status: u16, body: &str) -> Recorded {
    answer(status, "application/json", body)
}

fn page(status: u16, title: &str, text: &str) -> Recorded {
    let body = format!(
        "<!DOCTYPE html><html><head><title>{title}</title><style>p {{ }}</style></head><body><p>{text}</p></body></html>"
    );
    answer(status, "text/html", body)
}

#[track_caller]
fn is(recorded: &Recorded, class: impl Into<Option<FaultClass>>) {
    let verdict = judged(recorded, None);
    let body = String::from_utf8_lossy(&recorded.body);
    assert_eq!(
        verdict.class,
        class.into(),
        "{body} by {} [{}]",
        verdict.rule,
        verdict.evidence
    );
}

#[track_caller]
fn all_are(class: impl Into<Option<FaultClass>> + Copy, status: u16, bodies: &[&str]) {
    for body in bodies {
        is(&json(status, body), class);
    }
}

#[test]
fn data_stays_good_whatever_its_texts_say() {
    all_are(
        None,
        200,
        &[
            r#"{"feed":[{"title":"Too many requests: why APIs throttle","sentiment":0.1},{"title":"Invalid API key found on GitHub","sentiment":-0.4}]}"#,
            r#"[{"headline":"Quota exceeded at the port","url":"https://example.com/1"},{"headline":"Access denied"}]"#,
            r#"{"articles":[{"error":"a novel","message":"not found","pages":300,"price":12.5}]}"#,
            r#"{"name":"Error Corp","symbol":"ERR","price":12.1,"message":"upgrade"}"#,
            r#"{"mean_squared_error":0.25,"fit":[1,2,3]}"#,
            r#"{"AAA":{"price":1.5},"BBB":{"code":404,"message":"symbol not found","status":"error"}}"#,
            r#"{"error":null,"errors":[],"error_code":0,"error_message":"","data":{"price":"3.2"}}"#,
            r#"{"error":false,"success":true,"rates":{"EUR":0.9}}"#,
        ],
    );
}

#[test]
fn small_answers_are_answers() {
    all_are(
        None,
        200,
        &[
            r#"{"price":"1.0875"}"#,
            r#"{"message":"pong"}"#,
            r#"{"status":"ok"}"#,
            r#"{"isOpen":false,"exchange":"NYSE"}"#,
            r#"{"serverTime":1499827319559}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":"0x4b7"}"#,
            r#"{"status":"1","message":"OK","result":"0"}"#,
            r#"{"error":[],"result":{"unixtime":1616336594}}"#,
            r#"{"message":"Subscribed","status":"success"}"#,
            r#"{"title":"Terms: no data may be sold","version":2}"#,
            r#"{"data":{"id":"x","attributes":{"state":"failed","note":"invalid"}}}"#,
            r#"{"code":"00000","msg":"success","data":[]}"#,
            r#"{"Results":{"series":[{"data":[{"year":"2024","value":"3.4","footnotes":[{}]}]}]}}"#,
            r#"{"motto":"Data for everyone, every day of the year"}"#,
            "[]",
            "42",
            "true",
        ],
    );
}

#[test]
fn nothing_is_empty_data() {
    all_are(
        EmptyData,
        200,
        &[
            "",
            " \n",
            "{}",
            "null",
            r#"{"data":null,"status":{"error_code":0,"error_message":null,"elapsed":3}}"#,
            r#"{"c":0,"d":null,"h":0,"l":0,"o":0,"t":0}"#,
            r#"{"s":"no_data"}"#,
            r#"{"message":["No data available for that year"],"Results":{"series":[{"id":"ABC","data":[]}]}}"#,
            r#"[{"page":0,"pages":0,"total":0},null]"#,
            r#"{"count":2,"observations":[{"date":"2020-01-01","value":"."},{"date":"2020-02-01","value":"."}]}"#,
            r#"{"code":"AAA","open":"N/A","high":"N/A","low":"N/A","volume":0}"#,
        ],
    );
    let removed = Recorded {
        method: "DELETE".to_owned(),
        ..answer(204, "text/plain", "")
    };
    is(&removed, None);
}

#[test]
fn an_empty_list_is_judged_by_what_was_asked() {
    let asked = |target: &str, body: &str| Recorded {
        target: target.to_owned(),
        ..json(200, body)
    };
    is(&asked("/search?q=zzz", r#"{"matches":[]}"#), None);
    is(
        &asked("/calendar?from=2026-01-01&to=2026-01-02", "[]"),
        None,
    );
    is(&asked("/news?symbol=AAA", r#"{"count":0,"feed":[]}"#), None);
    is(&asked("/profile?symbol=ZZZZ", "[]"), NotFound);
    is(&asked("/quote?symbol=ZZZZ", r#"{"Quote":{}}"#), NotFound);
    is(
        &asked(
            "/prices?symbol=AAA&from=1900-01-01",
            r#"{"count":0,"rows":[],"order":"asc"}"#,
        ),
        EmptyData,
    );
}

#[test]
fn a_table_whose_rows_hold_no_value_is_judged_by_what_was_asked() {
    let asked = |target: &str, body: &str| Recorded {
        target: target.to_owned(),
        ..answer(200, "text/csv", body)
    };
    let hollow = "Symbol,Date,Open,Close\nZZZZ,N/D,N/D,N/D\n";
    is(&asked("/quote?symbol=zzzz", hollow), NotFound);
    is(&asked("/quote", hollow), EmptyData);
    let missing = "Date,Value\n2024-01-01,.\n2024-01-02,.\n";
    is(&asked("/series?from=2024-01-01", missing), EmptyData);
    // One value that is missing is a holiday; one row with a value is data.
    is(&asked("/series", "Date,Value\n2024-01-01,.\n"), None);
    is(
        &asked("/quotes", &format!("{hollow}AAA,2024-01-02,1,2\n")),
        None,
    );
}

#[test]
fn a_quote_in_a_table_is_old_by_the_day_that_it_names() {
    let quote = |day: &str| {
        let body = format!("symbol,price,latestDay\nAAA,1.5,{day}\n");
        let mut quote = answer(200, "text/csv", body);
        "/v1/quote?symbol=aaa".clone_into(&mut quote.target);
        let date = HeaderValue::from_static("Tue, 24 Nov 2026 15:00:00 GMT");
        quote.headers.insert(header::DATE, date);
        quote
    };
    let class = |day| recorded::judge(&quote(day), &Sources::none()).class;
    assert_eq!(class("2026-11-23"), None);
    assert_eq!(class("2026-10-23"), Some(FaultClass::StaleData));
}

#[test]
fn what_is_cut_or_another_kind_of_text_is_malformed() {
    let cases = [
        json(200, r#"{"rows":[{"a":1},{"a":"#),
        json(200, r#"{"rows": oops}"#),
        json(200, "hello"),
        page(200, "Example", "Hello"),
    ];
    for case in &cases {
        is(case, MalformedBody);
    }
    is(&json(200, r#"{"rows":[1.5,NaN]}"#), None);
    is(&json(200, "{\"a\":1}\n{\"a\":2}\n"), None);
}

#[test]
fn tables_and_single_values_are_answers() {
    is(
        &answer(200, "text/csv", "Date,Close\n2024-01-02,3.5\n"),
        None,
    );
    is(&answer(200, "text/csv", "Date,Dividends\n"), None);
    is(&answer(200, "text/plain", "Kx.91mQpa"), None);
    is(
        &answer(
            200,
            "text/xml",
            "<?xml version=\"1.0\"?><seriess><series id=\"ABC\" notes=\"an error corrected\"/></seriess>",
        ),
        None,
    );
    is(
        &answer(
            200,
            "text/xml",
            "<w:error xmlns:w=\"http://example.com\"><w:message>The indicator was not found</w:message></w:error>",
        ),
        NotFound,
    );
}

#[test]
fn a_redirect_is_judged_by_where_it_leads() {
    let to = |status, location: &'static str| {
        let mut recorded = answer(status, "text/html", "");
        recorded
            .headers
            .insert(header::LOCATION, HeaderValue::from_static(location));
        recorded
    };
    is(
        &to(302, "https://consent.example.com/collect?done=x"),
        Blocked,
    );
    is(
        &to(302, "https://api.example.com/data/missing_key.html"),
        AuthError,
    );
    is(&to(303, "/account/login?next=/v1/thing"), AuthError);
    is(&to(301, "https://www.example.com/v1/thing/"), None);
    is(&to(301, "https://www.example.com/"), NotFound);
    is(&answer(304, "text/html", ""), None);
}

#[test]
fn a_failure_below_http_is_named_by_its_words() {
    let failed = |words: &str| Recorded {
        transport_error: Some(words.to_owned()),
        ..Recorded::default()
    };
    let cases = [
        (
            "getaddrinfo ENOTFOUND api.example.com",
            ConnectionError,
            true,
        ),
        (
            "connect ECONNREFUSED: connection refused",
            ConnectionError,
            true,
        ),
        ("Connection reset by peer", ConnectionError, true),
        ("invalid peer certificate: Expired", ConnectionError, false),
        ("operation timed out", Timeout, true),
        ("", ConnectionError, true),
    ];
    for (words, class, retryable) in cases {
        let verdict = judged(&failed(words), None);
        assert_eq!(
            (verdict.class, verdict.retryable),
            (Some(class), retryable),
            "{words}"
        );
    }
}

#[test]
fn a_long_wait_is_not_worth_trying_again() {
    let mut down = json(503, "");
    down.headers
        .insert(header::RETRY_AFTER, HeaderValue::from_static("3600"));
    assert!(judged(&down, None).retryable);
    down.headers
        .insert(header::RETRY_AFTER, HeaderValue::from_static("86400"));
    assert!(!judged(&down, None).retryable);
}

#[test]
fn evidence_names_the_place_and_our_words_but_no_text_of_the_answer() {
    let verdict = judged(
        &json(200, r#"{"error":{"message":"api key 12345 is invalid"}}"#),
        None,
    );
    assert_eq!(verdict.rule, "general/error_object");
    assert_eq!(verdict.evidence, "/error/message: api key, invalid");
    let odd = judged(
        &json(200, r#"{"secret=12345&x":{"error":"unknown pair"}}"#),
        None,
    );
    assert_eq!(odd.evidence, "/*/error: pair, unknown");
}

#[test]
fn a_long_text_is_read_from_its_start_and_a_large_answer_is_data() {
    let long = format!(
        r#"{{"error":"Unknown pair. {}"}}"#,
        "So it is. ".repeat(3000)
    );
    is(&json(200, &long), NotFound);
    let large = format!(
        r#"{{"error":"Unknown pair","rows":[{}1]}}"#,
        "1,".repeat(70_000)
    );
    is(&json(200, &large), None);
    is(&json(200, large.trim_end_matches('}')), MalformedBody);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(status in 0_u16..1100, body in proptest::collection::vec(any::<u8>(), 0..300)) {
        judged(&answer(status, "application/json", body.clone()), None);
        judged(&answer(status, "text/html", body), None);
    }

    #[test]
    fn no_marks_make_it_panic(text in "[<>!/\\-\\[\\]{}\":, a-zA-Zé’0-9]{0,200}") {
        for kind in ["application/json", "text/html", "text/csv"] {
            judged(&answer(200, kind, text.clone()), None);
            judged(&answer(500, kind, format!("<{text}")), None);
        }
    }
}

#[test]
fn lines_of_json_are_read_one_by_one() {
    let lines = |body: &str| answer(200, "application/x-ndjson; charset=utf-8", body);
    is(
        &lines("{\"t\":1,\"p\":2.5}\n\n{\"t\":2,\"p\":2.6}\r\n"),
        None,
    );
    is(&lines("{\"t\":1,\"p\":2.5}"), None);
    for (body, rule) in [
        ("{\"t\":1}\n{\"t\":2,\"p", "general/cut_line"),
        ("{\"t\":1}\n{\"t\":\n{\"t\":3}\n", "general/broken_line"),
        ("{\"t\":1},\n{\"t\":2}\n", "general/broken_line"),
    ] {
        let verdict = judged(&lines(body), None);
        assert_eq!(
            (verdict.class, &*verdict.rule),
            (Some(MalformedBody), rule),
            "{body}"
        );
    }
    let verdict = judged(&lines("{\"t\":1}\n{\"t\":2,\"p"), None);
    assert_eq!(verdict.evidence, "the body, line 2: ends too early");
    is(
        &lines("{\"error\":\"too many requests, slow down\"}\n"),
        FaultClass::RateLimit,
    );
    is(
        &lines("<!DOCTYPE html><html><body>x</body></html>"),
        MalformedBody,
    );
}
