//! What becomes of a request whose first call is held back by our own count.
//!
//! A quota is known, so what it forbids is not sent. What was only learned is a guess: it may send a request to a copy, to
//! another source, or to wait for its turn, but it refuses nobody who has nothing else.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use tower_service::Service;

use crate::{
    attempt::TransportError,
    body::{Body, BoxError},
    layers::heal::{call::Place, scene::Scene},
    outage::Rest,
    pace::Pass,
    quota::Errand,
    vocabulary::fault::{Fault, FaultClass},
};

/// What a caller is told where the time was named to the URL, whose memory began after the request came.
const NAMED_ELSEWHERE: Rest = Rest {
    class: FaultClass::RateLimit,
    retry_in: Duration::from_secs(1),
    refuse: true,
};

// === impl Place ===

impl Place {
    /// Permission for a caller with nothing else: in its turn, where that comes before the deadline, else at once.
    async fn at_last(&self) -> Result<Pass, Fault> {
        if let Some(share) = self.ask.share.as_ref().map(Arc::clone)
            && let Ok(pass) = share.in_turn(self.ask.deadline).await
        {
            return Ok(pass);
        }
        self.house.rails.sent_over_rate.fetch_add(1, Relaxed);
        self.pass(Errand::Regardless, self.house.clock.now())
    }
}

// === impl Scene ===

impl<S, R> Scene<S, S::Error>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: TransportError + Send + 'static,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    /// Heals what is not asked. Returns permission for a call where it is asked after all.
    pub(super) async fn held_back(&mut self, fault: Fault) -> Option<Pass> {
        self.reach().await;
        if self.heal_unasked(fault.clone()).await {
            return None;
        }
        let has_else = self.in_hand.is_some() || self.place.for_nobody;
        if has_else || !fault.is_own_rate() {
            self.not_asked(fault);
            return None;
        }
        let pass = match self.place.at_last().await {
            Ok(pass) => pass,
            Err(fault) => {
                self.not_asked(fault);
                return None;
            }
        };
        let now = self.place.house.clock.now();
        if self.place.told_to_wait(&pass, now) {
            // Named by the source while this one waited: no guess, but a command.
            let told = self.place.gates.told_to_wait(now);
            self.refused(told.unwrap_or(NAMED_ELSEWHERE));
            return None;
        }
        Some(pass)
    }
}
