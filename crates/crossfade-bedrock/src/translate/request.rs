//! A whole request: every field of the caller's is passed on, named as a loss, or refused.

use std::collections::BTreeMap;

use crossfade_exchange::{LossKind, Unsupported};
use crossfade_openai::chat::{Fields, Request};

use super::{
    Translation,
    context::{Context, no_others, refused},
    format, messages,
    messages::History,
    sampling, tools,
};
use crate::{
    answer::{Delivery, Reply},
    converse::{self, OutputConfig, System, ToolChoice, ToolConfig},
    settings::CandidateSettings,
};

/// The most pairs, and the longest key or value, of the target's metadata.
const MOST_PAIRS: usize = 16;
const LONGEST_METADATA: usize = 256;

/// The most stop sequences, by the primary's own documentation.
const MOST_STOPS: usize = 4;

/// Translates a request.
pub(super) fn request(
    asked: Request,
    settings: &CandidateSettings,
) -> Result<Translation, Unsupported> {
    refuse(&asked)?;
    let mut context = Context::new(settings);
    let context = &mut context;
    drop_hints(&asked, context);
    let delivery = delivery(&asked, context)?;
    let request_metadata = metadata(asked.metadata.as_ref(), context)?;
    let tool_history = messages::has_tool_history(&asked.messages);
    let mut told = tools::tools(
        tools::Asked {
            tools: asked.tools,
            choice: asked.tool_choice,
            parallel: asked.parallel_tool_calls,
            has_history: tool_history,
        },
        context,
    )?;
    let mut conversation = messages::conversation(asked.messages, told.history, context)?;
    adapt(&mut conversation.system, context);
    let format = format::format(
        asked.response_format,
        &mut told.config,
        &mut conversation.system,
        context,
    )?;
    let mut inference_config = sampling::sampling(
        &sampling::Asked {
            temperature: asked.temperature,
            top_p: asked.top_p,
            max_completion_tokens: asked.max_completion_tokens,
            max_tokens: asked.max_tokens,
            stop: asked.stop,
        },
        context,
    )?;
    let situation = sampling::Situation {
        forced_tool: is_forced(told.config.as_ref()),
        tool_history: tool_history && told.history == History::Kept,
    };
    let effort = asked.reasoning_effort.as_deref();
    let effort = sampling::effort(effort, situation, &mut inference_config, context)?;
    let mut additional = told.additional;
    // A tool that was added later states the choice; the vendor's own member must not state it again.
    if told
        .config
        .as_ref()
        .is_some_and(|config| config.tool_choice.is_some())
        && let Some(switch) = additional
            .get_mut("tool_choice")
            .and_then(|value| value.as_object_mut())
    {
        switch.remove("type");
    }
    additional.extend(effort.additional);
    let request = converse::Request {
        system: conversation.system,
        messages: conversation.turns,
        tool_config: told.config,
        inference_config,
        output_config: OutputConfig {
            text_format: format.format,
            effort: effort.output,
        },
        additional_model_request_fields: additional,
        request_metadata,
        ..converse::Request::default()
    };
    let (losses, names) = std::mem::replace(context, Context::new(settings)).into_parts();
    let reply = Reply {
        delivery,
        names,
        json_tool: format.json_tool,
        unfence: format.unfence,
        one_call: told.one_call,
        ..Reply::default()
    };
    Ok(Translation {
        request,
        losses,
        reply,
    })
}

fn is_forced(config: Option<&ToolConfig>) -> bool {
    config
        .and_then(|config| config.tool_choice.as_ref())
        .is_some_and(|choice| match choice {
            ToolChoice::Auto {} => false,
            ToolChoice::Any {} | ToolChoice::Tool { .. } => true,
        })
}

