//! How the checks read an answer, for others that must read it in the same way: golden sets. It reads and gives no verdict.

use crossfade_exchange::{CheckOutcome, JsonForm, Operation, Recording, Stance, Usage};
use serde_json::Value;

use crate::{
    Checks,
    answer::{Answer, Finish},
    ask::Ask,
    checks::{cost, refusal, tool_arguments},
    json::Json,
    label,
    path::Path,
    schema::{Schema, SchemaError},
    state::{State, Wanted, is_stream},
};

/// An answer as the checks read it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadAnswer {
    /// The text; empty if there is none.
    pub text: String,
    /// The API's own refusal field.
    pub refusal: Option<String>,
    /// Why it ended: `stop`, `length`, `tool_calls`, `content_filter` or `unknown`.
    pub finish: &'static str,
    /// The tools it calls, in their order.
    pub calls: Vec<ReadCall>,
    /// What is wrong with the calls by the request's own tools; `None` where they are as the tools want them.
    pub bad_calls: Option<BadCalls>,
    /// What it does with the request.
    pub stance: Stance,
    /// Tokens, if the answer says them.
    pub usage: Option<Usage>,
}

/// One call of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadCall {
    /// The tool's name.
    pub name: String,
    /// The arguments as they were written: JSON, or free text by the kind of the tool.
    pub arguments: String,
}

/// Why calls are not what the request's tools want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadCalls {
    /// A call of an undeclared tool, or arguments that do not fit; where.
    Wrong(String),
    /// A tool's schema cannot be used; why.
    Unjudged(String),
}

/// A text read as JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadJson {
    /// In which form it was written.
    pub form: JsonForm,
    /// What it holds; of an object that names a member twice, the last one.
    pub value: Option<Value>,
}

/// A path into a JSON answer: `$.a.b`, `$.items[*].price`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPath(Path);

/// A compiled JSON schema.
#[derive(Debug)]
pub struct AnswerSchema(Schema);

/// Reads a text as JSON, strictly or with the repairs that applications commonly make.
pub fn read_json(text: &str) -> ReadJson {
    let json = Json::read(text);
    ReadJson {
        form: json.form(),
        value: json.value().cloned(),
    }
}

/// A label as it is compared: lower case, outer punctuation off, `_`, `-` and white space as single spaces.
pub fn normal_label(text: &str) -> String {
    label::normal(text)
}

// === impl Checks ===

impl Checks {
    /// Reads an answer to a request, a stream or whole. The error is a fixed phrase that says why there is none.
    pub fn read(
        &self,
        operation: Operation,
        request: &[u8],
        recording: &Recording,
    ) -> Result<ReadAnswer, String> {
        let wanted = Wanted {
            operation,
            streamed: is_stream(recording, &recording.body),
        };
        let ask = Ask::read(operation, request);
        match State::of(recording, wanted) {
            State::Answer(answer) => Ok(self.read_answer(&ask, *answer)),
            State::Filtered => Ok(filtered()),
            State::Vectors(_) => Err("embeddings".to_owned()),
            State::Failed(why) => Err(why.into_owned()),
            State::Error(why) => Err(why),
            State::Unjudged(why) | State::Broken(why) | State::Malformed(why) => {
                Err(why.to_owned())
            }
        }
    }

    fn read_answer(&self, ask: &Ask<'_>, answer: Answer) -> ReadAnswer {
        let asked = self.wants_json(ask).then(|| Json::read(&answer.text));
        let json = asked.as_ref().and_then(Json::value);
        let stance = refusal::stance(&answer, json, &self.phrases);
        let calls = tool_arguments::own(self, ask, &answer);
        let why = || calls.evidence.as_deref().unwrap_or_default().to_owned();
        let bad_calls = match calls.outcome {
            CheckOutcome::Pass | CheckOutcome::Na => None,
            CheckOutcome::Fail => Some(BadCalls::Wrong(why())),
            CheckOutcome::Error => Some(BadCalls::Unjudged(why())),
        };
        ReadAnswer {
            finish: answer.finish.as_str(),
            bad_calls,
            stance,
            usage: answer.counts.map(cost::usage),
            calls: answer.calls.into_iter().map(ReadCall::of).collect(),
            text: answer.text,
            refusal: answer.refusal,
        }
    }
}

/// What a prompt comes to that the API's own filter refused.
fn filtered() -> ReadAnswer {
    ReadAnswer {
        text: String::new(),
        refusal: None,
        finish: Finish::ContentFilter.as_str(),
        calls: Vec::new(),
        bad_calls: None,
        stance: Stance::Full,
        usage: None,
    }
}

// === impl ReadCall ===

impl ReadCall {
    fn of(call: crate::answer::Call) -> Self {
        Self {
            name: call.name,
            arguments: call.arguments,
        }
    }
}

// === impl JsonPath ===

impl JsonPath {
    /// Parses what somebody wrote; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        Path::parse(text).map(Self)
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        self.0.text()
    }

    /// The first value at the path.
    pub fn first<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.0.first(value)
    }

    /// How many places the path names in this value, and how many of them hold something other than null.
    pub fn coverage(&self, value: &Value) -> (usize, usize) {
        let coverage = self.0.coverage(value);
        (coverage.named, coverage.filled)
    }
}

// === impl AnswerSchema ===

