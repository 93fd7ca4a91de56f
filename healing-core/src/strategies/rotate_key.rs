//! Ask again with another key, where the one that went with the request was turned away.
//!
//! For keys that one holds by right: several plans, a key for each department, an old key beside its successor. Collecting
//! free keys to get around a limit breaks the terms of most sources, and no key is ever added by this crate.

use futures_util::future::BoxFuture;

use crate::{
    attempt::{Answer, Ask, Attempts, Miss, Offer, Refusal, Strategy},
    pace::may_be_of_a_key,
    vocabulary::{fault::Fault, fidelity::Fidelity, provenance::StrategyId},
};

/// `api_key_rotation`: the same request with the next key that does not rest. The answer is exact: it is the source's own.
///
/// It acts only where a key of [`Keys`](crate::Keys) went with the request; a caller's own key is the caller's to mend.
///
/// ```
/// use healing_core::{RotateKey, Strategy, StrategyId};
/// assert_eq!(RotateKey.id(), StrategyId::API_KEY_ROTATION);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RotateKey;

impl Strategy for RotateKey {
    fn id(&self) -> StrategyId {
        StrategyId::API_KEY_ROTATION
    }

    fn offer(&self, ask: &Ask, failed: &[Fault]) -> Result<Offer, Refusal> {
        let of_a_key = failed.iter().rev().find(|fault| !fault.is_resting());
        if of_a_key.is_some_and(may_be_of_a_key) && has_spare_key(ask) {
            Ok(Offer::now(Fidelity::Exact))
        } else {
            Err(Refusal::NotForThisFault)
        }
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
            // Ends: every key that is turned away is one fewer to spare, and every call is paid for.
            loop {
                match to.attempt(ask).await {
                    Ok(response) => return Ok(Answer::new(response, Fidelity::Exact)),
                    Err(Miss::Fault(fault)) if may_be_of_a_key(&fault) && has_spare_key(ask) => {}
                    Err(miss) => return Err(miss),
                }
            }
        })
    }
}

fn has_spare_key(ask: &Ask) -> bool {
    ask.share
        .as_ref()
        .is_some_and(|share| share.has_spare_key())
}
