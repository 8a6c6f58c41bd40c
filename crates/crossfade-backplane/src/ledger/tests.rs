//! The ledger against crashes, tampering and full disks.

use std::{fs, path::PathBuf, process::Command};

use crossfade_exchange::{Percent, RouteId};
use crossfade_rollout::{Actor, ActorRole, Cause, Change, Evidence};
use proptest::prelude::*;

use super::*;

fn entry(sequence: u64, reason: &str) -> Entry {
    Entry {
        sequence,
        at_unix_ms: 1_700_000_000_000 + sequence,
        route: Some(RouteId::new("support")),
        actor: Actor::new("ops", ActorRole::Operator),
        reason: reason.to_owned(),
        change: Change::Rollback {
            from: Percent::new(12.5).unwrap(),
            cause: Cause::Manual,
        },
        evidence: Evidence::default(),
    }
}

/// A directory whose ledger has `count` entries, and the ledger's bytes.
fn written(count: u64) -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let home = tempfile::tempdir().unwrap();
    let (mut ledger, _) = Ledger::open(&DataDirectory::open(home.path()).unwrap()).unwrap();
    for sequence in 0..count {
        ledger
            .append(&entry(
                sequence,
                &format!("reason {sequence} \u{1F600} \"quoted\""),
            ))
            .unwrap();
    }
    let path = home.path().join("ledger.jsonl");
    let bytes = fs::read(&path).unwrap();
    (home, path, bytes)
}

#[test]
fn what_was_appended_is_read_back() {
    let (home, path, _) = written(3);
    let (mut ledger, entries) = Ledger::open(&DataDirectory::open(home.path()).unwrap()).unwrap();
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[1], entry(1, "reason 1 \u{1F600} \"quoted\""));
    assert_eq!(ledger.next_sequence(), 3);
    let refused = ledger.append(&entry(2, "again")).unwrap_err();
    assert!(
        matches!(refused, LedgerError::Sequence { given: 2, next: 3 }),
        "{refused}"
    );
    ledger.append(&entry(3, "more")).unwrap();
    let verified = verify(&path).unwrap();
    assert_eq!(
        (verified.entries.len(), verified.head.as_str()),
        (4, ledger.head())
    );
}

#[test]
fn a_crash_at_any_byte_of_the_last_line_leaves_the_others() {
    let (home, path, bytes) = written(3);
    let third = bytes
        .split_inclusive(|b| *b == b'\n')
        .take(2)
        .map(<[u8]>::len)
        .sum::<usize>();
    for cut in third..=bytes.len() {
        fs::write(&path, &bytes[..cut]).unwrap();
        let directory = DataDirectory::open(home.path()).unwrap();
        let (mut ledger, entries) = Ledger::open(&directory).unwrap();
        // Without its line feed the last line is still whole.
        let kept = if cut + 1 >= bytes.len() { 3 } else { 2 };
        assert_eq!(entries.len(), kept, "cut at {cut}");
        ledger
            .append(&entry(ledger.next_sequence(), "after the crash"))
            .unwrap();
        assert_eq!(
            verify(&path).unwrap().entries.len(),
            kept + 1,
            "cut at {cut}"
        );
    }
}

#[test]
fn zeros_that_a_power_cut_left_are_cut_but_zeros_in_history_are_not() {
    let (home, path, bytes) = written(2);
    let mut torn = bytes.clone();
    torn.extend_from_slice(&[0; 700]);
    torn.push(b'\n');
    fs::write(&path, &torn).unwrap();
    let (_, entries) = Ledger::open(&DataDirectory::open(home.path()).unwrap()).unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(fs::read(&path).unwrap(), bytes);
    let mut holed = bytes;
    holed[40..60].fill(0);
    fs::write(&path, &holed).unwrap();
    let refused = Ledger::open(&DataDirectory::open(home.path()).unwrap()).unwrap_err();
    assert!(
        matches!(refused, LedgerError::Broken { sequence: 0, .. }),
        "{refused}"
    );
}

#[test]
fn history_that_was_edited_is_refused_by_the_entry() {
    let check = |change: &dyn Fn(String) -> String, expected: u64, what: &str| {
        let (home, path, bytes) = written(4);
        fs::write(&path, change(String::from_utf8(bytes).unwrap())).unwrap();
        let refused = Ledger::open(&DataDirectory::open(home.path()).unwrap()).unwrap_err();
        let LedgerError::Broken { sequence, .. } = &refused else {
            panic!("{refused}")
        };
        assert_eq!(*sequence, expected, "{refused}");
        assert!(refused.to_string().contains(what), "{refused}");
    };
    let line = |text: &str, at: usize| text.lines().nth(at).unwrap().to_owned() + "\n";
    check(
        &|t| t.replacen("reason 2", "reason 9", 1),
        2,
        "its own hash",
    );
    check(&|t| t.replacen("12.5", "12.50", 1), 0, "its own hash");
    check(&|t| t.replace(&line(&t, 1), ""), 1, "entry before");
    check(
        &|t| t.replace(&line(&t, 3), &line(&t, 2)),
        3,
        "entry before",
    );
    check(
        &|t| t.replacen("{\"prev\"", "{ \"prev\"", 1),
        0,
        "form that is written",
    );
    check(
        &|t| t.replacen("{\"prev\"", "{\"note\":1,\"prev\"", 1),
        0,
        "not an entry",
    );
    check(&|t| t + "\n", 4, "not an entry");
}

