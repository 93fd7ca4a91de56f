//! Configuration from outside: `check`, `config`, a run with a file, a reload of it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::{
    forms::GOOD,
    stage::{PATIENCE, Proxy, Running, get},
    upstream::{Act, Upstream},
    wire::{Length, Wire},
};

pub(crate) fn run(args: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_healing-proxy"))
        .args(args)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .expect("the program")
}

pub(crate) fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn file(folder: &TempDir, text: &str) -> String {
    let path = folder.path().join("healing.yaml");
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn example(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../docs/src/examples")
        .join(name);
    path.display().to_string()
}

#[test]
fn check_tells_every_mistake_with_its_line_in_three_forms() {
    let folder = TempDir::new().unwrap();
    let path = file(
        &folder,
        "upstream: http://a\nlisen: x\nroutes: [{ match: /a, floor: stail }]\n",
    );
    let text = run(&["check", "-c", &path], &[]);
    assert_eq!(text.status.code(), Some(2));
    let shown = said(&text.stdout);
    for part in [
        &format!("{path}:2:1"),
        "did you mean \"listen\"?",
        &format!("{path}:3:30"),
        "\"stale\"",
    ] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    assert!(!shown.contains('\u{1b}'), "no colours without a terminal");
    let json = said(&run(&["check", "-c", &path, "--format", "json"], &[]).stdout);
    let lines: Vec<Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (&lines[0]["line"], &lines[1]["line"]),
        (&2.into(), &3.into())
    );
    let github = said(&run(&["check", "-c", &path, "--format", "github"], &[]).stdout);
    assert!(
        github.starts_with("::error file=") && github.contains(",line=2,col=1::"),
        "{github}"
    );
}

#[test]
fn check_tells_configurations_and_rules_apart() {
    let folder = TempDir::new().unwrap();
    let config = file(&folder, "upstream: http://a\nroutes: [{ match: /a }]\n");
    let rules = folder.path().join("rules.yaml");
    fs::write(
        &rules,
        "source: own\nrules:\n  - { name: a, class: ok, doc: d, when: { status: 200 } }\n",
    )
    .unwrap();
    let ran = run(&["check", &config, &rules.display().to_string()], &[]);
    let shown = said(&ran.stdout);
    assert_eq!(ran.status.code(), Some(0), "{shown}");
    assert!(
        shown.contains("fine: 1 route, 0 sources") && shown.contains("fine: own, 1 rule"),
        "{shown}"
    );
}

#[test]
fn the_example_is_fine_with_its_keys_and_strict_fails_for_what_is_only_noted() {
    let path = example("healing_config.yaml");
    let keys = [
        ("FRED_KEY", "a"),
        ("FRED_KEY_2", "b"),
        ("HEALING_ADMIN_TOKEN", "c"),
    ];
    let ran = run(&["check", "-c", &path], &keys);
    assert_eq!(ran.status.code(), Some(0), "{}", said(&ran.stdout));
    assert_eq!(
        run(&["check", "-c", &path, "--strict"], &keys)
            .status
            .code(),
        Some(2)
    );
    let without = run(&["check", "-c", &path], &[]);
    let shown = said(&without.stdout);
    assert!(
        without.status.code() == Some(2) && shown.contains("FRED_KEY_2 is not set"),
        "{shown}"
    );
}

#[test]
fn the_specifications_file_is_told_to_have_placeholders() {
    let ran = run(&["check", "-c", &example("specification.yaml")], &[]);
    let shown = said(&ran.stdout);
    assert_eq!(ran.status.code(), Some(2), "{shown}");
    assert!(
        shown.contains("YOUR_ACCOUNT_SID is a placeholder"),
        "{shown}"
    );
    assert!(!shown.contains("secure_password"), "{shown}");
}

#[test]
fn what_is_no_file_is_told() {
    let folder = TempDir::new().unwrap();
    let there = folder.path().display().to_string();
    let bytes = folder.path().join("bytes.yaml");
    fs::write(&bytes, b"a: 1\nb: \xff\n").unwrap();
    let bytes = bytes.display().to_string();
    for (path, part) in [
        (&*there, "it is a folder"),
        ("no/such.yaml", "No such file"),
        (&bytes, "no UTF-8 in line 2"),
    ] {
        let checked = run(&["check", "-c", path], &[]);
        assert_eq!(checked.status.code(), Some(1));
        assert!(said(&checked.stdout).contains(part), "{checked:?}");
        let ran = run(&["run", "-c", path], &[]);
        assert_eq!(ran.status.code(), Some(2));
        assert!(said(&ran.stderr).contains(part), "{ran:?}");
    }
}

