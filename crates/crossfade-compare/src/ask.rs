//! What a request asks of its answer, as far as the checks need it: usage, JSON, tools. It reads neither the
//! conversation nor any parameter, and takes a request that is not understood for one that asks nothing.

use std::{borrow::Cow, collections::BTreeMap};

use crossfade_exchange::Operation;
use crossfade_openai::embeddings;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::context::Context;

/// What a request asks of its answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ask<'r> {
    /// The texts of the conversation, where the route holds answers against them.
    pub(crate) context: Option<Context>,
    /// Whether the answer is to be a stream.
    pub(crate) streamed: bool,
    /// Whether a stream is to end with the tokens used.
    pub(crate) include_usage: bool,
    /// Whether the answer is to be JSON.
    pub(crate) json: JsonAsk<'r>,
    /// The tools that may be called, in their order.
    pub(crate) tools: Vec<ToolAsk<'r>>,
    /// How many texts are to be embedded.
    pub(crate) inputs: Option<usize>,
    /// How long the vectors are to be.
    pub(crate) dimensions: Option<usize>,
}

/// The JSON that is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum JsonAsk<'r> {
    /// None.
    #[default]
    No,
    /// Any object.
    Object,
    /// What fits this schema, as it was written; `None` if the request names none.
    Schema(Option<&'r str>),
}

/// A tool that may be called.
#[derive(Clone, Debug)]
pub(crate) struct ToolAsk<'r> {
    /// Its name.
    pub(crate) name: Cow<'r, str>,
    /// The schema of its arguments, as it was written.
    pub(crate) parameters: Option<&'r str>,
    /// Whether it takes free text instead of arguments.
    pub(crate) free_text: bool,
}

type Object<'r> = BTreeMap<Key<'r>, &'r RawValue>;

/// A key, borrowed unless it holds escapes. (serde's own `Cow` never borrows in a map.)
#[derive(PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
struct Key<'r>(#[serde(borrow)] Cow<'r, str>);

impl std::borrow::Borrow<str> for Key<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

// === impl Ask ===

impl<'r> Ask<'r> {
    /// Reads a request's body.
    pub(crate) fn read(operation: Operation, body: &'r [u8]) -> Self {
        if operation == Operation::Embeddings {
            return Self::of_embeddings(body);
        }
        let Ok(request) = serde_json::from_slice::<Object<'r>>(body) else {
            return Self::default();
        };
        if operation == Operation::Responses {
            let format = inner(&inner(&request, "text"), "format");
            return Self {
                // A response always ends with its tokens.
                include_usage: true,
                json: JsonAsk::read(&format, &format),
                tools: flat_tools(&request),
                ..Self::default()
            };
        }
        let options = inner(&request, "stream_options");
        let format = inner(&request, "response_format");
        Self {
            include_usage: flag(&options, "include_usage"),
            json: JsonAsk::read(&format, &inner(&format, "json_schema")),
            tools: tools(&request),
            ..Self::default()
        }
    }

    fn of_embeddings(body: &[u8]) -> Self {
        let Ok(request) = embeddings::Request::from_slice(body) else {
            return Self::default();
        };
        Self {
            inputs: request.input.count(),
            dimensions: request.dimensions.and_then(|n| usize::try_from(n).ok()),
            ..Self::default()
        }
    }

    /// The tool of that name, and its place among the tools.
    pub(crate) fn tool(&self, name: &str) -> Option<(usize, &ToolAsk<'r>)> {
        self.tools
            .iter()
            .enumerate()
            .find(|(_, tool)| tool.name == name)
    }
}

impl<'r> JsonAsk<'r> {
    /// The schema stands in the format itself, or in an object of its own.
    fn read(format: &Object<'r>, around_schema: &Object<'r>) -> Self {
        match text(format, "type").as_deref() {
            Some("json_object") => Self::Object,
            Some("json_schema") => Self::Schema(around_schema.get("schema").map(|raw| raw.get())),
            _ => Self::No,
        }
    }
}

impl<'r> ToolAsk<'r> {
    fn of(definition: &Object<'r>, free_text: bool) -> Option<Self> {
        let parameters = definition.get("parameters").map(|raw| raw.get());
        Some(Self {
            name: text(definition, "name")?,
            parameters: parameters.filter(|raw| *raw != "null"),
            free_text,
        })
    }
}

fn tools<'r>(request: &Object<'r>) -> Vec<ToolAsk<'r>> {
    let modern = list(request, "tools").into_iter().filter_map(|tool| {
        let free_text = tool.contains_key("custom");
        let kind = if free_text { "custom" } else { "function" };
        ToolAsk::of(&inner(&tool, kind), free_text)
    });
    let older = list(request, "functions")
        .into_iter()
        .filter_map(|function| ToolAsk::of(&function, false));
    modern.chain(older).collect()
}

/// Tools of the Responses API. The provider's own have no name here.
fn flat_tools<'r>(request: &Object<'r>) -> Vec<ToolAsk<'r>> {
    let tools = list(request, "tools").into_iter();
    tools
        .filter_map(|tool| match text(&tool, "type").as_deref() {
            Some("function") => ToolAsk::of(&tool, false),
            Some("custom") => ToolAsk::of(&tool, true),
            _ => None,
        })
        .collect()
}

