//! The request's plain fields.

use crossfade_exchange::{LossKind, Unsupported};
use crossfade_openai::{
    chat::ToolChoiceMode,
    responses::{Format, ReasoningConfig, Request, Tool, ToolChoice},
};
use serde_json::Value;

use super::{Context, Reply, refused};
use crate::{compatible::Effort, settings::Surface};

/// The least `max_output_tokens` on this wire.
const TOKEN_FLOOR: u64 = 16;
/// The most tools.
const MOST_TOOLS: usize = 128;
/// Log-probabilities, as `include` names them.
const LOGPROBS: &str = "message.output_text.logprobs";

/// Refuses what the target does not do without tools of its own, or at all.
pub(super) fn refuse(request: &Request) -> Result<(), Unsupported> {
    let absent = [
        ("background", request.background == Some(true)),
        ("context_management", request.context_management.is_some()),
        ("conversation", request.conversation.is_some()),
        ("moderation", request.moderation.is_some()),
        ("prompt", request.prompt.is_some()),
    ];
    if let Some((field, _)) = absent.iter().find(|(_, there)| *there) {
        return Err(refused(*field, "has no counterpart"));
    }
    if request.other.values().any(|value| !value.is_null()) {
        return Err(refused("(unknown)", "not a field that is known here"));
    }
    if request.input.is_none() {
        return Err(refused("input", "missing or of the wrong type"));
    }
    Ok(())
}

/// Functions and custom tools go on as they came. Tools that the provider would run itself are the primary's.
pub(super) fn tools(
    request: &mut Request,
    reply: &mut Reply,
    context: &mut Context<'_>,
) -> Result<(), Unsupported> {
    let tools = request.tools.as_deref().unwrap_or_default();
    if tools.is_empty() {
        match &request.tool_choice {
            None | Some(ToolChoice::Mode(ToolChoiceMode::None | ToolChoiceMode::Auto)) => {}
            Some(_) => {
                return Err(refused(
                    "tool_choice",
                    "demands a tool where there are none",
                ));
            }
        }
        request.tools = None;
        request.tool_choice = None;
        request.parallel_tool_calls = None;
        drop_max_tool_calls(request, context);
        return Ok(());
    }
    if tools.len() > MOST_TOOLS {
        return Err(refused("tools", "at most 128"));
    }
    if !context.capabilities.tools {
        return Err(refused("tools", "not taken by the model"));
    }
    for (at, tool) in tools.iter().enumerate() {
        match tool {
            Tool::Function(_) => {}
            Tool::Custom(tool) => {
                reply.custom.insert(tool.name.clone());
            }
            Tool::Other(_) => {
                let field = format!("tools[{at}].type");
                return Err(refused(field, "a tool that only the primary runs"));
            }
        }
    }
    match &request.tool_choice {
        None | Some(ToolChoice::Mode(_) | ToolChoice::Named(_)) => {}
        Some(ToolChoice::Other(_)) => {
            return Err(refused("tool_choice", "not a choice that is known here"));
        }
    }
    drop_max_tool_calls(request, context);
    Ok(())
}

/// It bounds tools that the provider runs; there are none.
fn drop_max_tool_calls(request: &mut Request, context: &mut Context<'_>) {
    if request.max_tool_calls.take().is_some() {
        context.lose(LossKind::HintDropped, "max_tool_calls");
    }
}

/// How much to reason; whether it will.
pub(super) fn effort(
    request: &mut Request,
    context: &mut Context<'_>,
) -> Result<bool, Unsupported> {
    let field = "reasoning.effort";
    let mut asked = request.reasoning.take().unwrap_or_default();
    if asked.other.values().any(|value| !value.is_null()) || asked.mode.is_some() {
        return Err(refused("reasoning", "not a field that is known here"));
    }
    let taken = context.rules.efforts;
    let word = asked.effort.take();
    let mut told = None;
    if let Some(word) = word {
        let effort = Effort::of(&word);
        let effort = effort.ok_or_else(|| refused(field, "not an effort that is known here"))?;
        told = taken.nearest(effort);
        match told {
            None => context.lose(LossKind::ReasoningDropped, field),
            Some(told) if told != effort => context.lose(LossKind::ReasoningMapped, field),
            Some(_) => {}
        }
    }
    // Only one kind of summary is made.
    let summary = asked.summary().map(|summary| summary == "auto");
    if summary == Some(false) {
        context.lose(LossKind::ReasoningMapped, "reasoning.summary");
    }
    let settled = ReasoningConfig {
        context: asked.context.take(),
        effort: told.map(|effort| effort.as_str().to_owned()),
        summary: summary.map(|_| "auto".to_owned()),
        ..ReasoningConfig::default()
    };
    if settled != ReasoningConfig::default() {
        request.reasoning = Some(settled);
    }
    Ok(told.unwrap_or(context.rules.default_effort) != Effort::None)
}

