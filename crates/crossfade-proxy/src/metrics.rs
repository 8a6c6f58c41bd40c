//! What the data plane measures, as handles made once. Names and meanings are promises; see `metrics.md`.

use std::time::Duration;

use http::StatusCode;
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use crossfade_exchange::{
    Failover, IneligibleReason, LossKind, MirrorOnlyReason, RepeatOutcome, Role, RouteId, Side,
    SizeClass, SkipReason,
};

use crate::accounting::Accounting;

/// One metric: what `metrics.md` and `# HELP` say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricInfo {
    /// The name as exported.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// The labels, each a closed set.
    pub labels: &'static [&'static str],
    /// What it means, with its unit.
    pub help: &'static str,
}

/// Every metric of the data plane.
pub const METRICS: &[MetricInfo] = &[
    MetricInfo {
        name: "crossfade_requests_total",
        kind: "counter",
        labels: &["route", "side", "status_class"],
        help: "Answers given to callers, by the side that gave them and the class of status",
    },
    MetricInfo {
        name: "crossfade_request_duration_seconds",
        kind: "histogram",
        labels: &["route", "side", "role"],
        help: "Time from sending a request to a side until the end of its answer; answers whose reader fell behind are left out",
    },
    MetricInfo {
        name: "crossfade_time_to_first_byte_seconds",
        kind: "histogram",
        labels: &["route", "side", "role"],
        help: "Time from sending a request to a side until the first byte of its answer's body",
    },
    MetricInfo {
        name: "crossfade_overhead_seconds",
        kind: "histogram",
        labels: &[],
        help: "Time a request spent in the proxy itself before it was sent to the answering side",
    },
    MetricInfo {
        name: "crossfade_in_flight_requests",
        kind: "gauge",
        labels: &["route"],
        help: "Requests whose answer has not ended",
    },
    MetricInfo {
        name: "crossfade_fallbacks_total",
        kind: "counter",
        labels: &["route", "reason"],
        help: "Requests assigned to the candidate that the primary answered because the candidate failed",
    },
    MetricInfo {
        name: "crossfade_ineligible_total",
        kind: "counter",
        labels: &["route", "reason"],
        help: "Requests that may not be mirrored or assigned",
    },
    MetricInfo {
        name: "crossfade_eligible_total",
        kind: "counter",
        labels: &["route", "size"],
        help: "Requests that may be mirrored and assigned",
    },
    MetricInfo {
        name: "crossfade_mirror_only_total",
        kind: "counter",
        labels: &["route", "reason"],
        help: "Eligible requests that only the primary may answer",
    },
    MetricInfo {
        name: "crossfade_losses_total",
        kind: "counter",
        labels: &["route", "loss"],
        help: "Requests to the candidate, answering or mirrored, whose translation dropped, emulated or changed something; a kind counts once in a request",
    },
    MetricInfo {
        name: "crossfade_compared_total",
        kind: "counter",
        labels: &["route", "size"],
        help: "Eligible requests whose two answers were compared",
    },
    MetricInfo {
        name: "crossfade_mirror_skipped_total",
        kind: "counter",
        labels: &["route", "size", "reason"],
        help: "Eligible requests that were not compared",
    },
    MetricInfo {
        name: "crossfade_mirror_in_flight",
        kind: "gauge",
        labels: &["route"],
        help: "Eligible requests that are neither compared nor skipped yet",
    },
    MetricInfo {
        name: "crossfade_breaker_open",
        kind: "gauge",
        labels: &["route"],
        help: "1 while the candidate's breaker is open: the primary answers, and one call in 30 s tries the candidate",
    },
    MetricInfo {
        name: "crossfade_mirror_retries_total",
        kind: "counter",
        labels: &["route"],
        help: "Calls to the candidate beyond the first of a request",
    },
    MetricInfo {
        name: "crossfade_repeats_total",
        kind: "counter",
        labels: &["route", "side", "outcome"],
        help: "Compared pairs that were drawn to have a side asked the same once more, by what became of that",
    },
    MetricInfo {
        name: "crossfade_mirror_unannounced_total",
        kind: "counter",
        labels: &["route"],
        help: "Mirrored requests that enter no statistics because the outcome queue had no room for them; they are compared all the same",
    },
    MetricInfo {
        name: "crossfade_mirror_bytes",
        kind: "gauge",
        labels: &[],
        help: "Bytes held for mirroring: requests, captured answers, queued exchanges",
    },
    MetricInfo {
        name: "crossfade_kill_switch",
        kind: "gauge",
        labels: &[],
        help: "1 while the local kill switch is on: only the primary answers and nothing is mirrored",
    },
    MetricInfo {
        name: "crossfade_queue_items",
        kind: "gauge",
        labels: &[],
        help: "Finished exchanges waiting to be compared",
    },
];

