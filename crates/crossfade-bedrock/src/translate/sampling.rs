//! Sampling parameters, limits and stop sequences.

use crossfade_exchange::{LossKind, Unsupported};
use crossfade_openai::chat;

use super::context::{Context, refused};
use crate::{
    capabilities::{Sampling, Stop},
    converse::InferenceConfig,
    settings::TemperatureScale,
};

/// Translates sampling, limits and stop sequences.
pub(super) fn sampling(
    asked: &chat::Request,
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
    match context.settings.temperature_scale {
        TemperatureScale::Clamp => {
            if asked.is_some_and(|t| t > 1.0) {
                context.lose(LossKind::TemperatureClamped, "temperature");
            }
            Ok(asked.map(|t| t.min(1.0)))
        }
        TemperatureScale::Halve => {
            if asked.is_some_and(|t| t > 0.0) {
                context.lose(LossKind::TemperatureScaled, "temperature");
            }
            Ok(asked.map(|t| t / 2.0))
        }
    }
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
    let most = usize::try_from(context.capabilities.stops).unwrap_or(usize::MAX);
    let kept = asked.iter().filter(|sequence| takes(sequence));
    let kept: Vec<String> = kept.take(most).cloned().collect();
    if kept.len() < asked.len() {
        context.lose(LossKind::StopDropped, "stop");
    }
    kept
}
