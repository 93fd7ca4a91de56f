//! Which strategies are worth trying now, in which order, and why the others are not.
//!
//! What may be given is a matter of rules and comes first: what a strategy offers, the floor, the time. Only among what these
//! allow does what was learned choose (`docs/src/remedies.md`).

use std::time::Duration;

use arrayvec::ArrayVec;
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    attempt::{Ask, Offer, Refusal, Strategy},
    layers::heal::call::Place,
    learn::Latencies,
    learner::{
        MAX_PLACES, Prospect, Query,
        decision::{Considered, Figures, Left, Outcome},
        episodes::{NEAR, SHARE_DRAWN, Stood, TIE},
        worth,
    },
    plan::{Candidate, Costs, MAX_CANDIDATES, Plan, Stand, Step, Why},
    vocabulary::{fault::Fault, fidelity::Fidelity},
};

/// Fewer good answers than this tell nothing of how long they take.
pub(super) const ENOUGH: u64 = 8;

/// What an outlook is for.
#[derive(Clone, Copy)]
pub(crate) struct Situation<'a> {
    pub(crate) now: Instant,
    /// What went wrong so far, first to last.
    pub(crate) faults: &'a [Fault],
    /// The lowest fidelity that is of use.
    pub(crate) floor: Fidelity,
    /// The age of the copy in hand.
    pub(crate) in_hand: Option<Duration>,
    /// The strategies that have been tried, by their place in the treatment's list.
    pub(crate) tried: &'a [usize],
    /// Which others take part.
    pub(crate) lets: fn(&dyn Strategy) -> bool,
    /// Whether chance may decide which of two is tried first.
    pub(crate) draws: bool,
}

/// What may be tried.
#[derive(Debug, Default)]
pub(crate) struct Outlook {
    /// Best first.
    pub(crate) order: Vec<Choice>,
    /// What stands to choice for what is tried first, in the order of the plan.
    pub(crate) stood: Vec<Stood>,
    /// Which of it chance put first.
    pub(crate) drawn: usize,
    /// All that were looked at, with why they are not tried where they are not.
    pub(crate) seen: Vec<(usize, Considered)>,
}

/// A strategy that may be tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    /// Its place in the treatment's list.
    pub(crate) n: usize,
    pub(crate) offer: Offer,
    /// How long each of its calls is waited for while there is something else to try.
    pub(crate) limit: Option<Duration>,
}

/// One that the rules allow.
struct Wish {
    n: usize,
    offer: Offer,
    query: Query,
}

// === impl Place ===

impl Place {
    /// What may be tried now.
    pub(crate) fn outlook(&self, situation: &Situation<'_>) -> Outlook {
        let mut outlook = Outlook::default();
        let mut wishes = Vec::new();
        for (n, strategy) in self.treatment.strategies.iter().enumerate() {
            if situation.tried.contains(&n) || !(situation.lets)(strategy.as_ref()) {
                continue;
            }
            let offer = strategy.offer(&self.ask, situation.faults);
            match self.allowed(offer, situation) {
                Ok(offer) => wishes.push(Wish {
                    n,
                    offer,
                    query: self.query(strategy.as_ref(), situation.now),
                }),
                Err(refusal) => outlook.seen.push((
                    n,
                    Considered {
                        strategy: strategy.id(),
                        fidelity: offer.ok().map(|offer| offer.fidelity),
                        figures: None,
                        outcome: Outcome::Left(Left::Refused(refusal)),
                    },
                )),
            }
        }
        if !wishes.is_empty() {
            self.plan(&wishes, situation, &mut outlook);
        }
        outlook
    }

    /// What the rules allow, whatever was learned.
    fn allowed(
        &self,
        offer: Result<Offer, Refusal>,
        situation: &Situation<'_>,
    ) -> Result<Offer, Refusal> {
        let offer = offer?;
        if !offer.fidelity.meets(situation.floor) {
            return Err(Refusal::BelowTheFloor);
        }
        if situation.now + offer.delay >= self.ask.until {
            return Err(Refusal::TooLate);
        }
        Ok(offer)
    }

    /// What is asked of the learner about a strategy.
    pub(super) fn query(&self, strategy: &dyn Strategy, now: Instant) -> Query {
        let asks = strategy.asks(&self.ask);
        let is_same = |ask: &Ask| ask.uri == self.ask.uri && ask.headers == self.ask.headers;
        let needs = |ask: &Ask| {
            if is_same(ask) {
                self.needs_now(now)
            } else {
                self.elsewhere(ask.clone(), now).needs_now(now)
            }
        };
        Query {
            id: strategy.id(),
            places: asks.iter().take(MAX_PLACES).map(needs).collect(),
            is_same: asks.first().is_some_and(is_same),
        }
    }

