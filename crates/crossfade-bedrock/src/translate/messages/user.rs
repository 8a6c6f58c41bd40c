//! What the user says: text, pictures, documents, sound.

use crossfade_exchange::{LossKind, Unsupported};
use crossfade_openai::chat::{Content, ContentPart, UserMessage};

use super::{
    super::context::{no_others, refused},
    Builder, documents, images, sounds,
};
use crate::converse::{Block, Speaker};

// === impl Builder ===

impl Builder<'_, '_> {
    pub(super) fn user(&mut self, path: &str, message: UserMessage) -> Result<(), Unsupported> {
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

    pub(super) fn user_part(
        &mut self,
        path: &str,
        part: ContentPart,
        blocks: &mut Vec<Block>,
    ) -> Result<(), Unsupported> {
        let (block, mark) = match part {
            ContentPart::Text(part) => return self.text_part(path, part, blocks),
            ContentPart::ImageUrl(part) => {
                no_others(path, &part.other)?;
                let image = images::image(path, &part.image_url, self.context)?;
                (Block::Image(image), part.prompt_cache_breakpoint)
            }
            ContentPart::File(part) => {
                no_others(path, &part.other)?;
                let path = format!("{path}.file");
                let file = documents::file(&path, &part.file, self.context)?;
                (file, part.prompt_cache_breakpoint)
            }
            ContentPart::InputAudio(part) => {
                no_others(path, &part.other)?;
                let path = format!("{path}.input_audio");
                let sound = sounds::sound(&path, part.input_audio, self.context)?;
                (Block::Audio(sound), part.prompt_cache_breakpoint)
            }
            ContentPart::Refusal(_) | ContentPart::Other(_) => {
                return Err(refused(path, "not a part that is known here"));
            }
        };
        blocks.push(block);
        self.cache_point(path, mark.as_ref(), blocks);
        Ok(())
    }
}
