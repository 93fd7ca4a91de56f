//! The rows of the design's table that no run of the market decides: what the core, the layers and the labels come to by
//! themselves.

use std::time::Duration;

use healing_core::{
    learn::{Beliefs, Cause, Culprit, Part},
    plan::GATE,
};

use crate::{
    acceptance::Bound,
    cost::{Plans, of_healthy_requests},
    judge::Shares,
    merges,
    trials::{Sizes, Trial},
    vectors,
};

/// How many instances and histories are judged.
const INSTANCES: u32 = 10_000;

/// A row without an oracle.
#[derive(Clone, Debug, PartialEq)]
pub struct Alone {
    /// Its number in the design.
    pub number: &'static str,
    /// What it is about.
    pub figure: String,
    /// What is asked.
    pub required: Bound,
    /// What we come to.
    pub ours: f64,
}

/// All of them, out of so many plans, instances, histories and runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The rows.
    pub rows: Vec<Alone>,
    /// What must never happen, in full.
    pub trials: [Trial; 3],
}

// === impl Measured ===

impl Measured {
    /// Measures and tries everything. What is timed comes first: trials stop the clock of the process.
    #[must_use]
    pub fn now(sizes: Sizes, seed: u64) -> Self {
        let mut rows = timed();
        rows.extend(judged(seed));
        let trials = sizes.trials(seed);
        let [_, _, labels] = &trials;
        let (runs, _) = labels.runs;
        let labels = labels.never.iter().map(|(what, count)| Alone {
            number: "A6",
            figure: format!("{what}, of {runs} runs with faults"),
            required: Bound::Most(0.0),
            ours: float(*count),
        });
        rows.extend(labels);
        Self { rows, trials }
    }
}

/// What the clock tells.
fn timed() -> Vec<Alone> {
    let [bare, healed] = of_healthy_requests(41);
    let plans = Plans::of(200_000);
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let row = |number, figure: &str, most, ours| Alone {
        number,
        figure: figure.to_owned(),
        required: Bound::Most(most),
        ours,
    };
    vec![
        row(
            "A17",
            "a plan of 8 candidates, 99th percentile of 200,000, µs",
            5.0,
            micros(plans.p99),
        ),
        row(
            "A17",
            "allocations of all of them",
            0.0,
            float(plans.allocations),
        ),
        row(
            "A18",
            "what the healing layer adds to a healthy request of 1 KiB, µs",
            3.0,
            micros(healed) - micros(bare),
        ),
    ]
}

/// What exact judges tell.
fn judged(seed: u64) -> Vec<Alone> {
    let vectors = vectors::compared();
    let row = |number, figure: String, required, ours| Alone {
        number,
        figure,
        required,
        ours,
    };
    let mut rows = vec![
        row(
            "A14",
            "completed failures until the gate closes, worst cause".to_owned(),
            Bound::Most(2.0),
            f64::from(failures_to_close()),
        ),
        row(
            "A19",
            format!(
                "golden vectors that are off, of {} figures",
                vectors.figures
            ),
            Bound::Most(0.0),
            float(vectors.off.len().try_into().unwrap_or(u64::MAX)),
        ),
        row(
            "A21",
            "merges of 4 replicas, 10,000 histories: greatest difference from one stream"
                .to_owned(),
            Bound::Most(1e-12),
            merges::worst(INSTANCES, seed),
        ),
    ];
    rows.extend(planned(seed));
    rows
}

/// How near plans come to what is possible.
fn planned(seed: u64) -> Vec<Alone> {
    let independent = Shares::of_independent(INSTANCES, seed);
    let row = |figure: String, least, ours| Alone {
        number: "A20",
        figure,
        required: Bound::Least(least),
        ours,
    };
    let mut rows = vec![row(
        format!(
            "plans beside every order, independent, {} instances: least share of the gain",
            independent.instances
        ),
        1.0 - 1e-9,
        independent.least,
    )];
    // What the design's own judge came to: on 12 instances of four candidates, and on 400 of six.
    for (what, shares, [mean, fifth]) in [
        (
            "with 2 s in all",
            Shares::of_hurried(INSTANCES, seed),
            [0.995, 0.981],
        ),
        (
            "that share parts",
            Shares::of_shared(INSTANCES, seed, false),
            [0.995, 0.973],
        ),
    ] {
        let Shares { instances, .. } = shares;
        let of =
            format!("plans beside dynamic programming, candidates {what}, {instances} instances");
        rows.extend([
            row(format!("{of}: mean share of the gain"), mean, shares.mean),
            row(format!("{of}: share of 19 in 20"), fifth, shares.fifth),
        ]);
    }
    rows
}

/// How many failures close the gate, for the cause that takes most.
fn failures_to_close() -> u32 {
    let part = |kind| Part { kind, number: 0 };
    let route = [
        part(Culprit::Network),
        part(Culprit::Source),
        part(Culprit::Host),
        part(Culprit::Key),
        part(Culprit::Endpoint),
    ];
    let of = |cause: Cause| {
        let mut beliefs = Beliefs::default();
        let mut failures = 0;
        while beliefs.chance(0.95, &route, 0.0).up >= GATE && failures < 100 {
            beliefs.failed(&route, &cause.blame(), 0.0);
            failures += 1;
        }
        failures
    };
    Cause::ALL.map(of).into_iter().max().unwrap_or(u32::MAX)
}

/// A count as a figure.
fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
