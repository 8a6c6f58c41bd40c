//! A static model of embeddings: one vector a token, and a text's is their mean. Read from a directory with
//! `model.safetensors` (a tensor `embeddings`; `weights` and `mapping` where vocabularies were compressed) and
//! `tokenizer.json`: the form in which such models are published (`Model2Vec`). It is fast enough to need no batches, and
//! knows nothing of the order of words.

use std::{io, path::Path, sync::Arc};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::{embedder::Vector, wordpiece::WordPiece};

/// The largest file that is read.
const MOST_BYTES: u64 = 2 << 30;
/// Tokens of a text that are looked at, as the models' own code does.
const MOST_TOKENS: usize = 512;

/// A static model in memory.
#[derive(Debug)]
pub struct StaticModel {
    tokenizer: WordPiece,
    vectors: Vec<f32>,
    dimensions: usize,
    /// By token; 1 where there are none.
    weights: Vec<f32>,
    /// The row of a token's vector; its own number where there is no mapping.
    rows: Vec<usize>,
}

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file cannot be read.
    #[error("cannot read {file}: put the model's model.safetensors and tokenizer.json there")]
    Read {
        /// Which.
        file: String,
        /// The refusal.
        source: io::Error,
    },
    /// A file is larger than any such model.
    #[error("{file} has more than 2 GiB: this is no static model")]
    TooLarge {
        /// Which.
        file: String,
    },
    /// The tokenizer is not of the form that is known.
    #[error("tokenizer.json is not read")]
    Tokenizer(#[source] serde_json::Error),
    /// The tokenizer works in another way.
    #[error(
        "the {part} of tokenizer.json is {kind:?}: only BERT's WordPiece is known here (model WordPiece, normalizer BertNormalizer, pre_tokenizer BertPreTokenizer)"
    )]
    Kind {
        /// Which part.
        part: &'static str,
        /// What it is.
        kind: String,
    },
    /// The tensors' file is none.
    #[error("model.safetensors is not read")]
    Tensors(#[source] safetensors::SafeTensorError),
    /// A tensor is missing or has another form.
    #[error("the tensor {name:?} of model.safetensors {why}")]
    Tensor {
        /// Which.
        name: &'static str,
        /// What is wrong.
        why: &'static str,
    },
}

// === impl StaticModel ===

impl StaticModel {
    /// Characters of a text that are looked at: what the most tokens hold at most, if they are long.
    pub(crate) const LONGEST_TEXT: usize = MOST_TOKENS * 20;

    /// Reads a model's directory.
    pub fn read(directory: &Path) -> Result<Self, ModelError> {
        let tokenizer = WordPiece::read(&file(&directory.join("tokenizer.json"))?)?;
        let bytes = file(&directory.join("model.safetensors"))?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(ModelError::Tensors)?;
        let wrong = |name, why| ModelError::Tensor { name, why };
        let embeddings = tensors
            .tensor("embeddings")
            .map_err(|_| wrong("embeddings", "is missing"))?;
        let [_, dimensions] = embeddings.shape() else {
            return Err(wrong("embeddings", "is no table of vectors"));
        };
        let dimensions = *dimensions;
        let vectors = floats(&embeddings).ok_or(wrong("embeddings", "holds no floats"))?;
        if dimensions == 0 || vectors.iter().any(|value| !value.is_finite()) {
            return Err(wrong("embeddings", "holds no finite numbers"));
        }
        let weights = match tensors.tensor("weights") {
            Ok(weights) => floats(&weights).ok_or(wrong("weights", "holds no floats"))?,
            Err(_) => Vec::new(),
        };
        let rows = match tensors.tensor("mapping") {
            Ok(mapping) => integers(&mapping).ok_or(wrong("mapping", "holds no rows"))?,
            Err(_) => Vec::new(),
        };
        let model = Self {
            tokenizer,
            vectors,
            dimensions,
            weights,
            rows,
        };
        let last = model.tokenizer.largest();
        if last.is_none_or(|last| model.row(last).is_none()) {
            return Err(wrong(
                "embeddings",
                "has fewer rows than the tokenizer has tokens",
            ));
        }
        Ok(model)
    }

