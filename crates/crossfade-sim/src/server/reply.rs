//! Writes one answer, byte by byte under our own control, and plays the faults that garble, cut or slow it.
//!
//! Knows HTTP/1.1 framing only; what a body means is the handler's business.

use std::{io, time::Duration};

use http::StatusCode;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::script::{Fault, Pace, Recorded, Scene};

/// What [`Fault::Garbage`] sends: no JSON, no server-sent answer, no event-stream frame.
pub const GARBAGE: &[u8] = b"\x00\xff<html>\n\ndata: {\"unfinished\n\n\xfe\x1b%%\n\n";

/// An answer's status line and header lines. The framing's own lines are added when it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// The reason phrase, if it is not the standard one.
    pub reason: Option<String>,
    /// Header lines in order and in their own case.
    pub headers: Vec<(String, String)>,
}

/// The way to answer the request at hand.
#[derive(Debug)]
pub struct Reply {
    socket: TcpStream,
    fault: Fault,
    pace: Pace,
    bodiless: bool,
    started: bool,
    reusable: bool,
}

/// A chunked body being written.
#[derive(Debug)]
pub struct Stream<'r> {
    reply: &'r mut Reply,
    fault: Fault,
    deltas: usize,
    over: bool,
}

// === impl Head ===

impl Head {
    /// A status without header lines.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            reason: None,
            headers: Vec::new(),
        }
    }

    /// Adds a header line.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    fn bytes(&self, framing: Option<(&str, &str)>) -> Vec<u8> {
        let standard = StatusCode::from_u16(self.status)
            .ok()
            .and_then(|s| s.canonical_reason());
        let reason = self.reason.as_deref().or(standard).unwrap_or_default();
        let mut head = format!("HTTP/1.1 {} {reason}\r\n", self.status);
        let own = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in own.chain(framing) {
            head.push_str(name);
            head.push_str(": ");
            head.push_str(value);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// Whether HTTP allows this status a body.
    fn has_body(&self) -> bool {
        self.status >= 200 && self.status != 204 && self.status != 304
    }
}

// === impl Reply ===

impl Reply {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            fault: Fault::None,
            pace: Pace::default(),
            bodiless: false,
            started: false,
            reusable: true,
        }
    }

    pub(super) fn socket(&mut self) -> &mut TcpStream {
        &mut self.socket
    }

    pub(super) fn begin(&mut self, method: &str, scene: &Scene) {
        self.fault = scene.fault.clone();
        self.pace = scene.pace;
        self.bodiless = method == "HEAD";
        self.started = false;
    }

    pub(super) fn reusable(&self) -> bool {
        self.reusable && self.started
    }

    /// Waits, unless the peer goes away first, which is an error.
    pub async fn pause(&mut self, time: Duration) -> io::Result<()> {
        if time.is_zero() {
            return Ok(());
        }
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            error = self.gone() => Err(error),
        }
    }

    /// Sends a whole answer with its length.
    pub async fn whole(&mut self, head: Head, body: &[u8]) -> io::Result<()> {
        self.started = true;
        let fault = self.body_fault(&head);
        let body = match fault {
            Fault::Garbage => GARBAGE,
            Fault::NoEvents => &[],
            _ => body,
        };
        let length = body.len().to_string();
        let framing = head
            .has_body()
            .then_some(("Content-Length", length.as_str()));
        let mut bytes = head.bytes(framing);
        if self.bodiless || !head.has_body() {
            return self.send(&bytes).await;
        }
        match fault {
            Fault::Truncate { .. } | Fault::EndEarly { .. } => {
                bytes.extend(body.iter().take(body.len() / 2));
                self.send(&bytes).await?;
                self.close().await
            }
            Fault::Stall { .. } => {
                bytes.extend(body.iter().take(body.len() / 2));
                self.send(&bytes).await?;
                self.hang().await
            }
            _ => {
                bytes.extend_from_slice(body);
                self.send(&bytes).await
            }
        }
    }

    /// Sends the head of an answer whose body follows in pieces.
    pub async fn stream(&mut self, head: Head) -> io::Result<Stream<'_>> {
        self.started = true;
        let fault = self.body_fault(&head);
        let bytes = head.bytes(Some(("Transfer-Encoding", "chunked")));
        self.send(&bytes).await?;
        let mut stream = Stream {
            reply: self,
            fault,
            deltas: 0,
            over: false,
        };
        if stream.reply.bodiless {
            stream.over = true;
        } else if stream.fault == Fault::Garbage {
            stream.reply.send_chunk(GARBAGE).await?;
            stream.reply.send(LAST_CHUNK).await?;
            stream.over = true;
        } else if stream.fault == Fault::NoEvents {
            stream.reply.send(LAST_CHUNK).await?;
            stream.over = true;
        }
        Ok(stream)
    }

    /// Plays a recorded answer, its body in the recorded pieces.
    pub async fn recorded(&mut self, recorded: &Recorded) -> io::Result<()> {
        let framed = |name: &str| {
            name.eq_ignore_ascii_case("content-length")
                || name.eq_ignore_ascii_case("transfer-encoding")
        };
        let head = Head {
            status: recorded.status,
            reason: recorded.reason.clone(),
            headers: recorded
                .headers
                .iter()
                .filter(|(name, _)| !framed(name))
                .cloned()
                .collect(),
        };
        self.pause(self.pace.first_content).await?;
        if recorded.pieces.iter().all(|&size| size == 0) || !head.has_body() {
            return self.whole(head, &recorded.body).await;
        }
        let mut stream = self.stream(head).await?;
        let mut rest: &[u8] = &recorded.body;
        for &size in recorded.pieces.iter().cycle().filter(|&&size| size > 0) {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at(size.min(rest.len()));
            stream.delta(piece, 0.0).await?;
            rest = after;
        }
        stream.finish().await
    }

    /// Never answers; returns, with an error, when the peer goes away.
    pub async fn hang(&mut self) -> io::Result<()> {
        Err(self.gone().await)
    }

    /// Resets the connection.
    pub fn reset(&mut self) -> io::Result<()> {
        self.socket.set_zero_linger()?;
        Err(io::Error::new(
            io::ErrorKind::ConnectionReset,
            "reset by the script",
        ))
    }

    /// Closes the connection in good order, whatever was promised.
    async fn close(&mut self) -> io::Result<()> {
        self.reusable = false;
        self.socket.shutdown().await
    }

    /// Resolves when the peer has gone.
    async fn gone(&self) -> io::Error {
        match self.socket.peek(&mut [0; 1]).await {
            // The next request is here already; its sender's end cannot be seen behind it.
            Ok(1..) => std::future::pending().await,
            Ok(0) => io::Error::new(io::ErrorKind::ConnectionAborted, "the peer went away"),
            Err(error) => error,
        }
    }

    fn body_fault(&self, head: &Head) -> Fault {
        if head.status == 200 {
            self.fault.clone()
        } else {
            Fault::None
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Fault::SlowDrip { interval } = self.fault {
            for byte in bytes {
                self.pause(interval).await?;
                self.socket.write_all(&[*byte]).await?;
            }
            return Ok(());
        }
        self.socket.write_all(bytes).await
    }

    async fn send_chunk(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.send(&chunk).await
    }
}

