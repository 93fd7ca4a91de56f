//! What the command `explain` says of requests that a running proxy has healed, and of URLs.

use std::time::Duration;

use healing_lab::{Fault, Injection, Limits, SourceName};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{
    config::{before, file, started},
    config_admin::{TOKEN, guarded},
    config_alternates::{CHART, yahoo},
    forms::GOOD,
    stage::{Answer, PATIENCE, Proxy, Running, get},
    stand::{Stand, lab},
    upstream::{Act, Upstream},
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

/// What the command says of that answer's request, without what differs each time: numbers but for the status, the time,
/// and how columns are set.
async fn explained(proxy: &Proxy, answer: &Answer) -> String {
    let id = answer.get("x-request-id");
    let (said, err, code) = explain(&[&id, "--admin", &proxy.admin.to_string()]).await;
    assert_eq!(code, Some(0), "{err}");
    masked(&said)
}

fn masked(said: &str) -> String {
    let word = |word: &str| match word {
        number if number.parse::<f64>().is_ok() => "N".to_owned(),
        time if time.starts_with("20") && time.ends_with('Z') => "TIME".to_owned(),
        id if id.len() == 36 && id.contains("-7") => "ID".to_owned(),
        word => word.to_owned(),
    };
    let line = |(n, line): (usize, &str)| {
        let words = line.split_whitespace();
        let words: Vec<String> = match n {
            0 => words.map(str::to_owned).collect(),
            _ => words.map(word).collect(),
        };
        words.join(" ") + "\n"
    };
    said.lines().enumerate().map(line).collect()
}

/// What a program is told, without what differs each time: numbers but for the status, the id and the time.
fn masked_form(mut told: Value) -> Value {
    fn mask(told: &mut Value) {
        match told {
            Value::Number(_) => *told = json!("N"),
            Value::Array(items) => items.iter_mut().for_each(mask),
            Value::Object(keys) => {
                let kept = |key: &str| key == "status";
                keys.iter_mut()
                    .filter(|(key, _)| !kept(key))
                    .for_each(|(_, value)| mask(value));
                for key in ["id", "time"] {
                    keys.entry(key).and_modify(|value| *value = json!("-"));
                }
            }
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }
    mask(&mut told);
    told
}

/// Yahoo's charts at an address that answers 500, with that remedy.
async fn broken(more: &str) -> Stand {
    let lines = format!(
        "sources:\n  yahoo_finance: {{ upstreams: [YAHOO], mount: /yahoo }}\nroutes:\n  - match: \"/yahoo/v8/finance/chart/{{symbol}}\"\n    source: yahoo_finance\n    {more}"
    );
    let stand = Stand::of(lab(Limits::Off).await, &lines, &[]).await;
    let fault = Injection::new(Fault::status(500));
    stand.lab.inject(SourceName::YahooFinance, fault);
    stand
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
    let away = Upstream::away();
    let nobody = away.address.to_string();
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

#[tokio::test]
async fn the_whole_decision_of_a_healed_request_is_shown() {
    let stand = yahoo("alternate_endpoint, exponential_backoff_retry, use_cached_data").await;
    let answer = stand.proxy.get(CHART).await;
    assert_eq!(
        explained(&stand.proxy, &answer).await,
        "\
yahoo_finance /v8/finance/chart/{symbol} -> exact by alternate_endpoint, 200
TIME after N ms of N ms, N upstream calls
first connection_error (connect_refused)
floor stale
in hand nothing: none is kept of this URL
strategy offers p up index limit outcome
N alternate_endpoint exact N N N N ms answered
N exponential_backoff_retry exact N N N N ms not_tried: not_reached
not_reached: another has answered, or the time was over, before its turn
"
    );
}

#[tokio::test]
async fn what_the_floor_refused_is_shown_for_people_and_for_programs() {
    let stand = broken("floor_for_callers: substitute\n    heal: [etf_proxy]").await;
    let answer = stand.proxy.get(CHART).await;
    assert_eq!(answer.status, 500, "{answer:?}");
    assert_eq!(
        explained(&stand.proxy, &answer).await,
        "\
yahoo_finance /v8/finance/chart/{symbol} -> not healed: the upstream's own answer as it came, 500
TIME after N ms of N ms, N upstream call
first server_error (yahoo_finance/failed)
floor stale
in hand nothing: this route gives no copies
strategy offers p up index limit outcome
N etf_proxy substitute - - - - not_tried: below_the_floor
below_the_floor: it gives less than the floor allows, or than what is in hand
"
    );
    let (id, admin) = (answer.get("x-request-id"), stand.proxy.admin.to_string());
    let (said, err, _) = explain(&[&id, "--admin", &admin, "--json"]).await;
    let told = serde_json::from_str(&said).expect(&err);
    let expected = json!({
        "id": "-", "time": "-", "source": "yahoo_finance", "route": "/v8/finance/chart/{symbol}",
        "class": "server_error", "detail": "yahoo_finance/failed", "answered_by": "none", "given": "as_it_came", "status": 500,
        "fidelity": null, "floor": "stale", "in_hand_age_s": null, "no_copy": "not_allowed",
        "detail_meaning": null, "no_copy_meaning": "this route gives no copies", "attempts": "N", "took_ms": "N", "deadline_ms": "N", "propensity": "N",
        "considered": [{
            "strategy": "etf_proxy", "fidelity": "substitute", "p": null, "up": null, "index": null, "limit_ms": null,
            "outcome": "not_tried", "why": "below_the_floor",
            "meaning": "it gives less than the floor allows, or than what is in hand",
        }],
    });
    assert_eq!(masked_form(told), expected);
}

#[tokio::test]
async fn a_rail_that_held_a_call_back_is_shown() {
    let lines = "heal: [exponential_backoff_retry]\nbudget: { share: 0, floor_per_s: 0 }";
    let stand = broken(lines).await;
    // What is there at the start goes first.
    let mut answer = stand.proxy.get(CHART).await;
    for n in 0..10 {
        if explained(&stand.proxy, &answer).await.contains("budget") {
            break;
        }
        answer = stand
            .proxy
            .get(&CHART.replace("AAPL", &format!("A{n}")))
            .await;
    }
    assert_eq!(
        explained(&stand.proxy, &answer).await,
        "\
yahoo_finance /v8/finance/chart/{symbol} -> not healed: the upstream's own answer as it came, 500
TIME after N ms of N ms, N upstream call
first server_error (yahoo_finance/failed)
floor stale
in hand nothing: this route gives no copies
strategy offers p up index limit outcome
N exponential_backoff_retry exact N N N N ms not_asked: budget
budget: a rail: the extra calls that healing may cost are spent for now
"
    );
}

#[tokio::test]
async fn a_plan_without_anything_legal_passes_the_answer_on_and_says_why() {
    let stand = broken("heal: []").await;
    let answer = stand.proxy.get(CHART).await;
    assert_eq!(answer.status, 500, "{answer:?}");
    let why = answer.get("proxy-status");
    assert!(why.contains("received-status=500") && why.contains("yahoo_finance/failed"));
    assert_eq!(
        explained(&stand.proxy, &answer).await,
        "\
yahoo_finance /v8/finance/chart/{symbol} -> not healed: the upstream's own answer as it came, 500
TIME after N ms of N ms, N upstream call
first server_error (yahoo_finance/failed)
floor stale
in hand nothing: this route gives no copies
considered nothing: no strategy that takes part is set for this route
"
    );
}

#[tokio::test]
async fn an_upstream_that_was_not_asked_and_a_copy_that_was_given_are_shown() {
    let upstream = Upstream::that(Act::json(GOOD));
    let proxy = Proxy::before(&upstream).await;
    assert_eq!(proxy.get("/api/quote/AAPL").await.text(), GOOD);
    let throttled = "HTTP/1.1 429 Slow\r\nRetry-After: 3600";
    upstream.always(Act::answer(throttled, "slow down"));
    proxy.get("/api/quote/AAPL").await;
    let (known, unknown) = (
        proxy.get("/api/quote/AAPL").await,
        proxy.get("/api/quote/IBM").await,
    );
    let said = explained(&proxy, &known).await;
    let begin = "\
quote /api/quote/{symbol} -> stale by use_cached_data, 200
TIME after N ms of N ms, the upstream was not asked
first rate_limit (resting)
floor stale
in hand a copy, N s old
";
    assert!(said.starts_with(begin), "{said}");
    let said = explained(&proxy, &unknown).await;
    let begin = "\
quote /api/quote/{symbol} -> not healed: an error of the proxy, 503
TIME after N ms of N ms, the upstream was not asked
first rate_limit (resting)
floor stale
in hand nothing: none is kept of this URL
";
    assert!(said.starts_with(begin), "{said}");
}

#[tokio::test]
async fn why_no_copy_is_in_hand_is_said() {
    let copies = ", heal: [use_cached_data]";
    let short = ", heal: [{ use_cached_data: { up_to: 1s } }]";
    let floor = |floor: &str| format!("Healing-Floor: {floor}\r\n");
    for (keys, cache_control, fields, why) in [
        (
            copies,
            "max-age=1, must-revalidate",
            String::new(),
            "one is kept that may not heal, by its origin's word",
        ),
        (
            copies,
            "max-age=0",
            floor("exact"),
            "a copy is less than the floor allows",
        ),
        (
            copies,
            "max-age=0",
            floor("stale;max-age=0"),
            "one is kept, and not for this request",
        ),
        (
            short,
            "max-age=0",
            String::new(),
            "one is kept that is too old",
        ),
        (
            copies,
            "no-store",
            String::new(),
            "none is kept of this URL",
        ),
    ] {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: {cache_control}"
        );
        let upstream = Upstream::that(Act::answer(&head, GOOD));
        let folder = TempDir::new().unwrap();
        let route = format!("routes:\n  - {{ match: /api/quote{keys} }}\n");
        let proxy = started(&file(&folder, &before(&upstream, &route))).await;
        assert_eq!(proxy.get("/api/quote").await.text(), GOOD);
        sleep(Duration::from_millis(1_100)).await;
        upstream.always(Act::answer("HTTP/1.1 500 Oops", ""));
        let asked = get("/api/quote").replace("\r\n\r\n", &format!("\r\n{fields}\r\n"));
        let answer = proxy.ask(&asked).await;
        assert_eq!(answer.status, 500, "{why}: {answer:?}");
        let said = explained(&proxy, &answer).await;
        assert!(
            said.contains(&format!("in hand nothing: {why}")),
            "{why}: {said}"
        );
    }
}

#[tokio::test]
async fn a_foresight_says_what_would_be_tried_and_what_would_come_at_last() {
    let stand = yahoo("alternate_endpoint, request_queuing, use_cached_data").await;
    let admin = stand.proxy.admin.to_string();
    let (said, err, _) = explain(&["--url", CHART, "--admin", &admin]).await;
    assert_eq!(
        masked(&said),
        "\
yahoo_finance /v8/finance/chart/{symbol} if it failed now with server_error
the upstream is asked first
floor stale
in hand nothing: none is kept of this URL
strategy offers p up index limit outcome
N alternate_endpoint exact N N N N ms would_be_tried
N request_queuing - - - - - not_tried: not_for_this_fault
not_for_this_fault: it does not help against such a fault
at last the upstream's own answer as it came; where none came, an error of the proxy
",
        "{err}"
    );
    let (said, _, _) = explain(&["--url", CHART, "--admin", &admin, "--json"]).await;
    let told: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(told["considered"][0]["outcome"], "would_be_tried");
    assert_eq!(told["no_copy"], "none_kept");
    assert_eq!(told["latest"], Value::Null);
}

#[tokio::test]
async fn a_request_that_leaves_no_record_is_told_why_it_may_be() {
    let upstream = Upstream::that(Act::json(GOOD));
    let proxy = Proxy::before(&upstream).await;
    let admin = proxy.admin.to_string();
    let good = proxy.get("/api/quote/AAPL").await;
    upstream.always(Act::answer("HTTP/1.1 404 No", "{}"));
    let wrong = proxy.get("/api/quote/NONE").await;
    upstream.always(Act::answer("HTTP/1.1 503 No", "{}"));
    let order = "POST /api/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    let order = proxy.ask(order).await;
    for answer in [good, wrong, order] {
        let id = answer.get("x-request-id");
        let (_, err, code) = explain(&[&id, "--admin", &admin]).await;
        assert_eq!(code, Some(1), "{err}");
        assert!(err.contains("POST: sent once, never healed"), "{err}");
        assert!(err.contains("404") && !err.contains("1,000"), "{err}");
    }
    let not_ours = "550e8400-e29b-41d4-a716-446655440000";
    let (_, err, code) = explain(&[not_ours, "--admin", &admin]).await;
    assert!(
        code == Some(1) && err.contains("no request has such an id"),
        "{err}"
    );
}

#[tokio::test]
async fn a_request_whose_record_has_gone_is_told_so() {
    let upstream = Upstream::that(Act::answer("HTTP/1.1 503 No", "{}"));
    let proxy = Proxy::before(&upstream).await;
    let admin = proxy.admin.to_string();
    let mut caller = proxy.caller().await;
    let first = caller.get("/api/quote/AAPL").await.get("x-request-id");
    let (_, err, code) = explain(&[&first, "--admin", &admin]).await;
    assert_eq!(code, Some(0), "{err}");
    for _ in 0..1_000 {
        caller.get("/api/quote/AAPL").await;
    }
    let (_, err, code) = explain(&[&first, "--admin", &admin]).await;
    assert_eq!(code, Some(1), "{err}");
    assert!(
        err.contains("what is on record begins at") && err.contains("last 1,000"),
        "{err}"
    );
}
