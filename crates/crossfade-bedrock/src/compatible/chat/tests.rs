//! What a caller's request becomes on the endpoint of the same wire, case by case.

mod conversations;

use serde_json::{Value, json};

use super::*;
use crate::settings::{Api, GuardrailSettings, GuardrailTrace, Penalties, StreamMode};

fn route(model: &str) -> CandidateSettings {
    let mut settings = CandidateSettings::new(model);
    settings.api = Api::OpenaiChat;
    settings
}

fn newer() -> CandidateSettings {
    route("us.openai.gpt-5.6-sol")
}

fn oss() -> CandidateSettings {
    route("openai.gpt-oss-120b-1:0")
}

fn plain() -> CandidateSettings {
    route("test.model")
}

/// The caller's fields beside a plain conversation.
fn asked(fields: &Value) -> Value {
    let mut body = json!({"model": "dep", "messages": [{"role": "user", "content": "Hi"}]});
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn told(settings: &CandidateSettings, body: &Value) -> (Value, Asked) {
    let asked = prepare(body.to_string().as_bytes(), settings).unwrap();
    (serde_json::from_slice(&asked.call.body).unwrap(), asked)
}

/// Checks some members of what is sent (`null`: absent), and the losses.
fn check(settings: CandidateSettings, fields: Value, sent: Value, losses: &[(LossKind, &str)]) {
    let (body, asked) = told(&settings, &asked(&fields));
    for (name, value) in sent.as_object().unwrap() {
        assert_eq!(
            body.get(name).unwrap_or(&Value::Null),
            value,
            "{name} of {fields}"
        );
    }
    let losses: Vec<Loss> = losses
        .iter()
        .map(|(kind, field)| Loss::new(*kind, *field))
        .collect();
    assert_eq!(asked.losses, losses, "{fields}");
}

fn check_refused(settings: CandidateSettings, fields: Value, field: &str) {
    let unsupported = prepare(asked(&fields).to_string().as_bytes(), &settings).unwrap_err();
    assert_eq!(unsupported.field, field, "{fields}");
}

#[test]
fn what_the_model_takes_goes_on_byte_for_byte() {
    let body = r#"{"messages":[{"role":"user","content":"Hi \u00e9"}],"temperature":1.30, "seed":7,"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"z":1,"a":2}}},"model":"dep","tools":[{"type":"function","function":{"name":"f","parameters":{"b":1.0,"a":[ ]}}}]}"#;
    let mut settings = plain();
    settings.stream_always = false;
    let asked = prepare(body.as_bytes(), &settings).unwrap();
    let expected = body
        .replace(r#""model":"dep""#, r#""model":"test.model""#)
        .replace(", \"seed\"", ",\"seed\"");
    let expected = format!("{},\"stream\":false}}", expected.strip_suffix('}').unwrap());
    assert_eq!(std::str::from_utf8(&asked.call.body).unwrap(), expected);
    assert_eq!(asked.losses, []);
    assert_eq!(asked.call.path, "/openai/v1/chat/completions");
}

#[test]
fn streams_tell_their_tokens_and_the_caller_s_wish_is_kept() {
    let usage = json!({"include_usage": true});
    check(
        plain(),
        json!({}),
        json!({"stream": true, "stream_options": usage}),
        &[],
    );
    let (_, asked) = told(&plain(), &asked(&json!({"stream": true})));
    assert_eq!(
        asked.reply.delivery,
        Delivery::Stream {
            include_usage: false
        }
    );
    let mut settings = plain();
    settings.stream_always = false;
    check(
        settings,
        json!({"stream": false}),
        json!({"stream": false, "stream_options": null}),
        &[],
    );
    check_refused(
        plain(),
        json!({"stream_options": {"include_usage": true}}),
        "stream_options",
    );
}

#[test]
fn token_limits_edge_33() {
    let floor = (LossKind::TokenFloor, "max_tokens");
    check(
        newer(),
        json!({"max_tokens": 5}),
        json!({"max_completion_tokens": 16, "max_tokens": null}),
        &[floor],
    );
    check(
        newer(),
        json!({"max_tokens": 50}),
        json!({"max_completion_tokens": 50, "max_tokens": null}),
        &[],
    );
    check(
        oss(),
        json!({"max_tokens": 5}),
        json!({"max_tokens": 5, "max_completion_tokens": null}),
        &[],
    );
    check(
        plain(),
        json!({"max_completion_tokens": 9, "max_tokens": 8}),
        json!({"max_completion_tokens": 9, "max_tokens": null}),
        &[],
    );
    let mut settings = plain();
    settings.default_max_tokens = Some(77);
    check(
        settings,
        json!({}),
        json!({"max_completion_tokens": 77}),
        &[],
    );
    check_refused(plain(), json!({"max_tokens": 0}), "max_tokens");
}

#[test]
fn sampling_while_reasoning_edge_34() {
    let dropped = |field| (LossKind::SamplingDropped, field);
    let asked = json!({"temperature": 0.2, "top_p": 0.5});
    check(
        newer(),
        asked.clone(),
        json!({"temperature": null, "top_p": null}),
        &[dropped("temperature"), dropped("top_p")],
    );
    let mut awake = asked.clone();
    awake["reasoning_effort"] = json!("none");
    check(
        newer(),
        awake,
        json!({"temperature": 0.2, "top_p": 0.5, "reasoning_effort": "none"}),
        &[],
    );
    check(oss(), asked, json!({"temperature": 0.2, "top_p": 0.5}), &[]);
    check_refused(newer(), json!({"logprobs": true}), "logprobs");
    check(
        newer(),
        json!({"logprobs": true, "top_logprobs": 2, "reasoning_effort": "none"}),
        json!({"logprobs": true, "top_logprobs": 2}),
        &[],
    );
    check_refused(oss(), json!({"logprobs": true}), "logprobs");
    check(
        plain(),
        json!({"logprobs": false}),
        json!({"logprobs": null}),
        &[],
    );
}

#[test]
fn penalties_and_biases_follow_the_route_s_policy() {
    check(
        newer(),
        json!({"frequency_penalty": 0, "presence_penalty": 0.0, "logit_bias": {}}),
        json!({"frequency_penalty": null, "logit_bias": null}),
        &[],
    );
    check_refused(
        newer(),
        json!({"frequency_penalty": 0.5}),
        "frequency_penalty",
    );
    check_refused(oss(), json!({"logit_bias": {"50256": -100}}), "logit_bias");
    let mut settings = newer();
    settings.penalties = Penalties::Drop;
    check(
        settings,
        json!({"presence_penalty": 1}),
        json!({"presence_penalty": null}),
        &[(LossKind::SamplingDropped, "presence_penalty")],
    );
    check(
        newer(),
        json!({"logit_bias": {"1": 5}, "reasoning_effort": "none"}),
        json!({"logit_bias": {"1": 5}}),
        &[],
    );
}

#[test]
fn stops_edge_35() {
    let dropped = (LossKind::StopDropped, "stop");
    check(
        newer(),
        json!({"stop": ["END"]}),
        json!({"stop": null}),
        &[dropped],
    );
    check(oss(), json!({"stop": "END"}), json!({"stop": "END"}), &[]);
    check(
        oss(),
        json!({"stop": ["", "END"]}),
        json!({"stop": ["END"]}),
        &[],
    );
    check(oss(), json!({"stop": ""}), json!({"stop": null}), &[]);
    check_refused(oss(), json!({"stop": ["a", "b", "c", "d", "e"]}), "stop");
}

#[test]
fn one_answer() {
    check(newer(), json!({"n": 1}), json!({"n": null}), &[]);
    check_refused(newer(), json!({"n": 2}), "n");
}

#[test]
fn efforts_are_the_model_s_own_bug_52() {
    let field = "reasoning_effort";
    let mapped = (LossKind::ReasoningMapped, field);
    let effort = |word: &str| json!({(field): word});
    check(
        route("openai.gpt-6-sol"),
        effort("minimal"),
        effort("low"),
        &[mapped],
    );
    check(oss(), effort("xhigh"), effort("high"), &[mapped]);
    check(oss(), effort("high"), effort("high"), &[]);
    check(
        plain(),
        effort("high"),
        json!({(field): null}),
        &[(LossKind::ReasoningDropped, field)],
    );
    check_refused(oss(), effort("lots"), field);
}

fn tool() -> Value {
    json!({"type": "function", "function": {"name": "rain", "parameters": {"type": "object"}}})
}

#[test]
fn tools_beside_reasoning_edge_2_7() {
    let dropped = (LossKind::ReasoningDropped, "reasoning_effort");
    check(
        newer(),
        json!({"tools": [tool()]}),
        json!({"reasoning_effort": "none", "tools": [tool()]}),
        &[dropped],
    );
    check(
        newer(),
        json!({"tools": [tool()], "reasoning_effort": "high"}),
        json!({"reasoning_effort": "none"}),
        &[dropped],
    );
    check(
        newer(),
        json!({"tools": [tool()], "reasoning_effort": "none"}),
        json!({"reasoning_effort": "none"}),
        &[],
    );
    check(
        oss(),
        json!({"tools": [tool()], "reasoning_effort": "high"}),
        json!({"reasoning_effort": "high"}),
        &[],
    );
}

#[test]
fn no_choice_without_tools_edge_21_bug_43() {
    let fields = json!({"tools": [], "tool_choice": "auto", "parallel_tool_calls": false});
    check(
        newer(),
        fields,
        json!({"tools": null, "tool_choice": null, "parallel_tool_calls": null}),
        &[],
    );
}

#[test]
fn json_answers_edge_31() {
    let object = json!({"response_format": {"type": "json_object"}});
    let (body, asked) = told(&newer(), &asked(&object));
    assert_eq!(
        body["messages"][0]["role"], "system",
        "the target wants the word"
    );
    assert_eq!(
        asked.losses,
        [Loss::new(LossKind::JsonByInstruction, "response_format")]
    );
    let said = json!({"response_format": {"type": "json_object"}, "messages": [{"role": "user", "content": "As JSON"}]});
    check(
        newer(),
        said,
        json!({"messages": [{"role": "user", "content": "As JSON"}]}),
        &[],
    );
    let schema = json!({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}});
    check(newer(), schema.clone(), schema.clone(), &[]);
    let (body, told) = told(&oss(), &super::tests::asked(&schema));
    assert!(
        body["messages"][0]["content"]
            .as_str()
            .unwrap()
            .contains(r#"{"type":"object"}"#)
    );
    assert!(told.reply.unfence);
    check(
        newer(),
        json!({"response_format": {"type": "text"}}),
        json!({"response_format": null}),
        &[],
    );
}

#[test]
fn hints_are_named() {
    let dropped = |field| (LossKind::HintDropped, field);
    check(
        newer(),
        json!({"user": "u", "metadata": {"a": "b"}, "prompt_cache_key": "k", "modalities": ["text"]}),
        json!({"user": null, "metadata": null, "prompt_cache_key": null, "modalities": null}),
        &[
            dropped("metadata"),
            dropped("user"),
            dropped("prompt_cache_key"),
        ],
    );
    check(
        newer(),
        json!({"verbosity": "low"}),
        json!({"verbosity": "low"}),
        &[],
    );
    check(
        newer(),
        json!({"store": true}),
        json!({"store": null}),
        &[(LossKind::Unstored, "store")],
    );
    check(
        newer(),
        json!({"store": false}),
        json!({"store": null}),
        &[],
    );
    check(
        newer(),
        json!({"service_tier": "default"}),
        json!({"service_tier": "default"}),
        &[],
    );
    check(
        newer(),
        json!({"service_tier": "scale"}),
        json!({"service_tier": null}),
        &[dropped("service_tier")],
    );
    let mut mantle = oss();
    mantle.surface = Surface::Mantle;
    check(
        mantle,
        json!({"service_tier": "flex"}),
        json!({"service_tier": null}),
        &[dropped("service_tier")],
    );
    check(
        oss(),
        json!({"service_tier": "flex"}),
        json!({"service_tier": "flex"}),
        &[],
    );
}

#[test]
fn what_has_no_counterpart_is_refused_by_name() {
    for (fields, field) in [
        (json!({"data_sources": [{}]}), "data_sources"),
        (
            json!({"user_security_context": {}}),
            "user_security_context",
        ),
        (json!({"modalities": ["text", "audio"]}), "modalities"),
        (json!({"web_search_options": {}}), "web_search_options"),
        (json!({"acme": 1}), "(unknown)"),
        (json!({"messages": []}), "messages"),
        (
            json!({"messages": [{"role": "robot", "content": "x"}]}),
            "messages[0].role",
        ),
        (
            json!({"messages": [{"role": "user", "content": "x", "acme": 1}]}),
            "messages[0].(unknown)",
        ),
        (json!({"tool_choice": "required"}), "tool_choice"),
        (json!({"top_logprobs": 2}), "top_logprobs"),
        (json!({"tools": [{"type": "web_search"}]}), "tools[0].type"),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]}),
            "messages[0].content[0].file.file_id",
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a.example/x.png"}}]}]}),
            "messages[0].content[0].image_url.url",
        ),
    ] {
        check_refused(newer(), fields, field);
    }
}

