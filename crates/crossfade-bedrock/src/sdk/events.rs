//! The SDK's stream events as our own.

use std::collections::HashMap;

use aws_sdk_bedrockruntime::{
    primitives::event_stream::EventReceiver,
    types::{
        ContentBlockDelta, ContentBlockStart, ConverseStreamOutput, GuardrailAssessment,
        GuardrailContentPolicyAction as ContentAction, GuardrailContentPolicyAssessment,
        GuardrailContextualGroundingPolicyAction as GroundingAction,
        GuardrailContextualGroundingPolicyAssessment,
        GuardrailSensitiveInformationPolicyAction as SensitiveAction,
        GuardrailTopicPolicyAction as TopicAction, GuardrailTopicPolicyAssessment,
        GuardrailTraceAssessment, GuardrailWordPolicyAction as WordAction, TokenUsage as SdkUsage,
        ToolUseType, error::ConverseStreamOutputError,
    },
};

use super::fault::{self, Failure};
use crate::converse::{Delta, Event, Guarded, Start, TokenUsage};

/// An answer's events as they come. Dropping it drops the connection's stream.
#[derive(Debug)]
pub(crate) struct Events {
    receiver: EventReceiver<ConverseStreamOutput, ConverseStreamOutputError>,
}

// === impl Events ===

impl Events {
    pub(super) const fn new(
        receiver: EventReceiver<ConverseStreamOutput, ConverseStreamOutputError>,
    ) -> Self {
        Self { receiver }
    }

    /// The next event; `None` at the end of the bytes, which is not yet the end of the message.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, Failure> {
        match self.receiver.recv().await {
            Ok(event) => Ok(event.map(convert)),
            Err(error) => Err(fault::of_event(error)),
        }
    }
}

fn convert(event: ConverseStreamOutput) -> Event {
    match event {
        ConverseStreamOutput::MessageStart(_) => Event::MessageStart,
        ConverseStreamOutput::ContentBlockStart(event) => match event.start {
            Some(start) => Event::BlockStart {
                index: event.content_block_index,
                start: begun(start),
            },
            None => Event::Other,
        },
        ConverseStreamOutput::ContentBlockDelta(event) => match event.delta {
            Some(delta) => Event::BlockDelta {
                index: event.content_block_index,
                delta: grown(delta),
            },
            None => Event::Other,
        },
        ConverseStreamOutput::ContentBlockStop(event) => Event::BlockStop {
            index: event.content_block_index,
        },
        ConverseStreamOutput::MessageStop(event) => Event::MessageStop {
            stop_reason: event.stop_reason.as_str().to_owned(),
        },
        ConverseStreamOutput::Metadata(event) => Event::Metadata {
            usage: event.usage.as_ref().map(tokens),
            guardrail: event
                .trace
                .and_then(|trace| trace.guardrail)
                .as_ref()
                .map(guarded),
        },
        _ => Event::Other,
    }
}

fn begun(start: ContentBlockStart) -> Start {
    match start {
        ContentBlockStart::ToolUse(call) => Start::ToolUse {
            name: call.name,
            server: call.r#type == Some(ToolUseType::ServerToolUse),
        },
        ContentBlockStart::ToolResult(_) => Start::Other("toolResult".to_owned()),
        ContentBlockStart::Image(_) => Start::Other("image".to_owned()),
        _ => Start::Other("(unknown)".to_owned()),
    }
}

fn grown(delta: ContentBlockDelta) -> Delta {
    match delta {
        ContentBlockDelta::Text(text) => Delta::Text(text),
        ContentBlockDelta::ToolUse(call) => Delta::ToolInput(call.input),
        ContentBlockDelta::ReasoningContent(_) => Delta::Reasoning,
        ContentBlockDelta::Citation(_) => Delta::Other("citations"),
        ContentBlockDelta::ToolResult(_) => Delta::Other("toolResult"),
        ContentBlockDelta::Image(_) => Delta::Other("image"),
        _ => Delta::Other("(unknown)"),
    }
}

fn tokens(usage: &SdkUsage) -> TokenUsage {
    let count = |tokens: i32| u64::try_from(tokens).unwrap_or(0);
    TokenUsage {
        input_tokens: count(usage.input_tokens),
        output_tokens: count(usage.output_tokens),
        cache_read_input_tokens: usage.cache_read_input_tokens.map_or(0, count),
        cache_write_input_tokens: usage.cache_write_input_tokens.map_or(0, count),
    }
}

fn guarded(trace: &GuardrailTraceAssessment) -> Guarded {
    let mut input = trace.input_assessment.iter().flat_map(HashMap::values);
    let mut output = trace
        .output_assessments
        .iter()
        .flat_map(HashMap::values)
        .flatten();
    Guarded {
        input_blocked: input.any(blocks),
        output_blocked: output.any(blocks),
    }
}

/// Whether any policy blocked.
fn blocks(assessment: &GuardrailAssessment) -> bool {
    let topics = assessment
        .topic_policy()
        .map(GuardrailTopicPolicyAssessment::topics);
    let filters = assessment
        .content_policy()
        .map(GuardrailContentPolicyAssessment::filters);
    let words = assessment.word_policy();
    let sensitive = assessment.sensitive_information_policy();
    let grounding = assessment
        .contextual_grounding_policy()
        .map(GuardrailContextualGroundingPolicyAssessment::filters);
    topics.is_some_and(|topics| {
        topics
            .iter()
            .any(|topic| topic.action == TopicAction::Blocked)
    }) || filters.is_some_and(|filters| filters.iter().any(|f| f.action == ContentAction::Blocked))
        || words.is_some_and(|words| {
            words
                .custom_words()
                .iter()
                .any(|word| word.action == WordAction::Blocked)
                || words
                    .managed_word_lists()
                    .iter()
                    .any(|word| word.action == WordAction::Blocked)
        })
        || sensitive.is_some_and(|sensitive| {
            sensitive
                .pii_entities()
                .iter()
                .any(|entity| entity.action == SensitiveAction::Blocked)
                || sensitive
                    .regexes()
                    .iter()
                    .any(|regex| regex.action == SensitiveAction::Blocked)
        })
        || grounding
            .is_some_and(|filters| filters.iter().any(|f| f.action == GroundingAction::Blocked))
}