#[test]
fn a_file_to_begin_with_is_good_and_never_written_over_another() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("new.yaml").display().to_string();
    assert!(run(&["config", "init", &path], &[]).status.success());
    assert!(run(&["check", "-c", &path], &[]).status.success());
    fs::write(&path, "mine").unwrap();
    let again = run(&["config", "init", &path], &[]);
    assert_eq!(again.status.code(), Some(1));
    assert!(said(&again.stderr).contains("is left as it is"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}

#[test]
fn the_schema_and_what_holds_are_printed() {
    let schema = run(&["config", "schema"], &[]);
    let schema: Value = serde_json::from_slice(&schema.stdout).unwrap();
    assert!(schema["properties"]["routes"].is_object());
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "upstream: http://a\n");
    let shown = run(
        &["config", "show", "-c", &path, "--origins"],
        &[("HEALING_PROXY__DEADLINE", "1s")],
    );
    let shown = said(&shown.stdout);
    assert!(
        shown.contains("deadline: 1s  # HEALING_PROXY__DEADLINE"),
        "{shown}"
    );
    assert!(
        shown.contains(&format!("upstream: http://a  # {path}:1")),
        "{shown}"
    );
}

/// A file with these lines for an API, and free ports.
pub(crate) fn before(upstream: &Upstream, more: &str) -> String {
    format!(
        "upstream: http://{}\nlisten: 127.0.0.1:0\nadmin: 127.0.0.1:0\n{more}",
        upstream.address
    )
}

pub(crate) async fn started(path: &str) -> Proxy {
    Proxy::of(Running::start(&["run", "-c", path, "--log-format", "text"])).await
}

