//! Ask for the trading day before.
//!
//! Plans that have no data of a day before it is over refuse the day itself, and some sources have it late. The day before is
//! over and there. It is another day, so it is given only where the floor allows it, under its date.

use futures_util::future::BoxFuture;
use jiff::civil::Date;

use crate::{
    attempt::{Answer, Ask, Attempts, Miss, Offer, Refusal, Strategy},
    classify::Calendar,
    strategies::reach::Reach,
    vocabulary::{
        fault::{Fault, FaultClass},
        fidelity::Fidelity,
        provenance::{Instead, StrategyId},
    },
};

/// The most days that lie between two trading days.
const MAX_GAP: usize = 14;

/// `previous_trading_day`: the same request for the day with a session before the one in a parameter.
///
/// ```
/// use healing_core::{PreviousDay, Strategy, StrategyId, classify::Calendars};
/// let nyse = Calendars::built_in().named("us_equities").cloned().unwrap();
/// let before = PreviousDay::of("date", nyse);
/// assert_eq!(before.id(), StrategyId::PREVIOUS_TRADING_DAY);
/// ```
#[derive(Clone, Debug)]
pub struct PreviousDay {
    parameter: Box<str>,
    calendar: Calendar,
}

// === impl PreviousDay ===

impl PreviousDay {
    /// The day (`2026-03-05`) in that parameter of a route that is set, and when there are sessions.
    #[must_use]
    pub fn of(parameter: &str, calendar: Calendar) -> Self {
        Self {
            parameter: parameter.into(),
            calendar,
        }
    }

    fn before(&self, ask: &Ask) -> Option<Date> {
        let asked: Date = ask.value(&self.parameter)?.parse().ok()?;
        let days = std::iter::successors(asked.yesterday().ok(), |day| day.yesterday().ok());
        let mut days = days.take(MAX_GAP);
        days.find(|day| self.calendar.has_session(*day))
    }

    fn there(&self, ask: &Ask) -> Option<(Date, Ask)> {
        let day = self.before(ask)?;
        Some((day, ask.with_value(&self.parameter, &day.to_string())?))
    }
}

impl Strategy for PreviousDay {
    fn id(&self) -> StrategyId {
        StrategyId::PREVIOUS_TRADING_DAY
    }

    fn is_beside(&self) -> bool {
        true
    }

    fn offer(&self, ask: &Ask, failed: &[Fault]) -> Result<Offer, Refusal> {
        Reach::Object.helps(failed)?;
        let is_of_the_day = failed.first().is_some_and(|first| {
            matches!(
                first.class,
                FaultClass::PremiumRequired | FaultClass::EmptyData
            )
        });
        if !is_of_the_day {
            return Err(Refusal::NotForThisFault);
        }
        self.there(ask).ok_or(Refusal::NothingToAsk)?;
        Ok(Offer::now(Fidelity::Reduced))
    }

    fn asks(&self, ask: &Ask) -> Vec<Ask> {
        self.there(ask)
            .map(|(_, there)| there)
            .into_iter()
            .collect()
    }

    fn run<'a>(
        &'a self,
        ask: &'a Ask,
        to: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(async move {
            let nothing = Miss::Refused(Refusal::NothingToAsk);
            let (day, there) = self.there(ask).ok_or(nothing)?;
            let response = to.attempt(&there).await?;
            let before = Instead::at(&there.uri).called(format!("{} {day}", self.parameter));
            Ok(Answer::new(response, Fidelity::Reduced).instead(before))
        })
    }
}
