//! What is expected of an answer. An assertion is read once, with everything it needs compiled, so that a broken one is found
//! before anything is asked; judging is pure. Names and meanings are promptfoo's where it has them; `not-` before any turns
//! it round.
//!
//! A turned assertion never passes because there is no answer: a side that gave none is an error (it may be asked again), and
//! one that answered with something else than an answer fails either way.

mod baseline;
mod content;
mod ending;
mod json;
mod kind;
mod limit;
mod set;
mod similarity;
mod text;
mod tools;

#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt};

use crossfade_compare::{Checks, ReadAnswer, ReadCall};
use crossfade_exchange::{CheckOutcome, Role, Side};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    answer::CaseAnswer,
    case::Case,
    object::{Object, Problem, kind as kind_of, nearest, shown},
};

pub use kind::Kind;

/// What is expected of an answer.
#[derive(Debug)]
pub struct Assertion {
    kind: Kind,
    negated: bool,
    weight: f64,
    metric: Option<String>,
    rule: Rule,
}

/// What is expected, by family.
#[derive(Debug)]
enum Rule {
    Text(text::Text),
    Json(json::Json),
    Tools(tools::Tools),
    Ending(ending::Ending),
    Similarity(similarity::Similarity),
    Limit(limit::Limit),
    Content(content::Content),
    Baseline(baseline::Baseline),
    Set(set::Set),
}

/// What an assertion says of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AssertionResult {
    /// The assertion's type as it was written, `not-` included.
    pub name: String,
    /// Pass, fail, or error: it could not be judged.
    pub outcome: CheckOutcome,
    /// How well, 0..=1.
    pub score: f64,
    /// How much it counts; one of weight 0 is reported only.
    pub weight: f64,
    /// The name under which its owner wants it counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Why, for the owner of the set: it may quote what was expected, never the answer.
    pub reason: String,
    /// What the parts of a set say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<AssertionResult>,
}

/// The cosine of the embeddings of two texts, what is expected and what was answered; or why there is none.
pub type Cosine<'c> = &'c (dyn Fn(&str, &str) -> Result<f64, String> + Send + Sync);

/// What an answer is judged with besides itself.
#[derive(Clone, Copy)]
pub struct Context<'c> {
    /// The route's checks.
    pub checks: &'c Checks,
    /// What the answer cost in USD, where it is known.
    pub cost_usd: Option<f64>,
    /// How near two texts are, where there is a model of embeddings.
    pub cosine: Option<Cosine<'c>>,
}

/// An answer with everything it is judged with.
struct Seen<'s> {
    case: &'s Case,
    answer: &'s CaseAnswer,
    context: &'s Context<'s>,
    read: Result<ReadAnswer, String>,
}

/// What a rule says.
#[derive(Clone, Debug, PartialEq)]
enum Judged {
    /// How well the answer does; a negation turns it round.
    Found {
        pass: bool,
        score: f64,
        reason: String,
        parts: Vec<AssertionResult>,
    },
    /// There is something else than an answer: it fails, turned round or not.
    NoAnswer(String),
    /// It cannot be judged.
    Error(String),
}

/// Judges an answer to a case by all its assertions. A case without any expects its baseline.
pub fn judge(case: &Case, answer: &CaseAnswer, context: &Context<'_>) -> Vec<AssertionResult> {
    let seen = Seen {
        case,
        answer,
        context,
        read: read(case, answer, context.checks),
    };
    if case.assertions.is_empty() {
        return vec![Assertion::of_baseline().judge(&seen)];
    }
    let judged = case
        .assertions
        .iter()
        .map(|assertion| assertion.judge(&seen));
    judged.collect()
}

/// What all assertions say together: a failure if one that counts fails, else an error if one could not be judged.
pub fn together(results: &[AssertionResult]) -> CheckOutcome {
    let any = |wanted: CheckOutcome| {
        let mut counting = results.iter().filter(|result| result.weight > 0.0);
        counting.any(|result| result.outcome == wanted)
    };
    if any(CheckOutcome::Fail) {
        CheckOutcome::Fail
    } else if any(CheckOutcome::Error) {
        CheckOutcome::Error
    } else {
        CheckOutcome::Pass
    }
}

/// The texts that a case expects something similar to: what a model of embeddings will be asked for.
pub fn texts_to_embed(case: &Case) -> Vec<&str> {
    let mut texts = Vec::new();
    for assertion in &case.assertions {
        assertion.collect_texts(&mut texts);
    }
    texts
}

/// The text of an answer that assertions look at, if there is one.
pub fn answer_text(case: &Case, answer: &CaseAnswer, checks: &Checks) -> Option<String> {
    read(case, answer, checks)
        .ok()
        .map(|read| text_of(&read).into_owned())
}

