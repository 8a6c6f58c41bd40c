//! From messages to a roll-back, and from exchanges to metrics.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use crossfade_backplane::DataDirectory;
use crossfade_compare::{CheckSettings, Checks};
use crossfade_exchange::{
    Announcement, AnswerReason, Assignment, Drawn, Exchange, Group, Metric, MetricSet, Operation,
    OutcomeKey, OutcomeMessage, Percent, Role, RouteId, Settled, Settlement, Side, SizeClass, Unit,
};
use crossfade_proxy::KnownBad;
use crossfade_rollout::{Actor, ActorRole, RoutePlan};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    control::{Ask, Controller, ControllerOptions, LeaseTimes, SplitAsk},
    review::testing::recording,
    telemetry::{Metrics, Telemetry},
};

mod repeats;

struct Plant {
    controller: Controller,
    metrics: Arc<Metrics>,
    telemetry: Telemetry,
    home: tempfile::TempDir,
}

fn support() -> RouteId {
    RouteId::new("support")
}

fn plant() -> Plant {
    let home = tempfile::tempdir().unwrap();
    let telemetry = Telemetry::new().unwrap();
    let metrics = telemetry.metrics(["support"]);
    let plan = RoutePlan {
        owner: Some("team".into()),
        ..RoutePlan::new(support())
    };
    let controller = Controller::start(ControllerOptions {
        directory: Arc::new(DataDirectory::open(home.path()).unwrap()),
        plans: vec![plan],
        lease: LeaseTimes::default(),
        metrics: Arc::clone(&metrics),
        clock: crate::control::Clock::default(),
    });
    Plant {
        controller,
        metrics,
        telemetry,
        home,
    }
}

impl Plant {
    async fn raise(&self) {
        let split = SplitAsk {
            to: Percent::new(10.0).unwrap(),
            override_: true,
            if_match: None,
        };
        let actor = Actor::new("somebody", ActorRole::Owner);
        let ask = Ask {
            actor,
            reason: "tried".into(),
        };
        self.controller.split(&support(), split, ask).await.unwrap();
    }

    fn share(&self) -> f64 {
        self.controller
            .watch(&support())
            .unwrap()
            .borrow()
            .share
            .percent()
    }

    fn metric(&self, line: &str) -> Option<f64> {
        let text = self.telemetry.render(&self.metrics);
        text.lines()
            .find_map(|l| l.strip_prefix(line)?.trim().parse().ok())
    }
}

fn key(sequence: u64) -> OutcomeKey {
    OutcomeKey {
        sent_unix_micros: 1_700_000_000_000_000 + sequence,
        replica: 1,
        sequence,
    }
}

fn drawn(sequence: u64) -> Drawn {
    let side = if sequence.is_multiple_of(10) {
        Side::Candidate
    } else {
        Side::Primary
    };
    Drawn {
        key: key(sequence),
        route: support(),
        attempt: 1,
        side,
        probability: 0.1,
        salt: 1,
        unit: Unit(u128::from(sequence)),
        applies: MetricSet::EMPTY.with(Metric::JsonParse),
    }
}

fn settled(sequence: u64, bad: bool) -> Settled {
    let bad = if bad {
        MetricSet::EMPTY.with(Metric::JsonParse)
    } else {
        MetricSet::EMPTY
    };
    Settled {
        key: key(sequence),
        group: Group::Content,
        settlement: Settlement::Answer(bad),
    }
}

/// Runs the outcome task over what was sent, to its end.
async fn run(plant: &Plant, messages: Vec<OutcomeMessage>, settlements: Vec<Settled>) {
    let (to_messages, from_messages) = mpsc::channel(messages.len().max(1));
    let (to_settled, from_settled) = mpsc::channel(settlements.len().max(1));
    for message in messages {
        to_messages.try_send(message).unwrap();
    }
    for settled in settlements {
        to_settled.try_send((support(), settled)).unwrap();
    }
    let stop = CancellationToken::new();
    stop.cancel();
    let outcomes = Outcomes::new(plant.controller.clone(), Arc::clone(&plant.metrics));
    outcomes.run(from_messages, from_settled, stop).await;
}

#[tokio::test]
async fn judged_answers_roll_back_in_the_order_of_sending() {
    let plant = plant();
    plant.raise().await;
    let messages = (0..1_000)
        .map(|n| OutcomeMessage::Drawn(drawn(n)))
        .collect();
    // Resolved backwards: the order of arrival must not matter.
    let settlements = (0..1_000)
        .rev()
        .map(|n| settled(n, n.is_multiple_of(10)))
        .collect();
    run(&plant, messages, settlements).await;
    assert!(plant.share().abs() < 1e-9);
    let last = plant.controller.entries(None, 1, None).remove(0);
    assert!(last.reason.contains("json_parse"), "{}", last.reason);
    let decided = "crossfade_outcomes_total{route=\"support\",fate=\"decided\"}";
    assert_eq!(plant.metric(decided), Some(1_000.0));
}

