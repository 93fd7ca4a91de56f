//! When an incident opens, what moves it, and when it is over: each behaviour as a short story of seconds.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::{
    health::{EndpointHealth, HealthStatus, SourceHealth},
    vocabulary::provenance::StrategyId,
};

/// What happens in a story, at the second given with it.
#[derive(Clone, Copy)]
enum Step {
    Healed,
    Unhealed,
    /// A snapshot in which the route has had so many good answers in a row, the last one now.
    Good(u32),
    /// A snapshot in which the route still fails.
    Bad,
}

use Step::{Bad, Good, Healed, Unhealed};

fn at(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_000_000 + second)
}

fn slug(name: &str) -> Source {
    Source::new(name).unwrap()
}

fn event(source: &str, class: FaultClass, time: Timestamp) -> ErrorEvent {
    ErrorEvent {
        id: Uuid::from_u128(9),
        time,
        route: Route::new(slug(source), "/series/{id}"),
        class,
        detail: "detail".into(),
        status: None,
        response_time: Duration::ZERO,
        params: json!({}),
        retries: 1,
        healed_by: None,
        fidelity: None,
        age: None,
        took: Duration::ZERO,
        instead: None,
    }
}

fn healed(mut event: ErrorEvent) -> ErrorEvent {
    event.healed_by = Some(StrategyId::USE_CACHED_DATA);
    event
}

fn source(name: &str, status: HealthStatus, route: (&str, u32, Timestamp)) -> SourceHealth {
    let (template, successes, last_success) = route;
    let endpoint = EndpointHealth {
        route: Route::new(slug(name), template),
        status,
        total_requests: 10,
        failed_requests: 1,
        error_rate: 0.1,
        avg_response_time: 0.1,
        last_success: Some(last_success),
        last_failure: None,
        consecutive_failures: 0,
        consecutive_successes: successes,
        uptime_percentage: 90.0,
        shape_changed: None,
        moved: Vec::new(),
    };
    SourceHealth {
        source: slug(name),
        status,
        requests: 10,
        uptime_percentage: 90.0,
        actual_success_percentage: 80.0,
        error_rate: 0.1,
        latency: None,
        resting: false,
        healing_active: false,
        since: at(0),
        last_fault: None,
        routes: vec![endpoint],
    }
}

fn word(change: &AlertChange) -> String {
    match change {
        AlertChange::Opened(alert) => format!("open {}", alert.level.as_str()),
        AlertChange::Updated(alert) => format!("now {}", alert.level.as_str()),
        AlertChange::Resolved(resolution) => {
            format!(
                "{} after {} s",
                resolution.reason.as_str(),
                resolution.duration.as_secs()
            )
        }
    }
}

/// Plays a story on one route of one source and compares what came of it, with the second of each change.
#[track_caller]
fn check(story: &[(i64, Step)], expected: &[(i64, &str)]) -> Incidents {
    let mut incidents = Incidents::new(1);
    let mut found: Vec<(i64, String)> = Vec::new();
    for &(second, step) in story {
        let fault = event("fred_api", FaultClass::Timeout, at(second));
        let seen = |successes| Snapshot {
            time: at(second),
            sources: vec![source(
                "fred_api",
                HealthStatus::Critical,
                ("/series/{id}", successes, at(second)),
            )],
        };
        let changes = match step {
            Healed => incidents.event(&healed(fault)).into_iter().collect(),
            Unhealed => incidents.event(&fault).into_iter().collect(),
            Good(successes) => incidents.snapshot(&seen(successes)),
            Bad => incidents.snapshot(&seen(0)),
        };
        found.extend(changes.iter().map(|change| (second, word(change))));
    }
    let found: Vec<(i64, &str)> = found
        .iter()
        .map(|(second, word)| (*second, word.as_str()))
        .collect();
    assert_eq!(found, expected);
    incidents
}

#[test]
fn one_fault_wakes_nobody_healed_or_not() {
    check(&[(0, Healed), (1, Bad)], &[]);
    check(&[(0, Unhealed), (1, Bad)], &[]);
    check(&[(0, Unhealed), (1, Unhealed), (2, Bad)], &[]);
}

