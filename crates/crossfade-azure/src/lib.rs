//! The primary: a byte-faithful way to an Azure OpenAI endpoint, over HTTP/1.1.
//!
//! Nothing here looks into a body. A request leaves as it came but for its target, its `host`, its connection-level
//! headers and, where configured, its credential; an answer comes back with its reason phrase, its header lines in their
//! own case, and its body as a stream.

mod credential;
mod error;
mod headers;
mod primary;
mod settings;

pub use credential::{Credential, Secret};
pub use error::PrimaryError;
pub use headers::strip_connection_headers;
pub use primary::Primary;
pub use settings::{Endpoint, EndpointError, Settings};
