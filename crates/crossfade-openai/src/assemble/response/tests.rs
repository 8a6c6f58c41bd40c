//! Cases for the assembly of a response's events.

use bytes::BytesMut;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    chat::ToolKind,
    first_content::FirstContent,
    responses::{Closing, Echo, Mint, Outcome, Request, ResponseBuilder},
};

fn builder() -> ResponseBuilder {
    let head = Echo::of(&Request::default(), "m").head("resp_1".to_owned(), 1);
    ResponseBuilder::streamed(head, Mint::new(|kind| kind.prefix().to_owned()), Some(3))
}

/// The builder's stream so far.
fn stream(builder: &mut ResponseBuilder) -> Vec<u8> {
    let mut stream = BytesMut::new();
    builder.write_events(&mut stream);
    stream.to_vec()
}

#[test]
fn a_stream_is_its_last_events_response() {
    let mut builder = builder();
    builder.summary("why");
    builder.text("a");
    builder.refusal("b");
    builder.call(0, ToolKind::Function, "call_1", "f");
    builder.call_input(0, "{}");
    builder.call(1, ToolKind::Custom, "call_2", "g");
    builder.call_input(1, "x");
    builder.close(Closing::default());
    let body = stream(&mut builder);
    let whole = builder.into_response();
    assert_eq!(assemble_response(&body), Ok(whole.clone()));
    let with_mark = [&body[..], b"data: [DONE]\n\ndata: rubbish\n\n"].concat();
    assert_eq!(assemble_response(&with_mark), Ok(whole));
}

#[test]
fn an_output_that_the_last_event_leaves_out_is_found() {
    let mut builder = builder();
    builder.text("a");
    builder.close(Closing {
        outcome: Outcome::Completed,
        ..Closing::default()
    });
    let mut assembler = ResponseAssembler::new();
    for mut event in builder.take_events() {
        if let Event::Completed(event) = &mut event {
            event.response.output.clear();
        }
        assembler.push(event).unwrap();
    }
    assert_eq!(assembler.finish().unwrap(), builder.into_response());
}

#[test]
fn what_came_of_a_cut_stream_is_kept() {
    let mut builder = builder();
    builder.summary("why");
    builder.reasoning("because");
    builder.text("a");
    builder.call(0, ToolKind::Function, "call_1", "f");
    builder.call_input(0, "{");
    builder.call(1, ToolKind::Custom, "call_2", "g");
    builder.call_input(1, "x");
    builder.refusal("no");
    let mut assembler = ResponseAssembler::new();
    for event in builder.take_events() {
        assembler.push(event).unwrap();
    }
    assert!(!assembler.is_done());
    assert_eq!(assembler.clone().finish(), Err(AssembleError::NotDone));
    let output = serde_json::to_value(assembler.into_partial().output).unwrap();
    let expected = json!([
        {"id": "rs_", "type": "reasoning", "content": [{"type": "reasoning_text", "text": "because"}],
         "summary": [{"type": "summary_text", "text": "why"}]},
        {"id": "msg_", "type": "message", "status": "completed", "role": "assistant",
         "content": [{"type": "output_text", "annotations": [], "logprobs": [], "text": "a"}]},
        {"id": "fc_", "type": "function_call", "status": "incomplete", "arguments": "{", "call_id": "call_1", "name": "f"},
        {"id": "ctc_", "type": "custom_tool_call", "status": "incomplete", "call_id": "call_2", "input": "x", "name": "g"},
        {"id": "msg_", "type": "message", "status": "incomplete", "role": "assistant",
         "content": [{"type": "refusal", "refusal": "no"}]}
    ]);
    assert_eq!(output, expected);
}

proptest! {
    #[test]
    fn the_first_content_and_the_whole_are_the_same_however_it_is_cut(size in 1_usize..80) {
        let mut builder = builder();
        builder.summary("why");
        let before = stream(&mut builder);
        builder.call(0, ToolKind::Function, "call_1", "f");
        let upto = [before, stream(&mut builder)].concat();
        builder.call_input(0, "{}");
        builder.text("\u{e4}");
        builder.close(Closing::default());
        let body = [upto.clone(), stream(&mut builder)].concat();
        // The call's beginning is the last event of these bytes.
        let mut first = FirstContent::new();
        let mut decoder = sse::Decoder::new();
        let mut assembler = ResponseAssembler::new();
        let mut fed = 0;
        for piece in body.chunks(size) {
            fed += piece.len();
            prop_assert_eq!(first.feed(piece), fed >= upto.len());
            for event in decoder.feed(piece) {
                prop_assert!(event.event.is_some_and(|name| event.data.contains(&name)));
                assembler.push_data(&event.data).unwrap();
            }
        }
        prop_assert_eq!(assembler.finish().unwrap(), builder.into_response());
    }
}

#[test]
fn what_is_no_whole_response() {
    let check = |data: &[&str], expected: AssembleError| {
        let body: Vec<u8> = data
            .iter()
            .flat_map(|data| sse::encode_data(data).to_vec())
            .collect();
        assert_eq!(assemble_response(&body), Err(expected), "{data:?}");
    };
    let failed = |code: Option<&str>| AssembleError::Failed {
        code: code.map(str::to_owned),
    };
    let created = r#"{"type":"response.created","response":{"id":"resp_1"}}"#;
    check(&[], AssembleError::Empty);
    check(&["[DONE]"], AssembleError::Empty);
    check(&[created], AssembleError::NotDone);
    check(
        &[created, r#"{"type":"response.hologram"}"#],
        AssembleError::NotDone,
    );
    check(&[created, "{}"], AssembleError::NotAChunk);
    check(&[created, "rubbish"], AssembleError::NotAChunk);
    check(
        &[
            created,
            r#"{"type":"response.failed","response":{"error":{"code":"server_error","message":"m"}}}"#,
        ],
        failed(Some("server_error")),
    );
    check(
        &[created, r#"{"type":"error","code":"c","message":"m"}"#],
        failed(Some("c")),
    );
    check(
        &[r#"{"type":"error","error":{"code":"n","message":"m"}}"#],
        failed(Some("n")),
    );
    check(&[r#"{"error":{"code":"x"}}"#], failed(Some("x")));
}
