//! What the endpoints answer, as steps. Forms follow recorded streams of both surfaces.

mod chat_answers;
mod response_answers;

use crossfade_openai::sse;
use serde_json::Value;

use super::*;
use crate::{
    answer::{End, Frame, Reader, Reply, Thought},
    settings::Misconduct,
};

fn shape(reply: Reply) -> Shape {
    Shape::new(reply, [7; 32], false, Misconduct::default())
}

fn chat(reply: Reply) -> ChatReader {
    ChatReader::new(shape(reply), true)
}

fn responses(reply: Reply) -> ResponsesReader {
    ResponsesReader::new(shape(reply))
}

fn event(data: &Value) -> Frame {
    Frame::Sse(sse::Event {
        event: None,
        data: data.to_string(),
    })
}

fn done() -> Frame {
    Frame::Sse(sse::Event {
        event: None,
        data: sse::DONE.to_owned(),
    })
}

/// Steps told shortly, neighbours of one kind joined.
fn short(steps: &[Step]) -> Vec<String> {
    let mut told: Vec<(String, String)> = Vec::new();
    for step in steps {
        let (kind, text) = match step {
            Step::Text(text) => ("text".to_owned(), text.clone()),
            Step::Refusal(text) => ("refusal".to_owned(), text.clone()),
            Step::Thought(Thought::Text(text)) => ("thought".to_owned(), text.clone()),
            Step::Thought(Thought::Summary(text)) => ("summary".to_owned(), text.clone()),
            Step::Thought(Thought::Encrypted(text)) => ("encrypted".to_owned(), text.clone()),
            Step::Call {
                index, name, id, ..
            } => {
                let id = id.as_deref().unwrap_or_default();
                assert!(id.starts_with("call_") && id.len() == 29, "{id}");
                (format!("call {index}"), name.clone())
            }
            Step::CallInput { index, text } => (format!("input {index}"), text.clone()),
            Step::Thought(_) | Step::CallDone { .. } => continue,
            Step::Logprobs(value) => ("logprobs".to_owned(), value["content"].to_string()),
            Step::Citation(value) => ("citation".to_owned(), value["url"].to_string()),
            Step::Filter(_) => ("filter".to_owned(), String::new()),
            Step::Tokens(usage) => ("tokens".to_owned(), usage.output.to_string()),
            Step::Lost(kind, field) => (format!("lost {}", kind.as_str()), field.to_string()),
            Step::End(End { finish, usage }) => {
                let usage =
                    usage.map(|usage| (usage.input, usage.cached, usage.output, usage.reasoning));
                ("end".to_owned(), format!("{finish:?} {usage:?}"))
            }
        };
        match told.last_mut() {
            Some((last, so_far)) if *last == kind && kind != "end" => so_far.push_str(&text),
            _ => told.push((kind, text)),
        }
    }
    told.into_iter()
        .map(|(kind, text)| format!("{kind}: {text}"))
        .collect()
}

fn read(mut reader: impl Reader, frames: Vec<Frame>) -> Result<Vec<String>, AnswerError> {
    let mut steps = Vec::new();
    for frame in frames {
        if reader.push(frame, &mut steps)? {
            return Ok(short(&steps));
        }
    }
    reader.finish(&mut steps)?;
    Ok(short(&steps))
}
