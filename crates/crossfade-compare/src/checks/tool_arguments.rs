//! Tool arguments. Alone: they are a JSON object that validates against the tool's own schema, with every required
//! parameter and, unless the schema lets others in, no unknown one. Together: calls of the same tool are matched so
//! that they agree best, whatever their order, and the score is the mean agreement of their arguments; a value agrees
//! by the share of its leaves that are equal (numbers by value, whatever their size). Strings are normalised only where the route says.

use std::collections::BTreeSet;

use crossfade_exchange::{CheckOutcome, Severity};
use serde_json::Value;

use super::{Weighed, tool_selection::place};
use crate::{
    Checks,
    answer::{Answer, Call},
    ask::Ask,
    document::{Document, Node},
    finding::{Finding, share},
    leaves::{Leaves, Rule},
    settings::{SettingsError, ToolArgumentSettings},
    side::Side,
};

/// Calls of one answer that are compared; more are cut off, on both sides alike.
const MOST_CALLS: usize = 64;

/// The settings, compiled: `(tool, parameter)`.
#[derive(Debug, Default)]
pub(crate) struct ArgumentRules {
    ignore: BTreeSet<(String, String)>,
    casefold: BTreeSet<(String, String)>,
}

// === impl ArgumentRules ===

impl ArgumentRules {
    /// Compiles the settings.
    pub(crate) fn compile(settings: &ToolArgumentSettings) -> Result<Self, SettingsError> {
        let split = |entries: &[String]| {
            let split = |entry: &String| match entry.rsplit_once('.') {
                Some((tool, parameter)) if !tool.is_empty() && !parameter.is_empty() => {
                    Ok((tool.to_owned(), parameter.to_owned()))
                }
                _ => Err(SettingsError::Parameter(entry.clone())),
            };
            entries
                .iter()
                .map(split)
                .collect::<Result<BTreeSet<_>, _>>()
        };
        Ok(Self {
            ignore: split(&settings.ignore)?,
            casefold: split(&settings.casefold)?,
        })
    }

    fn rule(&self, tool: &str, parameter: &str) -> Rule {
        let is = |set: &BTreeSet<(String, String)>| {
            !set.is_empty() && set.contains(&(tool.to_owned(), parameter.to_owned()))
        };
        if is(&self.ignore) {
            Rule::Ignore
        } else if is(&self.casefold) {
            Rule::Casefold
        } else {
            Rule::Exact
        }
    }
}

/// Judges the calls of one answer by the tools' own schemas.
pub(crate) fn own(checks: &Checks, ask: &Ask<'_>, answer: &Answer) -> Finding {
    if answer.calls.is_empty() {
        return Finding::na();
    }
    let findings: Vec<Finding> = answer
        .calls
        .iter()
        .take(MOST_CALLS)
        .map(|call| judge(checks, ask, call))
        .collect();
    let good = findings.iter().filter(|finding| !finding.failed()).count();
    let score = share(good, findings.len());
    let worst = findings
        .into_iter()
        .max_by_key(|finding| finding.outcome == CheckOutcome::Fail);
    worst.map_or_else(Finding::na, |worst| {
        if worst.failed() {
            worst.scored(score)
        } else {
            worst
        }
    })
}

fn judge(checks: &Checks, ask: &Ask<'_>, call: &Call) -> Finding {
    let Some((_, tool)) = ask.tool(&call.name) else {
        return Finding::fail("undeclared tool");
    };
    if tool.free_text || call.free_text {
        return Finding::pass();
    }
    let at = place(ask, &call.name).unwrap_or_default();
    let Some(arguments) = parse(call) else {
        return Finding::fail(format!("{at}: not a json object"));
    };
    let Some(parameters) = tool.parameters else {
        return Finding::pass();
    };
    let unknown = unknown_parameters(parameters, arguments.value());
    match checks.schemas.get(parameters) {
        Ok(schema) => {
            let finding = schema.check(arguments.value());
            match finding.evidence {
                Some(evidence) => Finding::fail(format!("{at}: {evidence}")),
                None if unknown => Finding::fail(format!("{at}: unknown parameter")),
                None => finding,
            }
        }
        Err(_) if unknown => Finding::fail(format!("{at}: unknown parameter")),
        Err(error) => Finding::error(format!("{at}: {}", error.as_str())),
    }
}

