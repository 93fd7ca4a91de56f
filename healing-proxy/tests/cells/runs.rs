//! The runs: through the proxy, through it for callers who take no copies, and without it.

use std::{process::Command, time::Duration};

use futures_util::{future::join_all, join};
use healing_lab::SourceName;

use crate::{
    caller::Caller,
    cell::Cell,
    deployment::{BEHIND, Deployment, IN_FRONT},
    faults::{SOURCES, Way},
    results::{Results, healthy_calls, write},
    told::Told,
};

/// What a caller may wait where something is in hand: the deadline and a little.
const IN_TIME: Duration = Duration::from_millis(3_500);
/// After a short outage (architecture, 10.1).
const SOON: Duration = Duration::from_secs(2);

/// The sources that have keys.
const WITH_KEYS: [SourceName; 3] = [
    SourceName::AlphaVantage,
    SourceName::FredApi,
    SourceName::PolygonIo,
];

/// Every source in every way, each way on a deployment of its own.
async fn all_cells(
    deployed: impl AsyncFn() -> Deployment,
    floor: Option<&'static str>,
) -> Vec<Results> {
    let ways = Way::ALL.map(async |way| {
        let deployment = deployed().await;
        let caller = Caller::new(deployment.url(), floor);
        let cells = SOURCES.map(|(source, endpoints)| Cell {
            deployment: &deployment,
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
    let all = all_cells(Deployment::behind_a_proxy, None).await;
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
    let all = all_cells(Deployment::behind_a_proxy, Some("exact")).await;
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
    let all = all_cells(Deployment::bare, None).await;
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

/// The sixteen cells with the proxy behind the application, and what only a proxy there can heal exactly: the sources have
/// another host and other keys.
async fn all_cells_behind(floor: Option<&'static str>) -> Vec<Results> {
    let (mut all, one_down, revoked) = join!(
        all_cells(async || Deployment::before_a_proxy(floor).await, None),
        before_the_proxy(&[SourceName::YahooFinance], Way::HostDown, floor),
        before_the_proxy(&WITH_KEYS, Way::KeyRevoked, floor),
    );
    all.extend(one_down);
    all.extend(revoked);
    all.sort_by_key(|results| results.source.slug());
    all
}

/// Sources of the application before the proxy, broken that way.
async fn before_the_proxy(
    sources: &[SourceName],
    way: Way,
    floor: Option<&'static str>,
) -> Vec<Results> {
    let deployment = Deployment::before_a_proxy(floor).await;
    let caller = Caller::new(deployment.url(), None);
    let broken = SOURCES
        .iter()
        .filter(|(source, _)| sources.contains(source));
    let cells = Vec::from_iter(broken.map(|(source, endpoints)| Cell {
        deployment: &deployment,
        caller: &caller,
        source: *source,
        endpoints,
        way,
    }));
    let results = join_all(cells.iter().map(Cell::run)).await;
    deployment.stop().await;
    results
}

#[tokio::test]
async fn before_the_proxy_every_request_has_data_that_is_what_it_says() {
    let all = Box::pin(all_cells_behind(None)).await;
    write("4 With the proxy behind the application", &all);
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
async fn before_the_proxy_an_application_that_takes_no_copies_gets_honest_errors_and_nothing_else()
{
    let all = Box::pin(all_cells_behind(Some("exact"))).await;
    write(
        "5 With the proxy behind the application for exact answers only",
        &all,
    );
    hold(&all, |results| {
        let mut missed = Vec::from_iter(late(results));
        // What its source lets be given without asking is as exact as its answer was.
        let expected = match results.way {
            Way::Healthy | Way::HostDown | Way::KeyRevoked => results.exact(),
            Way::Throttle | Way::Outage | Way::ErrorInA200 | Way::FrozenData => {
                results.count(Told::Fresh) + results.count(Told::Error)
            }
        };
        let others = results.requests() - expected;
        if others > 0 {
            missed.push(format!("{others} answers are something else"));
        }
        // Where the healthy run is answered from copies, which are not taken here, the callers' own requests are the measure.
        let most = results.requests().max(healthy_calls(&all, results.source));
        if results.calls * 10 > most * 11 {
            missed.push(format!("{} data calls", results.calls));
        }
        missed
    });
}

#[test]
fn the_configurations_of_the_example_have_no_mistake() {
    for configuration in [IN_FRONT, BEHIND] {
        let keys = ["FRED", "POLYGON", "ALPHA"].into_iter().flat_map(|name| {
            [
                (format!("{name}_KEY"), "a-key-of-some-length"),
                (format!("{name}_KEY_2"), "another-key-of-some-length"),
            ]
        });
        let checked = Command::new(env!("CARGO_BIN_EXE_healing-proxy"))
            .args(["check", "-c", configuration])
            .envs(keys)
            .output()
            .expect("the program");
        let said =
            String::from_utf8_lossy(&checked.stdout) + String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{said}");
    }
}
