//! `zstd` as a content coding (RFC 8878), with no larger a window than RFC 9659 allows.

use std::io::Read;

use ruzstd::decoding::StreamingDecoder;

use crate::classify::encoding::{Inflated, MAX_INFLATED};

/// The most frames of one body.
const MAX_FRAMES: usize = 64;

/// Undoes it. The decoder holds back a whole window before it gives its first byte, so a frame that asks for a larger one
/// than it may is not decoded at all.
pub(super) fn undo(mut source: impl Read) -> Inflated {
    let mut coded = Vec::new();
    if source.read_to_end(&mut coded).is_err() {
        return Inflated::Broken;
    }
    let mut rest = &*coded;
    let mut plain = Vec::new();
    for _ in 0..MAX_FRAMES {
        if rest.is_empty() {
            return Inflated::Plain(plain.into());
        }
        if is_skippable(rest) {
            let Some(next) = after_skippable(rest) else {
                return Inflated::Broken;
            };
            rest = next;
            continue;
        }
        match window(rest) {
            None => return Inflated::Broken,
            Some(window) if window > MAX_INFLATED => return Inflated::Unknown,
            Some(_) => {}
        }
        let Ok(mut frame) = StreamingDecoder::new(&mut rest) else {
            return Inflated::Broken;
        };
        let left = (MAX_INFLATED + 1).saturating_sub(plain.len() as u64);
        if (&mut frame).take(left).read_to_end(&mut plain).is_err() {
            return Inflated::Broken;
        }
        if plain.len() as u64 > MAX_INFLATED {
            return Inflated::Unknown;
        }
    }
    Inflated::Unknown
}

/// Whether a frame holds no part of the content (RFC 8878, section 3.1.2).
fn is_skippable(frame: &[u8]) -> bool {
    matches!(frame, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// What comes after such a frame.
fn after_skippable(frame: &[u8]) -> Option<&[u8]> {
    let size = u32::from_le_bytes(*frame.get(4..)?.first_chunk()?);
    frame.get(8..)?.get(usize::try_from(size).ok()?..)
}

/// The window that a frame asks for, in bytes (RFC 8878, section 3.1.1.1).
fn window(frame: &[u8]) -> Option<u64> {
    let descriptor = *frame.get(4)?;
    let dictionary = match descriptor & 3 {
        3 => 4,
        length => usize::from(length),
    };
    let is_single_segment = descriptor & 0x20 != 0;
    if !is_single_segment {
        let field = *frame.get(5)?;
        let smallest = 1_u64 << (10 + (field >> 3));
        return Some(smallest + smallest / 8 * u64::from(field & 7));
    }
    // Without a window of its own, the frame is one window.
    let size = frame.get(5 + dictionary..)?;
    let field = |length: usize| {
        let bytes = size.get(..length)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        )
    };
    match descriptor >> 6 {
        0 => field(1),
        1 => field(2).map(|size| size + 256),
        2 => field(4),
        _ => field(8),
    }
}
