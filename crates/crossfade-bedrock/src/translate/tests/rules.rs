//! The target's own rules for a request, as the published service model and its documentation state them: what every
//! translated request is held against.

use std::collections::HashSet;

use serde_json::Value;

/// The rule that a request breaks, if it breaks one.
pub(super) fn broken(request: &Value) -> Option<String> {
    check(request).err()
}

type Checked = Result<(), String>;

fn ensure(holds: bool, rule: &str) -> Checked {
    holds.then_some(()).ok_or_else(|| rule.to_owned())
}

fn array<'v>(value: &'v Value, name: &str) -> Vec<&'v Value> {
    value[name].as_array().into_iter().flatten().collect()
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn check(request: &Value) -> Checked {
    let known = [
        "messages",
        "system",
        "inferenceConfig",
        "toolConfig",
        "guardrailConfig",
        "additionalModelRequestFields",
        "additionalModelResponseFieldPaths",
        "requestMetadata",
        "serviceTier",
        "outputConfig",
    ];
    members(request, &known, "request")?;
    ensure(!array(request, "messages").is_empty(), "messages: none")?;
    for system in array(request, "system") {
        one_of(system, &["text", "cachePoint"], "system")?;
        ensure(
            system
                .get("text")
                .is_none_or(|text| !text_of(text).is_empty()),
            "system: empty text",
        )?;
    }
    inference(&request["inferenceConfig"])?;
    tools(&request["toolConfig"])?;
    metadata(&request["requestMetadata"])?;
    output(&request["outputConfig"])?;
    if let Some(tier) = request.get("serviceTier") {
        let kind = text_of(&tier["type"]);
        ensure(
            ["priority", "default", "flex", "reserved"].contains(&kind),
            "serviceTier",
        )?;
    }
    conversation(request)
}

fn members(value: &Value, known: &[&str], of: &str) -> Checked {
    let Some(object) = value.as_object() else {
        return Err(format!("{of}: not an object"));
    };
    match object.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("{of}: unknown member {name}")),
        None => Ok(()),
    }
}

/// A union holds exactly one member, of these.
fn one_of(value: &Value, known: &[&str], of: &str) -> Checked {
    members(value, known, of)?;
    ensure(
        value.as_object().is_some_and(|o| o.len() == 1),
        &format!("{of}: not one member"),
    )
}

fn fits(text: &str, longest: usize, allowed: fn(char) -> bool) -> bool {
    (1..=longest).contains(&text.chars().count()) && text.chars().all(allowed)
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-".contains(c)
}

fn is_id(c: char) -> bool {
    is_name(c) || ".:".contains(c)
}

fn inference(config: &Value) -> Checked {
    if config.is_null() {
        return Ok(());
    }
    members(
        config,
        &["maxTokens", "temperature", "topP", "stopSequences"],
        "inferenceConfig",
    )?;
    let unit = |name: &str| {
        config
            .get(name)
            .is_none_or(|v| v.as_f64().is_some_and(|n| (0.0..=1.0).contains(&n)))
    };
    ensure(
        unit("temperature") && unit("topP"),
        "inferenceConfig: out of range",
    )?;
    let tokens = config.get("maxTokens");
    ensure(
        tokens.is_none_or(|n| {
            n.as_i64()
                .is_some_and(|n| (1..=i64::from(i32::MAX)).contains(&n))
        }),
        "maxTokens",
    )?;
    ensure(
        array(config, "stopSequences")
            .iter()
            .all(|s| !text_of(s).is_empty()),
        "stopSequences: empty",
    )
}

fn tools(config: &Value) -> Checked {
    if config.is_null() {
        return Ok(());
    }
    members(config, &["tools", "toolChoice"], "toolConfig")?;
    let mut names = HashSet::new();
    for tool in array(config, "tools") {
        one_of(tool, &["toolSpec", "cachePoint"], "tool")?;
        let spec = &tool["toolSpec"];
        members(
            spec,
            &["name", "description", "inputSchema", "strict"],
            "toolSpec",
        )?;
        let name = text_of(&spec["name"]);
        ensure(
            fits(name, 64, is_name) && names.insert(name),
            "toolSpec: name",
        )?;
        ensure(
            spec.get("description")
                .is_none_or(|d| !text_of(d).trim().is_empty()),
            "toolSpec: description",
        )?;
        ensure(
            spec["inputSchema"]["json"]["type"] == "object",
            "toolSpec: not an object's schema",
        )?;
    }
    ensure(!names.is_empty(), "toolConfig: no tools")?;
    let Some(choice) = config.get("toolChoice") else {
        return Ok(());
    };
    one_of(choice, &["auto", "any", "tool"], "toolChoice")?;
    ensure(
        choice
            .get("tool")
            .is_none_or(|tool| names.contains(text_of(&tool["name"]))),
        "toolChoice: no such tool",
    )
}

