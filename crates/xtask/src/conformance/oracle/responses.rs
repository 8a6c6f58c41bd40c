//! The Responses API: fixtures of a peer for requests, whole answers and streams.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use crossfade_bedrock::{
    CandidateSettings, converse as wire,
    rehearse::{Rehearsal, events_of},
};
use crossfade_exchange::Operation;
use serde_json::{Map, Value, json};

use super::{
    answers,
    cases::Case,
    completion::append,
    converse::{self, tidy},
    request_reasons,
    requests::MODEL,
    response_reasons::REASONS,
    table::Table,
};
use crate::{
    differ::{Depth, differences},
    reason::judge,
};

const REQUESTS: &str = "fixtures.responses.requests";
const ANSWERS: &str = "fixtures.responses.answers";
const STREAMS: &str = "fixtures.responses.streams";

/// How far answers are compared.
const DEPTH: Depth = Depth {
    whole: &[],
    optional: &["usage.input_tokens_details", "usage.output_tokens_details"],
};

/// Translates and compares all of them.
pub(super) fn check(cases: &[Case], table: &mut Table) -> Result<()> {
    for case in cases {
        let name = case.name();
        match case.kind.as_str() {
            "request:responses" => request(case, &name, table)?,
            "response:responses" => {
                let source = case.bedrock_response.as_ref();
                let source = source.context("an answer without an answer")?;
                let theirs = case.expected_openai_response.as_ref();
                let theirs = of_whole(theirs.context("nothing is expected")?);
                let ours: Value = serde_json::from_slice(&answer(source, false)?)
                    .context("an answer is no JSON")?;
                compare(ANSWERS, &name, source, [&of_whole(&ours), &theirs], table);
            }
            "stream:responses" => {
                let source = answers::fold(&answers::frames(case)?)?;
                let theirs = case.expected_openai_sse.as_ref();
                let theirs = of_stream(theirs.context("nothing is expected")?)?;
                let stream = answer(&source, true)?;
                let ours = std::str::from_utf8(&stream).context("a stream is no text")?;
                compare(STREAMS, &name, &source, [&of_stream(ours)?, &theirs], table);
            }
            _ => {}
        }
    }
    Ok(())
}

fn request(case: &Case, name: &str, table: &mut Table) -> Result<()> {
    table.row(REQUESTS);
    let caller = case.openai_request.as_ref().context("no request")?;
    let rehearsal = match rehearse(&caller.to_string()) {
        Ok(rehearsal) => rehearsal,
        Err(error) => {
            table.failure(REQUESTS, name, &format!("{error:#}"));
            return Ok(());
        }
    };
    let body = rehearsal.asked().first().context("nothing is asked")?;
    let body: Value = serde_json::from_slice(body).context("a body is no JSON")?;
    let theirs = case.expected_bedrock_request.as_ref();
    let theirs = converse::comparable(theirs.context("nothing is expected")?, caller);
    let ours = converse::comparable(&body, caller);
    let found = differences(&ours, &theirs, converse::DEPTH);
    let peers = vec![(case.project(), found)];
    table.judged(
        REQUESTS,
        name,
        judge(request_reasons::REASONS, caller, peers),
    );
    match crossfade_sim::bedrock::refusal(MODEL, &body) {
        None => table.accepted(REQUESTS),
        Some(refusal) => table.failure(REQUESTS, name, &refusal),
    }
    Ok(())
}

fn rehearse(body: &str) -> Result<Rehearsal> {
    // What keeps no state may be answered.
    let mut body: Value = serde_json::from_str(body).context("a request is no JSON")?;
    if let Some(members) = body.as_object_mut() {
        members.insert("store".to_owned(), json!(false));
    }
    let settings = CandidateSettings::new(MODEL);
    let body = body.to_string();
    Rehearsal::new(Operation::Responses, body.as_bytes(), &settings)
        .map_err(|unsupported| anyhow::anyhow!("refused for {}", unsupported.field))
}

/// What the caller of the Responses API gets for an answer of Converse.
fn answer(source: &Value, stream: bool) -> Result<Bytes> {
    let mut rehearsal = rehearse(&json!({"input": "hi", "stream": stream}).to_string())?;
    let response: wire::Response =
        serde_json::from_value(source.clone()).context("an answer is not Converse's")?;
    let mut bytes = Vec::new();
    for event in events_of(response)? {
        rehearsal.event(event)?;
        while let Some(piece) = rehearsal.take() {
            bytes.extend_from_slice(&piece);
        }
    }
    Ok(bytes.into())
}

fn compare(
    corpus: &'static str,
    name: &str,
    source: &Value,
    [ours, theirs]: [&Value; 2],
    table: &mut Table,
) {
    table.row(corpus);
    table.accepted(corpus);
    let found = differences(ours, theirs, DEPTH);
    table.judged(
        corpus,
        name,
        judge(REASONS, source, vec![("agentgateway", found)]),
    );
}

/// What a whole response says.
pub(super) fn of_whole(response: &Value) -> Value {
    let response = tidy(response);
    let items = response.get("output").and_then(Value::as_array);
    let mut said = Map::new();
    let mut calls = Vec::new();
    for item in items.into_iter().flatten() {
        match item.get("type").and_then(Value::as_str) {
            Some("function_call") => calls.push(call(item)),
            Some("message") => {
                let parts = item.get("content").and_then(Value::as_array);
                for part in parts.into_iter().flatten() {
                    let text = part.get("text").and_then(Value::as_str);
                    append(&mut said, "text", text.unwrap_or_default());
                }
            }
            _ => {}
        }
    }
    finish(said, calls, &response)
}

/// What a stream of its events says.
fn of_stream(stream: &str) -> Result<Value> {
    let mut said = Map::new();
    let mut calls = Vec::new();
    let mut last = Value::Null;
    for data in stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
    {
        let event: Value = serde_json::from_str(data).context("an event is no JSON")?;
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        match text("type") {
            "response.output_text.delta" => append(&mut said, "text", text("delta")),
            "response.output_item.done" => {
                let item = event.get("item").unwrap_or(&Value::Null);
                if item.get("type") == Some(&json!("function_call")) {
                    calls.push(call(item));
                }
            }
            _ => {}
        }
        if let Some(response) = event.get("response") {
            last = tidy(response);
        }
    }
    Ok(finish(said, calls, &last))
}

fn call(item: &Value) -> Value {
    let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
    let arguments = serde_json::from_str(text("arguments"));
    json!({"name": text("name"), "arguments": arguments.unwrap_or(Value::Null)})
}

fn finish(mut said: Map<String, Value>, calls: Vec<Value>, response: &Value) -> Value {
    said.insert("calls".to_owned(), Value::Array(calls));
    for name in ["status", "incomplete_details", "usage"] {
        if let Some(value) = response.get(name) {
            said.insert(name.to_owned(), value.clone());
        }
    }
    let mut said = Value::Object(said);
    for details in ["input_tokens_details", "output_tokens_details"] {
        let details = said.pointer_mut(&format!("/usage/{details}"));
        if let Some(details) = details.and_then(Value::as_object_mut) {
            details.retain(|_, count| count != &json!(0));
        }
    }
    said
}
