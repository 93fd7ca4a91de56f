//! What a configuration comes to, and what is said of its mistakes.

mod nowhere;
mod planted;
mod values;

use super::*;

/// A configuration with nothing around it.
fn of(text: &str) -> Reading {
    with(text, &[], &[])
}

/// A configuration under variables and flags.
fn with(text: &str, variables: &[(&str, &str)], flags: &[Flag]) -> Reading {
    let pairs = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let variables = Variables::from_iter(pairs);
    load(&Given {
        file: Some(("healing.yaml", text)),
        variables: &variables,
        flags,
    })
}

/// What is said of a text, each with its line.
fn said(text: &str) -> Vec<String> {
    of(text).mistakes.iter().map(ToString::to_string).collect()
}

/// A configuration without a mistake.
#[track_caller]
fn good(text: &str) -> Config {
    let reading = of(text);
    assert!(reading.mistakes.is_empty(), "{:?}", reading.mistakes);
    reading.meant.expect("a meaning").config
}
