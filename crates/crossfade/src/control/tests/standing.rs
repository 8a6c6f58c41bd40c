//! Restarts and refusals where a route stands in `internal`, in a shadow watch, or with a configuration that it has outgrown.

use crossfade_backplane::Ledger;
use crossfade_exchange::SizeClass;
use crossfade_rollout::{AttemptFacts, Coverage, Evidence, Phase, Requirements};

use super::*;

fn plan(owner: Option<&str>) -> RoutePlan {
    RoutePlan {
        owner: owner.map(str::to_owned),
        ..RoutePlan::new(support())
    }
}

fn with(home: &Path, plan: RoutePlan) -> Controller {
    let metrics = Telemetry::new().unwrap().metrics([plan.route.as_str()]);
    Controller::start(ControllerOptions {
        directory: Arc::new(DataDirectory::open(home).unwrap()),
        plans: vec![plan],
        lease: QUICK,
        metrics,
        clock: Clock::default(),
    })
}

/// A ledger that left the route in stage `internal`.
fn in_internal(home: &Path) {
    let directory = DataDirectory::open(home).unwrap();
    let (mut ledger, _) = Ledger::open(&directory).unwrap();
    let facts = AttemptFacts::freeze(1, Phase::Attempt, &plan(Some("team")), None);
    let change = Change::Advance {
        from: Stage::Shadow,
        to: Stage::Internal,
        share_from: Percent::ZERO,
        share_to: Percent::ZERO,
        salt: 7,
        new_attempt: Some(Box::new(facts)),
        signoff: None,
        required: Requirements {
            minimum_time: Duration::ZERO,
            minimum_units: 0,
            coverage: 0.0,
            entered_unix_ms: 0,
            reverse_share: Percent::ZERO,
        },
    };
    ledger.append(&entry(0, change)).unwrap();
}

fn entry(sequence: u64, change: Change) -> Entry {
    Entry {
        sequence,
        at_unix_ms: 5 + sequence,
        route: Some(support()),
        actor: Actor::new("somebody", ActorRole::Operator),
        reason: "r".to_owned(),
        change,
        evidence: Evidence::default(),
    }
}

#[tokio::test]
async fn a_share_of_0_takes_internal_callers_back_and_a_restart_knows_it() {
    let home = tempfile::tempdir().unwrap();
    in_internal(home.path());
    let controller = start(home.path());
    assert_eq!(published(&controller).stage, Stage::Internal);
    let zero = async || {
        let ask = ask(ActorRole::Operator, "back");
        controller.split(&support(), to(0.0), ask).await.unwrap()
    };
    assert_eq!(zero().await, Changed::Recorded);
    assert_eq!(published(&controller).stage, Stage::Shadow);
    assert_eq!(zero().await, Changed::Unchanged);
    drop(controller);
    assert_eq!(published(&start(home.path())).stage, Stage::Shadow);
}

#[tokio::test]
async fn a_share_of_0_that_was_only_marked_takes_internal_callers_back() {
    let home = tempfile::tempdir().unwrap();
    in_internal(home.path());
    let controller = start(home.path());
    let change = Change::Split {
        from: Percent::ZERO,
        to: Percent::ZERO,
        salt: 7,
        attempt: Some(1),
        new_attempt: None,
        override_: false,
        stage: Some(Stage::Shadow),
    };
    lock(&controller.shared.disk)
        .mark_waiting(&entry(1, change))
        .unwrap();
    drop(controller);
    assert_eq!(published(&start(home.path())).stage, Stage::Shadow);
}

