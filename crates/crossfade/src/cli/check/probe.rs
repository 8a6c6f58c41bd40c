//! `check --probe`: what the real endpoints take, beside what the capability table says of their models.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use crossfade_bedrock::{
    CandidateSettings, Overrides,
    probe::{Finding, Found, Probed, Topic, most_calls, probe},
};

use crate::{
    cli::{failure::Failure, print},
    config::{Config, Route},
    wiring,
};

/// What one route's endpoint showed.
#[derive(Debug, Serialize)]
pub(super) struct RouteProbe {
    route: String,
    model: String,
    calls: u32,
    reached: bool,
    facts: Vec<Fact>,
    /// The line to put under the route's candidate, if the table should be corrected.
    #[serde(skip_serializing_if = "Option::is_none")]
    capabilities: Option<String>,
}

#[derive(Debug, Serialize)]
struct Fact {
    topic: &'static str,
    table: String,
    /// In the table's words; absent where it stays unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    shown: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<&'static str>,
}

/// Asks every route's endpoint, or one's.
pub(super) fn run(config: &Config, only: Option<&str>) -> Result<Vec<RouteProbe>, Failure> {
    let routes: Vec<&Route> = config
        .routes
        .iter()
        .filter(|route| only.is_none_or(|only| route.id.as_str() == only))
        .collect();
    if routes.is_empty() {
        let known: Vec<&str> = config
            .routes
            .iter()
            .map(|route| route.id.as_str())
            .collect();
        let remedy = if known.is_empty() {
            "configure one under [routes]".to_owned()
        } else {
            format!("use one of the file's: {}", known.join(", "))
        };
        return Err(Failure::usage("there is no such route to probe", remedy));
    }
    for route in &routes {
        print::note(&format!(
            "probing {}: at most {} real calls to {}, one after the other, each with a few words of prompt and at most 2048 tokens of answer; the provider charges for them",
            route.id,
            most_calls(&route.candidate),
            route.candidate.model,
        ));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::plain(format!("cannot start: {error}")))?;
    Ok(runtime.block_on(async {
        let connection = wiring::connection(&config.bedrock).await;
        let mut all = Vec::new();
        for route in routes {
            let probed = probe(connection.clone(), &route.candidate).await;
            all.push(RouteProbe::new(route, probed));
        }
        all
    }))
}

/// An endpoint that does not answer is a failure, after everything has been printed.
pub(super) fn verdict(probes: &[RouteProbe]) -> Result<(), Failure> {
    let silent: Vec<&str> = probes
        .iter()
        .filter(|probe| !probe.reached)
        .map(|probe| probe.route.as_str())
        .collect();
    if silent.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        format!("the endpoint of {} does not answer", silent.join(", ")),
        "see why in the table, and mend that first",
    ))
}

// === impl RouteProbe ===

impl RouteProbe {
    fn new(route: &Route, probed: Probed) -> Self {
        Self {
            route: route.id.to_string(),
            model: route.candidate.model.clone(),
            calls: probed.calls,
            reached: probed.is_reached(),
            capabilities: line(&route.candidate, &probed.overrides),
            facts: probed.findings.into_iter().map(Fact::from).collect(),
        }
    }

    /// As a table.
    pub(super) fn show(&self, out: &mut String) {
        let Self {
            route,
            model,
            calls,
            ..
        } = self;
        let _ = writeln!(out, "probed {route} -> {model}, {calls} calls");
        for fact in &self.facts {
            let shown = match (&fact.shown, fact.unknown) {
                (Some(shown), _) => shown.clone(),
                (None, Some(why)) => format!("unknown: {why}"),
                (None, None) => String::new(),
            };
            let table = if fact.table.is_empty() {
                String::new()
            } else if fact.shown.as_ref() == Some(&fact.table) {
                "as the table says".to_owned()
            } else {
                format!("the table says {}", fact.table)
            };
            let line = format!("  {:<12} {shown:<12} {table}", fact.topic);
            let _ = writeln!(out, "{}", line.trim_end());
        }
        match &self.capabilities {
            Some(line) => {
                let _ = writeln!(out, "  put under [routes.{route:?}.candidate]:\n  {line}");
            }
            None if self.reached => out.push_str("  nothing to state under capabilities\n"),
            None => {}
        }
    }
}

impl From<Finding> for Fact {
    fn from(finding: Finding) -> Self {
        let (shown, unknown) = match finding.found {
            Found::Shown(shown) => (Some(shown), None),
            Found::Unknown(why) => (None, Some(why)),
        };
        Self {
            topic: Topic::as_str(finding.topic),
            table: finding.table,
            shown,
            unknown,
        }
    }
}

/// The key as it stands in the file, with what the route states already; `None` if nothing is to be added.
fn line(candidate: &CandidateSettings, overrides: &Overrides) -> Option<String> {
    if *overrides == candidate.capabilities {
        return None;
    }
    let value = serde_json::to_value(overrides).ok()?;
    Some(format!("capabilities = {}", inline(&value)))
}

/// A value as inline TOML, without what is not stated.
fn inline(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let stated: Vec<String> = members
                .iter()
                .filter(|(_, value)| match value {
                    Value::Null => false,
                    Value::Object(inner) => inner.values().any(|value| !value.is_null()),
                    _ => true,
                })
                .map(|(key, value)| format!("{key} = {}", inline(value)))
                .collect();
            format!("{{ {} }}", stated.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        // Texts of this table are plain words, which JSON and TOML write alike; so are numbers and flags.
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_reads_back_as_what_was_found() {
        let mut candidate = CandidateSettings::new("m");
        assert_eq!(line(&candidate, &candidate.capabilities), None);
        candidate.capabilities = serde_json::from_str("{\"prefill\": true}").unwrap();
        let found: Overrides = serde_json::from_str(
            "{\"prefill\": true, \"sampling\": \"one\", \"token_floor\": 16, \"efforts\": [\"low\", \"high\"], \"compatible\": {\"logprobs\": true}}",
        )
        .unwrap();
        let line = line(&candidate, &found).unwrap();
        let text = format!("model = \"m\"\n{line}\n");
        let read: CandidateSettings = toml::from_str(&text).unwrap();
        assert_eq!(read.capabilities, found, "{line}");
    }

    #[test]
    fn the_table_says_what_differs() {
        let fact = |topic, table: &str, shown: Option<&str>, unknown| Fact {
            topic,
            table: table.to_owned(),
            shown: shown.map(str::to_owned),
            unknown,
        };
        let probe = RouteProbe {
            route: "support".to_owned(),
            model: "m".to_owned(),
            calls: 4,
            reached: true,
            facts: vec![
                fact("reach", "", Some("answers"), None),
                fact("sampling", "both", Some("one"), None),
                fact("stop", "any", Some("any"), None),
                fact("reasoning", "none", None, Some("no answer showed thought")),
            ],
            capabilities: Some("capabilities = { sampling = \"one\" }".to_owned()),
        };
        let mut out = String::new();
        probe.show(&mut out);
        let expected = "\
probed support -> m, 4 calls
  reach        answers
  sampling     one          the table says both
  stop         any          as the table says
  reasoning    unknown: no answer showed thought the table says none
  put under [routes.\"support\".candidate]:
  capabilities = { sampling = \"one\" }
";
        assert_eq!(out, expected);
        assert!(verdict(&[probe]).is_ok());
    }
}