#[test]
fn the_third_unhealed_fault_in_a_row_is_an_error() {
    check(
        &[(0, Unhealed), (1, Unhealed), (2, Unhealed), (3, Unhealed)],
        &[(2, "open error")],
    );
}

#[test]
fn good_answers_or_a_healed_one_break_the_row() {
    check(
        &[(0, Unhealed), (1, Unhealed), (2, Good(2)), (3, Unhealed)],
        &[],
    );
    check(
        &[(0, Unhealed), (1, Unhealed), (2, Healed), (3, Unhealed)],
        &[],
    );
    check(
        &[(0, Unhealed), (1, Unhealed), (2, Good(1)), (3, Unhealed)],
        &[(3, "open error")],
    );
}

#[test]
fn three_healed_faults_are_a_warning_only_within_ten_seconds() {
    check(
        &[(0, Healed), (5, Healed), (10, Healed)],
        &[(10, "open warning")],
    );
    check(&[(0, Healed), (5, Healed), (11, Healed)], &[]);
}

#[test]
fn a_warning_becomes_an_error_when_healing_fails_and_a_warning_again_when_it_works() {
    check(
        &[
            (0, Healed),
            (0, Healed),
            (0, Healed),
            (1, Unhealed),
            (1, Unhealed),
            (1, Unhealed),
            (2, Bad),
            (3, Healed),
            (3, Healed),
            (4, Bad),
            (5, Healed),
            (6, Bad),
        ],
        &[(0, "open warning"), (2, "now error"), (6, "now warning")],
    );
}

#[test]
fn it_is_over_after_two_good_answers_and_not_while_events_still_come() {
    let open = [(0, Unhealed), (1, Unhealed), (2, Unhealed)];
    let story = |rest: &[(i64, Step)]| [&open[..], rest].concat();
    check(
        &story(&[(11, Good(1)), (12, Good(2))]),
        &[(2, "open error"), (12, "recovered after 10 s")],
    );
    check(&story(&[(3, Good(2)), (9, Good(9))]), &[(2, "open error")]);
    check(
        &story(&[(12, Good(1)), (13, Good(1)), (14, Unhealed), (15, Good(2))]),
        &[(2, "open error"), (15, "recovered after 13 s")],
    );
}

#[test]
fn good_answers_from_before_the_last_event_do_not_count() {
    let mut incidents = check(
        &[(0, Unhealed), (20, Unhealed), (40, Unhealed)],
        &[(40, "open error")],
    );
    let sources = vec![source(
        "fred_api",
        HealthStatus::Healthy,
        ("/series/{id}", 5, at(39)),
    )];
    assert_eq!(
        incidents.snapshot(&Snapshot {
            time: at(60),
            sources
        }),
        []
    );
}

#[test]
fn a_route_that_nobody_asks_any_more_does_not_hold_it_open() {
    let mut incidents = check(
        &[(0, Unhealed), (1, Unhealed), (2, Unhealed)],
        &[(2, "open error")],
    );
    let mut other = event("fred_api", FaultClass::Timeout, at(3));
    other.route = Route::new(slug("fred_api"), "/rare");
    assert_eq!(incidents.event(&other), None);
    let mut good = |second| {
        let sources = vec![source(
            "fred_api",
            HealthStatus::Healthy,
            ("/series/{id}", 9, at(second)),
        )];
        incidents
            .snapshot(&Snapshot {
                time: at(second),
                sources,
            })
            .iter()
            .map(word)
            .collect::<Vec<_>>()
    };
    assert_eq!(good(30), [""; 0]);
    assert_eq!(good(63), ["recovered after 61 s"]);
}

#[test]
fn without_any_sign_it_expires_after_a_quarter_of_an_hour() {
    check(
        &[
            (0, Unhealed),
            (1, Unhealed),
            (2, Unhealed),
            (901, Bad),
            (902, Bad),
        ],
        &[(2, "open error"), (902, "expired after 900 s")],
    );
}

#[test]
fn a_changed_detail_is_the_same_incident() {
    let mut incidents = check(
        &[(0, Unhealed), (1, Unhealed), (2, Unhealed)],
        &[(2, "open error")],
    );
    let before = incidents.open().next().unwrap().clone();
    let mut other = event("fred_api", FaultClass::Timeout, at(3));
    other.detail = "another".into();
    assert_eq!(incidents.event(&other), None);
    assert_eq!(
        incidents.snapshot(&Snapshot {
            time: at(4),
            sources: vec![]
        }),
        []
    );
    let after = incidents.open().next().unwrap();
    assert_eq!(
        (after.id, after.detail.clone(), after.events),
        (before.id, Some("another".into()), 4)
    );
}

