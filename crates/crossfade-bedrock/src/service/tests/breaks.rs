//! Every way in which a stream of the provider's fails, before and after its first content.

use crossfade_exchange::LossKind;

use super::{
    faults::plain,
    got::{TELLTALE, ask},
    *,
};

fn text() -> Step {
    event(
        "contentBlockDelta",
        &json!({"contentBlockIndex": 0, "delta": {"text": "Hi"}}),
    )
}

#[tokio::test]
async fn exceptions_of_a_stream_keep_their_status_before_its_first_content() {
    use Failover::{Configuration, Server, Throttled};
    for (name, payload, status, failover) in [
        (
            "throttlingException",
            json!({"message": TELLTALE}),
            429,
            Some(Throttled),
        ),
        (
            "serviceUnavailableException",
            json!({"message": TELLTALE}),
            503,
            Some(Server),
        ),
        (
            "internalServerException",
            json!({"message": TELLTALE}),
            500,
            Some(Server),
        ),
        (
            "modelStreamErrorException",
            json!({"message": TELLTALE}),
            500,
            Some(Server),
        ),
        (
            "modelStreamErrorException",
            json!({"message": "x", "originalStatusCode": 400}),
            400,
            Some(Server),
        ),
        (
            "validationException",
            json!({"message": "Input is too long"}),
            400,
            None,
        ),
        (
            "validationException",
            json!({"message": TELLTALE}),
            400,
            Some(Configuration),
        ),
    ] {
        for stream in [true, false] {
            let start = event("messageStart", &json!({"role": "assistant"}));
            let script = vec![stream_head(), start, exception(name, &payload)];
            let got = ask(plain(), stream, json!({}), vec![script]).await;
            assert_eq!(
                (got.status, got.report.failover),
                (status, failover),
                "{name}"
            );
            assert!(got.json()["error"]["message"].is_string());
        }
    }
}

/// What follows a first piece of text breaks the stream: the piece stays, an error is the last, and no end mark follows.
async fn check_break(case: &str, after: Vec<Step>, expected: Option<Failover>) {
    let script = then(vec![stream_head(), text()], after);
    let got = ask(plain(), true, json!({}), vec![script]).await;
    assert_eq!((got.status, got.report.failover), (200, None), "{case}");
    assert!(!got.body.contains("[DONE]"), "{case}");
    assert!(got.body.contains(r#""content":"Hi""#), "{case}");
    let last = got.body.trim_end().rsplit("\n\n").next().unwrap();
    let error: Value = serde_json::from_str(last.strip_prefix("data: ").unwrap()).unwrap();
    assert!(error["error"]["message"].is_string(), "{case}: {last}");
    assert_eq!(error.as_object().unwrap().len(), 1);
    let failed = got.late().failed;
    assert!(failed.is_some(), "{case}");
    assert!(
        expected.is_none() || failed == expected,
        "{case}: {failed:?}"
    );
}

#[tokio::test]
async fn exceptions_after_the_first_content_are_raised_bugs_28_29() {
    use Failover::{Configuration, Server, Throttled};
    for (name, expected) in [
        ("throttlingException", Some(Throttled)),
        ("serviceUnavailableException", Some(Server)),
        ("internalServerException", Some(Server)),
        ("modelStreamErrorException", Some(Server)),
        ("validationException", Some(Configuration)),
        ("somethingNewException", None),
    ] {
        let after = vec![exception(name, &json!({ "message": TELLTALE }))];
        check_break(name, after, expected).await;
    }
    let failed = [
        (":message-type", "error"),
        (":error-code", "InternalFailure"),
        (":error-message", "arn:aws:x"),
    ];
    check_break("an error's frame", vec![frame(&failed, "")], None).await;
}

#[tokio::test]
async fn a_stream_that_breaks_after_its_first_content_is_raised_bug_30() {
    use Failover::{Broken, Garbage};
    let Say(whole) = text() else {
        unreachable!("said")
    };
    let cut = Say(whole[..40].to_vec());
    let mut damaged = whole;
    *damaged.last_mut().unwrap() ^= 1;
    check_break("ends early", vec![], Some(Broken)).await;
    check_break("cut within a frame", vec![cut], None).await;
    check_break("bad checksum", vec![Say(damaged)], Some(Garbage)).await;
    let stop = event("messageStop", &json!({"stopReason": "malformed_tool_use"}));
    let malformed = vec![stop, rest().pop().unwrap()];
    check_break("malformed", malformed, Some(Garbage)).await;
}

#[tokio::test]
async fn an_unknown_event_is_skipped_and_counted_edge_52() {
    let script = then(
        vec![stream_head(), event("hologram", &json!({"x": 1}))],
        rest(),
    );
    let got = ask(plain(), true, json!({}), vec![script]).await;
    assert!(got.body.ends_with("data: [DONE]\n\n"));
    let losses: Vec<LossKind> = got.late().losses.iter().map(|loss| loss.kind).collect();
    assert_eq!(losses, [LossKind::EventSkipped]);
}
