//! When a gate rests, when it probes, and when it is over.

use super::*;
use crate::vocabulary::fault::Domain;

const FAULT: Fault = Fault::new(FaultClass::ServerError, "server_error_5xx");

struct Scene {
    gate: Arc<Gate>,
    start: Instant,
}

impl Scene {
    fn new(guards: Guards) -> Self {
        let start = Instant::now();
        Self {
            gate: Arc::new(Gate::new(guards, start)),
            start,
        }
    }

    fn at(&self, seconds: f64) -> Instant {
        self.start + Duration::from_secs_f64(seconds)
    }

    fn asks(&self, seconds: f64) -> Passage {
        self.gate.ask(self.at(seconds), 0.5)
    }

    fn resting() -> Self {
        let scene = Self::new(Guards::One);
        scene.gate.failed(scene.at(0.0), &FAULT, 1);
        scene.gate.failed(scene.at(0.0), &FAULT, 1);
        scene
    }
}

#[test]
fn one_failure_is_no_proof_and_two_in_a_row_are() {
    let scene = Scene::new(Guards::One);
    scene.gate.failed(scene.at(0.0), &FAULT, 1);
    assert!(matches!(scene.asks(0.0), Passage::Free));
    scene.gate.good(scene.at(0.0));
    scene.gate.failed(scene.at(0.0), &FAULT, 1);
    assert!(matches!(scene.asks(0.0), Passage::Free));
    scene.gate.failed(scene.at(0.0), &FAULT, 1);
    assert!(matches!(scene.asks(0.0), Passage::Rest(_)));
}

#[test]
fn what_was_sent_before_the_last_good_answer_was_tells_nothing_when_it_fails_after_it() {
    let scene = Scene::resting();
    let heard = |sent: f64, at: f64| Heard {
        sent: scene.at(sent),
        at: scene.at(at),
    };
    let hung = scene.asks(0.7);
    assert!(matches!(hung, Passage::Probe(_)), "{hung:?}");
    scene.gate.good(heard(1.4, 1.45));
    scene.gate.failed(heard(0.7, 1.7), &FAULT, 1);
    drop(hung);
    assert!(matches!(scene.asks(1.8), Passage::Try(_)));
    scene.gate.failed(heard(1.8, 1.9), &FAULT, 1);
    assert!(matches!(
        scene.asks(1.95),
        Passage::Probe(_) | Passage::Rest(_)
    ));
}

#[test]
fn one_bad_object_does_not_bench_its_kind() {
    let scene = Scene::new(Guards::Many);
    for _ in 0..10 {
        scene.gate.failed(scene.at(0.0), &FAULT, 1);
    }
    assert!(matches!(scene.asks(0.0), Passage::Free));
    scene.gate.failed(scene.at(0.0), &FAULT, 2);
    assert!(matches!(scene.asks(0.0), Passage::Rest(_)));
}

#[test]
fn a_short_outage_is_over_two_seconds_after_its_end_for_a_caller_a_second() {
    for end in [3.0, 17.3, 55.0] {
        let scene = Scene::resting();
        let fresh = (1..80)
            .map(f64::from)
            .find(|second| match scene.asks(*second) {
                Passage::Free => true,
                Passage::Try(_) if *second > end => {
                    scene.gate.good(scene.at(*second));
                    true
                }
                Passage::Probe(_) | Passage::Try(_) => {
                    if *second > end {
                        scene.gate.good(scene.at(*second));
                    } else {
                        scene.gate.failed(scene.at(*second), &FAULT, 1);
                    }
                    false
                }
                Passage::Rest(_) => false,
            });
        let fresh = fresh.unwrap();
        assert!(fresh <= end + 2.0, "over at {end}, fresh at {fresh}");
    }
}

#[test]
fn a_long_outage_is_probed_ever_more_rarely_but_not_beyond_five_seconds() {
    let scene = Scene::resting();
    let mut probes = Vec::new();
    for tenth in 0..6000 {
        let now = f64::from(tenth) / 10.0;
        if let Passage::Probe(_) = scene.asks(now) {
            probes.push(now);
            scene.gate.failed(scene.at(now), &FAULT, 1);
        }
    }
    let longest = probes
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .fold(0.0, f64::max);
    assert!((4.0..=5.6).contains(&longest), "{longest}");
    assert!(probes.len() < 250, "{}", probes.len());
}

#[test]
fn nothing_goes_before_the_time_that_the_source_named() {
    let scene = Scene::new(Guards::One);
    let told = FAULT
        .with_wait(Some(Duration::from_hours(1)))
        .striking(Domain::Key);
    scene.gate.failed(scene.at(0.0), &told, 1);
    for second in 0..3600 {
        let Passage::Rest(rest) = scene.asks(f64::from(second)) else {
            panic!("asked at {second}")
        };
        assert!(rest.refuse);
    }
    assert!(
        matches!(scene.asks(3600.0), Passage::Free),
        "one refusal is no proof of an outage"
    );
}

#[test]
fn a_good_answer_that_was_on_its_way_does_not_undo_what_the_source_said() {
    let scene = Scene::new(Guards::One);
    scene.gate.failed(
        scene.at(0.0),
        &FAULT.with_wait(Some(Duration::from_mins(1))),
        1,
    );
    scene.gate.good(scene.at(1.0));
    assert!(matches!(scene.asks(2.0), Passage::Rest(_)));
}

#[test]
fn no_more_than_two_find_out_at_once_and_a_dropped_ticket_is_given_back() {
    let scene = Scene::resting();
    let first = scene.asks(1.0);
    let second = scene.asks(2.0);
    assert!(matches!(
        (&first, &second),
        (Passage::Probe(_), Passage::Probe(_))
    ));
    assert!(matches!(scene.asks(3.0), Passage::Rest(_)));
    drop(first);
    assert!(matches!(scene.asks(4.0), Passage::Probe(_)));
}

#[test]
fn a_spent_quota_is_not_probed_every_second() {
    let scene = Scene::new(Guards::One);
    let spent = Fault::new(FaultClass::QuotaExceeded, "quota_note");
    scene.gate.failed(scene.at(0.0), &spent, 1);
    scene.gate.failed(scene.at(0.0), &spent, 1);
    let probes = (0..60)
        .filter(|second| matches!(scene.asks(f64::from(*second)), Passage::Probe(_)))
        .count();
    assert!((2..=3).contains(&probes), "{probes}");
}

#[test]
fn thin_traffic_is_not_all_spent_on_probes() {
    let scene = Scene::resting();
    let probes = (1..30)
        .filter(|n| {
            let now = f64::from(*n) * 4.0;
            let probe = matches!(scene.asks(now), Passage::Probe(_));
            if probe {
                scene.gate.failed(scene.at(now), &FAULT, 1);
            }
            probe
        })
        .count();
    assert!((5..=15).contains(&probes), "{probes}");
}
