//! The ways to answer when the primary attempt failed, one a file, and what several of them ask before they act.

pub(crate) mod alternate;
pub(crate) mod batch;
pub(crate) mod columns;
#[cfg(feature = "jq")]
pub(crate) mod compute;
pub(crate) mod crumb;
#[cfg(feature = "jq")]
pub(crate) mod fallback;
#[cfg(feature = "jq")]
pub(crate) mod only;
pub(crate) mod plain;
pub(crate) mod previous_day;
pub(crate) mod queue;
pub(crate) mod reach;
pub(crate) mod reduce;
pub(crate) mod retry;
pub(crate) mod rotate_key;
pub(crate) mod rows;
#[cfg(feature = "jq")]
pub(crate) mod same;
pub(crate) mod series;
pub(crate) mod shorter;
pub(crate) mod substitute;
pub(crate) mod substitution;
#[cfg(feature = "jq")]
pub(crate) mod values;
