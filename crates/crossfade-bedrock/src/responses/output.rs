//! Messages as items: each thing that is said, called or answered is an item of its own.

use std::collections::{HashMap, HashSet};

use crossfade_exchange::{Loss, LossKind, Unsupported};
use crossfade_openai::{
    chat::{self, ContentPart, Fields, Message},
    responses::{
        self, CallOutput, Content, CustomToolCall, CustomToolCallType, CustomToolOutput,
        CustomToolOutputType, FunctionCall, FunctionOutputType, InputAudioPart, InputFilePart,
        InputImagePart, InputTextPart, Item, MessageType, OutputTextPart, Part, Reasoning, Role,
    },
};
use serde_json::Value;

use super::{
    Sealer,
    refuse::{no_others, refused, stateful},
    seal::SealedReasoning,
};

/// The member of a kept thought that holds encrypted reasoning.
pub(super) const ENCRYPTED: &str = "encryptedContent";

/// The longest id of a call on this wire.
const LONGEST_CALL_ID: usize = 64;

/// What the model thought before a call, by the call's id.
pub(crate) type Thoughts<'a> = &'a dyn Fn(&str) -> Option<Vec<Value>>;

/// What clients send back of an answer beside what it said: no part of the conversation.
const HARMLESS: [&str; 6] = [
    "annotations",
    "parsed",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "function_call",
];

/// Translates messages; also gives the message that each item was made of.
pub(super) fn items(
    messages: Vec<Message>,
    thoughts: Thoughts<'_>,
    sealer: Option<&Sealer>,
    losses: &mut Vec<Loss>,
) -> Result<(Vec<Item>, Vec<usize>), Unsupported> {
    if messages.is_empty() {
        return Err(refused("messages", "empty"));
    }
    let mut builder = Builder {
        thoughts,
        sealer,
        losses,
        items: Vec::new(),
        custom: HashSet::new(),
        legacy: HashMap::new(),
    };
    let mut origins = Vec::new();
    for (at, message) in messages.into_iter().enumerate() {
        builder.message(at, message)?;
        origins.resize(builder.items.len(), at);
    }
    Ok((builder.items, origins))
}

struct Builder<'b> {
    thoughts: Thoughts<'b>,
    sealer: Option<&'b Sealer>,
    losses: &'b mut Vec<Loss>,
    items: Vec<Item>,
    /// The calls of custom tools, whose results are another kind of item.
    custom: HashSet<String>,
    /// The last call of each function in the older form, which knows no ids.
    legacy: HashMap<String, String>,
}

// === impl Builder ===

