//! One change, from proposal to effect, under the disk's lock: no outcome and no other change comes in between.

use std::sync::atomic::Ordering;

use crossfade_exchange::RouteId;
use crossfade_rollout::{
    Actor, Alarm, Cause, Change, Command, Entry, Evidence, Proposal, ProposeContext, Refusal, Split,
};

use super::{
    Ask, Changed, ControlError, RouteControl, Shared, Sources, disk::Disk, lock, publish::CapId,
};
use crate::telemetry::TransitionReason;

impl Shared {
    /// What comes with a command, as far as only its actor knows it.
    pub(super) fn context(&self, ask: &Ask, if_match: Option<u64>) -> ProposeContext {
        ProposeContext {
            if_match,
            ..self.context_of(&ask.reason)
        }
    }

    /// What comes with a command that nobody gave.
    pub(super) fn context_of(&self, reason: &str) -> ProposeContext {
        ProposeContext {
            reason: reason.to_owned(),
            new_salt: rand::random(),
            now_unix_ms: self.clock.unix_ms(),
            ..ProposeContext::default()
        }
    }

    /// Adds what the process knows of the route.
    pub(super) fn know(&self, route: &RouteId, context: &mut ProposeContext) {
        let Some(control) = self.routes.get(route) else {
            return;
        };
        let sources = self.sources();
        context.baseline = (sources.baseline)(route);
        context.killed = (sources.killed)();
        context.in_stage = Some(lock(&control.stood).so_far(self.clock.instant()));
        context.reports = control.current_reports();
        context.log = self.log_room(control);
        let oldest = control.unresolved.load(Ordering::Relaxed);
        context.oldest_unresolved_unix_micros = (oldest > 0).then_some(oldest);
    }

    /// Whom to ask.
    pub(super) fn sources(&self) -> Sources {
        self.sources.get().cloned().unwrap_or_default()
    }

    /// Makes a change. Blocks on the disk; whatever must not wait for it is in effect already by `cap`.
    pub(super) fn change(
        &self,
        route: &RouteId,
        command: &Command,
        actor: &Actor,
        mut context: ProposeContext,
        cap: Option<&CapId>,
    ) -> Result<Changed, ControlError> {
        let control = self
            .routes
            .get(route)
            .ok_or_else(|| ControlError::UnknownRoute(route.to_string()))?;
        let mut disk = lock(&self.disk);
        if *command == Command::Advance {
            self.count_coverage(&mut disk, control);
        }
        // It may have waited for its turn; what is decided and what is recorded are dated alike.
        context.now_unix_ms = self.clock.unix_ms();
        let by = (actor, context.now_unix_ms);
        let proposal = {
            let rollout = lock(&control.rollout);
            let proposal = rollout.propose(command, actor, &context);
            proposal.and_then(|proposal| not_while_held(control, proposal))
        };
        match proposal {
            Err(refusal) => {
                // Another change came first and made this one void.
                lift(control, cap);
                Err(refusal.into())
            }
            Ok(proposal) if changes_nothing(control, &proposal.change) => {
                lift(control, cap);
                Ok(Changed::Unchanged)
            }
            Ok(proposal) if proposal.change.is_toward_primary() => {
                Ok(self.record_after(&mut disk, control, proposal, by, cap))
            }
            Ok(proposal) => {
                let result = self.record_before(&mut disk, control, proposal, by);
                lift(control, cap);
                result
            }
        }
    }

    /// A sequential test demands a roll-back.
    pub(super) fn roll_back_by_alarm(&self, disk: &mut Disk, control: &RouteControl, alarm: Alarm) {
        let cap = control
            .publisher
            .cap_share(crossfade_exchange::Percent::ZERO);
        let actor = Actor::engine(&alarm);
        let context = self.context_of("");
        let proposal = lock(&control.rollout).propose(&Command::Alarm(alarm), &actor, &context);
        match proposal {
            Ok(proposal) => {
                let by = (&actor, context.now_unix_ms);
                self.record_after(disk, control, proposal, by, Some(&cap));
            }
            // The cap stays: whatever is wrong, the primary answers.
            Err(refusal) => tracing::error!(%refusal, "control.alarm.refused"),
        }
    }

