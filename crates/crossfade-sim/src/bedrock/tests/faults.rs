//! What goes wrong as told: exceptions before and in the middle of an answer, streams cut and garbled.

use super::*;

#[tokio::test]
async fn exceptions_come_before_an_answer() {
    let sim = start(Answer::text("x")).await;
    for (name, status) in [
        ("AccessDeniedException", 403),
        ("ServiceQuotaExceededException", 400),
        ("ResourceNotFoundException", 404),
        ("ModelTimeoutException", 408),
        ("ModelErrorException", 424),
        ("ThrottlingException", 429),
        ("ModelNotReadyException", 429),
        ("InternalServerException", 500),
        ("ServiceUnavailableException", 503),
    ] {
        sim.script().set_fault(Fault::Exception {
            name: name.to_owned(),
        });
        let raw = post(&sim, "converse-stream", &hello()).await;
        assert_eq!((raw.status(), error_type(&raw)), (status, name));
        assert!(raw.json()["message"].is_string());
    }
    sim.script().set_fault(Fault::Status {
        status: 429,
        retry_after: Some(7),
    });
    let raw = post(&sim, "converse", &hello()).await;
    assert_eq!(
        (raw.status(), error_type(&raw)),
        (429, "ThrottlingException")
    );
    assert_eq!(raw.header("Retry-After"), Some("7"));
    sim.script().set_fault(Fault::Status {
        status: 502,
        retry_after: None,
    });
    assert_eq!(post(&sim, "converse", &hello()).await.status(), 502);
}

#[tokio::test]
async fn exceptions_come_in_the_middle() {
    async fn check(name: &str, after: usize, deltas: usize) -> Frame {
        let sim = start(Answer::text("12345678")).await;
        sim.script().set_fault(Fault::ExceptionInStream {
            name: name.to_owned(),
            after,
        });
        let raw = post(&sim, "converse-stream", &hello()).await;
        let mut frames = frames(&raw.body);
        let last = frames.pop().unwrap();
        let of = |name| {
            frames
                .iter()
                .filter(|f| f.text(":event-type") == Some(name))
                .count()
        };
        assert_eq!(
            (of("contentBlockDelta"), of("messageStop"), raw.whole),
            (deltas, 0, true)
        );
        last
    }
    let last = check("throttlingException", 1, 1).await;
    assert_eq!(last.text(":exception-type"), Some("throttlingException"));
    assert!(last.payload.starts_with(b"{\"message\":"));
    for name in [
        "internalServerException",
        "modelStreamErrorException",
        "serviceUnavailableException",
    ] {
        assert_eq!(
            check(name, 0, 0).await.text(":message-type"),
            Some("exception"),
            "{name}"
        );
    }
    assert_eq!(
        check("validationException", 99, 2)
            .await
            .text(":message-type"),
        Some("exception")
    );
    let outside = check("InternalFailure", 2, 2).await;
    assert_eq!(outside.text(":message-type"), Some("error"));
    assert_eq!(outside.text(":error-code"), Some("InternalFailure"));
}

#[tokio::test]
async fn streams_break_off_and_garble() {
    let sim = start(Answer::text("12345678")).await;
    for (fault, whole) in [
        (Fault::Truncate { after: 1 }, false),
        (Fault::EndEarly { after: 1 }, true),
    ] {
        sim.script().set_fault(fault);
        let raw = post(&sim, "converse-stream", &hello()).await;
        let names: Vec<Option<String>> = frames(&raw.body)
            .iter()
            .map(|f| f.text(":event-type").map(ToOwned::to_owned))
            .collect();
        let expected = ["messageStart", "contentBlockDelta"].map(|n| Some(n.to_owned()));
        assert_eq!((names.as_slice(), raw.whole), (expected.as_slice(), whole));
    }
    sim.script().set_fault(Fault::Garbage);
    let raw = post(&sim, "converse-stream", &hello()).await;
    let mut decoder = Decoder::new();
    decoder.feed(&raw.body);
    assert!(decoder.next_frame().is_err());
    sim.script().set_fault(Fault::Huge { bytes: 300_000 });
    let events = events(&post(&sim, "converse-stream", &hello()).await);
    assert_eq!(joined(&events, "/delta/text").len(), 300_000);
}
