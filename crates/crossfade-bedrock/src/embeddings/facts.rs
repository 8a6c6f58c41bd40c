//! The values of the capability table's columns about embeddings.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// In which form a model takes texts and gives vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Embeds {
    /// It does not embed.
    None,
    /// `{inputText}`, one text.
    InputText,
    /// `{inputText, dimensions, normalize}`, one text.
    InputTextSized,
    /// `{texts, input_type, truncate}`, several texts.
    Texts,
    /// `{texts, input_type, truncate, embedding_types, output_dimension}`, several texts.
    TextsSized,
    /// `{taskType, singleEmbeddingParams}`, one text.
    Task,
}

/// The lengths of vector that a model gives; written as a list. The first is not the default: a request without a length is
/// sent without one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lengths([u32; Lengths::MOST]);

// === impl Lengths ===

impl Lengths {
    /// The most lengths of a model.
    const MOST: usize = 8;

    /// None: nothing is known of them.
    pub const NONE: Self = Self([0; Self::MOST]);

    /// Whether it gives vectors of this length.
    pub fn has(self, length: u64) -> bool {
        self.iter().any(|each| u64::from(each) == length)
    }

    /// The lengths.
    pub fn iter(self) -> impl Iterator<Item = u32> {
        self.0.into_iter().filter(|length| *length != 0)
    }
}

impl Serialize for Lengths {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Lengths {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let lengths = Vec::<u32>::deserialize(deserializer)?;
        let mut held = [0; Self::MOST];
        if lengths.len() > held.len() || lengths.contains(&0) {
            return Err(de::Error::custom("use up to 8 lengths, each over 0"));
        }
        for (place, length) in held.iter_mut().zip(lengths) {
            *place = length;
        }
        Ok(Self(held))
    }
}
