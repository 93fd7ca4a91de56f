//! What would be tried for a request if it failed now, without asking anybody.

use std::sync::Arc;

use http::Request;

use crate::{
    attempt::Ask,
    healer::House,
    layers::heal::{
        HealLayer,
        call::Place,
        found::Found,
        outlook::{Outlook, Situation},
    },
    learner::{
        decision::{Considered, Foresight},
        orders::{Compared, OrderError},
    },
    vocabulary::{
        fault::{Fault, FaultClass},
        fidelity::{Fidelity, Floor},
    },
};

// === impl HealLayer ===

impl HealLayer {
    /// What would be tried if that request failed with that class now. Nobody is asked.
    ///
    /// ```
    /// use healing_core::{FaultClass, HealLayer, Healer};
    /// let layer = HealLayer::new(Healer::builder().build());
    /// let request = http::Request::get("http://api.test/prices").body(())?;
    /// let foresight = layer.foresee(&request, FaultClass::ServerError);
    /// assert_eq!(foresight.considered.len(), 1); // the retry
    /// # Ok::<(), http::Error>(())
    /// ```
    #[must_use]
    pub fn foresee<B>(&self, request: &Request<B>, class: FaultClass) -> Foresight {
        let house = &self.healer.house;
        let now = house.clock.now();
        let place = place(house, request);
        let copy = place.in_hand(now);
        let faults = [Fault::new(class, "foreseen")];
        let floor = place.ask.floor.fidelity;
        let outlook = place.outlook(&Situation {
            now,
            faults: &faults,
            floor: if copy.is_some() {
                floor.min(Fidelity::Stale)
            } else {
                floor
            },
            in_hand: copy.as_ref().map(|copy| copy.age(now, &house.clock)),
            tried: &[],
            lets: |_| true,
            draws: false,
        });
        let route = place.ask.route.clone();
        Foresight {
            latest: house.learner.decisions.latest_at(&route),
            route,
            class,
            resting: place.gates.resting(now),
            floor,
            no_copy: place.no_copy(copy.as_deref(), now),
            in_hand: copy.map(|copy| copy.age(now, &house.clock)),
            considered: considered(outlook),
        }
    }

    /// What it would gain at the route of that request if its strategies stood in that order: those that are named first,
    /// the others after them as they stand. Nothing changes. See [`Compared`] for an example.
    ///
    /// # Errors
    /// When the order names what the route does not have, or one twice.
    pub fn compare<B>(&self, request: &Request<B>, order: &[&str]) -> Result<Compared, OrderError> {
        let house = &self.healer.house;
        let here = house.registry.find(request.uri());
        let of = (&here.route.route, &house.learner.episodes);
        Compared::of(of, &here.treatment.strategies, order)
    }
}

/// The place of a request that nobody makes.
fn place<B>(house: &Arc<House>, request: &Request<B>) -> Place {
    let now = house.clock.now();
    let (uri, headers) = (request.uri(), request.headers());
    let here = house.registry.find(uri);
    let found = Found::of(&house.kept, uri, headers);
    let ask = Ask {
        id: house.clock.id(now),
        route: here.route.route.clone(),
        pattern: here.route.pattern.load_full(),
        share: None, // its place finds out
        until: now + here.treatment.deadline,
        is_the_same: false,
        is_upkeep: false,
        extensions: http::Extensions::new(),
        method: request.method().clone(),
        uri: uri.clone(),
        headers: headers.clone(),
        floor: Floor::of(here.treatment.floor),
        deadline: now + here.treatment.deadline,
        version: request.version(),
        body: bytes::Bytes::new(),
    };
    Place::of(Arc::clone(house), ask, here, found)
}

/// What would be tried first stands first.
fn considered(outlook: Outlook) -> Vec<Considered> {
    let turn = |n: usize| outlook.order.iter().position(|choice| choice.n == n);
    let mut seen = outlook.seen;
    seen.sort_by_key(|(n, _)| turn(*n).unwrap_or(usize::MAX));
    seen.into_iter().map(|(_, own)| own).collect()
}
