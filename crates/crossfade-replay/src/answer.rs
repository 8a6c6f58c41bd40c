//! One side's answer to a case: as it is recorded in a file, and as the checks see it. It asks nobody and judges nothing.

use std::time::Duration;

use bytes::Bytes;
use crossfade_exchange::{Ending, Failover, Loss, Recording, Role, Side, Timings, Usage};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One side's answer to one asking of a case, on the Azure OpenAI wire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseAnswer {
    /// The status code; absent where no head came.
    #[serde(default = "ok", skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The body, where it is JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Value>,
    /// The body, where it is text of another kind: an event stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// `content-type`; JSON if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// How it ended.
    #[serde(default = "complete", skip_serializing_if = "is_complete")]
    pub ending: Ending,
    /// Milliseconds until the first content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_content_ms: Option<f64>,
    /// Milliseconds until the end of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_ms: Option<f64>,
    /// The side's own word that the other side should answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failover: Option<Failover>,
    /// What the translation lost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<Loss>,
    /// Tokens, where the body does not say them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Whether the body was longer than what is kept of one; then only its beginning is here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// An answer with what it is the answer to: a line of a file of recordings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedAnswer {
    /// The case's id.
    pub case: String,
    /// Who answered.
    pub side: Side,
    /// Which asking of the case, from 0.
    #[serde(default)]
    pub repeat: u32,
    /// SHA-256 of the request (canonical JSON) in lower-case hexadecimal. A recording of another request is refused; without
    /// it nothing is checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The answer.
    pub answer: CaseAnswer,
}

const JSON: &str = "application/json";

#[expect(
    clippy::unnecessary_wraps,
    reason = "the shape that serde's default wants"
)]
const fn ok() -> Option<u16> {
    Some(200)
}

const fn complete() -> Ending {
    Ending::Complete
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the shape that serde's skip_serializing_if wants"
)]
fn is_complete(ending: &Ending) -> bool {
    *ending == Ending::Complete
}

// === impl CaseAnswer ===

impl CaseAnswer {
    /// A whole answer of status 200 with this JSON body, whose times are not known.
    pub fn of_response(response: Value) -> Self {
        Self {
            response: Some(response),
            ..Self::failed(Some(200), Ending::Complete)
        }
    }

    /// An answer without a body.
    pub fn failed(status: Option<u16>, ending: Ending) -> Self {
        Self {
            status,
            response: None,
            body: None,
            content_type: None,
            ending,
            first_content_ms: None,
            total_ms: None,
            failover: None,
            losses: Vec::new(),
            usage: None,
            truncated: false,
        }
    }

    /// An answer with the bytes of its body, which are kept as JSON where writing that JSON again gives the same bytes.
    #[must_use]
    pub fn with_body(mut self, content_type: Option<String>, bytes: &[u8]) -> Self {
        let whole = serde_json::from_slice::<Value>(bytes).ok();
        let same = |value: &Value| serde_json::to_vec(value).is_ok_and(|written| written == bytes);
        match whole.filter(same) {
            Some(value) => self.response = Some(value),
            None if bytes.is_empty() => {}
            None => self.body = Some(String::from_utf8_lossy(bytes).into_owned()),
        }
        self.content_type = content_type.filter(|kind| kind != JSON);
        self
    }

    /// The body's bytes.
    pub fn bytes(&self) -> Bytes {
        match (&self.response, &self.body) {
            (Some(response), _) => Bytes::from(response.to_string()),
            (None, Some(body)) => Bytes::from(body.clone()),
            (None, None) => Bytes::new(),
        }
    }

    /// As the checks see it.
    pub fn recording(&self, side: Side, role: Role) -> Recording {
        let first = duration(self.first_content_ms);
        Recording {
            side,
            role,
            ending: self.ending,
            status: self.status,
            content_type: self
                .status
                .map(|_| self.content_type.clone().unwrap_or_else(|| JSON.to_owned())),
            content_encoding: None,
            body: self.bytes(),
            truncated: self.truncated,
            timings: Timings {
                headers: first,
                first_byte: first,
                first_content: first,
                total: duration(self.total_ms),
                kept_up: true,
            },
            failover: self.failover,
            losses: self.losses.clone(),
            usage: self.usage,
        }
    }

    /// Whether the side gave no answer at all: what may be asked again, and what says nothing about the model.
    pub fn is_missing(&self) -> bool {
        let recording = self.recording(Side::Primary, Role::Answering);
        recording.transport_bad() || matches!(self.ending, Ending::ClientAbort | Ending::Deadline)
    }
}

fn duration(ms: Option<f64>) -> Option<Duration> {
    Duration::try_from_secs_f64(ms? / 1000.0).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(text: &str, status: Option<u16>, body: &str, missing: bool) {
        let answer: CaseAnswer = serde_json::from_str(text).unwrap();
        let recording = answer.recording(Side::Candidate, Role::Answering);
        assert_eq!(recording.status, status, "{text}");
        assert_eq!(recording.body, body, "{text}");
        assert_eq!(answer.is_missing(), missing, "{text}");
        let again = serde_json::to_string(&answer).unwrap();
        assert_eq!(serde_json::from_str::<CaseAnswer>(&again).unwrap(), answer);
    }

    #[test]
    fn what_is_written_is_what_the_checks_see() {
        check(
            r#"{"response":{"b":1,"a":2}}"#,
            Some(200),
            r#"{"b":1,"a":2}"#,
            false,
        );
        check(
            r#"{"body":"data: [DONE]\n\n","content_type":"text/event-stream"}"#,
            Some(200),
            "data: [DONE]\n\n",
            false,
        );
        check(
            r#"{"status":400,"response":{"error":{}}}"#,
            Some(400),
            r#"{"error":{}}"#,
            false,
        );
        check(r#"{"status":429,"response":{}}"#, Some(429), "{}", true);
        check(r#"{"status":200,"ending":"broken"}"#, Some(200), "", true);
        check(r#"{"status":200,"ending":"deadline"}"#, Some(200), "", true);
        check(r#"{"status":503,"failover":"server"}"#, Some(503), "", true);
    }

    #[test]
    fn bodies_are_kept_to_the_byte() {
        for body in [
            r#"{"a":1.50}"#,
            r#"{"a":1}"#,
            "{ \"a\": 1 }",
            "data: x\n\n",
            "",
            "no json",
        ] {
            let answer = CaseAnswer::failed(Some(200), Ending::Complete)
                .with_body(Some("application/json".to_owned()), body.as_bytes());
            assert_eq!(answer.bytes(), body);
        }
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert!(serde_json::from_value::<CaseAnswer>(json!({"respnse": {}})).is_err());
    }
}
