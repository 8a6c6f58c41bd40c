//! What is shown of the controller: routes, history, and gauges. Looking never waits for the disk.

use std::{sync::Arc, time::Instant};

use crossfade_exchange::{Group, Percent, RouteId};
use crossfade_rollout::{Engine, Entry, RouteStatus, Split, Stage};
use serde::{Deserialize, Serialize};

use super::{Controller, RouteControl, Shared, lock};
use crate::telemetry::{FreezeCause, RouteControlMetrics};

/// A route as operators see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteView {
    /// The rollout's own word.
    pub rollout: RouteStatus,
    /// The share that counts now, in percent: 0 while the lease is expired.
    pub effective_percent: f64,
    /// Time until the lease runs out; `None` without one.
    pub lease_seconds: Option<f64>,
    /// Why the route gets no lease, if not for the disk, or what holds its share down; also among what is missing.
    pub barred: Option<String>,
    /// Whether the candidate's breaker is open: then the primary answers, whatever the share.
    #[serde(default)]
    pub breaker_open: bool,
    /// What an operator should know at this share.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What the outcome logs take; `None` where nothing bounds them.
    #[serde(default)]
    pub outcome_log: Option<OutcomeLogState>,
}

/// What the outcome logs of a route take on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeLogState {
    /// That of the running attempt or shadow watch, in bytes.
    pub running_bytes: u64,
    /// Those of attempts and watches that have ended, in bytes: over the bound the oldest of these go.
    pub ended_bytes: u64,
    /// The most that all of them may take, in bytes. An attempt that alone takes more goes on.
    pub bound_bytes: u64,
}

/// A route that the ledger gave a share and that is not configured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Orphan {
    /// Its name.
    pub route: RouteId,
    /// The share it had, in percent, until this start set it to 0.
    pub percent: f64,
}

/// The ledger as operators see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LedgerState {
    /// Entries, those included that wait to be written.
    pub entries: u64,
    /// The hash of the last entry written.
    pub head: Option<String>,
    /// Whether it can be written, as far as is known.
    pub writable: bool,
    /// Changes toward the primary that are in effect and wait to be written.
    pub unrecorded: u64,
    /// Why it cannot be written.
    pub problem: Option<String>,
    /// Routes that it gave a share and that are not configured; this start has set them to 0.
    #[serde(default)]
    pub orphans: Vec<Orphan>,
}

/// The ledger's entries, and how it does.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Oldest first; changes are made by people and alarms, a few a day.
    pub(super) entries: Vec<Entry>,
    pub(super) head: Option<String>,
    pub(super) unrecorded: usize,
    pub(super) problem: Option<String>,
}

// === impl History ===

impl History {
    /// Adds an entry in its place.
    pub(super) fn push(&mut self, entry: Entry) {
        let at = self
            .entries
            .partition_point(|known| known.sequence < entry.sequence);
        self.entries.insert(at, entry);
    }
}

// === impl Controller ===

impl Controller {
    /// One route.
    pub fn route_view(&self, route: &RouteId) -> Option<RouteView> {
        self.shared
            .routes
            .get(route)
            .map(|control| self.view(control, self.shared.clock.instant()))
    }

    /// Every route, by name.
    pub fn route_views(&self) -> Vec<RouteView> {
        let now = self.shared.clock.instant();
        self.shared
            .routes
            .values()
            .map(|control| self.view(control, now))
            .collect()
    }

    /// Whether copies may be sent, on every route.
    pub fn mirror_enabled(&self) -> bool {
        self.shared
            .routes
            .values()
            .all(|control| control.publisher.published().mirror_enabled)
    }

    /// How the ledger does.
    pub fn ledger_state(&self) -> LedgerState {
        let history = lock(&self.shared.history);
        LedgerState {
            entries: history.entries.len() as u64,
            head: history.head.clone(),
            writable: history.problem.is_none(),
            unrecorded: history.unrecorded as u64,
            problem: history.problem.clone(),
            orphans: self.orphans(),
        }
    }

    /// Whether a route is configured, or the ledger knows it.
    pub fn knows(&self, route: &RouteId) -> bool {
        let named = |entry: &Entry| entry.route.as_ref() == Some(route);
        self.shared.routes.contains_key(route)
            || lock(&self.shared.history).entries.iter().any(named)
    }

