//! Content codings (RFC 9110, section 8.4.1), undone within bounds so that a body can be judged.

mod zstd;

use std::io::Read;

use bytes::{Buf, Bytes};
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, header};

use crate::body::Chunks;

/// The largest plain body that is judged. Beyond it a body is taken for what its head says.
const MAX_INFLATED: u64 = 8 * 1024 * 1024;

/// The most codings that are undone of one body.
const MAX_CODINGS: usize = 3;

/// Bytes read at a time from a body in `br`.
const BUFFER: usize = 4096;

/// What undoing the coding came to.
#[derive(Debug)]
pub(crate) enum Inflated {
    /// There is none.
    AsItIs,
    /// The plain body.
    Plain(Bytes),
    /// A coding that is not undone here, or a plain body above the bound.
    Unknown,
    /// It does not inflate.
    Broken,
}

/// A body whose content coding cannot be undone.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CodedError {
    /// It is not what its coding writes.
    #[error("it is broken")]
    Broken,
    /// It is coded in a way that is not known here, or longer than 8 MiB when undone.
    #[error("its coding is not known, or it is longer than 8 MiB")]
    NotUndone,
}

/// Undoes the content codings (RFC 9110, section 8.4.1) that `headers` name: `gzip`, `deflate`, `br`, `zstd`, up to three
/// over one another, up to 8 MiB.
///
/// # Errors
///
/// When the body is broken, in another coding, or too long.
///
/// ```
/// use healing_core::classify::{CodedError, plain_body};
/// use http::{HeaderMap, HeaderValue, header};
///
/// let mut headers = HeaderMap::new();
/// assert_eq!(plain_body(&headers, "{}".into()), Ok("{}".into()));
/// headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
/// assert_eq!(plain_body(&headers, "{}".into()), Err(CodedError::Broken));
/// ```
pub fn plain_body(headers: &HeaderMap, body: Bytes) -> Result<Bytes, CodedError> {
    match inflate(headers, &Chunks::One(body.clone())) {
        Inflated::AsItIs => Ok(body),
        Inflated::Plain(plain) => Ok(plain),
        Inflated::Broken => Err(CodedError::Broken),
        Inflated::Unknown => Err(CodedError::NotUndone),
    }
}

/// Undoes the codings that the head names, the last one first: they were applied in the order listed.
pub(crate) fn inflate(headers: &HeaderMap, chunks: &Chunks) -> Inflated {
    let codings = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"));
    let mut plain: Option<Bytes> = None;
    for (n, coding) in codings.rev().enumerate() {
        if chunks.is_empty() {
            return Inflated::AsItIs;
        }
        if n == MAX_CODINGS {
            return Inflated::Unknown;
        }
        let undone = match &plain {
            None => undo(coding, reader(chunks)),
            Some(bytes) => undo(coding, bytes.as_ref()),
        };
        match undone {
            Inflated::Plain(bytes) => plain = Some(bytes),
            undone @ (Inflated::AsItIs | Inflated::Unknown | Inflated::Broken) => return undone,
        }
    }
    plain.map_or(Inflated::AsItIs, Inflated::Plain)
}

/// Undoes one coding (the registry of RFC 9110, section 16.6.1; `br` RFC 7932, `zstd` RFC 8878).
fn undo(coding: &[u8], coded: impl Read) -> Inflated {
    match &*coding.to_ascii_lowercase() {
        b"gzip" | b"x-gzip" => read_bounded(MultiGzDecoder::new(coded)),
        b"deflate" => read_bounded(ZlibDecoder::new(coded)),
        b"br" => read_bounded(brotli_decompressor::Decompressor::new(coded, BUFFER)),
        b"zstd" => zstd::undo(coded),
        _ => Inflated::Unknown,
    }
}

/// Reads chunks one after the other without copying them together.
#[derive(Debug)]
pub(crate) struct ChunkReader<I> {
    current: Bytes,
    chunks: I,
}

/// A reader over those chunks.
pub(crate) fn reader(chunks: &Chunks) -> ChunkReader<impl Iterator<Item = &Bytes>> {
    ChunkReader {
        current: Bytes::new(),
        chunks: chunks.iter(),
    }
}

