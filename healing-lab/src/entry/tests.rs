//! Reading faults from JSON, and what is said of those that cannot be read.

use super::{duration, plain, read};
use crate::fault::{ErrorBody, Fault, Garble, RetryAfter};
use serde_json::{Value, json};
use std::time::Duration;

#[track_caller]
fn check(fault: &Value, expected: &Fault) {
    let entry = json!({"source": "yahoo_finance", "fault": fault});
    assert_eq!(read(&entry).unwrap().1.fault, *expected);
}

#[test]
fn every_fault_without_parameters_is_read_by_its_name() {
    let named: Vec<&str> = Fault::NAMES
        .into_iter()
        .filter(|name| plain(name).is_some())
        .collect();
    assert_eq!(named.len(), 18);
    for name in named {
        check(&json!(name), &plain(name).unwrap());
        check(&json!({"kind": name}), &plain(name).unwrap());
    }
}

#[test]
fn faults_with_parameters_are_read() {
    let date = Fault::Status {
        code: 429,
        retry_after: Some(RetryAfter::Date(-60)),
        body: ErrorBody::Json,
    };
    check(
        &json!({"kind": "status", "code": 429, "retry_after_date": -60}),
        &date,
    );
    check(
        &json!({"kind": "delay", "by": "2m"}),
        &Fault::Delay(Duration::from_mins(2)),
    );
    check(
        &json!({"kind": "lag", "by": "7d"}),
        &Fault::Lag(Duration::from_hours(168)),
    );
    check(
        &json!({"kind": "garble", "how": "zero"}),
        &Fault::Garble(Garble::Zero),
    );
    check(
        &json!({"kind": "gzip_bomb", "bytes": 1024}),
        &Fault::GzipBomb(1024),
    );
    check(
        &json!({"kind": "revoke_key", "key": "k"}),
        &Fault::RevokeKey {
            key: Some("k".to_owned()),
        },
    );
    check(&json!("quota_spent"), &Fault::quota_spent());
    check(
        &json!({"kind": "form", "name": "rl_edge_429"}),
        &Fault::form("rl_edge_429"),
    );
}

#[track_caller]
fn check_error(entry: &Value, parts: &[&str]) {
    let error = read(entry).unwrap_err().to_string();
    for part in parts {
        assert!(error.contains(part), "{part:?} is not in {error:?}");
    }
}

#[test]
fn errors_name_the_key_the_value_and_what_is_allowed() {
    let with = |fault: Value| json!({"source": "fred_api", "fault": fault});
    check_error(&json!(1), &["1", "not an object"]);
    check_error(
        &with(json!({"kind": "status", "code": 42})),
        &["`code`", "42", "100 to 999"],
    );
    check_error(
        &with(json!({"kind": "status", "code": 500, "body": "xml"})),
        &["`body`", "xml", "`html`"],
    );
    check_error(
        &with(json!({"kind": "delay"})),
        &["`by`", "missing", "250ms"],
    );
    check_error(
        &with(json!({"kind": "delay", "by": "soon"})),
        &["`by`", "soon"],
    );
    check_error(
        &with(json!({"kind": "form", "name": "nope"})),
        &["`name`", "nope", "`rl_423`"],
    );
    check_error(
        &with(json!({"kind": "freeze", "by": "1s"})),
        &["`by`", "`kind`"],
    );
    let down = json!({"source": "api", "fault": "down", "times": 1});
    check_error(&down, &["`times`", "`down`"]);
    check_error(
        &json!({"source": "api", "fault": "freeze"}),
        &["`freeze`", "at a source"],
    );
    check_error(
        &json!({"source": "api", "fault": "note", "times": 0}),
        &["`times`", "0"],
    );
    check_error(
        &json!({"source": "api", "fault": "note", "path": "x"}),
        &["`path`", "/v8/"],
    );
    check_error(
        &json!({"source": "api", "fault": "note", "at": "1s"}),
        &["`at`", "starts now"],
    );
}

#[test]
fn times_have_units() {
    let read = |text: &str| duration(&json!(text));
    assert_eq!(read("250ms"), Some(Duration::from_millis(250)));
    assert_eq!(read("1h"), Some(Duration::from_hours(1)));
    assert_eq!(duration(&json!(20)), Some(Duration::from_millis(20)));
    for bad in ["", "5", "s", "-1s", "1.5s", "5 s", "99999999999999999d"] {
        assert_eq!(read(bad), None, "{bad}");
    }
}
