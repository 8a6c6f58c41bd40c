//! Can we go back? When it was last tried, when it was last done, and what stands ready.

use crossfade_rollout::Change;

use super::{Facts, Line, bad, good, note, open};
use crate::report::said::{micros, moment};

/// Can we go back?
pub(super) fn way_back(facts: &Facts<'_>) -> Vec<Line> {
    let rollout = &facts.view.rollout;
    let mut lines = vec![match &rollout.last_drill {
        Some((at, drill)) => {
            let says = format!(
                "{}: {} to the point where sides are decided, {} until an entry was durable",
                moment(*at),
                micros(drill.decided_after_micros),
                micros(drill.durable_after_micros)
            );
            if drill.problems.is_empty() {
                good("last drill", says)
            } else {
                bad(
                    "last drill",
                    format!("{says}; {}", drill.problems.join("; ")),
                )
            }
        }
        None => open(
            "last drill",
            "none yet: `crossfade rollback ROUTE --drill --reason …` tries the way back without harm",
        ),
    }];
    let back = facts.entries.iter().rev();
    let back = back.filter(|entry| matches!(entry.change, Change::Rollback { .. }));
    lines.push(match back.clone().next() {
        Some(entry) => {
            let says = format!(
                "{}, {}, by {}: {} ({} in all)",
                moment(entry.at_unix_ms),
                entry.change,
                entry.actor,
                entry.reason,
                back.count()
            );
            note("last roll-back", says)
        }
        None => note("last roll-back", "none"),
    });
    lines.push(note(
        "how",
        "a roll-back takes effect before it is recorded, needs no gate and no revision, and works from every stage",
    ));
    lines.push(note(
        "lost controller",
        "a share is a lease: in internal, slice and ramp the primary answers everybody when it runs out",
    ));
    let says = format!(
        "{} of what the candidate answers is mirrored back, so that the primary stays known",
        facts.setup.reverse_share
    );
    lines.push(note("reverse mirror", says));
    lines
}
