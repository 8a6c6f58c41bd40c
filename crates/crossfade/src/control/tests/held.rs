//! What the ledger cannot take survives a restart, and what is not configured any more gets no traffic when it returns.

use super::*;

/// The ledger with one letter changed, so that its chain does not hold; gives back the whole one.
fn tamper(home: &Path) -> String {
    let path = home.join("ledger.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("somebody", "nobody__", 1)).unwrap();
    text
}

async fn roll_back(controller: &Controller) -> Changed {
    let ask = ask(ActorRole::Operator, "odd answers");
    controller.rollback(&support(), ask).await.unwrap()
}

#[tokio::test]
async fn a_roll_back_on_a_broken_ledger_survives_restarts_until_it_is_recorded() {
    let home = tempfile::tempdir().unwrap();
    raise(&start(home.path()), 10.0).await.unwrap();
    let whole = tamper(home.path());
    let marks = home.path().join("rolled-back.json");
    let barred = |controller: &Controller| controller.route_view(&support()).unwrap().barred;

    let controller = start(home.path());
    assert_eq!(barred(&controller), None);
    assert_eq!(roll_back(&controller).await, Changed::Kept);
    for part in [
        "rolled back by somebody",
        "odd answers",
        "rolled-back.json",
        "restart",
    ] {
        assert!(barred(&controller).unwrap().contains(part), "{part}");
    }
    drop(controller);
    let controller = start(home.path());
    assert!(
        barred(&controller)
            .unwrap()
            .contains("rolled back by somebody")
    );
    assert!(percent(&controller).abs() < 1e-9 && marks.exists());
    drop(controller);

    // Somebody restores the ledger: without the mark, the route would get its share again.
    fs::write(home.path().join("ledger.jsonl"), whole).unwrap();
    let controller = start(home.path());
    assert!(controller.shared.renew());
    let view = controller.route_view(&support()).unwrap();
    assert!(view.effective_percent.abs() < 1e-9 && view.barred.is_none());
    let back = view.rollout.rolled_back.unwrap();
    assert_eq!(back.actor, Actor::new("somebody", ActorRole::Operator));
    assert!(
        back.reason.starts_with("odd answers (in effect since then"),
        "{back:?}"
    );
    assert!(!marks.exists(), "it is on the ledger now");
    assert!(
        raise(&controller, 5.0).await.is_err(),
        "an owner must resume it"
    );
    controller
        .resume(&support(), None, ask(ActorRole::Owner, "mended"))
        .await
        .unwrap();
    raise(&controller, 5.0).await.unwrap();
    let entries = controller.entries(None, 100, None);
    drop(controller);
    let controller = start(home.path());
    assert_eq!(controller.entries(None, 100, None), entries);
    assert!((percent(&controller) - 5.0).abs() < 1e-9);
}

#[tokio::test]
async fn a_mark_that_outlives_its_entry_is_not_recorded_twice() {
    let home = tempfile::tempdir().unwrap();
    let controller = start(home.path());
    raise(&controller, 10.0).await.unwrap();
    assert_eq!(roll_back(&controller).await, Changed::Recorded);
    let entry = controller.entries(None, 1, None).remove(0);
    controller
        .resume(&support(), None, ask(ActorRole::Owner, "mended"))
        .await
        .unwrap();
    drop(controller);
    let mark = crossfade_backplane::Mark {
        route: support(),
        at_unix_ms: entry.at_unix_ms,
        actor: entry.actor,
        reason: entry.reason,
        change: entry.change,
    };
    let line = serde_json::to_string(&mark).unwrap();
    fs::write(home.path().join("rolled-back.json"), line).unwrap();
    let controller = start(home.path());
    raise(&controller, 5.0).await.unwrap();
    assert!(!home.path().join("rolled-back.json").exists());
}

#[tokio::test]
async fn a_roll_back_that_can_be_kept_nowhere_says_so() {
    let home = tempfile::tempdir().unwrap();
    raise(&start(home.path()), 10.0).await.unwrap();
    tamper(home.path());
    let controller = start(home.path());
    fs::create_dir(home.path().join("rolled-back.json.new")).unwrap();
    let changed = roll_back(&controller).await;
    assert_eq!(changed, Changed::InMemory);
    assert!(!changed.is_recorded() && !changed.survives_restart());
    let barred = controller.route_view(&support()).unwrap().barred.unwrap();
    assert!(barred.contains("do not restart before"), "{barred}");
    fs::remove_dir(home.path().join("rolled-back.json.new")).unwrap();
    assert_eq!(roll_back(&controller).await, Changed::Kept);
    let barred = controller.route_view(&support()).unwrap().barred.unwrap();
    assert!(barred.contains("it is kept in"), "{barred}");
}

#[tokio::test]
async fn unreadable_marks_hold_every_route_down() {
    let home = tempfile::tempdir().unwrap();
    raise(&start(home.path()), 10.0).await.unwrap();
    fs::write(home.path().join("rolled-back.json"), "not a mark\n").unwrap();
    let controller = start(home.path());
    controller.shared.renew();
    let view = controller.route_view(&support()).unwrap();
    assert!(view.effective_percent.abs() < 1e-9);
    assert!(view.barred.unwrap().contains("damaged at line 1"));
    assert!(raise(&controller, 20.0).await.is_err());
    drop(controller);
    fs::remove_file(home.path().join("rolled-back.json")).unwrap();
    assert!((percent(&start(home.path())) - 10.0).abs() < 1e-9);
}

#[tokio::test]
async fn a_lowering_that_waits_for_the_ledger_is_marked() {
    let home = tempfile::tempdir().unwrap();
    let controller = start(home.path());
    raise(&controller, 20.0).await.unwrap();
    let last = controller.entries(None, 1, None).remove(0);
    let entry = |to: f64| Entry {
        at_unix_ms: 7,
        change: Change::Split {
            from: Percent::HUNDRED,
            to: Percent::new(to).unwrap(),
            salt: 0,
            attempt: Some(1),
            new_attempt: None,
            override_: false,
            stage: None,
        },
        route: Some(support()),
        ..last.clone()
    };
    // As it is when the write of the entry fails and the process then dies.
    lock(&controller.shared.disk)
        .mark_waiting(&entry(5.0))
        .unwrap();
    drop(controller);
    let controller = start(home.path());
    assert!((percent(&controller) - 5.0).abs() < 1e-9);
    let last = controller.entries(None, 1, None).remove(0);
    assert_eq!(last.at_unix_ms, 7);
    assert!(!home.path().join("rolled-back.json").exists());
    // A share that is lower already is left alone.
    lock(&controller.shared.disk)
        .mark_waiting(&entry(8.0))
        .unwrap();
    drop(controller);
    let controller = start(home.path());
    assert!((percent(&controller) - 5.0).abs() < 1e-9);
    assert!(!home.path().join("rolled-back.json").exists());
}

#[tokio::test]
async fn a_route_that_was_removed_starts_from_nothing_when_it_returns() {
    let home = tempfile::tempdir().unwrap();
    let controller = start(home.path());
    raise(&controller, 20.0).await.unwrap();
    let batch = outcomes(&controller, 50, false);
    controller.apply_outcomes(&support(), batch).await.unwrap();
    drop(controller);

    let without = || {
        Controller::start(ControllerOptions {
            directory: Arc::new(DataDirectory::open(home.path()).unwrap()),
            plans: vec![RoutePlan::new(RouteId::new("sales"))],
            lease: QUICK,
            metrics: Telemetry::new().unwrap().metrics(["sales"]),
            clock: Clock::default(),
        })
    };
    let controller = without();
    let orphan = Orphan {
        route: support(),
        percent: 20.0,
    };
    assert_eq!(controller.ledger_state().orphans, [orphan]);
    assert!(controller.knows(&support()) && !controller.knows(&RouteId::new("nope")));
    drop(controller);
    assert!(
        without().ledger_state().orphans.is_empty(),
        "it is 0 by now"
    );

    let controller = start(home.path());
    let view = controller.route_view(&support()).unwrap();
    assert!(
        percent(&controller).abs() < 1e-9 && view.barred.is_none(),
        "{view:?}"
    );
    let change = view.rollout.last_change.unwrap();
    assert!(change.what.contains("from 20 % to 0 %") && change.reason.contains("not configured"));
    assert_eq!(
        view.rollout.attempt.unwrap().decided,
        50,
        "its evidence is not lost"
    );
    raise(&controller, 5.0).await.unwrap();
}

#[tokio::test]
async fn an_equal_split_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let controller = start(home.path());
    raise(&controller, 20.0).await.unwrap();
    let before = (
        controller.entries(None, 100, None),
        rollout_json(&controller),
    );
    assert_eq!(raise(&controller, 20.0).await.unwrap(), Changed::Unchanged);
    let after = (
        controller.entries(None, 100, None),
        rollout_json(&controller),
    );
    assert_eq!(before, after);
    assert!((percent(&controller) - 20.0).abs() < 1e-9, "no cap stays");
}

