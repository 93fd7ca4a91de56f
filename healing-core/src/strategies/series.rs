//! Ask for another series of the source.
//!
//! Statistics come in several series of one quantity: FRED's GS10 is the monthly average of the daily yields in DGS10. When
//! the asked one is withdrawn, empty or broken, its relative may be there. It is another series, so it is given only where
//! the floor allows it, under its own name.

use futures_util::future::BoxFuture;

use crate::{
    attempt::{Answer, Ask, Attempts, Miss, Offer, Refusal, Strategy},
    strategies::substitution::{Substitution, Substitutions},
    vocabulary::{fault::Fault, fidelity::Fidelity, provenance::StrategyId},
};

/// `alternate_series`: the same request with another value for one of its parameters.
///
/// ```
/// use healing_core::{AlternateSeries, Fidelity, Substitution};
/// let monthly = Substitution::new("GS10", Fidelity::Reduced, "monthly average")?;
/// let yields = AlternateSeries::of("series").give("DGS10", monthly);
/// # let _ = yields;
/// assert!(Substitution::new("GS10", Fidelity::Exact, "").is_err());
/// # Ok::<(), healing_core::SubstitutionError>(())
/// ```
#[derive(Clone, Debug)]
pub struct AlternateSeries {
    id: StrategyId,
    given: Substitutions,
}

// === impl AlternateSeries ===

impl AlternateSeries {
    /// Other values for that parameter of a route that is set.
    #[must_use]
    pub fn of(parameter: &str) -> Self {
        Self {
            id: StrategyId::ALTERNATE_SERIES,
            given: Substitutions::of(parameter),
        }
    }

    /// Gives that where `asked` was asked.
    #[must_use]
    pub fn give(mut self, asked: &str, given: Substitution) -> Self {
        self.given.give(asked, given);
        self
    }

    /// Monthly averages for the daily series of FRED that have one: the H.15 yields by term, and the federal funds rate.
    ///
    /// The names and what they are come from `fred.stlouisfed.org`; each monthly series says of itself that it is the
    /// average of the business days' values.
    #[must_use]
    pub fn fred_monthly(parameter: &str) -> Self {
        const MONTHLY: [(&str, &str); 11] = [
            ("DGS1", "GS1"),
            ("DGS2", "GS2"),
            ("DGS3", "GS3"),
            ("DGS5", "GS5"),
            ("DGS7", "GS7"),
            ("DGS10", "GS10"),
            ("DGS20", "GS20"),
            ("DGS30", "GS30"),
            ("DGS3MO", "GS3M"),
            ("DGS6MO", "GS6M"),
            ("DFF", "FEDFUNDS"),
        ];
        Self::of(parameter)
            .table(&MONTHLY.map(|(daily, monthly)| (daily, monthly, "monthly average")))
    }

    /// `daily_instead_of_intraday`: days in place of the spans within a day that Yahoo's charts have, in a parameter such as
    /// `interval`, and of those of Polygon's aggregates, in one such as `timespan`. For plans and windows that have no spans
    /// within a day.
    #[must_use]
    pub fn daily_instead_of_intraday(parameter: &str) -> Self {
        const SPANS: [(&str, &str); 11] = [
            ("1m", "1d"),
            ("2m", "1d"),
            ("5m", "1d"),
            ("15m", "1d"),
            ("30m", "1d"),
            ("60m", "1d"),
            ("90m", "1d"),
            ("1h", "1d"),
            ("second", "day"),
            ("minute", "day"),
            ("hour", "day"),
        ];
        Self {
            id: StrategyId::DAILY_INSTEAD_OF_INTRADAY,
            ..Self::of(parameter).table(&SPANS.map(|(span, day)| (span, day, "daily")))
        }
    }

    /// `aggregate_data`: the next longer of the spans that Polygon's aggregates have, in a parameter such as `timespan`.
    #[must_use]
    pub fn aggregated(parameter: &str) -> Self {
        const LONGER: [(&str, &str, &str); 6] = [
            ("second", "minute", "by the minute"),
            ("minute", "hour", "hourly"),
            ("hour", "day", "daily"),
            ("day", "week", "weekly"),
            ("week", "month", "monthly"),
            ("month", "quarter", "quarterly"),
        ];
        Self {
            id: StrategyId::AGGREGATE_DATA,
            ..Self::of(parameter).table(&LONGER)
        }
    }

    /// `reduce_request_size` for Alpha Vantage: the last hundred rows in place of all, in a parameter such as `outputsize`.
    #[must_use]
    pub fn alpha_vantage_compact(parameter: &str) -> Self {
        Self {
            id: StrategyId::REDUCE_REQUEST_SIZE,
            ..Self::of(parameter).table(&[("full", "compact", "last 100 rows")])
        }
    }

    /// The function that every plan of Alpha Vantage has in place of one that needs a paid plan, in a parameter such as
    /// `function`. Prices that are not adjusted are other numbers than adjusted ones: a substitute.
    #[must_use]
    pub fn alpha_vantage_free(parameter: &str) -> Self {
        let daily = Substitution::known(
            "TIME_SERIES_DAILY",
            Fidelity::Substitute,
            &"not adjusted".into(),
        );
        Self::of(parameter).give("TIME_SERIES_DAILY_ADJUSTED", daily)
    }

    /// What is built in: asked, given, and what that is called.
    fn table(self, rows: &[(&str, &str, &str)]) -> Self {
        rows.iter().fold(self, |table, (asked, value, label)| {
            let given = Substitution::known(value, Fidelity::Reduced, &(*label).into());
            table.give(asked, given)
        })
    }
}

impl Strategy for AlternateSeries {
    fn id(&self) -> StrategyId {
        self.id
    }

    fn is_beside(&self) -> bool {
        true
    }

    fn offer(&self, ask: &Ask, failed: &[Fault]) -> Result<Offer, Refusal> {
        self.given.offer(ask, failed)
    }

    fn asks(&self, ask: &Ask) -> Vec<Ask> {
        self.given.asks(ask).collect()
    }

    fn run<'a>(
        &'a self,
        ask: &'a Ask,
        to: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(self.given.run(ask, to))
    }
}
