//! The calls of one key, or of all of us, counted.

use std::{num::NonZeroU32, sync::Mutex, time::Duration};

use governor::{
    RateLimiter,
    clock::Clock as Ticks,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use jiff::{Timestamp, Zoned};

use crate::{
    clock::Clock,
    lock::lock,
    quota::{Per, Quota},
};

/// What a source says is left for less than this is waited for rather than shared out.
const LONG: Duration = Duration::from_mins(10);

/// More limits than this are not named in one answer.
const MAX_TOLD: usize = 4;

/// Counts calls against quotas. Touched only for sources that have some; its lock is held for a look at some numbers.
#[derive(Debug)]
pub(crate) struct Meter {
    clock: Clock,
    quotas: Box<[Quota]>,
    counts: Mutex<Counts>,
}

/// What a call is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Errand {
    /// Somebody waits for its answer.
    Caller,
    /// Somebody has stood in line for it.
    InTurn,
    /// Somebody waits and has nothing else: what only was learned does not hold it back.
    Regardless,
    /// Nobody waits, or the one who does asked another source.
    Extra,
}

/// A call that was counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Taken(u64);

/// No call is left for now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Spent {
    /// Until one is.
    pub(crate) wait: Duration,
    /// Whether it is the calls of a day or more that are spent.
    pub(crate) for_long: bool,
}

#[derive(Debug)]
struct Counts {
    calls: u64,
    kept: Vec<Count>,
    /// What the source itself said is left, and until when.
    told: Vec<(u32, Duration)>,
}

/// The count of one quota.
#[derive(Debug)]
enum Count {
    Window(Vec<Call>),
    Even(Box<Bucket>),
    /// How many, in the period that ends then.
    Calendar(u32, Timestamp),
}

#[derive(Clone, Copy, Debug)]
struct Call {
    id: u64,
    /// When its answer came; `None` while it is under way.
    ended: Option<Duration>,
}

type Bucket = RateLimiter<NotKeyed, InMemoryState, SinceStart, NoOpMiddleware<Duration>>;

/// The house's clock as `governor` reads it.
#[derive(Clone, Debug)]
struct SinceStart(Clock);

// === impl SinceStart ===

impl Ticks for SinceStart {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.since_start(self.0.now())
    }
}

// === impl Meter ===

impl Meter {
    /// A meter of those quotas; `None` where there are none.
    pub(crate) fn new(quotas: impl IntoIterator<Item = Quota>, clock: Clock) -> Option<Self> {
        let quotas: Box<[Quota]> = quotas.into_iter().collect();
        let kept = quotas.iter().map(|quota| Count::of(quota, clock));
        let counts = Counts {
            calls: 0,
            kept: kept.collect(),
            told: Vec::new(),
        };
        (!quotas.is_empty()).then(|| Self {
            clock,
            counts: Mutex::new(counts),
            quotas,
        })
    }

    /// Whether it counts just these.
    pub(crate) fn is_of<'a, Q: Iterator<Item = &'a Quota>>(&self, quotas: Q) -> bool {
        self.quotas.iter().eq(quotas)
    }

    /// Counts a call, if one is left.
    ///
    /// # Errors
    /// With how long until one is.
    pub(crate) fn take(&self, errand: Errand, now: Duration) -> Result<Taken, Spent> {
        let mut counts = lock(&self.counts);
        let wall = self.clock.at(now);
        let ahead = |quota: &Quota| match errand {
            Errand::Caller | Errand::InTurn | Errand::Regardless => 1,
            Errand::Extra => 1 + quota.reserve(),
        };
        let spent = counts.spent(&self.quotas, ahead, (now, wall));
        if let Some(spent) = spent {
            return Err(spent);
        }
        // The buckets last: what they gave they do not take back.
        for count in &counts.kept {
            if let Count::Even(bucket) = count
                && let Err(not_until) = bucket.check()
            {
                let wait = not_until.wait_time_from(now);
                return Err(Spent {
                    wait,
                    for_long: false,
                });
            }
        }
        counts.calls += 1;
        let id = counts.calls;
        for (count, quota) in counts.kept.iter_mut().zip(&self.quotas) {
            count.add(id, quota, wall);
        }
        for (left, _) in &mut counts.told {
            *left = left.saturating_sub(1);
        }
        Ok(Taken(id))
    }

    /// The call is over: from now on it is known that the source has counted it.
    pub(crate) fn ended(&self, taken: Taken, now: Duration) {
        let mut counts = lock(&self.counts);
        for count in &mut counts.kept {
            if let Some(call) = count.call(taken) {
                call.ended.get_or_insert(now);
            }
        }
    }

