//! A chat request as a Responses request, for targets that speak nothing else.
//!
//! What the target keeps is nothing (`store: false`), so its reasoning is asked for sealed, and sent back with the next turn.

use std::fmt;

use crossfade_exchange::{Loss, LossKind, Unsupported};
use crossfade_openai::{
    chat,
    responses::{
        Input, NamedToolChoice, ReasoningConfig, Request, StreamOptions, TextConfig, Tool,
        ToolChoice,
    },
};
use serde_json::Value;

use super::{
    output,
    refuse::{no_others, refused},
    tools,
};
use crate::settings::{CandidateSettings, Penalties};

/// The least limit of tokens on this wire.
const TOKEN_FLOOR: u64 = 16;

/// A chat request as a Responses request.
#[derive(Clone, PartialEq)]
pub(crate) struct FromChat {
    /// The request. The model is the caller's: whoever sends it puts the target's there.
    pub(crate) request: Request,
    /// What was lost on the way.
    pub(crate) losses: Vec<Loss>,
    /// The caller asked with `functions`, and is answered in that form.
    pub(crate) functions: bool,
    /// The message that each item was made of.
    origins: Vec<usize>,
}

/// Fields by their names on the one wire, and those on the other.
const RENAMED: [(&str, &str); 4] = [
    ("max_output_tokens", "max_completion_tokens"),
    ("reasoning.effort", "reasoning_effort"),
    ("text.format", "response_format"),
    ("text.verbosity", "verbosity"),
];

/// Sizes only: the rest is the caller's text.
impl fmt::Debug for FromChat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromChat")
            .field("items", &self.request.items().len())
            .field("losses", &self.losses)
            .field("functions", &self.functions)
            .finish_non_exhaustive()
    }
}

/// Translates a request. `thoughts` gives the target's own encrypted reasoning before a call, by the call's id.
///
/// # Errors
/// Names the field that has no counterpart.
#[expect(clippy::too_many_lines, reason = "one line for each of the fields")]
pub(crate) fn from_chat(
    asked: chat::Request,
    settings: &CandidateSettings,
    thoughts: output::Thoughts<'_>,
) -> Result<FromChat, Unsupported> {
    let mut losses = Vec::new();
    refuse(&asked, settings, &mut losses)?;
    hints(&asked, &mut losses);
    let limit = limit(asked.token_limit(), settings, &mut losses);
    let functions = asked.functions.is_some();
    let (tools, tool_choice) = if functions {
        losses.push(Loss::new(LossKind::FunctionsEmulated, "functions"));
        legacy(asked.functions, asked.function_call)?
    } else {
        let choice = asked.tool_choice.map(tools::flat_choice).transpose()?;
        (tools::flat(asked.tools.unwrap_or_default())?, choice)
    };
    let has_tools = !tools.is_empty();
    let format = asked.response_format.map(tools::flat_format).transpose()?;
    let text = (format.is_some() || asked.verbosity.is_some()).then(|| TextConfig {
        format,
        verbosity: asked.verbosity,
        ..TextConfig::default()
    });
    let (items, origins) = output::items(
        asked.messages,
        thoughts,
        settings.sealer.as_ref(),
        &mut losses,
    )?;
    let stream_options = asked.stream_options.and_then(|options| {
        options.include_obfuscation.map(|padded| StreamOptions {
            include_obfuscation: Some(padded),
            ..StreamOptions::default()
        })
    });
    let request = Request {
        model: asked.model,
        input: Some(Input::Items(items)),
        include: Some(vec![Request::INCLUDE_ENCRYPTED_REASONING.to_owned()]),
        max_output_tokens: limit,
        metadata: asked.metadata,
        moderation: asked.moderation,
        parallel_tool_calls: asked.parallel_tool_calls.filter(|_| has_tools),
        prompt_cache_key: asked.prompt_cache_key,
        prompt_cache_options: asked.prompt_cache_options,
        prompt_cache_retention: asked.prompt_cache_retention,
        reasoning: asked.reasoning_effort.map(|effort| ReasoningConfig {
            effort: Some(effort),
            ..ReasoningConfig::default()
        }),
        safety_identifier: asked.safety_identifier,
        service_tier: asked.service_tier,
        store: Some(false),
        stream: asked.stream,
        stream_options,
        temperature: asked.temperature,
        text,
        // One that demands a tool is left for the target's rules to refuse.
        tool_choice: tool_choice.filter(|choice| has_tools || !says_nothing(choice)),
        tools: has_tools.then_some(tools),
        top_p: asked.top_p,
        user: asked.user,
        ..Request::default()
    };
    Ok(FromChat {
        request,
        losses,
        functions,
        origins,
    })
}

/// The caller's field for one of the request that was made of it.
fn field(field: &str, origins: &[usize], functions: bool) -> String {
    let renamed = RENAMED.iter().find(|(theirs, _)| field == *theirs);
    if let Some((_, ours)) = renamed {
        return (*ours).to_owned();
    }
    let indexed = |list: &str| {
        let (at, rest) = field
            .strip_prefix(list)?
            .strip_prefix('[')?
            .split_once(']')?;
        Some((at.parse::<usize>().ok()?, rest))
    };
    if let Some((at, _)) = indexed("input") {
        return origins
            .get(at)
            .map_or_else(|| "messages".to_owned(), |at| format!("messages[{at}]"));
    }
    match indexed("tools") {
        Some((at, rest)) if functions => format!("functions[{at}]{rest}"),
        Some((at, "")) => format!("tools[{at}]"),
        Some((at, rest)) => format!("tools[{at}].function{rest}"),
        None if field == "input" => "messages".to_owned(),
        None => field.to_owned(),
    }
}

