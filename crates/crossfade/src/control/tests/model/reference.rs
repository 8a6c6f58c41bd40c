//! Where a route stands by the entries of its ledger alone, and what an entry may do there: written again for the test, in the
//! simplest way, with nothing of the product's state machine.

use std::time::Duration;

use crossfade_exchange::{MetricSet, Percent};
use crossfade_rollout::{Actor, ActorRole, Cause, Change, Entry, Phase, RoutePlan, Stage};

/// What a route is.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Reference {
    pub(super) stage: Stage,
    pub(super) share: Percent,
    /// The most that was granted in this attempt.
    pub(super) reached: Percent,
    pub(super) rolled_back: bool,
    pub(super) held: bool,
    pub(super) mirror: bool,
    pub(super) attempt: Option<Attempt>,
    pub(super) last_attempt: u64,
    /// The configuration that was signed off, if that still counts.
    pub(super) signed: Option<String>,
    /// Whether somebody had signed this stage, and it became void.
    pub(super) was_signed: bool,
    pub(super) golden: Option<String>,
    pub(super) revision: u64,
    pub(super) entered_ms: u64,
    /// How often a stage or a step began.
    pub(super) entrances: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attempt {
    pub(super) id: u64,
    pub(super) phase: Phase,
    pub(super) metrics: MetricSet,
    /// The configuration that its gates are of.
    pub(super) gates: String,
}

/// What is known beside the ledger when an entry is made.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Around<'a> {
    pub(super) plan: &'a RoutePlan,
    pub(super) killed: bool,
    pub(super) failing: bool,
    /// Whether the disk refuses what a raise needs.
    pub(super) refusing: bool,
    /// Whether the running attempt does not fit the configuration.
    pub(super) barred: bool,
    /// How long the stage has counted: the less of what the dates and the clock say.
    pub(super) stood: Duration,
    /// Whether the route is configured at all.
    pub(super) configured: bool,
    /// Whether it was taken out of the configuration once, so that the controller may have set it to 0.
    pub(super) was_removed: bool,
}

impl Reference {
    pub(super) fn new(plan: &RoutePlan) -> Self {
        Self {
            stage: plan.first_stage(),
            share: Percent::ZERO,
            reached: Percent::ZERO,
            rolled_back: false,
            held: false,
            mirror: true,
            attempt: None,
            last_attempt: 0,
            signed: None,
            was_signed: false,
            golden: None,
            revision: 0,
            entered_ms: 0,
            entrances: 0,
        }
    }

    pub(super) fn in_attempt(&self) -> bool {
        let phase = self.attempt.as_ref().map(|attempt| attempt.phase);
        phase == Some(Phase::Attempt)
    }

