//! Embeddings, over the provider's call in a model's own form: one call per text, or one per bundle of texts.
//!
//! Texts keep their order. Vectors are given at unit length, as the primary's are: programs compare them by dot product. A
//! vector is never turned into another length. Tokens in place of text are decoded: every embedding model of the primary has
//! the one vocabulary.

mod dialect;
mod facts;
mod invocations;
mod request;
mod tokens;
mod writer;

#[cfg(test)]
mod tests;

pub use facts::{Embeds, Lengths};

pub(crate) use invocations::{Invocations, Invoked};
pub(crate) use request::{Expected, prepare};
pub(crate) use tokens::load as load_vocabulary;
pub(crate) use writer::EmbeddingsWriter;
