//! Kept, read back, bounded, deleted, torn; and nothing of it in plain bytes.

mod queue;
mod samples;

use std::{fs, path::PathBuf, time::Duration};

use bytes::Bytes;
use crossfade_exchange::{
    AnswerReason, Assignment, Caller, Ending, Exchange, Operation, Opinions, Recording,
    ReviewReason, ReviewVerdict, Role, RouteId, Side, SizeClass, Timings, Unit, Verdict,
    VerdictClass,
};

use super::*;
use crate::{DataDirectory, Key};

mod damage;

const SECRET: &str = "a very particular phrase";

pub(super) struct Home {
    home: tempfile::TempDir,
    directory: DataDirectory,
}

fn home() -> Home {
    let home = tempfile::tempdir().unwrap();
    let directory = DataDirectory::open(home.path().join("data")).unwrap();
    Home { home, directory }
}

fn keys(current: u8) -> EvidenceKeys {
    EvidenceKeys {
        current: Some(Key::new([current; 32])),
        previous: None,
    }
}

fn settings(max_bytes: u64) -> EvidenceSettings {
    EvidenceSettings {
        max_bytes,
        retention: Duration::from_secs(1_000),
        summaries: Duration::from_secs(10_000),
    }
}

impl Home {
    fn store(&self, max_bytes: u64) -> EvidenceStore {
        EvidenceStore::open(&self.directory, settings(max_bytes), &keys(1)).unwrap()
    }

    fn queue(&self) -> ReviewQueue {
        let settings = QueueSettings {
            open_per_route: 3,
            max_age: Duration::from_secs(100),
        };
        ReviewQueue::open(&self.directory, settings, &EvidenceKeys::default()).unwrap()
    }

    /// Every file of the data directory, with its bytes.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        fn walk(path: PathBuf, found: &mut Vec<(PathBuf, Vec<u8>)>) {
            if path.is_dir() {
                for entry in fs::read_dir(path).unwrap() {
                    walk(entry.unwrap().path(), found);
                }
            } else {
                found.push((path.clone(), fs::read(path).unwrap()));
            }
        }
        let mut found = Vec::new();
        walk(self.home.path().to_path_buf(), &mut found);
        found
    }

    fn holds(&self, needle: &str) -> bool {
        let needle = needle.as_bytes();
        self.files()
            .iter()
            .any(|(_, bytes)| bytes.windows(needle.len()).any(|window| window == needle))
    }

    fn only_segment(&self, log: &str) -> PathBuf {
        let path = self.directory.path().join(log);
        let mut files = fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let file = files.next().unwrap();
        assert!(files.next().is_none());
        file
    }
}

fn recording(side: Side, body: &str) -> Recording {
    Recording {
        side,
        role: Role::Answering,
        ending: Ending::Complete,
        status: Some(200),
        content_type: Some("application/json".into()),
        content_encoding: None,
        body: Bytes::copy_from_slice(body.as_bytes()),
        truncated: false,
        timings: Timings::default(),
        failover: None,
        losses: Vec::new(),
        usage: None,
    }
}

fn verdict() -> Verdict {
    Verdict {
        class: Some(VerdictClass::DifferentMajor),
        parity: Some(0.5),
        checks: Vec::new(),
        primary: None,
        candidate: None,
    }
}

fn caller(number: u128) -> Caller {
    Caller {
        credential: Some(Unit(number)),
        user: Some(Unit(number + 1_000)),
    }
}

fn kept(id: &str, at: u64, of: Caller) -> KeptExchange {
    let exchange = Exchange {
        id: id.into(),
        route: RouteId::new("support"),
        received_unix_ms: at,
        operation: Operation::Chat,
        path: "/openai/deployments/support/chat/completions".into(),
        request: Bytes::from(format!("{{\"q\":\"{SECRET} {id}\"}}")),
        size: SizeClass::K4,
        streamed: false,
        assignment: Assignment {
            answer: Side::Primary,
            shadow: Some(Side::Candidate),
            probability: 0.0,
            salt: 1,
            drawn: false,
            inclusion: 1.0,
            reason: AnswerReason::Share,
        },
        draw: None,
        mirrored: None,
        primary: Some(recording(Side::Primary, SECRET)),
        candidate: Some(recording(Side::Candidate, "")),
        secondary: Some(recording(Side::Primary, "\u{0}\u{1}again")),
        candidate_again: None,
        caller: of,
    };
    KeptExchange {
        verdict: verdict(),
        opinions: Opinions::default(),
        signature: Some("00ff".into()),
        why: KeepReason::Review,
        reasons: vec![ReviewReason::NewSignature],
        kept_unix_ms: at,
        hashes: BodyHashes::default(),
        exchange,
    }
}

