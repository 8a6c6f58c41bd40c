//! Items as messages: what the model said and called in one go becomes one message, and the results follow it at once.
//!
//! Items may come in any order that a client keeps them in. Chat knows one: text, then calls, then the calls' results.

use std::collections::HashMap;

use crossfade_exchange::{Loss, LossKind, Unsupported};
use crossfade_openai::{
    chat::{
        self, AssistantMessage, ContentPart, CustomCall, Fields, InstructionMessage, ToolCall,
        ToolKind, ToolMessage, UserMessage,
    },
    responses::{Content, CustomToolCall, FunctionCall, Item, Message, Reasoning, Role},
};
use serde_json::Value;

use super::{
    Sealer, parts,
    parts::Speaker,
    paths::Origin,
    refuse::{no_others, refused, stateful},
    seal::SealedReasoning,
};

/// The messages of a conversation.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub(super) messages: Vec<chat::Message>,
    /// Where each message came from.
    pub(super) origins: Vec<Origin>,
    /// Signed reasoning, by the first of the calls that it led to.
    pub(super) recalled: HashMap<String, Vec<Value>>,
    pub(super) losses: Vec<Loss>,
}

/// Who can read reasoning that was sealed here.
pub(super) struct Reader<'a> {
    pub(super) sealer: Option<&'a Sealer>,
    /// The model that is asked, if its wire takes reasoning back.
    pub(super) model: Option<&'a str>,
}

/// Translates items, after the messages that are there already.
pub(super) fn conversation(
    items: Vec<Item>,
    reader: &Reader<'_>,
    done: Conversation,
) -> Result<Conversation, Unsupported> {
    let results = results(&items);
    let mut builder = Builder {
        reader,
        results,
        items: items.into_iter().map(Some).collect(),
        turn: None,
        done,
    };
    for at in 0..builder.items.len() {
        builder.item(at)?;
    }
    let end = builder.items.len();
    builder.close(end)?;
    Ok(builder.done)
}

/// For each call, by its place, where its results stand: after it, and before the next call of the same id.
fn results(items: &[Item]) -> HashMap<usize, Vec<usize>> {
    let mut latest: HashMap<&str, usize> = HashMap::new();
    let mut results: HashMap<usize, Vec<usize>> = HashMap::new();
    for (at, item) in items.iter().enumerate() {
        let result_of = match item {
            Item::FunctionCall(call) => {
                latest.insert(&call.call_id, at);
                continue;
            }
            Item::CustomToolCall(call) => {
                latest.insert(&call.call_id, at);
                continue;
            }
            Item::FunctionCallOutput(output) => &output.call_id,
            Item::CustomToolCallOutput(output) => &output.call_id,
            Item::Message(_) | Item::Reasoning(_) | Item::ItemReference(_) | Item::Other(_) => {
                continue;
            }
        };
        if let Some(call) = latest.get(result_of.as_str()) {
            results.entry(*call).or_default().push(at);
        }
    }
    results
}

/// What the model said and called in one go.
struct Turn {
    at: usize,
    content: Vec<ContentPart>,
    parts: Vec<(usize, usize)>,
    calls: Vec<(usize, ToolCall)>,
    thoughts: Vec<Value>,
}

struct Builder<'r> {
    reader: &'r Reader<'r>,
    results: HashMap<usize, Vec<usize>>,
    /// Results are taken out early, to follow their calls.
    items: Vec<Option<Item>>,
    turn: Option<Turn>,
    done: Conversation,
}

// === impl Builder ===

