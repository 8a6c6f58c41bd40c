use std::time::Duration;

use bytes::Bytes;
use crossfade_exchange::{
    AnswerReason, Assignment, Operation, OutcomeMessage, RouteId, SizeClass, Timings, Unit,
};
use crossfade_rollout::{AttemptFacts, RoutePlan};

use super::*;
use crate::{accounting::RouteAccounts, draw::DrawnAs, line::Line, queue::Purpose, route::Now};

struct Setup {
    pairing: Arc<Pairing>,
    queue: mpsc::Receiver<Queued>,
    outcomes: mpsc::Receiver<OutcomeMessage>,
    accounts: RouteAccounts,
    draw: Arc<Draw>,
    line: Line,
}

/// A request that the coin gave to the primary, with or without a shadow under way.
fn setup(shadow: bool) -> Setup {
    setup_for(Side::Primary, shadow)
}

/// A request that the coin gave to this side, with or without a shadow under way.
#[expect(clippy::too_many_lines, reason = "one value after the other")]
fn setup_for(side: Side, shadow: bool) -> Setup {
    let route = RouteId::new("r");
    let (outcome_sender, outcomes) = mpsc::channel(16);
    let (queue_sender, queue) = mpsc::channel(16);
    let line = Line::new(route.clone(), 0, outcome_sender);
    let attempt = AttemptFacts::freeze(
        1,
        crossfade_rollout::Phase::Attempt,
        &RoutePlan::new(route.clone()),
        None,
    );
    let drawn = DrawnAs {
        side,
        probability: 0.5,
        salt: 1,
        unit: Unit(1),
        applies: crossfade_exchange::MetricSet::all(),
        streamed: true,
    };
    let room = line.room_for_draw().unwrap();
    let draw = Draw::announce(&line, room, &attempt, drawn, Now::read());
    let accounts = RouteAccounts::new(route.clone());
    let (_, ticket) = accounts.eligible(SizeClass::K4, None);
    let exchange = Exchange {
        id: String::new(),
        route,
        received_unix_ms: 0,
        operation: Operation::Chat,
        path: String::new(),
        request: Bytes::new(),
        size: SizeClass::K4,
        streamed: true,
        assignment: Assignment {
            answer: side,
            shadow: Some(side.other()),
            probability: 0.5,
            salt: 1,
            drawn: true,
            inclusion: 1.0,
            reason: AnswerReason::Drawn,
        },
        draw: Some(draw.key()),
        mirrored: None,
        primary: None,
        candidate: None,
        secondary: None,
        candidate_again: None,
        caller: crossfade_exchange::Caller::default(),
    };
    let pairing = Pairing::new(Opening {
        exchange,
        ticket: Some(ticket),
        draw: Some(Arc::clone(&draw)),
        pair: None,
        request_hold: None,
        shadow,
        queue: queue_sender,
        repeat: None,
    });
    Setup {
        pairing,
        queue,
        outcomes,
        accounts,
        draw,
        line,
    }
}

fn recording(side: Side, role: Role) -> Recording {
    Recording {
        side,
        role,
        ending: Ending::Complete,
        status: Some(200),
        content_type: None,
        content_encoding: None,
        body: Bytes::new(),
        truncated: false,
        timings: Timings::default(),
        failover: None,
        losses: Vec::new(),
        usage: None,
    }
}

impl Setup {
    fn queued(&mut self) -> Vec<(Purpose, Option<Side>, bool)> {
        let mut all = Vec::new();
        while let Ok(queued) = self.queue.try_recv() {
            all.push((queued.purpose, queued.drawn, queued.exchange.is_pair()));
            queued.compared();
        }
        all
    }
}

#[test]
fn a_drawn_answer_does_not_wait_for_its_shadow() {
    let mut setup = setup(true);
    setup
        .pairing
        .deliver(recording(Side::Primary, Role::Answering), Held::default());
    assert_eq!(
        setup.queued(),
        [(Purpose::Outcome, Some(Side::Primary), false)]
    );
    assert!(!setup.draw.content_is_open(), "the worker resolves it");
    setup
        .pairing
        .deliver(recording(Side::Candidate, Role::Shadow), Held::default());
    assert_eq!(setup.queued(), [(Purpose::Exchange, None, true)]);
    let counts = setup.accounts.snapshot();
    assert_eq!(counts.compared.values().sum::<u64>(), 1);
    assert!(counts.holds());
}

#[test]
fn a_whole_answer_is_never_called_silent_while_its_shadow_hangs() {
    let mut setup = setup(true);
    setup.draw.byte(std::time::Instant::now());
    setup
        .pairing
        .deliver(recording(Side::Primary, Role::Answering), Held::default());
    setup
        .line
        .age(std::time::Instant::now() + Duration::from_secs(1000));
    let mut bad = Vec::new();
    while let Ok(message) = setup.outcomes.try_recv() {
        if let OutcomeMessage::Settled(_, settled) = message
            && settled.group == crossfade_exchange::Group::Content
        {
            bad.push(settled.settlement.answer().unwrap());
        }
    }
    assert!(bad.is_empty(), "{bad:?}");
}

#[test]
fn without_a_shadow_one_exchange_does_both() {
    let mut setup = setup(false);
    setup
        .pairing
        .deliver(recording(Side::Primary, Role::Answering), Held::default());
    assert_eq!(
        setup.queued(),
        [(Purpose::Exchange, Some(Side::Primary), false)]
    );
}

#[test]
fn a_shadow_that_came_first_makes_a_pair_that_resolves_the_draw() {
    let mut setup = setup(true);
    setup
        .pairing
        .deliver(recording(Side::Candidate, Role::Shadow), Held::default());
    assert!(setup.queued().is_empty());
    setup
        .pairing
        .deliver(recording(Side::Primary, Role::Answering), Held::default());
    assert_eq!(
        setup.queued(),
        [(Purpose::Exchange, Some(Side::Primary), true)]
    );
}

#[test]
fn a_caller_who_went_away_cancels_the_shadow() {
    let check = |answering: Side, counted: SkipReason| {
        let mut setup = setup_for(answering, true);
        let aborted = Recording {
            ending: Ending::ClientAbort,
            // After a failure of the candidate it is the primary that the caller left.
            ..recording(Side::Primary, Role::Answering)
        };
        setup.pairing.deliver(aborted, Held::default());
        assert!(setup.pairing.cancelled().is_cancelled());
        assert!(setup.queued().is_empty());
        let counts = setup.accounts.snapshot();
        assert_eq!(counts.skipped_for(counted), 1, "{answering}");
        let lowers = counted.lowers_coverage().then_some(0.0);
        assert_eq!(counts.coverage(), lowers, "{answering}");
    };
    check(Side::Primary, SkipReason::ClientAbort);
    check(Side::Candidate, SkipReason::CandidateAbort);
}
