//! What an entry may do, by itself and after those before it: the rules of the stages, written a second time and by other
//! means than the state machine that proposes, so that a mistake in one is seen by the other.

use crossfade_exchange::Percent;

use super::compare::alarm_difference;
use crate::{
    Actor, ActorRole, Alarm, AttemptFacts, Cause, Change, Entry, Evidence, GateEvidence, GateRules,
    Phase, Requirements, RouteRollout, Stage,
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

/// Whether a route's way begins with golden sets: the first advance says where it was, and a run of them counts only there.
pub(super) fn begins_with_replay<'a>(mut entries: impl Iterator<Item = &'a Entry>) -> bool {
    entries
        .find_map(|entry| match &entry.change {
            Change::Advance { from, .. } => Some(*from == Stage::Replay),
            _ => None,
        })
        .unwrap_or(false)
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

const PEOPLE: &[ActorRole] = &[ActorRole::Operator, ActorRole::Owner];
const OWNER: &[ActorRole] = &[ActorRole::Owner];
const CONTROLLER: &[ActorRole] = &[ActorRole::Controller];
const TO_PRIMARY: &[ActorRole] = &[
    ActorRole::Operator,
    ActorRole::Owner,
    ActorRole::Engine,
    ActorRole::Controller,
];

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
        }
    }

    /// Whether an entry was allowed here. `alarm` is what the outcomes before it demand; `pruned`: they are gone.
    pub(super) fn check(
        &self,
        entry: &Entry,
        alarm: Option<&Alarm>,
        pruned: bool,
    ) -> Result<(), String> {
        let actor = &entry.actor;
        match &entry.change {
            Change::Started | Change::MirrorSwitched { .. } => {
                Err("it concerns all routes and names one".to_owned())
            }
            Change::Split {
                from,
                to,
                attempt,
                new_attempt,
                override_,
                ..
            } => {
                self.split(actor, *from, *to, new_attempt.as_deref(), *override_, alarm)?;
                let expected = new_attempt.as_ref().map(|facts| facts.id);
                let expected = expected.or(self.running.map(|(id, _)| id));
                same("attempt", attempt, &expected)
            }
            Change::Observe { facts } => {
                need(actor, CONTROLLER)?;
                if self.rolled_back {
                    return Err("the route was rolled back and not resumed".to_owned());
                }
                if matches!(self.running, Some((_, Phase::Attempt))) {
                    return Err("an attempt runs".to_owned());
                }
                self.begins(facts, Phase::Shadow)
            }
            Change::GatesRestarted { .. } => {
                need(actor, CONTROLLER)?;
                self.running.map(drop).ok_or("nothing runs".to_owned())
            }
            Change::Advance { .. } => self.advance(entry, alarm),
            Change::Hold | Change::Drilled { .. } | Change::Replayed { .. } => need(actor, PEOPLE),
            Change::Release => {
                need(actor, PEOPLE)?;
                if self.held {
                    Ok(())
                } else {
                    Err("nothing was held".to_owned())
                }
            }
            Change::Signoff {
                stage, fingerprint, ..
            } => {
                need(actor, OWNER)?;
                same("stage", stage, &self.stage)?;
                let current = self.gates.as_ref().map(|gates| &gates.fingerprint);
                match current {
                    Some(current) => same("fingerprint", fingerprint, current),
                    None => Ok(()),
                }
            }
            Change::Rollback { from, cause } => {
                need(actor, TO_PRIMARY)?;
                same("share before", from, &self.share)?;
                self.cause(actor, cause, alarm, pruned)
            }
            Change::Resume => {
                need(actor, OWNER)?;
                if self.rolled_back || alarm.is_some() || pruned {
                    Ok(())
                } else {
                    Err("there was nothing to resume".to_owned())
                }
            }
        }
    }

    fn cause(
        &self,
        actor: &Actor,
        cause: &Cause,
        alarm: Option<&Alarm>,
        pruned: bool,
    ) -> Result<(), String> {
        let recorded = match cause {
            Cause::Manual if actor.role == ActorRole::Engine => {
                return Err("a test rolls back by an alarm only".to_owned());
            }
            Cause::Manual => return Ok(()),
            Cause::Alarm(recorded) => recorded,
        };
        need(actor, &[ActorRole::Engine])?;
        if recorded.sum < recorded.threshold {
            return Err("its alarm is under the threshold".to_owned());
        }
        if pruned {
            return Ok(());
        }
        match alarm {
            None => Err("the outcomes before it demand no roll-back".to_owned()),
            Some(alarm) => match alarm_difference(alarm, recorded) {
                None => Ok(()),
                Some(what) => Err(format!("its alarm does not follow: {what}")),
            },
        }
    }

    fn split(
        &self,
        actor: &Actor,
        from: Percent,
        to: Percent,
        new_attempt: Option<&AttemptFacts>,
        override_: bool,
        alarm: Option<&Alarm>,
    ) -> Result<(), String> {
        same("share before", &from, &self.share)?;
        if to <= from {
            need(actor, TO_PRIMARY)?;
            return match new_attempt {
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
        if to > granted {
            if !override_ {
                return Err(format!("nothing granted more than {granted}"));
            }
            need(actor, OWNER)?;
        }
        self.raise(
            &Raise {
                actor,
                from,
                to,
                new_attempt,
            },
            alarm,
        )
    }

    /// What holds of everything that lets the candidate answer more.
    fn raise(&self, raise: &Raise<'_>, alarm: Option<&Alarm>) -> Result<(), String> {
        if self.rolled_back {
            return Err("the route was rolled back and not resumed".to_owned());
        }
        if alarm.is_some() {
            return Err("the outcomes before it demand a roll-back".to_owned());
        }
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

    fn begins(&self, facts: &AttemptFacts, phase: Phase) -> Result<(), String> {
        same("phase", &facts.phase, &phase)?;
        same("attempt", &facts.id, &(self.last_attempt + 1))
    }

    fn advance(&self, entry: &Entry, alarm: Option<&Alarm>) -> Result<(), String> {
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
        if self.held {
            return Err("the route was held".to_owned());
        }
        if let Some(alarm) = alarm {
            return Err(format!(
                "the outcomes before it demand a roll-back: {alarm}"
            ));
        }
        if self.rolled_back {
            return Err("the route was rolled back and not resumed".to_owned());
        }
        if to.lets_candidate_answer() {
            let raise = Raise {
                actor: &entry.actor,
                from: *share_from,
                to: *share_to,
                new_attempt: new_attempt.as_deref(),
            };
            self.raise(&raise, alarm)?;
        } else if !share_to.is_zero() || new_attempt.is_some() {
            return Err(format!("nobody is answered by the candidate in {to}"));
        }
        if *from == Stage::Replay {
            return self.golden_set();
        }
        self.signed(*signoff)?;
        enough(entry.at_unix_ms, required, &entry.evidence)?;
        match entry.evidence.freeze {
            Some(_) if *from == Stage::Ramp => Err("the ramp was frozen".to_owned()),
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
                to, new_attempt, ..
            } => {
                if let Some(facts) = new_attempt {
                    self.begin(facts);
                }
                self.enter(rollout.stage(), *to);
            }
            Change::Observe { facts } => self.begin(facts),
            Change::GatesRestarted { rules } => self.gates = Some(GateRules::clone(rules)),
            Change::Advance {
                to,
                share_to,
                new_attempt,
                ..
            } => {
                if let Some(facts) = new_attempt {
                    self.begin(facts);
                }
                self.enter(*to, *share_to);
                if *to == Stage::Complete {
                    self.running = rollout.attempt().map(|facts| (facts.id, facts.phase));
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
            Change::Rollback { .. } => {
                self.share = Percent::ZERO;
                self.stage = rollout.stage();
                self.reached = Percent::ZERO;
                self.rolled_back = true;
                self.running = None;
                self.signoffs.clear();
            }
            Change::Resume => self.rolled_back = false,
            Change::Started | Change::MirrorSwitched { .. } | Change::Drilled { .. } => {}
        }
        same("share", &rollout.share(), &self.share)?;
        same("stage", &rollout.stage(), &self.stage)?;
        let running = rollout.attempt().map(|facts| (facts.id, facts.phase));
        same("attempt", &running, &self.running)
    }

    fn begin(&mut self, facts: &AttemptFacts) {
        self.running = Some((facts.id, facts.phase));
        self.last_attempt = facts.id;
        self.gates = Some(facts.gates.clone());
        self.reached = Percent::ZERO;
    }

    fn enter(&mut self, stage: Stage, share: Percent) {
        if stage != self.stage {
            self.signoffs.clear();
        }
        self.stage = stage;
        self.share = share;
        if share > self.reached {
            self.reached = share;
        }
    }
}

/// Whether the evidence is what the plan asked for.
fn enough(at_unix_ms: u64, required: &Requirements, evidence: &Evidence) -> Result<(), String> {
    let passed = at_unix_ms.saturating_sub(required.entered_unix_ms);
    if u128::from(passed) < required.minimum_time.as_millis() {
        return Err(format!(
            "{passed} ms had passed, {} were required",
            required.minimum_time.as_millis()
        ));
    }
    if evidence.units < required.minimum_units {
        return Err(format!(
            "{} units were seen, {} were required",
            evidence.units, required.minimum_units
        ));
    }
    for size in &evidence.coverage {
        #[expect(
            clippy::cast_precision_loss,
            reason = "counts of requests are far under 2^53"
        )]
        let (compared, selected) = (size.compared as f64, size.selected as f64);
        if compared < required.coverage * selected {
            return Err(format!(
                "{} of {} requests of size {} were compared, a share of {} was required",
                size.compared, size.selected, size.size, required.coverage
            ));
        }
    }
    let open = |gate: &&GateEvidence| (gate.named || gate.requests > 0) && gate.w < gate.threshold;
    if let Some(gate) = evidence.gates.iter().find(open) {
        return Err(format!(
            "gate {} had {} of {}",
            gate.gate, gate.w, gate.threshold
        ));
    }
    if evidence.gates.is_empty() {
        return Err("no gate was looked at".to_owned());
    }
    Ok(())
}

fn need(actor: &Actor, roles: &[ActorRole]) -> Result<(), String> {
    if roles.contains(&actor.role) {
        Ok(())
    } else {
        Err(format!("role {} may not do this", actor.role))
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, expected: &T) -> Result<(), String> {
    if is == expected {
        Ok(())
    } else {
        Err(format!(
            "its {what} is {is:?}, by the entries before {expected:?}"
        ))
    }
}
