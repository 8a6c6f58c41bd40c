//! What Azure checks of a request's body before a model sees it.

use serde_json::{Map, Value};

use super::{Call, error::Refusal};

/// Every top-level argument that a chat completion may have.
const ARGUMENTS: &[&str] = &[
    "audio",
    "data_sources",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "user_security_context",
    "verbosity",
    "moderation",
];

/// The body as a JSON object.
pub(super) fn parse(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) | Err(_) => Err(Refusal::invalid(
            "The body of your request is not a JSON object; check that it is valid JSON.",
            None,
        )),
    }
}

/// The deployment in the path, or the one that the body's `model` names.
pub(super) fn deployment(call: &Call<'_>, body: &Map<String, Value>) -> Result<String, Refusal> {
    if let Some(name) = &call.target.deployment {
        return Ok(name.clone());
    }
    let Some(name) = body.get("model").and_then(Value::as_str) else {
        return Err(missing("model"));
    };
    call.options.knows(name)?;
    Ok(name.to_owned())
}

/// Checks a chat completion's arguments.
pub(super) fn check_chat(body: &Map<String, Value>) -> Result<(), Refusal> {
    let unknown: Vec<&str> = body
        .keys()
        .map(String::as_str)
        .filter(|key| !ARGUMENTS.contains(key))
        .collect();
    if !unknown.is_empty() {
        let plural = if unknown.len() == 1 { "" } else { "s" };
        let names = unknown.join(", ");
        let message = format!("Unrecognized request argument{plural} supplied: {names}");
        return Err(Refusal::invalid(message, None));
    }
    let messages = match body.get("messages") {
        None => return Err(missing("messages")),
        Some(Value::Array(messages)) if !messages.is_empty() => messages,
        Some(_) => {
            return Err(Refusal::invalid(
                "Invalid 'messages': a list of at least one message is needed.",
                Some("messages"),
            ));
        }
    };
    limit(body, "stop", 4)?;
    limit(body, "tools", 128)?;
    check_range(body, "temperature", 2.0)?;
    check_range(body, "top_p", 1.0)?;
    check_tool_results(messages)
}

/// Tokens of a text: about four characters each, at least one if there is any.
pub(super) fn tokens(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(4)
}

fn missing(name: &'static str) -> Refusal {
    Refusal::Invalid {
        message: format!("Missing required parameter: '{name}'."),
        param: Some(name.to_owned()),
        code: Some("missing_required_parameter"),
    }
}

fn limit(body: &Map<String, Value>, name: &'static str, most: usize) -> Result<(), Refusal> {
    match body.get(name).and_then(Value::as_array) {
        Some(list) if list.len() > most => Err(Refusal::Invalid {
            message: format!(
                "Invalid '{name}': array too long. Expected at most {most} items, but got {}.",
                list.len()
            ),
            param: Some(name.to_owned()),
            code: Some("array_above_max_length"),
        }),
        _ => Ok(()),
    }
}

fn check_range(body: &Map<String, Value>, name: &'static str, most: f64) -> Result<(), Refusal> {
    match body.get(name).and_then(Value::as_f64) {
        Some(value) if !(0.0..=most).contains(&value) => Err(Refusal::Invalid {
            message: format!(
                "Invalid '{name}': expected a number from 0 to {most}, but got {value}."
            ),
            param: Some(name.to_owned()),
            code: Some("decimal_out_of_range"),
        }),
        _ => Ok(()),
    }
}

/// Every tool call must be answered before the next message that is no tool result.
fn check_tool_results(messages: &[Value]) -> Result<(), Refusal> {
    for (index, message) in messages.iter().enumerate() {
        let Some(calls) = message.get("tool_calls").and_then(Value::as_array) else {
            continue;
        };
        let answered: Vec<&str> = messages
            .iter()
            .skip(index + 1)
            .take_while(|m| m.get("role").and_then(Value::as_str) == Some("tool"))
            .filter_map(|m| m.get("tool_call_id").and_then(Value::as_str))
            .collect();
        let open: Vec<&str> = calls
            .iter()
            .filter_map(|call| call.get("id").and_then(Value::as_str))
            .filter(|id| !answered.contains(id))
            .collect();
        if !open.is_empty() {
            let message = format!(
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each \
                 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
                open.join(", ")
            );
            let param = format!("messages.[{}].role", index + 1);
            return Err(Refusal::invalid(message, Some(&param)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(body: &Value, expected: Option<&str>) {
        let object = body.as_object().cloned().unwrap();
        let refused = check_chat(&object).err().map(|refusal| refusal.body());
        match (&refused, expected) {
            (Some(got), Some(part)) => assert!(got.contains(part), "{got}"),
            (got, expected) => assert_eq!(got.is_some(), expected.is_some(), "{got:?}"),
        }
    }

    #[test]
    fn bodies_are_checked_as_azure_does() {
        let messages = json!([{"role": "user", "content": "hi"}]);
        let call = json!({"role": "assistant", "content": null, "tool_calls": [{"id": "c1"}, {"id": "c2"}]});
        let result = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "x"});
        check(&json!({"messages": messages}), None);
        check(
            &json!({"messages": messages, "nope": 1}),
            Some("argument supplied: nope"),
        );
        check(
            &json!({"messages": messages, "a1": 1, "b": 2}),
            Some("arguments supplied: a1, b"),
        );
        check(&json!({}), Some("missing_required_parameter"));
        check(&json!({"messages": []}), Some("at least one message"));
        check(
            &json!({"messages": messages, "stop": ["1", "2", "3", "4", "5"]}),
            Some("stop"),
        );
        check(
            &json!({"messages": messages, "temperature": 2.1}),
            Some("decimal_out_of_range"),
        );
        check(
            &json!({"messages": [call, result("c1"), result("c2")]}),
            None,
        );
        check(
            &json!({"messages": [call, result("c2")]}),
            Some("did not have response messages: c1"),
        );
    }

    #[test]
    fn four_characters_are_a_token() {
        for (text, expected) in [("", 0), ("a", 1), ("abcd", 1), ("äöüßx", 2)] {
            assert_eq!(tokens(text), expected, "{text}");
        }
    }
}
