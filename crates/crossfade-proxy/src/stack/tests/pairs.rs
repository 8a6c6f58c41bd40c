//! What the statistics are told of mirrored requests, whichever way they go; and the switch that ends them all.

use crossfade_exchange::{Mirrored, Settlement, Side, SkipReason};

use super::*;
use crate::KnownBad;

const GOOD: MetricSet = MetricSet::EMPTY;

/// What became of the one mirrored request: who was to answer it, how each group was settled, and what was known of its content
/// when that was handed over.
#[derive(Debug, PartialEq)]
struct Told {
    answer: Side,
    arrival: Settlement,
    content: Result<KnownBad, Settlement>,
}

fn only(metric: Metric) -> MetricSet {
    MetricSet::EMPTY.with(metric)
}

const fn pair(primary: MetricSet, candidate: MetricSet) -> Settlement {
    Settlement::Pair { primary, candidate }
}

impl World {
    /// What was announced as mirrored and how it was settled or handed over; `None` if nothing was announced.
    async fn told(&mut self) -> Option<Told> {
        let mut handed_over = None;
        loop {
            let is_over = self.counts().mirror_in_flight == 0;
            while let Ok(queued) = self.queue.try_recv() {
                if let Some(known) = queued.mirrored {
                    let announced = queued.exchange.mirrored.unwrap();
                    assert!(handed_over.replace((announced.key, known)).is_none());
                }
                queued.compared();
            }
            if is_over {
                break;
            }
            tokio::task::yield_now().await;
        }
        let (announced, arrival, content) = self.announced()?;
        let handed_over = handed_over.map(|(key, known)| {
            assert_eq!(key, announced.key);
            known
        });
        assert_ne!(handed_over.is_some(), content.is_some(), "one of the two");
        Some(Told {
            answer: announced.answer,
            arrival: arrival.expect("the arrival is settled"),
            content: handed_over.ok_or(content.unwrap_or(Settlement::Void)),
        })
    }

    /// The mirrored request, of which there is at most one, and its settlements, of which there is at most one of a group.
    fn announced(&mut self) -> Option<(Mirrored, Option<Settlement>, Option<Settlement>)> {
        let mut mirrored = None;
        let (mut arrival, mut content) = (None, None);
        while let Ok(message) = self.outcomes.try_recv() {
            match message {
                OutcomeMessage::Mirrored(announced) => {
                    assert!(mirrored.replace(announced).is_none(), "announced twice");
                }
                OutcomeMessage::Settled(_, settled)
                    if mirrored.as_ref().is_some_and(|m| m.key == settled.key) =>
                {
                    let of = match settled.group {
                        Group::Arrival => &mut arrival,
                        Group::Content => &mut content,
                        Group::Review => panic!("the data plane settles nothing that people say"),
                    };
                    assert!(of.replace(settled.settlement).is_none(), "settled twice");
                }
                OutcomeMessage::Settled(..)
                | OutcomeMessage::Drawn(_)
                | OutcomeMessage::Watermark { .. } => {}
            }
        }
        mirrored.map(|announced| (announced, arrival, content))
    }
}

/// What is told of one request.
async fn check(script: Script, want: Option<(Side, Settlement, Result<KnownBad, Settlement>)>) {
    let mut world = world(script);
    if script.primary.0 == 200 {
        world.prime().await;
    }
    world.post(CHAT, "{}").await;
    let want = want.map(|(answer, arrival, content)| Told {
        answer,
        arrival,
        content,
    });
    assert_eq!(
        world.told().await,
        want,
        "{} % {:?} {:?}",
        script.percent,
        script.primary,
        script.candidate
    );
}

#[tokio::test]
async fn each_way_settles_each_group_once() {
    use Settlement::{PrimaryFailed, Void};
    use Side::{Candidate as C, Primary as P};
    let judged = Ok(KnownBad::default());
    let transport = only(Metric::Transport);
    let shadowed = |candidate| Script {
        candidate,
        ..SCRIPT
    };
    check(SCRIPT, Some((P, pair(GOOD, GOOD), judged))).await;
    for failure in [Failover::Connect, Failover::Throttled, Failover::Server] {
        let failed = Some((P, pair(GOOD, transport), Err(Void)));
        check(shadowed(Some(failure)), failed).await;
    }
    let garbled = KnownBad {
        candidate: only(Metric::Envelope),
        ..KnownBad::default()
    };
    let garbage = shadowed(Some(Failover::Garbage));
    check(garbage, Some((P, pair(GOOD, GOOD), Ok(garbled)))).await;
    let answered = |status| Script {
        primary: (status, "no answer"),
        ..SCRIPT
    };
    for status in [408, 429, 500, 503] {
        check(answered(status), Some((P, PrimaryFailed, Err(Void)))).await;
    }
    for status in [400, 401, 404] {
        check(answered(status), Some((P, Void, Err(Void)))).await;
    }
    let reversed = |candidate| Script {
        percent: 100.0,
        reverse: 100.0,
        candidate,
        ..SCRIPT
    };
    check(reversed(None), Some((C, pair(GOOD, GOOD), judged))).await;
    let fell_back = Some((C, pair(GOOD, transport), Err(Void)));
    check(reversed(Some(Failover::Silent)), fell_back).await;
    let garbled = Some((C, pair(GOOD, GOOD), Ok(garbled)));
    check(reversed(Some(Failover::Garbage)), garbled).await;
    // What the reversed mirror does not select is no pair, though both sides were asked.
    let unselected = |candidate| Script {
        reverse: 0.0,
        ..reversed(candidate)
    };
    check(unselected(None), None).await;
    check(unselected(Some(Failover::Silent)), None).await;
}

