//! Instructions for each request, counted by valgrind's callgrind: the same on a busy machine as on an idle one, and so what a change is
//! held to.
//!
//! Counting begins when everything has started and is warm. What the client and the upstream of the measurement cost is measured
//! without a proxy between them, and taken off.

mod callgrind;
mod expected;
mod scenario;
mod world;

pub use callgrind::{counted, per_request};
pub use expected::{Expected, TOLERANCE};
pub use scenario::Scenario;
pub use world::play;
