//! Why a file of rules cannot be used.

use std::fmt;

use crate::written::{Mistake, Mistakes};

/// Why a file of rules cannot be used: every mistake in it, in the order of its lines.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct RulesError {
    mistakes: Vec<Mistake>,
}

impl RulesError {
    pub(super) fn of(mistakes: Mistakes) -> Self {
        Self {
            mistakes: mistakes.in_order(),
        }
    }

    /// The mistakes, in the order of their lines.
    #[must_use]
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, mistake) in self.mistakes.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            mistake.fmt(f)?;
        }
        Ok(())
    }
}
