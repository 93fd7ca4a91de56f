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
use tokio::time::Instant;
use tower_service::Service;

use crate::{
    attempt::TransportError,
    body::{Body, BoxError},
    layers::heal::{call::Place, scene::Scene},
    outage::Rest,
    overload::Boards,
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
    /// Permission for a call now.
    ///
    /// # Errors
    /// With why not, and for how long, where that is known.
    pub(crate) fn pass(&self, errand: Errand, now: Instant) -> Result<Pass, Fault> {
        let whose = match errand {
            Errand::Caller if !self.for_nobody => Boards::First,
            Errand::Caller | Errand::Extra => Boards::Extra,
            Errand::InTurn => Boards::InTurn,
            Errand::Regardless => Boards::Regardless,
        };
        self.pass_for(whose, errand, now)
    }

    /// The same, for a call that may be one more to its host though it is its caller's to the source.
    ///
    /// # Errors
    /// With why not, and for how long, where that is known.
    pub(super) fn pass_for(
        &self,
        whose: Boards,
        errand: Errand,
        now: Instant,
    ) -> Result<Pass, Fault> {
        self.boards(self.leave(errand, now)?, whose)
    }

    /// The leave of the source for a call now.
    ///
    /// # Errors
    /// With why not, and for how long.
    pub(super) fn leave(&self, errand: Errand, now: Instant) -> Result<Pass, Fault> {
        let Some(share) = &self.ask.share else {
            return Ok(Pass::free());
        };
        share.pass(errand, now).inspect_err(|fault| {
            let by_rate = &self.house.rails.held_back_by_rate;
            by_rate.fetch_add(fault.is_own_rate().into(), Relaxed);
        })
    }

    /// That permission, with a place among the calls to the host.
    ///
    /// # Errors
    /// Where there is no room.
    pub(super) fn boards(&self, pass: Pass, whose: Boards) -> Result<Pass, Fault> {
        let whose = if self.treatment.rests {
            whose
        } else {
            Boards::Regardless
        };
        let Some(aboard) = self.host.board(whose) else {
            self.house.rails.held_back_by_load.fetch_add(1, Relaxed);
            return Err(Fault::own_load());
        };
        Ok(pass.on(aboard))
    }

    /// Permission for a caller with nothing else: in its turn, where that comes before the deadline, else at once.
    async fn at_last(&self) -> Result<Pass, Fault> {
        let (rails, until) = (&self.house.rails, self.ask.deadline);
        let in_turn = match self.ask.share.as_ref().map(Arc::clone) {
            Some(share) => share.in_turn(until).await.ok(),
            None => Some(Pass::free()),
        };
        let pass = if let Some(pass) = in_turn {
            pass
        } else {
            let now = self.house.clock.now();
            let pass = self.leave(Errand::Regardless, now)?;
            rails.sent_over_rate.fetch_add(1, Relaxed);
            pass
        };
        if let Some(aboard) = self.host.in_turn(until).await {
            return Ok(pass.on(aboard));
        }
        rails.sent_over_load.fetch_add(1, Relaxed);
        self.boards(pass, Boards::Regardless)
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
        let has_else = self.in_hand.is_some() || self.place.for_nobody;
        // Room comes soon, and then the answer is exact.
        let waits_first = fault.is_own_load() && !has_else;
        if !waits_first && self.heal_unasked(fault.clone()).await {
            return None;
        }
        if has_else || fault.is_own_quota() || !fault.is_held_back() {
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
        if !self.is_awaited() {
            return None; // it went away while it waited
        }
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
