//! Who may read the admin port: names it answers to, origins that may open the feed, and headers of every answer.

use axum::http::{Method, Request, StatusCode};

use super::sample::{ask, ask_under, board, served, settings, snapshot};
use crate::admin::AdminSettings;

fn trusting() -> AdminSettings {
    AdminSettings {
        allowed_hosts: vec!["heal.example.org".to_owned()],
        allowed_origins: vec!["https://status.example.org".to_owned()],
        ..settings()
    }
}

#[tokio::test]
async fn only_names_that_are_ours_are_answered() {
    let board = board(snapshot(0, vec![]));
    let table = [
        ("localhost", 200),
        ("localhost:8888", 200),
        ("LOCALHOST.:8888", 200),
        ("127.0.0.1:8888", 200),
        ("192.168.1.7", 200),
        ("[::1]:8888", 200),
        ("heal.example.org", 200),
        ("HEAL.example.org.:443", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("evil-localhost", 421),
        ("heal.example.org.evil.example", 421),
        ("a@localhost", 400),
        ("localhost/", 400),
        ("", 400),
    ];
    for (host, status) in table {
        let reply = ask_under(
            &board,
            trusting(),
            Request::get("/livez"),
            &[("host", host)],
        )
        .await;
        assert_eq!(reply.status.as_u16(), status, "{host:?}");
        if status != 200 {
            assert_eq!(
                reply.header("content-type"),
                Some("application/problem+json"),
                "{host:?}"
            );
            assert_eq!(reply.json()["status"], status);
        }
    }
}

#[tokio::test]
async fn a_target_with_a_foreign_name_or_two_hosts_is_refused() {
    let board = board(snapshot(0, vec![]));
    let foreign = Request::get("http://evil.example/livez");
    assert_eq!(
        ask_under(&board, settings(), foreign, &[]).await.status,
        StatusCode::MISDIRECTED_REQUEST
    );
    let two = [("host", "localhost"), ("host", "evil.example")];
    assert_eq!(
        ask(&board, "/livez", &two).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn pages_of_our_own_port_of_loopback_and_of_listed_origins_may_open_the_feed() {
    let served = served(board(snapshot(0, vec![])), trusting()).await;
    let own = format!("http://127.0.0.1:{}", served.port);
    let table = [
        (own.as_str(), None),
        ("http://localhost:5002", None),
        ("http://127.0.0.1:5002", None),
        ("https://[::1]", None),
        ("https://status.example.org", None),
        ("http://status.example.org", Some(403)),
        ("https://status.example.org.evil.example", Some(403)),
        ("http://evil.example", Some(403)),
        ("http://localhost.evil.example:5002", Some(403)),
        ("http://evil.example@localhost", Some(403)),
        ("null", Some(403)),
        ("file://", Some(403)),
        ("chrome-extension://abc", Some(403)),
    ];
    for (origin, refused) in table {
        assert_eq!(
            served.connect_with(&[("origin", origin)]).await.err(),
            refused,
            "{origin}"
        );
    }
    assert!(
        served.connect_with(&[]).await.is_ok(),
        "what is no page sends no origin"
    );
}

#[tokio::test]
async fn off_loopback_only_our_own_origin_and_listed_ones_may() {
    let settings = AdminSettings {
        listen: ([0, 0, 0, 0], 8888).into(),
        ..trusting()
    };
    let served = served(board(snapshot(0, vec![])), settings).await;
    let host = "heal.example.org";
    for (origin, refused) in [
        ("http://heal.example.org", None),
        ("http://heal.example.org:80", None),
        ("https://status.example.org", None),
        ("http://heal.example.org:81", Some(403)),
        ("http://localhost:5002", Some(403)),
    ] {
        assert_eq!(
            served
                .connect_with(&[("host", host), ("origin", origin)])
                .await
                .err(),
            refused,
            "{origin}"
        );
    }
}

#[tokio::test]
async fn json_is_shared_with_the_same_origins_and_no_others() {
    let board = board(snapshot(0, vec![]));
    for (origin, shared) in [
        ("http://localhost:5002", true),
        ("http://evil.example", false),
        ("null", false),
    ] {
        let reply = ask(&board, "/api/v1/status", &[("origin", origin)]).await;
        assert_eq!(
            reply.header("access-control-allow-origin"),
            shared.then_some(origin)
        );
        assert_eq!(reply.header("vary"), Some("Origin"));
    }
}

#[tokio::test]
async fn every_answer_has_the_headers_of_a_page_that_shows_nothing_but_itself() {
    let board = board(snapshot(0, vec![]));
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                  connect-src 'self' ws://localhost:8888 wss://localhost:8888; base-uri 'none'; form-action 'self'; \
                  frame-ancestors 'none'; require-trusted-types-for 'script'";
    for path in [
        "/health-dashboard",
        "/api/v1/status",
        "/nowhere",
        "/ws/health",
        "/livez",
    ] {
        let reply = ask(&board, path, &[]).await;
        assert_eq!(
            reply.header("content-security-policy"),
            Some(policy),
            "{path}"
        );
        assert_eq!(
            reply.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        assert_eq!(
            reply.header("referrer-policy"),
            Some("no-referrer"),
            "{path}"
        );
        assert_eq!(
            reply.header("cross-origin-opener-policy"),
            Some("same-origin"),
            "{path}"
        );
        assert_eq!(
            reply.header("cross-origin-resource-policy"),
            Some("same-origin"),
            "{path}"
        );
        let cache = if path == "/health-dashboard" {
            "no-cache"
        } else {
            "no-store"
        };
        assert_eq!(reply.header("cache-control"), Some(cache), "{path}");
    }
    let refused = ask(&board, "/livez", &[("host", "evil.example;x")]).await;
    assert!(
        !refused
            .header("content-security-policy")
            .unwrap()
            .contains("evil")
    );
    assert!(refused.header("x-content-type-options").is_some());
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_reading_are_problems() {
    let board = board(snapshot(0, vec![]));
    let reply = ask(&board, "/nowhere", &[]).await;
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (StatusCode::NOT_FOUND, Some("application/problem+json"))
    );
    assert_eq!(reply.json()["type"], "urn:healing-proxy:problem:not-found");
    let post = Request::builder()
        .method(Method::POST)
        .uri("/api/v1/status");
    let reply = ask_under(&board, settings(), post, &[]).await;
    assert_eq!(
        (reply.status, reply.header("allow")),
        (StatusCode::METHOD_NOT_ALLOWED, Some("GET,HEAD"))
    );
    assert_eq!(
        reply.json()["type"],
        "urn:healing-proxy:problem:method-not-allowed"
    );
    let reply = ask(&board, "/ws/health", &[]).await;
    assert_eq!(
        (reply.status, reply.header("upgrade")),
        (StatusCode::UPGRADE_REQUIRED, Some("websocket"))
    );
}
