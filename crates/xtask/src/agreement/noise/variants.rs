//! Texts of other lengths and of other vendors: what a route's report names first.

use std::path::Path;

use anyhow::Result;
use crossfade_compare::{CheckSettings, Checks};
use crossfade_exchange::Check;
use crossfade_statistics::{Observation, RouteReport, RouteStatistics, StatisticsSettings};
use serde_json::json;

use crate::agreement::{build, recorded, table::Table};

/// The same model told to be long or short, and the place that the report must name first.
const LENGTHS: [(&str, &str, &str); 6] = [
    ("gpt4_0613", "gpt4_0613_verbose", "text.length.longer"),
    ("gpt4_0613", "gpt4_0613_concise", "text.length.shorter"),
    ("claude-2.1", "claude-2.1_verbose", "text.length.longer"),
    ("claude-2.1", "claude-2.1_concise", "text.length.shorter"),
    (
        "gpt-3.5-turbo-1106",
        "gpt-3.5-turbo-1106_verbose",
        "text.length.longer",
    ),
    (
        "gpt-3.5-turbo-1106",
        "gpt-3.5-turbo-1106_concise",
        "text.length.shorter",
    ),
];

/// Models of two vendors.
const VENDORS: [(&str, &str); 4] = [
    ("gpt4_1106_preview", "claude-3-opus-20240229"),
    ("gpt4_0613", "claude-2.1"),
    ("gpt-4-turbo-2024-04-09", "Meta-Llama-3-70B-Instruct"),
    ("gpt-3.5-turbo-1106", "Mixtral-8x7B-Instruct-v0.1"),
];

/// Measures both.
pub(super) fn measure(data: &Path, table: &mut Table) -> Result<()> {
    let prompts = recorded::prompts(data, "alpaca_eval")?;
    let checks = Checks::new(CheckSettings::default())?;
    for (from, to, expected) in LENGTHS {
        let named = named(&report(&checks, &prompts, from, to));
        let first = named.first().map(String::as_str);
        let what = format!("{from} to {to}: {expected} is named first");
        table.holds(what, first == Some(expected));
    }
    for (from, to) in VENDORS {
        let named = named(&report(&checks, &prompts, from, to));
        let first: Vec<&str> = named.iter().take(4).map(String::as_str).collect();
        let what = format!("{from} to {to}: named are {}", first.join(", "));
        table.holds(what, first.len() == 4);
    }
    Ok(())
}

fn report(checks: &Checks, prompts: &[recorded::Prompt], from: &str, to: &str) -> RouteReport {
    let mut statistics = RouteStatistics::new(StatisticsSettings::default());
    for prompt in prompts {
        let answer = |model: &str| {
            let output = prompt.outputs.get(model)?.first()?;
            Some(build::text(output.text()))
        };
        let request = json!({"messages": prompt.messages});
        let exchange = build::exchange(&prompt.id, &request, answer(from), answer(to));
        let verdict = checks.compare(&exchange);
        statistics.observe(&Observation::new(&exchange, &verdict));
    }
    statistics.report()
}

/// The places that the report names, in its order, other than that the wording differs.
fn named(report: &RouteReport) -> Vec<String> {
    let paths = report.paths.iter();
    paths
        .filter(|path| path.check != Check::TextSimilarity && !path.path.is_empty())
        .map(|path| match path.path.strip_prefix("text.") {
            Some(_) => path.path.clone(),
            None => format!("{} {}", path.check, path.path),
        })
        .collect()
}
