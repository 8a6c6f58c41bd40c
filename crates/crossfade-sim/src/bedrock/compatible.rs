//! Bedrock's OpenAI-compatible endpoints: chat completions and responses on the runtime, and on mantle with state.
//!
//! What a model takes here, how it shows its thoughts and which prefix it has stands in [`models`].

use std::io;

use serde_json::{Map, Value, json};

use super::{
    Call, Clock,
    exception::{self, Exception},
};
use crate::{
    openai::{
        Wrong,
        chat::object,
        responses::{Part, Store},
    },
    server::{Head, Reply},
};

mod chat;
mod check;
mod failure;
mod models;
mod responses;
#[cfg(test)]
mod tests;

use failure::Failure;
use models::{Prefix, Row};

/// Which of Bedrock's two services is simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Surface {
    /// `bedrock-runtime`: Converse, InvokeModel, and the compatible endpoints without state.
    #[default]
    Runtime,
    /// `bedrock-mantle`: the compatible endpoints alone, with state.
    Mantle,
}

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    prefix: Prefix,
    operation: Operation,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Operation {
    Chat,
    Responses,
    /// A response that was kept.
    Kept(Part, String),
    Models,
}

// === impl Surface ===

impl Surface {
    /// The name that its signatures are scoped to.
    pub const fn signing_name(self) -> &'static str {
        match self {
            Self::Runtime => "bedrock",
            Self::Mantle => "bedrock-mantle",
        }
    }
}

/// Whether a path is one of these endpoints'.
pub(super) fn is_here(target: &str, surface: Surface) -> bool {
    surface == Surface::Mantle
        || ["/openai/", "/v1/"]
            .iter()
            .any(|prefix| target.starts_with(prefix))
}

/// Answers, whatever happens; the error is the socket's. `admitted` is the front door's word.
pub(super) async fn answer(
    call: Call<'_>,
    store: &Store,
    admitted: Result<(), Exception>,
    reply: &mut Reply,
) -> io::Result<()> {
    let surface = call.options.surface;
    let answered = match admitted {
        Ok(()) => route(call, store, reply).await?,
        Err(exception) => Err(exception.into()),
    };
    match answered {
        Ok(()) => Ok(()),
        Err(failure) => failure.write(surface, &call.options.clock, reply).await,
    }
}

async fn route(
    call: Call<'_>,
    store: &Store,
    reply: &mut Reply,
) -> io::Result<Result<(), Failure>> {
    let surface = call.options.surface;
    let target = match Target::parse(&call.request.method, &call.request.target, surface) {
        Ok(target) => target,
        Err(failure) => return Ok(Err(failure)),
    };
    let body = match target.operation {
        Operation::Chat => return chat::answer(call, &target, reply).await,
        Operation::Responses => return responses::answer(call, &target, store, reply).await,
        Operation::Kept(part, ref id) => {
            crate::openai::responses::operate(&call.request.method, part, id, store)
        }
        Operation::Models => Ok(listing(&call.options.models)),
    };
    match body {
        Ok(body) => {
            let head = head(200, &call.options.clock, "application/json");
            reply.whole(head, body.to_string().as_bytes()).await.map(Ok)
        }
        Err(wrong) => Ok(Err(wrong.into())),
    }
}

/// The model that a body asks for, if this path has it.
fn model(
    call: Call<'_>,
    target: &Target,
) -> Result<(Map<String, Value>, String, &'static Row), Failure> {
    let surface = call.options.surface;
    let body = object(&call.request.body)?;
    let Some(id) = body.get("model").and_then(Value::as_str).map(str::to_owned) else {
        return Err(Wrong::missing("model").into());
    };
    let known = &call.options.models;
    let exists = known.is_empty() || known.contains(&id);
    let row = models::find(&id, surface).filter(|_| exists);
    let row = row.ok_or_else(|| match surface {
        Surface::Runtime => Failure::from(Exception::validation(
            "The provided model identifier is invalid.",
        )),
        Surface::Mantle => Wrong::not_found(format!("The model '{id}' does not exist"))
            .code("model_not_found")
            .into(),
    })?;
    let spoken = match target.operation {
        Operation::Chat => row.chat,
        Operation::Responses | Operation::Kept(..) | Operation::Models => row.responses,
    };
    if surface == Surface::Mantle && target.prefix != row.prefix || !spoken.on(surface) {
        let message = format!("model '{id}' isn't supported on this route");
        return Err(Wrong::new(message)
            .param("model")
            .code("validation_error")
            .into());
    }
    Ok((body, id, row))
}

fn listing(known: &[String]) -> Value {
    let model = |id: &String| json!({"id": id, "created": 1_764_460_800, "object": "model", "owned_by": "system"});
    json!({"data": known.iter().map(model).collect::<Vec<_>>(), "object": "list"})
}

/// The head that every answer has: no limits are told here.
fn head(status: u16, clock: &Clock, content_type: &str) -> Head {
    let id = uuid::Uuid::new_v4().to_string();
    exception::head(status, clock, content_type).header("x-request-id", id)
}

// === impl Target ===

impl Target {
    fn parse(method: &str, target: &str, surface: Surface) -> Result<Self, Failure> {
        let path = target.split('?').next().unwrap_or_default();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let (prefix, rest) = match segments.as_slice() {
            ["openai", "v1", rest @ ..] => (Prefix::OpenAi, rest),
            ["v1", rest @ ..] => (Prefix::Plain, rest),
            _ => return Err(failure::no_such_path(surface)),
        };
        let operation = match (method, rest) {
            ("POST", ["chat", "completions"]) => Operation::Chat,
            ("POST", ["responses"]) => Operation::Responses,
            ("GET", ["models"]) if surface == Surface::Mantle => Operation::Models,
            (_, ["responses", rest @ ..]) if surface == Surface::Mantle => {
                match Part::parse(rest) {
                    Some((part, id)) => Operation::Kept(part, id.to_owned()),
                    None => return Err(failure::no_such_path(surface)),
                }
            }
            _ => return Err(failure::no_such_path(surface)),
        };
        Ok(Self { prefix, operation })
    }
}
