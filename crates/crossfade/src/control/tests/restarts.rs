//! A restart after every step changes nothing.

use super::*;

/// Whatever happens in whatever order, a restart at any moment changes nothing.
#[tokio::test]
async fn any_history_folds_to_the_same_state() {
    let mut choice = 7_u64;
    let mut next = move |of: u64| {
        choice = choice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (choice >> 33) % of
    };
    let home = tempfile::tempdir().unwrap();
    let mut controller = start(home.path());
    for step in 0..120 {
        let owner = ask(ActorRole::Owner, "a step");
        match next(10) {
            0..=2 => {
                let percent = [0.0, 1.0, 5.0, 25.0, 60.0][usize::try_from(next(5)).unwrap()];
                let far = SplitAsk {
                    override_: true,
                    ..to(percent)
                };
                drop(controller.split(&support(), far, owner).await);
            }
            3 if next(3) == 0 => drop(controller.rollback(&support(), owner).await),
            4 => drop(controller.resume(&support(), None, owner).await),
            5 => drop(controller.switch_mirror(next(2) == 0, owner).await),
            _ if published(&controller).is_drawn() => {
                let batch = outcomes(&controller, 20 + next(300), next(8) == 0);
                controller.apply_outcomes(&support(), batch).await.unwrap();
            }
            _ => {}
        }
        let before = (rollout_json(&controller), published(&controller).share);
        let entries = controller.entries(None, 1_000, None);
        drop(controller);
        controller = start(home.path());
        let after = (rollout_json(&controller), published(&controller).share);
        assert_eq!(after, before, "step {step}");
        assert_eq!(
            controller.entries(None, 1_000, None),
            entries,
            "step {step}"
        );
    }
    let alarms = controller.entries(None, 1_000, None);
    assert!(
        alarms
            .iter()
            .any(|entry| entry.actor.role == ActorRole::Engine),
        "none was rung"
    );
}

/// Two controllers never write to one data directory, whatever process they are of.
#[tokio::test]
async fn a_second_process_is_refused_while_the_first_lives() {
    const NAME: &str =
        "control::tests::restarts::a_second_process_is_refused_while_the_first_lives";
    const HOME: &str = "CROSSFADE_TEST_SECOND";
    if let Some(home) = std::env::var_os(HOME) {
        let opened = DataDirectory::open(&home).map(drop);
        println!("opened: {opened:?}");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let other = || {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args([NAME, "--exact", "--nocapture"])
            .env(HOME, home.path())
            .output()
            .unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let controller = start(home.path());
    raise(&controller, 10.0).await.unwrap();
    let refused = other();
    assert!(refused.contains("opened: Err(InUse"), "{refused}");
    raise(&controller, 20.0).await.unwrap();
    drop(controller);
    let opened = other();
    assert!(opened.contains("opened: Ok(())"), "{opened}");
}
