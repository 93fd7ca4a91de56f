//! What whoever stands before the healing layer found out about a request, so that it is found out once.

use std::sync::Arc;

use http::{HeaderMap, Uri};

use crate::{
    flights::Flight,
    kept::{Address, Kept, caller, copy::Copy, memory::Memory},
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
    /// What is remembered of that URL for whoever asks.
    pub(crate) fn of(kept: &Kept, uri: &Uri, headers: &HeaderMap) -> Self {
        let caller = caller::digest(headers);
        let address = kept.address(uri, headers, caller.as_ref());
        Self {
            address,
            caller,
            memory: kept.find(address.key),
            here: None,
            renews: None,
            held: Held::Nothing,
            flight: None,
            for_nobody: false,
        }
    }
}
