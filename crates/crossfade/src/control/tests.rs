//! The controller against crashes, full and hanging disks, and damaged files.

mod full_disk;
mod held;
mod log_room;
mod model;
mod restarts;
mod standing;
mod starting;
mod verbs;

use std::{fs, path::Path};

use crossfade_backplane::{DataDirectory, OutcomeLog};
use crossfade_exchange::{Group, Metric, MetricSet, OutcomeKey, Side, Unit};
use crossfade_rollout::{ActorRole, Change, Decided, Entry, Record, RoutePlan, Stage};

use super::*;
use crate::telemetry::Telemetry;

const QUICK: LeaseTimes = LeaseTimes {
    duration: Duration::from_secs(2),
    renew: Duration::from_millis(50),
    retry: Duration::from_millis(20),
};

fn support() -> RouteId {
    RouteId::new("support")
}

fn owned() -> RoutePlan {
    RoutePlan {
        owner: Some("team".to_owned()),
        ..RoutePlan::new(support())
    }
}

fn start_with(home: &Path, lease: LeaseTimes) -> Controller {
    start_plan(home, lease, owned())
}

fn start_plan(home: &Path, lease: LeaseTimes, plan: RoutePlan) -> Controller {
    start_on(home, lease, plan, Clock::default())
}

fn start_on(home: &Path, lease: LeaseTimes, plan: RoutePlan, clock: Clock) -> Controller {
    let metrics = Telemetry::new().unwrap().metrics(["support"]);
    let directory = Arc::new(DataDirectory::open(home).unwrap());
    Controller::start(ControllerOptions {
        directory,
        plans: vec![plan],
        lease,
        metrics,
        clock,
    })
}

/// At the same moment whenever it is called: what a status says of time passed must not tell two starts apart.
fn start(home: &Path) -> Controller {
    let moment = Arc::new(ManualClock::new(1_800_000_000_000));
    start_on(home, LeaseTimes::default(), owned(), Clock::Manual(moment))
}

fn ask(role: ActorRole, reason: &str) -> Ask {
    Ask {
        actor: Actor::new("somebody", role),
        reason: reason.to_owned(),
    }
}

fn to(percent: f64) -> SplitAsk {
    SplitAsk {
        to: Percent::new(percent).unwrap(),
        override_: false,
        if_match: None,
    }
}

/// By an owner who goes beyond what the evidence has reached: the stages are not what is tried here.
async fn raise(controller: &Controller, percent: f64) -> Result<Changed, ControlError> {
    controller
        .split(
            &support(),
            SplitAsk {
                override_: true,
                ..to(percent)
            },
            ask(ActorRole::Owner, "the evidence holds"),
        )
        .await
}

fn published(controller: &Controller) -> Split {
    Split::clone(&controller.watch(&support()).unwrap().borrow())
}

fn percent(controller: &Controller) -> f64 {
    published(controller).share.percent()
}

/// Content outcomes of the running attempt: every tenth the candidate's, and bad if `bad`.
fn outcomes(controller: &Controller, count: u64, bad: bool) -> Vec<Record> {
    let split = published(controller);
    let applies = MetricSet::EMPTY.with(Metric::JsonSchema);
    (0..count)
        .map(|sequence| {
            let candidate = sequence.is_multiple_of(10);
            Record::Answer(Decided {
                key: OutcomeKey {
                    sent_unix_micros: 1_000 + sequence,
                    replica: 1,
                    sequence,
                },
                attempt: split.attempt.as_ref().unwrap().id,
                group: Group::Content,
                side: if candidate {
                    Side::Candidate
                } else {
                    Side::Primary
                },
                probability: split.share.ratio(),
                salt: split.salt,
                unit: Unit(u128::from(sequence)),
                applies,
                bad: if bad && candidate {
                    applies
                } else {
                    MetricSet::EMPTY
                },
            })
        })
        .collect()
}

fn rollout_json(controller: &Controller) -> String {
    serde_json::to_string(&controller.route_view(&support()).unwrap().rollout).unwrap()
}

