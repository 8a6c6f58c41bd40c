//! Changes toward the primary that the ledger could not take: in effect, marked in the data directory, and put on the ledger
//! by a later start. Also the shares of routes that the configuration no longer has.

use std::{collections::BTreeMap, sync::atomic::AtomicBool};

use crossfade_backplane::{DataDirectory, Mark, Marks};
use crossfade_exchange::{Percent, RouteId};
use crossfade_rollout::{
    Actor, Cause, Change, Command, Entry, Proposal, RoutePlan, RouteRollout, Split,
};

use super::{
    Changed, RouteControl, Shared,
    disk::{Disk, chain},
    lock,
    publish::Publisher,
    start::fold,
};

/// Why a route's share is held down until the next start, by a cap that nothing lifts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    /// For people: what holds it and what to do.
    pub(super) text: String,
    /// Whether it stands for a roll-back.
    pub(super) rolled_back: bool,
}

impl Shared {
    /// A change that is in effect by a cap, and for which the ledger has no place: it is marked, and the cap stays.
    pub(super) fn hold_proposal(
        &self,
        disk: &mut Disk,
        control: &RouteControl,
        proposal: Proposal,
        actor: &Actor,
    ) -> Changed {
        let Proposal { change, reason, .. } = proposal;
        let mark = Mark {
            route: lock(&control.rollout).route().clone(),
            at_unix_ms: self.clock.unix_ms(),
            actor: actor.clone(),
            reason,
            change,
        };
        let kept = disk.hold(mark.clone());
        hold(control, &mark, kept.as_ref().err());
        let Mark { route, change, .. } = &mark;
        match kept {
            Ok(()) => {
                tracing::error!(%route, %change, "control.change.marked_not_recorded");
                Changed::Kept
            }
            Err(problem) => {
                tracing::error!(%route, %change, problem, "control.change.in_memory_only");
                Changed::InMemory
            }
        }
    }

    /// Puts on the ledger what an earlier process could only mark. What cannot be put there yet keeps holding its route down.
    pub(super) fn record_marks(&self) {
        let mut disk = lock(&self.disk);
        let marks = match disk.marks() {
            Ok(marks) => marks,
            Err(problem) => {
                tracing::error!(problem, "control.marks.unreadable");
                for control in self.routes.values() {
                    hold_unreadable(control, &problem);
                }
                return;
            }
        };
        let known = lock(&self.history).entries.clone();
        for mark in &marks {
            let stranger;
            let control = if let Some(control) = self.routes.get(&mark.route) {
                control
            } else {
                stranger = unconfigured(&mark.route, &known, &mut disk);
                &stranger
            };
            self.record_mark(&mut disk, control, mark, &known);
        }
        disk.marks_are_on_record();
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one step after the other, each with its way out"
    )]
    fn record_mark(&self, disk: &mut Disk, control: &RouteControl, mark: &Mark, known: &[Entry]) {
        let Mark {
            route,
            at_unix_ms,
            actor,
            reason,
            change,
        } = mark;
        // The mark outlived the moment in which its entry was written.
        let on_record = known.iter().any(|entry| {
            entry.route.as_ref() == Some(route)
                && entry.at_unix_ms == *at_unix_ms
                && entry.actor == *actor
        });
        if on_record {
            return;
        }
        // A ledger that cannot be read says nothing of shares, so what was held down stays held down.
        let Some(sequence) = disk.next_sequence() else {
            hold(control, mark, None);
            return;
        };
        let command = match change {
            Change::Rollback {
                cause: Cause::Manual,
                ..
            } => Command::Rollback,
            Change::Rollback {
                cause: Cause::Alarm(alarm),
                ..
            } => Command::Alarm(*alarm),
            Change::Split { to, .. } if lock(&control.rollout).is_above(*to) => Command::Split {
                to: *to,
                override_: false,
            },
            Change::Hold => Command::Hold,
            // The share is down there already, or this is no change that is ever marked.
            Change::Split { .. }
            | Change::Advance { .. }
            | Change::Observe { .. }
            | Change::GatesRestarted { .. }
            | Change::Release
            | Change::Signoff { .. }
            | Change::Replayed { .. }
            | Change::Drilled { .. }
            | Change::Started
            | Change::Resume
            | Change::MirrorSwitched { .. } => return,
        };
        let context = self.context_of(reason);
        let proposal = lock(&control.rollout).propose(&command, actor, &context);
        match proposal {
            Ok(mut proposal) => {
                proposal
                    .reason
                    .push_str(" (in effect since then; the ledger could not take it before)");
                let entry =
                    proposal.into_entry(sequence, *at_unix_ms, route.clone(), actor.clone());
                self.enter_after(disk, control, &entry, None);
            }
            Err(refusal) => {
                tracing::error!(%route, %refusal, "control.mark.refused");
                hold(control, mark, None);
            }
        }
    }

    /// Sets the share of every route that is not configured any more to 0, so that it takes a decision to give it traffic when
    /// it comes back. Gives back these routes.
    pub(super) fn end_what_is_not_configured(&self) -> BTreeMap<RouteId, Percent> {
        let mut disk = lock(&self.disk);
        let known = lock(&self.history).entries.clone();
        let mut ended = BTreeMap::new();
        for (route, rollout) in standing(&known) {
            let from = rollout.share();
            // Where internal callers were answered, the share is 0.
            if self.routes.contains_key(&route) || !rollout.is_above(Percent::ZERO) {
                continue;
            }
            let Some(sequence) = disk.next_sequence() else {
                break;
            };
            let control = unconfigured(&route, &known, &mut disk);
            tracing::warn!(%route, share_percent = from.percent(), "control.route.not_configured");
            let entry = {
                let rollout = lock(&control.rollout);
                Entry {
                    sequence,
                    at_unix_ms: self.clock.unix_ms(),
                    route: Some(route.clone()),
                    actor: Actor::controller(),
                    reason: "the route is not configured; if it comes back, it starts from 0 %"
                        .to_owned(),
                    change: Change::Split {
                        from,
                        to: Percent::ZERO,
                        salt: rollout.split().salt,
                        attempt: rollout.attempt().map(|attempt| attempt.id),
                        new_attempt: None,
                        override_: false,
                        stage: Some(crossfade_rollout::Stage::Shadow),
                    },
                    evidence: rollout.evidence(),
                }
            };
            self.enter_after(&mut disk, &control, &entry, None);
            ended.insert(route, from);
        }
        ended
    }
}

