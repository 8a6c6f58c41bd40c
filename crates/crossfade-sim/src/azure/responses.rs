//! The Responses API: made, streamed, kept, fetched, cancelled and forgotten.

use std::io;

use serde_json::{Value, json};

use super::{Call, dice::Dice, error::Refusal, headers, request, target::Operation};
use crate::{
    openai::{
        chat,
        responses::{self, Asked, Draft, Event, Made, Mint, Part, Rules, Store, Stored, Thinking},
        sse::Speaker,
    },
    script::Finish,
    server::Reply,
    text,
};

/// Who seals reasoning here.
const WHO: &str = "azure";

const RULES: Rules = Rules {
    who: WHO,
    tools: &[
        "function",
        "custom",
        "file_search",
        "computer_use_preview",
        "web_search",
        "web_search_preview",
        "mcp",
        "code_interpreter",
        "image_generation",
        "local_shell",
        "shell",
        "namespace",
        "tool_search",
        "apply_patch",
    ],
    state: true,
    summaries: &["auto", "concise", "detailed"],
    tiers: &[
        "auto",
        "default",
        "flex",
        "scale",
        "priority",
        "fast",
        "ultrafast",
    ],
};

/// Answers an operation of the API, or says why not; the outer error is the socket's.
pub(super) async fn answer(
    call: &mut Call<'_>,
    store: &Store,
    reply: &mut Reply,
) -> io::Result<Result<(), Refusal>> {
    let method = call.request.method.as_str();
    let id = call.target.id.clone().unwrap_or_default();
    let body = match (method, call.target.operation) {
        ("POST", Operation::Responses) => return create(call, store, reply).await,
        ("POST", Operation::InputTokens) => count(call, store),
        ("GET", Operation::Response(Part::Whole)) if call.target.asks("stream", "true") => {
            return replay(call, store, &id, reply).await;
        }
        (_, Operation::Response(part)) => {
            responses::operate(method, part, &id, store).map_err(Refusal::from)
        }
        _ => Err(Refusal::NotFound),
    };
    match body {
        Ok(body) => call.json(reply, format!("{body:#}")).await.map(Ok),
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// A response ready to be written.
struct Prepared {
    asked: Asked,
    draft: Draft,
    made: Made,
}

async fn create(
    call: &mut Call<'_>,
    store: &Store,
    reply: &mut Reply,
) -> io::Result<Result<(), Refusal>> {
    let prepared = match prepare(call, store) {
        Ok(prepared) => prepared,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Prepared { asked, draft, made } = &prepared;
    let ended = draft.ended(made);
    if draft.store {
        let previous = asked
            .body
            .get("previous_response_id")
            .and_then(Value::as_str);
        store.keep(
            &draft.id,
            Stored {
                object: ended.clone(),
                input: asked.input.clone(),
                previous: previous.map(str::to_owned),
            },
        );
    }
    if asked.is("stream") {
        return write_stream(call, reply, &prepared).await.map(Ok);
    }
    let background = asked.is("background");
    let body = if background {
        draft.begun("queued")
    } else {
        ended
    };
    let wait = if background {
        call.scene.pace.first_content
    } else {
        call.scene.pace.whole(text::approximate(made.output_tokens))
    };
    let head = headers::of_response(call, &asked.model, made.output_tokens)
        .header("Content-Type", "application/json");
    reply.pause(wait).await?;
    reply
        .whole(head, format!("{body:#}").as_bytes())
        .await
        .map(Ok)
}

fn prepare(call: &mut Call<'_>, store: &Store) -> Result<Prepared, Refusal> {
    let body = request::parse(&call.request.body)?;
    let asked = Asked::read(body, Some(store), &mut call.dice)?;
    call.options.knows(&asked.model)?;
    responses::check(&asked, &RULES)?;
    let (tokens, limit) = (asked.prompt_tokens(), call.options.context_tokens);
    if tokens > limit {
        return Err(Refusal::TooLong { limit, tokens });
    }
    let prompt = responses::read_prompt(&asked);
    let answer = call.scene.answer(&prompt);
    if answer.finish == Finish::Filtered && answer.text.is_none() {
        return Err(Refusal::PromptFiltered);
    }
    let word = call.scene.fault.finish("");
    let word = (!word.is_empty()).then_some(word);
    let thinking = Thinking {
        who: WHO,
        open: false,
    };
    let draft = Draft::new(&asked, asked.store(), true, &mut call.dice);
    let made = responses::made(&asked, &prompt, answer, thinking, word, &mut call.dice);
    Ok(Prepared { asked, draft, made })
}

async fn write_stream(
    call: &mut Call<'_>,
    reply: &mut Reply,
    Prepared { asked, draft, made }: &Prepared,
) -> io::Result<()> {
    let events = responses::events(draft, made, asked.obfuscation(), &mut call.dice);
    let head = headers::of_response(call, &asked.model, made.output_tokens)
        .header("azureai-fe-is-streaming", "True")
        .header("Content-Type", "text/event-stream; charset=utf-8");
    let scene = call.scene;
    let half = scene.pace.first_content / 2;
    reply.pause(half).await?;
    let stream = reply.stream(head).await?;
    let speaker = Speaker::begin(stream, &scene.fault).await?;
    responses::tell(speaker, draft, &events, half, line).await
}

/// An event as it is written.
fn line(event: &Event) -> String {
    format!("event: {}\ndata: {}\n\n", event.name, event.data)
}

/// The events of a response that was kept, after those that the caller has.
async fn replay(
    call: &mut Call<'_>,
    store: &Store,
    id: &str,
    reply: &mut Reply,
) -> io::Result<Result<(), Refusal>> {
    let after = call
        .target
        .number("starting_after")
        .map_or(0, |last| last + 1);
    let events = match responses::replay(store, id, after) {
        Ok(events) => events,
        Err(wrong) => return Ok(Err(wrong.into())),
    };
    let head = headers::plain(200, call).header("Content-Type", "text/event-stream; charset=utf-8");
    let mut stream = reply.stream(head).await?;
    for (name, data) in events {
        let event = format!("event: {name}\ndata: {data}\n\n");
        stream.piece(event.as_bytes()).await?;
    }
    stream.finish().await.map(Ok)
}

fn count(call: &mut Call<'_>, store: &Store) -> Result<Value, Refusal> {
    let body = chat::object(&call.request.body)?;
    let asked = Asked::read(body, Some(store), &mut call.dice)?;
    Ok(json!({"object": "response.input_tokens", "input_tokens": asked.prompt_tokens()}))
}

impl Mint for Dice {
    fn id(&mut self, kind: &'static str, _n: usize) -> String {
        if kind == "call_" {
            return Dice::id(self, kind, 24);
        }
        format!("{kind}{}", self.hex(25))
    }

    fn filler(&mut self) -> Option<String> {
        Some(Dice::filler(self))
    }

    fn now(&self) -> i64 {
        self.created()
    }
}