/// Fields without a counterpart, unless they say what goes without saying.
fn refuse(
    asked: &chat::Request,
    settings: &CandidateSettings,
    losses: &mut Vec<Loss>,
) -> Result<(), Unsupported> {
    let nonzero = |value: Option<f64>| value.is_some_and(|value| value != 0.0);
    let biases = asked.logit_bias.as_ref();
    let penalties = [
        ("frequency_penalty", nonzero(asked.frequency_penalty)),
        ("presence_penalty", nonzero(asked.presence_penalty)),
        (
            "logit_bias",
            biases.is_some_and(|biases| !biases.is_empty()),
        ),
    ];
    for (field, _) in penalties.into_iter().filter(|(_, given)| *given) {
        match settings.penalties {
            Penalties::Refuse => return Err(refused(field, "has no counterpart")),
            Penalties::Drop => losses.push(Loss::new(LossKind::SamplingDropped, field)),
        }
    }
    let modalities = asked.modalities.iter().flatten();
    let refusals = [
        ("n", asked.n.is_some_and(|n| n != 1)),
        ("logprobs", asked.logprobs == Some(true)),
        ("top_logprobs", asked.top_logprobs.is_some_and(|n| n > 0)),
        ("audio", asked.audio.is_some()),
        (
            "modalities",
            modalities.into_iter().any(|modality| modality != "text"),
        ),
        ("web_search_options", asked.web_search_options.is_some()),
        ("data_sources", asked.data_sources.is_some()),
        (
            "user_security_context",
            asked.user_security_context.is_some(),
        ),
        (
            "stream_options",
            asked.stream_options.is_some() && !asked.is_stream(),
        ),
        (
            "functions",
            asked.functions.is_some() && asked.tools.is_some(),
        ),
    ];
    if let Some((field, _)) = refusals.into_iter().find(|(_, refused)| *refused) {
        return Err(refused(field, "has no counterpart"));
    }
    if let Some(options) = &asked.stream_options {
        no_others("stream_options", &options.other)?;
    }
    no_others("", &asked.other)
}

fn hints(asked: &chat::Request, losses: &mut Vec<Loss>) {
    let stops = asked.stop.as_ref().map_or(0, |stop| stop.sequences().len());
    let given = [
        (
            LossKind::HintDropped,
            "prediction",
            asked.prediction.is_some(),
        ),
        (LossKind::HintDropped, "store", asked.store == Some(true)),
        (LossKind::SeedDropped, "seed", asked.seed.is_some()),
        (LossKind::StopDropped, "stop", stops > 0),
    ];
    let given = given.into_iter().filter(|(_, _, given)| *given);
    losses.extend(given.map(|(kind, field, _)| Loss::new(kind, field)));
}

fn limit(asked: Option<u64>, settings: &CandidateSettings, losses: &mut Vec<Loss>) -> Option<u64> {
    let stated = asked.or(settings.default_max_tokens.map(u64::from))?;
    let floor = u64::from(settings.resolved_capabilities().token_floor).max(TOKEN_FLOOR);
    if stated < floor {
        losses.push(Loss::new(LossKind::TokenFloor, "max_completion_tokens"));
    }
    Some(stated.max(floor))
}

type Tools = (Vec<Tool>, Option<ToolChoice>);

/// The older form of tools.
fn legacy(
    functions: Option<Vec<chat::FunctionDefinition>>,
    choice: Option<chat::FunctionChoice>,
) -> Result<Tools, Unsupported> {
    let functions = functions.into_iter().flatten().enumerate();
    let tools = functions
        .map(|(at, function)| tools::flat_function(function, &format!("functions[{at}]")))
        .collect::<Result<_, _>>()?;
    let choice = match choice {
        None => None,
        Some(chat::FunctionChoice::Mode(mode)) => Some(ToolChoice::Mode(mode)),
        Some(chat::FunctionChoice::Named(name)) => {
            let named = tools::named_tool(name.name);
            Some(ToolChoice::Named(NamedToolChoice::Function(named)))
        }
        Some(chat::FunctionChoice::Other(_)) => {
            return Err(refused("function_call", "not a choice that is known here"));
        }
    };
    Ok((tools, choice))
}

/// Whether a choice is the one without tools, too.
fn says_nothing(choice: &ToolChoice) -> bool {
    matches!(
        choice,
        ToolChoice::Mode(chat::ToolChoiceMode::None | chat::ToolChoiceMode::Auto)
    )
}

// === impl FromChat ===

impl FromChat {
    /// The caller's field for one of the request's own.
    pub(crate) fn namer(&self) -> impl Fn(&str) -> String + 'static {
        let (origins, functions) = (self.origins.clone(), self.functions);
        move |name| field(name, &origins, functions)
    }
}

/// Encrypted reasoning as the store of thoughts keeps it.
pub(crate) fn kept_reasoning(encrypted: &str) -> Value {
    serde_json::json!({ output::ENCRYPTED: encrypted })
}

#[cfg(test)]
mod tests;
