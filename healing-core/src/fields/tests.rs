//! The fields, letter by letter.

use http::StatusCode;
use uuid::Uuid;

use super::*;
use crate::vocabulary::{route::Route, source::Source};

fn truth() -> Provenance {
    Provenance {
        id: Uuid::nil(),
        suspect: None,
        fidelity: Some(Fidelity::Stale),
        strategy: StrategyId::USE_CACHED_DATA,
        route: Some(Route::new(
            Source::new("fred_api").unwrap(),
            "/api/fred/{series}",
        )),
        fault: Some(
            Fault::new(FaultClass::ServerError, "server_error_5xx")
                .with_status(StatusCode::SERVICE_UNAVAILABLE),
        ),
        age: Some(Duration::from_millis(412_900)),
        attempts: 1,
        took: Duration::from_millis(12),
        cache: CacheUse::AfterFault,
        instead: None,
        observed: Observed::No,
        collapsed: false,
        overridden: false,
    }
}

fn instead() -> Provenance {
    let location = "http://yahoo.test/v8/finance/chart/XLK?interval=1d&crumb=s3cret";
    let fund = Instead::at(&location.parse().unwrap())
        .of(Source::new("yahoo_finance").unwrap())
        .called("sector fund");
    Provenance {
        fidelity: Some(Fidelity::Substitute),
        strategy: StrategyId::ETF_PROXY,
        age: None,
        attempts: 2,
        cache: CacheUse::Missed { stored: false },
        instead: Some(Box::new(fund)),
        ..truth()
    }
}

fn labelled(expose: Expose) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_LOCATION,
        HeaderValue::from_static("/of-the-upstream"),
    );
    Identity::new("heal-7f3a", expose)
        .unwrap()
        .label(&mut headers, &instead());
    headers
}

#[test]
fn an_answer_to_something_else_says_what_it_is_and_whose() {
    let headers = labelled(Expose::Full);
    assert_eq!(
        headers["content-location"],
        "/v8/finance/chart/XLK?interval=1d&crumb=REDACTED"
    );
    let healing = format!(
        "substitute;strategy=etf_proxy;source=yahoo_finance;label=\"sector fund\";class=server_error;attempts=2;id=\"{NIL}\""
    );
    assert_eq!(headers["healing"], healing);
}

#[test]
fn where_healing_only_watches_it_adds_no_field_but_what_it_would_do() {
    let would = Provenance {
        observed: Observed::Would("cached copy (age 40s)".into()),
        ..truth()
    };
    let mut headers = HeaderMap::new();
    let identity = Identity::new("heal-7f3a", Expose::Full).unwrap();
    identity.label(&mut headers, &would);
    assert_eq!(
        headers["server-timing"],
        "heal;desc=\"would: cached copy (age 40s)\""
    );
    assert_eq!(headers.len(), 1);
    headers.clear();
    let fine = Provenance {
        observed: Observed::Nothing,
        ..truth()
    };
    identity.label(&mut headers, &fine);
    assert!(headers.is_empty(), "{headers:?}");
}

#[test]
fn where_nothing_is_exposed_another_sources_address_is_not_either() {
    let headers = labelled(Expose::None);
    assert_eq!(headers["healing"], "substitute");
    assert!(!headers.contains_key("content-location"), "{headers:?}");
}

#[track_caller]
fn check(truth: &Provenance, expose: Expose, expected: &[(&str, &str)]) {
    let mut headers = HeaderMap::new();
    Identity::new("heal-7f3a", expose)
        .unwrap()
        .label(&mut headers, truth);
    headers.remove("x-request-id").unwrap();
    let mut lines: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    lines.sort_unstable();
    assert_eq!(lines, expected);
}

const NIL: &str = "00000000-0000-0000-0000-000000000000";

#[test]
fn a_stale_answer_after_a_fault_is_labelled() {
    let healing = format!(
        "stale;strategy=use_cached_data;source=fred_api;class=server_error;age=412;attempts=1;id=\"{NIL}\""
    );
    check(
        &truth(),
        Expose::Full,
        &[
            ("age", "412"),
            (
                "cache-status",
                "heal-7f3a;fwd=stale;fwd-status=503;detail=stale-if-error",
            ),
            ("healing", &healing),
            (
                "proxy-status",
                "heal-7f3a;received-status=503;details=\"server_error_5xx\"",
            ),
            ("server-timing", "heal;dur=12;desc=\"1 attempt\""),
        ],
    );
}

#[test]
fn a_caller_is_told_the_fidelity_whatever_is_exposed() {
    check(
        &truth(),
        Expose::None,
        &[
            ("age", "412"),
            (
                "cache-status",
                "heal-7f3a;fwd=stale;fwd-status=503;detail=stale-if-error",
            ),
            ("healing", "stale"),
        ],
    );
}

#[test]
fn an_answer_while_the_source_rests_is_a_hit_with_a_negative_lifetime() {
    let rested = Provenance {
        cache: CacheUse::Rested,
        attempts: 0,
        ..truth()
    };
    let mut headers = HeaderMap::new();
    Identity::new("heal-7f3a", Expose::Full)
        .unwrap()
        .label(&mut headers, &rested);
    assert_eq!(
        headers["cache-status"],
        "heal-7f3a;hit;ttl=-412;detail=breaker-open"
    );
}

#[test]
fn a_direct_answer_says_nothing_but_its_id_and_what_the_cache_did() {
    let direct = Provenance {
        fidelity: Some(Fidelity::Exact),
        strategy: StrategyId::DIRECT,
        fault: None,
        age: None,
        cache: CacheUse::Missed { stored: true },
        ..truth()
    };
    check(
        &direct,
        Expose::Full,
        &[("cache-status", "heal-7f3a;fwd=uri-miss;stored")],
    );
}

#[test]
fn what_failed_below_http_has_its_registered_name() {
    let cases = [
        ("connect_refused", "connection_refused"),
        ("eof", "connection_terminated"),
        ("tls_certificate", "tls_certificate_error"),
        ("tls", "tls_protocol_error"),
    ];
    for (detail, name) in cases {
        assert_eq!(
            proxy_error(&Fault::new(FaultClass::ConnectionError, detail)),
            Some(name)
        );
    }
    assert_eq!(
        proxy_error(&Fault::new(FaultClass::ServerError, "server_error_5xx")),
        None
    );
}

#[test]
fn a_floor_is_a_token_with_at_most_an_age() {
    let read = |text: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(HEALING_FLOOR, text.parse().unwrap());
        floor(&headers)
    };
    assert_eq!(floor(&HeaderMap::new()), Ok(None));
    assert_eq!(read("exact"), Ok(Some(Floor::of(Fidelity::Exact))));
    let aged = Floor {
        fidelity: Fidelity::Stale,
        max_age: Some(Duration::from_mins(15)),
    };
    assert_eq!(read("stale;max-age=900"), Ok(Some(aged)));
    for bad in [
        "",
        "fresh",
        "\"stale\"",
        "stale;max-age=-1",
        "stale;max-age=soon",
        "stale;age=1",
        "stale, exact",
        "1",
    ] {
        assert_eq!(read(bad), Err(BadFloor), "{bad}");
    }
}
