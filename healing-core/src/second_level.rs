//! The contract with a second level of the cache: a place for copies that several healers share, each with its own memory
//! before it.
//!
//! Nobody waits for it longer than its own short patience, and nothing breaks when it is away: then there is a miss, which is
//! counted. What it is given are names and bytes; who asked and for which URL is only in hashes.

#[cfg(feature = "redis")]
pub(crate) mod redis;

use std::{fmt, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;

/// A place for copies that several healers share.
///
/// Object safe. Every method may be called at any time from any task; none may block a thread, and none waits longer than
/// tens of milliseconds. `docs/src/cache.md` says what is kept there.
///
/// ```
/// use bytes::Bytes;
/// use futures_util::future::BoxFuture;
/// use healing_core::{Claim, Question, SecondLevel, Told, Written};
///
/// /// A level that is always away.
/// #[derive(Debug)]
/// struct Away;
///
/// impl SecondLevel for Away {
///     fn find(&self, _: Question) -> BoxFuture<'_, Option<Told>> { Box::pin(async { None }) }
///     fn write(&self, _: Written) {}
///     fn must_write(&self, _: Written) {}
///     fn release(&self, _: Claim) {}
///     fn is_away(&self) -> bool { true }
///     fn counts(&self) -> Vec<(&'static str, u64)> { Vec::new() }
/// }
/// ```
pub trait SecondLevel: Send + Sync + fmt::Debug {
    /// What stands under names; `None` when that cannot be told in time.
    fn find(&self, question: Question) -> BoxFuture<'_, Option<Told>>;

    /// Keeps something, later. Where there is no room to wait it is dropped and counted.
    fn write(&self, written: Written);

    /// Keeps something that must not be lost while the level is away for a while: that a URL was changed.
    fn must_write(&self, written: Written);

    /// Gives a claim back, after all that was written before.
    fn release(&self, claim: Claim);

    /// Whether it did not answer the last time.
    fn is_away(&self) -> bool;

    /// What became of questions and writes so far, by name.
    fn counts(&self) -> Vec<(&'static str, u64)>;
}

/// What is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Question {
    /// The names, a few.
    pub names: Vec<String>,
    /// What is claimed before they are looked up.
    pub claim: Option<Claim>,
}

/// The right to be the only one who asks an upstream for something, for a short time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claim {
    /// What is claimed.
    pub name: String,
    /// By whom: a random number, so that nobody gives back what is another's by now.
    pub token: u64,
    /// How long it lasts if it is not given back.
    pub lasts: Duration,
}

/// What stands under names.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Told {
    /// In the order of the names.
    pub values: Vec<Option<Bytes>>,
    /// Whether the claim is the asker's now.
    pub is_claimed: bool,
}

/// What is to be kept.
pub struct Written {
    /// Its name.
    pub name: String,
    /// How long it is kept.
    pub lasts: Duration,
    /// About how long it is, in bytes.
    pub weight: usize,
    /// Makes it, where nobody waits.
    pub value: Box<dyn FnOnce() -> Vec<u8> + Send>,
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Written")
            .field("name", &self.name)
            .field("lasts", &self.lasts)
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}
