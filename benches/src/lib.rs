//! The market in which the decision core is measured: sources that fail by script, callers that ask, policies that decide.
//!
//! A run is a pure function of its seed: a heap of events, no socket, no clock, no thread. Every policy meets the same
//! arrivals, and the n-th call to a source draws the same chance under each of them. The model is that of the design's own
//! simulation; `docs/src/learning-figures.md` has the figures.

#![expect(
    clippy::indexing_slicing,
    reason = "indices name sources, symbols and bins of the model, which is made here and has them all"
)]

pub mod acceptance;
pub mod alone;
pub mod compare;
pub mod cost;
pub mod judge;
pub mod market;
pub mod merges;
pub mod page;
pub mod policy;
pub mod run;
pub mod score;
pub mod trials;
pub mod vectors;
