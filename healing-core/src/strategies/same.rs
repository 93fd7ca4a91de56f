//! Whether two routes give the same quantity, and how close the answer of one is to that of the other.
//!
//! A number without its unit is no answer. What is known of both routes is set down once; what is not known counts as
//! different. Then the rule is fixed: nobody may call something equivalent that is not known to be the same.

use std::{fmt, str::FromStr};

use crate::{attempt::Refusal, vocabulary::fidelity::Fidelity};

/// What a route gives, as far as it matters for lending: set for both routes.
///
/// ```
/// use healing_core::{Fidelity, Same};
/// let mut days = Same::default();
/// days.unit = Some("usd".into());
/// days.adjustment = Some("split".into());
/// days.calendar = Some("us_equities".into());
/// days.granularity = Some("1d".parse()?);
/// assert_eq!(days.fidelity_of(&days), Ok(Fidelity::Equivalent));
/// let mut minutes = days.clone();
/// minutes.granularity = Some("1m".parse()?);
/// assert_eq!(minutes.fidelity_of(&days), Ok(Fidelity::Reduced));
/// # Ok::<(), healing_core::GranularityError>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Same {
    /// The unit of its values: `usd`, `percent`.
    pub unit: Option<Box<str>>,
    /// Their currency, where the unit does not say it.
    pub currency: Option<Box<str>>,
    /// What they are adjusted for: `none`, `split`, `split_dividend`.
    pub adjustment: Option<Box<str>>,
    /// The calendar of their days: `us_equities`, `utc`.
    pub calendar: Option<Box<str>>,
    /// The span of one value.
    pub granularity: Option<Granularity>,
}

/// The span of time that one value stands for: `tick`, `30s`, `5m`, `1h`, `1d`, `1wk`, `1mo`, `1q`, `1y`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Granularity {
    seconds: u64,
}

/// A word that is no span.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "{0:?} is no span of time: tick, or a number and one of s, m, h, d, wk, mo, q, y, such as 5m or 1d"
)]
pub struct GranularityError(String);

// === impl Same ===

impl Same {
    /// How close an answer of a route that gives `lent` is to one of a route that gives this.
    ///
    /// | what | not known to be the same |
    /// |---|---|
    /// | unit, currency | known to differ: never given; not known: a substitute |
    /// | adjustment | a substitute: the numbers mean something else |
    /// | calendar | reduced: days are missing or too many |
    /// | granularity | reduced |
    ///
    /// # Errors
    /// Where unit or currency differ, or nothing is known of either.
    pub fn fidelity_of(&self, lent: &Self) -> Result<Fidelity, Refusal> {
        let nothing = Self::default();
        if *self == nothing || *lent == nothing {
            return Err(Refusal::AnotherQuantity);
        }
        let mut fidelity = Fidelity::Equivalent;
        let mut at_most = |lower: Fidelity| fidelity = fidelity.max(lower);
        match (&self.unit, &lent.unit) {
            (Some(own), Some(other)) if own == other => {}
            (Some(_), Some(_)) => return Err(Refusal::AnotherQuantity),
            _ => at_most(Fidelity::Substitute),
        }
        match (&self.currency, &lent.currency) {
            // The unit says it.
            (None, None) => {}
            (Some(own), Some(other)) if own == other => {}
            (Some(_), Some(_)) => return Err(Refusal::AnotherQuantity),
            (Some(_), None) | (None, Some(_)) => at_most(Fidelity::Substitute),
        }
        if self.adjustment.is_none() || self.adjustment != lent.adjustment {
            at_most(Fidelity::Substitute);
        }
        if self.calendar.is_none() || self.calendar != lent.calendar {
            at_most(Fidelity::Reduced);
        }
        if self.granularity.is_none() || self.granularity != lent.granularity {
            at_most(Fidelity::Reduced);
        }
        Ok(fidelity)
    }
}

// === impl Granularity ===

impl FromStr for Granularity {
    type Err = GranularityError;

