//! What people write: YAML as a tree that knows where each of its nodes stands, and all that is wrong with it at once.
//!
//! Files of rules and the configuration of the proxy are read with it, so that a mistake is told in one manner everywhere:
//! the place, what is wrong, and what would be right.

mod mistake;
mod span;
mod tree;

pub use self::{
    mistake::{Mistake, Mistakes, Place, nearest, unknown},
    span::{span, span_text},
    tree::{Key, Node, Value, read},
};

#[cfg(test)]
mod tests;
