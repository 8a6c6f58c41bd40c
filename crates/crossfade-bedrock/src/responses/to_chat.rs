//! A Responses request as a chat request, with what its answer must still know of it.

use std::{collections::HashMap, fmt};

use crossfade_exchange::{Loss, LossKind, Unsupported};
use crossfade_openai::{
    chat::{self, ToolChoiceMode},
    responses::{Input, ReasoningConfig, Request, TextConfig, ToolChoice},
};
use serde_json::Value;

use super::{
    input,
    input::{Conversation, Reader},
    paths::{Origin, Paths},
    refuse::{no_others, refused, stateful},
    tools,
};
use crate::settings::{Api, CandidateSettings, Store};

/// What `include` may ask for that means nothing without the provider's own tools, or beside them is given anyway.
const HARMLESS_INCLUDES: [&str; 6] = [
    Request::INCLUDE_ENCRYPTED_REASONING,
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
];
/// Of pictures that were sent: shown where the input is listed, and never in an answer.
const INPUT_PICTURES: &str = "message.input_image.image_url";

/// A Responses request as a chat request.
#[derive(Clone, PartialEq)]
pub(crate) struct ToChat {
    /// The request.
    pub(crate) request: chat::Request,
    /// What was lost on the way, by the caller's fields. Those of the chat request's own translation come on top.
    pub(crate) losses: Vec<Loss>,
    /// Signed reasoning that the caller sent back, by the first of the calls that it led to.
    pub(crate) recalled: HashMap<String, Vec<Value>>,
    /// From the chat request's fields to the caller's.
    pub(crate) paths: Paths,
}

/// Sizes only: the rest is the caller's text.
impl fmt::Debug for ToChat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToChat")
            .field("messages", &self.request.messages.len())
            .field("losses", &self.losses)
            .finish_non_exhaustive()
    }
}

/// Translates a request that names no state.
///
/// # Errors
/// Names the field that has no counterpart in chat.
#[expect(clippy::too_many_lines, reason = "one line for each of the fields")]
pub(crate) fn to_chat(asked: Request, settings: &CandidateSettings) -> Result<ToChat, Unsupported> {
    refuse(&asked)?;
    let mut done = Conversation::default();
    hints(&asked, settings, &mut done.losses);
    if let Some(text) = asked.instructions {
        let content = chat::Content::Text(text);
        done.messages
            .push(chat::Message::System(input::instructions(content)));
        done.origins.push(Origin::Instructions);
    }
    let reader = Reader {
        sealer: settings.sealer.as_ref(),
        model: (settings.api == Api::Converse).then_some(settings.model.as_str()),
    };
    let mut done = match asked.input {
        None => return Err(refused("input", "missing")),
        Some(Input::Text(text)) => {
            done.messages.push(chat::Message::User(chat::UserMessage {
                content: chat::Content::Text(text),
                name: None,
                other: chat::Fields::new(),
            }));
            done.origins.push(Origin::Text);
            done
        }
        Some(Input::Items(items)) => input::conversation(items, &reader, done)?,
    };
    let (format, verbosity) = text(asked.text)?;
    let has_tools = asked.tools.as_ref().is_some_and(|tools| !tools.is_empty());
    let tools = asked.tools.filter(|tools| !tools.is_empty());
    let tools = tools.map(|tools| tools::nested(tools, &mut done.losses));
    let is_stream = asked.stream == Some(true);
    let request = chat::Request {
        model: asked.model,
        messages: done.messages,
        max_completion_tokens: asked.max_output_tokens,
        metadata: asked.metadata,
        // Without tools they say nothing, and chat refuses them.
        parallel_tool_calls: asked.parallel_tool_calls.filter(|_| has_tools),
        tool_choice: match asked.tool_choice {
            Some(choice) if has_tools => Some(tools::nested_choice(choice)?),
            None | Some(ToolChoice::Mode(ToolChoiceMode::None | ToolChoiceMode::Auto)) => None,
            Some(_) => {
                return Err(refused(
                    "tool_choice",
                    "demands a tool where there are none",
                ));
            }
        },
        tools: tools.transpose()?,
        prompt_cache_key: asked.prompt_cache_key,
        prompt_cache_options: asked.prompt_cache_options,
        prompt_cache_retention: asked.prompt_cache_retention,
        reasoning_effort: asked.reasoning.and_then(|reasoning| reasoning.effort),
        response_format: format,
        safety_identifier: asked.safety_identifier,
        service_tier: asked.service_tier,
        stream: asked.stream,
        stream_options: is_stream.then(|| chat::StreamOptions {
            include_usage: Some(true),
            ..chat::StreamOptions::default()
        }),
        temperature: asked.temperature,
        top_p: asked.top_p,
        user: asked.user,
        verbosity,
        ..chat::Request::default()
    };
    Ok(ToChat {
        request,
        losses: done.losses,
        recalled: done.recalled,
        paths: Paths {
            messages: done.origins,
        },
    })
}

