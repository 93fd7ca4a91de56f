//! How much is asked of a quota, and what its calls are worth to those who ask.
//!
//! Where more is asked than a quota has, somebody goes without; by default whoever comes last. The calls do more where they go
//! to those who have least in hand: what a call gains each request is counted, and the price is what so many of them gain at
//! least as there are calls left (the dual of the fluid relaxation of bandits with knapsacks; Badanidiyuru and others 2013).

use std::{sync::Mutex, time::Duration};

use crate::{
    learn::{forecast, quantile_price},
    lock::lock,
};

/// How finely gains are told apart, and up to where: a call gains a request with nothing in hand about 1.5.
const BINS: usize = 32;
const WIDTH: f64 = 0.05;

/// After so long a request counts half.
const HALF_LIFE: Duration = Duration::from_hours(6);

/// What is asked within less than this says little of how much is asked.
const AT_LEAST: Duration = Duration::from_hours(1);

/// A quota that is spent in time less probably than this has no price.
const ACTS_FROM: f64 = 0.2;

/// What is left of a quota, and for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Stock {
    /// Calls.
    pub(crate) left: u32,
    /// Until they are counted anew.
    pub(crate) lasts: Duration,
}

/// What is asked of one count.
#[derive(Debug, Default)]
pub(super) struct Demand(Mutex<Asked>);

#[derive(Debug, Default)]
struct Asked {
    /// Requests by what a call gains them, as they weigh at that time.
    gains: [f64; BINS],
    at: Duration,
    began: Option<Duration>,
}

// === impl Stock ===

impl Stock {
    /// Both: what is left of either is left.
    pub(super) fn within(self, other: Self) -> Self {
        let per_second = |stock: Self| f64::from(stock.left) / stock.lasts.as_secs_f64().max(1.0);
        if per_second(other) < per_second(self) {
            other
        } else {
            self
        }
    }
}

// === impl Demand ===

impl Demand {
    /// What a call costs beside any other call, by what is left; a request is counted that gains so much by one. `chance`, from
    /// 0 to 1, breaks ties among requests that gain the same.
    pub(super) fn price(&self, stock: Stock, (gain, chance): (f64, f64), now: Duration) -> f64 {
        let mut asked = lock(&self.0);
        asked.note(gain, now);
        let seconds = stock.lasts.as_secs_f64();
        // What comes by itself spreads as chance has it.
        let forecast = forecast(f64::from(stock.left), seconds, asked.rate(now), 1.0);
        if forecast.exhausted <= ACTS_FROM {
            return 0.0;
        }
        quantile_price(&asked.gains, WIDTH, forecast.admitted, chance)
    }
}

// === impl Asked ===

impl Asked {
    fn note(&mut self, gain: f64, now: Duration) {
        let passed = now.saturating_sub(self.at);
        let left = (-passed.as_secs_f64() / time_constant()).exp();
        self.gains.iter_mut().for_each(|count| *count *= left);
        (self.at, self.began) = (now, self.began.or(Some(now)));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bounded by the line after it"
        )]
        let bin = (gain / WIDTH).max(0.0) as usize;
        if let Some(count) = self.gains.get_mut(bin.min(BINS - 1)) {
            *count += 1.0;
        }
    }

    /// Requests a second.
    fn rate(&self, now: Duration) -> f64 {
        let began = self.began.unwrap_or(now);
        let over = now.saturating_sub(began).max(AT_LEAST).as_secs_f64();
        let constant = time_constant();
        let weighed = constant * (1.0 - (-over / constant).exp());
        self.gains.iter().sum::<f64>() / weighed
    }
}

/// In how many seconds a weight falls to its e-th part.
fn time_constant() -> f64 {
    HALF_LIFE.as_secs_f64() / std::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn stock(left: u32, lasts: Duration) -> Stock {
        Stock { left, lasts }
    }

    /// The price after a day of requests that gain so much, `every` so often.
    fn after_a_day(left: u32, every: Duration, gain: impl Fn(u32) -> f64) -> f64 {
        let demand = Demand::default();
        let mut price = 0.0;
        let times = u32::try_from(DAY.as_secs() / every.as_secs()).unwrap();
        for n in 0..times {
            price = demand.price(stock(left, DAY), (gain(n), 0.5), every * n);
        }
        price
    }

    #[test]
    fn what_lasts_has_no_price_and_what_does_not_costs_what_the_rest_gain() {
        let hourly = Duration::from_hours(1);
        let some = |n: u32| f64::from(n % 10) / 10.0;
        assert_eq!(after_a_day(100, hourly, some), 0.0, "24 asked of 100");
        let minute = Duration::from_mins(1);
        let scarce = after_a_day(25, minute, some);
        assert!(scarce >= 0.85, "25 of 1440: only who gains most, {scarce}");
        let half = after_a_day(720, minute, some);
        assert!((0.35..0.65).contains(&half), "half of them: {half}");
    }

    /// When the calls of a day were spent at twice the demand, as a part of the day; copies of five things are at hand once they
    /// were asked for.
    fn spent_at(mut seed: u64) -> Option<f64> {
        let mut chance = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            f64::from(u32::try_from(seed >> 32).unwrap()) / 4_294_967_296.0
        };
        let (demand, mut left, mut now) = (Demand::default(), 25, Duration::ZERO);
        let mut copies = [None; 5];
        loop {
            now += (DAY / 50).mul_f64(-chance().max(1e-9).ln());
            if now >= DAY || left == 0 {
                return (left == 0).then(|| now.as_secs_f64() / DAY.as_secs_f64());
            }
            let which = chance();
            let which = [0.2, 0.4, 0.6, 0.8].iter().filter(|edge| which >= **edge);
            let copy = &mut copies[which.count()];
            let age = copy.map(|then| (now - then).as_secs_f64() / DAY.as_secs_f64());
            let has = age.map_or(-0.5, |age| 0.8 * (-age / 3.0).exp());
            let gain = 0.93 - has;
            let price = demand.price(stock(left, DAY - now), (gain, chance()), now);
            if age.is_none() || gain >= price {
                left -= 1;
                *copy = Some(now);
            }
        }
    }

    #[test]
    fn the_25_calls_of_a_day_last_to_its_end_at_twice_the_demand() {
        let early = (1..=200).filter(|seed| {
            let spent = spent_at(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(*seed));
            spent.is_some_and(|spent| spent < 0.97)
        });
        let early = early.count();
        assert!(early <= 10, "in {early} of 200 days they were spent before");
    }

    #[test]
    fn a_few_requests_are_no_demand() {
        let demand = Demand::default();
        for n in 0..7 {
            let now = Duration::from_secs(n);
            assert_eq!(demand.price(stock(1, DAY), (0.1, 0.5), now), 0.0);
        }
    }

    #[test]
    fn of_two_quotas_the_one_counts_that_is_spent_first() {
        let (day, month) = (stock(25, DAY), stock(500, DAY * 30));
        assert_eq!((day.within(month), month.within(day)), (month, month));
        let nearly = stock(1, DAY);
        assert_eq!(month.within(nearly), nearly);
    }
}
