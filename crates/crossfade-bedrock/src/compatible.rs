//! The provider's OpenAI-compatible endpoints: the same wire that the caller speaks, with other rules and another face.

mod chat;
mod client;
mod credentials;
mod endpoint;
mod fault;
mod frames;
mod passage;
mod raw;
mod read;
mod responses;
mod rules;
mod sign;
mod stored;
mod tags;

pub(crate) use chat::{Asked, prepare as prepare_chat};
pub(crate) use client::{Call, Gateway, Parts};
pub(crate) use credentials::Identity;
pub(crate) use frames::Frames;
pub(crate) use passage::{Carried, Passage};
pub(crate) use raw::RawObject;
pub(crate) use read::{ChatReader, ResponsesReader};
pub(crate) use responses::{AskedResponses, ask_responses};
pub use rules::{Compatible, CompatibleOverrides, Effort, Efforts, Prefix};
pub(crate) use stored::{Stored, stored};
