//! Kept, read back, bounded, deleted, torn; and nothing of it in plain bytes.

use std::{fs, path::PathBuf, time::Duration};

use bytes::Bytes;
use crossfade_exchange::{
    AnswerReason, Assignment, Caller, Ending, Exchange, Operation, Opinions, Recording,
    ReviewReason, ReviewVerdict, Role, RouteId, Side, SizeClass, Timings, Unit, Verdict,
    VerdictClass,
};

use super::*;
use crate::{DataDirectory, Key};

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
fn a_torn_tail_costs_its_record_alone_wherever_it_is_torn() {
    let home = home();
    let lengths: Vec<u64> = {
        let store = home.store(1 << 20);
        let put = |id: &str| {
            store.put(&kept(id, 5, caller(1))).unwrap();
            fs::metadata(home.only_segment("evidence/exchanges"))
                .unwrap()
                .len()
        };
        ["a", "b", "c"].map(put).into()
    };
    let file = home.only_segment("evidence/exchanges");
    let whole = fs::read(&file).unwrap();
    for length in 0..=whole.len() {
        fs::write(&file, &whole[..length]).unwrap();
        let store = home.store(1 << 20);
        let expected = lengths.iter().filter(|end| **end <= length as u64).count();
        assert_eq!(store.stats().exchanges, expected as u64, "cut at {length}");
        for id in ["a", "b", "c"].iter().take(expected) {
            assert!(store.get(id).unwrap().is_some());
        }
        if length % 97 == 0 {
            store.put(&kept("after", 6, caller(1))).unwrap();
            drop(store);
            assert!(home.store(1 << 20).get("after").unwrap().is_some());
        }
        drop(fs::remove_dir_all(
            home.directory.path().join("evidence/exchanges"),
        ));
        fs::create_dir(home.directory.path().join("evidence/exchanges")).unwrap();
    }
}

