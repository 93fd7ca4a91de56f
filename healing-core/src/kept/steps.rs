//! The steps in which a number of a URL's answers goes, and the one that is much larger than all before it.

use std::sync::Mutex;

use crate::lock::lock;

/// What is known of one number.
#[derive(Debug, Default)]
pub(crate) struct Steps(Mutex<Level>);

#[derive(Clone, Copy, Debug, Default)]
struct Level {
    last: Option<f64>,
    /// The largest step, as a share of the number before it.
    largest: f64,
    seen: u32,
    /// Where it jumped to. If it stays there, that is where it is.
    jumped: Option<f64>,
}

// === impl Steps ===

impl Steps {
    /// Takes note of the next number. Returns whether it is a jump: more than ten times as far as the number ever went at once,
    /// five steps or more having been seen. The second number there in a row is none.
    pub(crate) fn is_jump(&self, number: f64) -> bool {
        lock(&self.0).is_jump(number)
    }
}

// === impl Level ===

impl Level {
    const TOO_FAR: f64 = 10.0;
    const ENOUGH: u32 = 5;

    fn is_jump(&mut self, number: f64) -> bool {
        let Some(last) = self.last else {
            self.last = Some(number);
            return false;
        };
        let is_known = self.seen >= Self::ENOUGH && self.largest > 0.0;
        let is_far = |from: f64| is_known && step(from, number) > Self::TOO_FAR * self.largest;
        if is_far(last) && self.jumped.is_none_or(is_far) {
            self.jumped = Some(number);
            return true;
        }
        let from = self.jumped.take().filter(|_| is_far(last)).unwrap_or(last);
        let step = step(from, number);
        if step > 0.0 {
            self.largest = self.largest.max(step);
            self.seen = self.seen.saturating_add(1);
        }
        self.last = Some(number);
        false
    }
}

fn step(from: f64, to: f64) -> f64 {
    let size = from.abs().max(f64::MIN_POSITIVE);
    ((to - from) / size).abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jumps(numbers: &[f64]) -> Vec<bool> {
        let steps = Steps::default();
        numbers
            .iter()
            .map(|number| steps.is_jump(*number))
            .collect()
    }

    #[test]
    fn a_step_ten_times_as_far_as_any_before_is_a_jump_once_five_were_seen() {
        let calm = [100.0, 101.0, 100.5, 101.5, 100.5, 101.0];
        assert_eq!(jumps(&calm), [false; 6]);
        let last = |more: &[f64]| {
            let mut all = jumps(&[&calm, more].concat());
            all.split_off(calm.len())
        };
        assert_eq!(last(&[110.0, 111.0]), [false, false], "within ten times");
        assert_eq!(last(&[10.1, 101.0]), [true, false], "a slip of the point");
        assert_eq!(
            last(&[10.1, 10.2, 10.3]),
            [true, false, false],
            "it stays there"
        );
        assert_eq!(last(&[10.1, 1000.0, 1001.0]), [true, true, false]);
        assert_eq!(
            jumps(&[100.0, 101.0, 1.0]),
            [false; 3],
            "not enough was seen"
        );
        assert_eq!(jumps(&[0.0; 9]), [false; 9]);
    }

    proptest::proptest! {
        #[test]
        fn no_numbers_make_it_panic(numbers: Vec<f64>) {
            let _jumps = jumps(&numbers);
        }
    }
}
