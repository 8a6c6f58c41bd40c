//! A conversation's messages as the target's turns: instructions to the front, roles alternating, every tool call
//! followed by its result, nothing blank.

use crossfade_exchange::{LossKind, Unsupported};
use crossfade_openai::chat::{
    AssistantMessage, Content, ContentPart, InstructionMessage, Message, TextPart, ToolMessage,
    UserMessage,
};
use serde_json::Value;

use super::{
    context::{Context, no_others, no_others_but, refused, stateful},
    tools::calls::{self, Call, Results},
};
use crate::{
    capabilities::Capabilities,
    converse::{Block, Message as Turn, Speaker, System},
};

mod images;

/// What stands where the target demands text and there is none.
const PLACEHOLDER: &str = ".";

/// Whether the conversation's tool calls stay tool calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum History {
    /// They do.
    Kept,
    /// They become text, because the request brings no tools.
    Neutralised,
}

/// A translated conversation.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub(super) system: Vec<System>,
    pub(super) turns: Vec<Turn>,
}

/// Whether the conversation holds tool calls or their results.
pub(super) fn has_tool_history(messages: &[Message]) -> bool {
    messages.iter().any(|message| match message {
        Message::Assistant(assistant) => assistant
            .tool_calls
            .as_ref()
            .is_some_and(|calls| !calls.is_empty()),
        Message::Tool(_) => true,
        Message::System(_)
        | Message::Developer(_)
        | Message::User(_)
        | Message::Function(_)
        | Message::Other(_) => false,
    })
}

/// Translates the messages.
pub(super) fn conversation(
    messages: Vec<Message>,
    history: History,
    context: &mut Context<'_>,
) -> Result<Conversation, Unsupported> {
    if messages.is_empty() {
        return Err(refused("messages", "empty"));
    }
    let mut builder = Builder {
        context,
        history,
        done: Conversation::default(),
        open: None,
        spoken: false,
    };
    for (index, message) in messages.into_iter().enumerate() {
        builder.message(&format!("messages[{index}]"), message)?;
    }
    builder.finish()
}

struct Builder<'c, 's> {
    context: &'c mut Context<'s>,
    history: History,
    done: Conversation,
    /// Calls of the last assistant turn that wait for their results.
    open: Option<Results>,
    /// A message that is no instruction was seen.
    spoken: bool,
}

// === impl Builder ===

impl Builder<'_, '_> {
    fn message(&mut self, path: &str, message: Message) -> Result<(), Unsupported> {
        match message {
            Message::System(message) | Message::Developer(message) => {
                self.instruction(path, message)
            }
            Message::User(message) => {
                self.close_calls()?;
                self.user(path, message)
            }
            Message::Assistant(message) => {
                self.close_calls()?;
                self.assistant(path, message)
            }
            Message::Tool(message) => self.tool(path, message),
            Message::Function(_) => Err(refused(path, "a function's result in the older form")),
            Message::Other(value) => {
                let role = value.get("role").and_then(Value::as_str);
                let known = role.is_some_and(|r| {
                    matches!(
                        r,
                        "system" | "developer" | "user" | "assistant" | "tool" | "function"
                    )
                });
                let field = if known {
                    path.to_owned()
                } else {
                    format!("{path}.role")
                };
                Err(refused(field, "not a message that is known here"))
            }
        }
    }

    fn instruction(&mut self, path: &str, message: InstructionMessage) -> Result<(), Unsupported> {
        no_others(path, &message.other)?;
        self.drop_name(path, message.name.as_ref());
        let texts = self.texts(&format!("{path}.content"), message.content)?;
        if self.spoken && !texts.is_empty() {
            self.context.lose(LossKind::SystemReordered, path);
        }
        self.done.system.extend(texts.into_iter().map(System::Text));
        Ok(())
    }

    fn user(&mut self, path: &str, message: UserMessage) -> Result<(), Unsupported> {
        self.spoken = true;
        no_others(path, &message.other)?;
        self.drop_name(path, message.name.as_ref());
        let at = format!("{path}.content");
        let mut blocks = Vec::new();
        match message.content {
            Content::Text(text) => self.text(&at, text, &mut blocks),
            Content::Parts(parts) => {
                for (index, part) in parts.into_iter().enumerate() {
                    self.user_part(&format!("{at}[{index}]"), part, &mut blocks)?;
                }
            }
        }
        if blocks.is_empty() {
            self.context.lose(LossKind::BlankDropped, at);
        }
        self.say(path, Speaker::User, blocks);
        Ok(())
    }

