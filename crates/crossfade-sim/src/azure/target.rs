//! Which operation and deployment a path means: enough of Azure's routing to answer as it does.

use crate::openai::responses::Part;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Chat,
    Embeddings,
    Models,
    Files,
    /// The collection of responses.
    Responses,
    /// One response, or a part of it.
    Response(Part),
    InputTokens,
    Unknown,
}

/// A parsed request target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) operation: Operation,
    /// The deployment in the path; on v1 paths it stands in the body.
    pub(super) deployment: Option<String>,
    /// The response that a path names.
    pub(super) id: Option<String>,
    /// The query, as it came.
    query: String,
    /// A dated path without `api-version`.
    pub(super) lacks_version: bool,
}

// === impl Target ===

impl Target {
    /// Whether the query has this pair.
    pub(super) fn asks(&self, name: &str, value: &str) -> bool {
        self.parameter(name) == Some(value)
    }

    /// A number in the query.
    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.parameter(name)?.parse().ok()
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }
}

/// Parses a path with its query. Doubled slashes count as one, as on the real service.
pub(super) fn parse(target: &str) -> Target {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let segments: Vec<String> = path
        .split('/')
        .filter(|s| !s.is_empty())
        .map(decode)
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let target = |operation| Target {
        operation,
        deployment: None,
        id: None,
        query: query.to_owned(),
        lacks_version: false,
    };
    let lacks_version = target(Operation::Unknown)
        .parameter("api-version")
        .is_none_or(str::is_empty);
    let dated = |operation, deployment: Option<&str>| Target {
        deployment: deployment.map(str::to_owned),
        lacks_version,
        ..target(operation)
    };
    match segments.as_slice() {
        ["openai", "deployments", name, "chat", "completions"] => {
            dated(Operation::Chat, Some(name))
        }
        ["openai", "deployments", name, "embeddings"] => dated(Operation::Embeddings, Some(name)),
        ["openai", "deployments", name, ..] => dated(Operation::Unknown, Some(name)),
        ["openai", "v1", "responses", rest @ ..] => of_responses(rest, target(Operation::Unknown)),
        ["openai", "v1", "chat", "completions"] => target(Operation::Chat),
        ["openai", "v1", "embeddings"] => target(Operation::Embeddings),
        ["openai", "v1", "models"] => target(Operation::Models),
        ["openai", "v1", "files"] => target(Operation::Files),
        ["openai", "responses", rest @ ..] => of_responses(rest, dated(Operation::Unknown, None)),
        ["openai", "models"] => dated(Operation::Models, None),
        ["openai", "files"] => dated(Operation::Files, None),
        _ => target(Operation::Unknown),
    }
}

fn of_responses(rest: &[&str], target: Target) -> Target {
    let (operation, id) = match (rest, Part::parse(rest)) {
        ([], _) => (Operation::Responses, None),
        (["input_tokens"], _) => (Operation::InputTokens, None),
        (_, Some((part, id))) => (Operation::Response(part), Some(id)),
        (_, None) => (Operation::Unknown, None),
    };
    Target {
        operation,
        id: id.map(str::to_owned),
        ..target
    }
}

/// Undoes percent-escapes; what is no escape stays.
fn decode(segment: &str) -> String {
    let mut bytes = segment.bytes();
    let mut out = Vec::with_capacity(segment.len());
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let escape = (byte == b'%')
            .then(|| Some((digit(ahead.next()?)?, digit(ahead.next()?)?)))
            .flatten();
        match escape {
            Some((high, low)) => {
                out.push(high << 4 | low);
                bytes = ahead;
            }
            None => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|d| u8::try_from(d).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(target: &str, operation: Operation, deployment: Option<&str>, lacks_version: bool) {
        let found = parse(target);
        assert_eq!(
            (
                found.operation,
                found.deployment.as_deref(),
                found.lacks_version
            ),
            (operation, deployment, lacks_version),
            "{target}"
        );
    }

    #[test]
    fn paths_are_understood_as_azure_does() {
        use Operation::{Chat, Embeddings, Files, Models, Unknown};
        let v = "api-version=2024-10-21";
        check(
            &format!("/openai/deployments/d/chat/completions?{v}"),
            Chat,
            Some("d"),
            false,
        );
        check(
            &format!("//openai//deployments/d.1%2Dx/chat/completions/?a=b&{v}"),
            Chat,
            Some("d.1-x"),
            false,
        );
        check(
            "/openai/deployments/d%/chat/completions",
            Chat,
            Some("d%"),
            true,
        );
        check(
            "/openai/deployments/d/embeddings?api-version=",
            Embeddings,
            Some("d"),
            true,
        );
        check(
            "/openai/deployments/d/images/generations",
            Unknown,
            Some("d"),
            true,
        );
        check("/openai/v1/chat/completions", Chat, None, false);
        check(
            "/openai/v1/embeddings?api-version=preview",
            Embeddings,
            None,
            false,
        );
        check("/openai/models", Models, None, true);
        check("/openai/v1/models", Models, None, false);
        check("/openai/v1/files", Files, None, false);
        check("/", Unknown, None, false);
        check("/v1/chat/completions", Unknown, None, false);
    }

    #[test]
    fn paths_of_responses_are_understood() {
        use Operation::{InputTokens, Response, Responses, Unknown};
        let v = "api-version=2025-03-01-preview";
        check("/openai/responses", Responses, None, true);
        check(
            &format!("/openai/responses/input_tokens?{v}"),
            InputTokens,
            None,
            false,
        );
        check(
            "/openai/v1/responses/resp_1",
            Response(Part::Whole),
            None,
            false,
        );
        check(
            "/openai/v1/responses/resp_1/cancel",
            Response(Part::Cancel),
            None,
            false,
        );
        check(
            "/openai/v1/responses/resp_1/input_items",
            Response(Part::InputItems),
            None,
            false,
        );
        check("/openai/v1/responses/resp_1/other", Unknown, None, false);
        let kept = parse("/openai/v1/responses/resp_1?stream=true&starting_after=4");
        assert_eq!(kept.id.as_deref(), Some("resp_1"));
        assert!(kept.asks("stream", "true") && !kept.asks("stream", "false"));
        assert_eq!(kept.number("starting_after"), Some(4));
    }
}
