//! Prices as a function of seed, symbol and time.
//!
//! A walk is a sum of smooth noises of growing period whose height grows with the square root of the period, as a
//! random walk's does. Every value comes from hashes, so any moment can be computed without the moments before it, and
//! two sources that are asked for the same symbol at the same time agree.

const YEAR: f64 = 365.0 * 86_400_000.0;

/// From two seconds to four years, each four times the one before, in milliseconds.
fn periods() -> impl Iterator<Item = (u64, i64)> {
    (1..=14).zip(std::iter::successors(Some(2_000), |period| {
        Some(period * 4)
    }))
}

const SAMPLES: i64 = 6;

/// One symbol's path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    pub(crate) seed: u64,
    /// The value the path moves around.
    pub(crate) level: f64,
    /// Height of the noise of one year as a share of the level.
    pub(crate) swing: f64,
}

/// Open, high, low, close, volume of a span of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bar {
    pub(crate) start: i64,
    pub(crate) open: f64,
    pub(crate) high: f64,
    pub(crate) low: f64,
    pub(crate) close: f64,
    pub(crate) volume: u64,
}

impl Walk {
    /// The value at `at`, milliseconds since 1970.
    pub(crate) fn at(&self, at: i64) -> f64 {
        let mut drift = 0.0;
        for (octave, period) in periods() {
            let height = (period as f64 / YEAR).sqrt();
            drift += height * self.noise(octave, period, at);
        }
        self.level * (self.swing * drift).exp()
    }

    /// The bar from `start` to `end`, milliseconds since 1970. Where a longer bar ends at `end` too, the closes agree.
    pub(crate) fn bar(&self, start: i64, end: i64) -> Bar {
        let open = self.at(start);
        let close = self.at(end);
        let step = (end - start).max(1);
        let between = (1..SAMPLES).map(|i| self.at(start + step * i / SAMPLES));
        let (low, high) = between.fold((open.min(close), open.max(close)), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let minutes = u64::try_from(step / 60_000 + 1).unwrap_or(1);
        let volume = minutes * (1_000 + mix(self.seed ^ start.unsigned_abs()) % 9_000);
        Bar {
            start,
            open,
            high,
            low,
            close,
            volume,
        }
    }

    fn noise(&self, octave: u64, period: i64, at: i64) -> f64 {
        let cell = at.div_euclid(period);
        let part = at.rem_euclid(period) as f64 / period as f64;
        let point = |cell: i64| {
            let bits = mix(self.seed
                ^ octave.wrapping_mul(0x9E37_79B9_7F4A_7C15)
                ^ mix(cell.cast_unsigned()));
            unit(bits) * 2.0 - 1.0
        };
        let (a, b) = (point(cell), point(cell + 1));
        a + (b - a) * part * part * (3.0 - 2.0 * part)
    }
}

/// A number that depends on every byte of `text` and on `seed`.
pub(crate) fn hash(seed: u64, text: &str) -> u64 {
    text.bytes()
        .fold(mix(seed), |state, byte| mix(state ^ u64::from(byte)))
}

/// The finishing step of `SplitMix64`.
pub(crate) fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The upper bits of a hash as a number from 0 to 1.
pub(crate) fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// A value rounded to `places` decimals.
pub(crate) fn round(value: f64, places: i32) -> f64 {
    let scale = 10_f64.powi(places);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::{Walk, hash, round};

    const NOON: i64 = 1_700_000_000_000;

    fn walk(seed: u64) -> Walk {
        Walk {
            seed: hash(seed, "AAPL"),
            level: 200.0,
            swing: 0.25,
        }
    }

    #[test]
    fn the_same_seed_symbol_and_time_give_the_same_price() {
        assert_eq!(walk(7).at(NOON).to_bits(), walk(7).at(NOON).to_bits());
        assert_ne!(walk(7).at(NOON).to_bits(), walk(8).at(NOON).to_bits());
    }

    #[test]
    fn a_price_moves_within_seconds_and_stays_near_its_level_for_years() {
        let walk = walk(7);
        assert_ne!(round(walk.at(NOON), 4), round(walk.at(NOON + 1_500), 4));
        for month in 0..60 {
            let price = walk.at(NOON + month * 30 * 86_400_000);
            assert!((60.0..700.0).contains(&price), "{price}");
        }
    }

    #[test]
    fn neighbouring_moments_are_close() {
        let walk = walk(7);
        let jump = (walk.at(NOON) / walk.at(NOON + 1_000) - 1.0).abs();
        assert!(jump < 0.001, "{jump}");
    }

    #[test]
    fn a_bar_holds_its_open_and_close() {
        let bar = walk(7).bar(NOON, NOON + 86_400_000);
        assert!(bar.low <= bar.open && bar.open <= bar.high);
        assert!(bar.low <= bar.close && bar.close <= bar.high);
        assert!(bar.volume > 0);
    }
}
