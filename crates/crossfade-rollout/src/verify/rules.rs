//! What an entry may do, by itself and after those before it: the rules of the stages, written a second time and by other
//! means than the state machine that proposes, so that a mistake in one is seen by the other.

use crossfade_exchange::Percent;

use super::checks::{CONTROLLER, OWNER, PEOPLE, TO_PRIMARY, cause_holds, enough, need, same};
use crate::{
    Actor, ActorRole, Alarm, AttemptFacts, Change, Entry, Evidence, GateRules, Phase, Record,
    RouteRollout, Stage,
};

/// Where a route stands, by its entries alone.
#[derive(Debug)]
pub(super) struct Rules {
    share: Percent,
    stage: Stage,
    /// The largest share that an advance or an owner has granted in this attempt.
    reached: Percent,
    rolled_back: bool,
    held: bool,
    last_attempt: u64,
    running: Option<(u64, Phase)>,
    gates: Option<GateRules>,
    /// The sign-offs of the present stage.
    signoffs: Vec<Signoff>,
    replayed: Option<String>,
    /// Since when the stage, the step of the ramp or its gates count.
    entered_unix_ms: u64,
    /// What the running attempt's units were drawn with so far.
    salts: Vec<u64>,
}

/// What the outcomes before an entry say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    /// They demand a roll-back of the attempt.
    pub(super) alarm: Option<&'a Alarm>,
    /// They speak against the candidate in the shadow watch.
    pub(super) failing: Option<&'a Alarm>,
    /// They are gone.
    pub(super) pruned: bool,
}

#[derive(Debug)]
struct Signoff {
    sequence: u64,
    fingerprint: String,
}

/// Of the change of a route: what moved, and by whom it was granted.
struct Raise<'a> {
    actor: &'a Actor,
    from: Percent,
    to: Percent,
    new_attempt: Option<&'a AttemptFacts>,
}

/// Whether a route's way begins with golden sets: the first entry that says where it stood, or that moved it, tells.
pub(super) fn begins_with_replay<'a>(mut entries: impl Iterator<Item = &'a Entry>) -> bool {
    let told = entries.find_map(|entry| match &entry.change {
        Change::Advance { from, .. } => Some(*from == Stage::Replay),
        Change::Split { stage, .. } => Some(*stage == Some(Stage::Replay)),
        Change::Observe { .. } => Some(false),
        Change::Started
        | Change::MirrorSwitched { .. }
        | Change::GatesRestarted { .. }
        | Change::Hold
        | Change::Release
        | Change::Signoff { .. }
        | Change::Replayed { .. }
        | Change::Drilled { .. }
        | Change::Rollback { .. }
        | Change::Resume => None,
    });
    told.unwrap_or(false)
}

/// Checks an entry that concerns all routes.
pub(super) fn of_all_routes(entry: &Entry) -> Result<(), String> {
    match &entry.change {
        Change::Started => need(&entry.actor, &[ActorRole::Controller]),
        Change::MirrorSwitched { .. } => need(&entry.actor, PEOPLE),
        _ => Err(format!("it names no route: {}", entry.change)),
    }?;
    if entry.evidence == Evidence::default() {
        Ok(())
    } else {
        Err("it concerns all routes and names evidence".to_owned())
    }
}

// === impl Rules ===

impl Rules {
    pub(super) fn new(stage: Stage) -> Self {
        Self {
            share: Percent::ZERO,
            stage,
            reached: Percent::ZERO,
            rolled_back: false,
            held: false,
            last_attempt: 0,
            running: None,
            gates: None,
            signoffs: Vec::new(),
            replayed: None,
            entered_unix_ms: 0,
            salts: Vec::new(),
        }
    }

    /// Whether an outcome may be one of the running attempt: a drawn answer names a salt that an entry gave.
    pub(super) fn may_be(&self, record: &Record) -> bool {
        match record {
            Record::Answer(answer) => self.salts.contains(&answer.salt),
            Record::Pair(_) | Record::Differences(_) | Record::Coverage(_) => true,
        }
    }

