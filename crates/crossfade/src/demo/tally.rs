//! What the callers themselves saw: who answered, how well, and in which part of the story they had asked.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crossfade_exchange::Side;
use crossfade_sim::{
    corpus::{Flaw, Judgement},
    load::{CallResult, Outcome, Quantiles},
};

use super::phase::Phase;

/// The callers' notes, written while calls end.
#[derive(Debug, Default)]
pub(super) struct Tally {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When each part began, in order.
    begun: Vec<(Instant, Phase)>,
    seen: Seen,
    latencies: Vec<Duration>,
}

/// All that the callers saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Seen {
    /// By the part of the story in which the request was sent.
    pub(super) rows: BTreeMap<Phase, Row>,
    /// How long each part lasted.
    pub(super) lasted: BTreeMap<Phase, Duration>,
    /// What was not an answer: a status, or what broke.
    pub(super) errors: BTreeMap<String, u64>,
    /// What was wrong with the candidate's answers while it was worse.
    pub(super) flaws: BTreeMap<Flaw, u64>,
    /// Until the end of an answer.
    pub(super) latency: Quantiles,
}

/// What callers saw in one part of the story.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// Requests sent.
    pub(super) requests: u64,
    /// Of them, those that got no answer.
    pub(super) errors: u64,
    /// Answers that did not say whose they are.
    pub(super) unsigned: u64,
    /// Answers of the primary.
    pub(super) primary: Answers,
    /// Answers of the candidate.
    pub(super) candidate: Answers,
}

/// Answers of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Answers {
    /// All of them.
    pub(super) all: u64,
    /// Those that the corpus knows to be bad.
    pub(super) bad: u64,
}

// === impl Tally ===

impl Tally {
    /// From now on, another part of the story.
    pub(super) fn begin(&self, phase: Phase) {
        self.state().begun.push((Instant::now(), phase));
    }

    /// Notes a call that has ended just now.
    pub(super) fn add(&self, result: &CallResult) {
        let sent = Instant::now().checked_sub(result.latency);
        self.state().add(result, sent);
    }

    /// What was seen so far.
    pub(super) fn seen(&self) -> Seen {
        let state = self.state();
        let ends = state
            .begun
            .iter()
            .skip(1)
            .map(|(at, _)| *at)
            .chain([Instant::now()]);
        let lasted = state.begun.iter().zip(ends);
        Seen {
            lasted: lasted
                .map(|((at, phase), end)| (*phase, end.duration_since(*at)))
                .collect(),
            latency: Quantiles::of(state.latencies.clone()),
            ..state.seen.clone()
        }
    }

