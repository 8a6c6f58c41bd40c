use super::*;
use crossfade_rollout::RoutePlan;
use tokio::sync::mpsc;

struct Setup {
    line: Line,
    received: mpsc::Receiver<OutcomeMessage>,
    attempt: AttemptFacts,
    start: Now,
}

fn line(capacity: usize) -> Setup {
    let (sender, received) = mpsc::channel(capacity);
    let route = RouteId::new("r");
    let attempt = AttemptFacts::freeze(
        1,
        crossfade_rollout::Phase::Attempt,
        &RoutePlan::new(route.clone()),
        None,
    );
    Setup {
        line: Line::new(route, 0, sender),
        received,
        attempt,
        start: Now::read(),
    }
}

impl Setup {
    fn draw(&self) -> Arc<Draw> {
        let drawn = DrawnAs {
            side: Side::Candidate,
            probability: 0.5,
            salt: 1,
            unit: Unit(1),
            applies: MetricSet::all(),
            streamed: true,
        };
        let room = self.line.room_for_draw().unwrap();
        Draw::announce(&self.line, room, &self.attempt, drawn, self.start)
    }

    fn settled(&mut self) -> Vec<(Group, MetricSet)> {
        let mut all = Vec::new();
        while let Ok(message) = self.received.try_recv() {
            if let OutcomeMessage::Settled(_, settled) = message {
                all.push((settled.group, settled.settlement.answer().unwrap()));
            }
        }
        all
    }
}

fn only(metric: Metric) -> MetricSet {
    MetricSet::EMPTY.with(metric)
}

fn check(act: impl FnOnce(&Draw, &AttemptFacts), want: &[(Group, MetricSet)]) {
    let mut line = line(16);
    let draw = line.draw();
    act(&draw, &line.attempt);
    assert_eq!(line.settled(), want);
}

#[test]
fn each_ending_resolves_what_it_should() {
    use Group::{Arrival, Content};
    const GOOD: MetricSet = MetricSet::EMPTY;
    let fast = Duration::from_millis(1);
    let long = Duration::from_secs(100_000);
    check(|d, _| d.first_content(fast), &[(Arrival, GOOD)]);
    check(
        |d, _| d.first_content(long),
        &[(Arrival, only(Metric::Slow))],
    );
    check(
        |d, _| d.failed(),
        &[(Arrival, only(Metric::Transport)), (Content, GOOD)],
    );
    check(
        |d, _| {
            d.first_content(fast);
            d.broke();
        },
        &[(Arrival, GOOD), (Content, only(Metric::Stream))],
    );
    check(
        |d, _| d.broke(),
        &[(Arrival, only(Metric::Transport)), (Content, GOOD)],
    );
    check(
        |d, _| d.aborted(fast, None),
        &[(Arrival, GOOD), (Content, GOOD)],
    );
    check(
        |d, _| d.aborted(long, None),
        &[(Arrival, only(Metric::Transport)), (Content, GOOD)],
    );
    check(
        |d, _| {
            d.first_content(fast);
            d.first_content(long);
            d.failed();
        },
        &[(Arrival, GOOD), (Content, GOOD)],
    );
}

#[test]
fn age_resolves_what_is_left() {
    let mut line = line(16);
    let draw = line.draw();
    let at = |age| line.start.instant + age;
    draw.age(at(line.attempt.arrival_age.mul_f64(0.9)));
    assert!(!draw.is_resolved());
    draw.age(at(line.attempt.arrival_age));
    draw.byte(at(line.attempt.content_age));
    draw.age(at(line.attempt.content_age + Duration::from_secs(1)));
    assert_eq!(
        line.settled(),
        [
            (Group::Arrival, only(Metric::Transport)),
            (Group::Content, MetricSet::EMPTY)
        ],
        "a stream with a byte a second ago is healthy, however long it is"
    );
}

#[test]
fn a_silent_stream_is_bad_at_its_age() {
    let mut line = line(16);
    let draw = line.draw();
    draw.first_content(Duration::from_millis(1));
    draw.byte(line.start.instant);
    draw.age(line.start.instant + line.attempt.content_age + SILENT);
    assert_eq!(
        line.settled(),
        [
            (Group::Arrival, MetricSet::EMPTY),
            (Group::Content, only(Metric::Stream))
        ]
    );
}

#[test]
fn what_is_forgotten_is_resolved_and_what_is_handed_over_is_not() {
    let mut line = line(16);
    drop(line.draw());
    line.line.age(line.start.instant);
    assert!(line.settled().is_empty(), "the line still holds it");
    line.line.forget();
    assert_eq!(line.settled().len(), 2);
    let draw = line.draw();
    draw.hand_over();
    assert!(!draw.content_is_open());
    draw.unjudged();
    assert!(line.settled().is_empty());
}

#[test]
fn no_room_no_draw() {
    let line = line(4);
    let _held = line.draw();
    assert!(
        line.line.room_for_draw().is_none(),
        "three of four places are taken"
    );
}

#[test]
fn announcements_keep_send_order_when_the_clock_steps_back() {
    let mut line = line(16);
    let first = line.draw();
    line.start.unix -= Duration::from_secs(5);
    let second = line.draw();
    assert!(first.key() < second.key());
}