#[tokio::test]
async fn a_raise_is_durable_before_it_is_published_and_counts_only_with_a_lease() {
    let home = tempfile::tempdir().unwrap();
    let controller = start(home.path());
    assert_eq!(raise(&controller, 10.0).await.unwrap(), Changed::Recorded);
    let written = fs::read_to_string(home.path().join("ledger.jsonl")).unwrap();
    assert_eq!(written.lines().count(), 2, "the start, and the raise");
    let split = published(&controller);
    assert_eq!((split.share.percent(), split.stage), (10.0, Stage::Ramp));
    assert!(!split.lease_valid(std::time::Instant::now()));
    assert!(
        controller
            .route_view(&support())
            .unwrap()
            .effective_percent
            .abs()
            < 1e-9
    );
    assert!(controller.shared.renew());
    assert!(published(&controller).lease_valid(std::time::Instant::now()));
    assert!(controller.route_view(&support()).unwrap().effective_percent > 9.9);
}

#[tokio::test]
async fn a_restart_folds_the_same_state() {
    let home = tempfile::tempdir().unwrap();
    let controller = start(home.path());
    raise(&controller, 10.0).await.unwrap();
    let applied = controller
        .apply_outcomes(&support(), outcomes(&controller, 500, false))
        .await;
    assert_eq!(
        applied.unwrap(),
        Applied {
            decided: 500,
            stale: 0
        }
    );
    raise(&controller, 25.0).await.unwrap();
    controller
        .apply_outcomes(&support(), outcomes(&controller, 200, false))
        .await
        .unwrap();
    controller
        .switch_mirror(false, ask(ActorRole::Operator, "quiet"))
        .await
        .unwrap();
    let (before, entries) = (
        rollout_json(&controller),
        controller.entries(None, 100, None),
    );
    drop(controller);
    let again = start(home.path());
    assert_eq!(rollout_json(&again), before);
    assert!(!published(&again).mirror_enabled);
    assert_eq!(again.entries(None, 100, None), entries);
    assert!(
        published(&again).lease_until.is_none(),
        "a start grants nothing by itself"
    );
    assert!(again.shared.renew());
    let last = again.entries(None, 1, None);
    assert_eq!(last[0].change, crossfade_rollout::Change::Started);
    assert_eq!(
        again
            .entries(None, 2, Some(0))
            .first()
            .map(|entry| entry.sequence),
        Some(1)
    );
}

#[tokio::test]
async fn bad_outcomes_roll_back_and_only_an_owner_re_arms() {
    let home = tempfile::tempdir().unwrap();
    let controller = start(home.path());
    raise(&controller, 10.0).await.unwrap();
    let batch = outcomes(&controller, 2_000, true);
    controller
        .apply_outcomes(&support(), batch.clone())
        .await
        .unwrap();
    assert_eq!(
        (percent(&controller), published(&controller).stage),
        (0.0, Stage::Shadow)
    );
    let view = controller.route_view(&support()).unwrap().rollout;
    let rolled = view.rolled_back.unwrap();
    assert!(rolled.reason.contains("json_schema"), "{}", rolled.reason);
    assert_eq!(controller.ages(&support()), None);
    let applied = controller.apply_outcomes(&support(), batch).await.unwrap();
    assert_eq!(
        applied,
        Applied {
            decided: 0,
            stale: 2_000
        }
    );
    drop(controller);
    let controller = start(home.path());
    let refused = raise(&controller, 5.0).await.unwrap_err();
    assert!(
        matches!(refused, ControlError::Refused(Refusal::RolledBack)),
        "{refused}"
    );
    let refused = controller
        .resume(&support(), None, ask(ActorRole::Operator, "mended"))
        .await;
    assert!(matches!(
        refused,
        Err(ControlError::Refused(Refusal::Role { .. }))
    ));
    controller
        .resume(&support(), None, ask(ActorRole::Owner, "mended"))
        .await
        .unwrap();
    raise(&controller, 5.0).await.unwrap();
    assert_eq!(published(&controller).attempt.unwrap().id, 2);
}

