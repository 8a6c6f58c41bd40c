use serde_json::json;

use super::*;

#[track_caller]
fn accepts(request: &Value) {
    assert_eq!(violations(&CONVERSE_REQUEST, request), None);
}

#[track_caller]
fn refuses(request: &Value, with: &str) {
    let message = violations(&CONVERSE_REQUEST, request).expect("should be refused");
    assert!(message.contains(with), "{message}");
}

fn content(block: &Value) -> Value {
    json!({"messages": [{"role": "user", "content": [block]}]})
}

fn inference(config: &Value) -> Value {
    json!({"inferenceConfig": config})
}

#[test]
fn complete_requests_pass() {
    accepts(&json!({}));
    accepts(&json!({
        "messages": [
            {"role": "user", "content": [{"text": "Rain in Oslo?"}]},
            {"role": "assistant", "content": [
                {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
                {"toolUse": {"toolUseId": "call_A1", "name": "rain", "input": {"city": "Oslo"}}},
            ]},
            {"role": "user", "content": [
                {"toolResult": {"toolUseId": "call_A1", "content": [{"json": {"mm": 3}}], "status": "success"}},
            ]},
        ],
        "system": [{"text": "Be brief."}, {"cachePoint": {"type": "default", "ttl": "1h"}}],
        "inferenceConfig": {"maxTokens": 100, "temperature": 1.0, "topP": 0, "stopSequences": ["END"]},
        "toolConfig": {
            "tools": [{"toolSpec": {"name": "rain", "description": "d", "inputSchema": {"json": {"type": "object"}}}}],
            "toolChoice": {"auto": {}},
        },
        "guardrailConfig": {"guardrailIdentifier": "abc1", "guardrailVersion": "DRAFT", "trace": "enabled"},
        "additionalModelRequestFields": {"anything": [1, null]},
        "additionalModelResponseFieldPaths": ["/a"],
        "requestMetadata": {"team": "a b:c"},
        "performanceConfig": {"latency": "standard"},
        "serviceTier": {"type": "flex"},
        "outputConfig": {
            "textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{}", "name": "n"}}},
            "effort": "low",
        },
    }));
    accepts(&content(
        &json!({"image": {"format": "png", "source": {"bytes": "aGk="}}}),
    ));
    accepts(&content(
        &json!({"document": {"name": "a", "source": {"s3Location": {"uri": "s3://a-b.c/d e"}}}}),
    ));
    accepts(&json!({"inferenceConfig": null}));
}

#[test]
fn members_and_types_are_checked() {
    refuses(
        &json!({"model": "x"}),
        "#/: extraneous key [model] is not permitted",
    );
    refuses(
        &json!({"messages": [{"role": "user", "content": [], "name": "n"}]}),
        "#/messages/0: extraneous key [name]",
    );
    refuses(
        &json!({"messages": {}}),
        "The value at messages is invalid: expected a list, found an object.",
    );
    refuses(
        &json!({"messages": [{"role": "user", "content": "hi"}]}),
        "messages.0.content is invalid",
    );
    refuses(
        &content(&json!({"text": 1})),
        "messages.0.content.0.text is invalid: expected a string",
    );
    refuses(
        &json!({"messages": [{"role": "user"}]}),
        "1 validation error detected: Value null at 'messages.1.member.content' failed to satisfy constraint: Member \
         must not be null",
    );
    refuses(&json!([]), "expected an object, found a list");
}

