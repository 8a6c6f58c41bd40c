//! The recorded calls: an index of what each is, and what went over the wire.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::Path,
};

use anyhow::{Context as _, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use flate2::read::GzDecoder;
use serde::Deserialize;

/// One recorded call.
#[derive(Debug)]
pub(super) struct Record {
    /// Its name in the recordings.
    pub(super) id: String,
    /// The operation: `chat/completions`, `converse-stream`, …
    pub(super) api: String,
    /// Whether the answer is made of event-stream frames.
    pub(super) has_frames: bool,
    pub(super) method: String,
    /// The path with the query.
    pub(super) target: String,
    pub(super) request: Bytes,
    pub(super) request_type: Option<String>,
    pub(super) status: u16,
    /// Header lines of the answer.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

#[derive(Debug, Deserialize)]
struct Index {
    id: String,
    api: String,
    eventstream_frames: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Interaction {
    id: String,
    request: Request,
    response: Response,
}

#[derive(Debug, Deserialize)]
struct Request {
    method: String,
    url: String,
    headers: HashMap<String, String>,
    body: Body,
}

#[derive(Debug, Deserialize)]
struct Response {
    status: u16,
    headers: serde_json::Map<String, serde_json::Value>,
    body: Body,
}

#[derive(Debug, Deserialize)]
struct Body {
    text: Option<String>,
    b64: Option<String>,
}

/// Reads all of them, in the order of the recordings.
pub(super) fn read(data: &Path) -> Result<Vec<Record>> {
    let folder = data.join("cassettes");
    let index = fs::read_to_string(folder.join("index.jsonl")).context("cannot read the index")?;
    let mut known = HashMap::new();
    for line in index.lines() {
        let entry: Index = serde_json::from_str(line).context("cannot read a line of the index")?;
        known.insert(entry.id.clone(), entry);
    }
    let file = File::open(folder.join("interactions.jsonl.gz")).context("cannot open the calls")?;
    BufReader::new(GzDecoder::new(file))
        .lines()
        .map(|line| {
            let call: Interaction = serde_json::from_str(&line.context("cannot read the calls")?)
                .context("cannot read a call")?;
            let entry = known
                .remove(&call.id)
                .with_context(|| format!("{} is not indexed", call.id))?;
            record(entry, call)
        })
        .collect()
}

fn record(entry: Index, call: Interaction) -> Result<Record> {
    let headers = call
        .response
        .headers
        .into_iter()
        .map(|(name, value)| match value {
            serde_json::Value::String(text) => Ok((name, text)),
            _ => bail!("{}: header {name} is no text", call.id),
        })
        .collect::<Result<_>>()?;
    let after_host = call
        .request
        .url
        .split_once("://")
        .map_or("", |(_, rest)| rest);
    let target = after_host
        .find('/')
        .and_then(|at| after_host.get(at..))
        .unwrap_or("/");
    let is_type = |(name, _): &(String, String)| name.eq_ignore_ascii_case("content-type");
    Ok(Record {
        has_frames: entry.eventstream_frames.is_some(),
        api: entry.api,
        method: call.request.method,
        target: target.to_owned(),
        request: call.request.body.bytes().with_context(|| call.id.clone())?,
        request_type: call
            .request
            .headers
            .into_iter()
            .find(is_type)
            .map(|(_, value)| value),
        status: call.response.status,
        headers,
        body: call
            .response
            .body
            .bytes()
            .with_context(|| call.id.clone())?,
        id: call.id,
    })
}

// === impl Body ===

impl Body {
    fn bytes(self) -> Result<Bytes> {
        match (self.text, self.b64) {
            (Some(text), None) => Ok(text.into()),
            (None, Some(b64)) => Ok(STANDARD.decode(b64).context("a body is not base64")?.into()),
            (None, None) => Ok(Bytes::new()),
            (Some(_), Some(_)) => bail!("a body is both text and base64"),
        }
    }
}