/// Fields that name state, and those without a counterpart, unless they say what goes without saying.
fn refuse(asked: &Request) -> Result<(), Unsupported> {
    let state = [
        ("previous_response_id", asked.previous_response_id.is_some()),
        ("conversation", asked.conversation.is_some()),
        ("prompt", asked.prompt.is_some()),
        ("background", asked.background == Some(true)),
    ];
    if let Some((field, _)) = state.into_iter().find(|(_, named)| *named) {
        return Err(stateful(field));
    }
    let is_nothing = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
    let managed = asked.context_management.as_ref();
    let refusals = [
        (
            "context_management",
            managed.is_some_and(|managed| !is_nothing(managed)),
        ),
        ("moderation", asked.moderation.is_some()),
        ("top_logprobs", asked.top_logprobs.is_some_and(|n| n > 0)),
    ];
    if let Some((field, _)) = refusals.into_iter().find(|(_, refused)| *refused) {
        return Err(refused(field, "has no counterpart"));
    }
    for (at, name) in asked.include.iter().flatten().enumerate() {
        if !HARMLESS_INCLUDES.contains(&name.as_str()) && name != INPUT_PICTURES {
            return Err(refused(format!("include[{at}]"), "cannot be shown"));
        }
    }
    if let Some(reasoning) = &asked.reasoning {
        no_others("reasoning", &reasoning.other)?;
    }
    if let Some(options) = &asked.stream_options {
        no_others("stream_options", &options.other)?;
    }
    no_others("", &asked.other)
}

/// What is not passed on, and does not change what the answer says.
fn hints(asked: &Request, settings: &CandidateSettings, losses: &mut Vec<Loss>) {
    let reasoning = asked.reasoning.as_ref();
    let of_reasoning = |field: fn(&ReasoningConfig) -> &Option<String>| {
        reasoning.is_some_and(|reasoning| field(reasoning).is_some())
    };
    let is_padded = asked
        .stream_options
        .as_ref()
        .is_some_and(|options| options.include_obfuscation == Some(true));
    let hints = [
        ("max_tool_calls", asked.max_tool_calls.is_some()),
        ("truncation", asked.truncation.as_deref() == Some("auto")),
        ("reasoning.mode", of_reasoning(|reasoning| &reasoning.mode)),
        (
            "reasoning.context",
            of_reasoning(|reasoning| &reasoning.context),
        ),
        ("stream_options.include_obfuscation", is_padded),
    ];
    let given = hints.into_iter().filter(|(_, given)| *given);
    losses.extend(given.map(|(field, _)| Loss::new(LossKind::HintDropped, field)));
    if asked.is_stored() && settings.store == Store::Unstored {
        losses.push(Loss::new(LossKind::Unstored, "store"));
    }
}

type Form = (Option<chat::ResponseFormat>, Option<String>);

fn text(text: Option<TextConfig>) -> Result<Form, Unsupported> {
    let Some(text) = text else {
        return Ok((None, None));
    };
    no_others("text", &text.other)?;
    let format = text.format.map(tools::nested_format).transpose()?;
    Ok((format, text.verbosity))
}

#[cfg(test)]
mod tests;