fn read(case: &Case, answer: &CaseAnswer, checks: &Checks) -> Result<ReadAnswer, String> {
    let recording = answer.recording(Side::Candidate, Role::Answering);
    checks.read(case.operation, &case.request_bytes(), &recording)
}

/// What an answer says: its text, or what it says instead of one. Calls alone are their JSON, as promptfoo has it.
fn text_of(read: &ReadAnswer) -> Cow<'_, str> {
    match &read.refusal {
        _ if !read.text.is_empty() => Cow::Borrowed(&read.text),
        Some(refusal) => Cow::Borrowed(refusal),
        None if read.calls.is_empty() => Cow::Borrowed(""),
        None => {
            let call = |call: &ReadCall| json!({"type": "function", "function": {"name": call.name, "arguments": call.arguments}});
            let calls: Vec<Value> = read.calls.iter().map(call).collect();
            Cow::Owned(Value::Array(calls).to_string())
        }
    }
}

// === impl Context ===

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("cost_usd", &self.cost_usd)
            .field("cosine", &self.cosine.is_some())
            .finish_non_exhaustive()
    }
}

// === impl Assertion ===

impl Assertion {
    /// Reads a list of assertions; what is wrong is noted with its place.
    pub(crate) fn read_all(
        list: Vec<Value>,
        place: &str,
        problems: &mut Vec<Problem>,
    ) -> Vec<Self> {
        let numbered = list.into_iter().enumerate();
        numbered
            .filter_map(|(index, value)| Self::read(value, &format!("{place}[{index}]"), problems))
            .collect()
    }

    fn read(value: Value, place: &str, problems: &mut Vec<Problem>) -> Option<Self> {
        let Value::Object(members) = value else {
            let what = format!("an assertion is an object, and this is {}", kind_of(&value));
            problems.push(Problem::new(place, what));
            return None;
        };
        let before = problems.len();
        let mut object = Object::new(members, place, problems);
        let name = object.string("type");
        let Some(name) = name else {
            object.wrong("type", "it is missing; give the name of an assertion");
            return None;
        };
        let (negated, base) = match name.strip_prefix("not-") {
            Some(base) => (true, base),
            None => (false, name.as_str()),
        };
        let Some(kind) = Kind::of(base) else {
            object.wrong("type", unknown(base));
            return None;
        };
        let weight = object.number("weight", 0.0..=f64::MAX).unwrap_or(1.0);
        let metric = object.string("metric");
        let rule = Rule::read(kind, &mut object);
        object.finish();
        // What is wrong in one place may leave the rest whole: only a whole one is kept.
        let whole = problems.len() == before;
        rule.filter(|_| whole).map(|rule| Self {
            kind,
            negated,
            weight,
            metric,
            rule,
        })
    }

    /// That an answer matches the baseline.
    fn of_baseline() -> Self {
        Self {
            kind: Kind::MatchesBaseline,
            negated: false,
            weight: 1.0,
            metric: None,
            rule: Rule::Baseline(baseline::Baseline::default()),
        }
    }

    /// Its type.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Itself and its parts.
    pub(crate) fn count(&self) -> usize {
        match &self.rule {
            Rule::Set(set) => 1 + set.parts().iter().map(Self::count).sum::<usize>(),
            Rule::Text(_)
            | Rule::Json(_)
            | Rule::Tools(_)
            | Rule::Ending(_)
            | Rule::Similarity(_)
            | Rule::Limit(_)
            | Rule::Content(_)
            | Rule::Baseline(_) => 1,
        }
    }

    /// Whether it, or a part of it, holds the answer against the baseline.
    pub(crate) fn needs_baseline(&self) -> bool {
        match &self.rule {
            Rule::Baseline(_) => true,
            Rule::Set(set) => set.parts().iter().any(Self::needs_baseline),
            Rule::Text(_)
            | Rule::Json(_)
            | Rule::Tools(_)
            | Rule::Ending(_)
            | Rule::Similarity(_)
            | Rule::Limit(_)
            | Rule::Content(_) => false,
        }
    }

