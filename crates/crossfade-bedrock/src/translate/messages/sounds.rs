//! Sound that the user sends, for models that hear.

use base64::{Engine, engine::general_purpose::STANDARD};
use crossfade_exchange::Unsupported;
use crossfade_openai::chat::InputAudio;

use super::super::context::{Context, no_others, refused};
use crate::{
    capabilities::SoundFormat,
    converse::{Audio, Bytes},
};

/// Translates one sound.
pub(super) fn sound(
    path: &str,
    sound: InputAudio,
    context: &mut Context<'_>,
) -> Result<Audio, Unsupported> {
    no_others(path, &sound.other)?;
    let heard = context.capabilities.audio;
    if heard.is_empty() {
        return Err(refused(path, "the candidate takes no sound"));
    }
    let format = match sound.format.as_str() {
        "wav" => Some(SoundFormat::Wav),
        "mp3" => Some(SoundFormat::Mp3),
        _ => None,
    };
    let Some(format) = format.filter(|format| heard.has(*format)) else {
        let field = format!("{path}.format");
        return Err(refused(field, "a format that the candidate does not take"));
    };
    if !STANDARD
        .decode(&sound.data)
        .is_ok_and(|bytes| !bytes.is_empty())
    {
        return Err(refused(
            format!("{path}.data"),
            "empty, or not valid base64",
        ));
    }
    Ok(Audio {
        format: format.as_str(),
        source: Bytes { bytes: sound.data },
    })
}
