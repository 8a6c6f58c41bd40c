//! Converse and ConverseStream: a request is checked, the script asked, and the answer put into the wire's form.

use std::io;

use serde_json::{Map, Value, json};

use super::{
    Call, events,
    exception::{self, Exception},
    guardrail::{self, Guard},
    json::object,
    model, prompt, rules, thinking,
};
use crate::{
    eventstream,
    script::{Answer, Finish, ToolCall},
    server::Reply,
    text,
};

/// A part of the answer's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// Thoughts, with a signature that vouches for them.
    Reasoning {
        text: String,
        signature: String,
    },
    Text(String),
    /// A call with its arguments as JSON text.
    ToolUse {
        id: String,
        name: String,
        input: String,
    },
}

/// An answer ready to be written.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) blocks: Vec<Block>,
    pub(super) stop_reason: String,
    pub(super) usage: Value,
    pub(super) trace: Option<Value>,
    /// What the caller asked to see of the model's own answer.
    pub(super) additional: Option<Value>,
    /// Tokens that the answer takes to say.
    pub(super) output_tokens: u64,
}

/// Answers with one JSON body; the outer error is the socket's.
pub(super) async fn whole(
    call: Call<'_>,
    model: &str,
    reply: &mut Reply,
) -> io::Result<Result<(), Exception>> {
    let prepared = match prepare(call, model, Delivery::Whole) {
        Ok(prepared) => prepared,
        Err(exception) => return Ok(Err(exception)),
    };
    let pace = call.scene.pace;
    let time = pace.whole(text::approximate(prepared.output_tokens));
    let latency = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    reply.pause(time).await?;
    let head = exception::head(200, &call.options.clock, "application/json");
    let body = prepared.json(latency).to_string();
    reply.whole(head, body.as_bytes()).await.map(Ok)
}

/// Answers with a stream of events; the outer error is the socket's.
pub(super) async fn stream(
    call: Call<'_>,
    model: &str,
    reply: &mut Reply,
) -> io::Result<Result<(), Exception>> {
    let prepared = match prepare(call, model, Delivery::Stream) {
        Ok(prepared) => prepared,
        Err(exception) => return Ok(Err(exception)),
    };
    let thinks = prepared
        .blocks
        .iter()
        .any(|block| matches!(block, Block::Reasoning { .. }));
    let wait = call.scene.pace.first_content;
    if !thinks {
        reply.pause(wait).await?;
    }
    let head = exception::head(200, &call.options.clock, eventstream::CONTENT_TYPE);
    let mut writer = events::Writer::new(reply.stream(head).await?, &call.scene.fault);
    writer.write(&prepared, wait).await?;
    writer.finish().await.map(Ok)
}

/// How the answer is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivery {
    Whole,
    Stream,
}

fn prepare(call: Call<'_>, model: &str, delivery: Delivery) -> Result<Prepared, Exception> {
    let shape = match delivery {
        Delivery::Whole => &model::CONVERSE_REQUEST,
        Delivery::Stream => &model::CONVERSE_STREAM_REQUEST,
    };
    let body: Value = serde_json::from_slice(&call.request.body)
        .map_err(|_| Exception::validation("The request body is not valid JSON."))?;
    let refusal = model::violations(shape, &body)
        .or_else(|| rules::refusal(model, &body, call.options.strict_alternation));
    if let Some(message) = refusal {
        return Err(Exception::validation(message));
    }
    let input_tokens = prompt::prompt_tokens(&body);
    if input_tokens > call.options.context_tokens {
        return Err(Exception::validation(
            "The model returned the following errors: Input is too long for requested model.",
        ));
    }
    let guard = guardrail::of_request(&call.options.guardrails, &body)?;
    let most = body
        .pointer("/inferenceConfig/maxTokens")
        .and_then(Value::as_u64);
    let thinks = thinking::is_on(&body);
    let paths = thinking::wanted(&body);
    let guarded_text = guardrail::prompt_text(&body);
    let asked = prompt::read(model, body);
    if let Some(guard) = &guard {
        let verdict = guard.prompt(&guarded_text);
        if verdict.blocked {
            return Ok(Prepared::blocked(
                verdict.text.clone(),
                guard.trace(&verdict, None),
            ));
        }
    }
    let mut answer = call.scene.answer(&asked);
    if answer.text.is_none() {
        // This wire has no refusal of its own: the model says it.
        answer.text = answer.refusal.take();
    }
    if thinks {
        answer
            .reasoning
            .get_or_insert_with(|| thinking::THOUGHT.to_owned());
    }
    shorten(&mut answer, most);
    if let Some(tool) = asked.forced_tool {
        call_forced_tool(&mut answer, tool);
    }
    let mut prepared = Prepared::new(answer, input_tokens, guard.is_some());
    prepared.additional = thinking::additional(&paths, &prepared.blocks);
    if let Some(guard) = &guard {
        prepared.guard(guard, &guarded_text, delivery);
    }
    let word = call.scene.fault.finish(&prepared.stop_reason).to_owned();
    prepared.stop_reason = word;
    Ok(prepared)
}

/// Cuts the text where the caller's token limit ends it.
fn shorten(answer: &mut Answer, most: Option<u64>) {
    let (Some(said), Some(most)) = (&mut answer.text, most) else {
        return;
    };
    if prompt::tokens(said) > most {
        let characters = usize::try_from(most.saturating_mul(4)).unwrap_or(usize::MAX);
        *said = said.chars().take(characters).collect();
        answer.finish = Finish::Length;
    }
}

