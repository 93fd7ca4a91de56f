//! Several proxies and one Redis: what one asked for the others give, and without the Redis nobody misses it.

use std::{fs, sync::Arc, time::Duration};

use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    forms::{GOOD, LATER},
    redis::{Redis, free_port},
    stage::{Answer, Caller, PATIENCE, Proxy, Running, files, get},
    upstream::{Act, Upstream},
    wire::find,
};

const QUOTE: &str = "/api/quote/AAPL";

/// A proxy before that API that shares its copies there, with those keys of the route of quotes.
async fn proxy(upstream: &Upstream, cache: &str, keys: &str) -> (Proxy, TempDir) {
    proxy_with(upstream, (cache, keys), &[]).await
}

async fn proxy_with(
    upstream: &Upstream,
    (cache, keys): (&str, &str),
    variables: &[(&str, &str)],
) -> (Proxy, TempDir) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("healing.yaml");
    let text = format!(
        "upstream: http://{}\nlisten: 127.0.0.1:0\nadmin: 127.0.0.1:0\ncache: {{ {cache} }}\nroutes:\n  - {{ match: \"/api/quote/{{symbol}}\"{keys} }}\n",
        upstream.address
    );
    fs::write(&path, text).unwrap();
    let path = path.display().to_string();
    let args = ["run", "-c", &path, "--log-format", "text", "--workers", "2"];
    (
        Proxy::of(Running::start_with(&args, variables)).await,
        folder,
    )
}

fn at(redis: &Redis) -> String {
    format!("redis: {}", redis.url())
}

/// What the status page counts.
async fn counters(proxy: &Proxy) -> Value {
    let mut caller = Caller::of(proxy.admin).await;
    let request = get("/api/v1/status").replace("api.test", "localhost");
    caller.send(request).await;
    let answer = caller.answer("GET", Instant::now()).await;
    let status: Value = serde_json::from_slice(&answer.body).unwrap();
    status["counters"].clone()
}

async fn count(proxy: &Proxy, name: &str) -> u64 {
    counters(proxy).await[format!("shared_cache_{name}")]
        .as_u64()
        .expect("a count")
}

/// Waits until a count is at least that.
async fn reaches(proxy: &Proxy, name: &str, least: u64) {
    let until = Instant::now() + PATIENCE;
    while count(proxy, name).await < least {
        assert!(Instant::now() < until, "{name}: {}", counters(proxy).await);
        sleep(Duration::from_millis(10)).await;
    }
}

async fn is_away(proxy: &Proxy, away: bool) {
    let until = Instant::now() + PATIENCE;
    while counters(proxy).await["shared_cache_away"] != away {
        assert!(Instant::now() < until, "{}", counters(proxy).await);
        sleep(Duration::from_millis(20)).await;
    }
}

/// An answer that is fresh for so many seconds.
fn held(seconds: u32, body: &str) -> Act {
    let kind = "HTTP/1.1 200 OK\r\nContent-Type: application/json";
    Act::answer(&format!("{kind}\r\nCache-Control: max-age={seconds}"), body)
}

fn is_hit(answer: &Answer) -> bool {
    answer.get("cache-status").contains(";hit;ttl=")
}

#[tokio::test]
async fn what_one_proxy_asked_for_another_gives_and_a_change_there_counts_here() {
    let (redis, upstream) = (Redis::start().await, Upstream::that(Act::json(GOOD)));
    let (one, _one) = proxy(&upstream, &at(&redis), ", fresh_for: 60s").await;
    let (other, _other) = proxy(&upstream, &at(&redis), ", fresh_for: 60s").await;
    assert!(!is_hit(&one.get(QUOTE).await));
    reaches(&one, "written", 1).await;
    let answer = other.get(QUOTE).await;
    assert!(is_hit(&answer) && answer.text() == GOOD, "{answer:?}");
    assert_eq!((upstream.calls(), count(&other, "hits").await), (1, 1));

    let put = get(QUOTE)
        .replace("GET ", "PUT ")
        .replace("\r\n\r\n", "\r\nContent-Length: 0\r\n\r\n");
    upstream.always(Act::json(LATER));
    assert_eq!(other.ask(&put).await.status, 200);
    reaches(&other, "written", 1).await;
    let (third, _third) = proxy(&upstream, &at(&redis), ", fresh_for: 60s").await;
    let answer = third.get(QUOTE).await;
    assert!(!is_hit(&answer) && answer.text() == LATER, "{answer:?}");
}

