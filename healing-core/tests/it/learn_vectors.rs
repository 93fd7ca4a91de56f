//! The decision core against golden vectors: every formula gives what the readable reference of the design gave, to 1e-9.

use healing_core::{
    detect::{Cusum, Recovery, State, phi},
    learn::{
        Beliefs, Blame, Cause, Cells, Culprit, Part, equivalent_age, forecast, pool,
        quantile_price, relaxed, worth_of_stale,
    },
    plan::{Candidate, Costs, Latency, Stand},
};
use serde_json::Value;

const VECTORS: &str = include_str!("../vectors/learning.json");

fn vectors(part: &str) -> Value {
    let mut all: Value = serde_json::from_str(VECTORS).unwrap();
    all[part].take()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn numbers<const N: usize>(value: &Value) -> [f64; N] {
    let all: Vec<f64> = list(value).iter().map(number).collect();
    all.try_into().unwrap()
}

#[track_caller]
fn same(found: f64, expected: f64) {
    let scale = expected.abs().max(1e-3);
    assert!(
        (found - expected).abs() <= 1e-9 * scale,
        "{found} is not {expected}"
    );
}

fn candidate(form: &Value) -> Candidate<'_> {
    let name = form["name"].as_str().unwrap();
    Candidate {
        name,
        worth: number(&form["q"]),
        p: number(&form["p"]),
        up: number(&form["up"]),
        latency: Latency {
            limits: numbers(&form["grid"]),
            share: numbers(&form["F"]),
            mean: numbers(&form["M"]),
        },
        fails_after: number(&form["t_fail"]),
        hangs: form["hang"].as_bool().unwrap(),
        delay: number(&form["delay"]),
        price: number(&form["price"]),
        is_primary: name == "primary",
    }
}

#[test]
fn plans_have_the_same_steps_limits_and_indices() {
    let vectors = vectors("plan");
    assert_eq!(list(&vectors).len(), 60);
    for vector in list(&vectors) {
        let candidates: Vec<Candidate<'_>> = list(&vector["boxes"]).iter().map(candidate).collect();
        let stand = Stand {
            in_hand: number(&vector["outside"]),
            floor: number(&vector["floor"]),
            remaining: number(&vector["remaining"]),
        };
        let plan = Costs::default().plan(&candidates, stand);
        let expected = list(&vector["expect"]);
        assert_eq!(plan.steps().len(), expected.len(), "{plan:?}");
        assert_eq!(plan.steps().len() + plan.left_out().len(), candidates.len());
        for (step, expected) in plan.steps().iter().zip(expected) {
            assert_eq!(
                candidates[step.candidate].name,
                expected[0].as_str().unwrap()
            );
            same(step.limit, number(&expected[1]));
            same(step.index, number(&expected[2]));
        }
    }
}

const PARTS: [(&str, Part); 6] = [
    ("net", part(Culprit::Network, 0)),
    ("src", part(Culprit::Source, 0)),
    ("h1", part(Culprit::Host, 1)),
    ("h2", part(Culprit::Host, 2)),
    ("k1", part(Culprit::Key, 1)),
    ("ep", part(Culprit::Endpoint, 0)),
];

const fn part(kind: Culprit, number: u32) -> Part {
    Part { kind, number }
}

fn needs(names: [&str; 5]) -> [Part; 5] {
    names.map(|name| PARTS.iter().find(|(own, _)| *own == name).unwrap().1)
}

#[track_caller]
fn believed(beliefs: &Beliefs, expected: &Value) {
    for (name, part) in PARTS {
        same(beliefs.down(part, 0.0), number(&expected[name]));
    }
}

fn cause(name: &str) -> Cause {
    match name {
        "timeout" => Cause::Timeout,
        "server_error" => Cause::ServerError,
        "rate_limited" => Cause::RateLimited,
        "auth" => Cause::Auth,
        "connect" => Cause::Connect,
        "quota" => Cause::Quota,
        other => panic!("{other}"),
    }
}

#[test]
fn beliefs_rise_fall_and_relax_alike() {
    let (here, there) = (
        needs(["net", "src", "h1", "k1", "ep"]),
        needs(["net", "src", "h2", "k1", "ep"]),
    );
    let vectors = vectors("belief");
    assert_eq!(list(&vectors).len(), 6);
    for vector in list(&vectors) {
        let cause = cause(vector["cause"].as_str().unwrap());
        let blame = cause.blame();
        for (culprit, expected) in Culprit::ALL.into_iter().zip(list(&vector["p_culprit"])) {
            same(blame.of(culprit), number(expected));
        }
        let [first, second, instead, later] = list(&vector["steps"]) else {
            panic!("{vector}");
        };
        let mut beliefs = Beliefs::default();
        same(
            beliefs.failed(&here, &blame, 0.0),
            number(&first[2]["none"]),
        );
        believed(&beliefs, &first[1]);
        let chance = beliefs.chance(0.97, &there, 0.0);
        let [p, up] = numbers(&vector["p_alt_host_after_first"]);
        same(chance.p, p);
        same(chance.up, up);

        let mut healed = beliefs.clone();
        for (part, of, seconds) in healed.succeeded(&there, 0.0) {
            assert!(here.contains(&part) && there.contains(&part));
            assert_eq!((of, seconds), (cause, 0.0));
        }
        believed(&healed, &instead[1]);
        let only_here = here.into_iter().filter(|part| !there.contains(part));
        let shares = healed.exonerated(only_here, &blame, 0.0);
        let [network, source, host, key, endpoint, nothing] = shares;
        assert_eq!([network, source, key, endpoint], [0.0; 4]);
        same(host, number(&instead[2]["h1"]));
        same(nothing, number(&instead[2]["none"]));

        same(
            beliefs.failed(&there, &blame, 0.0),
            number(&second[2]["none"]),
        );
        believed(&beliefs, &second[1]);
        for (name, _) in PARTS {
            let down = relaxed(number(&second[1][name]), 1.0 / blame.lasts(), 10.0);
            same(down, number(&later[1][name]));
        }
    }
}

