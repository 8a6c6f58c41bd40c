//! Free text: of pairs of recorded answers that differ, how many get a difference named that is more than "the wording": length,
//! language, form, facts, or the end at which they differ. Length variants of one model must be told as such.

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;
use crossfade_compare::{CheckSettings, Checks};
use crossfade_exchange::{Check, CheckOutcome, Verdict};
use serde_json::json;

use super::{
    build,
    recorded::{self, Prompt},
    table::{Goal, Table},
};

/// A model and a variant of it that was asked to be brief or to go into detail.
const VARIANTS: &[(&str, &str)] = &[
    ("gpt4_0613", "gpt4_0613_concise"),
    ("gpt4_0613", "gpt4_0613_verbose"),
    ("gpt-3.5-turbo-1106", "gpt-3.5-turbo-1106_concise"),
    ("gpt-3.5-turbo-1106", "gpt-3.5-turbo-1106_verbose"),
    ("claude-2.1", "claude-2.1_concise"),
    ("claude-2.1", "claude-2.1_verbose"),
];

/// Models of different makers.
const VENDORS: &[(&str, &str)] = &[
    ("gpt4_0613", "claude-2.1"),
    ("gpt4_1106_preview", "Mixtral-8x7B-Instruct-v0.1"),
    ("gpt-3.5-turbo-0613", "llama-2-70b-chat-hf"),
    ("gpt4", "claude-2"),
    ("gpt-3.5-turbo-1106", "Mistral-7B-Instruct-v0.2"),
];

/// The share of differing pairs for which something is named.
const NAMED: f64 = 0.95;
/// What says no more than that the texts differ.
const UNNAMED: [&str; 2] = ["text.wording", "text.meaning"];
/// What says where texts differ and not in what.
const ENDS: [&str; 2] = ["text.opening", "text.ending"];

/// What was counted of one pair of models.
#[derive(Default)]
struct Count {
    differing: usize,
    named: usize,
    /// The same by what differs, not by where.
    named_in_kind: usize,
    /// Pairs so unlike that their wording fails, and those among them for which that failure itself names more.
    unlike: usize,
    unlike_named: usize,
    places: BTreeMap<String, usize>,
}

/// Measures the section.
pub(super) fn section(data: &Path, table: &mut Table) -> Result<()> {
    let checks = Checks::new(CheckSettings::default())?;
    let prompts = recorded::prompts(data, "alpaca_eval")?;
    let (mut unlike, mut unlike_named) = (0, 0);
    for (name, pairs) in [("variant", VARIANTS), ("vendors", VENDORS)] {
        let mut all = Count::default();
        for (from, to) in pairs {
            let mut count = Count::default();
            for prompt in &prompts {
                count.add(&checks, prompt, from, to);
            }
            let what = format!("{name} {from} and {to}: something is named");
            table.share(what, count.named, count.differing, Goal::None);
            let what = format!("{name} {from} and {to}: its kind is named");
            table.share(what, count.named_in_kind, count.differing, Goal::None);
            let length =
                length_place(to).map(|place| count.places.get(place).copied().unwrap_or_default());
            if let Some(told) = length {
                let what = format!("{name} {from} and {to}: told by its length");
                table.share(what, told, count.differing, Goal::None);
            }
            all.merge(count);
        }
        (unlike, unlike_named) = (unlike + all.unlike, unlike_named + all.unlike_named);
        let what = format!("{name}: something is named");
        table.share(what, all.named, all.differing, Goal::AtLeast(NAMED));
        let what = format!("{name}: its kind is named");
        table.share(what, all.named_in_kind, all.differing, Goal::None);
        for (place, count) in &all.places {
            table.share(
                format!("{name}: {place}"),
                *count,
                all.differing,
                Goal::None,
            );
        }
    }
    table.share(
        "pairs whose wording fails that say more than that",
        unlike_named,
        unlike,
        Goal::AtLeast(NAMED),
    );
    Ok(())
}

// === impl Count ===

impl Count {
    fn add(&mut self, checks: &Checks, prompt: &Prompt, from: &str, to: &str) {
        let text = |model: &str| Some(prompt.outputs.get(model)?.first()?.text());
        let (Some(primary), Some(candidate)) = (text(from), text(to)) else {
            return;
        };
        if primary.trim() == candidate.trim() {
            return;
        }
        let request = json!({"messages": prompt.messages});
        let verdict = checks.compare(&build::exchange(
            &prompt.id,
            &request,
            Some(build::text(primary)),
            Some(build::text(candidate)),
        ));
        self.differing += 1;
        let places = named(&verdict);
        self.named += usize::from(!places.is_empty());
        let in_kind = places.iter().any(|place| !ENDS.contains(&place.as_str()));
        self.named_in_kind += usize::from(in_kind);
        for place in places {
            *self.places.entry(place).or_default() += 1;
        }
        let wording = verdict.check(Check::TextSimilarity);
        if let Some(failed) = wording.filter(|result| result.outcome == CheckOutcome::Fail) {
            self.unlike += 1;
            let more = failed
                .differences
                .iter()
                .any(|difference| !UNNAMED.contains(&difference.path.as_str()));
            self.unlike_named += usize::from(more);
        }
    }

    fn merge(&mut self, other: Self) {
        self.differing += other.differing;
        self.named += other.named;
        self.named_in_kind += other.named_in_kind;
        self.unlike += other.unlike;
        self.unlike_named += other.unlike_named;
        for (place, count) in other.places {
            *self.places.entry(place).or_default() += count;
        }
    }
}

/// What the checks of a verdict name, each once; a refusal on one side is named by its check.
fn named(verdict: &Verdict) -> Vec<String> {
    let refusal = verdict
        .check(Check::Refusal)
        .is_some_and(|result| result.outcome == CheckOutcome::Fail);
    let differences = verdict.checks.iter().flat_map(|result| &result.differences);
    let mut places: Vec<String> = differences
        .map(|difference| difference.path.clone())
        .chain(refusal.then(|| "refusal".to_owned()))
        .filter(|place| !UNNAMED.contains(&place.as_str()))
        .collect();
    places.sort();
    places.dedup();
    places
}

/// The place that tells a variant by its length.
fn length_place(variant: &str) -> Option<&'static str> {
    if variant.ends_with("_verbose") {
        Some("text.length.longer")
    } else if variant.ends_with("_concise") {
        Some("text.length.shorter")
    } else {
        None
    }
}
