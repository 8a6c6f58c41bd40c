//! What can be said of one entry, or of a piece of it, by itself.

use super::{compare::alarm_difference, rules::Known};
use crate::{Actor, ActorRole, Cause, Evidence, GateEvidence, Requirements};

pub(super) const PEOPLE: &[ActorRole] = &[ActorRole::Operator, ActorRole::Owner];
pub(super) const OWNER: &[ActorRole] = &[ActorRole::Owner];
pub(super) const CONTROLLER: &[ActorRole] = &[ActorRole::Controller];
/// The controller sets what is not configured any more to 0.
pub(super) const TO_PRIMARY: &[ActorRole] =
    &[ActorRole::Operator, ActorRole::Owner, ActorRole::Controller];

/// Whether a roll-back has the cause that it names.
pub(super) fn cause_holds(actor: &Actor, cause: &Cause, known: Known<'_>) -> Result<(), String> {
    let recorded = match cause {
        Cause::Manual => return need(actor, PEOPLE),
        Cause::Alarm(recorded) => recorded,
    };
    need(actor, &[ActorRole::Engine])?;
    if recorded.sum < recorded.threshold {
        return Err("its alarm is under the threshold".to_owned());
    }
    if known.pruned {
        return Ok(());
    }
    match known.alarm {
        None => Err("the outcomes before it demand no roll-back".to_owned()),
        Some(alarm) => match alarm_difference(alarm, recorded) {
            None => Ok(()),
            Some(what) => Err(format!("its alarm does not follow: {what}")),
        },
    }
}

/// Whether the evidence is what the plan asked for.
pub(super) fn enough(
    at_unix_ms: u64,
    required: &Requirements,
    evidence: &Evidence,
) -> Result<(), String> {
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
    let mut counting = evidence
        .gates
        .iter()
        .filter(|gate| gate.named || gate.requests > 0);
    let Some(first) = counting.next() else {
        return Err("no gate was looked at".to_owned());
    };
    let is_open = |gate: &&GateEvidence| gate.w < gate.threshold;
    match std::iter::once(first).chain(counting).find(is_open) {
        Some(gate) => Err(format!(
            "gate {} had {} of {}",
            gate.gate, gate.w, gate.threshold
        )),
        None => Ok(()),
    }
}

pub(super) fn need(actor: &Actor, roles: &[ActorRole]) -> Result<(), String> {
    if roles.contains(&actor.role) {
        Ok(())
    } else {
        Err(format!("role {} may not do this", actor.role))
    }
}

pub(super) fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    is: &T,
    expected: &T,
) -> Result<(), String> {
    if is == expected {
        Ok(())
    } else {
        Err(format!(
            "its {what} is {is:?}, by the entries before {expected:?}"
        ))
    }
}