#[tokio::test]
async fn an_open_breaker_is_told_of_with_the_primarys_answer() {
    let mut world = world(Script {
        candidate: Some(Failover::Server),
        ..SCRIPT
    });
    world.prime().await;
    let mut last = None;
    for _ in 0..21 {
        world.post(CHAT, "{}").await;
        last = world.told().await;
    }
    assert_eq!(world.counts().skipped_for(SkipReason::Breaker), 1);
    let want = Told {
        answer: Side::Primary,
        arrival: Settlement::BreakerOpen { primary: GOOD },
        content: Err(Settlement::Void),
    };
    assert_eq!(last, Some(want));
}

#[tokio::test]
async fn a_caller_who_leaves_at_once_says_nothing() {
    let mut world = world(SCRIPT);
    world.prime().await;
    let held = world.hold_candidate();
    drop(world.open(CHAT, "{\"stream\":true}").await);
    let told = world.told().await.unwrap();
    assert_eq!(told.content, Err(Settlement::Void));
    assert_eq!(told.arrival, Settlement::Void);
    assert_eq!(world.counts().skipped_for(SkipReason::ClientAbort), 1);
    drop(held);
}

#[tokio::test]
async fn what_cannot_be_announced_is_mirrored_all_the_same() {
    let mut world = world(SCRIPT);
    world.prime().await;
    // The queue holds 1024 messages: with 340 requests over half of it is reserved or filled.
    let held = world.hold_candidate();
    for _ in 0..340 {
        assert_eq!(world.post(CHAT, "{}").await.1, PRIMARY);
    }
    drop(held);
    let mut announced = 0;
    let mut unannounced = 0;
    while announced + unannounced < 340 {
        let exchange = world.compared().await;
        if exchange.mirrored.is_some() {
            announced += 1;
        } else {
            unannounced += 1;
        }
    }
    assert!(
        announced > 100 && unannounced > 100,
        "{announced} {unannounced}"
    );
}

#[tokio::test]
async fn the_kill_switch_ends_mirrors_under_way() {
    let mut world = world(SCRIPT);
    world.prime().await;
    let held = world.hold_candidate();
    assert_eq!(world.post(CHAT, "{}").await.0, 200);
    assert_eq!(world.counts().mirror_in_flight, 1);
    world.handle.kill(true);
    let told = world.told().await.unwrap();
    assert_eq!(
        (told.arrival, told.content),
        (Settlement::Void, Err(Settlement::Void))
    );
    assert_eq!(world.counts().skipped_for(SkipReason::Disabled), 1);
    while world.handle.mirror_slots().0 > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.post(CHAT, "{}").await.1, PRIMARY);
    assert_eq!(world.told().await, None, "nothing is mirrored");
    assert_eq!(world.counts().skipped_for(SkipReason::Disabled), 2);
    world.handle.kill(false);
    drop(held);
    assert_eq!(world.post(CHAT, "{}").await.1, PRIMARY);
    assert_eq!(world.told().await.unwrap().arrival, pair(GOOD, GOOD));
}

#[tokio::test]
async fn nothing_is_mirrored_before_the_golden_set_has_passed() {
    let mut world = world(SCRIPT);
    world.prime().await;
    world
        .split
        .send_modify(|split| Arc::make_mut(split).stage = Stage::Replay);
    assert_eq!(world.post(CHAT, "{}").await.1, PRIMARY);
    assert_eq!(world.told().await, None);
    assert_eq!(world.counts().skipped_for(SkipReason::Disabled), 1);
    world
        .split
        .send_modify(|split| Arc::make_mut(split).stage = Stage::Shadow);
    assert_eq!(world.post(CHAT, "{}").await.1, PRIMARY);
    assert_eq!(world.told().await.unwrap().arrival, pair(GOOD, GOOD));
}
