//! Ask again, after a pause that doubles.
//!
//! The specification's pauses of 1, 2 and 4 seconds are longer than a caller waits; what a caller gets is the short form:
//! at most two more calls, 0.1 and 0.2 seconds apart with jitter, each paid from the budget. Only faults that may be over
//! the next moment are retried, and never before the time that the source named.

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::{
    attempt::{Answer, Ask, Attempts, Miss, Offer, Refusal, Strategy},
    vocabulary::{fault::Fault, fidelity::Fidelity, provenance::StrategyId},
};

/// `exponential_backoff_retry`: the same request again.
///
/// ```
/// use healing_core::{Retry, Strategy, StrategyId};
/// assert_eq!(Retry::default().id(), StrategyId::EXPONENTIAL_BACKOFF_RETRY);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Retry {
    /// Calls beyond the first.
    pub times: u32,
    /// The pause before the first of them; it doubles, and is spread by half either way.
    pub pause: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            times: 2,
            pause: Duration::from_millis(100),
        }
    }
}

// === impl Retry ===

impl Retry {
    fn pause_before(&self, n: u32, jitter: f64) -> Duration {
        let doubled = self
            .pause
            .saturating_mul(1_u32.checked_shl(n).unwrap_or(u32::MAX));
        doubled.mul_f64(0.5 + jitter).min(Duration::from_mins(1))
    }
}

impl Strategy for Retry {
    fn id(&self) -> StrategyId {
        StrategyId::EXPONENTIAL_BACKOFF_RETRY
    }

    fn offer(&self, ask: &Ask, failed: &[Fault]) -> Result<Offer, Refusal> {
        let last = failed.last().ok_or(Refusal::NotForThisFault)?;
        if self.times == 0 || last.is_resting() || !last.may_pass_at_once() {
            return Err(Refusal::NotForThisFault);
        }
        let asked_for = last.wait.unwrap_or_default();
        Ok(Offer {
            fidelity: Fidelity::Exact,
            delay: asked_for.max(self.pause_before(0, jitter(ask, 0))),
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
            let mut n = 1;
            loop {
                let miss = match to.attempt(ask).await {
                    Ok(response) => return Ok(Answer::new(response, Fidelity::Exact)),
                    Err(miss) => miss,
                };
                let goes_on = match &miss {
                    Miss::Fault(fault) => {
                        fault.may_pass_at_once() && fault.wait.is_none_or(|wait| wait.is_zero())
                    }
                    Miss::Elsewhere(_) | Miss::Refused(_) => false,
                };
                if !goes_on || n >= self.times {
                    return Err(miss);
                }
                tokio::time::sleep(self.pause_before(n, jitter(ask, n))).await;
                n += 1;
            }
        })
    }
}

/// A number from 0 to 1 that spreads requests and is the same whenever it is wanted for one of them: from the random bits of
/// its id.
fn jitter(ask: &Ask, n: u32) -> f64 {
    let [.., a, b, c, d] = ask.id.into_bytes();
    let bits = u32::from_be_bytes([a, b, c, d]);
    let spread = bits.rotate_left(n.wrapping_mul(13));
    f64::from(spread) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_pause_stays_within_half_and_one_and_a_half_of_its_doubling(n in 0_u32..8, jitter in 0.0_f64..1.0) {
            let pause = Retry::default().pause_before(n, jitter).as_secs_f64();
            let doubled = 0.1 * f64::from(1_u32 << n);
            proptest::prop_assert!(pause >= doubled * 0.499 && pause <= doubled * 1.501);
        }
    }

    #[test]
    fn no_number_of_tries_overflows() {
        assert!(Retry::default().pause_before(u32::MAX, 1.0) <= Duration::from_mins(1));
    }
}
