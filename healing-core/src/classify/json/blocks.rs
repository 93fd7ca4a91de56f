//! Sixteen bytes of a text at a time. Marks are bits, the first byte's the lowest.

use wide::u8x16;

/// Bytes of a block.
pub(super) const BLOCK: u32 = 16;

/// The next sixteen bytes, filled up with zeros after the end of the text.
#[inline]
pub(super) fn block_of(text: &[u8]) -> u8x16 {
    match text.first_chunk::<16>() {
        Some(bytes) => u8x16::from(*bytes),
        None => padded(text),
    }
}

#[cold]
fn padded(text: &[u8]) -> u8x16 {
    let mut bytes = [0; 16];
    bytes
        .iter_mut()
        .zip(text)
        .for_each(|(to, from)| *to = *from);
    u8x16::from(bytes)
}

#[inline]
fn is(block: u8x16, byte: u8) -> u32 {
    block.simd_eq(u8x16::splat(byte)).to_bitmask()
}

#[inline]
fn is_at_most(block: u8x16, byte: u8) -> u32 {
    block.min(u8x16::splat(byte)).simd_eq(block).to_bitmask()
}

/// How many bytes at the beginning are the same in both.
#[inline]
pub(super) fn common(a: u8x16, b: u8x16) -> u32 {
    (!a.simd_eq(b).to_bitmask()).trailing_zeros().min(BLOCK)
}

/// How many bytes come before one that ends a run of plain text: a quote, a backslash, a control character.
#[inline]
pub(super) fn plain(block: u8x16) -> u32 {
    let special = is(block, b'"') | is(block, b'\\') | is_at_most(block, 0x1f);
    special.trailing_zeros().min(BLOCK)
}

/// How many digits it begins with.
#[inline]
pub(super) fn digits(block: u8x16) -> u32 {
    (!is_at_most(block - u8x16::splat(b'0'), 9))
        .trailing_zeros()
        .min(BLOCK)
}

/// How many bytes at the beginning are a number without an exponent; none where no such number ends in the block.
#[inline]
pub(super) fn number(block: u8x16) -> u32 {
    let sign = is(block, b'-') & 1;
    let others = (!is_at_most(block - u8x16::splat(b'0'), 9) & 0xffff) >> sign;
    let point = is(block, b'.') >> sign;
    let whole = others.trailing_zeros();
    let leading_zero = (is(block, b'0') >> sign) & 1 == 1 && whole > 1;
    if others & 1 == 1 || others == 0 || leading_zero {
        return 0;
    }
    let mut end = whole;
    if point >> whole & 1 == 1 {
        let behind = others & (others - 1);
        end = behind.trailing_zeros();
        if behind == 0 || end == whole + 1 {
            return 0;
        }
    }
    let goes_on = (point | is(block | u8x16::splat(0x20), b'e') >> sign) >> end & 1;
    if goes_on == 1 { 0 } else { sign + end }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_ends_where_the_grammar_ends_it() {
        for (text, expected) in [
            ("4.01,", 4),
            ("-4.01]", 5),
            ("0,", 1),
            ("-0.5 ", 4),
            ("1760000000,", 10),
            ("42312.12345678}", 14),
            ("12", 2),
            // Left to the walk: what is wrong, what is longer, what has an exponent.
            ("01,", 0),
            ("-,", 0),
            ("1.,", 0),
            ("1.5.5", 0),
            ("1e5,", 0),
            ("1.5E5,", 0),
            ("1234567890123456,", 0),
            ("123456789.012345,", 0),
            ("x", 0),
            ("", 0),
        ] {
            assert_eq!(number(block_of(text.as_bytes())), expected, "{text}");
        }
    }

    #[test]
    fn runs_end_at_the_first_byte_that_is_none_of_them() {
        let block = |text: &str| block_of(text.as_bytes());
        assert_eq!(plain(block("2026-01-02\",\"\\")), 10);
        assert_eq!(plain(block("ä€ and more than sixteen")), 16);
        assert_eq!(plain(block("a\u{1f}")), 1);
        assert_eq!(digits(block("0123456789:/")), 10);
        assert_eq!(common(block("{\"date\":1"), block("{\"date\":2")), 8);
        assert_eq!(common(block(""), block("")), 16);
    }
}
