//! Every way in which a mirrored request can go ends in exactly one settlement of each group.

use crossfade_rollout::{Phase, RoutePlan};
use proptest::prelude::*;
use tokio::sync::mpsc;

use super::*;

mod breaker;

const FAST: Duration = Duration::from_millis(1);
/// Later than any τ.
const LATE: Duration = Duration::from_secs(100_000);
const GOOD: MetricSet = MetricSet::EMPTY;
const P: Side = Side::Primary;
const C: Side = Side::Candidate;

struct World {
    line: Line,
    received: mpsc::Receiver<OutcomeMessage>,
    attempt: AttemptFacts,
    start: Now,
}

fn world(capacity: usize) -> World {
    let (sender, received) = mpsc::channel(capacity);
    let route = RouteId::new("r");
    World {
        line: Line::new(route.clone(), 0, sender),
        received,
        attempt: AttemptFacts::freeze(1, Phase::Shadow, &RoutePlan::new(route), None),
        start: Now::read(),
    }
}

impl World {
    fn pair(&self, answer: Side) -> Arc<Pair> {
        let mirrored = MirroredAs {
            answer,
            unit: Unit(1),
            applies: MetricSet::all(),
            streamed: true,
            deadline: Duration::from_secs(120),
            breaker_open: false,
        };
        let room = self.line.room_for_pair().unwrap();
        Pair::announce(&self.line, room, &self.attempt, mirrored, self.start)
    }

    fn settled(&mut self) -> Vec<(Group, Settlement)> {
        let mut all = Vec::new();
        while let Ok(message) = self.received.try_recv() {
            if let OutcomeMessage::Settled(_, settled) = message {
                all.push((settled.group, settled.settlement));
            }
        }
        all.sort_by_key(|(group, _)| group.index());
        all
    }

    fn at(&self, age: Duration) -> Instant {
        self.start.instant + age
    }
}

const fn pair(primary: MetricSet, candidate: MetricSet) -> Settlement {
    Settlement::Pair { primary, candidate }
}