fn metadata(pairs: &Value) -> Checked {
    let Some(pairs) = pairs.as_object() else {
        return Ok(());
    };
    let allowed =
        |c: char| c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || ":_@$#=/+,-.".contains(c);
    ensure((1..=16).contains(&pairs.len()), "requestMetadata: count")?;
    ensure(
        pairs.keys().all(|key| fits(key, 256, allowed)),
        "requestMetadata: key",
    )?;
    let short = |value: &Value| {
        text_of(value).chars().count() <= 256 && text_of(value).chars().all(allowed)
    };
    ensure(pairs.values().all(short), "requestMetadata: value")
}

fn output(config: &Value) -> Checked {
    if config.is_null() {
        return Ok(());
    }
    members(config, &["textFormat", "effort"], "outputConfig")?;
    let efforts = ["low", "medium", "high", "xhigh", "max"];
    ensure(
        config
            .get("effort")
            .is_none_or(|effort| efforts.contains(&text_of(effort))),
        "outputConfig: effort",
    )?;
    let Some(format) = config.get("textFormat") else {
        return Ok(());
    };
    let schema = text_of(&format["structure"]["jsonSchema"]["schema"]);
    let schema: Value =
        serde_json::from_str(schema).map_err(|_| "textFormat: not a schema".to_owned())?;
    ensure(is_closed(&schema), "textFormat: an open object")
}

/// Every object of an enforced schema is closed.
fn is_closed(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => {
            let is_object = members.get("type").is_some_and(|kind| kind == "object");
            let closed =
                !is_object || members.get("additionalProperties") == Some(&Value::Bool(false));
            closed
                && members
                    .iter()
                    .filter(|(name, _)| *name != "enum")
                    .all(|(_, value)| is_closed(value))
        }
        Value::Array(items) => items.iter().all(is_closed),
        _ => true,
    }
}

fn conversation(request: &Value) -> Checked {
    let turns = array(request, "messages");
    let mut seen = Seen::default();
    let mut last = "";
    for (at, turn) in turns.iter().enumerate() {
        members(turn, &["role", "content"], "message")?;
        let role = text_of(&turn["role"]);
        ensure(
            ["user", "assistant", "system"].contains(&role) && role != last,
            "message: role",
        )?;
        last = role;
        let content = array(turn, "content");
        ensure(!content.is_empty(), "message: no content")?;
        let mut before = "";
        for block in &content {
            let kind = block
                .as_object()
                .and_then(|b| b.keys().next())
                .map_or("", String::as_str);
            seen.block(role, before, kind, block)?;
            before = kind;
        }
        let is = |kind: &str| content.iter().any(|block| block.get(kind).is_some());
        ensure(!is("document") || is("text"), "document without text")?;
        ensure(
            !(is("document") && is("toolResult")),
            "document beside a result",
        )?;
        let calls = ids(Some(turn), "toolUse");
        let next = turns.get(at + 1).copied();
        ensure(
            calls == ids(next, "toolResult"),
            "calls and results do not match",
        )?;
        ensure(
            calls.iter().collect::<HashSet<_>>().len() == calls.len(),
            "calls of one id",
        )?;
        ensure(
            calls.is_empty() || request.get("toolConfig").is_some(),
            "calls without tools",
        )?;
    }
    let marks = array(request, "system")
        .iter()
        .filter(|s| s.get("cachePoint").is_some())
        .count();
    ensure(marks + seen.marks <= 4, "too many cache points")?;
    ensure(
        seen.images <= 20 && seen.documents.len() <= 5,
        "too many pictures or documents",
    )?;
    let leads_back = turns
        .first()
        .is_some_and(|turn| !ids(Some(turn), "toolResult").is_empty());
    ensure(!leads_back, "results without calls")
}