#[tokio::test]
async fn answers_that_are_not_resolved_hold_back_what_was_sent_after_them() {
    let plant = plant();
    plant.raise().await;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let at = |n: u64| {
        let sent_unix_micros = u64::try_from(now.as_micros()).unwrap() + n;
        OutcomeKey {
            sent_unix_micros,
            ..key(n)
        }
    };
    let messages = (0..100)
        .map(|n| {
            OutcomeMessage::Drawn(Drawn {
                key: at(n),
                ..drawn(n)
            })
        })
        .collect();
    let settlements = (1..100)
        .map(|n| Settled {
            key: at(n),
            ..settled(n, n.is_multiple_of(10))
        })
        .collect();
    run(&plant, messages, settlements).await;
    assert!(
        (plant.share() - 10.0).abs() < 1e-9,
        "nothing was decided yet"
    );
    let decided = "crossfade_outcomes_total{route=\"support\",fate=\"decided\"}";
    assert_eq!(plant.metric(decided), Some(0.0));
}

#[tokio::test]
async fn what_cannot_be_logged_is_kept_and_logged_later() {
    let plant = plant();
    plant.raise().await;
    // A directory where the attempt's log should be: nobody can open that for writing.
    let log = plant.home.path().join("outcomes/support.1.log");
    std::fs::create_dir(&log).unwrap();
    let (to_messages, from_messages) = mpsc::channel(16);
    let (_to_settled, from_settled) = mpsc::channel(16);
    let stop = CancellationToken::new();
    let outcomes = Outcomes::new(plant.controller.clone(), Arc::clone(&plant.metrics));
    let task = outcomes.run(from_messages, from_settled, stop.clone());
    let story = async {
        for n in 0..5 {
            to_messages
                .send(OutcomeMessage::Drawn(drawn(n)))
                .await
                .unwrap();
            let settled = OutcomeMessage::Settled(support(), settled(n, false));
            to_messages.send(settled).await.unwrap();
        }
        while plant.metric("crossfade_outcomes_held ") != Some(5.0) {
            tokio::task::yield_now().await;
        }
        assert!(!plant.controller.ledger_state().writable);
        std::fs::remove_dir(&log).unwrap();
        while plant.metric("crossfade_outcomes_held ") != Some(0.0) {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    tokio::join!(task, story);
    let view = plant.controller.route_view(&support()).unwrap();
    assert_eq!(view.rollout.attempt.unwrap().decided, 5);
}

fn exchange(primary: Option<&str>, candidate: Option<&str>) -> Exchange {
    let request = serde_json::json!({
        "messages": [{"role": "user", "content": "q"}],
        "response_format": {"type": "json_object"}
    });
    Exchange {
        id: "e".into(),
        route: support(),
        received_unix_ms: 1,
        operation: Operation::Chat,
        path: "/openai/deployments/support/chat/completions".into(),
        request: Bytes::from(request.to_string()),
        size: SizeClass::K4,
        streamed: false,
        assignment: Assignment {
            answer: Side::Primary,
            shadow: Some(Side::Candidate),
            probability: 0.1,
            salt: 1,
            drawn: true,
            inclusion: 1.0,
            reason: AnswerReason::Drawn,
        },
        draw: Some(key(0)),
        mirrored: None,
        primary: primary.map(|text| recording(Side::Primary, Role::Answering, text)),
        candidate: candidate.map(|text| recording(Side::Candidate, Role::Shadow, text)),
        secondary: None,
        candidate_again: None,
        caller: crossfade_exchange::Caller::default(),
    }
}

/// Judges on a thread of its own, as the blocking pool would, and gives back what was resolved.
fn judge(plant: &Plant, exchange: &Exchange, drawn: Option<Side>) -> (bool, Option<Settled>) {
    let (judged, settled) = judge_both(plant, exchange, drawn, None);
    (judged, settled.into_iter().next())
}

fn judge_both(
    plant: &Plant,
    exchange: &Exchange,
    drawn: Option<Side>,
    mirrored: Option<KnownBad>,
) -> (bool, Vec<Settled>) {
    let checks = Checks::new(CheckSettings::default()).unwrap();
    let (to_settled, mut from_settled) = mpsc::channel(4);
    let checks = HashMap::from([(support(), Arc::new(checks))]);
    let comparer = Comparer::new(
        checks,
        Arc::clone(&plant.metrics),
        to_settled,
        Arc::new(|_| ()),
    );
    let judged = comparer.judge(exchange, drawn, mirrored).is_some();
    let settled = std::iter::from_fn(|| from_settled.try_recv().ok());
    (judged, settled.map(|(_, settled)| settled).collect())
}

#[test]
fn a_mirrored_pair_is_resolved_by_what_was_bad_of_both_sides() {
    let plant = plant();
    let announced = Announcement {
        key: key(7),
        attempt: 1,
        unit: Unit(1),
    };
    let check = |pair: Exchange, known: KnownBad, expected: Settlement| {
        let pair = Exchange {
            mirrored: Some(announced),
            ..pair
        };
        let (_, settled) = judge_both(&plant, &pair, Some(Side::Primary), Some(known));
        let of_pair = Settled {
            key: key(7),
            group: Group::Content,
            settlement: expected,
        };
        assert_eq!(settled.len(), 2, "the drawn answer and the pair");
        assert_eq!(settled[0].key, key(0));
        assert_eq!(settled[1], of_pair);
        let (_, settled) = judge_both(&plant, &pair, None, None);
        assert_eq!(settled, [], "it was settled already");
    };
    let parse = MetricSet::EMPTY.with(Metric::JsonParse);
    let pair = |primary, candidate| Settlement::Pair { primary, candidate };
    let unknown = KnownBad::default();
    let good = "{\"a\":1}";
    check(
        exchange(Some(good), Some("{\"a\":")),
        unknown,
        pair(MetricSet::EMPTY, parse),
    );
    check(
        exchange(Some("no json"), Some(good)),
        unknown,
        pair(parse, MetricSet::EMPTY),
    );
    let cut = |mut pair: Exchange| {
        pair.candidate.as_mut().unwrap().truncated = true;
        pair
    };
    check(
        cut(exchange(Some("no json"), Some(good))),
        unknown,
        Settlement::Void,
    );
    let broken = KnownBad {
        candidate: MetricSet::EMPTY.with(Metric::Stream),
        ..unknown
    };
    check(
        cut(exchange(Some("no json"), Some(good))),
        broken,
        pair(parse, broken.candidate),
    );
    let elsewhere = Exchange {
        route: RouteId::new("elsewhere"),
        ..exchange(Some(good), Some(good))
    };
    check(elsewhere, unknown, Settlement::Void);
}

#[test]
fn a_pair_is_counted_and_its_drawn_side_is_resolved() {
    let plant = plant();
    let pair = exchange(Some("{\"a\":1}"), Some("{\"a\":"));
    let bad = MetricSet::EMPTY.with(Metric::JsonParse);
    let (judged, settled) = judge(&plant, &pair, Some(Side::Primary));
    assert!(judged);
    assert_eq!(
        settled.unwrap().settlement,
        Settlement::Answer(MetricSet::EMPTY)
    );
    let (_, settled) = judge(&plant, &pair, Some(Side::Candidate));
    assert_eq!(
        settled.unwrap(),
        Settled {
            key: key(0),
            group: Group::Content,
            settlement: Settlement::Answer(bad),
        }
    );
    let check =
        |line: &str, expected: f64| assert_eq!(plant.metric(line), Some(expected), "{line}");
    check(
        "crossfade_exchanges_total{route=\"support\",verdict=\"candidate_invalid\"}",
        2.0,
    );
    let failed = "crossfade_check_total{route=\"support\",check=\"json_parse\",outcome=\"fail\",pairing=\"candidate\"}";
    check(failed, 2.0);
    check(
        "crossfade_tokens_total{route=\"support\",side=\"primary\",kind=\"output\"}",
        10.0,
    );
}

#[test]
fn one_recording_is_judged_alone_and_nothing_drawn_resolves_nothing() {
    let plant = plant();
    let (judged, settled) = judge(
        &plant,
        &exchange(Some("no json"), None),
        Some(Side::Primary),
    );
    assert!(judged);
    assert_eq!(
        settled.unwrap().settlement.answer().unwrap(),
        MetricSet::EMPTY.with(Metric::JsonParse)
    );
    let (_, settled) = judge(&plant, &exchange(Some("{}"), Some("{}")), None);
    assert_eq!(settled, None);
    let unpaired = "crossfade_exchanges_total{route=\"support\",verdict=\"unpaired\"}";
    assert_eq!(plant.metric(unpaired), Some(1.0));
    let elsewhere = Exchange {
        route: RouteId::new("elsewhere"),
        ..exchange(Some("{}"), None)
    };
    let (judged, settled) = judge(&plant, &elsewhere, Some(Side::Primary));
    assert!(!judged, "a route without checks");
    assert_eq!(
        settled.unwrap().settlement,
        Settlement::Answer(MetricSet::EMPTY)
    );
}
