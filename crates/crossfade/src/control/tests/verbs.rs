//! What the controller does by itself, and the verbs beside the share.

use std::{collections::BTreeMap, sync::atomic::AtomicU64};

use crossfade_exchange::{SizeClass, SkipReason};
use crossfade_proxy::{Accounting, DrillProbe};
use crossfade_rollout::{Phase, ReplayResult};

use super::*;

/// A controller on a clock of its own.
pub(super) fn start_at(home: &Path, clock: &Arc<ManualClock>) -> Controller {
    let plan = RoutePlan {
        owner: Some("team".to_owned()),
        ..RoutePlan::new(support())
    };
    Controller::start(ControllerOptions {
        directory: Arc::new(DataDirectory::open(home).unwrap()),
        plans: vec![plan],
        lease: LeaseTimes::default(),
        metrics: Telemetry::new().unwrap().metrics(["support"]),
        clock: Clock::Manual(Arc::clone(clock)),
    })
}

pub(super) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(1_800_000_000_000))
}

/// So many compared, one skipped for a bound and one sampled out.
pub(super) fn counts(compared: u64) -> Accounting {
    let small = SizeClass::ALL[0];
    let skipped = [(SkipReason::SampledOut, 1), (SkipReason::ALL[1], 1)];
    Accounting {
        route: support(),
        seen: compared + 2,
        finished: compared + 2,
        in_flight: 0,
        ineligible: BTreeMap::new(),
        eligible: BTreeMap::from([(small, compared + 2)]),
        compared: BTreeMap::from([(small, compared)]),
        skipped: BTreeMap::from([(small, BTreeMap::from(skipped))]),
        mirror_in_flight: 0,
        mirror_only: BTreeMap::new(),
        asked: 0,
        losses: BTreeMap::new(),
    }
}

pub(super) fn status(controller: &Controller) -> crossfade_rollout::RouteStatus {
    controller.route_view(&support()).unwrap().rollout
}

#[tokio::test]
async fn watching_begins_by_itself_and_coverage_is_logged_each_minute() {
    assert_ne!(SkipReason::ALL[1], SkipReason::SampledOut);
    let home = tempfile::tempdir().unwrap();
    let clock = clock();
    let controller = start_at(home.path(), &clock);
    let compared = Arc::new(AtomicU64::new(10));
    let of = Arc::clone(&compared);
    controller.learn_from(Sources {
        accounting: Arc::new(move |_| Some(counts(of.load(Ordering::Relaxed)))),
        ..Sources::default()
    });
    controller.tick().await;
    let facts = status(&controller).attempt.unwrap().facts;
    assert_eq!((facts.id, facts.phase), (1, Phase::Shadow));
    let entries = controller.entries(None, 10, None).len();
    controller.tick().await;
    assert_eq!(
        controller.entries(None, 10, None).len(),
        entries,
        "once is enough"
    );
    compared.store(25, Ordering::Relaxed);
    clock.advance(Duration::from_secs(59));
    controller.tick().await;
    let seen = |controller: &Controller| -> (u64, u64) {
        let coverage = status(controller).coverage;
        (
            coverage.iter().map(|size| size.selected).sum(),
            coverage.iter().map(|size| size.compared).sum(),
        )
    };
    assert_eq!(seen(&controller), (0, 0));
    clock.advance(Duration::from_secs(1));
    controller.tick().await;
    assert_eq!(
        seen(&controller),
        (15, 15),
        "what was before is not the watch's"
    );
    drop(controller);
    let again = start_at(home.path(), &clock);
    assert_eq!(seen(&again), (15, 15));
}

#[tokio::test]
async fn what_is_held_does_not_advance_and_an_operator_lets_it_go() {
    let home = tempfile::tempdir().unwrap();
    let controller = start_at(home.path(), &clock());
    controller.tick().await;
    let operator = || ask(ActorRole::Operator, "look first");
    let viewer = controller
        .hold(&support(), ask(ActorRole::Viewer, "x"))
        .await;
    assert!(matches!(
        viewer,
        Err(ControlError::Refused(Refusal::Role { .. }))
    ));
    assert_eq!(
        controller.hold(&support(), operator()).await.unwrap(),
        Changed::Recorded
    );
    assert!(status(&controller).held.is_some());
    let refused = controller.advance(&support(), None, operator()).await;
    assert!(
        matches!(refused, Err(ControlError::Refused(_))),
        "{refused:?}"
    );
    drop(controller);
    let controller = start(home.path());
    assert!(status(&controller).held.is_some(), "a restart keeps it");
    controller
        .resume(&support(), None, operator())
        .await
        .unwrap();
    assert!(status(&controller).held.is_none());
}