#[test]
fn what_comes_and_goes_stays_open_until_it_was_quiet_for_ten_minutes() {
    let mut story = Vec::new();
    for round in 0..3 {
        let start = round * 60;
        story.extend([
            (start, Unhealed),
            (start, Unhealed),
            (start, Unhealed),
            (start + 20, Good(2)),
        ]);
    }
    story.extend([(719, Good(9)), (720, Good(9))]);
    check(
        &story,
        &[
            (0, "open error"),
            (20, "recovered after 20 s"),
            (60, "open error"),
            (80, "recovered after 20 s"),
            (120, "open error"),
            (720, "recovered after 600 s"),
        ],
    );
}

#[test]
fn a_callers_own_mistake_opens_nothing() {
    let mut incidents = Incidents::new(1);
    for class in FaultClass::ALL {
        let opened = (0..3)
            .filter_map(|second| incidents.event(&event("fred_api", class, at(second))))
            .count();
        assert_eq!(opened, usize::from(!class.is_the_callers()), "{class}");
    }
}

/// One snapshot a second with the statuses of the sources `a`, `b`, `c`, and what comes of it.
type Seconds<'a> = &'a [(&'a [HealthStatus], &'a [&'a str])];

#[test]
fn half_of_the_sources_failing_is_critical_and_two_calm_snapshots_end_it() {
    use HealthStatus::{Critical, Failed, Healthy};
    let story: Seconds<'_> = &[
        (&[], &[]),
        (&[Failed, Healthy], &[]),
        (&[Failed, Failed, Critical, Healthy], &["open critical"]),
        (&[Failed, Failed, Failed, Healthy], &["now critical"]),
        (&[Failed, Healthy, Healthy], &[]),
        (&[Healthy, Healthy, Healthy], &["recovered after 3 s"]),
        (&[Failed], &["open critical"]),
    ];
    let mut incidents = Incidents::new(1);
    for (second, (statuses, expected)) in (0..).zip(story) {
        let time = at(second);
        let named = statuses.iter().zip('a'..);
        let sources =
            named.map(|(status, name)| source(&name.to_string(), *status, ("/", 0, time)));
        let changes = incidents.snapshot(&Snapshot {
            time,
            sources: sources.collect(),
        });
        assert_eq!(
            changes.iter().map(word).collect::<Vec<_>>(),
            *expected,
            "second {second}"
        );
    }
    let titles: Vec<_> = incidents.open().map(|alert| alert.title.as_str()).collect();
    assert_eq!(titles, ["system-wide: 1 of 1 sources have failed"]);
}

#[test]
fn more_than_256_are_counted_and_not_opened() {
    let mut incidents = Incidents::new(1);
    for number in 0..260 {
        for second in 0..5 {
            incidents.event(&event(
                &format!("s{number}"),
                FaultClass::Timeout,
                at(second),
            ));
        }
    }
    assert_eq!(
        (incidents.open().count(), incidents.unlisted()),
        (Incidents::MAX_OPEN, 4)
    );
}

#[test]
fn ids_are_of_version_7_tell_the_time_and_differ_between_seeds() {
    let ids = |seed| {
        let mut ids = Ids { state: seed };
        [ids.next(at(0)), ids.next(at(0))]
    };
    let all = [ids(1), ids(2)].concat();
    for (index, id) in all.iter().enumerate() {
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.get_timestamp().unwrap().to_unix().0, 1_000_000);
        assert!(!all[..index].contains(id), "{id}");
    }
}

#[test]
fn a_title_holds_only_our_words_and_the_slug() {
    let safe = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || " _-:,()".contains(c);
    for class in FaultClass::ALL {
        for level in [AlertLevel::Warning, AlertLevel::Error, AlertLevel::Critical] {
            for flapping in [false, true] {
                let title = words::title(&slug("a-b_1"), class, level, flapping);
                assert!(title.chars().all(safe), "{title}");
            }
        }
    }
}
