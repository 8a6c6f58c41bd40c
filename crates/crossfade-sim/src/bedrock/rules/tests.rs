use serde_json::json;

use super::*;

mod newer;

const OLD_CLAUDE: &str = "anthropic.claude-3-5-sonnet-20240620-v1:0";
const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const NEW_CLAUDE: &str = "us.anthropic.claude-opus-4-6-v1";
const NOVA: &str = "us.amazon.nova-pro-v1:0";
const LLAMA: &str = "meta.llama3-70b-instruct-v1:0";
const MISTRAL: &str = "mistral.mistral-large-2407-v1:0";
const WRITER: &str = "writer.palmyra-x5-v1:0";
const GPT: &str = "openai.gpt-5";

fn asked(model: &str, body: &Value) -> Option<String> {
    let shape = &crate::bedrock::model::CONVERSE_REQUEST;
    assert_eq!(
        crate::bedrock::model::violations(shape, body),
        None,
        "the structure is right"
    );
    refusal(model, body, false)
}

#[track_caller]
fn accepts(model: &str, body: &Value) {
    assert_eq!(asked(model, body), None, "{model}");
}

#[track_caller]
fn refuses(model: &str, body: &Value, with: &str) {
    let message = asked(model, body).expect("should be refused");
    assert!(message.contains(with), "{model}: {message}");
}

fn user(block: impl Into<Value>) -> Value {
    json!({"role": "user", "content": [block.into()]})
}

fn hi() -> Value {
    user(json!({"text": "hi"}))
}

fn assistant(block: impl Into<Value>) -> Value {
    json!({"role": "assistant", "content": [block.into()]})
}

fn call(id: &str) -> Value {
    json!({"toolUse": {"toolUseId": id, "name": "rain", "input": {}}})
}

fn result(id: &str) -> Value {
    json!({"toolResult": {"toolUseId": id, "content": [{"json": {"mm": 1}}]}})
}

fn tool(name: &str) -> Value {
    json!({"toolSpec": {"name": name, "inputSchema": {"json": {"type": "object"}}}})
}

fn talk(messages: &[Value]) -> Value {
    json!({"messages": messages})
}

/// With one tool offered.
fn talk_with_tool(messages: &[Value]) -> Value {
    json!({"messages": messages, "toolConfig": {"tools": [tool("rain")]}})
}

fn with(setting: &str, value: Value) -> Value {
    let mut body = talk(&[hi()]);
    body[setting] = value;
    body
}

#[test]
fn turns_start_and_end_as_the_family_wants() {
    let starts = "A conversation must start with a user message.";
    let led = talk(&[assistant(json!({"text": "a"})), hi()]);
    refuses(NOVA, &talk(&[]), starts);
    refuses(CLAUDE, &json!({}), starts);
    refuses(NOVA, &led, starts);
    accepts(CLAUDE, &led);
    let prefilled = talk(&[hi(), assistant(json!({"text": "a "}))]);
    refuses(NEW_CLAUDE, &prefilled, "must end with a user message");
    refuses(CLAUDE, &prefilled, "trailing whitespace");
    accepts(NOVA, &prefilled);
    accepts(CLAUDE, &talk(&[hi(), assistant(json!({"text": "a"}))]));
}

#[test]
fn turns_have_substance() {
    refuses(
        CLAUDE,
        &talk(&[hi(), json!({"role": "assistant", "content": []}), hi()]),
        "The content field in the Message object at messages.1 is empty.",
    );
    refuses(
        CLAUDE,
        &talk(&[user(json!({"text": " \n"}))]),
        "at messages.0.content.0 is blank.",
    );
    refuses(
        CLAUDE,
        &with("system", json!([{"text": " "}])),
        "at system.0 is blank",
    );
    let blank = json!({"toolResult": {"toolUseId": "a", "content": [{"text": ""}]}});
    refuses(
        CLAUDE,
        &talk_with_tool(&[hi(), assistant(call("a")), user(blank)]),
        "messages.2.content.0.toolResult.content.0 is blank",
    );
}

