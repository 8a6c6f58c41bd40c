//! Every recorded event stream decodes the same whole and in pieces, through the simulator's socket; and every recorded
//! Converse answer, streamed or whole, becomes one that the official client reads, with the text, the calls and the end
//! that the recording holds.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use crossfade_sim::eventstream::{self, Decoder, Frame};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::Value;

use super::{
    Counts, Record, client,
    said::{Expectations, Said},
    stage::Stage,
};
use crate::python::Python;

pub(super) const STREAM: &str = r#"{"messages":[{"role":"user","content":"hi"}],"stream":true,
    "stream_options":{"include_usage":true}}"#;
pub(super) const WHOLE: &str = r#"{"messages":[{"role":"user","content":"hi"}]}"#;
/// Ways in which each stream is cut.
const CUTS: usize = 4;

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
            failures.extend(decodes(&stage, record, &frames, &cuts, counts).await?);
            if record.api == "converse-stream" {
                let (stream, failure) = streams(&stage, record, &cuts).await?;
                failures.extend(failure);
                expectations.add("stream", &record.id, &stream, Said::of_frames(&frames)?)?;
            }
        } else if record.api == "converse" && record.status == 200 {
            stage.play(&record.body, "application/json", &[]);
            let body = stage.ask(WHOLE).await.with_context(|| record.id.clone())?;
            let said = Said::of_answer(&record.body).with_context(|| record.id.clone())?;
            expectations.add("whole", &record.id, &body, said)?;
        }
    }
    let misunderstood = expectations.check(python, Some(counts))?;
    failures.extend(misunderstood.into_iter().map(|(_, what)| what));
    Ok(failures)
}

/// Decodes off the socket, cut in every way.
async fn decodes(
    stage: &Stage,
    record: &Record,
    frames: &[Frame],
    cuts: &[Vec<usize>],
    counts: &mut Counts,
) -> Result<Vec<String>> {
    let mut failures = Vec::new();
    for cut in cuts {
        stage.play(&record.body, eventstream::CONTENT_TYPE, cut);
        let path = "/model/m/converse-stream";
        let came = client::ask(stage.sim.address(), "POST", path, &[], b"").await?;
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
    stage: &Stage,
    record: &Record,
    cuts: &[Vec<usize>],
) -> Result<(Bytes, Option<String>)> {
    let mut streams: Vec<Bytes> = Vec::new();
    for cut in cuts {
        stage.play(&record.body, eventstream::CONTENT_TYPE, cut);
        streams.push(stage.ask(STREAM).await.with_context(|| record.id.clone())?);
    }
    let mut steady: Vec<String> = streams.iter().map(|stream| steady(stream)).collect();
    steady.dedup();
    let failure =
        (steady.len() > 1).then(|| format!("{}: translates otherwise in other pieces", record.id));
    Ok((streams.pop().unwrap_or_default(), failure))
}

/// Whole first, then single bytes, then at random.
fn pieces(cut: usize, random: &mut StdRng) -> Vec<usize> {
    match cut {
        0 => Vec::new(),
        1 => vec![1],
        _ => (0..32).map(|_| random.random_range(1..=300)).collect(),
    }
}

pub(super) fn decode(body: &[u8]) -> Result<Vec<Frame>> {
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