    fn plan(&self, wishes: &[Wish], situation: &Situation<'_>, outlook: &mut Outlook) {
        let queries: Vec<Query> = wishes.iter().map(|wish| wish.query.clone()).collect();
        let usually = if queries.iter().any(|query| query.is_same) {
            self.usual_latency()
        } else {
            None
        };
        let house = &self.house;
        let now = house.clock.since_start(situation.now);
        let route = self.route.gate.number();
        let prospects = house
            .learner
            .prospects(route, &queries, (usually.as_ref(), now));
        let left = self.ask.until.saturating_duration_since(situation.now);
        let in_hand = situation
            .in_hand
            .map(|age| worth::of_copy(age, self.treatment.heal_for));
        let costs = Costs::default();
        let stand = Stand {
            in_hand: in_hand.unwrap_or(-costs.refusal),
            floor: 0.0, // the rules have seen to it
            remaining: left.as_secs_f64(),
        };
        let candidates: Vec<Candidate<'_>> = wishes
            .iter()
            .zip(&prospects)
            .map(|(wish, prospect)| wish.candidate(prospect))
            .collect();
        Planning {
            wishes,
            candidates: &candidates,
            stand,
            costs,
            draw: situation.draws.then(|| draw(self.ask.id)),
        }
        .into(outlook);
    }

    /// How long good answers of the asked route take.
    fn usual_latency(&self) -> Option<Latencies> {
        const PARTS: u32 = 16;
        let tally = &self.route.tally;
        if tally.good_calls() < ENOUGH {
            return None;
        }
        let mut usual = Latencies::default();
        for n in 0..PARTS {
            let share = (f64::from(n) + 0.5) / f64::from(PARTS);
            let took = tally.quantile(share)?;
            usual.answered(took.as_secs_f64());
        }
        Some(usual)
    }
}

// === impl Wish ===

impl Wish {
    fn candidate(&self, prospect: &Prospect) -> Candidate<'static> {
        Candidate {
            name: "", // ties are broken by the order that was set
            worth: worth::of_offer(self.offer.fidelity),
            p: prospect.chance.p,
            up: prospect.chance.up,
            latency: prospect.latency,
            fails_after: prospect.fails_after,
            hangs: prospect.chance.hangs,
            delay: self.offer.delay.as_secs_f64(),
            price: 0.0,
            is_primary: false,
        }
    }
}

/// Candidates and what they are weighed against.
struct Planning<'a> {
    wishes: &'a [Wish],
    candidates: &'a [Candidate<'static>],
    stand: Stand,
    costs: Costs,
    /// A number from 0 to 1, where chance may decide.
    draw: Option<f64>,
}

// === impl Planning ===

