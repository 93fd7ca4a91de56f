//! Computing from two answers, as a layer of its own.

use tower_layer::Layer;

use crate::{
    layers::heal::{Heal, HealLayer},
    settings::SettingsError,
    strategies::compute::Compute,
    strategy_layers::for_route,
    vocabulary::{fidelity::Fidelity, pattern::Pattern, source::Source},
};

/// Computes a route's answer from two others, and does nothing else. The floor is equivalent, unless what is computed is
/// lower: then it is that.
///
/// ```
/// use healing_core::{Compute, ComputeLayer, Pattern, Source};
/// let observations = Pattern::of("/fred/series/observations".parse()?);
/// let layer = ComputeLayer::new(Source::new("fred_api")?, observations, Compute::fred_t10y2y()?)?;
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ComputeLayer(HealLayer);

layer!(ComputeLayer);

// === impl ComputeLayer ===

impl ComputeLayer {
    /// Computes where that route of that source fails.
    ///
    /// # Errors
    /// When the pattern cannot be a route.
    pub fn new(source: Source, pattern: Pattern, compute: Compute) -> Result<Self, SettingsError> {
        let floor = compute.fidelity().unwrap_or(Fidelity::Equivalent);
        for_route((source, pattern), compute, floor).map(Self)
    }
}