#[tokio::test]
async fn an_alarm_that_a_crash_swallowed_rings_again() {
    let home = tempfile::tempdir().unwrap();
    let controller = start(home.path());
    raise(&controller, 10.0).await.unwrap();
    let batch = outcomes(&controller, 2_000, true);
    drop(controller);
    {
        let directory = DataDirectory::open(home.path()).unwrap();
        let (mut log, _) = OutcomeLog::open(&directory, &support(), 1).unwrap();
        log.append(&batch).unwrap();
    }
    let controller = start(home.path());
    assert!(percent(&controller).abs() < 1e-9);
    let last = controller.entries(None, 1, None).remove(0);
    assert_eq!(last.actor.role, ActorRole::Engine, "{last:?}");
}

#[tokio::test]
async fn a_hanging_disk_delays_no_move_toward_the_primary() {
    let home = tempfile::tempdir().unwrap();
    let controller = start(home.path());
    raise(&controller, 50.0).await.unwrap();
    let shared = Arc::clone(&controller.shared);
    let (held, wait) = (Arc::new(Notify::new()), std::sync::mpsc::channel::<()>());
    let (release, released) = wait;
    let announced = Arc::clone(&held);
    let hang = std::thread::spawn(move || {
        let disk = lock(&shared.disk);
        announced.notify_one();
        released.recv().unwrap();
        drop(disk);
    });
    held.notified().await;
    let mut watch = controller.watch(&support()).unwrap();
    let route = support();
    let lower = controller.split(&route, to(10.0), ask(ActorRole::Operator, "less"));
    let lower = tokio::join!(lower, async {
        watch.changed().await.unwrap();
        assert!((watch.borrow().share.percent() - 10.0).abs() < 1e-9);
    });
    assert_eq!(lower.0.unwrap(), Changed::InMemory);
    let rollback = controller
        .rollback(&support(), ask(ActorRole::Operator, "now"))
        .await
        .unwrap();
    assert_eq!(rollback, Changed::InMemory);
    assert_eq!(
        (percent(&controller), published(&controller).stage),
        (0.0, Stage::Shadow)
    );
    release.send(()).unwrap();
    hang.join().unwrap();
    // Both entries are written in the end, in either order, and the roll-back stands.
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while controller.entries(None, 10, None).len() < 4 && std::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(controller.entries(None, 10, None).len(), 4);
    assert!(percent(&controller).abs() < 1e-9);
    assert!(
        controller
            .route_view(&support())
            .unwrap()
            .rollout
            .rolled_back
            .is_some()
    );
}

#[tokio::test]
async fn what_blocks_the_disk_blocks_raises_and_leases_only() {
    let home = tempfile::tempdir().unwrap();
    let controller = start_with(home.path(), QUICK);
    raise(&controller, 20.0).await.unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let leases = controller.clone().run_leases(stop.clone());
    let story = async {
        let mut watch = controller.watch(&support()).unwrap();
        let valid = |split: &Arc<Split>| split.lease_valid(std::time::Instant::now());
        watch.wait_for(valid).await.unwrap();
        // A directory where the probe's file should be: nothing can be written there, by anybody.
        // While the probe's file is there, the directory cannot be made.
        while fs::create_dir(home.path().join("probe")).is_err() {
            tokio::task::yield_now().await;
        }
        let refused = raise(&controller, 30.0).await.unwrap_err();
        assert!(matches!(refused, ControlError::NotRecorded(_)), "{refused}");
        // One that had looked at the disk before may still be granted; none is after it.
        let over = async {
            while valid(&Arc::clone(&watch.borrow_and_update())) {
                let until = published(&controller).lease_until.unwrap();
                tokio::time::sleep_until(until.into()).await;
            }
        };
        let over = tokio::time::timeout(Duration::from_secs(60), over).await;
        assert!(over.is_ok(), "nobody renewed it");
        assert!(!controller.ledger_state().writable);
        let changed = controller
            .rollback(&support(), ask(ActorRole::Operator, "x"))
            .await
            .unwrap();
        assert!(changed.is_recorded() && percent(&controller).abs() < 1e-9);
        fs::remove_dir(home.path().join("probe")).unwrap();
        watch.wait_for(valid).await.unwrap();
        assert!(controller.ledger_state().writable);
        controller.outcomes_held(true);
        assert!(!controller.shared.renew());
        controller.outcomes_held(false);
        assert!(controller.shared.renew());
        stop.cancel();
    };
    tokio::join!(leases, story);
}

