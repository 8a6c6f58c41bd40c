//! The Responses API: to chat and from chat, and what of it is bound to the side that made it.
//!
//! A stateless request becomes a chat request, which every target can be asked from there, and a chat request becomes one of
//! the Responses API for targets that speak nothing else. Ids and reasoning that the candidate made carry a mark or a
//! seal, so that a later request that names them is known to be the candidate's.

mod from_chat;
mod input;
mod output;
mod parts;
mod paths;
mod refuse;
mod seal;
mod state;
mod to_chat;
mod tools;

pub(crate) use from_chat::{FromChat, from_chat, kept_reasoning};
pub(crate) use seal::SealedReasoning;
pub use seal::{Opened, Sealer};
pub(crate) use state::keeps_state;
pub use state::minted;
pub(crate) use to_chat::{ToChat, to_chat};
