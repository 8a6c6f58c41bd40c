//! Parts of messages and of tools' results, from the one wire to the other.

use crossfade_exchange::{Loss, LossKind, Unsupported};
use crossfade_openai::{
    chat::{self, ContentPart, Fields},
    responses::{Content, InputFilePart, InputImagePart, Part},
};
use serde_json::Value;

use super::refuse::{no_others, refused, stateful};

/// Whose content it is: not everybody may say everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    /// The user, or a tool: text, pictures, files, sound.
    User,
    /// The model: text and refusals.
    Model,
    /// Instructions: text.
    Instructions,
}

/// Content as parts of chat.
pub(super) fn parts(
    path: &str,
    content: Content,
    speaker: Speaker,
    losses: &mut Vec<Loss>,
) -> Result<Vec<ContentPart>, Unsupported> {
    match content {
        Content::Text(text) => Ok(vec![text_part(text, None)]),
        Content::Parts(parts) => parts
            .into_iter()
            .enumerate()
            .map(|(at, part)| one(&format!("{path}[{at}]"), part, speaker, losses))
            .collect(),
    }
}

/// Parts as content: one plain text as such.
pub(super) fn content(mut parts: Vec<ContentPart>) -> chat::Content {
    match parts.as_mut_slice() {
        [ContentPart::Text(part)] if part.prompt_cache_breakpoint.is_none() => {
            chat::Content::Text(std::mem::take(&mut part.text))
        }
        _ => chat::Content::Parts(parts),
    }
}

fn one(
    path: &str,
    part: Part,
    speaker: Speaker,
    losses: &mut Vec<Loss>,
) -> Result<ContentPart, Unsupported> {
    let is_media = matches!(
        part,
        Part::InputImage(_) | Part::InputFile(_) | Part::InputAudio(_)
    );
    if is_media && speaker != Speaker::User {
        return Err(refused(path, "not a part that stands here"));
    }
    Ok(match part {
        Part::InputText(part) => {
            no_others(path, &part.other)?;
            text_part(part.text, part.prompt_cache_breakpoint)
        }
        Part::OutputText(part) => {
            no_others(path, &part.other)?;
            if !part.annotations.is_empty() {
                losses.push(Loss::new(
                    LossKind::HintDropped,
                    format!("{path}.annotations"),
                ));
            }
            text_part(part.text, None)
        }
        Part::Refusal(part) if speaker == Speaker::Model => {
            no_others(path, &part.other)?;
            ContentPart::Refusal(chat::RefusalPart {
                refusal: part.refusal,
                other: Fields::new(),
            })
        }
        Part::InputImage(part) => image(path, part)?,
        Part::InputFile(part) => file(path, part)?,
        Part::InputAudio(part) => {
            no_others(path, &part.other)?;
            ContentPart::InputAudio(chat::InputAudioPart {
                input_audio: part.input_audio,
                prompt_cache_breakpoint: None,
                other: Fields::new(),
            })
        }
        Part::Refusal(_) | Part::Other(_) => {
            return Err(refused(path, "not a part that stands here"));
        }
    })
}

fn image(path: &str, part: InputImagePart) -> Result<ContentPart, Unsupported> {
    no_others(path, &part.other)?;
    if part.file_id.is_some() {
        return Err(stateful(format!("{path}.file_id")));
    }
    let url = part
        .image_url
        .ok_or_else(|| refused(format!("{path}.image_url"), "missing"))?;
    Ok(ContentPart::ImageUrl(chat::ImageUrlPart {
        image_url: chat::ImageUrl {
            url,
            detail: part.detail,
            other: Fields::new(),
        },
        prompt_cache_breakpoint: part.prompt_cache_breakpoint,
        other: Fields::new(),
    }))
}

fn file(path: &str, part: InputFilePart) -> Result<ContentPart, Unsupported> {
    no_others(path, &part.other)?;
    if part.file_id.is_some() {
        return Err(stateful(format!("{path}.file_id")));
    }
    let mut other = Fields::new();
    match (&part.file_data, part.file_url) {
        (None, None) => return Err(refused(format!("{path}.file_data"), "missing")),
        (Some(_), None) => {}
        // Chat has no such member: it is fetched, or refused by this name.
        (_, Some(url)) => {
            other.insert("file_url".to_owned(), Value::String(url));
        }
    }
    Ok(ContentPart::File(chat::FilePart {
        file: chat::File {
            file_data: part.file_data,
            file_id: None,
            filename: part.filename,
            other,
        },
        prompt_cache_breakpoint: part.prompt_cache_breakpoint,
        other: Fields::new(),
    }))
}

fn text_part(text: String, prompt_cache_breakpoint: Option<Value>) -> ContentPart {
    ContentPart::Text(chat::TextPart {
        text,
        prompt_cache_breakpoint,
        other: Fields::new(),
    })
}
