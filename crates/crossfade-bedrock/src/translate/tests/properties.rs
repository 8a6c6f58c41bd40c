//! What holds for every request: translation never panics, and what it gives keeps the target's rules.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{
    super::*,
    able,
    arbitrary::{
        FIELDS, SECRET, any_json, apply, capabilities, change, full, messages, messages_with_parts,
        models,
    },
    eligibility,
    rules::broken,
};

/// Every rule of the target's holds.
fn keeps_the_rules(request: &Value) -> Result<(), TestCaseError> {
    prop_assert_eq!(broken(request), None, "{}", request);
    Ok(())
}

#[test]
fn the_full_request_is_taken() {
    for settings in [
        CandidateSettings::new("anthropic.claude-sonnet-4-6"),
        able(),
    ] {
        let body = serde_json::to_vec(&full()).unwrap();
        let translation = translate(&body, &settings).unwrap();
        keeps_the_rules(&serde_json::to_value(translation.request).unwrap()).unwrap();
    }
}

/// The texts, names, ids and arguments that a conversation of the caller's holds, in order.
fn said_by_caller(request: &Value) -> Vec<String> {
    let mut said = Vec::new();
    for message in request["messages"].as_array().unwrap() {
        let role = message["role"].as_str().unwrap();
        if !["user", "assistant", "tool"].contains(&role) {
            continue;
        }
        let text = message["content"].as_str().unwrap_or_default();
        if role == "tool" {
            let id = names::tool_use_id(message["tool_call_id"].as_str().unwrap()).0;
            said.push(format!(
                "result {id} {}",
                if text.trim().is_empty() {
                    "(empty)"
                } else {
                    text
                }
            ));
        } else if !text.trim().is_empty() {
            said.push(text.to_owned());
        }
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let id = names::tool_use_id(call["id"].as_str().unwrap()).0;
            let function = &call["function"];
            let arguments: Value =
                serde_json::from_str(function["arguments"].as_str().unwrap()).unwrap();
            said.push(format!(
                "call {id} {} {arguments}",
                function["name"].as_str().unwrap()
            ));
        }
    }
    said
}

/// The same of a translated conversation, with the caller's names.
fn said_to_target(translation: &Translation) -> Vec<String> {
    let request = serde_json::to_value(&translation.request).unwrap();
    let turns = request["messages"].as_array().unwrap();
    let blocks = turns
        .iter()
        .flat_map(|turn| turn["content"].as_array().unwrap());
    let said = blocks.map(|block| {
        if let Some(call) = block.get("toolUse") {
            let name = translation
                .reply
                .names
                .to_caller(call["name"].as_str().unwrap());
            return format!(
                "call {} {name} {}",
                call["toolUseId"].as_str().unwrap(),
                call["input"]
            );
        }
        if let Some(result) = block.get("toolResult") {
            let text = result["content"][0]["text"].as_str().unwrap();
            return format!("result {} {text}", result["toolUseId"].as_str().unwrap());
        }
        block["text"].as_str().unwrap().to_owned()
    });
    said.collect()
}

