//! The Responses API as Bedrock speaks it: without Azure's members, with ids of its own, and lines in its own order.

use std::io;

use rand::RngExt as _;
use serde_json::Value;

use super::{
    Call, Surface, Target, check,
    failure::Failure,
    head, model,
    models::{Row, Thoughts},
};
use crate::{
    bedrock::exception::Exception,
    openai::{
        responses::{self, Asked, Draft, Event, Made, Mint, Store, Stored, Thinking},
        sse::Speaker,
    },
    server::Reply,
    text,
};

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Random ids, or the position of a call.
struct Ids {
    positional: bool,
    now: i64,
}

/// Answers, or says why not; the outer error is the socket's.
pub(super) async fn answer(
    call: Call<'_>,
    target: &Target,
    store: &Store,
    reply: &mut Reply,
) -> io::Result<Result<(), Failure>> {
    let mut ids = Ids {
        positional: false,
        now: time::OffsetDateTime::from(call.options.clock.now()).unix_timestamp(),
    };
    let (asked, draft, made) = match prepare(call, target, store, &mut ids) {
        Ok(prepared) => prepared,
        Err(failure) => return Ok(Err(failure)),
    };
    let ended = draft.ended(&made);
    if draft.store {
        let previous = asked
            .body
            .get("previous_response_id")
            .and_then(Value::as_str);
        let stored = Stored {
            object: ended.clone(),
            input: asked.input.clone(),
            previous: previous.map(str::to_owned),
        };
        store.keep(&draft.id, stored);
    }
    let pace = call.scene.pace;
    if asked.is("stream") {
        let events = responses::events(&draft, &made, false, &mut ids);
        reply.pause(pace.first_content).await?;
        let head = head(200, &call.options.clock, "text/event-stream");
        let stream = reply.stream(head).await?;
        let speaker = Speaker::begin(stream, &call.scene.fault).await?;
        let line = match call.options.surface {
            Surface::Runtime => name_first,
            Surface::Mantle => data_first,
        };
        let wait = std::time::Duration::ZERO;
        return responses::tell(speaker, &draft, &events, wait, line)
            .await
            .map(Ok);
    }
    let background = asked.is("background");
    let body = if background {
        draft.begun("queued")
    } else {
        ended
    };
    reply
        .pause(pace.whole(text::approximate(made.output_tokens)))
        .await?;
    let head = head(200, &call.options.clock, "application/json");
    reply.whole(head, body.to_string().as_bytes()).await.map(Ok)
}

fn prepare(
    call: Call<'_>,
    target: &Target,
    store: &Store,
    ids: &mut Ids,
) -> Result<(Asked, Draft, Made), Failure> {
    let surface = call.options.surface;
    let (body, _, row) = model(call, target)?;
    ids.positional = row.positional_ids;
    let state = (surface == Surface::Mantle).then_some(store);
    if state.is_none()
        && body
            .get("previous_response_id")
            .is_some_and(Value::is_string)
    {
        return Err(crate::openai::Wrong::unsupported("previous_response_id").into());
    }
    let asked = Asked::read(body, state, ids)?;
    check::response(&asked, row, surface)
        .map_err(|wrong| Failure::of_model(wrong, row, surface))?;
    if asked.prompt_tokens() > call.options.context_tokens {
        return Err(Exception::validation("Input is too long for requested model.").into());
    }
    let prompt = responses::read_prompt(&asked);
    let mut answer = call.scene.answer(&prompt);
    if !thinks(row, &asked) {
        answer.reasoning = None;
    }
    let word = call.scene.fault.finish("");
    let word = (!word.is_empty()).then_some(word);
    let thinking = Thinking {
        who: check::WHO,
        open: row.thoughts == Thoughts::Open,
    };
    let draft = Draft::new(&asked, state.is_some() && asked.store(), false, ids);
    let made = responses::made(&asked, &prompt, answer, thinking, word, ids);
    Ok((asked, draft, made))
}

fn thinks(row: &Row, asked: &Asked) -> bool {
    let reasoning = asked.body.get("reasoning");
    row.thinks(reasoning.and_then(|reasoning| reasoning.get("effort")?.as_str()))
}

fn name_first(event: &Event) -> String {
    format!("event: {}\ndata: {}\n\n", event.name, event.data)
}

/// Mantle writes the data before the event's name.
fn data_first(event: &Event) -> String {
    format!("data: {}\nevent: {}\n\n", event.data, event.name)
}

/// A new id of a kind, of letters and digits as this service uses them.
pub(super) fn random_id(kind: &str) -> String {
    let letters = match kind {
        "resp_" => 52,
        "call_" => 24,
        _ => 32,
    };
    let mut random = rand::rng();
    let letter = |_| {
        let at = random.random_range(0..LETTERS.len());
        char::from(LETTERS.get(at).copied().unwrap_or(b'a'))
    };
    kind.chars().chain((0..letters).map(letter)).collect()
}

impl Mint for Ids {
    fn id(&mut self, kind: &'static str, n: usize) -> String {
        if kind == "call_" && self.positional {
            return format!("call_{n}");
        }
        random_id(kind)
    }

    fn filler(&mut self) -> Option<String> {
        None
    }

    fn now(&self) -> i64 {
        self.now
    }
}
