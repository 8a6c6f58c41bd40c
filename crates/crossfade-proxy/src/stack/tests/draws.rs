//! What the statistics are told of drawn answers of a candidate that fails, and of one that hangs.

use crossfade_exchange::{Drawn, Settlement, Side};

use super::{repeat::settle, *};

const GOOD: MetricSet = MetricSet::EMPTY;

fn only(metric: Metric) -> MetricSet {
    MetricSet::EMPTY.with(metric)
}

impl World {
    /// How the one answer that was drawn for the candidate was settled, by group.
    fn drawn(&mut self) -> (MetricSet, MetricSet) {
        let mut drawn: Option<Drawn> = None;
        let mut settled = Vec::new();
        while let Ok(message) = self.outcomes.try_recv() {
            match message {
                OutcomeMessage::Drawn(one) => assert!(drawn.replace(one).is_none()),
                OutcomeMessage::Settled(_, one) => settled.push(one),
                OutcomeMessage::Mirrored(_) | OutcomeMessage::Watermark { .. } => {}
            }
        }
        let drawn = drawn.expect("one was drawn");
        assert_eq!(drawn.side, Side::Candidate);
        let of = |group| {
            let mut of = settled
                .iter()
                .filter(|s| s.key == drawn.key && s.group == group);
            match (of.next().map(|s| s.settlement), of.next()) {
                (Some(Settlement::Answer(bad)), None) => bad,
                other => panic!("{other:?}"),
            }
        };
        (of(Group::Arrival), of(Group::Content))
    }
}

/// What is told of a candidate that fails so, where the primary then answers so.
async fn check(failure: Failover, primary: u16, want: (MetricSet, MetricSet)) {
    let mut world = world(Script {
        percent: 99.999,
        candidate: Some(failure),
        primary: (primary, PRIMARY),
        ..SCRIPT
    });
    world.prime().await;
    assert_eq!(world.post(CHAT, "{}").await.0, primary);
    assert_eq!(world.drawn(), want, "{failure:?} {primary}");
}

#[tokio::test]
async fn a_failure_is_the_candidates_unless_the_primary_refuses_the_request_too() {
    let failed = (only(Metric::Transport), GOOD);
    let garbled = (GOOD, only(Metric::Envelope));
    for failure in [
        Failover::Configuration,
        Failover::Connect,
        Failover::Silent,
        Failover::Server,
    ] {
        for status in [200, 408, 429, 500, 503] {
            check(failure, status, failed).await;
        }
        for status in [400, 404, 413, 422] {
            check(failure, status, (GOOD, GOOD)).await;
        }
    }
    for status in [200, 429, 500] {
        check(Failover::Garbage, status, garbled).await;
    }
    check(Failover::Garbage, 400, (GOOD, GOOD)).await;
}

/// Callers less patient than the proxy: none of them ever gets to the fallback.
#[tokio::test]
async fn callers_who_leave_a_candidate_that_hangs_open_its_breaker() {
    let world = world(Script {
        percent: 100.0,
        ..SCRIPT
    });
    world.prime().await;
    let route = Arc::clone(world.handle.0.routes.all().next().unwrap());
    let _held = world.hold_candidate();
    let asked = async |world: &World, unit: usize| {
        let before = world.of_primary();
        let body = format!("{{\"messages\":[{{\"role\":\"user\",\"content\":\"{unit}\"}}]}}");
        let answer = world.open(CHAT, &body);
        // Longer than the primary usually takes; then whatever can be answered is, however busy the machine was meanwhile.
        let impatient = async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            settle().await;
        };
        let left = tokio::select! {
            biased;
            _ = answer => false,
            () = impatient => true,
        };
        (left, world.of_primary() > before)
    };
    // Nothing is known of how long the primary takes: leaving says nothing.
    for unit in 0..30 {
        assert_eq!(asked(&world, unit).await, (true, false), "{unit}");
    }
    for _ in 0..1_000 {
        let usual = Duration::from_micros(500);
        route.state.learn_times(false, usual, usual);
    }
    let mut answered = 0;
    for unit in 0..30 {
        let (left, by_primary) = asked(&world, unit).await;
        assert_ne!(left, by_primary, "{unit}");
        answered += usize::from(by_primary);
    }
    assert_eq!(answered, 10, "after 20 who left, the primary answers");
}
