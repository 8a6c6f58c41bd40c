//! A whole request: every field of the caller's is passed on, named as a loss, or refused.

use std::collections::BTreeMap;

use crossfade_exchange::{Loss, LossKind, Unsupported};
use crossfade_openai::chat::{Fields, Request};

use super::{
    Purpose, Translation,
    context::{Context, no_others, refused},
    effort, format, legacy, messages, sampling, thoughts, tools,
};
use crate::{
    answer::{Delivery, Reply},
    capabilities::Capabilities,
    converse::{
        self, GuardrailConfig, InferenceConfig, OutputConfig, ServiceTier, Speaker, System,
        ToolChoice, ToolConfig,
    },
    settings::{CandidateSettings, Penalties},
};

/// The most pairs, and the longest key or value, of the target's metadata.
const MOST_PAIRS: usize = 16;
const LONGEST_METADATA: usize = 256;

/// The most stop sequences, by the primary's own documentation.
const MOST_STOPS: usize = 4;

/// Translates a request for a model with these capabilities.
pub(super) fn request(
    mut asked: Request,
    settings: &CandidateSettings,
    capabilities: Capabilities,
    purpose: Purpose<'_>,
) -> Result<Translation, Unsupported> {
    let mut context = Context::new(settings, capabilities);
    let context = &mut context;
    refuse(&asked, context)?;
    let functions = legacy::modernise(&mut asked, context)?;
    let translated = translated(asked, functions, purpose, context);
    let losses = std::mem::replace(context, Context::new(settings, capabilities)).into_losses();
    if !functions {
        return translated.map(|translation| Translation {
            losses,
            ..translation
        });
    }
    let older = |loss: Loss| Loss::new(loss.kind, legacy::older_field(&loss.field));
    match translated {
        Ok(translation) => Ok(Translation {
            losses: losses.into_iter().map(older).collect(),
            ..translation
        }),
        Err(refused) => Err(Unsupported {
            field: legacy::older_field(&refused.field),
            ..refused
        }),
    }
}

/// All but the losses.
fn translated(
    mut asked: Request,
    functions: bool,
    purpose: Purpose<'_>,
    context: &mut Context<'_>,
) -> Result<Translation, Unsupported> {
    drop_hints(&asked, context);
    let delivery = delivery(&asked, context)?;
    let service_tier = tier(asked.service_tier.as_deref(), context);
    let request_metadata = metadata(asked.metadata.as_ref(), context)?;
    let mut talk = talk(&mut asked, functions, context)?;
    let mut inference_config = sampling::sampling(&asked, context)?;
    let effort = asked.reasoning_effort.as_deref();
    let effort = effort_of(effort, &mut talk, &mut inference_config, purpose, context)?;
    let Talk {
        conversation,
        tools,
        format,
    } = talk;
    let stream = asks_for_stream(delivery, tools.config.is_some(), context);
    let mut additional = tools.additional;
    state_choice_once(tools.config.as_ref(), &mut additional);
    additional.extend(effort.additional);
    let calls_as_text = calls_as_text(tools.config.as_ref(), context);
    let request = converse::Request {
        system: conversation.system,
        messages: conversation.turns,
        tool_config: tools.config,
        inference_config,
        output_config: OutputConfig {
            text_format: format.format,
            effort: effort.output,
        },
        additional_model_request_fields: additional,
        additional_model_response_field_paths: effort.response_paths,
        request_metadata,
        guardrail_config: guardrail(stream, context),
        service_tier,
    };
    let reply = Reply {
        delivery,
        names: std::mem::take(&mut context.names),
        json_tool: format.json_tool,
        json_unwrap: format.json_unwrap,
        unfence: format.unfence,
        one_call: tools.one_call,
        functions,
        custom: std::mem::take(&mut context.custom),
        calls_as_text,
    };
    Ok(Translation {
        request,
        losses: Vec::new(),
        reply,
        stream,
    })
}

/// What is said, with which tools, and in which form it is to be answered: each may change the others.
struct Talk {
    conversation: messages::Conversation,
    tools: tools::Told,
    format: format::Told,
}

fn talk(
    asked: &mut Request,
    functions: bool,
    context: &mut Context<'_>,
) -> Result<Talk, Unsupported> {
    let mut tools = tools::tools(
        tools::Asked {
            tools: asked.tools.take(),
            choice: asked.tool_choice.take(),
            parallel: asked.parallel_tool_calls,
            functions,
            has_history: messages::has_tool_history(&asked.messages),
        },
        context,
    )?;
    let said = std::mem::take(&mut asked.messages);
    let mut conversation = messages::conversation(said, tools.history, context)?;
    adapt(&mut conversation.system, context);
    let format = format::format(
        asked.response_format.take(),
        &mut tools.config,
        &mut conversation.system,
        context,
    )?;
    messages::without_system(&mut conversation, context);
    Ok(Talk {
        conversation,
        tools,
        format,
    })
}

