//! A market of simulated data sources that break on command.
//!
//! Yahoo Finance, FRED, Polygon.io, Alpha Vantage and fifteen others speak in the shapes of the real ones, keep their limits
//! and refuse in their manner; a small API asks the first four over HTTP. Prices move with the clock and depend on a seed
//! only. Faults come from a script, from a test, or over a control endpoint, and are real on the wire. The lab writes down what
//! it was asked, so that a test can compare both sides. It knows HTTP and nothing of what is tested with it.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), healing_lab::LabError> {
//! use healing_lab::{Fault, Injection, Lab, LabSettings, SourceName};
//!
//! let lab = Lab::start(LabSettings::default()).await?;
//! lab.inject(SourceName::FredApi, Injection::new(Fault::status(503)).times(2));
//! assert_eq!(lab.count(SourceName::FredApi), 0);
//! lab.stop().await;
//! # Ok(())
//! # }
//! ```

mod answer;
mod api;
mod ask;
mod assets;
mod calendar;
mod clock;
mod control;
mod entry;
mod fault;
mod forms;
mod garble;
mod gzip;
mod injections;
mod lab;
mod limits;
mod listen;
mod log;
mod market;
mod periods;
mod play;
mod prices;
mod request;
mod script;
mod source_name;
mod sources;
mod visit;
mod wire;

pub use calendar::Hours;
pub use entry::EntryError;
pub use fault::{ErrorBody, Fault, Garble, Injection, RetryAfter};
pub use forms::{Form, forms};
pub use injections::InForce;
pub use lab::{Lab, LabError, LabSettings, Ports};
pub use limits::Limits;
pub use log::{Asked, LOG_LENGTH};
pub use script::{Script, ScriptEntry, ScriptError};
pub use source_name::{SourceName, UnknownSource};
pub use sources::{key, keys};

/// The examples of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
