//! The public suite of tests for HTTP caches, `http-cache-tests`, run against `--http-cache`. What may fail is a list that can
//! only get shorter.

use std::{
    collections::BTreeSet,
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::Command,
    time::Duration,
};

use serde_json::{Map, Value};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};

use crate::stage::{PATIENCE, Proxy, Running};

/// A run takes 20 s, for its tests wait until things are stale.
const A_RUN: Duration = Duration::from_secs(90);

/// As many tests as there are, those for browsers aside.
const TESTS: usize = 350;

fn here(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    folder.join("tests/cache_suite").join(name)
}

fn suite() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    folder.join("../target/cache-suite/package")
}

/// A part of the suite at work; it reads its settings from the environment, as npm sets them.
fn node(arguments: &[&str], settings: &[(&str, &str)]) -> Running {
    let mut command = Command::new("node");
    command.args(arguments).current_dir(suite()).env_clear();
    for (name, value) in settings {
        command.env(format!("npm_package_config_{name}"), value);
    }
    Running::run(&mut command)
}

/// The suite's own origin, as soon as it answers.
async fn origin() -> (Running, SocketAddr) {
    // Bound for a moment, so that it is free.
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let only_here = here("loopback.mjs").display().to_string();
    let arguments = ["--import", &only_here, "server/server.mjs"];
    let port = address.port().to_string();
    let settings = [
        ("protocol", "http"),
        ("port", &*port),
        ("pidfile", "/dev/null"),
    ];
    let running = node(&arguments, &settings);
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect(address).await.is_err() {
        assert!(Instant::now() < until, "{}", running.err());
        sleep(Duration::from_millis(20)).await;
    }
    (running, address)
}

/// The tests that fail, each with what it says.
async fn failures() -> Map<String, Value> {
    let (_origin, address) = origin().await;
    let proxy = Proxy::with(address, &["--http-cache"]).await;
    let base = format!("http://{}", proxy.address);
    let settings = [("base", &*base), ("id", "")];
    let mut client = node(&["--no-warnings", "cli.mjs"], &settings);
    let ended = client.end(A_RUN).await;
    let said = client.out();
    // Other words may stand before the results.
    let results = said.find("{\n").and_then(|from| said.get(from..));
    let results = serde_json::from_str(results.unwrap_or_default());
    let mut results: Map<String, Value> =
        results.unwrap_or_else(|error| panic!("{ended}, {error}: {said}\n{}", client.err()));
    assert_eq!(results.len(), TESTS);
    results.retain(|_, result| *result != Value::Bool(true));
    results
}

#[tokio::test]
async fn the_public_suite_for_caches_fails_where_the_list_says_so_and_nowhere_else() {
    let installed = Command::new("python3").arg(here("install")).status();
    assert!(installed.unwrap().success());
    let listed = fs::read_to_string(here("missed.txt")).unwrap();
    let listed: BTreeSet<String> = listed
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    let first = failures().await;
    if first.keys().eq(&listed) {
        return;
    }
    // The suite measures seconds: only what comes out the same twice is so.
    let second = failures().await;
    let new = first.iter().filter(|(id, _)| second.contains_key(*id));
    let new: Vec<_> = new.filter(|(id, _)| !listed.contains(*id)).collect();
    assert!(new.is_empty(), "these did not fail before: {new:#?}");
    let passes = |id: &&String| !first.contains_key(*id) && !second.contains_key(*id);
    let better: Vec<_> = listed.iter().filter(passes).collect();
    assert!(
        better.is_empty(),
        "these pass now, take them out of tests/cache_suite/missed.txt: {better:#?}"
    );
}