impl Planning<'_> {
    /// Puts the order and the reasons into an outlook: first what is worth it, best first; then substitutes, which are another
    /// thing altogether; and where nothing is in hand at last all else that is allowed, for a call from the budget is worth
    /// less to its caller than an error.
    fn into(self, outlook: &mut Outlook) {
        let is_substitute = |wish: &Wish| wish.offer.fidelity == Fidelity::Substitute;
        let (mut first, left) = self.steps(|wish| !is_substitute(wish));
        self.stand_to_choice(&mut first, outlook);
        let (then, left_then) = self.steps(is_substitute);
        let mut steps: Vec<Step> = first.into_iter().chain(then).collect();
        let patience = self.costs.patience(self.candidates, &steps, self.stand);
        if let (Some(first), Some(limit)) = (steps.first_mut(), patience) {
            first.limit = limit;
        }
        for step in steps {
            self.add(step.candidate, Ok(Some(step)), outlook);
        }
        let has_none = self.stand.in_hand <= -self.costs.refusal;
        let mut left: Vec<_> = left.into_iter().chain(left_then).collect();
        left.sort_by(|(a, _), (b, _)| self.index(*b).total_cmp(&self.index(*a)));
        for (n, why) in left {
            let planned = if has_none { Ok(None) } else { Err(why) };
            self.add(n, planned, outlook);
        }
    }

    /// Notes what might be tried first. Where the first two would give the same fidelity and are nearly as good as each other,
    /// chance may let them change places.
    fn stand_to_choice(&self, steps: &mut [Step], outlook: &mut Outlook) {
        let best = steps.iter().map(|step| step.index);
        let best = best.fold(f64::NEG_INFINITY, f64::max);
        let is_near = |step: &Step| step.index > best - NEAR;
        let fidelity = |step: &Step| {
            self.wishes
                .get(step.candidate)
                .map(|own| own.offer.fidelity)
        };
        let draw = match &*steps {
            [first, second, ..] if is_near(second) && fidelity(first) == fidelity(second) => {
                self.draw
            }
            _ => None,
        };
        let propensity = |place: usize| match (draw, place) {
            (Some(_), 0) => 1.0 - SHARE_DRAWN,
            (Some(_), 1) => SHARE_DRAWN,
            (None, 0) => 1.0,
            (Some(_) | None, _) => 0.0,
        };
        let near = steps.iter().enumerate().filter(|(_, step)| is_near(step));
        outlook.stood = near
            .filter_map(|(place, step)| {
                let others = steps.iter().copied();
                let others = others.filter(|other| other.candidate != step.candidate);
                let order = std::iter::once(*step).chain(others);
                Some(Stood {
                    strategy: self.wishes.get(step.candidate)?.query.id,
                    index: step.index,
                    expected: self.costs.value(self.candidates, order, self.stand.in_hand),
                    propensity: propensity(place),
                })
            })
            .collect();
        if draw.is_some_and(|draw| draw < SHARE_DRAWN) {
            steps.swap(0, 1);
            outlook.drawn = 1;
        }
    }

    fn index(&self, n: usize) -> f64 {
        let candidate = self.candidates.get(n);
        let index = candidate.and_then(|own| self.costs.index(own, self.stand.remaining));
        index.map_or(f64::NEG_INFINITY, |(index, _)| index)
    }

    /// The steps of some of them, and why others of those are none; numbers are those of the candidates.
    fn steps(&self, of: impl Fn(&Wish) -> bool) -> (Vec<Step>, Vec<(usize, Why)>) {
        let chosen: Vec<usize> = (0..self.wishes.len())
            .filter(|n| self.wishes.get(*n).is_some_and(&of))
            .collect();
        let candidates: Vec<Candidate<'_>> = chosen
            .iter()
            .filter_map(|n| self.candidates.get(*n).copied())
            .collect();
        let plan = self.costs.plan(&candidates, self.stand);
        let number = |n: usize| chosen.get(n).copied().unwrap_or(n);
        let left = plan.left_out().iter();
        let left = left.map(|(n, why)| (number(*n), *why)).collect();
        let steps = in_set_order(&plan).into_iter().map(|step| Step {
            candidate: number(step.candidate),
            ..step
        });
        (steps.collect(), left)
    }

    /// Adds one: a step, something to be tried at last, or why it is neither.
    fn add(&self, n: usize, planned: Result<Option<Step>, Why>, outlook: &mut Outlook) {
        let (Some(wish), Some(candidate)) = (self.wishes.get(n), self.candidates.get(n)) else {
            return;
        };
        let indexed = self.costs.index(candidate, self.stand.remaining);
        let step = planned.ok().flatten();
        let seconds = step.map(|step| step.limit);
        let seconds = seconds.or_else(|| indexed.map(|(_, seconds)| seconds));
        let limit = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let considered = Considered {
            strategy: wish.query.id,
            fidelity: Some(wish.offer.fidelity),
            figures: Some(Figures {
                p: candidate.p,
                up: candidate.up,
                index: indexed.map(|(index, _)| index),
                limit: seconds.map(limit),
            }),
            outcome: Outcome::Left(planned.map_or_else(Left::Planned, |_| Left::NotReached)),
        };
        outlook.seen.push((wish.n, considered));
        if let Ok(step) = planned {
            outlook.order.push(Choice {
                n: wish.n,
                offer: wish.offer,
                limit: step.map(|step| limit(step.limit)),
            });
        }
    }
}

/// A number from 0 to 1 that a request's id decides, and nothing else that looks at the id (the finalizer of Steele, Lea, Flood
/// 2014, *Fast splittable pseudorandom number generators*).
fn draw(id: Uuid) -> f64 {
    let (_, random) = id.as_u64_pair();
    let mut mixed = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let [a, b, c, d, ..] = (mixed ^ (mixed >> 31)).to_be_bytes();
    f64::from(u32::from_be_bytes([a, b, c, d])) / (f64::from(u32::MAX) + 1.0)
}

/// The steps, those that are as good as the best of the rest in the order that was set.
fn in_set_order(plan: &Plan) -> ArrayVec<Step, MAX_CANDIDATES> {
    let mut left: ArrayVec<Step, MAX_CANDIDATES> = plan.steps().iter().copied().collect();
    let mut order = ArrayVec::new();
    while let Some(best) = left.first().map(|step| step.index) {
        let ties = left.iter().enumerate();
        let ties = ties.filter(|(_, step)| step.index > best - TIE);
        let first = ties.min_by_key(|(_, step)| step.candidate);
        let Some(at) = first.map(|(at, _)| at) else {
            break;
        };
        order.push(left.remove(at));
    }
    order
}
