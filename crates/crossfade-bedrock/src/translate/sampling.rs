//! Sampling parameters, limits, stop sequences and reasoning effort.

use crossfade_exchange::{LossKind, Unsupported};
use crossfade_openai::chat;
use serde_json::{Map, Value, json};

use super::context::{Context, refused};
use crate::{
    capabilities::{Reasoning, Sampling, Stop},
    converse::InferenceConfig,
};

/// The least budget of thinking tokens.
const LEAST_BUDGET: u32 = 1024;

/// What a request says about sampling.
pub(super) struct Asked {
    pub(super) temperature: Option<f64>,
    pub(super) top_p: Option<f64>,
    pub(super) max_completion_tokens: Option<u64>,
    pub(super) max_tokens: Option<u64>,
    pub(super) stop: Option<chat::Stop>,
}

/// Translates sampling, limits and stop sequences.
pub(super) fn sampling(
    asked: &Asked,
    context: &mut Context<'_>,
) -> Result<InferenceConfig, Unsupported> {
    let mut temperature = temperature(asked.temperature, context)?;
    let mut top_p = asked.top_p;
    if top_p.is_some_and(|p| !(0.0..=1.0).contains(&p)) {
        return Err(refused("top_p", "out of range"));
    }
    match context.capabilities.sampling {
        Sampling::Both => {}
        Sampling::One => {
            if temperature.is_some() && top_p.take().is_some() {
                context.lose(LossKind::SamplingDropped, "top_p");
            }
        }
        Sampling::None => {
            if temperature.take().is_some() {
                context.lose(LossKind::SamplingDropped, "temperature");
            }
            if top_p.take().is_some() {
                context.lose(LossKind::SamplingDropped, "top_p");
            }
        }
    }
    let max_tokens = limit(asked.max_completion_tokens, asked.max_tokens, context)?;
    let stop_sequences = stops(asked.stop.as_ref(), context);
    Ok(InferenceConfig {
        max_tokens,
        temperature,
        top_p,
        stop_sequences,
    })
}

fn temperature(asked: Option<f64>, context: &mut Context<'_>) -> Result<Option<f64>, Unsupported> {
    if asked.is_some_and(|t| !(0.0..=2.0).contains(&t)) {
        return Err(refused("temperature", "out of range"));
    }
    if let Some(adapted) = context.settings.adapt.temperature {
        context.lose(LossKind::Adapted, "temperature");
        return Ok(Some(adapted.clamp(0.0, 1.0)));
    }
    if asked.is_some_and(|t| t > 1.0) {
        context.lose(LossKind::TemperatureClamped, "temperature");
    }
    Ok(asked.map(|t| t.min(1.0)))
}

fn limit(
    newer: Option<u64>,
    older: Option<u64>,
    context: &mut Context<'_>,
) -> Result<Option<u32>, Unsupported> {
    let (field, asked) = match (newer, older) {
        (Some(limit), _) => ("max_completion_tokens", Some(limit)),
        (None, older) => ("max_tokens", older),
    };
    if asked == Some(0) {
        return Err(refused(field, "out of range"));
    }
    let floor = context.capabilities.token_floor;
    let limit = match asked {
        // The target counts in 32 bits with a sign; more than that is no limit.
        Some(asked) => u32::try_from(asked)
            .unwrap_or(u32::MAX)
            .min(i32::MAX.unsigned_abs()),
        None => match context.settings.default_max_tokens {
            Some(default) => return Ok(Some(default.max(floor))),
            None => return Ok(None),
        },
    };
    if limit < floor {
        context.lose(LossKind::TokenFloor, field);
    }
    Ok(Some(limit.max(floor)))
}

fn stops(asked: Option<&chat::Stop>, context: &mut Context<'_>) -> Vec<String> {
    let asked = asked.map(chat::Stop::sequences).unwrap_or_default();
    let takes = |sequence: &str| match context.capabilities.stop {
        Stop::Any => !sequence.is_empty(),
        Stop::Visible => !sequence.trim().is_empty(),
        Stop::None => false,
    };
    let kept: Vec<String> = asked
        .iter()
        .filter(|sequence| takes(sequence))
        .cloned()
        .collect();
    if kept.len() < asked.len() {
        context.lose(LossKind::StopDropped, "stop");
    }
    kept
}

/// How effort is asked of the target.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Effort {
    /// Members for the vendor's own body.
    pub(super) additional: Map<String, Value>,
    /// The output's effort.
    pub(super) output: Option<&'static str>,
}

