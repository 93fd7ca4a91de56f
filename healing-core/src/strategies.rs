//! The ways to answer when the primary attempt failed, one a file.

pub(crate) mod queue;
pub(crate) mod retry;
pub(crate) mod rotate_key;
