//! What is learned of Azure from its own answers.

use super::*;

#[tokio::test]
async fn azures_face_is_learned_from_its_own_answers_that_show_one() {
    const SHOWN: &str = "{\"model\":\"base-2025\",\"system_fingerprint\":\"fp_1\"}";
    let mut world = world(Script {
        primary: (200, SHOWN),
        ..SCRIPT
    });
    for (path, body, want) in [
        // A response repeats the caller's own name.
        (RESPONSES, "{\"model\":\"support\"}", None),
        (CHAT, "{}", None),
        (CHAT, "{}", Some("base-2025")),
    ] {
        world.post(path, body).await;
        world.compared().await;
        let asked = world.candidate.lock().unwrap().last().cloned().unwrap();
        assert_eq!(asked.2.unwrap_or_default().model.as_deref(), want, "{path}");
    }
}

#[tokio::test]
async fn a_request_that_the_candidate_answers_teaches_nothing() {
    let world = world(Script {
        percent: 100.0,
        ..SCRIPT
    });
    world.prime().await;
    assert_eq!(world.post(CHAT, "{}").await.1, CANDIDATE);
    assert_eq!(world.post(CHAT, "{}").await.1, CANDIDATE);
    let asked = world.candidate.lock().unwrap().last().cloned().unwrap();
    assert_eq!(asked.2, Some(Face::default()));
    assert_eq!(world.counts().asked, 2);
}
