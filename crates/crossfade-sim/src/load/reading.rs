//! Reads a completion as a client would: whole, or from the chunks of a stream.

use serde_json::Value;

use crate::script::{Answer, Finish, ToolCall};

/// A stream being read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    buffer: Vec<u8>,
    answer: Answer,
    done: bool,
}

impl Reading {
    /// Takes in bytes of a stream. An error event, or one that is no JSON, is an error.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        self.buffer.extend_from_slice(bytes);
        while let Some(end) = self.buffer.iter().position(|&b| b == b'\n') {
            let line: Vec<u8> = self.buffer.drain(..=end).collect();
            if let Some(data) = line.strip_prefix(b"data:") {
                self.event(data.trim_ascii())?;
            }
        }
        Ok(())
    }

    /// Whether anything was said yet.
    pub(super) fn has_content(&self) -> bool {
        let Answer {
            text,
            refusal,
            tool_calls,
            ..
        } = &self.answer;
        text.is_some() || refusal.is_some() || !tool_calls.is_empty()
    }

    /// The answer, if the stream ended as it should.
    pub(super) fn finish(self) -> Option<Answer> {
        self.done.then_some(self.answer)
    }

    /// A whole completion.
    pub(super) fn of_completion(body: &[u8]) -> Option<Answer> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let choice = body.get("choices")?.get(0)?;
        let mut answer = Answer::default();
        merge(&mut answer, choice, choice.get("message")?);
        Some(answer)
    }

    fn event(&mut self, data: &[u8]) -> Result<(), &'static str> {
        if data == b"[DONE]" {
            self.done = true;
            return Ok(());
        }
        let chunk: Value =
            serde_json::from_slice(data).map_err(|_| "an event of the stream is no JSON")?;
        if chunk.get("error").is_some() {
            return Err("the stream ended with an error");
        }
        if let Some(choice) = chunk.get("choices").and_then(|choices| choices.get(0)) {
            merge(
                &mut self.answer,
                choice,
                choice.get("delta").unwrap_or(&Value::Null),
            );
        }
        Ok(())
    }
}

/// Adds what a message or a delta says.
fn merge(answer: &mut Answer, choice: &Value, said: &Value) {
    for (member, text) in [
        ("content", &mut answer.text),
        ("refusal", &mut answer.refusal),
    ] {
        match said.get(member).and_then(Value::as_str) {
            None | Some("") => {}
            Some(piece) => text.get_or_insert_default().push_str(piece),
        }
    }
    let calls = said
        .get("tool_calls")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    for (position, call) in calls.enumerate() {
        let index = call
            .get("index")
            .and_then(Value::as_u64)
            .map_or(position, |index| {
                usize::try_from(index).unwrap_or(usize::MAX)
            });
        let empty = ToolCall {
            name: String::new(),
            arguments: String::new(),
        };
        // A chunk for a call that was never opened opens it; a far index must not grow the list.
        if index >= answer.tool_calls.len() {
            answer.tool_calls.push(empty);
        }
        let last = answer.tool_calls.len() - 1;
        let Some(open) = answer.tool_calls.get_mut(index.min(last)) else {
            continue;
        };
        let function = |name: &str| {
            call.get("function")
                .and_then(|f| f.get(name))
                .and_then(Value::as_str)
        };
        open.name.push_str(function("name").unwrap_or_default());
        open.arguments
            .push_str(function("arguments").unwrap_or_default());
    }
    match choice.get("finish_reason").and_then(Value::as_str) {
        Some("length") => answer.finish = Finish::Length,
        Some("content_filter") => answer.finish = Finish::Filtered,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stream: &[u8], piece: usize) -> Result<Option<Answer>, &'static str> {
        let mut reading = Reading::default();
        for bytes in stream.chunks(piece) {
            reading.feed(bytes)?;
        }
        Ok(reading.finish())
    }

    #[test]
    fn streams_are_read_at_every_border() {
        let stream = concat!(
            "data: {\"choices\":[]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"content\":\"\",\"role\":\"assistant\"}}]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"content\":\"Hä\"}}]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{}\"}}]}}]}\n\n",
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\n",
            "data: [DONE]\n\n",
        );
        let expected = Answer {
            text: Some("Hä".to_owned()),
            finish: Finish::Length,
            ..Answer::call("f", "{}")
        };
        for piece in 1..40 {
            assert_eq!(read(stream.as_bytes(), piece), Ok(Some(expected.clone())));
        }
    }

    #[test]
    fn what_is_no_answer_is_told_apart() {
        let done = "data: [DONE]\n\n";
        assert_eq!(read(b"data: {\"choices\":[]}\n\n", 9), Ok(None));
        assert!(read(format!("data: {{\"error\":{{}}}}\n\n{done}").as_bytes(), 9).is_err());
        assert!(read(format!("data: nothing\n\n{done}").as_bytes(), 9).is_err());
        assert_eq!(Reading::of_completion(b"{}"), None);
        let whole = br#"{"choices":[{"finish_reason":"content_filter","message":{"content":"a","refusal":"b"}}]}"#;
        let answer = Reading::of_completion(whole).unwrap();
        assert_eq!(
            (answer.text.as_deref(), answer.refusal.as_deref()),
            (Some("a"), Some("b"))
        );
        assert_eq!(answer.finish, Finish::Filtered);
    }
}
