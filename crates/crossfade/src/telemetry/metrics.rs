//! The handles of the comparison worker and of the controller. The data plane holds its own.

use std::collections::BTreeMap;

use crossfade_exchange::{Check, CheckOutcome, Gate, Group, Metric, Role, Side};
use crossfade_rollout::{Engine, Stage};
use metrics::{Counter, Gauge, Histogram};

use super::{
    catalogue::{AGREEMENT, MICROS, metric_struct},
    dollars::Dollars,
    labels::{
        EvidenceOutcome, ExchangeLabel, FreezeCause, OpinionKind, OpinionOutcome, OutcomeFate,
        Pairing, ReviewOutcome, TokenKind, TransitionReason,
    },
    money::RouteMoneyMetrics,
    recorder::Registrar,
};

/// Series of one metric along one closed label set.
#[derive(Debug)]
pub struct Family<T>(Vec<T>);

/// Series of one metric along two closed label sets.
#[derive(Debug)]
pub struct Grid<T>(Vec<Family<T>>);

metric_struct! {
    /// One route's comparison.
    pub struct RouteWorkerMetrics {
        /// Exchanges that left the queue, by verdict; unpaired ones had one recording only.
        exchanges: Family<Counter> = Counter("crossfade_exchanges_total", "", ["route", "verdict"], &[]);
        /// Checks of compared answers by outcome; pairing `candidate` compares the candidate with the primary, `noise` the primary with itself, asked twice, and `candidate_noise` the candidate with itself.
        checks: Family<Grid<Counter>> = Counter("crossfade_check_total", "", ["route", "check", "outcome", "pairing"], &[]);
        /// Agreement of the two answers by check, from 0 to 1.
        check_scores: Family<Histogram> = Histogram("crossfade_check_score", "ratio", ["route", "check"], AGREEMENT);
        /// Tokens of recorded answers by the provider's own count; reasoning is also part of output.
        tokens: Grid<Counter> = Counter("crossfade_tokens_total", "", ["route", "side", "kind"], &[]);
        /// Cost of recorded answers in US dollars, where prices are configured.
        cost: Grid<Dollars> = Counter("crossfade_cost_usd_total", "usd", ["route", "side", "role"], &[]);
    }
}

metric_struct! {
    /// The worker as a whole.
    pub struct WorkerMetrics {
        /// Time to compare one exchange.
        comparison: Histogram = Histogram("crossfade_comparison_seconds", "seconds", [], MICROS);
        /// Decided outcomes that wait because the outcome log cannot be written.
        held: Gauge = Gauge("crossfade_outcomes_held", "", [], &[]);
    }
}

metric_struct! {
    /// One route's reviews and evidence.
    pub struct RouteReviewMetrics {
        /// Pairs that wait for a person.
        open: Gauge = Gauge("crossfade_reviews_open", "", ["route"], &[]);
        /// Pairs that a person should look at, by what became of them.
        reviews: Family<Counter> = Counter("crossfade_reviews_total", "", ["route", "outcome"], &[]);
        /// Exchanges that were to be kept as evidence, by what became of them.
        evidence: Family<Counter> = Counter("crossfade_evidence_total", "", ["route", "outcome"], &[]);
        /// Opinions of models that were to be asked for, by what became of them.
        opinions: Grid<Counter> = Counter("crossfade_opinions_total", "", ["route", "kind", "outcome"], &[]);
        /// Cost of the judge in US dollars, where its price is configured.
        judge_cost: Dollars = Counter("crossfade_judge_cost_usd_total", "usd", ["route"], &[]);
    }
}

metric_struct! {
    /// What is kept as a whole.
    pub struct RecordsMetrics {
        /// Bytes of evidence on disk.
        bytes: Gauge = Gauge("crossfade_evidence_bytes", "bytes", [], &[]);
        /// Exchanges that are kept with their bodies.
        exchanges: Gauge = Gauge("crossfade_evidence_exchanges", "", [], &[]);
    }
}

