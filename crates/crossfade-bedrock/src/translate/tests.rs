//! Requests as data: what each edge case becomes on the target's wire, and which losses it names.

use crossfade_exchange::{IneligibleReason, LossKind};
use serde_json::{Value, json};

use super::*;
use crate::answer::Delivery;
use crate::capabilities::{
    Choice, ImageFormat, Member, Overrides, Reasoning, Sampling, Set, Stop, Structured,
};

mod arbitrary;
mod bugs;
mod families;
mod fields;
mod legacy;
mod messages;
mod parts;
mod policies;
mod properties;
mod rules;
mod thinking;
mod tools;
mod worst;

/// A model that takes everything, so that a case shows only what it is about.
fn able() -> CandidateSettings {
    let mut settings = CandidateSettings::new("test.model");
    settings.capabilities = Overrides {
        structured: Some(Structured::Native),
        strict: Some(true),
        choice: Some(Choice::All),
        prefill: Some(true),
        sampling: Some(Sampling::Both),
        stop: Some(Stop::Any),
        token_floor: Some(1),
        reasoning: Some(Reasoning::None),
        streams: Some(true),
        leading_user: Some(false),
        result_alone: Some(false),
        result_json: Some(false),
        parallel_switch: Some(true),
        images: Some(Set::of(ImageFormat::ALL)),
        documents: Some(5),
        cache_points: Some(4),
        ..Overrides::default()
    };
    settings
}

fn with(change: impl FnOnce(&mut Overrides)) -> CandidateSettings {
    let mut settings = able();
    change(&mut settings.capabilities);
    settings
}

fn eligibility(body: &[u8], settings: &CandidateSettings) -> Result<(), Unsupported> {
    translate(body, settings).map(|_| ())
}

fn body(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

/// A request of these messages.
fn chat(messages: Value) -> Value {
    json!({ "model": "d", "messages": messages })
}

/// A request of one user message and these further fields.
fn hi(fields: Value) -> Value {
    let mut request = chat(json!([{"role": "user", "content": "Hi"}]));
    request
        .as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    request
}

#[track_caller]
fn translated(settings: &CandidateSettings, request: &Value) -> (Value, Vec<LossKind>) {
    let translation =
        translate(&body(request), settings).unwrap_or_else(|e| panic!("{e}: {request}"));
    let losses = translation.losses.iter().map(|loss| loss.kind).collect();
    (serde_json::to_value(&translation.request).unwrap(), losses)
}

#[track_caller]
fn check_field(
    settings: &CandidateSettings,
    fields: Value,
    path: &str,
    expected: Value,
    losses: &[LossKind],
) {
    let (found, found_losses) = translated(settings, &hi(fields));
    assert_eq!(found.pointer(path).cloned().unwrap_or_default(), expected);
    assert_eq!(found_losses, losses);
}

#[track_caller]
fn check_refused(request: &Value, field: &str, reason: IneligibleReason) {
    let error = eligibility(&body(request), &able()).expect_err("refused");
    assert_eq!(
        (error.field.as_str(), error.reason),
        (field, reason),
        "{request}"
    );
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": [{"text": text}]})
}

fn call(id: &str, name: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn tool(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name}})
}

#[test]
fn the_worked_example() {
    let request = json!({"model": "chat-prod", "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Rain in Oslo?"},
        {"role": "assistant", "content": null, "tool_calls": [
            call("call_A1", "rain", "{\"city\":\"Oslo\"}"), call("call_A2", "now", "")]},
        {"role": "tool", "tool_call_id": "call_A1", "content": "yes"},
        {"role": "tool", "tool_call_id": "call_A2", "content": "09:00"}],
        "tools": [
            {"type": "function", "function": {"name": "rain", "parameters":
                {"type": "object", "properties": {"city": {"type": "string"}}}}},
            tool("now")],
        "max_completion_tokens": 100, "temperature": 1.4, "stop": "END",
        "stream": true, "stream_options": {"include_usage": true}});
    let translation = translate(&body(&request), &able()).unwrap();
    // The bytes, because the order of a schema's members matters to a model.
    let expected = concat!(
        r#"{"system":[{"text":"Be brief."}],"messages":[{"role":"user","content":[{"text":"Rain in Oslo?"}]},"#,
        r#"{"role":"assistant","content":[{"toolUse":{"toolUseId":"call_A1","name":"rain","input":{"city":"Oslo"}}},"#,
        r#"{"toolUse":{"toolUseId":"call_A2","name":"now","input":{}}}]},"#,
        r#"{"role":"user","content":[{"toolResult":{"toolUseId":"call_A1","content":[{"text":"yes"}]}},"#,
        r#"{"toolResult":{"toolUseId":"call_A2","content":[{"text":"09:00"}]}}]}],"#,
        r#""toolConfig":{"tools":[{"toolSpec":{"name":"rain","inputSchema":{"json":{"type":"object","#,
        r#""properties":{"city":{"type":"string"}}}}}},"#,
        r#"{"toolSpec":{"name":"now","inputSchema":{"json":{"type":"object","properties":{}}}}}]},"#,
        r#""inferenceConfig":{"maxTokens":100,"temperature":1.0,"stopSequences":["END"]}}"#,
    );
    assert_eq!(
        serde_json::to_string(&translation.request).unwrap(),
        expected
    );
    assert_eq!(
        translation.losses,
        [Loss::new(LossKind::TemperatureClamped, "temperature")]
    );
    assert_eq!(
        translation.reply.delivery,
        Delivery::Stream {
            include_usage: true
        }
    );
}
