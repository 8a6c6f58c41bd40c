//! Whole answers and streams: ours beside other translators', and read by the official client.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use crossfade_sim::eventstream::{self, Frame, HeaderValue};
use serde_json::{Map, Value, json};

use super::{
    super::{
        answers,
        said::{Expectations, Said},
        stage::Stage,
    },
    answer_reasons::REASONS,
    anthropic,
    cases::Case,
    completion,
    table::Table,
};
use crate::{differ::differences, python::Python, reason::judge};

/// Translates all answers, compares them, and has them read.
pub(super) async fn check(
    cases: &[Case],
    stage: &Stage,
    python: &Python,
    table: &mut Table,
) -> Result<()> {
    let mut expectations = Expectations::new()?;
    let mut read = Vec::new();
    for case in cases {
        let Some(corpus) = corpus(case) else {
            continue;
        };
        let name = case.name();
        table.row(corpus);
        let (ours, source) = match &case.bedrock_response {
            Some(answer) => {
                let bytes = Bytes::from(answer.to_string());
                stage.play(&bytes, "application/json", &[]);
                let body = stage.ask(answers::WHOLE).await.context(name.clone())?;
                let ours = serde_json::from_slice(&body).context("an answer is no JSON")?;
                expectations.add("whole", &name, &body, Said::of_answer(&bytes)?)?;
                (ours, answer.clone())
            }
            None => {
                let bytes = frames(case)?;
                stage.play(&bytes, eventstream::CONTENT_TYPE, &[]);
                let stream = stage.ask(answers::STREAM).await.context(name.clone())?;
                let said = Said::of_frames(&answers::decode(&bytes)?)?;
                expectations.add("stream", &name, &stream, said)?;
                (
                    completion::fold(&completion::chunks(&stream)?),
                    fold(&bytes)?,
                )
            }
        };
        let ours = completion::comparable(&ours);
        let peers = peers(case)?.into_iter().map(|(peer, theirs)| {
            let theirs = completion::comparable(&theirs);
            (peer, differences(&ours, &theirs, completion::DEPTH))
        });
        let peers = peers.collect();
        table.judged(corpus, &name, judge(REASONS, &source, peers));
        read.push((corpus, name));
    }
    let misunderstood = expectations.check(python, None)?;
    let misunderstood: HashMap<String, String> = misunderstood.into_iter().collect();
    for (corpus, name) in read {
        match misunderstood.get(&name) {
            None => table.accepted(corpus),
            Some(what) => table.failure(corpus, &name, what),
        }
    }
    Ok(())
}

fn corpus(case: &Case) -> Option<&'static str> {
    Some(match (case.kind.as_str(), case.is_oracle()) {
        ("response", true) => "answers",
        ("stream", true) => "streams",
        ("response" | "response:messages", false) => "fixtures.answers",
        ("stream" | "stream:messages", false) => "fixtures.streams",
        _ => return None,
    })
}

pub(super) fn frames(case: &Case) -> Result<Bytes> {
    let text = case.bedrock_eventstream_b64.as_ref();
    let text = text.context("a stream without frames")?;
    let bytes = STANDARD.decode(text).context("frames are not base64")?;
    if case.is_oracle() {
        return Ok(bytes.into());
    }
    let mut whole = Vec::new();
    for mut frame in answers::decode(&bytes)? {
        complete(&mut frame);
        whole.extend_from_slice(&frame.encode());
    }
    Ok(whole.into())
}

/// A fixture may lack headers that every frame of the service has.
fn complete(frame: &mut Frame) {
    for (name, value) in [
        (":content-type", "application/json"),
        (":message-type", "event"),
    ] {
        if !frame.headers.iter().any(|(have, _)| have == name) {
            let value = HeaderValue::Text(value.to_owned());
            frame.headers.push((name.to_owned(), value));
        }
    }
}

/// The whole answer that a stream's frames say.
pub(super) fn fold(frames: &[u8]) -> Result<Value> {
    let mut blocks: BTreeMap<u64, Map<String, Value>> = BTreeMap::new();
    let mut answer = Map::new();
    for frame in answers::decode(frames)? {
        let event: Value =
            serde_json::from_slice(&frame.payload).context("a payload is no JSON")?;
        for name in ["stopReason", "usage", "trace"] {
            if let Some(value) = event.get(name) {
                answer.insert(name.to_owned(), value.clone());
            }
        }
        let Some(index) = event.get("contentBlockIndex").and_then(Value::as_u64) else {
            continue;
        };
        let block = blocks.entry(index).or_default();
        for piece in ["start", "delta"] {
            let members = event.get(piece).and_then(Value::as_object);
            grow(block, members.unwrap_or(&Map::new()));
        }
    }
    blocks.values_mut().for_each(settle);
    let content: Vec<Value> = blocks.into_values().map(Value::Object).collect();
    answer.insert(
        "output".to_owned(),
        json!({ "message": { "role": "assistant", "content": content } }),
    );
    Ok(Value::Object(answer))
}

/// Lets a block grow by a piece: texts go on, all else comes once.
fn grow(block: &mut Map<String, Value>, piece: &Map<String, Value>) {
    for (name, value) in piece {
        match (block.get_mut(name), value) {
            (Some(Value::String(before)), Value::String(text)) => before.push_str(text),
            (Some(Value::Object(before)), Value::Object(members)) => grow(before, members),
            (Some(_), _) => {}
            (None, _) => {
                block.insert(name.clone(), value.clone());
            }
        }
    }
}

/// Gives a block the form that it has in a whole answer.
fn settle(block: &mut Map<String, Value>) {
    if let Some(call) = block.get_mut("toolUse").and_then(Value::as_object_mut) {
        let input = call.get("input").and_then(Value::as_str).unwrap_or("{}");
        let input = serde_json::from_str(input).unwrap_or_else(|_| json!({}));
        call.insert("input".to_owned(), input);
    }
    if let Some(reasoning) = block.get_mut("reasoningContent")
        && reasoning.get("text").is_some()
    {
        *reasoning = json!({ "reasoningText": reasoning.take() });
    }
}

/// What each peer makes of it.
fn peers(case: &Case) -> Result<Vec<(&str, Value)>> {
    let chunks = case.litellm_chunks.as_deref();
    let of_messages = case.kind.ends_with(":messages");
    let whole = case.expected_openai_response.as_ref();
    let stream = case.expected_openai_sse.as_ref();
    let all = [
        ("LiteLLM", case.litellm.clone()),
        ("bedrock-access-gateway", case.bag.clone()),
        ("LiteLLM", chunks.map(completion::fold)),
        (
            case.project(),
            whole.map(|whole| {
                if of_messages {
                    anthropic::of_message(whole)
                } else {
                    whole.clone()
                }
            }),
        ),
        (
            case.project(),
            stream
                .map(|stream| {
                    if of_messages {
                        anthropic::of_stream(stream)
                    } else {
                        Ok(completion::fold(&completion::chunks(stream.as_bytes())?))
                    }
                })
                .transpose()?,
        ),
    ];
    let all = all.into_iter();
    Ok(all
        .filter_map(|(peer, answer)| Some((peer, answer?)))
        .collect())
}
