//! Tool arguments. Alone: they are a JSON object that validates against the tool's own schema (JSON Schema, by the dialect
//! that it names), with every required parameter and, unless the schema lets others in, no unknown one; the score is the
//! share of calls that do. Together: calls of the same tool are matched so that they agree best, whatever their order, and
//! the score is the mean agreement of their arguments: Σ w·s ÷ Σ w over the union of their leaves, as of JSON answers
//! ([`super::json_structure`]), numbers by value whatever their size. Values are normalised only where the route says so.
//! The arguments of tools that take free text agree if they are equal but for white space around them.
//!
//! Places are written `tool.parameter`; names that neither the request's tools nor the route's settings declare stand as
//! `?`. Calls that only one side makes are counted by [`super::tool_selection`].

use std::collections::{BTreeSet, HashSet};

use crossfade_exchange::Severity;
use crossfade_exchange::{CheckOutcome, CheckResult, Difference, DifferenceKind};
use serde_json::Value;

use super::{
    Weighed,
    tool_selection::{self, place},
};
use crate::{
    Checks,
    answer::{Answer, Call},
    arguments::{self, MOST_CALLS, Read},
    ask::Ask,
    finding::{Finding, share},
    schema,
    side::Side,
};

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
    let places: BTreeSet<Difference> = findings
        .iter()
        .flat_map(|finding| finding.differences.iter().cloned())
        .collect();
    // The first failure, else the first call that could not be judged, else any.
    let rank = |finding: &Finding| match finding.outcome {
        CheckOutcome::Fail => 0,
        CheckOutcome::Error => 1,
        CheckOutcome::Pass | CheckOutcome::Na => 2,
    };
    let worst = findings.into_iter().min_by_key(rank);
    worst.map_or_else(Finding::na, |worst| {
        if worst.failed() {
            let places = places.into_iter().take(CheckResult::MOST_DIFFERENCES);
            worst.scored(score).with_places(places.collect())
        } else {
            worst
        }
    })
}

fn judge(checks: &Checks, ask: &Ask<'_>, call: &Call) -> Finding {
    let name = tool_selection::name(checks, ask, &call.name);
    let at_tool = |finding: Finding, kind| {
        let path = name.to_owned();
        finding.with_places(vec![Difference { path, kind }])
    };
    let Some((_, tool)) = ask.tool(&call.name) else {
        return at_tool(Finding::fail("undeclared tool"), DifferenceKind::Extra);
    };
    if tool.free_text || call.free_text {
        return Finding::pass();
    }
    let at = place(ask, &call.name).unwrap_or_default();
    let Some(arguments) = arguments::parse(call) else {
        let finding = Finding::fail(format!("{at}: not a json object"));
        return at_tool(finding, DifferenceKind::Type);
    };
    let Some(parameters) = tool.parameters else {
        return Finding::pass();
    };
    let unknown = || {
        let finding = Finding::fail(format!("{at}: unknown parameter"));
        finding.with_places(vec![Difference {
            path: format!("{name}.{}", schema::UNNAMED),
            kind: DifferenceKind::Extra,
        }])
    };
    let lets_unknown = unknown_parameters(parameters, arguments.value());
    match checks.schemas.get(parameters) {
        Ok(schema) => {
            let finding = schema.check(arguments.value());
            match finding.evidence {
                Some(evidence) => Finding::fail(format!("{at}: {evidence}"))
                    .with_places(beneath(name, finding.differences)),
                None if lets_unknown => unknown(),
                None => finding,
            }
        }
        Err(_) if lets_unknown => unknown(),
        Err(error) => Finding::error(format!("{at}: {}", error.as_str())),
    }
}

