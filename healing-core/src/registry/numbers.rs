//! The numbers under which the learner knows sources, addresses and routes, also those that have had no request yet.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, atomic::Ordering::Relaxed},
};

use tokio::time::Instant;

use crate::{
    learner::names::{Name, Names},
    lock::lock,
    outage::{Gate, Guards, next_number},
    registry::Registry,
    vocabulary::route::Route,
};

/// Things that an earlier process knew and that have had no request yet. Of any further one nothing is recalled.
const MAX_RESERVED: usize = 20_000;

/// The numbers of what an earlier process knew.
#[derive(Debug, Default)]
pub(crate) struct Reserved(Mutex<HashMap<Name, u32>>);

// === impl Registry ===

impl Registry {
    /// What the numbers mean.
    pub(crate) fn names(&self) -> Names {
        let named = self.numbers().into_iter();
        named.map(|(name, number)| (number, name)).collect()
    }

    /// The numbers by name, those of what has had no request yet among them.
    pub(crate) fn numbers(&self) -> HashMap<Name, u32> {
        let mut all = lock(&self.reserved.0).clone();
        let mut hosts = HashMap::new();
        for (authority, site) in self.sites.load().iter() {
            hosts.insert(site.gate.number(), authority.clone());
            all.insert(Name::Host(authority.clone()), site.gate.number());
        }
        for (source, state) in lock(&self.sources).iter() {
            all.insert(Name::Source(source.clone()), state.number());
        }
        for state in self.all_routes() {
            let host = hosts.get(&state.upstream.number()).cloned();
            let name = Name::Route(state.route.clone(), host.unwrap_or_default());
            all.insert(name, state.gate.number());
        }
        all
    }

    /// The number of something that an earlier process knew, for when it begins; `None` where there is no room.
    pub(crate) fn reserve(&self, name: &Name) -> Option<u32> {
        let mut reserved = lock(&self.reserved.0);
        if let Some(number) = reserved.get(name) {
            return Some(*number);
        }
        if reserved.len() >= MAX_RESERVED {
            return None;
        }
        let number = next_number();
        reserved.insert(name.clone(), number);
        Some(number)
    }

    /// Something of these sources is suspect.
    pub(crate) fn suspects(&self, numbers: &[u32]) {
        for state in lock(&self.sources).values() {
            if numbers.contains(&state.number()) {
                state.suspect.store(true, Relaxed);
            }
        }
    }

    /// The number that is kept for something that begins.
    pub(super) fn reserved(&self, name: &Name) -> Option<u32> {
        lock(&self.reserved.0).get(name).copied()
    }

    /// The gate of a route that begins at an address.
    pub(super) fn gate_of_route(&self, route: &Route, authority: &str, now: Instant) -> Arc<Gate> {
        let number = self.reserved(&Name::Route(route.clone(), authority.into()));
        Arc::new(Gate::numbered(Guards::Many, number, now))
    }
}
