//! A conversation's messages as the target's turns: instructions to the front, roles alternating, every tool call
//! followed by its result, nothing blank. What one message becomes is in the files below.

use crossfade_exchange::{LossKind, Unsupported};
use crossfade_openai::chat::{InstructionMessage, Message};
use serde_json::Value;

use super::{
    cache,
    context::{Context, no_others, refused},
    thoughts::ToolTurn,
    tools::calls::Results,
};
use crate::{
    converse::{Block, Message as Turn, Speaker, System},
    settings::LateSystem,
};

mod assistant;
mod documents;
mod images;
mod parts;
mod sounds;
mod tool;
mod user;

/// What stands where the target demands text and there is none.
const PLACEHOLDER: &str = ".";
/// Stands before instructions that the user's turn has to carry.
const INSTRUCTION: &str = "[System instruction]";

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
    /// The turns that call tools, in their order.
    pub(super) tool_turns: Vec<ToolTurn>,
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
        held: Vec::new(),
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
    /// Instructions that wait with them.
    held: Vec<(String, Vec<Block>)>,
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
        let blocks = self.texts(&format!("{path}.content"), message.content)?;
        if self.spoken && !blocks.is_empty() {
            match self.context.settings.late_system {
                LateSystem::Front => self.context.lose(LossKind::SystemReordered, path),
                LateSystem::InPlace => {
                    self.instruction_in_place(path, blocks);
                    return Ok(());
                }
            }
        }
        self.done
            .system
            .extend(blocks.into_iter().filter_map(as_system));
        Ok(())
    }

    /// Between a turn's calls and their results there is no place: instructions wait until the results have come.
    fn instruction_in_place(&mut self, path: &str, blocks: Vec<Block>) {
        self.context.lose(LossKind::SystemInPlace, path);
        if self.open.is_some() {
            self.held.push((path.to_owned(), blocks));
        } else {
            self.say_instruction(path, blocks);
        }
    }

    fn say_instruction(&mut self, path: &str, blocks: Vec<Block>) {
        if self.context.capabilities.system_turns {
            self.say(path, Speaker::System, blocks);
        } else {
            let mut said = vec![Block::Text(INSTRUCTION.to_owned())];
            said.extend(blocks);
            self.say(path, Speaker::User, said);
        }
    }

    /// Puts the results of the last turn's calls in the calls' order into one turn.
    fn close_calls(&mut self) -> Result<(), Unsupported> {
        if let Some(open) = self.open.take() {
            self.results(open)?;
        }
        for (path, blocks) in std::mem::take(&mut self.held) {
            self.say_instruction(&path, blocks);
        }
        Ok(())
    }

    /// Adds to the last turn if the same side spoke it, else begins one.
    fn say(&mut self, path: &str, role: Speaker, blocks: Vec<Block>) {
        if blocks.is_empty() {
            return;
        }
        let capabilities = self.context.capabilities;
        let turn = match self.done.turns.last_mut() {
            Some(last) if last.role == role => {
                // Results begin their turn, so the first block tells.
                let holds_results = matches!(last.content.first(), Some(Block::ToolResult(_)));
                let documents = blocks.iter().any(is_document) && !capabilities.result_documents;
                if !holds_results || !(capabilities.result_alone || documents) {
                    self.context.lose(LossKind::MessagesMerged, path);
                    last.content.extend(blocks);
                    return;
                }
                self.context.lose(LossKind::PlaceholderInserted, path);
                self.done.turns.push(placeholder(Speaker::Assistant));
                blocks
            }
            _ => blocks,
        };
        self.done.turns.push(Turn {
            role,
            content: turn,
        });
    }

    fn finish(mut self) -> Result<Conversation, Unsupported> {
        self.close_calls()?;
        let capabilities = self.context.capabilities;
        let first = self.done.turns.first().map(|turn| turn.role);
        let may_lead = match first {
            Some(Speaker::User) => true,
            Some(Speaker::Assistant) => !capabilities.leading_user,
            None | Some(Speaker::System) => false,
        };
        if !may_lead {
            self.context
                .lose(LossKind::PlaceholderInserted, "messages[0]");
            self.done.turns.insert(0, placeholder(Speaker::User));
            for turn in &mut self.done.tool_turns {
                turn.at += 1;
            }
        }
        self.finish_last();
        for turn in &mut self.done.turns {
            let has_text = turn.content.iter().any(|b| matches!(b, Block::Text(_)));
            if !has_text && turn.content.iter().any(is_document) {
                self.context.lose(LossKind::PlaceholderInserted, "messages");
                turn.content.push(Block::Text(PLACEHOLDER.to_owned()));
            }
        }
        cache::settle(&mut self.done, self.context);
        Ok(self.done)
    }

    /// The last turn is the user's, or one that the model may take up.
    fn finish_last(&mut self) {
        let prefill = self.context.capabilities.prefill;
        let Some(last) = self.done.turns.last_mut() else {
            return;
        };
        if last.role != Speaker::Assistant {
            return;
        }
        if !prefill {
            self.context.lose(LossKind::PlaceholderInserted, "messages");
            self.done.turns.push(placeholder(Speaker::User));
            return;
        }
        let texts = last.content.iter_mut().rev().find_map(|block| match block {
            Block::Text(text) => Some(text),
            _ => None,
        });
        if let Some(text) = texts {
            let kept = text.trim_end().len();
            if kept < text.len() {
                text.truncate(kept);
                self.context.lose(LossKind::BlankDropped, "messages");
            }
        }
    }

    fn drop_name(&mut self, path: &str, name: Option<&String>) {
        if name.is_some() {
            self.context
                .lose(LossKind::NameDropped, format!("{path}.name"));
        }
    }
}

/// Puts the system's texts at the front of what the user says first, for a model that takes none.
pub(super) fn without_system(conversation: &mut Conversation, context: &mut Context<'_>) {
    if context.capabilities.system || conversation.system.is_empty() {
        return;
    }
    context.lose(LossKind::SystemInPlace, "messages");
    let texts = conversation.system.drain(..).map(|text| match text {
        System::Text(text) => Block::Text(text),
        System::CachePoint(point) => Block::CachePoint(point),
    });
    let mut users = conversation.turns.iter_mut();
    if let Some(first) = users.find(|turn| turn.role == Speaker::User) {
        first.content.splice(0..0, texts);
    }
}

fn as_system(block: Block) -> Option<System> {
    match block {
        Block::Text(text) => Some(System::Text(text)),
        Block::CachePoint(point) => Some(System::CachePoint(point)),
        _ => None,
    }
}

fn is_document(block: &Block) -> bool {
    matches!(block, Block::Document(_))
}

pub(super) fn placeholder(role: Speaker) -> Turn {
    Turn {
        role,
        content: vec![Block::Text(PLACEHOLDER.to_owned())],
    }
}
