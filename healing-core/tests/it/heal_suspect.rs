//! Good answers that are odd: a number that is watched, and what is called slow or ill.

use std::sync::Arc;

use healing_core::{Heal, Healer, HealthStatus, Range, Settings, Suspect, Treatment};

use tokio::time::sleep;

use crate::layers_support::{Act, Port, Upstream, answer, ask, get, healed_by, json, seconds};

const URL: &str = "http://api.test/api/quote/AAPL";

fn price(price: f64) -> Act {
    json(format!(r#"{{"quote":{{"price":{price:?},"open":1.5}}}}"#))
}

fn set(upstream: &Upstream, change: impl FnOnce(&mut Treatment)) -> (Heal<Port>, Healer) {
    let healer = Healer::builder().build();
    let mut treatment = Treatment::default();
    change(&mut treatment);
    let mut settings = Settings::default();
    settings.otherwise = Arc::new(treatment);
    healer.configure(&settings).unwrap();
    (healed_by(upstream, healer.clone()), healer)
}

#[tokio::test(start_paused = true)]
async fn a_number_out_of_its_bounds_or_far_from_its_past_is_suspect_and_given() {
    let upstream = Upstream::that(price(100.0));
    let (client, healer) = set(&upstream, |treatment| {
        let range = Range::of("/quote/price").unwrap().at_least(0.01);
        treatment.range = Some(Arc::new(range));
    });
    let mut said = Vec::new();
    for now in [
        100.0, 101.0, 100.5, 101.5, 100.5, 101.0, 0.0, 101.2, 1012.0, 101.3, 50.0, 50.1,
    ] {
        upstream.becomes(price(now));
        let got = ask(&client, get(URL)).await;
        assert!(got.is_fresh(), "{got:?}");
        said.extend(got.truth.suspect.map(|suspect| (format!("{now}"), suspect)));
    }
    let expected = [
        ("0".to_owned(), Suspect::OutOfRange),
        ("1012".to_owned(), Suspect::Jump),
        ("50".to_owned(), Suspect::Jump),
    ];
    assert_eq!(said, expected);
    let route = healer.snapshot().sources.remove(0).routes.remove(0);
    assert_eq!(
        (route.failed_requests, route.status),
        (0, HealthStatus::Healthy)
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_too_long_is_given_and_counts_as_failed() {
    let upstream = Upstream::that(price(1.0).late(seconds(4)));
    for (slow, failed) in [(5, 0), (3, 2)] {
        let (client, healer) = set(&upstream, |treatment| {
            treatment.thresholds.slow = seconds(slow);
        });
        for n in 0..2 {
            // Nothing in hand of either: each caller waits for it.
            let got = ask(&client, get(&format!("http://api.test/api/quote/S{n}"))).await;
            assert!(got.is_fresh(), "{got:?}");
        }
        let sources = healer.snapshot().sources;
        let all: u64 = sources[0]
            .routes
            .iter()
            .map(|route| route.failed_requests)
            .sum();
        assert_eq!(all, failed, "slow from {slow} s on");
    }
}

#[tokio::test(start_paused = true)]
async fn how_many_failures_make_a_route_ill_is_set_for_it() {
    for (degraded_from, critical_from, status) in [
        (0.05, 0.20, HealthStatus::Critical),
        (0.05, 0.60, HealthStatus::Degraded),
        (0.60, 0.80, HealthStatus::Healthy),
    ] {
        let upstream = Upstream::that(price(1.0));
        let (client, healer) = set(&upstream, |treatment| {
            treatment.thresholds.degraded_from = degraded_from;
            treatment.thresholds.critical_from = critical_from;
            treatment.gives_copies = false;
        });
        for _ in 0..2 {
            ask(&client, get(URL)).await;
            upstream.becomes(answer(503, ""));
        }
        assert_eq!(healer.snapshot().sources[0].routes[0].status, status);
    }
}

#[tokio::test(start_paused = true)]
async fn where_its_own_past_puts_a_routes_thresholds_is_told_unless_they_are_set() {
    for tune in [true, false] {
        let upstream = Upstream::that(price(1.0));
        let (client, healer) = set(&upstream, |treatment| treatment.thresholds.tune = tune);
        for _window in 0..=50 {
            for _ in 0..20 {
                ask(&client, get(URL)).await;
            }
            let _taken = healer.snapshot();
            tokio::time::advance(seconds(300)).await;
        }
        let route = healer.snapshot().sources[0].routes[0].clone();
        let moved: Vec<(&str, f64, f64)> = route
            .moved
            .iter()
            .map(|made| (made.threshold.as_str(), made.from, made.to))
            .collect();
        // In twenty requests a single failure is no illness; a step is a quarter.
        let expected: &[_] = if tune {
            &[("degraded", 0.05, 0.0625), ("critical", 0.20, 0.25)]
        } else {
            &[]
        };
        assert_eq!(moved, expected);
    }
}

/// What the newest of a feed that moves twice a day is after that many half days, and the price of nothing in particular.
fn dated(healer: &Healer, half_days: usize) -> Act {
    json(format!(
        r#"{{"quote":{{"price":{half_days}.5,"lastUpdated":"{}"}}}}"#,
        healer.time()
    ))
}

#[tokio::test(start_paused = true)]
async fn what_moved_for_weeks_and_stands_still_for_days_is_stalled_and_remembered() {
    let half_a_day = seconds(12 * 60 * 60);
    let upstream = Upstream::that(price(1.0));
    let before = Healer::builder().build();
    let client = healed_by(&upstream, before.clone());
    for n in 0..60 {
        upstream.becomes(dated(&before, n));
        let got = ask(&client, get(URL)).await;
        assert_eq!(got.truth.suspect, None, "it moves");
        sleep(half_a_day).await;
    }
    for _ in 0..5 {
        assert_eq!(ask(&client, get(URL)).await.truth.suspect, None);
        sleep(half_a_day).await;
    }
    sleep(seconds(60)).await;
    let mut told = Vec::new();
    for _ in 0..4 {
        let got = ask(&client, get(URL)).await;
        assert!(got.is_fresh(), "it is a remark: {got:?}");
        told.extend(got.truth.suspect);
        sleep(half_a_day).await;
    }
    assert!(told.len() >= 2, "{told:?}");
    assert!(told.iter().all(|one| *one == Suspect::Stalled));
    let route = before.snapshot().sources.remove(0).routes.remove(0);
    assert_eq!(route.failed_requests, 0);

    upstream.becomes(dated(&before, 99));
    sleep(seconds(60)).await;
    assert_eq!(ask(&client, get(URL)).await.truth.suspect, None);

    let kept = before.shapes();
    assert!(kept[0].fingerprint.contains("cadences"), "{kept:?}");
    let after = Healer::builder().build();
    after.recall_shapes(kept.clone());
    let other = "http://api.test/api/quote/MSFT";
    upstream.becomes(price(1.0));
    ask(&healed_by(&upstream, after.clone()), get(other)).await;
    let cadences = |shapes: &[healing_core::RouteShape]| {
        let text = &shapes[0].fingerprint;
        text.split_once("cadences").unwrap().1.to_owned()
    };
    assert_eq!(cadences(&after.shapes()), cadences(&kept));
}

#[tokio::test(start_paused = true)]
async fn a_field_that_is_gone_is_suspect_and_then_told_as_a_change_of_the_route() {
    let upstream = Upstream::that(price(1.0));
    let (client, healer) = set(&upstream, |_| {});
    for n in 0..8 {
        upstream.becomes(price(f64::from(n)));
        assert_eq!(ask(&client, get(URL)).await.truth.suspect, None);
    }
    upstream.becomes(answer(503, ""));
    ask(&client, get(URL)).await;
    let mut told = Vec::new();
    for n in 0..4 {
        upstream.becomes(json(format!(r#"{{"quote":{{"last":{n}.5,"open":1.5}}}}"#)));
        let got = ask(&client, get(URL)).await;
        assert!(got.is_fresh(), "it is a remark: {got:?}");
        told.push(got.truth.suspect);
    }
    let changed = Some(Suspect::Changed);
    assert_eq!(told, [changed, changed, None, None]);
    let route = healer.snapshot().sources.remove(0).routes.remove(0);
    let change = route.shape_changed.unwrap();
    assert_eq!(change.to_string(), "gone: /quote/price; new: /quote/last");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_has_few_rows_where_it_had_many_is_suspect() {
    let rows = |count: usize| {
        json(format!(
            r#"{{"rows":[{}]}}"#,
            vec![r#"{"a":1,"b":"x"}"#; count].join(",")
        ))
    };
    let upstream = Upstream::that(rows(500));
    let (client, healer) = set(&upstream, |_| {});
    for count in 500..510 {
        upstream.becomes(rows(count));
        assert_eq!(ask(&client, get(URL)).await.truth.suspect, None);
    }
    let mut told = Vec::new();
    for count in [3, 4, 5, 6] {
        upstream.becomes(rows(count));
        told.push(ask(&client, get(URL)).await.truth.suspect);
    }
    let shrunk = Some(Suspect::Shrunk);
    assert_eq!(told, [shrunk, shrunk, None, None]);
    let route = healer.snapshot().sources.remove(0).routes.remove(0);
    assert_eq!(route.failed_requests, 0);
    let (before, now) = route.shape_changed.unwrap().values.unwrap();
    assert!(before > 900 && now == 6, "{before}, {now}");
}