/// Arguments as an object. An empty text is what some models write for a call without arguments.
fn parse(call: &Call) -> Option<Document> {
    let text = match call.arguments.trim() {
        "" => "{}",
        _ => &call.arguments,
    };
    Document::parse(text).filter(|document| document.value().is_object())
}

/// Whether there is an argument that the schema neither declares nor lets in.
fn unknown_parameters(schema: &str, arguments: &Value) -> bool {
    let Ok(Value::Object(schema)) = serde_json::from_str(schema) else {
        return false;
    };
    let open = ["patternProperties", "allOf", "anyOf", "oneOf", "$ref"]
        .iter()
        .any(|key| schema.contains_key(*key));
    let lets_in = schema
        .get("additionalProperties")
        .is_some_and(|more| *more != Value::Bool(false));
    let declared = schema.get("properties").and_then(Value::as_object);
    !open
        && !lets_in
        && arguments.as_object().is_some_and(|arguments| {
            arguments
                .keys()
                .any(|name| !declared.is_some_and(|d| d.contains_key(name)))
        })
}

/// Compares the arguments of the calls that both answers make.
pub(crate) fn pair(checks: &Checks, primary: &Side<'_>, candidate: &Side<'_>) -> Weighed {
    let plain = |finding| Weighed::new(finding, Severity::Major);
    let (Some(from), Some(to)) = (primary.state.answer(), candidate.state.answer()) else {
        return plain(Finding::na());
    };
    // Arguments that the tool cannot take are wrong whatever the primary said, unless it said the same.
    if candidate.tool_arguments.failed() && !primary.tool_arguments.failed() {
        return plain(candidate.tool_arguments.clone());
    }
    let scores = match_calls(&checks.arguments, from, to);
    if scores.is_empty() {
        return plain(Finding::na());
    }
    let score = scores.iter().sum::<f64>() / share(scores.len(), 1);
    if scores.iter().all(|score| *score >= 1.0) {
        return plain(Finding::pass());
    }
    plain(Finding::fail_with(score, "arguments differ"))
}

/// The agreement of each call of the primary that has a counterpart. Calls of one tool are matched greedily, the best
/// agreement first.
fn match_calls(rules: &ArgumentRules, primary: &Answer, candidate: &Answer) -> Vec<f64> {
    let mut cells = Vec::new();
    let candidates: Vec<&Call> = candidate.calls.iter().take(MOST_CALLS).collect();
    for (row, from) in primary.calls.iter().take(MOST_CALLS).enumerate() {
        for (column, to) in candidates.iter().enumerate() {
            if from.name == to.name {
                cells.push((agreement(rules, from, to), row, column));
            }
        }
    }
    cells.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let (mut rows, mut columns) = (BTreeSet::new(), BTreeSet::new());
    let mut scores = Vec::new();
    for (score, row, column) in cells {
        if !rows.contains(&row) && !columns.contains(&column) {
            rows.insert(row);
            columns.insert(column);
            scores.push(score);
        }
    }
    scores
}

