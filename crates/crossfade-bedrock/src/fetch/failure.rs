//! Why a URL was not fetched. No part of a URL is shown: it is the caller's text.

use crossfade_exchange::Failover;
use crossfade_openai::error::AzureError;

use super::address::Range;

/// A URL of a request that was not fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {failure}")]
pub struct FetchError {
    /// The path of the field in the request.
    pub field: String,
    /// What happened.
    pub failure: FetchFailure,
}

/// What happened to a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchFailure {
    /// No URL at all, or one without a host.
    #[error("not a url with a host")]
    Malformed,
    /// Another scheme than the allowed ones.
    #[error("a scheme that is not fetched: see fetch.http")]
    Scheme,
    /// It names a user or a password.
    #[error("names a user")]
    User,
    /// The host is not on the list.
    #[error("a host that is not listed: see fetch.hosts")]
    Host,
    /// The port is not on the list.
    #[error("a port that is not listed: see fetch.ports")]
    Port,
    /// It leads to an address that nothing is fetched from.
    #[error("leads to {0}")]
    Address(Range),
    /// The name has no address.
    #[error("the host has no address")]
    Unresolved,
    /// No connection: TCP or TLS.
    #[error("cannot connect")]
    Connect,
    /// The connection broke.
    #[error("the connection broke")]
    Broken,
    /// It was not there within the time.
    #[error("not there in time: see fetch.timeout_ms")]
    TooSlow,
    /// Another status than 200.
    #[error("status {0}")]
    Status(u16),
    /// More redirects than are followed, or one without a place to go to.
    #[error("redirected too often: see fetch.max_redirects")]
    Redirects,
    /// More bytes than are taken.
    #[error("too large: see fetch.max_bytes and fetch.max_request_bytes")]
    TooLarge,
    /// A kind of content that is not taken, or one that its bytes belie.
    #[error("not the kind of content that is taken")]
    Kind,
    /// More URLs than a request may have.
    #[error("too many urls: see fetch.max_urls")]
    TooMany,
}

// === impl FetchError ===

impl FetchError {
    pub(super) fn new(field: impl Into<String>, failure: FetchFailure) -> Self {
        Self {
            field: field.into(),
            failure,
        }
    }

    /// What the caller sees where no other side can answer: the primary's own error for a picture that it cannot get.
    pub fn error(&self) -> AzureError {
        AzureError::invalid_request(
            "Failed to download the file from the given URL. Please check that the URL is valid \
             and that its content is supported.",
            Some(&self.field),
            Some("invalid_image_url"),
        )
    }
}

// === impl FetchFailure ===

impl FetchFailure {
    /// Why the other side should answer: it fetches for itself, by rules of its own.
    pub const fn failover(self) -> Failover {
        match self {
            Self::Malformed
            | Self::Scheme
            | Self::User
            | Self::Host
            | Self::Port
            | Self::Address(_)
            | Self::TooMany => Failover::Configuration,
            Self::Unresolved | Self::Connect => Failover::Connect,
            Self::Broken => Failover::Broken,
            Self::TooSlow => Failover::Silent,
            Self::Status(_) | Self::Redirects | Self::TooLarge | Self::Kind => Failover::Garbage,
        }
    }
}
