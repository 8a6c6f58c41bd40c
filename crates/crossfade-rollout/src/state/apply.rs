//! What a ledger entry changes. Toward the candidate nothing is followed that no proposal makes: nothing moves there by a
//! damaged ledger.

use crossfade_exchange::Percent;

use super::RouteRollout;
use crate::{
    AttemptFacts, Change, Entry, GateRules, LastChange, Phase, RolledBack, Signoff, Stage,
    running::Running,
};

impl RouteRollout {
    /// Takes a ledger entry in; one of another route changes nothing.
    pub fn apply_entry(&mut self, entry: &Entry) {
        if entry
            .route
            .as_ref()
            .is_some_and(|route| *route != self.plan.route)
        {
            return;
        }
        let moves = match &entry.change {
            Change::Started => return,
            Change::MirrorSwitched { enabled } => {
                self.mirror_enabled = *enabled;
                return;
            }
            Change::Split { .. } | Change::Advance { .. } | Change::Rollback { .. } => {
                self.apply_move(entry);
                true
            }
            Change::Hold => {
                // A second one, to be sure, must not hide who was first.
                self.held.get_or_insert_with(|| LastChange::of(entry));
                true
            }
            Change::Release => {
                self.held = None;
                true
            }
            Change::Resume => {
                self.rolled_back = None;
                if self.failing().is_some() {
                    self.running = None;
                }
                true
            }
            Change::Observe { .. }
            | Change::GatesRestarted { .. }
            | Change::Signoff { .. }
            | Change::Replayed { .. }
            | Change::Drilled { .. } => {
                self.apply_note(entry);
                false
            }
        };
        self.revision += 1;
        if moves {
            self.last_change = Some(LastChange::of(entry));
        }
    }

    fn apply_move(&mut self, entry: &Entry) {
        let at = entry.at_unix_ms;
        match &entry.change {
            Change::Split {
                to,
                salt,
                new_attempt,
                stage,
                ..
            } => {
                let stage = stage.unwrap_or_else(|| self.stage_of_old(*to));
                self.move_to(stage, *to, *salt, new_attempt.as_deref(), at);
            }
            Change::Advance {
                to,
                share_to,
                salt,
                new_attempt,
                ..
            } => self.move_to(*to, *share_to, *salt, new_attempt.as_deref(), at),
            Change::Rollback { cause, .. } => {
                self.stage = Some(self.stage().min(Stage::Shadow));
                self.counts_from(at);
                self.share = Percent::ZERO;
                self.reached = Percent::ZERO;
                self.running = None;
                self.signoff = None;
                // A second one, by hand and to be sure, must not hide what the first one found.
                self.rolled_back.get_or_insert_with(|| RolledBack {
                    at_unix_ms: at,
                    actor: entry.actor.clone(),
                    reason: entry.reason.clone(),
                    cause: cause.clone(),
                    evidence: entry.evidence.clone(),
                });
            }
            Change::Started
            | Change::MirrorSwitched { .. }
            | Change::Hold
            | Change::Release
            | Change::Resume
            | Change::Observe { .. }
            | Change::GatesRestarted { .. }
            | Change::Signoff { .. }
            | Change::Replayed { .. }
            | Change::Drilled { .. } => {}
        }
    }

    /// What moves nobody.
    fn apply_note(&mut self, entry: &Entry) {
        match &entry.change {
            Change::Observe { facts } => self.apply_observe(facts, entry.at_unix_ms),
            Change::GatesRestarted { rules } => self.apply_rules(rules, entry.at_unix_ms),
            Change::Signoff {
                stage,
                report,
                fingerprint,
            } => {
                self.signoff = Some(Signoff {
                    sequence: entry.sequence,
                    at_unix_ms: entry.at_unix_ms,
                    actor: entry.actor.clone(),
                    reason: entry.reason.clone(),
                    stage: *stage,
                    report: report.clone(),
                    fingerprint: fingerprint.clone(),
                    is_void: false,
                });
            }
            Change::Replayed {
                result,
                fingerprint,
            } => self.replayed = Some((result.clone(), fingerprint.clone())),
            Change::Drilled { result } => {
                self.last_drill = Some((entry.at_unix_ms, result.clone()));
            }
            Change::Started
            | Change::MirrorSwitched { .. }
            | Change::Hold
            | Change::Release
            | Change::Resume
            | Change::Split { .. }
            | Change::Advance { .. }
            | Change::Rollback { .. } => {}
        }
    }

    /// A split or an advance.
    fn move_to(
        &mut self,
        stage: Stage,
        share: Percent,
        salt: u64,
        new_attempt: Option<&AttemptFacts>,
        at_unix_ms: u64,
    ) {
        let raises = share > self.share || stage > self.stage();
        if raises && self.rolled_back.is_some() {
            return;
        }
        let runs = self
            .attempt()
            .is_some_and(|facts| facts.phase == Phase::Attempt);
        if raises && stage.lets_candidate_answer() && new_attempt.is_none() && !runs {
            return;
        }
        if stage != self.stage() {
            self.signoff = None;
        }
        let steps = share > self.share;
        let changes = stage != self.stage() || steps || share < self.share;
        if let Some(facts) = new_attempt {
            self.begin(facts);
            self.reached = Percent::ZERO;
        } else if let Some(running) = &mut self.running {
            if steps {
                // The raise that begins an attempt is no step: there is nothing yet to step from.
                running.ramp_step();
            }
            if changes {
                running.stage_entered(at_unix_ms);
            }
        }
        if changes {
            self.counts_from(at_unix_ms);
        }
        self.stage = Some(stage);
        self.share = share;
        self.salt = salt;
        if stage == Stage::Complete {
            self.running = None;
            self.reached = Percent::ZERO;
        } else if stage.lets_candidate_answer() && share > self.reached {
            self.reached = share;
        }
    }

    fn apply_observe(&mut self, facts: &AttemptFacts, at_unix_ms: u64) {
        let runs = self
            .attempt()
            .is_some_and(|running| running.phase == Phase::Attempt);
        if runs || self.rolled_back.is_some() || self.stage() > Stage::Shadow {
            return;
        }
        self.stage = Some(Stage::Shadow);
        self.counts_from(at_unix_ms);
        self.begin(facts);
        self.void_signoff();
    }

    fn apply_rules(&mut self, rules: &GateRules, at_unix_ms: u64) {
        if let Some(running) = &mut self.running {
            running.restart_gates(rules, at_unix_ms);
            self.counts_from(at_unix_ms);
        }
        self.void_signoff();
    }

    fn begin(&mut self, facts: &AttemptFacts) {
        self.last_attempt = self.last_attempt.max(facts.id);
        self.running = Some(Running::new(facts.clone()));
    }

    /// The stage, or the step of the ramp, counts from now on.
    const fn counts_from(&mut self, at_unix_ms: u64) {
        self.entered_unix_ms = at_unix_ms;
        self.entrances += 1;
    }

    /// What was signed is gone, whatever comes after.
    fn void_signoff(&mut self) {
        if let Some(signoff) = &mut self.signoff {
            signoff.is_void = true;
        }
    }

    /// Before stages were recorded: `shadow` at 0 %, `ramp` above.
    fn stage_of_old(&self, share: Percent) -> Stage {
        if share.is_zero() {
            self.stage().min(Stage::Shadow)
        } else {
            Stage::Ramp
        }
    }
}
