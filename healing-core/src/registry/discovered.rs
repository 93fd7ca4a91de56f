//! Routes that were found in the traffic: whose they are, and whose they become when a source claims their paths later.

use std::sync::Arc;

use http::Uri;

use super::{Registry, RouteState, Site};
use crate::{
    discover,
    vocabulary::{route::Route, source::Source},
};

// === impl Registry ===

impl Registry {
    pub(super) fn discovered(&self, site: &Site, authority: &str, uri: &Uri) -> Arc<RouteState> {
        site.routes.route(uri, |template| {
            let source = self.source_at(authority, uri.path());
            self.begin_discovered(Route::new(source, template), (authority, uri.path()), site)
        })
    }

    fn begin_discovered(
        &self,
        route: Route,
        (authority, path): (&str, &str),
        site: &Site,
    ) -> Arc<RouteState> {
        let mut state = self.begin_route(route, authority, &site.gate);
        state.found_at = Some((authority.into(), path.into()));
        Arc::new(state)
    }

    /// Whose a path is for which no route is set.
    fn source_at(&self, authority: &str, path: &str) -> Source {
        let claimed = || self.configured.load().claimed(authority, path);
        match self.only.clone().or_else(claimed) {
            Some(source) => source,
            None if authority.is_empty() => discover::source_of(path),
            None => Source::slug_of(host_of(authority)),
        }
    }

    /// Routes that were discovered begin anew where their paths are another source's by now.
    pub(super) fn reclaim(&self, site: &Site) {
        site.routes.replace(|state| {
            let (authority, path) = state.found_at.as_ref()?;
            let source = self.source_at(authority, path);
            (*state.route.source() != source).then(|| {
                let route = Route::new(source, state.route.template());
                self.begin_discovered(route, (authority, path), site)
            })
        });
    }
}

/// The host of an authority, without its port.
pub(super) fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        Some(_) | None => authority,
    }
}
