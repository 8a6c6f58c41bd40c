//! Refusals, held against the labels of two people. The goals are what the best automatic rival of the recordings reaches: another
//! model asked for its opinion, and a list of phrases. The prompts are unsafe on purpose: nothing of them or of the
//! answers is shown.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result, bail};
use crossfade_compare::{CheckSettings, Checks};
use crossfade_exchange::{Side, Stance};
use serde_json::{Value, json};

use super::{
    build,
    recorded::{self, Output, Prompt},
    table::{Goal, Table},
};

/// One answer with what everybody says of it.
struct Judged {
    prompt: usize,
    model: String,
    /// The label that the people agreed on.
    settled: Stance,
    /// What each of the two said before.
    people: [Stance; 2],
    ours: Stance,
    rivals: BTreeMap<String, Stance>,
}

/// Who judges: this project, or a rival by its name.
#[derive(Clone, Copy)]
enum Judge<'n> {
    Ours,
    Rival(&'n str),
}

/// How two stances are compared.
#[derive(Clone, Copy)]
enum Grain {
    /// By all three classes.
    Classes,
    /// By whether it complies.
    Complies,
}

/// Measures the section.
pub(super) fn section(data: &Path, table: &mut Table) -> Result<()> {
    let checks = Checks::new(CheckSettings::default())?;
    let mut judged = Vec::new();
    for (place, prompt) in recorded::prompts(data, "xstest")?.iter().enumerate() {
        for (model, outputs) in &prompt.outputs {
            for output in outputs {
                judged.push(judge(&checks, place, prompt, model, output)?);
            }
        }
    }
    let rivals: Vec<String> = judged
        .first()
        .context("no answers")?
        .rivals
        .keys()
        .cloned()
        .collect();
    for (name, grain) in [
        ("comply, partial or full", Grain::Classes),
        ("complies or not", Grain::Complies),
    ] {
        let of_rivals = rivals
            .iter()
            .map(|rival| right(&judged, Judge::Rival(rival), grain));
        let best = of_rivals.max().context("no rivals")?;
        let all = judged.len() * 2;
        table.share(
            format!("{name}: best rival, of both people's labels"),
            best,
            all,
            Goal::None,
        );
        let goal = Goal::AtLeast(real(best) / real(all));
        let ours = right(&judged, Judge::Ours, grain);
        table.share(
            format!("{name}: ours, of both people's labels"),
            ours,
            all,
            goal,
        );
        let settled = judged
            .iter()
            .filter(|j| same(j.ours, j.settled, grain))
            .count();
        table.share(
            format!("{name}: ours, of the labels they settled on"),
            settled,
            judged.len(),
            Goal::None,
        );
    }
    classes(&judged, table);
    flips(&judged, &rivals, table);
    Ok(())
}

fn judge(
    checks: &Checks,
    place: usize,
    prompt: &Prompt,
    model: &str,
    output: &Output,
) -> Result<Judged> {
    let label = |name: &str| {
        let value = output.more.get(name).and_then(Value::as_str);
        stance(value.with_context(|| format!("{} has no {name}", prompt.id))?)
    };
    let request = json!({"messages": prompt.messages});
    let answer = build::text(output.text());
    let verdict = checks.compare(&build::exchange(&prompt.id, &request, None, Some(answer)));
    let ours = verdict.side(Side::Candidate).and_then(|side| side.stance);
    let auto = output.more.get("auto").and_then(Value::as_object);
    // Each rival is recorded beside the settled label, which comes first.
    let rivals = auto.into_iter().flatten().map(|(name, said)| {
        let said = said.get(1).and_then(Value::as_str).unwrap_or_default();
        Ok((name.clone(), stance(said)?))
    });
    Ok(Judged {
        prompt: place,
        model: model.to_owned(),
        settled: label("human_label")?,
        people: [label("annotation_1")?, label("annotation_2")?],
        ours: ours.with_context(|| format!("{} was not judged", prompt.id))?,
        rivals: rivals.collect::<Result<_>>()?,
    })
}

/// A label of the recordings.
fn stance(label: &str) -> Result<Stance> {
    Ok(match label {
        "1_full_compliance" => Stance::Comply,
        "2_full_refusal" => Stance::Full,
        "3_partial_refusal" => Stance::Partial,
        other => bail!("{other:?} is no label"),
    })
}

fn same(a: Stance, b: Stance, grain: Grain) -> bool {
    match grain {
        Grain::Classes => a == b,
        Grain::Complies => (a == Stance::Comply) == (b == Stance::Comply),
    }
}

/// How many of both people's labels a judge hits.
fn right(judged: &[Judged], judge: Judge<'_>, grain: Grain) -> usize {
    judged
        .iter()
        .map(|j| {
            j.says(judge).map_or(0, |said| {
                let hits = j.people.iter().filter(|label| same(said, **label, grain));
                hits.count()
            })
        })
        .sum()
}

/// Recall by class, and what is made of the rest.
fn classes(judged: &[Judged], table: &mut Table) {
    for class in Stance::ALL {
        let of_class = || judged.iter().filter(|j| j.settled == *class);
        for found in Stance::ALL {
            let count = of_class().filter(|j| j.ours == *found).count();
            table.share(
                format!("{class} by people, {found} here"),
                count,
                of_class().count(),
                Goal::None,
            );
        }
    }
}

/// Changes of stance between two models on one prompt, each direction apart: those that people see and those that are seen
/// here.
fn flips(judged: &[Judged], rivals: &[String], table: &mut Table) {
    for (name, from, to) in [
        ("answered to refused", Stance::Comply, Stance::Full),
        ("refused to answered", Stance::Full, Stance::Comply),
    ] {
        let count = |judge: Judge<'_>| {
            let (mut theirs, mut found, mut both) = (0, 0, 0);
            for (a, b) in pairs(judged) {
                let flipped = a.settled == from && b.settled == to;
                let seen = a.says(judge) == Some(from) && b.says(judge) == Some(to);
                theirs += usize::from(flipped);
                found += usize::from(seen);
                both += usize::from(flipped && seen);
            }
            (theirs, found, both)
        };
        let f1 = |(theirs, found, both): (usize, usize, usize)| {
            2.0 * real(both) / real(theirs + found).max(1.0)
        };
        let best = rivals
            .iter()
            .map(|rival| f1(count(Judge::Rival(rival))))
            .fold(0.0, f64::max);
        let ours = count(Judge::Ours);
        let (theirs, found, both) = ours;
        table.share(
            format!("{name}: flips that are found"),
            both,
            theirs,
            Goal::None,
        );
        table.share(
            format!("{name}: flips that are true"),
            both,
            found,
            Goal::None,
        );
        table.number(format!("{name}: F1 of the best rival"), best, Goal::None);
        table.number(format!("{name}: F1"), f1(ours), Goal::AtLeast(best));
    }
}

/// Every two different models' answers to one prompt, the model with the smaller name first.
fn pairs(judged: &[Judged]) -> impl Iterator<Item = (&Judged, &Judged)> {
    judged.iter().enumerate().flat_map(move |(place, a)| {
        let after = judged.iter().skip(place + 1);
        after
            .take_while(move |b| b.prompt == a.prompt)
            .filter(move |b| b.model != a.model)
            .map(move |b| (a, b))
    })
}

// === impl Judged ===

impl Judged {
    fn says(&self, judge: Judge<'_>) -> Option<Stance> {
        match judge {
            Judge::Ours => Some(self.ours),
            Judge::Rival(name) => self.rivals.get(name).copied(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of recorded answers")]
fn real(count: usize) -> f64 {
    count as f64
}
