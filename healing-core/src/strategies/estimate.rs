//! Estimate a share's price by what a fund did since the share was last known.
//!
//! The last known price is moved by beta times the fund's return since then. Its error has two parts that can be told: what
//! the fund does not explain of the share, and how far the share moves in that time. By the regression that beta and R² are
//! from, the variance of the share is `beta² * fund's variance / R²`, of which `1 - R²` is its own; the fund's variance since
//! then is the sum of the squares of its returns (realized variance). So the error bar is
//!
//! ```text
//! last * |beta| * sqrt((1 - R²) / R² * sum of squared returns of the fund)
//! ```
//!
//! one standard deviation, in which only beta and R² are from outside. They are set for each share by whoever measured them;
//! none is built in, for a beta of one that is not is worse than the old price.
//!
//! It is an estimate and nothing else: under status 203, in a shape of its own, in a field that is called `estimate`, never as
//! a price. It is refused where a rule would make it a guess: across the border of a session, after too long, after too few
//! prices of the fund, where the share stands still (it may be halted), and where it would move the share by more than six
//! standard deviations.

mod chart;

use std::{collections::HashMap, time::Duration};

use futures_util::future::BoxFuture;
use http::{HeaderValue, Method, Response, StatusCode, header};
use serde_json::json;

use crate::{
    attempt::{Answer, Ask, Attempts, Miss, Offer, Refusal, Strategy},
    body::Body,
    strategies::{
        estimate::chart::{Chart, Since},
        plain::Plain,
        reach::Reach,
    },
    vocabulary::{
        fault::{Fault, FaultClass},
        fidelity::Fidelity,
        provenance::{Instead, StrategyId},
    },
};

/// How old a last price may be, unless it is said.
const UP_TO: Duration = Duration::from_hours(1);

/// `etf_estimate`: the last known price of a share, moved by what its fund did since.
///
/// ```
/// use healing_core::{Beta, EtfEstimate, Strategy, StrategyId};
/// let measured = Beta::new("XLK", 1.12, 0.55)?;
/// let estimate = EtfEstimate::of("symbol").share("AAPL", measured);
/// assert_eq!(estimate.id(), StrategyId::ETF_ESTIMATE);
/// # Ok::<(), healing_core::BetaError>(())
/// ```
#[derive(Clone, Debug)]
pub struct EtfEstimate {
    parameter: Box<str>,
    shares: HashMap<Box<str>, Beta>,
    up_to: Duration,
}

/// How a share moves with a fund, by a regression of its returns on those of the fund.
///
/// ```
/// use healing_core::Beta;
/// assert!(Beta::new("XLK", 1.12, 0.55).is_ok());
/// assert!(Beta::new("XLK", 1.12, 0.0).is_err());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Beta {
    fund: Box<str>,
    beta: f64,
    r_squared: f64,
}

/// What is no regression of a share on a fund.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BetaError {
    /// The fund has no symbol that can be shown.
    #[error("the fund is {0:?}: a symbol has 1 to 16 letters, digits or other signs of ASCII")]
    Fund(String),
    /// Beta is not a number other than zero.
    #[error("beta is {0}: a share that does not move with a fund is not estimated by it")]
    Beta(f64),
    /// R² is no share of a variance.
    #[error("r2 is {0}: it is more than 0 and at most 1")]
    RSquared(f64),
}

// === impl EtfEstimate ===

impl EtfEstimate {
    /// For shares in that parameter of a route that is set, whose answers are charts of Yahoo Finance
    /// (`/v8/finance/chart/{symbol}`); none yet.
    #[must_use]
    pub fn of(parameter: &str) -> Self {
        Self {
            parameter: parameter.into(),
            shares: HashMap::new(),
            up_to: UP_TO,
        }
    }

    /// The same, with a share that moves like that.
    #[must_use]
    pub fn share(mut self, symbol: &str, beta: Beta) -> Self {
        self.shares.insert(symbol.into(), beta);
        self
    }

    /// The same, for last prices of at most that age, in place of an hour; never of another session.
    #[must_use]
    pub const fn up_to(mut self, age: Duration) -> Self {
        self.up_to = age;
        self
    }

    /// The share, and the question for its fund's prices of today.
    fn there(&self, ask: &Ask) -> Option<(String, &Beta, Ask)> {
        let symbol = ask.value(&self.parameter)?.into_owned();
        let beta = self.shares.get(&*symbol)?;
        let fund = ask.with_value(&self.parameter, &beta.fund)?;
        let fund = fund.with_query("interval", "1m")?;
        Some((symbol, beta, fund.with_query("range", "1d")?))
    }

