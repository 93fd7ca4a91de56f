//! What the learner listens to, forgets and counts.

use super::*;
use crate::vocabulary::{exchange::TransportFault, fault::FaultClass};

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
            name: "retry",
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
    let name = |name| Remedy { route: 1, name };
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
