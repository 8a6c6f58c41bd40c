//! What users of other translators reported of answers: one test for each case, by its number.

use super::{answers::response, streams::agrees_with_the_whole, *};

/// A stream's events and what its chunks say in short; the whole says the same.
#[track_caller]
fn check(reply: &Reply, events: Vec<Event>, expected: Value) {
    let (bytes, result, _) = run(reply, events.clone());
    assert_eq!(result, Ok(()));
    assert_eq!(json!(short(&bytes)), expected);
    agrees_with_the_whole(reply, events, &bytes);
}

fn with_end(events: Vec<Event>, reason: &str) -> Vec<Event> {
    [events, end(reason)].concat()
}

#[test]
fn a_call_without_arguments_keeps_one_index_bug_16() {
    for empty in [vec![], vec![input(0, "")]] {
        let events = [
            vec![start(0, "f")],
            empty,
            vec![close(0), start(1, "g"), input(1, "{}"), close(1)],
        ]
        .concat();
        let expected = json!(["role", [0, "f"], [0, {"args": "{}"}], [1, "g"], [1, {"args": "{}"}],
            "finish:tool_calls", "done"]);
        check(&plain_stream(), with_end(events, "tool_use"), expected);
    }
}

#[test]
fn a_choice_is_always_the_first_bug_17() {
    let events = with_end(
        vec![
            reasoning(0),
            close(0),
            text(3, "a"),
            start(4, "f"),
            close(4),
        ],
        "tool_use",
    );
    let (bytes, ..) = run(&plain_stream(), events);
    let (events, _) = sse::decode(&bytes);
    for event in events.iter().filter(|event| !event.is_done()) {
        let chunk: Value = serde_json::from_str(&event.data).unwrap();
        assert_eq!(chunk["choices"][0]["index"], 0);
    }
}

#[test]
fn a_name_and_an_id_stand_once_and_are_never_null_bugs_19_20() {
    let events = with_end(
        vec![start(0, "f"), input(0, "{"), input(0, "}"), close(0)],
        "tool_use",
    );
    let (bytes, ..) = run(&plain_stream(), events);
    let text = String::from_utf8(bytes).unwrap();
    for member in ["\"name\":\"f\"", "\"id\":\"call_", "\"type\":\"function\""] {
        assert_eq!(text.matches(member).count(), 1, "{member}");
    }
    for wrong in ["\"name\":null", "\"name\":\"\"", "\"arguments\":null"] {
        assert!(!text.contains(wrong), "{wrong}");
    }
}

#[test]
fn the_calls_decide_how_a_turn_ends_bug_21() {
    let expected = json!(["role", [0, "f"], [0, {"args": "{}"}], "finish:tool_calls", "done"]);
    for reason in ["tool_use", "end_turn", "stop_sequence", "", "something_new"] {
        let events = with_end(vec![start(0, "f"), close(0)], reason);
        check(&plain_stream(), events, expected.clone());
    }
    let cut = json!(["role", [0, "f"], [0, {"args": "{\"a"}], "finish:length", "done"]);
    let events = with_end(
        vec![start(0, "f"), input(0, "{\"a"), close(0)],
        "max_tokens",
    );
    check(&plain_stream(), events, cut);
}

#[test]
fn words_of_the_provider_stay_inside_bug_22() {
    for reason in [
        "end_turn",
        "something_new",
        "guardrail_intervened",
        "content_filtered",
    ] {
        let (bytes, ..) = run(&plain_stream(), with_end(vec![text(0, "a")], reason));
        assert!(
            !String::from_utf8(bytes).unwrap().contains(reason),
            "{reason}"
        );
    }
}

#[test]
fn a_block_without_its_end_is_ended_bug_23() {
    let events = with_end(
        vec![start(0, "f"), start(1, "g"), input(1, "{}")],
        "tool_use",
    );
    let expected = json!(["role", [0, "f"], [1, "g"], [1, {"args": "{}"}], [0, {"args": "{}"}],
        "finish:tool_calls", "done"]);
    check(&plain_stream(), events, expected);
}

