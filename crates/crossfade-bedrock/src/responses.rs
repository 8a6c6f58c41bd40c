//! The Responses API: to chat and from chat, and what of it is bound to the side that made it.
//!
//! A stateless request becomes a chat request, which every target can be asked from there, and a chat request becomes one of
//! the Responses API for targets that speak nothing else. Ids and reasoning that the candidate made carry a mark or a
//! seal, so that a later request that names them is known to be the candidate's.

mod from_chat;
mod input;
mod loosen;
mod output;
mod parts;
mod paths;
mod refuse;
mod seal;
mod state;
mod to_chat;
mod tools;

pub(crate) use from_chat::{from_chat, kept_reasoning};
pub use loosen::loosened;
pub(crate) use seal::SealedReasoning;
pub use seal::{Opened, Sealer};
pub use state::minted;
pub(crate) use state::{allowance, keeps_state, missing_in, no_such_response};
pub(crate) use to_chat::{ToChat, to_chat};

use crossfade_exchange::Unsupported;
pub(crate) use crossfade_openai::responses::Request;
use crossfade_openai::responses::RequestError;

/// Reads a request's body.
///
/// # Errors
/// Names the field that is not what it should be.
pub(crate) fn read(body: &[u8]) -> Result<Request, Unsupported> {
    Request::from_slice(body).map_err(|error| match error {
        RequestError::Field { field } => refuse::refused(field, "missing or of the wrong type"),
        RequestError::NotJson { .. } => refuse::refused("(body)", "not valid json"),
        RequestError::NotAnObject => refuse::refused("(body)", "not a json object"),
    })
}