fn list<'r>(request: &Object<'r>, name: &str) -> Vec<Object<'r>> {
    request
        .get(name)
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default()
}

fn inner<'r>(object: &Object<'r>, name: &str) -> Object<'r> {
    object
        .get(name)
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default()
}

fn flag(object: &Object<'_>, name: &str) -> bool {
    object.get(name).is_some_and(|raw| raw.get() == "true")
}

fn text<'r>(object: &Object<'r>, name: &str) -> Option<Cow<'r, str>> {
    let raw: &'r RawValue = object.get(name)?;
    serde_json::from_str::<Key<'r>>(raw.get())
        .ok()
        .map(|key| key.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_as_far_as_needed() {
        let check = |body: &str, usage: bool, json: JsonAsk<'_>, tools: &[&str]| {
            let ask = Ask::read(Operation::Chat, body.as_bytes());
            assert_eq!((ask.include_usage, ask.json), (usage, json), "{body}");
            let names: Vec<&str> = ask.tools.iter().map(|tool| tool.name.as_ref()).collect();
            assert_eq!(names, tools, "{body}");
        };
        let nothing = |body: &str| check(body, false, JsonAsk::No, &[]);
        nothing("");
        nothing("[]");
        nothing(r#"{"stream":true}"#);
        nothing(r#"{"stream_options":null,"tools":{},"response_format":7}"#);
        nothing(r#"{"response_format":{"type":"text"}}"#);
        check(
            r#"{"stream_options":{"include_usage":true}}"#,
            true,
            JsonAsk::No,
            &[],
        );
        check(
            r#"{"response_format":{"type":"json_object"}}"#,
            false,
            JsonAsk::Object,
            &[],
        );
        check(
            r#"{"response_format":{"type":"json_schema"}}"#,
            false,
            JsonAsk::Schema(None),
            &[],
        );
        let schema =
            r#"{"response_format":{"type":"json_schema","json_schema":{"schema": {"a": 1} }}}"#;
        check(schema, false, JsonAsk::Schema(Some(r#"{"a": 1}"#)), &[]);
        let tools = r#"{"tools":[{"type":"function","function":{"name":"f\u0041"}},
            {"type":"custom","custom":{"name":"g"}},{}],"functions":[{"name":"h"}]}"#;
        check(tools, false, JsonAsk::No, &["fA", "g", "h"]);
        // The later of two equal keys counts.
        let twice = r#"{"response_format":{"type":"json_object"},"response_format":null}"#;
        nothing(twice);
    }

    #[test]
    fn tools_carry_their_parameters() {
        let body = br#"{"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}},{"type":"custom","custom":{"name":"g"}}]}"#;
        let ask = Ask::read(Operation::Chat, body);
        let (place, f) = ask.tool("f").unwrap();
        assert_eq!(
            (place, f.parameters, f.free_text),
            (0, Some("{\"type\":\"object\"}"), false)
        );
        assert!(ask.tool("g").unwrap().1.free_text);
        assert!(ask.tool("h").is_none());
    }

    #[test]
    fn responses_ask_for_the_same_in_their_own_form() {
        let check = |body: &str, json: JsonAsk<'_>, tools: &[(&str, bool)]| {
            let ask = Ask::read(Operation::Responses, body.as_bytes());
            assert_eq!((ask.include_usage, ask.json), (true, json), "{body}");
            let found: Vec<(&str, bool)> = ask
                .tools
                .iter()
                .map(|tool| (tool.name.as_ref(), tool.free_text))
                .collect();
            assert_eq!(found, tools, "{body}");
        };
        check(r#"{"input":"a"}"#, JsonAsk::No, &[]);
        check(
            r#"{"text":{"format":{"type":"json_object"},"verbosity":"low"}}"#,
            JsonAsk::Object,
            &[],
        );
        check(
            r#"{"text":{"format":{"type":"json_schema","name":"n","schema":{"a":1}}}}"#,
            JsonAsk::Schema(Some(r#"{"a":1}"#)),
            &[],
        );
        check(
            r#"{"response_format":{"type":"json_object"}}"#,
            JsonAsk::No,
            &[],
        );
        check(
            r#"{"tools":[{"type":"function","name":"f","parameters":{}},{"type":"custom","name":"g"},{"type":"web_search"},{"type":"mcp","name":"m"}]}"#,
            JsonAsk::No,
            &[("f", false), ("g", true)],
        );
    }

    #[test]
    fn embeddings_ask_for_so_many_vectors() {
        let check = |body: &str, inputs: Option<usize>, dimensions: Option<usize>| {
            let ask = Ask::read(Operation::Embeddings, body.as_bytes());
            assert_eq!((ask.inputs, ask.dimensions), (inputs, dimensions), "{body}");
        };
        check(r#"{"input":"a"}"#, Some(1), None);
        check(
            r#"{"input":["a","b"],"dimensions":256}"#,
            Some(2),
            Some(256),
        );
        check(r#"{"input":[[1],[2],[3]]}"#, Some(3), None);
        check("rubbish", None, None);
    }
}
