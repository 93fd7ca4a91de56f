//! A request that waits for the answer to another just like it.

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use tokio::{sync::watch::Receiver, time::timeout_at};
use tower_service::Service;

use crate::{
    attempt::TransportError,
    body::{Body, BoxError},
    flights::{FlightKey, Joined, Outcome, Word},
    kept::giving,
    layers::heal::{Heal, found::Found},
    vocabulary::provenance::Provenance,
};

/// One that waits, and what it needs to ask for itself after all.
pub(crate) struct Waiting<S> {
    pub(crate) heal: Heal<S>,
    pub(crate) found: Found,
    pub(crate) key: FlightKey,
    /// What of the whole answer the caller wants.
    pub(crate) less: HeaderMap,
}

/// What waiting came to.
enum Heard {
    Response(Response<Body>),
    /// The answer was not for others: this one asks for itself.
    Nothing,
    /// The one that led is gone.
    Gone,
}

// === impl Waiting ===

impl<S, R> Waiting<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: TransportError + Send + 'static,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    /// Waits for the other, and asks where that comes to nothing.
    pub(crate) async fn answer<B>(
        mut self,
        request: Request<B>,
        mut word: Receiver<Word>,
    ) -> Result<Response<Body>, S::Error>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let method = request.method().clone();
        let house = self.heal.house();
        let timeout = self.found.here.as_ref().map(|here| here.treatment.timeout);
        // The one that leads has come to an end by then, whatever happens.
        let until = house.clock.now() + timeout.unwrap_or_default() * 2;
        loop {
            let heard =
                match timeout_at(until, word.wait_for(|word| !matches!(word, Word::None))).await {
                    Ok(Ok(word)) => self.heard(&word, request.headers()),
                    Ok(Err(_)) => Heard::Gone,
                    Err(_) => Heard::Nothing,
                };
            match heard {
                Heard::Response(response) => {
                    return Ok(giving::tailor(response, &method, &self.less));
                }
                Heard::Nothing => break,
                Heard::Gone => match self.heal.house().flights.join(self.key) {
                    Joined::Waits(next) => word = next,
                    Joined::Leads(flight) => {
                        self.found.flight = Some(flight);
                        break;
                    }
                },
            }
        }
        let response = self.heal.ask(request, Some(self.found)).await?;
        Ok(giving::tailor(response, &method, &self.less))
    }

    fn heard(&self, word: &Word, asked: &HeaderMap) -> Heard {
        match word {
            Word::Came(outcome) if self.fits(outcome, asked) => {
                Heard::Response(self.copy_of(outcome))
            }
            Word::None | Word::Alone | Word::Came(_) => Heard::Nothing,
        }
    }

    fn fits(&self, outcome: &Outcome, asked: &HeaderMap) -> bool {
        let kept = &self.heal.house().kept;
        outcome.varies_by.is_some() && kept.varied(&outcome.headers, asked) == outcome.varies_by
    }

    fn copy_of(&self, outcome: &Outcome) -> Response<Body> {
        let house = self.heal.house();
        let now = house.clock.now();
        let (mut response, truth) = outcome.response(now);
        let truth = Provenance {
            id: house.clock.id(now),
            ..truth
        };
        if let Some(here) = &self.found.here {
            house.joined(&here.route, &truth);
        }
        response.extensions_mut().insert(truth);
        response
    }
}