#[tokio::test]
async fn a_sign_off_names_a_report_that_was_made() {
    let home = tempfile::tempdir().unwrap();
    let controller = start_at(home.path(), &clock());
    controller.tick().await;
    let owner = || ask(ActorRole::Owner, "read and agreed");
    let hash = "ab".repeat(32);
    let unknown = controller.signoff(&support(), &hash, owner()).await;
    assert!(
        matches!(unknown, Err(ControlError::Refused(_))),
        "{unknown:?}"
    );
    let standing = controller.standing(&support()).unwrap();
    controller
        .report_made(&support(), &hash, standing)
        .await
        .unwrap();
    drop(controller);
    let controller = start_at(home.path(), &clock());
    let operator = controller
        .signoff(&support(), &hash, ask(ActorRole::Operator, "x"))
        .await;
    assert!(matches!(
        operator,
        Err(ControlError::Refused(Refusal::Role { .. }))
    ));
    controller
        .signoff(&support(), &hash, owner())
        .await
        .unwrap();
    assert!(status(&controller).signoff.is_some());
    let result = ReplayResult {
        dataset_sha256: "cd".repeat(32),
        cases: 3,
        passed: 3,
        exit_code: 0,
    };
    controller
        .replayed(&support(), result.clone(), ask(ActorRole::Operator, "ci"))
        .await
        .unwrap();
    assert_eq!(status(&controller).replayed, Some(result));
}

#[tokio::test]
async fn reports_that_cannot_be_read_again_are_made_again() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("reports.jsonl"), "{\"route\":\n").unwrap();
    let controller = start_at(home.path(), &clock());
    controller.tick().await;
    let sign = async || {
        let owner = ask(ActorRole::Owner, "read and agreed");
        controller.signoff(&support(), "cd", owner).await
    };
    let unknown = sign().await.unwrap_err().to_string();
    assert!(unknown.contains("`crossfade report ROUTE`"), "{unknown}");
    let standing = controller.standing(&support()).unwrap();
    controller
        .report_made(&support(), "cd", standing)
        .await
        .unwrap();
    sign().await.unwrap();
    let kept = fs::read_to_string(home.path().join("reports.jsonl")).unwrap();
    assert_eq!(kept.lines().count(), 1);
}

#[tokio::test]
async fn a_jump_of_the_date_and_the_kill_switch_hold_an_advance() {
    let home = tempfile::tempdir().unwrap();
    let clock = clock();
    let controller = start_at(home.path(), &clock);
    controller.tick().await;
    let thrown = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = Arc::clone(&thrown);
    controller.learn_from(Sources {
        killed: Arc::new(move || seen.load(Ordering::Relaxed)),
        ..Sources::default()
    });
    let waits = |part: &str| {
        let waits_for = status(&controller).next.unwrap().waits_for;
        waits_for.iter().any(|text| text.contains(part))
    };
    clock.set_unix_ms(1_900_000_000_000);
    assert!(waits("asks for"), "years by the date, nothing by the clock");
    clock.advance(Duration::from_hours(24));
    assert!(!waits("asks for"));
    assert!(!waits("kill switch"));
    thrown.store(true, Ordering::Relaxed);
    assert!(waits("kill switch"));
    let refused = raise(&controller, 5.0).await.unwrap_err();
    assert!(
        matches!(refused, ControlError::Refused(Refusal::KillSwitch)),
        "{refused}"
    );
    thrown.store(false, Ordering::Relaxed);
    raise(&controller, 5.0).await.unwrap();
    // A step counts from its entry, also by the clock.
    raise(&controller, 10.0).await.unwrap();
    clock.set_unix_ms(2_000_000_000_000);
    assert!(waits("asks for"));
}

#[tokio::test]
async fn a_drill_goes_the_way_back_and_moves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let clock = clock();
    let controller = start_at(home.path(), &clock);
    raise(&controller, 25.0).await.unwrap();
    let operator = || ask(ActorRole::Operator, "before the night");
    let blind = controller.drill(&support(), operator()).await.unwrap();
    assert_eq!(blind.problems.len(), 2, "{blind:?}");
    let watch = controller.watch(&support()).unwrap();
    controller.learn_from(Sources {
        probe: Arc::new(move |_| {
            Some(DrillProbe {
                drill: watch.borrow().drill,
                answer: Side::Primary,
            })
        }),
        baseline: Arc::new(|_| {
            Some(crossfade_rollout::Baseline {
                answers: 5,
                ..crossfade_rollout::Baseline::default()
            })
        }),
        ..Sources::default()
    });
    controller.tick().await;
    let fine = controller.drill(&support(), operator()).await.unwrap();
    assert_eq!(fine.problems, Vec::<String>::new());
    assert!(fine.durable_after_micros > 0);
    assert!((percent(&controller) - 25.0).abs() < 1e-9);
    assert_eq!(status(&controller).last_drill.unwrap().1, fine);
    clock.advance(Duration::from_secs(601));
    let silent = controller.drill(&support(), operator()).await.unwrap();
    assert!(silent.problems[0].contains("601 s"), "{silent:?}");
}

#[tokio::test]
async fn a_lease_ends_by_the_clock_that_the_controller_reads() {
    let home = tempfile::tempdir().unwrap();
    let clock = clock();
    let controller = start_at(home.path(), &clock);
    raise(&controller, 25.0).await.unwrap();
    assert!(controller.shared.renew());
    let effective = || controller.route_view(&support()).unwrap().effective_percent;
    assert!((effective() - 25.0).abs() < 1e-9);
    clock.advance(Duration::from_secs(60));
    assert!(effective().abs() < 1e-9);
}
