//! A request that nothing is kept for here: what others kept is looked for before its upstream is asked, and of those who would
//! ask one does.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, request::Parts};
use tower_service::Service;

use crate::{
    attempt::TransportError,
    beyond::{Claimed, Lease, Sought},
    body::{Body, BoxError},
    flights::Outcome,
    healer::House,
    kept::{giving, title::Title},
    layers::{
        cache::look::{Look, look},
        heal::{Heal, found::Found},
    },
    settings::Treatment,
    vocabulary::provenance::Provenance,
};

/// One that looks elsewhere, and what it needs to ask for itself.
pub(crate) struct Reaching<S> {
    pub(crate) heal: Heal<S>,
    pub(crate) found: Found,
    /// What of the whole answer the caller wants.
    pub(crate) less: HeaderMap,
}

/// What a look elsewhere came to.
enum Heard {
    /// Something newer than what was here, and the right to ask for what comes after it, where there is that.
    Copy(Option<Lease>),
    /// Nothing: this one asks, with the right to be the only one where it has that.
    Ask(Option<Lease>),
    /// Another one asks.
    AnOtherAsks,
}

/// For whom it is looked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Patience {
    /// Somebody who waits for what another one is about to get.
    Waits,
    /// Nobody.
    None,
}

/// How long a claim lasts, and others wait for it: half of what a caller waits before it is given what is in hand.
fn claimed_for(treatment: &Treatment) -> Duration {
    treatment.deadline / 2
}

// === impl Reaching ===

impl<S, R> Reaching<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: TransportError + Send + 'static,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    /// Looks, and asks where that comes to nothing.
    pub(crate) async fn answer<B>(mut self, request: Request<B>) -> Result<Response<Body>, S::Error>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (head, body) = request.into_parts();
        let method = head.method.clone();
        let house = Arc::clone(self.heal.house());
        let began = house.clock.now();
        let heard = heard(&house, &head, (&mut self.found, Patience::Waits)).await;
        let request = Request::from_parts(head, body);
        match heard {
            Heard::Copy(lease) => {
                if let Some(response) = self.given(&house, &request) {
                    return Ok(giving::tailor(response, &method, &self.less));
                }
                self.found.holds(lease);
            }
            Heard::Ask(lease) => self.found.holds(lease),
            Heard::AnOtherAsks => {} // for too long
        }
        self.found.waited = house.clock.now().saturating_duration_since(began);
        let response = self.heal.ask(request, Some(self.found)).await?;
        Ok(giving::tailor(response, &method, &self.less))
    }

    /// What was taken in, where it can be given to this caller; those who wait are given it, too.
    fn given<B: http_body::Body>(
        &mut self,
        house: &Arc<House>,
        request: &Request<B>,
    ) -> Option<Response<Body>> {
        match look(house, request) {
            Look::Has(response)
            | Look::HasWhileRevalidating(response, _)
            | Look::HasAndIsDue(response, _) => {
                if let Some(flight) = &self.found.flight {
                    let varies_by = house.kept.varied(response.headers(), request.headers());
                    let truth = response.extensions().get::<Provenance>();
                    let now = house.clock.now();
                    flight.came(
                        truth.and_then(|truth| Outcome::of(&response, truth, varies_by, now)),
                    );
                }
                Some(*response)
            }
            Look::Misses(missing) => {
                // There is something to ask about now, or to give if that fails.
                self.found = Found {
                    flight: self.found.flight.take(),
                    title: self.found.title.take(),
                    ..missing.found
                };
                None
            }
            Look::Past | Look::Changes(_) | Look::Nothing(_) => None,
        }
    }
}

/// Whether what is to be renewed was renewed by another one, or is about to be.
pub(crate) async fn is_elsewhere(house: &House, head: &Parts, found: &mut Found) -> bool {
    if house.beyond.is_none() {
        return false;
    }
    match heard(house, head, (found, Patience::None)).await {
        Heard::Copy(_) | Heard::AnOtherAsks => true,
        Heard::Ask(lease) => {
            found.holds(lease);
            false
        }
    }
}

async fn heard(house: &House, head: &Parts, (found, patience): (&mut Found, Patience)) -> Heard {
    let (Some(beyond), Some(here)) = (&house.beyond, &found.here) else {
        return Heard::Ask(None);
    };
    let url = found.address.url;
    let route = &here.route.route;
    let title: Title = house.kept.title(url, route, (&head.uri, &head.headers));
    let title = &*found.title.insert(Arc::new(title));
    let sought = Sought {
        kept: &house.kept,
        clock: &house.clock,
        title,
        address: found.address,
        request: &head.headers,
    };
    let lasts = claimed_for(&here.treatment);
    let last = found.renews.as_ref().map(|copy| &copy.headers);
    let mut lease = beyond.lease(sought, last, lasts);
    let until = house.clock.now() + lasts;
    let reached = beyond.reach(sought, Some(&lease)).await;
    match reached.claim {
        Claimed::Ours if reached.took => Heard::Copy(Some(lease)),
        Claimed::AnOthers | Claimed::Unknown if reached.took => {
            lease.forget();
            Heard::Copy(None)
        }
        Claimed::Ours => Heard::Ask(Some(lease)),
        Claimed::Unknown => Heard::Ask(None),
        Claimed::AnOthers => {
            let took = patience == Patience::Waits && beyond.wait(sought, &lease, until).await;
            lease.forget();
            if took {
                Heard::Copy(None)
            } else {
                Heard::AnOtherAsks
            }
        }
    }
}
