//! Sampling, stop sequences, thinking, and schemas that bind an answer.

use serde_json::Value;

use super::Case;
use crate::bedrock::{
    family::Family,
    json::{items, text},
};

const MAX_STRICT_TOOLS: usize = 20;
const MIN_TOKENS_OF_GPT: i64 = 16;

/// Keywords that a compiled schema may not have.
const UNCOMPILED: &[&str] = &[
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "maxItems",
];

pub(super) fn sampling(case: &Case<'_>) -> Option<String> {
    let temperature = case.setting("/inferenceConfig/temperature").is_some();
    let top_p = case.setting("/inferenceConfig/topP").is_some();
    if case.family.is_claude_from(4, 5) && temperature && top_p {
        return Some(
            "The model returned the following errors: `temperature` and `top_p` cannot both be specified for this \
             model. Please use only one."
                .to_owned(),
        );
    }
    if is_unsampled(case) && (temperature || top_p || has_top_k(case)) {
        return Some(
            "The model returned the following errors: `temperature`, `top_p` and `top_k` are not supported by this model."
                .to_owned(),
        );
    }
    if case.family != Family::Gpt && !is_grok(case) {
        return None;
    }
    for (given, name) in [(temperature, "temperature"), (top_p, "topP")] {
        if given {
            return Some(format!(
                "This model doesn't support the {name} field. Remove {name} and try again."
            ));
        }
    }
    let tokens = case
        .setting("/inferenceConfig/maxTokens")
        .and_then(Value::as_i64)?;
    (tokens < MIN_TOKENS_OF_GPT).then(|| {
        format!("The model returned the following errors: maxTokens must be at least {MIN_TOKENS_OF_GPT}.")
    })
}

/// The newest Opus samples as it will, and takes no strict tools.
fn is_unsampled(case: &Case<'_>) -> bool {
    case.family.is_claude_from(4, 7) && case.model.contains("claude-opus")
}

fn has_top_k(case: &Case<'_>) -> bool {
    case.setting("/additionalModelRequestFields/top_k")
        .is_some()
}

fn is_grok(case: &Case<'_>) -> bool {
    case.model.contains("xai.grok")
}

pub(super) fn stop_sequences(case: &Case<'_>) -> Option<String> {
    let sequences = items(case.setting("/inferenceConfig")?, "stopSequences");
    let older = ["gpt-5.4", "gpt-5.5"]
        .iter()
        .any(|name| case.model.contains(name));
    let refuses = is_grok(case) || case.family == Family::Gpt && !older;
    if refuses && !sequences.is_empty() {
        return Some(
            "This model doesn't support the stopSequences field. Remove stopSequences and try again.".to_owned(),
        );
    }
    let blank = sequences
        .iter()
        .filter_map(Value::as_str)
        .any(|s| s.trim().is_empty());
    (blank && matches!(case.family, Family::Claude(..))).then(|| {
        "The model returned the following errors: stop_sequences: each stop sequence must contain non-whitespace"
            .to_owned()
    })
}

pub(super) fn thinking(case: &Case<'_>) -> Option<String> {
    let thinking = case.setting("/additionalModelRequestFields/thinking")?;
    let on = text(thinking, "type").is_some_and(|kind| kind != "disabled");
    if !on || !matches!(case.family, Family::Claude(..)) {
        return None;
    }
    let error = |what: &str| Some(format!("The model returned the following errors: {what}"));
    let least = match text(thinking, "type") {
        Some("adaptive") => (4, 6),
        _ => (3, 7),
    };
    if !case.family.is_claude_from(least.0, least.1) {
        return error("thinking.type: this kind of thinking is not supported by this model");
    }
    let choice = case.setting("/toolConfig/toolChoice");
    if choice.is_some_and(|c| c.get("any").is_some() || c.get("tool").is_some()) {
        return error("Thinking may not be enabled when tool_choice forces tool use.");
    }
    let temperature = case
        .setting("/inferenceConfig/temperature")
        .and_then(Value::as_f64);
    if temperature.is_some_and(|temperature| temperature < 1.0) {
        return error("`temperature` may only be set to 1 when thinking is enabled.");
    }
    let budget = thinking.get("budget_tokens").and_then(Value::as_i64)?;
    if budget < 1024 {
        return error(
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
        );
    }
    let tokens = case
        .setting("/inferenceConfig/maxTokens")
        .and_then(Value::as_i64);
    if tokens.is_some_and(|tokens| tokens <= budget) {
        return error("`max_tokens` must be greater than `thinking.budget_tokens`.");
    }
    None
}

