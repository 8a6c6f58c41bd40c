//! The order of events is the reference's, and a stream says the same as the whole response.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::responses::{Echo, Request};

fn head() -> Response {
    Echo::of(&Request::default(), "chat-prod").head("resp_1".to_owned(), 7)
}

/// Ids that count: `msg_1`, `fc_2`.
fn mint() -> Mint {
    let mut count = 0;
    Mint::new(move |kind| {
        count += 1;
        format!("{}{count}", kind.prefix())
    })
}

/// One thing said to the builder.
#[derive(Clone, Debug)]
enum Said {
    Text(String),
    Refusal(String),
    Annotation,
    Summary(String),
    EndPart,
    Reasoning(String),
    Sealed(String),
    EndReasoning,
    Call(u32, ToolKind),
    Input(u32, String),
    EndCall(u32),
}

fn say(builder: &mut ResponseBuilder, said: &Said) {
    match said {
        Said::Text(text) => builder.text(text),
        Said::Refusal(text) => builder.refusal(text),
        Said::Annotation => builder.annotation(json!({"type": "url_citation"})),
        Said::Summary(text) => builder.summary(text),
        Said::EndPart => builder.end_reasoning_part(),
        Said::Reasoning(text) => builder.reasoning(text),
        Said::Sealed(text) => builder.encrypted(text.clone()),
        Said::EndReasoning => builder.end_reasoning(),
        Said::Call(index, kind) => builder.call(*index, *kind, &format!("call_{index}"), "f"),
        Said::Input(index, text) => builder.call_input(*index, text),
        Said::EndCall(index) => builder.end_call(*index),
    }
}

fn closing(outcome: Outcome) -> Closing {
    Closing {
        outcome,
        completed_at: 9,
        usage: Some(Usage::default()),
        ..Closing::default()
    }
}

fn stream(said: &[Said], outcome: Outcome) -> Vec<Event> {
    let mut builder = ResponseBuilder::streamed(head(), mint(), None);
    for said in said {
        say(&mut builder, said);
    }
    builder.close(closing(outcome));
    builder.take_events()
}

fn text(text: &str) -> Said {
    Said::Text(text.to_owned())
}

/// What is said gives these events between the first two and the last, each without `response.`.
fn check(said: &[Said], expected: &[&str]) {
    let events = stream(said, Outcome::Completed);
    let names: Vec<&str> = events.iter().map(Event::name).collect();
    let [created, in_progress, middle @ .., last] = names.as_slice() else {
        panic!("{names:?}");
    };
    assert_eq!(
        [*created, *in_progress, *last],
        [
            "response.created",
            "response.in_progress",
            "response.completed"
        ]
    );
    let middle: Vec<&str> = middle
        .iter()
        .map(|name| name.strip_prefix("response.").unwrap())
        .collect();
    assert_eq!(middle, expected);
}

#[test]
fn the_order_is_the_references() {
    check(&[], &[]);
    check(&[text("")], &[]);
    check(
        &[text("a"), text("b"), Said::Annotation],
        &[
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.annotation.added",
            "output_text.done",
            "content_part.done",
            "output_item.done",
        ],
    );
    check(
        &[text("a"), Said::Refusal("b".into())],
        &[
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "content_part.added",
            "refusal.delta",
            "refusal.done",
            "content_part.done",
            "output_item.done",
        ],
    );
}

#[test]
fn calls_and_reasoning_have_their_own_events() {
    // Azure's captured order of a turn that reasons and calls.
    check(
        &[
            Said::Sealed("x".into()),
            Said::Call(0, ToolKind::Function),
            Said::Input(0, "{".into()),
            Said::Input(0, "}".into()),
            Said::EndCall(0),
        ],
        &[
            "output_item.added",
            "output_item.done",
            "output_item.added",
            "function_call_arguments.delta",
            "function_call_arguments.delta",
            "function_call_arguments.done",
            "output_item.done",
        ],
    );
    check(
        &[
            Said::Call(3, ToolKind::Custom),
            Said::Input(3, "x".into()),
            text("a"),
        ],
        &[
            "output_item.added",
            "custom_tool_call_input.delta",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "custom_tool_call_input.done",
            "output_item.done",
        ],
    );
    check(
        &[
            Said::Summary("a".into()),
            Said::EndPart,
            Said::Summary("b".into()),
            Said::Reasoning("c".into()),
        ],
        &[
            "output_item.added",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "reasoning_text.delta",
            "reasoning_text.done",
            "output_item.done",
        ],
    );
}

#[test]
fn a_pure_tool_turn_has_no_message() {
    let said = [
        Said::Call(0, ToolKind::Function),
        Said::Input(0, "{}".into()),
    ];
    let events = stream(&said, Outcome::Completed);
    let added = serde_json::to_value(&events[2]).unwrap();
    assert_eq!(
        added,
        json!({"type": "response.output_item.added", "sequence_number": 2, "output_index": 0, "item": {
            "id": "fc_1", "type": "function_call", "status": "in_progress", "arguments": "", "call_id": "call_0", "name": "f"
        }})
    );
}

#[test]
fn what_is_cut_off_says_so() {
    let said = [
        Said::Call(0, ToolKind::Function),
        Said::EndCall(0),
        text("a"),
    ];
    let outcome = Outcome::Incomplete(IncompleteReason::MaxOutputTokens);
    let events = stream(&said, outcome);
    let last = serde_json::to_value(events.last().unwrap()).unwrap();
    assert_eq!(last["type"], "response.incomplete");
    let response = &last["response"];
    assert_eq!(
        response["incomplete_details"],
        json!({"reason": "max_output_tokens"})
    );
    assert_eq!(response["completed_at"], Value::Null);
    assert_eq!(response["content_filters"], Value::Null);
    assert_eq!(response["output"][0]["status"], "completed");
    assert_eq!(response["output"][1]["status"], "incomplete");
}

