//! The last healed requests in which there was something to choose: what stood to choice, what was tried first, with which
//! probability, and what came of it. What another order would gain is told from them.
//!
//! Only requests that are healed come here; of an answer that is good at once nothing is noted.

use std::{
    collections::{HashMap, VecDeque},
    sync::Mutex,
};

use crate::{
    compare::{Arm, Comparison, Estimate, Trial, Tried},
    lock::lock,
    vocabulary::{provenance::StrategyId, route::Route},
};

/// Remedies whose indices differ by less than this, a tenth of a second of waiting, are as good as each other: then the order
/// counts in which they were set.
pub(crate) const TIE: f64 = 0.005;

/// Two that differ by less than this may change places by chance.
pub(crate) const NEAR: f64 = 0.03;

/// How often they do.
pub(crate) const SHARE_DRAWN: f64 = 0.02;

/// The most of one route; with a further one its oldest goes.
const MAX_OF_ROUTE: usize = 20_000;

/// The most of all routes; with a further one the oldest of the route goes that has most.
const MAX_IN_ALL: usize = 100_000;

/// A strategy that might have been tried first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stood {
    pub(crate) strategy: StrategyId,
    pub(crate) index: f64,
    /// What the request is worth on average when it is tried first and the others after it.
    pub(crate) expected: f64,
    /// The probability with which it was put first.
    pub(crate) propensity: f64,
}

/// A healed request in which there was something to choose.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Episode {
    /// All whose indices come near the best, in the order of the plan.
    pub(crate) stood: Box<[Stood]>,
    /// Which of them was tried first.
    pub(crate) tried: usize,
    /// What the request came to be worth.
    pub(crate) reward: f64,
}

/// What an episode tells of two orders.
enum Told {
    /// They begin alike.
    Alike,
    Otherwise(Trial),
}

/// The last of them.
#[derive(Debug)]
pub(crate) struct Episodes {
    log: Mutex<Log>,
    of_route: usize,
    in_all: usize,
}

#[derive(Debug, Default)]
struct Log {
    routes: HashMap<Route, VecDeque<Episode>>,
    all: usize,
    forgotten: u64,
}

// === impl Episodes ===

impl Episodes {
    /// None yet, with room for so many of a route and so many in all.
    const fn with_room(of_route: usize, in_all: usize, log: Log) -> Self {
        Self {
            log: Mutex::new(log),
            of_route,
            in_all,
        }
    }

    pub(crate) fn note(&self, route: &Route, episode: Episode) {
        let mut log = lock(&self.log);
        let full = log.routes.get(route).map_or(0, VecDeque::len) >= self.of_route;
        if full {
            log.forget_one_of(route);
        } else if log.all >= self.in_all {
            let most = log.routes.iter().max_by_key(|(_, own)| own.len());
            if let Some(route) = most.map(|(route, _)| route.clone()) {
                log.forget_one_of(&route);
            }
        }
        log.all += 1;
        log.routes
            .entry(route.clone())
            .or_default()
            .push_back(episode);
    }

    /// How many there are, and how many went because there was no room.
    pub(crate) fn counts(&self) -> (usize, u64) {
        let log = lock(&self.log);
        (log.all, log.forgotten)
    }

    /// What the changed order would gain at a route beside the one that is held.
    pub(crate) fn compare(
        &self,
        route: &Route,
        held: &[StrategyId],
        changed: &[StrategyId],
    ) -> Estimate {
        let told: Vec<Told> = {
            let log = lock(&self.log);
            let all = log.routes.get(route).into_iter().flatten();
            all.filter_map(|episode| episode.told_of(held, changed))
                .collect()
        };
        // The sums take a while, and nobody who heals should wait for them.
        let mut comparison = Comparison::default();
        for told in &told {
            match told {
                Told::Otherwise(trial) => comparison.tells(trial),
                Told::Alike => comparison.alike(),
            }
        }
        comparison.estimate()
    }
}

impl Default for Episodes {
    fn default() -> Self {
        Self::with_room(MAX_OF_ROUTE, MAX_IN_ALL, Log::default())
    }
}

// === impl Log ===

impl Log {
    fn forget_one_of(&mut self, route: &Route) {
        let Some(own) = self.routes.get_mut(route) else {
            return;
        };
        let gone = u64::from(own.pop_front().is_some());
        if own.is_empty() {
            self.routes.remove(route);
        }
        self.forgotten += gone;
        self.all = self.all.saturating_sub(usize::from(gone > 0));
    }
}

// === impl Episode ===

impl Episode {
    /// What a plan puts first where strategies are set in that order: of those that are as good as the best the one that
    /// stands first. One that is not named stands behind.
    fn first_of(&self, order: &[StrategyId]) -> Option<(usize, Stood)> {
        let best = self.stood.iter().map(|own| own.index);
        let best = best.fold(f64::NEG_INFINITY, f64::max);
        let place = |own: &Stood| order.iter().position(|id| *id == own.strategy);
        let ties = self.stood.iter().copied().enumerate();
        let ties = ties.filter(|(_, own)| own.index > best - TIE);
        ties.min_by_key(|(_, own)| place(own).unwrap_or(usize::MAX))
    }