#[test]
fn alternation_is_demanded_if_so_set() {
    let body = talk(&[hi(), hi()]);
    accepts(NOVA, &body);
    let message = refusal(NOVA, &body, true).unwrap();
    assert!(message.starts_with("A conversation must alternate between user and assistant roles."));
}

#[test]
fn tools_are_configured() {
    let history = [hi(), assistant(call("a")), user(result("a"))];
    accepts(CLAUDE, &talk_with_tool(&history));
    assert_eq!(
        asked(CLAUDE, &talk(&history)).unwrap(),
        "The toolConfig field must be defined when using toolUse and toolResult content blocks."
    );
    let config = |tools: &[Value]| with("toolConfig", json!({"tools": tools}));
    refuses(
        "amazon.titan-text-lite-v1",
        &config(&[tool("a")]),
        "doesn't support tool use",
    );
    refuses(
        CLAUDE,
        &config(&[tool("a"), tool("a")]),
        "Tool names must be unique",
    );
    let rootless = json!({"toolSpec": {"name": "a", "inputSchema": {"json": {}}}});
    refuses(
        CLAUDE,
        &config(&[rootless]),
        "inputSchema.json.type must be one of the following: object.",
    );
}

#[test]
fn choices_depend_on_the_family() {
    let choosing = |choice: Value| {
        with(
            "toolConfig",
            json!({"tools": [tool("rain")], "toolChoice": choice}),
        )
    };
    accepts(LLAMA, &choosing(json!({"auto": {}})));
    refuses(LLAMA, &choosing(json!({"any": {}})), "toolChoice.any");
    accepts(MISTRAL, &choosing(json!({"any": {}})));
    refuses(
        MISTRAL,
        &choosing(json!({"tool": {"name": "rain"}})),
        "toolChoice.tool",
    );
    accepts(NOVA, &choosing(json!({"tool": {"name": "rain"}})));
    refuses(
        NOVA,
        &choosing(json!({"tool": {"name": "snow"}})),
        "Tool 'snow' not found",
    );
}

#[test]
fn calls_are_well_formed() {
    let scalar = json!({"toolUse": {"toolUseId": "a", "name": "rain", "input": "x"}});
    refuses(
        NOVA,
        &talk_with_tool(&[hi(), assistant(scalar), user(result("a"))]),
        "The format of the value at messages.1.content.0.toolUse.input is invalid.",
    );
    refuses(
        NOVA,
        &talk_with_tool(&[user(call("a"))]),
        "only allowed in assistant messages",
    );
    let once = [hi(), assistant(call("a")), user(result("a"))];
    let twice = [once.clone(), once].concat();
    refuses(
        CLAUDE,
        &talk_with_tool(&twice),
        "`tool_use` ids must be unique: a",
    );
}

#[test]
fn results_answer_their_calls() {
    let calls = json!({"role": "assistant", "content": [call("a"), call("b")]});
    let both = json!({"role": "user", "content": [result("b"), result("a")]});
    accepts(NOVA, &talk_with_tool(&[hi(), calls.clone(), both]));
    assert_eq!(
        asked(
            NOVA,
            &talk_with_tool(&[hi(), calls.clone(), user(result("a"))])
        )
        .unwrap(),
        "Expected toolResult blocks at messages.2.content for the following Ids: b"
    );
    // In two messages is not in one.
    refuses(
        NOVA,
        &talk_with_tool(&[hi(), calls.clone(), user(result("a")), user(result("b"))]),
        "for the following Ids: b",
    );
    refuses(
        NOVA,
        &talk_with_tool(&[hi(), calls]),
        "at messages.2.content for the following Ids: a, b",
    );
    refuses(
        NOVA,
        &talk_with_tool(&[
            hi(),
            assistant(call("a")),
            json!({"role": "user", "content": [result("a"), result("c")]}),
        ]),
        "The number of toolResult blocks at messages.2.content exceeds",
    );
    refuses(
        NOVA,
        &talk_with_tool(&[user(result("a"))]),
        "messages.0.content exceeds",
    );
    refuses(
        NOVA,
        &talk_with_tool(&[
            hi(),
            assistant(call("a")),
            json!({"role": "user", "content": [result("a"), result("a")]}),
        ]),
        "multiple `tool_result` blocks with id: a",
    );
}

