//! What was considered and tried for one request that is being healed. A healthy request has none.

use crate::{
    layers::heal::outlook::Outlook,
    learner::{
        Failure,
        decision::{Considered, Outcome},
    },
};

/// The most failures of one request that are remembered.
const MAX_FAILURES: usize = 16;

/// The most strategies of one request that go on record.
const MAX_CONSIDERED: usize = 64;

/// The book of one request.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    failures: Vec<Failure>,
    /// By the strategies' places in the treatment's list: those that were tried come first, in that order.
    considered: Vec<(usize, Considered)>,
    tried: usize,
}

// === impl Ledger ===

impl Ledger {
    /// An attempt failed.
    pub(crate) fn failed(&mut self, failures: impl IntoIterator<Item = Failure>) {
        let room = MAX_FAILURES.saturating_sub(self.failures.len());
        self.failures.extend(failures.into_iter().take(room));
    }

    /// What failed so far.
    pub(crate) fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// Strategies were looked at; those that have been tried stay as they are.
    pub(crate) fn looked(&mut self, outlook: &Outlook) {
        for (n, new) in &outlook.seen {
            let has_room = self.considered.len() < MAX_CONSIDERED;
            let at = self.considered.iter().position(|(own, _)| own == n);
            match at {
                Some(at) if at < self.tried => {}
                Some(at) => {
                    if let Some((_, known)) = self.considered.get_mut(at) {
                        known.clone_from(new);
                    }
                }
                None if has_room => self.considered.push((*n, new.clone())),
                None => {}
            }
        }
    }

    /// A strategy was tried, and came to that.
    pub(crate) fn tried(&mut self, n: usize, outcome: Outcome) {
        let at = self.considered.iter().position(|(own, _)| *own == n);
        let Some(at) = at.filter(|at| *at >= self.tried) else {
            return;
        };
        let (n, known) = self.considered.remove(at);
        let known = Considered { outcome, ..known };
        self.considered.insert(self.tried, (n, known));
        self.tried += 1;
    }

    /// All of it, what was tried first.
    pub(crate) fn considered(self) -> Vec<Considered> {
        self.considered.into_iter().map(|(_, own)| own).collect()
    }
}
