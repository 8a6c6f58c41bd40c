//! The forms in which models take texts and give vectors. Sources: the provider's pages of each form, and recorded calls.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Embeds;
use crate::answer::AnswerError;

/// What the vectors are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To be found.
    #[default]
    Document,
    /// To find others.
    Query,
    /// To be sorted into classes.
    Classification,
    /// To be grouped.
    Clustering,
}

/// One call's vectors.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Given {
    pub(super) vectors: Vec<Vec<f32>>,
    /// Tokens of the texts, where the body says.
    pub(super) tokens: Option<u64>,
}

/// Any form's answer. Members that a form has not are missing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    /// One text's vector.
    #[serde(default)]
    embedding: Option<Vec<f32>>,
    #[serde(default)]
    embeddings: Option<Vectors>,
    #[serde(default)]
    input_text_token_count: Option<u64>,
}

/// Several texts' vectors: as lists, by type, or each with its type.
#[derive(Deserialize)]
#[serde(untagged)]
enum Vectors {
    Lists(Vec<Vec<f32>>),
    Named(Vec<Named>),
    Typed { float: Vec<Vec<f32>> },
}

#[derive(Deserialize)]
struct Named {
    embedding: Vec<f32>,
}

// === impl Purpose ===

impl Purpose {
    /// The purpose that a caller's word means; `None` where it is not known.
    pub(super) fn named(word: &str) -> Option<Self> {
        Some(match word {
            "search_document" | "document" | "passage" => Self::Document,
            "search_query" | "query" => Self::Query,
            "classification" => Self::Classification,
            "clustering" => Self::Clustering,
            _ => return None,
        })
    }
}

/// Whether the form has a place for what the caller said of the purpose.
pub(super) fn tells(embeds: Embeds, purpose: Option<Purpose>) -> bool {
    match embeds {
        Embeds::None | Embeds::InputText | Embeds::InputTextSized => false,
        Embeds::Texts | Embeds::TextsSized | Embeds::Task => purpose.is_some(),
    }
}

/// A call's body. A text that is too long must be refused, not cut: the primary does not cut either.
pub(super) fn body(embeds: Embeds, texts: &[&str], purpose: Purpose, length: Option<u64>) -> Bytes {
    let text = texts.first().copied().unwrap_or_default();
    let mut body = match embeds {
        Embeds::None | Embeds::InputText => json!({ "inputText": text }),
        Embeds::InputTextSized => json!({ "inputText": text, "normalize": true }),
        Embeds::Texts => json!({
            "texts": texts, "input_type": input_type(purpose), "truncate": "NONE"
        }),
        Embeds::TextsSized => json!({
            "texts": texts, "input_type": input_type(purpose), "truncate": "NONE",
            "embedding_types": ["float"]
        }),
        Embeds::Task => json!({
            "schemaVersion": "nova-multimodal-embed-v1",
            "taskType": "SINGLE_EMBEDDING",
            "singleEmbeddingParams": {
                "embeddingPurpose": embedding_purpose(purpose),
                "text": { "truncationMode": "NONE", "value": text }
            }
        }),
    };
    if let Some(length) = length {
        let place = match embeds {
            // The length is the model's only one.
            Embeds::None | Embeds::InputText | Embeds::Texts => None,
            Embeds::InputTextSized => Some((&mut body, "dimensions")),
            Embeds::TextsSized => Some((&mut body, "output_dimension")),
            Embeds::Task => body
                .get_mut("singleEmbeddingParams")
                .map(|params| (params, "embeddingDimension")),
        };
        if let Some((Value::Object(place), name)) = place {
            place.insert(name.to_owned(), length.into());
        }
    }
    body.to_string().into()
}

const fn input_type(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Document => "search_document",
        Purpose::Query => "search_query",
        Purpose::Classification => "classification",
        Purpose::Clustering => "clustering",
    }
}

const fn embedding_purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Document => "GENERIC_INDEX",
        Purpose::Query => "GENERIC_RETRIEVAL",
        Purpose::Classification => "CLASSIFICATION",
        Purpose::Clustering => "CLUSTERING",
    }
}

/// Reads a call's answer, in whichever form it is.
///
/// # Errors
/// When it has no vectors.
pub(super) fn read(body: &[u8]) -> Result<Given, AnswerError> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| AnswerError::Malformed)?;
    let vectors = match (answer.embedding, answer.embeddings) {
        (_, Some(Vectors::Lists(vectors) | Vectors::Typed { float: vectors })) => vectors,
        (_, Some(Vectors::Named(named))) => named.into_iter().map(|one| one.embedding).collect(),
        (Some(vector), None) => vec![vector],
        (None, None) => return Err(AnswerError::Missing),
    };
    Ok(Given {
        vectors,
        tokens: answer.input_text_token_count,
    })
}

/// The vector at unit length. One without a direction stays as it is; one that is no vector of numbers is none at all.
///
/// # Errors
/// When a number is not finite, or there are none.
pub(super) fn unit(mut vector: Vec<f32>) -> Result<Vec<f32>, AnswerError> {
    let square: f64 = vector.iter().map(|n| f64::from(*n) * f64::from(*n)).sum();
    if vector.is_empty() || !square.is_finite() {
        return Err(AnswerError::Malformed);
    }
    let norm = square.sqrt();
    // Rounding alone is not touched: what came at unit length stays as it came, bit by bit.
    if norm > 0.0 && (norm - 1.0).abs() > 1e-3 {
        for number in &mut vector {
            #[expect(clippy::cast_possible_truncation, reason = "vectors are 32-bit floats")]
            let scaled = (f64::from(*number) / norm) as f32;
            *number = scaled;
        }
    }
    Ok(vector)
}
