//! Sums that decay, and that several replicas can keep together.
//!
//! Forward decay (Cormode et al. 2009): what is added later weighs more, so that the sums stay sums, in any order. Each
//! replica adds to its own cell only; merging keeps the newest state of each (a delta CRDT), so that a merge may come twice,
//! late, or in any order.

use std::collections::BTreeMap;

/// Decayed sums under keys, each of `N` numbers.
///
/// ```
/// use healing_core::learn::Cells;
/// let (mut here, mut there) = (Cells::<&str, 2>::new(1, 3600.0, 0.0), Cells::new(2, 3600.0, 0.0));
/// here.add("fred_api", [1.0, 0.0], 10.0);
/// there.add("fred_api", [0.0, 1.0], 20.0);
/// here.merge(&there);
/// here.merge(&there);
/// let sums = here.read(&"fred_api", 20.0).unwrap();
/// assert!(sums[0] < 1.0 && (sums[1] - 1.0).abs() < 1e-12);
/// ```
#[derive(Clone, Debug)]
pub struct Cells<K, const N: usize> {
    replica: u64,
    half_life: f64,
    landmark: f64,
    cells: BTreeMap<(K, u64), Cell<N>>,
}

#[derive(Clone, Debug)]
struct Cell<const N: usize> {
    version: u64,
    sums: [f64; N],
}

/// Beyond so many half-lives after the landmark the landmark moves, long before a number overflows.
const MOVE_AFTER: f64 = 64.0;

// === impl Cells ===

impl<K: Ord + Clone, const N: usize> Cells<K, N> {
    /// No sums yet. The half-life is in seconds, the landmark a moment that all replicas share.
    #[must_use]
    pub const fn new(replica: u64, half_life: f64, landmark: f64) -> Self {
        Self {
            replica,
            half_life,
            landmark,
            cells: BTreeMap::new(),
        }
    }

    /// Adds to this replica's sums under a key. What is no number is left out.
    pub fn add(&mut self, key: K, values: [f64; N], now: f64) {
        if !values.iter().all(|value| value.is_finite()) || !now.is_finite() {
            return;
        }
        if (now - self.landmark) / self.half_life > MOVE_AFTER {
            self.move_landmark(now);
        }
        let weight = ((now - self.landmark) / self.half_life).exp2();
        let cell = self.cells.entry((key, self.replica)).or_insert(Cell {
            version: 0,
            sums: [0.0; N],
        });
        cell.version += 1;
        for (sum, value) in cell.sums.iter_mut().zip(values) {
            *sum += weight * value;
        }
    }

    /// Takes what other replicas know, where it is newer.
    pub fn merge(&mut self, other: &Self) {
        let shift = ((other.landmark - self.landmark) / self.half_life).exp2();
        for (key, cell) in &other.cells {
            let known = self.cells.get(key).map_or(0, |own| own.version);
            if cell.version > known {
                let sums = cell.sums.map(|sum| sum * shift);
                let version = cell.version;
                self.cells.insert(key.clone(), Cell { version, sums });
            }
        }
    }

    /// The sums of all replicas under a key, as they weigh now.
    #[must_use]
    pub fn read(&self, key: &K, now: f64) -> Option<[f64; N]> {
        let weight = (-(now - self.landmark) / self.half_life).exp2();
        let of_key = (key.clone(), 0)..=(key.clone(), u64::MAX);
        let mut cells = self.cells.range(of_key).peekable();
        cells.peek()?;
        let mut sums = [0.0; N];
        for (_, cell) in cells {
            for (sum, own) in sums.iter_mut().zip(cell.sums) {
                *sum += own * weight;
            }
        }
        Some(sums)
    }

    fn move_landmark(&mut self, now: f64) {
        let shift = (-(now - self.landmark) / self.half_life).exp2();
        for cell in self.cells.values_mut() {
            cell.sums = cell.sums.map(|sum| sum * shift);
        }
        self.landmark = now;
    }
}
