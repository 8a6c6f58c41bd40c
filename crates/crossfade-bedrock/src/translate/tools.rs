//! Tool definitions and the choice among them. Calls and results in the history are `calls`.

use std::collections::HashSet;

use crossfade_exchange::{LossKind, Unsupported};
use crossfade_openai::chat::{
    AllowedTools, FunctionDefinition, NamedToolChoice, Open, Tool, ToolChoice as Choice,
    ToolChoiceMode,
};
use serde_json::{Map, Value, json};

use super::{
    context::{Context, no_others, no_others_but, refused},
    messages::History,
    schema,
};
use crate::{
    capabilities::Choice as Takes,
    converse::{InputSchema, Tool as Spec, ToolChoice, ToolConfig, ToolSpec},
};

pub(super) mod calls;
mod custom;

/// The most tools of one request, by the primary's own documentation: more would be refused there, so the work of
/// translating them is spared.
pub(super) const MOST_TOOLS: usize = 128;
/// The most tools whose schema the target enforces in one request.
const MOST_STRICT: usize = 20;

/// What a request says about tools.
pub(super) struct Asked {
    pub(super) tools: Option<Vec<Tool>>,
    pub(super) choice: Option<Choice>,
    pub(super) parallel: Option<bool>,
    /// The answer has room for one call only.
    pub(super) functions: bool,
    pub(super) has_history: bool,
}

/// What the target is told about tools.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) config: Option<ToolConfig>,
    pub(super) history: History,
    /// Members for the vendor's own body.
    pub(super) additional: Map<String, Value>,
    /// Only the first call of the answer is kept.
    pub(super) one_call: bool,
}

/// The caller's choice, once the tools are known.
enum Wanted {
    None,
    Auto,
    Required,
    Named(String),
}

/// Refuses more tools than the primary takes, before any work is done on them.
pub(super) fn refuse_too_many(
    tools: Option<&Vec<Tool>>,
    choice: Option<&Choice>,
) -> Result<(), Unsupported> {
    if tools.is_some_and(|tools| tools.len() > MOST_TOOLS) {
        return Err(refused("tools", "more than the primary takes"));
    }
    if let Some(Choice::Named(NamedToolChoice::AllowedTools(choice))) = choice
        && choice.allowed_tools.tools.len() > MOST_TOOLS
    {
        return Err(refused(
            "tool_choice.allowed_tools.tools",
            "more than the primary takes",
        ));
    }
    Ok(())
}

/// Translates tools and choice.
pub(super) fn tools(asked: Asked, context: &mut Context<'_>) -> Result<Told, Unsupported> {
    let definitions = asked.tools.filter(|tools| !tools.is_empty());
    let Some(definitions) = definitions else {
        return without_tools(asked.choice.as_ref(), asked.has_history);
    };
    if !context.capabilities.tools {
        return Err(refused("tools", "the candidate takes no tools"));
    }
    let mut specs = specs(definitions, context)?;
    let wanted = wanted(asked.choice, &mut specs, context)?;
    if matches!(wanted, Wanted::None) {
        context.lose(LossKind::ToolChoiceEmulated, "tool_choice");
        return Ok(none(asked.has_history));
    }
    let tool_choice = choice(wanted, &mut specs, context);
    let mut told = none(false);
    if asked.parallel == Some(false) || asked.functions {
        one_at_a_time(&mut told, tool_choice.is_some(), context);
    }
    if told.one_call && asked.parallel == Some(false) {
        context.lose(LossKind::ParallelToolsEmulated, "parallel_tool_calls");
    }
    told.config = Some(ToolConfig {
        tools: specs,
        tool_choice,
    });
    Ok(told)
}

fn none(has_history: bool) -> Told {
    let history = if has_history {
        History::Neutralised
    } else {
        History::Kept
    };
    Told {
        config: None,
        history,
        additional: Map::new(),
        one_call: false,
    }
}

