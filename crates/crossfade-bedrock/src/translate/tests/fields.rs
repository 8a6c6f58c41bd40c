//! Sampling, effort, hints, and the fields that are refused.

use crossfade_exchange::Operation;

use super::*;
use crate::{prepare::prepare, settings::Api};

#[test]
fn sampling_edge_34() {
    use LossKind::{SamplingDropped, TemperatureClamped};
    let config = "/inferenceConfig";
    let both = json!({"temperature": 0.5, "top_p": 0.9});
    check_field(
        &able(),
        both.clone(),
        config,
        json!({"temperature": 0.5, "topP": 0.9}),
        &[],
    );
    check_field(
        &able(),
        json!({"temperature": 2}),
        config,
        json!({"temperature": 1.0}),
        &[TemperatureClamped],
    );
    let one = with(|c| c.sampling = Some(Sampling::One));
    check_field(
        &one,
        both.clone(),
        config,
        json!({"temperature": 0.5}),
        &[SamplingDropped],
    );
    check_field(
        &one,
        json!({"top_p": 0.9}),
        config,
        json!({"topP": 0.9}),
        &[],
    );
    let none = with(|c| c.sampling = Some(Sampling::None));
    check_field(
        &none,
        both,
        config,
        Value::Null,
        &[SamplingDropped, SamplingDropped],
    );
    check_field(
        &able(),
        json!({"max_tokens": 5, "max_completion_tokens": 7}),
        config,
        json!({"maxTokens": 7}),
        &[],
    );
}

#[test]
fn limits_and_stops_edges_33_35() {
    use LossKind::{StopDropped, TokenFloor};
    let config = "/inferenceConfig";
    let floored = with(|c| c.token_floor = Some(16));
    check_field(
        &floored,
        json!({"max_tokens": 5}),
        config,
        json!({"maxTokens": 16}),
        &[TokenFloor],
    );
    check_field(
        &able(),
        json!({"stop": ["a", ""]}),
        config,
        json!({"stopSequences": ["a"]}),
        &[StopDropped],
    );
    let visible = with(|c| c.stop = Some(Stop::Visible));
    check_field(
        &visible,
        json!({"stop": "\n"}),
        config,
        Value::Null,
        &[StopDropped],
    );
    let silent = with(|c| c.stop = Some(Stop::None));
    check_field(
        &silent,
        json!({"stop": "x"}),
        config,
        Value::Null,
        &[StopDropped],
    );
    let mut limited = able();
    limited.default_max_tokens = Some(512);
    check_field(&limited, json!({}), config, json!({"maxTokens": 512}), &[]);
    check_field(
        &limited,
        json!({"max_tokens": 9}),
        config,
        json!({"maxTokens": 9}),
        &[],
    );
}

#[track_caller]
fn check_effort(
    style: Reasoning,
    fields: Value,
    expected: Value,
    output: Value,
    losses: &[LossKind],
) {
    let (found, found_losses) =
        translated(&with(|c| c.reasoning = Some(style)), &hi(fields.clone()));
    let additional = found
        .get("additionalModelRequestFields")
        .cloned()
        .unwrap_or_default();
    assert_eq!(additional, expected, "{style:?} {fields}");
    assert_eq!(
        found["outputConfig"]["effort"], output,
        "{style:?} {fields}"
    );
    assert_eq!(found_losses, losses, "{style:?} {fields}");
}

fn effort(word: &str) -> Value {
    json!({"reasoning_effort": word})
}

#[test]
fn effort_by_budget_edge_38() {
    use LossKind::{BudgetClamped, ReasoningDropped, ReasoningMapped, SamplingDropped};
    let none = Value::Null;
    check_effort(
        Reasoning::None,
        effort("high"),
        none.clone(),
        none.clone(),
        &[ReasoningDropped],
    );
    check_effort(
        Reasoning::None,
        effort("none"),
        none.clone(),
        none.clone(),
        &[],
    );
    let thinking = json!({"thinking": {"type": "enabled", "budget_tokens": 2048}});
    check_effort(
        Reasoning::Budget,
        effort("medium"),
        thinking,
        none.clone(),
        &[ReasoningMapped],
    );
    check_effort(
        Reasoning::Budget,
        json!({"reasoning_effort": "high", "max_tokens": 1000}),
        none.clone(),
        none.clone(),
        &[ReasoningDropped],
    );
    let capped = json!({"thinking": {"type": "enabled", "budget_tokens": 1999}});
    let fields = json!({"reasoning_effort": "high", "max_tokens": 2000, "temperature": 0.1});
    check_effort(
        Reasoning::Budget,
        fields,
        capped,
        none.clone(),
        &[ReasoningMapped, BudgetClamped, SamplingDropped],
    );
}

