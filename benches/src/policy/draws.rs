//! What a policy draws: a stream of its own, that goes on alike wherever a run is continued.

use std::ops::{Deref, DerefMut};

use rand::{SeedableRng, rngs::ChaCha8Rng};

/// A stream of chances that can be continued twice.
#[derive(Debug)]
pub(super) struct Draws(ChaCha8Rng);

impl Draws {
    /// The stream of a seed.
    pub(super) fn of(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }
}

impl Clone for Draws {
    fn clone(&self) -> Self {
        let mut random = ChaCha8Rng::from_seed(self.0.get_seed());
        random.set_stream(self.0.get_stream());
        random.set_word_pos(self.0.get_word_pos());
        Self(random)
    }
}

impl Deref for Draws {
    type Target = ChaCha8Rng;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Draws {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
