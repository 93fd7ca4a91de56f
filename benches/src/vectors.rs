//! The decision core against golden vectors: every formula gives what the readable reference of the design gave, to 1e-9.

use healing_core::{
    detect::{Cusum, Recovery, State, phi},
    learn::{
        Beliefs, Cause, Cells, Culprit, Part, equivalent_age, forecast, pool, quantile_price,
        relaxed, worth_of_stale,
    },
    plan::{Candidate, Costs, Latency, Stand},
};
use serde_json::Value;

const VECTORS: &str = include_str!("vectors/learning.json");

/// So near has a figure to be, as a share of what it should be.
const NEAR: f64 = 1e-9;

/// What was compared, and what was off.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compared {
    /// How many figures.
    pub figures: u64,
    /// What was not as it should be, in words.
    pub off: Vec<String>,
}

/// Compares all of them.
#[must_use]
pub fn compared() -> Compared {
    let mut all = Compared::default();
    let Ok(vectors) = serde_json::from_str::<Value>(VECTORS) else {
        all.off.push("the vectors are no JSON".to_owned());
        return all;
    };
    all.plans(&vectors["plan"]);
    all.beliefs(&vectors["belief"]);
    all.pooling(&vectors["kleinman"]);
    all.decay(&vectors["decay"]);
    all.detectors(&vectors);
    all.forecasts(&vectors);
    all
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A number; what is none is equal to nothing.
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn numbers<const N: usize>(value: &Value) -> [f64; N] {
    std::array::from_fn(|n| number(&value[n]))
}

fn candidate(form: &Value) -> Candidate<'_> {
    let name = form["name"].as_str().unwrap_or_default();
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
        hangs: form["hang"].as_bool().unwrap_or_default(),
        delay: number(&form["delay"]),
        price: number(&form["price"]),
        is_primary: name == "primary",
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

/// What a call by that address needs.
fn needs(host: &str) -> Vec<Part> {
    let other = if host == "h1" { "h2" } else { "h1" };
    let used = PARTS.iter().filter(|(name, _)| *name != other);
    used.map(|(_, part)| *part).collect()
}

fn cause(name: &str) -> Option<Cause> {
    Some(match name {
        "timeout" => Cause::Timeout,
        "server_error" => Cause::ServerError,
        "rate_limited" => Cause::RateLimited,
        "auth" => Cause::Auth,
        "connect" => Cause::Connect,
        "quota" => Cause::Quota,
        _ => return None,
    })
}

// === impl Compared ===

impl Compared {
    fn same(&mut self, what: &str, found: f64, expected: f64) {
        self.figures += 1;
        let scale = expected.abs().max(1e-3);
        let is_same = (found - expected).abs() <= NEAR * scale;
        if !is_same {
            self.off.push(format!("{what}: {found} is not {expected}"));
        }
    }

    fn is(&mut self, what: &str, holds: bool) {
        self.figures += 1;
        if !holds {
            self.off.push(what.to_owned());
        }
    }

    fn plans(&mut self, vectors: &Value) {
        self.is("60 plans", list(vectors).len() == 60);
        for vector in list(vectors) {
            let candidates: Vec<Candidate<'_>> =
                list(&vector["boxes"]).iter().map(candidate).collect();
            let stand = Stand {
                in_hand: number(&vector["outside"]),
                floor: number(&vector["floor"]),
                remaining: number(&vector["remaining"]),
            };
            let plan = Costs::default().plan(&candidates, stand);
            let expected = list(&vector["expect"]);
            let all = plan.steps().len() + plan.left_out().len();
            self.is("steps of a plan", plan.steps().len() == expected.len());
            self.is("all candidates are looked at", all == candidates.len());
            for (step, expected) in plan.steps().iter().zip(expected) {
                let name = candidates[step.candidate].name;
                self.is("who is tried", expected[0].as_str() == Some(name));
                self.same("limit", step.limit, number(&expected[1]));
                self.same("index", step.index, number(&expected[2]));
            }
        }
    }

    fn believed(&mut self, beliefs: &Beliefs, expected: &Value) {
        for (name, part) in PARTS {
            self.same(name, beliefs.down(part, 0.0), number(&expected[name]));
        }
    }

    fn beliefs(&mut self, vectors: &Value) {
        let (here, there) = (needs("h1"), needs("h2"));
        self.is("6 beliefs", list(vectors).len() == 6);
        for vector in list(vectors) {
            let Some(cause) = vector["cause"].as_str().and_then(cause) else {
                self.is("a cause", false);
                continue;
            };
            let blame = cause.blame();
            for (culprit, expected) in Culprit::ALL.into_iter().zip(list(&vector["p_culprit"])) {
                self.same("blame", blame.of(culprit), number(expected));
            }
            let [first, second, instead, later] = list(&vector["steps"]) else {
                self.is("four steps", false);
                continue;
            };
            let mut beliefs = Beliefs::default();
            let on_nothing = beliefs.failed(&here, &blame, 0.0);
            self.same("on nothing", on_nothing, number(&first[2]["none"]));
            self.believed(&beliefs, &first[1]);
            let chance = beliefs.chance(0.97, &there, 0.0);
            let [p, up] = numbers(&vector["p_alt_host_after_first"]);
            self.same("chance", chance.p, p);
            self.same("up", chance.up, up);

            let mut healed = beliefs.clone();
            for (part, of, seconds) in healed.succeeded(&there, 0.0) {
                let is_shared = here.contains(&part) && there.contains(&part);
                self.is("what ended", is_shared && (of, seconds) == (cause, 0.0));
            }
            self.believed(&healed, &instead[1]);
            let only_here = here.iter().copied().filter(|part| !there.contains(part));
            let shares = healed.exonerated(only_here, &blame, 0.0);
            let [network, source, host, key, endpoint, nothing] = shares;
            let none = [network, source, key, endpoint] == [0.0; 4];
            self.is("the acquitted get no blame", none);
            self.same("host", host, number(&instead[2]["h1"]));
            self.same("nothing", nothing, number(&instead[2]["none"]));

            let on_nothing = beliefs.failed(&there, &blame, 0.0);
            self.same("on nothing", on_nothing, number(&second[2]["none"]));
            self.believed(&beliefs, &second[1]);
            for (name, _) in PARTS {
                let down = relaxed(number(&second[1][name]), 1.0 / blame.lasts(), 10.0);
                self.same("relaxed", down, number(&later[1][name]));
            }
        }
    }

    fn pooling(&mut self, vectors: &Value) {
        for vector in list(vectors) {
            let succeeded = list(&vector["s"]).iter().map(number);
            let sources: Vec<(f64, f64)> = succeeded
                .zip(list(&vector["n"]).iter().map(number))
                .collect();
            let pooled = pool(&sources);
            self.same("mean", pooled.mean, number(&vector["expect"][0]));
            self.same("strength", pooled.strength, number(&vector["expect"][1]));
        }
    }

    /// Sums decay alike, and may be merged twice in any order.
    fn decay(&mut self, vector: &Value) {
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
            let sums = all.read(&"k", at).unwrap_or([f64::NAN; 2]);
            self.same("sum", sums[0], expected[0]);
            self.same("sum", sums[1], expected[1]);
        }
    }

    fn detectors(&mut self, vectors: &Value) {
        let vector = &vectors["cusum"];
        let mut cusum = Cusum::new(0.01, 0.3);
        for (failed, expected) in list(&vector["xs"]).iter().zip(list(&vector["expect"])) {
            if failed == 1 {
                cusum.failed();
            } else {
                cusum.succeeded();
            }
            self.same("CUSUM", cusum.sum(), number(expected));
        }
        for vector in list(&vectors["phi"]) {
            let found = phi(number(&vector[0]), 60.0_f64.ln(), 0.5);
            self.same("phi", found, number(&vector[1]));
        }
        for vector in list(&vectors["sprt"]) {
            let mut recovery = Recovery::default();
            let tried = list(&vector[0]).iter();
            let states: Vec<State> = tried.map(|tried| recovery.tried(tried == 1)).collect();
            let known = states.iter().position(|state| *state != State::Unknown);
            let (state, after) =
                known.map_or((State::Unknown, states.len()), |n| (states[n], n + 1));
            let word = match state {
                State::Up => "up",
                State::Down => "down",
                State::Unknown => "undecided",
            };
            let expected = &vector[1];
            self.is("SPRT", expected[0] == word && expected[1] == after);
        }
    }

    fn forecasts(&mut self, vectors: &Value) {
        for vector in list(&vectors["quota"]) {
            let [calls, seconds, rate] = numbers(&vector[0]);
            let forecast = forecast(calls, seconds, rate, 1.5);
            let expected = &vector[1];
            self.same(
                "exhausted",
                forecast.exhausted,
                number(&expected["p_exhaust"]),
            );
            self.same(
                "spent in",
                forecast.spent_in,
                number(&expected["t_exhaust"]),
            );
            self.same("admitted", forecast.admitted, number(&expected["admit"]));
        }
        let prices = list(&vectors["quantile_price"]);
        self.is("20 prices", prices.len() == 20);
        for vector in prices {
            let worth: Vec<f64> = list(&vector["hist"]).iter().map(number).collect();
            let [width, share, chance] = ["width", "frac", "u"].map(|key| number(&vector[key]));
            let price = quantile_price(&worth, width, share, chance);
            self.same("price", price, number(&vector["expect"]));
        }
        for vector in list(&vectors["stale"]) {
            let [age, variance, tolerance, noise] = numbers(&vector[0]);
            let worth = worth_of_stale(age, variance, tolerance, noise);
            self.same("worth", worth, number(&vector[1]));
        }
        for vector in list(&vectors["proxy_age"]) {
            let [age, r2, beta, noise, variance] = numbers(&vector[0]);
            let found = equivalent_age((age, r2), beta, noise, variance);
            self.same("equivalent age", found, number(&vector[1]));
        }
    }
}
