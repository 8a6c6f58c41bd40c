//! The binary framing of Bedrock's streams, `application/vnd.amazon.eventstream`: an encoder, and an incremental
//! decoder for tests and for reading captures.
//!
//! It knows frames and headers, not which events a Converse stream has; see [`crate::bedrock`] for those.
//!
//! A frame is `total length | headers length | CRC-32 of these 8 bytes | headers | payload | CRC-32 of everything
//! before`, all numbers big-endian. Each header is `name length (1 byte) | name | type (1 byte) | value`.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// The content type of a response made of frames.
pub const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

/// The longest frame that is accepted.
pub const MAX_FRAME: usize = 16 * 1024 * 1024;

/// The longest headers block that is accepted.
pub const MAX_HEADERS: usize = 128 * 1024;

const PRELUDE: usize = 12;
const OVERHEAD: usize = 16;

/// A header's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderValue {
    /// Types 0 and 1.
    Bool(bool),
    /// Type 2.
    Byte(i8),
    /// Type 3.
    Short(i16),
    /// Type 4.
    Int(i32),
    /// Type 5.
    Long(i64),
    /// Type 6, at most 32 767 bytes.
    Bytes(Bytes),
    /// Type 7, at most 32 767 bytes.
    Text(String),
    /// Type 8: milliseconds since the Unix epoch.
    Timestamp(i64),
    /// Type 9.
    Uuid([u8; 16]),
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Frame {
    /// Headers in the order of the wire.
    pub headers: Vec<(String, HeaderValue)>,
    /// What it carries.
    pub payload: Bytes,
}

/// Why bytes are no frame. After any of these a decoder stays broken: the framing is lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The first eight bytes do not match their checksum.
    #[error("checksum of the prelude does not match")]
    PreludeChecksum,
    /// The frame does not match its checksum.
    #[error("checksum of the message does not match")]
    MessageChecksum,
    /// The lengths contradict each other or the limits.
    #[error("lengths of the message ({total}) and its headers ({headers}) do not fit")]
    Length {
        /// The frame's length by its prelude.
        total: usize,
        /// The headers' length by its prelude.
        headers: usize,
    },
    /// A header ends behind the headers block, or its name is empty or no text.
    #[error("malformed header")]
    Header,
    /// A header's type is none of the ten.
    #[error("unknown header type {0}")]
    HeaderType(u8),
    /// Two headers share a name.
    #[error("header {0:?} comes twice")]
    DuplicateHeader(String),
    /// The stream ended inside a frame.
    #[error("stream ended after {0} bytes of a message")]
    Incomplete(usize),
}

// === impl Frame ===

impl Frame {
    /// An event with a JSON payload, its headers in Bedrock's order.
    pub fn event(event_type: &str, payload: impl Into<Bytes>) -> Self {
        Self::json(":event-type", event_type, "event", payload.into())
    }

    /// A modelled exception with a JSON payload.
    pub fn exception(exception_type: &str, payload: impl Into<Bytes>) -> Self {
        Self::json(
            ":exception-type",
            exception_type,
            "exception",
            payload.into(),
        )
    }

    /// An error outside the model: no payload, all in the headers.
    pub fn error(code: &str, message: &str) -> Self {
        let headers = vec![
            text(":error-code", code),
            text(":error-message", message),
            text(":message-type", "error"),
        ];
        Self {
            headers,
            payload: Bytes::new(),
        }
    }

    fn json(kind: &str, name: &str, message_type: &str, payload: Bytes) -> Self {
        let headers = vec![
            text(kind, name),
            text(":content-type", "application/json"),
            text(":message-type", message_type),
        ];
        Self { headers, payload }
    }

    /// The text of a header; `None` if there is none or it is of another type.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .and_then(|(_, value)| match value {
                HeaderValue::Text(text) => Some(text.as_str()),
                HeaderValue::Bool(_)
                | HeaderValue::Byte(_)
                | HeaderValue::Short(_)
                | HeaderValue::Int(_)
                | HeaderValue::Long(_)
                | HeaderValue::Bytes(_)
                | HeaderValue::Timestamp(_)
                | HeaderValue::Uuid(_) => None,
            })
    }

    /// The frame's bytes. Names and values longer than the format can say are cut off.
    pub fn encode(&self) -> Bytes {
        let mut headers = BytesMut::new();
        for (name, value) in &self.headers {
            encode_header(&mut headers, name, value);
        }
        let total = headers.len() + self.payload.len() + OVERHEAD;
        let mut out = BytesMut::with_capacity(total);
        out.put_u32(u32_of(total));
        out.put_u32(u32_of(headers.len()));
        out.put_u32(crc32fast::hash(&out));
        out.put_slice(&headers);
        out.put_slice(&self.payload);
        out.put_u32(crc32fast::hash(&out));
        out.freeze()
    }

    fn decode(mut bytes: Bytes, headers_length: usize) -> Result<Self, FrameError> {
        let body = bytes.len().saturating_sub(4);
        let checksum = bytes.split_off(body).get_u32();
        if crc32fast::hash(&bytes) != checksum {
            return Err(FrameError::MessageChecksum);
        }
        bytes.advance(PRELUDE);
        let mut block = bytes.split_to(headers_length);
        let mut headers: Vec<(String, HeaderValue)> = Vec::new();
        while block.has_remaining() {
            let (name, value) = decode_header(&mut block)?;
            if headers.iter().any(|(known, _)| *known == name) {
                return Err(FrameError::DuplicateHeader(name));
            }
            headers.push((name, value));
        }
        Ok(Self {
            headers,
            payload: bytes,
        })
    }
}

