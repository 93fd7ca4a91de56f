//! A shorter span in place of one that a plan lacks, as a layer of its own.

use tower_layer::Layer;

use crate::{
    layers::heal::{Heal, HealLayer},
    settings::SettingsError,
    strategies::shorter::ShorterRange,
    strategy_layers::for_route,
    vocabulary::{fidelity::Fidelity, pattern::Pattern, source::Source},
};

/// Asks for the later part of a route's span, and does nothing else. The floor is reduced.
///
/// ```
/// use healing_core::{Clock, Pattern, ShorterRange, ShorterRangeLayer, Source};
/// let days = Pattern::of("/v2/aggs/ticker/{ticker}/range/1/day/{from}/{to}".parse()?);
/// let shorter = ShorterRange::of("from", "to", Clock::started_now());
/// let layer = ShorterRangeLayer::new(Source::new("polygon_io")?, days, shorter)?;
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ShorterRangeLayer(HealLayer);

layer!(ShorterRangeLayer);

// === impl ShorterRangeLayer ===

impl ShorterRangeLayer {
    /// Gives a shorter span where that route of that source refuses.
    ///
    /// # Errors
    /// When the pattern cannot be a route.
    pub fn new(
        source: Source,
        pattern: Pattern,
        shorter: ShorterRange,
    ) -> Result<Self, SettingsError> {
        for_route((source, pattern), shorter, Fidelity::Reduced).map(Self)
    }
}
