//! What the command `explain` says of requests that a running proxy has healed, and of URLs.

use healing_lab::SourceName;
use serde_json::Value;

use crate::{
    config_admin::{TOKEN, guarded},
    config_alternates::{CHART, yahoo},
    stage::{PATIENCE, Running},
};

/// What the command said on stdout and on stderr, and how it ended.
async fn explain(args: &[&str]) -> (String, String, Option<i32>) {
    let args: Vec<&str> = ["explain"].iter().chain(args).copied().collect();
    let mut running = Running::start(&args);
    let status = running.end(PATIENCE).await;
    (running.out(), running.err(), status.code())
}

fn id_of(healing: &str) -> &str {
    let id = healing.split("id=\"").nth(1).expect("an id");
    id.split('"').next().expect("its end")
}

#[tokio::test]
async fn a_healed_request_is_explained_by_its_id_for_people_and_for_programs() {
    let stand = yahoo("alternate_endpoint, exponential_backoff_retry").await;
    let answer = stand.proxy.get(&format!("{CHART}&token=s3cret")).await;
    let (healing, admin) = (answer.get("healing"), stand.proxy.admin.to_string());
    let (said, err, code) = explain(&[id_of(&healing), "--admin", &admin]).await;
    assert_eq!(code, Some(0), "{err}");
    for word in [
        "yahoo_finance /v8/finance/chart/{symbol}",
        "exact by alternate_endpoint",
        "connection_error (connect_refused)",
        "answered",
        "exponential_backoff_retry",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let (said, _, _) = explain(&[id_of(&healing), "--admin", &admin, "--json"]).await;
    let told: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(told["answered_by"], "alternate_endpoint");
    let tried = &told["considered"][0];
    assert_eq!(tried["outcome"], "answered");
    assert!(tried["p"].as_f64().unwrap() > 0.2 && tried["index"].is_number());
    for secret in ["s3cret", "AAPL", "range"] {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
}

#[tokio::test]
async fn a_url_is_explained_without_asking_anybody() {
    let stand = yahoo("alternate_endpoint, exponential_backoff_retry, use_cached_data").await;
    let admin = stand.proxy.admin.to_string();
    let url = format!("http://{}{CHART}", stand.proxy.address);
    let args = ["--url", &url, "--when", "timeout", "--admin", &admin];
    let (said, err, code) = explain(&args).await;
    assert_eq!(code, Some(0), "{err}");
    assert!(said.contains("if it failed now with timeout"), "{said}");
    assert!(said.contains("alternate_endpoint") && !said.contains("AAPL"));
    assert!(said.contains("in hand    nothing"), "{said}");
    assert_eq!(stand.asked(SourceName::YahooFinance).len(), 0);
    // As callers name the host: copies are kept by that.
    assert_eq!(stand.proxy.get(CHART).await.status, 200);
    let url = format!("http://api.test{CHART}");
    let (said, err, _) = explain(&["--url", &url, "--admin", &admin]).await;
    assert!(said.contains("in hand    a copy"), "{said} {err}");
}

#[tokio::test]
async fn what_cannot_be_explained_is_said_with_the_way_out() {
    let stand = yahoo("alternate_endpoint").await;
    let admin = stand.proxy.admin.to_string();
    let unknown = "0193f2c4-7b1e-7c3a-9d52-3f0a6c1e8b77";
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = closed.local_addr().unwrap().to_string();
    drop(closed);
    for (args, says, expected) in [
        (vec![unknown, "--admin", &admin], "last 1,000", 1),
        (vec![unknown, "--admin", &nobody], "is it running?", 1),
        (
            vec!["0193f2", "--admin", &admin],
            "32 hexadecimal digits",
            2,
        ),
        (vec!["--url", "not a url"], "give a URL such as", 2),
        (
            vec!["--url", "/a", "--when", "rain"],
            "is no fault class",
            2,
        ),
        (vec![unknown, "--url", "/a"], "cannot be used with", 2),
        (vec![], "required", 2),
    ] {
        let (out, err, code) = explain(&args).await;
        assert_eq!((code, &*out), (Some(expected), ""), "{args:?}: {err}");
        assert!(err.contains(says), "{args:?}: {err}");
    }
    let told = stand.page("/api/v1/decisions/nonsense").await;
    assert_eq!(told["status"], 400, "{told}");
    let told = stand.page("/api/v1/foresight?url=%2Fa&host=%20").await;
    assert_eq!(told["status"], 400, "{told}");
    let told = stand.page("/api/v1/foresight?url=nonsense").await;
    assert_eq!(told["status"], 400, "{told}");
}

#[tokio::test]
async fn an_admin_port_that_wants_a_token_is_asked_with_it() {
    let stand = guarded().await;
    let admin = stand.proxy.admin.to_string();
    let (_, err, code) = explain(&["--url", "/a", "--admin", &admin]).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("--token-env NAME"), "{err}");
    let args = [
        "explain",
        "--url",
        "/a",
        "--admin",
        &admin,
        "--token-env",
        "ITS",
    ];
    for (variables, says, expected) in [
        (&[][..], "ITS is not set", 1),
        (&[("ITS", "another-token")][..], "wants another token", 1),
        (&[("ITS", TOKEN)][..], "the upstream is asked first", 0),
    ] {
        let mut running = Running::start_with(&args, variables);
        let code = running.end(PATIENCE).await.code();
        let said = running.out() + &running.err();
        assert_eq!(code, Some(expected), "{said}");
        assert!(
            said.contains(says) && !said.contains("another-token"),
            "{said}"
        );
    }
}
