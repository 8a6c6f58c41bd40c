//! The Responses API as both of its simulated speakers have it: requests, items, objects, events in their order, and the
//! state that ids name.

mod check;
mod events;
mod kept;
mod object;
mod request;
mod seal;
mod store;
mod telling;

pub(crate) use check::{Rules, below, check, closed};
pub(crate) use events::{Event, events};
pub(crate) use kept::{Part, operate, replay};
pub(crate) use object::{Draft, Made, Thinking, made};
pub(crate) use request::{Asked, read_prompt};
pub(crate) use store::{Store, Stored};
pub(crate) use telling::tell;

/// Where ids, filler and the time come from.
pub(crate) trait Mint {
    /// A new id of a kind: `resp_`, `msg_`, `rs_`, `fc_`, `ctc_` or `call_`, the `n`-th of its kind in this response.
    fn id(&mut self, kind: &'static str, n: usize) -> String;

    /// Filler of a delta, if this speaker sends any.
    fn filler(&mut self) -> Option<String>;

    /// Seconds since the Unix epoch.
    fn now(&self) -> i64;
}
