//! Chat completions as Bedrock's models answer them: nothing of Azure's, and habits of their own.

use std::io;

use serde_json::{Map, Value, json};

use super::{
    Call, Surface, Target, check,
    failure::{self, Failure},
    head, model,
    models::{Row, Thoughts},
};
use crate::{
    bedrock::{
        exception::Exception,
        guardrail::{self, Guard},
        json::object,
    },
    openai::{
        chat::{Form, form},
        prompt,
        sse::Speaker,
        tokens,
    },
    script::{Answer, Finish, Prompt, ToolCall},
    server::Reply,
    text,
};

/// An answer ready to be written.
struct Made {
    id: String,
    model: String,
    created: i64,
    surface: Surface,
    row: &'static Row,
    answer: Answer,
    forms: Vec<Form>,
    finish: String,
    prompt_tokens: u64,
    usage: bool,
    /// What a guardrail says beside the answer.
    guarded: Vec<(&'static str, Value)>,
}

/// Answers, or says why not; the outer error is the socket's.
pub(super) async fn answer(
    call: Call<'_>,
    target: &Target,
    reply: &mut Reply,
) -> io::Result<Result<(), Failure>> {
    let (body, id, row) = match model(call, target) {
        Ok(found) => found,
        Err(failure) => return Ok(Err(failure)),
    };
    let stream = body.get("stream").and_then(Value::as_bool) == Some(true);
    let made = match Made::new(call, body, id, row) {
        Ok(made) => made,
        Err(failure) => return Ok(Err(failure)),
    };
    let written = if stream {
        made.write_stream(call, reply).await
    } else {
        made.write_whole(call, reply).await
    };
    written.map(Ok)
}

// === impl Made ===

impl Made {
    fn new(
        call: Call<'_>,
        body: Map<String, Value>,
        id: String,
        row: &'static Row,
    ) -> Result<Self, Failure> {
        let surface = call.options.surface;
        check::chat(&body, row, surface).map_err(|wrong| Failure::of_model(wrong, row, surface))?;
        let prompt_tokens = prompt::prompt_tokens(&body);
        if prompt_tokens > call.options.context_tokens {
            let message = "Input is too long for requested model.";
            return Err(Exception::validation(message).into());
        }
        let most = ["max_completion_tokens", "max_tokens"]
            .into_iter()
            .find_map(|name| body.get(name).and_then(Value::as_u64));
        let thinks = row.thinks(body.get("reasoning_effort").and_then(Value::as_str));
        let usage = body
            .get("stream_options")
            .and_then(|options| options.get("include_usage"))
            .and_then(Value::as_bool)
            == Some(true);
        let prompt = prompt::read(&id, body);
        let guard = guardrail::of_headers(&call.options.guardrails, |name| {
            call.request.header(name).map(str::to_owned)
        })?;
        let guard = guard.filter(|_| surface == Surface::Runtime);
        let (mut answer, guarded) = answered(call, &prompt, guard.as_ref());
        if !thinks {
            answer.reasoning = None;
        }
        shorten(&mut answer, most);
        let forms = answer.tool_calls.iter();
        let forms = forms.map(|call| form(&prompt.body, &call.name)).collect();
        let natural = if answer.tool_calls.is_empty() {
            "stop"
        } else {
            "tool_calls"
        };
        let finish = match answer.finish {
            Finish::Natural => natural,
            Finish::Length => "length",
            Finish::Filtered => "content_filter",
        };
        Ok(Self {
            id: format!("chatcmpl-{}", uuid::Uuid::new_v4()),
            model: id,
            created: time::OffsetDateTime::from(call.options.clock.now()).unix_timestamp(),
            surface,
            row,
            finish: call.scene.fault.finish(finish).to_owned(),
            answer,
            forms,
            prompt_tokens,
            usage,
            guarded,
        })
    }

