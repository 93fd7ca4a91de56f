//! A secret that passes through is written down nowhere.

use std::time::Duration;

use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

use crate::{
    forms::GOOD,
    stage::{Caller, PATIENCE, Proxy, files},
    upstream::{Act, Upstream},
    wire::find,
};

/// In every secret, whatever its case.
const CANARY: &str = "canary";

const QUERY: &str =
    "symbol=CANARYq1W2e3R4t5&api_key=CANARYk7Q2m9Zx4P&CANARYn4m3N4m3N4=1&limit=CANARY99887766";

fn is_in(text: &[u8]) -> bool {
    find(&text.to_ascii_lowercase(), CANARY.as_bytes()).is_some()
}

/// What is around the first secret, for the message.
fn around(text: &[u8]) -> String {
    let at = find(&text.to_ascii_lowercase(), CANARY.as_bytes()).unwrap_or_default();
    let (from, to) = (at.saturating_sub(120), text.len().min(at + 60));
    String::from_utf8_lossy(&text[from..to]).into_owned()
}

#[track_caller]
fn is_clean(place: &str, text: &[u8]) {
    assert!(!is_in(text), "{place}: …{}…", around(text));
}

fn request(method: &str, path: &str) -> String {
    let fields = [
        "Authorization: Bearer CANARYauth0a1b2c3d",
        "Cookie: session=CANARYcookie4e5f6a",
        "X-Api-Key: CANARYheader7b8c9d",
        "User-Agent: CANARYagent1a2b3c",
        "Referer: http://a/?t=CANARYreferer5d6e",
        "X-Request-Id: CANARYrequest7f8a",
        "Content-Length: 20",
    ];
    let fields = fields.join("\r\n");
    format!(
        "{method} {path}?{QUERY} HTTP/1.1\r\nHost: CANARYhost.test\r\n{fields}\r\n\r\n{{\"k\":\"CANARYbody9a8\"}}\n"
    )
}

