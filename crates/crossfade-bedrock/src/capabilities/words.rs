//! The values of the capability table's columns.

use serde::{Deserialize, Serialize};

use super::set::{Member, Set};
use crate::settings::{Api, Surface};

/// How a JSON schema for the answer is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Structured {
    /// By the request's output format.
    Native,
    /// By a tool that must be called.
    Tool,
}

/// Tool choices beyond `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// None.
    None,
    /// Some tool must be called.
    Any,
    /// Some tool, or one by name.
    All,
}

/// Which sampling parameters are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// Both, together too.
    Both,
    /// Either; beside each other they are refused.
    One,
    /// Neither.
    None,
}

/// Which stop sequences are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// Any text.
    Any,
    /// Text with something visible in it.
    Visible,
    /// None.
    None,
}

/// How reasoning effort is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reasoning {
    /// It cannot be.
    None,
    /// A budget of thinking tokens; a turn that calls tools must come back with its signed thoughts.
    Budget,
    /// Adaptive thinking and the output's effort; signed thoughts may come back.
    Adaptive,
    /// `reasoning_effort` as a word.
    Effort,
    /// `reasoning: {effort}`.
    Nested,
    /// `reasoningConfig` with a maximum effort.
    Nova,
    /// `reasoning_config` as a word.
    Word,
}

/// A picture's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageFormat {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// GIF.
    Gif,
    /// WebP.
    Webp,
}

/// A sound's format, of those that the caller's wire knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SoundFormat {
    /// WAV.
    Wav,
    /// MP3.
    Mp3,
}

/// Which APIs speak for a model, on which of the provider's hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Endpoints {
    /// On the host that serves every model.
    pub runtime: Set<Api>,
    /// On the host of the OpenAI-compatible endpoints alone.
    pub mantle: Set<Api>,
}

/// US dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Of the prompt.
    pub input: f64,
    /// Of the prompt, read from a cache; as input if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<f64>,
    /// Of the prompt, written to a cache; as input if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<f64>,
    /// Of the answer, reasoning included.
    pub output: f64,
}

// === impl ImageFormat ===

impl ImageFormat {
    /// The word on the provider's wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Gif => "gif",
            Self::Webp => "webp",
        }
    }
}

impl Member for ImageFormat {
    const ALL: &'static [Self] = &[Self::Png, Self::Jpeg, Self::Gif, Self::Webp];
}

// === impl SoundFormat ===

impl SoundFormat {
    /// The word on both wires.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Mp3 => "mp3",
        }
    }
}

impl Member for SoundFormat {
    const ALL: &'static [Self] = &[Self::Wav, Self::Mp3];
}

// === impl Endpoints ===

impl Member for Api {
    const ALL: &'static [Self] = &[
        Self::Converse,
        Self::OpenaiChat,
        Self::OpenaiResponses,
        Self::Invoke,
    ];
}

impl Default for Endpoints {
    /// None: a row that states its endpoints states all of them.
    fn default() -> Self {
        Self {
            runtime: Set::EMPTY,
            mantle: Set::EMPTY,
        }
    }
}

impl Endpoints {
    /// The APIs on one host.
    pub const fn on(self, surface: Surface) -> Set<Api> {
        match surface {
            Surface::Runtime => self.runtime,
            Surface::Mantle => self.mantle,
        }
    }
}
