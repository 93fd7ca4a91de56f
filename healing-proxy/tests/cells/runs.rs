//! The runs: through the proxy, through it for callers who take no copies, and without it.

use std::{process::Command, time::Duration};

use futures_util::future::join_all;

use crate::{
    caller::Caller,
    cell::Cell,
    deployment::{CONFIGURATION, Deployment},
    faults::{SOURCES, Way},
    results::{Results, Told, healthy_calls, write},
};

/// What a caller may wait where something is in hand: the deadline and a little.
const IN_TIME: Duration = Duration::from_millis(3_500);
/// After a short outage (architecture, 10.1).
const SOON: Duration = Duration::from_secs(2);

/// Every source in every way, each way on a deployment of its own.
async fn all_cells(proxied: bool, floor: Option<&'static str>) -> Vec<Results> {
    let ways = Way::ALL.map(|way| async move {
        let deployment = match proxied {
            true => Deployment::behind_a_proxy().await,
            false => Deployment::bare().await,
        };
        let caller = Caller::new(deployment.url(), floor);
        let cells = SOURCES.map(|(source, endpoints)| Cell {
            lab: &deployment.lab,
            caller: &caller,
            source,
            endpoints,
            way,
        });
        let results = join_all(cells.iter().map(Cell::run)).await;
        deployment.stop().await;
        results
    });
    let mut all: Vec<Results> = join_all(ways).await.into_iter().flatten().collect();
    all.sort_by_key(|results| results.source.slug());
    all
}

/// Tells what any cell misses.
#[track_caller]
fn hold(all: &[Results], missed: impl Fn(&Results) -> Vec<String>) {
    let wrong = |results: &Results| {
        let missed = missed(results).join("; ");
        let cell = format!("{}, {}", results.source, results.way.name());
        (!missed.is_empty()).then(|| format!("{cell}: {missed}"))
    };
    let rows: Vec<String> = all.iter().filter_map(wrong).collect();
    assert!(rows.is_empty(), "{}", rows.join("\n"));
}

/// What is missed where it took too long until all was exact again.
fn late(results: &Results) -> Option<String> {
    let back = results.back;
    let late = back.is_none_or(|back| back > SOON);
    late.then(|| format!("exact again after {back:?}"))
}

/// What is missed where it asked a broken source for more than a tenth above what a healthy one is asked for.
fn costly(results: &Results, all: &[Results]) -> Option<String> {
    let (calls, healthy) = (results.calls, healthy_calls(all, results.source));
    (calls * 10 > healthy * 11).then(|| format!("{calls} data calls, {healthy} when healthy"))
}

#[tokio::test]
async fn through_the_proxy_every_request_has_data_that_is_what_it_says() {
    let all = all_cells(true, None).await;
    write("1 Through the proxy", &all);
    hold(&all, |results| {
        let mut missed = Vec::from_iter(late(results));
        let lacking = results.requests() - results.true_data();
        if lacking > 0 {
            missed.push(format!("{lacking} answers are no data or untrue"));
        }
        if results.slowest >= IN_TIME {
            missed.push(format!("the slowest took {:?}", results.slowest));
        }
        missed.extend(costly(results, &all));
        missed
    });
}

#[tokio::test]
async fn callers_who_take_no_copies_get_honest_errors_and_nothing_else() {
    let all = all_cells(true, Some("exact")).await;
    write(
        "2 Through the proxy for callers who take exact answers only",
        &all,
    );
    hold(&all, |results| {
        let mut missed = Vec::from_iter(late(results));
        let expected = if results.way == Way::Healthy {
            Told::Direct
        } else {
            Told::Error
        };
        let others = results.requests() - results.count(expected);
        if others > 0 {
            missed.push(format!("{others} answers are not {expected:?}"));
        }
        missed.extend(costly(results, &all));
        missed
    });
}

#[tokio::test]
async fn without_the_proxy_no_request_has_data_that_is_what_it_says() {
    let all = all_cells(false, None).await;
    write("3 Without the proxy", &all);
    hold(&all, |results| {
        let expected = if results.way == Way::Healthy {
            results.requests()
        } else {
            0
        };
        let found = results.true_data();
        Vec::from_iter((found != expected).then(|| format!("{found} true answers with data")))
    });
}

#[test]
fn the_configuration_of_the_example_has_no_mistake() {
    let checked = Command::new(env!("CARGO_BIN_EXE_healing-proxy"))
        .args(["check", "-c", CONFIGURATION])
        .output()
        .expect("the program");
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{said}");
}
