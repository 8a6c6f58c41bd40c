//! Why Azure gave no answer.

use std::time::Duration;

/// A request that brought no response head from Azure.
#[derive(Debug, thiserror::Error)]
pub enum PrimaryError {
    /// No connection: DNS, TCP or TLS.
    #[error("cannot connect to the Azure endpoint: check [azure] endpoint, DNS and the network")]
    Connect(#[source] hyper_util::client::legacy::Error),
    /// The connection broke before the head.
    #[error("the connection to Azure broke before an answer came")]
    Broken(#[source] hyper_util::client::legacy::Error),
    /// No head within the configured time.
    #[error("Azure sent no answer within {0:?}: see [azure] response_timeout")]
    TimedOut(Duration),
    /// The caller's request target cannot be sent to the endpoint.
    #[error("the request target is not a valid path")]
    Target(#[source] http::Error),
}