#[test]
fn effort_by_word_edge_38() {
    use LossKind::ReasoningMapped;
    let none = Value::Null;
    let adaptive = json!({"thinking": {"type": "adaptive"}});
    check_effort(
        Reasoning::Adaptive,
        effort("minimal"),
        adaptive.clone(),
        json!("low"),
        &[ReasoningMapped],
    );
    check_effort(
        Reasoning::Adaptive,
        effort("high"),
        adaptive,
        json!("high"),
        &[],
    );
    check_effort(
        Reasoning::Effort,
        effort("low"),
        json!({"reasoning_effort": "low"}),
        none.clone(),
        &[],
    );
    // Bug 52: the field arrives.
    check_effort(
        Reasoning::Nested,
        effort("medium"),
        json!({"reasoning": {"effort": "medium"}}),
        none.clone(),
        &[],
    );
    let nova = json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}});
    check_effort(
        Reasoning::Nova,
        effort("xhigh"),
        nova,
        none.clone(),
        &[ReasoningMapped],
    );
}

#[test]
fn hints_are_dropped_with_a_word() {
    for field in [
        json!({"user": "u"}),
        json!({"verbosity": "low"}),
        json!({"prediction": {"type": "content", "content": "x"}}),
        json!({"prompt_cache_key": "k"}),
        json!({"safety_identifier": "s"}),
    ] {
        let name = field.as_object().unwrap().keys().next().unwrap().clone();
        let translation = translate(&body(&hi(field)), &able()).unwrap();
        assert_eq!(translation.losses, [Loss::new(LossKind::HintDropped, name)]);
    }
    let translation = translate(&body(&hi(json!({"seed": 1}))), &able()).unwrap();
    assert_eq!(
        translation.losses,
        [Loss::new(LossKind::SeedDropped, "seed")]
    );
    for silent in [
        json!({"store": false, "service_tier": "auto", "n": 1, "logprobs": false, "seed": null, "user": null}),
        json!({"frequency_penalty": 0, "presence_penalty": 0.0, "logit_bias": {}, "modalities": ["text"]}),
        json!({"stream": true, "stream_options": {"include_usage": true, "include_obfuscation": false}}),
        json!({"tools": [], "response_format": {"type": "text"}, "unknown": null}),
    ] {
        assert_eq!(translated(&able(), &hi(silent)).1, []);
    }
}

#[test]
fn metadata_fits_edge_37() {
    let check = |metadata: Value, expected: Value, losses: &[LossKind]| {
        check_field(
            &able(),
            json!({ "metadata": metadata }),
            "/requestMetadata",
            expected,
            losses,
        );
    };
    check(json!({"team": "a b"}), json!({"team": "a b"}), &[]);
    check(
        json!({"team": "é!"}),
        json!({"team": "__"}),
        &[LossKind::MetadataChanged],
    );
    let long = "x".repeat(300);
    check(
        json!({"k": long}),
        json!({"k": "x".repeat(256)}),
        &[LossKind::MetadataChanged],
    );
    check(json!({}), Value::Null, &[]);
}

#[test]
fn a_route_may_adapt() {
    let mut settings = able();
    settings.adapt.system_append = Some("Use short words.".to_owned());
    settings.adapt.temperature = Some(0.2);
    let (found, losses) = translated(&settings, &hi(json!({"temperature": 1.5})));
    assert_eq!(found["system"], json!([{"text": "Use short words."}]));
    assert_eq!(found["inferenceConfig"], json!({"temperature": 0.2}));
    assert_eq!(losses, [LossKind::Adapted, LossKind::Adapted]);
}

#[test]
fn what_cannot_be_mapped_names_its_field() {
    use IneligibleReason::Unsupported;
    for (field, value) in [
        ("n", json!(2)),
        ("logprobs", json!(true)),
        ("top_logprobs", json!(3)),
        ("frequency_penalty", json!(0.5)),
        ("presence_penalty", json!(-1)),
        ("logit_bias", json!({"50256": -100})),
        ("audio", json!({"format": "wav", "voice": "v"})),
        ("modalities", json!(["text", "audio"])),
        ("moderation", json!({"model": "m"})),
        ("web_search_options", json!({})),
        ("data_sources", json!([{"type": "azure_search"}])),
        ("user_security_context", json!({})),
        ("function_call", json!({"name": "f"})),
        ("enhancements", json!({"ocr": {}})),
        ("temperature", json!(2.5)),
        ("temperature", json!("warm")),
        ("top_p", json!(1.5)),
        ("max_tokens", json!(0)),
        ("reasoning_effort", json!("extreme")),
        ("response_format", json!({"type": "grammar"})),
        ("stream_options", json!({"include_usage": true})),
        ("stop", json!(["a", "b", "c", "d", "e"])),
        ("top_k", json!(40)),
        ("metadata", json!({"k": 1})),
    ] {
        let mut fields = serde_json::Map::new();
        fields.insert(field.to_owned(), value);
        check_refused(&hi(Value::Object(fields)), field, Unsupported);
    }
}

