//! The provider's OpenAI-compatible endpoints: the same wire that the caller speaks, with other rules and another face.

mod chat;
mod client;
mod credentials;
mod endpoint;
mod fault;
mod frames;
mod raw;
mod rules;
mod sign;

pub(crate) use chat::Asked;
pub(crate) use client::{Call, Gateway, Parts};
pub(crate) use credentials::Identity;
pub(crate) use frames::Frames;
pub use rules::{Compatible, CompatibleOverrides, Effort, Efforts, Prefix};
