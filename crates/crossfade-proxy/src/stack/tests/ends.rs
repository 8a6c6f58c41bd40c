//! Where an answer ends: with its last event, whoever closes then; and whose a caller is who leaves before.

use crossfade_exchange::{Ending, Side, SkipReason};

use super::*;

/// How a caller closes who has read one piece of an answer that has not ended on its connection: what the request is counted
/// as, `None` as compared; and how the recording of the answering side ended.
async fn check(script: Script, body: &str, skipped: Option<SkipReason>) {
    let mut world = world(script);
    world.prime().await;
    let held = world.hold_candidate();
    if script.percent > 0.0 {
        drop(held);
        close_after_one_piece(&world, body).await;
    } else {
        // The shadow answers after the caller has closed.
        close_after_one_piece(&world, body).await;
        drop(held);
    }
    while world.counts().mirror_in_flight > 0 {
        if let Ok(queued) = world.queue.try_recv() {
            let exchange = &queued.exchange;
            let answering = match exchange.assignment.answer {
                Side::Primary => &exchange.primary,
                Side::Candidate => &exchange.candidate,
            };
            let ending = answering.as_ref().map(|recording| recording.ending);
            assert_eq!(ending, Some(Ending::Complete), "{body}");
            queued.compared();
        }
        tokio::task::yield_now().await;
    }
    let counts = world.counts();
    let compared: u64 = counts.compared.values().sum();
    assert_eq!(compared, u64::from(skipped.is_none()), "{counts:?}");
    if let Some(reason) = skipped {
        assert_eq!(counts.skipped_for(reason), 1, "{counts:?}");
    }
}

async fn close_after_one_piece(world: &World, body: &str) {
    let answer = world.open(CHAT, body).await;
    let mut body = answer.into_body();
    body.frame().await.unwrap().unwrap();
}

fn says(text: &'static str) -> Script {
    Script {
        primary: (200, text),
        ..SCRIPT
    }
}

const STREAM: &str = "{\"stream\":true}";
const DONE: &str =
    "endless data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n";
const COMPLETED: &str = "endless event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{}}\n\n";
const CUT: &str = "endless data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";

#[tokio::test]
async fn an_answer_is_complete_with_its_last_event() {
    check(says(DONE), STREAM, None).await;
    check(says(COMPLETED), STREAM, None).await;
    check(says(CUT), STREAM, Some(SkipReason::ClientAbort)).await;
    check(says("endless {}"), "{}", Some(SkipReason::ClientAbort)).await;
    check(says("{}"), "{}", None).await;
}

#[tokio::test]
async fn so_is_the_candidates() {
    let candidate = |text| Script {
        percent: 100.0,
        reverse: 100.0,
        says: text,
        ..SCRIPT
    };
    check(candidate(DONE), STREAM, None).await;
    check(candidate(CUT), STREAM, Some(SkipReason::CandidateAbort)).await;
    // The candidate failed, and the caller left the primary that was asked instead.
    let fell_back = Script {
        candidate: Some(Failover::Silent),
        primary: (200, CUT),
        ..candidate(CUT)
    };
    check(fell_back, STREAM, Some(SkipReason::CandidateAbort)).await;
}

/// An official client raises an error in a chunk's place and closes: that was the side's failure, not the caller's leaving.
#[tokio::test]
async fn an_error_in_the_stream_is_the_sides() {
    const FAILED: &str =
        "endless data: {\"error\":{\"code\":\"server_error\",\"message\":\"m\"}}\n\n";
    let mut world = world(Script {
        percent: 0.001,
        ..says(FAILED)
    });
    world.prime().await;
    close_after_one_piece(&world, STREAM).await;
    while world.counts().mirror_in_flight > 0 {
        while let Ok(queued) = world.queue.try_recv() {
            queued.compared();
        }
        tokio::task::yield_now().await;
    }
    let bad: Vec<MetricSet> = std::iter::from_fn(|| world.outcomes.try_recv().ok())
        .filter_map(|message| match message {
            OutcomeMessage::Settled(_, settled) if settled.group == Group::Arrival => {
                settled.settlement.answer()
            }
            _ => None,
        })
        .collect();
    assert_eq!(bad, [MetricSet::EMPTY.with(Metric::Transport)]);
}

/// The candidate's stream that fails before its content is no answer; Azure's is none either.
#[tokio::test]
async fn a_stream_of_azures_that_fails_before_its_content_is_a_bad_arrival() {
    const FAILED: &str = "data: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"server_error\"}}}\n\n";
    const EMPTY: &str = "data: {\"type\":\"response.completed\",\"response\":{}}\n\n";
    for (says, bad) in [(FAILED, true), (EMPTY, false)] {
        let mut world = world(Script {
            percent: 0.001,
            primary: (200, says),
            ..SCRIPT
        });
        world.prime().await;
        let body = "{\"model\":\"support\",\"stream\":true,\"input\":\"x\"}";
        assert_eq!(world.post(RESPONSES, body).await.1, says);
        let settled = loop {
            match world.outcomes.try_recv().unwrap() {
                OutcomeMessage::Settled(_, settled) if settled.group == Group::Arrival => {
                    break settled;
                }
                _ => {}
            }
        };
        assert_eq!(
            settled
                .settlement
                .answer()
                .unwrap()
                .contains(Metric::Transport),
            bad,
            "{says}"
        );
    }
}