    async fn write_whole(&self, call: Call<'_>, reply: &mut Reply) -> io::Result<()> {
        let wait = call
            .scene
            .pace
            .whole(text::approximate(self.completion_tokens()));
        reply.pause(wait).await?;
        let calls = self.answer.tool_calls.iter().zip(&self.forms).enumerate();
        let calls: Vec<Value> = calls
            .map(|(at, (call, form))| self.call(call, *form, at))
            .collect();
        let separate = self.answer.reasoning.as_ref().filter(|_| !self.inline());
        let separate = separate.filter(|_| self.row.thoughts == Thoughts::Open);
        let message = object([
            ("content", Some(json!(self.content()))),
            ("reasoning", separate.map(|thoughts| json!(thoughts))),
            ("refusal", Some(json!(self.answer.refusal))),
            ("role", Some(json!("assistant"))),
            ("tool_calls", (!calls.is_empty()).then(|| json!(calls))),
        ]);
        let mut body = json!({
            "choices": [{"finish_reason": self.finish, "index": 0, "logprobs": null, "message": message}],
            "created": self.created,
            "id": self.id,
            "model": self.model,
            "object": "chat.completion",
            "service_tier": "default",
            "usage": self.usage(),
        });
        self.add_guarded(&mut body);
        let head = head(200, &call.options.clock, "application/json");
        reply.whole(head, body.to_string().as_bytes()).await
    }

    async fn write_stream(&self, call: Call<'_>, reply: &mut Reply) -> io::Result<()> {
        reply.pause(call.scene.pace.first_content).await?;
        let head = head(200, &call.options.clock, "text/event-stream");
        let stream = reply.stream(head).await?;
        let mut speaker = Speaker::begin(stream, &call.scene.fault).await?;
        speaker
            .event(&self.delta(&json!({"content": "", "role": "assistant"})))
            .await?;
        if let (Some(thoughts), false) = (&self.answer.reasoning, self.inline())
            && self.row.thoughts == Thoughts::Open
        {
            for piece in text::pieces(thoughts) {
                // Thoughts are life, not content.
                speaker
                    .event(&self.delta(&json!({"reasoning": piece})))
                    .await?;
            }
        }
        for piece in text::pieces(self.content().as_deref().unwrap_or_default()) {
            speaker
                .content(&self.delta(&json!({"content": piece})), piece)
                .await?;
        }
        for piece in text::pieces(self.answer.refusal.as_deref().unwrap_or_default()) {
            speaker
                .content(&self.delta(&json!({"refusal": piece})), piece)
                .await?;
        }
        self.write_calls(&mut speaker).await?;
        speaker.ending().await?;
        speaker
            .event(&self.chunk(
                json!([{"delta": {}, "finish_reason": self.finish, "index": 0}]),
                None,
            ))
            .await?;
        if self.usage {
            speaker
                .event(&self.chunk(json!([]), Some(self.usage())))
                .await?;
        }
        speaker.event("data: [DONE]\n\n").await?;
        if let Some(name) = speaker.error() {
            speaker.last_words(&failure::event(name)).await?;
        }
        speaker.finish().await
    }

    async fn write_calls(&self, speaker: &mut Speaker<'_, '_>) -> io::Result<()> {
        // These models count the calls of a stream from 1 on mantle.
        let first = usize::from(self.row.positional_ids && self.surface == Surface::Mantle);
        for (at, (call, form)) in self.answer.tool_calls.iter().zip(&self.forms).enumerate() {
            let mut begun = self.call(
                &ToolCall {
                    name: call.name.clone(),
                    arguments: String::new(),
                },
                *form,
                at,
            );
            if let Value::Object(members) = &mut begun {
                members.insert("index".to_owned(), json!(at + first));
            }
            speaker
                .content(&self.delta(&json!({"tool_calls": [begun]})), &call.name)
                .await?;
            for piece in text::pieces(&call.arguments) {
                let (kind, input) = words(*form);
                let piece_of = json!([{kind: {input: piece}, "index": at + first}]);
                speaker
                    .content(&self.delta(&json!({"tool_calls": piece_of})), piece)
                    .await?;
            }
        }
        Ok(())
    }

    fn call(&self, call: &ToolCall, form: Form, at: usize) -> Value {
        let id = if self.row.positional_ids {
            format!("call_{at}")
        } else {
            super::responses::random_id("call_")
        };
        let (kind, input) = words(form);
        json!({kind: {input: call.arguments, "name": call.name}, "id": id, "type": kind})
    }

    /// Whether thoughts stand in the text.
    fn inline(&self) -> bool {
        self.surface == Surface::Runtime && self.row.thoughts == Thoughts::Open
    }

    fn content(&self) -> Option<String> {
        let thoughts = self.answer.reasoning.as_ref().filter(|_| self.inline());
        let text = self.answer.text.as_deref();
        match (thoughts, text) {
            (None, text) => text.map(str::to_owned),
            (Some(thoughts), text) => Some(format!(
                "<reasoning>{thoughts}</reasoning>{}",
                text.unwrap_or_default()
            )),
        }
    }

