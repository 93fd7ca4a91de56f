//! The tower layers.

pub(crate) mod cache;
pub(crate) mod heal;
pub(crate) mod label;
pub(crate) mod observe;
