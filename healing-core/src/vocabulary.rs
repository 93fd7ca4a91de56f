//! The words of the house, as types. One word for one thing: see `ARCHITECTURE.md`.
//!
//! Nothing here does I/O, is async, or reads a clock or the environment.

pub(crate) mod exchange;
pub(crate) mod fault;
pub(crate) mod fidelity;
pub(crate) mod kept_copy;
pub(crate) mod lesson;
pub(crate) mod observation;
pub(crate) mod pattern;
pub(crate) mod provenance;
pub(crate) mod route;
pub(crate) mod source;
pub(crate) mod template;