impl Builder<'_> {
    fn message(&mut self, at: usize, message: Message) -> Result<(), Unsupported> {
        let path = format!("messages[{at}]");
        match message {
            Message::System(message) => self.instruction(&path, message, Role::System),
            Message::Developer(message) => self.instruction(&path, message, Role::Developer),
            Message::User(message) => {
                no_others(&path, &message.other)?;
                self.drop_name(&path, message.name.as_ref());
                let content = Self::content(&path, message.content, Role::User)?;
                self.say(Role::User, content);
                Ok(())
            }
            Message::Assistant(message) => self.assistant(at, &path, message),
            Message::Tool(message) => {
                no_others(&path, &message.other)?;
                let id = self.call_id(&path, message.tool_call_id);
                let output = Self::content(&path, message.content, Role::User)?;
                self.items.push(self.result(id, output));
                Ok(())
            }
            Message::Function(message) => {
                no_others(&path, &message.other)?;
                let id = self.legacy.get(&message.name).cloned();
                let id = id.ok_or_else(|| refused(format!("{path}.name"), "no call before it"))?;
                let output = Content::Text(message.content.unwrap_or_default());
                self.items.push(self.result(id, output));
                Ok(())
            }
            Message::Other(_) => Err(refused(path, "not a message that is known here")),
        }
    }

    fn instruction(
        &mut self,
        path: &str,
        message: chat::InstructionMessage,
        role: Role,
    ) -> Result<(), Unsupported> {
        no_others(path, &message.other)?;
        self.drop_name(path, message.name.as_ref());
        let content = Self::content(path, message.content, role)?;
        self.say(role, content);
        Ok(())
    }

    fn assistant(
        &mut self,
        at: usize,
        path: &str,
        message: chat::AssistantMessage,
    ) -> Result<(), Unsupported> {
        let mut others = message.other;
        for name in HARMLESS {
            let beside = others.shift_remove(name);
            let is_nothing = beside
                .is_none_or(|value| value.is_null() || value.as_array().is_some_and(Vec::is_empty));
            if !is_nothing {
                self.lose(LossKind::HintDropped, format!("{path}.{name}"));
            }
        }
        no_others(path, &others)?;
        self.drop_name(path, message.name.as_ref());
        if message.audio.is_some() {
            return Err(stateful(format!("{path}.audio")));
        }
        if message.context.is_some() {
            self.lose(LossKind::HintDropped, format!("{path}.context"));
        }
        let content = message
            .content
            .map(|content| Self::content(path, content, Role::Assistant));
        if let Some(content) = content.transpose()?.filter(|content| !is_empty(content)) {
            self.say(Role::Assistant, content);
        }
        if let Some(refusal) = message.refusal {
            self.say(
                Role::Assistant,
                Content::Parts(vec![Part::refusal(refusal)]),
            );
        }
        self.think(message.tool_calls.iter().flatten());
        for (call_at, call) in message.tool_calls.into_iter().flatten().enumerate() {
            self.call(&format!("{path}.tool_calls[{call_at}]"), call)?;
        }
        if let Some(call) = message.function_call {
            no_others(&format!("{path}.function_call"), &call.other)?;
            let id = format!("call_{at}");
            self.legacy.insert(call.name.clone(), id.clone());
            self.items.push(function(id, call));
        }
        Ok(())
    }

    /// The encrypted reasoning that led to the calls, where it is at hand. It is one turn's: each call knows all of it.
    fn think<'c>(&mut self, mut calls: impl Iterator<Item = &'c chat::ToolCall>) {
        let thoughts = calls.find_map(|call| (self.thoughts)(&call.id));
        for thought in thoughts.into_iter().flatten() {
            let Some(encrypted) = thought.get(ENCRYPTED).and_then(Value::as_str) else {
                continue;
            };
            // Sealed as a caller would send it back: whoever sends the request opens both alike.
            let Some(sealer) = self.sealer else {
                continue;
            };
            let reasoning = SealedReasoning::Encrypted(encrypted.to_owned());
            self.items.push(Item::Reasoning(Reasoning {
                encrypted_content: Some(sealer.seal_reasoning(&reasoning)),
                ..Reasoning::default()
            }));
        }
    }

    fn call(&mut self, path: &str, call: chat::ToolCall) -> Result<(), Unsupported> {
        no_others(path, &call.other)?;
        let id = self.call_id(path, call.id);
        let item = match (call.function, call.custom) {
            (Some(call), _) => {
                no_others(&format!("{path}.function"), &call.other)?;
                function(id, call)
            }
            (None, Some(call)) => {
                no_others(&format!("{path}.custom"), &call.other)?;
                self.custom.insert(id.clone());
                Item::CustomToolCall(CustomToolCall {
                    id: None,
                    kind: CustomToolCallType::Word,
                    status: None,
                    call_id: id,
                    input: call.input,
                    name: call.name,
                    other: Fields::new(),
                })
            }
            (None, None) => return Err(refused(path, "not a call that is known here")),
        };
        self.items.push(item);
        Ok(())
    }

    fn result(&self, call_id: String, output: Content) -> Item {
        if self.custom.contains(&call_id) {
            Item::CustomToolCallOutput(CustomToolOutput {
                id: None,
                kind: CustomToolOutputType::Word,
                call_id,
                output,
                other: Fields::new(),
            })
        } else {
            Item::FunctionCallOutput(CallOutput {
                id: None,
                kind: FunctionOutputType::Word,
                status: None,
                call_id,
                output,
                other: Fields::new(),
            })
        }
    }

    fn say(&mut self, role: Role, content: Content) {
        self.items.push(Item::Message(responses::Message {
            id: None,
            kind: MessageType::Word,
            status: None,
            content,
            phase: None,
            role: role.into(),
            other: Fields::new(),
        }));
    }

    fn content(path: &str, content: chat::Content, role: Role) -> Result<Content, Unsupported> {
        let parts = match content {
            chat::Content::Text(text) => return Ok(Content::Text(text)),
            chat::Content::Parts(parts) => parts,
        };
        let parts = parts.into_iter().enumerate();
        let parts = parts.map(|(at, part)| {
            let path = format!("{path}.content[{at}]");
            match role {
                Role::User => user_part(&path, part),
                Role::System | Role::Developer => text_part(&path, part),
                Role::Assistant => said_part(&path, part),
            }
        });
        parts.collect::<Result<_, _>>().map(Content::Parts)
    }

    /// An id that this wire takes: a longer one is replaced by one that always follows from it.
    fn call_id(&mut self, path: &str, id: String) -> String {
        if (1..=LONGEST_CALL_ID).contains(&id.len()) {
            return id;
        }
        self.lose(LossKind::ToolIdMapped, path);
        let digits = blake3::hash(id.as_bytes()).to_hex();
        format!("call_{}", digits.get(..32).unwrap_or_default())
    }

    fn drop_name(&mut self, path: &str, name: Option<&String>) {
        if name.is_some() {
            self.lose(LossKind::NameDropped, format!("{path}.name"));
        }
    }

    fn lose(&mut self, kind: LossKind, field: impl Into<String>) {
        self.losses.push(Loss::new(kind, field));
    }
}

