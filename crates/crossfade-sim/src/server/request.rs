//! Reads one request off a connection: head, `100-continue`, body by length or in chunks.
//!
//! Only as strict as a simulator must be: what it cannot frame is an error, everything else is kept as it came.

use std::io;

use bytes::{Buf, BytesMut};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::script::Received;

/// The longest head, and the longest line inside a chunked body.
const MAX_HEAD: usize = 256 * 1024;
/// The most header lines.
const MAX_HEADERS: usize = 256;
/// Bytes of a body that are held; of a longer one, only length and hash are known.
const HELD_BODY: usize = 64 << 20;

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(u64),
    Chunked,
}

/// A body as it comes in.
struct Collector {
    held: BytesMut,
    length: u64,
    beyond: Option<Sha256>,
}

/// Reads the next request; `None` when the peer closed the connection between two requests.
pub(super) async fn read(
    socket: &mut TcpStream,
    buffer: &mut BytesMut,
) -> io::Result<Option<Received>> {
    let Some(mut request) = read_head(socket, buffer).await? else {
        return Ok(None);
    };
    let framing = framing(&request)?;
    let waits = request
        .header("expect")
        .is_some_and(|e| e.eq_ignore_ascii_case("100-continue"));
    if waits && framing != Framing::Length(0) && buffer.is_empty() {
        socket.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let mut body = Collector {
        held: BytesMut::new(),
        length: 0,
        beyond: None,
    };
    match framing {
        Framing::Length(length) => read_exactly(socket, buffer, length, &mut body).await?,
        Framing::Chunked => read_chunks(socket, buffer, &mut body).await?,
    }
    request.length = body.length;
    request.sha256 = body.beyond.map(|hash| hash.finalize().into());
    request.body = body.held.freeze();
    Ok(Some(request))
}

/// Whether the peer may send another request on the same connection.
pub(super) fn keeps_alive(request: &Received) -> bool {
    !request.header("connection").is_some_and(|value| {
        value
            .split(',')
            .any(|token| token.trim().eq_ignore_ascii_case("close"))
    })
}

async fn read_head(socket: &mut TcpStream, buffer: &mut BytesMut) -> io::Result<Option<Received>> {
    loop {
        if !buffer.is_empty()
            && let Some((request, length)) = parse_head(buffer)?
        {
            buffer.advance(length);
            return Ok(Some(request));
        }
        if buffer.len() > MAX_HEAD {
            return Err(invalid("the head is too long"));
        }
        if socket.read_buf(buffer).await? == 0 {
            return if buffer.is_empty() {
                Ok(None)
            } else {
                Err(closed())
            };
        }
    }
}

fn parse_head(bytes: &[u8]) -> io::Result<Option<(Received, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let length = match head.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(invalid(&error.to_string())),
    };
    let line = |h: &httparse::Header<'_>| {
        (
            h.name.to_owned(),
            String::from_utf8_lossy(h.value).into_owned(),
        )
    };
    let request = Received {
        method: head.method.unwrap_or_default().to_owned(),
        target: head.path.unwrap_or_default().to_owned(),
        headers: head.headers.iter().map(line).collect(),
        body: bytes::Bytes::new(),
        length: 0,
        sha256: None,
    };
    Ok(Some((request, length)))
}

fn framing(request: &Received) -> io::Result<Framing> {
    if let Some(encoding) = request.header("transfer-encoding") {
        return if encoding.trim().eq_ignore_ascii_case("chunked") {
            Ok(Framing::Chunked)
        } else {
            Err(invalid("transfer-encoding is not chunked"))
        };
    }
    match request.header("content-length").map(|l| l.trim().parse()) {
        None => Ok(Framing::Length(0)),
        Some(Ok(length)) => Ok(Framing::Length(length)),
        Some(Err(_)) => Err(invalid("content-length is not a number")),
    }
}

async fn read_chunks(
    socket: &mut TcpStream,
    buffer: &mut BytesMut,
    body: &mut Collector,
) -> io::Result<()> {
    loop {
        let line = read_line(socket, buffer).await?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16)
            .map_err(|_| invalid("a chunk size is not hexadecimal"))?;
        if size == 0 {
            break;
        }
        read_exactly(socket, buffer, size, body).await?;
        if !read_line(socket, buffer).await?.is_empty() {
            return Err(invalid("a chunk is longer than its size"));
        }
    }
    // Trailers are read and forgotten.
    while !read_line(socket, buffer).await?.is_empty() {}
    Ok(())
}

async fn read_line(socket: &mut TcpStream, buffer: &mut BytesMut) -> io::Result<String> {
    loop {
        if let Some(end) = buffer.iter().position(|&b| b == b'\n') {
            let line = buffer.split_to(end + 1);
            return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
        if buffer.len() > MAX_HEAD {
            return Err(invalid("a line is too long"));
        }
        fill(socket, buffer).await?;
    }
}

async fn read_exactly(
    socket: &mut TcpStream,
    buffer: &mut BytesMut,
    mut length: u64,
    body: &mut Collector,
) -> io::Result<()> {
    while length > 0 {
        if buffer.is_empty() {
            fill(socket, buffer).await?;
        }
        let now = usize::try_from(length)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        body.push(&buffer.split_to(now));
        length -= now as u64;
    }
    Ok(())
}

async fn fill(socket: &mut TcpStream, buffer: &mut BytesMut) -> io::Result<()> {
    buffer.reserve(64 * 1024);
    if socket.read_buf(buffer).await? == 0 {
        Err(closed())
    } else {
        Ok(())
    }
}

// === impl Collector ===

impl Collector {
    fn push(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        if let Some(hash) = &mut self.beyond {
            hash.update(bytes);
        } else if self.held.len() + bytes.len() <= HELD_BODY {
            self.held.extend_from_slice(bytes);
        } else {
            let mut hash = Sha256::new();
            hash.update(std::mem::take(&mut self.held));
            hash.update(bytes);
            self.beyond = Some(hash);
        }
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

fn closed() -> io::Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        "the peer closed in the middle of a request",
    )
}