    /// Whether an entry was allowed here.
    pub(super) fn check(&self, entry: &Entry, known: Known<'_>) -> Result<(), String> {
        let actor = &entry.actor;
        match &entry.change {
            Change::Started | Change::MirrorSwitched { .. } => {
                Err("it concerns all routes and names one".to_owned())
            }
            Change::Split { .. } => self.split(entry, known),
            Change::Observe { facts } => self.observe(actor, facts),
            Change::GatesRestarted { .. } => {
                need(actor, CONTROLLER)?;
                self.running.map(drop).ok_or("nothing runs".to_owned())
            }
            Change::Advance { .. } => self.advance(entry, known),
            Change::Hold | Change::Drilled { .. } | Change::Replayed { .. } => need(actor, PEOPLE),
            Change::Release => {
                need(actor, PEOPLE)?;
                if self.held {
                    Ok(())
                } else {
                    Err("nothing was held".to_owned())
                }
            }
            Change::Signoff { stage, .. } => {
                need(actor, OWNER)?;
                same("stage", stage, &self.stage)?;
                self.running
                    .map(drop)
                    .ok_or("nothing was counted that could be signed".to_owned())
            }
            Change::Rollback { from, cause } => {
                same("share before", from, &self.share)?;
                cause_holds(actor, cause, known)
            }
            Change::Resume => {
                need(actor, OWNER)?;
                if self.rolled_back || known.failing.is_some() || known.pruned {
                    Ok(())
                } else {
                    Err("there was nothing to resume".to_owned())
                }
            }
        }
    }

    fn observe(&self, actor: &Actor, facts: &AttemptFacts) -> Result<(), String> {
        need(actor, CONTROLLER)?;
        if self.rolled_back {
            return Err("the route was rolled back and not resumed".to_owned());
        }
        if matches!(self.running, Some((_, Phase::Attempt))) {
            return Err("an attempt runs".to_owned());
        }
        self.begins(facts, Phase::Shadow)
    }

    fn split(&self, entry: &Entry, known: Known<'_>) -> Result<(), String> {
        let Change::Split {
            from,
            to,
            attempt,
            new_attempt,
            override_,
            stage,
            ..
        } = &entry.change
        else {
            return Ok(());
        };
        let raise = Raise {
            actor: &entry.actor,
            from: *from,
            to: *to,
            new_attempt: new_attempt.as_deref(),
        };
        self.share_by_hand(&raise, *override_, known)?;
        self.stage_by_hand(*from, *to, *stage)?;
        let expected = new_attempt.as_ref().map(|facts| facts.id);
        let expected = expected.or(self.running.map(|(id, _)| id));
        same("attempt", attempt, &expected)
    }

    fn share_by_hand(
        &self,
        raise: &Raise<'_>,
        override_: bool,
        known: Known<'_>,
    ) -> Result<(), String> {
        let &Raise {
            actor,
            from,
            to,
            new_attempt,
        } = raise;
        same("share before", &from, &self.share)?;
        if to <= from {
            need(actor, TO_PRIMARY)?;
            // A route that was complete is watched again.
            return match new_attempt {
                Some(facts) if self.running.is_none() => self.begins(facts, Phase::Attempt),
                Some(_) => Err("an attempt does not begin by going down".to_owned()),
                None => Ok(()),
            };
        }
        need(actor, PEOPLE)?;
        let granted = if new_attempt.is_some() {
            Percent::ZERO
        } else {
            self.reached
        };
        if to > granted && !override_ {
            return Err(format!("nothing granted more than {granted}"));
        }
        if override_ {
            need(actor, OWNER)?;
        }
        if self.stage == Stage::Replay {
            self.golden_set()?;
        }
        self.raise(raise, known)
    }

    /// The stage that a share set by hand leads to. Where the first slice ends is the configuration's to say.
    fn stage_by_hand(
        &self,
        from: Percent,
        to: Percent,
        stage: Option<Stage>,
    ) -> Result<(), String> {
        let Some(stage) = stage else { return Ok(()) };
        let fits = if from == to && stage == self.stage {
            true
        } else if to.is_zero() {
            // Also from 0, where the candidate answers internal callers.
            stage == self.stage.min(Stage::Shadow)
        } else if from == to {
            false
        } else {
            matches!(stage, Stage::Slice | Stage::Ramp)
        };
        if fits {
            Ok(())
        } else {
            Err(format!("a share of {to} set by hand is not stage {stage}"))
        }
    }

