//! What happens to a controller: one random thing at a time, or what a patient team does.

use std::sync::atomic::Ordering::Relaxed;

use crossfade_rollout::ReplayResult;

use super::{
    super::*,
    Chance, State,
    entries::Kind,
    rig::{Report, Rig},
    world::Bad,
};

/// Those of tokens.
const ROLES: &[ActorRole] = &[
    ActorRole::Viewer,
    ActorRole::Operator,
    ActorRole::Operator,
    ActorRole::Owner,
    ActorRole::Owner,
    ActorRole::Owner,
];
const SHARES: &[f64] = &[0.0, 0.0, 1.0, 5.0, 20.0, 50.0, 100.0];

/// Reports that a route remembers.
const REMEMBERED: usize = 16;

impl Rig {
    /// One thing of any kind.
    pub(super) async fn anything(&mut self, chance: &mut Chance) {
        let role = chance.one_of(ROLES);
        match chance.below(40) {
            0..3 => self.split(chance, role).await,
            3 => self.rollback(role).await,
            4 | 5 => self.resume(role, chance).await,
            6 => self.hold(role).await,
            7 | 8 => self.advance(role, chance).await,
            9 => self.report().await,
            10 | 11 => self.sign(role, chance).await,
            12 => self.mirror(role, chance).await,
            13 => self.golden(role, chance).await,
            14 => self.drill(role).await,
            15..18 => self.tick().await,
            18..22 => self.renew(),
            22..25 => self.outcomes(Bad::Nobody, 12).await,
            25 => self.outcomes(Bad::Candidate, 40).await,
            26 => self.outcomes(Bad::DrawnCandidate, 120).await,
            27 => self.outcomes(Bad::Primary, 30).await,
            28 => self.late_outcomes().await,
            29 | 30 => self.time(chance),
            31 => self.date(chance),
            32 if chance.once_in(2) => self.power_cut(chance),
            32 => self.traffic(chance),
            33 if chance.once_in(2) => self.bad_night(chance).await,
            33 => self.disk(chance),
            34 => self.kill(chance),
            35 => self.race(chance).await,
            36 => self.second_writer(),
            37 => self.crash(chance),
            38 => self.configure(chance),
            _ if chance.once_in(2) => self.remove(chance),
            _ => self.power_cut(chance),
        }
        self.check();
    }

    /// What a patient team does, so that late stages are seen too.
    pub(super) async fn go_on(&mut self, chance: &mut Chance) {
        let owner = ActorRole::Owner;
        if self.home.state() != State::Fine && chance.once_in(2) {
            self.disk(chance);
            self.check();
        }
        if self.world.killed.load(Relaxed) && chance.once_in(2) {
            self.kill(chance);
            self.check();
        }
        if !self.effect.mirror {
            self.mirror(owner, chance).await;
            self.check();
        }
        match chance.below(8) {
            0 => self.date(chance),
            1 => {}
            _ => self.mend_date(),
        }
        self.check();
        for _ in 0..3 {
            if !(self.effect.rolled_back || self.effect.held || self.failing) {
                break;
            }
            self.resume(owner, chance).await;
            self.check();
        }
        if self.effect.stage == Stage::Replay {
            self.golden(owner, chance).await;
            self.check();
        }
        self.tick().await;
        self.check();
        for _ in 0..2 {
            self.outcomes(Bad::Nobody, 14).await;
            self.check();
            // Sometimes less than a stage asks for.
            let seconds = chance.one_of(&[2, 5, 31]);
            self.clock.advance(Duration::from_secs(seconds));
            self.check();
        }
        self.world.compared.fetch_add(20, Relaxed);
        self.tick().await;
        self.check();
        if self.effect.stage == Stage::Replay || self.effect.signed.is_some() {
            self.advance(owner, chance).await;
            self.check();
            return;
        }
        self.report().await;
        self.check();
        self.sign(owner, chance).await;
        self.check();
        self.renew();
        self.check();
        self.advance(ActorRole::Operator, chance).await;
        self.check();
    }

    fn ask(&self, role: ActorRole) -> Ask {
        ask(role, &self.reason)
    }

    fn remember(&mut self, hash: String) {
        let effect = &self.effect;
        let of = (
            effect.stage,
            effect.last_attempt,
            self.plan.gates.fingerprint.clone(),
        );
        if self.reports.len() >= REMEMBERED {
            self.reports.pop_front();
        }
        let kept = self.home.state() != State::Full;
        if kept {
            // They are written together.
            for report in &mut self.reports {
                report.kept = true;
            }
        }
        self.reports.push_back(Report { hash, of, kept });
    }

    /// Whether a report may be signed as the route stands.
    fn is_current(&self, hash: &str) -> bool {
        let effect = &self.effect;
        let of = (
            effect.stage,
            effect.last_attempt,
            self.plan.gates.fingerprint.clone(),
        );
        self.reports
            .iter()
            .any(|report| report.hash == hash && report.of == of)
    }

