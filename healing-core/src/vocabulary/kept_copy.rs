//! A kept answer as a store has it, over restarts.

use std::fmt;

use jiff::Timestamp;

/// A kept answer to a caller without credentials, as [`Healer::copy_changes`](crate::Healer::copy_changes) gives it and
/// [`Healer::recall_copies`](crate::Healer::recall_copies) takes it.
///
/// Its URL is not in it: what it answers is told by a keyed hash, for a URL may carry a secret.
///
/// ```
/// use healing_core::{CopyLog, Healer};
/// let healer = Healer::builder().build();
/// assert!(healer.copy_changes(&mut CopyLog::default()).copies.is_empty());
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct KeptCopy {
    /// The key of the hash. Copies with another key are of no use to the same process.
    pub key: [u8; 16],
    /// Which URL it answers.
    pub name: [u8; 16],
    /// Which variant of it.
    pub variant: u64,
    /// When it came last.
    pub kept_at: Timestamp,
    /// Its status and what may be done with it, as JSON of our own.
    pub about: String,
    /// Its fields, a line each.
    pub fields: Vec<u8>,
    /// Its body; `None` where it is the one that is stored already.
    pub body: Option<Vec<u8>>,
}

/// What has changed of the copies since the last time.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct CopyChanges {
    /// The names of those that are void; they go before the others come.
    pub gone: Vec<[u8; 16]>,
    /// Those that are new or came again.
    pub copies: Vec<KeptCopy>,
    /// Whether there is more, to be asked for when these are stored.
    pub has_more: bool,
}

// What is kept is other people's data: it is measured for debugging, never shown.
impl fmt::Debug for KeptCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptCopy")
            .field("kept_at", &self.kept_at)
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}

// === impl KeptCopy ===

impl KeptCopy {
    /// What it takes in a store, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let body = self.body.as_ref().map_or(0, Vec::len);
        body + self.fields.len() + self.about.len() + 64
    }
}
