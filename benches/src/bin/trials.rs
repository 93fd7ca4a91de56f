//! Tries what must never happen, as often as is asked of the layers, and fails where it did. `cargo xtask long` runs it.
//!
//! `cargo run --profile quick -p benches --bin trials -- [part]`: a tenth of it for 10, all where nothing is said.

use std::{num::NonZeroU64, process::ExitCode};

use benches::trials::{Sizes, Trial};

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
fn main() -> ExitCode {
    let part = std::env::args().nth(1).and_then(|word| word.parse().ok());
    let trials = Sizes::FULL
        .divided(part.unwrap_or(NonZeroU64::MIN))
        .trials(1);
    println!("{}", Trial::HEADING);
    trials.iter().for_each(|trial| println!("{trial}"));
    if trials.iter().all(Trial::is_passed) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
