//! Ask another address of the source for the same.
//!
//! Sources have several addresses for one thing (Yahoo's query1 and query2, api.polygon.io and api.massive.com), and an API
//! of one's own may stand on two machines. The answer is what was asked for: exact, and kept as a copy of it. Each address
//! has its own outage memory, so one that is down is not asked again and again. Limits and walls are those of the caller,
//! not of the address: against them this does nothing.

use futures_util::future::BoxFuture;
use http::Uri;

use crate::{
    attempt::{Answer, Ask, Attempts, Miss, Offer, Refusal, Strategy},
    strategies::reach::Reach,
    vocabulary::{fault::Fault, fidelity::Fidelity, provenance::StrategyId},
};

/// `alternate_endpoint`: the same path and query at the source's other addresses, in their order, until one answers.
///
/// ```
/// use healing_core::{AlternateEndpoint, Strategy, StrategyId};
/// let yahoo = AlternateEndpoint::at(["https://query2.finance.yahoo.com".parse()?]);
/// assert_eq!(yahoo.id(), StrategyId::ALTERNATE_ENDPOINT);
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[derive(Clone, Debug)]
pub struct AlternateEndpoint {
    addresses: Vec<Uri>,
}

// === impl AlternateEndpoint ===

impl AlternateEndpoint {
    /// Asks there. An address is scheme and authority (`https://query2.finance.yahoo.com`), a path that comes before the
    /// asked one (`/mirror`), or both. That which was asked may be among them, and is left out.
    #[must_use]
    pub fn at(addresses: impl IntoIterator<Item = Uri>) -> Self {
        Self {
            addresses: addresses.into_iter().collect(),
        }
    }

    fn others(&self, ask: &Ask) -> impl Iterator<Item = Ask> {
        self.addresses.iter().filter_map(|address| ask.at(address))
    }
}

impl Strategy for AlternateEndpoint {
    fn id(&self) -> StrategyId {
        StrategyId::ALTERNATE_ENDPOINT
    }

    fn is_beside(&self) -> bool {
        true
    }

    fn offer(&self, ask: &Ask, failed: &[Fault]) -> Result<Offer, Refusal> {
        Reach::Address.helps(failed)?;
        let another = self.others(ask).next();
        another.map_or(Err(Refusal::NothingToAsk), |_| {
            Ok(Offer::now(Fidelity::Exact))
        })
    }

    fn asks(&self, ask: &Ask) -> Vec<Ask> {
        self.others(ask).collect()
    }

    fn run<'a>(
        &'a self,
        ask: &'a Ask,
        to: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(async move {
            let mut missed = Miss::Refused(Refusal::NothingToAsk);
            for there in self.others(ask) {
                match to.attempt(&there).await {
                    Ok(response) => return Ok(Answer::new(response, Fidelity::Exact)),
                    Err(miss) => missed = miss,
                }
            }
            Err(missed)
        })
    }
}
