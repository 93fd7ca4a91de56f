//! What is probably down right now.
//!
//! Every way to answer needs some parts: our network, a source, an address, a key, an endpoint. A failure raises the belief
//! that one of them is down, shared out by what is usually to blame and by what was suspect already; a success clears them
//! all. With time a belief relaxes, as fast as such outages usually end. A part that fails only in part keeps some chance:
//! what was seen to succeed while it was suspect.

mod standing;

use std::collections::BTreeMap;

use arrayvec::ArrayVec;

use crate::learn::blame::{Blame, Cause, Culprit};

pub(crate) use standing::Standing;

/// The belief that anything is down when nothing was seen.
const USUAL: f64 = 0.01;

/// A success leaves so much of the odds.
const CLEARED_BY: f64 = 0.10;

/// No belief is surer than this.
const SUREST: f64 = 0.995;

/// More blame than this makes a part suspect of the fault's cause.
const TAGGED: f64 = 0.1;

/// A part more probably down than this is suspect: what happens to it counts as what happens during an outage.
const SUSPECT: f64 = 0.5;

/// Something fell silent on a part, and it is more probably down than this, twice what is usual: then the next may too,
/// also if the blame is mostly on another.
const MAY_BE_SILENT: f64 = 2.0 * USUAL;

/// What an attempt on a suspect part leaves of those before it.
const PARTIAL_DECAY: f64 = 0.93;

/// The most parts that are kept in mind. Beyond it, the least suspect is forgotten.
const MAX_PARTS: usize = 4096;

/// The most parts that one attempt needs.
const MAX_NEEDED: usize = 8;

/// Something that an answer needs.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Part {
    /// What it is.
    pub kind: Culprit,
    /// Which of its kind.
    pub number: u32,
}

/// How an attempt would fare.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chance {
    /// The probability that it succeeds.
    pub p: f64,
    /// The probability that all it needs is up.
    pub up: f64,
    /// Whether something it needs is suspect of answering with silence, or may be since something else was not answered.
    pub hangs: bool,
}

/// What is believed of the parts that answers need.
#[derive(Clone, Debug, Default)]
pub struct Beliefs {
    parts: BTreeMap<Part, Belief>,
}

#[derive(Clone, Copy, Debug)]
struct Belief {
    down: f64,
    /// When that was so.
    at: f64,
    /// How fast it relaxes, per second.
    rate: f64,
    cause: Option<Cause>,
    /// Whether the latest attempt that needed it and has ended was not answered.
    silent: bool,
    suspect_since: f64,
    /// Successes and attempts while it was suspect.
    succeeded: f64,
    tried: f64,
}

/// A belief some seconds later, when it relaxes at that rate per second.
///
/// ```
/// use healing_core::learn::relaxed;
/// assert!(relaxed(0.9, 1.0 / 40.0, 40.0) < 0.35);
/// ```
#[must_use]
pub fn relaxed(down: f64, rate: f64, seconds: f64) -> f64 {
    USUAL + (down - USUAL) * (-rate * seconds).exp()
}

// === impl Beliefs ===

impl Beliefs {
    /// The belief that a part is down.
    #[must_use]
    pub fn down(&self, part: Part, now: f64) -> f64 {
        self.parts
            .get(&part)
            .map_or(USUAL, |belief| belief.now(now))
    }

    /// How an attempt would fare that needs these parts, and succeeds in that share of cases when all are up.
    ///
    /// ```
    /// use healing_core::learn::{Beliefs, Cause, Culprit, Part};
    /// let host = Part { kind: Culprit::Host, number: 1 };
    /// let mut beliefs = Beliefs::default();
    /// let before = beliefs.chance(0.97, &[host], 0.0);
    /// beliefs.failed(&[host], &Cause::Timeout.blame(), 0.0);
    /// assert!(beliefs.chance(0.97, &[host], 0.0).p < before.p);
    /// ```
    #[must_use]
    pub fn chance(&self, reliability: f64, needs: &[Part], now: f64) -> Chance {
        let (mut up, mut hangs) = (1.0, false);
        for part in needs {
            let belief = self.parts.get(part);
            let down = belief.map_or(USUAL, |belief| belief.now(now));
            let still_works = belief.map_or_else(
                || partial(0.0, 0.0),
                |belief| partial(belief.succeeded, belief.tried),
            );
            up *= 1.0 - down + down * still_works;
            let silent = belief.is_some_and(|belief| belief.cause == Some(Cause::Timeout));
            hangs |= silent && down > TAGGED;
            hangs |= belief.is_some_and(|belief| belief.silent) && down > MAY_BE_SILENT;
        }
        Chance {
            p: reliability * up,
            up,
            hangs,
        }
    }

