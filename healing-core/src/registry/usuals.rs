//! What the answers of each route look like: read on the request path, changed only by a URL's first good answer.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use arc_swap::ArcSwapOption;

use crate::{
    classify::{
        cadence::Cadence,
        shape::Shape,
        usual::{Learned, Usual},
    },
    lock::lock,
    registry::{Registry, RouteState},
    vocabulary::{observation::RouteShape, route::Route},
};

/// Routes that are remembered from an earlier process, waiting for their first request.
const MAX_REMEMBERED: usize = 10_000;

/// What the answers of one route look like.
#[derive(Debug, Default)]
pub(crate) struct Usuals {
    known: ArcSwapOption<Usual>,
    /// One learns at a time.
    learning: Mutex<()>,
}

/// What an earlier process knew of routes that have had no request yet.
#[derive(Debug, Default)]
pub(crate) struct Remembered(Mutex<HashMap<Route, Known>>);

/// What the answers of a route look like, and how often those of its URLs move on.
type Known = (Usual, Vec<(u64, Cadence)>);

// === impl Registry ===

impl Registry {
    /// What the answers of every route look like, as it is written down.
    pub(crate) fn shapes(&self) -> Vec<RouteShape> {
        let written = |state: &RouteState| {
            Some(RouteShape {
                route: state.route.clone(),
                fingerprint: state.usuals.written(&state.cadences.all())?,
            })
        };
        self.all_routes()
            .iter()
            .filter_map(|state| written(state))
            .collect()
    }

    /// Takes what an earlier process wrote down. What does not parse is left out, with a message.
    pub(crate) fn recall(&self, shapes: Vec<RouteShape>) {
        let routes = self.all_routes();
        for RouteShape { route, fingerprint } in shapes {
            match Usual::read(&fingerprint) {
                Ok((usual, cadences)) => match routes.iter().find(|state| state.route == route) {
                    Some(state) => {
                        state.usuals.recall(usual);
                        state.cadences.recall(cadences);
                    }
                    None => self.remembered.put(route, (usual, cadences)),
                },
                Err(error) => {
                    tracing::warn!(%route, %error, "what was kept of a route's answers is set aside");
                }
            }
        }
    }
}

// === impl Usuals ===

impl Usuals {
    /// What is expected of an answer, where the route's answers are alike.
    pub(crate) fn expected(&self) -> Option<Arc<Usual>> {
        self.known.load_full().filter(|usual| usual.is_known())
    }

    /// A URL that was not good before gave a good answer.
    pub(crate) fn learn(&self, route: &Route, shape: &Shape) {
        let _one_at_a_time = lock(&self.learning);
        let known = self.known.load();
        match Usual::learn(known.as_deref(), shape) {
            Learned::More(usual) => self.known.store(Some(Arc::new(usual))),
            Learned::Changed(usual) => {
                tracing::info!(%route, "the answers of a route look otherwise from now on");
                self.known.store(Some(Arc::new(usual)));
            }
            Learned::Nothing => {}
        }
    }

    /// An earlier process knew that. What is known already is newer.
    pub(crate) fn recall(&self, usual: Usual) {
        let _one_at_a_time = lock(&self.learning);
        if self.known.load().is_none() {
            self.known.store(Some(Arc::new(usual)));
        }
    }

    /// What outlives the process.
    pub(crate) fn written(&self, cadences: &[(u64, Cadence)]) -> Option<String> {
        let known = self.known.load();
        known.as_ref().map(|usual| usual.written(cadences))
    }
}

// === impl Remembered ===

impl Remembered {
    /// Keeps what was known of a route. Beyond the bound nothing is.
    pub(crate) fn put(&self, route: Route, known: Known) {
        let mut routes = lock(&self.0);
        if routes.len() < MAX_REMEMBERED {
            routes.insert(route, known);
        }
    }

    /// What was known of a route that begins.
    pub(crate) fn take(&self, route: &Route) -> Option<Known> {
        lock(&self.0).remove(route)
    }
}