#[test]
fn what_sources_share_is_pooled_alike() {
    for vector in list(&vectors("kleinman")) {
        let succeeded = list(&vector["s"]).iter().map(number);
        let sources: Vec<(f64, f64)> = succeeded
            .zip(list(&vector["n"]).iter().map(number))
            .collect();
        let pooled = pool(&sources);
        same(pooled.mean, number(&vector["expect"][0]));
        same(pooled.strength, number(&vector["expect"][1]));
    }
}

#[test]
fn sums_decay_alike_and_may_be_merged_twice_in_any_order() {
    let vector = vectors("decay");
    let half_life = number(&vector["half_life"]);
    let replica = |n| Cells::<&str, 2>::new(n, half_life, 0.0);
    let (mut a, mut b) = (replica(1), replica(2));
    for event in list(&vector["events"]) {
        let own = if event[0] == "A" { &mut a } else { &mut b };
        own.add("k", numbers(&event[2]), number(&event[1]));
    }
    let (expected, at) = (numbers::<2>(&vector["expect"]), number(&vector["read_at"]));
    for order in [[&a, &b, &b], [&b, &a, &a]] {
        let mut all = replica(3);
        order.into_iter().for_each(|cells| all.merge(cells));
        let sums = all.read(&"k", at).unwrap();
        same(sums[0], expected[0]);
        same(sums[1], expected[1]);
    }
}

#[test]
fn detectors_see_alike() {
    let vector = vectors("cusum");
    let mut cusum = Cusum::new(0.01, 0.3);
    for (failed, expected) in list(&vector["xs"]).iter().zip(list(&vector["expect"])) {
        if failed == 1 {
            cusum.failed();
        } else {
            cusum.succeeded();
        }
        same(cusum.sum(), number(expected));
    }
    for vector in list(&vectors("phi")) {
        same(
            phi(number(&vector[0]), 60.0_f64.ln(), 0.5),
            number(&vector[1]),
        );
    }
    for vector in list(&vectors("sprt")) {
        let mut recovery = Recovery::default();
        let states = list(&vector[0])
            .iter()
            .map(|tried| recovery.tried(tried == 1));
        let states: Vec<State> = states.collect();
        let known = states.iter().position(|state| *state != State::Unknown);
        let (state, after) = known.map_or((State::Unknown, states.len()), |n| (states[n], n + 1));
        let word = match state {
            State::Up => "up",
            State::Down => "down",
            State::Unknown => "undecided",
        };
        assert_eq!(
            (Value::from(word), Value::from(after)),
            (vector[1][0].clone(), vector[1][1].clone())
        );
    }
}

#[test]
fn forecasts_prices_and_worths_are_alike() {
    for vector in list(&vectors("quota")) {
        let [calls, seconds, rate] = numbers(&vector[0]);
        let forecast = forecast(calls, seconds, rate, 1.5);
        same(forecast.exhausted, number(&vector[1]["p_exhaust"]));
        same(forecast.spent_in, number(&vector[1]["t_exhaust"]));
        same(forecast.admitted, number(&vector[1]["admit"]));
    }
    let prices = vectors("quantile_price");
    assert_eq!(list(&prices).len(), 20);
    for vector in list(&prices) {
        let worth: Vec<f64> = list(&vector["hist"]).iter().map(number).collect();
        let [width, share, chance] = ["width", "frac", "u"].map(|key| number(&vector[key]));
        same(
            quantile_price(&worth, width, share, chance),
            number(&vector["expect"]),
        );
    }
    for vector in list(&vectors("stale")) {
        let [age, variance, tolerance, noise] = numbers(&vector[0]);
        same(
            worth_of_stale(age, variance, tolerance, noise),
            number(&vector[1]),
        );
    }
    for vector in list(&vectors("proxy_age")) {
        let [age, r2, beta, noise, variance] = numbers(&vector[0]);
        same(
            equivalent_age((age, r2), beta, noise, variance),
            number(&vector[1]),
        );
    }
}

#[test]
fn a_part_that_works_now_and_then_is_not_given_up() {
    let host = part(Culprit::Host, 1);
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
