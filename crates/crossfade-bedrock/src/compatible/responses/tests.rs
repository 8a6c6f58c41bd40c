//! What a caller's request becomes on the endpoint of the same wire, case by case.

use serde_json::{Value, json};

use super::*;
use crate::{
    responses::{SealedReasoning, Sealer},
    settings::{Api, Store, Surface},
};

fn route(model: &str) -> CandidateSettings {
    let mut settings = CandidateSettings::new(model);
    settings.api = Api::OpenaiResponses;
    settings.surface = Surface::Mantle;
    settings.sealer = Some(Sealer::new(&[3; 32]));
    settings
}

fn newer() -> CandidateSettings {
    route("openai.gpt-5.6-sol")
}

fn oss() -> CandidateSettings {
    route("openai.gpt-oss-120b")
}

/// A route whose candidate keeps what it answers.
fn keeping() -> CandidateSettings {
    let mut settings = newer();
    settings.store = Store::Candidate;
    settings
}

fn ask(settings: &CandidateSettings, fields: &Value) -> Result<AskedResponses, Unsupported> {
    let mut body = json!({"model": "dep", "input": "Hi", "store": false});
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    ask_responses(
        Request::from_slice(body.to_string().as_bytes()).unwrap(),
        settings,
    )
}

/// Checks some members of what is sent (`null`: absent), and the losses.
fn check(settings: CandidateSettings, fields: Value, sent: Value, losses: &[(LossKind, &str)]) {
    let asked = ask(&settings, &fields).unwrap();
    let body: Value = serde_json::from_slice(&asked.call.body).unwrap();
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
    assert_eq!(
        ask(&settings, &fields).unwrap_err().field,
        field,
        "{fields}"
    );
}

#[test]
fn a_plain_request() {
    let sent = json!({"model": "openai.gpt-5.6-sol", "input": "Hi", "store": false, "stream": true, "stream_options": null});
    check(
        newer(),
        json!({"stream_options": {"include_obfuscation": false}}),
        sent,
        &[],
    );
    let mut settings = newer();
    settings.stream_always = false;
    check(settings, json!({}), json!({"stream": false}), &[]);
    assert_eq!(
        ask(&newer(), &json!({})).unwrap().call.path,
        "/openai/v1/responses"
    );
    assert_eq!(ask(&oss(), &json!({})).unwrap().call.path, "/v1/responses");
    let mut runtime = oss();
    runtime.surface = Surface::Runtime;
    assert_eq!(
        ask(&runtime, &json!({})).unwrap().call.path,
        "/openai/v1/responses"
    );
}

#[test]
fn who_keeps_the_answer() {
    let unstored = (LossKind::Unstored, "store");
    check(
        newer(),
        json!({"store": true}),
        json!({"store": false}),
        &[unstored],
    );
    check(
        newer(),
        json!({"store": null}),
        json!({"store": false}),
        &[unstored],
    );
    check(
        keeping(),
        json!({"store": true}),
        json!({"store": true}),
        &[],
    );
}

#[test]
fn reasoning_is_the_model_s_own() {
    let mapped = |field| (LossKind::ReasoningMapped, field);
    let asked =
        |effort: &str, summary: &str| json!({"reasoning": {"effort": effort, "summary": summary}});
    check(newer(), asked("high", "auto"), asked("high", "auto"), &[]);
    check(
        newer(),
        asked("high", "detailed"),
        asked("high", "auto"),
        &[mapped("reasoning.summary")],
    );
    check(
        oss(),
        asked("minimal", "auto"),
        asked("low", "auto"),
        &[mapped("reasoning.effort")],
    );
    check(
        newer(),
        json!({"reasoning": {}}),
        json!({"reasoning": null}),
        &[],
    );
    check_refused(newer(), asked("lots", "auto"), "reasoning.effort");
}

#[test]
fn sampling_while_reasoning() {
    let dropped = (LossKind::SamplingDropped, "temperature");
    check(
        newer(),
        json!({"temperature": 0.5, "top_p": 1}),
        json!({"temperature": null, "top_p": null}),
        &[dropped],
    );
    let awake = json!({"temperature": 0.5, "reasoning": {"effort": "none"}});
    check(newer(), awake.clone(), awake.clone(), &[]);
    let mut told = awake;
    told["top_logprobs"] = json!(2);
    told["include"] = json!(["message.output_text.logprobs"]);
    check(keeping(), told.clone(), told.clone(), &[]);
    check_refused(newer(), told, "top_logprobs");
    check_refused(newer(), json!({"top_logprobs": 2}), "top_logprobs");
    check_refused(
        newer(),
        json!({"include": ["file_search_call.results"]}),
        "include[0]",
    );
    check(
        newer(),
        json!({"max_output_tokens": 5}),
        json!({"max_output_tokens": 16}),
        &[(LossKind::TokenFloor, "max_output_tokens")],
    );
}