impl Builder<'_> {
    fn item(&mut self, at: usize) -> Result<(), Unsupported> {
        if self
            .items
            .get(at)
            .is_some_and(|item| item.as_ref().is_some_and(is_result))
        {
            // Its turn, if it has one, is the open one and takes it along.
            self.close(at)?;
        }
        let Some(item) = self.items.get_mut(at).and_then(Option::take) else {
            return Ok(());
        };
        let path = format!("input[{at}]");
        match item {
            Item::Message(message) => self.message(at, &path, message),
            Item::FunctionCall(call) => {
                let call = function(&path, call)?;
                self.open(at).calls.push((at, call));
                Ok(())
            }
            Item::CustomToolCall(call) => {
                let call = custom(&path, call)?;
                self.open(at).calls.push((at, call));
                Ok(())
            }
            Item::Reasoning(reasoning) => self.reasoning(at, &path, &reasoning),
            Item::FunctionCallOutput(_) | Item::CustomToolCallOutput(_) => Err(refused(
                format!("{path}.call_id"),
                "no call of this id stands before it",
            )),
            Item::ItemReference(_) => Err(stateful(format!("{path}.id"))),
            Item::Other(_) => Err(refused(path, "an item of the provider's own")),
        }
    }

    /// The model's turn that is open, or a new one.
    fn open(&mut self, at: usize) -> &mut Turn {
        self.turn.get_or_insert_with(|| Turn {
            at,
            content: Vec::new(),
            parts: Vec::new(),
            calls: Vec::new(),
            thoughts: Vec::new(),
        })
    }

    fn message(&mut self, at: usize, path: &str, message: Message) -> Result<(), Unsupported> {
        no_others(path, &message.other)?;
        let Some(role) = message.role.known() else {
            return Err(refused(
                format!("{path}.role"),
                "not a role that is known here",
            ));
        };
        if message.phase.is_some() {
            self.lose(LossKind::HintDropped, format!("{path}.phase"));
        }
        let speaker = match role {
            Role::Assistant => return self.said(at, path, message.content),
            Role::User => Speaker::User,
            Role::System | Role::Developer => Speaker::Instructions,
        };
        self.close(at)?;
        let content = &format!("{path}.content");
        let parts = parts::parts(content, message.content, speaker, &mut self.done.losses)?;
        let content = parts::content(parts);
        let message = match role {
            Role::System => chat::Message::System(instructions(content)),
            Role::Developer => chat::Message::Developer(instructions(content)),
            Role::User | Role::Assistant => chat::Message::User(UserMessage {
                content,
                name: None,
                other: Fields::new(),
            }),
        };
        self.done.messages.push(message);
        self.done.origins.push(Origin::Item(at, "content"));
        Ok(())
    }

    /// What the model said. Beside calls it belongs to their turn; after other text it is a turn of its own.
    fn said(&mut self, at: usize, path: &str, content: Content) -> Result<(), Unsupported> {
        let is_after_calls = self.turn.as_ref().map(|turn| !turn.calls.is_empty());
        match is_after_calls {
            Some(true) => self.lose(LossKind::InputReordered, path),
            Some(false)
                if self
                    .turn
                    .as_ref()
                    .is_some_and(|turn| !turn.content.is_empty()) =>
            {
                self.close(at)?;
            }
            Some(false) | None => {}
        }
        let path = format!("{path}.content");
        let parts = parts::parts(&path, content, Speaker::Model, &mut self.done.losses)?;
        let turn = self.open(at);
        turn.parts.extend((0..parts.len()).map(|part| (at, part)));
        turn.content.extend(parts);
        Ok(())
    }

    /// Reasoning that the target can read again stands before the calls that it led to. Other reasoning is left out.
    fn reasoning(
        &mut self,
        at: usize,
        path: &str,
        reasoning: &Reasoning,
    ) -> Result<(), Unsupported> {
        no_others(path, &reasoning.other)?;
        if self
            .turn
            .as_ref()
            .is_some_and(|turn| !turn.content.is_empty() && turn.calls.is_empty())
        {
            self.close(at)?;
        }
        let opened = self
            .reader
            .sealer
            .zip(reasoning.encrypted_content.as_ref())
            .and_then(|(sealer, sealed)| sealer.open_reasoning(sealed));
        match opened {
            Some(SealedReasoning::Blocks { model, blocks })
                if self.reader.model == Some(model.as_str()) =>
            {
                self.open(at).thoughts.extend(blocks);
            }
            Some(SealedReasoning::Blocks { .. } | SealedReasoning::Encrypted(_)) | None => {
                self.lose(LossKind::ThinkingMissing, path);
            }
        }
        Ok(())
    }

    /// Ends the model's turn: its message, and then the results of its calls, wherever they stand.
    fn close(&mut self, now: usize) -> Result<(), Unsupported> {
        let Some(turn) = self.turn.take() else {
            return Ok(());
        };
        let mut places: Vec<usize> = turn
            .calls
            .iter()
            .filter_map(|(at, _)| self.results.remove(at))
            .flatten()
            .collect();
        places.sort_unstable();
        let run = self.items.iter().skip(now);
        let run = run.take_while(|item| item.as_ref().is_some_and(is_result));
        let in_place = now..now + run.count();
        self.spoke(turn);
        for at in places {
            let Some(item) = self.items.get_mut(at).and_then(Option::take) else {
                continue;
            };
            if !in_place.contains(&at) {
                self.lose(LossKind::InputReordered, format!("input[{at}]"));
            }
            self.result(at, item)?;
        }
        Ok(())
    }

    fn spoke(&mut self, turn: Turn) {
        if turn.content.is_empty() && turn.calls.is_empty() {
            return;
        }
        let (places, calls): (Vec<usize>, Vec<ToolCall>) = turn.calls.into_iter().unzip();
        // Under the first call: under each, many of them would multiply it.
        if let Some(call) = calls.first().filter(|_| !turn.thoughts.is_empty()) {
            self.done.recalled.insert(call.id.clone(), turn.thoughts);
        }
        self.done
            .messages
            .push(chat::Message::Assistant(AssistantMessage {
                content: (!turn.content.is_empty()).then(|| parts::content(turn.content)),
                tool_calls: (!calls.is_empty()).then_some(calls),
                ..AssistantMessage::default()
            }));
        self.done.origins.push(Origin::Turn {
            at: turn.at,
            parts: turn.parts,
            calls: places,
        });
    }

    fn result(&mut self, at: usize, item: Item) -> Result<(), Unsupported> {
        let path = format!("input[{at}]");
        let (call_id, output) = match item {
            Item::FunctionCallOutput(result) => {
                no_others(&path, &result.other)?;
                (result.call_id, result.output)
            }
            Item::CustomToolCallOutput(result) => {
                no_others(&path, &result.other)?;
                (result.call_id, result.output)
            }
            Item::Message(_)
            | Item::FunctionCall(_)
            | Item::CustomToolCall(_)
            | Item::Reasoning(_)
            | Item::ItemReference(_)
            | Item::Other(_) => return Ok(()),
        };
        let output_path = format!("{path}.output");
        let parts = parts::parts(&output_path, output, Speaker::User, &mut self.done.losses)?;
        self.done.messages.push(chat::Message::Tool(ToolMessage {
            content: parts::content(parts),
            tool_call_id: call_id,
            other: Fields::new(),
        }));
        self.done.origins.push(Origin::Item(at, "output"));
        Ok(())
    }

    fn lose(&mut self, kind: LossKind, field: impl Into<String>) {
        self.done.losses.push(Loss::new(kind, field));
    }
}

const fn is_result(item: &Item) -> bool {
    match item {
        Item::FunctionCallOutput(_) | Item::CustomToolCallOutput(_) => true,
        Item::Message(_)
        | Item::FunctionCall(_)
        | Item::CustomToolCall(_)
        | Item::Reasoning(_)
        | Item::ItemReference(_)
        | Item::Other(_) => false,
    }
}

fn function(path: &str, call: FunctionCall) -> Result<ToolCall, Unsupported> {
    no_others(path, &call.other)?;
    if call.namespace.is_some() {
        return Err(refused(format!("{path}.namespace"), "has no counterpart"));
    }
    Ok(ToolCall::function(call.call_id, call.name, call.arguments))
}

fn custom(path: &str, call: CustomToolCall) -> Result<ToolCall, Unsupported> {
    no_others(path, &call.other)?;
    Ok(ToolCall {
        custom: Some(CustomCall {
            input: call.input,
            name: call.name,
            other: Fields::new(),
        }),
        function: None,
        id: call.call_id,
        kind: ToolKind::Custom.into(),
        other: Fields::new(),
    })
}

pub(super) fn instructions(content: chat::Content) -> InstructionMessage {
    InstructionMessage {
        content,
        name: None,
        other: Fields::new(),
    }
}