    /// What holds of everything that lets the candidate answer more.
    fn raise(&self, raise: &Raise<'_>, known: Known<'_>) -> Result<(), String> {
        self.stands_still(known)?;
        if raise.to < raise.from {
            return Err("it goes down".to_owned());
        }
        match (raise.new_attempt, self.running) {
            (Some(facts), None | Some((_, Phase::Shadow))) => self.begins(facts, Phase::Attempt),
            (Some(_), Some((_, Phase::Attempt))) => Err("an attempt runs already".to_owned()),
            (None, Some((_, Phase::Attempt))) => Ok(()),
            (None, None | Some((_, Phase::Shadow))) => Err(format!(
                "no attempt runs for {} to raise the share to {}",
                raise.actor, raise.to
            )),
        }
    }

    /// What nobody passes.
    fn stands_still(&self, known: Known<'_>) -> Result<(), String> {
        if self.rolled_back {
            return Err("the route was rolled back and not resumed".to_owned());
        }
        if self.held {
            return Err("the route was held".to_owned());
        }
        match known.alarm.or(known.failing) {
            Some(alarm) => Err(format!("the outcomes before it speak against it: {alarm}")),
            None => Ok(()),
        }
    }

    fn begins(&self, facts: &AttemptFacts, phase: Phase) -> Result<(), String> {
        same("phase", &facts.phase, &phase)?;
        same("attempt", &facts.id, &(self.last_attempt + 1))
    }

    fn advance(&self, entry: &Entry, known: Known<'_>) -> Result<(), String> {
        let Change::Advance {
            from,
            to,
            share_from,
            share_to,
            new_attempt,
            signoff,
            required,
            ..
        } = &entry.change
        else {
            return Ok(());
        };
        same("stage before", from, &self.stage)?;
        same("share before", share_from, &self.share)?;
        let within_ramp = (*from, *to) == (Stage::Ramp, Stage::Ramp);
        if within_ramp && entry.actor.role == ActorRole::Controller {
            // The ramp's own steps.
        } else {
            need(&entry.actor, PEOPLE)?;
        }
        if (within_ramp && share_to <= share_from) || (!within_ramp && to <= from) {
            return Err(format!(
                "{to} at {share_to} does not come after {from} at {share_from}"
            ));
        }
        self.stands_still(known)?;
        if to.lets_candidate_answer() {
            let raise = Raise {
                actor: &entry.actor,
                from: *share_from,
                to: *share_to,
                new_attempt: new_attempt.as_deref(),
            };
            self.raise(&raise, known)?;
        } else if !share_to.is_zero() || new_attempt.is_some() {
            return Err(format!("nobody is answered by the candidate in {to}"));
        }
        if *from == Stage::Replay {
            return self.golden_set();
        }
        if share_to.is_whole() && required.reverse_share.is_zero() {
            return Err("nothing is mirrored back at 100 %".to_owned());
        }
        same(
            "beginning of the stage",
            &required.entered_unix_ms,
            &self.entered_unix_ms,
        )?;
        self.signed(*signoff)?;
        enough(entry.at_unix_ms, required, &entry.evidence)?;
        match entry.evidence.freeze {
            Some(_) if *to == Stage::Ramp => Err("the ramp was frozen".to_owned()),
            _ => Ok(()),
        }
    }

    fn golden_set(&self) -> Result<(), String> {
        let current = self.gates.as_ref().map(|gates| &gates.fingerprint);
        match (&self.replayed, current) {
            (None, _) => Err("no golden set had passed".to_owned()),
            (Some(replayed), Some(current)) if replayed != current => {
                Err("the golden set had passed under another configuration".to_owned())
            }
            (Some(_), _) => Ok(()),
        }
    }