#[test]
fn a_changed_byte_costs_one_record_or_what_follows_and_is_never_shown() {
    let home = home();
    {
        let store = home.store(1 << 20);
        for id in ["a", "b", "c"] {
            store.put(&kept(id, 5, caller(1))).unwrap();
        }
    }
    let file = home.only_segment("evidence/exchanges");
    let whole = fs::read(&file).unwrap();
    for at in (32..whole.len()).step_by(7) {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(&file, &changed).unwrap();
        let store = home.store(1 << 20);
        let good = ["a", "b", "c"].iter().filter(|id| match store.get(id) {
            Ok(Some(found)) => {
                assert_eq!(found, kept(id, 5, caller(1)), "byte {at}");
                true
            }
            Ok(None) | Err(_) => false,
        });
        assert!(good.count() < 3, "byte {at}");
    }
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

fn item(route: &str, signature: Option<&str>, reason: ReviewReason, at: u64) -> ReviewItem {
    ReviewItem {
        id: 0,
        exchange: format!("x{at}"),
        route: RouteId::new(route),
        reasons: vec![reason],
        signature: signature.map(str::to_owned),
        stands_for: 0,
        verdict: verdict(),
        caller: caller(u128::from(at)),
        opened_unix_ms: at,
        state: ReviewState::Open,
    }
}

const NEW: ReviewReason = ReviewReason::NewSignature;

#[test]
fn one_item_is_open_for_a_signature() {
    let home = home();
    let queue = home.queue();
    let opened = |id| Offered::Opened {
        id,
        displaced: None,
    };
    let offer = |route, signature, at| queue.offer(item(route, signature, NEW, at)).unwrap();
    assert_eq!(offer("a", Some("s"), 1), opened(0));
    assert_eq!(offer("a", Some("s"), 2), Offered::Joined(0));
    assert_eq!(offer("b", Some("s"), 3), opened(1));
    assert_eq!(offer("a", None, 4), opened(2));
    assert_eq!(queue.get(0).unwrap().stands_for, 2);
    let decided = queue
        .decide(0, ReviewVerdict::Same, "as good", "ana", 9)
        .unwrap();
    assert!(!decided.unwrap().is_open());
    assert_eq!(
        queue.decide(0, ReviewVerdict::Same, "", "ana", 9).unwrap(),
        None
    );
    assert_eq!(
        queue.decide(7, ReviewVerdict::Same, "", "ana", 9).unwrap(),
        None
    );
    assert_eq!(offer("a", Some("s"), 5), opened(3));
    drop(queue);
    let queue = home.queue();
    assert_eq!(queue.open_count(None), 3);
    assert_eq!(queue.open_count(Some(&RouteId::new("a"))), 2);
    assert_eq!(queue.closed_items(None, 9).len(), 1);
    assert_eq!(
        queue.offer(item("a", Some("s"), NEW, 6)).unwrap(),
        Offered::Joined(3)
    );
}

#[test]
fn what_is_more_urgent_displaces_what_is_less() {
    let home = home();
    let queue = home.queue();
    let offer = |reason, at| queue.offer(item("a", None, reason, at)).unwrap();
    for at in 0..3 {
        offer(ReviewReason::RandomAgreement, at);
    }
    assert_eq!(offer(ReviewReason::RandomAgreement, 4), Offered::Full);
    let displaced = Some(2);
    assert_eq!(
        offer(ReviewReason::RiskyLabel, 5),
        Offered::Opened { id: 3, displaced }
    );
    let displaced = Some(1);
    assert_eq!(
        offer(ReviewReason::Requested, 6),
        Offered::Opened { id: 4, displaced }
    );
    let order: Vec<u64> = queue.open_items(None).iter().map(|item| item.id).collect();
    assert_eq!(order, [4, 3, 0]);
    // Another route has its own room.
    let other = queue.offer(item("b", None, NEW, 7)).unwrap();
    assert_eq!(
        other,
        Offered::Opened {
            id: 5,
            displaced: None
        }
    );
}

#[test]
fn accepted_differences_are_no_longer_queued() {
    let home = home();
    let rule = DifferenceRule {
        route: RouteId::new("a"),
        signature: "s".into(),
        by: "ana".into(),
        reason: "only the greeting".into(),
        at_unix_ms: 3,
    };
    {
        let queue = home.queue();
        assert!(queue.accept(rule.clone()).unwrap());
        assert_eq!(
            queue.offer(item("a", Some("s"), NEW, 1)).unwrap(),
            Offered::Accepted
        );
    }
    let queue = home.queue();
    assert_eq!(queue.rules(None), std::slice::from_ref(&rule));
    assert!(queue.is_accepted(&rule.route, "s") && !queue.is_accepted(&rule.route, "t"));
    let asked = queue
        .offer(item("a", Some("s"), ReviewReason::Requested, 2))
        .unwrap();
    assert!(matches!(asked, Offered::Opened { .. }));
    assert!(queue.no_longer_accept(&rule.route, "s").unwrap());
    assert!(!queue.no_longer_accept(&rule.route, "s").unwrap());
    drop(queue);
    assert_eq!(home.queue().rules(None), []);
}

#[test]
fn items_expire_and_are_deleted_with_their_caller() {
    let home = home();
    let queue = home.queue();
    queue.offer(item("a", Some("s"), NEW, 1_000)).unwrap();
    queue.offer(item("a", Some("t"), NEW, 2_000)).unwrap();
    assert_eq!(queue.sweep(101_500).unwrap().expired, [0]);
    assert_eq!(queue.sweep(101_500).unwrap(), Swept::default());
    assert!(home.holds("x1000"));
    assert_eq!(queue.delete_caller(&caller(1_000)).unwrap(), 1);
    assert!(!home.holds("x1000") && home.holds("x2000"));
    assert_eq!(queue.delete_caller(&Caller::default()).unwrap(), 0);
    drop(queue);
    let queue = home.queue();
    assert_eq!((queue.get(0), queue.open_count(None)), (None, 1));
    // Its number is not given again.
    let opened = queue.offer(item("a", None, NEW, 3)).unwrap();
    assert_eq!(
        opened,
        Offered::Opened {
            id: 2,
            displaced: None
        }
    );
}

#[test]
fn a_long_history_is_written_anew() {
    let home = home();
    {
        let queue = home.queue();
        for at in 0..10_000 {
            queue.offer(item("a", Some("s"), NEW, at)).unwrap();
        }
        queue.sweep(1).unwrap();
        assert_eq!(queue.get(0).unwrap().stands_for, 10_000);
    }
    assert!(fs::metadata(home.only_segment("reviews")).unwrap().len() < 4_096);
    assert_eq!(home.queue().get(0).unwrap().stands_for, 10_000);
}

#[test]
fn reviews_are_sealed_where_there_is_a_key() {
    let home = home();
    let settings = QueueSettings {
        open_per_route: 3,
        max_age: Duration::from_secs(1),
    };
    let open = |keys: &EvidenceKeys| ReviewQueue::open(&home.directory, settings, keys);
    let queue = open(&EvidenceKeys::default()).unwrap();
    queue.offer(item("plain", None, NEW, 1)).unwrap();
    drop(queue);
    let queue = open(&keys(1)).unwrap();
    queue.offer(item("sealed", None, NEW, 2)).unwrap();
    assert_eq!(queue.open_count(None), 2);
    drop(queue);
    assert!(home.holds("plain") && !home.holds("sealed"));
    let error = open(&EvidenceKeys::default()).unwrap_err().to_string();
    assert!(error.contains("is sealed"), "{error}");
}

#[test]
fn snapshots_are_replaced_whole() {
    let home = home();
    let (a, b) = (RouteId::new("a"), RouteId::new("b/../*"));
    let snapshots = Snapshots::open(&home.directory, &keys(1)).unwrap();
    assert_eq!(snapshots.get(&a).unwrap(), None);
    snapshots.put(&a, b"one").unwrap();
    snapshots.put(&b, SECRET.as_bytes()).unwrap();
    snapshots.put(&a, b"two").unwrap();
    let again = Snapshots::open(&home.directory, &keys(1)).unwrap();
    assert_eq!(again.get(&a).unwrap().as_deref(), Some(b"two".as_slice()));
    assert_eq!(again.get(&b).unwrap().as_deref(), Some(SECRET.as_bytes()));
    assert!(!home.holds(SECRET));
    Snapshots::open(&home.directory, &keys(2))
        .unwrap()
        .get(&a)
        .unwrap_err();
    let plain = Snapshots::open(&home.directory, &EvidenceKeys::default()).unwrap();
    plain.get(&a).unwrap_err();
    plain.put(&a, b"three").unwrap();
    assert_eq!(plain.get(&a).unwrap().as_deref(), Some(b"three".as_slice()));
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