    /// The call was not made.
    pub(crate) fn give_back(&self, taken: Taken) {
        for count in &mut lock(&self.counts).kept {
            match count {
                Count::Window(calls) => calls.retain(|call| call.id != taken.0),
                Count::Calendar(used, _) => *used = used.saturating_sub(1),
                Count::Even(_) => {}
            }
        }
    }

    /// The source says how many are left, and for how long. It is believed where it says less than we count.
    pub(crate) fn told(&self, left: u32, reset: Option<Duration>, now: Duration) {
        let longest = self.quotas.iter().find_map(|quota| match quota.per {
            Per::Window(time) => Some(time),
            Per::Even(_) | Per::Day(_) | Per::Month(_) => None,
        });
        let Some(reset) = reset.or(longest) else {
            return;
        };
        let mut counts = lock(&self.counts);
        counts
            .told
            .retain(|(_, until)| *until > now && *until != now + reset);
        if counts.told.len() < MAX_TOLD {
            counts.told.push((left, now + reset));
        }
    }

    /// The soonest that the `n`th call from now may be made, as far as can be told.
    pub(crate) fn turn(&self, n: u32, now: Duration) -> Duration {
        let mut counts = lock(&self.counts);
        let wall = self.clock.at(now);
        let spent = counts.spent(&self.quotas, |_| n, (now, wall));
        let steps = self.quotas.iter().filter_map(|quota| match quota.per {
            Per::Even(time) => Some(time / quota.calls * n.saturating_sub(quota.calls)),
            Per::Window(_) | Per::Day(_) | Per::Month(_) => None,
        });
        let evenly = steps.max().unwrap_or_default();
        now + spent.map_or(evenly, |spent| spent.wait.max(evenly))
    }

    /// How many calls are left and for how long, by the quota that is spent first of those that are counted anew only after
    /// long: at the end of a day or a month, or at a time that the source said.
    pub(crate) fn lasting(&self, now: Duration) -> Option<(u32, Duration)> {
        let mut counts = lock(&self.counts);
        let wall = self.clock.at(now);
        counts.forget(&self.quotas, (now, wall));
        let own = counts.kept.iter().zip(&self.quotas);
        let own = own.filter_map(|(count, quota)| match count {
            Count::Calendar(used, _) => {
                let left = end_of(&quota.per, wall).duration_since(wall);
                let left = Duration::try_from(left).unwrap_or_default();
                Some((quota.calls.saturating_sub(*used), left))
            }
            Count::Window(_) | Count::Even(_) => None,
        });
        let told = counts
            .told
            .iter()
            .map(|(left, until)| (*left, until.saturating_sub(now)));
        let told = told.filter(|(_, lasts)| *lasts >= LONG);
        let per_second = |(left, lasts): &(u32, Duration)| f64::from(*left) / lasts.as_secs_f64();
        own.chain(told)
            .min_by(|a, b| per_second(a).total_cmp(&per_second(b)))
    }

    /// How many calls are left by the tightest quota that is counted one by one.
    pub(crate) fn left(&self, now: Duration) -> Option<u32> {
        let mut counts = lock(&self.counts);
        let wall = self.clock.at(now);
        counts.forget(&self.quotas, (now, wall));
        let counts = &*counts;
        let own = counts.kept.iter().zip(&self.quotas);
        let own = own.filter_map(|(count, quota)| Some(quota.calls.saturating_sub(count.used()?)));
        own.chain(counts.told.iter().map(|(left, _)| *left)).min()
    }
}

/// The same moment twice: since the clock's start, and as people count.
type Moment = (Duration, Timestamp);

// === impl Counts ===

impl Counts {
    /// Whether the call that many ahead has to wait, and how long.
    fn spent(
        &mut self,
        quotas: &[Quota],
        ahead: impl Fn(&Quota) -> u32,
        (now, wall): Moment,
    ) -> Option<Spent> {
        self.forget(quotas, (now, wall));
        let own = self.kept.iter().zip(quotas).filter_map(|(count, quota)| {
            let over = count.used()?.saturating_add(ahead(quota));
            let over = over.checked_sub(quota.calls).filter(|over| *over > 0)?;
            Some(count.free_in(over, quota, (now, wall)))
        });
        let told = self.told.iter().filter(|(left, _)| *left == 0);
        let told = told.map(|(_, until)| Spent {
            wait: until.saturating_sub(now),
            for_long: false,
        });
        own.chain(told).max_by_key(|spent| spent.wait)
    }

