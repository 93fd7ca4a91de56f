//! A look at a JSON text before it is read: a reader that calls itself for each level has to be told how many there are.

use crate::mapping::{MapFault, meter::LEVELS};

/// The longest number that is read: reading a longer one takes time by the square of its length.
const MAX_NUMBER: usize = 64;

/// How many levels a JSON text has.
pub(super) fn depth(text: &[u8]) -> Result<u16, MapFault> {
    let (mut open, mut deepest, mut digits) = (0_u16, 0_u16, 0_usize);
    let (mut in_text, mut escaped) = (false, false);
    for byte in text {
        if in_text {
            in_text = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
            continue;
        }
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        match byte {
            b'"' => in_text = true,
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
        if deepest >= LEVELS {
            return Err(MapFault::TooDeep);
        }
        if digits > MAX_NUMBER {
            return Err(MapFault::NotJson);
        }
    }
    Ok(deepest + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_counted_outside_of_texts() {
        assert_eq!(depth(b"1"), Ok(1));
        assert_eq!(depth(br#"{"a":["[[[\"[",[1]]}"#), Ok(4));
        assert_eq!(depth("[".repeat(300).as_bytes()), Err(MapFault::TooDeep));
        assert_eq!(depth("1".repeat(65).as_bytes()), Err(MapFault::NotJson));
    }
}
