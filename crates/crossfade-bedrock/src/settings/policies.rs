//! What a route chooses where the two wires leave a choice.

use serde::{Deserialize, Serialize};

/// Where a system message goes that does not stand at the front.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LateSystem {
    /// To the front, after those that stand there.
    #[default]
    Front,
    /// It stays where it is: as a system turn where the model has such turns, else as text of the user's.
    InPlace,
}

/// How a temperature over 1 is brought into the target's range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemperatureScale {
    /// It becomes 1.
    #[default]
    Clamp,
    /// Every temperature is halved, so that the order among them is kept.
    Halve,
}

/// What is done with penalties and biases, which have no counterpart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Penalties {
    /// A request that has one is not for the candidate.
    #[default]
    Refuse,
    /// They are dropped, as a loss.
    Drop,
}

/// Who keeps the responses that a caller leaves to the provider to keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Store {
    /// The primary: such a request is mirrored, and answered by nobody else.
    #[default]
    Primary,
    /// Nobody: it may be answered by the candidate, as a loss.
    Unstored,
    /// The candidate, which must be able to.
    Candidate,
}

/// The guardrail that looks at requests and answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardrailSettings {
    /// Its id or ARN.
    pub id: String,
    /// Its version: `DRAFT` or a number.
    pub version: String,
    /// How much of what it found is told. Without it nothing can be said of what was filtered.
    #[serde(default)]
    pub trace: GuardrailTrace,
    /// Whether a stream waits for it.
    #[serde(default)]
    pub stream_mode: StreamMode,
    /// The primary's category that findings of misconduct are shown in.
    #[serde(default)]
    pub misconduct: Misconduct,
}

/// The primary has no category for misconduct; this is the one it is shown in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Misconduct {
    /// Among the custom block lists.
    #[default]
    CustomBlocklists,
    /// As hate.
    Hate,
    /// As violence.
    Violence,
    /// As self-harm.
    SelfHarm,
    /// As sexual content.
    Sexual,
    /// Nowhere.
    Hidden,
}

/// How much a guardrail tells of what it found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardrailTrace {
    /// What it acted on.
    #[default]
    Enabled,
    /// All that it looked at.
    Full,
    /// Nothing.
    Disabled,
}

/// Whether a stream waits for the guardrail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamMode {
    /// Text is held until it was looked at.
    #[default]
    Sync,
    /// Text goes out at once; a violation ends the stream late.
    Async,
}

// === impl GuardrailTrace ===

impl GuardrailTrace {
    /// The word on the provider's wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Full => "enabled_full",
            Self::Disabled => "disabled",
        }
    }
}

// === impl StreamMode ===

impl StreamMode {
    /// The word on the provider's wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Async => "async",
        }
    }
}