/// Temperature and its like, log-probabilities, the limit of tokens.
pub(super) fn sampling(
    request: &mut Request,
    reasons: bool,
    context: &mut Context<'_>,
) -> Result<(), Unsupported> {
    let taken = context.rules.sampling_while_reasoning || !reasons;
    for (field, value) in [
        ("temperature", &mut request.temperature),
        ("top_p", &mut request.top_p),
    ] {
        // The wire's default says nothing.
        let says = value.is_some_and(|value| (value - 1.0).abs() > f64::EPSILON);
        if !taken && value.take().is_some() && says {
            context.lose(LossKind::SamplingDropped, field);
        }
    }
    // What is told by way of steps has no place for them.
    let logprobs = taken && context.rules.logprobs && context.keeps_state();
    if request.top_logprobs.is_some_and(|count| count > 0) && !logprobs {
        return Err(refused("top_logprobs", "not given by the model"));
    }
    if !logprobs {
        request.top_logprobs = None;
    }
    for (at, name) in request.include.iter().flatten().enumerate() {
        let known = name == Request::INCLUDE_ENCRYPTED_REASONING || (name == LOGPROBS && logprobs);
        if !known {
            return Err(refused(format!("include[{at}]"), "not given by the model"));
        }
    }
    let limit = request.max_output_tokens;
    let limit = limit.or_else(|| context.settings.default_max_tokens.map(u64::from));
    let floor = u64::from(context.capabilities.token_floor).max(TOKEN_FLOOR);
    request.max_output_tokens = limit.map(|limit| limit.max(floor));
    if request.max_output_tokens != limit {
        context.lose(LossKind::TokenFloor, "max_output_tokens");
    }
    Ok(())
}

/// The form of the answer.
pub(super) fn format(request: &mut Request, context: &mut Context<'_>) -> Result<(), Unsupported> {
    let Some(text) = &mut request.text else {
        return Ok(());
    };
    if text.other.values().any(|value| !value.is_null()) {
        return Err(refused("text", "not a field that is known here"));
    }
    if context.rules.efforts.is_empty() && text.verbosity.take().is_some() {
        context.lose(LossKind::HintDropped, "text.verbosity");
    }
    match &text.format {
        None | Some(Format::Text(_) | Format::JsonSchema(_)) => {}
        Some(Format::JsonObject(_)) => {
            let said = serde_json::to_vec(&(&request.input, &request.instructions));
            let said = said.is_ok_and(|said| {
                said.windows(4)
                    .any(|window| window.eq_ignore_ascii_case(b"json"))
            });
            if !said {
                instruct(
                    request,
                    "Answer with one JSON object and nothing else: no words around it, no code fence.",
                );
                context.lose(LossKind::JsonByInstruction, "text.format");
            }
        }
        Some(Format::Other(_)) => {
            return Err(refused("text.format", "not a format that is known here"));
        }
    }
    Ok(())
}

/// Hints: what changes no answer's meaning, and what the target has no place for.
pub(super) fn hints(request: &mut Request, context: &mut Context<'_>) {
    let tier = match (request.service_tier.as_deref(), context.settings.surface) {
        (None | Some("auto" | "default"), _) => true,
        (Some("flex" | "priority"), Surface::Runtime) => context.capabilities.tiers,
        (Some(_), Surface::Runtime | Surface::Mantle) => false,
    };
    if !tier {
        request.service_tier = None;
        context.lose(LossKind::HintDropped, "service_tier");
    }
    for (field, stated) in [
        (
            "metadata",
            request
                .metadata
                .take()
                .is_some_and(|pairs| !pairs.is_empty()),
        ),
        ("user", request.user.take().is_some()),
        (
            "safety_identifier",
            request.safety_identifier.take().is_some(),
        ),
        (
            "prompt_cache_options",
            request.prompt_cache_options.take().is_some(),
        ),
    ] {
        if stated {
            context.lose(LossKind::HintDropped, field);
        }
    }
    request.background = None;
}

/// Who keeps the answer.
pub(super) fn store(request: &mut Request, context: &mut Context<'_>) {
    if context.keeps_state() {
        return;
    }
    // A chat request was never to be kept, and says so.
    if request.is_stored() {
        context.lose(LossKind::Unstored, "store");
    }
    request.store = Some(false);
}

/// What the route changes for the candidate.
pub(super) fn adapt(request: &mut Request, reasons: bool, context: &mut Context<'_>) {
    let adapt = &context.settings.adapt;
    if let Some(text) = &adapt.system_append {
        instruct(request, text);
        context.lose(LossKind::Adapted, "instructions");
    }
    if let Some(temperature) = adapt.temperature
        && (context.rules.sampling_while_reasoning || !reasons)
    {
        request.temperature = Some(temperature);
        context.lose(LossKind::Adapted, "temperature");
    }
}

/// Text for the model after the caller's own instructions.
fn instruct(request: &mut Request, text: &str) {
    request.instructions = Some(match request.instructions.take() {
        Some(own) if !own.is_empty() => format!("{own}\n\n{text}"),
        Some(_) | None => text.to_owned(),
    });
}

/// Whether a value says anything.
pub(super) fn says(value: &Value) -> bool {
    !value.is_null()
}
