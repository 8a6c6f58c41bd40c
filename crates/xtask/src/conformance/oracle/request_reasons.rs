//! Why a translated request may differ from other translators': one policy for each field, held to what it says.

use serde_json::{Value, json};

use crate::{
    differ::{Difference, KEYED},
    reason::{Context, Reason},
};

/// All of them.
pub(super) const REASONS: &[Reason] = &[
    Reason {
        name: "blank_description",
        path: "toolConfig.tools.{}.description",
        why: "A description that the caller left empty is left out, as the service demands one character: peers put the \
              tool's name there, or send the empty text and are refused.",
        holds: |difference, context| {
            let given = caller_tool(difference, context).and_then(|tool| tool.get("description"));
            let blank = given
                .and_then(Value::as_str)
                .unwrap_or_default()
                .trim()
                .is_empty();
            let theirs = difference.theirs.as_ref().and_then(Value::as_str);
            let filled = theirs == name(difference) || theirs == Some("");
            blank && difference.ours.is_none() && filled
        },
    },
    Reason {
        name: "schema_kept",
        path: "toolConfig.tools.{}.inputSchema",
        why: "A tool's schema goes out as the caller wrote it, with an object at its root: what a peer drops (titles, \
              additionalProperties, definitions) constrains the call.",
        holds: |difference, context| {
            let given = caller_tool(difference, context).and_then(|tool| tool.get("parameters"));
            let mut expected = given.cloned().unwrap_or(Value::Null);
            complete(&mut expected);
            difference.ours == Some(json!({ "json": expected }))
        },
    },
    Reason {
        name: "answer_tool",
        path: "toolConfig.tools.{+}",
        why: "A model without structured output gets the caller's schema as a tool whose call is the answer; a peer that \
              sends nothing loses the schema. An answer that is any JSON needs an instruction only, and no empty schema.",
        holds: |difference, context| match format(context) {
            Some("json_schema") => difference.ours.is_some() && difference.theirs.is_none(),
            Some("json_object") => difference.ours.is_none() && difference.theirs.is_some(),
            _ => false,
        },
    },
    Reason {
        name: "answer_tool_described",
        path: "toolConfig.tools.{+}.description",
        why: "The tool whose call is the answer is described by the schema's own description, or as what it is.",
        holds: |difference, context| {
            let ours = difference.ours.as_ref().and_then(Value::as_str);
            format(context) == Some("json_schema")
                && ours.is_some_and(|ours| !ours.trim().is_empty())
        },
    },
    Reason {
        name: "answer_schema_kept",
        path: "toolConfig.tools.{+}.inputSchema",
        why: "The schema of an answer goes out as the caller wrote it: a peer drops what constrains it.",
        holds: |difference, context| {
            let given = context
                .source
                .pointer("/response_format/json_schema/schema");
            let mut expected = given.cloned().unwrap_or(Value::Null);
            complete(&mut expected);
            difference.ours == Some(json!({ "json": expected }))
        },
    },
    Reason {
        name: "answer_or_call_demanded",
        path: "toolConfig.toolChoice",
        why: "Where an answer's schema is a tool, the model must call: that tool, or, beside the caller's own tools, any. \
              A peer that leaves the choice to the model gets free text.",
        holds: |difference, context| {
            let own = context.source.get("tools").and_then(Value::as_array);
            let expected = if own.is_some_and(|own| !own.is_empty()) {
                json!({ "any": {} })
            } else {
                json!({ "tool": { "name": "{+}" } })
            };
            match format(context) {
                Some("json_schema") => {
                    difference.ours == Some(expected) && difference.theirs.is_none()
                }
                // No answer's tool is made for any JSON, so that none can be demanded.
                Some("json_object") => {
                    difference.ours.is_none()
                        && difference.theirs == Some(json!({ "tool": { "name": "{+}" } }))
                }
                _ => false,
            }
        },
    },
    Reason {
        name: "one_call_at_a_time",
        path: "additionalModelRequestFields",
        why: "parallel_tool_calls: false is said in the vendor's own words, where the model has them, and so is that an older \
              client, which defines functions, reads one call; peers drop both.",
        holds: |difference, context| {
            let ours = difference.ours.as_ref();
            let said = ours.and_then(|ours| ours.pointer("/tool_choice/disable_parallel_tool_use"));
            let asked = context.source.get("parallel_tool_calls") == Some(&json!(false));
            let older = context.source.get("functions").is_some();
            (asked || older)
                && said == Some(&json!(true))
                && ours
                    .and_then(Value::as_object)
                    .is_some_and(|ours| ours.len() == 1)
        },
    },
    Reason {
        name: "metadata_kept",
        path: "requestMetadata",
        why: "A caller's metadata goes out as request metadata, in the characters that the service takes; peers drop it.",
        holds: |difference, context| {
            let given = context.source.get("metadata").and_then(Value::as_object);
            let ours = difference.ours.as_ref().and_then(Value::as_object);
            difference.theirs.is_none()
                && given
                    .zip(ours)
                    .is_some_and(|(given, ours)| given.len() == ours.len())
        },
    },
    Reason {
        name: "no_empty_stops",
        path: "inferenceConfig.stopSequences",
        why: "A list of no stop sequences is left out.",
        holds: |difference, context| {
            context.source.get("stop") == Some(&json!([]))
                && difference.ours.is_none()
                && difference.theirs == Some(json!([]))
        },
    },
    Reason {
        name: "json_instruction",
        path: "system",
        why: "An answer that is any JSON is asked for in the system prompt, behind the caller's own: peers ask for nothing, \
              or by a tool with an empty schema, which models answer with an empty object.",
        holds: |difference, context| {
            let ours = difference.ours.as_ref().and_then(Value::as_str);
            let theirs = difference.theirs.as_ref().and_then(Value::as_str);
            format(context) == Some("json_object")
                && ours.is_some_and(|ours| {
                    ours.starts_with(theirs.unwrap_or_default()) && ours.contains("JSON")
                })
        },
    },
    Reason {
        name: "result_parts_joined",
        path: "messages.[].content.[].toolResult.content",
        why: "A tool result's parts follow each other as they are: a peer puts line breaks between them.",
        holds: |difference, context| {
            let text = |content: &Option<Value>| {
                let blocks = content.as_ref().and_then(Value::as_array);
                let texts = blocks.into_iter().flatten();
                let texts = texts.filter_map(|block| block.get("text").and_then(Value::as_str));
                texts.collect::<String>()
            };
            let ours = text(&difference.ours);
            let given = results(context.source);
            given.contains(&ours)
                && text(&difference.theirs).replace('\n', "") == ours.replace('\n', "")
        },
    },
    Reason {
        name: "no_tool_is_invented",
        path: "toolConfig.tools.{+}",
        why: "Where the caller defines no tools none is made up: a peer adds one that must not be called.",
        holds: |difference, context| {
            let tools = context.source.get("tools");
            tools.is_none() && difference.ours.is_none() && difference.theirs.is_some()
        },
    },
    Reason {
        name: "no_limit_is_invented",
        path: "inferenceConfig.maxTokens",
        why: "Where the caller sets no limit none is set: a peer has one of its own.",
        holds: |difference, context| {
            let limits = ["max_tokens", "max_completion_tokens", "max_output_tokens"];
            let mut limits = limits.iter().map(|name| context.source.get(name));
            difference.ours.is_none() && limits.all(|limit| limit.is_none())
        },
    },
    Reason {
        name: "functions_are_tools",
        path: "toolConfig.tools.{}",
        why: "Functions in their older form are tools: peers drop them.",
        holds: |difference, context| {
            let defined = context.source.get("functions").and_then(Value::as_array);
            let mut defined = defined.into_iter().flatten();
            let named =
                |function: &Value| function.get("name").and_then(Value::as_str) == name(difference);
            difference.theirs.is_none() && difference.ours.is_some() && defined.any(named)
        },
    },
    Reason {
        name: "default_tier_said",
        path: "serviceTier",
        why: "A service tier of the wire that the service has is said: peers drop it.",
        holds: |difference, context| {
            let tier = context.source.get("service_tier");
            difference.theirs.is_none()
                && tier.is_some_and(|tier| difference.ours == Some(json!({ "type": tier })))
        },
    },
    Reason {
        name: "effort_needs_reasoning",
        path: "additionalModelRequestFields",
        why: "A model that does not reason is not told how much to: a peer sends it a field that it refuses.",
        holds: |difference, context| {
            let theirs = difference.theirs.as_ref();
            context.source.get("reasoning_effort").is_some()
                && difference.ours.is_none()
                && theirs.is_some_and(|theirs| theirs.get("reasoning_config").is_some())
        },
    },
    Reason {
        name: "tiers_of_the_wire",
        path: "serviceTier",
        why: "A service tier that the caller's wire does not have is left out: a peer passes on any word.",
        holds: |difference, context| {
            context.source.get("service_tier") == Some(&json!("reserved"))
                && difference.ours.is_none()
        },
    },
    Reason {
        name: "calls_without_tools",
        path: "messages.[].content",
        why: "Calls and results in the history of a request that defines no tools are told as text, as the service refuses \
              such blocks without tools; a peer sends them.",
        holds: |difference, context| {
            let blocks = |content: &Option<Value>, kinds: &[&str]| {
                let blocks = content.as_ref().and_then(Value::as_array);
                blocks.is_some_and(|blocks| {
                    let mut kind = blocks
                        .iter()
                        .filter_map(Value::as_object)
                        .flat_map(|b| b.keys());
                    kind.all(|kind| kinds.contains(&kind.as_str()))
                })
            };
            context.source.get("tools").is_none()
                && blocks(&difference.ours, &["text"])
                && blocks(&difference.theirs, &["toolUse", "toolResult"])
        },
    },
];

