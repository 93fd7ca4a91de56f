//! Who is told of a call that came to its end: the key that it went with, the limit of its route, the gates, the learner.

use tokio::time::Instant;

use crate::{
    layers::heal::call::{Bad, Good, Place, Underway},
    outage::Heard,
    overload::Ended,
    pace::learned::Went,
};

// === impl Place ===

impl Place {
    /// Tells them. A refusal that a learned limit answers closes no gate: what was accepted lately shows that the source may be
    /// asked, only less often.
    pub(super) fn hears<E>(
        &self,
        called: &Result<Good, Bad<E>>,
        underway: &Underway,
        now: Instant,
    ) {
        let pass = &underway.pass;
        let gates = self.gates.with(pass);
        let heard = Heard {
            sent: underway.sent_at,
            at: now,
        };
        let went = Went {
            key: gates.key.number(),
            by_leave: pass.is_by_leave(),
            heard,
        };
        let (learned, fault) = (&self.route.learned, called.as_ref().err());
        if let Some(aboard) = pass.aboard() {
            let ended = Ended {
                took: now.saturating_duration_since(underway.sent_at),
                usual: &self.route.usual,
                fault: fault.map(|bad| &bad.fault),
            };
            aboard.ended(ended, now);
        }
        match called {
            Ok(good) => {
                pass.good(now);
                learned.accepts(went);
                gates.good(heard);
                self.learns_good(&good.response, &gates, now);
            }
            Err(Bad { fault, .. }) => {
                let is_limited = self.treatment.rests && learned.refuses(fault, went);
                pass.failed(fault, is_limited, now);
                if is_limited {
                    gates.upstream.good(heard);
                } else {
                    self.failed(&gates, fault, heard);
                }
                self.learns_of(fault, &self.needs(&gates), now);
            }
        }
    }
}
