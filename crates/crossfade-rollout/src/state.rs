//! A route's rollout: a fold of ledger entries and decided outcomes. What it says now, the split, is all that the
//! data plane sees of it.

mod apply;

use crossfade_exchange::{Group, OutcomeKey, Percent, RouteId};

use crate::{
    Alarm, AttemptFacts, DrillResult, Evidence, LastChange, Phase, Record, ReplayResult,
    RolledBack, RoutePlan, Signoff, Split, Stage, running::Running,
};

/// One route's rollout.
///
/// Two folds of the same entries and outcomes in the same order are equal to the bit. The order between the two is
/// kept by [`Evidence::decided`]: an entry stands behind that many outcomes of its attempt (see
/// [`refold`](crate::refold())). Of the plan the fold reads nothing but the route's name and whether it begins with stage
/// `replay`; all else that decides is in the entries. A running attempt holds up to about 17 MiB
/// ([`Self::memory_bytes`]).
#[derive(Clone, Debug)]
pub struct RouteRollout {
    plan: RoutePlan,
    revision: u64,
    /// `None` until an entry says one: the plan's first.
    stage: Option<Stage>,
    entered_unix_ms: u64,
    entrances: u64,
    share: Percent,
    reached: Percent,
    salt: u64,
    mirror_enabled: bool,
    last_attempt: u64,
    running: Option<Running>,
    rolled_back: Option<RolledBack>,
    held: Option<LastChange>,
    signoff: Option<Signoff>,
    replayed: Option<(ReplayResult, String)>,
    last_drill: Option<(u64, DrillResult)>,
    last_change: Option<LastChange>,
    ignored: u64,
}

impl RouteRollout {
    /// A route of which the ledger says nothing: the primary answers everything.
    pub const fn new(plan: RoutePlan) -> Self {
        Self {
            plan,
            revision: 0,
            stage: None,
            entered_unix_ms: 0,
            entrances: 0,
            share: Percent::ZERO,
            reached: Percent::ZERO,
            salt: 0,
            mirror_enabled: true,
            last_attempt: 0,
            running: None,
            rolled_back: None,
            held: None,
            signoff: None,
            replayed: None,
            last_drill: None,
            last_change: None,
            ignored: 0,
        }
    }

    /// Replaces what the configuration says. A running attempt keeps what it froze.
    pub fn set_plan(&mut self, plan: RoutePlan) {
        self.plan = plan;
    }

    /// Whether an outcome belongs to the running attempt, and what people said of a pair comes in the order of sending: exactly
    /// these go to its log and then to [`Self::apply`].
    pub fn takes(&self, record: &Record) -> bool {
        self.running
            .as_ref()
            .is_some_and(|running| running.takes(record))
    }

    /// Of a batch, in its order, what goes to the log: all that [`Self::takes`], and of pairs that people were asked about each once.
    pub fn taken(&self, batch: &[Record]) -> Vec<Record> {
        let mut last = self.last_review();
        let mut is_later = |record: &Record| match record {
            Record::Pair(pair) if pair.group == Group::Review => {
                let later = last.is_none_or(|last| last < pair.key);
                last = last.max(Some(pair.key));
                later
            }
            Record::Pair(_) | Record::Answer(_) | Record::Differences(_) | Record::Coverage(_) => {
                true
            }
        };
        let mine = batch.iter().filter(|record| self.takes(record));
        mine.filter(|record| is_later(record)).copied().collect()
    }

    /// The last pair of the running attempt that entered with what people said of it, by its place in the order.
    pub fn last_review(&self) -> Option<OutcomeKey> {
        self.running.as_ref().and_then(Running::last_review)
    }

    /// Takes a decided outcome in; one of another attempt, or one too late, is counted and changes nothing. Returns the alarm the first
    /// time that the evidence suffices for a roll-back; after that [`Self::alarm`] keeps it until the roll-back's
    /// entry is applied. In stage `shadow` there is nothing to roll back: then [`Self::failing`] keeps it, and nothing is
    /// returned.
    pub fn apply(&mut self, record: &Record) -> Option<Alarm> {
        let drawn = match record {
            Record::Answer(decided) => decided.probability > 0.0 && decided.probability < 1.0,
            Record::Pair(_) | Record::Differences(_) | Record::Coverage(_) => true,
        };
        match &mut self.running {
            Some(running) if drawn && running.takes(record) => {
                let alarm = running.apply(record);
                alarm.filter(|_| running.facts().phase == Phase::Attempt)
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

    /// How far the route has come.
    pub fn stage(&self) -> Stage {
        self.stage.unwrap_or_else(|| self.plan.first_stage())
    }

    /// Since when the stage, or the step of the ramp, counts, in milliseconds since the Unix epoch: the entry that began it, or
    /// that began its gates anew. 0 before the first.
    pub const fn entered_unix_ms(&self) -> u64 {
        self.entered_unix_ms
    }

    /// How often [`Self::entered_unix_ms`] was set: it grows whenever a stage, a step or its gates begin, also where two dates are
    /// alike.
    pub const fn entrances(&self) -> u64 {
        self.entrances
    }

    /// The largest share that an advance, or an owner, has granted in this attempt: up to it any operator may raise. 0 outside
    /// of an attempt.
    pub const fn reached(&self) -> Percent {
        self.reached
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

    /// How often the primary failed mirrored requests of the shadow watch that runs, if it has seen enough of them.
    pub(crate) fn shadow_bad_rate(&self) -> Option<f64> {
        self.running.as_ref().and_then(Running::primary_bad_rate)
    }

    /// Outcomes that belonged to no running attempt.
    pub const fn ignored(&self) -> u64 {
        self.ignored
    }

    /// The alarm of the running attempt, if its evidence ever sufficed: a roll-back is due.
    pub fn alarm(&self) -> Option<&Alarm> {
        self.alarm_in(Phase::Attempt)
    }

    /// What the shadow watch has found against the candidate, if its evidence ever sufficed: nothing advances until an owner
    /// resumes, or the configuration changes.
    pub fn failing(&self) -> Option<&Alarm> {
        self.alarm_in(Phase::Shadow)
    }

    fn alarm_in(&self, phase: Phase) -> Option<&Alarm> {
        let running = self.running.as_ref();
        running
            .filter(|running| running.facts().phase == phase)
            .and_then(Running::alarm)
    }

    /// Who lets nothing advance, and why.
    pub const fn held(&self) -> Option<&LastChange> {
        self.held.as_ref()
    }

    /// The last sign-off of the stage, whether or not it still counts.
    pub const fn signoff(&self) -> Option<&Signoff> {
        self.signoff.as_ref()
    }

    /// The last run of a golden set, with the fingerprint of the configuration that it was of.
    pub const fn replayed(&self) -> Option<&(ReplayResult, String)> {
        self.replayed.as_ref()
    }

    /// The last drill, and when it was, in milliseconds since the Unix epoch.
    pub const fn last_drill(&self) -> Option<&(u64, DrillResult)> {
        self.last_drill.as_ref()
    }

    /// About how many bytes the running attempt holds now; bounded, however many users there are.
    pub fn memory_bytes(&self) -> usize {
        self.running.as_ref().map_or(0, Running::memory_bytes)
    }

    /// The roll-back that the route stands in.
    pub const fn rolled_back(&self) -> Option<&RolledBack> {
        self.rolled_back.as_ref()
    }

    /// The last change of who answers, or of whether that may change: not what was only counted, signed or tried.
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