    /// Requests sent and errors, for the line that changes.
    pub(super) fn so_far(&self) -> (u64, u64) {
        let state = self.state();
        let rows = state.seen.rows.values();
        rows.fold((0, 0), |(requests, errors), row| {
            (requests + row.requests, errors + row.errors)
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl State {
    fn add(&mut self, result: &CallResult, sent: Option<Instant>) {
        let of = self
            .begun
            .iter()
            .rev()
            .find(|(at, _)| sent.is_some_and(|sent| sent >= *at));
        let phase = of.map_or(Phase::Overhead, |(_, phase)| *phase);
        let row = self.seen.rows.entry(phase).or_default();
        row.requests += 1;
        let judgement = match &result.outcome {
            Outcome::Answered(judgement) => *judgement,
            Outcome::Refused(status) => {
                row.errors += 1;
                *self
                    .seen
                    .errors
                    .entry(format!("status {status}"))
                    .or_default() += 1;
                return;
            }
            Outcome::Broken(what) => {
                row.errors += 1;
                *self.seen.errors.entry((*what).to_owned()).or_default() += 1;
                return;
            }
        };
        self.latencies.push(result.latency);
        let side = result
            .side
            .as_deref()
            .and_then(|side| side.parse::<Side>().ok());
        let answers = match side {
            Some(Side::Primary) => &mut row.primary,
            Some(Side::Candidate) => &mut row.candidate,
            None => {
                row.unsigned += 1;
                return;
            }
        };
        answers.all += 1;
        if let Judgement::Bad(flaw) = judgement {
            answers.bad += 1;
            if (phase, side) == (Phase::Degraded, Some(Side::Candidate)) {
                *self.seen.flaws.entry(flaw).or_default() += 1;
            }
        }
    }
}

// === impl Seen ===

impl Seen {
    /// Everything, over all parts.
    pub(super) fn total(&self) -> Row {
        self.rows
            .values()
            .fold(Row::default(), |sum, row| sum.plus(*row))
    }

    /// One part.
    pub(super) fn row(&self, phase: Phase) -> Row {
        self.rows.get(&phase).copied().unwrap_or_default()
    }

    /// The parts before the fault.
    pub(super) fn healthy(&self) -> Row {
        let healthy = self.rows.range(..Phase::Degraded);
        healthy.fold(Row::default(), |sum, (_, row)| sum.plus(*row))
    }
}

// === impl Row ===

impl Row {
    fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            errors: self.errors + other.errors,
            unsigned: self.unsigned + other.unsigned,
            primary: self.primary.plus(other.primary),
            candidate: self.candidate.plus(other.candidate),
        }
    }
}

// === impl Answers ===

impl Answers {
    fn plus(self, other: Self) -> Self {
        Self {
            all: self.all + other.all,
            bad: self.bad + other.bad,
        }
    }
}

#[cfg(test)]
mod tests {
    use crossfade_sim::{corpus::Corpus, load::Call, script::Answer};

    use super::*;

    fn result(outcome: Outcome, side: Option<&str>) -> CallResult {
        let prompt = Corpus::new().pick(0.0).unwrap().clone();
        CallResult {
            call: Call {
                prompt,
                serial: 1,
                credential: "key".to_owned(),
                user: None,
            },
            outcome,
            status: Some(200),
            side: side.map(str::to_owned),
            latency: Duration::from_millis(5),
            first_content: None,
            answer: Answer::default(),
        }
    }

    fn answered(judgement: Judgement, side: &str) -> CallResult {
        result(Outcome::Answered(judgement), Some(side))
    }

    #[test]
    fn a_request_belongs_to_the_part_in_which_it_was_sent() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut state = State {
            begun: vec![
                (at(0), Phase::Shadow),
                (at(10), Phase::Half),
                (at(20), Phase::Degraded),
                (at(30), Phase::After),
            ],
            ..State::default()
        };
        let mut check = |sent: u64, expected: Phase| {
            let before = state.seen.row(expected).requests;
            state.add(&answered(Judgement::Good, "primary"), Some(at(sent)));
            assert_eq!(state.seen.row(expected).requests, before + 1, "{sent} s");
        };
        check(0, Phase::Shadow);
        check(9, Phase::Shadow);
        check(10, Phase::Half);
        check(29, Phase::Degraded);
        check(30, Phase::After);
        check(99, Phase::After);
    }

    #[test]
    fn answers_are_counted_by_who_gave_them_and_how_good_they_are() {
        let tally = Tally::default();
        let bad = Judgement::Bad(Flaw::NoJson);
        tally.begin(Phase::Half);
        let hour_ago = CallResult {
            latency: Duration::ZERO,
            ..answered(bad, "candidate")
        };
        tally.add(&hour_ago);
        tally.add(&CallResult {
            latency: Duration::ZERO,
            ..answered(bad, "primary")
        });
        tally.begin(Phase::Degraded);
        for result in [
            answered(bad, "candidate"),
            answered(Judgement::Good, "candidate"),
            answered(Judgement::Good, "primary"),
            result(Outcome::Answered(Judgement::Good), None),
            result(Outcome::Answered(Judgement::Good), Some("elsewhere")),
            result(Outcome::Refused(503), Some("primary")),
            result(Outcome::Broken("timed out"), None),
        ] {
            tally.add(&CallResult {
                latency: Duration::ZERO,
                ..result
            });
        }
        let seen = tally.seen();
        let answers = |all, bad| Answers { all, bad };
        assert_eq!(
            seen.row(Phase::Degraded),
            Row {
                requests: 7,
                errors: 2,
                unsigned: 2,
                primary: answers(1, 0),
                candidate: answers(2, 1),
            }
        );
        assert_eq!(seen.healthy().candidate, answers(1, 1));
        assert_eq!(seen.total().primary, answers(2, 1));
        assert_eq!((seen.total().requests, tally.so_far()), (9, (9, 2)));
        assert_eq!(seen.flaws, [(Flaw::NoJson, 1)].into());
        let errors: Vec<_> = seen
            .errors
            .iter()
            .map(|(what, n)| (what.as_str(), *n))
            .collect();
        assert_eq!(errors, [("status 503", 1), ("timed out", 1)]);
        assert_eq!(seen.lasted.len(), 2);
    }
}
