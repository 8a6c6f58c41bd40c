//! Answers, streams and an error that the Vercel AI SDK is tested with. Those of Bedrock go through the candidate to the
//! official client, which has to understand what the fixture says; those of the Responses API go through what reads and
//! puts together such answers, which has to keep all of it.

use std::{collections::HashMap, fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use crossfade_openai::{
    assemble::ResponseAssembler,
    error,
    responses::{Event, Response},
};
use crossfade_sim::eventstream::{self, Frame};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{
        answers,
        said::{Expectations, Said},
        stage::Stage,
    },
    converse::whole,
    responses,
    table::Table,
};
use crate::{
    differ::{Depth, Difference, differences},
    python::Python,
    reason::judge,
};

const ANSWERS: &str = "vercel.answers";
const STREAMS: &str = "vercel.streams";
const RESPONSES: &str = "vercel.responses.answers";
const EVENTS: &str = "vercel.responses.streams";
const ERRORS: &str = "vercel.errors";

/// What a row is held against: the recording itself.
const RECORDED: &str = "the fixture";

/// Every field by itself.
const DEPTH: Depth = Depth {
    whole: &[],
    optional: &[],
};

/// One file: a whole body, or what each event says.
#[derive(Debug, Deserialize)]
struct Fixture {
    #[serde(rename = "case_id")]
    id: String,
    #[serde(flatten)]
    holds: Holds,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Holds {
    Body(Value),
    Lines(Vec<Value>),
}

/// Plays all of them.
pub(super) async fn check(
    data: &Path,
    stage: &Stage,
    python: &Python,
    table: &mut Table,
) -> Result<()> {
    let mut expectations = Expectations::new()?;
    let mut played = Vec::new();
    for fixture in read(data)? {
        let name = format!("vercel {}", fixture.id);
        let is_bedrock = fixture.id.starts_with("amazon-bedrock");
        match &fixture.holds {
            Holds::Body(body) if is_bedrock => {
                let body = Bytes::from(of_one_member(body).to_string());
                stage.play(&body, "application/json", &[]);
                let answer = stage.ask(answers::WHOLE).await.context(name.clone())?;
                expectations.add("whole", &name, &answer, Said::of_answer(&body)?)?;
                played.push((ANSWERS, name));
            }
            Holds::Lines(lines) if is_bedrock => {
                let mut lines = lines.clone();
                lines.retain(|line| !begins_nothing(line));
                // The counts come last from the service; some fixtures were written with them before the end.
                lines.sort_by_key(|line| line.get("metadata").is_some());
                let frames = lines.iter().map(frame).collect::<Result<Vec<_>>>()?;
                let bytes: Vec<u8> = frames.iter().flat_map(Frame::encode).collect();
                stage.play(&bytes.into(), eventstream::CONTENT_TYPE, &[]);
                let stream = stage.ask(answers::STREAM).await.context(name.clone())?;
                expectations.add("stream", &name, &stream, Said::of_frames(&frames)?)?;
                played.push((STREAMS, name));
            }
            Holds::Body(body) if body.get("error").is_some_and(Value::is_object) => {
                judged(ERRORS, &name, error_read(body), table);
            }
            Holds::Body(body) => judged(RESPONSES, &name, response_read(body), table),
            Holds::Lines(lines) => judged(EVENTS, &name, stream_read(lines), table),
        }
    }
    let misunderstood: HashMap<String, String> =
        expectations.check(python, None)?.into_iter().collect();
    for (corpus, name) in played {
        table.row(corpus);
        match misunderstood.get(&name) {
            None => table.accepted_as_it_is(corpus),
            Some(what) => table.failure(corpus, &name, what),
        }
    }
    Ok(())
}

/// Reads all of them, in the order of their names.
fn read(data: &Path) -> Result<Vec<Fixture>> {
    let folder = data.join("translator/vercel");
    let place = folder.display();
    let mut files = fs::read_dir(&folder)
        .and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<Vec<_>, _>>()
        })
        .with_context(|| format!("cannot read {place}"))?;
    files.sort();
    ensure!(!files.is_empty(), "nothing in {place}");
    let files = files.iter().map(|file| {
        let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is none", file.display()))
    });
    files.collect()
}

/// An answer whose blocks have one member each, as unions of the service have: a fixture has blocks that name their `type`
/// besides, which no real answer does and the service's own SDK refuses to read.
fn of_one_member(body: &Value) -> Value {
    let mut body = body.clone();
    let blocks = body.pointer_mut("/output/message/content");
    for block in blocks.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(members) = block.as_object_mut() {
            members.retain(|name, _| name != "type");
        }
    }
    body
}

/// Whether an event begins a block of no kind. Unions of the service are never empty and its own SDK refuses to read such
/// an event; blocks of text come without a beginning.
fn begins_nothing(line: &Value) -> bool {
    line.pointer("/contentBlockStart/start") == Some(&json!({}))
}

