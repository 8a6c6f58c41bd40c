//! The Azure OpenAI wire: paths, requests, answers, streams and error bodies.
//!
//! Everything here is a pure function or a plain type over bytes: no IO, no clock, no randomness of its
//! own, and no knowledge of what stands behind the wire. Unknown fields are kept wherever a type models
//! a body; [`scan`] looks at a request only as far as routing needs.

pub mod assemble;
pub mod chat;
pub mod embeddings;
pub mod error;
pub mod first_content;
pub mod id;
pub mod path;
mod read;
pub mod responses;
pub mod scan;
pub mod sse;
pub mod stream_end;
mod written;
