//! Leaving a call to those who need it more, while what is in hand will do.
//!
//! Where a quota is counted anew only after long, and will probably be spent before that, each of its calls has a price: what
//! it gains the others who ask (`pace::demand`). A request with a copy in hand that gains less by a call is given the copy.
//! One with nothing in hand is never refused for that, and where no such quota is known nothing is done.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    attempt::Refusal,
    kept::{
        copy::Copy,
        directives::{Directives, Word},
    },
    layers::heal::{call::Place, race::usual_of, scene::Scene},
    learn::Latencies,
    learner::{
        decision::{Considered, Figures, Left, Outcome},
        worth,
    },
    plan::{Costs, Underway},
    vocabulary::{
        fault::Fault,
        fidelity::Fidelity,
        provenance::{CacheUse, StrategyId},
    },
};

/// The first call stands in the book of a request beside the strategies, which have numbers of their own.
const FIRST: usize = usize::MAX;

// === impl Place ===

impl Place {
    /// Whether the caller takes a copy of that age where the source could be asked: whoever wants no kept answer is not given one
    /// for the sake of others (RFC 9111, section 5.2.1).
    fn takes_for_others(&self, age: Duration) -> bool {
        let said = Directives::of_request(&self.ask.headers);
        let wants_none = said.says(Word::NoCache) || said.says(Word::NoStore);
        !wants_none && said.min_fresh.is_none() && said.max_age.is_none_or(|most| age <= most)
    }

    /// What is to be expected of the first call.
    fn figures_of_first(&self, now: Instant) -> Figures {
        let house = &self.house;
        let chance = house
            .learner
            .of_first(&self.needs_now(now), house.clock.since_start(now));
        let costs = Costs::default();
        let call = Underway {
            worth: worth::of_offer(Fidelity::Exact),
            p: chance.p,
            waited: 0.0,
            cost: costs.per_call,
            remaining: self.treatment.timeout.as_secs_f64(),
        };
        let takes = Latencies::default().takes(&usual_of(&self.route.tally));
        Figures {
            p: chance.p,
            up: chance.up,
            index: costs.index_underway(&takes, call).map(|(index, _)| index),
            limit: None,
        }
    }

    /// What that copy is worth in hand; nothing in hand is a refusal.
    pub(super) fn worth_of(&self, copy: Option<&Copy>, now: Instant) -> f64 {
        let Some(copy) = copy else {
            return -Costs::default().refusal;
        };
        let age = copy.age(now, &self.house.clock);
        worth::of_copy(age, self.treatment.heal_for)
    }
}

// === impl Scene ===

impl<S, E> Scene<S, E> {
    /// Gives what is in hand where a call is worth more to others. Returns whether it did.
    pub(super) fn leaves_the_call(&mut self) -> bool {
        let now = self.arrived;
        let Some(share) = self.place.ask.share.clone() else {
            return false; // all that a source without keys and quotas pays
        };
        let Some(stock) = share.stock(now) else {
            return false;
        };
        let place = Arc::clone(&self.place);
        if stock.left == 0 {
            return false; // what is not there is shared out with nobody, and healing begins
        }
        let age = |copy: &Copy| copy.age(now, &place.house.clock);
        let in_hand = self.in_hand.clone();
        let in_hand = in_hand.filter(|copy| place.takes_for_others(age(copy)));
        let has = place.worth_of(in_hand.as_deref(), now);
        let figures = place.figures_of_first(now);
        let gain = figures.index.unwrap_or(has) - has;
        let price = share.price(stock, (gain, chance_of(place.ask.id.as_u128())), now);
        let Some(copy) = in_hand.filter(|_| gain < price) else {
            return false;
        };
        place.house.calls_left.fetch_add(1, Relaxed);
        let index = figures.index.map(|index| index - price);
        let considered = Considered {
            strategy: StrategyId::DIRECT,
            fidelity: Some(Fidelity::Exact),
            figures: Some(Figures { index, ..figures }),
            outcome: Outcome::Left(Left::Refused(Refusal::TooDear)),
        };
        self.ledger().looked(&[(FIRST, considered)]);
        self.stale(&copy, Fault::too_dear(), CacheUse::Rested);
        true
    }
}

/// A number from 0 to 1 that is the same for a request whenever it is planned again.
fn chance_of(id: u128) -> f64 {
    let [.., a, b, c, d] = id.to_be_bytes();
    f64::from(u32::from_be_bytes([a, b, c, d])) / 4_294_967_296.0
}
