//! What tools said: text, and pictures and documents where another wire's results hold them.

use crossfade_exchange::{LossKind, Unsupported};
use crossfade_openai::chat::{Content, ToolMessage};

use super::{
    super::{
        context::{no_others_but, refused},
        tools::calls::{Results, Said},
    },
    Builder, History,
};
use crate::converse::{Block, Message as Turn, Speaker};

// === impl Builder ===

impl Builder<'_, '_> {
    pub(super) fn tool(&mut self, path: &str, message: ToolMessage) -> Result<(), Unsupported> {
        self.spoken = true;
        no_others_but(path, &message.other, &["name"])?;
        let named = message.other.get("name");
        if named.is_some_and(|name| !name.is_null()) {
            let field = format!("{path}.name");
            self.context.lose(LossKind::NameDropped, field);
        }
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
        let Some(open) = self.open.as_mut() else {
            return Err(refused(path, "a tool's result without its call"));
        };
        open.add(path, &message.tool_call_id, Said::of(blocks), self.context)
    }

    /// The results of one turn's calls in one turn, and beside them what a result cannot hold.
    pub(super) fn results(&mut self, open: Results) -> Result<(), Unsupported> {
        let path = open.path().to_owned();
        let (blocks, beside) = match self.history {
            History::Kept => open.into_blocks(self.context)?,
            History::Neutralised => {
                let field = format!("{path}.tool_calls");
                self.context.lose(LossKind::ToolHistoryNeutralised, field);
                open.into_texts()?
            }
        };
        self.done.turns.push(Turn {
            role: Speaker::User,
            content: blocks,
        });
        let of_other_kinds = |block: &Block| !matches!(block, Block::CachePoint(_));
        if beside.iter().any(of_other_kinds) {
            self.say(&path, Speaker::User, beside);
        }
        Ok(())
    }
}