    /// Takes an entry in, or says by a panic that it must not be there.
    pub(super) fn follow(&mut self, entry: &Entry, around: Around<'_>) {
        let Around { plan, .. } = around;
        let role = entry.actor.role;
        let person = matches!(role, ActorRole::Operator | ActorRole::Owner);
        if !entry.change.is_toward_primary() {
            assert!(!around.refusing, "recorded on a disk that refuses");
            assert!(
                !around.barred
                    || matches!(
                        entry.change,
                        Change::Started | Change::MirrorSwitched { .. }
                    ),
                "recorded of a route that is barred: {entry:?}"
            );
        }
        self.revision += u64::from(entry.route.is_some());
        match &entry.change {
            Change::Started => assert_eq!(role, ActorRole::Controller),
            Change::MirrorSwitched { enabled } => {
                assert!(person);
                self.mirror = *enabled;
            }
            Change::Observe { facts } => {
                assert_eq!(role, ActorRole::Controller);
                assert!(!self.rolled_back && !self.in_attempt());
                assert_eq!((self.stage, facts.phase), (Stage::Shadow, Phase::Shadow));
                self.begin(facts);
                assert_eq!(facts.gates.fingerprint, plan.gates.fingerprint);
                self.counts_anew(entry.at_unix_ms);
            }
            Change::GatesRestarted { rules } => {
                assert_eq!(role, ActorRole::Controller);
                assert_eq!(rules.fingerprint, plan.gates.fingerprint);
                let running = self.attempt.as_mut().expect("gates of nothing");
                running.gates.clone_from(&rules.fingerprint);
                self.counts_anew(entry.at_unix_ms);
            }
            Change::Advance { .. } => self.advance(entry, around),
            Change::Split { .. } => self.split(entry, around),
            Change::Rollback { from, cause } => {
                assert_eq!(*from, self.share);
                match cause {
                    Cause::Manual => assert!(person, "{role} rolled back"),
                    Cause::Alarm(alarm) => {
                        assert_eq!(role, ActorRole::Engine);
                        assert!(alarm.sum >= alarm.threshold);
                        assert!(self.in_attempt(), "an alarm of no attempt");
                    }
                }
                self.rolled_back = true;
                self.share = Percent::ZERO;
                self.reached = Percent::ZERO;
                self.attempt = None;
                self.enter(self.stage.min(Stage::Shadow), entry.at_unix_ms);
                self.unsign();
                self.was_signed = false;
            }
            Change::Resume => {
                assert_eq!(role, ActorRole::Owner);
                assert!(self.rolled_back || around.failing, "nothing to resume");
                self.rolled_back = false;
                if around.failing {
                    self.attempt = None;
                }
            }
            Change::Hold => {
                assert!(person);
                self.held = true;
            }
            Change::Release => {
                assert!(person && self.held && !self.rolled_back && !around.failing);
                self.held = false;
            }
            Change::Signoff {
                stage, fingerprint, ..
            } => {
                assert_eq!((role, *stage), (ActorRole::Owner, self.stage));
                assert_eq!(*fingerprint, plan.gates.fingerprint);
                assert!(self.may_sign(around), "signed what is void at once");
                self.signed = Some(fingerprint.clone());
                self.was_signed = true;
            }
            Change::Replayed {
                result,
                fingerprint,
            } => {
                assert!(person);
                assert_eq!(*fingerprint, plan.gates.fingerprint);
                self.golden = result.is_passed().then(|| fingerprint.clone());
            }
            Change::Drilled { .. } => assert!(person),
        }
    }

    /// Whether a sign-off given now could count.
    pub(super) fn may_sign(&self, around: Around<'_>) -> bool {
        let of_this = |attempt: &Attempt| {
            let phase = if self.stage == Stage::Shadow {
                // An attempt whose share was set to 0 stays one.
                attempt.phase
            } else {
                Phase::Attempt
            };
            attempt.phase == phase && attempt.gates == around.plan.gates.fingerprint
        };
        let counted = self.attempt.as_ref().is_some_and(of_this);
        counted && !self.rolled_back && !around.failing
    }

    /// What holds of all that lets the candidate answer more.
    fn may_rise(&self, by: &Actor, around: Around<'_>) {
        assert!(!self.rolled_back, "raised after a roll-back");
        assert!(!self.held, "raised while held");
        assert!(!around.killed, "raised under the kill switch");
        assert!(!around.failing, "raised while failing");
        assert!(around.configured, "raised what is not configured");
        let from_replay = self.stage == Stage::Replay;
        assert!(
            from_replay || around.plan.owner.is_some(),
            "{by} raised what nobody owns"
        );
        if from_replay {
            let golden = self.golden.as_ref();
            assert_eq!(
                golden,
                Some(&around.plan.gates.fingerprint),
                "no golden set"
            );
        }
    }