const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

// === impl Stream ===

impl Stream<'_> {
    /// Writes bytes as one chunk, at once. Swallowed after a fault has ended the stream.
    pub async fn piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.over {
            Ok(())
        } else {
            self.reply.send_chunk(bytes).await
        }
    }

    /// Writes a content delta of about this many tokens, at the script's pace; cuts and stalls count these.
    pub async fn delta(&mut self, bytes: &[u8], tokens: f64) -> io::Result<()> {
        if self.over || self.cut(self.deltas).await? {
            return Ok(());
        }
        if self.deltas > 0 {
            self.reply.pause(self.reply.pace.tokens(tokens)).await?;
        }
        self.deltas += 1;
        self.reply.send_chunk(bytes).await
    }

    /// Waits, unless the peer goes away or the stream is over.
    pub async fn pause(&mut self, time: Duration) -> io::Result<()> {
        if self.over {
            Ok(())
        } else {
            self.reply.pause(time).await
        }
    }

    /// Says that no content follows, only the wire's own end: a cut that asked for more deltas than there were comes now.
    pub async fn ending(&mut self) -> io::Result<()> {
        if !self.over {
            self.cut(usize::MAX).await?;
        }
        Ok(())
    }

    /// Content deltas written so far.
    pub fn deltas(&self) -> usize {
        self.deltas
    }

    /// Whether a fault has ended the stream already; what is written from then on is swallowed.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Ends the body as HTTP says.
    pub async fn finish(mut self) -> io::Result<()> {
        self.ending().await?;
        if self.over {
            Ok(())
        } else if self.fault == Fault::Linger {
            self.reply.hang().await
        } else {
            self.reply.send(LAST_CHUNK).await
        }
    }

    /// Ends the stream here if the fault says so; true if it did.
    async fn cut(&mut self, deltas: usize) -> io::Result<bool> {
        match self.fault {
            Fault::Truncate { after } if deltas >= after => self.reply.close().await?,
            Fault::EndEarly { after } if deltas >= after => self.reply.send(LAST_CHUNK).await?,
            Fault::Stall { after } if deltas >= after => self.reply.hang().await?,
            _ => return Ok(false),
        }
        self.over = true;
        Ok(true)
    }
}
