//! Asking twice: which pairs, in what order, and what a repeat leaves as it was.

use crossfade_exchange::{Role, Side};

use super::*;
use crate::{Purpose, Repeats};

const PLENTY: &[(&str, &str)] = &[
    ("x-ratelimit-remaining-tokens", "900"),
    ("x-ratelimit-limit-tokens", "1000"),
];
const LITTLE: &[(&str, &str)] = &[
    ("x-ratelimit-remaining-tokens", "500"),
    ("x-ratelimit-limit-tokens", "1000"),
];

/// A world in which these shares are asked twice.
fn twice(primary: f64, candidate: f64, headers: &'static [(&'static str, &'static str)]) -> World {
    twice_of(SCRIPT, primary, candidate, headers)
}

fn twice_of(
    script: Script,
    primary: f64,
    candidate: f64,
    headers: &'static [(&'static str, &'static str)],
) -> World {
    let settings = PlaneSettings {
        repeats: Repeats {
            primary: Percent::new(primary).unwrap(),
            candidate: Percent::new(candidate).unwrap(),
            slots: 4,
        },
        ..PlaneSettings::default()
    };
    world_of(script, settings, headers)
}

/// Lets every task do what it can: the sides answer at once.
pub(super) async fn settle() {
    for _ in 0..500 {
        tokio::task::yield_now().await;
    }
}

impl World {
    /// What is on the queue when nothing moves any more: purposes, and what was asked again.
    async fn queued(&mut self) -> Vec<(Purpose, Exchange)> {
        settle().await;
        let mut all = Vec::new();
        while let Ok(queued) = self.queue.try_recv() {
            all.push((queued.purpose, queued.exchange.clone()));
            queued.compared();
        }
        all
    }
}

#[tokio::test]
async fn the_pair_goes_first_and_the_same_is_asked_once_more() {
    let mut world = twice(100.0, 100.0, PLENTY);
    assert_eq!(world.post(CHAT, "{}").await, (200, PRIMARY.to_owned()));
    let queued = world.queued().await;
    let purposes: Vec<Purpose> = queued.iter().map(|(purpose, _)| *purpose).collect();
    assert_eq!(purposes, [Purpose::Exchange, Purpose::Repeat]);
    let (first, second) = (&queued[0].1, &queued[1].1);
    assert!(first.secondary.is_none() && first.candidate_again.is_none());
    for (side, says) in [(Side::Primary, PRIMARY), (Side::Candidate, CANDIDATE)] {
        let again = second.repeat(side).unwrap();
        assert_eq!((again.side, again.role), (side, Role::Repeat));
        assert_eq!(again.body, says);
        assert_eq!(second.recording(side), first.recording(side));
    }
    assert_eq!(
        (first.id.as_str(), first.caller),
        (second.id.as_str(), second.caller)
    );
    let asked = world.primary.lock().unwrap().clone();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0], asked[1], "the same request");
    assert_eq!(world.of_candidate(), 2);
}

#[tokio::test]
async fn a_repeat_counts_as_no_request_and_teaches_no_times() {
    let mut world = twice(100.0, 100.0, PLENTY);
    for _ in 0..3 {
        world.post(CHAT, "{}").await;
        assert_eq!(world.queued().await.len(), 2);
    }
    let counts = world.counts();
    assert_eq!((counts.seen, counts.compared.values().sum::<u64>()), (3, 3));
    assert_eq!(counts.asked, 3, "of the candidate");
    let baseline = world.handle.baseline(&RouteId::new("support")).unwrap();
    assert_eq!(baseline.answers, 3);
    assert_eq!((world.of_primary(), world.of_candidate()), (6, 6));
    assert_eq!(world.handle.held_bytes().0, 0);
}

#[tokio::test]
async fn only_the_drawn_share_is_asked_again_and_the_candidate_within_it() {
    let mut world = twice(50.0, 20.0, PLENTY);
    let (mut noise, mut both) = (0, 0);
    for _ in 0..400 {
        world.post(CHAT, "{}").await;
        for (purpose, exchange) in world.queued().await {
            if purpose == Purpose::Repeat {
                assert!(exchange.secondary.is_some());
                noise += 1;
                both += usize::from(exchange.candidate_again.is_some());
            }
        }
    }
    // Five standard deviations.
    assert!((150..=250).contains(&noise), "{noise}");
    assert!((40..=120).contains(&both), "{both}");
}

