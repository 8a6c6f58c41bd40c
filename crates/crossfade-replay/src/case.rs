//! A case of a golden set: a request, what is expected of its answer, and answers that are known. It is read and written
//! here; nothing is asked and nothing judged.

use bytes::Bytes;
use crossfade_exchange::{Operation, Severity};
use serde_json::{Map, Value};

use crate::{
    answer::CaseAnswer,
    assertion::Assertion,
    canonical::{canonical, sha256},
    object::{Object, Problem, kind},
};

#[cfg(test)]
mod tests;

/// A case.
#[derive(Debug)]
pub struct Case {
    /// Its name, unique in its set.
    pub id: String,
    /// The route it stands for, if it names one.
    pub route: Option<String>,
    /// What is asked for.
    pub operation: Operation,
    /// The request's body.
    pub request: Value,
    /// What is expected of the answer. Empty only where there is a baseline: then the answer must match that.
    pub assertions: Vec<Assertion>,
    /// An answer that is known to be good.
    pub baseline: Option<Baseline>,
    /// What each side answered when it was asked, in the order of asking: for runs that ask nobody.
    pub recorded: Recorded,
    /// How much a failure matters.
    pub severity: Severity,
    /// How much the case counts in means; 0 is reported only.
    pub weight: f64,
    /// How often it is asked, if it says so.
    pub repeat: Option<u32>,
    /// The share of its repeats that must pass, 0..=1.
    pub min_pass_rate: f64,
    /// Whatever its owner keeps with it.
    pub metadata: Map<String, Value>,
    /// SHA-256 of the case in canonical JSON, without the member `sha256`, in lower-case hexadecimal.
    pub sha256: String,
    written: Value,
}

/// An answer that is known to be good.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// The answer.
    pub answer: CaseAnswer,
    /// The model that gave it.
    pub model: Option<String>,
    /// When.
    pub at: Option<String>,
}

/// What each side answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded {
    /// The primary.
    pub primary: Vec<CaseAnswer>,
    /// The candidate.
    pub candidate: Vec<CaseAnswer>,
}

// === impl Case ===

impl Case {
    /// The longest id, in bytes.
    pub const LONGEST_ID: usize = 256;
    /// The most assertions, those in sets included.
    pub const MOST_ASSERTIONS: usize = 256;
    /// The most repeats.
    pub const MOST_REPEATS: u32 = 100;

    /// Reads a case; the error is everything that is wrong with it.
    pub fn read(value: Value) -> Result<Self, Vec<Problem>> {
        let written = value.clone();
        let Value::Object(members) = value else {
            let what = format!("a case is an object, and this is {}", kind(&value));
            return Err(vec![Problem::new("", what)]);
        };
        let mut problems = Vec::new();
        let read = Self::read_members(members, written, &mut problems);
        if problems.is_empty()
            && let Some(case) = &read
            && case.baseline.is_none()
        {
            if case.assertions.is_empty() {
                let what = "the case expects nothing; give assertions, or a baseline to match";
                problems.push(Problem::new("assert", what));
            } else if case.assertions.iter().any(Assertion::needs_baseline) {
                let what = "matches-baseline needs a baseline, and the case has none";
                problems.push(Problem::new("assert", what));
            }
        }
        match read {
            Some(case) if problems.is_empty() => Ok(case),
            Some(_) | None => Err(problems),
        }
    }

    /// What can be read of a case; what is wrong is noted.
    fn read_members(
        members: Map<String, Value>,
        written: Value,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let mut object = Object::new(members, "", problems);
        let id = read_id(&mut object);
        let route = object.string("route");
        let operation = object.word("operation", Operation::ALL, |word: Operation| word.as_str());
        let request = object.required("request", "the body of a request");
        let operation = operation.unwrap_or_else(|| guess(request.as_ref()));
        if let Some(request) = &request {
            check_request(&mut object, operation, request);
        }
        let assertions = read_assertions(&mut object);
        let baseline = object
            .object("baseline")
            .and_then(|members| read_baseline(&mut object, members));
        let recorded = object
            .object("recorded")
            .map(|members| read_recorded(&mut object, members));
        let severity = object.word("severity", Severity::ALL, |word: Severity| word.as_str());
        let weight = object.number("weight", 0.0..=f64::MAX);
        let repeat = object.whole("repeat", 1..=Self::MOST_REPEATS);
        let min_pass_rate = object.number("min_pass_rate", 0.0..=1.0);
        let metadata = object.object("metadata").unwrap_or_default();
        let sha256 = verified_hash(&mut object, &written);
        object.finish();
        Some(Self {
            id: id?,
            route,
            operation,
            request: request?,
            assertions,
            baseline,
            recorded: recorded.unwrap_or_default(),
            severity: severity.unwrap_or(Severity::Major),
            weight: weight.unwrap_or(1.0),
            repeat,
            min_pass_rate: min_pass_rate.unwrap_or(1.0),
            metadata,
            sha256,
            written,
        })
    }

    /// The case as it was written.
    pub const fn written(&self) -> &Value {
        &self.written
    }

    /// The case as a line of a file, without the line break: as it was written, with its hash.
    pub fn line(&self) -> String {
        let mut written = self.written.clone();
        if let Value::Object(members) = &mut written {
            members.insert("sha256".to_owned(), Value::String(self.sha256.clone()));
        }
        written.to_string()
    }

    /// The request's body.
    pub fn request_bytes(&self) -> Bytes {
        Bytes::from(self.request.to_string())
    }

