//! Every recorded event stream decodes the same whole and in pieces, through the simulator's socket; and those of Converse
//! become streams that the official client reads, with the text, the calls and the end that the frames hold.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use crossfade_bedrock::{Auth, Candidate, CandidateSettings, Connection, Settings};
use crossfade_sim::{
    bedrock::{self, BedrockOptions, BedrockSim},
    eventstream::{Decoder, Frame},
    script::{Answer, Prompt, Recorded, Script},
};
use http_body_util::BodyExt as _;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde::Deserialize;
use serde_json::Value;
use tower::ServiceExt as _;

use super::{Counts, Record, client};
use crate::{python::Python, workspace};

const TARGET: &str = "/openai/deployments/support/chat/completions?api-version=2024-10-21";
const ASKED: &str = r#"{"messages":[{"role":"user","content":"hi"}],"stream":true,
    "stream_options":{"include_usage":true}}"#;
const SPLITS: usize = 4;

/// What a stream says, by whoever read it.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
struct Said {
    content: String,
    calls: Vec<(String, String)>,
    finish: Option<String>,
    total_tokens: Option<u64>,
}

/// What the client understood of a file.
#[derive(Debug, Deserialize)]
struct Understood {
    name: String,
    error: Option<String>,
    #[serde(flatten)]
    said: Option<Said>,
}

/// Plays all of them; returns what is wrong.
pub(super) async fn check(
    records: &[Record],
    python: &Python,
    seed: u64,
    counts: &mut Counts,
) -> Result<Vec<String>> {
    let script = Script::new(Arc::new(|_: &Prompt, _: u64| Answer::default()));
    let options = BedrockOptions {
        script: script.clone(),
        ..BedrockOptions::default()
    };
    let sim = BedrockSim::start(options)
        .await
        .context("cannot start the simulated Bedrock")?;
    let candidate = candidate(&sim).await;
    let directory = tempfile::tempdir().context("cannot make a directory")?;
    let mut random = StdRng::seed_from_u64(seed);
    let mut expected = BTreeMap::new();
    let mut failures = Vec::new();
    for record in records.iter().filter(|record| record.has_frames) {
        let splits: Vec<Vec<usize>> = (0..SPLITS)
            .map(|round| pieces(round, &mut random))
            .collect();
        let frames = decode(&record.body).with_context(|| record.id.clone())?;
        for split in &splits {
            script.set_recorded(Some(recorded(record, split)));
            let came =
                client::ask(sim.address(), "POST", "/model/m/converse-stream", &[], b"").await?;
            let same = decode(&came.body).is_ok_and(|decoded| decoded == frames);
            counts.add(if same {
                "streams.decoded"
            } else {
                "streams.decoded_otherwise"
            });
            if !same {
                failures.push(format!(
                    "{}: decodes otherwise in pieces of {split:?}",
                    record.id
                ));
            }
        }
        if record.api != "converse-stream" {
            continue;
        }
        let mut streams = Vec::new();
        for split in &splits {
            script.set_recorded(Some(recorded(record, split)));
            streams.push(
                translated(&candidate)
                    .await
                    .with_context(|| record.id.clone())?,
            );
        }
        let steady: Vec<String> = streams.iter().map(|stream| steady(stream)).collect();
        if steady
            .windows(2)
            .any(|pair| matches!(pair, [one, other] if one != other))
        {
            failures.push(format!(
                "{}: translates otherwise in other pieces",
                record.id
            ));
        }
        let name = format!("{:03}", expected.len());
        let stream = streams.pop().unwrap_or_default();
        fs::write(directory.path().join(&name), stream).context("cannot write a stream")?;
        expected.insert(name, (record.id.as_str(), said(&frames)?));
    }
    failures.extend(understand(directory.path(), &expected, python, counts)?);
    Ok(failures)
}

async fn candidate(sim: &BedrockSim) -> Candidate {
    let mut settings = Settings::new("us-east-1");
    settings.endpoint = Some(sim.url());
    settings.auth = Auth::Static {
        access_key: bedrock::ACCESS_KEY.to_owned(),
        secret: bedrock::SECRET.to_owned(),
        session_token: None,
    };
    let connection = Connection::new(settings).await;
    Candidate::new(
        connection,
        CandidateSettings::new("us.anthropic.claude-sonnet-4-6"),
    )
}

/// Whole first, then single bytes, then at random.
fn pieces(round: usize, random: &mut StdRng) -> Vec<usize> {
    match round {
        0 => Vec::new(),
        1 => vec![1],
        _ => (0..32).map(|_| random.random_range(1..=300)).collect(),
    }
}

fn recorded(record: &Record, pieces: &[usize]) -> Recorded {
    let kind = (
        "content-type".to_owned(),
        "application/vnd.amazon.eventstream".to_owned(),
    );
    Recorded {
        status: 200,
        reason: None,
        headers: vec![kind],
        body: record.body.clone(),
        pieces: pieces.to_vec(),
    }
}