#[tokio::test]
async fn over_tls_it_is_shared_with_whom_the_trusted_authority_vouches_for() {
    let tls = free_port();
    let (redis, authority) = Redis::over_tls(tls).await;
    let upstream = Upstream::that(Act::json(GOOD));
    let there = format!("redis: \"rediss://{tls}\"");
    let authority = authority.display().to_string();
    let trusting = [("SSL_CERT_FILE", authority.as_str())];
    let (one, _one) = proxy_with(&upstream, (&there, ", fresh_for: 60s"), &trusting).await;
    assert!(!is_hit(&one.get(QUOTE).await));
    reaches(&one, "written", 1).await;
    let names = redis.says("KEYS *").await.unwrap();
    assert!(names.contains("healing-proxy:1:c:"), "{names}");
    let (other, _other) = proxy_with(&upstream, (&there, ", fresh_for: 60s"), &trusting).await;
    assert!(is_hit(&other.get(QUOTE).await));

    let (stranger, _stranger) = proxy(&upstream, &there, ", fresh_for: 60s").await;
    is_away(&stranger, true).await;
    assert!(!is_hit(&stranger.get(QUOTE).await));
}

#[tokio::test]
async fn a_restart_in_an_outage_heals_from_there_and_names_hide_who_asked_for_what() {
    let (redis, mut upstream) = (Redis::start().await, Upstream::that(Act::json(GOOD)));
    let request =
        |key: &str| get(QUOTE).replace("\r\n\r\n", &format!("\r\nX-Api-Key: {key}\r\n\r\n"));
    let (one, _one) = proxy(&upstream, &at(&redis), "").await;
    assert_eq!(one.get(QUOTE).await.status, 200);
    assert_eq!(one.ask(&request("CANARYkey")).await.status, 200);
    reaches(&one, "written", 2).await;
    drop(one);
    upstream.goes().await;
    let (next, _next) = proxy(&upstream, &at(&redis), "").await;
    for (answer, is_healed) in [
        (next.get(QUOTE).await, true),
        (next.ask(&request("CANARYkey")).await, true),
        (next.ask(&request("another")).await, false),
    ] {
        assert_eq!(
            answer
                .get("healing")
                .starts_with("stale;strategy=use_cached_data"),
            is_healed,
            "{answer:?}"
        );
        assert_eq!(answer.text() == GOOD, is_healed, "{answer:?}");
    }
    let names = redis.says("KEYS *").await.unwrap();
    assert!(names.contains("healing-proxy:1:c:"), "{names}");
    assert!(
        !names.contains("CANARY") && !names.contains("quote"),
        "{names}"
    );
}

#[tokio::test]
async fn of_many_callers_at_two_proxies_one_asks() {
    let (redis, upstream) = (Redis::start().await, Upstream::that(held(1, GOOD)));
    let (one, _one) = proxy(&upstream, &at(&redis), "").await;
    let (other, _other) = proxy(&upstream, &at(&redis), "").await;
    one.get(QUOTE).await;
    other.get(QUOTE).await;
    sleep(Duration::from_millis(1_100)).await;
    let before = upstream.calls();
    upstream.always(held(600, LATER).late(Duration::from_millis(500)));
    let mut callers = JoinSet::new();
    for n in 0..40 {
        let address = if n % 2 == 0 {
            one.address
        } else {
            other.address
        };
        callers.spawn(async move { Caller::of(address).await.get(QUOTE).await });
    }
    let answers = callers.join_all().await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.status == 200 && answer.text() == LATER)
    );
    assert_eq!(upstream.calls() - before, 1);
    assert!(count(&one, "waits").await + count(&other, "waits").await >= 1);
}

/// The time that 99 of 100 requests for things of their own took at most, in a storm of them.
async fn p99(proxy: &Proxy, name: &str) -> Duration {
    let (address, name) = (proxy.address, Arc::new(name.to_owned()));
    let mut callers = JoinSet::new();
    for caller in 0..4 {
        let name = Arc::clone(&name);
        callers.spawn(async move {
            let mut wire = Caller::of(address).await;
            let mut took = Vec::new();
            for n in 0..250 {
                let answer = wire.get(&format!("/api/quote/{name}{caller}x{n}")).await;
                assert_eq!((answer.status, answer.text().as_str()), (200, GOOD));
                took.push(answer.took);
            }
            took
        });
    }
    let mut took = callers.join_all().await.concat();
    took.sort();
    took[took.len() * 99 / 100]
}

/// What more than without it a request may take while the Redis is away: one patience, with room for this machine.
const MORE: Duration = Duration::from_millis(75);

