//! A limit on a clock of its own.

use proptest::prelude::*;

use super::*;

fn at(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn of(per_second: f64) -> Lately {
    Lately {
        calls: 40,
        per_second,
    }
}

fn call(sent: f64, at_s: f64) -> Refused {
    Refused {
        sent: at(sent),
        at: at(at_s),
        by_leave: true,
    }
}

/// A limit of nine a second from second ten on.
fn cut_at_ten() -> Aimd {
    let mut limit = Aimd::default();
    assert!(limit.refused(call(9.9, 10.0), of(10.0)));
    limit
}

#[test]
fn there_is_no_limit_before_a_refusal_nor_a_minute_after_the_last_one() {
    let mut limit = Aimd::default();
    assert_eq!(limit.rate(at(1.0)), None);
    assert!((0..1_000).all(|_| limit.take(true, at(1.0)).is_ok()));
    let mut limit = cut_at_ten();
    assert!(limit.rate(at(69.9)).is_some());
    assert_eq!(limit.rate(at(70.0)), None);
    assert!((0..1_000).all(|_| limit.take(true, at(70.0)).is_ok()));
}

#[test]
fn a_refusal_leaves_nine_tenths_and_each_second_adds_a_twentieth() {
    let limit = cut_at_ten();
    let rate = |seconds| limit.rate(at(seconds)).unwrap();
    assert!((rate(10.0) - 9.0).abs() < 1e-9);
    assert!((rate(11.0) - 9.45).abs() < 1e-9);
    assert!((rate(12.0) - 9.9225).abs() < 1e-9);
}

#[test]
fn refusals_of_one_moment_cut_once() {
    let mut limit = cut_at_ten();
    for n in 0..10 {
        let sent = 10.0 + f64::from(n) / 11.0;
        assert!(limit.refused(call(sent, sent + 0.05), of(10.0)));
    }
    assert!(limit.rate(at(11.0)).unwrap() >= 9.0);
    limit.accepted(at(10.5));
    assert!(limit.refused(call(11.2, 11.3), of(8.0)));
    assert!((limit.rate(at(11.3)).unwrap() - 7.2).abs() < 1e-9);
}

#[test]
fn what_was_sent_against_the_limit_does_not_lower_it() {
    let mut limit = cut_at_ten();
    limit.accepted(at(10.5));
    let against = Refused {
        by_leave: false,
        ..call(12.0, 12.1)
    };
    let before = limit.rate(at(12.1)).unwrap();
    assert!(limit.refused(against, of(1.0)));
    assert!((limit.rate(at(12.1)).unwrap() - before).abs() < 1e-9);
}

#[test]
fn where_too_little_is_known_or_a_cut_does_not_help_it_is_left_to_the_gates() {
    let few = Lately {
        calls: 4,
        per_second: 1.0,
    };
    assert!(!Aimd::default().refused(call(1.0, 1.1), few));
    let mut limit = cut_at_ten();
    assert!(
        !limit.refused(call(11.5, 11.6), of(5.0)),
        "nothing came through"
    );
    assert!(
        limit.rate(at(11.6)).unwrap() > 9.0,
        "and nothing is cut for it"
    );
    limit.accepted(at(11.7));
    assert!(limit.refused(call(11.8, 11.9), of(5.0)));
}

#[test]
fn calls_go_evenly_and_an_extra_one_only_where_nobody_was_early() {
    let mut limit = cut_at_ten();
    assert!(
        limit.take(false, at(10.0)).is_err(),
        "none at the moment of the cut"
    );
    let mut gone = 0;
    for ms in 10_000..20_000_u32 {
        let now = f64::from(ms) / 1_000.0;
        assert!(limit.take(true, at(now)).is_err(), "{now}");
        gone += u32::from(limit.take(false, at(now)).is_ok());
    }
    // 9 a second that grow by a twentieth each second, for ten seconds.
    assert!((113..=117).contains(&gone), "{gone}");
}

#[test]
fn the_wait_is_exact_and_so_is_a_turn_in_the_line() {
    let mut limit = cut_at_ten();
    limit.accepted(at(10.5));
    assert!(limit.take(false, at(11.0)).is_ok());
    assert!(limit.take(false, at(11.0)).is_ok(), "two may go together");
    let wait = limit.take(false, at(11.0)).unwrap_err();
    let turn = limit.turn(1, at(11.0));
    assert_eq!(turn, at(11.0) + wait);
    assert!(
        limit
            .take(false, turn.saturating_sub(Duration::from_millis(1)))
            .is_err()
    );
    assert!(limit.take(false, turn).is_ok());
    assert!(limit.turn(10, at(11.0)) > limit.turn(2, at(11.0)));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Accepted,
    Refused { by_leave: bool },
    Take { is_extra: bool },
}

fn steps() -> impl Strategy<Value = Vec<(u16, f64, Step)>> {
    let step = prop_oneof![
        Just(Step::Accepted),
        any::<bool>().prop_map(|by_leave| Step::Refused { by_leave }),
        any::<bool>().prop_map(|is_extra| Step::Take { is_extra }),
    ];
    prop::collection::vec((0_u16..3_000, 0.0_f64..1e6, step), 0..80)
}

proptest! {
    #[test]
    fn no_order_of_events_makes_a_rate_that_is_none(steps in steps()) {
        let mut limit = Aimd::default();
        let mut now = Duration::from_secs(100);
        // What was accepted when it was cut last, and when that was.
        let mut most: Option<f64> = None;
        for (ms, per_second, step) in steps {
            now += Duration::from_millis(ms.into());
            let before = limit.rate(now);
            match step {
                Step::Accepted => limit.accepted(now),
                Step::Refused { by_leave } => {
                    let lately = Lately { calls: 9, per_second };
                    limit.refused(Refused { sent: now, at: now, by_leave }, lately);
                    let after = limit.rate(now).unwrap();
                    if before.is_none_or(|before| after < before - 1e-9) {
                        let from = before.map_or(per_second, |before| before.min(per_second));
                        prop_assert!((after - (0.9 * from).max(LEAST)).abs() < 1e-6, "{after} from {from}");
                        most = Some(after);
                    }
                }
                Step::Take { is_extra } => {
                    if let Err(wait) = limit.take(is_extra, now) {
                        prop_assert!(!wait.is_zero() && wait <= Duration::from_secs(11), "{wait:?}");
                    }
                }
            }
            if let Some(rate) = limit.rate(now) {
                prop_assert!(rate.is_finite() && rate >= LEAST, "{rate}");
                let grown = most.unwrap() * 1.05_f64.powf(now.as_secs_f64());
                prop_assert!(rate <= grown, "{rate} of {grown}");
            }
        }
        prop_assert_eq!(limit.rate(now + Duration::from_mins(1)), None);
    }

    #[test]
    fn no_pattern_of_callers_gets_more_than_the_rate_and_what_may_go_together(pauses in prop::collection::vec(0_u16..400, 1..200)) {
        let mut limit = cut_at_ten();
        let (mut now, mut gone) = (at(10.0), 0_u32);
        for ms in pauses {
            now += Duration::from_millis(ms.into());
            gone += u32::from(limit.take(false, now).is_ok());
        }
        let seconds = (now - at(10.0)).as_secs_f64();
        // The integral of 9 * 1.05^t.
        let most = 9.0 * (1.05_f64.powf(seconds.min(60.0)) - 1.0) / 1.05_f64.ln() + 2.0;
        prop_assert!(f64::from(gone) <= most || seconds >= 60.0, "{gone} of {most} in {seconds} s");
    }
}