    /// What it tells of the two orders.
    fn told_of(&self, held: &[StrategyId], changed: &[StrategyId]) -> Option<Told> {
        let (usual, changed) = (self.first_of(held)?, self.first_of(changed)?);
        if usual.0 == changed.0 {
            return Some(Told::Alike);
        }
        Some(Told::Otherwise(self.trial(usual, changed)))
    }

    fn trial(&self, usual: (usize, Stood), changed: (usize, Stood)) -> Trial {
        let arm = |stood: Stood| Arm {
            expected: stood.expected,
            propensity: stood.propensity,
        };
        Trial {
            usual: arm(usual.1),
            changed: arm(changed.1),
            tried: if self.tried == usual.0 {
                Tried::Usual
            } else if self.tried == changed.0 {
                Tried::Changed
            } else {
                Tried::Neither
            },
            reward: self.reward,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{compare::Verdict, vocabulary::source::Source};

    const A: StrategyId = StrategyId::ALTERNATE_ENDPOINT;
    const B: StrategyId = StrategyId::FALLBACK;
    const C: StrategyId = StrategyId::API_KEY_ROTATION;

    fn route(n: usize) -> Route {
        Route::new(Source::new("fred_api").unwrap(), &format!("/{n}"))
    }

    fn episode(indices: [f64; 3], tried: usize) -> Episode {
        let stood = [A, B, C].into_iter().zip(indices).zip([0.98, 0.02, 0.0]);
        let stood = stood.map(|((strategy, index), propensity)| Stood {
            strategy,
            index,
            expected: 0.9,
            propensity,
        });
        Episode {
            stood: stood.collect(),
            tried,
            reward: 0.9,
        }
    }

    #[test]
    fn the_order_decides_between_ties_and_nothing_else() {
        let tied = episode([0.90, 0.903, 0.901], 0);
        let first = |order: &[StrategyId]| tied.first_of(order).map(|(_, own)| own.strategy);
        assert_eq!(first(&[A, B, C]), Some(A));
        assert_eq!(first(&[C, A]), Some(C));
        assert_eq!(first(&[B]), Some(B));
        let apart = episode([0.90, 0.89, 0.88], 0);
        assert_eq!(apart.first_of(&[C, B, A]).map(|(n, _)| n), Some(0));
    }

    #[test]
    fn what_differs_and_could_be_tried_first_is_judged() {
        let episodes = Episodes::default();
        for n in 0..100 {
            episodes.note(&route(1), episode([0.9; 3], usize::from(n % 50 == 0)));
            episodes.note(&route(1), episode([0.9, 0.88, 0.87], 0));
        }
        let estimate = episodes.compare(&route(1), &[A, B, C], &[B, A, C]);
        assert_eq!((estimate.episodes, estimate.differing), (200, 100));
        assert!((estimate.effective - 2.0).abs() < 1e-9, "{estimate:?}");
        assert!(estimate.gain.unwrap().mean.abs() < 1e-9);
        // Once the other order holds, the same episodes judge the way back.
        let back = episodes.compare(&route(1), &[B, A, C], &[A, B, C]);
        assert_eq!((back.differing, back.verdict), (100, Verdict::NotYetKnown));
        let third = episodes.compare(&route(1), &[A, B, C], &[C, A, B]);
        assert_eq!((third.verdict, third.gain), (Verdict::NoSupport, None));
        assert_eq!(third.unsupported, 100);
        let elsewhere = episodes.compare(&route(2), &[A], &[B]);
        assert_eq!(elsewhere.verdict, Verdict::NoSupport);
    }

    #[test]
    fn an_order_is_told_from_what_was_drawn() {
        let episodes = Episodes::default();
        for n in 0..5_000 {
            let tried = usize::from(n % 50 == 0);
            let reward = if tried == 1 { 0.95 } else { -0.2 };
            let seen = episode([0.9; 3], tried);
            episodes.note(&route(1), Episode { reward, ..seen });
        }
        let verdict = |held: &[StrategyId], changed: &[StrategyId]| {
            episodes.compare(&route(1), held, changed).verdict
        };
        assert_eq!(verdict(&[A, B], &[B, A]), Verdict::Better);
        assert_eq!(verdict(&[B, A], &[A, B]), Verdict::Worse);
        assert_eq!(verdict(&[A, B], &[A, C]), Verdict::Same);
    }

    #[test]
    fn what_has_no_room_goes_and_is_counted() {
        let episodes = Episodes::with_room(3, 5, Log::default());
        for _ in 0..4 {
            episodes.note(&route(1), episode([0.9; 3], 0));
        }
        assert_eq!(episodes.counts(), (3, 1), "of one route");
        for n in 2..=5 {
            episodes.note(&route(n), episode([0.9; 3], 0));
        }
        assert_eq!(episodes.counts(), (5, 3), "in all");
        let seen = |n| episodes.compare(&route(n), &[A], &[A]).episodes;
        assert_eq!([1, 2, 3, 4, 5].map(seen), [1, 1, 1, 1, 1]);
    }
}
