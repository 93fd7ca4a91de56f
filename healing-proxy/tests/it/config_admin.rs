//! Whom a configuration lets read the admin port.

use base64::{Engine, prelude::BASE64_STANDARD};
use healing_lab::Limits;

use crate::{
    stage::{Answer, Caller, PATIENCE, Running, get},
    stand::{Stand, lab},
};

async fn asked(stand: &Stand, host: &str, origin: &str) -> (u16, String) {
    let mut caller = Caller::of(stand.proxy.admin).await;
    let fields = format!("Host: {host}\r\nOrigin: {origin}\r\n");
    let request = get("/api/v1/status").replace("Host: api.test\r\n", &fields);
    caller.send(request).await;
    let answer = caller.answer("GET", tokio::time::Instant::now()).await;
    (answer.status, answer.get("access-control-allow-origin"))
}

#[tokio::test]
async fn only_the_names_and_pages_that_are_allowed_read_the_admin_port() {
    let page = "https://page.example";
    let stand = Stand::of(lab(Limits::Off).await, "", &[]).await;
    assert_eq!(asked(&stand, "ops.example", page).await.0, 421);
    assert_eq!(asked(&stand, "localhost", page).await.1, "");
    let lines = "admin: { listen: 127.0.0.1:0, allowed_hosts: [ops.example], allowed_origins: [\"https://page.example\"] }";
    let stand = Stand::of(lab(Limits::Off).await, lines, &[]).await;
    assert_eq!(
        asked(&stand, "ops.example", page).await,
        (200, page.to_owned())
    );
    assert_eq!(asked(&stand, "other.example", page).await.0, 421);
}

pub(crate) const TOKEN: &str = "a-token-of-the-operators";

/// A proxy whose admin port wants the token.
pub(crate) async fn guarded() -> Stand {
    let lines = "admin: { listen: 127.0.0.1:0, token_env: ADMIN_TOKEN }";
    let variables = [("ADMIN_TOKEN", TOKEN)];
    Stand::with(lab(Limits::Off).await, lines, &[], &variables).await
}

/// The answer of the admin port to somebody who says that.
async fn told(stand: &Stand, path: &str, said: &str) -> Answer {
    let mut caller = Caller::of(stand.proxy.admin).await;
    let fields = format!("Host: localhost\r\n{said}");
    let request = get(path).replace("Host: api.test\r\n", &fields);
    caller.send(request).await;
    caller.answer("GET", tokio::time::Instant::now()).await
}

#[tokio::test]
async fn with_a_token_the_admin_port_is_read_by_those_who_know_it() {
    let stand = guarded().await;
    let basic = |pair: &str| format!("Authorization: Basic {}\r\n", BASE64_STANDARD.encode(pair));
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");
    let pages = [
        "/api/v1/status",
        "/api/v1/events",
        "/ws/health",
        "/health-dashboard",
        "/nowhere",
    ];
    for said in [
        String::new(),
        bearer("another"),
        bearer(""),
        bearer("-token-of-the-operators"),
        format!("{}{}", bearer(TOKEN), bearer(TOKEN)),
        basic("me:another"),
        basic(TOKEN),
        format!("Authorization: {TOKEN}\r\n"),
    ] {
        for path in pages {
            let answer = told(&stand, path, &said).await;
            assert_eq!(answer.status, 401, "{path} {said}: {answer:?}");
            let ways = format!("{:?}", answer.head);
            assert!(
                ways.contains("Basic realm") && ways.contains("Bearer realm"),
                "{ways}"
            );
        }
    }
    for said in [bearer(TOKEN), basic(&format!("me:{TOKEN}"))] {
        for (path, status) in pages.into_iter().zip([200, 200, 426, 200, 404]) {
            let answer = told(&stand, path, &said).await;
            assert_eq!(answer.status, status, "{path} {said}: {answer:?}");
        }
    }
    for path in ["/livez", "/readyz"] {
        assert_eq!(told(&stand, path, "").await.status, 200, "{path}");
    }
    let said = format!("{}{}", stand.proxy.err(), stand.proxy.out());
    assert!(!said.contains(TOKEN), "{said}");
}

#[tokio::test]
async fn a_proxy_whose_token_is_not_there_does_not_start() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("healing.yaml");
    let text =
        "upstream: http://127.0.0.1:1\nadmin: { listen: 127.0.0.1:0, token_env: ADMIN_TOKEN }\n";
    std::fs::write(&path, text).unwrap();
    let path = path.display().to_string();
    for variables in [&[][..], &[("ADMIN_TOKEN", "  ")][..]] {
        let mut running = Running::start_with(&["run", "-c", &path], variables);
        assert_eq!(running.end(PATIENCE).await.code(), Some(2));
        assert!(
            running.err().contains("ADMIN_TOKEN is not set"),
            "{}",
            running.err()
        );
    }
}

#[tokio::test]
async fn only_with_a_token_is_the_admin_port_open_to_other_machines() {
    let lines = "admin: { listen: 0.0.0.0:0, token_env: ADMIN_TOKEN }";
    let stand = Stand::with(
        lab(Limits::Off).await,
        lines,
        &[],
        &[("ADMIN_TOKEN", TOKEN)],
    )
    .await;
    assert_eq!(told(&stand, "/api/v1/status", "").await.status, 401);
}