fn decode(body: &[u8]) -> Result<Vec<Frame>> {
    let (mut decoder, mut frames) = (Decoder::new(), Vec::new());
    for piece in body.chunks(97) {
        decoder.feed(piece);
        while let Some(frame) = decoder.next_frame()? {
            frames.push(frame);
        }
    }
    decoder.finish()?;
    Ok(frames)
}

async fn translated(candidate: &Candidate) -> Result<Bytes> {
    let request = http::Request::post(TARGET)
        .header("content-type", "application/json")
        .body(Bytes::from_static(ASKED.as_bytes()))?;
    let answer = candidate
        .clone()
        .oneshot(request)
        .await
        .map_err(anyhow::Error::from_boxed)?;
    let status = answer.status();
    let body = answer
        .into_body()
        .collect()
        .await
        .map_err(anyhow::Error::from_boxed)?
        .to_bytes();
    ensure!(
        status == 200,
        "status {status}: {}",
        String::from_utf8_lossy(&body)
    );
    Ok(body)
}

/// A stream without what differs from call to call.
fn steady(stream: &[u8]) -> String {
    let text = String::from_utf8_lossy(stream);
    let lines = text.lines().map(|line| {
        let data = line.strip_prefix("data: ").map(serde_json::from_str);
        let Some(Ok(mut chunk)) = data else {
            return line.to_owned();
        };
        forget_what_differs(&mut chunk);
        chunk.to_string()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn forget_what_differs(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !["id", "created", "obfuscation"].contains(&name.as_str()));
            members.values_mut().for_each(forget_what_differs);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_what_differs),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What the frames say, read here and not by what is judged.
fn said(frames: &[Frame]) -> Result<Said> {
    let mut said = Said::default();
    for frame in frames {
        let payload: Value =
            serde_json::from_slice(&frame.payload).context("a payload is no JSON")?;
        let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str);
        said.content
            .push_str(text("/delta/text").unwrap_or_default());
        if let Some(name) = text("/start/toolUse/name") {
            said.calls.push((name.to_owned(), String::new()));
        }
        if let Some(input) = text("/delta/toolUse/input") {
            let (_, arguments) = said
                .calls
                .last_mut()
                .context("a call's input before its name")?;
            arguments.push_str(input);
        }
        if let Some(reason) = text("/stopReason") {
            said.finish = Some(finish(reason, frames)?.to_owned());
        }
        if let Some(total) = payload
            .pointer("/usage/totalTokens")
            .and_then(Value::as_u64)
        {
            said.total_tokens = Some(total);
        }
    }
    for (_, arguments) in said
        .calls
        .iter_mut()
        .filter(|(_, arguments)| arguments.is_empty())
    {
        arguments.push_str("{}");
    }
    Ok(said)
}

fn finish(stop_reason: &str, frames: &[Frame]) -> Result<&'static str> {
    // A guardrail that only masked something has not ended the answer; only its trace tells.
    let blocked = |frame: &Frame| {
        frame
            .payload
            .windows(9)
            .any(|window| window == b"\"BLOCKED\"")
    };
    Ok(match stop_reason {
        "end_turn" | "stop_sequence" => "stop",
        "guardrail_intervened" if !frames.iter().any(blocked) => "stop",
        "tool_use" => "tool_calls",
        "max_tokens" | "model_context_window_exceeded" => "length",
        "content_filtered" | "guardrail_intervened" => "content_filter",
        other => bail!("no rule for the stop reason {other}"),
    })
}

fn understand(
    directory: &Path,
    expected: &BTreeMap<String, (&str, Said)>,
    python: &Python,
    counts: &mut Counts,
) -> Result<Vec<String>> {
    let script = workspace::root().join("crates/xtask/python/parse_streams.py");
    let output = python.run(&script, &[directory.as_os_str()])?;
    let mut failures = Vec::new();
    let mut seen = 0;
    for line in output.lines() {
        let understood: Understood =
            serde_json::from_str(line).context("the client's words are not understood")?;
        let (id, said) = expected
            .get(&understood.name)
            .context("the client read another file")?;
        seen += 1;
        let failure = match (understood.error, understood.said) {
            (Some(error), _) => Some(error),
            (None, Some(understood)) if understood == *said => None,
            (None, understood) => Some(format!("{understood:?} instead of {said:?}")),
        };
        counts.add(if failure.is_none() {
            "streams.understood"
        } else {
            "streams.misunderstood"
        });
        failures.extend(failure.map(|failure| format!("{id}: the client: {failure}")));
    }
    ensure!(
        seen == expected.len(),
        "the client read {seen} streams of {}",
        expected.len()
    );
    Ok(failures)
}
