//! Gzip as sources send it, and two ways to send it wrong (RFC 1952).

use std::io::Write;

use bytes::Bytes;
use flate2::write::GzEncoder;
use flate2::{Compress, Compression, Crc, FlushCompress};

const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
const BLOCK: usize = 1 << 20;

/// A body compressed; as it is when that fails.
pub(crate) fn compress(body: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

/// A gzip stream that starts well and does not inflate.
pub(crate) fn broken(body: &[u8]) -> Bytes {
    let mut stream = compress(body).map(Vec::from).unwrap_or_default();
    let half = stream.len() / 2;
    for byte in stream.iter_mut().skip(HEADER.len()).take(half) {
        *byte = !*byte;
    }
    Bytes::from(stream)
}

/// A small gzip stream that inflates to about `size` zeros, rounded up to whole MiB.
///
/// One compressed MiB, flushed so that it stands alone, is repeated; the checksum is combined the same way. So a bomb of
/// a GiB takes no longer to make than one of a MiB.
pub(crate) fn bomb(size: u64) -> Bytes {
    let blocks = size.div_ceil(BLOCK as u64).max(1);
    let zeros = vec![0; BLOCK];
    let mut deflate = Compress::new(Compression::best(), false);
    let mut block = Vec::with_capacity(BLOCK / 64);
    if deflate
        .compress_vec(&zeros, &mut block, FlushCompress::Full)
        .is_err()
    {
        return Bytes::new();
    }
    let mut last = Vec::with_capacity(64);
    if deflate
        .compress_vec(&[], &mut last, FlushCompress::Finish)
        .is_err()
    {
        return Bytes::new();
    }
    let mut crc_of_block = Crc::new();
    crc_of_block.update(&zeros);
    let mut crc = Crc::new();
    let mut stream = HEADER.to_vec();
    for _ in 0..blocks {
        stream.extend_from_slice(&block);
        crc.combine(&crc_of_block);
    }
    stream.extend_from_slice(&last);
    stream.extend_from_slice(&crc.sum().to_le_bytes());
    // The trailer holds the length modulo 2^32.
    let length = u32::try_from(blocks * BLOCK as u64 % (1 << 32)).unwrap_or_default();
    stream.extend_from_slice(&length.to_le_bytes());
    Bytes::from(stream)
}

#[cfg(test)]
mod tests {
    use super::{bomb, broken, compress};
    use flate2::read::GzDecoder;
    use std::io::Read;

    fn inflate(stream: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut body = Vec::new();
        GzDecoder::new(stream).read_to_end(&mut body).map(|_| body)
    }

    #[test]
    fn a_sound_stream_reads_back_and_a_broken_one_does_not() {
        let body = br#"{"chart":{"result":[],"error":null}}"#;
        assert_eq!(inflate(&compress(body).unwrap()).unwrap(), body);
        assert!(inflate(&broken(body)).is_err());
    }

    #[test]
    fn a_bomb_is_small_and_inflates_to_its_size() {
        let stream = bomb(3 << 20);
        assert!(stream.len() < 16 << 10, "{}", stream.len());
        assert_eq!(inflate(&stream).unwrap().len(), 3 << 20);
    }
}