    fn orphans(&self) -> Vec<Orphan> {
        let orphans = self.shared.orphans.get().into_iter().flatten();
        orphans
            .map(|(route, share)| Orphan {
                route: route.clone(),
                percent: share.percent(),
            })
            .collect()
    }

    /// Entries of one route or all (those that concern every route are always among them): the newest `limit`, or with
    /// `after` the first `limit` behind that number. Oldest first.
    pub fn entries(&self, route: Option<&RouteId>, limit: usize, after: Option<u64>) -> Vec<Entry> {
        let history = lock(&self.shared.history);
        let mut fitting = history.entries.iter().filter(|entry| {
            let of_route =
                route.is_none() || entry.route.is_none() || entry.route.as_ref() == route;
            of_route && after.is_none_or(|after| entry.sequence > after)
        });
        if after.is_some() {
            return fitting.take(limit).cloned().collect();
        }
        let mut newest: Vec<Entry> = fitting.by_ref().rev().take(limit).cloned().collect();
        newest.reverse();
        newest
    }

    fn view(&self, control: &RouteControl, now: Instant) -> RouteView {
        let (route, stage) = {
            let rollout = lock(&control.rollout);
            (rollout.route().clone(), rollout.stage())
        };
        let mut context = self.shared.context_of("");
        self.shared.know(&route, &mut context);
        if stage == Stage::Window {
            context.closing.open_reviews = (self.shared.sources().open_reviews)(&route);
        }
        let (mut rollout, reverse_share) = {
            let folded = lock(&control.rollout);
            (folded.status(&context), folded.plan().reverse_share)
        };
        let breaker_open = (self.shared.sources().breaker_open)(&route);
        let held = lock(&control.held).as_ref().map(|held| held.text.clone());
        let barred = held.or_else(|| lock(&control.bar).as_ref().map(|bar| bar.problem.clone()));
        rollout.missing.extend(barred.clone());
        let split: Arc<Split> = control.publisher.published();
        let lease = split
            .lease_until
            .map(|until| until.saturating_duration_since(now).as_secs_f64());
        RouteView {
            rollout,
            effective_percent: effective_ratio(&split, now) * 100.0,
            lease_seconds: lease,
            barred,
            breaker_open,
            notes: notes(&split, reverse_share, breaker_open),
            outcome_log: self.shared.log_state(control),
        }
    }

    /// Brings the gauges in step; called at each scrape.
    pub fn export_metrics(&self) {
        let (metrics, now) = (&self.shared.metrics, self.shared.clock.instant());
        let ledger = self.ledger_state();
        metrics
            .control
            .writable
            .set(f64::from(u8::from(ledger.writable)));
        #[expect(clippy::cast_precision_loss, reason = "a count for display")]
        metrics.control.entries.set(ledger.entries as f64);
        for (route, control) in &self.shared.routes {
            let Some(handles) = metrics.control(route.as_str()) else {
                continue;
            };
            let view = self.view(control, now);
            let split = control.publisher.published();
            handles.split.set(effective_ratio(&split, now));
            handles.lease.set(view.lease_seconds.unwrap_or(0.0));
            let held = lock(&control.held)
                .as_ref()
                .is_some_and(|held| held.rolled_back);
            let rolled_back = held || view.rollout.rolled_back.is_some();
            handles.rolled_back.set(flag(rolled_back));
            for (stage, gauge) in Stage::ALL.iter().zip(handles.stage.iter()) {
                gauge.set(flag(*stage == split.stage));
            }
            #[expect(clippy::cast_precision_loss, reason = "a size for display")]
            handles
                .memory
                .set(lock(&control.rollout).memory_bytes() as f64);
            if let Some(log) = view.outcome_log {
                let bytes = log.running_bytes + log.ended_bytes;
                #[expect(clippy::cast_precision_loss, reason = "sizes for display")]
                let (bytes, bound) = (bytes as f64, log.bound_bytes as f64);
                handles.log_bytes.set(bytes);
                handles.log_ratio.set(bytes / bound);
            }
            export_tests(handles, &view.rollout);
        }
    }
}

