//! Where a body names something behind a URL, and what is put in its place. Both wires are looked at: a body is of one of them,
//! and neither has the other's fields.

use serde_json::{Map, Value};

use super::content::Want;

/// One URL of a body.
pub(super) struct Found<'b> {
    /// The path of the field.
    pub(super) field: String,
    want: Want,
    /// The object that holds the URL, and under which name.
    holder: &'b mut Map<String, Value>,
    name: &'static str,
}

/// Whether a body may name a URL at all: most do not, and are not read for it.
pub(super) fn may_have(body: &[u8]) -> bool {
    let has = |word: &str| std::str::from_utf8(body).is_ok_and(|text| text.contains(word));
    (has("image_url") || has("file_url")) && (has("http") || has("HTTP") || has("Http"))
}

/// All URLs, in the body's order. What stands inline (`data:`) is not among them.
pub(super) fn found(body: &mut Value) -> Vec<Found<'_>> {
    let mut all = Vec::new();
    let Value::Object(fields) = body else {
        return all;
    };
    for (list, entries) in fields.iter_mut() {
        let members: &[&str] = match list.as_str() {
            "messages" => &["content"],
            "input" => &["content", "output"],
            _ => continue,
        };
        let Value::Array(entries) = entries else {
            continue;
        };
        for (at, entry) in entries.iter_mut().enumerate() {
            let Value::Object(entry) = entry else {
                continue;
            };
            for (member, parts) in entry.iter_mut() {
                if members.contains(&member.as_str())
                    && let Value::Array(parts) = parts
                {
                    for (part_at, part) in parts.iter_mut().enumerate() {
                        let path = format!("{list}[{at}].{member}[{part_at}]");
                        all.extend(in_part(&path, part));
                    }
                }
            }
        }
    }
    all
}

fn in_part<'b>(path: &str, part: &'b mut Value) -> Option<Found<'b>> {
    let Value::Object(part) = part else {
        return None;
    };
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
    let (field, want, holder, name) = match kind {
        "image_url" => {
            let nested = part.get_mut("image_url")?.as_object_mut()?;
            (format!("{path}.image_url.url"), Want::Image, nested, "url")
        }
        "input_image" => (format!("{path}.image_url"), Want::Image, part, "image_url"),
        "input_file" => (format!("{path}.file_url"), Want::File, part, "file_url"),
        _ => return None,
    };
    let url = holder.get(name)?.as_str()?;
    let is_inline = url
        .trim_start()
        .get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
    (!is_inline).then_some(Found {
        field,
        want,
        holder,
        name,
    })
}

// === impl Found ===

impl Found<'_> {
    /// The URL.
    pub(super) fn url(&self) -> &str {
        self.holder
            .get(self.name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// What should be there.
    pub(super) const fn want(&self) -> Want {
        self.want
    }

    /// Puts the content in the URL's place; a file without a name gets `name`.
    pub(super) fn replace(self, data_uri: String, name: Option<&str>) {
        match self.want {
            Want::Image => {
                self.holder
                    .insert(self.name.to_owned(), Value::String(data_uri));
            }
            Want::File => {
                self.holder.shift_remove(self.name);
                self.holder
                    .insert("file_data".to_owned(), Value::String(data_uri));
                let is_named = self.holder.get("filename").is_some_and(Value::is_string);
                if let Some(name) = name.filter(|_| !is_named) {
                    self.holder
                        .insert("filename".to_owned(), Value::String(name.to_owned()));
                }
            }
        }
    }
}