pub(super) fn schemas(case: &Case<'_>) -> Option<String> {
    if let Some(schema) = case.setting("/outputConfig/textFormat/structure/jsonSchema/schema") {
        if !case.family.takes_schemas() {
            return Some(
                "This model doesn't support the outputConfig.textFormat field. Remove outputConfig.textFormat and try \
                 again."
                    .to_owned(),
            );
        }
        let parsed = schema
            .as_str()
            .and_then(|text| serde_json::from_str::<Value>(text).ok());
        let Some(schema) = parsed.filter(Value::is_object) else {
            return Some(
                "The value at outputConfig.textFormat.structure.jsonSchema.schema must be a valid JSON schema."
                    .to_owned(),
            );
        };
        if let Some(fault) = uncompilable(&schema) {
            return Some(format!(
                "The model returned the following errors: output_config.format.schema: {fault}"
            ));
        }
    }
    let tools = items(case.setting("/toolConfig")?, "tools").iter();
    let strict: Vec<&Value> = tools
        .filter_map(|tool| tool.get("toolSpec"))
        .filter(|spec| spec.get("strict").and_then(Value::as_bool) == Some(true))
        .collect();
    let strict_tools =
        case.family.takes_schemas() && case.family != Family::GptOss && !is_unsampled(case);
    if !strict.is_empty() && !strict_tools {
        return Some(
            "This model doesn't support the strict field in toolSpec. Remove strict and try again."
                .to_owned(),
        );
    }
    if strict.len() > MAX_STRICT_TOOLS {
        return Some(format!(
            "The model returned the following errors: tools: at most {MAX_STRICT_TOOLS} strict tools are allowed."
        ));
    }
    strict.iter().find_map(|spec| {
        let fault = uncompilable(spec.pointer("/inputSchema/json")?)?;
        Some(format!(
            "The model returned the following errors: tools.{}.input_schema: {fault}",
            text(spec, "name").unwrap_or_default()
        ))
    })
}

/// What keeps a schema from being compiled, if anything.
fn uncompilable(schema: &Value) -> Option<String> {
    let Value::Object(keywords) = schema else {
        return None;
    };
    let of_object = match keywords.get("type") {
        Some(Value::String(name)) => name == "object",
        Some(Value::Array(names)) => names.iter().any(|name| name == "object"),
        _ => keywords.contains_key("properties"),
    };
    if of_object && keywords.get("additionalProperties") != Some(&Value::Bool(false)) {
        return Some(
            "For 'object' type, 'additionalProperties' must be explicitly set to false".to_owned(),
        );
    }
    if let Some(keyword) = UNCOMPILED
        .iter()
        .find(|keyword| keywords.contains_key(**keyword))
    {
        return Some(format!("property '{keyword}' is not supported"));
    }
    if keywords
        .get("minItems")
        .and_then(Value::as_u64)
        .is_some_and(|least| least > 1)
    {
        return Some("'minItems' values other than 0 or 1 are not supported".to_owned());
    }
    let maps = ["properties", "$defs", "definitions"].into_iter();
    let in_maps = maps
        .filter_map(|name| keywords.get(name)?.as_object())
        .flat_map(|m| m.values());
    let lists = ["anyOf", "allOf", "oneOf", "prefixItems"].into_iter();
    let in_lists = lists
        .filter_map(|name| keywords.get(name)?.as_array())
        .flatten();
    in_maps
        .chain(in_lists)
        .chain(keywords.get("items"))
        .find_map(uncompilable)
}
