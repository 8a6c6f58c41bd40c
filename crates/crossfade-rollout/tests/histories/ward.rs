//! What may never happen to a route, known from what was asked and answered alone.

use crossfade_exchange::Percent;
use crossfade_rollout::{Actor, ActorRole, Cause, Change, Command, Entry, Phase, Stage};

use crate::history::History;

/// What may be, by what was asked and answered alone.
pub(crate) struct Ward {
    /// The most that may be answered by the candidate.
    granted: Percent,
    rolled_back: bool,
    held: bool,
    stage: Stage,
    /// The sign-off that counts, and the configuration it was of.
    signed: Option<(u64, String)>,
    golden: Option<String>,
    entered_ms: u64,
    pub(crate) selected: u64,
    pub(crate) compared: u64,
}

impl Ward {
    pub(crate) fn new(stage: Stage) -> Self {
        Self {
            granted: Percent::ZERO,
            rolled_back: false,
            held: false,
            stage,
            signed: None,
            golden: None,
            entered_ms: 0,
            selected: 0,
            compared: 0,
        }
    }

    fn enter(&mut self, stage: Stage, at_ms: u64) {
        if stage != self.stage {
            self.signed = None;
        }
        self.stage = stage;
        self.anew(at_ms);
    }

    fn anew(&mut self, at_ms: u64) {
        self.entered_ms = at_ms;
        (self.selected, self.compared) = (0, 0);
    }

    /// An entry was recorded: may it be?
    pub(crate) fn judge(&mut self, entry: &Entry, history: &History, share_before: Percent) {
        let (role, at) = (entry.actor.role, entry.at_unix_ms);
        let person = matches!(role, ActorRole::Operator | ActorRole::Owner);
        match &entry.change {
            Change::Advance {
                from,
                to,
                share_to,
                signoff,
                required,
                new_attempt,
                ..
            } => {
                self.may_rise(history);
                assert!(
                    person
                        || (role == ActorRole::Controller
                            && *from == Stage::Ramp
                            && *to == Stage::Ramp),
                    "{role} advanced"
                );
                assert_eq!(*from, self.stage);
                if *from == Stage::Replay {
                    let fingerprint = &history.rollout.plan().gates.fingerprint;
                    assert_eq!(self.golden.as_ref(), Some(fingerprint), "no golden set");
                } else {
                    self.enough(entry, history);
                    let (number, fingerprint) = self.signed.clone().expect("no sign-off");
                    assert_eq!(*signoff, Some(number));
                    assert_eq!(fingerprint, history.rollout.plan().gates.fingerprint);
                }
                if share_to.is_whole() {
                    assert!(
                        !history.rollout.plan().reverse_share.is_zero(),
                        "nothing mirrored back"
                    );
                }
                assert!(
                    required.minimum_units <= entry.evidence.units,
                    "too few units"
                );
                if new_attempt.is_some() || *to == Stage::Complete || *share_to > self.granted {
                    self.granted = *share_to;
                }
                self.enter(*to, at);
            }
            Change::Split {
                from,
                to,
                override_,
                new_attempt,
                ..
            } => {
                assert_eq!(*from, share_before);
                // What is not configured any more is the controller's to set to 0.
                let ends = to.is_zero() && role == ActorRole::Controller;
                assert!(person || ends, "{role} set the share");
                if new_attempt.is_some() || (self.stage == Stage::Complete && to < from) {
                    // What was granted before is of an attempt that is over.
                    self.granted = Percent::ZERO;
                }
                if to > from {
                    self.may_rise(history);
                    let override_ = *override_ && role == ActorRole::Owner;
                    assert!(
                        person && (override_ || *to <= self.granted),
                        "{role} raised to {to}"
                    );
                }
                if *to > self.granted {
                    self.granted = *to;
                }
                let stage = history.rollout.stage();
                if from == to && stage == self.stage {
                    // Nothing moved.
                } else {
                    // A share of 0 takes internal callers back too.
                    assert!(from != to || (self.stage, stage) == (Stage::Internal, Stage::Shadow));
                    self.enter(stage, at);
                    self.anew(at);
                }
            }
            Change::Rollback { cause, .. } => {
                assert!(person || (role == ActorRole::Engine && matches!(cause, Cause::Alarm(_))));
                self.rolled_back = true;
                self.granted = Percent::ZERO;
                self.signed = None;
                self.enter(self.stage.min(Stage::Shadow), at);
            }
            Change::Resume => {
                assert_eq!(role, ActorRole::Owner);
                self.rolled_back = false;
            }
            Change::Hold => {
                assert!(person);
                self.held = true;
            }
            Change::Release => {
                assert!(person);
                self.held = false;
            }
            Change::Signoff {
                stage, fingerprint, ..
            } => {
                assert_eq!((role, *stage), (ActorRole::Owner, self.stage));
                self.signed = Some((entry.sequence, fingerprint.clone()));
            }
            Change::Observe { .. } | Change::GatesRestarted { .. } => {
                assert_eq!(role, ActorRole::Controller);
                self.signed = None;
                self.anew(at);
            }
            Change::Replayed {
                result,
                fingerprint,
            } => {
                self.golden = result.is_passed().then(|| fingerprint.clone());
            }
            Change::Drilled { .. } => assert!(person),
            Change::Started | Change::MirrorSwitched { .. } => panic!("of all routes"),
        }
    }

