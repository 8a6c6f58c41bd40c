//! Tool calls and their results in a conversation's history: ids and names that fit, arguments that are objects,
//! results in the order of the calls.

use std::collections::{HashMap, HashSet};

use crossfade_exchange::{LossKind, Unsupported};
use crossfade_openai::chat::{Open, ToolCall, ToolKind};
use serde_json::{Value, json};

use super::super::{
    context::{Context, no_others, no_others_but, refused},
    names::tool_use_id,
};
use crate::{
    answer::Reply,
    converse::{Block, CachePoint, Image, ToolResult, ToolResultContent, ToolUse},
};

/// What stands where a tool said nothing.
const SAID_NOTHING: &str = "(empty)";
/// The most calls that one call's arguments are split into. Each repeats the result, so without a bound a request could
/// be made to grow without measure.
const MOST_SPLIT: usize = 16;

/// One call of the history. Arguments that held several objects make several calls of it.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Call {
    /// The caller's id.
    id: String,
    /// The caller's name of the tool.
    name: String,
    /// The arguments as they came.
    arguments: String,
    /// What the target sees.
    uses: Vec<ToolUse>,
}

/// What a call says of its tool and its input.
struct Told {
    name: String,
    /// The member that holds the name.
    member: &'static str,
    arguments: String,
    inputs: Vec<Value>,
}

/// Reads the calls of one assistant message.
pub(in super::super) fn read(
    path: &str,
    calls: Vec<ToolCall>,
    context: &mut Context<'_>,
) -> Result<Vec<Call>, Unsupported> {
    let mut read: Vec<Call> = Vec::with_capacity(calls.len());
    let mut seen = HashSet::with_capacity(calls.len());
    let mut taken = HashSet::with_capacity(calls.len());
    for (index, call) in calls.into_iter().enumerate() {
        let path = format!("{path}.tool_calls[{index}]");
        no_others_but(&path, &call.other, &["index"])?;
        if call.id.is_empty() || call.name().is_none_or(str::is_empty) {
            return Err(refused(path, "without an id or a name"));
        }
        if !seen.insert(call.id.clone()) {
            context.lose(LossKind::ToolDuplicateDropped, path);
            continue;
        }
        let id = call.id.clone();
        let told = told(&path, call, context)?;
        let (target, changed) = context.tool_use_id(&id);
        if changed {
            context.lose(LossKind::ToolIdMapped, format!("{path}.id"));
        }
        let (name, changed) = context.names.to_target(&told.name);
        if changed {
            let field = format!("{path}.{}.name", told.member);
            context.lose(LossKind::ToolNameMapped, field);
        }
        let uses = told.inputs.into_iter().enumerate().map(|(nth, input)| {
            let tool_use_id = if nth == 0 {
                target.clone()
            } else {
                nth_id(&target, nth)
            };
            ToolUse {
                tool_use_id,
                name: name.clone(),
                input,
                kind: None,
            }
        });
        let uses: Vec<ToolUse> = uses.collect();
        // Only an id that was made to look like the form of another's, or like a part of a call that was split.
        if !uses
            .iter()
            .all(|each| taken.insert(each.tool_use_id.clone()))
        {
            return Err(refused(
                format!("{path}.id"),
                "not told apart from another one's in the candidate's form",
            ));
        }
        read.push(Call {
            id,
            name: told.name,
            arguments: told.arguments,
            uses,
        });
    }
    Ok(read)
}

/// A function's arguments as objects; a custom tool's text as the one parameter it was offered with.
fn told(path: &str, call: ToolCall, context: &mut Context<'_>) -> Result<Told, Unsupported> {
    match (call.kind, call.function, call.custom) {
        (Open::Known(ToolKind::Function), Some(function), None) => {
            no_others(&format!("{path}.function"), &function.other)?;
            let field = format!("{path}.function.arguments");
            let inputs = inputs(&function.arguments, &field, context);
            Ok(Told {
                name: function.name,
                member: "function",
                arguments: function.arguments,
                inputs,
            })
        }
        (Open::Known(ToolKind::Custom), None, Some(custom)) => {
            no_others(&format!("{path}.custom"), &custom.other)?;
            context.lose(LossKind::CustomToolEmulated, format!("{path}.custom"));
            let mut input = serde_json::Map::new();
            let text = Value::String(custom.input.clone());
            input.insert(Reply::CUSTOM_INPUT.to_owned(), text);
            Ok(Told {
                name: custom.name,
                member: "custom",
                arguments: custom.input,
                inputs: vec![Value::Object(input)],
            })
        }
        (Open::Known(_), _, _) => Err(refused(
            format!("{path}.type"),
            "not the kind of call that it holds",
        )),
        (Open::Other(_), _, _) => Err(refused(
            format!("{path}.type"),
            "not a kind of tool that is known here",
        )),
    }
}