/// Places in arguments as places under their tool.
fn beneath(tool: &str, differences: Vec<Difference>) -> Vec<Difference> {
    let moved = differences.into_iter().map(|Difference { path, kind }| {
        let rest = path.strip_prefix('$').unwrap_or(&path);
        Difference {
            path: format!("{tool}{rest}"),
            kind,
        }
    });
    moved.collect()
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
pub(crate) fn pair(
    checks: &Checks,
    ask: &Ask<'_>,
    primary: &Side<'_>,
    candidate: &Side<'_>,
) -> Weighed {
    let plain = |finding| Weighed::new(finding, Severity::Major);
    let (Some(from), Some(to)) = (primary.state.answer(), candidate.state.answer()) else {
        return plain(Finding::na());
    };
    // Arguments that the tool cannot take are wrong whatever the primary said, unless it said the same.
    if candidate.tool_arguments.failed() && !primary.tool_arguments.failed() {
        return plain(candidate.tool_arguments.clone());
    }
    let read = |answer: &'_ Answer| answer.calls.len().min(MOST_CALLS);
    let from: Vec<Read<'_>> = from.calls.iter().take(read(from)).map(Read::of).collect();
    let to: Vec<Read<'_>> = to.calls.iter().take(read(to)).map(Read::of).collect();
    let matched = arguments::assign(&checks.arguments, &from, &to);
    if matched.is_empty() {
        return plain(Finding::na());
    }
    let sum: f64 = matched.iter().map(|(_, _, score)| score).sum();
    let mut told = Told::default();
    for (row, column, score) in &matched {
        if *score >= 1.0 {
            continue;
        }
        if let (Some(from), Some(to)) = (from.get(*row), to.get(*column)) {
            told.call(checks, ask, from, to);
        }
    }
    let Some((evidence, worst)) = told.first else {
        return plain(Finding::pass());
    };
    let places = told.places.into_iter().take(CheckResult::MOST_DIFFERENCES);
    let finding = Finding::fail_with(sum / share(matched.len(), 1), evidence);
    Weighed {
        finding: finding.with_places(places.collect()),
        severity: worst.0,
        fixed: worst.1,
    }
}

/// What differs between the calls that were matched.
#[derive(Default)]
struct Told {
    /// The first place in words, and the gravest severity with whether the settings name it.
    first: Option<(String, (Severity, bool))>,
    places: BTreeSet<Difference>,
}

// === impl Told ===

impl Told {
    /// Tells how two calls of one tool differ.
    fn call(&mut self, checks: &Checks, ask: &Ask<'_>, from: &Read<'_>, to: &Read<'_>) {
        let tool = tool_selection::name(checks, ask, &from.call.name);
        let at = place(ask, &from.call.name).unwrap_or_else(|| "undeclared tool".to_owned());
        let Some(leaves) = arguments::leaves(&checks.arguments, from, to) else {
            self.places.insert(Difference {
                path: tool.to_owned(),
                kind: DifferenceKind::Value,
            });
            self.note(format!("{at}: arguments differ"), (Severity::Major, false));
            return;
        };
        let Some(worst) = leaves.worst else { return };
        let declared = declared(checks, ask, &from.call.name);
        let rules = checks.arguments.of(&from.call.name);
        let known = |name: &str| declared(name) || rules.names(name);
        self.places.extend(leaves.differences(tool, known));
        let evidence = format!("{at}: {}", leaves.evidence(known));
        self.note(evidence, (worst.severity, worst.named));
    }

    fn note(&mut self, evidence: String, worst: (Severity, bool)) {
        match &mut self.first {
            Some((_, gravest)) => *gravest = (*gravest).max(worst),
            None => self.first = Some((evidence, worst)),
        }
    }
}

/// Whether a tool's own schema declares a name.
fn declared(checks: &Checks, ask: &Ask<'_>, tool: &str) -> impl Fn(&str) -> bool {
    let parameters = ask.tool(tool).and_then(|(_, tool)| tool.parameters);
    let schema = parameters.and_then(|text| checks.schemas.get(text).ok());
    // What does not compile declares names all the same.
    let names: HashSet<String> = match (&schema, parameters) {
        (None, Some(text)) => schema::declared(text),
        (Some(_), _) | (None, None) => HashSet::new(),
    };
    move |name: &str| {
        names.contains(name) || schema.as_ref().is_some_and(|schema| schema.declares(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;

    #[test]
    fn unknown_parameters_are_noticed() {
        let check = |schema: &str, arguments: &str, expected: bool| {
            let arguments = Document::parse(arguments).unwrap();
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
}
