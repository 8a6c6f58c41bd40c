//! Reasoning effort: a word, a budget or a switch, as the model's family has it, and what it excludes.

use crossfade_exchange::{LossKind, Unsupported};
use serde_json::{Map, Value, json};

use super::context::{Context, refused};
use crate::{capabilities::Reasoning, compatible::Effort as Level, converse::InferenceConfig};

const FIELD: &str = "reasoning_effort";
/// Where an answer says how many of its tokens were thought.
const THOUGHT_TOKENS: &str = "/usage/output_tokens_details";

/// How effort is asked of the target.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Effort {
    /// Members for the vendor's own body.
    pub(super) additional: Map<String, Value>,
    /// The output's effort.
    pub(super) output: Option<&'static str>,
    /// What the answer is asked to say of it.
    pub(super) response_paths: Vec<&'static str>,
    /// The target signs its thoughts, and takes those of earlier turns back.
    pub(super) signs: bool,
}

/// What stands in the way of thinking on some targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Situation {
    /// A tool must be called.
    pub(super) forced_tool: bool,
    /// The conversation waits after a turn that called tools, and its thoughts are not at hand.
    pub(super) missing_thoughts: bool,
}

/// Translates reasoning effort. Where thinking excludes sampling parameters, they are dropped.
pub(super) fn effort(
    asked: Option<&str>,
    situation: Situation,
    inference: &mut InferenceConfig,
    context: &mut Context<'_>,
) -> Result<Effort, Unsupported> {
    let Some(asked) = asked else {
        return Ok(Effort::default());
    };
    let Some(level) = Level::of(asked) else {
        return Err(refused(FIELD, "not an effort that is known here"));
    };
    let style = context.capabilities.reasoning;
    if level == Level::None && is_off_unasked(style) {
        return Ok(Effort::default());
    }
    let dropped = match style {
        Reasoning::None => Some(LossKind::ReasoningDropped),
        Reasoning::Budget | Reasoning::Adaptive if situation.forced_tool => {
            Some(LossKind::ReasoningDropped)
        }
        // Without the thoughts of a turn that is not over, the whole request would be refused.
        Reasoning::Budget if situation.missing_thoughts => Some(LossKind::ThinkingMissing),
        Reasoning::Budget => {
            let least = context.capabilities.budget_least;
            let fits = inference.max_tokens.is_none_or(|most| most > least);
            (!fits).then_some(LossKind::ReasoningDropped)
        }
        Reasoning::Adaptive
        | Reasoning::Effort
        | Reasoning::Nested
        | Reasoning::Nova
        | Reasoning::Word => None,
    };
    if let Some(kind) = dropped {
        context.lose(kind, FIELD);
        return Ok(Effort::default());
    }
    let effort = match style {
        Reasoning::Budget => by_budget(level, inference.max_tokens, context),
        _ => by_word(level, style, context),
    };
    if effort.signs {
        unsampled(inference, context);
    }
    Ok(effort)
}

/// Whether the target thinks only if it is asked to.
fn is_off_unasked(style: Reasoning) -> bool {
    match style {
        Reasoning::None | Reasoning::Budget | Reasoning::Adaptive | Reasoning::Nova => true,
        Reasoning::Effort | Reasoning::Nested | Reasoning::Word => false,
    }
}

/// Thinking excludes sampling parameters, but for those that say what goes without saying.
fn unsampled(inference: &mut InferenceConfig, context: &mut Context<'_>) {
    let given = [
        ("temperature", inference.temperature.take()),
        ("top_p", inference.top_p.take()),
    ];
    for (field, value) in given {
        if value.is_some_and(|value| value < 1.0) {
            context.lose(LossKind::SamplingDropped, field);
        }
    }
}

/// A budget within what the model takes and below the limit of the whole answer.
fn by_budget(level: Level, max_tokens: Option<u32>, context: &mut Context<'_>) -> Effort {
    let capabilities = context.capabilities;
    let wanted: u32 = match level {
        Level::None | Level::Minimal | Level::Low => 1024,
        Level::Medium => 2048,
        Level::High => 4096,
        Level::Xhigh => 8192,
        Level::Max => 16_384,
    };
    let least = capabilities.budget_least;
    let most = capabilities.budget_most.max(least);
    let below = max_tokens.map_or(u32::MAX, |most| most.saturating_sub(1));
    let budget = wanted.clamp(least, most).min(below);
    context.lose(LossKind::ReasoningMapped, FIELD);
    if budget != wanted {
        context.lose(LossKind::BudgetClamped, FIELD);
    }
    let thinking = json!({"type": "enabled", "budget_tokens": budget});
    Effort {
        additional: member("thinking", thinking),
        response_paths: response_paths(context),
        signs: true,
        output: None,
    }
}

/// The word itself, or the nearest that the model takes.
fn by_word(level: Level, style: Reasoning, context: &mut Context<'_>) -> Effort {
    let nearest = context.capabilities.nearest(level);
    if nearest != level {
        context.lose(LossKind::ReasoningMapped, FIELD);
    }
    let word = nearest.as_str();
    let (name, value) = match style {
        Reasoning::None | Reasoning::Budget => return Effort::default(),
        Reasoning::Adaptive => {
            return Effort {
                additional: member("thinking", json!({"type": "adaptive"})),
                output: Some(word),
                response_paths: response_paths(context),
                signs: true,
            };
        }
        Reasoning::Effort => ("reasoning_effort", json!(word)),
        Reasoning::Nested => ("reasoning", json!({ "effort": word })),
        Reasoning::Nova => (
            "reasoningConfig",
            json!({"type": "enabled", "maxReasoningEffort": word}),
        ),
        Reasoning::Word => ("reasoning_config", json!(word)),
    };
    Effort {
        additional: member(name, value),
        ..Effort::default()
    }
}

fn response_paths(context: &Context<'_>) -> Vec<&'static str> {
    let says = context.capabilities.reasoning_usage;
    says.then_some(THOUGHT_TOKENS).into_iter().collect()
}

fn member(name: &str, value: Value) -> Map<String, Value> {
    let mut additional = Map::new();
    additional.insert(name.to_owned(), value);
    additional
}
