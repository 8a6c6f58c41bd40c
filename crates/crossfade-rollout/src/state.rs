//! A route's rollout: a fold of ledger entries and decided outcomes. What it says now, the split, is all that the
//! data plane sees of it.

use crossfade_exchange::{Percent, RouteId};

use crate::{
    Alarm, AttemptFacts, Change, Entry, Evidence, LastChange, Record, RolledBack, RoutePlan, Split,
    Stage, running::Running,
};

/// One route's rollout.
///
/// Two folds of the same entries and outcomes in the same order are equal to the bit. The order between the two is
/// kept by [`Evidence::decided`]: an entry stands behind that many outcomes of its attempt (see
/// [`refold`](crate::refold())). A running attempt holds up to about 16 MiB ([`Self::memory_bytes`]).
#[derive(Clone, Debug)]
pub struct RouteRollout {
    plan: RoutePlan,
    revision: u64,
    share: Percent,
    salt: u64,
    mirror_enabled: bool,
    last_attempt: u64,
    running: Option<Running>,
    rolled_back: Option<RolledBack>,
    last_change: Option<LastChange>,
    ignored: u64,
}

impl RouteRollout {
    /// A route of which the ledger says nothing: the primary answers everything.
    pub const fn new(plan: RoutePlan) -> Self {
        Self {
            plan,
            revision: 0,
            share: Percent::ZERO,
            salt: 0,
            mirror_enabled: true,
            last_attempt: 0,
            running: None,
            rolled_back: None,
            last_change: None,
            ignored: 0,
        }
    }

    /// Replaces what the configuration says. A running attempt keeps what it froze.
    pub fn set_plan(&mut self, plan: RoutePlan) {
        self.plan = plan;
    }

    /// Takes a ledger entry in; one of another route changes nothing. A raise without an attempt to belong to, which
    /// no proposal makes, is not followed: nothing moves toward the candidate by a damaged ledger.
    pub fn apply_entry(&mut self, entry: &Entry) {
        if entry
            .route
            .as_ref()
            .is_some_and(|route| *route != self.plan.route)
        {
            return;
        }
        match &entry.change {
            Change::Started => return,
            Change::MirrorSwitched { enabled } => {
                self.mirror_enabled = *enabled;
                return;
            }
            Change::Split {
                to,
                salt,
                new_attempt,
                ..
            } => {
                self.apply_split(*to, *salt, new_attempt.as_deref());
            }
            Change::Rollback { cause, .. } => {
                self.share = Percent::ZERO;
                self.running = None;
                // A second one, by hand and to be sure, must not hide what the first one found.
                self.rolled_back.get_or_insert_with(|| RolledBack {
                    at_unix_ms: entry.at_unix_ms,
                    actor: entry.actor.clone(),
                    reason: entry.reason.clone(),
                    cause: cause.clone(),
                    evidence: entry.evidence.clone(),
                });
            }
            Change::Resume => self.rolled_back = None,
            Change::Observe { .. }
            | Change::GatesRestarted { .. }
            | Change::Advance { .. }
            | Change::Hold
            | Change::Release
            | Change::Signoff { .. }
            | Change::Replayed { .. }
            | Change::Drilled { .. } => {}
        }
        self.revision += 1;
        self.last_change = Some(LastChange::of(entry));
    }

    fn apply_split(&mut self, to: Percent, salt: u64, new_attempt: Option<&AttemptFacts>) {
        let raises = to > self.share;
        if raises && self.rolled_back.is_some() {
            return;
        }
        match (new_attempt, &mut self.running) {
            (Some(facts), _) => {
                self.last_attempt = self.last_attempt.max(facts.id);
                self.running = Some(Running::new(facts.clone()));
            }
            // The raise that begins an attempt is no step: there is nothing yet to step from.
            (None, Some(running)) if raises => running.ramp_step(),
            (None, None) if raises => return,
            (None, _) => {}
        }
        self.share = to;
        self.salt = salt;
    }

    /// Whether an outcome belongs to the running attempt: exactly these go to its log and then to
    /// [`Self::apply`].
    pub fn takes(&self, record: &Record) -> bool {
        self.running
            .as_ref()
            .is_some_and(|running| running.facts().id == record.attempt())
    }

    /// Takes a decided outcome in; one of another attempt is counted and changes nothing. Returns the alarm the first
    /// time that the evidence suffices for a roll-back; after that [`Self::alarm`] keeps it until the roll-back's
    /// entry is applied.
    pub fn apply(&mut self, record: &Record) -> Option<Alarm> {
        let drawn = match record {
            Record::Answer(decided) => decided.probability > 0.0 && decided.probability < 1.0,
            Record::Pair(_) | Record::Differences(_) | Record::Coverage(_) => true,
        };
        match &mut self.running {
            Some(running) if drawn && running.facts().id == record.attempt() => {
                running.apply(record)
            }
            Some(_) | None => {
                self.ignored += 1;
                None
            }
        }
    }

    /// What the data plane may do now; the lease is whoever publishes it to add.
    pub fn split(&self) -> Split {
        Split {
            route: self.plan.route.clone(),
            revision: self.revision,
            share: self.share,
            salt: self.salt,
            stage: self.stage(),
            attempt: self.attempt().cloned(),
            mirror_enabled: self.mirror_enabled,
            lease_until: None,
            drill: 0,
        }
    }

    /// The route.
    pub const fn route(&self) -> &RouteId {
        &self.plan.route
    }

    /// What the configuration says.
    pub const fn plan(&self) -> &RoutePlan {
        &self.plan
    }

    /// How far the route has come: `shadow` at 0 %, `ramp` above.
    pub fn stage(&self) -> Stage {
        if self.share.is_zero() {
            Stage::Shadow
        } else {
            Stage::Ramp
        }
    }

    /// The candidate's share.
    pub const fn share(&self) -> Percent {
        self.share
    }

    /// The salt that units are drawn with.
    pub const fn salt(&self) -> u64 {
        self.salt
    }

    /// Grows by one with each recorded change of the route.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether copies may be sent.
    pub const fn mirror_enabled(&self) -> bool {
        self.mirror_enabled
    }

    /// The running attempt.
    pub fn attempt(&self) -> Option<&AttemptFacts> {
        self.running.as_ref().map(Running::facts)
    }

    /// The number of the last attempt, running or not; 0 before the first.
    pub const fn last_attempt(&self) -> u64 {
        self.last_attempt
    }

    /// Outcomes of the running attempt that were applied: the place in its log.
    pub fn decided(&self) -> u64 {
        self.running.as_ref().map_or(0, Running::decided)
    }

    /// Outcomes that belonged to no running attempt.
    pub const fn ignored(&self) -> u64 {
        self.ignored
    }

    /// The alarm of the running attempt, if its evidence ever sufficed: a roll-back is due.
    pub fn alarm(&self) -> Option<&Alarm> {
        self.running.as_ref().and_then(Running::alarm)
    }

    /// About how many bytes the running attempt holds now; bounded, however many users there are.
    pub fn memory_bytes(&self) -> usize {
        self.running.as_ref().map_or(0, Running::memory_bytes)
    }

    /// The roll-back that the route stands in.
    pub const fn rolled_back(&self) -> Option<&RolledBack> {
        self.rolled_back.as_ref()
    }

    /// The last recorded change.
    pub const fn last_change(&self) -> Option<&LastChange> {
        self.last_change.as_ref()
    }

    /// What the running attempt's statistics know; empty without one.
    pub fn evidence(&self) -> Evidence {
        self.running
            .as_ref()
            .map(Running::evidence)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
