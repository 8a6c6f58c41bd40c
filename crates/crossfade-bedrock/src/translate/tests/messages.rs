//! Conversations: what turns, calls and results become.

use super::*;

#[track_caller]
fn check_messages(
    settings: &CandidateSettings,
    messages: Value,
    expected: Value,
    losses: &[LossKind],
) {
    let (found, found_losses) = translated(settings, &chat(messages));
    assert_eq!(found["messages"], expected);
    assert_eq!(found_losses, losses);
}

fn said(text: &str) -> Value {
    json!({"role": "assistant", "content": [{"text": text}]})
}

#[test]
fn turns_alternate_edges_1_to_9() {
    use LossKind::{
        BlankDropped, MessagesMerged, PlaceholderInserted, RefusalAsText, SystemReordered,
    };
    let able = able();
    let check =
        |messages, expected, losses: &[LossKind]| check_messages(&able, messages, expected, losses);
    // Edge 1.
    check(
        json!([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]),
        json!([{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]),
        &[MessagesMerged],
    );
    // Bugs 1 and 2: blank text.
    check(
        json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": ""}, {"role": "user", "content": [
            {"type": "text", "text": "\n\n"}, {"type": "text", "text": "b"}]}]),
        json!([{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]),
        &[BlankDropped, BlankDropped, MessagesMerged],
    );
    // Bug 3: an empty list of parts.
    check(
        json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": []}]),
        json!([user("a")]),
        &[BlankDropped],
    );
    // Edge 8: instructions alone.
    check(
        json!([{"role": "system", "content": "x"}]),
        json!([user(".")]),
        &[PlaceholderInserted],
    );
    // Edge 9.
    check(
        json!([{"role": "user", "content": "a"},
               {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
               {"role": "user", "content": "b"},
               {"role": "assistant", "content": null, "refusal": "Never."},
               {"role": "user", "content": "c"}]),
        json!([user("a"), said("No."), user("b"), said("Never."), user("c")]),
        &[RefusalAsText, RefusalAsText],
    );
    // Edge 6: a prefill loses its trailing blanks.
    check(
        json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": "{ \n"}]),
        json!([user("a"), said("{")]),
        &[BlankDropped],
    );
    // Edge 7, bug 39.
    let request = chat(
        json!([{"role": "developer", "content": [{"type": "text", "text": "one"}]},
        {"role": "user", "content": "a"}, {"role": "system", "content": "two"}, {"role": "user", "content": "b"}]),
    );
    let (found, losses) = translated(&able, &request);
    assert_eq!(found["system"], json!([{"text": "one"}, {"text": "two"}]));
    assert_eq!(losses, [SystemReordered, MessagesMerged]);
}

#[test]
fn what_some_models_demand_of_turns() {
    use LossKind::PlaceholderInserted;
    let strict = with(|c| {
        c.leading_user = Some(true);
        c.prefill = Some(false);
    });
    check_messages(
        &strict,
        json!([{"role": "assistant", "content": "Hello"}]),
        json!([user("."), said("Hello"), user(".")]),
        &[PlaceholderInserted, PlaceholderInserted],
    );
    let request = json!({"messages": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "tool_calls": [call("c1", "f", "{}")]},
        {"role": "tool", "tool_call_id": "c1", "content": "r"},
        {"role": "user", "content": "b"}], "tools": [tool("f")]});
    // Edge 3, bug 9.
    let result = json!({"toolResult": {"toolUseId": "c1", "content": [{"text": "r"}]}});
    let (found, losses) = translated(&with(|c| c.result_alone = Some(true)), &request);
    let tail = found["messages"].as_array().unwrap()[2..].to_vec();
    assert_eq!(
        json!(tail),
        json!([{"role": "user", "content": [result]}, said("."), user("b")])
    );
    assert_eq!(losses, [PlaceholderInserted]);
    let (found, _) = translated(&able(), &request);
    assert_eq!(
        found["messages"][2]["content"],
        json!([result, {"text": "b"}])
    );
    let (found, _) = translated(&with(|c| c.result_json = Some(true)), &request);
    assert_eq!(
        found["messages"][2]["content"][0]["toolResult"]["content"],
        json!([{"json": {"result": "r"}}])
    );
}

/// A conversation in which the assistant makes these calls and these tool messages follow.
fn with_calls(calls: &Value, results: Vec<Value>) -> Value {
    let mut messages = vec![
        json!({"role": "user", "content": "a"}),
        json!({"role": "assistant", "content": "", "tool_calls": calls}),
    ];
    messages.extend(results);
    json!({"messages": messages, "tools": [tool("f"), tool("g")]})
}

fn result(id: &str, content: impl Into<Value>) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": content.into()})
}

#[track_caller]
fn check_results(calls: Value, results: Vec<Value>, uses: Value, said: Value, losses: &[LossKind]) {
    let (found, found_losses) = translated(&able(), &with_calls(&calls, results));
    assert_eq!(found["messages"].as_array().unwrap().len(), 3);
    let shown = |turn: usize, kind: &str, members: &[&str]| {
        let blocks = found["messages"][turn]["content"]
            .as_array()
            .unwrap()
            .iter();
        let row = |block: &Value| {
            members
                .iter()
                .map(|m| block[kind][m].clone())
                .collect::<Vec<_>>()
        };
        json!(blocks.map(row).collect::<Vec<_>>())
    };
    assert_eq!(shown(1, "toolUse", &["toolUseId", "name", "input"]), uses);
    assert_eq!(shown(2, "toolResult", &["toolUseId", "content"]), said);
    assert_eq!(found_losses, losses);
}

