//! Calls of tools against a benchmark's scorer (BFCL, 2024): the primary is the call that the benchmark holds right, with
//! the one of its allowed values that the candidate chose, if it chose one; the candidate is the model's call. That the check
//! finds a difference must mean that the scorer holds the call wrong, and the reverse.
//!
//! Prompts on which the recorded verdicts cannot be had from what is recorded are named in [`EXPLAINED`] with the reason, and
//! counted apart.
//!
//! The scorer reads texts by letters and digits, so the checks are told to (`rule = "words"`). Types of the benchmark that are
//! none of JSON Schema are put in its terms. Java and JavaScript calls are reported without a goal: their arguments are
//! source text of those languages, which the scorer parses and a check of JSON does not.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use crossfade_compare::Checks;
use crossfade_exchange::{Check, CheckOutcome};
use serde_json::{Map, Value, json};

use super::{
    build,
    recorded::{self, Output, Prompt},
    table::{Goal, Table},
};
use crate::print;

mod literal;

use literal::Call;

/// What the check and the scorer said of one category.
#[derive(Default)]
struct Cells {
    /// Both hold it right.
    right: usize,
    /// Both hold it wrong.
    wrong: usize,
    /// Only the check finds a difference.
    check_alone: usize,
    /// Only the scorer holds it wrong.
    scorer_alone: usize,
    /// The check could not judge it.
    unjudged: usize,
}

/// How the categories of prompts begin that are counted apart.
const EXCEPT: &str = "apart:";

/// Why the scorer's verdicts on some prompts are not to be had, and which those are.
const EXPLAINED: [(&str, &[&str]); 3] = [
    (
        "3 and 3.0 are one number in JSON",
        &[
            "simple_13",
            "simple_82",
            "simple_87",
            "simple_103",
            "parallel_multiple_67",
        ],
    ),
    (
        "scored against another truth than the one recorded",
        &[
            "simple_156",
            "simple_183",
            "simple_196",
            "simple_200",
            "simple_375",
            "parallel_158",
            "parallel_185",
            "parallel_195",
            "parallel_multiple_10",
            "parallel_multiple_179",
        ],
    ),
    (
        "an argument that is an expression",
        &["parallel_multiple_21"],
    ),
];

/// Contradictions that are shown by name, of each category.
const MOST_SHOWN: usize = 4;

/// Measures the section.
pub(super) fn section(data: &Path, table: &mut Table) -> Result<()> {
    let mut cells = BTreeMap::<String, Cells>::new();
    let mut shown = BTreeMap::<String, usize>::new();
    for prompt in recorded::prompts(data, "bfcl_2024")? {
        let category = prompt.meta.get("category").and_then(Value::as_str);
        let explained = EXPLAINED
            .iter()
            .find(|(_, prompts)| prompts.contains(&prompt.id.as_str()));
        let category = match explained {
            Some((why, _)) => format!("{EXCEPT} {why}"),
            None => category.unwrap_or("unknown").to_owned(),
        };
        let setting = Setting::of(&prompt)?;
        for (model, runs) in &prompt.outputs {
            for run in runs {
                let Some(valid) = run.more.get("scorer_valid").and_then(Value::as_bool) else {
                    continue;
                };
                let agrees = setting.agrees(&prompt, run);
                let cell = cells.entry(category.clone()).or_default();
                match (agrees, valid) {
                    (None, _) => cell.unjudged += 1,
                    (Some(true), true) => cell.right += 1,
                    (Some(false), false) => cell.wrong += 1,
                    (Some(false), true) => cell.check_alone += 1,
                    (Some(true), false) => cell.scorer_alone += 1,
                }
                let shown = shown.entry(category.clone()).or_default();
                if agrees.is_some_and(|agrees| agrees != valid) && *shown < MOST_SHOWN {
                    *shown += 1;
                    let scorer = run.more.get("error_type").unwrap_or(&Value::Null);
                    print::line(format_args!(
                        "tools: {} {model}: scorer {scorer}",
                        prompt.id
                    ));
                }
            }
        }
    }
    for (category, cells) in &cells {
        let source =
            matches!(category.as_str(), "java" | "javascript") || category.starts_with(EXCEPT);
        cells.report(
            category,
            table,
            if source {
                Goal::None
            } else {
                Goal::AtLeast(0.985)
            },
        );
    }
    Ok(())
}

// === impl Cells ===

impl Cells {
    fn report(&self, category: &str, table: &mut Table, goal: Goal) {
        let what = |text: &str| format!("{category}: {text}");
        let all = self.right + self.wrong + self.check_alone + self.scorer_alone;
        table.count(what("calls"), all);
        table.none(what("calls that could not be judged"), self.unjudged);
        let agreed = self.right + self.wrong;
        table.share(what("agreement with the scorer"), agreed, all, goal);
        let told = self.wrong + self.check_alone;
        table.share(what("precision of a difference"), self.wrong, told, goal);
        let scored = self.wrong + self.scorer_alone;
        table.share(what("recall of a difference"), self.wrong, scored, goal);
    }
}