/// The classes of status a caller can see.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The handles of one route.
#[derive(Debug)]
pub(crate) struct RouteMetrics {
    requests: Vec<Vec<Counter>>,
    duration: Vec<Vec<Histogram>>,
    first_byte: Vec<Vec<Histogram>>,
    fallbacks: Vec<Counter>,
    retries: Counter,
    unannounced: Counter,
    in_flight: Gauge,
    mirror_in_flight: Gauge,
    breaker_open: Gauge,
    ineligible: Vec<(IneligibleReason, Counter)>,
    mirror_only: Vec<(MirrorOnlyReason, Counter)>,
    losses: Vec<(LossKind, Counter)>,
    eligible: Vec<(SizeClass, Counter, Counter)>,
    skipped: Vec<(SizeClass, SkipReason, Counter)>,
    repeats: Vec<Vec<Counter>>,
}

impl RouteMetrics {
    /// Registers a route's series with the current recorder, at zero.
    pub(crate) fn new(route: &RouteId) -> Self {
        let route = || route.as_str().to_owned();
        let per_role = |name: &'static str| -> Vec<Vec<Histogram>> {
            let of = |side: Side, role: Role| histogram!(name, "route" => route(), "side" => side.as_str(), "role" => role.as_str());
            Side::ALL
                .iter()
                .map(|s| Role::ALL.iter().map(|r| of(*s, *r)).collect())
                .collect()
        };
        let classes = |side: Side| {
            CLASSES
                .iter()
                .map(|class| {
                    counter!("crossfade_requests_total", "route" => route(), "side" => side.as_str(), "status_class" => *class)
                })
                .collect()
        };
        let size_counter = |name: &'static str, size: SizeClass| counter!(name, "route" => route(), "size" => size.as_str());
        Self {
            requests: Side::ALL.iter().map(|s| classes(*s)).collect(),
            repeats: Side::ALL.iter().map(|s| repeats(route, *s)).collect(),
            duration: per_role("crossfade_request_duration_seconds"),
            first_byte: per_role("crossfade_time_to_first_byte_seconds"),
            fallbacks: Failover::ALL
                .iter()
                .map(|f| counter!("crossfade_fallbacks_total", "route" => route(), "reason" => f.as_str()))
                .collect(),
            retries: counter!("crossfade_mirror_retries_total", "route" => route()),
            unannounced: counter!("crossfade_mirror_unannounced_total", "route" => route()),
            in_flight: gauge!("crossfade_in_flight_requests", "route" => route()),
            mirror_in_flight: gauge!("crossfade_mirror_in_flight", "route" => route()),
            breaker_open: gauge!("crossfade_breaker_open", "route" => route()),
            ineligible: IneligibleReason::ALL
                .iter()
                .map(|r| (*r, counter!("crossfade_ineligible_total", "route" => route(), "reason" => r.as_str())))
                .collect(),
            mirror_only: MirrorOnlyReason::ALL
                .iter()
                .map(|r| (*r, counter!("crossfade_mirror_only_total", "route" => route(), "reason" => r.as_str())))
                .collect(),
            losses: LossKind::ALL
                .iter()
                .map(|l| (*l, counter!("crossfade_losses_total", "route" => route(), "loss" => l.as_str())))
                .collect(),
            eligible: SizeClass::ALL
                .iter()
                .map(|s| {
                    let (eligible, compared) = ("crossfade_eligible_total", "crossfade_compared_total");
                    (*s, size_counter(eligible, *s), size_counter(compared, *s))
                })
                .collect(),
            skipped: SizeClass::ALL
                .iter()
                .flat_map(|s| SkipReason::ALL.iter().map(move |r| (*s, *r)))
                .map(|(s, r)| {
                    let handle = counter!("crossfade_mirror_skipped_total", "route" => route(), "size" => s.as_str(), "reason" => r.as_str());
                    (s, r, handle)
                })
                .collect(),
        }
    }

    /// An answer's head goes to a caller.
    pub(crate) fn answered(&self, side: Side, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = self.requests.get(side.index()).and_then(|c| c.get(class)) {
            counter.increment(1);
        }
    }

    /// A side's body began.
    pub(crate) fn first_byte(&self, side: Side, role: Role, after: Duration) {
        if let Some(h) = self
            .first_byte
            .get(side.index())
            .and_then(|h| h.get(role.index()))
        {
            h.record(after.as_secs_f64());
        }
    }

    /// A side's body ended.
    pub(crate) fn ended(&self, side: Side, role: Role, after: Duration) {
        if let Some(h) = self
            .duration
            .get(side.index())
            .and_then(|h| h.get(role.index()))
        {
            h.record(after.as_secs_f64());
        }
    }

    /// The primary answered because the candidate failed.
    pub(crate) fn fallback(&self, reason: Failover) {
        if let Some(counter) = self.fallbacks.get(reason.index()) {
            counter.increment(1);
        }
    }

    /// What became of a repeat.
    pub(crate) fn repeated(&self, side: Side, outcome: RepeatOutcome) {
        if let Some(counter) = self
            .repeats
            .get(side.index())
            .and_then(|c| c.get(outcome.index()))
        {
            counter.increment(1);
        }
    }

    /// The candidate was called again.
    pub(crate) fn retried(&self, times: u32) {
        self.retries.increment(u64::from(times));
    }

    /// A mirrored request enters no statistics.
    pub(crate) fn unannounced(&self) {
        self.unannounced.increment(1);
    }

    /// Brings the exported counts in step with a snapshot; called at each scrape.
    #[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
    pub(crate) fn export(&self, accounting: &Accounting, is_breaker_open: bool) {
        self.breaker_open.set(f64::from(u8::from(is_breaker_open)));
        self.in_flight.set(accounting.in_flight as f64);
        self.mirror_in_flight
            .set(accounting.mirror_in_flight as f64);
        for (reason, counter) in &self.ineligible {
            counter.absolute(accounting.ineligible.get(reason).copied().unwrap_or(0));
        }
        for (reason, counter) in &self.mirror_only {
            counter.absolute(accounting.mirror_only.get(reason).copied().unwrap_or(0));
        }
        for (loss, counter) in &self.losses {
            counter.absolute(accounting.losses.get(loss).copied().unwrap_or(0));
        }
        for (size, eligible, compared) in &self.eligible {
            eligible.absolute(accounting.eligible.get(size).copied().unwrap_or(0));
            compared.absolute(accounting.compared.get(size).copied().unwrap_or(0));
        }
        for (size, reason, counter) in &self.skipped {
            let count = accounting.skipped.get(size).and_then(|by| by.get(reason));
            counter.absolute(count.copied().unwrap_or(0));
        }
    }
}

