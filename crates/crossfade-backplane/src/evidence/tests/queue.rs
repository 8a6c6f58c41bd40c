//! Reviews and snapshots on disk.

use super::*;

pub(super) fn item(
    route: &str,
    signature: Option<&str>,
    reason: ReviewReason,
    at: u64,
) -> ReviewItem {
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
        sample: None,
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
    let order: Vec<u64> = queue
        .open_items(None, 0)
        .iter()
        .map(|item| item.id)
        .collect();
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
