//! Which operation and deployment a path means: enough of Azure's routing to answer as it does.

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Chat,
    Embeddings,
    Models,
    Files,
    Unknown,
}

/// A parsed request target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) operation: Operation,
    /// The deployment in the path; on v1 paths it stands in the body.
    pub(super) deployment: Option<String>,
    /// A dated path without `api-version`.
    pub(super) lacks_version: bool,
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
    let dated = |operation, deployment: Option<&str>| Target {
        operation,
        deployment: deployment.map(str::to_owned),
        lacks_version: !query.split('&').any(|pair| {
            pair.split_once('=')
                .is_some_and(|(name, value)| name == "api-version" && !value.is_empty())
        }),
    };
    let v1 = |operation| Target {
        operation,
        deployment: None,
        lacks_version: false,
    };
    match segments.as_slice() {
        ["openai", "deployments", name, "chat", "completions"] => {
            dated(Operation::Chat, Some(name))
        }
        ["openai", "deployments", name, "embeddings"] => dated(Operation::Embeddings, Some(name)),
        ["openai", "deployments", name, ..] => dated(Operation::Unknown, Some(name)),
        ["openai", "v1", "chat", "completions"] => v1(Operation::Chat),
        ["openai", "v1", "embeddings"] => v1(Operation::Embeddings),
        ["openai", "v1", "models"] => v1(Operation::Models),
        ["openai", "v1", "files"] => v1(Operation::Files),
        ["openai", "models"] => dated(Operation::Models, None),
        ["openai", "files"] => dated(Operation::Files, None),
        _ => v1(Operation::Unknown),
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
        let deployment = deployment.map(str::to_owned);
        assert_eq!(
            parse(target),
            Target {
                operation,
                deployment,
                lacks_version
            },
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
}
