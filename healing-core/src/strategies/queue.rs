//! Wait for the next call that is permitted, and make it.
//!
//! Only where that comes in time: before the deadline where something is in hand, before the timeout where nothing is. A
//! caller who would wait for nothing is told so at once.

use futures_util::future::BoxFuture;

use crate::{
    attempt::{Answer, Ask, Attempts, Miss, Offer, Refusal, Strategy},
    vocabulary::{
        fault::{Fault, FaultClass},
        fidelity::Fidelity,
        provenance::StrategyId,
    },
};

/// `request_queuing`: the same request when its turn comes. The answer is exact: it is the source's own.
///
/// Where the source has quotas or keys ([`SourceSettings`](crate::SourceSettings)), its callers stand in one line, first come
/// first served and at most 256; who goes away gives its place back. Where nothing is set for a source, the time that it
/// named itself is waited for.
///
/// ```
/// use healing_core::{Queue, Strategy, StrategyId};
/// assert_eq!(Queue.id(), StrategyId::REQUEST_QUEUING);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Queue;

impl Strategy for Queue {
    fn id(&self) -> StrategyId {
        StrategyId::REQUEST_QUEUING
    }

    fn offer(&self, ask: &Ask, failed: &[Fault]) -> Result<Offer, Refusal> {
        let last = failed.last().ok_or(Refusal::NotForThisFault)?;
        if !matches!(
            last.class,
            FaultClass::RateLimit | FaultClass::QuotaExceeded
        ) {
            return Err(Refusal::NotForThisFault);
        }
        if ask.share.is_some() {
            return Ok(Offer::now(Fidelity::Exact)); // the line knows how long
        }
        let named = failed.iter().filter_map(|fault| fault.wait).max();
        let delay = named.ok_or(Refusal::NotForThisFault)?;
        Ok(Offer {
            fidelity: Fidelity::Exact,
            delay,
        })
    }

    fn asks(&self, ask: &Ask) -> Vec<Ask> {
        vec![ask.clone()]
    }

    fn run<'a>(
        &'a self,
        ask: &'a Ask,
        to: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(async move {
            let response = to.attempt_in_turn(ask).await?;
            Ok(Answer::new(response, Fidelity::Exact))
        })
    }
}
