//! What a request asks of its answer, as far as the checks need it: usage, JSON, tools. It reads neither the
//! conversation nor any parameter, and takes a request that is not understood for one that asks nothing.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::value::RawValue;

/// What a request asks of its answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ask<'r> {
    /// Whether a stream is to end with the tokens used.
    pub(crate) include_usage: bool,
    /// Whether the answer is to be JSON.
    pub(crate) json: JsonAsk<'r>,
    /// The tools that may be called, in their order.
    pub(crate) tools: Vec<ToolAsk<'r>>,
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
    pub(crate) fn read(body: &'r [u8]) -> Self {
        let Ok(request) = serde_json::from_slice::<Object<'r>>(body) else {
            return Self::default();
        };
        let options = inner(&request, "stream_options");
        Self {
            include_usage: flag(&options, "include_usage"),
            json: JsonAsk::read(&inner(&request, "response_format")),
            tools: tools(&request),
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
    fn read(format: &Object<'r>) -> Self {
        match text(format, "type").as_deref() {
            Some("json_object") => Self::Object,
            Some("json_schema") => Self::Schema(
                inner(format, "json_schema")
                    .get("schema")
                    .map(|raw| raw.get()),
            ),
            _ => Self::No,
        }
    }
}

fn tools<'r>(request: &Object<'r>) -> Vec<ToolAsk<'r>> {
    let list = |name: &str| -> Vec<Object<'r>> {
        request
            .get(name)
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default()
    };
    let ask = |definition: &Object<'r>, free_text: bool| {
        let parameters = definition.get("parameters").map(|raw| raw.get());
        Some(ToolAsk {
            name: text(definition, "name")?,
            parameters: parameters.filter(|raw| *raw != "null"),
            free_text,
        })
    };
    let modern = list("tools").into_iter().filter_map(|tool| {
        let free_text = tool.contains_key("custom");
        ask(
            &inner(&tool, if free_text { "custom" } else { "function" }),
            free_text,
        )
    });
    let older = list("functions")
        .into_iter()
        .filter_map(|function| ask(&function, false));
    modern.chain(older).collect()
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
            let ask = Ask::read(body.as_bytes());
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
        let ask = Ask::read(body);
        let (place, f) = ask.tool("f").unwrap();
        assert_eq!(
            (place, f.parameters, f.free_text),
            (0, Some("{\"type\":\"object\"}"), false)
        );
        assert!(ask.tool("g").unwrap().1.free_text);
        assert!(ask.tool("h").is_none());
    }
}
