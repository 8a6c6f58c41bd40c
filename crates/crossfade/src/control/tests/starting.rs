//! Between the ledger and the outcomes: what the data plane may do meanwhile.

use super::*;

fn prepare(home: &Path) -> Prepared {
    Controller::prepare(ControllerOptions {
        directory: Arc::new(DataDirectory::open(home).unwrap()),
        plans: vec![RoutePlan {
            owner: Some("team".to_owned()),
            ..RoutePlan::new(support())
        }],
        lease: LeaseTimes::default(),
        metrics: Telemetry::new().unwrap().metrics(["support"]),
        clock: Clock::default(),
    })
}

/// An attempt at 10 % with 500 outcomes.
async fn with_outcomes(home: &Path) -> String {
    let controller = start(home);
    raise(&controller, 10.0).await.unwrap();
    let batch = outcomes(&controller, 500, false);
    controller.apply_outcomes(&support(), batch).await.unwrap();
    rollout_json(&controller)
}

#[tokio::test]
async fn until_outcomes_are_folded_the_ledger_alone_is_followed() {
    let home = tempfile::tempdir().unwrap();
    let before = with_outcomes(home.path()).await;
    let prepared = prepare(home.path());
    let watch = prepared.watch(&support()).unwrap();
    {
        let split = watch.borrow();
        assert_eq!((split.share.percent(), split.stage), (10.0, Stage::Ramp));
        assert!(split.attempt.is_some() && split.lease_until.is_none());
        assert!(!split.mirror_enabled, "nobody takes what it would find");
    }
    let controller = prepared.fold(&AtomicBool::new(false));
    assert!(watch.borrow().mirror_enabled);
    assert_eq!(rollout_json(&controller), before);
}

#[tokio::test]
async fn what_could_only_be_marked_is_followed_before_anything_is_folded() {
    let home = tempfile::tempdir().unwrap();
    raise(&start(home.path()), 10.0).await.unwrap();
    let ledger = home.path().join("ledger.jsonl");
    let whole = fs::read_to_string(&ledger).unwrap();
    fs::write(&ledger, whole.replacen("somebody", "nobody__", 1)).unwrap();
    let rolled_back = start(home.path())
        .rollback(&support(), ask(ActorRole::Operator, "odd answers"))
        .await;
    assert_eq!(rolled_back.unwrap(), Changed::Kept);
    fs::write(&ledger, whole).unwrap();

    let prepared = prepare(home.path());
    let watch = prepared.watch(&support()).unwrap();
    assert!(watch.borrow().share.is_zero());
    drop(prepared.fold(&AtomicBool::new(false)));
    assert!(watch.borrow().share.is_zero());
}

#[tokio::test]
async fn a_log_that_was_read_in_part_is_not_cut_short() {
    let home = tempfile::tempdir().unwrap();
    let before = with_outcomes(home.path()).await;
    drop(prepare(home.path()).fold(&AtomicBool::new(true)));
    assert_eq!(rollout_json(&start(home.path())), before);
}

#[tokio::test]
async fn an_empty_log_that_could_not_be_opened_is_opened_by_the_first_outcomes() {
    let home = tempfile::tempdir().unwrap();
    raise(&start(home.path()), 10.0).await.unwrap();
    let logs = home.path().join("outcomes");
    fs::remove_dir_all(&logs).unwrap();
    std::os::unix::fs::symlink(home.path().join("nowhere"), &logs).unwrap();
    let controller = start(home.path());
    let batch = || outcomes(&controller, 5, false);
    let held = controller.apply_outcomes(&support(), batch()).await;
    assert!(held.unwrap_err().problem.contains("outcome log"));
    fs::remove_file(&logs).unwrap();
    fs::create_dir(&logs).unwrap();
    let applied = controller.apply_outcomes(&support(), batch()).await;
    assert_eq!(applied.unwrap().decided, 5);
}
