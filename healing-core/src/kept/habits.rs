//! What the good answers of a URL always had: which fields, of which types, and how many values. A good answer that has less is
//! odd; the third in a row is how it is now.
//!
//! What comes and goes is not missed again: some fields are there while a market is open only, some lists are short in the
//! morning. A healthy answer reads a few numbers here and locks nothing.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
};

use crate::{
    classify::{
        change::Change,
        shape::{Amount, Shape},
    },
    lock::lock,
    vocabulary::provenance::Suspect,
};

/// So many answers that are alike make a habit.
const ENOUGH: u32 = 5;

/// What lasts for so many answers in a row is the new habit.
const LASTS: u8 = 3;

/// Fewer values than this may become any number.
const MANY: u32 = 50;
/// What carries less than this part of what it used to is odd.
const PART: u32 = 10;

/// Paths that are known to come and go; what does so beyond them is odd each time.
const MAX_LOOSE: usize = 64;

/// What one URL's answers always had.
#[derive(Debug, Default)]
pub(crate) struct Habits {
    /// Answers in a row that were alike.
    alike: AtomicU32,
    /// What they usually carry.
    values: AtomicU32,
    types: AtomicU64,
    /// Whether the last answer was odd.
    is_odd: AtomicBool,
    past: Mutex<Past>,
}

/// A good answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Came<'a> {
    pub(crate) amount: Amount,
    /// The shape before, where it is another now.
    pub(crate) before: Option<&'a Shape>,
    /// The shape, where it is another than before.
    pub(crate) now: Option<&'a Shape>,
    /// Whether the new shape came so often already that it is believed.
    pub(crate) is_believed: bool,
}

/// What is to be said of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Remark {
    Nothing,
    Odd(Suspect),
    /// It stays so.
    Lasts(Change),
}

#[derive(Debug, Default)]
struct Past {
    /// What is odd now, and for how many answers.
    odd: Option<(Odd, u8)>,
    loose: Vec<u64>,
    types_vary: bool,
    /// How often it became little, and much again.
    ebbs: u8,
}

#[derive(Debug)]
struct Odd {
    change: Change,
    types_before: u64,
}

// === impl Habits ===

impl Habits {
    /// Takes note of a good answer.
    pub(crate) fn note(&self, came: Came<'_>) -> Remark {
        let (values, types) = (self.values.load(Relaxed), self.types.load(Relaxed));
        let amount = came.amount;
        let shrank = values >= MANY && amount.values.saturating_mul(PART) < values;
        let is_as_ever =
            came.now.is_none() && types == amount.types && !shrank && !self.is_odd.load(Relaxed);
        if is_as_ever {
            let alike = self.alike.load(Relaxed);
            if alike < ENOUGH {
                self.alike.store(alike + 1, Relaxed);
            }
            self.settle(amount, values);
            return Remark::Nothing;
        }
        let mut past = lock(&self.past);
        let remark = if let Some(odd) = past.odd.take() {
            past.goes_on(odd, came)
        } else {
            let change = past.change(came, (values, types));
            let is_habit = self.alike.load(Relaxed) >= ENOUGH;
            if came.is_believed {
                Remark::Lasts(change)
            } else if is_habit && change.misses() {
                let remark = Remark::Odd(change.suspect());
                let odd = Odd {
                    change,
                    types_before: types,
                };
                past.odd = Some((odd, 1));
                remark
            } else {
                Remark::Nothing
            }
        };
        self.is_odd.store(past.odd.is_some(), Relaxed);
        if past.odd.is_none() {
            self.alike.store(0, Relaxed);
            self.types.store(amount.types, Relaxed);
            let is_new = matches!(remark, Remark::Lasts(_));
            self.settle(amount, if is_new { 0 } else { values });
        }
        remark
    }

    /// What is usual moves a quarter of the way.
    fn settle(&self, amount: Amount, values: u32) {
        let usual = if values == 0 {
            amount.values
        } else {
            values - values / 4 + amount.values / 4
        };
        if usual != values {
            self.values.store(usual, Relaxed);
        }
    }
}

// === impl Past ===

impl Past {
    /// What is otherwise than before, but for what comes and goes.
    fn change(&self, came: Came<'_>, (values, types): (u32, u64)) -> Change {
        let (gone, new) = match (came.before, came.now) {
            (Some(before), Some(now)) => {
                let gone = before.paths().iter();
                let gone = gone.filter(|path| !now.has(**path) && !self.loose.contains(path));
                let new = now.paths().iter().filter(|path| !before.has(**path));
                (gone.copied().collect(), new.copied().collect())
            }
            _ => (Vec::new(), Vec::new()),
        };
        let same_paths = came.now.is_none();
        let now = came.amount;
        let shrank = values >= MANY && now.values.saturating_mul(PART) < values && self.ebbs < 2;
        Change {
            gone,
            came: new,
            is_retyped: same_paths && types != 0 && types != now.types && !self.types_vary,
            values: shrank.then_some((values, now.values)),
        }
    }

    /// The answer after an odd one.
    fn goes_on(&mut self, (odd, times): (Odd, u8), came: Came<'_>) -> Remark {
        let change = &odd.change;
        let is_gone = |path: &u64| came.now.is_none_or(|now| !now.has(*path));
        let stays = change.gone.iter().all(is_gone)
            && (!change.is_retyped || came.amount.types != odd.types_before)
            && change
                .values
                .is_none_or(|(before, _)| came.amount.values.saturating_mul(PART) < before);
        if !stays {
            let room = MAX_LOOSE.saturating_sub(self.loose.len());
            let returned = change.gone.iter().filter(|path| !is_gone(path));
            self.loose.extend(returned.take(room));
            self.types_vary |= change.is_retyped;
            self.ebbs = self.ebbs.saturating_add(u8::from(change.values.is_some()));
            return Remark::Nothing;
        }
        if came.is_believed || times + 1 >= LASTS {
            return Remark::Lasts(odd.change);
        }
        let remark = Remark::Odd(change.suspect());
        self.odd = Some((odd, times + 1));
        remark
    }
}

#[cfg(test)]
mod tests;