/// What a prompt asks for, and the checks that its answers are held to.
struct Setting {
    checks: Checks,
    request: Value,
    /// The right calls: by tool and parameter the allowed values. None where no tool should be called.
    truth: Vec<(String, Map<String, Value>)>,
}

// === impl Setting ===

impl Setting {
    fn of(prompt: &Prompt) -> Result<Self> {
        let declared = declared(prompt);
        let name = |tool: &Value| Some(tool.pointer("/function/name")?.as_str()?.to_owned());
        let rules: Vec<Value> = declared
            .iter()
            .filter_map(name)
            .map(|name| json!({"path": format!("{name}.*"), "rule": "words"}))
            .collect();
        let settings = json!({"tool_arguments": {"rules": rules}});
        let checks = Checks::new(serde_json::from_value(settings)?)
            .with_context(|| format!("the settings for {} do not compile", prompt.id))?;
        let truth = prompt.truth.as_array().into_iter().flatten();
        let truth = truth
            .filter_map(Value::as_object)
            .flatten()
            .filter_map(|(name, allowed)| Some((plain(name), allowed.as_object()?.clone())))
            .collect();
        Ok(Self {
            checks,
            request: json!({"messages": prompt.messages, "tools": declared}),
            truth,
        })
    }

    /// Whether the checks find no difference between the right calls and a model's; `None` if they could not judge.
    fn agrees(&self, prompt: &Prompt, run: &Output) -> Option<bool> {
        let called = called(&run.result);
        let candidate = match &called {
            Some(calls) => answer(calls),
            None => build::text(run.result.as_str().unwrap_or("nothing")),
        };
        let primary = if self.truth.is_empty() {
            build::text("None of the tools fits.")
        } else {
            answer(&self.chosen(&called.unwrap_or_default()))
        };
        let verdict = self.checks.compare(&build::exchange(
            &prompt.id,
            &self.request,
            Some(primary),
            Some(candidate),
        ));
        let outcome = |check| verdict.check(check).map(|result| result.outcome);
        match (
            outcome(Check::ToolSelection)?,
            outcome(Check::ToolArguments)?,
        ) {
            (CheckOutcome::Fail, _) | (_, CheckOutcome::Fail) => Some(false),
            (CheckOutcome::Pass, CheckOutcome::Pass | CheckOutcome::Na) => Some(true),
            // A full refusal calls no tool, and is judged no further.
            (CheckOutcome::Na, _) => Some(self.truth.is_empty()),
            (CheckOutcome::Pass | CheckOutcome::Error, _) => None,
        }
    }

    /// The right calls, each with the allowed values that the call chose which resembles it most.
    fn chosen(&self, called: &[Call]) -> Vec<Call> {
        let mut left: Vec<&Call> = called.iter().collect();
        let mut chosen = Vec::new();
        for (name, allowed) in &self.truth {
            let like = |call: &Call| {
                let fits = allowed.iter().filter(|(parameter, allowed)| {
                    let given = call.1.get(parameter.as_str());
                    given.is_some_and(|given| {
                        pick(allowed, Some(given)).is_some_and(|a| loose(&a) == loose(given))
                    })
                });
                fits.count()
            };
            let same = left
                .iter()
                .enumerate()
                .filter(|(_, call)| plain(&call.0) == *name);
            let best = same.max_by_key(|(place, call)| (like(call), usize::MAX - place));
            let call = best.map(|(place, _)| place).map(|place| left.remove(place));
            let arguments: Map<String, Value> = allowed
                .iter()
                .filter_map(|(parameter, allowed)| {
                    let given = call.and_then(|call| call.1.get(parameter.as_str()));
                    Some((parameter.clone(), pick(allowed, given)?))
                })
                .collect();
            chosen.push((name.clone(), Value::Object(arguments)));
        }
        chosen
    }
}

/// A prompt's tools as a chat request declares them.
pub(crate) fn declared(prompt: &Prompt) -> Vec<Value> {
    let tools = prompt.tools.as_array().into_iter().flatten();
    let declare = |tool: &Value| {
        let name = plain(tool.get("name").and_then(Value::as_str).unwrap_or_default());
        let parameters = tool.get("parameters").map(schema);
        json!({"type": "function", "function": {"name": name, "parameters": parameters}})
    };
    tools.map(declare).collect()
}

/// Names as the providers let them be.
pub(crate) fn plain(name: &str) -> String {
    name.replace('.', "_")
}

fn answer(calls: &[Call]) -> Bytes {
    let names: Vec<(String, String)> = calls
        .iter()
        .map(|(name, arguments)| (plain(name), arguments.to_string()))
        .collect();
    if names.is_empty() {
        return build::text("nothing");
    }
    build::calls(
        names
            .iter()
            .map(|(name, text)| (name.as_str(), text.clone())),
    )
}