    /// Lets go of what counts no more.
    fn forget(&mut self, quotas: &[Quota], (now, wall): Moment) {
        self.told.retain(|(_, until)| *until > now);
        for (count, quota) in self.kept.iter_mut().zip(quotas) {
            match (count, &quota.per) {
                (Count::Window(calls), Per::Window(time)) => {
                    calls.retain(|call| call.ended.is_none_or(|ended| ended + *time > now));
                }
                (Count::Calendar(used, ends), _) if *ends <= wall => *used = 0,
                (Count::Window(_) | Count::Calendar(..) | Count::Even(_), _) => {}
            }
        }
    }
}

// === impl Count ===

impl Count {
    fn of(quota: &Quota, clock: Clock) -> Self {
        match &quota.per {
            Per::Window(_) => Self::Window(Vec::new()),
            Per::Even(time) => {
                let calls = NonZeroU32::new(quota.calls).unwrap_or(NonZeroU32::MIN);
                let evenly = governor::Quota::with_period(*time / calls.get())
                    .unwrap_or_else(|| governor::Quota::per_second(calls));
                let bucket =
                    RateLimiter::direct_with_clock(evenly.allow_burst(calls), SinceStart(clock));
                Self::Even(Box::new(bucket))
            }
            Per::Day(_) | Per::Month(_) => Self::Calendar(0, Timestamp::MIN),
        }
    }

    /// How many are used; a bucket does not tell.
    fn used(&self) -> Option<u32> {
        match self {
            Self::Window(calls) => Some(u32::try_from(calls.len()).unwrap_or(u32::MAX)),
            Self::Calendar(used, _) => Some(*used),
            Self::Even(_) => None,
        }
    }

    fn add(&mut self, id: u64, quota: &Quota, wall: Timestamp) {
        match self {
            Self::Window(calls) => calls.push(Call { id, ended: None }),
            Self::Calendar(used, ends) => {
                if *ends <= wall {
                    (*used, *ends) = (0, end_of(&quota.per, wall));
                }
                *used = used.saturating_add(1);
            }
            Self::Even(_) => {}
        }
    }

    fn call(&mut self, taken: Taken) -> Option<&mut Call> {
        match self {
            Self::Window(calls) => calls.iter_mut().find(|call| call.id == taken.0),
            Self::Calendar(..) | Self::Even(_) => None,
        }
    }

    /// When that many of the used ones count no more.
    fn free_in(&self, over: u32, quota: &Quota, (now, wall): Moment) -> Spent {
        match (self, &quota.per) {
            (Self::Window(calls), Per::Window(time)) => Spent {
                wait: nth_free(calls, over, (quota.calls, *time), now).saturating_sub(now),
                for_long: *time > Duration::from_hours(1),
            },
            (Self::Window(_) | Self::Calendar(..) | Self::Even(_), per) => {
                let left = end_of(per, wall).duration_since(wall);
                Spent {
                    wait: Duration::try_from(left).unwrap_or_default(),
                    for_long: true,
                }
            }
        }
    }
}

/// When the `n`th call is free, if each that is free is made at once. One that is under way counts from its end, so it
/// is free no sooner than if it ended now.
fn nth_free(made: &[Call], n: u32, (calls, time): (u32, Duration), now: Duration) -> Duration {
    let mut free: Vec<Duration> = made
        .iter()
        .map(|call| call.ended.unwrap_or(now) + time)
        .collect();
    free.sort_unstable();
    let n = n.saturating_sub(1);
    let (round, place) = (n / calls.max(1), n % calls.max(1));
    let place = usize::try_from(place).unwrap_or(usize::MAX);
    free.get(place).copied().unwrap_or(now + time) + time * round
}

/// The end of the calendar's period that a moment lies in.
fn end_of(per: &Per, wall: Timestamp) -> Timestamp {
    let next = match per {
        Per::Day(zone) => wall
            .to_zoned(zone.clone())
            .tomorrow()
            .and_then(|day| day.start_of_day()),
        Per::Month(zone) => wall
            .to_zoned(zone.clone())
            .last_of_month()
            .and_then(|day| day.tomorrow())
            .and_then(|day| day.start_of_day()),
        Per::Window(_) | Per::Even(_) => return wall,
    };
    next.map_or(Timestamp::MAX, |next: Zoned| next.timestamp())
}

#[cfg(test)]
mod tests;
