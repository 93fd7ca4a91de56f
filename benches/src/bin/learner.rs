//! Prints the figures of the decision core in the simulated market beside the oracle and the usual ways, in Markdown.
//!
//! `cargo run --release -p benches --bin learner -- [seeds]`; ten of them where nothing is said.

use benches::page::Page;

#[expect(clippy::print_stdout, reason = "the page is what this program is for")]
fn main() {
    let seeds = std::env::args().nth(1).and_then(|word| word.parse().ok());
    print!("{}", Page::of(seeds.unwrap_or(10)));
}
