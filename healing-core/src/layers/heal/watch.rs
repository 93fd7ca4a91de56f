//! Only watching: every answer is judged, counted and kept as ever, and the caller gets just what the upstream says, when it
//! says it. What healing would have done is told in one field of timing.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use tower_service::Service;

use crate::{
    attempt::TransportError,
    body::{Body, BoxError},
    layers::heal::{
        call::{Bad, Underway},
        outlook::Situation,
        scene::Scene,
    },
    pace::{Pass, Share},
    quota::Errand,
    vocabulary::{fault::Fault, provenance::Observed},
};

impl<S, R> Scene<S, S::Error>
where
    S: Service<http::Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: TransportError + Send + 'static,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    /// Asks once, for as long as it takes, and gives what comes.
    pub(crate) async fn watch(&mut self) {
        self.observed = Observed::Nothing;
        self.attempts = 1;
        // Before the answer comes: the same answer once more makes the copy young.
        let clock = &self.place.house.clock;
        let in_hand = self.in_hand.as_ref();
        let in_hand = in_hand.map(|copy| copy.age(self.arrived, clock));
        let resting = self.place.gates.resting(self.arrived);
        let pass = self.place.leave(Errand::Regardless, self.arrived);
        // What our own count would hold back is sent all the same.
        let share = self.place.ask.share.as_ref();
        let mut pass = pass.unwrap_or_else(|_| share.map_or_else(Pass::free, Share::uncounted));
        let request = pass.dress(self.place.ask.request());
        let answer = self.inner.call(request);
        let underway = Underway {
            sent_at: self.arrived,
            pass,
        };
        let place = &self.place;
        let called = place.call(&place.ask, answer, underway).await;
        self.response_time = self.waited();
        let treatment = &self.place.treatment;
        match called {
            Ok(good) => {
                if let Some(class) = resting {
                    self.observed = self.would(&[Fault::resting(class)], in_hand);
                } else if in_hand.is_some() && self.response_time > treatment.deadline {
                    self.observed = self.would(&[], in_hand);
                } else if self.response_time > treatment.timeout {
                    self.observed = Observed::Would("a timeout".into());
                }
                self.exact(good);
            }
            Err(Bad { fault, last }) => {
                self.observed = self.would(std::slice::from_ref(&fault), in_hand);
                self.in_hand = None;
                self.exhausted(fault, last);
            }
        }
    }

    /// What would be tried after these faults, in that order; the rest of the sentence is what is in hand.
    fn would(&self, faults: &[Fault], in_hand: Option<Duration>) -> Observed {
        let place = &self.place;
        let outlook = place.outlook(&Situation {
            now: place.house.clock.now(),
            faults,
            floor: place.ask.floor.fidelity,
            in_hand,
            tried: &[],
            lets: |_| true,
            draws: false,
        });
        let offers = outlook.order.iter().filter_map(|choice| {
            let strategy = place.treatment.strategies.get(choice.n)?;
            Some(format!("{} ({})", strategy.id(), choice.offer.fidelity))
        });
        let copy = in_hand.map(|age| format!("cached copy (age {}s)", age.as_secs()));
        let steps: Vec<String> = offers.chain(copy).collect();
        Observed::Would(if steps.is_empty() {
            "nothing".into()
        } else {
            steps.join(", else ").into()
        })
    }
}