#[test]
fn an_exchange_comes_back_as_it_was_also_after_a_restart() {
    let home = home();
    let mut one = kept("one", 5, caller(1));
    {
        let store = home.store(1 << 20);
        one.hashes = store.hashes(&one.exchange);
        assert_eq!(one.hashes.request.len(), 32);
        assert_eq!(one.hashes, store.hashes(&one.exchange));
        store.put(&one).unwrap();
        assert_eq!(store.get("one").unwrap().as_ref(), Some(&one));
        assert_eq!(store.get("two").unwrap(), None);
        store.put(&kept("two", 6, caller(2))).unwrap();
    }
    let store = home.store(1 << 20);
    assert_eq!(store.get("one").unwrap().as_ref(), Some(&one));
    assert_eq!(store.summary("one"), Some(one.summary()));
    let stats = store.stats();
    assert_eq!((stats.exchanges, stats.summaries, stats.damaged), (2, 0, 0));
    assert_eq!(stats.oldest_unix_ms, Some(5));
    assert!(!home.holds(SECRET) && !home.holds("support") && !home.holds("one"));
}

#[test]
fn the_last_version_of_an_exchange_counts() {
    let home = home();
    let mut again = kept("one", 6, caller(1));
    again.why = KeepReason::Random;
    {
        let store = home.store(1 << 20);
        store.put(&kept("one", 5, caller(1))).unwrap();
        store.put(&again).unwrap();
        assert_eq!(store.stats().exchanges, 1);
    }
    assert_eq!(home.store(1 << 20).get("one").unwrap(), Some(again));
}

#[test]
fn lists_are_filtered_and_paged() {
    let home = home();
    let store = home.store(1 << 20);
    for (id, signature) in [("a", "1"), ("b", "2"), ("c", "1"), ("d", "1")] {
        let mut one = kept(id, 5, caller(1));
        one.signature = Some(signature.into());
        store.put(&one).unwrap();
    }
    let ids = |filter: &Filter, limit| -> String {
        store
            .list(filter, limit)
            .into_iter()
            .map(|s| s.id)
            .collect()
    };
    assert_eq!(ids(&Filter::default(), 9), "dcba");
    assert_eq!(ids(&Filter::default(), 2), "dc");
    let before = |id: &str| Filter {
        before: Some(id.into()),
        ..Filter::default()
    };
    assert_eq!(ids(&before("c"), 9), "ba");
    assert_eq!(ids(&before("gone"), 9), "");
    let of = Filter {
        signature: Some("1".into()),
        ..before("d")
    };
    assert_eq!(ids(&of, 9), "ca");
    let other = Filter {
        route: Some(RouteId::new("other")),
        ..Filter::default()
    };
    assert_eq!(ids(&other, 9), "");
    let class = Filter {
        class: Some(VerdictClass::Equal),
        ..Filter::default()
    };
    assert_eq!(ids(&class, 9), "");
    let why = Filter {
        why: Some(KeepReason::Review),
        with_bodies: true,
        ..Filter::default()
    };
    assert_eq!(ids(&why, 9), "dcba");
}

/// Bytes that do not compress.
fn noise(bytes: usize) -> Bytes {
    (0..bytes).map(|_| rand::random::<u8>()).collect()
}

#[test]
fn bytes_are_bounded_and_summaries_stay() {
    let home = home();
    let max = 1 << 20;
    let store = home.store(max);
    for number in 0..100 {
        let mut one = kept(&format!("n{number}"), number, caller(1));
        one.exchange.request = noise(40_000);
        store.put(&one).unwrap();
        assert!(store.stats().bytes <= max + max / 8);
    }
    let stats = store.stats();
    assert_eq!(stats.exchanges + stats.summaries, 100);
    assert!(
        stats.exchanges >= 20 && stats.dropped == stats.summaries,
        "{stats:?}"
    );
    assert_eq!(store.get("n0").unwrap(), None);
    assert!(!store.summary("n0").unwrap().bodies);
    assert!(store.get("n99").unwrap().is_some());
    drop(store);
    let again = home.store(max).stats();
    assert_eq!(
        (again.exchanges, again.summaries),
        (stats.exchanges, stats.summaries)
    );
}

#[test]
fn age_is_bounded_for_bodies_then_for_summaries() {
    let home = home();
    let store = home.store(1 << 20);
    store.put(&kept("old", 1_000, caller(1))).unwrap();
    store.put(&kept("new", 900_000, caller(1))).unwrap();
    store.sweep(1_000_000).unwrap();
    assert_eq!(store.stats().exchanges, 2);
    store.sweep(1_002_000).unwrap();
    assert_eq!(store.get("old").unwrap(), None);
    assert!(store.get("new").unwrap().is_some());
    assert!(store.summary("old").is_some());
    store.sweep(10_002_000).unwrap();
    assert_eq!((store.summary("old"), store.stats().exchanges), (None, 0));
    assert!(store.summary("new").is_some());
}

