//! The bound on outcome logs: what it takes away, and what it never does.

use std::sync::atomic::AtomicU64;

use crossfade_rollout::{Change, Phase};

use super::{
    verbs::{clock, counts, start_at, status},
    *,
};

#[tokio::test]
async fn a_watch_whose_log_is_full_begins_anew_and_the_old_log_goes() {
    let home = tempfile::tempdir().unwrap();
    let clock = clock();
    let controller = start_at(home.path(), &clock);
    let compared = Arc::new(AtomicU64::new(10));
    let of = Arc::clone(&compared);
    // A record takes 84 bytes: two are over the bound.
    controller.learn_from(Sources {
        accounting: Arc::new(move |_| Some(counts(of.load(Ordering::Relaxed)))),
        outcome_log_bytes: 100,
        ..Sources::default()
    });
    let minutes = async |count: u64| {
        for _ in 0..count {
            compared.fetch_add(1, Ordering::Relaxed);
            clock.advance(Duration::from_secs(61));
            controller.tick().await;
        }
    };
    let log = || {
        controller
            .route_view(&support())
            .unwrap()
            .outcome_log
            .unwrap()
    };
    let watch = || status(&controller).attempt.unwrap().facts;
    controller.tick().await;
    minutes(4).await;
    assert_eq!(watch().id, 1, "the stage is young");
    assert!(log().running_bytes > log().bound_bytes, "{:?}", log());
    clock.advance(Duration::from_hours(25));
    controller.tick().await;
    assert_eq!((watch().id, watch().phase), (2, Phase::Shadow));
    let entries = controller.entries(None, 10, None);
    let last = entries.last().unwrap();
    assert!(matches!(last.change, Change::Observe { .. }), "{last:?}");
    assert_eq!(last.reason, "the outcome log has reached its bound");
    let first = home.path().join("outcomes/support.1.log");
    assert!(first.exists(), "nothing newer is there yet");
    minutes(3).await;
    assert_eq!(watch().id, 2);
    assert!(!first.exists());
    assert_eq!(log().ended_bytes, 0);
    // What is not kept is no tampering, and the log of what runs is there.
    let verified = crate::verification::verify_directory(home.path(), None).unwrap();
    let kept: Vec<bool> = verified
        .history
        .attempts
        .iter()
        .map(|a| !a.pruned)
        .collect();
    assert_eq!(kept, [false, true]);
    controller.finish().await;
}

#[tokio::test]
async fn an_attempt_goes_on_however_large_its_log_is() {
    let home = tempfile::tempdir().unwrap();
    let clock = clock();
    let controller = start_at(home.path(), &clock);
    controller.learn_from(Sources {
        outcome_log_bytes: 100,
        accounting: Arc::new(|_| Some(counts(10))),
        ..Sources::default()
    });
    raise(&controller, 5.0).await.unwrap();
    let attempt = status(&controller).attempt.unwrap().facts.id;
    controller
        .apply_outcomes(&support(), outcomes(&controller, 100, false))
        .await
        .unwrap();
    clock.advance(Duration::from_hours(25));
    controller.tick().await;
    let log = controller
        .route_view(&support())
        .unwrap()
        .outcome_log
        .unwrap();
    assert_eq!(log.running_bytes, 100 * 84);
    clock.advance(Duration::from_secs(61));
    controller.tick().await;
    assert_eq!(status(&controller).attempt.unwrap().facts.id, attempt);
    // And it still takes the route back.
    let mut more = outcomes(&controller, 20_000, true);
    more.drain(..100);
    controller.apply_outcomes(&support(), more).await.unwrap();
    assert!(status(&controller).rolled_back.is_some());
}