#[tokio::test]
async fn a_broken_ledger_leaves_everything_with_the_primary() {
    let home = tempfile::tempdir().unwrap();
    raise(&start(home.path()), 10.0).await.unwrap();
    let path = home.path().join("ledger.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("somebody", "nobody__", 1)).unwrap();
    let controller = start(home.path());
    assert!(percent(&controller).abs() < 1e-9);
    assert!(!controller.shared.renew());
    let refused = raise(&controller, 5.0).await.unwrap_err().to_string();
    assert!(refused.contains("broken at entry 1"), "{refused}");
    let changed = controller
        .rollback(&support(), ask(ActorRole::Operator, "x"))
        .await
        .unwrap();
    assert!(!changed.is_recorded());
    assert!(
        controller
            .ledger_state()
            .problem
            .unwrap()
            .contains("broken")
    );
}

#[tokio::test]
async fn a_shadow_watch_is_not_held_back_for_want_of_an_owner() {
    let home = tempfile::tempdir().unwrap();
    let bare = || start_plan(home.path(), QUICK, RoutePlan::new(support()));
    let controller = bare();
    controller.tick().await;
    let watch = controller.route_view(&support()).unwrap().rollout.attempt;
    assert_eq!(watch.unwrap().facts.phase, crossfade_rollout::Phase::Shadow);
    drop(controller);
    let view = bare().route_view(&support()).unwrap();
    assert!(view.rollout.attempt.is_some());
    assert_eq!(view.barred, None);
}

#[tokio::test]
async fn unreadable_evidence_bars_the_route_until_a_new_attempt() {
    let home = tempfile::tempdir().unwrap();
    let controller = start(home.path());
    raise(&controller, 10.0).await.unwrap();
    controller
        .apply_outcomes(&support(), outcomes(&controller, 100, false))
        .await
        .unwrap();
    drop(controller);
    let log = home.path().join("outcomes/support.1.log");
    let mut bytes = fs::read(&log).unwrap();
    bytes[200] ^= 0xff;
    fs::write(&log, bytes).unwrap();
    let controller = start(home.path());
    assert!(controller.shared.renew());
    let view = controller.route_view(&support()).unwrap();
    assert!(view.effective_percent.abs() < 1e-9 && view.lease_seconds.is_none());
    assert!(view.barred.unwrap().contains("record 2"));
    assert!(matches!(
        raise(&controller, 20.0).await,
        Err(ControlError::NotRecorded(_))
    ));
    controller
        .rollback(&support(), ask(ActorRole::Operator, "unreadable"))
        .await
        .unwrap();
    controller
        .resume(&support(), None, ask(ActorRole::Owner, "anew"))
        .await
        .unwrap();
    raise(&controller, 5.0).await.unwrap();
    assert!(controller.shared.renew());
    assert!(controller.route_view(&support()).unwrap().effective_percent > 4.9);
}

#[tokio::test]
async fn outcomes_that_the_ledger_has_seen_must_be_there() {
    let home = tempfile::tempdir().unwrap();
    let controller = start(home.path());
    raise(&controller, 10.0).await.unwrap();
    controller
        .apply_outcomes(&support(), outcomes(&controller, 100, false))
        .await
        .unwrap();
    raise(&controller, 20.0).await.unwrap();
    drop(controller);
    fs::remove_file(home.path().join("outcomes/support.1.log")).unwrap();
    let controller = start(home.path());
    assert!(controller.shared.renew());
    let view = controller.route_view(&support()).unwrap();
    assert!(view.lease_seconds.is_none());
    assert!(
        view.barred.as_ref().unwrap().contains("holds 0 outcomes"),
        "{view:?}"
    );
    assert!(view.rollout.missing.contains(view.barred.as_ref().unwrap()));
}
