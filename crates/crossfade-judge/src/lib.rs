//! Opinions about pairs of answers that need a model: the cosine of embeddings, and a judge. Bounded, cached, budgeted, and
//! never on the way of a request.
//!
//! Both ask a service of the shape that the two sides have, so that any of them, or a third, can be asked. [`Embedder`]
//! turns texts into vectors, in batches and at most once each, or takes them from a static model on disk. [`Judge`] asks which
//! of two answers is better, in both orders. Neither decides what follows from that.

mod budget;
mod call;
mod embedder;
mod endpoint;
mod judge;
mod static_model;
mod wordpiece;

pub use budget::{Caps, Price};
pub use call::{Asked, CallError};
pub use embedder::{EmbedError, Embedder};
pub use endpoint::{Batcher, EndpointSettings};
pub use judge::{Judge, JudgeError, JudgeSettings, Judgement, Question};
pub use static_model::{ModelError, StaticModel};

#[cfg(test)]
mod tests;
