//! The command `cache`: what a running proxy keeps is listed, thrown away, and fetched in advance.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    config_admin::{TOKEN, guarded},
    forms::GOOD,
    stage::{Caller, PATIENCE, Proxy, Running, get},
    upstream::{Act, Upstream},
};

/// What the command said on stdout and on stderr, and how it ended.
async fn cache(args: &[&str]) -> (String, String, Option<i32>) {
    let args: Vec<&str> = ["cache"].iter().chain(args).copied().collect();
    let mut running = Running::start(&args);
    let status = running.end(PATIENCE).await;
    (running.out(), running.err(), status.code())
}

fn fresh() -> Act {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: max-age=60";
    Act::answer(head, GOOD)
}

#[tokio::test]
async fn what_is_kept_is_listed_without_secrets_a_page_at_a_time() {
    let upstream = Upstream::that(fresh());
    let proxy = Proxy::before(&upstream).await;
    for n in 0..3 {
        proxy
            .get(&format!("/api/quote/S{n}?range=1mo&token=s3cret"))
            .await;
    }
    proxy.get("/other/9f8e7d6c5b4a39281706f5e4").await;
    let admin = proxy.admin.to_string();
    let (said, err, code) = cache(&["ls", "--admin", &admin]).await;
    assert_eq!(code, Some(0), "{err}");
    for word in [
        "/api/quote/S1?range=1mo&token=REDACTED",
        "/other/REDACTED",
        "4 of 4 copies",
        "heals s",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(
        !said.contains("s3cret") && !said.contains("9f8e7d6c"),
        "{said}"
    );
    let page = [
        "ls", "/api/*", "--limit", "1", "--offset", "2", "--json", "--admin", &admin,
    ];
    let told: Value = serde_json::from_str(&cache(&page).await.0).unwrap();
    assert_eq!(
        (&told["total"], told["copies"].as_array().unwrap().len()),
        (&3.into(), 1)
    );
    let row = &told["copies"][0];
    assert_eq!(row["path"], "/api/quote/S2?range=1mo&token=REDACTED");
    assert!(row["ttl_s"].as_i64().unwrap() > 50 && row["heals_for_s"].as_f64().unwrap() > 900.0);
    assert!(row["bytes"].as_u64().unwrap() > 100 && row["age_s"].is_number());
}

#[tokio::test]
async fn what_a_pattern_means_is_thrown_away_and_counted() {
    let upstream = Upstream::that(fresh());
    let proxy = Proxy::before(&upstream).await;
    for path in ["/api/quote/A", "/api/quote/B", "/api/news"] {
        proxy.get(path).await;
    }
    let admin = proxy.admin.to_string();
    let (said, err, code) = cache(&["purge", "/api/quote/*", "--admin", &admin]).await;
    assert_eq!(
        (said.as_str(), code),
        ("2 copies of 2 URLs are gone\n", Some(0)),
        "{err}"
    );
    assert!(
        proxy
            .get("/api/news")
            .await
            .get("cache-status")
            .contains("hit")
    );
    assert!(
        !proxy
            .get("/api/quote/A")
            .await
            .get("cache-status")
            .contains("hit")
    );
    let (said, _, _) = cache(&["purge", "*", "--json", "--admin", &admin]).await;
    assert_eq!(serde_json::from_str::<Value>(&said).unwrap()["copies"], 2);
    let (_, err, code) = cache(&["purge", "quote", "--admin", &admin]).await;
    assert!(
        code == Some(2) && err.contains("a pattern begins with"),
        "{err}"
    );
}

#[tokio::test]
async fn nobody_else_throws_anything_away() {
    let upstream = Upstream::that(fresh());
    let proxy = Proxy::before(&upstream).await;
    proxy.get("/api/news").await;
    let page = |origin: &str, method: &str| {
        let request =
            get("/api/v1/cache/purge?pattern=*").replace("api.test", &proxy.admin.to_string());
        request.replace("GET ", method).replace(
            "\r\n\r\n",
            &format!("\r\n{origin}Content-Length: 0\r\n\r\n"),
        )
    };
    for (origin, method, status) in [
        ("Origin: http://127.0.0.1:1\r\n", "POST ", 403),
        ("Origin: null\r\n", "POST ", 403),
        ("", "GET ", 405),
        ("", "POST ", 200),
    ] {
        let mut caller = Caller::of(proxy.admin).await;
        caller.send(page(origin, method)).await;
        let answer = caller.answer("POST", tokio::time::Instant::now()).await;
        assert_eq!(answer.status, status, "{origin}{method} {}", answer.text());
        let is_kept = status != 200;
        let said = proxy.get("/api/news").await.get("cache-status");
        assert_eq!(said.contains("hit"), is_kept, "{said}");
    }
}

#[tokio::test]
async fn a_file_is_asked_for_and_its_bad_lines_are_named() {
    let upstream = Upstream::with(|seen| match seen.path() {
        "/private" => Act::answer(
            "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Type: application/json",
            GOOD,
        ),
        "/down" => Act::answer("HTTP/1.1 404 Not Found", ""),
        _ => fresh(),
    });
    let proxy = Proxy::before(&upstream).await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("urls.txt");
    fs::write(&file, "# quotes\n/api/quote/A\nhttp://api.test/api/quote/B?token=s3cret\nnonsense\n/private\n/down\n").unwrap();
    let (file, admin) = (file.display().to_string(), proxy.admin.to_string());
    let warm = ["warm", &file, "--host", "api.test", "--admin", &admin];
    let (said, err, code) = cache(&warm).await;
    let first = said.lines().next().unwrap_or_default();
    assert_eq!(
        first, "4 asked: 2 kept, 1 not to be kept, 1 failed; 1 bad lines",
        "{said}{err}"
    );
    assert!(
        said.contains("line 4: give a URL") && said.contains("line 6: answered 404"),
        "{said}"
    );
    assert!(
        code == Some(1) && err.is_empty() && !said.contains("s3cret"),
        "{said}{err}"
    );
    for path in ["/api/quote/A", "/api/quote/B?token=s3cret"] {
        assert!(
            proxy.get(path).await.get("cache-status").contains("hit"),
            "{path}"
        );
    }
    fs::write(folder.path().join("urls.txt"), "/api/quote/C\n").unwrap();
    let (said, _, code) = cache(&[&warm[..], &["--json"]].concat()).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(serde_json::from_str::<Value>(&said).unwrap()["kept"], 1);
    let (_, err, code) = cache(&["warm", "/no/such/file", "--admin", &admin]).await;
    assert!(code == Some(1) && err.contains("/no/such/file"), "{err}");
}

#[tokio::test]
async fn a_guarded_port_wants_its_token_from_these_commands_too() {
    let stand = guarded().await;
    let admin = stand.proxy.admin.to_string();
    let (_, err, code) = cache(&["purge", "*", "--admin", &admin]).await;
    assert!(code == Some(1) && err.contains("--token-env NAME"), "{err}");
    let args = [
        "cache",
        "purge",
        "*",
        "--admin",
        &admin,
        "--token-env",
        "TOKEN",
    ];
    let mut running = Running::start_with(&args, &[("TOKEN", TOKEN)]);
    assert!(running.end(PATIENCE).await.success(), "{}", running.err());
    assert_eq!(running.out(), "0 copies of 0 URLs are gone\n");
}

#[tokio::test]
async fn what_stands_in_a_file_is_asked_for_at_the_start() {
    let upstream = Upstream::that(fresh());
    let folder = TempDir::new().unwrap();
    let list = folder.path().join("urls.txt");
    fs::write(&list, "http://api.test/api/quote/A\nnonsense\n").unwrap();
    let path = folder.path().join("healing.yaml");
    let text = format!(
        "upstream: http://{}\nlisten: 127.0.0.1:0\nadmin: 127.0.0.1:0\ncache: {{ warm: {} }}\n",
        upstream.address,
        list.display()
    );
    fs::write(&path, text).unwrap();
    let path = path.display().to_string();
    let proxy = Proxy::of(Running::start(&[
        "run",
        "-c",
        &path,
        "--log-format",
        "text",
    ]))
    .await;
    let until = tokio::time::Instant::now() + PATIENCE;
    while !proxy.err().contains("was asked for") {
        assert!(tokio::time::Instant::now() < until, "{}", proxy.err());
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(
        proxy
            .get("/api/quote/A")
            .await
            .get("cache-status")
            .contains("hit")
    );
    assert!(
        proxy.err().contains("line=2") && proxy.err().contains("kept=1"),
        "{}",
        proxy.err()
    );
    fs::remove_file(&list).unwrap();
    let mut checked = Running::start(&["check", "-c", &path]);
    assert!(!checked.end(PATIENCE).await.success());
    let said = checked.out() + &checked.err();
    assert!(
        said.contains("warm:") && said.contains("may read"),
        "{said}"
    );
}
