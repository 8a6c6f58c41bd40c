//! Cases for the path parser.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn check(path: &str, operation: Operation, dialect: Dialect, deployment: Option<&str>) {
    let target = parse(path);
    assert_eq!(
        (
            target.operation,
            target.dialect,
            target.deployment.as_deref()
        ),
        (operation, dialect, deployment),
        "{path}"
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn dated_paths() {
    use Operation::{ChatCompletions, Completions, Embeddings, Other};
    let dated = |path, operation, deployment| check(path, operation, Dialect::Dated, deployment);
    dated(
        "/openai/deployments/d/chat/completions?api-version=x",
        ChatCompletions,
        Some("d"),
    );
    dated(
        "/openai/deployments/d/chat/completions",
        ChatCompletions,
        Some("d"),
    );
    dated(
        "//openai//deployments///d/chat/completions/",
        ChatCompletions,
        Some("d"),
    );
    dated(
        "/openai/deployments/a.b-c_d/completions",
        Completions,
        Some("a.b-c_d"),
    );
    dated(
        "/openai/deployments/team%20a%2Fgpt/embeddings",
        Embeddings,
        Some("team a/gpt"),
    );
    dated(
        "/openai/deployments/m%C3%BC/embeddings",
        Embeddings,
        Some("mü"),
    );
    dated(
        "/openai/deployments/50%/embeddings",
        Embeddings,
        Some("50%"),
    );
    dated(
        "/openai/deployments/a%zz/embeddings",
        Embeddings,
        Some("a%zz"),
    );
    dated(
        "/openai/deployments/a%FF/embeddings",
        Embeddings,
        Some("a%FF"),
    );
    dated(
        "/openai/deployments/d/extensions/chat/completions",
        Other,
        Some("d"),
    );
    dated(
        "/openai/deployments/d/chat/completions/more",
        Other,
        Some("d"),
    );
    dated("/openai/deployments/d/Chat/Completions", Other, Some("d"));
    dated(
        "/openai/deployments/d/../e/chat/completions",
        Other,
        Some("d"),
    );
}

#[test]
fn dated_paths_of_no_deployments_operation() {
    use Operation::{Models, Other, Responses, StoredResponse};
    let dated = |path, operation, deployment| check(path, operation, Dialect::Dated, deployment);
    dated("/openai/deployments/d/audio/speech", Other, Some("d"));
    dated("/openai/deployments", Other, None);
    dated(
        "/openai/responses?api-version=2025-03-01-preview",
        Responses,
        None,
    );
    dated("/openai/responses/resp_1", StoredResponse, None);
    dated("/openai/models?api-version=2024-10-21", Models, None);
    dated("/openai/models/gpt", Models, None);
    dated("/openai/realtime?deployment=d", Other, None);
    dated("/openai/", Other, None);
}

#[test]
fn v1_paths() {
    use Operation::{
        ChatCompletions, Compact, Completions, CountInput, Embeddings, Models, Other, Responses,
        StoredResponse,
    };
    let v1 = |path, operation| check(path, operation, Dialect::V1, None);
    v1("/openai/v1/chat/completions", ChatCompletions);
    v1(
        "/openai/v1/chat/completions/?api-version=preview",
        ChatCompletions,
    );
    v1("/openai//v1//completions", Completions);
    v1("/openai/v1/embeddings", Embeddings);
    v1("/openai/v1/responses", Responses);
    v1("/openai/v1/responses/resp_1/cancel", StoredResponse);
    v1("/openai/v1/responses/compact", Compact);
    v1("/openai/v1/responses/input_tokens/", CountInput);
    v1("/openai/v1/responses/compact/more", Other);
    v1("/openai/v1/responses/resp_1/other", Other);
    v1("/openai/v1/responses/resp_1/cancel/more", Other);
    v1("/openai/v1/models", Models);
    v1("/openai/v1/models/gpt-5", Models);
    v1("/openai/v1/files", Other);
    v1("/openai/v1", Other);
    v1(
        "/api/projects/p/openai/v1/chat/completions",
        ChatCompletions,
    );
}

#[test]
fn the_ids_of_stored_responses() {
    let check = |path: &str, expected: Option<&str>| {
        assert_eq!(parse(path).response.as_deref(), expected, "{path}");
    };
    check("/openai/v1/responses", None);
    check("/openai/v1/responses?previous=resp_1", None);
    check(
        "/openai/v1/responses/resp_1?stream=true&starting_after=3",
        Some("resp_1"),
    );
    check("/openai/v1//responses//resp_1/", Some("resp_1"));
    check("/openai/responses/resp%5F1/input_items", Some("resp_1"));
    check(
        "/api/projects/p/openai/v1/responses/resp_1/cancel",
        Some("resp_1"),
    );
    check("/openai/v1/responses/compact", None);
    check("/openai/deployments/d/responses/resp_1", None);
}

#[test]
fn other_paths() {
    for path in [
        "",
        "/",
        "?",
        "/healthz",
        "/OpenAI/v1/models",
        "/v1/chat/completions",
        "/api/projects",
        "/api/projects/p",
        "/api/projects/p/agents/v1",
        "/api/openai/v1/models",
        "*",
    ] {
        check(path, Operation::Other, Dialect::Other, None);
    }
}

#[test]
fn api_versions() {
    let check = |query: &str, expected: Option<&str>| {
        let target = parse(&format!("/openai/models{query}"));
        assert_eq!(target.api_version.as_deref(), expected, "{query}");
    };
    check("", None);
    check("?api-version=", None);
    check("?api-version", None);
    check("?API-Version=2024-10-21", None);
    check("?api-version=2024-10-21", Some("2024-10-21"));
    check(
        "?a=b&api-version=2024%2D10-21&api-version=later",
        Some("2024-10-21"),
    );
    check(
        "?x=/openai/v1&api-version=preview#fragment",
        Some("preview"),
    );
}

proptest! {
    #[test]
    fn never_panics(path in any::<String>()) {
        parse(&path);
    }

    #[test]
    fn an_escaped_name_is_the_name(name in "[^\\x00]{1,20}") {
        let escaped = name.bytes().fold(String::new(), |mut text, byte| {
            write!(text, "%{byte:02x}").unwrap();
            text
        });
        let target = parse(&format!("/openai/deployments/{escaped}/chat/completions"));
        prop_assert_eq!(target.operation, Operation::ChatCompletions);
        prop_assert_eq!(target.deployment, Some(name));
    }

    #[test]
    fn more_slashes_change_nothing(counts in proptest::collection::vec(1_usize..4, 5)) {
        let parts = ["openai", "deployments", "d", "chat", "completions"];
        let path: String =
            parts.iter().zip(counts).map(|(part, n)| "/".repeat(n) + part).collect();
        prop_assert_eq!(parse(&path), parse("/openai/deployments/d/chat/completions"));
    }
}
