//! Items in any order: chat knows only one.

use proptest::prelude::*;

use super::*;

#[test]
#[expect(clippy::too_many_lines, reason = "the cases are the lines of a table")]
fn calls_in_any_order_edge_19() {
    let said = json!({"role": "assistant", "content": "let me see"});
    let with_text = json!({"role": "assistant", "content": "let me see",
                           "tool_calls": [chat_call("a", "f")]});
    let reordered = |at: usize| format!("input_reordered input[{at}]");
    for (input, messages, losses) in [
        (
            json!([said, call("a", "f"), result("a", "1")]),
            json!([with_text, tool("a", "1")]),
            vec![],
        ),
        (
            json!([call("a", "f"), said, result("a", "1")]),
            json!([with_text, tool("a", "1")]),
            vec![reordered(1)],
        ),
        (
            json!([call("a", "f"), result("a", "1"), said]),
            json!([calling(&[chat_call("a", "f")]), tool("a", "1"), said]),
            vec![],
        ),
        (
            json!([
                call("a", "f"),
                call("b", "g"),
                result("b", "2"),
                result("a", "1")
            ]),
            json!([
                calling(&[chat_call("a", "f"), chat_call("b", "g")]),
                tool("b", "2"),
                tool("a", "1")
            ]),
            vec![],
        ),
        (
            json!([
                call("a", "f"),
                result("a", "1"),
                call("b", "g"),
                result("b", "2")
            ]),
            json!([
                calling(&[chat_call("a", "f")]),
                tool("a", "1"),
                calling(&[chat_call("b", "g")]),
                tool("b", "2")
            ]),
            vec![],
        ),
        (
            json!([call("a", "f"), {"role": "user", "content": "wait"}, result("a", "1")]),
            json!([
                calling(&[chat_call("a", "f")]),
                tool("a", "1"),
                user("wait")
            ]),
            vec![reordered(2)],
        ),
        (
            json!([call("a", "f"), call("b", "g"), result("a", "1"), {"role": "user", "content": "wait"},
                   result("b", "2")]),
            json!([
                calling(&[chat_call("a", "f"), chat_call("b", "g")]),
                tool("a", "1"),
                tool("b", "2"),
                user("wait")
            ]),
            vec![reordered(4)],
        ),
        (
            json!([
                call("a", "f"),
                result("a", "1"),
                call("a", "f"),
                result("a", "2")
            ]),
            json!([
                calling(&[chat_call("a", "f")]),
                tool("a", "1"),
                calling(&[chat_call("a", "f")]),
                tool("a", "2")
            ]),
            vec![],
        ),
        (json!([said, said]), json!([said, said]), vec![]),
    ] {
        let losses: Vec<&str> = losses.iter().map(String::as_str).collect();
        check_input(&input, &messages, &losses);
    }
}

fn an_item() -> impl Strategy<Value = Value> {
    let id = prop_oneof![Just("a"), Just("b"), Just("c")];
    prop_oneof![
        (
            "[ -~]{0,8}",
            prop_oneof![Just("user"), Just("assistant"), Just("system"), Just("x")]
        )
            .prop_map(|(text, role)| json!({"role": role, "content": text})),
        (id.clone(), "[ -~]{0,8}").prop_map(|(id, arguments)| {
            json!({"type": "function_call", "call_id": id, "name": "f", "arguments": arguments})
        }),
        (id.clone(), "[ -~]{0,8}").prop_map(|(id, input)| {
            json!({"type": "custom_tool_call", "call_id": id, "name": "c", "input": input})
        }),
        (id.clone(), "[ -~]{0,8}").prop_map(|(id, text)| result(id, &text)),
        (id, "[ -~]{0,8}").prop_map(|(id, text)| {
            json!({"type": "custom_tool_call_output", "call_id": id, "output": text})
        }),
        Just(json!({"type": "reasoning", "id": "rs_1", "summary": []})),
        Just(json!({"type": "reasoning", "encrypted_content": "x"})),
        Just(json!(7)),
        Just(json!({"id": "msg_1"})),
    ]
}

proptest! {
    /// Whatever the order: refused by a field of its own, or every text, call and result is there once, and each call's
    /// results follow it at once.
    #[test]
    fn nothing_is_lost_or_misplaced(input in prop::collection::vec(an_item(), 0..12)) {
        let body = json!({"input": input});
        let done = match translated(&body) {
            Ok(done) => done,
            Err(error) => {
                prop_assert!(error.field.starts_with("input["));
                return Ok(());
            }
        };
        let count = |kind: &str| input.iter().filter(|item| item["type"] == kind).count();
        let messages = serde_json::to_value(&done.request.messages).unwrap();
        let messages = messages.as_array().unwrap();
        let mut open: Vec<&str> = Vec::new();
        let (mut calls, mut results, mut texts) = (0, 0, 0);
        for message in messages {
            match message["role"].as_str().unwrap() {
                "tool" => {
                    results += 1;
                    prop_assert!(open.contains(&message["tool_call_id"].as_str().unwrap()));
                }
                "assistant" => {
                    open = message["tool_calls"].as_array().into_iter().flatten()
                        .map(|call| call["id"].as_str().unwrap()).collect();
                    calls += open.len();
                    texts += match &message["content"] {
                        Value::Null => 0,
                        Value::String(_) => 1,
                        parts => parts.as_array().unwrap().len(),
                    };
                }
                _ => {
                    open.clear();
                    texts += 1;
                }
            }
        }
        prop_assert_eq!(calls, count("function_call") + count("custom_tool_call"));
        prop_assert_eq!(results, count("function_call_output") + count("custom_tool_call_output"));
        prop_assert_eq!(texts, input.iter().filter(|item| item["role"].is_string()).count());
    }
}