    fn advance(&mut self, entry: &Entry, around: Around<'_>) {
        let Change::Advance {
            from,
            to,
            share_from,
            share_to,
            new_attempt,
            signoff,
            ..
        } = &entry.change
        else {
            return;
        };
        let Entry {
            actor, evidence, ..
        } = entry;
        let plan = around.plan;
        self.may_rise(actor, around);
        match actor.role {
            ActorRole::Operator | ActorRole::Owner => {}
            ActorRole::Controller => {
                assert_eq!((*from, *to), (Stage::Ramp, Stage::Ramp));
                assert!(plan.automatic_ramp);
            }
            ActorRole::Viewer | ActorRole::Engine => panic!("{actor} advanced"),
        }
        assert!(self.mirror || *from == Stage::Replay, "nothing is copied");
        assert_eq!((*from, *share_from), (self.stage, self.share));
        assert!(to >= from && share_to >= share_from);
        if *from != Stage::Replay {
            let least = plan.minimum_time.get(from).copied().unwrap_or_default();
            assert!(around.stood >= least, "{:?} of {least:?}", around.stood);
            assert!(signoff.is_some(), "no sign-off is named");
            let signed = self.signed.as_ref();
            assert_eq!(signed, Some(&plan.gates.fingerprint), "not signed off");
            assert!(evidence.units >= plan.minimum_units);
            assert!(!evidence.coverage.is_empty(), "nothing was compared");
            for size in &evidence.coverage {
                assert!(size.compared * 2 >= size.selected, "{size:?}");
            }
            for gate in &evidence.gates {
                assert!(
                    gate.w >= gate.threshold && gate.mean < gate.margin,
                    "{gate:?}"
                );
            }
            let gates = self.attempt.as_ref().map(|attempt| &attempt.gates);
            assert_eq!(
                gates,
                Some(&plan.gates.fingerprint),
                "gates of another configuration"
            );
        }
        if share_to.is_whole() {
            assert!(!plan.reverse_share.is_zero(), "nothing watches at 100 %");
        }
        assert_eq!(
            new_attempt.is_some(),
            to.lets_candidate_answer() && !self.in_attempt(),
            "an attempt begins where the candidate may first answer"
        );
        if let Some(facts) = new_attempt {
            self.begin(facts);
        }
        if to != from {
            self.signed = None;
            self.was_signed = false;
        }
        self.share = *share_to;
        self.enter(*to, entry.at_unix_ms);
        if *to == Stage::Complete {
            self.attempt = None;
            self.reached = Percent::ZERO;
        } else if to.lets_candidate_answer() {
            self.grant(*share_to);
        }
    }

    fn split(&mut self, entry: &Entry, around: Around<'_>) {
        let Change::Split {
            from,
            to,
            new_attempt,
            override_,
            stage,
            ..
        } = &entry.change
        else {
            return;
        };
        let role = entry.actor.role;
        assert_eq!(*from, self.share);
        if to > from {
            self.may_rise(&entry.actor, around);
            assert!(around.plan.owner.is_some(), "raised what nobody owns");
            let granted = if self.in_attempt() {
                self.reached
            } else {
                Percent::ZERO
            };
            match role {
                ActorRole::Owner => assert!(*override_ || *to <= granted),
                ActorRole::Operator => assert!(!override_ && *to <= granted),
                ActorRole::Viewer | ActorRole::Engine | ActorRole::Controller => {
                    panic!("{role} raised")
                }
            }
            assert_eq!(new_attempt.is_some(), !self.in_attempt());
        } else {
            let gone = role == ActorRole::Controller && around.was_removed && to.is_zero();
            assert!(
                gone || matches!(role, ActorRole::Operator | ActorRole::Owner),
                "{role} lowered"
            );
        }
        if let Some(facts) = new_attempt {
            self.begin(facts);
        }
        let stage = stage.expect("entries of this version say their stage");
        let moves = from != to || stage != self.stage;
        assert!(stage <= Stage::Ramp || !moves, "{stage} by hand");
        assert!(!to.is_zero() || !moves || stage <= Stage::Shadow);
        if stage != self.stage {
            self.signed = None;
            self.was_signed = false;
        }
        self.share = *to;
        if moves {
            self.enter(stage, entry.at_unix_ms);
        }
        if stage.lets_candidate_answer() {
            self.grant(*to);
        }
    }

    fn begin(&mut self, facts: &crossfade_rollout::AttemptFacts) {
        assert_eq!(facts.id, self.last_attempt + 1, "attempts are counted");
        self.last_attempt = facts.id;
        self.reached = Percent::ZERO;
        self.attempt = Some(Attempt {
            id: facts.id,
            phase: facts.phase,
            metrics: facts.metrics,
            gates: facts.gates.fingerprint.clone(),
        });
    }

    fn grant(&mut self, share: Percent) {
        if share > self.reached {
            self.reached = share;
        }
    }

    fn counts_anew(&mut self, at_ms: u64) {
        self.enter(self.stage, at_ms);
        self.unsign();
    }

    fn unsign(&mut self) {
        self.signed = None;
    }

    fn enter(&mut self, stage: Stage, at_ms: u64) {
        self.stage = stage;
        self.entered_ms = at_ms;
        self.entrances += 1;
    }
}