/// A choice without tools says nothing, unless it demands a call.
fn without_tools(choice: Option<&Choice>, has_history: bool) -> Result<Told, Unsupported> {
    match choice {
        None | Some(Choice::Mode(ToolChoiceMode::None | ToolChoiceMode::Auto)) => {
            Ok(none(has_history))
        }
        Some(_) => Err(refused(
            "tool_choice",
            "demands a tool where there are none",
        )),
    }
}

fn specs(definitions: Vec<Tool>, context: &mut Context<'_>) -> Result<Vec<Spec>, Unsupported> {
    let mut specs: Vec<Spec> = Vec::with_capacity(definitions.len());
    let mut names = HashSet::with_capacity(definitions.len());
    let mut strict = 0;
    for (index, tool) in definitions.into_iter().enumerate() {
        let path = format!("tools[{index}]");
        let (path, spec) = match tool {
            Tool::Function(tool) => {
                no_others(&path, &tool.other)?;
                let path = format!("{path}.function");
                let spec = spec(&path, tool.function, context)?;
                (path, spec)
            }
            Tool::Custom(tool) => {
                no_others(&path, &tool.other)?;
                let path = format!("{path}.custom");
                let spec = custom::spec(&path, tool.custom, context)?;
                (path, spec)
            }
            Tool::Other(_) => return Err(refused(path, "not a tool that is known here")),
        };
        if !names.insert(spec.tool_spec.name.clone()) {
            return Err(refused(format!("{path}.name"), "two tools of one name"));
        }
        strict += usize::from(spec.tool_spec.strict == Some(true));
        specs.push(spec);
    }
    if strict > MOST_STRICT {
        for spec in &mut specs {
            spec.tool_spec.strict = None;
        }
        context.lose(LossKind::StrictDropped, "tools");
    }
    Ok(specs)
}

fn spec(
    path: &str,
    function: FunctionDefinition,
    context: &mut Context<'_>,
) -> Result<Spec, Unsupported> {
    // Some clients repeat the tool's kind within the function.
    no_others_but(path, &function.other, &["type"])?;
    let name = name(path, &function.name, context)?;
    let target = schema::Target::of(&context.capabilities);
    let Some((json, changed)) = schema::arguments(function.parameters.as_ref(), target) else {
        return Err(refused(
            format!("{path}.parameters"),
            "not the schema of an object",
        ));
    };
    if changed {
        context.lose(LossKind::SchemaChanged, format!("{path}.parameters"));
    }
    let wants_strict = function.strict == Some(true);
    let limits = schema::Limits::of(&context.capabilities);
    let enforceable =
        || schema::enforceable(&json, limits).is_some_and(|enforced| !enforced.changed);
    let strict = wants_strict && context.capabilities.strict && enforceable();
    if wants_strict && !strict {
        context.lose(LossKind::StrictDropped, format!("{path}.strict"));
    }
    Ok(Spec {
        tool_spec: ToolSpec {
            name,
            description: function.description.filter(|text| !text.trim().is_empty()),
            input_schema: InputSchema { json },
            strict: strict.then_some(true),
        },
    })
}

/// The target's form of a tool's name.
fn name(path: &str, name: &str, context: &mut Context<'_>) -> Result<String, Unsupported> {
    if name.is_empty() {
        return Err(refused(format!("{path}.name"), "empty"));
    }
    let (name, mapped) = context.names.to_target(name);
    if mapped {
        context.lose(LossKind::ToolNameMapped, format!("{path}.name"));
    }
    Ok(name)
}

