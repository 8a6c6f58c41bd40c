//! Which operation a path asks for, and of which deployment.
//!
//! Only for routing: what is forwarded keeps the caller's own bytes. Nothing is rejected here; a path
//! that is not understood is [`Operation::Other`]. `api-version` is remembered and never judged.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

/// What is asked for. Operations that are never mirrored share one variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `chat/completions`.
    ChatCompletions,
    /// `completions`, the older text completion.
    Completions,
    /// `embeddings`.
    Embeddings,
    /// `responses` itself: a response is made, or stored ones are listed.
    Responses,
    /// `responses/{id}` and what stands below it: an operation on a response that somebody stored.
    StoredResponse,
    /// `responses/input_tokens`: the input is counted.
    CountInput,
    /// `responses/compact`: a conversation is made shorter.
    Compact,
    /// `models`, the list or one of it.
    Models,
    /// Everything else, unknown paths included.
    Other,
}

/// Which family of paths was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `/openai/deployments/{deployment}/…` and `/openai/…`, with `api-version` in the query.
    Dated,
    /// `/openai/v1/…`: the deployment stands in the body's `model`.
    V1,
    /// No path of Azure OpenAI.
    Other,
}

/// What a path and query ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The operation.
    pub operation: Operation,
    /// The family of paths.
    pub dialect: Dialect,
    /// The deployment's name, percent-escapes decoded; `None` where the path names none.
    pub deployment: Option<String>,
    /// The id of the stored response that the path names, percent-escapes decoded.
    pub response: Option<String>,
    /// The query's first `api-version`, if it is not empty.
    pub api_version: Option<String>,
}

/// Reads a path with its query, in origin form (`/openai/…?api-version=…`). Repeated and trailing slashes
/// do not matter; the case of letters does.
pub fn parse(path_and_query: &str) -> Target {
    let without_fragment = path_and_query.split('#').next().unwrap_or_default();
    let (path, query) = without_fragment
        .split_once('?')
        .unwrap_or((without_fragment, ""));
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let Route {
        operation,
        dialect,
        deployment,
        response,
    } = route(&mut segments);
    Target {
        operation,
        dialect,
        deployment,
        response,
        api_version: api_version(query),
    }
}

/// What the segments of a path say.
struct Route {
    operation: Operation,
    dialect: Dialect,
    deployment: Option<String>,
    response: Option<String>,
}

fn route<'a>(segments: &mut impl Iterator<Item = &'a str>) -> Route {
    let of = |operation, dialect| Route {
        operation,
        dialect,
        deployment: None,
        response: None,
    };
    match segments.next() {
        Some("openai") => {}
        Some("api") => {
            // A Foundry project: /api/projects/{project}/openai/…
            if segments.next() != Some("projects") || segments.next().is_none() {
                return of(Operation::Other, Dialect::Other);
            }
            if segments.next() != Some("openai") {
                return of(Operation::Other, Dialect::Other);
            }
        }
        _ => return of(Operation::Other, Dialect::Other),
    }
    match segments.next() {
        Some("deployments") => {
            let deployment = segments.next().map(decode);
            let operation = match collect(segments) {
                [Some("chat"), Some("completions"), None] => Operation::ChatCompletions,
                [Some("completions"), None, None] => Operation::Completions,
                [Some("embeddings"), None, None] => Operation::Embeddings,
                _ => Operation::Other,
            };
            Route {
                deployment,
                ..of(operation, Dialect::Dated)
            }
        }
        Some("v1") => match segments.next() {
            Some("responses") => responses(Dialect::V1, collect(segments)),
            first => {
                let [second, third, _] = collect(segments);
                let operation = match (first, second, third) {
                    (Some("chat"), Some("completions"), None) => Operation::ChatCompletions,
                    (Some("completions"), None, None) => Operation::Completions,
                    (Some("embeddings"), None, None) => Operation::Embeddings,
                    (Some("models"), _, None) => Operation::Models,
                    _ => Operation::Other,
                };
                of(operation, Dialect::V1)
            }
        },
        Some("responses") => responses(Dialect::Dated, collect(segments)),
        first => {
            let [second, third, _] = collect(segments);
            let operation = match (first, second, third) {
                (Some("models"), _, None) => Operation::Models,
                _ => Operation::Other,
            };
            of(operation, Dialect::Dated)
        }
    }
}

/// What follows `responses`.
fn responses(dialect: Dialect, below: [Option<&str>; 3]) -> Route {
    let (operation, response) = match below {
        [None, ..] => (Operation::Responses, None),
        [Some("input_tokens"), None, _] => (Operation::CountInput, None),
        [Some("compact"), None, _] => (Operation::Compact, None),
        [Some(id), None | Some("cancel" | "input_items"), None] => {
            (Operation::StoredResponse, Some(decode(id)))
        }
        [Some(_), ..] => (Operation::Other, None),
    };
    Route {
        operation,
        dialect,
        deployment: None,
        response,
    }
}

/// The next three segments: no operation that is told apart here has more than two.
fn collect<'a>(segments: &mut impl Iterator<Item = &'a str>) -> [Option<&'a str>; 3] {
    [segments.next(), segments.next(), segments.next()]
}

fn api_version(query: &str) -> Option<String> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == "api-version")
        .map(|(_, value)| decode(value))
        .filter(|value| !value.is_empty())
}

/// Decodes percent-escapes. An escape that is none, and escapes that do not spell UTF-8, stay as they were
/// written: such a name matches no configured deployment, and the path is forwarded as it came.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = match (first, tail) {
            (b'%', [high, low, after @ ..]) => hex(*high)
                .zip(hex(*low))
                .map(|(high, low)| (high << 4 | low, after)),
            _ => None,
        };
        let (byte, after) = escaped.unwrap_or((first, tail));
        bytes.push(byte);
        rest = after;
    }
    match String::from_utf8_lossy(&bytes) {
        Cow::Borrowed(decoded) => decoded.to_owned(),
        Cow::Owned(_) => text.to_owned(),
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}
