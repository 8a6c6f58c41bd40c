//! A raw HTTP/1.1 client: what it returns is what stood on the socket, chunks joined.

use std::{fmt::Write as _, io, net::SocketAddr};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::wait::{PATIENCE, within};

/// Headers that belong to one connection; two faithful answers may differ in them.
const OF_THE_CONNECTION: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
];

/// A request about to be written.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    None,
    Whole(Vec<u8>),
    Chunked(Vec<Vec<u8>>),
}

/// The head of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The status line, reason phrase included.
    pub line: String,
    /// Header lines in order, in their own case.
    pub headers: Vec<(String, String)>,
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its head.
    pub head: Head,
    /// Its body.
    pub body: Vec<u8>,
    /// Whether the body ended as its framing said.
    pub whole: bool,
}

/// A connection, and what was read of it and not used yet.
#[derive(Debug)]
pub struct Connection {
    socket: TcpStream,
    buffer: Vec<u8>,
    framing: Framing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Nothing,
    Length(usize),
    Chunked,
    UntilClosed,
}

// === impl Request ===

impl Request {
    /// A request without a body.
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Body::None,
        }
    }

    /// `GET`
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// `POST`
    pub fn post(target: &str) -> Self {
        Self::new("POST", target)
    }

    /// Adds a header line in this case.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a body of known length.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Whole(body.into());
        self
    }

    /// With a body in chunks.
    #[must_use]
    pub fn chunked(mut self, chunks: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.body = Body::Chunked(chunks.into_iter().collect());
        self
    }

    /// The bytes on the wire.
    pub fn render(&self, host: SocketAddr) -> Vec<u8> {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: {host}\r\n",
            self.method, self.target
        );
        for (name, value) in &self.headers {
            // Writing to a string cannot fail.
            let _infallible = write!(head, "{name}: {value}\r\n");
        }
        match &self.body {
            Body::None => {}
            Body::Whole(body) => {
                let _infallible = write!(head, "Content-Length: {}\r\n", body.len());
            }
            Body::Chunked(_) => head.push_str("Transfer-Encoding: chunked\r\n"),
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        match &self.body {
            Body::None => {}
            Body::Whole(body) => bytes.extend_from_slice(body),
            Body::Chunked(chunks) => {
                for chunk in chunks {
                    bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                    bytes.extend_from_slice(chunk);
                    bytes.extend_from_slice(b"\r\n");
                }
                bytes.extend_from_slice(b"0\r\n\r\n");
            }
        }
        bytes
    }
}

// === impl Head ===

impl Head {
    /// The status code.
    pub fn status(&self) -> u16 {
        let code = self
            .line
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok());
        code.expect("a status line with a code")
    }

    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut named = self
            .headers
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.as_str())
    }

    /// The header lines that are the answer's own, sorted: a multiset with its case.
    pub fn lines(&self) -> Vec<(String, String)> {
        own_lines(&self.headers)
    }

    fn framing(&self, method: &str) -> Framing {
        if method == "HEAD" || matches!(self.status(), 100..=199 | 204 | 304) {
            return Framing::Nothing;
        }
        if self.header("transfer-encoding").is_some() {
            return Framing::Chunked;
        }
        match self.header("content-length").map(str::parse) {
            Some(Ok(length)) => Framing::Length(length),
            Some(Err(_)) => panic!("content-length is no number"),
            None => Framing::UntilClosed,
        }
    }
}

/// Header lines without those of the connection, sorted.
pub fn own_lines(headers: &[(String, String)]) -> Vec<(String, String)> {
    let belongs = |name: &str| {
        OF_THE_CONNECTION
            .iter()
            .any(|of| name.eq_ignore_ascii_case(of))
    };
    let mut lines: Vec<_> = headers
        .iter()
        .filter(|(name, _)| !belongs(name))
        .cloned()
        .collect();
    lines.sort();
    lines
}

// === impl Answer ===

impl Answer {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.head.status()
    }

    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("a body of text")
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&self.body)),
        }
    }
}