proptest! {
    /// Nothing that was said is lost or moved: texts, names, ids and arguments arrive as they were.
    #[test]
    fn round_trips_keep_what_was_said(
        turns in proptest::collection::vec((0..3_u8, "[a-zé ]{0,6}", "[a-z |]{1,70}", -9..9_i32), 1..8),
    ) {
        let mut messages = Vec::new();
        for (at, (kind, text, name, number)) in turns.iter().enumerate() {
            match kind {
                0 => messages.push(json!({"role": "user", "content": text})),
                1 => messages.push(json!({"role": "assistant", "content": text})),
                _ => {
                    let id = format!("call {at}");
                    let arguments = json!({"n": number, "t": text}).to_string();
                    let call = json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
                    messages.push(json!({"role": "assistant", "content": null, "tool_calls": [call]}));
                    messages.push(json!({"role": "tool", "tool_call_id": id, "content": text}));
                }
            }
        }
        messages.push(json!({"role": "user", "content": "end"}));
        let request = json!({"messages": messages, "tools": [{"type": "function", "function": {"name": "f"}}]});
        let translation = translate(&serde_json::to_vec(&request).unwrap(), &able()).unwrap();
        prop_assert_eq!(said_by_caller(&request), said_to_target(&translation));
    }

    /// For any model that the table can describe, what is sent keeps the rules; the same request gives the same.
    #[test]
    fn any_model_of_the_table(
        messages in messages_with_parts(),
        capabilities in capabilities(),
        fields in proptest::collection::vec((0..FIELDS.len(), any::<bool>()), 0..6),
        in_place in any::<bool>(),
    ) {
        let mut request = json!({ "messages": messages });
        for (field, take) in fields {
            if take {
                let (name, value) = FIELDS[field];
                request[name] = serde_json::from_str(value).unwrap();
            }
        }
        let mut settings = able();
        settings.capabilities = capabilities;
        if in_place {
            settings.late_system = crate::settings::LateSystem::InPlace;
        }
        let body = serde_json::to_vec(&request).unwrap();
        match translate(&body, &settings) {
            Ok(translation) => {
                let translated = serde_json::to_value(&translation.request).unwrap();
                keeps_the_rules(&translated)?;
                prop_assert_eq!(&translation, &translate(&body, &settings).unwrap(), "the same every time");
            }
            Err(refused) => prop_assert!(!refused.field.is_empty()),
        }
    }

    #[test]
    fn arbitrary_fields_never_panic(
        messages in proptest::collection::vec(any_json(), 0..4),
        fields in proptest::collection::vec((0..chat::Request::FIELDS.len(), any_json()), 0..4),
    ) {
        let mut request = Map::new();
        for (field, value) in fields {
            request.insert(chat::Request::FIELDS[field].to_owned(), value);
        }
        request.insert("messages".to_owned(), Value::Array(messages));
        let body = serde_json::to_vec(&request).unwrap();
        let refused = translate(&body, &able()).map(|translation| serde_json::to_value(translation.request).unwrap());
        match refused {
            Ok(request) => keeps_the_rules(&request)?,
            Err(refused) => prop_assert!(!refused.field.is_empty()),
        }
    }

    #[test]
    fn conversations_keep_the_target_s_rules(
        messages in messages(),
        model in models(),
        tools in any::<bool>(),
        schema in any::<bool>(),
    ) {
        let mut request = json!({ "messages": messages });
        if tools {
            request["tools"] = json!([{"type": "function", "function": {"name": "a tool"}}]);
        }
        if schema {
            request["response_format"] = json!({"type": "json_schema", "json_schema":
                {"name": "o", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}}});
        }
        let body = serde_json::to_vec(&request).unwrap();
        let settings = CandidateSettings::new(model);
        let translation = translate(&body, &settings).unwrap();
        prop_assert_eq!(&translation, &translate(&body, &settings).unwrap(), "the same every time");
        prop_assert_eq!(eligibility(&body, &settings), Ok(()));
        let translated = serde_json::to_value(&translation.request).unwrap();
        keeps_the_rules(&translated)?;
        let capabilities = settings.resolved_capabilities();
        let turns = &translation.request.messages;
        if capabilities.leading_user {
            prop_assert_eq!(turns.first().map(|turn| turn.role), Some(converse::Speaker::User));
        }
        if !capabilities.prefill {
            prop_assert_eq!(turns.last().map(|turn| turn.role), Some(converse::Speaker::User));
        }
    }

    #[test]
    fn requests_that_were_tampered_with(
        changes in proptest::collection::vec((proptest::collection::vec(any::<prop::sample::Index>(), 1..7), change()), 0..6),
        model in models(),
    ) {
        let mut request = full();
        for (way, change) in &changes {
            apply(&mut request, way, change);
        }
        let body = serde_json::to_vec(&request).unwrap();
        for settings in [CandidateSettings::new(model), able()] {
            match translate(&body, &settings) {
                Ok(translation) => {
                    for loss in &translation.losses {
                        prop_assert!(!loss.field.contains(SECRET), "{}", loss.field);
                    }
                    keeps_the_rules(&serde_json::to_value(translation.request).unwrap())?;
                }
                Err(refused) => {
                    prop_assert!(!refused.field.is_empty());
                    prop_assert!(!refused.to_string().contains(SECRET), "{refused}");
                }
            }
        }
    }
}