/// What a model called, in whichever of the three forms it was recorded; `None` where it called nothing.
pub(crate) fn called(result: &Value) -> Option<Vec<Call>> {
    match result {
        Value::String(text) => literal::calls(text),
        Value::Array(list) if !list.is_empty() => {
            let calls = list.iter().filter_map(Value::as_object).flatten();
            let calls: Option<Vec<Call>> = calls
                .map(|(name, arguments)| {
                    let arguments = match arguments {
                        Value::String(text) => serde_json::from_str(text).ok()?,
                        other => other.clone(),
                    };
                    Some((name.clone(), arguments))
                })
                .collect();
            calls.filter(|calls| !calls.is_empty())
        }
        _ => None,
    }
}

/// The allowed value that was given, else the first one; `None` where nothing was given and nothing need be. An empty
/// text among the allowed values says that the parameter may be left out.
fn pick(allowed: &Value, given: Option<&Value>) -> Option<Value> {
    let allowed = allowed.as_array()?;
    let optional = allowed.iter().any(|value| value.as_str() == Some(""));
    let Some(given) = given else {
        let first = allowed.first().map(|first| within(first, None));
        return first.filter(|_| !optional);
    };
    let shaped = allowed.iter().map(|value| within(value, Some(given)));
    let same = shaped.clone().find(|value| loose(value) == loose(given));
    let stated = || shaped.clone().find(|value| value.as_str() != Some(""));
    same.or_else(stated)
}

/// An allowed value with its inner choices made: members of objects hold lists of allowed values too.
fn within(allowed: &Value, given: Option<&Value>) -> Value {
    match allowed {
        Value::Object(members) => {
            let members = members.iter().filter_map(|(name, inner)| {
                let given = given.and_then(|given| given.get(name));
                let value = match inner {
                    Value::Array(_) => pick(inner, given)?,
                    other => other.clone(),
                };
                Some((name.clone(), value))
            });
            Value::Object(members.collect())
        }
        Value::Array(list) => {
            let given = |place: usize| given.and_then(|given| given.get(place));
            let inner = list.iter().enumerate();
            inner
                .map(|(place, value)| within(value, given(place)))
                .collect()
        }
        leaf => leaf.clone(),
    }
}

/// A form that values share which the scorer takes for the same.
fn loose(value: &Value) -> Value {
    match value {
        Value::String(text) => text
            .chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect::<String>()
            .into(),
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(list) => list.iter().map(loose).collect(),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, value)| (name.clone(), loose(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// The benchmark's types in the terms of JSON Schema.
fn schema(parameters: &Value) -> Value {
    match parameters {
        Value::Object(members) => {
            let mut schema = Map::new();
            for (name, value) in members {
                match (name.as_str(), value) {
                    ("type", Value::String(kind)) => match kind.as_str() {
                        "dict" | "HashMap" => drop(schema.insert(name.clone(), json!("object"))),
                        "float" | "double" => drop(schema.insert(name.clone(), json!("number"))),
                        "tuple" | "Array" | "ArrayList" => {
                            drop(schema.insert(name.clone(), json!("array")));
                        }
                        "long" => drop(schema.insert(name.clone(), json!("integer"))),
                        "String" | "char" => drop(schema.insert(name.clone(), json!("string"))),
                        "Boolean" => drop(schema.insert(name.clone(), json!("boolean"))),
                        "any" => {}
                        _ => drop(schema.insert(name.clone(), value.clone())),
                    },
                    // Often prose or of another type, and no promise.
                    ("default" | "format", _) => {}
                    (_, value) => drop(schema.insert(name.clone(), self::schema(value))),
                }
            }
            Value::Object(schema)
        }
        Value::Array(list) => list.iter().map(schema).collect(),
        leaf => leaf.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowed_values_are_chosen_as_they_were_given() {
        let check = |allowed: Value, given: Option<Value>, expected: Option<Value>| {
            assert_eq!(
                pick(&allowed, given.as_ref()),
                expected,
                "{allowed} {given:?}"
            );
        };
        check(json!(["a", "b"]), Some(json!("B")), Some(json!("b")));
        check(json!(["a", "b"]), Some(json!("c")), Some(json!("a")));
        check(json!(["", "b"]), Some(json!("c")), Some(json!("b")));
        check(json!(["a", ""]), None, None);
        check(json!(["a"]), None, Some(json!("a")));
        check(json!([1]), Some(json!(1.0)), Some(json!(1)));
        check(
            json!([{"min": [3], "max": [4, ""]}]),
            Some(json!({"min": 3})),
            Some(json!({"min": 3})),
        );
    }

    #[test]
    fn every_recorded_form_is_read() {
        let call = || Some(vec![("f".to_owned(), json!({"a": 1}))]);
        assert_eq!(called(&json!("[f(a=1)]")), call());
        assert_eq!(called(&json!([{"f": "{\"a\": 1}"}])), call());
        assert_eq!(called(&json!([{"f": {"a": 1}}])), call());
        assert_eq!(called(&json!("I cannot call anything.")), None);
        assert_eq!(called(&json!([])), None);
    }
}
