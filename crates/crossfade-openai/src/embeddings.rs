//! Embeddings as they stand on Azure's wire.
//!
//! Reading is tolerant, writing is exact, as for chat. A vector in base64 is 32-bit floats, the lowest byte first; the
//! common clients ask for it by default.

#[cfg(test)]
mod tests;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use crate::read::RequestError;
use crate::{
    chat::{Fields, Open},
    read, written,
};

/// The most inputs that Azure takes in one request.
pub const MAX_INPUTS: usize = 2048;

/// A request for embeddings. A field that is `null` is the same as one that is missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The model; on dated paths the path's deployment counts instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What is embedded.
    pub input: Input,
    /// How long the vectors are to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<u64>,
    /// How the vectors are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding_format: Option<Open<EncodingFormat>>,
    /// Azure's own: what the input is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_type: Option<String>,
    /// The end user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// What is embedded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Input {
    /// One text.
    Text(String),
    /// Texts.
    Texts(Vec<String>),
    /// One text as tokens.
    Tokens(Vec<u64>),
    /// Texts as tokens.
    TokenLists(Vec<Vec<u64>>),
    /// Another shape.
    Other(Value),
}

/// How vectors are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EncodingFormat {
    /// Lists of numbers.
    #[default]
    Float,
    /// Base64 of 32-bit floats, the lowest byte first.
    Base64,
}

/// An answer. Keys in the reference's order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Embeddings {
    /// `list`.
    #[serde(default)]
    pub object: String,
    /// The vectors.
    pub data: Vec<Embedding>,
    /// The model.
    #[serde(default)]
    pub model: String,
    /// The tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// One vector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Embedding {
    /// `embedding`.
    #[serde(default)]
    pub object: String,
    /// Which input it is of, from 0.
    #[serde(default)]
    pub index: u64,
    /// The vector.
    pub embedding: Vector,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A vector as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Vector {
    /// A list of numbers.
    Floats(Vec<f32>),
    /// Base64 of 32-bit floats, the lowest byte first.
    Base64(String),
}

/// The `usage` of embeddings: nothing is generated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the input.
    #[serde(default)]
    pub prompt_tokens: u64,
    /// The same again.
    #[serde(default)]
    pub total_tokens: u64,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A vector in base64 that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the vector is not base64 of whole 32-bit floats")]
pub struct NotAVector;

// === impl Request ===

impl Request {
    /// The names of all fields that this type knows.
    pub const FIELDS: &'static [&'static str] = &[
        "model",
        "input",
        "dimensions",
        "encoding_format",
        "input_type",
        "user",
    ];

    /// Reads a body. Of a key that stands there twice the last one counts.
    pub fn from_slice(body: &[u8]) -> Result<Self, RequestError> {
        read::read(body)
    }
}

impl read::Body for Request {
    const NAMES: &'static [&'static str] = Self::FIELDS;

    fn required() -> (&'static str, Value) {
        ("input", Value::String(String::new()))
    }
}

// === impl Input ===

impl Input {
    /// How many vectors are asked for; `None` where the shape is not known.
    pub fn count(&self) -> Option<usize> {
        match self {
            Self::Text(_) | Self::Tokens(_) => Some(1),
            Self::Texts(texts) => Some(texts.len()),
            Self::TokenLists(lists) => Some(lists.len()),
            Self::Other(_) => None,
        }
    }
}

// === impl Embeddings ===

impl Embeddings {
    /// The `object` of every answer.
    pub const OBJECT: &'static str = "list";

    /// The answer with these vectors, in the order of their inputs.
    pub fn new(vectors: Vec<Vec<f32>>, format: EncodingFormat, model: String, tokens: u64) -> Self {
        let data = (0_u64..)
            .zip(vectors)
            .map(|(index, vector)| Embedding {
                object: Embedding::OBJECT.to_owned(),
                index,
                embedding: Vector::encode(vector, format),
                other: Fields::new(),
            })
            .collect();
        Self {
            object: Self::OBJECT.to_owned(),
            data,
            model,
            usage: Some(Usage {
                prompt_tokens: tokens,
                total_tokens: tokens,
                other: Fields::new(),
            }),
            other: Fields::new(),
        }
    }

    /// Reads a body.
    pub fn from_slice(body: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(body)
    }

    /// The body, compact.
    pub fn to_body(&self) -> Bytes {
        written::compact(self).into()
    }
}

impl Embedding {
    /// The `object` of every vector.
    pub const OBJECT: &'static str = "embedding";
}

// === impl Vector ===

impl Vector {
    /// Writes a vector.
    pub fn encode(vector: Vec<f32>, format: EncodingFormat) -> Self {
        match format {
            EncodingFormat::Float => Self::Floats(vector),
            EncodingFormat::Base64 => {
                let bytes: Vec<u8> = vector.iter().flat_map(|n| n.to_le_bytes()).collect();
                Self::Base64(STANDARD.encode(bytes))
            }
        }
    }

    /// The numbers, however they are written.
    pub fn floats(&self) -> Result<Vec<f32>, NotAVector> {
        match self {
            Self::Floats(floats) => Ok(floats.clone()),
            Self::Base64(text) => {
                let bytes = STANDARD.decode(text).map_err(|_| NotAVector)?;
                let (floats, rest) = bytes.as_chunks::<4>();
                if rest.is_empty() {
                    Ok(floats
                        .iter()
                        .map(|bytes| f32::from_le_bytes(*bytes))
                        .collect())
                } else {
                    Err(NotAVector)
                }
            }
        }
    }
}
