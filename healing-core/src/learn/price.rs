//! What the remaining calls of a quota are worth.

/// A histogram with less than this in it prices nothing.
const ENOUGH: f64 = 8.0;

/// What is to be expected of a quota.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// The probability that it is spent before it is filled again.
    pub exhausted: f64,
    /// When it is spent at the present rate, in seconds; infinite where nothing is asked.
    pub spent_in: f64,
    /// The share of requests that can be admitted so that it probably lasts.
    pub admitted: f64,
}

/// What is to be expected of a quota of which `calls` are left for `seconds`, at `rate` requests a second, which spread
/// `dispersion` times as much as chance would have it.
///
/// ```
/// use healing_core::learn::forecast;
/// let day = forecast(25.0, 86_400.0, 0.01, 1.5);
/// assert!(day.exhausted > 0.99 && day.spent_in == 2_500.0 && day.admitted < 0.05);
/// ```
#[must_use]
pub fn forecast(calls: f64, seconds: f64, rate: f64, dispersion: f64) -> Forecast {
    let expected = rate * seconds;
    let spread = (dispersion * expected).sqrt();
    let margin = (calls - expected) / (dispersion * expected).max(1e-12).sqrt();
    Forecast {
        exhausted: 0.5 * libm::erfc(margin / std::f64::consts::SQRT_2),
        spent_in: if rate > 0.0 {
            calls / rate
        } else {
            f64::INFINITY
        },
        admitted: (calls / (expected + 1.645 * spread)).min(1.0),
    }
}

/// The price at which just that share of requests gets a call: a quantile of what calls have been worth.
///
/// `worth` counts requests by what a call gained them, in bins of that width. `chance`, from 0 to 1, breaks ties within the
/// bin at the margin: without it requests of equal worth would all be served or all refused.
///
/// ```
/// use healing_core::learn::quantile_price;
/// let worth = [0.0, 10.0, 0.0, 10.0]; // half of the requests gain 3 bins' worth, half gain 1
/// assert_eq!(quantile_price(&worth, 0.1, 0.5, 0.0), 0.1 * 3.0);
/// assert_eq!(quantile_price(&worth, 0.1, 1.0, 0.0), 0.0);
/// ```
#[must_use]
pub fn quantile_price(worth: &[f64], width: f64, share: f64, chance: f64) -> f64 {
    let all: f64 = worth.iter().sum();
    if share >= 1.0 || all < ENOUGH {
        return 0.0;
    }
    let admitted = share * all;
    let (mut above, mut bin) = (0.0, worth.len().saturating_sub(1));
    let at = |bin: usize| worth.get(bin).copied().unwrap_or_default();
    while bin > 0 && above + at(bin) < admitted {
        above += at(bin);
        bin -= 1;
    }
    let of_bin = (admitted - above) / at(bin).max(1e-9);
    let edge = if chance < of_bin { bin } else { bin + 1 };
    f64::from(u32::try_from(edge).unwrap_or(u32::MAX)) * width
}
