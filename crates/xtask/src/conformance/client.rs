//! A raw HTTP/1.1 client: what it returns is what stood on the socket.

use std::{fmt::Write as _, net::SocketAddr, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// An answer as it came.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) status_line: String,
    /// Header lines in order and in their own case.
    pub(super) headers: Vec<(String, String)>,
    /// The body without its framing.
    pub(super) body: Vec<u8>,
}

/// Sends one request on a connection of its own, and reads its answer to the end.
pub(super) async fn ask(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Raw> {
    let mut head =
        format!("{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n")?;
    }
    write!(head, "Content-Length: {}\r\n\r\n", body.len())?;
    let bytes = tokio::time::timeout(PATIENCE, async {
        let mut socket = TcpStream::connect(address).await?;
        socket.write_all(head.as_bytes()).await?;
        socket.write_all(body).await?;
        let mut bytes = Vec::new();
        socket.read_to_end(&mut bytes).await?;
        Ok::<_, std::io::Error>(bytes)
    });
    parse(&bytes.await.context("no end of the answer in time")??)
}

fn parse(bytes: &[u8]) -> Result<Raw> {
    let end = find(bytes, b"\r\n\r\n").context("no head")?;
    let (head, rest) = bytes.split_at(end + 4);
    let head = std::str::from_utf8(head).context("the head is no text")?;
    let mut lines = head.trim_end().split("\r\n");
    let status_line = lines.next().unwrap_or_default().to_owned();
    let headers: Vec<(String, String)> = lines
        .map(|line| {
            let (name, value) = line
                .split_once(':')
                .context("a header line without a colon")?;
            Ok((name.to_owned(), value.trim().to_owned()))
        })
        .collect::<Result<_>>()?;
    let value = |name: &str| {
        headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str())
    };
    let body = if value("transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked")) {
        dechunk(rest)?
    } else {
        if let Some(length) = value("content-length") {
            ensure!(
                length == rest.len().to_string(),
                "{} bytes instead of {length}",
                rest.len()
            );
        }
        rest.to_vec()
    };
    Ok(Raw {
        status_line,
        headers,
        body,
    })
}

fn dechunk(mut rest: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = find(rest, b"\r\n").context("the last chunk is missing")?;
        let (line, after) = rest.split_at(end);
        let size = usize::from_str_radix(std::str::from_utf8(line)?.trim(), 16)?;
        let after = after.get(2..).unwrap_or_default();
        if size == 0 {
            ensure!(after == b"\r\n", "trailers after the last chunk");
            return Ok(body);
        }
        let (Some(chunk), Some(next)) = (after.get(..size), after.get(size + 2..)) else {
            bail!("a chunk is cut off");
        };
        body.extend_from_slice(chunk);
        rest = next;
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
