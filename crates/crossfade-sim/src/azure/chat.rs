//! Chat completions, whole and streamed, at the script's pace.

use std::io;

use serde_json::{Map, Value};

use super::{
    Call,
    error::Refusal,
    headers, request,
    shape::{self, Identity, Said, Usage, quoted},
};
use crate::{
    openai::{
        chat::{self, Form},
        prompt,
        sse::Speaker,
        tokens,
    },
    script::{Answer, Finish, ToolCall},
    server::Reply,
    text,
};

/// What was asked, beyond the prompt.
#[derive(Clone, Copy, Debug)]
struct Asked {
    stream: bool,
    usage: bool,
    obfuscation: bool,
    choices: u64,
}

/// An answer ready to be written.
struct Prepared {
    deployment: String,
    asked: Asked,
    said: Said,
    usage: Usage,
}

/// Answers, or says why not; the outer error is the socket's.
pub(super) async fn answer(
    call: &mut Call<'_>,
    reply: &mut Reply,
) -> io::Result<Result<(), Refusal>> {
    let prepared = match prepare(call) {
        Ok(prepared) => prepared,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let written = if prepared.asked.stream {
        write_stream(call, reply, &prepared).await
    } else {
        write_whole(call, reply, &prepared).await
    };
    written.map(Ok)
}

fn prepare(call: &Call<'_>) -> Result<Prepared, Refusal> {
    let body = request::parse(&call.request.body)?;
    let deployment = request::deployment(call, &body)?;
    request::check_chat(&body)?;
    let tokens = prompt::prompt_tokens(&body);
    let limit = call.options.context_tokens;
    if tokens > limit {
        return Err(Refusal::TooLong { limit, tokens });
    }
    let asked = Asked::read(&body);
    let most = ["max_completion_tokens", "max_tokens"]
        .into_iter()
        .find_map(|name| body.get(name).and_then(Value::as_u64));
    let prompt = prompt::read(&deployment, body);
    let mut answer = call.scene.answer(&prompt);
    if answer.finish == Finish::Filtered && answer.text.is_none() {
        return Err(Refusal::PromptFiltered);
    }
    shorten(&mut answer, most);
    let said = said(answer, &prompt.body, call.scene.fault.finish(""));
    let mut usage = Usage::of(&said.answer, tokens);
    usage.completion *= asked.choices;
    Ok(Prepared {
        deployment,
        asked,
        said,
        usage,
    })
}

/// The answer in the forms of call that the request offered. The old form has room for one call only.
fn said(mut answer: Answer, body: &Value, finish: &str) -> Said {
    let form = |call: &ToolCall| chat::form(body, &call.name);
    let forms: Vec<Form> = answer.tool_calls.iter().map(form).collect();
    if forms.contains(&Form::Legacy) {
        answer.tool_calls.truncate(1);
    }
    Said {
        finish: (!finish.is_empty()).then(|| finish.to_owned()),
        answer,
        forms,
    }
}

/// Cuts the text where the caller's token limit ends it.
fn shorten(answer: &mut Answer, most: Option<u64>) {
    let (Some(text), Some(most)) = (&mut answer.text, most) else {
        return;
    };
    if tokens(text) > most {
        let characters = usize::try_from(most.saturating_mul(4)).unwrap_or(usize::MAX);
        *text = text.chars().take(characters).collect();
        answer.finish = Finish::Length;
    }
}

async fn write_whole(call: &mut Call<'_>, reply: &mut Reply, made: &Prepared) -> io::Result<()> {
    let identity = Identity::new(call.options, &mut call.dice);
    let choices: Vec<String> = (0..made.asked.choices)
        .map(|index| shape::choice(&made.said, index, &mut call.dice))
        .collect();
    let body = identity.completion(&choices.join(","), made.usage);
    let model = call.options.model.clone();
    let head = headers::of_model(call, &made.deployment, &model, made.usage.total())
        .header("Content-Type", "application/json");
    reply
        .pause(
            call.scene
                .pace
                .whole(text::approximate(made.usage.completion)),
        )
        .await?;
    reply.whole(head, body.as_bytes()).await
}

async fn write_stream(call: &mut Call<'_>, reply: &mut Reply, made: &Prepared) -> io::Result<()> {
    let mut identity = Identity::new(call.options, &mut call.dice);
    identity.obfuscation = made.asked.obfuscation;
    identity.usage = made.asked.usage;
    let model = call.options.model.clone();
    let head = headers::of_model(call, &made.deployment, &model, made.usage.total())
        .header("azureai-fe-is-streaming", "True")
        .header("Content-Type", "text/event-stream; charset=utf-8");
    // The prompt's verdict is known before the model says its first word.
    let half = call.scene.pace.first_content / 2;
    reply.pause(half).await?;
    let stream = reply.stream(head).await?;
    let scene = call.scene;
    let mut speaker = Speaker::begin(stream, &scene.fault).await?;
    speaker.event(&shape::prompt_filter_chunk()).await?;
    speaker.pause(half).await?;
    for index in 0..made.asked.choices {
        let mut writer = Writer {
            speaker: &mut speaker,
            identity: &identity,
            call,
            index,
        };
        writer.content(&made.said).await?;
    }
    speaker.ending().await?;
    for index in 0..made.asked.choices {
        let finish = shape::delta(index, "{}", "{}", Some(made.said.finish()));
        let chunk = identity.chunk(&finish, &mut call.dice);
        speaker.event(&chunk).await?;
    }
    if made.asked.usage {
        let usage = identity.usage_chunk(made.usage, &mut call.dice);
        speaker.event(&usage).await?;
    }
    speaker.event("data: [DONE]\n\n").await?;
    if speaker.error().is_some() {
        speaker.last_words(&shape::error_chunk()).await?;
    }
    speaker.finish().await
}

/// Writes the chunks of one choice.
struct Writer<'w, 'r, 'n, 'c> {
    speaker: &'w mut Speaker<'r, 'n>,
    identity: &'w Identity,
    call: &'w mut Call<'c>,
    index: u64,
}

// === impl Asked ===

impl Asked {
    fn read(body: &Map<String, Value>) -> Self {
        let option = |name: &str| {
            body.get("stream_options")
                .and_then(|options| options.get(name))
        };
        Self {
            stream: body.get("stream").and_then(Value::as_bool).unwrap_or(false),
            usage: option("include_usage")
                .and_then(Value::as_bool)
                .unwrap_or(false),
            obfuscation: option("include_obfuscation")
                .and_then(Value::as_bool)
                .unwrap_or(true),
            choices: body
                .get("n")
                .and_then(Value::as_u64)
                .unwrap_or(1)
                .clamp(1, 128),
        }
    }
}

// === impl Writer ===

impl Writer<'_, '_, '_, '_> {
    async fn content(&mut self, said: &Said) -> io::Result<()> {
        let answer = &said.answer;
        let calls_first = answer.text.is_none() && answer.refusal.is_none();
        if !calls_first || answer.tool_calls.is_empty() {
            let role = r#"{"content":"","refusal":null,"role":"assistant"}"#;
            self.send(role, "{}", None).await?;
        }
        for (field, said) in [("content", &answer.text), ("refusal", &answer.refusal)] {
            for piece in text::pieces(said.as_deref().unwrap_or_default()) {
                let delta = format!(r#"{{"{field}":{}}}"#, quoted(piece));
                self.send(&delta, shape::CLEAN, Some(piece)).await?;
            }
        }
        for (position, (call, form)) in answer.tool_calls.iter().zip(&said.forms).enumerate() {
            let begun = shape::call_begun(call, *form, position, &mut self.call.dice);
            let delta = match (calls_first && position == 0, form) {
                (false, _) => format!("{{{begun}}}"),
                (true, Form::Legacy) => {
                    format!(r#"{{"content":null,{begun},"refusal":null,"role":"assistant"}}"#)
                }
                (true, Form::Function | Form::Custom) => {
                    format!(r#"{{"content":null,"refusal":null,"role":"assistant",{begun}}}"#)
                }
            };
            self.send(&delta, "{}", Some(&call.name)).await?;
            for piece in text::pieces(&call.arguments) {
                let delta = shape::call_piece(piece, *form, position);
                self.send(&delta, "{}", Some(piece)).await?;
            }
        }
        Ok(())
    }

    /// Writes a chunk; one with content counts and keeps the pace.
    async fn send(&mut self, delta: &str, filter: &str, content: Option<&str>) -> io::Result<()> {
        if self.speaker.is_over() {
            return Ok(());
        }
        let choice = shape::delta(self.index, delta, filter, None);
        let chunk = self.identity.chunk(&choice, &mut self.call.dice);
        match content {
            Some(content) => self.speaker.content(&chunk, content).await,
            None => self.speaker.event(&chunk).await,
        }
    }
}