    /// Switches mirroring for every route.
    pub(super) fn switch_mirror(
        &self,
        change: Change,
        ask: Ask,
        caps: &[CapId],
    ) -> Result<Changed, ControlError> {
        let mut disk = lock(&self.disk);
        let toward_primary = change.is_toward_primary();
        let refuse = |problem: String| {
            self.note_trouble(&problem);
            ControlError::NotRecorded(problem)
        };
        if !toward_primary {
            disk.ready().map_err(refuse)?;
        }
        let Some(sequence) = disk.next_sequence() else {
            if toward_primary {
                return Ok(Changed::InMemory);
            }
            return Err(refuse("the ledger is not available".to_owned()));
        };
        let entry = Entry {
            sequence,
            at_unix_ms: self.clock.unix_ms(),
            route: None,
            actor: ask.actor,
            reason: ask.reason,
            change,
            evidence: Evidence::default(),
        };
        if !toward_primary {
            disk.record_before(&entry).map_err(refuse)?;
        }
        for control in self.routes.values() {
            let split = {
                let mut rollout = lock(&control.rollout);
                rollout.apply_entry(&entry);
                rollout.split()
            };
            control.publisher.set(split);
        }
        for (control, cap) in self.routes.values().zip(caps) {
            control.publisher.lift(cap);
        }
        tracing::info!(
            actor = %entry.actor, reason = entry.reason, change = %entry.change, "control.changed"
        );
        lock(&self.history).push(entry.clone());
        let changed = if toward_primary {
            self.write_after(&mut disk, &entry)
        } else {
            Changed::Recorded
        };
        self.note_head(&mut disk);
        Ok(changed)
    }

    /// In effect first, on record after.
    fn record_after(
        &self,
        disk: &mut Disk,
        control: &RouteControl,
        proposal: Proposal,
        (actor, at_unix_ms): (&Actor, u64),
        cap: Option<&CapId>,
    ) -> Changed {
        let Some(sequence) = disk.next_sequence() else {
            return self.hold_proposal(disk, control, proposal, actor);
        };
        let route = lock(&control.rollout).route().clone();
        let entry = proposal.into_entry(sequence, at_unix_ms, route, actor.clone());
        self.enter_after(disk, control, &entry, cap)
    }

    /// As [`Self::record_after`], of an entry as it stands.
    pub(super) fn enter_after(
        &self,
        disk: &mut Disk,
        control: &RouteControl,
        entry: &Entry,
        cap: Option<&CapId>,
    ) -> Changed {
        self.take_effect(control, entry, cap);
        let changed = self.write_after(disk, entry);
        self.note_head(disk);
        changed
    }

    /// On record first, in effect after.
    fn record_before(
        &self,
        disk: &mut Disk,
        control: &RouteControl,
        proposal: Proposal,
        (actor, at_unix_ms): (&Actor, u64),
    ) -> Result<Changed, ControlError> {
        let refuse = |problem: String| {
            self.note_trouble(&problem);
            ControlError::NotRecorded(problem)
        };
        if let Some(held) = lock(&control.held).as_ref() {
            return Err(ControlError::NotRecorded(held.text.clone()));
        }
        if let Some(bar) = lock(&control.bar).as_ref() {
            return Err(ControlError::NotRecorded(bar.problem.clone()));
        }
        disk.ready().map_err(refuse)?;
        let sequence = disk
            .next_sequence()
            .ok_or_else(|| refuse("the ledger is not available".to_owned()))?;
        let route = lock(&control.rollout).route().clone();
        let entry = proposal.into_entry(sequence, at_unix_ms, route, actor.clone());
        disk.record_before(&entry).map_err(refuse)?;
        self.take_effect(control, &entry, None);
        self.note_head(disk);
        Ok(Changed::Recorded)
    }

    fn take_effect(&self, control: &RouteControl, entry: &Entry, cap: Option<&CapId>) {
        let split = {
            let mut rollout = lock(&control.rollout);
            rollout.apply_entry(entry);
            lock(&control.stood).follow(&rollout, self.clock.instant());
            rollout.split()
        };
        if split.attempt.is_none() {
            // Evidence that could not be read belonged to an attempt that is over.
            *lock(&control.bar) = None;
        }
        if let Some(metrics) = self.metrics.control(split.route.as_str())
            && let Some(reason) = transition(&entry.change)
            && let Some(counter) = metrics.transitions.at(split.stage.index(), reason.index())
        {
            counter.increment(1);
        }
        log_change(&split, entry);
        match cap {
            Some(cap) => control.publisher.set_and_lift(split, cap),
            None => control.publisher.set(split),
        }
        lock(&self.history).push(entry.clone());
    }

