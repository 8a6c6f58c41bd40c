//! A recorded body's plain bytes: gzip, deflate and brotli undone within a bound. Recordings keep bytes as they came;
//! only the comparison decodes them.

use std::{borrow::Cow, io::Read};

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// The most bytes that a body may decode to.
pub(crate) const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// Why a body could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecodeError {
    /// It decodes to more than the bound.
    TooLarge,
    /// A coding that is not known here.
    Unknown,
    /// It is not what its coding says.
    Corrupt,
}

/// Undoes a `content-encoding`, the last coding first.
pub(crate) fn decode<'b>(
    body: &'b [u8],
    encoding: Option<&str>,
) -> Result<Cow<'b, [u8]>, DecodeError> {
    let mut plain = Cow::Borrowed(body);
    // A client would give up long before; this only bounds the work.
    let codings = encoding.unwrap_or_default().split(',').map(str::trim).rev();
    for (place, coding) in codings.enumerate() {
        if place >= 4 {
            return Err(DecodeError::Unknown);
        }
        plain = match coding.to_ascii_lowercase().as_str() {
            "" | "identity" => plain,
            "gzip" | "x-gzip" => Cow::Owned(read(MultiGzDecoder::new(&*plain))?),
            "deflate" => Cow::Owned(inflate(&plain)?),
            "br" => Cow::Owned(read(brotli::Decompressor::new(&*plain, 4096))?),
            _ => return Err(DecodeError::Unknown),
        };
    }
    Ok(plain)
}

/// `deflate` is a zlib stream by its specification, and a bare one by some servers' habit.
fn inflate(body: &[u8]) -> Result<Vec<u8>, DecodeError> {
    match read(ZlibDecoder::new(body)) {
        Err(DecodeError::Corrupt) => read(DeflateDecoder::new(body)),
        known => known,
    }
}

fn read(decoder: impl Read) -> Result<Vec<u8>, DecodeError> {
    let mut plain = Vec::new();
    decoder
        .take(MOST_BYTES + 1)
        .read_to_end(&mut plain)
        .map_err(|_| DecodeError::Corrupt)?;
    if plain.len() as u64 > MOST_BYTES {
        Err(DecodeError::TooLarge)
    } else {
        Ok(plain)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn brotli(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        brotli::CompressorWriter::new(&mut out, 4096, 1, 20)
            .write_all(bytes)
            .unwrap();
        out
    }

    #[test]
    fn bodies_are_decoded_within_the_bound() {
        let check = |body: &[u8], encoding: Option<&str>, expected: Result<&[u8], DecodeError>| {
            let found = decode(body, encoding);
            assert_eq!(found.as_deref().map_err(|e| *e), expected, "{encoding:?}");
        };
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(b"body").unwrap();
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
        bare.write_all(b"body").unwrap();
        check(b"body", None, Ok(b"body"));
        check(b"body", Some("identity"), Ok(b"body"));
        check(&gzip(b"body"), Some("gzip"), Ok(b"body"));
        check(&gzip(b"body"), Some("GZip"), Ok(b"body"));
        check(&zlib.finish().unwrap(), Some("deflate"), Ok(b"body"));
        check(&bare.finish().unwrap(), Some("deflate"), Ok(b"body"));
        check(&brotli(b"body"), Some("br"), Ok(b"body"));
        check(&brotli(&gzip(b"body")), Some("gzip, br"), Ok(b"body"));
        check(b"body", Some("zstd"), Err(DecodeError::Unknown));
        check(b"body", Some("gzip"), Err(DecodeError::Corrupt));
        check(b"body", Some(",,,,,"), Err(DecodeError::Unknown));
        let bomb = vec![0; usize::try_from(MOST_BYTES).unwrap() + 1];
        check(&gzip(&bomb), Some("gzip"), Err(DecodeError::TooLarge));
        check(&brotli(&bomb), Some("br"), Err(DecodeError::TooLarge));
        check(&gzip(&bomb[1..]), Some("gzip"), Ok(&bomb[1..]));
    }
}