#[test]
fn result_bodies_depend_on_the_family() {
    let answered = |block: Value| talk_with_tool(&[hi(), assistant(call("a")), user(block)]);
    let mixed = json!({"role": "user", "content": [result("a"), {"text": "and"}]});
    let mixed = talk_with_tool(&[hi(), assistant(call("a")), mixed]);
    accepts(CLAUDE, &mixed);
    refuses(LLAMA, &mixed, "cannot be provided in the same turn.");
    let document = json!({"document": {"name": "d", "source": {"text": "t"}}});
    let beside = json!({"role": "user", "content": [result("a"), {"text": "t"}, document]});
    refuses(
        CLAUDE,
        &talk_with_tool(&[hi(), assistant(call("a")), beside]),
        "in the same turn",
    );
    let of = |content: Value, status: Value| {
        answered(json!({"toolResult": {"toolUseId": "a", "content": content, "status": status}}))
    };
    refuses(
        CLAUDE,
        &of(json!([]), json!("error")),
        "cannot be empty when status value is error.",
    );
    refuses(
        WRITER,
        &of(json!([{"json": {}}]), json!("success")),
        "status field",
    );
    refuses(
        MISTRAL,
        &of(json!([{"text": "x"}]), Value::Null),
        "json field",
    );
    accepts(LLAMA, &of(json!([{"text": "x"}]), json!("error")));
}

#[test]
fn media_are_limited() {
    let document = |name: &str| json!({"document": {"name": name, "source": {"text": "t"}}});
    let message = |blocks: Vec<Value>| talk(&[json!({"role": "user", "content": blocks})]);
    let beside = json!({"text": "read"});
    accepts(
        CLAUDE,
        &message(vec![beside.clone(), document("a b-(1) [2]")]),
    );
    refuses(
        CLAUDE,
        &message(vec![document("a")]),
        "A text block must be included",
    );
    for bad in ["a.pdf", "a  b", "ü"] {
        refuses(
            CLAUDE,
            &message(vec![beside.clone(), document(bad)]),
            "The document file name",
        );
    }
    refuses(
        CLAUDE,
        &message(vec![beside.clone(), document("a"), document("a")]),
        "Duplicate document",
    );
    let many = ["a", "b", "c", "d", "e", "f"].map(document);
    refuses(
        CLAUDE,
        &message([vec![beside.clone()], many.to_vec()].concat()),
        "limit of 5",
    );
    let image = json!({"image": {"format": "png", "source": {"bytes": "aGk="}}});
    accepts(CLAUDE, &message(vec![image.clone(); 20]));
    refuses(CLAUDE, &message(vec![image.clone(); 21]), "limit of 20");
    refuses(
        CLAUDE,
        &talk(&[hi(), assistant(image)]),
        "only allowed in user messages",
    );
}

#[test]
fn cache_points_have_their_place() {
    let point = json!({"cachePoint": {"type": "default"}});
    let (text, place) = (json!({"text": "t"}), "not allowed at this position");
    let message = |blocks: &[&Value]| talk(&[json!({"role": "user", "content": blocks})]);
    accepts(CLAUDE, &message(&[&text, &point]));
    refuses(CLAUDE, &message(&[&point, &text]), place);
    refuses(CLAUDE, &message(&[&text, &point, &point]), place);
    let document = json!({"document": {"name": "d", "source": {"text": "t"}}});
    refuses(CLAUDE, &message(&[&text, &document, &point]), place);
    let five: Vec<&Value> = [&text, &point].repeat(5);
    refuses(CLAUDE, &message(&five), "A maximum of 4 blocks");
}

