//! Pairs that were drawn for the test on what people say.

use crossfade_exchange::{Announcement, OutcomeKey};

use super::{queue::item, *};

/// What is said by then counts.
const AGE: u64 = 1_000;

/// A pair sent, drawn and put up at `at`, for this reason too.
fn drawn(at: u64, also: Option<ReviewReason>) -> ReviewItem {
    let announced = Announcement {
        key: OutcomeKey {
            sent_unix_micros: at * 1_000,
            replica: 0,
            sequence: at,
        },
        attempt: 3,
        unit: Unit(u128::from(at)),
    };
    let sample = Sample {
        announced,
        decide_by_unix_ms: at + AGE,
    };
    let mut reasons = vec![ReviewReason::Drawn];
    reasons.extend(also);
    ReviewItem {
        reasons,
        sample: Some(sample),
        ..item("a", Some("s"), ReviewReason::Drawn, at)
    }
}

fn opened(queue: &ReviewQueue, item: ReviewItem) -> u64 {
    match queue.offer(item).unwrap() {
        Offered::Opened {
            id,
            displaced: None,
        } => id,
        other => panic!("{other:?}"),
    }
}

fn sampled(queue: &ReviewQueue, after: Option<u64>, now: u64) -> Vec<(u64, Option<ReviewVerdict>)> {
    let after = after.map(|at| OutcomeKey {
        sent_unix_micros: at * 1_000,
        replica: 0,
        sequence: at,
    });
    let all = queue.sampled(&RouteId::new("a"), 3, after, now);
    let at = |sampled: &Sampled| sampled.sample.announced.key.sequence;
    all.iter().map(|one| (at(one), one.said)).collect()
}

#[test]
fn they_come_of_age_in_the_order_of_sending_with_what_was_said_in_time() {
    const WORSE: ReviewVerdict = ReviewVerdict::CandidateWorse;
    let home = home();
    let queue = home.queue();
    let decide = |id, at| queue.decide(id, WORSE, "", "ana", at).unwrap().unwrap();
    let later = opened(&queue, drawn(20, None));
    let first = opened(&queue, drawn(10, None));
    let never = opened(&queue, drawn(30, None));
    decide(later, 25);
    // The age is one: what was said early waits, even if nothing is said of the one before.
    assert_eq!(sampled(&queue, None, 1_009), []);
    assert_eq!(sampled(&queue, None, 1_010), [(10, None)]);
    // Too late.
    decide(first, 1_011);
    let all = [(10, None), (20, Some(WORSE)), (30, None)];
    assert_eq!(sampled(&queue, None, 1_030), all);
    assert_eq!(sampled(&queue, Some(10), 1_030), all[1..]);
    assert_eq!(sampled(&queue, Some(30), 9_999), []);
    assert_eq!(queue.sampled(&RouteId::new("a"), 4, None, 9_999), []);
    assert_eq!(queue.sampled(&RouteId::new("b"), 3, None, 9_999), []);
    // What was only drawn has no other reason to wait on.
    queue.sweep(1_030).unwrap();
    assert!(!queue.get(never).unwrap().is_open());
    drop(queue);
    assert_eq!(sampled(&home.queue(), None, 1_030), all);
}

#[test]
fn they_have_items_and_room_of_their_own_until_their_time_is_over() {
    let home = home();
    let queue = home.queue();
    // Neither what waits nor what was accepted matters.
    queue
        .offer(item("a", Some("s"), ReviewReason::NewSignature, 1))
        .unwrap();
    queue
        .accept(DifferenceRule {
            route: RouteId::new("a"),
            signature: "s".to_owned(),
            by: "ana".to_owned(),
            reason: "fine".to_owned(),
            at_unix_ms: 1,
        })
        .unwrap();
    for at in 2..5 {
        opened(&queue, drawn(at, None));
    }
    assert_eq!(queue.offer(drawn(5, None)).unwrap(), Offered::Full);
    // With another reason it waits for that one alone, and is not in the test, whatever its answers are.
    let other = queue
        .offer(drawn(6, Some(ReviewReason::RiskyLabel)))
        .unwrap();
    assert!(matches!(other, Offered::Joined(_)), "{other:?}");
    let unlike = ReviewItem {
        signature: None,
        ..drawn(7, Some(ReviewReason::RiskyLabel))
    };
    let id = opened(&queue, unlike);
    let kept = queue.get(id).unwrap();
    assert_eq!(
        (kept.sample, kept.reasons),
        (None, vec![ReviewReason::RiskyLabel])
    );
    // What is more urgent does not take their place.
    for at in 8..12 {
        queue
            .offer(item("a", None, ReviewReason::Requested, at))
            .unwrap();
    }
    let waiting = queue.open_items(None, 12);
    let drawn_open = waiting.iter().filter(|item| item.sample.is_some()).count();
    assert_eq!((drawn_open, waiting.len()), (3, 6));
    // Once their time is over they go where there is no room.
    queue.sweep(1_100).unwrap();
    assert_eq!(queue.open_count(None), 3);
    opened(&queue, drawn(1_100, None));
    assert_eq!(sampled(&queue, None, 1_100).len(), 3);
}

#[test]
fn whoever_comes_first_does_not_hang_on_which_side_differs() {
    let home = home();
    let queue = home.queue();
    let order = |now: u64| -> Vec<u64> {
        let items = queue.open_items(None, now).into_iter();
        items.map(|item| item.id).collect()
    };
    let alike = ReviewItem {
        signature: None,
        ..drawn(1, None)
    };
    let alike = opened(&queue, alike);
    // What only a pair with a worse candidate may have: a risky label, and a signature that others share.
    let worse = opened(&queue, drawn(2, Some(ReviewReason::RiskyLabel)));
    let like_it = item("a", Some("s"), ReviewReason::RefusalFlip, 3);
    let like_it = opened(&queue, like_it);
    let again = item("a", Some("s"), ReviewReason::NewSignature, 4);
    assert_eq!(queue.offer(again).unwrap(), Offered::Joined(like_it));
    assert_eq!(order(5), [like_it, alike, worse]);
    // What was only drawn waits for nobody.
    assert_eq!(queue.waiting_count(&RouteId::new("a")), 2);
    assert_eq!(queue.waiting_count(&RouteId::new("b")), 0);
    let kept = queue.get(worse).unwrap();
    let reasons = [ReviewReason::RiskyLabel, ReviewReason::Drawn];
    assert_eq!(
        (kept.reasons.as_slice(), kept.stands_for),
        (&reasons[..], 1)
    );
    // Once their time is over nothing hangs on it any more.
    assert_eq!(order(2 + AGE), [worse, like_it, alike]);
}

#[test]
fn of_what_is_decided_the_test_keeps_what_it_has_yet_to_take() {
    let home = home();
    let settings = QueueSettings {
        open_per_route: 10_000,
        max_age: Duration::from_secs(100_000),
    };
    let queue = ReviewQueue::open(&home.directory, settings, &EvidenceKeys::default()).unwrap();
    let close = |id, at| {
        let decided = queue.decide(id, ReviewVerdict::Same, "", "ana", at);
        assert!(decided.unwrap().is_some());
    };
    let first = opened(&queue, drawn(1, None));
    close(first, 2);
    for at in 3..5_010 {
        let Offered::Opened { id, .. } = queue
            .offer(item("a", None, ReviewReason::Requested, at))
            .unwrap()
        else {
            panic!("there is room");
        };
        close(id, at);
    }
    assert_eq!(queue.closed_items(None, usize::MAX).len(), 5_000);
    assert_eq!(sampled(&queue, None, 9_999).len(), 1);
}
