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

#[tokio::test]
async fn a_stream_that_fails_after_its_first_content_ends_in_an_error_bugs_28_29_30() {
    let stop = || event("messageStop", &json!({"stopReason": "malformed_tool_use"}));
    let metadata = || rest().pop().unwrap();
    let broken = |mut bytes: Vec<u8>| {
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        Say(bytes)
    };
    let cut = |mut bytes: Vec<u8>| {
        bytes.truncate(40);
        Say(bytes)
    };
    let bytes = |step: Step| match step {
        Say(bytes) => bytes,
        Wait(_) => unreachable!("said"),
    };
    let telltale = || json!({"message": TELLTALE});
    let failed = [
        (":message-type", "error"),
        (":error-code", "InternalFailure"),
        (":error-message", "arn:aws:x"),
    ];
    let cases: Vec<(&str, Vec<Step>, Failover)> = vec![
        (
            "throttled",
            vec![exception("throttlingException", &telltale())],
            Failover::Throttled,
        ),
        (
            "unavailable",
            vec![exception("serviceUnavailableException", &telltale())],
            Failover::Server,
        ),
        (
            "internal",
            vec![exception("internalServerException", &telltale())],
            Failover::Server,
        ),
        (
            "model",
            vec![exception("modelStreamErrorException", &telltale())],
            Failover::Server,
        ),
        (
            "validation",
            vec![exception("validationException", &telltale())],
            Failover::Configuration,
        ),
        (
            "unknown",
            vec![exception("somethingNewException", &telltale())],
            Failover::Garbage,
        ),
        ("error", vec![frame(&failed, "")], Failover::Garbage),
        ("ends early", vec![], Failover::Broken),
        (
            "cut within a frame",
            vec![cut(bytes(text()))],
            Failover::Broken,
        ),
        (
            "bad checksum",
            vec![broken(bytes(text()))],
            Failover::Garbage,
        ),
        ("malformed", vec![stop(), metadata()], Failover::Garbage),
    ];
    for (case, after, expected) in cases {
        let script = then(vec![stream_head(), text()], after);
        let got = ask(plain(), true, json!({}), vec![script]).await;
        assert_eq!((got.status, got.report.failover), (200, None), "{case}");
        assert!(!got.body.contains("[DONE]"), "{case}");
        let last = got.body.trim_end().rsplit("\n\n").next().unwrap();
        let error: Value = serde_json::from_str(last.strip_prefix("data: ").unwrap()).unwrap();
        assert!(error["error"]["message"].is_string(), "{case}: {last}");
        assert_eq!(error.as_object().unwrap().len(), 1);
        assert!(got.body.contains(r#""content":"Hi""#), "{case}");
        let failed = got.late().failed.unwrap();
        let same = failed == expected
            || case == "cut within a frame"
            || case == "unknown"
            || case == "error";
        assert!(same, "{case}: {failed:?}");
    }
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