    async fn estimated(&self, ask: &Ask, to: &mut dyn Attempts) -> Result<Answer, Miss> {
        let nothing = || Miss::Refused(Refusal::NothingToAsk);
        let (symbol, beta, there) = self.there(ask).ok_or_else(nothing)?;
        // Without a last price no call is made.
        let kept = to.last_good(self.up_to).ok_or_else(nothing)?;
        let share = Chart::read(&read(kept).await?).filter(|chart| chart.symbol == symbol);
        let share = share.ok_or_else(nothing)?;
        let fund = read(to.attempt(&there).await?).await?;
        let fund = Chart::read(&fund).filter(|chart| *chart.symbol == *beta.fund);
        let fund = fund.ok_or_else(|| unfit("no_chart"))?;
        let since = fund.since(&share, self.up_to).map_err(unfit)?;
        let made = beta.estimate(&symbol, &share, &since).map_err(unfit)?;
        let label = format!("estimate by {}", beta.fund);
        let instead = Instead::default().called(label);
        Ok(Answer::new(made, Fidelity::Estimate).instead(instead))
    }
}

impl Strategy for EtfEstimate {
    fn id(&self) -> StrategyId {
        StrategyId::ETF_ESTIMATE
    }

    fn is_beside(&self) -> bool {
        true
    }

    fn offer(&self, ask: &Ask, failed: &[Fault]) -> Result<Offer, Refusal> {
        Reach::Object.helps(failed)?;
        let may_be_halted = failed
            .iter()
            .any(|fault| matches!(fault.class, FaultClass::StaleData | FaultClass::EmptyData));
        if may_be_halted {
            return Err(Refusal::NotForThisFault);
        }
        if ask.method != Method::GET || self.there(ask).is_none() {
            return Err(Refusal::NothingToAsk);
        }
        Ok(Offer::now(Fidelity::Estimate))
    }

    fn asks(&self, ask: &Ask) -> Vec<Ask> {
        let there = self.there(ask).map(|(.., there)| there);
        there.into_iter().collect()
    }

    fn run<'a>(
        &'a self,
        ask: &'a Ask,
        to: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(self.estimated(ask, to))
    }
}

// === impl Beta ===

impl Beta {
    /// A share that moves by `beta` percent where that fund moves by one, with that share of its variance explained by it.
    ///
    /// # Errors
    /// When that is no symbol, or these are the numbers of no regression.
    pub fn new(fund: &str, beta: f64, r_squared: f64) -> Result<Self, BetaError> {
        if !(1..=16).contains(&fund.len()) || !fund.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BetaError::Fund(fund.to_owned()));
        }
        if !beta.is_finite() || beta == 0.0 {
            return Err(BetaError::Beta(beta));
        }
        if !(r_squared > 0.0 && r_squared <= 1.0) {
            return Err(BetaError::RSquared(r_squared));
        }
        Ok(Self {
            fund: fund.into(),
            beta,
            r_squared,
        })
    }

    /// The estimate, as an answer.
    ///
    /// # Errors
    /// With a word, where it would be a guess.
    fn estimate(
        &self,
        symbol: &str,
        share: &Chart,
        since: &Since,
    ) -> Result<Response<Body>, &'static str> {
        let Self {
            fund,
            beta,
            r_squared,
        } = self;
        let moved = beta * since.rate;
        let variance = beta * beta * since.variance / r_squared;
        if moved.abs() > 6.0 * variance.sqrt() {
            return Err("moved_too_far");
        }
        let estimate = share.value * (1.0 + moved);
        let error = share.value * (variance * (1.0 - r_squared)).sqrt();
        if !(estimate.is_finite() && estimate > 0.0 && error.is_finite()) {
            return Err("no_number");
        }
        let body = json!({
            "symbol": symbol,
            "currency": share.currency,
            "estimate": estimate,
            "error": error,
            "at": since.at,
            "last": { "value": share.value, "at": share.at },
            "by": { "fund": fund, "beta": beta, "r2": r_squared, "return": since.rate },
        });
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = StatusCode::NON_AUTHORITATIVE_INFORMATION;
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        Ok(response)
    }
}

async fn read(response: Response<Body>) -> Result<Plain, Miss> {
    let read = Plain::read(response).await;
    read.map_err(|unread| Miss::Elsewhere(unread.fault()))
}

/// Why there is no estimate though the fund answered.
const fn unfit(word: &'static str) -> Miss {
    Miss::Elsewhere(Fault::new(FaultClass::MalformedBody, word))
}
