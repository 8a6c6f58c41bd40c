//! An upstream driven by hand: a test reads what came and writes every byte of the answer itself, when it likes.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::wait::{PATIENCE, within};

/// A listener on a free port.
#[derive(Debug)]
pub struct Upstream {
    listener: TcpListener,
}

/// One connection to it.
#[derive(Debug)]
pub struct Peer {
    socket: TcpStream,
    buffer: Vec<u8>,
}

// === impl Upstream ===

impl Upstream {
    /// Listens.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self { listener }
    }

    /// Where.
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("a bound listener")
    }

    /// The next connection.
    pub async fn accept(&self) -> Peer {
        let accepted = within(PATIENCE, "a connection", self.listener.accept()).await;
        Peer {
            socket: accepted.expect("a connection").0,
            buffer: Vec::new(),
        }
    }
}

// === impl Peer ===

impl Peer {
    /// Reads a request of known length, and returns its head.
    pub async fn request(&mut self) -> String {
        loop {
            let text = String::from_utf8_lossy(&self.buffer).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let lower = head.to_lowercase();
                let length = lower
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "));
                let length = length.map_or(0, |length| length.trim().parse().expect("a length"));
                if body.len() >= length {
                    self.buffer.clear();
                    return head.to_owned();
                }
            }
            assert!(
                !self.read().await.is_empty(),
                "the connection ended within a request"
            );
        }
    }

    /// Writes bytes, at once.
    pub async fn write(&mut self, bytes: &[u8]) {
        let writing = self.socket.write_all(bytes);
        within(PATIENCE, "writing", writing)
            .await
            .expect("a peer that reads");
    }

    /// Writes text as one chunk.
    pub async fn chunk(&mut self, text: &str) {
        self.write(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes())
            .await;
    }

    /// Reads what comes; empty at the end.
    pub async fn read(&mut self) -> Vec<u8> {
        let before = self.buffer.len();
        let reading = self.socket.read_buf(&mut self.buffer);
        within(PATIENCE, "bytes from the proxy", reading)
            .await
            .expect("a connection");
        self.buffer.get(before..).unwrap_or_default().to_vec()
    }
}
