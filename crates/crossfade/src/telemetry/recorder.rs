//! The recorder behind every metric: made once per process part, never global, so that tests do not mix.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder as _, Unit};
use metrics_exporter_prometheus::{
    BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

use super::{
    Metrics,
    catalogue::{MetricInfo, MetricKind, catalogue},
    dollars::Dollars,
};

/// How often recorded samples are folded into their buckets; without it they would pile up between scrapes.
const UPKEEP: Duration = Duration::from_secs(5);
/// Buckets of a histogram that the catalogue does not know; there is none, which a test holds.
const FALLBACK_BUCKETS: [f64; 4] = [0.001, 0.1, 1.0, 10.0];

/// The recorder and what renders it.
#[derive(Debug)]
pub struct Telemetry {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

/// Why the recorder could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the metrics recorder cannot be made")]
pub struct TelemetryError(#[from] BuildError);

/// What a struct of handles is made from.
#[derive(Debug)]
pub(super) struct Registrar<'a>(&'a PrometheusRecorder);

// === impl Telemetry ===

impl Telemetry {
    /// A recorder in which every histogram of the catalogue has its buckets, and every metric its help.
    pub fn new() -> Result<Self, TelemetryError> {
        let mut builder = PrometheusBuilder::new().set_buckets(&FALLBACK_BUCKETS)?;
        for info in catalogue() {
            if !info.buckets.is_empty() {
                builder = builder
                    .set_buckets_for_metric(Matcher::Full(info.name.to_owned()), info.buckets)?;
            }
        }
        let recorder = builder.build_recorder();
        for info in catalogue() {
            describe(&recorder, &info);
        }
        let handle = recorder.handle();
        Ok(Self { recorder, handle })
    }

    /// The recorder, for [`metrics::with_local_recorder`]: other parts make their own handles under it.
    pub const fn recorder(&self) -> &PrometheusRecorder {
        &self.recorder
    }

    /// Makes the worker's and the controller's handles; every series of a closed label set starts at zero.
    pub fn metrics<'a>(&self, routes: impl IntoIterator<Item = &'a str>) -> Arc<Metrics> {
        Arc::new(Metrics::new(&Registrar(&self.recorder), routes))
    }

    /// The exposition, in Prometheus' text format.
    pub fn render(&self, metrics: &Metrics) -> String {
        let mut text = self.handle.render();
        write_dollars("crossfade_cost_usd_total", metrics.dollars(), &mut text);
        write_dollars(
            "crossfade_judge_cost_usd_total",
            metrics.judge_dollars(),
            &mut text,
        );
        text
    }

    /// Folds samples into buckets until the task is dropped.
    pub fn upkeep(&self) -> impl Future<Output = ()> + Send + 'static {
        let handle = self.handle.clone();
        async move {
            let mut tick = tokio::time::interval(UPKEEP);
            loop {
                tick.tick().await;
                handle.run_upkeep();
            }
        }
    }
}

fn describe(recorder: &PrometheusRecorder, info: &MetricInfo) {
    let (name, unit, help) = (info.name.into(), None::<Unit>, info.help().into());
    match info.kind {
        MetricKind::Counter => recorder.describe_counter(name, unit, help),
        MetricKind::Gauge => recorder.describe_gauge(name, unit, help),
        MetricKind::Histogram => recorder.describe_histogram(name, unit, help),
    }
}

// === impl Registrar ===

impl Registrar<'_> {
    pub(super) fn counter(&self, name: &'static str, labels: &[(&'static str, &str)]) -> Counter {
        self.0.register_counter(&key(name, labels), &METADATA)
    }

    pub(super) fn gauge(&self, name: &'static str, labels: &[(&'static str, &str)]) -> Gauge {
        self.0.register_gauge(&key(name, labels), &METADATA)
    }

    pub(super) fn histogram(
        &self,
        name: &'static str,
        labels: &[(&'static str, &str)],
    ) -> Histogram {
        self.0.register_histogram(&key(name, labels), &METADATA)
    }
}

const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, None);

fn key(name: &'static str, labels: &[(&'static str, &str)]) -> Key {
    let labels: Vec<Label> = labels
        .iter()
        .map(|(name, value)| Label::new(*name, (*value).to_owned()))
        .collect();
    Key::from_parts(name, labels)
}

/// One metric of money, with its help.
fn write_dollars<'d>(name: &str, series: impl Iterator<Item = &'d Dollars>, text: &mut String) {
    if let Some(info) = catalogue().find(|info| info.name == name) {
        let _ignored = write!(
            text,
            "# HELP {name} {}\n# TYPE {name} counter\n",
            info.help()
        );
        series.for_each(|dollars| dollars.write(name, text));
    }
}
