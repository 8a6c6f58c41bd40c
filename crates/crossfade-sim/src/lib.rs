//! An Azure OpenAI and an Amazon Bedrock that speak the real wires over real sockets, with scripted faults.
//!
//! The demo, the tests and the benchmarks run against these. They know nothing of Crossfade's own translation: what the
//! simulated Bedrock accepts is decided by the published service model and by rules that stand here.

pub mod azure;
pub mod bedrock;
pub mod corpus;
pub mod eventstream;
pub mod load;
mod openai;
pub mod script;
pub mod server;
pub mod sigv4;
#[cfg(test)]
mod testing;
pub mod text;
mod vectors;