#[test]
fn results_follow_their_calls_edges_2_16_17_18() {
    use LossKind::{PlaceholderInserted, ToolArgumentsSplit, ToolDuplicateDropped, ToolIdMapped};
    // Bugs 4, 7 and 8: empty text beside calls, results in the order of completion.
    check_results(
        json!([call("c1", "f", "{}"), call("c2", "g", "{\"x\":1}")]),
        vec![result("c2", "two"), result("c1", "one")],
        json!([["c1", "f", {}], ["c2", "g", {"x": 1}]]),
        json!([["c1", [{"text": "one"}]], ["c2", [{"text": "two"}]]]),
        &[],
    );
    // Bug 6: more results than calls.
    check_results(
        json!([call("c1", "f", "")]),
        vec![result("c1", "one"), result("c1", "again")],
        json!([["c1", "f", {}]]),
        json!([["c1", [{"text": "one"}]]]),
        &[ToolDuplicateDropped],
    );
    // Edge 17.
    check_results(
        json!([call("c1", "f", ""), call("c1", "f", "")]),
        vec![result("c1", "one")],
        json!([["c1", "f", {}]]),
        json!([["c1", [{"text": "one"}]]]),
        &[ToolDuplicateDropped],
    );
    // Bug 15.
    check_results(
        json!([call("c1", "f", "{\"a\":1}{\"b\":2}")]),
        vec![result("c1", "one")],
        json!([["c1", "f", {"a": 1}], ["c1_1", "f", {"b": 2}]]),
        json!([["c1", [{"text": "one"}]], ["c1_1", [{"text": "one"}]]]),
        &[ToolArgumentsSplit],
    );
    // Edge 26: a tool that says nothing, and one that says it in parts.
    check_results(
        json!([call("c1", "f", ""), call("c2", "f", "")]),
        vec![
            result("c1", ""),
            result(
                "c2",
                json!([{"type": "text", "text": "x"}, {"type": "text", "text": "y"}]),
            ),
        ],
        json!([["c1", "f", {}], ["c2", "f", {}]]),
        json!([["c1", [{"text": "(empty)"}]], ["c2", [{"text": "xy"}]]]),
        &[PlaceholderInserted],
    );
    // Bug 13.
    let (target, _) = names::tool_use_id("a|b");
    check_results(
        json!([call("a|b", "f", "")]),
        vec![result("a|b", "one")],
        json!([[target, "f", {}]]),
        json!([[target, [{"text": "one"}]]]),
        &[ToolIdMapped],
    );
}

#[test]
fn calls_and_results_must_match() {
    let check = |calls: Value, results: Vec<Value>, field: &str| {
        check_refused(
            &with_calls(&calls, results),
            field,
            IneligibleReason::Unsupported,
        );
    };
    check(
        json!([call("c1", "f", "")]),
        vec![],
        "messages[1].tool_calls",
    );
    check(
        json!([call("c1", "f", ""), call("c2", "f", "")]),
        vec![result("c1", "x")],
        "messages[1].tool_calls",
    );
    check(
        json!([call("c1", "f", "")]),
        vec![result("c9", "x")],
        "messages[2].tool_call_id",
    );
    check(
        json!([call("", "f", "")]),
        vec![],
        "messages[1].tool_calls[0]",
    );
    check(json!([]), vec![result("c1", "x")], "messages[2]");
    check(
        json!([{"id": "c1", "type": "custom", "function": {"name": "f", "arguments": "x"}}]),
        vec![],
        "messages[1].tool_calls[0].type",
    );
}

#[test]
fn tool_history_without_tools_becomes_text_edge_13() {
    let mut request = with_calls(
        &json!([call("c1", "f", "{\"a\":1}")]),
        vec![result("c1", "one")],
    );
    for choice in [None, Some("none")] {
        match choice {
            None => request.as_object_mut().unwrap().remove("tools"),
            Some(choice) => {
                request["tools"] = json!([tool("f")]);
                request
                    .as_object_mut()
                    .unwrap()
                    .insert("tool_choice".to_owned(), json!(choice))
            }
        };
        let (found, losses) = translated(&able(), &request);
        assert_eq!(found.get("toolConfig"), None);
        assert_eq!(
            found["messages"][1],
            said("[Called tool f (c1) with {\"a\":1}]")
        );
        assert_eq!(found["messages"][2], user("[Tool f (c1) said: one]"));
        assert!(losses.contains(&LossKind::ToolHistoryNeutralised));
        assert_eq!(
            losses.contains(&LossKind::ToolChoiceEmulated),
            choice.is_some()
        );
    }
}

#[test]
fn pictures_are_inline() {
    let ask = |url: &str, detail: &str| {
        chat(
            json!([{"role": "user", "content": [{"type": "text", "text": "a"},
            {"type": "image_url", "image_url": {"url": url, "detail": detail}}]}]),
        )
    };
    let (found, losses) = translated(&able(), &ask("data:image/jpg;base64,iVBORw0KGgo=", "low"));
    let image = json!({"image": {"format": "jpeg", "source": {"bytes": "iVBORw0KGgo="}}});
    assert_eq!(
        (&found["messages"][0]["content"][1], losses),
        (&image, vec![LossKind::HintDropped])
    );
    let url = "messages[0].content[1].image_url.url";
    for bad in [
        "https://example.com/a.png",
        "data:image/bmp;base64,AA==",
        "data:image/png,xx",
        "data:image/png;base64,*",
    ] {
        check_refused(&ask(bad, "auto"), url, IneligibleReason::Unsupported);
    }
    let blind = with(|c| c.images = Some(Set::EMPTY));
    let error = eligibility(&body(&ask("data:image/png;base64,AA==", "auto")), &blind).unwrap_err();
    assert_eq!(error.field, "messages[0].content[1].image_url");
}
