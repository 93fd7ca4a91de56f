//! A belief as it is told to another process.

use crate::learn::{
    belief::{Belief, Beliefs, SUREST, USUAL},
    blame::Cause,
};

use super::Part;

/// What is believed of a part at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Standing {
    /// The belief that it is down.
    pub(crate) down: f64,
    /// How fast that relaxes, per second.
    pub(crate) rate: f64,
    pub(crate) cause: Option<Cause>,
    /// For how many seconds it has been suspect.
    pub(crate) suspect_for: f64,
    /// Successes and attempts while it was suspect.
    pub(crate) succeeded: f64,
    pub(crate) tried: f64,
}

// === impl Beliefs ===

impl Beliefs {
    /// What is believed of a part, where anything was seen of it.
    pub(crate) fn standing(&self, part: Part, now: f64) -> Option<Standing> {
        self.parts.get(&part).map(|belief| Standing {
            down: belief.now(now),
            rate: belief.rate,
            cause: belief.cause,
            suspect_for: (now - belief.suspect_since).max(0.0),
            succeeded: belief.succeeded,
            tried: belief.tried,
        })
    }

    /// Takes what another process believed of a part at that moment. What is believed already is newer.
    pub(crate) fn recall(&mut self, part: Part, standing: &Standing, at: f64) {
        if self.parts.contains_key(&part) {
            return;
        }
        *self.belief(part, at) = Belief {
            down: standing.down.clamp(USUAL * 0.2, SUREST),
            at,
            rate: standing.rate,
            cause: standing.cause,
            silent: false,
            suspect_since: at - standing.suspect_for,
            succeeded: standing.succeeded,
            tried: standing.tried,
        };
    }
}
