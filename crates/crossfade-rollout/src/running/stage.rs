//! What a stage has added up to: its gates, the units it has seen and what was compared. Begins anew with each stage, each step of the
//! ramp and each change of what the evidence means. Whether that suffices is not said here.

use std::collections::HashSet;

use crossfade_exchange::{Gate, Group, Metric, SizeClass, Unit};

use crate::{
    Coverage, DecidedPair, Differences, Evidence, GateRules, MOST_UNITS, PairResult, SizeCoverage,
    gate::GateTally,
    windows::{Window, Windows, key},
};

/// The stage's counts.
#[derive(Clone, Debug)]
pub(super) struct StageTally {
    gates: Vec<GateTally>,
    windows: Windows,
    units: HashSet<u64>,
    coverage: [(u64, u64); SizeClass::ALL.len()],
    /// What was sent before is not of this stage.
    since_micros: u64,
}

impl StageTally {
    pub(super) fn new(rules: &GateRules) -> Self {
        Self {
            gates: gates(rules),
            windows: Windows::new(length(rules)),
            units: HashSet::new(),
            coverage: Default::default(),
            since_micros: 0,
        }
    }

    pub(super) fn restart(&mut self, rules: &GateRules, at_unix_ms: u64) {
        self.gates = gates(rules);
        self.windows.restart(length(rules));
        self.units.clear();
        self.coverage = Default::default();
        self.since_micros = at_unix_ms.saturating_mul(1_000);
    }

    /// Ends the windows whose time is over.
    pub(super) fn close_due(&mut self, clock: u64) {
        while let Some(window) = self.windows.close_due(clock) {
            self.sample(&window);
        }
    }

    /// A mirrored request: `c − p` for each gate of its group's metrics.
    pub(super) fn pair(&mut self, pair: &DecidedPair, clock: u64) {
        // What people said of a pair days later is no gate's, and its unit was counted when the pair was compared.
        if pair.key.sent_unix_micros < self.since_micros || pair.group == Group::Review {
            return;
        }
        if let PairResult::Compared { .. } = pair.result
            && self.units.len() < MOST_UNITS
        {
            self.units.insert(key(pair.unit));
        }
        let value = |metric: Metric| -> Option<i32> {
            let here = metric.group() == pair.group && pair.applies.contains(metric);
            match pair.result {
                PairResult::Compared { primary, candidate } if here => Some(
                    i32::from(candidate.contains(metric)) - i32::from(primary.contains(metric)),
                ),
                // Nothing but transport is known of what was not asked: a failed request counts as failed by both, one that
                // the breaker kept back as failed by the candidate.
                PairResult::PrimaryFailed if here && metric == Metric::Transport => Some(0),
                PairResult::BreakerOpen { primary } if here && metric == Metric::Transport => {
                    Some(1 - i32::from(primary.contains(metric)))
                }
                PairResult::Compared { .. }
                | PairResult::PrimaryFailed
                | PairResult::BreakerOpen { .. } => None,
            }
        };
        self.add(pair.unit, clock, |gate| value(gate.metric()?));
    }

    /// `D − N` for each gate that a request says something of.
    pub(super) fn differences(&mut self, differences: &Differences, clock: u64) {
        if differences.sent_unix_micros < self.since_micros {
            return;
        }
        self.add(differences.unit, clock, |gate| {
            if gate.needs_repeats() {
                differences.scaled(gate).map(i32::from)
            } else {
                None
            }
        });
    }

    pub(super) fn coverage(&mut self, coverage: &Coverage) {
        if let Some((selected, compared)) = self.coverage.get_mut(coverage.size.index()) {
            *selected += u64::from(coverage.selected);
            *compared += u64::from(coverage.compared);
        }
    }

    /// The stage's part of the evidence.
    pub(super) fn evidence(&self) -> Evidence {
        let coverage = SizeClass::ALL.iter().zip(self.coverage);
        Evidence {
            gates: self.gates.iter().map(GateTally::evidence).collect(),
            units: self.units.len() as u64,
            coverage: coverage
                .filter(|(_, (selected, _))| *selected > 0)
                .map(|(size, (selected, compared))| SizeCoverage {
                    size: *size,
                    selected,
                    compared,
                })
                .collect(),
            closed_early: self.windows.closed_early(),
            ..Evidence::default()
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.gates.capacity() * size_of::<GateTally>()
            + self.windows.memory_bytes()
            + self.units.capacity() * (size_of::<u64>() + 2)
    }

    fn add(&mut self, unit: Unit, clock: u64, value: impl Fn(Gate) -> Option<i32>) {
        let mut says_something = false;
        for tally in &mut self.gates {
            if value(tally.gate()).is_some() {
                tally.request();
                says_something = true;
            }
        }
        if !says_something {
            return;
        }
        if let Some(window) = self.windows.close_for(unit) {
            self.sample(&window);
        }
        if let Some(window) = self.windows.of(unit, clock) {
            for tally in &self.gates {
                if let Some(value) = value(tally.gate()) {
                    window.add(tally.gate(), value);
                }
            }
        }
    }

    fn sample(&mut self, window: &Window) {
        for tally in &mut self.gates {
            if let Some(mean) = window.mean(tally.gate()) {
                tally.sample(mean);
            }
        }
    }
}

fn gates(rules: &GateRules) -> Vec<GateTally> {
    let margins = rules.margins.iter();
    margins
        .map(|(gate, margin)| {
            let named = rules.named.contains(gate);
            GateTally::new(*gate, *margin, named, rules.alpha)
        })
        .collect()
}

fn length(rules: &GateRules) -> u64 {
    u64::try_from(rules.unit_window.as_micros()).unwrap_or(u64::MAX)
}
