//! The control endpoint.

use healing_lab::{Fault, Garble, SourceName};

use crate::client::{control, get, lab};

#[tokio::test]
async fn a_fault_is_injected_shown_and_cleared() {
    let lab = lab().await;
    let body = r#"{"source": "fred_api", "fault": {"kind": "status", "code": 503}, "path": "/graph", "for": "1h"}"#;
    let injected = control(&lab, "POST", "/inject", body).await;
    assert_eq!(
        (injected.status, injected.at("/injected")),
        (200, "status".into())
    );
    let csv = "/graph/fredgraph.csv?id=GDP";
    assert_eq!(get(&lab, SourceName::FredApi, csv).await.status, 503);
    let state = control(&lab, "GET", "/state", "").await;
    assert_eq!(state.at("/sources/fred_api/faults/0/fault"), "status");
    assert_eq!(state.at("/sources/fred_api/faults/0/met"), 1);
    assert_eq!(state.at("/limits"), "off");
    let cleared = control(&lab, "POST", "/clear?source=fred_api", "").await;
    assert_eq!(cleared.at("/cleared"), serde_json::json!(["fred_api"]));
    assert_eq!(get(&lab, SourceName::FredApi, csv).await.status, 200);
    lab.stop().await;
}

#[tokio::test]
async fn the_log_can_be_read_by_source() {
    let lab = lab().await;
    get(&lab, SourceName::FredApi, "/graph/fredgraph.csv?id=GDP").await;
    get(&lab, SourceName::YahooFinance, "/v1/finance/trending/US").await;
    let all = control(&lab, "GET", "/log", "").await;
    assert_eq!(all.at("/asked").as_array().unwrap().len(), 2);
    let one = control(&lab, "GET", "/log?source=yahoo_finance", "").await;
    assert_eq!(one.at("/asked/0/target"), "/v1/finance/trending/US");
    assert_eq!(one.at("/asked/0/source"), "yahoo_finance");
    assert!(one.json().pointer("/asked/1").is_none());
    lab.stop().await;
}

#[tokio::test]
async fn forms_are_listed_with_what_provokes_them() {
    let lab = lab().await;
    let forms = control(&lab, "GET", "/forms?source=fred_api", "").await;
    let rows = forms.at("/fred_api");
    let row = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == "auth_malformed")
        .unwrap()
        .clone();
    assert!(
        row["request"]
            .as_str()
            .unwrap()
            .starts_with("/fred/series/observations?")
    );
    assert!(forms.json().get("polygon_io").is_none());
    lab.stop().await;
}

#[tokio::test]
async fn bad_input_is_told_what_is_wrong_and_what_is_allowed() {
    let lab = lab().await;
    let rows = [
        ("POST", "/inject", "", 400, vec!["not JSON", "fred_api"]),
        ("POST", "/inject", "[]", 400, vec!["not an object"]),
        (
            "POST",
            "/inject",
            r#"{"source": "fred"}"#,
            400,
            vec!["`source`", "fred_api"],
        ),
        (
            "POST",
            "/inject",
            r#"{"source": "api", "fault": "boom"}"#,
            400,
            vec!["boom", "`cut_body`"],
        ),
        (
            "POST",
            "/clear?source=fred",
            "",
            400,
            vec!["`fred`", "fred_api"],
        ),
        ("GET", "/log?from=1", "", 400, vec!["`from`", "`source`"]),
        ("GET", "/inject", "", 405, vec!["POST /inject"]),
        ("GET", "/nothing", "", 404, vec!["/nothing", "GET /state"]),
    ];
    for (method, target, body, status, parts) in rows {
        let reply = control(&lab, method, target, body).await;
        assert_eq!(reply.status, status, "{method} {target}");
        let text = reply.json().to_string();
        for part in parts {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
    }
    lab.stop().await;
}

#[test]
fn the_readme_names_every_fault_and_every_way_to_garble() {
    let readme = include_str!("../../README.md");
    let ways = Garble::ALL.map(Garble::name);
    for name in Fault::NAMES.iter().chain(&ways) {
        assert!(readme.contains(&format!("`{name}`")), "{name}");
    }
}
