//! Ledgers on disk, as a controller and a hand with an editor leave them.

use std::fs;

use crossfade_backplane::{DataDirectory, Ledger};
use crossfade_exchange::Percent;
use crossfade_rollout::{Actor, ActorRole, Cause, Change, Entry, Evidence};

use super::*;

fn rollback(sequence: u64, role: ActorRole) -> Entry {
    Entry {
        sequence,
        at_unix_ms: 1_000 + sequence,
        route: Some(RouteId::new("support")),
        actor: Actor::new("ana", role),
        reason: "to be sure".to_owned(),
        change: Change::Rollback {
            from: Percent::ZERO,
            cause: Cause::Manual,
        },
        evidence: Evidence::default(),
    }
}

fn written(entries: &[Entry]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let directory = DataDirectory::open(home.path()).unwrap();
    let (mut ledger, _) = Ledger::open(&directory).unwrap();
    for entry in entries {
        ledger.append(entry).unwrap();
    }
    home
}

#[test]
fn what_holds_is_counted_and_what_does_not_is_named() {
    let check = |entries: &[Entry], expected: Result<u64, &str>| {
        let home = written(entries);
        match (verify_directory(home.path(), None), expected) {
            (Ok(verified), Ok(count)) => assert_eq!(verified.history.entries, count),
            (Err(problem), Err(words)) => {
                let problem = problem.to_string();
                assert!(problem.contains(words), "{problem}");
            }
            (result, _) => panic!("{result:?}"),
        }
    };
    check(&[], Ok(0));
    let started = Entry::started(0, 5, "the controller started");
    check(&[started.clone(), rollback(1, ActorRole::Operator)], Ok(2));
    // Chained and in form, and still nothing that a viewer may do.
    let forged = [started, rollback(1, ActorRole::Viewer)];
    check(&forged, Err("entry 1 (route support): role viewer"));
}

#[test]
fn a_head_that_was_kept_tells_a_cut_ledger() {
    let home = written(&[Entry::started(0, 5, "a"), rollback(1, ActorRole::Owner)]);
    let path = home.path().join("ledger.jsonl");
    let head = verify_directory(home.path(), None).unwrap().head;
    knows_head(home.path(), &head).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let first = text.lines().next().unwrap();
    fs::write(&path, format!("{first}\n")).unwrap();
    let cut = verify_directory(home.path(), None).unwrap();
    assert_eq!(cut.history.entries, 1, "by itself a cut ledger holds");
    let problem = knows_head(home.path(), &head).unwrap_err().to_string();
    assert!(problem.contains("entries were cut away"), "{problem}");
}

#[test]
fn a_ledger_that_was_taken_away_does_not_pass_for_one_without_entries() {
    let home = written(&[Entry::started(0, 5, "a")]);
    let directory = home.path();
    fs::remove_file(directory.join("ledger.jsonl")).unwrap();
    assert_eq!(
        verify_directory(directory, None).unwrap().history.entries,
        0
    );
    fs::create_dir_all(directory.join("outcomes")).unwrap();
    fs::write(directory.join("outcomes/support.1.log"), []).unwrap();
    let problem = verify_directory(directory, None).unwrap_err().to_string();
    assert!(problem.contains("was removed or moved away"), "{problem}");
}

#[test]
fn every_flipped_byte_of_the_file_is_found() {
    let home = written(&[Entry::started(0, 5, "a"), rollback(1, ActorRole::Owner)]);
    let path = home.path().join("ledger.jsonl");
    let good = fs::read(&path).unwrap();
    let head = verify_directory(home.path(), None).unwrap().head;
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        let found =
            verify_directory(home.path(), None).and_then(|_| knows_head(home.path(), &head));
        // The last line's own line feed is what a crash may take; nothing of an entry is in it.
        assert!(found.is_err() || at + 1 == good.len(), "byte {at}");
    }
}