    fn collect_texts<'a>(&'a self, texts: &mut Vec<&'a str>) {
        match &self.rule {
            Rule::Similarity(similarity) => texts.extend(similarity.texts()),
            Rule::Set(set) => set
                .parts()
                .iter()
                .for_each(|part| part.collect_texts(texts)),
            Rule::Text(_)
            | Rule::Json(_)
            | Rule::Tools(_)
            | Rule::Ending(_)
            | Rule::Limit(_)
            | Rule::Content(_)
            | Rule::Baseline(_) => {}
        }
    }

    fn judge(&self, seen: &Seen<'_>) -> AssertionResult {
        let (outcome, score, reason, parts) = match self.rule.judge(seen) {
            Judged::Found {
                pass,
                score,
                reason,
                parts,
            } => {
                let pass = pass != self.negated;
                let score = if self.negated { 1.0 - score } else { score };
                let outcome = if pass {
                    CheckOutcome::Pass
                } else {
                    CheckOutcome::Fail
                };
                (outcome, score.clamp(0.0, 1.0), reason, parts)
            }
            Judged::NoAnswer(reason) => (CheckOutcome::Fail, 0.0, reason, Vec::new()),
            Judged::Error(reason) => (CheckOutcome::Error, 0.0, reason, Vec::new()),
        };
        let not = if self.negated { "not-" } else { "" };
        AssertionResult {
            name: format!("{not}{}", self.kind.as_str()),
            outcome,
            score,
            weight: self.weight,
            metric: self.metric.clone(),
            reason,
            parts,
        }
    }
}

fn unknown(name: &str) -> String {
    let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    match nearest(name, &known) {
        Some(near) => format!("{} is no assertion; did you mean {near:?}?", shown(name)),
        None => format!(
            "{} is no assertion; known are {}",
            shown(name),
            known.join(", ")
        ),
    }
}

// === impl Rule ===

impl Rule {
    fn read(kind: Kind, object: &mut Object<'_>) -> Option<Self> {
        match kind {
            Kind::Equals
            | Kind::Contains
            | Kind::ContainsAny
            | Kind::ContainsAll
            | Kind::Icontains
            | Kind::IcontainsAny
            | Kind::IcontainsAll
            | Kind::FuzzyMatch
            | Kind::Regex
            | Kind::StartsWith => text::Text::read(kind, object).map(Self::Text),
            Kind::IsJson | Kind::ContainsJson | Kind::Label | Kind::RequiredFields => {
                json::Json::read(kind, object).map(Self::Json)
            }
            Kind::IsValidOpenaiToolsCall
            | Kind::IsValidOpenaiFunctionCall
            | Kind::IsValidFunctionCall
            | Kind::ToolCallF1
            | Kind::ToolArgs => tools::Tools::read(kind, object).map(Self::Tools),
            Kind::FinishReason | Kind::IsRefusal => {
                ending::Ending::read(kind, object).map(Self::Ending)
            }
            Kind::Levenshtein | Kind::RougeN | Kind::Similar => {
                similarity::Similarity::read(kind, object).map(Self::Similarity)
            }
            Kind::Latency | Kind::Cost => limit::Limit::read(kind, object).map(Self::Limit),
            Kind::Citations | Kind::Numbers => {
                content::Content::read(kind, object).map(Self::Content)
            }
            Kind::MatchesBaseline => baseline::Baseline::read(object).map(Self::Baseline),
            Kind::AssertSet => set::Set::read(object).map(Self::Set),
        }
    }

    fn judge(&self, seen: &Seen<'_>) -> Judged {
        match self {
            Self::Text(rule) => seen.on_text(|text| rule.judge(text)),
            Self::Json(rule) => seen.on_text(|text| rule.judge(text)),
            Self::Tools(rule) => seen.on_answer(|read| rule.judge(read)),
            Self::Ending(rule) => seen.on_answer(|read| rule.judge(read)),
            Self::Similarity(rule) => seen.on_text(|text| rule.judge(text, seen.context)),
            Self::Content(rule) => seen.on_text(|text| rule.judge(text)),
            Self::Limit(rule) => rule.judge(seen),
            Self::Baseline(rule) => rule.judge(seen),
            Self::Set(rule) => rule.judge(seen),
        }
    }
}

// === impl Seen ===

impl Seen<'_> {
    fn on_answer(&self, judge: impl FnOnce(&ReadAnswer) -> Judged) -> Judged {
        match &self.read {
            Ok(read) => judge(read),
            Err(why) if self.answer.is_missing() => Judged::Error(format!("no answer: {why}")),
            Err(why) => Judged::NoAnswer(format!("not an answer: {why}")),
        }
    }

    fn on_text(&self, judge: impl FnOnce(&str) -> Judged) -> Judged {
        self.on_answer(|read| judge(&text_of(read)))
    }
}

// === impl Judged ===

impl Judged {
    /// It is so, or not.
    fn plain(pass: bool, reason: impl Into<String>) -> Self {
        Self::scored(pass, if pass { 1.0 } else { 0.0 }, reason)
    }

    /// It is so by a score.
    fn scored(pass: bool, score: f64, reason: impl Into<String>) -> Self {
        Self::Found {
            pass,
            score,
            reason: reason.into(),
            parts: Vec::new(),
        }
    }
}