#[tokio::test]
async fn what_keeps_state_or_comes_out_the_same_is_never_asked_again() {
    let say = |more: &str| format!("{{\"model\":\"support\",\"input\":\"x\"{more}}}");
    for (path, body, repeats) in [
        (CHAT, "{}".to_owned(), 1),
        (CHAT, "{\"store\":false}".to_owned(), 1),
        (CHAT, "{\"store\":true}".to_owned(), 0),
        (RESPONSES, say(""), 0),
        (RESPONSES, say(",\"store\":true"), 0),
        (RESPONSES, say(",\"store\":false"), 1),
        (RESPONSES, say(",\"store\":false,\"background\":true"), 0),
        (
            RESPONSES,
            say(",\"store\":false,\"previous_response_id\":\"resp_1\""),
            0,
        ),
        ("/openai/v1/embeddings", say(""), 0),
    ] {
        let mut world = twice(100.0, 0.0, PLENTY);
        world.post(path, &body).await;
        let queued = world.queued().await;
        assert_eq!(queued.len(), 1 + repeats, "{path} {body}");
        assert_eq!(world.of_primary(), 1 + repeats, "{path} {body}");
        assert_eq!(world.of_candidate(), 1, "{path} {body}");
    }
}

#[tokio::test]
async fn nothing_is_asked_again_without_quota_or_while_switched_off() {
    let mut world = twice(100.0, 100.0, LITTLE);
    world.post(CHAT, "{}").await;
    assert_eq!(
        world.queued().await.len(),
        1,
        "half of the quota is not more than half"
    );
    let mut world = twice(100.0, 100.0, &[]);
    for expected in [2, 1, 1] {
        world.post(CHAT, "{}").await;
        assert_eq!(
            world.queued().await.len(),
            expected,
            "only a trickle where nothing is said"
        );
    }
    let mut world = twice(0.0, 0.0, PLENTY);
    world.post(CHAT, "{}").await;
    assert_eq!(world.queued().await.len(), 1, "nothing is configured");
    // Killed after the pair was begun, before it can be asked again.
    let mut world = twice(100.0, 100.0, PLENTY);
    let answer = world.open(CHAT, "{}").await;
    while world.of_candidate() == 0 || world.handle.mirror_slots().0 > 0 {
        tokio::task::yield_now().await;
    }
    world.handle.kill(true);
    drop(answer.into_body().collect().await.unwrap());
    assert_eq!(world.queued().await.len(), 1, "the kill switch");
    assert_eq!((world.of_primary(), world.of_candidate()), (1, 1));
}

#[tokio::test]
async fn a_pair_without_two_whole_answers_is_not_asked_again() {
    for failure in [Failover::Server, Failover::Throttled] {
        let script = Script {
            candidate: Some(failure),
            ..SCRIPT
        };
        let mut world = twice_of(script, 100.0, 100.0, PLENTY);
        world.post(CHAT, "{}").await;
        world.queued().await;
        assert_eq!(
            (world.of_primary(), world.of_candidate()),
            (1, 1),
            "{failure}"
        );
    }
    let script = Script {
        primary: (500, "broken"),
        ..SCRIPT
    };
    let mut world = twice_of(script, 100.0, 100.0, PLENTY);
    world.post(CHAT, "{}").await;
    assert!(world.queued().await.is_empty());
    assert_eq!(world.of_primary(), 1);
}

#[tokio::test]
async fn a_caller_who_leaves_takes_the_repeat_along() {
    let mut world = twice(100.0, 100.0, PLENTY);
    drop(world.open(CHAT, "{}").await);
    assert!(world.queued().await.is_empty());
    assert_eq!(world.of_primary(), 1);
    assert_eq!(world.handle.held_bytes().0, 0);
}

#[tokio::test]
async fn the_reversed_mirror_is_asked_again_too() {
    let script = Script {
        percent: 100.0,
        reverse: 100.0,
        ..SCRIPT
    };
    let mut world = twice_of(script, 100.0, 100.0, PLENTY);
    world.prime().await;
    assert_eq!(world.post(CHAT, "{}").await.1, CANDIDATE);
    let queued = world.queued().await;
    assert_eq!(queued.len(), 2);
    assert_eq!(queued[1].1.secondary.as_ref().unwrap().body, PRIMARY);
}

#[tokio::test]
async fn a_drain_begins_no_repeat() {
    let mut world = twice(100.0, 100.0, PLENTY);
    let gate = world.hold_candidate();
    world.post(CHAT, "{}").await;
    settle().await;
    let handle = world.handle.clone();
    let drained = async { handle.drain(Duration::from_secs(5)).await };
    let ((), queued) = tokio::join!(drained, async {
        settle().await;
        drop(gate);
        world.queued().await
    });
    assert_eq!(queued.len(), 1);
    assert_eq!(world.of_primary(), 1);
}
