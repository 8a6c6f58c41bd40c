//! Every metric by name, with its help: what `metrics.md` is generated from, and what dashboards are tested against.

use std::fmt::Write as _;

use super::metrics::{
    ControlMetrics, RecordsMetrics, RouteControlMetrics, RouteReviewMetrics, RouteWorkerMetrics,
    WorkerMetrics,
};
use super::money::RouteMoneyMetrics;

/// One metric, as the exposition shows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricInfo {
    /// Its name.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: MetricKind,
    /// Its unit; empty for plain counts.
    pub unit: &'static str,
    /// Its labels, each a closed set.
    pub labels: &'static [&'static str],
    /// Its help text.
    pub help: &'static str,
    /// The upper bounds of a histogram's buckets; empty for other kinds.
    pub buckets: &'static [f64],
}

/// The kinds of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution in explicit buckets.
    Histogram,
}

// === impl MetricInfo ===

impl MetricInfo {
    /// The help as it is exposed: a phrase without a full stop.
    pub fn help(&self) -> &'static str {
        self.help.trim_end_matches('.')
    }
}

/// Bounds for what takes from a millisecond to minutes.
pub(super) const SECONDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0,
];
/// Bounds for what should take well under a millisecond.
pub(super) const MICROS: &[f64] = &[
    0.000_025, 0.000_05, 0.000_1, 0.000_2, 0.000_4, 0.000_8, 0.0016, 0.0032, 0.0064, 0.0128, 0.025,
    0.1, 1.0,
];
/// Bounds for agreement, 0 to 1.
pub(super) const AGREEMENT: &[f64] = &[
    0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0,
];

/// Declares a struct of handles in which the doc comment of each field is the help of its metric.
macro_rules! metric_struct {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $(
                $(#[doc = $help:literal])+
                $field:ident: $type:ty = $kind:ident($metric:literal, $unit:literal, [$($label:literal),*], $buckets:expr);
            )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug)]
        pub struct $name {
            $( $(#[doc = $help])+ pub $field: $type, )+
        }

        impl $name {
            /// What stands in this struct.
            pub const CATALOGUE: &'static [$crate::telemetry::MetricInfo] = &[
                $( $crate::telemetry::MetricInfo {
                    name: $metric,
                    kind: $crate::telemetry::MetricKind::$kind,
                    unit: $unit,
                    labels: &[$($label),*],
                    help: concat!($($help),+).trim_ascii_start(),
                    buckets: $buckets,
                }, )+
            ];
        }
    };
}
pub(super) use metric_struct;

/// Every metric of the process: the data plane's, whose handles it holds itself, then the worker's and the controller's.
pub fn catalogue() -> impl Iterator<Item = MetricInfo> {
    crossfade_proxy::METRICS
        .iter()
        .map(from_data_plane)
        .chain(RouteWorkerMetrics::CATALOGUE.iter().copied())
        .chain(WorkerMetrics::CATALOGUE.iter().copied())
        .chain(RouteReviewMetrics::CATALOGUE.iter().copied())
        .chain(RouteMoneyMetrics::CATALOGUE.iter().copied())
        .chain(RecordsMetrics::CATALOGUE.iter().copied())
        .chain(RouteControlMetrics::CATALOGUE.iter().copied())
        .chain(ControlMetrics::CATALOGUE.iter().copied())
}

/// The data plane names no unit and no buckets: the unit stands in the name, and the buckets follow from it.
fn from_data_plane(info: &crossfade_proxy::MetricInfo) -> MetricInfo {
    let kind = match info.kind {
        "counter" => MetricKind::Counter,
        "histogram" => MetricKind::Histogram,
        _ => MetricKind::Gauge,
    };
    let unit = ["seconds", "bytes"]
        .into_iter()
        .find(|unit| info.name.ends_with(unit));
    let buckets: &[f64] = match (kind, info.name) {
        (MetricKind::Counter | MetricKind::Gauge, _) => &[],
        (MetricKind::Histogram, "crossfade_overhead_seconds") => MICROS,
        (MetricKind::Histogram, _) => SECONDS,
    };
    let unit = unit.unwrap_or_default();
    MetricInfo {
        name: info.name,
        kind,
        unit,
        labels: info.labels,
        help: info.help,
        buckets,
    }
}

/// The catalogue as the page `metrics.md`.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Metrics\n\nGenerated from the code; a test fails when the two differ. Every label is a closed set; a deployment that\n\
         no route covers is counted under `route=\"_unrouted\"`.\n\n\
         | metric | kind | unit | labels | what it says |\n|---|---|---|---|---|\n",
    );
    let mut sorted: Vec<_> = catalogue().collect();
    sorted.sort_by_key(|info| info.name);
    for info in sorted {
        let kind = match info.kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
        };
        let (name, unit, help) = (info.name, info.unit, info.help());
        let labels = info.labels.join(", ");
        // Writing to a string cannot fail.
        let _ignored = writeln!(page, "| `{name}` | {kind} | {unit} | {labels} | {help} |");
    }
    page
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::telemetry::Telemetry;

    /// Where the generated page stands.
    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/metrics.md");

    #[test]
    fn the_page_is_in_step_with_the_code() {
        if std::env::var_os("CROSSFADE_UPDATE").is_some() {
            std::fs::write(PAGE, markdown()).unwrap();
        }
        let page = std::fs::read_to_string(PAGE).unwrap_or_default();
        assert_eq!(
            page,
            markdown(),
            "run the tests once with CROSSFADE_UPDATE=1 set"
        );
    }

    #[test]
    fn names_follow_the_conventions() {
        let mut names = BTreeSet::new();
        for info in catalogue() {
            assert!(names.insert(info.name), "{} stands twice", info.name);
            assert!(info.name.starts_with("crossfade_"), "{}", info.name);
            assert_eq!(
                info.name.ends_with("_total"),
                info.kind == MetricKind::Counter,
                "{}",
                info.name
            );
            assert_eq!(
                info.buckets.is_empty(),
                info.kind != MetricKind::Histogram,
                "{}",
                info.name
            );
            assert!(
                !info.help().is_empty() && !info.help.contains('|'),
                "{}",
                info.name
            );
        }
    }

    #[test]
    fn what_is_exposed_stands_in_the_catalogue() {
        let telemetry = Telemetry::new().unwrap();
        let metrics = telemetry.metrics(["support"]);
        let text = telemetry.render(&metrics);
        let mut shown = BTreeSet::new();
        for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
            let (name, kind) = line.split_once(' ').unwrap();
            let info = catalogue().find(|info| info.name == name).unwrap();
            assert_eq!(format!("{:?}", info.kind).to_lowercase(), kind, "{name}");
            assert!(
                text.contains(&format!("# HELP {name} {}\n", info.help())),
                "{name}"
            );
            shown.insert(name);
        }
        let theirs: Vec<_> = crossfade_proxy::METRICS
            .iter()
            .map(|info| info.name)
            .collect();
        let ours = catalogue()
            .map(|info| info.name)
            .filter(|name| !theirs.contains(name));
        assert_eq!(shown, ours.collect(), "every series exists from the start");
    }
}