impl Shared {
    fn log_state(&self, control: &RouteControl) -> Option<OutcomeLogState> {
        let bound_bytes = self.sources().outcome_log_bytes;
        let logs = control.log_sizes();
        (bound_bytes < u64::MAX).then_some(OutcomeLogState {
            running_bytes: logs.running_bytes,
            ended_bytes: logs.ended_bytes,
            bound_bytes,
        })
    }
}

fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}

/// What the tests and the gates say, and what lets nothing advance.
fn export_tests(handles: &RouteControlMetrics, rollout: &RouteStatus) {
    handles.held.set(flag(rollout.held.is_some()));
    handles.failing.set(flag(rollout.failing.is_some()));
    for (cause, gauge) in FreezeCause::ALL.iter().zip(handles.frozen.iter()) {
        let frozen = rollout.freeze.as_ref().map(FreezeCause::of);
        gauge.set(flag(frozen == Some(*cause)));
    }
    // A metric that no attempt watches shows no evidence, and a gate that the stage does not have no more.
    let alarms = Engine::ALL
        .iter()
        .flat_map(|engine| Group::ALL.iter().map(move |group| (engine, group)))
        .filter_map(|(engine, group)| handles.alarm.at(engine.index(), group.index()));
    handles
        .evidence
        .iter()
        .chain(handles.gate.iter())
        .chain(alarms)
        .for_each(|gauge| gauge.set(0.0));
    for metric in &rollout.metrics {
        if let Some(gauge) = handles.evidence.at(metric.metric.index()) {
            gauge.set(metric.evidence_ratio.max(metric.pairs_ratio));
        }
    }
    for group in &rollout.groups {
        if let Some(gauge) = handles.alarm.at(group.engine.index(), group.group.index()) {
            gauge.set(group.alarm_ratio);
        }
    }
    for standing in &rollout.standings {
        if let Some(gauge) = handles.gate.at(standing.gate.index()) {
            gauge.set(standing.gate_ratio);
        }
    }
}

/// What the tests cannot do at this share, or while the candidate is hardly asked.
fn notes(split: &Split, reverse_share: Percent, breaker_open: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if breaker_open {
        let blind = if split.share.is_whole() {
            "of these P sees what is mirrored back, which may be none for long: roll back by hand if it stays open"
        } else {
            "R and P see these alone, gates and coverage count what is kept back"
        };
        notes.push(format!(
            "BREAKER OPEN, over half of 20 calls to the candidate failed: the primary answers, one call in 30 s tries; {blind}"
        ));
    }
    let note = if split.share.is_whole() && reverse_share.is_zero() {
        "R is silent at 100 %, and without mirror.reverse_share P too: nothing rolls back by itself"
    } else if split.share.is_whole() {
        "R is silent at 100 %: what rolls back by itself is P, on what is mirrored back to the primary"
    } else if split.share.percent() > 95.0 {
        "R sees little of the primary above 95 %, so a roll-back by it takes longer"
    } else {
        return notes;
    };
    notes.push(note.to_owned());
    notes
}

fn effective_ratio(split: &Split, now: Instant) -> f64 {
    if split.lease_valid(now) {
        split.share.ratio()
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_the_whole_share_it_is_said_what_still_rolls_back() {
        let check = |percent: f64, reverse: f64, expected: Option<&str>| {
            let split = Split {
                share: Percent::new(percent).unwrap(),
                ..Split::initial(RouteId::new("support"))
            };
            let reverse = Percent::new(reverse).unwrap();
            let kept_back = super::notes(&split, reverse, true);
            let notes = notes(&split, reverse, false);
            let by_hand = kept_back
                .first()
                .unwrap()
                .ends_with("roll back by hand if it stays open");
            assert_eq!(by_hand, split.share.is_whole(), "{kept_back:?}");
            assert_eq!(kept_back.get(1..), Some(&*notes));
            let found = notes.first().map(String::as_str);
            assert_eq!(found.is_some(), expected.is_some(), "{percent} {reverse}");
            let (found, expected) = (found.unwrap_or_default(), expected.unwrap_or_default());
            assert!(found.contains(expected), "{percent} {reverse}: {found}");
        };
        check(50.0, 0.0, None);
        check(96.0, 0.0, Some("little of the primary"));
        check(100.0, 0.0, Some("nothing rolls back by itself"));
        check(100.0, 5.0, Some("is P, on what is mirrored back"));
    }
}