#[test]
fn tools_of_the_caller_s_go_on_and_the_provider_s_do_not() {
    let tools = json!([{"type": "function", "name": "f", "parameters": {"b": 1, "a": 2}, "strict": true},
        {"type": "custom", "name": "sql", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}}]);
    let choice = json!({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]});
    let fields = json!({"tools": tools, "tool_choice": choice, "parallel_tool_calls": false});
    check(newer(), fields.clone(), fields, &[]);
    assert!(
        ask(&newer(), &json!({"tools": tools}))
            .unwrap()
            .reply
            .custom
            .contains("sql")
    );
    check_refused(
        newer(),
        json!({"tools": [{"type": "web_search"}]}),
        "tools[0].type",
    );
    check_refused(
        newer(),
        json!({"tools": [{"type": "mcp", "server_url": "x"}]}),
        "tools[0].type",
    );
    check(
        newer(),
        json!({"tools": [], "tool_choice": "auto"}),
        json!({"tools": null, "tool_choice": null}),
        &[],
    );
    check(
        newer(),
        json!({"max_tool_calls": 2}),
        json!({"max_tool_calls": null}),
        &[(LossKind::HintDropped, "max_tool_calls")],
    );
}

#[test]
fn forms_of_answers() {
    let schema = json!({"text": {"format": {"type": "json_schema", "name": "a", "schema": {"z": 1, "a": 2}, "strict": true}, "verbosity": "low"}});
    check(newer(), schema.clone(), schema, &[]);
    let object = json!({"text": {"format": {"type": "json_object"}}});
    let asked = ask(&newer(), &object).unwrap();
    assert_eq!(
        asked.losses,
        [Loss::new(LossKind::JsonByInstruction, "text.format")]
    );
    let said = json!({"text": {"format": {"type": "json_object"}}, "input": "As JSON"});
    check(newer(), said, json!({"instructions": null}), &[]);
    check(
        route("mistral.x"),
        json!({"text": {"verbosity": "low"}}),
        json!({"text": {}}),
        &[(LossKind::HintDropped, "text.verbosity")],
    );
}

#[test]
fn what_only_the_primary_has() {
    for (fields, field) in [
        (json!({"background": true}), "background"),
        (json!({"conversation": "conv_1"}), "conversation"),
        (json!({"prompt": {"id": "p"}}), "prompt"),
        (
            json!({"previous_response_id": "resp_1"}),
            "previous_response_id",
        ),
        (json!({"acme": 1}), "(unknown)"),
        (
            json!({"input": [{"type": "item_reference", "id": "msg_1"}]}),
            "input[0].id",
        ),
        (
            json!({"input": [{"type": "web_search_call", "id": "ws_1"}]}),
            "input[0].type",
        ),
        (
            json!({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}),
            "input[0].content[0].file_id",
        ),
        (
            json!({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "https://a.example/x"}]}]}),
            "input[0].content[0].image_url",
        ),
    ] {
        check_refused(newer(), fields, field);
    }
}

#[test]
fn ids_that_mean_nothing_to_the_target_are_left_out() {
    let input = json!([
        {"role": "developer", "content": "Be brief."},
        {"type": "message", "role": "assistant", "id": "msg_azure", "status": "completed", "content": [{"type": "output_text", "text": "Hi", "annotations": []}]},
        {"type": "function_call", "id": "fc_azure", "call_id": "call_1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "1"},
        {"type": "reasoning", "id": "rs_azure", "summary": [], "encrypted_content": "azure's own"},
    ]);
    let asked = ask(&newer(), &json!({"input": input})).unwrap();
    assert_eq!(
        asked.losses,
        [Loss::new(LossKind::ThinkingMissing, "input[4]")]
    );
    let body = String::from_utf8(asked.call.body.to_vec()).unwrap();
    assert!(
        !body.contains("azure") && body.contains("call_1") && body.contains("developer"),
        "{body}"
    );
    let asked = ask(&route("mistral.x"), &json!({"input": input})).unwrap();
    assert!(
        !String::from_utf8(asked.call.body.to_vec())
            .unwrap()
            .contains("developer")
    );
}

#[test]
fn what_the_candidate_made_is_opened_again() {
    let sealer = Sealer::new(&[3; 32]);
    let opaque = sealer.seal_reasoning(&SealedReasoning::Encrypted("theirs".to_owned()));
    let input = json!([{"type": "reasoning", "id": sealer.seal_id("rs_7"), "summary": [], "encrypted_content": opaque}]);
    let first = |settings: &CandidateSettings| {
        let told = ask(settings, &json!({"input": input})).unwrap();
        let body: Value = serde_json::from_slice(&told.call.body).unwrap();
        body["input"][0].clone()
    };
    assert_eq!(first(&newer())["encrypted_content"], "theirs");
    assert_eq!(first(&newer()).get("id"), None, "kept nowhere");
    assert_eq!(first(&keeping())["id"], "rs_7");
    let previous = json!({"previous_response_id": sealer.seal_id("resp_abc")});
    check(
        keeping(),
        previous.clone(),
        json!({"previous_response_id": "resp_abc"}),
        &[],
    );
    check_refused(newer(), previous, "previous_response_id");
    let reference = json!({"input": [{"type": "item_reference", "id": sealer.seal_id("msg_x")}]});
    check(
        keeping(),
        reference,
        json!({"input": [{"type": "item_reference", "id": "msg_x"}]}),
        &[],
    );
}

#[test]
fn a_route_s_own_changes_are_losses() {
    let mut settings = oss();
    settings.adapt.system_append = Some("Be kind.".to_owned());
    settings.adapt.temperature = Some(0.1);
    let adapted = |field| (LossKind::Adapted, field);
    check(
        settings,
        json!({"instructions": "Be brief."}),
        json!({"instructions": "Be brief.\n\nBe kind.", "temperature": 0.1}),
        &[adapted("instructions"), adapted("temperature")],
    );
}