    fn delta(&self, delta: &Value) -> String {
        self.chunk(
            json!([{"delta": delta, "finish_reason": null, "index": 0}]),
            None,
        )
    }

    fn chunk(&self, choices: Value, usage: Option<Value>) -> String {
        let mut chunk = object([
            ("choices", Some(choices)),
            ("created", Some(json!(self.created))),
            ("id", Some(json!(self.id))),
            ("model", Some(json!(self.model))),
            ("object", Some(json!("chat.completion.chunk"))),
            ("service_tier", Some(json!("default"))),
            ("usage", usage),
        ]);
        self.add_guarded(&mut chunk);
        format!("data: {chunk}\n\n")
    }

    /// Adds what a guardrail says: to a whole answer, and to every chunk.
    fn add_guarded(&self, body: &mut Value) {
        if let Value::Object(members) = body {
            let guarded = self.guarded.iter().cloned();
            members.extend(guarded.map(|(name, said)| (name.to_owned(), said)));
        }
    }

    fn reasoning_tokens(&self) -> u64 {
        self.answer.reasoning.as_deref().map_or(0, tokens)
    }

    fn completion_tokens(&self) -> u64 {
        let said = [&self.answer.text, &self.answer.refusal]
            .into_iter()
            .flatten();
        let calls = self
            .answer
            .tool_calls
            .iter()
            .map(|call| tokens(&call.name) + tokens(&call.arguments));
        self.reasoning_tokens() + said.map(|text| tokens(text)).sum::<u64>() + calls.sum::<u64>()
    }

    fn usage(&self) -> Value {
        let completion = self.completion_tokens();
        let detailed = self.row.thoughts == Thoughts::Hidden;
        let details = json!({"reasoning_tokens": self.reasoning_tokens()});
        let cached = self.answer.cached_tokens.min(self.prompt_tokens);
        object([
            ("completion_tokens", Some(json!(completion))),
            ("completion_tokens_details", detailed.then_some(details)),
            ("prompt_tokens", Some(json!(self.prompt_tokens))),
            (
                "prompt_tokens_details",
                detailed.then(|| json!({"cached_tokens": cached})),
            ),
            ("total_tokens", Some(json!(self.prompt_tokens + completion))),
        ])
    }
}

/// What is answered, as far as a guardrail lets it through, and what the guardrail says of it.
fn answered(
    call: Call<'_>,
    prompt: &Prompt,
    guard: Option<&Guard<'_>>,
) -> (Answer, Vec<(&'static str, Value)>) {
    let Some(guard) = guard else {
        return (call.scene.answer(prompt), Vec::new());
    };
    let asked = guard.prompt(&prompt.user);
    let said = |acted: bool, trace: Option<Value>| {
        let action = if acted { "INTERVENED" } else { "NONE" };
        let trace = trace.map(|trace| ("amazon-bedrock-trace", trace));
        let action = ("amazon-bedrock-guardrailAction", json!(action));
        [action].into_iter().chain(trace).collect()
    };
    if asked.blocked {
        let trace = guard.trace(&asked, None);
        return (Answer::text(asked.text), said(true, trace));
    }
    let mut answer = call.scene.answer(prompt);
    let text = answer.text.clone().unwrap_or_default();
    let verdict = guard.answer(&text);
    if verdict.blocked {
        answer = Answer::text(verdict.text.clone());
    } else if verdict.masked {
        answer.text = Some(verdict.text.clone());
    }
    let trace = guard.trace(&asked, Some((&verdict, &text)));
    (answer, said(verdict.blocked || verdict.masked, trace))
}

/// The kind of a call and the name of its input.
fn words(form: Form) -> (&'static str, &'static str) {
    match form {
        Form::Custom => ("custom", "input"),
        // The old form is refused before.
        Form::Function | Form::Legacy => ("function", "arguments"),
    }
}

/// Cuts the text where the caller's token limit ends it.
fn shorten(answer: &mut Answer, most: Option<u64>) {
    let (Some(said), Some(most)) = (&mut answer.text, most) else {
        return;
    };
    if tokens(said) > most {
        let characters = usize::try_from(most.saturating_mul(4)).unwrap_or(usize::MAX);
        *said = said.chars().take(characters).collect();
        answer.finish = Finish::Length;
    }
}