proptest! {
    #[test]
    fn any_changed_byte_of_history_is_seen(at in 0_usize..1_000_000, to in any::<u8>()) {
        let (_home, path, mut bytes) = written(3);
        let whole = verify_bytes(&path, &bytes).unwrap();
        let at = at % bytes.len();
        prop_assume!(bytes[at] != to);
        bytes[at] = to;
        match verify_bytes(&path, &bytes) {
            Err(LedgerError::Broken { .. }) => {}
            // A change in the last line can look like a crash in it, never like another history.
            Ok(verified) => {
                prop_assert!(verified.entries.len() < whole.entries.len() || verified.unterminated);
                prop_assert_eq!(&verified.entries[..], &whole.entries[..verified.entries.len()]);
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}

/// Runs one test of this binary again, under a shell line in which `"$0"` is this binary.
fn run_again(shell: &str, test: &str) -> bool {
    let binary = std::env::current_exe().unwrap();
    let name = format!("{}::{test}", module_path!().split_once("::").unwrap().1);
    let output = Command::new("sh")
        .args(["-c", shell])
        .arg(binary)
        .args([&name, "--exact", "--nocapture"])
        .env("CROSSFADE_TEST_INNER", "1")
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    let ran = printed.contains("1 passed");
    assert!(ran || printed.contains("cannot mount"), "{printed}");
    ran
}

fn is_inner() -> bool {
    std::env::var_os("CROSSFADE_TEST_INNER").is_some()
}

/// Files of this process may not grow beyond 16 or 32 KiB, by the shell's unit: a write at the bound is short, the next
/// one fails.
#[test]
fn a_short_write_leaves_nothing_behind() {
    if !is_inner() {
        assert!(run_again(
            "trap '' XFSZ; ulimit -f 32; exec \"$0\" \"$@\"",
            "a_short_write_leaves_nothing_behind"
        ));
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let directory = DataDirectory::open(home.path()).unwrap();
    let (mut ledger, _) = Ledger::open(&directory).unwrap();
    let long = "x".repeat(900);
    let refused = loop {
        if let Err(error) = ledger.append(&entry(ledger.next_sequence(), &long)) {
            break error;
        }
    };
    assert!(matches!(refused, LedgerError::Write(_)), "{refused}");
    let count = usize::try_from(ledger.next_sequence()).unwrap();
    assert!((10..60).contains(&count), "{count}");
    let path = home.path().join("ledger.jsonl");
    let verified = verify(&path).unwrap();
    assert_eq!(verified.entries.len(), count);
    assert_eq!(verified.whole_bytes, fs::metadata(&path).unwrap().len());
    // What is small enough still goes in behind it.
    if ledger
        .append(&entry(ledger.next_sequence(), "short"))
        .is_ok()
    {
        assert_eq!(verify(&path).unwrap().entries.len(), count + 1);
    }
}

/// In a file system of its own, of 1 MiB, in a mount namespace of its own.
#[test]
fn on_a_full_disk_a_raise_fails_and_a_roll_back_is_written() {
    const MOUNT: &str = "unshare -rm true || { echo cannot mount; exit 0; }; \
        d=$(mktemp -d); export CROSSFADE_TEST_DISK=\"$d\"; \
        unshare -rm sh -c 'mount -t tmpfs -o size=1m tmpfs \"$CROSSFADE_TEST_DISK\" || \
        { echo cannot mount; exit 0; }; exec \"$0\" \"$@\"' \"$0\" \"$@\"; s=$?; rmdir \"$d\"; exit $s";
    if !is_inner() {
        if !run_again(
            MOUNT,
            "on_a_full_disk_a_raise_fails_and_a_roll_back_is_written",
        ) {
            println!("this machine lets nobody mount a small file system: not tried");
        }
        return;
    }
    let home = PathBuf::from(std::env::var_os("CROSSFADE_TEST_DISK").unwrap());
    let directory = DataDirectory::open(&home).unwrap();
    let (mut ledger, _) = Ledger::open(&directory).unwrap();
    assert!(ledger.reserve.is_held());
    directory.probe().unwrap();
    // The page that holds the ledger's end is filled too, so that not even one entry fits.
    ledger.append(&entry(0, &"x".repeat(900))).unwrap();
    let filler = home.join("filler");
    let mut file = fs::File::create(&filler).unwrap();
    while io::Write::write(&mut file, &[1; 1024]).is_ok_and(|n| n > 0) {}
    while ledger
        .append(&entry(ledger.next_sequence(), &"y".repeat(300)))
        .is_ok()
    {}
    assert!(directory.probe().is_err());
    let count = usize::try_from(ledger.next_sequence()).unwrap();
    let refused = ledger
        .append(&entry(ledger.next_sequence(), &"z".repeat(300)))
        .unwrap_err();
    let LedgerError::Write(error) = &refused else {
        panic!("{refused}")
    };
    assert!(is_full(error), "{error}");
    for more in 1..=20 {
        ledger
            .append_rollback(&entry(ledger.next_sequence(), "back to the primary"))
            .unwrap();
        assert_eq!(
            verify(&home.join("ledger.jsonl")).unwrap().entries.len(),
            count + more
        );
    }
    assert!(!ledger.reserve.is_held());
    drop(file);
    fs::remove_file(&filler).unwrap();
    ledger
        .append(&entry(ledger.next_sequence(), "there is room again"))
        .unwrap();
    assert!(
        ledger.reserve.is_held(),
        "made again as soon as there is room"
    );
    directory.probe().unwrap();
}