#[tokio::test]
async fn a_resume_is_for_the_revision_that_its_actor_knew() {
    let home = tempfile::tempdir().unwrap();
    let controller = start(home.path());
    raise(&controller, 20.0).await.unwrap();
    roll_back(&controller).await;
    let revision = controller.route_view(&support()).unwrap().rollout.revision;
    let resume = async |if_match| {
        let ask = ask(ActorRole::Owner, "r");
        controller.resume(&support(), if_match, ask).await
    };
    let stale = resume(Some(revision - 1)).await.unwrap_err();
    assert!(
        matches!(stale, ControlError::Refused(Refusal::Stale { .. })),
        "{stale}"
    );
    assert_eq!(resume(Some(revision)).await.unwrap(), Changed::Recorded);
}

#[tokio::test]
async fn the_highest_shares_say_what_the_test_does_not_see() {
    let home = tempfile::tempdir().unwrap();
    let controller = start(home.path());
    let notes = |controller: &Controller| controller.route_view(&support()).unwrap().notes;
    for (percent, part) in [
        (95.0, None),
        (96.0, Some("sees little")),
        (100.0, Some("is silent")),
    ] {
        let ask = ask(ActorRole::Owner, "r");
        let to = SplitAsk {
            override_: true,
            ..to(percent)
        };
        controller.split(&support(), to, ask).await.unwrap();
        let notes = notes(&controller);
        assert_eq!(notes.len(), usize::from(part.is_some()), "{notes:?}");
        assert!(
            notes.concat().contains(part.unwrap_or_default()),
            "{notes:?}"
        );
    }
}

#[tokio::test]
async fn a_route_that_stands_rolled_back_shows_in_the_metrics() {
    let home = tempfile::tempdir().unwrap();
    let telemetry = Telemetry::new().unwrap();
    let metrics = telemetry.metrics(["support"]);
    let start = || {
        Controller::start(ControllerOptions {
            directory: Arc::new(DataDirectory::open(home.path()).unwrap()),
            plans: vec![RoutePlan::new(support())],
            lease: QUICK,
            metrics: Arc::clone(&metrics),
            clock: Clock::default(),
        })
    };
    let shown = |controller: &Controller| {
        controller.export_metrics();
        let text = telemetry.render(&metrics);
        let line = text
            .lines()
            .find(|line| line.starts_with("crossfade_rolled_back{"));
        line.unwrap().to_owned()
    };
    let controller = start();
    assert!(shown(&controller).ends_with(" 0"));
    roll_back(&controller).await;
    assert!(shown(&controller).ends_with(" 1"));
    drop(controller);
    assert!(
        shown(&start()).ends_with(" 1"),
        "also where no process saw it happen"
    );
}
