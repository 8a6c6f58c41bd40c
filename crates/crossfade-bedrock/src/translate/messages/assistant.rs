//! What the assistant said: text, refusals, calls.

use crossfade_exchange::{LossKind, Unsupported};
use crossfade_openai::chat::{AssistantMessage, Content, ContentPart};
use serde_json::Value;

use super::{
    super::{
        context::{no_others, no_others_but, refused, stateful},
        thoughts::ToolTurn,
        tools::calls::{self, Call, Results},
    },
    Builder, History, placeholder,
};
use crate::converse::{Block, Speaker};

// === impl Builder ===

impl Builder<'_, '_> {
    pub(super) fn assistant(
        &mut self,
        path: &str,
        message: AssistantMessage,
    ) -> Result<(), Unsupported> {
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
            History::Kept => {
                if !calls.is_empty() && self.context.capabilities.result_alone {
                    self.say(path, Speaker::Assistant, std::mem::take(&mut blocks));
                    self.part_from_text(path);
                }
                blocks.extend(calls.iter().flat_map(Call::blocks));
            }
            History::Neutralised => {
                blocks.extend(calls.iter().map(|call| Block::Text(call.as_text())));
            }
        }
        self.say(path, Speaker::Assistant, blocks);
        if !calls.is_empty() {
            if self.history == History::Kept {
                self.done.tool_turns.push(ToolTurn {
                    at: self.done.turns.len().saturating_sub(1),
                    calls: calls.iter().map(|call| call.id().to_owned()).collect(),
                });
            }
            self.open = Some(Results::new(path, calls));
        }
        Ok(())
    }

    /// Before calls that must be alone in their turn, like their results: ends the assistant's turn that is open.
    fn part_from_text(&mut self, path: &str) {
        let last = self.done.turns.last().map(|turn| turn.role);
        if last == Some(Speaker::Assistant) {
            self.context.lose(LossKind::PlaceholderInserted, path);
            self.done.turns.push(placeholder(Speaker::User));
        }
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
            ContentPart::Text(part) => self.text_part(path, part, blocks),
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

    fn refusal(&mut self, path: &str, refusal: String, blocks: &mut Vec<Block>) {
        if !refusal.is_empty() {
            self.context.lose(LossKind::RefusalAsText, path);
            self.text(path, refusal, blocks);
        }
    }
}