#[test]
fn parameters_depend_on_the_family() {
    let both = with("inferenceConfig", json!({"temperature": 0.5, "topP": 0.5}));
    refuses(CLAUDE, &both, "cannot both be specified");
    accepts(OLD_CLAUDE, &both);
    refuses(
        GPT,
        &with("inferenceConfig", json!({"temperature": 1})),
        "temperature",
    );
    refuses(
        GPT,
        &with("inferenceConfig", json!({"maxTokens": 15})),
        "at least 16",
    );
    accepts(GPT, &with("inferenceConfig", json!({"maxTokens": 16})));
    let stop = with("inferenceConfig", json!({"stopSequences": ["\n"]}));
    refuses(CLAUDE, &stop, "non-whitespace");
    accepts(NOVA, &stop);
}

#[test]
fn thinking_has_conditions() {
    let thinking = |budget: u64| {
        let mut body = with("inferenceConfig", json!({"maxTokens": 2000}));
        body["additionalModelRequestFields"] =
            json!({"thinking": {"type": "enabled", "budget_tokens": budget}});
        body
    };
    accepts(CLAUDE, &thinking(1024));
    refuses(CLAUDE, &thinking(1023), "greater than or equal to 1024");
    refuses(
        CLAUDE,
        &thinking(2000),
        "must be greater than `thinking.budget_tokens`",
    );
    let mut cold = thinking(1024);
    cold["inferenceConfig"]["temperature"] = json!(0);
    refuses(CLAUDE, &cold, "only be set to 1");
    let mut forced = thinking(1024);
    forced["toolConfig"] = json!({"tools": [tool("a")], "toolChoice": {"any": {}}});
    refuses(CLAUDE, &forced, "forces tool use");
}

#[test]
fn schemas_must_compile() {
    let format = |schema: &str| {
        let structure = json!({"jsonSchema": {"schema": schema}});
        with(
            "outputConfig",
            json!({"textFormat": {"type": "json_schema", "structure": structure}}),
        )
    };
    let closed = |inner: Value| {
        json!({"type": "object", "properties": {"a": inner}, "additionalProperties": false})
            .to_string()
    };
    accepts(CLAUDE, &format(&closed(json!({"type": "string"}))));
    refuses(NOVA, &format(&closed(json!({}))), "outputConfig.textFormat");
    refuses(CLAUDE, &format("no json"), "must be a valid JSON schema");
    refuses(
        CLAUDE,
        &format(r#"{"type":"object"}"#),
        "'additionalProperties' must be explicitly set",
    );
    refuses(
        CLAUDE,
        &format(&closed(json!({"type": "object"}))),
        "'additionalProperties'",
    );
    refuses(
        CLAUDE,
        &format(&closed(json!({"anyOf": [{"minimum": 1}]}))),
        "property 'minimum'",
    );
    refuses(
        CLAUDE,
        &format(&closed(json!({"items": {"minItems": 2}}))),
        "'minItems'",
    );
    let strict = |count: usize, schema: Value| {
        let tool = |n| json!({"toolSpec": {"name": format!("t{n}"), "strict": true, "inputSchema": {"json": schema}}});
        with(
            "toolConfig",
            json!({"tools": (0..count).map(tool).collect::<Vec<_>>()}),
        )
    };
    let right = json!({"type": "object", "additionalProperties": false});
    accepts(CLAUDE, &strict(20, right.clone()));
    refuses(
        CLAUDE,
        &strict(21, right.clone()),
        "at most 20 strict tools",
    );
    refuses(OLD_CLAUDE, &strict(1, right), "strict field in toolSpec");
    refuses(
        CLAUDE,
        &strict(1, json!({"type": "object"})),
        "tools.t0.input_schema",
    );
}
