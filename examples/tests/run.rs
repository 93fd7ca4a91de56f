//! Every example runs to its end and shows what it promises.
#![cfg(test)]

use std::process::Command;

#[track_caller]
fn check(program: &str, shows: &[&str]) {
    let output = Command::new(program).output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    for line in shows {
        assert!(text.contains(line), "no {line:?} in {text}");
    }
}

#[test]
fn a_hyper_client_keeps_its_data_while_the_upstream_is_broken() {
    let shows = [
        "healthy: [4.1,4.2] (direct)",
        "failed once: [4.1,4.2] (exponential_backoff_retry, 2 calls)",
        "down: [4.1,4.2] (use_cached_data",
        "/fred/series/{symbol}: 3 requests, 2 of them failed at the first call",
    ];
    check(env!("CARGO_BIN_EXE_hyper_client"), &shows);
}

#[test]
fn an_axum_api_gives_its_last_good_answer_and_says_so() {
    let shows = [
        "healthy: 200 OK [[\"AAPL\",229.87]]",
        "healing: stale;strategy=use_cached_data;source=",
        "only exact: 500 Internal Server Error no connection to the database",
        "a POST: 500 Internal Server Error no connection to the database",
    ];
    check(env!("CARGO_BIN_EXE_axum_inbound"), &shows);
}

#[test]
fn a_revoked_key_is_replaced_and_nobody_waits_for_nothing() {
    let shows = [
        "both keys valid: 200 OK (direct, 1 call)",
        "first key revoked: 200 OK (api_key_rotation, 2 calls)",
        "from then on: 200 OK (direct, 1 call)",
        "three at once, two a second: direct, direct, request_queuing",
        "key 1: 2 calls, turned away 1 time, rests: true",
        "key 2: 5 calls, turned away 0 times, rests: false",
    ];
    check(env!("CARGO_BIN_EXE_key_rotation"), &shows);
}

#[test]
fn a_strategy_of_ones_own_answers_where_the_caller_consents() {
    let shows = [
        "with consent: 200 OK {\"close_of_yesterday\":229.87} (Some(Estimate), closing_price)",
        "without: 502 Bad Gateway",
        "not in the table: 502 Bad Gateway",
    ];
    check(env!("CARGO_BIN_EXE_custom_strategy"), &shows);
}

#[test]
fn a_rule_of_ones_own_tells_a_placeholder_from_data() {
    let shows = [
        "without the rule: {\"quotes\":[{\"last\":0.0}]} (direct)",
        "with the rule: {\"quotes\":[{\"last\":4.2}]} (use_cached_data)",
        "event: empty_data (vendor_code_7), status 200 on /v1/quotes, healed: true",
    ];
    check(env!("CARGO_BIN_EXE_custom_classifier"), &shows);
}

#[test]
fn a_series_that_is_down_is_answered_by_its_relative_under_its_own_name() {
    let shows = [
        "reduced is fine: 200 OK {\"id\":\"GS10\"",
        "content-location: /api/fred/series/GS10",
        "cache-control: no-store",
        "it is called: monthly average",
        "only the daily one: 503 Service Unavailable out of order",
    ];
    check(env!("CARGO_BIN_EXE_alternate_series"), &shows);
}

#[test]
fn a_gateway_asks_the_other_address_of_its_source() {
    let shows = [
        "healthy: {\"price\":229.87} (direct)",
        "the first address is down: {\"price\":229.87} (alternate_endpoint)",
    ];
    check(env!("CARGO_BIN_EXE_axum_gateway"), &shows);
}

#[test]
fn a_reqwest_client_heals_through_a_short_adapter() {
    let shows = [
        "healthy: [4.1,4.2] (direct)",
        "failed once: [4.1,4.2] (exponential_backoff_retry)",
        "down: [4.1,4.2] (use_cached_data)",
    ];
    check(env!("CARGO_BIN_EXE_reqwest_client"), &shows);
}