    fn write_after(&self, disk: &mut Disk, entry: &Entry) -> Changed {
        let Err(problem) = disk.record_after(entry.clone()) else {
            return Changed::Recorded;
        };
        self.note_trouble(&problem);
        match disk.mark_waiting(entry) {
            Ok(()) => Changed::Kept,
            Err(problem) => {
                tracing::warn!(problem, "control.change.not_marked");
                Changed::InMemory
            }
        }
    }

    /// Something could not be written: leases will not be renewed until it can, and that is tried soon.
    pub(super) fn note_trouble(&self, problem: &str) {
        let known = lock(&self.history).problem.replace(problem.to_owned());
        if known.as_deref() != Some(problem) {
            tracing::warn!(problem, "control.ledger.not_writable");
        }
        self.trouble.notify_one();
    }

    /// Brings what is shown of the ledger in step with it.
    pub(super) fn note_head(&self, disk: &mut Disk) {
        let mut history = lock(&self.history);
        if let Some(started) = disk.take_fresh_start() {
            history.push(started);
        }
        history.head = disk.head().map(str::to_owned);
        history.unrecorded = disk.unrecorded();
    }
}

/// A hold counts from when it is asked for: what waited for the disk before it moves nothing any more.
fn not_while_held(control: &RouteControl, proposal: Proposal) -> Result<Proposal, Refusal> {
    let moves = matches!(
        proposal.change,
        Change::Advance { .. } | Change::Split { .. }
    );
    match lock(&control.holding).front() {
        Some(ask) if moves && !proposal.change.is_toward_primary() => Err(Refusal::Held {
            by: ask.actor.to_string(),
            reason: ask.reason.clone(),
        }),
        Some(_) | None => Ok(proposal),
    }
}

/// A share that is set to what it is: recording it would only hide the last real change. In stage `internal` the share is 0 and
/// the candidate answers somebody.
fn changes_nothing(control: &RouteControl, change: &Change) -> bool {
    match change {
        Change::Split { from, to, .. } => from == to && !lock(&control.rollout).is_above(*to),
        Change::Started
        | Change::Rollback { .. }
        | Change::Advance { .. }
        | Change::Observe { .. }
        | Change::GatesRestarted { .. }
        | Change::Hold
        | Change::Release
        | Change::Signoff { .. }
        | Change::Replayed { .. }
        | Change::Drilled { .. }
        | Change::Resume
        | Change::MirrorSwitched { .. } => false,
    }
}

fn lift(control: &RouteControl, cap: Option<&CapId>) {
    if let Some(cap) = cap {
        control.publisher.lift(cap);
    }
}

fn log_change(split: &Split, entry: &Entry) {
    let (route, revision) = (&split.route, split.revision);
    let Entry {
        actor,
        reason,
        change,
        ..
    } = entry;
    if let Change::Rollback { .. } = change {
        tracing::warn!(%route, revision, %actor, reason, %change, "control.rolled_back");
    } else {
        tracing::info!(%route, revision, %actor, reason, %change, "control.changed");
    }
}

/// Why the split changed, as a label; `None` if it did not.
fn transition(change: &Change) -> Option<TransitionReason> {
    match change {
        Change::Split {
            override_: true, ..
        } => Some(TransitionReason::Override),
        Change::Split { from, to, .. } if to > from => Some(TransitionReason::Raise),
        Change::Split { .. } => Some(TransitionReason::Lower),
        Change::Rollback {
            cause: Cause::Manual,
            ..
        } => Some(TransitionReason::Operator),
        Change::Rollback {
            cause: Cause::Alarm(_),
            ..
        } => Some(TransitionReason::Alarm),
        Change::Resume => Some(TransitionReason::Resume),
        Change::Advance { .. } => Some(TransitionReason::Advance),
        Change::Started
        | Change::MirrorSwitched { .. }
        | Change::Observe { .. }
        | Change::GatesRestarted { .. }
        | Change::Hold
        | Change::Release
        | Change::Signoff { .. }
        | Change::Replayed { .. }
        | Change::Drilled { .. } => None,
    }
}
