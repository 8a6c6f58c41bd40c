//! Chat completions, whole and streamed, at the script's pace.

use std::io;

use serde_json::{Map, Value};

use super::{
    Call,
    error::Refusal,
    headers, prompt, request,
    shape::{self, Identity, Usage, quoted},
};
use crate::{
    script::{Answer, Finish},
    server::{Reply, Stream},
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
    answer: Answer,
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
    let mut answer = call.scene.answer(&prompt::read(&deployment, body));
    if answer.finish == Finish::Filtered && answer.text.is_none() {
        return Err(Refusal::PromptFiltered);
    }
    shorten(&mut answer, most);
    let mut usage = Usage::of(&answer, tokens);
    usage.completion *= asked.choices;
    Ok(Prepared {
        deployment,
        asked,
        answer,
        usage,
    })
}

/// Cuts the text where the caller's token limit ends it.
fn shorten(answer: &mut Answer, most: Option<u64>) {
    let (Some(text), Some(most)) = (&mut answer.text, most) else {
        return;
    };
    if request::tokens(text) > most {
        let characters = usize::try_from(most.saturating_mul(4)).unwrap_or(usize::MAX);
        *text = text.chars().take(characters).collect();
        answer.finish = Finish::Length;
    }
}

async fn write_whole(call: &mut Call<'_>, reply: &mut Reply, made: &Prepared) -> io::Result<()> {
    let identity = Identity::new(call.options, &mut call.dice);
    let choices: Vec<String> = (0..made.asked.choices)
        .map(|index| shape::choice(&made.answer, index, &mut call.dice))
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
    let mut stream = reply.stream(head).await?;
    stream
        .piece(shape::prompt_filter_chunk().as_bytes())
        .await?;
    stream.pause(half).await?;
    for index in 0..made.asked.choices {
        let mut writer = Writer {
            stream: &mut stream,
            identity: &identity,
            call,
            index,
        };
        writer.content(&made.answer).await?;
    }
    stream.ending().await?;
    for index in 0..made.asked.choices {
        let finish = shape::delta(index, "{}", "{}", Some(shape::finish(&made.answer)));
        stream
            .piece(identity.chunk(&finish, &mut call.dice).as_bytes())
            .await?;
    }
    if made.asked.usage {
        let usage = identity.usage_chunk(made.usage, &mut call.dice);
        stream.piece(usage.as_bytes()).await?;
    }
    stream.piece(b"data: [DONE]\n\n").await?;
    stream.finish().await
}

/// Writes the deltas of one choice.
struct Writer<'w, 's, 'c> {
    stream: &'w mut Stream<'s>,
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

impl Writer<'_, '_, '_> {
    async fn content(&mut self, answer: &Answer) -> io::Result<()> {
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
        for (position, call) in answer.tool_calls.iter().enumerate() {
            let opening = if calls_first && position == 0 {
                r#""content":null,"refusal":null,"role":"assistant","#
            } else {
                ""
            };
            let (name, id) = (quoted(&call.name), self.call.dice.id("call_", 24));
            let delta = format!(
                r#"{{{opening}"tool_calls":[{{"function":{{"arguments":"","name":{name}}},"id":"{id}","index":{position},"type":"function"}}]}}"#
            );
            self.send(&delta, "{}", Some(&call.name)).await?;
            for piece in text::pieces(&call.arguments) {
                let arguments = quoted(piece);
                let delta = format!(
                    r#"{{"tool_calls":[{{"function":{{"arguments":{arguments}}},"index":{position}}}]}}"#
                );
                self.send(&delta, "{}", Some(piece)).await?;
            }
        }
        Ok(())
    }

    /// Writes a chunk; one with content counts and keeps the pace.
    async fn send(&mut self, delta: &str, filter: &str, content: Option<&str>) -> io::Result<()> {
        if self.stream.is_over() {
            return Ok(());
        }
        let choice = shape::delta(self.index, delta, filter, None);
        let chunk = self.identity.chunk(&choice, &mut self.call.dice);
        match content {
            Some(content) => {
                let tokens = text::approximate(request::tokens(content));
                self.stream.delta(chunk.as_bytes(), tokens).await
            }
            None => self.stream.piece(chunk.as_bytes()).await,
        }
    }
}