    /// A text's vector, of length 1; `None` if it has no token that the model knows.
    pub(crate) fn embed(&self, text: &str) -> Option<Vector> {
        let mut sum = vec![0.0_f64; self.dimensions];
        for token in self.tokenizer.encode(text, MOST_TOKENS) {
            let weight = self.weights.get(token as usize).copied().unwrap_or(1.0);
            for (sum, value) in sum.iter_mut().zip(self.row(token)?) {
                *sum += f64::from(weight) * f64::from(*value);
            }
        }
        let length = sum.iter().map(|value| value * value).sum::<f64>().sqrt();
        if length <= 0.0 {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "vectors have single precision, as the model has"
        )]
        let vector: Arc<[f32]> = sum.iter().map(|value| (value / length) as f32).collect();
        Some(vector)
    }

    fn row(&self, token: u32) -> Option<&[f32]> {
        let token = token as usize;
        let row = match self.rows.as_slice() {
            [] => token,
            rows => *rows.get(token)?,
        };
        let start = row.checked_mul(self.dimensions)?;
        self.vectors.get(start..start.checked_add(self.dimensions)?)
    }
}

fn file(path: &Path) -> Result<Vec<u8>, ModelError> {
    let file = || path.display().to_string();
    let failed = |source| ModelError::Read {
        file: file(),
        source,
    };
    if std::fs::metadata(path).map_err(failed)?.len() > MOST_BYTES {
        return Err(ModelError::TooLarge { file: file() });
    }
    std::fs::read(path).map_err(failed)
}

fn floats(tensor: &TensorView<'_>) -> Option<Vec<f32>> {
    let data = tensor.data();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what the model does with its weights is single precision"
    )]
    let values = match tensor.dtype() {
        Dtype::F32 => data
            .as_chunks()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect(),
        Dtype::F64 => data
            .as_chunks()
            .0
            .iter()
            .map(|b| f64::from_le_bytes(*b) as f32)
            .collect(),
        Dtype::F16 => data
            .as_chunks()
            .0
            .iter()
            .map(|b| half(u16::from_le_bytes(*b)))
            .collect(),
        Dtype::BF16 => data
            .as_chunks()
            .0
            .iter()
            .map(|b| f32::from_bits(u32::from(u16::from_le_bytes(*b)) << 16))
            .collect(),
        Dtype::I8 => data
            .iter()
            .map(|b| f32::from(i8::from_le_bytes([*b])))
            .collect(),
        _ => return None,
    };
    Some(values)
}

fn integers(tensor: &TensorView<'_>) -> Option<Vec<usize>> {
    let data = tensor.data();
    match tensor.dtype() {
        Dtype::I64 => data
            .as_chunks()
            .0
            .iter()
            .map(|b| usize::try_from(i64::from_le_bytes(*b)).ok())
            .collect(),
        Dtype::I32 => data
            .as_chunks()
            .0
            .iter()
            .map(|b| usize::try_from(i32::from_le_bytes(*b)).ok())
            .collect(),
        _ => None,
    }
}

/// IEEE 754 half precision to single.
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let fraction = f32::from(bits & 0x3ff);
    let exponent = i32::from((bits >> 10) & 0x1f);
    let size = match exponent {
        0 => fraction * 2.0_f32.powi(-24),
        31 if fraction > 0.0 => f32::NAN,
        31 => f32::INFINITY,
        _ => (1.0 + fraction / 1024.0) * 2.0_f32.powi(exponent - 15),
    };
    sign * size
}

#[cfg(test)]
mod tests {
    use super::half;

    #[test]
    fn half_precision() {
        for (bits, value) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x7bff, 65_504.0),
            (0x0001, 5.960_464_5e-8),
            (0x7c00, f32::INFINITY),
        ] {
            assert_eq!(half(bits).to_bits(), f32::to_bits(value), "{bits:04x}");
        }
        assert!(half(0x7c01).is_nan());
    }
}