    fn user_part(
        &mut self,
        path: &str,
        part: ContentPart,
        blocks: &mut Vec<Block>,
    ) -> Result<(), Unsupported> {
        match part {
            ContentPart::Text(part) => {
                let text = self.text_part(path, part)?;
                self.text(path, text, blocks);
                Ok(())
            }
            ContentPart::ImageUrl(part) => {
                no_others(path, &part.other)?;
                let hint = part.prompt_cache_breakpoint.as_ref();
                self.context
                    .drop_hint(&format!("{path}.prompt_cache_breakpoint"), hint);
                blocks.push(Block::Image(images::image(
                    path,
                    &part.image_url,
                    self.context,
                )?));
                Ok(())
            }
            ContentPart::File(part) if part.file.file_id.is_some() => {
                Err(stateful(format!("{path}.file.file_id")))
            }
            ContentPart::File(_) => Err(refused(format!("{path}.file"), "files are not mapped")),
            ContentPart::InputAudio(_) => Err(refused(
                format!("{path}.input_audio"),
                "sound is not mapped",
            )),
            ContentPart::Refusal(_) | ContentPart::Other(_) => {
                Err(refused(path, "not a part that is known here"))
            }
        }
    }

    fn assistant(&mut self, path: &str, message: AssistantMessage) -> Result<(), Unsupported> {
        self.spoken = true;
        self.check_assistant(path, &message)?;
        self.drop_name(path, message.name.as_ref());
        let mut blocks = Vec::new();
        let at = format!("{path}.content");
        match message.content {
            None => {}
            Some(Content::Text(text)) => self.text(&at, text, &mut blocks),
            Some(Content::Parts(parts)) => {
                for (index, part) in parts.into_iter().enumerate() {
                    self.assistant_part(&format!("{at}[{index}]"), part, &mut blocks)?;
                }
            }
        }
        if let Some(refusal) = message.refusal {
            self.refusal(&format!("{path}.refusal"), refusal, &mut blocks);
        }
        let calls = calls::read(path, message.tool_calls.unwrap_or_default(), self.context)?;
        if blocks.is_empty() && calls.is_empty() {
            self.context.lose(LossKind::BlankDropped, at);
        }
        match self.history {
            History::Kept => blocks.extend(calls.iter().flat_map(Call::blocks)),
            History::Neutralised => {
                blocks.extend(calls.iter().map(|call| Block::Text(call.as_text())));
            }
        }
        if !calls.is_empty() {
            self.open = Some(Results::new(path, calls));
        }
        self.say(path, Speaker::Assistant, blocks);
        Ok(())
    }

    fn check_assistant(
        &mut self,
        path: &str,
        message: &AssistantMessage,
    ) -> Result<(), Unsupported> {
        no_others_but(path, &message.other, &["annotations"])?;
        if message.function_call.is_some() {
            return Err(refused(
                format!("{path}.function_call"),
                "a call in the older form",
            ));
        }
        if message.audio.is_some() {
            return Err(stateful(format!("{path}.audio")));
        }
        let annotated = message.other.get("annotations").and_then(Value::as_array);
        let annotated = annotated.filter(|annotations| !annotations.is_empty());
        self.context
            .drop_hint(&format!("{path}.annotations"), annotated);
        self.context
            .drop_hint(&format!("{path}.context"), message.context.as_ref());
        Ok(())
    }

    fn assistant_part(
        &mut self,
        path: &str,
        part: ContentPart,
        blocks: &mut Vec<Block>,
    ) -> Result<(), Unsupported> {
        match part {
            ContentPart::Text(part) => {
                let text = self.text_part(path, part)?;
                self.text(path, text, blocks);
                Ok(())
            }
            ContentPart::Refusal(part) => {
                no_others(path, &part.other)?;
                self.refusal(path, part.refusal, blocks);
                Ok(())
            }
            ContentPart::ImageUrl(_)
            | ContentPart::InputAudio(_)
            | ContentPart::File(_)
            | ContentPart::Other(_) => Err(refused(path, "not a part that is known here")),
        }
    }

    fn tool(&mut self, path: &str, message: ToolMessage) -> Result<(), Unsupported> {
        self.spoken = true;
        no_others_but(path, &message.other, &["name"])?;
        if message
            .other
            .get("name")
            .is_some_and(|name| !name.is_null())
        {
            self.context
                .lose(LossKind::NameDropped, format!("{path}.name"));
        }
        let texts = self.texts(&format!("{path}.content"), message.content)?;
        let Some(open) = self.open.as_mut() else {
            return Err(refused(path, "a tool's result without its call"));
        };
        open.add(path, &message.tool_call_id, texts.concat(), self.context)
    }