    /// Notes what was answered; a refusal must have its reason.
    fn answered(&mut self, kind: Kind, role: ActorRole, result: Result<Changed, ControlError>) {
        match result {
            Ok(Changed::Unchanged) => self.count("unchanged"),
            Ok(changed) => self.acknowledged.push((kind, changed)),
            Err(error) => {
                self.is_right(kind, role, &error);
                self.count("refused");
            }
        }
    }

    /// Whether there is the reason that a refusal names.
    fn is_right(&self, kind: Kind, role: ActorRole, error: &ControlError) {
        let effect = &self.effect;
        let around = self.around();
        let fingerprint = &self.plan.gates.fingerprint;
        let refusal = match error {
            ControlError::Refused(refusal) => refusal,
            ControlError::NotRecorded(problem) => {
                let reason = around.refusing || self.barred || !self.held_back.is_empty();
                assert!(reason, "{kind:?}: {problem}");
                assert!(!matches!(kind, Kind::Rollback | Kind::Hold), "{problem}");
                return;
            }
            ControlError::UnknownRoute(_) | ControlError::Unanswered(_) => {
                panic!("{kind:?}: {error}")
            }
        };
        let watched = effect.attempt.as_ref();
        let is_so = match refusal {
            Refusal::Role { has, needs } => *has == role && !role.covers(*needs),
            Refusal::Stale { given, current } => given != current && *current == effect.revision,
            Refusal::RolledBack => effect.rolled_back,
            Refusal::Held { .. } => effect.held,
            Refusal::KillSwitch => around.killed,
            Refusal::Failing { .. } => self.failing,
            Refusal::NotRolledBack => !effect.rolled_back && !effect.held && !self.failing,
            Refusal::OwnerMissing => self.plan.owner.is_none(),
            Refusal::ReverseMissing => self.plan.reverse_share.is_zero(),
            Refusal::MirrorOff => !effect.mirror,
            Refusal::ReplayMissing | Refusal::ReplayFailed { .. } => effect.golden.is_none(),
            Refusal::ReplayOutdated => effect.golden.as_ref() != Some(fingerprint),
            Refusal::NotWatched => watched.is_none() || !effect.in_attempt(),
            Refusal::GatesOutdated => watched.is_none_or(|attempt| attempt.gates != *fingerprint),
            Refusal::MinimumTime { stage, needed, had } => {
                *stage == effect.stage && *had < *needed && *had == around.stood
            }
            Refusal::SignoffMissing { .. } => !effect.was_signed,
            Refusal::SignoffExpired { .. } => effect.signed.as_ref() != Some(fingerprint),
            Refusal::ReportUnknown { report } => !self.is_current(report) || self.reports_unsure,
            Refusal::NothingToSign { stage } => {
                matches!(stage, Stage::Replay | Stage::Complete) && *stage == effect.stage
            }
            Refusal::LastStage { stage } => *stage == Stage::Complete && *stage == effect.stage,
            Refusal::OverrideNeeded { reached } => *reached == effect.reached,
            Refusal::ReviewsOpen { open } => *open == self.world.reviews.load(Relaxed),
            // What the reference does not count.
            Refusal::Units { .. }
            | Refusal::NothingCompared
            | Refusal::Coverage { .. }
            | Refusal::NoGateApplies
            | Refusal::GateSilent { .. }
            | Refusal::GateOpen { .. }
            | Refusal::GateWorse { .. }
            | Refusal::Frozen(_) => matches!(kind, Kind::Advance | Kind::Split),
            Refusal::AlarmRaised
            | Refusal::Unresolved { .. }
            | Refusal::LedgerProblem { .. }
            | Refusal::ReasonMissing
            | Refusal::ReasonTooLong
            | Refusal::Plan(_)
            | Refusal::SuccessMetricMissing
            | Refusal::TriggerMissing => false,
        };
        assert!(is_so, "{kind:?} by {role}: {refusal}; {effect:?}");
    }

    pub(super) async fn split(&mut self, chance: &mut Chance, role: ActorRole) {
        let asked = SplitAsk {
            to: Percent::new(chance.one_of(SHARES)).unwrap(),
            override_: chance.below(2) == 0,
            if_match: self.revision(chance),
        };
        let asked_by = self.ask(role);
        let result = self.controller().split(&support(), asked, asked_by).await;
        let operator = role.covers(ActorRole::Operator);
        let lowers = asked.to <= self.effect.share;
        assert!(!(lowers && operator) || result.is_ok(), "{result:?}");
        self.answered(Kind::Split, role, result);
    }

    /// Mostly none, sometimes the present one, sometimes an old one.
    fn revision(&self, chance: &mut Chance) -> Option<u64> {
        let revision = self.effect.revision;
        chance.one_of(&[None, None, None, Some(revision), Some(revision / 2)])
    }

    pub(super) async fn rollback(&mut self, role: ActorRole) {
        let asked = self.ask(role);
        let result = self.controller().rollback(&support(), asked).await;
        assert_eq!(result.is_ok(), role.covers(ActorRole::Operator));
        self.answered(Kind::Rollback, role, result);
    }

