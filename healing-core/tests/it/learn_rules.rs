//! What holds of beliefs and decayed sums whatever happens: any order of failures and successes, any order of merges.

use std::collections::BTreeSet;

use healing_core::{
    learn::{Beliefs, Blame, Cause, Cells, Culprit, Part, relaxed},
    plan::GATE,
};
use proptest::prelude::*;

/// A belief is never lower than this, nor higher.
const BOUNDS: (f64, f64) = (0.002, 0.995);

/// What happens to a source with two addresses and two keys.
#[derive(Clone, Copy, Debug)]
struct Event {
    host: u32,
    key: u32,
    failed: Option<Cause>,
    after: f64,
}

fn needs(host: u32, key: u32) -> [Part; 5] {
    let part = |kind, number| Part { kind, number };
    [
        part(Culprit::Network, 0),
        part(Culprit::Source, 0),
        part(Culprit::Host, host),
        part(Culprit::Key, key),
        part(Culprit::Endpoint, 0),
    ]
}

fn every_part() -> BTreeSet<Part> {
    (0..2)
        .flat_map(|n| needs(n, n))
        .chain(needs(0, 1))
        .collect()
}

fn event() -> impl Strategy<Value = Event> {
    let cause = prop::option::of(prop::sample::select(&Cause::ALL[..]));
    (0..2_u32, 0..2_u32, cause, 0.0..120.0).prop_map(|(host, key, failed, after)| Event {
        host,
        key,
        failed,
        after,
    })
}

proptest! {
    #[test]
    fn a_failure_acquits_nobody_a_success_accuses_nobody_and_neither_touches_what_it_did_not_need(
        events in prop::collection::vec(event(), 1..60)
    ) {
        let (mut beliefs, mut now) = (Beliefs::default(), 0.0);
        for event in events {
            now += event.after;
            let used = needs(event.host, event.key);
            let before: Vec<_> = every_part().into_iter().map(|part| (part, beliefs.down(part, now))).collect();
            match event.failed {
                Some(cause) => {
                    let on_nothing = beliefs.failed(&used, &cause.blame(), now);
                    prop_assert!((0.0..=1.0).contains(&on_nothing));
                }
                None => drop(beliefs.succeeded(&used, now)),
            }
            for (part, down) in before {
                let after = beliefs.down(part, now);
                prop_assert!((BOUNDS.0..=BOUNDS.1).contains(&after), "{after}");
                match event.failed {
                    _ if !used.contains(&part) => prop_assert!((after - down).abs() < 1e-12),
                    Some(_) => prop_assert!(after >= down - 1e-12, "{part:?} {down} {after}"),
                    None => prop_assert!(after <= down.max(BOUNDS.0) + 1e-12, "{part:?} {down} {after}"),
                }
            }
        }
    }

    #[test]
    fn beliefs_do_not_depend_on_what_things_are_called(
        events in prop::collection::vec(event(), 1..60), shift in 1..1_000_u32
    ) {
        // The same history with the two addresses and keys, and all else, under other numbers.
        let renamed = |part: Part| match part.kind {
            Culprit::Network | Culprit::Nothing => part,
            Culprit::Source | Culprit::Host | Culprit::Key | Culprit::Endpoint => Part {
                number: shift + 1 - part.number,
                ..part
            },
        };
        let (mut one, mut other, mut now) = (Beliefs::default(), Beliefs::default(), 0.0);
        for event in events {
            now += event.after;
            let used = needs(event.host, event.key);
            let theirs = used.map(renamed);
            if let Some(cause) = event.failed {
                let share = one.failed(&used, &cause.blame(), now);
                prop_assert_eq!(share, other.failed(&theirs, &cause.blame(), now));
            } else {
                drop(one.succeeded(&used, now));
                drop(other.succeeded(&theirs, now));
            }
            for part in every_part() {
                prop_assert_eq!(one.down(part, now), other.down(renamed(part), now));
            }
        }
    }

    #[test]
    fn what_another_attempt_has_acquitted_gets_no_blame(
        events in prop::collection::vec(event(), 0..20), cause in prop::sample::select(&Cause::ALL[..])
    ) {
        let mut beliefs = Beliefs::default();
        for event in events {
            let used = needs(event.host, event.key);
            match event.failed {
                Some(cause) => { beliefs.failed(&used, &cause.blame(), 0.0); }
                None => drop(beliefs.succeeded(&used, 0.0)),
            }
        }
        let (failed, other) = (needs(0, 0), needs(1, 0));
        let acquitted: Vec<_> = other.iter().map(|part| beliefs.down(*part, 0.0)).collect();
        let left = failed.into_iter().filter(|part| !other.contains(part));
        let shares = beliefs.exonerated(left, &cause.blame(), 0.0);
        prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        for (culprit, share) in Culprit::ALL.into_iter().zip(shares) {
            prop_assert!(matches!(culprit, Culprit::Host | Culprit::Nothing) || share == 0.0);
        }
        let after: Vec<_> = other.iter().map(|part| beliefs.down(*part, 0.0)).collect();
        prop_assert_eq!(acquitted, after);
    }

    #[test]
    fn to_relax_twice_is_to_relax_once_for_the_time_of_both(
        down in 0.002..0.995_f64, rate in 0.0..2.0_f64, first in 0.0..300.0_f64, second in 0.0..300.0_f64
    ) {
        let twice = relaxed(relaxed(down, rate, first), rate, second);
        prop_assert!((twice - relaxed(down, rate, first + second)).abs() < 1e-12);
    }

    #[test]
    fn replicas_agree_with_a_single_stream_however_merges_are_lost_sent_twice_or_mixed_up(
        adds in prop::collection::vec((0..3_usize, 0..4_u8, 0.0..10.0_f64), 1..60),
        merges in prop::collection::vec((0..3_usize, 0..3_usize, 0..60_usize), 0..60),
    ) {
        let new = |replica| Cells::<u8, 1>::new(replica, 3_600.0, 0.0);
        let mut replicas = [new(1), new(2), new(3)];
        let (mut single, mut now) = (new(9), 0.0);
        for (n, (replica, key, value)) in adds.into_iter().enumerate() {
            now += 60.0 * value;
            replicas[replica].add(key, [value], now);
            single.add(key, [value], now);
            for (from, to, _) in merges.iter().filter(|(_, _, when)| *when == n) {
                let sent = replicas[*from].clone();
                replicas[*to].merge(&sent);
            }
        }
        // What was lost is sent again, some of it twice.
        let sent = replicas.clone();
        for own in &mut replicas {
            sent.iter().chain(&sent).for_each(|other| own.merge(other));
        }
        for (own, key) in replicas.iter().flat_map(|own| (0..4).map(move |key| (own, key))) {
            match (own.read(&key, now), single.read(&key, now)) {
                (Some([own]), Some([one])) => prop_assert!((own - one).abs() <= 1e-12 * one.max(1.0), "{own} {one}"),
                (own, one) => prop_assert_eq!(own, one),
            }
        }
    }
}

