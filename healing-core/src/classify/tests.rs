//! Heads by status; bodies by what the last good answer promised.

use http::{HeaderName, HeaderValue, Response};

use super::{
    live::{Expected, Incoming},
    *,
};

/// What is said of an answer of a source without rules.
fn judge_body(head: &Parts, chunks: &Chunks, promise: Option<&Shape>) -> BodyVerdict {
    let uri = http::Uri::from_static("http://api.a.example/v1/quote?symbol=A");
    let incoming = Incoming {
        method: &Method::GET,
        uri: &uri,
        head,
        rules: None,
        of_route: None,
        freshness: None,
        range: None,
        is_made: false,
        now: &|| Timestamp::UNIX_EPOCH,
    };
    let expected = Expected {
        promise,
        usual: None,
    };
    incoming.judge_body(chunks, expected).verdict
}

fn head(status: u16, fields: &[(&str, &str)]) -> Parts {
    let mut response = Response::builder().status(status);
    for (name, value) in fields {
        response = response.header(
            HeaderName::try_from(*name).unwrap(),
            HeaderValue::try_from(*value).unwrap(),
        );
    }
    response.body(()).unwrap().into_parts().0
}

fn json() -> Parts {
    head(200, &[("content-type", "application/json")])
}

fn chunks(text: &str) -> Chunks {
    Chunks::One(text.to_owned().into())
}

fn shape(text: &str) -> Shape {
    match judge_body(&json(), &chunks(text), None) {
        BodyVerdict::Good(Some(shape)) => shape,
        other @ (BodyVerdict::Good(None) | BodyVerdict::Changed(..) | BodyVerdict::Fault(_)) => {
            panic!("{other:?}")
        }
    }
}

const QUOTE: &str = r#"{"quote":{"symbol":"AAPL","price":267.1},"time":1763500000}"#;

#[track_caller]
fn check_body(promise: Option<&str>, head: &Parts, body: &str, expected: &str) {
    let promise = promise.map(shape);
    let verdict = match judge_body(head, &chunks(body), promise.as_ref()) {
        BodyVerdict::Good(_) => "good".to_owned(),
        BodyVerdict::Changed(_, fault) => format!("changed: {fault}"),
        BodyVerdict::Fault(fault) => fault.to_string(),
    };
    assert_eq!(verdict, expected, "{body}");
}

#[track_caller]
fn check_head(status: u16, fields: &[(&str, &str)], expected: &str) {
    let expected_of = Expectation {
        method: &Method::GET,
        with_credentials: false,
        judge_up_to: 100,
    };
    let verdict = match judge_head(&head(status, fields), expected_of, || Timestamp::UNIX_EPOCH) {
        HeadVerdict::Judge => "judge".to_owned(),
        HeadVerdict::Pass => "pass".to_owned(),
        HeadVerdict::Fault(fault) => fault.to_string(),
    };
    assert_eq!(verdict, expected, "{status} {fields:?}");
}

#[test]
fn a_status_is_a_fault_a_pass_or_a_matter_of_the_body() {
    check_head(200, &[], "judge");
    check_head(203, &[("content-length", "100")], "judge");
    check_head(200, &[("content-length", "101")], "pass");
    for status in [204, 205, 206, 301, 304] {
        check_head(status, &[], "pass");
    }
    for stream in [
        "text/event-stream",
        "application/x-ndjson",
        "Multipart/mixed; boundary=x",
    ] {
        check_head(200, &[("content-type", stream)], "pass");
    }
    let lines = ("content-type", "application/x-ndjson");
    check_head(200, &[lines, ("content-length", "100")], "judge");
    check_head(200, &[lines, ("content-length", "101")], "pass");
    check_head(200, &[lines, ("content-length", "0")], "pass");
    check_head(401, &[], "auth_error (auth_401)");
    check_head(403, &[], "forbidden (forbidden_403)");
    check_head(404, &[], "not_found (not_found_404)");
    check_head(422, &[], "invalid_request (invalid_request_4xx)");
    check_head(429, &[], "rate_limit (rate_limit_429)");
    check_head(500, &[], "server_error (server_error_5xx)");
    check_head(524, &[], "timeout (gateway_timeout)");
    check_head(504, &[], "server_error (server_error_5xx)");
    check_head(529, &[], "rate_limit (throttled)");
    check_head(999, &[], "rate_limit (ban)");
}

#[test]
fn a_head_request_and_a_caller_with_credentials_are_judged_as_such() {
    let of = |method, with_credentials| Expectation {
        method,
        with_credentials,
        judge_up_to: 100,
    };
    let now = || Timestamp::UNIX_EPOCH;
    assert_eq!(
        judge_head(&head(200, &[]), of(&Method::HEAD, false), now),
        HeadVerdict::Pass
    );
    let HeadVerdict::Fault(fault) = judge_head(&head(403, &[]), of(&Method::GET, true), now) else {
        panic!("a 403 is no answer");
    };
    assert!(fault.class.is_the_callers());
}

