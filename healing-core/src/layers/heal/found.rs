//! What whoever stands before the healing layer found out about a request, so that it is found out once.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Uri};

use crate::{
    beyond::Lease,
    flights::Flight,
    kept::{Address, Kept, caller, copy::Copy, memory::Memory, title::Title},
    registry::Whereabouts,
};

/// What is known of a request before it is asked.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) address: Address,
    /// Who asks, where the request tells.
    pub(crate) caller: Option<[u8; 32]>,
    pub(crate) memory: Option<Arc<Memory>>,
    /// Where it belongs, if that was looked up.
    pub(crate) here: Option<Whereabouts>,
    /// What the URL is called, if that was made up.
    pub(crate) title: Option<Arc<Title>>,
    /// How long the request has waited for others already.
    pub(crate) waited: Duration,
    /// The copy that the upstream is asked about: whether it is still what it was.
    pub(crate) renews: Option<Arc<Copy>>,
    pub(crate) held: Held,
    /// Those who wait for the same answer.
    pub(crate) flight: Option<Flight>,
    /// Whether it is asked for the copy alone, and no caller waits.
    pub(crate) for_nobody: bool,
}

/// What the cache has of what is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Held {
    Nothing,
    /// A copy that is not fresh.
    Stale,
    /// A copy that the caller does not take.
    Refused,
}

// === impl Found ===

impl Found {
    /// With the right to be the only one who asks, where it has that.
    pub(crate) fn holds(&mut self, lease: Option<Lease>) {
        if let Some(lease) = lease {
            self.flight = self.flight.take().map(|flight| flight.holding(lease));
        }
    }

    /// What is remembered of that URL for whoever asks.
    pub(crate) fn of(kept: &Kept, uri: &Uri, headers: &HeaderMap) -> Self {
        let caller = caller::digest(headers);
        let address = kept.address(uri, headers, caller.as_ref());
        Self {
            address,
            caller,
            memory: kept.find(address.key),
            here: None,
            title: None,
            waited: Duration::ZERO,
            renews: None,
            held: Held::Nothing,
            flight: None,
            for_nobody: false,
        }
    }
}
