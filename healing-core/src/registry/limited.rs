//! What a request may use of its source's pace, with what its route's refusals have taught.

use std::sync::Arc;

use http::{HeaderMap, Uri};
use tokio::time::Instant;

use crate::{pace::Share, registry::Whereabouts};

impl Whereabouts {
    /// The share of a request like that; `caller` is a digest of the credentials that it came with. `None` where nothing is
    /// counted: there are neither keys nor quotas, and nothing was refused lately.
    pub(crate) fn share(
        &self,
        (uri, headers): (&Uri, &HeaderMap),
        caller: Option<&[u8; 32]>,
        now: Instant,
    ) -> Option<Arc<Share>> {
        let (source, learned) = (&self.route.source, &self.route.learned);
        let pace = source.pace.load();
        if !self.treatment.rests || !learned.is_limited() {
            return pace.as_ref()?.share((uri, headers), caller, None);
        }
        let pace = pace.as_ref().map_or_else(|| learned.bare(), Arc::clone);
        let limits = if pace.has_key_for(uri, headers) {
            Some(learned.of_ours())
        } else {
            learned.of_caller(source.gate_of(caller, now).number())
        };
        pace.share((uri, headers), caller, limits)
    }
}