#[test]
fn without_a_promise_only_what_is_nothing_or_nothing_but_an_error_is_bad() {
    check_body(None, &json(), QUOTE, "good");
    check_body(None, &json(), "[]", "good");
    check_body(None, &json(), r#"{"message":"Hello, dear world"}"#, "good");
    check_body(None, &json(), "", "empty_data (empty_body)");
    check_body(None, &json(), " \n", "empty_data (empty_body)");
    check_body(
        None,
        &json(),
        r#"{"error":"boom"}"#,
        "server_error (general/error_object)",
    );
    check_body(
        None,
        &json(),
        r#"{"error":null,"quote":{"price":1}}"#,
        "good",
    );
    check_body(
        None,
        &json(),
        r#"{"Note":"at most 5 calls per minute, please"}"#,
        "rate_limit (general/message)",
    );
    check_body(
        None,
        &json(),
        r#"{"quote":{"price":26"#,
        "malformed_body (truncated_json)",
    );
    check_body(None, &json(), r#"{"price":NaN}"#, "good");
    check_body(
        None,
        &json(),
        "<!doctype html><p>Sorry",
        "malformed_body (html_instead)",
    );
    check_body(
        None,
        &json(),
        "Too Many Requests",
        "rate_limit (general/text)",
    );
    check_body(
        None,
        &head(200, &[("content-type", "text/html")]),
        "<html>hi</html>",
        "good",
    );
}

#[test]
fn what_was_promised_and_is_gone_is_a_fault() {
    let promise = Some(QUOTE);
    check_body(
        promise,
        &json(),
        r#"{"quote":{"symbol":"AAPL","price":268},"time":1}"#,
        "good",
    );
    check_body(
        promise,
        &json(),
        r#"{"error":"boom"}"#,
        "server_error (general/error_object)",
    );
    check_body(
        promise,
        &json(),
        r#"{"detail":"Something went wrong, sorry"}"#,
        "server_error (general/message)",
    );
    check_body(
        promise,
        &json(),
        r#"{"Note":"Thank you! Our limit is 5 calls per minute."}"#,
        "rate_limit (general/message)",
    );
    check_body(
        promise,
        &json(),
        r#"{"Information":"your plan has 25 requests per day"}"#,
        "quota_exceeded (general/message)",
    );
}

#[test]
fn what_was_promised_and_is_empty_or_broken_is_a_fault() {
    let promise = Some(QUOTE);
    check_body(promise, &json(), "{}", "empty_data (no_data)");
    check_body(promise, &json(), "null", "empty_data (no_data)");
    check_body(
        promise,
        &json(),
        r#"{"quote":null,"time":null}"#,
        "empty_data (no_data)",
    );
    check_body(promise, &json(), "", "empty_data (empty_body)");
    check_body(
        promise,
        &json(),
        r#"{"quote":{"pr"#,
        "malformed_body (truncated_json)",
    );
    check_body(
        promise,
        &json(),
        r#"{"quote":{"price":NaN}}"#,
        "malformed_body (invalid_json)",
    );
    let html = head(200, &[("content-type", "text/html")]);
    check_body(
        promise,
        &html,
        "<!doctype html><p>Sorry",
        "malformed_body (html_instead)",
    );
    check_body(
        promise,
        &json(),
        "upstream connect error",
        "server_error (edge/envoy_upstream)",
    );
}

#[test]
fn an_error_beside_the_envelope_is_a_fault_although_the_envelope_is_there() {
    let promise = Some(r#"{"status":"OK","request_id":"a","results":[{"c":1.5}]}"#);
    let error =
        r#"{"status":"ERROR","request_id":"b","error":"you asked too many requests per minute"}"#;
    check_body(promise, &json(), error, "rate_limit (general/error_object)");
    let flat = Some(r#"{"symbol":"A","price":1,"status":"ok"}"#);
    check_body(
        flat,
        &json(),
        r#"{"symbol":"A","error":"no price","status":"bad"}"#,
        "server_error (general/error_object)",
    );
}

#[test]
fn a_headline_about_rate_limits_is_news() {
    let feed = r#"{"items":"1","feed":[{"title":"Why your app says rate limit exceeded, too many requests"}]}"#;
    check_body(
        Some(r#"{"items":"1","feed":[{"title":"Calm markets today"}]}"#),
        &json(),
        feed,
        "good",
    );
}

#[test]
fn another_shape_with_data_is_a_change_and_no_rows_may_be_an_answer() {
    let promise = Some(QUOTE);
    let renamed = r#"{"data":{"ticker":"AAPL","last":267.1,"open":1,"high":2}}"#;
    check_body(
        promise,
        &json(),
        renamed,
        "changed: malformed_body (shape_changed)",
    );
    let rows = Some(r#"{"count":2,"rows":[{"v":1},{"v":2}]}"#);
    check_body(
        rows,
        &json(),
        r#"{"count":0,"rows":[]}"#,
        "changed: empty_data (no_rows)",
    );
}

#[test]
fn keys_that_are_dates_are_rows() {
    let day = r#"{"Time Series":{"2026-11-20":{"1. open":"1"}}}"#;
    check_body(
        Some(day),
        &json(),
        r#"{"Time Series":{"2026-11-21":{"1. open":"2"}}}"#,
        "good",
    );
}

#[test]
fn a_verdict_does_not_depend_on_how_the_body_was_cut_into_chunks() {
    let promise = shape(QUOTE);
    for text in [
        QUOTE,
        r#"{"error":"boom"}"#,
        "{}",
        r#"{"quote":{"pr"#,
        "<html></html>",
    ] {
        let whole = format!("{:?}", judge_body(&json(), &chunks(text), Some(&promise)));
        for at in 1..text.len() {
            let mut two = Chunks::None;
            two.push(text.as_bytes()[..at].to_vec().into());
            two.push(text.as_bytes()[at..].to_vec().into());
            assert_eq!(
                format!("{:?}", judge_body(&json(), &two, Some(&promise))),
                whole,
                "{text} cut at {at}"
            );
        }
    }
}

#[test]
fn a_gzipped_note_is_read_and_broken_gzip_is_a_fault() {
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(br#"{"Note":"at most 5 calls per minute, please"}"#)
        .unwrap();
    let bytes = gzip.finish().unwrap();
    let coded = head(
        200,
        &[
            ("content-type", "application/json"),
            ("content-encoding", "gzip"),
        ],
    );
    let promise = shape(QUOTE);
    let judge =
        |bytes: Vec<u8>| match judge_body(&coded, &Chunks::One(bytes.into()), Some(&promise)) {
            BodyVerdict::Fault(fault) => fault.to_string(),
            other @ (BodyVerdict::Good(_) | BodyVerdict::Changed(..)) => panic!("{other:?}"),
        };
    assert_eq!(judge(bytes.clone()), "rate_limit (general/message)");
    assert_eq!(
        judge(bytes[..bytes.len() - 9].to_vec()),
        "malformed_body (bad_encoding)"
    );
    assert_eq!(
        judge(b"not gzip at all".to_vec()),
        "malformed_body (bad_encoding)"
    );
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_verdict_panic(bytes: Vec<u8>, promised: bool) {
        let promise = promised.then(|| shape(QUOTE));
        let _verdict = judge_body(&json(), &Chunks::One(bytes.into()), promise.as_ref());
    }

    #[test]
    fn no_bytes_make_the_rules_of_a_source_panic(
        bytes: Vec<u8>,
        text in r#"[\[\]{}:,"a-z0-9.\\ ]{0,60}"#,
        status in 200_u16..600,
        promised: bool,
    ) {
        let fresh = Freshness::of("/*/t", "s").unwrap();
        let range = Range::of("/*/*").unwrap();
        let (promise, head) = (promised.then(|| shape(QUOTE)), head(status, &[("content-type", "application/json")]));
        for (source, url) in [
            ("fred_api", "http://api.stlouisfed.org/fred/series/observations?series_id=A"),
            ("yahoo_finance", "http://query1.finance.yahoo.com/v7/finance/quote?symbols=A,B"),
            ("polygon_io", "http://app.test/api/polygon"),
            ("alpha_vantage", "/query?function=X"),
        ] {
            let (uri, rules) = (url.parse().unwrap(), sources::rules_of(source, ""));
            let incoming = Incoming {
                method: &Method::GET,
                uri: &uri,
                head: &head,
                rules: rules.as_deref(),
                of_route: None,
                freshness: Some(&fresh),
                range: Some(&range),
                is_made: false,
                now: &|| Timestamp::UNIX_EPOCH,
            };
            for body in [bytes.clone(), text.clone().into_bytes()] {
                let body = Chunks::One(body.into());
                let _judged = incoming.judge_body(&body, Expected { promise: promise.as_ref(), usual: None });
                let by_status = Fault::new(FaultClass::ServerError, "test");
                let _refused = incoming.judge_refusal(&body, by_status);
            }
        }
    }
}

#[test]
fn lines_of_json_are_judged_line_by_line() {
    let lines = head(200, &[("content-type", "application/x-ndjson")]);
    let shape = |text: &str| match judge_body(&lines, &chunks(text), None) {
        BodyVerdict::Good(Some(shape)) => shape,
        other @ (BodyVerdict::Good(None) | BodyVerdict::Changed(..) | BodyVerdict::Fault(_)) => {
            panic!("{other:?}")
        }
    };
    let promise = shape("{\"t\":1,\"price\":2.5}\n{\"t\":2,\"price\":2.5}\n");
    for (body, expected) in [
        ("{\"t\":7,\"price\":9}\n", "good"),
        (
            "{\"t\":7,\"price\":9}\n{\"t\":8,\"pr",
            "malformed_body (truncated_json)",
        ),
        (
            "{\"error\":\"too many requests, slow down\"}\n",
            "rate_limit (general/error_object)",
        ),
    ] {
        let verdict = match judge_body(&lines, &chunks(body), Some(&promise)) {
            BodyVerdict::Good(_) => "good".to_owned(),
            BodyVerdict::Changed(_, fault) | BodyVerdict::Fault(fault) => fault.to_string(),
        };
        assert_eq!(verdict, expected, "{body}");
    }
}