#[test]
fn unions_hold_exactly_one_member() {
    refuses(
        &content(&json!({})),
        "ContentBlock object at messages.0.content.0 must set one of the following keys: text, image",
    );
    refuses(
        &content(&json!({"text": "a", "cachePoint": {"type": "default"}})),
        "must set one of",
    );
    refuses(&content(&json!({"text": null})), "must set one of");
    refuses(
        &json!({"toolConfig": {"tools": [{"toolSpec": {"name": "a", "inputSchema": {}}}]}}),
        "ToolInputSchema object at toolConfig.tools.0.toolSpec.inputSchema must set one of the following keys: json.",
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn bounds_patterns_and_choices_are_checked() {
    refuses(
        &inference(&json!({"maxTokens": 0})),
        "Value '0' at 'inferenceConfig.maxTokens' failed to satisfy constraint: Member must have value greater than or equal to 1",
    );
    refuses(
        &inference(&json!({"maxTokens": 1.5})),
        "expected a 32-bit integer",
    );
    refuses(
        &inference(&json!({"maxTokens": 4_294_967_296_u64})),
        "expected a 32-bit integer",
    );
    refuses(
        &inference(&json!({"temperature": 1.4})),
        "Value '1.4' at 'inferenceConfig.temperature'",
    );
    refuses(
        &inference(&json!({"topP": -0.1})),
        "greater than or equal to 0",
    );
    refuses(
        &inference(&json!({"temperature": 2, "topP": 2})),
        "2 validation errors detected: ",
    );
    refuses(
        &inference(&json!({"stopSequences": [""]})),
        "'inferenceConfig.stopSequences.1.member'",
    );
    refuses(
        &inference(&json!({"stopSequences": vec!["x"; 2501]})),
        "length less than or equal to 2500",
    );
    refuses(
        &json!({"system": [{"text": ""}]}),
        "'system.1.member.text' failed to satisfy constraint: Member must have length greater",
    );
    refuses(
        &json!({"toolConfig": {"tools": []}}),
        "Value at 'toolConfig.tools' failed",
    );
    refuses(
        &json!({"messages": [{"role": "tool", "content": []}]}),
        "Value 'tool' at 'messages.1.member.role' failed to satisfy constraint: Member must satisfy enum value set: \
         [user, assistant, system]",
    );
    for name in ["a b", "", "ü", &"x".repeat(65)] {
        let tool = json!({"toolSpec": {"name": name, "inputSchema": {"json": {}}}});
        refuses(
            &json!({"toolConfig": {"tools": [tool]}}),
            "'toolConfig.tools.1.member.toolSpec.name'",
        );
    }
    refuses(
        &content(&json!({"toolResult": {"toolUseId": "a/b", "content": []}})),
        "regular expression pattern: [a-zA-Z0-9_.:-]+",
    );
    refuses(
        &content(&json!({"image": {"format": "bmp", "source": {"bytes": "aGk="}}})),
        "[png, jpeg, gif, webp]",
    );
    refuses(
        &content(&json!({"image": {"format": "png", "source": {"bytes": "%"}}})),
        "not valid base64",
    );
    refuses(
        &content(&json!({"image": {"format": "png", "source": {"bytes": ""}}})),
        "length greater than or equal to 1",
    );
    refuses(
        &content(
            &json!({"document": {"name": "a", "source": {"s3Location": {"uri": "http://x"}}}}),
        ),
        "s3://",
    );
    refuses(
        &json!({"requestMetadata": {}}),
        "Value at 'requestMetadata' failed",
    );
    refuses(
        &json!({"requestMetadata": {"a": "ü"}}),
        "'requestMetadata.a'",
    );
    refuses(
        &json!({"guardrailConfig": {"guardrailVersion": "0"}}),
        "(DRAFT)",
    );
    refuses(
        &json!({"guardrailConfig": {"guardrailIdentifier": "A-"}}),
        "guardrail/",
    );
    refuses(
        &json!({"outputConfig": {"textFormat": {"type": "json_schema"}}}),
        "'outputConfig.textFormat.structure'",
    );
    refuses(
        &json!({"outputConfig": {"effort": "far more than sixteen"}}),
        "length less than or equal to 16",
    );
}

#[test]
fn the_stream_has_one_member_more() {
    let request = json!({"guardrailConfig": {"streamProcessingMode": "sync"}});
    assert_eq!(violations(&CONVERSE_STREAM_REQUEST, &request), None);
    refuses(&request, "extraneous key [streamProcessingMode]");
}

/// The published service model, when the directory of recorded data is at hand.
#[test]
fn the_shapes_are_the_published_ones() {
    let Some(published) = published() else { return };
    let mut compared = 0;
    compare(
        &CONVERSE_REQUEST,
        "ConverseRequest",
        &published,
        &mut compared,
    );
    compare(
        &CONVERSE_STREAM_REQUEST,
        "ConverseStreamRequest",
        &published,
        &mut compared,
    );
    assert!(compared > 250, "only {compared} shapes were compared");
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test is told by the environment where the data lies"
)]
fn published() -> Option<Value> {
    let data = std::env::var("CROSSFADE_DATA").ok()?;
    let path = std::path::Path::new(&data).join("specs/bedrock-runtime-service-2.json");
    let model: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    Some(model["shapes"].clone())
}

#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn compare(ours: &Shape, name: &str, all: &Value, compared: &mut usize) {
    *compared += 1;
    let theirs = &all[name];
    let kind = theirs["type"].as_str().unwrap();
    let bound = |key: &str, default: usize| {
        theirs[key]
            .as_u64()
            .map_or(default, |n| usize::try_from(n).unwrap())
    };
    match ours {
        Shape::Document => assert_eq!(theirs["document"], true, "{name}"),
        Shape::Boolean => assert_eq!(kind, "boolean", "{name}"),
        Shape::Integer { min } => {
            assert_eq!(
                (kind, theirs["min"].as_i64()),
                ("integer", Some(*min)),
                "{name}"
            );
        }
        Shape::Float { min, max } => {
            let bounds = (theirs["min"].as_f64(), theirs["max"].as_f64());
            assert_eq!(
                (kind, bounds),
                ("float", (Some(*min), Some(*max))),
                "{name}"
            );
        }
        Shape::Text(text) => compare_text(*text, name, theirs),
        Shape::Blob { min } => assert_eq!((kind, bound("min", 0)), ("blob", *min), "{name}"),
        Shape::List { of, min, max } => {
            assert_eq!(
                (kind, bound("min", 0), bound("max", ANY)),
                ("list", *min, *max),
                "{name}"
            );
            compare(
                of,
                theirs["member"]["shape"].as_str().unwrap(),
                all,
                compared,
            );
        }
        Shape::Map {
            key,
            value,
            min,
            max,
        } => {
            assert_eq!(
                (kind, bound("min", 0), bound("max", ANY)),
                ("map", *min, *max),
                "{name}"
            );
            let named = theirs["key"]["shape"].as_str().unwrap();
            compare_text(*key, named, &all[named]);
            compare(
                value,
                theirs["value"]["shape"].as_str().unwrap(),
                all,
                compared,
            );
        }
        Shape::Structure(members) | Shape::Union { members, .. } => {
            let is_union = matches!(ours, Shape::Union { .. });
            assert_eq!(
                theirs["union"].as_bool().unwrap_or(false),
                is_union,
                "{name}"
            );
            let published = theirs["members"].as_object().unwrap();
            let in_body: Vec<&str> = published
                .iter()
                .filter(|(_, member)| member["location"] != "uri")
                .map(|(name, _)| name.as_str())
                .collect();
            let names: Vec<&str> = members.iter().map(|member| member.name).collect();
            assert_eq!(names, in_body, "{name}");
            let required = theirs["required"].as_array().cloned().unwrap_or_default();
            for member in *members {
                let is_required = required.iter().any(|name| name == member.name);
                assert_eq!(member.required, is_required, "{name}.{}", member.name);
                let shape = published[member.name]["shape"].as_str().unwrap();
                compare(member.shape, shape, all, compared);
            }
        }
    }
}

const ANY: usize = usize::MAX;

fn compare_text(ours: Text, name: &str, theirs: &Value) {
    assert_eq!(theirs["type"], "string", "{name}");
    let bound = |key: &str| theirs[key].as_u64().map(|n| usize::try_from(n).unwrap());
    let bounds = (bound("min").unwrap_or(0), bound("max").unwrap_or(ANY));
    assert_eq!((ours.min, ours.max), bounds, "{name}");
    let pattern = theirs["pattern"].as_str();
    match ours.rule {
        Rule::Any => assert_eq!((pattern, &theirs["enum"]), (None, &Value::Null), "{name}"),
        Rule::OneOf(choices) => assert_eq!(theirs["enum"], json!(choices), "{name}"),
        Rule::Pattern(shown, _) => assert_eq!(pattern, Some(shown), "{name}"),
    }
}