    pub(super) async fn hold(&mut self, role: ActorRole) {
        let asked = self.ask(role);
        let result = self.controller().hold(&support(), asked).await;
        assert_eq!(result.is_ok(), role.covers(ActorRole::Operator));
        self.answered(Kind::Hold, role, result);
    }

    async fn resume(&mut self, role: ActorRole, chance: &mut Chance) {
        let (revision, asked) = (self.revision(chance), self.ask(role));
        let result = self.controller().resume(&support(), revision, asked).await;
        self.answered(Kind::Resume, role, result);
    }

    async fn advance(&mut self, role: ActorRole, chance: &mut Chance) {
        let (revision, asked) = (self.revision(chance), self.ask(role));
        let result = self.controller().advance(&support(), revision, asked).await;
        self.answered(Kind::Advance, role, result);
    }

    async fn report(&mut self) {
        let hash = format!("report-{}", self.checks);
        let controller = self.controller().clone();
        let of = controller.standing(&support()).unwrap();
        controller.report_made(&support(), &hash, of).await.unwrap();
        self.remember(hash);
    }

    async fn sign(&mut self, role: ActorRole, chance: &mut Chance) {
        let hash = match (self.reports.back(), chance.below(6)) {
            (_, 0) => "unknown".to_owned(),
            (Some(_), 1) => self.reports[0].hash.clone(),
            (Some(last), _) => last.hash.clone(),
            (None, _) => return,
        };
        let asked = self.ask(role);
        let result = self.controller().signoff(&support(), &hash, asked).await;
        if result.is_ok() {
            assert!(self.is_current(&hash), "signed {hash}");
        }
        self.answered(Kind::Signoff, role, result);
    }

    async fn mirror(&mut self, role: ActorRole, chance: &mut Chance) {
        let (on, asked) = (chance.below(3) > 0, self.ask(role));
        let result = self.controller().switch_mirror(on, asked).await;
        self.answered(Kind::Mirror, role, result);
    }

    async fn golden(&mut self, role: ActorRole, chance: &mut Chance) {
        let failed = chance.once_in(5);
        let result = ReplayResult {
            dataset_sha256: "5d".repeat(32),
            cases: 4,
            passed: if failed { 3 } else { 4 },
            exit_code: if failed { 100 } else { 0 },
        };
        let asked = self.ask(role);
        let result = self.controller().replayed(&support(), result, asked).await;
        self.answered(Kind::Replayed, role, result);
    }

    async fn drill(&mut self, role: ActorRole) {
        let asked = self.ask(role);
        match self.controller().drill(&support(), asked).await {
            Ok(result) => {
                let recorded = !result
                    .problems
                    .iter()
                    .any(|text| text.contains("not on record"));
                if recorded {
                    self.acknowledged.push((Kind::Drilled, Changed::Recorded));
                }
            }
            Err(error) => self.is_right(Kind::Drilled, role, &error),
        }
    }

    async fn tick(&mut self) {
        self.controller().tick().await;
    }

    pub(super) fn renew(&mut self) {
        let renewed = self.controller().shared.renew();
        let fine = self.home.state() == State::Fine && self.held_back.is_empty();
        assert_eq!(renewed, fine, "{:?}", self.controller().ledger_state());
        if renewed && !self.barred {
            self.lease_until = Some(self.now() + LeaseTimes::default().duration);
        }
    }

    pub(super) async fn outcomes(&mut self, bad: Bad, count: u64) {
        let (split, date) = (self.published(), self.date_ms());
        let batch = self.traffic.batch(&split, date, count, bad);
        self.deliver(batch).await;
    }

    /// Of an attempt that is over, or not yet begun.
    async fn late_outcomes(&mut self) {
        let mut split = self.published();
        if let Some(facts) = &mut split.attempt {
            facts.id = facts.id.wrapping_sub(1);
        }
        let batch = self
            .traffic
            .batch(&split, self.date_ms(), 5, Bad::Candidate);
        let count = batch.len();
        let before = self.view().rollout.attempt.map(|attempt| attempt.decided);
        let held = self.held_back.is_empty();
        self.deliver(batch).await;
        let after = self.view().rollout.attempt.map(|attempt| attempt.decided);
        assert!(
            count == 0 || !held || after == before,
            "{before:?} {after:?}"
        );
    }

    /// As whoever puts outcomes in order does: what could not be logged goes first.
    pub(super) async fn deliver(&mut self, batch: Vec<Record>) {
        let mut all = std::mem::take(&mut self.held_back);
        let waited = all.len();
        all.extend(batch);
        let controller = self.controller().clone();
        let applied = controller.apply_outcomes(&support(), all).await;
        let refused = match applied {
            Ok(_) => Vec::new(),
            Err(refused) => {
                assert_eq!(self.home.state(), State::Full, "{}", refused.problem);
                self.count("outcomes held back");
                refused.batch
            }
        };
        if waited > 0 || !refused.is_empty() {
            controller.outcomes_held(!refused.is_empty());
        }
        self.held_back = refused;
    }
}
