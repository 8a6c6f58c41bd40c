//! The controller on a file system that really is full.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command as Process,
};

use super::*;

#[test]
fn a_full_disk_stops_raises_and_outcomes_but_no_roll_back() {
    const NAME: &str =
        "control::tests::full_disk::a_full_disk_stops_raises_and_outcomes_but_no_roll_back";
    in_a_small_file_system(NAME, 2, async |home| full_disk(&home).await);
}

/// Runs a test again in a process of its own, with a file system of so many MiB in a mount namespace of its own, and there what it is
/// to do.
pub(super) fn in_a_small_file_system(name: &str, mebibytes: u32, test: impl AsyncFnOnce(PathBuf)) {
    const MOUNT: &str = "unshare -rm true || { echo cannot mount; exit 0; }; \
        d=$(mktemp -d); export CROSSFADE_TEST_DISK=\"$d\"; \
        unshare -rm sh -c 'mount -t tmpfs -o size=${CROSSFADE_TEST_MIB}m tmpfs \"$CROSSFADE_TEST_DISK\" || \
        { echo cannot mount; exit 0; }; exec \"$0\" \"$@\"' \"$0\" \"$@\"; s=$?; rmdir \"$d\"; exit $s";
    let Some(home) = std::env::var_os("CROSSFADE_TEST_DISK") else {
        let output = Process::new("sh")
            .args(["-c", MOUNT])
            .arg(std::env::current_exe().unwrap())
            .args([name, "--exact", "--nocapture"])
            .env("CROSSFADE_TEST_MIB", mebibytes.to_string())
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(
            printed.contains("1 passed") || printed.contains("cannot mount"),
            "{printed}"
        );
        println!("{printed}");
        if !printed.contains("1 passed") {
            println!("this machine lets nobody mount a small file system: not tried");
        }
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(test(home.into()));
}

async fn full_disk(home: &Path) {
    let controller = start(home);
    raise(&controller, 10.0).await.unwrap();
    let batch = outcomes(&controller, 100, false);
    controller
        .apply_outcomes(&support(), batch.clone())
        .await
        .unwrap();
    let filler = home.join("filler");
    let mut file = fs::File::create(&filler).unwrap();
    while std::io::Write::write(&mut file, &[1; 512]).is_ok_and(|written| written > 0) {}
    drop(file);
    assert!(matches!(
        raise(&controller, 20.0).await,
        Err(ControlError::NotRecorded(_))
    ));
    assert!(!controller.shared.renew());
    let refused = controller
        .apply_outcomes(&support(), batch.clone())
        .await
        .unwrap_err();
    assert_eq!(refused.batch, batch, "handed back whole");
    assert!(
        (percent(&controller) - 10.0).abs() < 1e-9,
        "it is the lease that ends"
    );
    let changed = controller
        .rollback(&support(), ask(ActorRole::Operator, "full"))
        .await
        .unwrap();
    assert!(changed.is_recorded(), "room was held back for it");
    assert!(percent(&controller).abs() < 1e-9);
    fs::remove_file(&filler).unwrap();
    let applied = controller.apply_outcomes(&support(), batch).await.unwrap();
    assert_eq!(
        applied,
        Applied {
            decided: 0,
            stale: 100
        }
    );
    assert!(
        controller.shared.renew(),
        "what could not be logged is not waited for any more"
    );
    drop(controller);
    let again = start(home);
    assert!(
        again
            .route_view(&support())
            .unwrap()
            .rollout
            .rolled_back
            .is_some()
    );
}