impl AnswerSchema {
    /// Compiles a schema within the bounds of a route's schema.
    pub fn compile(schema: &Value) -> Result<Self, SchemaError> {
        Schema::compile(&schema.to_string()).map(Self)
    }

    /// Validates a value. The error is the place of the first violation and the keyword that was violated.
    pub fn validate(&self, value: &Value) -> Result<(), String> {
        let finding = self.0.check(value);
        match finding.outcome {
            CheckOutcome::Pass | CheckOutcome::Na => Ok(()),
            CheckOutcome::Fail | CheckOutcome::Error => {
                Err(finding.evidence.as_deref().unwrap_or_default().to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crossfade_exchange::{Ending, Role, Side, Timings};
    use serde_json::json;

    use super::*;
    use crate::CheckSettings;

    fn read(status: u16, kind: &str, body: &str) -> Result<ReadAnswer, String> {
        let request = json!({"messages": [], "tools": [{"type": "function", "function": {"name": "find", "parameters":
            {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}}}]});
        let recording = Recording {
            side: Side::Primary,
            role: Role::Answering,
            ending: Ending::Complete,
            status: Some(status),
            content_type: Some(kind.to_owned()),
            content_encoding: None,
            body: body.to_owned().into(),
            truncated: false,
            timings: Timings::default(),
            failover: None,
            losses: Vec::new(),
            usage: None,
        };
        let checks = Checks::new(CheckSettings::default()).unwrap();
        checks.read(Operation::Chat, request.to_string().as_bytes(), &recording)
    }

    fn whole(message: &Value, finish: &str) -> String {
        json!({"id": "c", "object": "chat.completion", "choices": [{"index": 0, "finish_reason": finish, "message": message}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}})
        .to_string()
    }

    const JSON: &str = "application/json";

    #[test]
    fn an_answer_is_read_whole_or_as_a_stream() {
        let message = json!({"role": "assistant", "content": "Paris."});
        let answer = read(200, JSON, &whole(&message, "stop")).unwrap();
        assert_eq!(
            (answer.text.as_str(), answer.finish, answer.stance),
            ("Paris.", "stop", Stance::Comply)
        );
        assert_eq!(answer.usage.unwrap().total(), 5);
        let stream = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\
            \"content\":\"Par\"}}]}\n\ndata: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":\
            {\"content\":\"is.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
        assert_eq!(
            read(200, "text/event-stream", stream).unwrap().text,
            "Paris."
        );
    }

    #[test]
    fn calls_are_judged_by_the_requests_tools() {
        let check = |name: &str, arguments: &str, wrong: bool| {
            let call = json!({"id": "1", "type": "function", "function": {"name": name, "arguments": arguments}});
            let message = json!({"role": "assistant", "content": null, "tool_calls": [call]});
            let answer = read(200, JSON, &whole(&message, "tool_calls")).unwrap();
            assert_eq!(
                matches!(answer.bad_calls, Some(BadCalls::Wrong(_))),
                wrong,
                "{name} {arguments}"
            );
            assert_eq!(
                answer.calls,
                [ReadCall {
                    name: name.to_owned(),
                    arguments: arguments.to_owned()
                }]
            );
        };
        check("find", r#"{"id":7}"#, false);
        check("find", r#"{"id":"x"}"#, true);
        check("find", "{}", true);
        check("lose", "{}", true);
    }

    #[test]
    fn refusals_come_from_the_text_the_field_and_the_filter() {
        let said = |message: Value| read(200, JSON, &whole(&message, "stop")).unwrap().stance;
        let text =
            json!({"role": "assistant", "content": "I'm sorry, but I can't help with that."});
        assert_eq!(said(text), Stance::Full);
        let field = json!({"role": "assistant", "content": null, "refusal": "No."});
        assert_eq!(said(field), Stance::Full);
        let filter = r#"{"error":{"code":"content_filter","message":"m"}}"#;
        let answer = read(400, JSON, filter).unwrap();
        assert_eq!(
            (answer.stance, answer.finish),
            (Stance::Full, "content_filter")
        );
    }

    #[test]
    fn what_is_no_answer_says_why() {
        let check = |status: u16, body: &str, why: &str| {
            assert_eq!(read(status, JSON, body).unwrap_err(), why);
        };
        check(503, "{}", "http_503");
        check(404, "{}", "http_404");
        check(200, "not json", "not_json");
        check(200, "{\"choices\":7}", "not_a_completion");
    }

    #[test]
    fn json_paths_and_schemas_are_the_checks_own() {
        let json = read_json("```json\n{\"a\":[{\"b\":1},{}]}\n```");
        assert_eq!(json.form, JsonForm::Lenient);
        let path = JsonPath::parse("$.a[*].b").unwrap();
        let value = json.value.unwrap();
        assert_eq!(
            (path.first(&value), path.coverage(&value)),
            (Some(&json!(1)), (2, 1))
        );
        let schema = AnswerSchema::compile(&json!({"type": "array"})).unwrap();
        assert_eq!(schema.validate(&value), Err("$: type".to_owned()));
        assert_eq!(schema.validate(&json!([])), Ok(()));
        assert!(AnswerSchema::compile(&json!({"type": 7})).is_err());
        assert_eq!(normal_label(" **Other_matter**."), "other matter");
    }
}
