//! The decision core in the simulated market, beside the oracle: what it must reach in a run that is the same every time.
//!
//! Each setting is lived whole, with all its scenarios, under a single seed; ten seeds and everybody else are in
//! `docs/src/learning-figures.md`.

use benches::{acceptance::Pair, compare::Who, market::Setting};

/// Lives a setting under one seed, and says how many rows it decides and which of them are missed.
fn missed(name: &str, seed: u64) -> (usize, Vec<String>) {
    let settings = Setting::ALL
        .into_iter()
        .filter(|setting| setting.name == name);
    let mut rows = Vec::new();
    for setting in settings {
        let pair = Pair::of(setting, &[seed]);
        let fewest = -pair
            .ours
            .greatest(&pair.ours.scenarios(), |run| -run.requests);
        assert!(
            fewest > 20.0,
            "a scenario that hardly anybody felt: {fewest}"
        );
        rows.extend(pair.rows());
    }
    let missed = rows.iter().filter(|row| row.missed_by() > 0.0);
    (rows.len(), missed.map(ToString::to_string).collect())
}

#[test]
fn where_traffic_is_dense_every_row_is_reached() {
    assert_eq!(missed("main", 1), (14, vec![]));
}

#[test]
fn where_traffic_is_thin_every_row_is_reached() {
    assert_eq!(missed("sparse", 1), (7, vec![]));
}

#[test]
fn a_run_is_the_same_whenever_it_is_made_again() {
    let setting = Setting::ALL[1];
    let run = || format!("{:?}", Who::Ours.grid(setting, &[7]));
    assert_eq!(run(), run());
}
