//! What is learned from attempts: how reliable a remedy is, what is probably down, and who is probably to blame.
//!
//! Four layers, from slow to fast: the design's own priors; what holds over all sources ([`pool`]); what holds for one
//! source ([`Cells`]); and what is happening right now ([`Beliefs`]). All state is sums that decay, so that replicas merge by
//! addition. Time comes as an argument, in seconds of any one clock; nothing here draws a number.

mod belief;
mod blame;
mod cells;
mod latency;
mod pooled;
mod price;
mod worth;

pub(crate) use belief::Standing;
pub use belief::{Beliefs, Chance, Part, relaxed};
pub use blame::{Blame, Cause, Culprit, Outages};
pub use cells::Cells;
pub use latency::Latencies;
pub use pooled::{Pooled, pool};
pub use price::{Forecast, forecast, quantile_price};
pub use worth::{equivalent_age, worth_of_stale};