fn text(name: &str, value: &str) -> (String, HeaderValue) {
    (name.to_owned(), HeaderValue::Text(value.to_owned()))
}

fn u32_of(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn encode_header(out: &mut BytesMut, name: &str, value: &HeaderValue) {
    let name = name.as_bytes();
    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
    out.put_u8(length);
    out.put_slice(name.get(..usize::from(length)).unwrap_or(name));
    match value {
        HeaderValue::Bool(true) => out.put_u8(0),
        HeaderValue::Bool(false) => out.put_u8(1),
        HeaderValue::Byte(value) => {
            out.put_u8(2);
            out.put_i8(*value);
        }
        HeaderValue::Short(value) => {
            out.put_u8(3);
            out.put_i16(*value);
        }
        HeaderValue::Int(value) => {
            out.put_u8(4);
            out.put_i32(*value);
        }
        HeaderValue::Long(value) => {
            out.put_u8(5);
            out.put_i64(*value);
        }
        HeaderValue::Bytes(value) => encode_blob(out, 6, value),
        HeaderValue::Text(value) => encode_blob(out, 7, value.as_bytes()),
        HeaderValue::Timestamp(value) => {
            out.put_u8(8);
            out.put_i64(*value);
        }
        HeaderValue::Uuid(value) => {
            out.put_u8(9);
            out.put_slice(value);
        }
    }
}

fn encode_blob(out: &mut BytesMut, kind: u8, value: &[u8]) {
    let length = i16::try_from(value.len())
        .unwrap_or(i16::MAX)
        .unsigned_abs();
    out.put_u8(kind);
    out.put_u16(length);
    out.put_slice(value.get(..usize::from(length)).unwrap_or(value));
}

fn decode_header(block: &mut Bytes) -> Result<(String, HeaderValue), FrameError> {
    let short = |_| FrameError::Header;
    let name_length = usize::from(block.try_get_u8().map_err(short)?);
    let name = take(block, name_length)?;
    let name = String::from_utf8(name.to_vec()).map_err(|_| FrameError::Header)?;
    if name.is_empty() {
        return Err(FrameError::Header);
    }
    let value = match block.try_get_u8().map_err(short)? {
        0 => HeaderValue::Bool(true),
        1 => HeaderValue::Bool(false),
        2 => HeaderValue::Byte(block.try_get_i8().map_err(short)?),
        3 => HeaderValue::Short(block.try_get_i16().map_err(short)?),
        4 => HeaderValue::Int(block.try_get_i32().map_err(short)?),
        5 => HeaderValue::Long(block.try_get_i64().map_err(short)?),
        6 => {
            let length = usize::from(block.try_get_u16().map_err(short)?);
            HeaderValue::Bytes(take(block, length)?)
        }
        7 => {
            let length = usize::from(block.try_get_u16().map_err(short)?);
            let text = String::from_utf8(take(block, length)?.to_vec());
            HeaderValue::Text(text.map_err(|_| FrameError::Header)?)
        }
        8 => HeaderValue::Timestamp(block.try_get_i64().map_err(short)?),
        9 => {
            let uuid: Result<[u8; 16], _> = take(block, 16)?.as_ref().try_into();
            HeaderValue::Uuid(uuid.map_err(|_| FrameError::Header)?)
        }
        unknown => return Err(FrameError::HeaderType(unknown)),
    };
    Ok((name, value))
}

fn take(block: &mut Bytes, length: usize) -> Result<Bytes, FrameError> {
    if block.remaining() < length {
        Err(FrameError::Header)
    } else {
        Ok(block.split_to(length))
    }
}

/// Decodes frames from pieces of any size.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: BytesMut,
    broken: Option<FrameError>,
}

// === impl Decoder ===

impl Decoder {
    /// A decoder at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the stream.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.broken.is_none() {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next complete frame, or `None` until more bytes come.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        let frame = self.try_next();
        if let Err(error) = &frame {
            self.broken = Some(error.clone());
        }
        frame
    }

    /// Tells that the stream has ended: an error if it did so inside a frame.
    pub fn finish(self) -> Result<(), FrameError> {
        match self.broken {
            Some(error) => Err(error),
            None if self.buffer.is_empty() => Ok(()),
            None => Err(FrameError::Incomplete(self.buffer.len())),
        }
    }

    fn try_next(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some(mut prelude) = self.buffer.get(..PRELUDE) else {
            return Ok(None);
        };
        let checksum_of = crc32fast::hash(prelude.get(..8).unwrap_or_default());
        let total = prelude.get_u32() as usize;
        let headers = prelude.get_u32() as usize;
        if prelude.get_u32() != checksum_of {
            return Err(FrameError::PreludeChecksum);
        }
        let fits = headers
            .checked_add(OVERHEAD)
            .is_some_and(|least| least <= total);
        if !fits || total > MAX_FRAME || headers > MAX_HEADERS {
            return Err(FrameError::Length { total, headers });
        }
        if self.buffer.len() < total {
            return Ok(None);
        }
        Frame::decode(self.buffer.split_to(total).freeze(), headers).map(Some)
    }
}

#[cfg(test)]
mod tests;
