//! How good answers of a URL look otherwise than those before.

use crate::vocabulary::provenance::Suspect;

/// How answers look otherwise than before.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Change {
    /// Paths that are gone, and those that came.
    pub(crate) gone: Vec<u64>,
    pub(crate) came: Vec<u64>,
    pub(crate) is_retyped: bool,
    /// Values before and now, where they became a tenth.
    pub(crate) values: Option<(u32, u32)>,
}

// === impl Change ===

impl Change {
    /// Whether something is less than it was.
    pub(crate) const fn misses(&self) -> bool {
        !self.gone.is_empty() || self.is_retyped || self.values.is_some()
    }

    /// The word for it.
    pub(crate) const fn suspect(&self) -> Suspect {
        if self.gone.is_empty() && !self.is_retyped {
            Suspect::Shrunk
        } else {
            Suspect::Changed
        }
    }
}
