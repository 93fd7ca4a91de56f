//! Ask another address while the first call is still under way.
//!
//! Most of a slow tail is chance: a pause of one machine, a lost packet, a full queue. A second call elsewhere, made once the
//! first has taken longer than it usually does, mostly comes back before it, at the cost of a call in a few out of a hundred
//! requests (Dean and Barroso 2013, *The Tail at Scale*, Communications of the ACM 56(2)). Nothing is cancelled to make it. It
//! is paid like a retry, as gRPC has it (proposal A6), so that a source that is slow because it is full is not made fuller.

use futures_util::future::BoxFuture;
use http::{StatusCode, Uri};

use crate::{
    attempt::{Answer, Ask, Attempts, Miss, Offer, Refusal, Strategy},
    strategies::alternate::AlternateEndpoint,
    vocabulary::{
        fault::{Fault, FaultClass},
        fidelity::Fidelity,
        provenance::StrategyId,
    },
};

/// `hedged_request`: the same path and query at the source's other addresses, beside a first call that takes long. Only for
/// requests without a body, and only while nothing says that the source is not to be asked.
///
/// ```
/// use healing_core::{HedgedRequest, Strategy, StrategyId};
/// let yahoo = HedgedRequest::at(["https://query2.finance.yahoo.com".parse()?]);
/// assert_eq!(yahoo.id(), StrategyId::HEDGED_REQUEST);
/// assert!(yahoo.hedges());
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[derive(Clone, Debug)]
pub struct HedgedRequest {
    others: AlternateEndpoint,
    same_address: bool,
}

// === impl HedgedRequest ===

impl HedgedRequest {
    /// Asks there. An address is scheme and authority (`https://query2.finance.yahoo.com`), a path that comes before the
    /// asked one (`/mirror`), or both. That which was asked may be among them, and is left out.
    #[must_use]
    pub fn at(addresses: impl IntoIterator<Item = Uri>) -> Self {
        Self {
            others: AlternateEndpoint::at(addresses),
            same_address: false,
        }
    }

    /// The same, and at last the asked address itself. For an address behind which are several machines: one machine that is
    /// slow is as slow to the second call.
    #[must_use]
    pub const fn or_the_same(mut self) -> Self {
        self.same_address = true;
        self
    }
}

impl Strategy for HedgedRequest {
    fn id(&self) -> StrategyId {
        StrategyId::HEDGED_REQUEST
    }

    fn hedges(&self) -> bool {
        true
    }

    fn offer(&self, _: &Ask, _: &[Fault]) -> Result<Offer, Refusal> {
        // What failed is not under way any more; `alternate_endpoint` is for that.
        Err(Refusal::NotForThisFault)
    }

    fn asks(&self, ask: &Ask) -> Vec<Ask> {
        let same = self.same_address.then(|| ask.again());
        self.others.asks(ask).into_iter().chain(same).collect()
    }

    fn run<'a>(
        &'a self,
        ask: &'a Ask,
        to: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(async move {
            let mut missed = Miss::Refused(Refusal::NothingToAsk);
            for there in self.asks(ask) {
                missed = match to.attempt(&there).await {
                    Ok(response) if is_what_was_asked(response.status()) => {
                        return Ok(Answer::new(response, Fidelity::Exact));
                    }
                    // The first call may find what this address does not have.
                    Ok(response) => Miss::Elsewhere(
                        Fault::new(FaultClass::NotFound, "nothing_there")
                            .with_status(response.status()),
                    ),
                    Err(miss) => miss,
                };
            }
            Err(missed)
        })
    }
}

/// An answer, or that the caller has it already.
fn is_what_was_asked(status: StatusCode) -> bool {
    status.is_success() || status == StatusCode::NOT_MODIFIED
}