#[test]
fn a_stream_that_was_cut_has_its_end_and_its_tokens_bug_24() {
    let expected = json!(["role", {"text": "a"}, "finish:length", "usage", "done"]);
    check(
        &streamed(),
        with_end(vec![text(0, "a")], "max_tokens"),
        expected,
    );
}

#[test]
fn a_refusal_is_a_filter_s_word_bug_26() {
    let expected = json!(["role", {"text": "a"}, "finish:content_filter", "done"]);
    check(
        &plain_stream(),
        with_end(vec![text(0, "a")], "refusal"),
        expected,
    );
}

#[test]
fn tokens_of_the_cache_are_a_part_of_the_prompt_bugs_34_35_37() {
    let usage = TokenUsage {
        input_tokens: 2,
        output_tokens: 5,
        cache_read_input_tokens: 1322,
        cache_write_input_tokens: 7,
    };
    let metadata = Event::Metadata {
        usage: Some(usage),
        guardrail: None,
    };
    let events = vec![text(0, "a"), stop("end_turn"), metadata];
    for reply in [streamed(), Reply::default()] {
        let mut writer = writer(&reply, stamp());
        for event in events.clone() {
            writer.push(Frame::Converse(event)).unwrap();
        }
        let bytes = writer.take().unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        for member in [
            "\"prompt_tokens\":1331",
            "\"cached_tokens\":1322",
            "\"total_tokens\":1336",
        ] {
            assert!(text.contains(member), "{member} in {text}");
        }
        // Each class is priced by itself.
        let usage = writer.facts().usage.unwrap();
        let classes = (usage.input, usage.cached, usage.cache_write, usage.output);
        assert_eq!(classes, (2, 1322, 7, 5));
    }
}

#[test]
fn every_text_block_counts_edge_40() {
    let blocks = json!([{"text": "a"}, {"reasoningContent": {"redactedContent": "AQI="}}, {"text": "b"}, {"text": "c"}]);
    let (body, losses) =
        answered(&response(&blocks, "end_turn"), &Reply::default(), stamp()).unwrap();
    assert_eq!(body["choices"][0]["message"]["content"], "abc");
    assert_eq!(losses, [LossKind::ReasoningHidden]);
}

#[test]
fn thinking_is_kept_for_the_turn_after_its_tools_bug_48() {
    let thoughts = std::sync::Arc::new(crate::thoughts::Thoughts::default());
    let signed = Event::BlockDelta {
        index: 0,
        delta: Delta::Reasoning(ReasoningDelta::Signature("sig".to_owned())),
    };
    let run = |events: Vec<Event>| {
        let shape = Shape::new(Reply::default(), [1; 32], false, Misconduct::default());
        let face = ChatWhole::new(&Reply::default(), stamp(), 1 << 20);
        let kept = Some(std::sync::Arc::clone(&thoughts));
        let mut writer = Translated::new(ConverseReader::new(shape), face, kept);
        for event in with_end(events, "tool_use") {
            writer.push(Frame::Converse(event)).unwrap();
        }
        let body: Value = serde_json::from_slice(&writer.take().unwrap()).unwrap();
        let id = body["choices"][0]["message"]["tool_calls"][0]["id"].clone();
        let id = id.as_str().unwrap_or_default().to_owned();
        thoughts.before(&id, std::time::Instant::now())
    };
    let call = || vec![start(1, "f"), close(1)];
    let kept = run([vec![reasoning(0), signed.clone(), close(0)], call()].concat());
    let expected = json!({"reasoningText": {"text": "hm", "signature": "sig"}});
    assert_eq!(kept.as_deref(), Some([expected].as_slice()));
    // Without a call nothing comes back; without a signature nothing may.
    assert_eq!(
        run(vec![reasoning(0), signed, close(0), text(1, "a")]),
        None
    );
}

#[test]
fn tokens_of_what_is_no_answer_are_billed() {
    for reason in [
        "malformed_tool_use",
        "model_context_window_exceeded",
        "something_new",
    ] {
        let mut writer = writer(&Reply::default(), stamp());
        for event in end(reason) {
            drop(writer.push(Frame::Converse(event)));
        }
        assert_eq!(writer.take(), None);
        assert_eq!(
            writer.facts().usage.map(|usage| usage.input),
            Some(62),
            "{reason}"
        );
    }
}