/// What stands in the way of thinking on some targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Situation {
    /// A tool must be called.
    pub(super) forced_tool: bool,
    /// The history holds tool calls, whose thinking the caller's wire never carried.
    pub(super) tool_history: bool,
}

/// Translates reasoning effort. Where thinking excludes sampling parameters, they are dropped.
pub(super) fn effort(
    asked: Option<&str>,
    situation: Situation,
    inference: &mut InferenceConfig,
    context: &mut Context<'_>,
) -> Result<Effort, Unsupported> {
    const FIELD: &str = "reasoning_effort";
    let Some(asked) = asked else {
        return Ok(Effort::default());
    };
    let Some(level) = Level::parse(asked) else {
        return Err(refused(FIELD, "not an effort that is known here"));
    };
    let style = context.capabilities.reasoning;
    let thinks = matches!(style, Reasoning::Budget | Reasoning::Adaptive);
    let barred = thinks && (situation.forced_tool || situation.tool_history);
    let fits =
        style != Reasoning::Budget || inference.max_tokens.is_none_or(|most| most > LEAST_BUDGET);
    let has_off = thinks || matches!(style, Reasoning::None | Reasoning::Nova);
    if level == Level::None && has_off {
        return Ok(Effort::default());
    }
    if style == Reasoning::None || barred || !fits {
        context.lose(LossKind::ReasoningDropped, FIELD);
        return Ok(Effort::default());
    }
    if thinks {
        for (field, was) in [
            ("temperature", inference.temperature.take().is_some()),
            ("top_p", inference.top_p.take().is_some()),
        ] {
            if was {
                context.lose(LossKind::SamplingDropped, field);
            }
        }
    }
    let (effort, same) = level.ask(style, inference.max_tokens);
    if !same {
        context.lose(LossKind::ReasoningMapped, FIELD);
    }
    Ok(effort)
}

/// The caller's efforts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    None,
    Minimal,
    Low,
    Medium,
    High,
    Xhigh,
    Max,
}

// === impl Level ===

impl Level {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "none" => Self::None,
            "minimal" => Self::Minimal,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "xhigh" => Self::Xhigh,
            "max" => Self::Max,
            _ => return None,
        })
    }

    fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// The nearest of low, medium and high.
    fn of_three(self) -> &'static str {
        match self {
            Self::None | Self::Minimal | Self::Low => "low",
            Self::Medium => "medium",
            Self::High | Self::Xhigh | Self::Max => "high",
        }
    }

    fn budget(self) -> u32 {
        match self {
            Self::None | Self::Minimal | Self::Low => LEAST_BUDGET,
            Self::Medium => 2048,
            Self::High => 4096,
            Self::Xhigh => 8192,
            Self::Max => 16_384,
        }
    }

    /// The effort in a style, and whether it means the same word.
    fn ask(self, style: Reasoning, max_tokens: Option<u32>) -> (Effort, bool) {
        let member = |name: &str, value: Value| {
            let mut additional = Map::new();
            additional.insert(name.to_owned(), value);
            Effort {
                additional,
                output: None,
            }
        };
        let three = self.of_three();
        let same_of_three = three == self.word();
        match style {
            Reasoning::None => (Effort::default(), false),
            Reasoning::Budget => {
                let budget = max_tokens
                    .map_or(u32::MAX, |most| most.saturating_sub(1))
                    .min(self.budget());
                (
                    member(
                        "thinking",
                        json!({"type": "enabled", "budget_tokens": budget}),
                    ),
                    false,
                )
            }
            Reasoning::Adaptive => {
                let word = match self {
                    Self::None | Self::Minimal => "low",
                    Self::Low | Self::Medium | Self::High | Self::Xhigh | Self::Max => self.word(),
                };
                let mut effort = member("thinking", json!({"type": "adaptive"}));
                effort.output = Some(word);
                (effort, word == self.word())
            }
            Reasoning::Effort => (member("reasoning_effort", json!(three)), same_of_three),
            Reasoning::Nested => (member("reasoning", json!({"effort": self.word()})), true),
            Reasoning::Nova => {
                let config = json!({"type": "enabled", "maxReasoningEffort": three});
                (member("reasoningConfig", config), same_of_three)
            }
            Reasoning::Word => (member("reasoning_config", json!(three)), same_of_three),
        }
    }
}