fn is_empty(content: &Content) -> bool {
    match content {
        Content::Text(text) => text.is_empty(),
        Content::Parts(parts) => parts.is_empty(),
    }
}

fn function(call_id: String, call: chat::FunctionCall) -> Item {
    Item::FunctionCall(FunctionCall {
        call_id,
        name: call.name,
        arguments: call.arguments,
        ..FunctionCall::default()
    })
}

fn text_part(path: &str, part: ContentPart) -> Result<Part, Unsupported> {
    match part {
        ContentPart::Text(part) => {
            no_others(path, &part.other)?;
            Ok(Part::InputText(InputTextPart {
                text: part.text,
                prompt_cache_breakpoint: part.prompt_cache_breakpoint,
                other: Fields::new(),
            }))
        }
        ContentPart::Refusal(_)
        | ContentPart::ImageUrl(_)
        | ContentPart::InputAudio(_)
        | ContentPart::File(_)
        | ContentPart::Other(_) => Err(refused(path, "not a part that stands here")),
    }
}

fn said_part(path: &str, part: ContentPart) -> Result<Part, Unsupported> {
    match part {
        ContentPart::Text(part) => {
            no_others(path, &part.other)?;
            Ok(Part::OutputText(OutputTextPart {
                text: part.text,
                ..OutputTextPart::default()
            }))
        }
        ContentPart::Refusal(part) => {
            no_others(path, &part.other)?;
            Ok(Part::refusal(part.refusal))
        }
        ContentPart::ImageUrl(_)
        | ContentPart::InputAudio(_)
        | ContentPart::File(_)
        | ContentPart::Other(_) => Err(refused(path, "not a part that stands here")),
    }
}

fn user_part(path: &str, part: ContentPart) -> Result<Part, Unsupported> {
    Ok(match part {
        ContentPart::Text(_) | ContentPart::Refusal(_) | ContentPart::Other(_) => {
            return text_part(path, part);
        }
        ContentPart::ImageUrl(part) => {
            no_others(path, &part.other)?;
            no_others(&format!("{path}.image_url"), &part.image_url.other)?;
            Part::InputImage(InputImagePart {
                detail: part.image_url.detail,
                image_url: Some(part.image_url.url),
                prompt_cache_breakpoint: part.prompt_cache_breakpoint,
                ..InputImagePart::default()
            })
        }
        ContentPart::InputAudio(part) => {
            no_others(path, &part.other)?;
            Part::InputAudio(InputAudioPart {
                input_audio: part.input_audio,
                other: Fields::new(),
            })
        }
        ContentPart::File(part) => {
            no_others(path, &part.other)?;
            no_others(&format!("{path}.file"), &part.file.other)?;
            if part.file.file_id.is_some() {
                return Err(stateful(format!("{path}.file.file_id")));
            }
            Part::InputFile(InputFilePart {
                file_data: part.file.file_data,
                filename: part.file.filename,
                prompt_cache_breakpoint: part.prompt_cache_breakpoint,
                ..InputFilePart::default()
            })
        }
    })
}