#[tokio::test]
async fn a_redis_that_stands_still_is_missed_by_nobody_and_used_again() {
    let (redis, upstream) = (Redis::start().await, Upstream::that(Act::json(GOOD)));
    let (proxy, _folder) = proxy(&upstream, &at(&redis), ", fresh_for: 60s").await;
    let usual = p99(&proxy, "A").await;
    redis.signal("STOP");
    let away = p99(&proxy, "B").await;
    assert!(away <= usual + MORE, "{away:?} after {usual:?}");
    is_away(&proxy, true).await;
    assert!(
        count(&proxy, "skipped_away").await > 900,
        "{}",
        counters(&proxy).await
    );
    assert!(
        count(&proxy, "unanswered").await < 50,
        "{}",
        counters(&proxy).await
    );
    assert!(count(&proxy, "dropped_away").await > 0);
    redis.signal("CONT");
    is_away(&proxy, false).await;
    let before = count(&proxy, "written").await;
    p99(&proxy, "C").await;
    reaches(&proxy, "written", before + 1_000).await;
}

#[tokio::test]
async fn a_redis_that_is_killed_is_missed_by_nobody_and_used_again() {
    let (redis, upstream) = (Redis::start().await, Upstream::that(Act::json(GOOD)));
    let (proxy, _folder) = proxy(&upstream, &at(&redis), ", fresh_for: 60s").await;
    let usual = p99(&proxy, "A").await;
    let address = redis.dies().await;
    let away = p99(&proxy, "B").await;
    assert!(away <= usual + MORE, "{away:?} after {usual:?}");
    is_away(&proxy, true).await;
    assert!(
        proxy.err().contains("the shared cache is away"),
        "{}",
        proxy.err()
    );

    let put = get("/api/quote/P")
        .replace("GET ", "PUT ")
        .replace("\r\n\r\n", "\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(proxy.ask(&put).await.status, 200);
    let redis = Redis::on(address, None).await;
    is_away(&proxy, false).await;
    let names = redis.says("KEYS *").await.unwrap();
    assert!(
        names.contains("healing-proxy:1:v:"),
        "a change must not be lost: {names}"
    );
    let before = count(&proxy, "written").await;
    proxy.get("/api/quote/D").await;
    reaches(&proxy, "written", before + 1).await;
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_no_reason_not_to_start() {
    let upstream = Upstream::that(Act::json(GOOD));
    let address = Redis::start().await.dies().await;
    let cache = format!("redis: redis://{address}");
    let (proxy, _folder) = proxy(&upstream, &cache, ", fresh_for: 60s").await;
    assert_eq!(proxy.get(QUOTE).await.text(), GOOD);
    assert!(is_hit(&proxy.get(QUOTE).await));
    is_away(&proxy, true).await;
    let mut caller = Caller::of(proxy.admin).await;
    caller
        .send(get("/readyz?verbose").replace("api.test", "localhost"))
        .await;
    let ready = caller.answer("GET", Instant::now()).await;
    assert_eq!(ready.status, 200);
    assert!(
        ready.text().contains("[~] shared cache: away"),
        "{}",
        ready.text()
    );
}

#[tokio::test]
async fn its_password_comes_from_the_environment_and_is_shown_nowhere() {
    const PASSWORD: &str = "canary-p4ssw0rd";
    let redis = Redis::guarded(PASSWORD).await;
    let upstream = Upstream::that(Act::json(GOOD));
    let in_url = format!("redis://:{PASSWORD}@{}", redis.address);
    let cache = format!("{}, redis_password_env: REDIS_PW", at(&redis));
    for (cache, variable, is_known) in [
        (cache.as_str(), ("REDIS_PW", PASSWORD), true),
        ("", ("HEALING_PROXY__CACHE__REDIS", in_url.as_str()), true),
        (cache.as_str(), ("REDIS_PW", "canary-another"), false),
    ] {
        let keys = (cache, ", fresh_for: 60s");
        let (proxy, folder) = proxy_with(&upstream, keys, &[variable]).await;
        assert_eq!(proxy.get(QUOTE).await.text(), GOOD);
        is_away(&proxy, !is_known).await;
        let config = folder.path().join("healing.yaml").display().to_string();
        for command in [
            ["config", "show", "-c", &config],
            ["check", "--strict", "-c", &config],
        ] {
            let mut said = Running::start_with(&command, &[variable]);
            said.end(PATIENCE).await;
            let said = said.out() + &said.err();
            assert!(!said.contains("canary"), "{command:?}: {said}");
        }
        let told = counters(&proxy).await.to_string() + &proxy.out() + &proxy.err();
        assert!(!told.contains("canary"), "{told}");
        for (file, text) in files(folder.path()) {
            assert!(find(&text, b"canary").is_none(), "{}", file.display());
        }
    }
}
