//! Rules of newer models, and what some families do not offer.

use super::*;
use crate::bedrock::thinking::sign;

const OPUS: &str = "us.anthropic.claude-opus-4-8";
const GPT_OSS: &str = "openai.gpt-oss-120b-1:0";
const NOVA_2: &str = "us.amazon.nova-2-lite-v1:0";
const GROK: &str = "xai.grok-4-fast";

fn image() -> Value {
    json!({"image": {"format": "png", "source": {"bytes": "aGk="}}})
}

#[test]
fn kinds_of_content_depend_on_the_family() {
    let message =
        |block: &Value| talk(&[json!({"role": "user", "content": [{"text": "t"}, block]})]);
    let document = json!({"document": {"name": "d", "source": {"text": "t"}}});
    let audio = json!({"audio": {"format": "wav", "source": {"bytes": "aGk="}}});
    let point = json!({"cachePoint": {"type": "default"}});
    let hour = json!({"cachePoint": {"type": "default", "ttl": "1h"}});
    let huge = json!({"image": {"format": "png", "source": {"bytes": "AAAA".repeat(1_400_000)}}});
    for (model, block, part) in [
        (NOVA, &image(), ""),
        ("us.amazon.nova-micro-v1:0", &image(), "image content block"),
        (GPT_OSS, &image(), "image content block"),
        (GPT_OSS, &document, "document content block"),
        (CLAUDE, &audio, "audio content block"),
        ("mistral.voxtral-small-24b-2507", &audio, ""),
        (NOVA, &point, ""),
        (NOVA_2, &point, "cachePoint"),
        (LLAMA, &point, "cachePoint"),
        (CLAUDE, &hour, ""),
        (NOVA, &hour, "ttl value 1h"),
        (CLAUDE, &huge, "exceeds the maximum size"),
    ] {
        match part {
            "" => accepts(model, &message(block)),
            part => refuses(model, &message(block), part),
        }
    }
    let in_system = with("system", json!([{"text": "s"}, point]));
    refuses(NOVA_2, &in_system, "cachePoint field");
    let system = with("system", json!([{"text": "s"}]));
    refuses(
        "amazon.titan-text-lite-v1",
        &system,
        "doesn't support system messages",
    );
    refuses(
        "mistral.mistral-7b-instruct-v0:2",
        &system,
        "doesn't support system messages",
    );
    accepts(MISTRAL, &system);
}

#[test]
fn pictures_in_results_depend_on_the_family() {
    let body = talk_with_tool(&[
        hi(),
        assistant(call("c")),
        user(json!({"toolResult": {"toolUseId": "c", "content": [image()]}})),
    ]);
    accepts(CLAUDE, &body);
    refuses(
        LLAMA,
        &body,
        "image field at messages.2.content.0.toolResult.content.0",
    );
}

#[test]
fn fields_of_the_model_are_known() {
    let own = |fields: Value| with("additionalModelRequestFields", fields);
    accepts(CLAUDE, &own(json!({"top_k": 5})));
    refuses(
        CLAUDE,
        &own(json!({"reasoning_effort": "low"})),
        "reasoning_effort: Extra inputs",
    );
    refuses(NOVA, &own(json!({"top_k": 5})), "top_k: Extra inputs");
    refuses(
        NOVA,
        &own(json!({"reasoningConfig": {"type": "enabled"}})),
        "reasoningConfig",
    );
    accepts(
        NOVA_2,
        &own(json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}})),
    );
    refuses(
        NOVA_2,
        &own(json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "max"}})),
        "effort",
    );
    accepts(GPT_OSS, &own(json!({"reasoning_effort": "low"})));
    refuses(GPT_OSS, &own(json!({"reasoning_effort": "none"})), "effort");
    let mut both = own(json!({"tool_choice": {"type": "auto", "disable_parallel_tool_use": true}}));
    both["toolConfig"] = json!({"tools": [tool("a")], "toolChoice": {"auto": {}}});
    refuses(CLAUDE, &both, "conflicts with an existing field");
    let effort = |word: &str| with("outputConfig", json!({"effort": word}));
    accepts(NEW_CLAUDE, &effort("max"));
    refuses(NEW_CLAUDE, &effort("minimal"), "effort");
    refuses(OLD_CLAUDE, &effort("low"), "outputConfig.effort");
    refuses(NOVA, &effort("low"), "outputConfig.effort");
}

#[test]
fn the_newest_refuse_what_older_ones_take() {
    let setting = |value: Value| with("inferenceConfig", value);
    refuses(
        OPUS,
        &setting(json!({"temperature": 1})),
        "not supported by this model",
    );
    refuses(
        OPUS,
        &with("additionalModelRequestFields", json!({"top_k": 5})),
        "not supported by this model",
    );
    accepts(NEW_CLAUDE, &setting(json!({"temperature": 1})));
    refuses(GROK, &setting(json!({"topP": 0.5})), "topP");
    refuses(
        GROK,
        &setting(json!({"stopSequences": ["END"]})),
        "stopSequences",
    );
    refuses(
        "us.openai.gpt-5.6-terra",
        &setting(json!({"stopSequences": ["END"]})),
        "stopSequences",
    );
    accepts(
        "us.openai.gpt-5.5",
        &setting(json!({"stopSequences": ["END"]})),
    );
    let schema = json!({"type": "object", "additionalProperties": false});
    let strict =
        json!({"toolSpec": {"name": "t", "strict": true, "inputSchema": {"json": schema}}});
    let strict = with("toolConfig", json!({"tools": [strict]}));
    accepts(NEW_CLAUDE, &strict);
    refuses(OPUS, &strict, "strict field");
    refuses(GPT_OSS, &strict, "strict field");
}

#[test]
fn thoughts_come_back_signed_and_where_they_belong() {
    let thought = |signature: Option<&str>| {
        let mut text = json!({"text": "hm"});
        if let Some(signature) = signature {
            text["signature"] = json!(signature);
        }
        json!({"reasoningContent": {"reasoningText": text}})
    };
    let turn = |first: Option<Value>| {
        let content: Vec<Value> = first.into_iter().chain([call("c")]).collect();
        let mut body = talk_with_tool(&[
            hi(),
            json!({"role": "assistant", "content": content}),
            user(result("c")),
        ]);
        body["additionalModelRequestFields"] =
            json!({"thinking": {"type": "enabled", "budget_tokens": 1024}});
        body
    };
    let signed = turn(Some(thought(Some(&sign("hm")))));
    accepts(CLAUDE, &signed);
    refuses(CLAUDE, &turn(None), "Expected `thinking`");
    refuses(
        CLAUDE,
        &turn(Some(thought(None))),
        "signature: Field required",
    );
    refuses(
        CLAUDE,
        &turn(Some(thought(Some("forged")))),
        "Invalid `signature`",
    );
    let mut off = turn(None);
    off["additionalModelRequestFields"] = json!({"thinking": {"type": "disabled"}});
    accepts(CLAUDE, &off);
    let mut adaptive = turn(None);
    adaptive["additionalModelRequestFields"] = json!({"thinking": {"type": "adaptive"}});
    accepts(NEW_CLAUDE, &adaptive);
    refuses(CLAUDE, &adaptive, "thinking.type");
    refuses(OLD_CLAUDE, &turn(None), "thinking.type");
}