    fn from_str(word: &str) -> Result<Self, GranularityError> {
        let error = || GranularityError(word.to_owned());
        if word == "tick" {
            return Ok(Self { seconds: 0 });
        }
        let unit = word.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let number = word.strip_suffix(unit).unwrap_or_default();
        let number: u64 = number.parse().map_err(|_| error())?;
        let seconds: u64 = match unit {
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3_600,
            "d" => 86_400,
            "w" | "wk" => 7 * 86_400,
            "mo" => 30 * 86_400,
            "q" => 91 * 86_400,
            "y" => 365 * 86_400,
            _ => return Err(error()),
        };
        let seconds = number.checked_mul(seconds).filter(|seconds| *seconds > 0);
        Ok(Self {
            seconds: seconds.ok_or_else(error)?,
        })
    }
}

impl fmt::Display for Granularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 8] = [
            (365 * 86_400, "y"),
            (91 * 86_400, "q"),
            (30 * 86_400, "mo"),
            (7 * 86_400, "wk"),
            (86_400, "d"),
            (3_600, "h"),
            (60, "m"),
            (1, "s"),
        ];
        let whole =
            |(size, _): &&(u64, &str)| self.seconds > 0 && self.seconds.is_multiple_of(*size);
        match UNITS.iter().find(whole) {
            Some((size, unit)) => write!(f, "{}{unit}", self.seconds / size),
            None => f.write_str("tick"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(of: [&str; 5]) -> Same {
        let text = |at: usize| (!of[at].is_empty()).then(|| of[at].into());
        Same {
            unit: text(0),
            currency: text(1),
            adjustment: text(2),
            calendar: text(3),
            granularity: (!of[4].is_empty()).then(|| of[4].parse().unwrap()),
        }
    }

    #[test]
    fn what_differs_or_is_not_known_lowers_the_fidelity_by_rule() {
        let asked = same(["price", "usd", "split", "us_equities", "1d"]);
        for (lent, expected) in [
            (
                ["price", "usd", "split", "us_equities", "1d"],
                Ok(Fidelity::Equivalent),
            ),
            (
                ["price", "usd", "split", "us_equities", "1wk"],
                Ok(Fidelity::Reduced),
            ),
            (
                ["price", "usd", "split", "us_equities", "1m"],
                Ok(Fidelity::Reduced),
            ),
            (
                ["price", "usd", "split", "us_equities", ""],
                Ok(Fidelity::Reduced),
            ),
            (
                ["price", "usd", "split", "utc", "1d"],
                Ok(Fidelity::Reduced),
            ),
            (
                ["price", "usd", "none", "us_equities", "1d"],
                Ok(Fidelity::Substitute),
            ),
            (
                ["price", "usd", "", "us_equities", "1d"],
                Ok(Fidelity::Substitute),
            ),
            (
                ["price", "", "split", "us_equities", "1d"],
                Ok(Fidelity::Substitute),
            ),
            (
                ["", "usd", "split", "us_equities", "1d"],
                Ok(Fidelity::Substitute),
            ),
            (
                ["price", "eur", "split", "us_equities", "1d"],
                Err(Refusal::AnotherQuantity),
            ),
            (
                ["percent", "usd", "split", "us_equities", "1d"],
                Err(Refusal::AnotherQuantity),
            ),
            (["", "", "", "", ""], Err(Refusal::AnotherQuantity)),
        ] {
            assert_eq!(asked.fidelity_of(&same(lent)), expected, "{lent:?}");
            assert_eq!(
                same(lent).fidelity_of(&asked),
                expected,
                "the other way: {lent:?}"
            );
        }
    }

    #[test]
    fn spans_are_read_and_written() {
        for word in ["tick", "30s", "5m", "1h", "1d", "1wk", "1mo", "1q", "1y"] {
            assert_eq!(word.parse::<Granularity>().unwrap().to_string(), word);
        }
        for bad in [
            "",
            "d",
            "0d",
            "1",
            "-1d",
            "1fortnight",
            "99999999999999999999d",
            "9999999999999999999y",
        ] {
            let error = bad.parse::<Granularity>().unwrap_err().to_string();
            assert!(error.contains("such as 5m"), "{error}");
        }
    }
}
