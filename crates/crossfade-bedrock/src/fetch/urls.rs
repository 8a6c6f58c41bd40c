//! Where a chat request names something behind a URL, and what is put in its place.

use crossfade_openai::chat::{Content, ContentPart, File, Message, Request};
use serde_json::Value;

use super::content::Want;

/// One URL of a request.
pub(super) struct Found<'r> {
    /// The path of the field.
    pub(super) field: String,
    place: Place<'r>,
}

enum Place<'r> {
    Image(&'r mut String),
    File(&'r mut File),
}

/// The member of a file that names a URL; the Responses wire has it.
const FILE_URL: &str = "file_url";

/// All URLs, in the conversation's order. What stands inline (`data:`) or names no URL is not among them.
pub(super) fn found(request: &mut Request) -> Vec<Found<'_>> {
    let mut all = Vec::new();
    for (at, message) in request.messages.iter_mut().enumerate() {
        let content = match message {
            Message::User(message) => &mut message.content,
            Message::Tool(message) => &mut message.content,
            Message::System(_)
            | Message::Developer(_)
            | Message::Assistant(_)
            | Message::Function(_)
            | Message::Other(_) => continue,
        };
        let Content::Parts(parts) = content else {
            continue;
        };
        for (part_at, part) in parts.iter_mut().enumerate() {
            let path = format!("messages[{at}].content[{part_at}]");
            match part {
                ContentPart::ImageUrl(part) if is_remote(&part.image_url.url) => all.push(Found {
                    field: format!("{path}.image_url.url"),
                    place: Place::Image(&mut part.image_url.url),
                }),
                ContentPart::File(part) if file_url(&part.file).is_some() => all.push(Found {
                    field: format!("{path}.file.{FILE_URL}"),
                    place: Place::File(&mut part.file),
                }),
                ContentPart::ImageUrl(_)
                | ContentPart::File(_)
                | ContentPart::Text(_)
                | ContentPart::Refusal(_)
                | ContentPart::InputAudio(_)
                | ContentPart::Other(_) => {}
            }
        }
    }
    all
}

/// Everything but a data URI names a place: what is not fetched must be refused, not sent on.
fn is_remote(url: &str) -> bool {
    !url.trim_start()
        .get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}

fn file_url(file: &File) -> Option<&str> {
    file.other.get(FILE_URL).and_then(Value::as_str)
}

// === impl Found ===

impl Found<'_> {
    /// The URL.
    pub(super) fn url(&self) -> &str {
        match &self.place {
            Place::Image(url) => url,
            Place::File(file) => file_url(file).unwrap_or_default(),
        }
    }

    /// What should be there.
    pub(super) const fn want(&self) -> Want {
        match self.place {
            Place::Image(_) => Want::Image,
            Place::File(_) => Want::File,
        }
    }

    /// Puts the content in the URL's place; a file without a name gets `name`.
    pub(super) fn replace(self, data_uri: String, name: Option<&str>) {
        match self.place {
            Place::Image(url) => *url = data_uri,
            Place::File(file) => {
                file.other.shift_remove(FILE_URL);
                file.file_data = Some(data_uri);
                if file.filename.is_none() {
                    file.filename = name.map(str::to_owned);
                }
            }
        }
    }
}
