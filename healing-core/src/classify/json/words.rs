//! Eight bytes of a text at a time, in one number: the first byte is the lowest.

/// A one in each byte.
const LOW: u64 = 0x0101_0101_0101_0101;

/// The highest bit of each byte: where marks are set.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The bytes of a word that end a run of plain text: a quote, a backslash, a control character. The lowest mark is exact: a
/// borrow only reaches upwards.
#[inline]
pub(super) const fn special(word: u64) -> u64 {
    let quote = word ^ (LOW * 0x22);
    let backslash = word ^ (LOW * 0x5c);
    let quote = quote.wrapping_sub(LOW) & !quote;
    let backslash = backslash.wrapping_sub(LOW) & !backslash;
    let control = word.wrapping_sub(LOW * 0x20) & !word;
    (quote | backslash | control) & HIGH
}

/// The bytes of a word that are digits, one mark each.
#[inline]
pub(super) const fn digits(word: u64) -> u64 {
    let word = word ^ (LOW * 0x30);
    let above = (word & !HIGH).wrapping_add(LOW * 0x76) | word;
    !above & HIGH
}

/// That many bytes of a word, the others zero.
#[inline]
pub(super) const fn first_bytes(word: u64, count: usize) -> u64 {
    if count >= 8 {
        word
    } else {
        word & ((1 << (count * 8)) - 1)
    }
}

/// The first eight bytes of a text, filled up with zeros after its end.
#[inline]
pub(super) fn word_of(text: &[u8]) -> u64 {
    match text.first_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => text
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}