    fn signed(&self, signoff: Option<u64>) -> Result<(), String> {
        let number = signoff.ok_or("it names no sign-off")?;
        let signoff = self.signoffs.iter().find(|s| s.sequence == number);
        let signoff =
            signoff.ok_or_else(|| format!("entry {number} is no sign-off of {}", self.stage))?;
        let current = self.gates.as_ref().map(|gates| &gates.fingerprint);
        if current.is_some_and(|current| *current != signoff.fingerprint) {
            return Err(format!("sign-off {number} is of another configuration"));
        }
        Ok(())
    }

    /// Takes an allowed entry in, and compares where it leads with what the state machine makes of it.
    pub(super) fn follow(&mut self, entry: &Entry, rollout: &RouteRollout) -> Result<(), String> {
        match &entry.change {
            Change::Split {
                to,
                salt,
                new_attempt,
                ..
            } => {
                self.drawn_with(*salt, new_attempt.as_deref());
                self.enter(rollout.stage(), *to, entry.at_unix_ms);
            }
            Change::Observe { facts } => {
                self.begin(facts);
                self.stage = Stage::Shadow;
                self.counts_anew(entry.at_unix_ms);
            }
            Change::GatesRestarted { rules } => {
                self.gates = Some(GateRules::clone(rules));
                self.counts_anew(entry.at_unix_ms);
            }
            Change::Advance {
                to,
                share_to,
                salt,
                new_attempt,
                ..
            } => {
                self.drawn_with(*salt, new_attempt.as_deref());
                self.enter(*to, *share_to, entry.at_unix_ms);
                if *to == Stage::Complete {
                    self.running = None;
                    self.reached = Percent::ZERO;
                }
            }
            Change::Hold => self.held = true,
            Change::Release => self.held = false,
            Change::Signoff { fingerprint, .. } => self.signoffs.push(Signoff {
                sequence: entry.sequence,
                fingerprint: fingerprint.clone(),
            }),
            Change::Replayed {
                result,
                fingerprint,
            } => self.replayed = result.is_passed().then(|| fingerprint.clone()),
            Change::Rollback { .. } => self.roll_back(entry.at_unix_ms),
            Change::Resume => {
                self.rolled_back = false;
                // A failing shadow watch ends with it.
                self.running = rollout.attempt().map(|facts| (facts.id, facts.phase));
            }
            Change::Started | Change::MirrorSwitched { .. } | Change::Drilled { .. } => {}
        }
        self.agrees_with(rollout)
    }

    fn agrees_with(&self, rollout: &RouteRollout) -> Result<(), String> {
        same("share", &rollout.share(), &self.share)?;
        same("stage", &rollout.stage(), &self.stage)?;
        let running = rollout.attempt().map(|facts| (facts.id, facts.phase));
        same("attempt", &running, &self.running)
    }

    /// The salt of a new share, and the attempt that begins with it, if one does.
    fn drawn_with(&mut self, salt: u64, new_attempt: Option<&AttemptFacts>) {
        if let Some(facts) = new_attempt {
            self.begin(facts);
        }
        self.salts.push(salt);
    }

    fn roll_back(&mut self, at_unix_ms: u64) {
        self.share = Percent::ZERO;
        self.stage = self.stage.min(Stage::Shadow);
        self.reached = Percent::ZERO;
        self.rolled_back = true;
        self.running = None;
        self.counts_anew(at_unix_ms);
    }

    fn begin(&mut self, facts: &AttemptFacts) {
        self.running = Some((facts.id, facts.phase));
        self.last_attempt = facts.id;
        self.gates = Some(facts.gates.clone());
        self.reached = Percent::ZERO;
        self.salts.clear();
    }

    fn enter(&mut self, stage: Stage, share: Percent, at_unix_ms: u64) {
        let same_stage = stage == self.stage;
        if !same_stage {
            self.signoffs.clear();
        }
        if !same_stage || share != self.share {
            self.entered_unix_ms = at_unix_ms;
        }
        self.stage = stage;
        self.share = share;
        if stage.lets_candidate_answer() && share > self.reached {
            self.reached = share;
        }
    }

    /// What was counted and signed is of something else now.
    fn counts_anew(&mut self, at_unix_ms: u64) {
        self.entered_unix_ms = at_unix_ms;
        self.signoffs.clear();
    }
}