#[test]
fn a_route_s_own_changes_are_losses() {
    let mut settings = oss();
    settings.adapt.system_append = Some("Be kind.".to_owned());
    settings.adapt.temperature = Some(0.1);
    let adapted = |field| (LossKind::Adapted, field);
    let messages =
        json!([{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]);
    check(
        settings,
        json!({}),
        json!({"temperature": 0.1, "messages": messages}),
        &[adapted("messages"), adapted("temperature")],
    );
}

#[test]
fn paths_follow_surface_table_and_route() {
    let path = |settings: &CandidateSettings| told(settings, &asked(&json!({}))).1.call.path;
    let mut settings = oss();
    assert_eq!(path(&settings), "/openai/v1/chat/completions");
    settings.surface = Surface::Mantle;
    assert_eq!(path(&settings), "/v1/chat/completions");
    let mut settings = newer();
    settings.surface = Surface::Mantle;
    assert_eq!(path(&settings), "/openai/v1/chat/completions");
    settings.path_prefix = Some("v9/".to_owned());
    assert_eq!(path(&settings), "/v9/chat/completions");
}

#[test]
fn what_must_be_guarded_is_not_asked_unguarded() {
    let mut settings = oss();
    settings.guardrail = Some(GuardrailSettings {
        id: "gr1".to_owned(),
        version: "3".to_owned(),
        trace: GuardrailTrace::Enabled,
        stream_mode: StreamMode::Sync,
        misconduct: crate::settings::Misconduct::default(),
    });
    let (_, prepared) = told(&settings, &asked(&json!({})));
    let header = |name: &str| prepared.call.headers[name].to_str().unwrap();
    assert_eq!(header("x-amzn-bedrock-guardrailidentifier"), "gr1");
    assert_eq!(header("x-amzn-bedrock-guardrailversion"), "3");
    assert_eq!(header("x-amzn-bedrock-trace"), "ENABLED");
    settings.surface = Surface::Mantle;
    check_refused(settings, json!({}), "(guardrail)");
}
