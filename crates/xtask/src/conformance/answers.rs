//! Every recorded event stream decodes the same whole and in pieces, through the simulator's socket; and every recorded
//! Converse answer, streamed or whole, becomes one that the official client reads, with the text, the calls and the end
//! that the recording holds.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use crossfade_bedrock::{Auth, Candidate, CandidateSettings, Connection, Settings};
use crossfade_sim::{
    bedrock::{self, BedrockOptions, BedrockSim},
    eventstream::{self, Decoder, Frame},
    script::{Answer, Prompt, Recorded, Script},
};
use http_body_util::BodyExt as _;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::Value;
use tower::ServiceExt as _;

use super::{
    Counts, Record, client,
    said::{Expectations, Said},
};
use crate::python::Python;

const TARGET: &str = "/openai/deployments/support/chat/completions?api-version=2024-10-21";
const STREAM: &str = r#"{"messages":[{"role":"user","content":"hi"}],"stream":true,
    "stream_options":{"include_usage":true}}"#;
const WHOLE: &str = r#"{"messages":[{"role":"user","content":"hi"}]}"#;
/// Ways in which each stream is cut.
const CUTS: usize = 4;

/// A simulated service that plays recordings, and the candidate that asks it.
struct Stage {
    script: Script,
    sim: BedrockSim,
    candidate: Candidate,
}

/// Plays all of them; returns what is wrong.
pub(super) async fn check(
    records: &[Record],
    python: &Python,
    seed: u64,
    counts: &mut Counts,
) -> Result<Vec<String>> {
    let stage = Stage::new().await?;
    let mut random = StdRng::seed_from_u64(seed);
    let mut expectations = Expectations::new()?;
    let mut failures = Vec::new();
    for record in records {
        if record.has_frames {
            let cuts: Vec<Vec<usize>> = (0..CUTS).map(|cut| pieces(cut, &mut random)).collect();
            let frames = decode(&record.body).with_context(|| record.id.clone())?;
            failures.extend(stage.decodes(record, &frames, &cuts, counts).await?);
            if record.api == "converse-stream" {
                let (stream, failure) = stage.streams(record, &cuts).await?;
                failures.extend(failure);
                expectations.add("stream", &record.id, &stream, Said::of_frames(&frames)?)?;
            }
        } else if record.api == "converse" && record.status == 200 {
            stage.play(record, "application/json", &[]);
            let body = stage.ask(WHOLE).await.with_context(|| record.id.clone())?;
            let said = Said::of_answer(&record.body).with_context(|| record.id.clone())?;
            expectations.add("whole", &record.id, &body, said)?;
        }
    }
    failures.extend(expectations.check(python, counts)?);
    Ok(failures)
}

// === impl Stage ===

impl Stage {
    async fn new() -> Result<Self> {
        let script = Script::new(Arc::new(|_: &Prompt, _: u64| Answer::default()));
        let options = BedrockOptions {
            script: script.clone(),
            ..BedrockOptions::default()
        };
        let sim = BedrockSim::start(options)
            .await
            .context("cannot start the simulated Bedrock")?;
        let mut connection = Settings::new("us-east-1");
        connection.endpoint = Some(sim.url());
        connection.auth = Auth::Static {
            access_key: bedrock::ACCESS_KEY.to_owned(),
            secret: bedrock::SECRET.to_owned(),
            session_token: None,
        };
        let mut settings = CandidateSettings::new("us.anthropic.claude-sonnet-4-6");
        // Or whole answers would be asked for as streams.
        settings.stream_always = false;
        let candidate = Candidate::new(Connection::new(connection).await, settings);
        Ok(Self {
            script,
            sim,
            candidate,
        })
    }

    fn play(&self, record: &Record, content_type: &str, pieces: &[usize]) {
        self.script.set_recorded(Some(Recorded {
            status: 200,
            reason: None,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: record.body.clone(),
            pieces: pieces.to_vec(),
        }));
    }

    /// Decodes off the socket, cut in every way.
    async fn decodes(
        &self,
        record: &Record,
        frames: &[Frame],
        cuts: &[Vec<usize>],
        counts: &mut Counts,
    ) -> Result<Vec<String>> {
        let mut failures = Vec::new();
        for cut in cuts {
            self.play(record, eventstream::CONTENT_TYPE, cut);
            let path = "/model/m/converse-stream";
            let came = client::ask(self.sim.address(), "POST", path, &[], b"").await?;
            if decode(&came.body).is_ok_and(|decoded| decoded == frames) {
                counts.add("answers.frames.same");
            } else {
                counts.add("answers.frames.different");
                failures.push(format!(
                    "{}: decodes otherwise in pieces of {cut:?}",
                    record.id
                ));
            }
        }
        Ok(failures)
    }

    /// Translates, cut in every way; the last translation, and whether another differs.
    async fn streams(
        &self,
        record: &Record,
        cuts: &[Vec<usize>],
    ) -> Result<(Bytes, Option<String>)> {
        let mut streams: Vec<Bytes> = Vec::new();
        for cut in cuts {
            self.play(record, eventstream::CONTENT_TYPE, cut);
            streams.push(self.ask(STREAM).await.with_context(|| record.id.clone())?);
        }
        let mut steady: Vec<String> = streams.iter().map(|stream| steady(stream)).collect();
        steady.dedup();
        let failure = (steady.len() > 1)
            .then(|| format!("{}: translates otherwise in other pieces", record.id));
        Ok((streams.pop().unwrap_or_default(), failure))
    }

    async fn ask(&self, body: &'static str) -> Result<Bytes> {
        let request = http::Request::post(TARGET)
            .header("content-type", "application/json")
            .body(Bytes::from_static(body.as_bytes()))?;
        let answer = self.candidate.clone().oneshot(request);
        let answer = answer.await.map_err(anyhow::Error::from_boxed)?;
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
}

/// Whole first, then single bytes, then at random.
fn pieces(cut: usize, random: &mut StdRng) -> Vec<usize> {
    match cut {
        0 => Vec::new(),
        1 => vec![1],
        _ => (0..32).map(|_| random.random_range(1..=300)).collect(),
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
