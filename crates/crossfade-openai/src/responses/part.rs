//! The parts that messages, tools' results and reasoning are made of.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chat::Fields;

/// What a message says, or a tool's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Parts.
    Parts(Vec<Part>),
}

/// One part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Text sent to the model.
    InputText(InputTextPart),
    /// A picture.
    InputImage(InputImagePart),
    /// A file.
    InputFile(InputFilePart),
    /// Sound.
    InputAudio(InputAudioPart),
    /// Text of the model.
    OutputText(OutputTextPart),
    /// A refusal of the model.
    Refusal(RefusalPart),
    /// A kind or a shape that is not known.
    #[serde(untagged)]
    Other(Value),
}

/// A part of type `input_text`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InputTextPart {
    /// The text.
    pub text: String,
    /// Where the prompt cache may end: `{mode, ttl}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_cache_breakpoint: Option<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A part of type `input_image`: by address or by the id of an uploaded file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InputImagePart {
    /// `auto`, `low`, `high`, `original`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The id of an uploaded file: state that only the primary holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<String>,
    /// `http:`, `https:` or `data:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// Where the prompt cache may end: `{mode, ttl}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_cache_breakpoint: Option<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A part of type `input_file`: by its bytes, by address or by the id of an uploaded file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InputFilePart {
    /// The bytes: a data URL, or base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_data: Option<String>,
    /// The id of an uploaded file: state that only the primary holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<String>,
    /// Where the file stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_url: Option<String>,
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Where the prompt cache may end: `{mode, ttl}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_cache_breakpoint: Option<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A part of type `input_audio`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputAudioPart {
    /// `{data, format}`, as in chat.
    pub input_audio: crate::chat::InputAudio,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A part of type `output_text`. Keys in Azure's order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OutputTextPart {
    /// Where the text comes from: citations. Missing where a history is sent back without.
    #[serde(default)]
    pub annotations: Vec<Value>,
    /// Log-probabilities; empty unless they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Vec<Value>>,
    /// The text.
    pub text: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A part of type `refusal`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RefusalPart {
    /// The refusal.
    pub refusal: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A part of a reasoning's `summary` or `content`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ReasoningPart {
    /// Of the summary.
    SummaryText(ReasoningTextPart),
    /// Of the reasoning itself.
    ReasoningText(ReasoningTextPart),
    /// A kind or a shape that is not known.
    #[serde(untagged)]
    Other(Value),
}

/// A piece of reasoning or of its summary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReasoningTextPart {
    /// The text.
    pub text: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

// === impl Content ===

impl Content {
    /// The text in it: all of a plain one, the texts of parts one after the other.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => parts.iter().filter_map(Part::text).collect(),
        }
    }

    /// The parts; none of a plain text.
    pub fn parts(&self) -> &[Part] {
        match self {
            Self::Text(_) => &[],
            Self::Parts(parts) => parts,
        }
    }
}

// === impl Part ===

impl Part {
    /// Text of the model, with nothing beside it.
    pub fn output_text(text: impl Into<String>) -> Self {
        Self::OutputText(OutputTextPart {
            logprobs: Some(Vec::new()),
            text: text.into(),
            ..OutputTextPart::default()
        })
    }

    /// A refusal of the model.
    pub fn refusal(text: impl Into<String>) -> Self {
        Self::Refusal(RefusalPart {
            refusal: text.into(),
            other: Fields::new(),
        })
    }

    /// The text, of a part that is text and no refusal.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::InputText(part) => Some(&part.text),
            Self::OutputText(part) => Some(&part.text),
            Self::InputImage(_)
            | Self::InputFile(_)
            | Self::InputAudio(_)
            | Self::Refusal(_)
            | Self::Other(_) => None,
        }
    }
}

// === impl ReasoningPart ===

impl ReasoningPart {
    /// A piece of a summary.
    pub fn summary(text: impl Into<String>) -> Self {
        Self::SummaryText(ReasoningTextPart {
            text: text.into(),
            other: Fields::new(),
        })
    }

    /// A piece of the reasoning itself.
    pub fn reasoning(text: impl Into<String>) -> Self {
        Self::ReasoningText(ReasoningTextPart {
            text: text.into(),
            other: Fields::new(),
        })
    }

    /// The text, of a kind that is known.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::SummaryText(part) | Self::ReasoningText(part) => Some(&part.text),
            Self::Other(_) => None,
        }
    }
}
