//! The older form of tools: `functions`, `function_call` and messages of role `function`, as the newer form says them.
//! The older form has no ids, so that a call and its result are told by their places.

use crossfade_exchange::{LossKind, Unsupported};
use crossfade_openai::chat::{
    AssistantMessage, Content, ContentPart, Fields, FunctionChoice, FunctionMessage, FunctionTool,
    FunctionToolChoice, Message, NamedToolChoice, Request, TextPart, Tool, ToolCall, ToolChoice,
    ToolChoiceMode, ToolMessage, UserMessage,
};

use super::context::{Context, no_others, refused};

/// Rewrites a request in the newer form. Returns whether it brings functions, so that its answer must be in the older one.
pub(super) fn modernise(
    asked: &mut Request,
    context: &mut Context<'_>,
) -> Result<bool, Unsupported> {
    let functions = asked.functions.take().unwrap_or_default();
    let choice = asked.function_call.take();
    messages(&mut asked.messages, context)?;
    if functions.is_empty() {
        return match choice {
            None | Some(FunctionChoice::Mode(ToolChoiceMode::None | ToolChoiceMode::Auto)) => {
                Ok(false)
            }
            Some(_) => Err(refused(
                "function_call",
                "demands a function where there are none",
            )),
        };
    }
    if asked.tools.as_ref().is_some_and(|tools| !tools.is_empty()) {
        return Err(refused("functions", "beside tools"));
    }
    context.lose(LossKind::FunctionsEmulated, "functions");
    let tools = functions.into_iter().map(|function| {
        Tool::Function(FunctionTool {
            function,
            other: Fields::new(),
        })
    });
    asked.tools = Some(tools.collect());
    asked.tool_choice = match choice {
        None => None,
        Some(FunctionChoice::Mode(mode @ (ToolChoiceMode::None | ToolChoiceMode::Auto))) => {
            Some(ToolChoice::Mode(mode))
        }
        Some(FunctionChoice::Named(function)) => {
            let other = Fields::new();
            let named = NamedToolChoice::Function(FunctionToolChoice { function, other });
            Some(ToolChoice::Named(named))
        }
        Some(FunctionChoice::Mode(ToolChoiceMode::Required) | FunctionChoice::Other(_)) => {
            return Err(refused("function_call", "not a choice that is known here"));
        }
    };
    Ok(true)
}

/// A field of the newer form under the name it has in the older one.
pub(super) fn older_field(field: &str) -> String {
    if let Some(rest) = field.strip_prefix("tools") {
        return format!("functions{}", rest.replacen("].function", "]", 1));
    }
    if field.starts_with("tool_choice") {
        return "function_call".to_owned();
    }
    field.replacen(".tool_calls[0].function", ".function_call", 1)
}

/// Calls get ids, and the results that follow them get the same.
fn messages(messages: &mut [Message], context: &mut Context<'_>) -> Result<(), Unsupported> {
    // The call that waits for its result: its function and its id.
    let mut open: Option<(String, String)> = None;
    for index in 0..messages.len() {
        let path = format!("messages[{index}]");
        let answered = is_answered(messages.get(index..).unwrap_or_default());
        let Some(message) = messages.get_mut(index) else {
            continue;
        };
        match message {
            Message::Assistant(said) if said.function_call.is_some() => {
                context.lose(LossKind::FunctionsEmulated, format!("{path}.function_call"));
                open = call(&path, said, index, answered)?;
            }
            Message::Function(said) => {
                context.lose(LossKind::FunctionsEmulated, path.clone());
                no_others(&path, &said.other)?;
                *message = result(said, open.take());
            }
            Message::System(_) | Message::Developer(_) => {}
            Message::User(_) | Message::Assistant(_) | Message::Tool(_) | Message::Other(_) => {
                open = None;
            }
        }
    }
    Ok(())
}

/// Whether the first of these messages calls a function, and its result comes next.
fn is_answered(messages: &[Message]) -> bool {
    let Some((Message::Assistant(said), rest)) = messages.split_first() else {
        return false;
    };
    let is_instruction =
        |message: &&Message| matches!(message, Message::System(_) | Message::Developer(_));
    match (
        &said.function_call,
        rest.iter().find(|message| !is_instruction(message)),
    ) {
        (Some(call), Some(Message::Function(result))) => call.name == result.name,
        _ => false,
    }
}

/// A call as a tool call, or as text if nothing came back from it.
fn call(
    path: &str,
    said: &mut AssistantMessage,
    index: usize,
    answered: bool,
) -> Result<Option<(String, String)>, Unsupported> {
    let field = format!("{path}.function_call");
    let Some(function) = said.function_call.take() else {
        return Ok(None);
    };
    no_others(&field, &function.other)?;
    let calls = said.tool_calls.as_ref();
    if calls.is_some_and(|calls| !calls.is_empty()) {
        return Err(refused(field, "beside tool calls"));
    }
    if !answered {
        let text = format!(
            "[Called function {} with {}]",
            function.name, function.arguments
        );
        append(&mut said.content, text);
        return Ok(None);
    }
    let id = format!("call_function_{index}");
    let name = function.name.clone();
    said.tool_calls = Some(vec![ToolCall::function(
        id.clone(),
        function.name,
        function.arguments,
    )]);
    Ok(Some((name, id)))
}

fn append(content: &mut Option<Content>, text: String) {
    let before = match content.take() {
        Some(Content::Text(before)) if !before.is_empty() => format!("{before}\n{text}"),
        Some(Content::Parts(mut parts)) => {
            let part = TextPart {
                text,
                prompt_cache_breakpoint: None,
                other: Fields::new(),
            };
            parts.push(ContentPart::Text(part));
            *content = Some(Content::Parts(parts));
            return;
        }
        None | Some(Content::Text(_)) => text,
    };
    *content = Some(Content::Text(before));
}

/// A result of the open call; without one it is what the user says.
fn result(said: &mut FunctionMessage, open: Option<(String, String)>) -> Message {
    let text = said.content.take().unwrap_or_default();
    match open {
        Some((name, id)) if name == said.name => Message::Tool(ToolMessage {
            content: Content::Text(text),
            tool_call_id: id,
            other: Fields::new(),
        }),
        _ => Message::User(UserMessage {
            content: Content::Text(format!("[Function {} said: {text}]", said.name)),
            name: None,
            other: Fields::new(),
        }),
    }
}