/// A model that must call a tool puts the object it would have written into the call.
fn call_forced_tool(answer: &mut Answer, tool: String) {
    let object = |text: &String| serde_json::from_str::<Map<String, Value>>(text).is_ok();
    if answer.tool_calls.is_empty()
        && let Some(arguments) = answer.text.take_if(|text| object(text))
    {
        answer.tool_calls.push(ToolCall {
            name: tool,
            arguments,
        });
    }
}

// === impl Prepared ===

impl Prepared {
    fn new(answer: Answer, input_tokens: u64, guarded: bool) -> Self {
        let stop_reason = match answer.finish {
            Finish::Natural if answer.tool_calls.is_empty() => "end_turn",
            Finish::Natural => "tool_use",
            Finish::Length => "max_tokens",
            Finish::Filtered if guarded => "guardrail_intervened",
            Finish::Filtered => "content_filtered",
        };
        let mut blocks = Vec::new();
        if let Some(text) = answer.reasoning.filter(|text| !text.is_empty()) {
            blocks.push(Block::Reasoning {
                signature: thinking::sign(&text),
                text,
            });
        }
        blocks.extend(answer.text.filter(|text| !text.is_empty()).map(Block::Text));
        blocks.extend(answer.tool_calls.into_iter().map(|call| Block::ToolUse {
            id: format!("tooluse_{}", random_text(22)),
            name: call.name,
            input: call.arguments,
        }));
        let output_tokens = blocks.iter().map(Block::tokens).sum();
        let cached = answer.cached_tokens.min(input_tokens);
        let usage = usage(input_tokens - cached, cached, output_tokens);
        Self {
            blocks,
            stop_reason: stop_reason.to_owned(),
            usage,
            trace: None,
            additional: None,
            output_tokens,
        }
    }

    /// The answer to a prompt that a guardrail does not let through: the model is not asked.
    fn blocked(instead: String, trace: Option<Value>) -> Self {
        Self {
            blocks: vec![Block::Text(instead)],
            stop_reason: "guardrail_intervened".to_owned(),
            usage: usage(0, 0, 0),
            trace,
            additional: None,
            output_tokens: 0,
        }
    }

    /// Lets a guardrail look at the answer. A stream that is let out first keeps its text, whatever is found.
    fn guard(&mut self, guard: &Guard<'_>, prompt: &str, delivery: Delivery) {
        let said: Vec<&str> = self.blocks.iter().filter_map(Block::said).collect();
        let said = said.join("\n");
        let verdict = if self.stop_reason == "guardrail_intervened" {
            guard.cut_off(&said)
        } else {
            guard.answer(&said)
        };
        let late = delivery == Delivery::Stream && guard.lets_out_first();
        // What is let out first cannot be masked any more.
        if verdict.blocked || verdict.masked && !late {
            "guardrail_intervened".clone_into(&mut self.stop_reason);
        }
        if verdict.blocked && !late {
            self.blocks = vec![Block::Text(verdict.text.clone())];
        } else if verdict.masked && !late {
            for block in &mut self.blocks {
                if let Block::Text(text) = block {
                    *text = guard.answer(text).text;
                }
            }
        }
        self.trace = guard.trace(&guard.prompt(prompt), Some((&verdict, &said)));
    }

    fn json(&self, latency: u64) -> Value {
        let content: Vec<Value> = self.blocks.iter().map(Block::json).collect();
        let message = json!({ "content": content, "role": "assistant" });
        object([
            ("additionalModelResponseFields", self.additional.clone()),
            ("metrics", Some(json!({ "latencyMs": latency }))),
            ("output", Some(json!({ "message": message }))),
            ("stopReason", Some(json!(self.stop_reason))),
            ("trace", self.trace.clone()),
            ("usage", Some(self.usage.clone())),
        ])
    }
}

/// Token counts with the duplicate members that the service sends beside the modelled ones.
fn usage(input: u64, cached: u64, output: u64) -> Value {
    json!({
        "cacheReadInputTokenCount": cached,
        "cacheReadInputTokens": cached,
        "cacheWriteInputTokenCount": 0,
        "cacheWriteInputTokens": 0,
        "inputTokens": input,
        "outputTokens": output,
        "serverToolUsage": {},
        "totalTokens": input + cached + output,
    })
}

fn random_text(length: usize) -> String {
    use rand::{RngExt as _, distr::Alphanumeric};
    rand::rng()
        .sample_iter(Alphanumeric)
        .take(length)
        .map(char::from)
        .collect()
}

// === impl Block ===

impl Block {
    /// The text that a guardrail looks at.
    fn said(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Reasoning { .. } | Self::ToolUse { .. } => None,
        }
    }

    fn tokens(&self) -> u64 {
        match self {
            Self::Reasoning { text, .. } | Self::Text(text) => prompt::tokens(text),
            Self::ToolUse { name, input, .. } => prompt::tokens(name) + prompt::tokens(input),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Reasoning { text, signature } => json!({
                "reasoningContent": { "reasoningText": { "signature": signature, "text": text } },
            }),
            Self::Text(text) => json!({ "text": text }),
            Self::ToolUse { id, name, input } => {
                // Whole answers carry a document: arguments that are no JSON can only be text in it.
                let input = serde_json::from_str(input).unwrap_or_else(|_| match input.as_str() {
                    "" => json!({}),
                    text => json!(text),
                });
                json!({
                    "toolUse": { "input": input, "name": name, "toolUseId": id, "type": "tool_use" },
                })
            }
        }
    }
}