    /// SHA-256 of the request in canonical JSON, in lower-case hexadecimal.
    pub fn request_sha256(&self) -> String {
        sha256(&canonical(&self.request))
    }

    /// Whether the request asks for a stream.
    pub fn streamed(&self) -> bool {
        self.request.get("stream") == Some(&Value::Bool(true))
    }

    /// The path of Azure OpenAI's v1 API that takes the request.
    pub const fn path(&self) -> &'static str {
        match self.operation {
            Operation::Chat => "/openai/v1/chat/completions",
            Operation::Responses => "/openai/v1/responses",
            Operation::Embeddings => "/openai/v1/embeddings",
        }
    }
}

/// What a request asks for, by its form: a conversation, or else a response. Embeddings say so themselves.
fn guess(request: Option<&Value>) -> Operation {
    let has = |key: &str| request.is_some_and(|request| request.get(key).is_some());
    if has("input") && !has("messages") {
        Operation::Responses
    } else {
        Operation::Chat
    }
}

fn read_id(object: &mut Object<'_>) -> Option<String> {
    let Some(id) = object.string("id") else {
        if !object.has_problem("id") {
            object.wrong(
                "id",
                "it is missing; give a name that is unique in the file",
            );
        }
        return None;
    };
    let what = if id.trim().is_empty() {
        "it is empty".to_owned()
    } else if id.len() > Case::LONGEST_ID {
        format!("it is longer than {} bytes", Case::LONGEST_ID)
    } else if id.chars().any(char::is_control) {
        "it has control characters".to_owned()
    } else {
        return Some(id);
    };
    object.wrong("id", what);
    None
}

fn check_request(object: &mut Object<'_>, operation: Operation, request: &Value) {
    let Value::Object(members) = request else {
        object.wrong(
            "request",
            format!("it must be an object, and is {}", kind(request)),
        );
        return;
    };
    let filled = |key: &str| match members.get(key) {
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::String(text)) => !text.is_empty() && key != "messages",
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => false,
    };
    match operation {
        Operation::Chat if !filled("messages") => {
            object.wrong(
                "request.messages",
                "it must be a list with at least one message",
            );
        }
        // A response may ask for a stored prompt instead.
        Operation::Responses if !filled("input") && !members.contains_key("prompt") => {
            object.wrong("request.input", "it must be a text or a list of items");
        }
        Operation::Embeddings if !filled("input") => {
            object.wrong("request.input", "it must be a text or a list of texts");
        }
        Operation::Chat | Operation::Responses | Operation::Embeddings => {}
    }
}

fn read_baseline(object: &mut Object<'_>, mut members: Map<String, Value>) -> Option<Baseline> {
    let note = |members: &mut Map<String, Value>, key: &str| match members.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(format!("it must be a text, and is {}", kind(&other))),
    };
    let (model, at) = (note(&mut members, "model"), note(&mut members, "at"));
    for (key, read) in [("baseline.model", &model), ("baseline.at", &at)] {
        if let Err(what) = read {
            object.wrong(key, what.clone());
        }
    }
    let answer = read_answer(object, "baseline", Value::Object(members))?;
    Some(Baseline {
        answer,
        model: model.ok()?,
        at: at.ok()?,
    })
}

fn read_recorded(object: &mut Object<'_>, members: Map<String, Value>) -> Recorded {
    let mut side = |key: &'static str, value: Option<Value>| match value {
        None => Vec::new(),
        Some(Value::Array(list)) => list
            .into_iter()
            .enumerate()
            .filter_map(|(place, value)| {
                read_answer(object, &format!("recorded.{key}[{place}]"), value)
            })
            .collect(),
        Some(other) => {
            let what = format!("it must be a list of answers, and is {}", kind(&other));
            object.wrong(&format!("recorded.{key}"), what);
            Vec::new()
        }
    };
    let mut members = members;
    let recorded = Recorded {
        primary: side("primary", members.remove("primary")),
        candidate: side("candidate", members.remove("candidate")),
    };
    for name in members.keys() {
        object.wrong(
            &format!("recorded.{name}"),
            "unknown key; known are primary, candidate",
        );
    }
    recorded
}

fn read_answer(object: &mut Object<'_>, place: &str, value: Value) -> Option<CaseAnswer> {
    match serde_json::from_value::<CaseAnswer>(value) {
        Ok(answer) if answer.response.is_some() || answer.body.is_some() || place != "baseline" => {
            Some(answer)
        }
        Ok(_) => {
            object.wrong(place, "it has no response");
            None
        }
        Err(error) => {
            object.wrong(place, error.to_string());
            None
        }
    }
}

fn read_assertions(object: &mut Object<'_>) -> Vec<Assertion> {
    let list = object.list("assert").unwrap_or_default();
    let assertions = Assertion::read_all(list, "assert", object.problems());
    let count: usize = assertions.iter().map(Assertion::count).sum();
    if count > Case::MOST_ASSERTIONS {
        let what = format!(
            "more than {} assertions; split the case",
            Case::MOST_ASSERTIONS
        );
        object.wrong("assert", what);
    }
    assertions
}

/// The case's hash; that it is not the one the case names is noted.
fn verified_hash(object: &mut Object<'_>, written: &Value) -> String {
    let mut content = written.clone();
    if let Value::Object(members) = &mut content {
        members.remove("sha256");
    }
    let hash = sha256(&canonical(&content));
    if let Some(named) = object.string("sha256").filter(|named| *named != hash) {
        let what = format!(
            "{named} is not the hash of this case, which is {hash}: it was changed, or remove the key"
        );
        object.wrong("sha256", what);
    }
    hash
}
