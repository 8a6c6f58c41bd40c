//! What some families do not offer at all: kinds of content, system prompts, fields of their own.

use serde_json::Value;

use super::Case;
use crate::bedrock::{
    family::Family,
    json::{items, text},
};

const MAX_IMAGE_BYTES: usize = 3_932_160;
const MAX_DOCUMENT_BYTES: usize = 4_718_592;

/// The model's own fields that a family knows; of others nothing is known.
const OF_CLAUDE: &[&str] = &[
    "anthropic_beta",
    "metadata",
    "output_config",
    "thinking",
    "tool_choice",
    "top_k",
];
const OF_NOVA: &[&str] = &["inferenceConfig", "reasoningConfig"];
const OF_GPT_OSS: &[&str] = &["reasoning_effort", "include_reasoning"];

pub(super) fn kinds(case: &Case<'_>) -> Option<String> {
    case.blocks().find_map(|(at, index, block)| {
        let refused = ["image", "document", "audio", "cachePoint"]
            .into_iter()
            .find(|kind| block.get(kind).is_some() && !takes(case, kind))?;
        Some(format!(
            "This model doesn't support the {refused} content block that you provided at \
             messages.{at}.content.{index}. Remove it and try again."
        ))
    })
}

fn takes(case: &Case<'_>, kind: &str) -> bool {
    let named = |part: &str| case.model.contains(part);
    match kind {
        "image" => {
            let blind = matches!(
                case.family,
                Family::GptOss | Family::Titan | Family::Ai21 | Family::Cohere
            );
            !blind && !named("nova-micro")
        }
        "document" => case.family != Family::GptOss && !named("nova-micro"),
        "audio" => {
            case.family == Family::Opaque || ["voxtral", "omni", "sonic"].into_iter().any(named)
        }
        _ => case.family.takes_cache_points(),
    }
}

/// Cache points outside of messages, and how long they may live.
pub(super) fn cache_points(case: &Case<'_>) -> Option<String> {
    let tools = case
        .setting("/toolConfig")
        .map_or(&[][..], |config| items(config, "tools"));
    let blocks = case.blocks().map(|(_, _, block)| block);
    let mut points = items(case.body, "system")
        .iter()
        .chain(tools)
        .chain(blocks)
        .filter_map(|block| block.get("cachePoint"));
    let points = points.by_ref().collect::<Vec<_>>();
    if !points.is_empty() && !case.family.takes_cache_points() {
        return Some(
            "This model doesn't support the cachePoint field. Remove cachePoint and try again."
                .to_owned(),
        );
    }
    let hour = points.iter().any(|point| text(point, "ttl") == Some("1h"));
    let takes_hour = case.family.is_claude_from(4, 5) || case.family == Family::Opaque;
    (hour && !takes_hour).then(|| {
        "This model doesn't support the ttl value 1h in cachePoint. Use 5m and try again."
            .to_owned()
    })
}

pub(super) fn sizes(case: &Case<'_>) -> Option<String> {
    let bytes = |media: &Value| {
        // Four characters of base64 are three bytes.
        media
            .pointer("/source/bytes")
            .and_then(Value::as_str)
            .map_or(0, |text| text.len() / 4 * 3)
    };
    case.blocks().find_map(|(at, index, block)| {
        let over =
            |kind: &str, most: usize| block.get(kind).is_some_and(|media| bytes(media) > most);
        let (kind, most) = if over("image", MAX_IMAGE_BYTES) {
            ("image", MAX_IMAGE_BYTES)
        } else if over("document", MAX_DOCUMENT_BYTES) {
            ("document", MAX_DOCUMENT_BYTES)
        } else {
            return None;
        };
        Some(format!(
            "The {kind} at messages.{at}.content.{index} exceeds the maximum size of {most} bytes."
        ))
    })
}

pub(super) fn system(case: &Case<'_>) -> Option<String> {
    let without = case.family == Family::Titan
        || ["mistral-7b", "command-light"]
            .into_iter()
            .any(|name| case.model.contains(name));
    (without && !items(case.body, "system").is_empty()).then(|| {
        "This model doesn't support system messages. Try again without a system message or use a model that supports \
         system messages."
            .to_owned()
    })
}

/// Pictures in tool results.
pub(super) fn results(case: &Case<'_>) -> Option<String> {
    let takes = matches!(
        case.family,
        Family::Claude(..) | Family::Nova(_) | Family::Opaque | Family::OtherVendor | Family::Gpt
    );
    if takes {
        return None;
    }
    case.blocks().find_map(|(at, index, block)| {
        let content = items(block.get("toolResult")?, "content");
        let inside = content.iter().position(|part| part.get("image").is_some())?;
        Some(format!(
            "This model doesn't support the image field at messages.{at}.content.{index}.toolResult.content.{inside}. \
             Remove the image field and try again."
        ))
    })
}

/// Fields of the model itself.
pub(super) fn own_fields(case: &Case<'_>) -> Option<String> {
    let given = case.setting("/additionalModelRequestFields")?.as_object()?;
    let choice = given
        .get("tool_choice")
        .and_then(|choice| choice.get("type"));
    if choice.is_some() && case.setting("/toolConfig/toolChoice").is_some() {
        return Some(
            "The additional field tool_choice conflicts with an existing field.".to_owned(),
        );
    }
    let known = match case.family {
        Family::Claude(..) => OF_CLAUDE,
        Family::Nova(_) => OF_NOVA,
        Family::GptOss => OF_GPT_OSS,
        Family::Titan
        | Family::Llama
        | Family::Mistral
        | Family::Cohere
        | Family::Ai21
        | Family::Writer
        | Family::Gpt
        | Family::OtherVendor
        | Family::Opaque => return None,
    };
    let unknown = given.keys().find(|name| !known.contains(&name.as_str()))?;
    Some(format!(
        "The model returned the following errors: {unknown}: Extra inputs are not permitted"
    ))
}

/// How hard a model may be asked to think.
pub(super) fn effort(case: &Case<'_>) -> Option<String> {
    let words = |allowed: &[&str], given: Option<&Value>| {
        let given = given.and_then(Value::as_str)?;
        (!allowed.contains(&given)).then(|| {
            format!(
                "The model returned the following errors: effort: Input should be one of {}",
                allowed.join(", ")
            )
        })
    };
    let of_config = case.setting("/outputConfig/effort");
    let takes = match case.family {
        Family::Claude(..) => case.family.is_claude_from(4, 5),
        Family::Gpt | Family::OtherVendor | Family::Opaque => true,
        Family::Nova(_)
        | Family::Titan
        | Family::Llama
        | Family::Mistral
        | Family::Cohere
        | Family::Ai21
        | Family::Writer
        | Family::GptOss => false,
    };
    if of_config.is_some() && !takes {
        return Some(
            "This model doesn't support the outputConfig.effort field. Remove outputConfig.effort and try again."
                .to_owned(),
        );
    }
    let own = case.setting("/additionalModelRequestFields/reasoning_effort");
    let own = own.filter(|_| case.family == Family::GptOss);
    let nova = case.setting("/additionalModelRequestFields/reasoningConfig");
    if nova.is_some() && !matches!(case.family, Family::Nova(2..)) {
        return Some(
            "The model returned the following errors: reasoningConfig: Extra inputs are not permitted".to_owned(),
        );
    }
    let nova = nova.and_then(|config| config.get("maxReasoningEffort"));
    words(&["low", "medium", "high", "xhigh", "max"], of_config)
        .or_else(|| words(&["low", "medium", "high"], own))
        .or_else(|| words(&["low", "medium", "high"], nova))
}