/// Waits until the proxy has said that.
pub(crate) async fn until_said(proxy: &Proxy, part: &str) {
    let until = Instant::now() + PATIENCE;
    while !proxy.err().contains(part) {
        assert!(Instant::now() < until, "{part} is not in\n{}", proxy.err());
        sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) async fn status(proxy: &Proxy) -> Value {
    let stream = tokio::net::TcpStream::connect(proxy.admin).await.unwrap();
    let mut wire = Wire::new(stream);
    let request = get("/api/v1/status").replace("api.test", &proxy.admin.to_string());
    wire.send(request.as_bytes()).await.unwrap();
    let head = wire.head().await.unwrap().unwrap();
    let (body, _) = wire.body(head.length(Length::UntilClosed)).await;
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn a_run_with_a_file_serves_and_a_bad_one_does_not_start() {
    let upstream = Upstream::that(Act::json(GOOD));
    let folder = TempDir::new().unwrap();
    let path = file(&folder, &before(&upstream, "routes: [{ match: /a }]\n"));
    let proxy = started(&path).await;
    assert_eq!(proxy.get("/a").await.text(), GOOD);
    let status = status(&proxy).await;
    assert_eq!(status["configuration"]["state"], "in force");
    let bad = file(&folder, &before(&upstream, "deadlin: 3s\n"));
    let ran = run(&["run", "-c", &bad], &[]);
    assert_eq!(ran.status.code(), Some(2));
    assert!(said(&ran.stderr).contains(":4:1"), "{}", said(&ran.stderr));
}

#[tokio::test]
async fn a_changed_file_is_taken_and_a_bad_one_keeps_the_old() {
    let upstream = Upstream::that(Act::json(GOOD));
    let folder = TempDir::new().unwrap();
    let path = file(&folder, &before(&upstream, "routes: [{ match: /a }]\n"));
    let proxy = started(&path).await;
    replace(
        &path,
        &before(&upstream, "routes: [{ match: /a }, { match: /b }]\n"),
    );
    until_said(&proxy, "route /b is new").await;
    replace(
        &path,
        &before(&upstream, "routes: [{ match: /a, flor: stale }]\n"),
    );
    until_said(&proxy, "the one from before holds").await;
    assert!(
        proxy.err().contains("did you mean \"floor\"?"),
        "{}",
        proxy.err()
    );
    let told = status(&proxy).await;
    assert_eq!(told["configuration"]["state"], "refused");
    assert!(
        told["configuration"]["mistakes"][0]
            .as_str()
            .unwrap()
            .contains("line 4")
    );
    assert_eq!(proxy.get("/a").await.text(), GOOD);
    replace(
        &path,
        &before(&upstream, "deadline: 2s\nlisten: 127.0.0.1:1\n")
            .replace("listen: 127.0.0.1:0\n", ""),
    );
    until_said(&proxy, "after a restart: listen").await;
    assert_eq!(status(&proxy).await["configuration"]["state"], "in force");
}

#[tokio::test]
async fn a_source_with_addresses_of_its_own_is_asked_under_its_mount_and_by_its_routes() {
    let api = Upstream::that(Act::json(r#"{"from": "api"}"#));
    let mounted = Upstream::that(Act::json(r#"{"from": "mounted"}"#));
    let routed = Upstream::that(Act::json(r#"{"from": "routed"}"#));
    let folder = TempDir::new().unwrap();
    let more = format!(
        "sources:\n  one: {{ upstreams: [\"http://{}\"], mount: /one }}\n  two: {{ upstreams: [\"http://{}\"] }}\nroutes:\n  - {{ match: \"/series/{{id}}\", source: two }}\n  - {{ match: \"/one/b/{{id}}\", source: one }}\n",
        mounted.address, routed.address
    );
    let proxy = started(&file(&folder, &before(&api, &more))).await;
    for (path, from) in [
        ("/a", "api"),
        ("/one/a?x=1", "mounted"),
        ("/one/b/1", "mounted"),
        ("/series/1", "routed"),
        ("/series/1/2", "api"),
    ] {
        let answer = proxy.get(path).await;
        assert!(answer.text().contains(from), "{path}: {}", answer.text());
    }
    let asked: Vec<String> = mounted
        .seen()
        .iter()
        .map(|seen| seen.path().to_owned())
        .collect();
    assert_eq!(asked, ["/a?x=1", "/b/1"]);
    assert_eq!(routed.only().path(), "/series/1");
    // Nobody chooses an address by naming it.
    let named = format!(
        "GET http://{}/a HTTP/1.1\r\nHost: {}\r\n\r\n",
        routed.address, routed.address
    );
    assert!(proxy.ask(&named).await.text().contains("api"));
}

#[tokio::test]
async fn a_route_keeps_to_what_is_allowed_for_it() {
    let upstream = Upstream::that(Act::json(GOOD));
    let folder = TempDir::new().unwrap();
    let more = "routes:\n  - { match: /none, heal: [] }\n  - { match: /copies, heal: [use_cached_data] }\n  - { match: /watched, observe: true }\n";
    let proxy = started(&file(&folder, &before(&upstream, more))).await;
    for path in ["/none", "/copies", "/watched"] {
        assert_eq!(proxy.get(path).await.status, 200);
    }
    upstream.always(Act::answer("HTTP/1.1 503 Down", ""));
    assert_eq!(proxy.get("/none").await.status, 503);
    assert_eq!(proxy.get("/watched").await.status, 503);
    assert_eq!(proxy.get("/copies").await.text(), GOOD);
}

#[tokio::test]
async fn a_signal_reads_the_file_again_even_where_nothing_is_different() {
    let upstream = Upstream::that(Act::json(GOOD));
    let folder = TempDir::new().unwrap();
    let path = file(&folder, &before(&upstream, ""));
    let proxy = started(&path).await;
    proxy.signal("HUP");
    until_said(&proxy, "nothing is different").await;
}

#[tokio::test]
async fn a_link_that_is_swapped_is_followed() {
    let upstream = Upstream::that(Act::json(GOOD));
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (name, more) in [("one", ""), ("two", "routes: [{ match: /b }]\n")] {
        fs::create_dir(at(name)).unwrap();
        fs::write(at(name).join("healing.yaml"), before(&upstream, more)).unwrap();
    }
    std::os::unix::fs::symlink("one", at("data")).unwrap();
    std::os::unix::fs::symlink("data/healing.yaml", at("healing.yaml")).unwrap();
    let proxy = started(&at("healing.yaml").display().to_string()).await;
    std::os::unix::fs::symlink("two", at("new")).unwrap();
    fs::rename(at("new"), at("data")).unwrap();
    until_said(&proxy, "route /b is new").await;
}

/// Writes a file as editors do: a new one is put in the old one's place.
fn replace(path: &str, text: &str) {
    let new = Path::new(path).with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}
