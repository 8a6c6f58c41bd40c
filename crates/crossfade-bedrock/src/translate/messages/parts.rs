//! Text, the part that every role's messages may hold.

use crossfade_exchange::{LossKind, Unsupported};
use crossfade_openai::chat::{Content, ContentPart, TextPart};
use serde_json::Value;

use super::{
    super::{
        cache,
        context::{no_others, refused},
    },
    Builder,
};
use crate::converse::Block;

// === impl Builder ===

impl Builder<'_, '_> {
    /// Text that is not blank becomes a block. Empty text says nothing, so nothing is lost with it.
    pub(super) fn text(&mut self, path: &str, text: String, blocks: &mut Vec<Block>) {
        if !text.trim().is_empty() {
            blocks.push(Block::Text(text));
        } else if !text.is_empty() {
            self.context.lose(LossKind::BlankDropped, path);
        }
    }

    /// A part of text, with its mark for the cache.
    pub(super) fn text_part(
        &mut self,
        path: &str,
        part: TextPart,
        blocks: &mut Vec<Block>,
    ) -> Result<(), Unsupported> {
        no_others(path, &part.other)?;
        self.text(path, part.text, blocks);
        self.cache_point(path, part.prompt_cache_breakpoint.as_ref(), blocks);
        Ok(())
    }

    /// A mark for the cache after a part; after nothing it marks nothing.
    pub(super) fn cache_point(
        &mut self,
        path: &str,
        hint: Option<&Value>,
        blocks: &mut Vec<Block>,
    ) {
        if matches!(blocks.last(), None | Some(Block::CachePoint(_))) {
            let field = format!("{path}.prompt_cache_breakpoint");
            self.context.drop_hint(&field, hint);
            return;
        }
        let point = cache::point(path, hint, self.context);
        blocks.extend(point.map(Block::CachePoint));
    }

    /// Content that may hold text only.
    pub(super) fn texts(
        &mut self,
        path: &str,
        content: Content,
    ) -> Result<Vec<Block>, Unsupported> {
        let mut blocks = Vec::new();
        match content {
            Content::Text(text) => self.text(path, text, &mut blocks),
            Content::Parts(parts) => {
                for (index, part) in parts.into_iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    let ContentPart::Text(part) = part else {
                        return Err(refused(path, "not text"));
                    };
                    self.text_part(&path, part, &mut blocks)?;
                }
            }
        }
        Ok(blocks)
    }
}