    fn may_rise(&self, history: &History) {
        assert!(!self.rolled_back, "raised after a roll-back");
        assert!(!self.held, "raised while held");
        let watches = !history.rollout.stage().lets_candidate_answer();
        assert!(
            watches || history.rollout.plan().owner.is_some(),
            "raised without an owner"
        );
    }

    fn enough(&self, entry: &Entry, history: &History) {
        let minimum = history
            .rollout
            .plan()
            .minimum_time
            .get(&self.stage)
            .copied();
        let passed = entry.at_unix_ms.saturating_sub(self.entered_ms);
        assert!(
            u128::from(passed) >= minimum.unwrap_or_default().as_millis(),
            "too early"
        );
        assert!(
            self.compared as f64 >= 0.5 * self.selected as f64,
            "too little coverage: {} of {}",
            self.compared,
            self.selected
        );
        let gate = |gate: &crossfade_rollout::GateEvidence| {
            gate.w >= gate.threshold && gate.samples > 0 && gate.mean < gate.margin
        };
        assert!(
            entry.evidence.gates.iter().all(gate),
            "{:?}",
            entry.evidence.gates
        );
    }

    /// What holds after every step.
    pub(crate) fn watch(&self, history: &History) {
        let rollout = &history.rollout;
        assert!(
            rollout.share() <= self.granted,
            "{} of {}",
            rollout.share(),
            self.granted
        );
        assert_eq!(rollout.stage(), self.stage);
        assert_eq!(rollout.rolled_back().is_some(), self.rolled_back);
        assert_eq!(rollout.held().is_some(), self.held);
        if self.rolled_back || !rollout.stage().lets_candidate_answer() {
            assert!(rollout.share().is_zero());
        }
        if !rollout.share().is_zero() && rollout.stage() != Stage::Complete {
            let phase = rollout.attempt().map(|facts| facts.phase);
            assert_eq!(phase, Some(Phase::Attempt), "a share without an attempt");
        }
        assert!(rollout.alarm().is_none(), "an alarm without a roll-back");
        let context = history.context();
        let next = rollout.status(&context).next;
        let owner = Actor::new("olga", ActorRole::Owner);
        let advance = rollout.propose(&Command::Advance, &owner, &context);
        match next {
            Some(next) => assert_eq!(
                next.waits_for.is_empty(),
                advance.is_ok(),
                "{:?}, {advance:?}",
                next.waits_for
            ),
            None => assert!(advance.is_err()),
        }
    }
}
