//! From a chat request's fields back to those of the Responses request that it was made of: losses and refusals name what
//! the caller wrote.

use crossfade_exchange::{Loss, Unsupported};

/// Where the messages of a chat request came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Paths {
    /// One for each message.
    pub(super) messages: Vec<Origin>,
}

/// Where one message came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The `instructions`.
    Instructions,
    /// The `input`, as plain text.
    Text,
    /// One item, and the name of its content.
    Item(usize, &'static str),
    /// A turn of the model's: item and part of each part of the content, and the item of each call.
    Turn {
        at: usize,
        parts: Vec<(usize, usize)>,
        calls: Vec<usize>,
    },
}

/// Fields by another name, and what they are within.
const RENAMED: [(&str, &str); 9] = [
    ("max_completion_tokens", "max_output_tokens"),
    ("max_tokens", "max_output_tokens"),
    ("response_format.json_schema", "text.format"),
    ("response_format", "text.format"),
    ("reasoning_effort", "reasoning.effort"),
    ("verbosity", "text.verbosity"),
    ("tool_choice.function", "tool_choice"),
    ("tool_choice.custom", "tool_choice"),
    ("tool_choice.allowed_tools", "tool_choice"),
];

// === impl Paths ===

impl Paths {
    /// The loss as the caller's field.
    pub(crate) fn loss(&self, mut loss: Loss) -> Loss {
        loss.field = self.field(&loss.field);
        loss
    }

    /// The refusal as the caller's field.
    pub(crate) fn refusal(&self, mut refusal: Unsupported) -> Unsupported {
        refusal.field = self.field(&refusal.field);
        refusal
    }

    /// The caller's field for one of the chat request's.
    pub(crate) fn field(&self, field: &str) -> String {
        if field == "messages" {
            return "input".to_owned();
        }
        if let Some((at, rest)) = indexed(field, "messages") {
            return self
                .messages
                .get(at)
                .map_or_else(|| "input".to_owned(), |origin| origin.field(rest));
        }
        if let Some((at, rest)) = indexed(field, "tools") {
            return format!("tools[{at}]{}", flat(rest));
        }
        let renamed = RENAMED.iter().find_map(|(chat, ours)| {
            let rest = field.strip_prefix(chat)?;
            (rest.is_empty() || rest.starts_with(['.', '['])).then(|| format!("{ours}{rest}"))
        });
        renamed.unwrap_or_else(|| field.to_owned())
    }
}

// === impl Origin ===

impl Origin {
    fn field(&self, rest: &str) -> String {
        match self {
            Self::Instructions => "instructions".to_owned(),
            Self::Text => "input".to_owned(),
            Self::Item(at, content) => {
                let base = format!("input[{at}]");
                if let Some((part, rest)) = indexed(rest, ".content") {
                    format!("{base}.{content}[{part}]{}", part_member(rest))
                } else if rest == ".content" {
                    format!("{base}.{content}")
                } else if rest == ".tool_call_id" {
                    format!("{base}.call_id")
                } else {
                    format!("{base}{rest}")
                }
            }
            Self::Turn { at, parts, calls } => {
                let part = indexed(rest, ".content");
                let part = part.and_then(|(part, rest)| Some((parts.get(part)?, rest)));
                let call = indexed(rest, ".tool_calls");
                let call = call.and_then(|(call, rest)| Some((calls.get(call)?, rest)));
                match (part, call) {
                    (Some(((item, part), rest)), _) => {
                        format!("input[{item}].content[{part}]{}", part_member(rest))
                    }
                    (None, Some((item, ".id"))) => format!("input[{item}].call_id"),
                    (None, Some((item, rest))) => format!("input[{item}]{}", flat(rest)),
                    (None, None) if rest.starts_with(".content") => format!("input[{at}].content"),
                    (None, None) => format!("input[{at}]"),
                }
            }
        }
    }
}

/// `name[3].rest` as 3 and `.rest`.
fn indexed<'f>(field: &'f str, name: &str) -> Option<(usize, &'f str)> {
    let (at, rest) = field
        .strip_prefix(name)?
        .strip_prefix('[')?
        .split_once(']')?;
    Some((at.parse().ok()?, rest))
}

/// What chat nests in an object by its kind is flat on this wire.
fn flat(rest: &str) -> String {
    [".function", ".custom"]
        .into_iter()
        .find_map(|nest| rest.strip_prefix(nest))
        .unwrap_or(rest)
        .to_owned()
}

fn part_member(rest: &str) -> String {
    match rest {
        ".image_url.url" => ".image_url".to_owned(),
        ".image_url.detail" => ".detail".to_owned(),
        _ => rest.strip_prefix(".file").unwrap_or(rest).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::too_many_lines, reason = "the cases are the lines of a table")]
    fn every_field_leads_back() {
        let paths = Paths {
            messages: vec![
                Origin::Instructions,
                Origin::Item(0, "content"),
                Origin::Turn {
                    at: 1,
                    parts: vec![(1, 0), (4, 1)],
                    calls: vec![2, 3],
                },
                Origin::Item(5, "output"),
            ],
        };
        for (chat, expected) in [
            ("messages", "input"),
            ("messages[0]", "instructions"),
            ("messages[0].content", "instructions"),
            ("messages[1]", "input[0]"),
            ("messages[1].content", "input[0].content"),
            (
                "messages[1].content[2].image_url.url",
                "input[0].content[2].image_url",
            ),
            (
                "messages[1].content[2].image_url.detail",
                "input[0].content[2].detail",
            ),
            (
                "messages[1].content[2].file.file_data",
                "input[0].content[2].file_data",
            ),
            ("messages[1].content[2].text", "input[0].content[2].text"),
            ("messages[2].content[1]", "input[4].content[1]"),
            ("messages[2].content[7]", "input[1].content"),
            ("messages[2].content", "input[1].content"),
            (
                "messages[2].tool_calls[1].function.arguments",
                "input[3].arguments",
            ),
            ("messages[2].tool_calls[0].custom.input", "input[2].input"),
            ("messages[2].tool_calls[0].id", "input[2].call_id"),
            ("messages[2]", "input[1]"),
            ("messages[3].content[0]", "input[5].output[0]"),
            ("messages[3].tool_call_id", "input[5].call_id"),
            ("messages[9].content", "input"),
            ("tools[3].function.parameters", "tools[3].parameters"),
            ("tools[3].custom.format", "tools[3].format"),
            ("tools", "tools"),
            ("tool_choice.function.name", "tool_choice.name"),
            ("response_format", "text.format"),
            ("response_format.json_schema.schema", "text.format.schema"),
            ("reasoning_effort", "reasoning.effort"),
            ("verbosity", "text.verbosity"),
            ("max_completion_tokens", "max_output_tokens"),
            ("temperature", "temperature"),
            ("(body)", "(body)"),
        ] {
            assert_eq!(paths.field(chat), expected, "{chat}");
        }
        let plain = Paths {
            messages: vec![Origin::Text],
        };
        assert_eq!(plain.field("messages[0].content"), "input");
    }
}
