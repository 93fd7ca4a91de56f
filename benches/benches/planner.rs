//! What a plan of eight candidates costs: the median, the 99th percentile and the slowest of many, each by itself.
//!
//! The goal is 5 µs for 99 of 100. Criterion tells means; a percentile needs every plan's own time.

use benches::cost::{CANDIDATES, Plans};

#[expect(
    clippy::print_stdout,
    reason = "the figures are what this program is for"
)]
fn main() {
    let Plans {
        median,
        p99,
        p999,
        allocations,
    } = Plans::of(200_000);
    println!(
        "plan_of_{CANDIDATES}: median {median:?}, 99th percentile {p99:?}, 99.9th {p999:?}, {allocations} allocations"
    );
}