#[test]
fn what_is_within_names_its_place() {
    use IneligibleReason::{Stateful, Unsupported};
    for secret in ["my secret", "hunter2", "alice", "sk_live_0123456789"] {
        check_refused(&hi(json!({ secret: 1 })), "(unknown)", Unsupported);
    }
    check_refused(&json!({"model": "d"}), "messages", Unsupported);
    check_refused(&chat(json!([])), "messages", Unsupported);
    check_refused(
        &chat(json!([{"role": "oracle", "content": "x"}])),
        "messages[0].role",
        Unsupported,
    );
    check_refused(
        &chat(json!([{"role": "user", "content": "x", "mood": 1}])),
        "messages[0].(unknown)",
        Unsupported,
    );
    let part = |part: Value| chat(json!([{"role": "user", "content": [part]}]));
    let file = json!({"type": "file", "file": {"file_id": "file-1"}});
    check_refused(&part(file), "messages[0].content[0].file.file_id", Stateful);
    check_refused(
        &part(json!({"type": "hologram"})),
        "messages[0].content[0]",
        Unsupported,
    );
    check_refused(
        &json!({"messages": [{"role": "assistant", "audio": {"id": "a"}}]}),
        "messages[0].audio",
        Stateful,
    );
    assert_eq!(
        eligibility(b"not json", &able()).unwrap_err().field,
        "(body)"
    );
    assert_eq!(eligibility(b"[]", &able()).unwrap_err().field, "(body)");
}

/// Whichever way a request goes, each of these fields beside the rest of it changes what is asked, is named as a loss, or
/// is refused.
#[track_caller]
fn check_told(operation: Operation, bare: &Value, fields: &Value) {
    for api in [Api::Converse, Api::OpenaiChat, Api::OpenaiResponses] {
        for model in [
            "m",
            "openai.gpt-5.6-sol",
            "openai.gpt-oss-20b",
            "anthropic.claude-sonnet-4-6",
        ] {
            let mut settings = CandidateSettings::new(model);
            settings.api = api;
            let told = |request: &Value| {
                let prepared = prepare(operation, &body(request), &settings, Purpose::Judge).ok();
                prepared.map(|prepared| (format!("{:?}", prepared.ask), prepared.losses))
            };
            let nothing = told(bare);
            assert!(nothing.is_some());
            for (name, value) in fields.as_object().unwrap() {
                let mut one = bare.clone();
                one[name] = value.clone();
                assert_ne!(told(&one), nothing, "{api:?} {model} {name}");
            }
        }
    }
}

#[test]
fn no_field_is_dropped_without_a_word() {
    let both = json!({
        "metadata": {"a": "b"}, "moderation": {}, "prompt_cache_key": "k", "prompt_cache_options": {},
        "prompt_cache_retention": "24h", "safety_identifier": "s", "service_tier": "flex", "temperature": 0.3,
        "tool_choice": "required", "top_logprobs": 2, "top_p": 0.3, "user": "u", "unheard_of": 1});
    let with = |mut fields: Value| {
        let more = both.as_object().unwrap().clone();
        fields.as_object_mut().unwrap().extend(more);
        fields
    };
    let chat = with(json!({
        "audio": {}, "data_sources": [], "frequency_penalty": 0.5, "functions": [{"name": "f"}],
        "logit_bias": {"1": 2}, "logprobs": true, "max_completion_tokens": 99, "max_tokens": 98,
        "modalities": ["audio"], "n": 2, "prediction": {}, "presence_penalty": 0.5, "reasoning_effort": "high",
        "response_format": {"type": "json_object"}, "seed": 7, "stop": ["x"], "store": true, "tools": [tool("f")],
        "user_security_context": {}, "verbosity": "low", "web_search_options": {}}));
    check_told(Operation::Chat, &hi(json!({})), &chat);
    let responses = with(json!({
        "background": true, "context_management": [{}], "conversation": "c", "include": ["message.output_text.logprobs"],
        "instructions": "b", "max_output_tokens": 99, "max_tool_calls": 3, "previous_response_id": "resp_1",
        "prompt": {}, "reasoning": {"effort": "high"}, "text": {"format": {"type": "json_object"}},
        "tools": [{"type": "function", "name": "f"}], "truncation": "auto"}));
    check_told(
        Operation::Responses,
        &json!({"input": "a", "store": false}),
        &responses,
    );
}
