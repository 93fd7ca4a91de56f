//! A cache before a healing layer, for the tests of both.

use healing_core::{Background, Cache, CacheLayer, CacheUse, HealLayer, Healer};
use tower::Layer;

use crate::layers_support::{Got, Port, Upstream};

/// Caches and heals what the upstream gives.
pub(crate) fn cached(upstream: &Upstream) -> Cache<Port> {
    cached_by(upstream, Healer::builder().build())
}

pub(crate) fn cached_by(upstream: &Upstream, healer: Healer) -> Cache<Port> {
    CacheLayer::new().layer(HealLayer::new(healer).layer(upstream.port()))
}

/// The same, with somewhere for work to go on that no caller waits for.
pub(crate) fn cached_with_background(
    upstream: &Upstream,
    healer: Healer,
) -> (Cache<Port>, Background) {
    let background = Background::new(64);
    let heal = HealLayer::new(healer).background(background.clone());
    (
        CacheLayer::new().layer(heal.layer(upstream.port())),
        background,
    )
}

impl Got {
    /// Whether it was given without asking, as fresh.
    pub(crate) fn is_hit(&self) -> bool {
        matches!(self.truth.cache, CacheUse::Fresh { .. })
    }
}