/// What the answer has to be: `json_schema`, `json_object`, or nothing special.
fn format<'a>(context: &Context<'a>) -> Option<&'a str> {
    context.source.pointer("/response_format/type")?.as_str()
}

/// The name of the tool at which the difference is.
fn name(difference: &Difference) -> Option<&str> {
    let key = difference.at.get(2)?;
    key.strip_prefix(KEYED)?.strip_suffix('}')
}

/// The tool at which the difference is, as the caller defined it.
fn caller_tool<'a>(difference: &Difference, context: &Context<'a>) -> Option<&'a Value> {
    let name = name(difference)?;
    let tools = context.source.get("tools")?.as_array()?;
    let mut defined = tools
        .iter()
        .map(|tool| tool.get("function").unwrap_or(tool));
    defined.find(|tool| tool.get("name").and_then(Value::as_str) == Some(name))
}

/// The object at the root that the service demands.
fn complete(schema: &mut Value) {
    if !schema.is_object() {
        *schema = json!({});
    }
    let Some(members) = schema.as_object_mut() else {
        return;
    };
    if !members.contains_key("type") {
        members.insert("type".to_owned(), json!("object"));
    }
    if members.len() == 1 {
        members.insert("properties".to_owned(), json!({}));
    }
}

/// The caller's tool results, each with its parts one behind the other.
fn results(caller: &Value) -> Vec<String> {
    let messages = caller.get("messages").and_then(Value::as_array);
    let tools = messages
        .into_iter()
        .flatten()
        .filter(|message| message.get("role").and_then(Value::as_str) == Some("tool"));
    tools
        .map(|message| match message.get("content") {
            Some(Value::Array(parts)) => parts
                .iter()
                .filter_map(|part| part.get("text").and_then(Value::as_str))
                .collect(),
            Some(Value::String(text)) => text.clone(),
            _ => String::new(),
        })
        .collect()
}
