//! What operators see: metrics and logs. It describes and renders; what is counted is decided where it happens.

mod catalogue;
mod dollars;
mod labels;
mod logging;
mod metrics;
mod money;
mod recorder;

pub use catalogue::{MetricInfo, MetricKind, catalogue, markdown};
pub use labels::{
    EvidenceOutcome, ExchangeLabel, FreezeCause, OpinionKind, OpinionOutcome, OutcomeFate, Pairing,
    ReviewOutcome, TokenKind, TransitionReason,
};
pub use logging::{LogFormat, LoggingError, init_logging, quiet_panics};
pub use metrics::{
    ControlMetrics, Metrics, RecordsMetrics, RouteControlMetrics, RouteReviewMetrics,
    RouteWorkerMetrics, WorkerMetrics,
};
pub use money::RouteMoneyMetrics;
pub use recorder::{Telemetry, TelemetryError};