/// Bad answers that speak of secrets.
fn leaks() -> Vec<Act> {
    let text =
        r#"{"error":{"message":"key CANARYerror1b2c3d is not known, please try again later"}}"#;
    let fields =
        "Content-Type: application/json\r\nX-Key: CANARYfield5e6f\r\nSet-Cookie: a=CANARYset7a8b";
    vec![
        Act::answer(&format!("HTTP/1.1 500 CANARYreason\r\n{fields}"), text),
        Act::answer(&format!("HTTP/1.1 401 No\r\n{fields}"), text),
        Act::answer(&format!("HTTP/1.1 403 No\r\n{fields}"), text),
        Act::answer(
            &format!("HTTP/1.1 429 Slow\r\nRetry-After: CANARYwait\r\n{fields}"),
            text,
        ),
        Act::json(text),
        Act::json(
            r#"{"Note":"Your key CANARYnote3c4d is limited to 5 calls per minute, slow down"}"#,
        ),
        Act::json(r#"{"data":"CANARYcut"#),
        Act::send("HTTP/1.1 200 OK\r\nContent-Length: CANARYlength\r\n\r\n").closes(),
        Act::send("CANARY is no HTTP\r\n\r\n").closes(),
        Act::send("").resets(),
    ]
}

/// A little of everything that can go wrong, and some of it that goes well.
async fn suffer(upstream: &Upstream, proxy: &Proxy) {
    let paths = [
        "/api/quote/CANARYpath0f9e8d7c",
        "/api/CANARYsegment5b4a3c/quote",
    ];
    for path in paths {
        upstream.always(Act::json(GOOD));
        proxy.ask(&request("GET", path)).await;
        for (n, leak) in leaks().into_iter().enumerate() {
            upstream.always(leak);
            let known = proxy.ask(&request("GET", path)).await;
            let unknown = proxy.ask(&request("GET", &format!("{path}/{n}"))).await;
            let post = proxy.ask(&request("POST", path)).await;
            for answer in [known, unknown, post] {
                if answer.get("content-type") == "application/problem+json" {
                    is_clean(
                        "a problem",
                        format!("{:?} {}", answer.head, answer.text()).as_bytes(),
                    );
                }
            }
        }
    }
    for bad in [
        "GET /CANARYbad HTTP/1.1\r\nHost: a\r\nHealing-Floor: CANARYfloor\r\n\r\n",
        "GET /CANARYbad HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CANARYte\r\n\r\n",
        "CANARYMETHOD /CANARYbad HTTP/1.1\r\nHost: a\r\n\r\n",
        "TRACE /CANARYbad HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        let mut caller = proxy.caller().await;
        caller.send(bad).await;
        let _closed_or_answered = timeout(Duration::from_secs(2), caller.wire.more()).await;
    }
}

/// The first frames of the live feed, as bytes.
async fn feed(proxy: &Proxy) -> Vec<u8> {
    let mut caller = Caller::of(proxy.admin).await;
    let host = proxy.admin;
    caller
        .send(format!("GET /ws/health HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"))
        .await;
    assert!(caller.head().await.first.contains("101"));
    let until = Instant::now() + Duration::from_secs(3);
    while tokio::time::timeout_at(until, caller.wire.more())
        .await
        .is_ok_and(|read| read.is_ok_and(|read| read > 0))
    {}
    caller.wire.unread
}

async fn admin_is_clean(proxy: &Proxy) {
    for path in [
        "/api/v1/status",
        "/api/v1/events?limit=500",
        "/api/v1/alerts",
        "/health-dashboard",
        "/readyz?verbose",
        "/livez",
        "/none",
    ] {
        let mut caller = Caller::of(proxy.admin).await;
        caller
            .send(format!(
                "GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n",
                proxy.admin
            ))
            .await;
        let answer = caller.answer("GET", Instant::now()).await;
        is_clean(
            path,
            format!("{:?} {}", answer.head, answer.text()).as_bytes(),
        );
        if path.starts_with("/api/v1/events") {
            assert!(
                answer.text().contains("REDACTED"),
                "nothing was recorded: {}",
                answer.text()
            );
        }
    }
    let frames = feed(proxy).await;
    assert!(
        find(&frames, b"health_update").is_some(),
        "{}",
        String::from_utf8_lossy(&frames)
    );
    is_clean("the feed", &frames);
}

#[tokio::test]
async fn secrets_are_in_no_log_no_page_no_feed_and_no_file() {
    for format in ["json", "text"] {
        let folder = TempDir::new().unwrap();
        let state = folder.path().display().to_string();
        let upstream = Upstream::that(Act::json(GOOD));
        let args = ["--state", &state, "-vv", "--log-format", format];
        let mut proxy = Proxy::with(upstream.address, &args).await;
        suffer(&upstream, &proxy).await;
        assert!(
            upstream
                .seen()
                .iter()
                .any(|seen| is_in(seen.head.first.as_bytes())),
            "no secret passed"
        );
        admin_is_clean(&proxy).await;
        sleep(Duration::from_millis(600)).await;
        let on_disk = files(folder.path());
        assert!(
            on_disk
                .iter()
                .any(|(_, bytes)| find(bytes, b"REDACTED").is_some()),
            "nothing was kept"
        );
        proxy.signal("TERM");
        assert!(proxy.process().end(PATIENCE).await.success());
        for (file, bytes) in on_disk.into_iter().chain(files(folder.path())) {
            is_clean(&file.display().to_string(), &bytes);
        }
        let (out, err) = (proxy.out(), proxy.err());
        assert!(
            err.contains("upstream failed") && err.contains("healed"),
            "{err}"
        );
        is_clean("stdout", out.as_bytes());
        is_clean("stderr", err.as_bytes());
    }
}

#[tokio::test]
async fn secrets_are_not_in_what_is_kept_while_the_database_is_away() {
    let folder = TempDir::new().unwrap();
    let state = folder.path().display().to_string();
    let upstream = Upstream::that(Act::json(GOOD));
    let proxy = Proxy::with(upstream.address, &["--state", &state]).await;
    let options = SqliteConnectOptions::new().filename(folder.path().join("healing.db"));
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("BEGIN EXCLUSIVE")
        .execute(&mut other)
        .await
        .unwrap();
    suffer(&upstream, &proxy).await;
    // Only this file: reading the database here would give up the lock on it, which is the process's own.
    let spill = folder.path().join("spill.ndjson");
    let begun = Instant::now();
    while std::fs::read(&spill).unwrap_or_default().is_empty() {
        assert!(
            begun.elapsed() < PATIENCE,
            "nothing was spilt: {}",
            proxy.err()
        );
        sleep(Duration::from_millis(50)).await;
    }
    let bytes = std::fs::read(&spill).unwrap();
    assert!(
        find(&bytes, b"REDACTED").is_some(),
        "{}",
        String::from_utf8_lossy(&bytes)
    );
    is_clean("the spill file", &bytes);
    other.close().await.unwrap();
}