impl<'a, I: Iterator<Item = &'a Bytes>> Read for ChunkReader<I> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.current.is_empty() {
            match self.chunks.next() {
                Some(chunk) => self.current = chunk.clone(),
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.current.len());
        self.current
            .split_to(length)
            .copy_to_slice(buffer.get_mut(..length).unwrap_or_default());
        Ok(length)
    }
}

fn read_bounded(decoder: impl Read) -> Inflated {
    let mut plain = Vec::new();
    match decoder.take(MAX_INFLATED + 1).read_to_end(&mut plain) {
        Ok(length) if u64::try_from(length).is_ok_and(|length| length > MAX_INFLATED) => {
            Inflated::Unknown
        }
        Ok(_) => Inflated::Plain(plain.into()),
        Err(_) => Inflated::Broken,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const NOTE: &[u8] = br#"{"Note":"at most 5 calls per minute, please"}"#;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    /// As Python's brotli writes it.
    fn brotli() -> Vec<u8> {
        [&[11, 22, 128][..], NOTE, &[3]].concat()
    }

    fn zstd(plain: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(plain, ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn undone(codings: &str, body: Vec<u8>) -> Inflated {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, codings.parse().unwrap());
        inflate(&headers, &Chunks::One(body.into()))
    }

    #[track_caller]
    fn check(codings: &str, body: Vec<u8>) {
        match undone(codings, body) {
            Inflated::Plain(plain) => assert_eq!(plain, NOTE, "{codings}"),
            other @ (Inflated::AsItIs | Inflated::Unknown | Inflated::Broken) => {
                panic!("{codings}: {other:?}")
            }
        }
    }

    #[test]
    fn every_registered_coding_is_undone_also_one_over_the_other() {
        check("gzip", gzip(NOTE));
        check("BR", brotli());
        check("zstd", zstd(NOTE));
        check("zstd", [zstd(&NOTE[..9]), zstd(&NOTE[9..])].concat());
        check("br, gzip", gzip(&brotli()));
        check("identity, gzip, zstd", zstd(&gzip(NOTE)));
        assert!(matches!(
            undone("identity", NOTE.to_vec()),
            Inflated::AsItIs
        ));
    }

    #[test]
    fn a_cut_body_is_broken_and_an_unknown_coding_is_not_judged() {
        for (coding, body) in [("gzip", gzip(NOTE)), ("br", brotli()), ("zstd", zstd(NOTE))] {
            let cut = body[..body.len() - 4].to_vec();
            assert!(matches!(undone(coding, cut), Inflated::Broken), "{coding}");
        }
        assert!(matches!(undone("dcb", NOTE.to_vec()), Inflated::Unknown));
        assert!(matches!(
            undone("gzip, gzip, gzip, gzip", gzip(&gzip(&gzip(&gzip(NOTE))))),
            Inflated::Unknown
        ));
    }

    #[test]
    fn a_bomb_is_given_up_at_the_bound() {
        let bomb = vec![b' '; usize::try_from(MAX_INFLATED).unwrap() + 1];
        assert!(matches!(undone("gzip", gzip(&bomb)), Inflated::Unknown));
        assert!(matches!(undone("zstd", zstd(&bomb)), Inflated::Unknown));
    }

    #[test]
    fn what_a_zstd_body_says_beside_its_frames_is_skipped() {
        let skippable = [&[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"any"].concat();
        check("zstd", [&*skippable, &zstd(NOTE), &skippable].concat());
        let cut = skippable[..skippable.len() - 1].to_vec();
        assert!(matches!(undone("zstd", cut), Inflated::Broken));
    }

    #[test]
    fn a_frame_with_a_window_of_a_gibibyte_is_not_decoded() {
        let mut frame = zstd(&[b'x'; 300]);
        frame[4] &= !0x20; // no single segment: the next byte is the window
        frame[5] = 20 << 3;
        assert!(matches!(undone("zstd", frame), Inflated::Unknown));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_a_decoder_panic(bytes: Vec<u8>, coding in "gzip|br|zstd|deflate") {
            let _undone = undone(&coding, bytes);
        }
    }
}
