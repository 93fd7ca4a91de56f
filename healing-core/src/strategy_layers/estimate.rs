//! An estimate by a fund, as a layer of its own.

use tower_layer::Layer;

use crate::{
    layers::heal::{Heal, HealLayer},
    settings::SettingsError,
    strategies::estimate::EtfEstimate,
    strategy_layers::for_route,
    vocabulary::{fidelity::Fidelity, pattern::Pattern, source::Source},
};

/// Estimates a route's last price by a fund, and does nothing else. The floor is an estimate. It keeps good answers, and gives
/// none of them.
///
/// ```
/// use healing_core::{Beta, EtfEstimate, EtfEstimateLayer, Pattern, Source};
/// let chart = Pattern::of("/v8/finance/chart/{symbol}".parse()?);
/// let estimate = EtfEstimate::of("symbol").share("AAPL", Beta::new("XLK", 1.12, 0.55)?);
/// let layer = EtfEstimateLayer::new(Source::new("yahoo_finance")?, chart, estimate)?;
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct EtfEstimateLayer(HealLayer);

layer!(EtfEstimateLayer);

// === impl EtfEstimateLayer ===

impl EtfEstimateLayer {
    /// Estimates where that route of that source fails.
    ///
    /// # Errors
    /// When the pattern cannot be a route.
    pub fn new(
        source: Source,
        pattern: Pattern,
        estimate: EtfEstimate,
    ) -> Result<Self, SettingsError> {
        for_route((source, pattern), estimate, Fidelity::Estimate).map(Self)
    }
}
