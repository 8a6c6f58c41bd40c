//! The provider's OpenAI-compatible endpoints: the same wire that the caller speaks, with other rules and another face.

mod rules;

pub use rules::{Compatible, CompatibleOverrides, Effort, Efforts, Prefix};