/// How far the arguments of two calls of the same tool agree, 0..=1.
fn agreement(rules: &ArgumentRules, from: &Call, to: &Call) -> f64 {
    if from.arguments == to.arguments {
        return 1.0;
    }
    let (Some(a), Some(b)) = (parse(from), parse(to)) else {
        return 0.0;
    };
    let (Node::Object(a), Node::Object(b)) = (&a.root, &b.root) else {
        return 0.0;
    };
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let mut leaves = Leaves::default();
    for name in names {
        leaves.compare(rules.rule(&from.name, name), a.get(name), b.get(name));
    }
    share(leaves.equal, leaves.all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(arguments: &str) -> Call {
        Call {
            name: "f".into(),
            arguments: arguments.into(),
            free_text: false,
        }
    }

    #[test]
    fn arguments_agree_by_their_leaves() {
        let settings = ToolArgumentSettings {
            ignore: vec!["f.query".into()],
            casefold: vec!["f.city".into(), "g.name".into()],
        };
        let rules = ArgumentRules::compile(&settings).unwrap();
        let check = |a: &str, b: &str, expected: f64| {
            let (there, back) = (
                agreement(&rules, &call(a), &call(b)),
                agreement(&rules, &call(b), &call(a)),
            );
            assert!((there - expected).abs() < 1e-12, "{a} {b}: {there}");
            assert!((there - back).abs() < 1e-12, "{a} {b} is not symmetric");
        };
        check("{}", "{}", 1.0);
        check("", "{}", 1.0);
        check(r#"{"a":1,"b":2}"#, r#"{ "b": 2.0, "a": 1 }"#, 1.0);
        check(r#"{"a":1,"b":2}"#, r#"{"a":1,"b":3}"#, 0.5);
        check(r#"{"a":1}"#, r#"{"a":1,"b":null}"#, 1.0);
        check(r#"{"a":1}"#, r#"{"a":1,"b":0}"#, 0.5);
        check(r#"{"a":[1,2,3,4]}"#, r#"{"a":[1,2,3]}"#, 0.75);
        check(
            r#"{"a":{"x":1,"y":[true]}}"#,
            r#"{"a":{"x":1,"y":[false]}}"#,
            0.5,
        );
        check(r#"{"a":[]}"#, r#"{"a":[]}"#, 1.0);
        check(r#"{"city":"São  Paulo"}"#, r#"{"city":"são paulo"}"#, 1.0);
        check(r#"{"name":"A"}"#, r#"{"name":"a"}"#, 0.0);
        check(r#"{"a":1,"query":"x"}"#, r#"{"a":1,"query":"y"}"#, 1.0);
        check(
            r#"{"id":9007199254740993}"#,
            r#"{"id":9007199254740992}"#,
            0.0,
        );
        check(
            r#"{"id":9007199254740993}"#,
            r#"{ "id": 9007199254740993 }"#,
            1.0,
        );
        check(
            r#"{"id":340282366920938463463374607431768211456}"#,
            r#"{"id":340282366920938463463374607431768211457}"#,
            0.0,
        );
        check(r#"{"id":1e999}"#, r#"{"id":1e998}"#, 0.0);
        check(r#"{"a":{"x":1,"y":2}}"#, "{}", 0.0);
        check("not json", "{}", 0.0);
        check("[1]", "[1]", 1.0);
    }

    #[test]
    fn calls_are_matched_whatever_their_order() {
        let answer = |arguments: &[&str]| Answer {
            text: String::new(),
            refusal: None,
            finish: crate::answer::Finish::ToolCalls,
            calls: arguments.iter().map(|a| call(a)).collect(),
            counts: None,
            defect: None,
        };
        let check = |a: &[&str], b: &[&str], expected: &[f64]| {
            let found = match_calls(&ArgumentRules::default(), &answer(a), &answer(b));
            assert_eq!(found, expected, "{a:?} {b:?}");
        };
        check(
            &[r#"{"a":1}"#, r#"{"a":2}"#],
            &[r#"{"a":2}"#, r#"{"a":1}"#],
            &[1.0, 1.0],
        );
        check(&[r#"{"a":1}"#, r#"{"a":2}"#], &[r#"{"a":2}"#], &[1.0]);
        check(&[r#"{"a":1}"#], &[r#"{"a":2}"#], &[0.0]);
        check(&[], &[r#"{"a":2}"#], &[]);
    }

    #[test]
    fn unknown_parameters_are_noticed() {
        let check = |schema: &str, arguments: &str, expected: bool| {
            let arguments = parse(&call(arguments)).unwrap();
            let found = unknown_parameters(schema, arguments.value());
            assert_eq!(found, expected, "{schema}");
        };
        check(r#"{"properties":{"a":{}}}"#, r#"{"a":1}"#, false);
        check(r#"{"properties":{"a":{}}}"#, r#"{"b":1}"#, true);
        check(r#"{"type":"object"}"#, r#"{"b":1}"#, true);
        check(r#"{"additionalProperties":true}"#, r#"{"b":1}"#, false);
        check(
            r#"{"additionalProperties":{"type":"string"}}"#,
            r#"{"b":1}"#,
            false,
        );
        check(r#"{"additionalProperties":false}"#, r#"{"b":1}"#, true);
        check(r##"{"$ref":"#/$defs/a"}"##, r#"{"b":1}"#, false);
        check("not a schema", r#"{"b":1}"#, false);
    }

    #[test]
    fn entries_name_a_tool_and_a_parameter() {
        for bad in ["query", ".query", "tool.", ""] {
            let settings = ToolArgumentSettings {
                ignore: vec![bad.into()],
                ..Default::default()
            };
            assert!(ArgumentRules::compile(&settings).is_err(), "{bad}");
        }
    }
}