/// Fields without a counterpart, unless they say what goes without saying.
fn refuse(asked: &Request) -> Result<(), Unsupported> {
    let nonzero = |value: Option<f64>| value.is_some_and(|value| value != 0.0);
    let biased = asked
        .logit_bias
        .as_ref()
        .is_some_and(|biases| !biases.is_empty());
    let stops = asked.stop.as_ref().map_or(0, |stop| stop.sequences().len());
    let not_text = |modalities: &Vec<String>| modalities.iter().any(|modality| modality != "text");
    let refusals = [
        ("n", asked.n.is_some_and(|n| n != 1)),
        ("logprobs", asked.logprobs == Some(true)),
        ("top_logprobs", asked.top_logprobs.is_some_and(|n| n > 0)),
        ("frequency_penalty", nonzero(asked.frequency_penalty)),
        ("presence_penalty", nonzero(asked.presence_penalty)),
        ("logit_bias", biased),
        ("audio", asked.audio.is_some()),
        (
            "modalities",
            asked.modalities.as_ref().is_some_and(not_text),
        ),
        ("moderation", asked.moderation.is_some()),
        ("stop", stops > MOST_STOPS),
        ("web_search_options", asked.web_search_options.is_some()),
        ("data_sources", asked.data_sources.is_some()),
        (
            "user_security_context",
            asked.user_security_context.is_some(),
        ),
        ("functions", asked.functions.is_some()),
        ("function_call", asked.function_call.is_some()),
    ];
    if let Some((field, _)) = refusals.into_iter().find(|(_, refused)| *refused) {
        return Err(refused(field, "has no counterpart"));
    }
    tools::refuse_too_many(asked.tools.as_ref(), asked.tool_choice.as_ref())?;
    no_others("", &asked.other)
}

fn drop_hints(asked: &Request, context: &mut Context<'_>) {
    context.drop_hint("user", asked.user.as_ref());
    context.drop_hint("safety_identifier", asked.safety_identifier.as_ref());
    context.drop_hint("verbosity", asked.verbosity.as_ref());
    context.drop_hint("prediction", asked.prediction.as_ref());
    context.drop_hint("prompt_cache_key", asked.prompt_cache_key.as_ref());
    context.drop_hint(
        "prompt_cache_retention",
        asked.prompt_cache_retention.as_ref(),
    );
    context.drop_hint("prompt_cache_options", asked.prompt_cache_options.as_ref());
    let tier = asked
        .service_tier
        .as_ref()
        .filter(|tier| !matches!(tier.as_str(), "auto" | "default"));
    context.drop_hint("service_tier", tier);
    context.drop_hint("store", asked.store.as_ref().filter(|store| **store));
    if asked.seed.is_some() {
        context.lose(LossKind::SeedDropped, "seed");
    }
}

fn delivery(asked: &Request, context: &mut Context<'_>) -> Result<Delivery, Unsupported> {
    if let Some(options) = &asked.stream_options {
        if !asked.is_stream() {
            return Err(refused("stream_options", "without a stream"));
        }
        no_others("stream_options", &options.other)?;
        let wanted = options
            .include_obfuscation
            .as_ref()
            .filter(|wanted| **wanted);
        context.drop_hint("stream_options.include_obfuscation", wanted);
    }
    let include_usage = asked.includes_usage();
    Ok(if asked.is_stream() {
        Delivery::Stream { include_usage }
    } else {
        Delivery::Whole
    })
}

fn adapt(system: &mut Vec<System>, context: &mut Context<'_>) {
    let append = context.settings.adapt.system_append.as_ref();
    if let Some(text) = append.filter(|text| !text.trim().is_empty()) {
        system.push(System::Text(text.clone()));
        context.lose(LossKind::Adapted, "messages");
    }
}

/// The caller's notes, in the target's characters and lengths.
fn metadata(
    asked: Option<&Fields>,
    context: &mut Context<'_>,
) -> Result<BTreeMap<String, String>, Unsupported> {
    let mut pairs = BTreeMap::new();
    let mut changed = false;
    for (key, value) in asked.into_iter().flatten() {
        let Some(value) = value.as_str() else {
            return Err(refused("metadata", "a value that is not text"));
        };
        let (key_fitted, value_fitted) = (noted(key), noted(value));
        changed |= key_fitted != *key || value_fitted != value;
        if key_fitted.is_empty() || pairs.len() >= MOST_PAIRS {
            changed = true;
            continue;
        }
        changed |= pairs.insert(key_fitted, value_fitted).is_some();
    }
    if changed {
        context.lose(LossKind::MetadataChanged, "metadata");
    }
    Ok(pairs)
}

fn noted(text: &str) -> String {
    let fits =
        |c: char| c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || ":_@$#=/+,-.".contains(c);
    text.chars()
        .map(|c| if fits(c) { c } else { '_' })
        .take(LONGEST_METADATA)
        .collect()
}