/// The id of a further call that one call was split into.
fn nth_id(id: &str, nth: usize) -> String {
    let (fitted, _) = tool_use_id(&format!("{id}_{nth}"));
    fitted
}

/// Arguments as the objects the target takes.
fn inputs(arguments: &str, path: &str, context: &mut Context<'_>) -> Vec<Value> {
    if arguments.trim().is_empty() {
        return vec![json!({})];
    }
    let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(arguments)
        .into_iter()
        .take(MOST_SPLIT + 1)
        .collect();
    match values {
        Ok(objects)
            if (1..=MOST_SPLIT).contains(&objects.len())
                && objects.iter().all(Value::is_object) =>
        {
            if objects.len() > 1 {
                context.lose(LossKind::ToolArgumentsSplit, path);
            }
            objects
        }
        Ok(_) | Err(_) => {
            context.lose(LossKind::ToolArgumentsWrapped, path);
            vec![json!({ "_raw": arguments })]
        }
    }
}

// === impl Call ===

impl Call {
    /// The caller's id.
    pub(in super::super) fn id(&self) -> &str {
        &self.id
    }

    /// The call as the target's blocks.
    pub(in super::super) fn blocks(&self) -> impl Iterator<Item = Block> {
        self.uses.iter().cloned().map(Block::ToolUse)
    }

    /// The call as text, for a request that brings no tools.
    pub(in super::super) fn as_text(&self) -> String {
        format!(
            "[Called tool {} ({}) with {}]",
            self.name, self.id, self.arguments
        )
    }
}

/// What one result says.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Said {
    text: String,
    images: Vec<Image>,
    /// What no result can hold.
    beside: Vec<Block>,
    mark: Option<CachePoint>,
}

// === impl Said ===

impl Said {
    /// Of a result's parts. Texts are joined.
    pub(in super::super) fn of(blocks: Vec<Block>) -> Self {
        let mut said = Self::default();
        for block in blocks {
            match block {
                Block::Text(text) => said.text.push_str(&text),
                Block::Image(image) => said.images.push(image),
                Block::CachePoint(point) => said.mark = Some(point),
                other => said.beside.push(other),
            }
        }
        said
    }

    fn is_empty(&self) -> bool {
        self.text.is_empty() && self.images.is_empty() && self.beside.is_empty()
    }

    /// The pictures move beside the results.
    fn set_images_aside(&mut self) {
        let images = std::mem::take(&mut self.images);
        self.beside.extend(images.into_iter().map(Block::Image));
    }

    fn content(&self, as_json: bool) -> Vec<ToolResultContent> {
        let text = match (self.text.as_str(), self.images.is_empty()) {
            ("", true) => Some(SAID_NOTHING),
            ("", false) => None,
            (text, _) => Some(text),
        };
        let text = text.map(|text| {
            if as_json {
                ToolResultContent::Json(as_object(text))
            } else {
                ToolResultContent::Text(text.to_owned())
            }
        });
        let images = self.images.iter().cloned().map(ToolResultContent::Image);
        text.into_iter().chain(images).collect()
    }
}

/// The calls of one assistant turn and what came back so far.
#[derive(Debug)]
pub(in super::super) struct Results {
    path: String,
    calls: Vec<Call>,
    /// By the caller's id; `None` while the result is awaited.
    said: HashMap<String, Option<Said>>,
}

// === impl Results ===

impl Results {
    /// No result yet.
    pub(in super::super) fn new(path: &str, calls: Vec<Call>) -> Self {
        let said = calls.iter().map(|call| (call.id.clone(), None)).collect();
        Self {
            path: path.to_owned(),
            calls,
            said,
        }
    }

    /// The message that holds the calls.
    pub(in super::super) fn path(&self) -> &str {
        &self.path
    }

