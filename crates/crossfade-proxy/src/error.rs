//! The proxy's own errors. They become HTTP in `rescue`, and nowhere else.

use crossfade_exchange::BoxError;

/// What the proxy itself cannot do for a request.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// More requests at once than the configured bound.
    #[error("more than {0} requests at once: raise [listen] max_in_flight or add replicas")]
    Overloaded(usize),
    /// The body is over the configured bound.
    #[error("the request's body is over [listen] max_body ({0} bytes)")]
    TooLarge(u64),
    /// The body did not arrive in time, or broke off.
    #[error("the request's body did not arrive in full")]
    Incomplete(#[source] Option<BoxError>),
    /// The primary cannot be reached, or broke off before it answered.
    #[error("the primary cannot be reached")]
    PrimaryUnreachable(#[source] BoxError),
    /// The candidate holds the state that a request names, and cannot be asked.
    #[error("the candidate holds the response that the request names, and cannot be asked")]
    CandidateGone,
    /// The primary sent no answer in time.
    #[error("the primary sent no answer in time")]
    PrimaryTimedOut(#[source] BoxError),
}