fn ids(turn: Option<&Value>, kind: &str) -> Vec<String> {
    let blocks = turn.map(|turn| array(turn, "content")).unwrap_or_default();
    let ids = blocks
        .iter()
        .filter_map(|block| block[kind]["toolUseId"].as_str());
    ids.map(str::to_owned).collect()
}

fn tool_use(call: &Value) -> Checked {
    ensure(fits(text_of(&call["toolUseId"]), 64, is_id), "toolUse: id")?;
    ensure(fits(text_of(&call["name"]), 64, is_name), "toolUse: name")?;
    ensure(call["input"].is_object(), "toolUse: input")
}

fn tool_result(result: &Value) -> Checked {
    let said = array(result, "content");
    ensure(!said.is_empty(), "toolResult: nothing")?;
    let id = text_of(&result["toolUseId"]);
    ensure(fits(id, 64, is_id), "toolResult: id")?;
    let empty = |each: &&Value| {
        each.get("text")
            .is_some_and(|t| text_of(t).trim().is_empty())
    };
    ensure(!said.iter().any(empty), "toolResult: blank")?;
    let is_json = |each: &&Value| each.get("json").is_none_or(Value::is_object);
    ensure(said.iter().all(is_json), "toolResult: json")
}

/// What a request holds so far.
#[derive(Default)]
struct Seen {
    marks: usize,
    images: usize,
    documents: HashSet<String>,
}

impl Seen {
    fn block(&mut self, role: &str, before: &str, kind: &str, block: &Value) -> Checked {
        let kinds = [
            "text",
            "image",
            "document",
            "audio",
            "toolUse",
            "toolResult",
            "cachePoint",
            "reasoningContent",
        ];
        one_of(block, &kinds, "block")?;
        let content = &block[kind];
        let of = |expected: &str| ensure(role == expected, &format!("{kind} of the {role}"));
        match kind {
            "text" => ensure(!text_of(content).trim().is_empty(), "blank text"),
            "image" => {
                self.images += 1;
                of("user")?;
                ensure(
                    ["png", "jpeg", "gif", "webp"].contains(&text_of(&content["format"])),
                    "image: format",
                )
            }
            "document" => {
                of("user")?;
                let name = text_of(&content["name"]);
                let allowed = |c: char| c.is_ascii_alphanumeric() || " -()[]".contains(c);
                ensure(
                    fits(name, 200, allowed) && !name.contains("  "),
                    "document: name",
                )?;
                ensure(
                    self.documents.insert(name.to_owned()),
                    "document: two of one name",
                )
            }
            "toolUse" => tool_use(content).and(of("assistant")),
            "toolResult" => tool_result(content).and(of("user")),
            "cachePoint" => {
                self.marks += 1;
                ensure(
                    !["", "cachePoint", "document"].contains(&before),
                    "cachePoint: place",
                )
            }
            _ => Ok(()),
        }
    }
}

/// The rules themselves notice what they are for.
#[test]
fn broken_rules_are_noticed() {
    use serde_json::json;
    let user = |content: Value| json!({"messages": [{"role": "user", "content": content}]});
    assert_eq!(broken(&user(json!([{"text": "a"}]))), None);
    for (request, rule) in [
        (json!({"messages": []}), "messages: none"),
        (user(json!([])), "message: no content"),
        (user(json!([{"text": " "}])), "blank text"),
        (
            user(json!([{"text": "a", "image": {}}])),
            "block: not one member",
        ),
        (
            user(json!([{"cachePoint": {"type": "default"}}])),
            "cachePoint: place",
        ),
        (
            user(json!([{"document": {"name": "a.b"}}])),
            "document: name",
        ),
        (
            user(json!([{"toolUse": {"toolUseId": "a", "name": "b", "input": {}}}])),
            "toolUse of the user",
        ),
        (
            user(json!([{"toolResult": {"toolUseId": "a", "content": []}}])),
            "toolResult: nothing",
        ),
    ] {
        assert_eq!(broken(&request).as_deref(), Some(rule), "{request}");
    }
    let mut bad = user(json!([{"text": "a"}]));
    bad["inferenceConfig"] = json!({"temperature": 1.5});
    assert_eq!(
        broken(&bad).as_deref(),
        Some("inferenceConfig: out of range")
    );
}