/// Reads the choice. A choice among some of the tools leaves the others out.
fn wanted(
    choice: Option<Choice>,
    specs: &mut Vec<Spec>,
    context: &mut Context<'_>,
) -> Result<Wanted, Unsupported> {
    match choice {
        None | Some(Choice::Mode(ToolChoiceMode::Auto)) => Ok(Wanted::Auto),
        Some(Choice::Mode(ToolChoiceMode::None)) => Ok(Wanted::None),
        Some(Choice::Mode(ToolChoiceMode::Required)) => Ok(Wanted::Required),
        Some(Choice::Named(NamedToolChoice::Function(choice))) => {
            no_others("tool_choice", &choice.other)?;
            no_others("tool_choice.function", &choice.function.other)?;
            named(
                "tool_choice.function.name",
                &choice.function.name,
                specs,
                context,
            )
        }
        Some(Choice::Named(NamedToolChoice::Custom(choice))) => {
            no_others("tool_choice", &choice.other)?;
            no_others("tool_choice.custom", &choice.custom.other)?;
            named(
                "tool_choice.custom.name",
                &choice.custom.name,
                specs,
                context,
            )
        }
        Some(Choice::Named(NamedToolChoice::AllowedTools(choice))) => {
            no_others("tool_choice", &choice.other)?;
            allowed(&choice.allowed_tools, specs, context)
        }
        Some(Choice::Other(_)) => Err(refused("tool_choice", "not a choice that is known here")),
    }
}

fn named(
    field: &str,
    name: &str,
    specs: &[Spec],
    context: &mut Context<'_>,
) -> Result<Wanted, Unsupported> {
    let (name, _) = context.names.to_target(name);
    if specs.iter().any(|spec| spec.tool_spec.name == name) {
        Ok(Wanted::Named(name))
    } else {
        Err(refused(field, "not one of the tools"))
    }
}

fn allowed(
    allowed: &AllowedTools,
    specs: &mut Vec<Spec>,
    context: &mut Context<'_>,
) -> Result<Wanted, Unsupported> {
    no_others("tool_choice.allowed_tools", &allowed.other)?;
    let mut names = HashSet::with_capacity(allowed.tools.len());
    for tool in &allowed.tools {
        let name = tool
            .pointer("/function/name")
            .or_else(|| tool.pointer("/custom/name"));
        let Some(name) = name.and_then(Value::as_str) else {
            return Err(refused(
                "tool_choice.allowed_tools.tools",
                "not a tool's name",
            ));
        };
        names.insert(context.names.to_target(name).0);
    }
    specs.retain(|spec| names.contains(&spec.tool_spec.name));
    if specs.is_empty() {
        return Err(refused(
            "tool_choice.allowed_tools.tools",
            "none of the tools",
        ));
    }
    context.lose(LossKind::ToolChoiceEmulated, "tool_choice");
    match &allowed.mode {
        Open::Known(ToolChoiceMode::Auto) => Ok(Wanted::Auto),
        Open::Known(ToolChoiceMode::Required) => Ok(Wanted::Required),
        Open::Known(ToolChoiceMode::None) | Open::Other(_) => Err(refused(
            "tool_choice.allowed_tools.mode",
            "not a mode that is known here",
        )),
    }
}

/// The choice in the strongest form the target takes. `auto` goes without saying.
fn choice(wanted: Wanted, specs: &mut Vec<Spec>, context: &mut Context<'_>) -> Option<ToolChoice> {
    match (wanted, context.capabilities.choice) {
        (Wanted::None | Wanted::Auto, _) => None,
        (Wanted::Required, Takes::Any | Takes::All) => Some(ToolChoice::Any {}),
        (Wanted::Named(name), Takes::All) => Some(ToolChoice::Tool { name }),
        (Wanted::Named(name), Takes::Any) => {
            context.lose(LossKind::ToolChoiceEmulated, "tool_choice");
            specs.retain(|spec| spec.tool_spec.name == name);
            Some(ToolChoice::Any {})
        }
        (Wanted::Required | Wanted::Named(_), Takes::None) => {
            context.lose(LossKind::ToolChoiceEmulated, "tool_choice");
            None
        }
    }
}

/// One call at a time: switched off at the target, or the first call is kept. Where a choice is stated already, the vendor's own member must not state its type
/// again.
fn one_at_a_time(told: &mut Told, choice_is_stated: bool, context: &Context<'_>) {
    if context.capabilities.parallel_switch {
        let switch = if choice_is_stated {
            json!({"disable_parallel_tool_use": true})
        } else {
            json!({"type": "auto", "disable_parallel_tool_use": true})
        };
        told.additional.insert("tool_choice".to_owned(), switch);
    } else {
        told.one_call = true;
    }
}