    /// Puts the results of the last turn's calls in the calls' order into one turn.
    fn close_calls(&mut self) -> Result<(), Unsupported> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let path = open.path().to_owned();
        let blocks = match self.history {
            History::Kept => open.into_blocks(self.context)?,
            History::Neutralised => open.into_texts()?.into_iter().map(Block::Text).collect(),
        };
        self.done.turns.push(Turn {
            role: Speaker::User,
            content: blocks,
        });
        if self.history == History::Neutralised {
            self.context.lose(
                LossKind::ToolHistoryNeutralised,
                format!("{path}.tool_calls"),
            );
        }
        Ok(())
    }

    /// Adds to the last turn if the same side spoke it, else begins one.
    fn say(&mut self, path: &str, role: Speaker, blocks: Vec<Block>) {
        if blocks.is_empty() {
            return;
        }
        match self.done.turns.last_mut() {
            Some(last) if last.role == role => {
                // Results begin their turn, so the first block tells.
                let holds_results = matches!(last.content.first(), Some(Block::ToolResult(_)));
                if holds_results && self.context.capabilities.result_alone {
                    self.context.lose(LossKind::PlaceholderInserted, path);
                    self.done.turns.push(placeholder(Speaker::Assistant));
                    self.done.turns.push(Turn {
                        role,
                        content: blocks,
                    });
                } else {
                    self.context.lose(LossKind::MessagesMerged, path);
                    last.content.extend(blocks);
                }
            }
            _ => self.done.turns.push(Turn {
                role,
                content: blocks,
            }),
        }
    }

    fn finish(mut self) -> Result<Conversation, Unsupported> {
        self.close_calls()?;
        let Capabilities {
            leading_user,
            prefill,
            ..
        } = self.context.capabilities;
        let first = self.done.turns.first().map(|turn| turn.role);
        if first.is_none() || (leading_user && first == Some(Speaker::Assistant)) {
            self.context
                .lose(LossKind::PlaceholderInserted, "messages[0]");
            self.done.turns.insert(0, placeholder(Speaker::User));
        }
        match self.done.turns.last_mut() {
            Some(last) if last.role == Speaker::Assistant && prefill => {
                if let Some(Block::Text(text)) = last.content.last_mut() {
                    let kept = text.trim_end().len();
                    if kept < text.len() {
                        text.truncate(kept);
                        self.context.lose(LossKind::BlankDropped, "messages");
                    }
                }
            }
            Some(last) if last.role == Speaker::Assistant => {
                self.context.lose(LossKind::PlaceholderInserted, "messages");
                self.done.turns.push(placeholder(Speaker::User));
            }
            _ => {}
        }
        Ok(self.done)
    }

    fn drop_name(&mut self, path: &str, name: Option<&String>) {
        if name.is_some() {
            self.context
                .lose(LossKind::NameDropped, format!("{path}.name"));
        }
    }

    fn refusal(&mut self, path: &str, refusal: String, blocks: &mut Vec<Block>) {
        if !refusal.is_empty() {
            self.context.lose(LossKind::RefusalAsText, path);
            self.text(path, refusal, blocks);
        }
    }

    /// Text that is not blank becomes a block. Empty text says nothing, so nothing is lost with it.
    fn text(&mut self, path: &str, text: String, blocks: &mut Vec<Block>) {
        if !text.trim().is_empty() {
            blocks.push(Block::Text(text));
        } else if !text.is_empty() {
            self.context.lose(LossKind::BlankDropped, path);
        }
    }

    /// Content that may hold text only.
    fn texts(&mut self, path: &str, content: Content) -> Result<Vec<String>, Unsupported> {
        let mut blocks = Vec::new();
        match content {
            Content::Text(text) => self.text(path, text, &mut blocks),
            Content::Parts(parts) => {
                for (index, part) in parts.into_iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    let ContentPart::Text(part) = part else {
                        return Err(refused(path, "not text"));
                    };
                    let text = self.text_part(&path, part)?;
                    self.text(&path, text, &mut blocks);
                }
            }
        }
        let text = |block| {
            if let Block::Text(text) = block {
                Some(text)
            } else {
                None
            }
        };
        Ok(blocks.into_iter().filter_map(text).collect())
    }

    fn text_part(&mut self, path: &str, part: TextPart) -> Result<String, Unsupported> {
        no_others(path, &part.other)?;
        let hint = part.prompt_cache_breakpoint.as_ref();
        self.context
            .drop_hint(&format!("{path}.prompt_cache_breakpoint"), hint);
        Ok(part.text)
    }
}

fn placeholder(role: Speaker) -> Turn {
    Turn {
        role,
        content: vec![Block::Text(PLACEHOLDER.to_owned())],
    }
}
