//! Content codings (RFC 9110, section 8.4.1), undone within bounds so that a body can be judged.

use std::io::Read;

use bytes::{Buf, Bytes};
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, header};

use crate::body::Chunks;

/// The largest plain body that is judged. Beyond it a body is taken for what its head says.
const MAX_INFLATED: u64 = 8 * 1024 * 1024;

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

/// Undoes the coding that the head names.
pub(crate) fn inflate(headers: &HeaderMap, chunks: &Chunks) -> Inflated {
    let Some(coding) = headers.get(header::CONTENT_ENCODING) else {
        return Inflated::AsItIs;
    };
    match coding.as_bytes() {
        b"" | b"identity" => Inflated::AsItIs,
        _ if chunks.is_empty() => Inflated::AsItIs,
        b"gzip" | b"x-gzip" => read_bounded(MultiGzDecoder::new(reader(chunks))),
        b"deflate" => read_bounded(ZlibDecoder::new(reader(chunks))),
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
