//! A model's family is a row of data: the same request becomes what each family takes, and a new one needs no code.

use super::*;
use crate::capabilities::Table;

fn everything() -> Value {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false});
    hi(json!({
        "temperature": 0.3, "top_p": 0.9, "stop": ["END", " "], "max_completion_tokens": 8, "reasoning_effort": "minimal",
        "parallel_tool_calls": false, "tools": [tool("f")], "service_tier": "priority",
        "response_format": {"type": "json_schema", "json_schema": {"name": "o", "schema": schema}},
    }))
}

/// A row that nobody has written yet: what it says is done, through the public names of the columns alone.
#[test]
fn a_new_family_is_a_row_of_data() {
    use LossKind::{ReasoningMapped, SamplingDropped, StopDropped, TokenFloor};
    let table = Table::parse(
        "[default]\nchoice = 'any'\n\
         [family.rocket]\nstructured = 'native'\nsampling = 'none'\nstop = 'visible'\ntoken_floor = 32\ntiers = true\n\
         reasoning = 'nested'\nefforts = ['low', 'high']\nparallel_switch = true\n\
         [[model]]\npattern = 'acme.rocket-2'\nlike = 'rocket'\nsampling = 'one'\n",
    )
    .unwrap();
    let asked = read(&body(&everything())).unwrap();
    let settings = CandidateSettings::new("us.acme.rocket-2-v1:0");
    let capabilities = table.of(&settings.model);
    let translation = request::request(asked, &settings, capabilities, Purpose::Judge).unwrap();
    let found = serde_json::to_value(&translation.request).unwrap();
    assert_eq!(
        found["inferenceConfig"],
        json!({"maxTokens": 32, "temperature": 0.3, "stopSequences": ["END"]})
    );
    assert_eq!(
        found["additionalModelRequestFields"],
        json!({"tool_choice": {"type": "auto", "disable_parallel_tool_use": true}, "reasoning": {"effort": "low"}})
    );
    assert_eq!(found["outputConfig"]["textFormat"]["type"], "json_schema");
    assert_eq!(found["serviceTier"], json!({"type": "priority"}));
    let losses: Vec<_> = translation.losses.iter().map(|loss| loss.kind).collect();
    assert_eq!(
        losses,
        [SamplingDropped, TokenFloor, StopDropped, ReasoningMapped]
    );
    // The same id without the row is asked with care.
    assert!(!crate::Capabilities::known(&settings.model));
}

#[track_caller]
fn check(model: &str, path: &str, expected: Value) {
    let (found, _) = translated(&CandidateSettings::new(model), &everything());
    assert_eq!(
        found.pointer(path).cloned().unwrap_or_default(),
        expected,
        "{model} {path}"
    );
}

#[test]
fn families_of_the_built_in_table() {
    let format = "/outputConfig/textFormat/type";
    let forced = "/toolConfig/toolChoice";
    // Bugs 41, 42, 44: the newer the family, the fewer of its parameters.
    check(
        "us.anthropic.claude-sonnet-4-6",
        "/inferenceConfig/topP",
        Value::Null,
    );
    check(
        "us.anthropic.claude-sonnet-4-6",
        format,
        json!("json_schema"),
    );
    check(
        "us.anthropic.claude-opus-4-8",
        "/inferenceConfig/temperature",
        Value::Null,
    );
    check(
        "anthropic.claude-3-haiku-20240307-v1:0",
        forced,
        json!({"any": {}}),
    );
    check(
        "anthropic.claude-3-haiku-20240307-v1:0",
        "/inferenceConfig/topP",
        json!(0.9),
    );
    check("amazon.nova-pro-v1:0", forced, json!({"any": {}}));
    check(
        "amazon.nova-pro-v1:0",
        "/serviceTier",
        json!({"type": "priority"}),
    );
    check(
        "us.amazon.nova-2-lite-v1:0",
        "/additionalModelRequestFields/reasoningConfig",
        json!({"type": "enabled", "maxReasoningEffort": "low"}),
    );
    check(
        "openai.gpt-oss-120b-1:0",
        "/additionalModelRequestFields/reasoning_effort",
        json!("low"),
    );
}

#[test]
fn newer_families_of_the_built_in_table() {
    let forced = "/toolConfig/toolChoice";
    // Edges 33, 34, 35.
    check(
        "us.openai.gpt-5.6-sol",
        "/inferenceConfig",
        json!({"maxTokens": 16}),
    );
    check(
        "us.openai.gpt-5.6-sol",
        "/additionalModelRequestFields/reasoning/effort",
        json!("minimal"),
    );
    check(
        "us.openai.gpt-6-sol",
        "/additionalModelRequestFields/reasoning/effort",
        json!("low"),
    );
    check("meta.llama3-3-70b-instruct-v1:0", forced, Value::Null);
    check(
        "qwen.qwen3-32b-v1:0",
        "/additionalModelRequestFields/reasoning_config",
        json!("low"),
    );
}

#[test]
fn what_a_family_lacks_is_refused_or_said() {
    let titan = CandidateSettings::new("amazon.titan-text-express-v1");
    let error = translate(&body(&hi(json!({"tools": [tool("f")]}))), &titan).unwrap_err();
    assert_eq!(error.field, "tools");
    // Edge 7: a model without system texts.
    let request = chat(
        json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]),
    );
    let (found, losses) = translated(&titan, &request);
    assert_eq!(
        found,
        json!({"messages": [{"role": "user", "content": [{"text": "Be brief."}, {"text": "Hi"}]}]})
    );
    assert_eq!(losses, [LossKind::SystemInPlace]);
    // Edge 28: with tools, no stream; without them, one.
    let llama = CandidateSettings::new("us.meta.llama3-3-70b-instruct-v1:0");
    let with_tools = translate(&body(&hi(json!({"tools": [tool("f")]}))), &llama).unwrap();
    assert!(!with_tools.stream && with_tools.reply.calls_as_text.contains("f"));
    let without = translate(&body(&hi(json!({}))), &llama).unwrap();
    assert!(without.stream && without.reply.calls_as_text.is_empty());
}
