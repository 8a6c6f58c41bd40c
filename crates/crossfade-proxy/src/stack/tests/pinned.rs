//! What names state that only the candidate holds.

use super::*;

#[tokio::test]
async fn state_of_the_candidate_is_asked_of_the_candidate_alone() {
    let mut world = world(SCRIPT);
    world.prime().await;
    let stored = |rest: &str| format!("{RESPONSES}/{MARK}1{rest}");
    let continued = format!("{{\"model\":\"support\",\"previous_response_id\":\"{MARK}1\"}}");
    for (method, path, body) in [
        (Method::POST, RESPONSES.to_owned(), continued.as_str()),
        (Method::GET, stored(""), ""),
        (Method::DELETE, stored(""), ""),
        (Method::POST, stored("/cancel"), ""),
        (Method::GET, stored("/input_items?limit=2"), ""),
    ] {
        let got = world.ask(method, &path, body).await;
        assert_eq!(got, (200, CANDIDATE.to_owned()), "{path}");
    }
    assert_eq!((world.of_primary(), world.of_candidate()), (1, 5));
    let counts = world.counts();
    assert_eq!(counts.ineligible[&IneligibleReason::Stateful], 5);
    assert_eq!((counts.asked, counts.in_flight), (5, 0));
    assert!(world.queue.try_recv().is_err(), "nothing is compared");
}

#[tokio::test]
async fn a_caller_whom_azure_does_not_know_is_shown_to_azure_first() {
    const TYPED: &str = "{\"error\":{\"message\":\"m\",\"type\":\"invalid_request_error\"}}";
    // What Azure says of a path or an `api-version` it does not know, whoever asks.
    const PATH: &str = "{\"error\":{\"code\":\"404\",\"message\":\"Resource not found\"}}";
    let body = format!("{{\"model\":\"support\",\"previous_response_id\":\"{MARK}1\"}}");
    for (status, says, by) in [
        (401, TYPED, TYPED),
        (403, TYPED, TYPED),
        (429, TYPED, TYPED),
        (500, TYPED, TYPED),
        (404, PATH, PATH),
        (400, PRIMARY, PRIMARY),
        (404, TYPED, CANDIDATE),
        (400, TYPED, CANDIDATE),
    ] {
        let world = world(Script {
            primary: (status, says),
            ..SCRIPT
        });
        assert_eq!(world.post(RESPONSES, &body).await.1, by, "{status}");
        let asked = (world.of_primary(), world.of_candidate());
        assert_eq!(asked, (1, usize::from(by == CANDIDATE)), "{status}");
    }
}

#[tokio::test]
async fn without_its_candidate_state_is_not_answered_by_azure() {
    let body = format!("{{\"model\":\"support\",\"previous_response_id\":\"{MARK}1\"}}");
    let gone = world(Script {
        candidate: Some(Failover::Connect),
        ..SCRIPT
    });
    gone.prime().await;
    assert_eq!(
        gone.post(RESPONSES, &body).await,
        (503, "no candidate".to_owned())
    );
    assert_eq!(gone.of_primary(), 1, "only the priming one");
    let killed = world(SCRIPT);
    killed.prime().await;
    killed.handle.kill(true);
    let (status, text) = killed.post(RESPONSES, &body).await;
    assert_eq!(status, 503);
    assert!(text.contains("\"error\""), "{text}");
    assert_eq!(killed.of_candidate(), 0);
}

#[tokio::test]
async fn what_azure_can_answer_too_is_its_own_once_the_candidate_is_left() {
    let loose = format!("{{\"model\":\"support\",\"loose\":\"{MARK}1\"}}");
    for (case, percent, candidate, kill, by) in [
        ("split", 50.0, None, false, CANDIDATE),
        ("rolled back", 0.0, None, false, PRIMARY),
        ("killed", 50.0, None, true, PRIMARY),
        ("failed", 50.0, Some(Failover::Connect), false, PRIMARY),
    ] {
        let world = world(Script {
            percent,
            candidate,
            ..SCRIPT
        });
        world.prime().await;
        world.handle.kill(kill);
        let asked = world.of_candidate();
        let got = world.post(RESPONSES, &loose).await;
        assert_eq!(got, (200, by.to_owned()), "{case}");
        let tried = usize::from(case == "split" || case == "failed");
        assert_eq!(world.of_candidate() - asked, tried, "{case}");
        assert_eq!(world.counts().in_flight, 0, "{case}");
    }
}
