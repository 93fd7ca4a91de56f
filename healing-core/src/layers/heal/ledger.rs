//! What was considered and tried for one request that is being healed. A healthy request has none.

use crate::learner::{
    Failure,
    decision::{Considered, Outcome},
    episodes::{Episode, Stood},
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
    /// What stood to choice when the first of them was chosen.
    choice: Option<Choice>,
}

/// What stood to choice for what is tried first.
#[derive(Debug)]
struct Choice {
    stood: Vec<Stood>,
    drawn: usize,
    /// What the request had cost until then, in worth.
    spent: f64,
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
    pub(crate) fn looked(&mut self, seen: &[(usize, Considered)]) {
        for (n, new) in seen {
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

    /// Whether something was chosen yet.
    pub(crate) const fn has_chosen(&self) -> bool {
        self.choice.is_some()
    }

    /// The first was chosen.
    pub(crate) fn chose(&mut self, stood: Vec<Stood>, drawn: usize, spent: f64) {
        self.choice = Some(Choice {
            stood,
            drawn,
            spent,
        });
    }

    /// The probability with which what was tried first was put first.
    pub(crate) fn propensity(&self) -> f64 {
        let choice = self.choice.as_ref();
        let first = choice.and_then(|own| own.stood.get(own.drawn));
        first.map_or(1.0, |first| first.propensity)
    }

    /// What this request tells of other orders, where there was something to choose.
    pub(crate) fn episode(&self, reward: f64) -> Option<Episode> {
        let choice = self.choice.as_ref().filter(|own| own.stood.len() > 1)?;
        let stood = choice.stood.iter().map(|own| Stood {
            expected: own.expected - choice.spent,
            ..*own
        });
        Some(Episode {
            stood: stood.collect(),
            tried: choice.drawn,
            reward,
        })
    }

    /// All of it, what was tried first.
    pub(crate) fn considered(self) -> Vec<Considered> {
        self.considered.into_iter().map(|(_, own)| own).collect()
    }
}