/// A frame of the name under which the event's members stand.
fn frame(line: &Value) -> Result<Frame> {
    let mut members = line.as_object().into_iter().flatten();
    let (name, payload) = members.next().context("an event of nothing")?;
    ensure!(members.next().is_none(), "an event of several names");
    Ok(Frame::event(name, payload.to_string()))
}

fn judged(corpus: &'static str, name: &str, read: Result<Vec<Difference>>, table: &mut Table) {
    table.row(corpus);
    match read {
        Ok(found) => {
            table.accepted(corpus);
            let judgement = judge(&[], &Value::Null, vec![(RECORDED, found)]);
            table.judged(corpus, name, judgement);
        }
        Err(error) => table.failure(corpus, name, &format!("{error:#}")),
    }
}

/// An error is read with all that programs go by.
fn error_read(body: &Value) -> Result<Vec<Difference>> {
    let found = error::parse(body.to_string().as_bytes()).context("it is no error")?;
    let ours = json!({
        "message": found.message,
        "type": found.kind,
        "param": found.param,
        "code": found.code,
    });
    let theirs = body.get("error").unwrap_or(&Value::Null);
    Ok(differences(&ours, theirs, DEPTH))
}

/// A whole response is read, and written again as it was.
fn response_read(body: &Value) -> Result<Vec<Difference>> {
    let response = Response::from_slice(body.to_string().as_bytes())?;
    ensure!(!response.output.is_empty(), "it says nothing");
    written(&response.to_body(), body)
}

/// Each event is read, and written again as it was; together they are the response that the last of them holds; and
/// without that, and without what ends the items, their pieces say the same.
fn stream_read(lines: &[Value]) -> Result<Vec<Difference>> {
    let mut found = Vec::new();
    let (mut all, mut pieces) = (ResponseAssembler::new(), ResponseAssembler::new());
    let (last, earlier) = lines.split_last().context("no events")?;
    for line in earlier {
        let event = Event::from_data(&line.to_string())?;
        found.extend(written(&event.to_json(), line)?);
        all.push(event.clone())?;
        if !matches!(event, Event::ItemDone(_)) {
            pieces.push(event)?;
        }
    }
    all.push_data(&last.to_string())?;
    let response = last.get("response").context("no response at the end")?;
    found.extend(written(&all.finish()?.to_body(), response)?);
    let said = |response: &Value| {
        let said = responses::of_whole(response);
        json!([said.get("text"), said.get("calls")])
    };
    let partial: Value = serde_json::from_slice(&pieces.into_partial().to_body())?;
    let (ours, theirs) = (said(&partial), said(response));
    ensure!(theirs != json!([null, []]), "it says nothing");
    found.extend(differences(&ours, &theirs, DEPTH));
    Ok(found)
}

fn written(ours: &[u8], theirs: &Value) -> Result<Vec<Difference>> {
    let ours: Value = serde_json::from_slice(ours).context("what is written is no JSON")?;
    Ok(differences(&plain(&ours), &plain(theirs), DEPTH))
}

/// With whole numbers written one way.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter();
            members
                .map(|(name, value)| (name.clone(), plain(value)))
                .collect()
        }
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Number(number) => whole(number),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_held_against_their_own_end() {
        fn check(delta: &str, end: &str, differs: bool) {
            let item = |text: &str| {
                json!({"id": "msg_1", "type": "message", "status": "completed", "role": "assistant",
                    "content": [{"type": "output_text", "annotations": [], "text": text}]})
            };
            let response = |status: &str, output: Vec<Value>| {
                json!({"id": "resp_1", "object": "response", "created_at": 1, "status": status,
                    "model": "m", "output": output})
            };
            let lines = [
                json!({"type": "response.created", "sequence_number": 0, "response": response("in_progress", vec![])}),
                json!({"type": "response.output_item.added", "sequence_number": 1, "output_index": 0,
                    "item": {"id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": []}}),
                json!({"type": "response.output_text.delta", "sequence_number": 2, "item_id": "msg_1",
                    "output_index": 0, "content_index": 0, "delta": delta}),
                json!({"type": "response.output_item.done", "sequence_number": 3, "output_index": 0, "item": item(end)}),
                json!({"type": "response.completed", "sequence_number": 4, "response": response("completed", vec![item(end)])}),
            ];
            let found = stream_read(&lines).unwrap();
            assert_eq!(!found.is_empty(), differs, "{found:?}");
        }
        check("Hello.", "Hello.", false);
        check("Hell.", "Hello.", true);
    }

    #[test]
    fn errors_are_held_against_themselves() {
        fn check(error: &Value, differs: bool) {
            let found = error_read(&json!({ "error": error })).unwrap();
            assert_eq!(!found.is_empty(), differs, "{found:?}");
        }
        let whole = json!({"message": "No.", "type": "t", "param": "p", "code": "c"});
        check(&whole, false);
        check(
            &json!({"message": "No.", "type": "t", "param": "p", "code": "c", "more": 1}),
            true,
        );
    }
}
