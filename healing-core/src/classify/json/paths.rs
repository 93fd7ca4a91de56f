//! The paths of a text that carry a value, each once, in the order in which they were first seen.

/// The most paths that are remembered of one text. What a text has beyond them is not promised.
const MAX_PATHS: usize = 64;

/// Places to look for a path in: twice as many, so that few have to look further than the first.
const PLACES: usize = 2 * MAX_PATHS;

/// Which paths carry a value.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    paths: [u64; MAX_PATHS],
    len: usize,
    /// Which path has its place here: one more than its number, zero where there is none.
    places: [u8; PLACES],
    /// Which path came after path n the last time: rows repeat their order.
    follows: [u8; MAX_PATHS],
    /// The path that came last.
    last: u8,
    /// Bit n: whether path n lies inside something (depth two or more), where data is, rather than in the envelope.
    inner: u64,
}

// === impl Paths ===

impl Paths {
    pub(super) const fn new() -> Self {
        Self {
            paths: [0; MAX_PATHS],
            len: 0,
            places: [0; PLACES],
            follows: [0; MAX_PATHS],
            last: 0,
            inner: 0,
        }
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[u64] {
        self.paths.get(..self.len).unwrap_or_default()
    }

    /// Those that carry data: the ones inside something, or all where everything lies at the top.
    pub(crate) fn data(&self) -> impl Iterator<Item = u64> {
        self.numbered()
            .filter(|(n, _)| self.is_data(*n))
            .map(|(_, path)| path)
    }

    /// How many carry data.
    pub(crate) const fn data_count(&self) -> usize {
        if self.inner == 0 {
            self.len
        } else {
            self.inner.count_ones() as usize
        }
    }

    /// Whether none lies inside something.
    pub(crate) const fn is_flat(&self) -> bool {
        self.inner == 0
    }

    /// The others.
    pub(crate) fn envelope(&self) -> impl Iterator<Item = u64> {
        self.numbered()
            .filter(|(n, _)| !self.is_data(*n))
            .map(|(_, path)| path)
    }

    /// Whether it is one of them.
    pub(crate) fn has(&self, path: u64) -> bool {
        self.find(path).is_ok()
    }

    /// Whether there is room for no other.
    pub(super) const fn is_full(&self) -> bool {
        self.len == MAX_PATHS
    }

    /// A value was seen there. Returns whether it is the first.
    pub(super) fn note(&mut self, path: u64, depth: u8) -> bool {
        let guess = self
            .follows
            .get(usize::from(self.last))
            .copied()
            .unwrap_or_default();
        let mut is_first = false;
        let number = if self.all().get(usize::from(guess)) == Some(&path) {
            guess
        } else {
            let number = match self.find(path) {
                Ok(number) => number,
                Err(_) if self.is_full() => return false,
                Err(place) => {
                    is_first = true;
                    self.add(path, depth, place)
                }
            };
            if let Some(next) = self.follows.get_mut(usize::from(self.last)) {
                *next = number;
            }
            number
        };
        self.last = number;
        is_first
    }

    fn add(&mut self, path: u64, depth: u8, place: usize) -> u8 {
        let number = self.len;
        if let Some(free) = self.paths.get_mut(number) {
            *free = path;
        }
        self.inner |= u64::from(depth >= 2) << number;
        self.len += 1;
        if let (Some(free), Ok(len)) = (self.places.get_mut(place), u8::try_from(self.len)) {
            *free = len;
        }
        u8::try_from(number).unwrap_or(u8::MAX)
    }

    /// Its number, or the place where it belongs.
    fn find(&self, path: u64) -> Result<u8, usize> {
        // The lowest bits of a product say least.
        let mut place = (path >> 32) as usize % PLACES;
        // At least every other place is free.
        loop {
            let number = match self.places.get(place) {
                None | Some(0) => return Err(place),
                Some(above) => above - 1,
            };
            if self.paths.get(usize::from(number)) == Some(&path) {
                return Ok(number);
            }
            place = (place + 1) % PLACES;
        }
    }

    #[inline]
    const fn is_data(&self, number: usize) -> bool {
        self.inner == 0 || self.inner >> number & 1 == 1
    }

    fn numbered(&self) -> impl Iterator<Item = (usize, u64)> {
        self.all().iter().copied().enumerate()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_is_kept_once_up_to_the_bound() {
        let mut paths = Paths::new();
        // All belong to one place.
        for path in (0..100_u64).chain(0..100) {
            paths.note(path, 1 + u8::from(path % 2 == 1));
        }
        assert_eq!(paths.all(), (0..64).collect::<Vec<_>>());
        assert!(paths.has(63) && !paths.has(64));
        assert!(paths.data().eq((0..64).filter(|path| path % 2 == 1)));
        assert!(paths.envelope().eq((0..64).filter(|path| path % 2 == 0)));
    }

    #[test]
    fn where_everything_lies_at_the_top_all_of_it_is_data() {
        let mut paths = Paths::new();
        paths.note(7, 1);
        assert!(paths.data().eq([7]));
        assert_eq!(paths.envelope().count(), 0);
    }
}
