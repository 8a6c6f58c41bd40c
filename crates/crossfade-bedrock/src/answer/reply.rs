//! What an answer's translation must know of its request.

use std::collections::BTreeSet;

use crate::translate::Names;

/// The form in which an answer is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// At once.
    #[default]
    Whole,
    /// As a stream.
    Stream {
        /// It ends with the tokens.
        include_usage: bool,
    },
}

/// What the translation of an answer must know of its request.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts of one request"
)]
pub struct Reply {
    /// In which form the caller wants it.
    pub delivery: Delivery,
    /// The tools' names.
    pub names: Names,
    /// The tool whose arguments are the answer's text.
    pub json_tool: Option<String>,
    /// Such a tool's arguments that stand under one member `properties` are taken out of it: the schema has no property of
    /// that name.
    pub json_unwrap: bool,
    /// The answer is JSON by instruction only, so that fences around it are taken off.
    pub unfence: bool,
    /// Only the first tool call is kept.
    pub one_call: bool,
    /// The caller asked with `functions`: the first call is given back as `function_call`.
    pub functions: bool,
    /// Tools that take free text, by the target's names. The target was offered each as a function with the one parameter
    /// [`CUSTOM_INPUT`](Self::CUSTOM_INPUT).
    pub custom: BTreeSet<String>,
    /// The target sometimes writes a call as the JSON text of its answer: these are the names, the target's, that make such
    /// a text a call. Empty for a target that does not.
    pub calls_as_text: BTreeSet<String>,
}

// === impl Reply ===

impl Reply {
    /// The parameter that carries a custom tool's text.
    pub const CUSTOM_INPUT: &'static str = "input";
}

// === impl Delivery ===

impl Delivery {
    /// Whether a stream was asked for.
    pub const fn is_stream(self) -> bool {
        match self {
            Self::Whole => false,
            Self::Stream { .. } => true,
        }
    }
}