    /// Takes one result. The first one of a call counts.
    pub(in super::super) fn add(
        &mut self,
        path: &str,
        id: &str,
        given: Said,
        context: &mut Context<'_>,
    ) -> Result<(), Unsupported> {
        let Some(said) = self.said.get_mut(id) else {
            return Err(refused(
                format!("{path}.tool_call_id"),
                "a tool's result without its call",
            ));
        };
        if said.is_some() {
            context.lose(LossKind::ToolDuplicateDropped, path);
            return Ok(());
        }
        if given.is_empty() {
            context.lose(LossKind::PlaceholderInserted, format!("{path}.content"));
        }
        *said = Some(given);
        Ok(())
    }

    /// The results in the order of the calls, each call answered, as the target's blocks; and what goes beside them.
    pub(in super::super) fn into_blocks(
        mut self,
        context: &Context<'_>,
    ) -> Result<(Vec<Block>, Vec<Block>), Unsupported> {
        let mut blocks = Vec::with_capacity(self.calls.len());
        let mut beside = Vec::new();
        for call in std::mem::take(&mut self.calls) {
            let mut said = self.result_of(&call)?;
            if !context.capabilities.result_images {
                said.set_images_aside();
            }
            let told = said.content(context.capabilities.result_json);
            for tool_use in call.uses {
                blocks.push(Block::ToolResult(ToolResult {
                    tool_use_id: tool_use.tool_use_id,
                    content: told.clone(),
                }));
            }
            blocks.extend(said.mark.map(Block::CachePoint));
            beside.extend(said.beside);
        }
        Ok((blocks, beside))
    }

    /// The results in the order of the calls as text; and what goes beside them.
    pub(in super::super) fn into_texts(mut self) -> Result<(Vec<Block>, Vec<Block>), Unsupported> {
        let mut texts = Vec::with_capacity(self.calls.len());
        let mut beside = Vec::new();
        for call in std::mem::take(&mut self.calls) {
            let mut said = self.result_of(&call)?;
            said.set_images_aside();
            let text = if said.text.is_empty() {
                SAID_NOTHING
            } else {
                &said.text
            };
            let text = format!("[Tool {} ({}) said: {text}]", call.name, call.id);
            texts.push(Block::Text(text));
            texts.extend(said.mark.map(Block::CachePoint));
            beside.extend(said.beside);
        }
        Ok((texts, beside))
    }

    fn result_of(&mut self, call: &Call) -> Result<Said, Unsupported> {
        self.said.remove(&call.id).flatten().ok_or_else(|| {
            refused(
                format!("{}.tool_calls", self.path),
                "a tool call without its result",
            )
        })
    }
}

fn as_object(text: &str) -> Value {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(members)) => Value::Object(members),
        Ok(other) => json!({ "result": other }),
        Err(_) => json!({ "result": text }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::CandidateSettings;

    #[test]
    fn arguments_become_objects_edge_18() {
        let settings = CandidateSettings::new("m");
        let check = |arguments: &str, expected: Vec<Value>, loss: Option<LossKind>| {
            let mut context = Context::new(&settings, settings.resolved_capabilities());
            assert_eq!(
                inputs(arguments, "a", &mut context),
                expected,
                "{arguments}"
            );
            let losses = context.into_losses();
            assert_eq!(losses.first().map(|l| l.kind), loss, "{arguments}");
        };
        check("", vec![json!({})], None);
        check(" \n", vec![json!({})], None);
        check(r#"{"a":1}"#, vec![json!({"a": 1})], None);
        let split = Some(LossKind::ToolArgumentsSplit);
        check(
            r#"{"a":1}{"b":2}"#,
            vec![json!({"a": 1}), json!({"b": 2})],
            split,
        );
        let wrapped = Some(LossKind::ToolArgumentsWrapped);
        check(r#"{"a":1"#, vec![json!({"_raw": "{\"a\":1"})], wrapped);
        check("3", vec![json!({"_raw": "3"})], wrapped);
        check(r#""text""#, vec![json!({"_raw": "\"text\""})], wrapped);
        check("[{}]", vec![json!({"_raw": "[{}]"})], wrapped);
        let most = "{}".repeat(MOST_SPLIT);
        check(&most, vec![json!({}); MOST_SPLIT], split);
        let more = "{}".repeat(MOST_SPLIT + 1);
        check(&more, vec![json!({ "_raw": more })], wrapped);
    }

    #[test]
    fn results_as_json_are_objects_edge_26() {
        for (text, expected) in [
            (r#"{"a":1}"#, json!({"a": 1})),
            ("[1]", json!({"result": [1]})),
            ("sunny", json!({"result": "sunny"})),
        ] {
            assert_eq!(as_object(text), expected);
        }
    }
}