/// A route that is not configured, as the ledger left it.
fn unconfigured(route: &RouteId, known: &[Entry], disk: &mut Disk) -> RouteControl {
    let plan = RoutePlan::new(route.clone());
    let publisher = Publisher::new(Split::initial(route.clone()));
    let control = fold(plan, publisher, known, disk, &AtomicBool::new(false));
    disk.close_log(route);
    control
}

/// Where every route stands that the ledger names.
fn standing(entries: &[Entry]) -> BTreeMap<RouteId, RouteRollout> {
    let mut rollouts: BTreeMap<RouteId, RouteRollout> = BTreeMap::new();
    for entry in entries {
        if let Some(route) = &entry.route {
            rollouts
                .entry(route.clone())
                .or_insert_with(|| RouteRollout::new(RoutePlan::new(route.clone())))
                .apply_entry(entry);
        }
    }
    rollouts
}

/// Opens the marks, or says why not.
pub(super) fn open_marks(directory: &DataDirectory) -> Result<Marks, String> {
    Marks::open(directory).map_err(|error| chain(&error))
}

fn hold(control: &RouteControl, mark: &Mark, not_kept: Option<&String>) {
    let (to, rolled_back) = match &mark.change {
        Change::Split { to, .. } => (*to, false),
        // It moves nothing: while it is held, nothing advances either.
        Change::Hold => (Percent::HUNDRED, false),
        Change::Rollback { .. }
        | Change::Advance { .. }
        | Change::Observe { .. }
        | Change::GatesRestarted { .. }
        | Change::Release
        | Change::Signoff { .. }
        | Change::Replayed { .. }
        | Change::Drilled { .. }
        | Change::Started
        | Change::Resume
        | Change::MirrorSwitched { .. } => (Percent::ZERO, true),
    };
    cap_for_good(control, to);
    let Mark {
        actor,
        reason,
        change,
        ..
    } = mark;
    let done = match change {
        Change::Split { .. } => format!("lowered to {to}"),
        Change::Hold => "held".to_owned(),
        Change::Rollback { .. }
        | Change::Advance { .. }
        | Change::Observe { .. }
        | Change::GatesRestarted { .. }
        | Change::Release
        | Change::Signoff { .. }
        | Change::Replayed { .. }
        | Change::Drilled { .. }
        | Change::Started
        | Change::Resume
        | Change::MirrorSwitched { .. } => "rolled back".to_owned(),
    };
    let outlook = match not_kept {
        None => "it is kept in rolled-back.json: mend the data directory and restart, which puts it on the ledger".to_owned(),
        Some(problem) => format!(
            "it holds only until this process ends ({problem}): do not restart before the data directory is mended"
        ),
    };
    *lock(&control.held) = Some(Held {
        text: format!(
            "{done} by {actor} while the ledger could not be written ({reason}); {outlook}"
        ),
        rolled_back,
    });
}

fn hold_unreadable(control: &RouteControl, problem: &str) {
    cap_for_good(control, Percent::ZERO);
    *lock(&control.held) = Some(Held {
        text: format!(
            "it may have been rolled back while the ledger could not be written: {problem}"
        ),
        rolled_back: true,
    });
}

/// A cap that nobody can lift, because nobody knows its number.
fn cap_for_good(control: &RouteControl, share: Percent) {
    let _forgotten = control.publisher.cap_share(share);
}