/// What is settled of a request that `answer` answers, once `act` has happened, by group: arrival and content.
fn check(
    answer: Side,
    act: impl FnOnce(&Pair, &World),
    arrival: Option<Settlement>,
    content: Option<Settlement>,
) {
    let mut world = world(64);
    let one = world.pair(answer);
    act(&one, &world);
    let of = |wanted: Group, settlement: Option<Settlement>| settlement.map(|s| (wanted, s));
    let want: Vec<_> = of(Group::Arrival, arrival)
        .into_iter()
        .chain(of(Group::Content, content))
        .collect();
    assert_eq!(world.settled(), want);
    // Whatever comes after it, nothing is settled twice, and nothing is left.
    one.close();
    one.failed(P);
    one.failed(C);
    drop(one);
    world.line.forget();
    let rest = world.settled();
    assert_eq!(rest.len(), 2 - want.len(), "{rest:?}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn both_sides_known_are_a_pair() {
    let slow = only(Metric::Slow);
    let transport = only(Metric::Transport);
    check(P, |d, _| d.first_content(P, FAST), None, None);
    check(
        P,
        |d, _| {
            d.first_content(P, FAST);
            d.asked(C, d.sent);
            d.first_content(C, LATE);
        },
        Some(pair(GOOD, slow)),
        None,
    );
    check(
        P,
        |d, _| {
            d.first_content(P, LATE);
            d.asked(C, d.sent);
            d.failed(C);
        },
        Some(pair(slow, transport)),
        Some(Settlement::Void),
    );
    // The primary broke before its first content, after its head had started the mirror.
    check(
        P,
        |d, _| {
            d.asked(C, d.sent);
            d.broke(P);
            d.first_content(C, FAST);
        },
        Some(pair(transport, GOOD)),
        Some(Settlement::Void),
    );
    // The reversed mirror: the primary fails as the shadow.
    check(
        C,
        |d, _| {
            d.first_content(C, FAST);
            d.asked(P, d.sent);
            d.skipped(P, SkipReason::PrimaryFailed, d.sent);
        },
        Some(pair(transport, GOOD)),
        Some(Settlement::Void),
    );
    // A fallback that the reversed mirror had selected.
    check(
        C,
        |d, _| {
            d.failed(C);
            d.asked(P, d.sent);
            d.first_content(P, FAST);
        },
        Some(pair(GOOD, transport)),
        Some(Settlement::Void),
    );
    check(
        C,
        |d, _| {
            d.failed(C);
            d.asked(P, d.sent);
            d.failed(P);
        },
        Some(pair(transport, transport)),
        Some(Settlement::Void),
    );
}

#[test]
fn a_primary_that_fails_is_settled_without_the_candidate() {
    let failed = (Some(Settlement::PrimaryFailed), Some(Settlement::Void));
    let check = |act: fn(&Pair, &World)| check(P, act, failed.0, failed.1);
    check(|d, _| d.failed(P));
    check(|d, _| d.skipped(C, SkipReason::PrimaryFailed, d.sent));
    // The caller gave up on a primary that was later than its 99th percentile.
    check(|d, w| d.aborted(P, w.at(FAST * 3), Some((FAST, LATE))));
    // Silent for twice A, so that the candidate was never asked.
    check(|d, w| {
        d.age(w.at(w.attempt.arrival_age));
        d.age(w.at(2 * w.attempt.content_age));
    });
}

#[test]
fn what_says_nothing_of_a_side_is_void() {
    let void = Some(Settlement::Void);
    for reason in [
        SkipReason::Slots,
        SkipReason::Bytes,
        SkipReason::Money,
        SkipReason::SampledOut,
        SkipReason::PrimaryRefused,
        SkipReason::ClientAbort,
        SkipReason::Disabled,
        SkipReason::Draining,
        SkipReason::Panic,
        SkipReason::QueueFull,
    ] {
        check(P, |d, _| d.skipped(C, reason, d.sent), void, void);
    }
    // A caller who left before anybody could know.
    check(
        P,
        |d, w| d.aborted(P, w.at(FAST), Some((LATE, LATE))),
        void,
        void,
    );
    // A candidate that hangs is known to; the primary was not asked, and may have hung too.
    check(
        C,
        |d, w| d.aborted(C, w.at(LATE), Some((FAST, FAST))),
        void,
        void,
    );
    // Cut short before silence counts.
    check(
        P,
        |d, w| {
            d.first_content(P, FAST);
            d.asked(C, w.at(FAST));
            d.cut(C, w.at(FAST * 2));
        },
        void,
        void,
    );
}

#[test]
fn an_open_breaker_waits_for_the_primary_only() {
    let open = |d: &Pair| d.skipped(C, SkipReason::Breaker, d.sent);
    check(P, |d, _| open(d), None, Some(Settlement::Void));
    check(
        P,
        |d, _| {
            open(d);
            d.first_content(P, LATE);
        },
        Some(Settlement::BreakerOpen {
            primary: only(Metric::Slow),
        }),
        Some(Settlement::Void),
    );
}

#[test]
fn a_side_that_is_silent_until_its_age_says_something() {
    let transport = only(Metric::Transport);
    // The age runs from when the side itself was asked.
    let silent = |d: &Pair, w: &World, after: Duration| {
        d.first_content(P, FAST);
        let asked = w.attempt.arrival_age / 2;
        d.asked(C, w.at(asked));
        d.age(w.at(asked + after));
    };
    check(
        P,
        |d, w| silent(d, w, w.attempt.arrival_age.mul_f64(0.9)),
        None,
        None,
    );
    check(
        P,
        |d, w| silent(d, w, w.attempt.arrival_age),
        Some(pair(GOOD, transport)),
        None,
    );
    check(
        P,
        |d, w| {
            d.first_content(P, FAST);
            d.asked(C, w.start.instant);
            d.cut(C, w.at(w.attempt.arrival_age));
        },
        Some(pair(GOOD, transport)),
        Some(Settlement::Void),
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn content_of_a_side_that_reaches_its_age_is_decided_by_age_on_both() {
    let stream = only(Metric::Stream);
    let begun = |d: &Pair, w: &World| {
        d.first_content(P, FAST);
        d.asked(C, w.start.instant);
        d.first_content(C, FAST);
    };
    let good = Some(pair(GOOD, GOOD));
    // The candidate still streams; the primary's content, which could be judged, is not.
    check(
        P,
        |d, w| {
            begun(d, w);
            d.ended(P);
            d.byte(C, w.at(w.attempt.content_age));
            d.age(w.at(w.attempt.content_age));
        },
        good,
        good,
    );
    check(
        P,
        |d, w| {
            begun(d, w);
            d.ended(P);
            d.byte(C, w.at(FAST));
            d.age(w.at(w.attempt.content_age + SILENT));
        },
        good,
        Some(pair(GOOD, stream)),
    );
    // What is known to be bad stays so.
    check(
        P,
        |d, w| {
            begun(d, w);
            d.broke(P);
            d.byte(C, w.at(w.attempt.content_age));
            d.age(w.at(w.attempt.content_age));
        },
        good,
        Some(pair(stream, GOOD)),
    );
    // Cut short after half a minute of silence.
    check(
        P,
        |d, w| {
            begun(d, w);
            d.ended(P);
            d.byte(C, w.at(FAST));
            d.cut(C, w.at(FAST + SILENT));
        },
        good,
        Some(pair(GOOD, stream)),
    );
    check(
        P,
        |d, w| {
            begun(d, w);
            d.ended(P);
            d.byte(C, w.at(FAST));
            d.cut(C, w.at(SILENT));
        },
        good,
        Some(Settlement::Void),
    );
}

#[test]
fn two_answers_wait_for_their_verdict() {
    let mut world = world(64);
    let one = world.pair(P);
    one.first_content(P, FAST);
    one.asked(C, one.sent);
    one.ended(P);
    assert_eq!(one.wants_verdict(), None);
    one.garbled(C, FAST);
    let known = KnownBad {
        primary: GOOD,
        candidate: only(Metric::Envelope),
    };
    assert_eq!(one.wants_verdict(), Some(known));
    one.hand_over();
    assert!(one.is_resolved());
    assert_eq!(one.wants_verdict(), None);
    assert_eq!(world.settled(), [(Group::Arrival, pair(GOOD, GOOD))]);
    check(
        P,
        |d, _| {
            d.ended(P);
            d.asked(C, d.sent);
            d.ended(C);
            d.unjudged();
        },
        None,
        Some(Settlement::Void),
    );
}

#[test]
fn what_is_forgotten_is_settled_and_half_of_the_queue_is_for_drawn_answers() {
    let mut world = world(12);
    drop(world.pair(P));
    assert!(world.settled().is_empty(), "the line still holds it");
    let _other = world.pair(P);
    // The announcements have been taken out; four places are held.
    drop(world.settled());
    let _third = world.pair(P);
    assert!(world.line.room_for_pair().is_none());
    assert!(world.line.room_for_draw().is_some());
    world.line.forget();
    // The first one was held by nobody else.
    assert_eq!(world.settled().len(), 2);
}

#[test]
fn no_side_is_given_longer_than_the_mirror_may_take() {
    let world = world(16);
    let deadline = world.attempt.arrival_age / 4;
    let mirrored = MirroredAs {
        answer: P,
        unit: Unit(1),
        applies: MetricSet::all(),
        streamed: false,
        deadline,
        breaker_open: false,
    };
    let room = world.line.room_for_pair().unwrap();
    let one = Pair::announce(&world.line, room, &world.attempt, mirrored, world.start);
    assert_eq!(one.arrival_age(), deadline);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Asked,
    First(bool),
    Byte,
    Ended,
    Failed,
    Garbled,
    Broke,
    Aborted,
    Cut,
    Skipped(SkipReason),
    Unjudged,
    HandOver,
    Close,
    Age,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Asked),
        any::<bool>().prop_map(Step::First),
        Just(Step::Byte),
        Just(Step::Ended),
        Just(Step::Failed),
        Just(Step::Garbled),
        Just(Step::Broke),
        Just(Step::Aborted),
        Just(Step::Cut),
        prop::sample::select(SkipReason::ALL).prop_map(Step::Skipped),
        Just(Step::Unjudged),
        Just(Step::HandOver),
        Just(Step::Close),
        Just(Step::Age),
    ]
}

proptest! {
    /// Whatever happens in whatever order, each group is settled once, unless its content was handed over.
    #[test]
    fn each_group_is_settled_exactly_once(
        candidate_answers: bool,
        steps in prop::collection::vec((any::<bool>(), step(), 0_u64..90_000), 0..30),
    ) {
        let mut world = world(64);
        let answer = if candidate_answers { C } else { P };
        let one = world.pair(answer);
        let mut handed_over = false;
        let mut clock = Duration::ZERO;
        for (on_primary, step, millis) in steps {
            let side = if on_primary { P } else { C };
            clock += Duration::from_millis(millis);
            let now = world.at(clock);
            match step {
                Step::Asked => one.asked(side, now),
                Step::First(late) => one.first_content(side, if late { LATE } else { FAST }),
                Step::Byte => one.byte(side, now),
                Step::Ended => one.ended(side),
                Step::Failed => one.failed(side),
                Step::Garbled => one.garbled(side, FAST),
                Step::Broke => one.broke(side),
                Step::Aborted => one.aborted(side, now, None),
                Step::Cut => one.cut(side, now),
                Step::Skipped(reason) => one.skipped(side, reason, now),
                Step::Unjudged => one.unjudged(),
                Step::HandOver => if one.wants_verdict().is_some() {
                    one.hand_over();
                    handed_over = true;
                },
                Step::Close => one.close(),
                Step::Age => one.age(now),
            }
        }
        // In the end time settles it.
        one.age(world.at(LATE));
        prop_assert!(one.is_resolved());
        let groups: Vec<Group> = world.settled().into_iter().map(|(group, _)| group).collect();
        let want: &[Group] = if handed_over { &[Group::Arrival] } else { &[Group::Arrival, Group::Content] };
        prop_assert_eq!(groups, want);
    }
}
