//! Columns of numbers, as charts have them: sixty-four bytes at a time.
//!
//! Each kind of byte becomes a mask with one bit a byte, and the grammar of a column is then a handful of operations on the
//! masks of its neighbours: what must stand before a comma, a point, a sign. Nothing here knows how long a number is.

use wide::u8x16;

/// Bytes of a block: one bit of a mask each.
const BLOCK: usize = 64;

/// What was passed of a column.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Passed {
    pub(super) bytes: usize,
    pub(super) numbers: u32,
}

/// What the block before ended with, each in the lowest bit.
#[derive(Clone, Copy)]
struct Before {
    digit: u64,
    comma: u64,
    space: u64,
    sign: u64,
    leading_zero: u64,
    /// Digits after a point.
    fraction: u64,
}

/// The kinds of bytes of a block.
struct Masks {
    digit: u64,
    zero: u64,
    comma: u64,
    space: u64,
    sign: u64,
    point: u64,
}

/// Passes numbers without exponents from a comma behind a number on, up to another such comma. There may be one space
/// after each comma.
pub(super) fn pass(column: &[u8]) -> Passed {
    let (blocks, _) = column.as_chunks::<BLOCK>();
    let mut before = Before {
        digit: 1,
        comma: 0,
        space: 0,
        sign: 0,
        leading_zero: 0,
        fraction: 0,
    };
    let mut passed = Passed::default();
    let mut commas = 0;
    for (n, block) in blocks.iter().enumerate() {
        let masks = Masks::of(block);
        let wrong = masks.wrong(&mut before);
        // Of a block with something else in it what stands before that counts.
        let right = wrong.trailing_zeros();
        let comma = masks.comma & 1_u64.checked_shl(right).map_or(u64::MAX, |bit| bit - 1);
        commas += comma.count_ones();
        if comma != 0 {
            passed.bytes = n * BLOCK + comma.ilog2() as usize;
            passed.numbers = commas - 1;
        }
        if wrong != 0 {
            break;
        }
    }
    passed
}

// === impl Masks ===

impl Masks {
    #[inline]
    fn of(block: &[u8; BLOCK]) -> Self {
        let (parts, _) = block.as_chunks::<16>();
        let mut masks = Self {
            digit: 0,
            zero: 0,
            comma: 0,
            space: 0,
            sign: 0,
            point: 0,
        };
        for part in parts.iter().rev() {
            let bytes = u8x16::from(*part);
            let is = |byte: u8| u64::from(bytes.simd_eq(u8x16::splat(byte)).to_bitmask());
            let value = bytes - u8x16::splat(b'0');
            let digit = value.min(u8x16::splat(9)).simd_eq(value);
            masks.digit = masks.digit << 16 | u64::from(digit.to_bitmask());
            masks.zero = masks.zero << 16 | is(b'0');
            masks.comma = masks.comma << 16 | is(b',');
            masks.space = masks.space << 16 | is(b' ');
            masks.sign = masks.sign << 16 | is(b'-');
            masks.point = masks.point << 16 | is(b'.');
        }
        masks
    }

    /// The bytes that cannot stand where they do.
    #[inline]
    fn wrong(&self, before: &mut Before) -> u64 {
        let after_digit = self.digit << 1 | before.digit;
        let after_comma = self.comma << 1 | before.comma;
        let after_space = self.space << 1 | before.space;
        let after_sign = self.sign << 1 | before.sign;
        // A zero that begins a number, and the place after it.
        let leading_zero = self.zero & (after_comma | after_space | after_sign);
        let after_leading_zero = leading_zero << 1 | before.leading_zero;
        // From the byte after a point a carry runs through its digits and stands behind the last of them.
        let after_point = self.point << 1 | before.fraction;
        let (behind, fraction) = self.digit.overflowing_add(after_point & self.digit);
        let behind_fraction = (behind | after_point) & !self.digit;
        let known = self.digit | self.comma | self.space | self.sign | self.point;
        let wrong = !known
            | (self.comma | self.point) & !after_digit
            | self.space & !after_comma
            | self.sign & !(after_comma | after_space)
            | self.digit & after_leading_zero
            | self.point & behind_fraction;
        *before = Before {
            digit: self.digit >> 63,
            comma: self.comma >> 63,
            space: self.space >> 63,
            sign: self.sign >> 63,
            leading_zero: leading_zero >> 63,
            fraction: u64::from(fraction) | self.point >> 63,
        };
        wrong
    }
}
