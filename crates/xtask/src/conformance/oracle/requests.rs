//! Requests: ours beside other translators', judged by the service model.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{
    super::{judge::Bodies, translation},
    cases::Case,
    converse, refusals,
    request_reasons::REASONS,
    table::Table,
};
use crate::{
    differ::{Difference, differences},
    python::Python,
    reason::judge,
};

/// Asked for where a case names no model of Bedrock.
pub(super) const MODEL: &str = "anthropic.claude-3-5-sonnet-20240620-v1:0";

/// Translates all requests, compares and judges them.
pub(super) fn check(cases: &[Case], data: &Path, python: &Python, table: &mut Table) -> Result<()> {
    let mut bodies = Bodies::new()?;
    let mut judged = Vec::new();
    for case in cases.iter().filter(|case| is_request(case)) {
        let corpus = corpus(case);
        table.row(corpus);
        let caller = caller(case)?;
        let text = caller.to_string();
        let model = model(case);
        let body = match translation::translate(text.as_bytes(), model) {
            Ok(body) => body,
            Err(field) => {
                refused(case, &caller, &field, table);
                continue;
            }
        };
        let name = case.name();
        bodies.add(&name, model, &body)?;
        if let Some(refusal) = crossfade_sim::bedrock::refusal(model, &body) {
            table.failure(corpus, &name, &format!("the model refuses: {refusal}"));
            continue;
        }
        let peers = compare(case, &body, &caller);
        table.judged(corpus, &name, judge(REASONS, &caller, peers));
        judged.push((corpus, name));
    }
    let invalid = bodies.judge(data, python)?;
    for (corpus, name) in judged {
        match invalid.get(&name) {
            None => table.accepted(corpus),
            Some(error) => table.failure(corpus, &name, &format!("by the service model: {error}")),
        }
    }
    Ok(())
}

/// A request on the chat wire, or on a wire that is not Azure's: that one has to be refused by name.
fn is_request(case: &Case) -> bool {
    matches!(case.kind.as_str(), "request" | "request:messages")
}

/// A refusal has to name a field that the request has, and that has no counterpart.
fn refused(case: &Case, caller: &Value, field: &str, table: &mut Table) {
    let corpus = corpus(case);
    if refusals::is_known(field, caller) {
        table.refused(corpus, field);
    } else {
        let what = format!("refused for {field:?}, which has a counterpart");
        table.failure(corpus, &case.name(), &what);
    }
}

fn corpus(case: &Case) -> &'static str {
    if case.is_oracle() {
        "requests"
    } else {
        "fixtures.requests"
    }
}

/// The request, with what its project left open filled in from what it expects.
fn caller(case: &Case) -> Result<Value> {
    let request = case.openai_request.as_ref();
    let mut caller = request.context("a request without a request")?.clone();
    if caller.get("stop").is_some_and(is_open) {
        let expected = case.expected_bedrock_request.as_ref();
        let stops = expected.and_then(|body| body.pointer("/inferenceConfig/stopSequences"));
        set(&mut caller, "stop", stops.cloned().unwrap_or(Value::Null));
    }
    let messages = caller.get_mut("messages").and_then(Value::as_array_mut);
    for message in messages.into_iter().flatten() {
        let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut);
        for call in calls.into_iter().flatten() {
            if call.get("type").is_some_and(is_open) {
                set(call, "type", json!("function"));
            }
        }
    }
    Ok(caller)
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

/// Some fixtures stand in their project's code, and a constant in them was not read.
fn is_open(value: &Value) -> bool {
    value == "<<opaque>>"
}

fn model(case: &Case) -> &str {
    let named = case.openai_request.as_ref();
    let named = named.and_then(|request| request.get("model"));
    let named = named.and_then(Value::as_str).unwrap_or_default();
    let named = named.strip_prefix("bedrock.").unwrap_or(named);
    match &case.target_model {
        Some(model) => model,
        None if named.starts_with("anthropic.") => named,
        None => MODEL,
    }
}

/// The differences to what each peer makes of it.
fn compare<'a>(case: &'a Case, body: &Value, caller: &Value) -> Vec<(&'a str, Vec<Difference>)> {
    let ours = converse::comparable(body, caller);
    let peers = [
        ("LiteLLM", &case.litellm),
        ("bedrock-access-gateway", &case.bag),
        (case.project(), &case.expected_bedrock_request),
    ];
    let peers = peers.into_iter().filter_map(|(peer, theirs)| {
        let theirs = converse::comparable(theirs.as_ref()?, caller);
        Some((peer, differences(&ours, &theirs, converse::DEPTH)))
    });
    peers.collect()
}
