//! Ask for the later part of a span that the plan does not have whole.
//!
//! Plans keep so and so many years, and refuse a span that begins before them, or that is too long, as a whole. The same span
//! from a later day on is there. It is less than what was asked, so it is given only where the floor allows it, and says which
//! span it is.

use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use crate::{
    attempt::{Answer, Ask, Attempts, Miss, Offer, Refusal, Strategy},
    clock::Clock,
    strategies::reach::Reach,
    vocabulary::{
        fault::{Fault, FaultClass},
        fidelity::Fidelity,
        provenance::{Instead, StrategyId},
    },
};

/// The most spans that are asked for, each half of the one before.
const MAX_CALLS: usize = 3;

/// `shorter_range`: the same request from a later day or moment on.
///
/// ```
/// use healing_core::{Clock, ShorterRange, Strategy, StrategyId};
/// let shorter = ShorterRange::of("from", "to", Clock::started_now());
/// assert_eq!(shorter.id(), StrategyId::SHORTER_RANGE);
/// ```
#[derive(Clone, Debug)]
pub struct ShorterRange {
    from: Box<str>,
    to: Box<str>,
    clock: Clock,
    depth: Option<Duration>,
}

/// An end of a span, as it is written: a day (`2026-03-05`) or milliseconds since 1970.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    Day(Date),
    Moment(Timestamp),
}

// === impl ShorterRange ===

impl ShorterRange {
    /// Spans in these two parameters of a route that is set: days (`2026-03-05`) or milliseconds since 1970. The clock says
    /// what today is: nobody has data of the days after it.
    #[must_use]
    pub fn of(from: &str, to: &str, clock: Clock) -> Self {
        Self {
            from: from.into(),
            to: to.into(),
            clock,
            depth: None,
        }
    }

    /// The same, for a plan that is known to reach back so long from today: a span that begins before is asked from there on.
    /// Without it, and where that is refused as well, the later half is asked for, and the later half of that.
    #[must_use]
    pub const fn reaching_back(mut self, depth: Duration) -> Self {
        self.depth = Some(depth);
        self
    }

    /// Where shorter spans begin, the longest first, and where all of them end.
    fn spans(&self, ask: &Ask) -> Option<(Vec<End>, End)> {
        let (from, to) = (
            End::read(&ask.value(&self.from)?)?,
            End::read(&ask.value(&self.to)?)?,
        );
        let now = self.clock.timestamp(self.clock.now());
        let begins = from.moment()?;
        let ends = to.moment()?.min(now);
        let reached = self.depth.and_then(|depth| now.checked_sub(depth).ok());
        // The day on which the plan's time begins is only there in part.
        let reached = reached.and_then(|at| from.like(at)?.next());
        let reached = reached.filter(|first| {
            let at = first.moment();
            at.is_some_and(|at| at > begins && at <= ends)
        });
        let mut first = reached.and_then(End::moment).unwrap_or(begins);
        let mut spans: Vec<End> = reached.into_iter().collect();
        while spans.len() < MAX_CALLS {
            let half = ends.duration_since(first) / 2;
            let Some(later) = first.checked_add(half).ok().and_then(|at| from.like(at)) else {
                break;
            };
            let later = if later.moment()? > first {
                Some(later)
            } else {
                later.next()
            };
            let Some(at) = later.and_then(End::moment).filter(|at| *at <= ends) else {
                break;
            };
            spans.extend(later);
            first = at;
        }
        Some((spans, to))
    }

    fn asked_from(&self, ask: &Ask, from: End) -> Option<Ask> {
        ask.with_value(&self.from, &from.written())
    }
}

impl Strategy for ShorterRange {
    fn id(&self) -> StrategyId {
        StrategyId::SHORTER_RANGE
    }

    fn is_beside(&self) -> bool {
        true
    }

    fn offer(&self, ask: &Ask, failed: &[Fault]) -> Result<Offer, Refusal> {
        Reach::Object.helps(failed)?;
        let is_of_the_plan = failed
            .first()
            .is_some_and(|first| first.class == FaultClass::PremiumRequired);
        if !is_of_the_plan {
            return Err(Refusal::NotForThisFault);
        }
        let spans = self.spans(ask).map(|(spans, _)| spans);
        if spans.is_none_or(|spans| spans.is_empty()) {
            return Err(Refusal::NothingToAsk);
        }
        Ok(Offer::now(Fidelity::Reduced))
    }

    fn asks(&self, ask: &Ask) -> Vec<Ask> {
        let spans = self.spans(ask).map(|(spans, _)| spans);
        let asked = spans.into_iter().flatten();
        asked
            .filter_map(|from| self.asked_from(ask, from))
            .collect()
    }

    fn run<'a>(
        &'a self,
        ask: &'a Ask,
        to: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(async move {
            let mut missed = Miss::Refused(Refusal::NothingToAsk);
            let (spans, last) = self.spans(ask).ok_or_else(|| missed.clone())?;
            for from in spans {
                let Some(there) = self.asked_from(ask, from) else {
                    continue;
                };
                match to.attempt(&there).await {
                    Ok(response) => {
                        let label = format!("{} to {}", from.day(), last.day());
                        let shorter = Instead::at(&there.uri).called(label);
                        return Ok(Answer::new(response, Fidelity::Reduced).instead(shorter));
                    }
                    Err(miss) => missed = miss,
                }
                let is_of_the_plan = matches!(&missed, Miss::Elsewhere(fault) if fault.class == FaultClass::PremiumRequired);
                if !is_of_the_plan {
                    break;
                }
            }
            Err(missed)
        })
    }
}

// === impl End ===

impl End {
    fn read(text: &str) -> Option<Self> {
        if let Ok(millis) = text.parse() {
            return Timestamp::from_millisecond(millis).ok().map(Self::Moment);
        }
        text.parse().ok().map(Self::Day)
    }

    fn moment(self) -> Option<Timestamp> {
        match self {
            Self::Day(day) => day.to_zoned(TimeZone::UTC).ok().map(|day| day.timestamp()),
            Self::Moment(at) => Some(at),
        }
    }

    fn day(self) -> Date {
        match self {
            Self::Day(day) => day,
            Self::Moment(at) => at.to_zoned(TimeZone::UTC).date(),
        }
    }

    /// That moment, written as this.
    fn like(self, at: Timestamp) -> Option<Self> {
        match self {
            Self::Day(_) => Some(Self::Day(at.to_zoned(TimeZone::UTC).date())),
            Self::Moment(_) => Some(Self::Moment(at)),
        }
    }

    /// The next of its kind; a moment is not cut in two.
    fn next(self) -> Option<Self> {
        match self {
            Self::Day(day) => day.tomorrow().ok().map(Self::Day),
            Self::Moment(at) => at
                .checked_add(SignedDuration::from_millis(1))
                .ok()
                .map(Self::Moment),
        }
    }

    fn written(self) -> String {
        match self {
            Self::Day(day) => day.to_string(),
            Self::Moment(at) => at.as_millisecond().to_string(),
        }
    }
}
