//! What the learner listens to, forgets and counts.

use super::{
    names::{Name, Names},
    recall::LessonLog,
    *,
};
use crate::{
    clock::Clock,
    vocabulary::{exchange::TransportFault, fault::FaultClass, route::Route, source::Source},
};

fn needs(source: u32) -> Needs {
    Needs {
        source,
        upstream: source,
        key: source,
        endpoint: source,
    }
}

fn fault(class: FaultClass) -> Fault {
    Fault::new(class, "a_fault")
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn ran(ended: Ended) -> Ran {
    Ran {
        ended,
        took: Duration::from_millis(50),
        last: None,
    }
}

#[test]
fn a_good_answer_is_listened_to_only_while_its_source_or_our_network_is_suspect() {
    let learner = Learner::new();
    let [here, there] = [AtomicBool::new(false), AtomicBool::new(false)];
    assert!(!learner.listens(&here));
    let down = fault(FaultClass::ConnectionError);
    learner.failed(&needs(1), (&down, &here), at(0));
    assert!(learner.listens(&here) && learner.listens(&there));
    for n in 1..4 {
        learner.succeeded(&needs(2), &there, at(n));
    }
    assert!(learner.listens(&here), "it has not answered itself");
    assert!(!learner.listens(&there), "the network is in order");
    for n in 4..8 {
        learner.succeeded(&needs(1), &here, at(n));
    }
    assert!(!learner.listens(&here));
}

#[test]
fn an_answer_that_came_says_nothing_against_our_network() {
    let learner = Learner::new();
    let [here, there] = [AtomicBool::new(false), AtomicBool::new(false)];
    let refused = fault(FaultClass::ServerError).with_status(http::StatusCode::BAD_GATEWAY);
    learner.failed(&needs(1), (&refused, &here), at(0));
    assert!(learner.listens(&here) && !learner.listens(&there));
    for other_end in [
        TransportFault::Refused.fault(),
        TransportFault::Reset.fault(),
        TransportFault::Closed.fault(),
        TransportFault::Reset.fault_in_body(),
        TransportFault::Closed.fault_in_body(),
    ] {
        learner.failed(&needs(1), (&other_end, &here), at(0));
        assert!(!learner.listens(&there), "{other_end}");
    }
    let nobody = TransportFault::Unreachable.fault();
    learner.failed(&needs(1), (&nobody, &here), at(0));
    assert!(learner.listens(&there));
}

#[test]
fn what_is_nobodys_fault_teaches_nothing() {
    let learner = Learner::new();
    let suspect = AtomicBool::new(false);
    for nothing in [
        fault(FaultClass::NotFound),
        Fault::resting(FaultClass::Timeout),
        Fault::own_quota(FaultClass::RateLimit),
        fault(FaultClass::EmptyData).changing(),
    ] {
        let told = learner.failed(&needs(1), (&nothing, &suspect), at(0));
        assert!(told.is_none() && !learner.listens(&suspect), "{nothing:?}");
    }
}

#[test]
fn what_has_no_room_is_forgotten_or_not_learned_and_counted() {
    let learner = Learner::new();
    for route in 0..4_100 {
        let remedy = Remedy {
            route,
            name: "retry".into(),
        };
        learner.ran((remedy, 1), &ran(Ended::Well), at(u64::from(route)));
    }
    let suspect = AtomicBool::new(false);
    for source in 0..1_030 {
        let failed = learner.failed(
            &needs(source),
            (&fault(FaultClass::ServerError), &suspect),
            at(9_000),
        );
        learner.exonerated(failed.as_slice(), &needs(5_000), at(9_000));
    }
    let counts = learner.counts();
    assert_eq!((counts.remedies, counts.forgotten), (4_096, 4));
    assert!(counts.unlearned >= 6, "{counts:?}");
}

#[test]
fn an_outage_does_not_make_a_remedy_look_bad_and_its_own_failures_do() {
    let learner = Learner::new();
    let suspect = AtomicBool::new(false);
    let name = |name: &'static str| Remedy {
        route: 1,
        name: name.into(),
    };
    for n in 0..20 {
        let down = fault(FaultClass::ServerError);
        let failed = learner.failed(&needs(1), (&down, &suspect), at(n));
        let share = failed.map_or(1.0, |failed| failed.on_nothing);
        learner.ran((name("struck"), 1), &ran(Ended::Badly(share)), at(n));
        learner.ran((name("useless"), 1), &ran(Ended::Badly(1.0)), at(n));
    }
    let query = |name| Query {
        id: StrategyId::new(name),
        places: ArrayVec::new(),
        is_same: false,
    };
    let queries = [query("struck"), query("useless"), query("untried")];
    let expected = learner.prospects(1, &queries, (None, at(20)));
    let [struck, useless, untried] = [0, 1, 2].map(|n| expected[n].chance.p);
    assert!(
        struck > 0.5 && untried > 0.5 && useless < 0.3,
        "{expected:?}"
    );
}

