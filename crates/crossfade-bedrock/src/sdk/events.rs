//! The SDK's stream events as our own.

use aws_sdk_bedrockruntime::{
    primitives::event_stream::EventReceiver,
    types::{
        CitationLocation as SdkLocation, CitationsDelta, ContentBlockDelta, ContentBlockStart,
        ConverseStreamOutput, ReasoningContentBlockDelta, TokenUsage as SdkUsage, ToolUseType,
        error::ConverseStreamOutputError,
    },
};

use aws_smithy_types::Document;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use super::{
    fault::{self, Failure},
    trace,
};
use crate::converse::{
    Citation, CitationLocation, Delta, Event, ReasoningDelta, Start, TokenUsage, WebLocation,
};

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
            None => Event::Nothing,
        },
        ConverseStreamOutput::ContentBlockDelta(event) => match event.delta {
            Some(delta) => Event::BlockDelta {
                index: event.content_block_index,
                delta: grown(delta),
            },
            None => Event::Nothing,
        },
        ConverseStreamOutput::ContentBlockStop(event) => Event::BlockStop {
            index: event.content_block_index,
        },
        ConverseStreamOutput::MessageStop(event) => Event::MessageStop {
            stop_reason: event.stop_reason.as_str().to_owned(),
            reasoning_tokens: event
                .additional_model_response_fields
                .as_ref()
                .and_then(reasoning_tokens),
        },
        ConverseStreamOutput::Metadata(event) => Event::Metadata {
            usage: event.usage.as_ref().map(tokens),
            guardrail: event
                .trace
                .and_then(|trace| trace.guardrail)
                .as_ref()
                .map(trace::guarded),
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
        ContentBlockDelta::ReasoningContent(delta) => Delta::Reasoning(reasoned(delta)),
        ContentBlockDelta::Citation(citation) => Delta::Citation(cited(citation)),
        ContentBlockDelta::ToolResult(_) => Delta::Other("toolResult"),
        ContentBlockDelta::Image(_) => Delta::Other("image"),
        _ => Delta::Other("(unknown)"),
    }
}

fn reasoned(delta: ReasoningContentBlockDelta) -> ReasoningDelta {
    match delta {
        ReasoningContentBlockDelta::Text(text) => ReasoningDelta::Text(text),
        ReasoningContentBlockDelta::Signature(signature) => ReasoningDelta::Signature(signature),
        ReasoningContentBlockDelta::RedactedContent(bytes) => {
            ReasoningDelta::Redacted(BASE64.encode(bytes))
        }
        _ => ReasoningDelta::Other,
    }
}

fn cited(citation: CitationsDelta) -> Citation {
    let web = match citation.location {
        Some(SdkLocation::Web(web)) => web.url.map(|url| WebLocation { url }),
        _ => None,
    };
    Citation {
        title: citation.title,
        location: web.map(|web| CitationLocation { web: Some(web) }),
    }
}

/// As [`converse::reasoning_tokens`](crate::converse::reasoning_tokens), over the SDK's own JSON.
fn reasoning_tokens(additional: &Document) -> Option<u64> {
    let Document::Object(members) = additional else {
        return None;
    };
    let count = |name| match members.get("output_tokens_details") {
        Some(Document::Object(details)) => match details.get(name) {
            Some(Document::Number(number)) => u64::try_from(*number).ok(),
            _ => None,
        },
        _ => None,
    };
    count("thinking_tokens")
        .or_else(|| count("reasoning_tokens"))
        .or_else(|| members.values().find_map(reasoning_tokens))
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
