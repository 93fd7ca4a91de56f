//! The house rules of `CONTRIBUTING.md` as tests over the sources of the workspace.
//!
//! * `tidy`: sizes, names, left-over notes and the opening of each file;
//! * `layering`: which room of a crate may use which other room;
//! * `remedies`: which tests show a remedy act, and not act.
//!
//! Every rule has a test that plants a violation in memory and sees it found, and one that holds the real tree to it.

mod layering;
mod remedies;
mod sources;
mod test_code;
mod tidy;