/// A healer's names in these tests: what is numbered 1 here is 71 to the next process.
fn name_of(number: u32) -> Option<Name> {
    let source = || Source::new("fred_api").unwrap();
    let host: Box<str> = "api.test".into();
    match number {
        1 => Some(Name::Source(source())),
        2 => Some(Name::Host(host)),
        3 => Some(Name::Route(Route::new(source(), "/series"), host)),
        _ => None,
    }
}

fn names() -> Names {
    (1..4).filter_map(|n| Some((n, name_of(n)?))).collect()
}

fn number_of(name: &Name) -> Option<u32> {
    (1..4)
        .find(|n| name_of(*n).as_ref() == Some(name))
        .map(|n| n + 70)
}

/// Of a source whose key was turned away, by a caller who has one.
const TURNED_AWAY: Needs = Needs {
    source: 1,
    upstream: 2,
    key: 9,
    endpoint: 3,
};

fn started(at: &str) -> Clock {
    Clock::anchored_at(at.parse().unwrap())
}

#[test]
fn what_was_suspect_relaxes_by_five_minutes_at_most_while_nobody_looks_and_counts_by_the_clock() {
    let learner = Learner::new();
    let suspect = AtomicBool::new(false);
    let revoked = fault(FaultClass::AuthError);
    for _ in 0..3 {
        learner.failed(&TURNED_AWAY, (&revoked, &suspect), at(0));
    }
    let remedy = |route| Remedy {
        route,
        name: "retry".into(),
    };
    learner.ran((remedy(3), 1), &ran(Ended::Well), at(0));
    let (evening, morning) = ("2026-11-24T22:00:00Z", "2026-11-25T04:00:00Z");
    let mut log = LessonLog::default();
    let lessons = learner.lessons(&mut log, &started(evening), names);
    assert_eq!(lessons.len(), 2, "{lessons:?}");
    assert!(!format!("{lessons:?}").contains("key"));
    learner.failed(&TURNED_AWAY, (&revoked, &suspect), at(0));
    let again = learner.lessons(&mut log, &started(evening), names);
    assert_eq!(again.len(), 1, "what is suspect now: {again:?}");

    let next = Learner::new();
    let recalled = next.recall(&lessons, &started(morning), number_of);
    assert_eq!(
        (recalled.set_aside, recalled.suspects.contains(&71)),
        (0, true)
    );
    let down = |learner: &Learner, number| {
        let part = Part {
            kind: Culprit::Source,
            number,
        };
        lock(&learner.state).beliefs.down(part, 0.0)
    };
    let (before, after) = (down(&learner, 1), down(&next, 71));
    let relaxed = crate::learn::relaxed(before, 1.0 / 1_800.0, 300.0);
    assert!(
        (after - relaxed).abs() < 0.05 && after < before,
        "{before} {after} {relaxed}"
    );
    let state = lock(&next.state);
    let [succeeded, failed] = state.remedies.get(&remedy(73)).unwrap().counts(0.0);
    assert!(
        (succeeded - 0.5).abs() < 1e-9 && failed == 0.0,
        "six hours are a half-life"
    );
}

#[test]
fn a_lesson_of_what_is_known_already_changes_nothing() {
    let learner = Learner::new();
    let remedy = Remedy {
        route: 3,
        name: "retry".into(),
    };
    learner.ran((remedy.clone(), 1), &ran(Ended::Well), at(0));
    let now = started("2026-11-24T22:00:00Z");
    let lessons = learner.lessons(&mut LessonLog::default(), &now, names);
    learner.ran((remedy.clone(), 1), &ran(Ended::Well), at(0));
    let own = |name: &Name| number_of(name).map(|n| n - 70);
    learner.recall(&lessons, &now, own);
    let [succeeded, _] = lock(&learner.state)
        .remedies
        .get(&remedy)
        .unwrap()
        .counts(0.0);
    assert_eq!(succeeded, 2.0);
}