#[test]
fn a_callers_exchanges_are_gone_from_the_files() {
    let home = home();
    let bytes = || -> u64 { home.files().iter().map(|(_, b)| b.len() as u64).sum() };
    let store = home.store(1 << 20);
    for number in 0..20_u64 {
        store
            .put(&kept(
                &format!("n{number}"),
                number,
                caller(u128::from(number % 2)),
            ))
            .unwrap();
    }
    // One that is known by its summary only.
    store.put(&kept("later", 1_001_500, caller(2))).unwrap();
    store.sweep(1_001_500).unwrap();
    assert_eq!(store.stats().summaries, 20);
    for number in 20..24_u64 {
        store
            .put(&kept(
                &format!("n{number}"),
                1_002_000,
                caller(u128::from(number % 2)),
            ))
            .unwrap();
    }
    let before = bytes();
    let by_user = Caller {
        credential: None,
        user: caller(0).user,
    };
    let deleted = store.delete_caller(&by_user).unwrap();
    assert_eq!(deleted.ids.len(), 12);
    assert!(deleted.ids.contains(&"n0".to_owned()) && deleted.ids.contains(&"n22".to_owned()));
    let after = bytes();
    assert!(after < before * 3 / 4, "{after} of {before}");
    assert_eq!(store.delete_caller(&by_user).unwrap(), Deleted::default());
    let check = |store: &EvidenceStore| {
        assert_eq!((store.summary("n0"), store.summary("n22")), (None, None));
        assert_eq!(
            store.get("n23").unwrap(),
            Some(kept("n23", 1_002_000, caller(1)))
        );
        assert_eq!(store.list(&Filter::default(), 100).len(), 13);
    };
    check(&store);
    store.put(&kept("n30", 1_002_001, caller(3))).unwrap();
    assert_eq!(store.delete_caller(&caller(3)).unwrap().ids, ["n30"]);
    drop(store);
    check(&home.store(1 << 20));
    assert_eq!(
        home.store(1 << 20)
            .delete_caller(&Caller::default())
            .unwrap()
            .ids
            .len(),
        0
    );
}

#[test]
fn another_key_is_a_clear_error_and_the_previous_one_still_reads() {
    let home = home();
    home.store(1 << 20).put(&kept("one", 5, caller(1))).unwrap();
    let open = |keys: &EvidenceKeys| EvidenceStore::open(&home.directory, settings(1 << 20), keys);
    let error = open(&keys(2)).unwrap_err().to_string();
    assert!(error.contains("previous_key_env"), "{error}");
    let error = open(&EvidenceKeys::default()).unwrap_err().to_string();
    assert!(error.contains("set [evidence] key_env"), "{error}");
    let rotated = EvidenceKeys {
        current: Some(Key::new([2; 32])),
        previous: Some(Key::new([1; 32])),
    };
    let store = open(&rotated).unwrap();
    assert!(store.get("one").unwrap().is_some());
    store.put(&kept("two", 6, caller(2))).unwrap();
    drop(store);
    let store = open(&rotated).unwrap();
    assert!(store.get("one").unwrap().is_some() && store.get("two").unwrap().is_some());
    // What is rewritten is under the new key, and the old one is no longer needed.
    store.delete_caller(&caller(1)).unwrap();
    drop(store);
    assert!(open(&keys(2)).unwrap().get("two").unwrap().is_some());
}

#[test]
fn what_cannot_be_written_stops_nothing() {
    let home = home();
    let store = home.store(1 << 20);
    let path = home.directory.path().join("evidence/exchanges");
    fs::remove_dir_all(&path).unwrap();
    store.put(&kept("one", 5, caller(1))).unwrap_err();
    assert_eq!(store.stats().exchanges, 0);
    fs::create_dir(&path).unwrap();
    store.put(&kept("one", 5, caller(1))).unwrap();
    assert!(store.get("one").unwrap().is_some());
}

#[test]
fn no_body_stays_longer_than_it_may() {
    let home = home();
    let store = home.store(1 << 20);
    // One segment's span is 62.5 seconds.
    store.put(&kept("first", 0, caller(1))).unwrap();
    store.put(&kept("second", 60_000, caller(1))).unwrap();
    store.sweep(1_000_000).unwrap();
    assert!(store.get("first").unwrap().is_some());
    store.sweep(1_000_001).unwrap();
    assert_eq!(store.get("first").unwrap(), None);
    assert!(!store.summary("second").unwrap().bodies);
}