// === impl Connection ===

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.expect("a listener");
        Self {
            socket,
            buffer: Vec::new(),
            framing: Framing::Nothing,
        }
    }

    /// Writes bytes.
    pub async fn write(&mut self, bytes: &[u8]) {
        let writing = self.socket.write_all(bytes);
        within(PATIENCE, "writing", writing)
            .await
            .expect("a peer that reads");
    }

    /// Sends a request.
    pub async fn send(&mut self, request: &Request) {
        let peer = self.socket.peer_addr().expect("a connected socket");
        self.write(&request.render(peer)).await;
    }

    /// Reads the head of the answer to a request of this method.
    pub async fn head(&mut self, method: &str) -> Head {
        let end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at;
            }
            assert!(
                self.read().await,
                "the connection ended before a head: {:?}",
                self.seen()
            );
        };
        let rest = self.buffer.split_off(end + 4);
        let head = std::mem::replace(&mut self.buffer, rest);
        let head = parse_head(head.get(..end).unwrap_or_default());
        self.framing = head.framing(method);
        head
    }

    /// The next piece of the body as it came (a chunk, where it is chunked); `None` at its end. An error is an end that the
    /// framing did not promise.
    pub async fn piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        match self.framing {
            Framing::Nothing | Framing::Length(0) => Ok(None),
            Framing::Length(left) => {
                if self.buffer.is_empty() && !self.read().await {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                let taken = left.min(self.buffer.len());
                self.framing = Framing::Length(left - taken);
                Ok(Some(self.take(taken)))
            }
            Framing::UntilClosed => {
                if self.buffer.is_empty() && !self.read().await {
                    return Ok(None);
                }
                Ok(Some(self.take(self.buffer.len())))
            }
            Framing::Chunked => self.chunk().await,
        }
    }

    /// Reads the rest of the body.
    pub async fn rest(&mut self) -> (Vec<u8>, bool) {
        let mut body = Vec::new();
        loop {
            match self.piece().await {
                Ok(Some(piece)) => body.extend(piece),
                Ok(None) => return (body, true),
                Err(_) => return (body, false),
            }
        }
    }

    /// Sends a request and reads its whole answer.
    pub async fn ask(&mut self, request: &Request) -> Answer {
        self.send(request).await;
        let head = self.head(&request.method).await;
        let (body, whole) = self.rest().await;
        Answer { head, body, whole }
    }

    /// The raw socket, for what is no HTTP any more; nothing read is lost as long as nothing was read ahead.
    pub fn into_socket(self) -> TcpStream {
        assert!(
            self.buffer.is_empty(),
            "bytes were read ahead: {:?}",
            self.seen()
        );
        self.socket
    }

    async fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let line = self.line().await?;
        let size = usize::from_str_radix(line.trim(), 16)
            .map_err(|_| io::Error::other(format!("no chunk size: {line:?}")))?;
        while self.buffer.len() < size + 2 {
            if !self.read().await {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let chunk = self.take(size);
        drop(self.take(2));
        if size == 0 {
            self.framing = Framing::Nothing;
        }
        Ok((size > 0).then_some(chunk))
    }

    async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(at) = find(&self.buffer, b"\r\n") {
                let line = self.take(at + 2);
                return Ok(String::from_utf8_lossy(&line).into_owned());
            }
            if !self.read().await {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn take(&mut self, bytes: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(bytes);
        std::mem::replace(&mut self.buffer, rest)
    }

    /// Reads something; false at the end of the connection, a reset included.
    async fn read(&mut self) -> bool {
        let reading = self.socket.read_buf(&mut self.buffer);
        within(PATIENCE, "an answer", reading)
            .await
            .is_ok_and(|read| read > 0)
    }

    fn seen(&self) -> String {
        String::from_utf8_lossy(&self.buffer).into_owned()
    }
}

/// Sends one request on a connection of its own.
pub async fn exchange(address: SocketAddr, request: &Request) -> Answer {
    Connection::open(address).await.ask(request).await
}

fn parse_head(bytes: &[u8]) -> Head {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut lines = text.split("\r\n").map(str::to_owned);
    let line = lines.next().unwrap_or_default();
    let split = |line: String| {
        let (name, value) = line.split_once(':').expect("a header line with a colon");
        (name.to_owned(), value.trim().to_owned())
    };
    Head {
        line,
        headers: lines.map(split).collect(),
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