/// What became of one side's repeats.
fn repeats(route: impl Fn() -> String, side: Side) -> Vec<Counter> {
    RepeatOutcome::ALL
        .iter()
        .map(|outcome| {
            counter!("crossfade_repeats_total", "route" => route(), "side" => side.as_str(), "outcome" => outcome.as_str())
        })
        .collect()
}

/// The handles that belong to no route.
#[derive(Debug)]
pub(crate) struct SharedMetrics {
    pub(crate) overhead: Histogram,
    mirror_bytes: Gauge,
    queue_items: Gauge,
    kill_switch: Gauge,
}

impl SharedMetrics {
    /// Registers with the current recorder.
    pub(crate) fn new() -> Self {
        Self {
            overhead: histogram!("crossfade_overhead_seconds"),
            mirror_bytes: gauge!("crossfade_mirror_bytes"),
            queue_items: gauge!("crossfade_queue_items"),
            kill_switch: gauge!("crossfade_kill_switch"),
        }
    }

    /// Brings the gauges in step; called at each scrape.
    #[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
    pub(crate) fn export(&self, bytes: usize, queued: usize, killed: bool) {
        self.mirror_bytes.set(bytes as f64);
        self.queue_items.set(queued as f64);
        self.kill_switch.set(if killed { 1.0 } else { 0.0 });
    }
}

impl Default for SharedMetrics {
    fn default() -> Self {
        Self::new()
    }
}