#[tokio::test]
async fn a_share_that_the_controller_could_only_mark_as_ended_stays_ended() {
    let home = tempfile::tempdir().unwrap();
    let controller = start(home.path());
    raise(&controller, 20.0).await.unwrap();
    let ended = Change::Split {
        from: Percent::new(20.0).unwrap(),
        to: Percent::ZERO,
        salt: 7,
        attempt: Some(1),
        new_attempt: None,
        override_: false,
        stage: Some(Stage::Shadow),
    };
    let entry = Entry {
        actor: Actor::controller(),
        ..entry(2, ended)
    };
    lock(&controller.shared.disk).mark_waiting(&entry).unwrap();
    drop(controller);
    for _ in 0..2 {
        let again = start(home.path());
        let view = again.route_view(&support()).unwrap();
        assert!(view.rollout.share.is_zero(), "{view:?}");
        assert_eq!(view.barred, None);
    }
}

#[tokio::test]
async fn a_route_that_was_removed_in_internal_answers_nobody_when_it_returns() {
    let home = tempfile::tempdir().unwrap();
    in_internal(home.path());
    drop(with(home.path(), RoutePlan::new(RouteId::new("sales"))));
    assert_eq!(published(&start(home.path())).stage, Stage::Shadow);
}

#[tokio::test]
async fn a_shadow_watch_goes_on_without_an_owner_and_with_other_checks() {
    let mut fewer = plan(None);
    fewer.metrics_on.remove(Metric::JsonSchema);
    for after in [plan(None), fewer] {
        let home = tempfile::tempdir().unwrap();
        let controller = with(home.path(), plan(None));
        controller.tick().await;
        drop(controller);
        let controller = with(home.path(), after);
        let view = controller.route_view(&support()).unwrap();
        assert_eq!(view.barred, None);
        let compared = Record::Coverage(Coverage {
            at_unix_micros: 1,
            attempt: published(&controller).attempt.unwrap().id,
            size: SizeClass::K4,
            selected: 1,
            compared: 1,
        });
        let applied = controller.apply_outcomes(&support(), vec![compared]).await;
        assert_eq!(applied.unwrap().decided, 1);
    }
}

#[tokio::test]
async fn an_outgrown_attempt_gets_no_lease_and_is_still_judged() {
    let home = tempfile::tempdir().unwrap();
    let controller = start(home.path());
    raise(&controller, 10.0).await.unwrap();
    drop(controller);
    let controller = with(home.path(), plan(None));
    controller.shared.renew();
    let view = controller.route_view(&support()).unwrap();
    assert!(view.barred.unwrap().contains("no owner"));
    assert_eq!(view.lease_seconds, None);
    let bad = outcomes(&controller, 3_000, true);
    controller.apply_outcomes(&support(), bad).await.unwrap();
    let view = controller.route_view(&support()).unwrap();
    assert!(view.rollout.rolled_back.is_some(), "{view:?}");
}

#[tokio::test]
async fn what_waited_before_a_hold_moves_nothing_any_more() {
    let home = tempfile::tempdir().unwrap();
    let controller = start(home.path());
    raise(&controller, 10.0).await.unwrap();
    let shared = Arc::clone(&controller.shared);
    // The disk is busy with something else.
    let turn = Arc::clone(&shared.turn).lock_owned().await;
    #[expect(
        clippy::disallowed_methods,
        reason = "the test itself waits for its end"
    )]
    let waiting = tokio::spawn({
        let controller = controller.clone();
        async move { raise(&controller, 20.0).await }
    });
    while shared.tasks.is_empty() {
        tokio::task::yield_now().await;
    }
    tokio::task::yield_now().await;
    let hold = ask(ActorRole::Operator, "stop");
    assert_eq!(
        controller.hold(&support(), hold).await.unwrap(),
        Changed::InMemory
    );
    drop(turn);
    let refused = waiting.await.unwrap().unwrap_err();
    assert!(refused.to_string().contains("stop"), "{refused}");
    controller.finish().await;
    assert!((percent(&controller) - 10.0).abs() < 1e-9);
    let view = controller.route_view(&support()).unwrap();
    assert!(view.rollout.held.is_some());
    assert!(lock(&shared.routes[&support()].holding).is_empty());
}