    /// An attempt that needed these parts failed. Returns the share of blame that lies on nothing that lasts: so much, and no
    /// more, tells against the remedy itself.
    pub fn failed(&mut self, needs: &[Part], blame: &Blame, now: f64) -> f64 {
        let odds = |down: f64| down / (1.0 - down);
        let blamed: ArrayVec<(Part, f64), MAX_NEEDED> = needs
            .iter()
            .take(MAX_NEEDED)
            .map(|part| {
                let suspicion = odds(self.down(*part, now)) / odds(USUAL);
                (*part, blame.of(part.kind) * suspicion)
            })
            .collect();
        let on_nothing = blame.of(Culprit::Nothing);
        let all: f64 = on_nothing + blamed.iter().map(|(_, weight)| weight).sum::<f64>();
        for (part, weight) in blamed {
            let share = weight / all;
            let belief = self.belief(part, now);
            belief.counts(false);
            belief.raise(share + (1.0 - share) * belief.down, now);
            belief.silent = blame.cause() == Cause::Timeout;
            if share > TAGGED {
                belief.suspected_of(blame, now);
            }
        }
        on_nothing / all
    }

    /// An attempt that needed these parts succeeded. Returns the outages that this has shown to be over: what was suspect of
    /// which cause, and for how many seconds.
    pub fn succeeded(
        &mut self,
        needs: &[Part],
        now: f64,
    ) -> impl Iterator<Item = (Part, Cause, f64)> + use<> {
        let mut ended = ArrayVec::<_, MAX_NEEDED>::new();
        for part in needs.iter().take(MAX_NEEDED) {
            let belief = self.belief(*part, now);
            belief.counts(true);
            belief.silent = false;
            if let Some(cause) = belief.cause.filter(|_| belief.down > SUSPECT) {
                ended.push((*part, cause, now - belief.suspect_since));
            }
            let odds = belief.down / (1.0 - belief.down) * CLEARED_BY;
            belief.down = (odds / (1.0 + odds)).max(USUAL * 0.2);
        }
        ended.into_iter()
    }

    /// Another attempt of the same request succeeded after one had failed: what both needed is in order, so the blame lies
    /// on what is `left`, which only the failed one needed. Returns the shares of blame, in the order of [`Culprit::ALL`]:
    /// this is all that the shares of a source are ever learned from.
    pub fn exonerated(
        &mut self,
        left: impl IntoIterator<Item = Part>,
        blame: &Blame,
        now: f64,
    ) -> [f64; 6] {
        let blamed: ArrayVec<(Part, f64), MAX_NEEDED> = left
            .into_iter()
            .take(MAX_NEEDED)
            .map(|part| (part, blame.of(part.kind)))
            .collect();
        let on_nothing = blame.of(Culprit::Nothing);
        let all: f64 = on_nothing + blamed.iter().map(|(_, weight)| weight).sum::<f64>();
        let mut learned = [0.0; 6];
        for (part, weight) in blamed {
            let share = weight / all;
            add(&mut learned, part.kind, share);
            let belief = self.belief(part, now);
            if share > belief.down {
                belief.raise(share, now);
                belief.cause = Some(blame.cause());
                belief.rate = 1.0 / blame.lasts();
            }
        }
        add(&mut learned, Culprit::Nothing, on_nothing / all);
        learned
    }

    /// The belief in a part as it is now, to be changed.
    fn belief(&mut self, part: Part, now: f64) -> &mut Belief {
        if self.parts.len() >= MAX_PARTS && !self.parts.contains_key(&part) {
            let by_suspicion = |(_, a): &(&Part, &Belief), (_, b): &(&Part, &Belief)| {
                a.now(now).total_cmp(&b.now(now))
            };
            let calmest = self
                .parts
                .iter()
                .min_by(by_suspicion)
                .map(|(part, _)| *part);
            calmest.and_then(|part| self.parts.remove(&part));
        }
        let belief = self.parts.entry(part).or_insert(Belief {
            down: USUAL,
            at: now,
            rate: 0.05,
            cause: None,
            silent: false,
            suspect_since: now,
            succeeded: 0.0,
            tried: 0.0,
        });
        belief.down = belief.now(now);
        belief.at = now;
        belief
    }
}

/// The share of attempts that succeed on a part that is down.
fn partial(succeeded: f64, tried: f64) -> f64 {
    (0.1 + succeeded) / (5.0 + tried)
}

fn add(shares: &mut [f64; 6], culprit: Culprit, share: f64) {
    for (own, kind) in shares.iter_mut().zip(Culprit::ALL) {
        if kind == culprit {
            *own += share;
        }
    }
}

// === impl Belief ===

impl Belief {
    fn now(&self, now: f64) -> f64 {
        relaxed(self.down, self.rate, (now - self.at).max(0.0))
    }

    fn raise(&mut self, down: f64, now: f64) {
        let down = down.min(SUREST);
        if self.down <= SUSPECT && down > SUSPECT {
            self.suspect_since = now;
        }
        self.down = down;
    }

    /// An outage that lasts is expected to last: the belief relaxes no faster than the outage is old.
    fn suspected_of(&mut self, blame: &Blame, now: f64) {
        self.cause = Some(blame.cause());
        let lasting = if self.down > SUSPECT {
            now - self.suspect_since
        } else {
            0.0
        };
        self.rate = 1.0 / blame.lasts().max(lasting);
    }

    fn counts(&mut self, succeeded: bool) {
        // Once some were counted, those that follow count too, or a part that came back would never be trusted again.
        if self.down > SUSPECT || self.tried > 0.3 {
            self.succeeded = self.succeeded * PARTIAL_DECAY + if succeeded { 1.0 } else { 0.0 };
            self.tried = self.tried * PARTIAL_DECAY + 1.0;
        }
    }
}