/// The effort; where the target signs its thoughts, those of earlier turns go back with it.
fn effort_of(
    asked: Option<&str>,
    talk: &mut Talk,
    inference_config: &mut InferenceConfig,
    purpose: Purpose<'_>,
    context: &mut Context<'_>,
) -> Result<effort::Effort, Unsupported> {
    if asked.is_none() {
        return Ok(effort::Effort::default());
    }
    let recalled = thoughts::recall(&talk.conversation, purpose);
    let situation = effort::Situation {
        forced_tool: is_forced(talk.tools.config.as_ref()),
        missing_thoughts: recalled.missing,
    };
    let effort = effort::effort(asked, situation, inference_config, context)?;
    if effort.signs {
        let turns = &mut talk.conversation.turns;
        thoughts::put_back(recalled, turns, context);
        // Who thinks takes up no words of others.
        if turns
            .last()
            .is_some_and(|last| last.role == Speaker::Assistant)
        {
            context.lose(LossKind::PlaceholderInserted, "messages");
            turns.push(messages::placeholder(Speaker::User));
        }
    }
    Ok(effort)
}

/// Where the target states a choice, the vendor's own member must not state it again: a tool that was added for the
/// answer's form may have come after it.
fn state_choice_once(config: Option<&ToolConfig>, additional: &mut Fields) {
    let is_stated = config.is_some_and(|config| config.tool_choice.is_some());
    if !is_stated {
        return;
    }
    let switch = additional.get_mut("tool_choice");
    if let Some(switch) = switch.and_then(|value| value.as_object_mut()) {
        switch.remove("type");
    }
}

fn is_forced(config: Option<&ToolConfig>) -> bool {
    config
        .and_then(|config| config.tool_choice.as_ref())
        .is_some_and(|choice| match choice {
            ToolChoice::Auto {} => false,
            ToolChoice::Any {} | ToolChoice::Tool { .. } => true,
        })
}

/// The tools' names, for a target that sometimes writes a call as text.
fn calls_as_text(
    config: Option<&ToolConfig>,
    context: &Context<'_>,
) -> std::collections::BTreeSet<String> {
    let tools = config.map_or(&[][..], |config| &config.tools);
    let tools = tools.iter().filter(|_| context.capabilities.text_calls);
    tools.map(|tool| tool.tool_spec.name.clone()).collect()
}

/// Whether the target is asked for a stream: if the caller is, or if the route wants to tell silence from work, and the
/// model can.
fn asks_for_stream(delivery: Delivery, has_tools: bool, context: &Context<'_>) -> bool {
    let wanted = delivery.is_stream() || context.settings.stream_always;
    let can = context.capabilities.streams && (context.capabilities.stream_tools || !has_tools);
    wanted && can
}

fn guardrail(stream: bool, context: &Context<'_>) -> Option<GuardrailConfig> {
    let settings = context.settings.guardrail.as_ref()?;
    Some(GuardrailConfig {
        guardrail_identifier: settings.id.clone(),
        guardrail_version: settings.version.clone(),
        trace: settings.trace.as_str(),
        stream_processing_mode: stream.then(|| settings.stream_mode.as_str()),
    })
}

/// Fields without a counterpart, unless they say what goes without saying.
fn refuse(asked: &Request, context: &mut Context<'_>) -> Result<(), Unsupported> {
    let stops = asked.stop.as_ref().map_or(0, |stop| stop.sequences().len());
    let not_text = |modalities: &Vec<String>| modalities.iter().any(|modality| modality != "text");
    let refusals = [
        ("n", asked.n.is_some_and(|n| n != 1)),
        ("logprobs", asked.logprobs == Some(true)),
        ("top_logprobs", asked.top_logprobs.is_some_and(|n| n > 0)),
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
    ];
    if let Some((field, _)) = refusals.into_iter().find(|(_, refused)| *refused) {
        return Err(refused(field, "has no counterpart"));
    }
    penalties(asked, context)?;
    tools::refuse_too_many(asked.tools.as_ref(), asked.tool_choice.as_ref())?;
    if asked
        .functions
        .as_ref()
        .is_some_and(|functions| functions.len() > tools::MOST_TOOLS)
    {
        return Err(refused("functions", "more than the primary takes"));
    }
    no_others("", &asked.other)
}

/// Penalties and biases, as the route wants it.
fn penalties(asked: &Request, context: &mut Context<'_>) -> Result<(), Unsupported> {
    let nonzero = |value: Option<f64>| value.is_some_and(|value| value != 0.0);
    let biases = asked.logit_bias.as_ref();
    let given = [
        ("frequency_penalty", nonzero(asked.frequency_penalty)),
        ("presence_penalty", nonzero(asked.presence_penalty)),
        (
            "logit_bias",
            biases.is_some_and(|biases| !biases.is_empty()),
        ),
    ];
    for (field, _) in given.into_iter().filter(|(_, given)| *given) {
        match context.settings.penalties {
            Penalties::Refuse => return Err(refused(field, "has no counterpart")),
            Penalties::Drop => context.lose(LossKind::SamplingDropped, field),
        }
    }
    Ok(())
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
    if asked.store == Some(true) {
        context.lose(LossKind::Unstored, "store");
    }
    if asked.seed.is_some() {
        context.lose(LossKind::SeedDropped, "seed");
    }
}

/// The tier, where the model has it. `auto` says what goes without saying.
fn tier(asked: Option<&str>, context: &mut Context<'_>) -> Option<ServiceTier> {
    let kind = match asked {
        None | Some("auto") => return None,
        Some("default") => "default",
        Some("priority") if context.capabilities.tiers => "priority",
        Some("flex") if context.capabilities.tiers => "flex",
        Some(_) => {
            context.lose(LossKind::ServiceTierMapped, "service_tier");
            return None;
        }
    };
    Some(ServiceTier { kind })
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
