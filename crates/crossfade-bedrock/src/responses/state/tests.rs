//! Which side a request is bound to, field by field.

use serde_json::json;

use super::*;
use crate::responses::SealedReasoning;

fn sealer() -> Sealer {
    Sealer::new(&[1; 32])
}

fn unstored(kind: &str) -> String {
    let bytes = sealer().mark([9; 13]);
    bytes
        .iter()
        .fold(kind.to_owned(), |id, byte| format!("{id}{byte:02x}"))
}

fn kept(theirs: &str) -> String {
    sealer().seal_id(theirs)
}

fn request(body: &Value) -> Request {
    Request::from_slice(body.to_string().as_bytes()).unwrap()
}

fn settings(store: Store) -> CandidateSettings {
    let mut settings = CandidateSettings::new("m");
    settings.store = store;
    settings.sealer = Some(sealer());
    settings
}

fn keeping() -> CandidateSettings {
    let mut settings = settings(Store::Candidate);
    settings.api = Api::OpenaiResponses;
    settings.surface = Surface::Mantle;
    settings
}

#[test]
#[expect(clippy::too_many_lines, reason = "the cases are the lines of a table")]
fn every_field_that_names_state() {
    let azures = "resp_0123456789012345678901234567890123456789abcdefabcd";
    let thought = SealedReasoning::Encrypted("x".to_owned());
    let thought = sealer().seal_reasoning(&thought);
    let reference = |id: &str| json!({"input": [{"type": "item_reference", "id": id}]});
    let reasoning = |id: &str, sealed: Value| json!({"input": ["hm", {"type": "reasoning", "id": id, "summary": [], "encrypted_content": sealed}]});
    let part = |part: Value| json!({"input": [{"role": "user", "content": [part]}]});
    let primary = |field: &str| Pin::Primary(field.to_owned());
    let candidate = |field: &str| Pin::Candidate(field.to_owned());
    for (body, expected) in [
        (json!({"input": "hi"}), Pin::Free),
        (json!({"input": "hi", "background": false}), Pin::Free),
        (
            json!({"previous_response_id": azures}),
            primary("previous_response_id"),
        ),
        (
            json!({"previous_response_id": unstored("resp_")}),
            candidate("previous_response_id"),
        ),
        (
            json!({"previous_response_id": kept("resp_1")}),
            candidate("previous_response_id"),
        ),
        (json!({"conversation": "conv_1"}), primary("conversation")),
        (
            json!({"conversation": {"id": "conv_1"}}),
            primary("conversation"),
        ),
        (
            json!({"conversation": kept("conv_1")}),
            candidate("conversation"),
        ),
        (
            json!({"conversation": {"id": kept("conv_1")}}),
            candidate("conversation"),
        ),
        (json!({"prompt": {"id": "pmpt_1"}}), primary("prompt")),
        (json!({"background": true}), primary("background")),
        (reference("msg_1"), primary("input[0].id")),
        (reference(&kept("msg_1")), candidate("input[0].id")),
        (reference(&unstored("msg_")), candidate("input[0].id")),
        (reasoning("rs_1", json!("gAAAA")), Pin::Free),
        (reasoning("rs_1", json!(null)), Pin::Free),
        (
            reasoning("rs_1", json!(thought)),
            candidate("input[1].encrypted_content"),
        ),
        (
            reasoning(&unstored("rs_"), json!(null)),
            candidate("input[1].id"),
        ),
        (
            part(json!({"type": "input_image", "file_id": "file-1"})),
            primary("input[0].content[0].file_id"),
        ),
        (
            part(json!({"type": "input_file", "file_id": "file-1"})),
            primary("input[0].content[0].file_id"),
        ),
        (part(json!({"type": "input_text", "text": "hi"})), Pin::Free),
        (
            json!({"input": [{"type": "message", "role": "assistant", "id": unstored("msg_"), "content": []}]}),
            Pin::Free,
        ),
        (
            json!({"input": ["hm", {"type": "message", "role": "assistant", "id": kept("msg_1"), "content": []}]}),
            candidate("input[1].id"),
        ),
        (
            json!({"input": [{"type": "function_call", "id": kept("fc_1"), "call_id": "c", "name": "f", "arguments": ""}]}),
            candidate("input[0].id"),
        ),
        (
            json!({"input": [{"type": "function_call_output", "call_id": "c",
                              "output": [{"type": "input_file", "file_id": "f"}]}]}),
            primary("input[0].output[0].file_id"),
        ),
        (
            json!({"conversation": "conv_1", "previous_response_id": unstored("resp_"), "prompt": {}}),
            candidate("previous_response_id"),
        ),
    ] {
        let request = request(&body);
        assert_eq!(pin(&request, Some(&sealer())), expected, "{body}");
        let without = pin(&request, None);
        assert!(!matches!(without, Pin::Candidate(_)), "{body}");
    }
}

#[test]
fn who_may_answer_by_who_keeps() {
    let stored = request(&json!({"input": "hi"}));
    let stateless = request(&json!({"input": "hi", "store": false}));
    let mirrored = Allowance::MirrorOnly(MirrorOnlyReason::Stored);
    for (settings, expected) in [
        (settings(Store::Primary), mirrored),
        (settings(Store::Unstored), Allowance::Either),
        (settings(Store::Candidate), mirrored),
        (keeping(), Allowance::Either),
    ] {
        assert_eq!(allowance(&stored, &settings), Ok(expected));
        assert_eq!(allowance(&stateless, &settings), Ok(Allowance::Either));
        let theirs = request(&json!({"previous_response_id": "resp_1"}));
        assert_eq!(
            allowance(&theirs, &settings),
            Err(stateful("previous_response_id"))
        );
        let ours = request(&json!({"previous_response_id": kept("resp_1")}));
        assert_eq!(allowance(&ours, &settings), Ok(Allowance::CandidateOnly));
    }
}

#[test]
fn an_id_in_a_path_is_the_candidates_that_made_it() {
    for (id, stateless, keeping_state) in [
        ("resp_1".to_owned(), false, false),
        (unstored("resp_"), true, true),
        (kept("resp_1"), false, true),
    ] {
        assert_eq!(minted(&id, &settings(Store::Unstored)), stateless, "{id}");
        assert_eq!(minted(&id, &keeping()), keeping_state, "{id}");
    }
    assert!(!minted(&unstored("resp_"), &CandidateSettings::new("m")));
}

#[test]
fn what_was_not_kept_is_said_to_be_missing() {
    let id = unstored("resp_");
    let item = unstored("msg_");
    for (body, code, names) in [
        (
            json!({"previous_response_id": id}),
            json!("previous_response_not_found"),
            &id,
        ),
        (
            json!({"input": [{"type": "item_reference", "id": item}]}),
            Value::Null,
            &item,
        ),
    ] {
        let found = missing(&request(&body), &sealer()).unwrap();
        let error = found.error();
        let shown: Value = serde_json::from_slice(&error.body).unwrap();
        assert_eq!(error.status, 404);
        assert_eq!(shown.pointer("/error/code"), Some(&code));
        let message = shown.pointer("/error/message").and_then(Value::as_str);
        assert!(message.unwrap().contains(names.as_str()));
    }
    let free = request(&json!({"input": "hi", "previous_response_id": "resp_1"}));
    assert_eq!(missing(&free, &sealer()), None);
    assert_eq!(no_such_response("resp_1").status, 404);
}
