//! What can be said of one entry, or of a piece of it, by itself.

use super::{compare::alarm_difference, rules::Known};
use crate::{Actor, ActorRole, Cause, Evidence, GateEvidence, Requirements, SizeCoverage};

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
    covered(required.coverage, &evidence.coverage)?;
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

/// Whether enough was compared of each size. Said again in other words than where it is decided: a size with under 30 requests counts
/// with the next that have come to 30, or with the last that had, and by itself may miss what happens by chance in one of 20.
fn covered(least: f64, coverage: &[SizeCoverage]) -> Result<(), String> {
    let total = coverage
        .iter()
        .fold(0_u64, |sum, size| sum.saturating_add(size.selected));
    let (mut compared, mut selected, mut passed) = (0_u64, 0_u64, 0_u64);
    for size in coverage {
        compared = compared.saturating_add(size.compared);
        selected = selected.saturating_add(size.selected);
        passed = passed.saturating_add(size.selected);
        let missed = size.selected.saturating_sub(size.compared);
        let alone = size.selected == total;
        if size.selected < 30 && !alone {
            let chance = chance_of_missing(missed, size.selected, 1.0 - least);
            // The sum is not made as where it was decided, so it may differ in its last digits.
            if chance < 0.05 * (1.0 - 1e-9) {
                return Err(short(size.compared, size.selected, size, least));
            }
        }
        let left = total - passed;
        let is_closed = left == 0 || (selected >= 30 && left >= 30);
        if is_closed && selected > 0 {
            if float(compared) < least * float(selected) {
                return Err(short(compared, selected, size, least));
            }
            (compared, selected) = (0, 0);
        }
    }
    Ok(())
}

fn short(compared: u64, selected: u64, size: &SizeCoverage, least: f64) -> String {
    format!(
        "{compared} of {selected} requests of size {} and those judged with it were compared, a share of {least} was required",
        size.size
    )
}

/// How likely `missed` or more of `selected` are missed by chance, each with probability `miss`.
fn chance_of_missing(missed: u64, selected: u64, miss: f64) -> f64 {
    let mut ways = 1.0;
    let mut chance = 0.0;
    for n in 0..=selected {
        if n >= missed {
            let hit = float(selected - n);
            chance += ways * miss.powf(float(n)) * (1.0 - miss).powf(hit);
        }
        ways *= float(selected - n) / float(n + 1);
    }
    chance
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of requests are far under 2^53"
)]
fn float(count: u64) -> f64 {
    count as f64
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

#[cfg(test)]
mod tests {
    use crossfade_exchange::SizeClass;
    use proptest::prelude::*;

    use super::*;
    use crate::{coverage::shortfalls, testing::size};

    proptest! {
        #[test]
        fn what_is_covered_is_said_alike_twice(
            counts in prop::collection::vec((prop_oneof![0_u64..5, 0_u64..40, 0_u64..500], 0_u64..60), 4),
            least in prop::sample::select(vec![0.0, 0.5, 0.8, 0.9, 0.95, 1.0]),
        ) {
            let of = |(class, (selected, missed)): (&SizeClass, &(u64, u64))| {
                size(*class, *selected, selected.saturating_sub(*missed))
            };
            let coverage: Vec<_> = SizeClass::ALL.iter().zip(&counts).map(of).collect();
            let short = shortfalls(&coverage, least);
            let again = covered(least, &coverage);
            prop_assert_eq!(again.is_ok(), short.is_empty(), "{:?} {:?}", again, short);
        }
    }
}
