//! Ask for half as many rows.
//!
//! A request that is too large for its source times out, breaks or is refused; half of it may come. Fewer rows are another
//! answer, so it is given only where the floor allows it. It is not asked again for the other half: rows may have moved in
//! between, and two halves that overlap would be passed off as one whole.

use futures_util::future::BoxFuture;

use crate::{
    attempt::{Answer, Ask, Attempts, Miss, Offer, Refusal, Strategy},
    strategies::reach::Reach,
    vocabulary::{
        fault::{Fault, FaultClass},
        fidelity::Fidelity,
        provenance::{Instead, StrategyId},
    },
};

/// `reduce_request_size`: the same request with half of a parameter that limits its rows.
///
/// ```
/// use healing_core::{ReduceRequest, Strategy, StrategyId};
/// let fewer = ReduceRequest::of("limit").at_least(10);
/// assert_eq!(fewer.id(), StrategyId::REDUCE_REQUEST_SIZE);
/// ```
#[derive(Clone, Debug)]
pub struct ReduceRequest {
    parameter: Box<str>,
    at_least: u64,
}

// === impl ReduceRequest ===

impl ReduceRequest {
    /// Half of that parameter of a route that is set, down to one row.
    #[must_use]
    pub fn of(parameter: &str) -> Self {
        Self {
            parameter: parameter.into(),
            at_least: 1,
        }
    }

    /// Does not go below that many rows.
    #[must_use]
    pub const fn at_least(mut self, rows: u64) -> Self {
        self.at_least = rows;
        self
    }

    fn half(&self, ask: &Ask) -> Option<String> {
        let asked: u64 = ask.value(&self.parameter)?.parse().ok()?;
        let half = asked / 2;
        (half >= self.at_least.max(1)).then(|| half.to_string())
    }
}

impl Strategy for ReduceRequest {
    fn id(&self) -> StrategyId {
        StrategyId::REDUCE_REQUEST_SIZE
    }

    fn is_beside(&self) -> bool {
        true
    }

    fn offer(&self, ask: &Ask, failed: &[Fault]) -> Result<Offer, Refusal> {
        Reach::Object.helps(failed)?;
        let by_its_size = failed.first().is_some_and(|first| {
            matches!(
                first.class,
                FaultClass::Timeout | FaultClass::ServerError | FaultClass::MalformedBody
            )
        });
        if !by_its_size {
            return Err(Refusal::NotForThisFault);
        }
        let half = self.half(ask);
        half.map_or(Err(Refusal::NothingToAsk), |_| {
            Ok(Offer::now(Fidelity::Reduced))
        })
    }

    fn asks(&self, ask: &Ask) -> Vec<Ask> {
        let there = self
            .half(ask)
            .and_then(|half| ask.with_value(&self.parameter, &half));
        there.into_iter().collect()
    }

    fn run<'a>(
        &'a self,
        ask: &'a Ask,
        to: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(async move {
            let nothing = Miss::Refused(Refusal::NothingToAsk);
            let Some(half) = self.half(ask) else {
                return Err(nothing);
            };
            let there = ask.with_value(&self.parameter, &half).ok_or(nothing)?;
            let response = to.attempt(&there).await?;
            let fewer = Instead::at(&there.uri).called(format!("at most {half} rows"));
            Ok(Answer::new(response, Fidelity::Reduced).instead(fewer))
        })
    }
}
