//! A request between the layers of the stack: what `classify` found out about it.

use std::{fmt, sync::Arc, time::Instant};

use bytes::Bytes;
use http::{Request, request};

use crossfade_exchange::{MirrorOnlyReason, Operation, SideBody, SizeClass, Unit, full_body};

use crossfade_openai::scan::JsonMode;

use crate::{
    accounting::Ticket,
    budget::Hold,
    credentials::Caller,
    route::{Now, Route},
};

/// A request as the inner layers see it.
pub(crate) struct Call {
    /// The proxy's own id.
    pub(crate) id: u128,
    /// Method, target, headers; the proxy's own headers are removed.
    pub(crate) parts: request::Parts,
    /// When it came.
    pub(crate) received: Now,
    /// When its body had come, and the proxy's own work began.
    pub(crate) ready: Instant,
    /// Keyed hash of credential and deployment; `None` where no route is known.
    pub(crate) caller: Option<Caller>,
    /// Whether Azure has accepted the caller lately; set by `admit`.
    pub(crate) admitted: bool,
    /// What is to be done with it.
    pub(crate) kind: Kind,
}

/// What is to be done with a request.
pub(crate) enum Kind {
    /// Streamed to Azure, whatever it is.
    Forward(SideBody, Option<Arc<Route>>),
    /// Collected: may be mirrored and assigned.
    Eligible(Eligible),
    /// Collected: names state that only the candidate holds.
    Pinned(Pinned),
}

/// A request that names state which only the candidate holds.
pub(crate) struct Pinned {
    pub(crate) route: Arc<Route>,
    pub(crate) deployment: String,
    pub(crate) body: Bytes,
    pub(crate) streamed: bool,
    /// The side that a caller of the house's own asks for.
    pub(crate) named: Option<crossfade_exchange::Side>,
    /// Whether the route names the caller as its house's own.
    pub(crate) internal: bool,
    /// Given back when the request has been answered.
    pub(crate) hold: Hold,
}

/// An eligible request.
pub(crate) struct Eligible {
    pub(crate) route: Arc<Route>,
    pub(crate) deployment: String,
    pub(crate) operation: Operation,
    /// Why only the primary may answer, if that is so.
    pub(crate) mirror_only: Option<MirrorOnlyReason>,
    pub(crate) body: Bytes,
    pub(crate) size: SizeClass,
    pub(crate) unit: Unit,
    pub(crate) streamed: bool,
    pub(crate) json: JsonMode,
    /// Whether asking it once more changes nothing at the provider, and could tell something.
    pub(crate) repeatable: bool,
    pub(crate) max_output_tokens: Option<u64>,
    /// The request's own `user` or `safety_identifier`.
    pub(crate) user: Option<String>,
    pub(crate) named: Option<crossfade_exchange::Side>,
    /// Whether the route names the caller as its house's own.
    pub(crate) internal: bool,
    /// Taken by whoever answers.
    pub(crate) ticket: Option<Ticket>,
    pub(crate) hold: Hold,
}

/// A request's id as text (UUID form).
pub(crate) fn id_text(id: u128) -> String {
    uuid::Uuid::from_u128(id).to_string()
}

/// A collected request for a side, as the caller sent it.
pub(crate) fn collected(parts: &request::Parts, body: &Bytes) -> Request<SideBody> {
    Request::from_parts(parts.clone(), full_body(body.clone()))
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("id", &id_text(self.id))
            .finish_non_exhaustive()
    }
}