#[test]
fn a_failure_ends_it_and_no_half_call_is_called_whole() {
    let begun = || {
        let mut builder = ResponseBuilder::streamed(head(), mint(), None);
        builder.call(0, ToolKind::Function, "call_1", "f");
        builder.call_input(0, "{\"a");
        builder.take_events();
        builder
    };
    let after = |builder: &mut ResponseBuilder| {
        builder.text("late");
        builder.end_call(0);
        builder.close(Closing::default());
        let events = builder.take_events();
        let [event] = events.as_slice() else {
            panic!("{events:?}");
        };
        serde_json::to_value(event).unwrap()
    };
    let mut builder = begun();
    builder.fail("server_error", "sorry");
    let failed = after(&mut builder);
    assert_eq!(failed["type"], "response.failed");
    assert_eq!(failed["response"]["status"], "failed");
    assert_eq!(
        failed["response"]["error"],
        json!({"code": "server_error", "message": "sorry"})
    );
    assert_eq!(failed["response"]["output"][0]["status"], "incomplete");
    let mut builder = begun();
    builder.error("server_error", None, "sorry", None);
    assert_eq!(
        after(&mut builder),
        json!({"type": "error", "sequence_number": 4, "code": null, "message": "sorry", "param": null,
               "error": {"type": "server_error", "code": null, "message": "sorry", "param": null}})
    );
}

#[test]
fn deltas_are_padded_if_a_seed_is_given() {
    let mut builder = ResponseBuilder::streamed(head(), mint(), Some(1));
    builder.text("Here");
    let mut stream = BytesMut::new();
    builder.write_events(&mut stream);
    let stream = String::from_utf8(stream.to_vec()).unwrap();
    let delta = stream.lines().rfind(|line| line.starts_with("data:"));
    let delta: Value =
        serde_json::from_str(delta.unwrap().strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!(delta["delta"], "Here");
    assert_eq!(delta["obfuscation"].as_str().unwrap().len(), 12);
    assert_eq!(delta["logprobs"], json!([]));
}

fn any_said() -> impl Strategy<Value = Said> {
    let piece = || "[ab]{0,3}";
    let kind = prop_oneof![Just(ToolKind::Function), Just(ToolKind::Custom)];
    prop_oneof![
        4 => piece().prop_map(Said::Text),
        1 => piece().prop_map(Said::Refusal),
        1 => Just(Said::Annotation),
        2 => piece().prop_map(Said::Summary),
        1 => Just(Said::EndPart),
        1 => piece().prop_map(Said::Reasoning),
        1 => piece().prop_map(Said::Sealed),
        1 => Just(Said::EndReasoning),
        2 => (0u32..3, kind).prop_map(|(index, kind)| Said::Call(index, kind)),
        4 => (0u32..3, piece()).prop_map(|(index, text)| Said::Input(index, text)),
        1 => (0u32..3).prop_map(Said::EndCall),
    ]
}

/// What one item's events say of it.
#[derive(Default)]
struct Seen {
    deltas: String,
    done: String,
    ended: bool,
}

proptest! {
    #[test]
    fn any_stream_is_whole_and_in_order(said in proptest::collection::vec(any_said(), 0..30)) {
        let events = stream(&said, Outcome::Completed);
        let mut items: Vec<Seen> = Vec::new();
        for (number, event) in events.iter().enumerate() {
            let event = serde_json::to_value(event).unwrap();
            prop_assert_eq!(&event["sequence_number"], &json!(number));
            let name = event["type"].as_str().unwrap();
            let terminal = number + 1 == events.len();
            prop_assert_eq!(terminal, name == "response.completed");
            let Some(index) = event.get("output_index").and_then(Value::as_u64) else { continue };
            let index = usize::try_from(index).unwrap();
            if name == "response.output_item.added" {
                prop_assert_eq!(index, items.len());
                items.push(Seen::default());
                continue;
            }
            let seen = &mut items[index];
            prop_assert!(!seen.ended);
            if let Some(delta) = event.get("delta").and_then(Value::as_str) {
                prop_assert!(!delta.is_empty());
                seen.deltas.push_str(delta);
            }
            if name == "response.output_item.done" {
                seen.ended = true;
                prop_assert_eq!(&seen.deltas, &seen.done);
            } else if name.strip_suffix(".done").is_some() {
                for field in ["text", "refusal", "arguments", "input"] {
                    seen.done.push_str(event.get(field).and_then(Value::as_str).unwrap_or_default());
                }
            }
        }
        prop_assert!(items.iter().all(|seen| seen.ended));
        let Some(Event::Completed(last)) = events.last() else { panic!() };
        let mut builder = ResponseBuilder::whole(head(), mint());
        for said in &said {
            say(&mut builder, said);
        }
        builder.close(closing(Outcome::Completed));
        prop_assert!(builder.take_events().is_empty());
        prop_assert_eq!(&builder.into_response(), &*last.response);
        let done: Vec<Value> = {
            let mut done: Vec<(u64, Value)> = events.iter().filter_map(|event| match event {
                Event::ItemDone(event) => Some((event.output_index, serde_json::to_value(&event.item).unwrap())),
                _ => None,
            }).collect();
            done.sort_by_key(|(index, _)| *index);
            done.into_iter().map(|(_, item)| item).collect()
        };
        prop_assert_eq!(json!(done), serde_json::to_value(&last.response.output).unwrap());
    }
}