metric_struct! {
    /// One route's rollout.
    pub struct RouteControlMetrics {
        /// The share of traffic that the candidate may answer now, from 0 to 1; 0 while the lease is expired.
        split: Gauge = Gauge("crossfade_split_ratio", "ratio", ["route"], &[]);
        /// 1 for the stage the route is in, 0 for the others.
        stage: Family<Gauge> = Gauge("crossfade_stage", "", ["route", "stage"], &[]);
        /// The evidence for a roll-back by metric, of the test on the split or the one on pairs, whichever says more: its logarithm over that of the threshold; 1 rolls back.
        evidence: Family<Gauge> = Gauge("crossfade_evidence_ratio", "ratio", ["route", "metric"], &[]);
        /// The sum that rolls back, in logarithms, over the threshold; 1 rolls back.
        alarm: Grid<Gauge> = Gauge("crossfade_alarm_ratio", "ratio", ["route", "engine", "group"], &[]);
        /// The evidence that the candidate is not worse than the margin, by gate of the stage: its logarithm over that of the threshold; 1 passes.
        gate: Family<Gauge> = Gauge("crossfade_gate_ratio", "ratio", ["route", "metric"], &[]);
        /// 1 while the ramp stands still by itself, by cause.
        frozen: Family<Gauge> = Gauge("crossfade_frozen", "", ["route", "cause"], &[]);
        /// 1 while somebody lets the route not advance, until it is resumed.
        held: Gauge = Gauge("crossfade_held", "", ["route"], &[]);
        /// 1 while pairs of stage shadow speak so much against the candidate that the route may not advance.
        failing: Gauge = Gauge("crossfade_failing", "", ["route"], &[]);
        /// Memory that the statistics of the running attempt take.
        memory: Gauge = Gauge("crossfade_rollout_memory_bytes", "bytes", ["route"], &[]);
        /// What the outcome logs of the route take on disk.
        log_bytes: Gauge = Gauge("crossfade_outcome_log_bytes", "bytes", ["route"], &[]);
        /// The same over `data.outcome_log_bytes`; above 1 what runs is alone larger than the bound, and goes on.
        log_ratio: Gauge = Gauge("crossfade_outcome_log_ratio", "ratio", ["route"], &[]);
        /// Changes of the split by the stage they lead to and their reason.
        transitions: Grid<Counter> = Counter("crossfade_transitions_total", "", ["route", "to", "reason"], &[]);
        /// Time until the route's lease runs out; without one the candidate answers nothing, but in stages window and complete.
        lease: Gauge = Gauge("crossfade_lease_seconds", "seconds", ["route"], &[]);
        /// 1 while the route stands rolled back, until an owner resumes it.
        rolled_back: Gauge = Gauge("crossfade_rolled_back", "", ["route"], &[]);
        /// Outcomes of drawn answers by what became of them; only decided ones enter the sequential test.
        outcomes: Family<Counter> = Counter("crossfade_outcomes_total", "", ["route", "fate"], &[]);
    }
}

metric_struct! {
    /// The controller as a whole.
    pub struct ControlMetrics {
        /// 1 while the ledger and the outcome log can be written, 0 while leases are therefore not renewed.
        writable: Gauge = Gauge("crossfade_ledger_writable", "", [], &[]);
        /// Entries in the ledger.
        entries: Gauge = Gauge("crossfade_ledger_entries", "", [], &[]);
    }
}

/// Every handle of the worker and the controller.
#[derive(Debug)]
pub struct Metrics {
    routes: BTreeMap<String, (RouteWorkerMetrics, RouteControlMetrics)>,
    reviews: BTreeMap<String, RouteReviewMetrics>,
    money: BTreeMap<String, RouteMoneyMetrics>,
    /// The worker as a whole.
    pub worker: WorkerMetrics,
    /// What is kept as a whole.
    pub records: RecordsMetrics,
    /// The controller as a whole.
    pub control: ControlMetrics,
}

// === impl Family ===