#[test]
fn two_failures_close_the_gate_and_two_successes_open_it() {
    let route = needs(0, 0);
    for cause in Cause::ALL {
        let mut beliefs = Beliefs::default();
        for n in 0..2 {
            beliefs.failed(&route, &cause.blame(), f64::from(n) * 0.5);
        }
        let up = beliefs.chance(0.95, &route, 0.5).up;
        assert!(up < GATE, "{cause:?} {up}");
        for n in 1..=2 {
            let _over = beliefs.succeeded(&route, 0.5 + f64::from(n));
        }
        let up = beliefs.chance(0.95, &route, 2.5).up;
        assert!(up >= GATE, "{cause:?} {up}");
    }
}

#[test]
fn what_fell_silent_by_one_address_may_be_silent_by_the_other_until_one_answers() {
    // Addresses are nearly always to blame here, so next to nothing is on the source.
    let addresses = [0.0, 0.0, 50.0, 0.0, 0.0, 0.0];
    let failed = |cause: Cause| {
        let mut beliefs = Beliefs::default();
        let blame = Blame::learned(cause, &[0.0; 6], &addresses);
        beliefs.failed(&needs(0, 0), &blame, 0.0);
        beliefs
    };
    let hangs = |beliefs: &Beliefs, at: f64| beliefs.chance(0.95, &needs(1, 0), at).hangs;
    let silent = failed(Cause::Timeout);
    assert!(hangs(&silent, 0.0));
    assert!(!hangs(&silent, 600.0), "with time it is forgotten");
    let mut answered = silent.clone();
    let _over = answered.succeeded(&needs(1, 0), 1.0);
    assert!(!hangs(&answered, 1.0));
    let mut heard = silent;
    heard.failed(
        &needs(1, 0),
        &Blame::learned(Cause::ServerError, &[0.0; 6], &addresses),
        1.0,
    );
    assert!(!hangs(&heard, 1.0), "an error is an answer");
    assert!(!hangs(&failed(Cause::ServerError), 0.0));
}

#[test]
fn an_outage_tells_nothing_against_the_remedy_itself() {
    let route = needs(0, 0);
    let blame = Blame::learned(Cause::Timeout, &[0.0; 6], &[0.0; 6]);
    let mut beliefs = Beliefs::default();
    let against: f64 = (0..1_200)
        .map(|n| beliefs.failed(&route, &blame, f64::from(n) * 0.25))
        .sum();
    assert!(against < 1.0, "{against}");
}

#[test]
fn a_part_that_works_now_and_then_is_not_given_up() {
    let host = Part {
        kind: Culprit::Host,
        number: 1,
    };
    let blame = Blame::learned(
        Cause::ServerError,
        &[0.0; 6],
        &[0.0, 0.0, 50.0, 0.0, 0.0, 0.0],
    );
    let mut dead = Beliefs::default();
    for n in 0..20 {
        dead.failed(&[host], &blame, f64::from(n));
    }
    let mut flaky = Beliefs::default();
    for n in 0..20 {
        flaky.failed(&[host], &blame, f64::from(n));
        if n % 4 == 3 {
            let _over = flaky.succeeded(&[host], f64::from(n));
            flaky.failed(&[host], &blame, f64::from(n));
        }
    }
    let (dead, flaky) = (
        dead.chance(1.0, &[host], 20.0).p,
        flaky.chance(1.0, &[host], 20.0).p,
    );
    assert!(dead < 0.05 && flaky > 0.1, "{dead} {flaky}");
}