impl<T> Family<T> {
    pub(super) fn new(
        names: impl IntoIterator<Item = &'static str>,
        make: impl FnMut(&'static str) -> T,
    ) -> Self {
        Self(names.into_iter().map(make).collect())
    }

    /// The series at a position of the label set.
    pub fn at(&self, index: usize) -> Option<&T> {
        self.0.get(index)
    }

    /// Every series, in the order of the label set.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}

// === impl Grid ===

impl<T> Grid<T> {
    pub(super) fn new(
        names: impl IntoIterator<Item = &'static str>,
        make: impl FnMut(&'static str) -> Family<T>,
    ) -> Self {
        Self(names.into_iter().map(make).collect())
    }

    /// The series at a position of both label sets.
    pub fn at(&self, first: usize, second: usize) -> Option<&T> {
        self.0.get(first)?.at(second)
    }
}

// === impl RouteWorkerMetrics ===

impl RouteWorkerMetrics {
    fn new(made: &Registrar<'_>, route: &str) -> Self {
        let check_names = || Check::ALL.iter().map(|check| check.as_str());
        let side_names = || Side::ALL.iter().map(|side| side.as_str());
        let outcome_names = || CheckOutcome::ALL.iter().map(|outcome| outcome.as_str());
        let pairings = Pairing::ALL.iter().map(|pairing| pairing.as_str());
        Self {
            exchanges: Family::new(ExchangeLabel::names(), |verdict| {
                made.counter(
                    "crossfade_exchanges_total",
                    &[("route", route), ("verdict", verdict)],
                )
            }),
            checks: Family::new(pairings, |pairing| {
                Grid::new(check_names(), |check| {
                    Family::new(outcome_names(), |outcome| {
                        let labels = [
                            ("route", route),
                            ("check", check),
                            ("outcome", outcome),
                            ("pairing", pairing),
                        ];
                        made.counter("crossfade_check_total", &labels)
                    })
                })
            }),
            check_scores: Family::new(check_names(), |check| {
                made.histogram(
                    "crossfade_check_score",
                    &[("route", route), ("check", check)],
                )
            }),
            tokens: Grid::new(side_names(), |side| {
                Family::new(TokenKind::ALL.iter().map(|kind| kind.as_str()), |kind| {
                    let labels = [("route", route), ("side", side), ("kind", kind)];
                    made.counter("crossfade_tokens_total", &labels)
                })
            }),
            cost: Grid::new(side_names(), |side| {
                Family::new(Role::ALL.iter().map(|role| role.as_str()), |role| {
                    Dollars::new(&[("route", route), ("side", side), ("role", role)])
                })
            }),
        }
    }
}

// === impl RouteReviewMetrics ===

impl RouteReviewMetrics {
    fn new(made: &Registrar<'_>, route: &str) -> Self {
        let reviews = ReviewOutcome::ALL.iter().map(|outcome| outcome.as_str());
        let evidence = EvidenceOutcome::ALL.iter().map(|outcome| outcome.as_str());
        Self {
            open: made.gauge("crossfade_reviews_open", &[("route", route)]),
            reviews: Family::new(reviews, |outcome| {
                let labels = [("route", route), ("outcome", outcome)];
                made.counter("crossfade_reviews_total", &labels)
            }),
            evidence: Family::new(evidence, |outcome| {
                let labels = [("route", route), ("outcome", outcome)];
                made.counter("crossfade_evidence_total", &labels)
            }),
            opinions: Grid::new(OpinionKind::ALL.iter().map(|kind| kind.as_str()), |kind| {
                let outcomes = OpinionOutcome::ALL.iter().map(|outcome| outcome.as_str());
                Family::new(outcomes, |outcome| {
                    let labels = [("route", route), ("kind", kind), ("outcome", outcome)];
                    made.counter("crossfade_opinions_total", &labels)
                })
            }),
            judge_cost: Dollars::new(&[("route", route)]),
        }
    }
}

// === impl RouteControlMetrics ===

impl RouteControlMetrics {
    fn new(made: &Registrar<'_>, route: &str) -> Self {
        let stage_names = || Stage::ALL.iter().map(|stage| stage.as_str());
        Self {
            split: made.gauge("crossfade_split_ratio", &[("route", route)]),
            stage: Family::new(stage_names(), |stage| {
                made.gauge("crossfade_stage", &[("route", route), ("stage", stage)])
            }),
            evidence: Family::new(Metric::ALL.iter().map(|metric| metric.as_str()), |metric| {
                made.gauge(
                    "crossfade_evidence_ratio",
                    &[("route", route), ("metric", metric)],
                )
            }),
            alarm: Grid::new(Engine::ALL.iter().map(|engine| engine.as_str()), |engine| {
                Family::new(Group::ALL.iter().map(|group| group.as_str()), |group| {
                    let labels = [("route", route), ("engine", engine), ("group", group)];
                    made.gauge("crossfade_alarm_ratio", &labels)
                })
            }),
            gate: Family::new(Gate::ALL.iter().map(|gate| gate.as_str()), |gate| {
                let labels = [("route", route), ("metric", gate)];
                made.gauge("crossfade_gate_ratio", &labels)
            }),
            frozen: Family::new(
                FreezeCause::ALL.iter().map(|cause| cause.as_str()),
                |cause| made.gauge("crossfade_frozen", &[("route", route), ("cause", cause)]),
            ),
            held: made.gauge("crossfade_held", &[("route", route)]),
            failing: made.gauge("crossfade_failing", &[("route", route)]),
            memory: made.gauge("crossfade_rollout_memory_bytes", &[("route", route)]),
            log_bytes: made.gauge("crossfade_outcome_log_bytes", &[("route", route)]),
            log_ratio: made.gauge("crossfade_outcome_log_ratio", &[("route", route)]),
            transitions: Grid::new(stage_names(), |to| {
                Family::new(
                    TransitionReason::ALL.iter().map(|reason| reason.as_str()),
                    |reason| {
                        let labels = [("route", route), ("to", to), ("reason", reason)];
                        made.counter("crossfade_transitions_total", &labels)
                    },
                )
            }),
            lease: made.gauge("crossfade_lease_seconds", &[("route", route)]),
            rolled_back: made.gauge("crossfade_rolled_back", &[("route", route)]),
            outcomes: Family::new(OutcomeFate::ALL.iter().map(|fate| fate.as_str()), |fate| {
                made.counter(
                    "crossfade_outcomes_total",
                    &[("route", route), ("fate", fate)],
                )
            }),
        }
    }
}

// === impl Metrics ===

impl Metrics {
    pub(super) fn new<'a>(made: &Registrar<'_>, routes: impl IntoIterator<Item = &'a str>) -> Self {
        let worker = WorkerMetrics {
            comparison: made.histogram("crossfade_comparison_seconds", &[]),
            held: made.gauge("crossfade_outcomes_held", &[]),
        };
        let control = ControlMetrics {
            writable: made.gauge("crossfade_ledger_writable", &[]),
            entries: made.gauge("crossfade_ledger_entries", &[]),
        };
        let records = RecordsMetrics {
            bytes: made.gauge("crossfade_evidence_bytes", &[]),
            exchanges: made.gauge("crossfade_evidence_exchanges", &[]),
        };
        let mut reviews = BTreeMap::new();
        let mut money = BTreeMap::new();
        let routes = routes.into_iter().map(|route| {
            reviews.insert(route.to_owned(), RouteReviewMetrics::new(made, route));
            money.insert(route.to_owned(), RouteMoneyMetrics::new(made, route));
            let handles = (
                RouteWorkerMetrics::new(made, route),
                RouteControlMetrics::new(made, route),
            );
            (route.to_owned(), handles)
        });
        Self {
            routes: routes.collect(),
            reviews,
            money,
            worker,
            records,
            control,
        }
    }

    /// A configured route's comparison.
    pub fn worker(&self, route: &str) -> Option<&RouteWorkerMetrics> {
        self.routes.get(route).map(|(worker, _)| worker)
    }

    /// A configured route's reviews and evidence.
    pub fn review(&self, route: &str) -> Option<&RouteReviewMetrics> {
        self.reviews.get(route)
    }

    /// A configured route's money.
    pub fn money(&self, route: &str) -> Option<&RouteMoneyMetrics> {
        self.money.get(route)
    }

    /// A configured route's rollout.
    pub fn control(&self, route: &str) -> Option<&RouteControlMetrics> {
        self.routes.get(route).map(|(_, control)| control)
    }

    pub(super) fn judge_dollars(&self) -> impl Iterator<Item = &Dollars> {
        self.reviews.values().map(|reviews| &reviews.judge_cost)
    }

    pub(super) fn dollars(&self) -> impl Iterator<Item = &Dollars> {
        self.routes
            .values()
            .flat_map(|(worker, _)| worker.cost.0.iter().flat_map(Family::iter))
    }
}
