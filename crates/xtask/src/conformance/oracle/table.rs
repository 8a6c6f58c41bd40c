//! The table: what became of every row of every corpus, and which policies were needed how often.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use super::{super::Counts, refusals::REFUSALS};
use crate::reason::{Judgement, Reason, Standing};

/// One line for each corpus.
#[derive(Debug, Default)]
pub(super) struct Table {
    lines: BTreeMap<&'static str, Line>,
    reasons: BTreeMap<&'static str, u64>,
    /// By field.
    refusals: BTreeMap<String, u64>,
    /// Differences without a reason, by corpus, field and peer: how many, and one of them.
    unexplained: BTreeMap<String, (u64, String)>,
    /// What else went wrong, row by row.
    failures: Vec<String>,
}

#[derive(Debug, Default)]
struct Line {
    rows: u64,
    /// By the service model.
    accepted: u64,
    equal: u64,
    equal_to_one: u64,
    explained: u64,
    refused: u64,
    unexplained: u64,
}

/// Characters of a value that are shown.
const LONGEST: usize = 300;

// === impl Table ===

impl Table {
    /// Notes a row of a corpus.
    pub(super) fn row(&mut self, corpus: &'static str) {
        self.line(corpus).rows += 1;
    }

    /// Notes that the judge of the wire accepts a row's translation.
    pub(super) fn accepted(&mut self, corpus: &'static str) {
        self.line(corpus).accepted += 1;
    }

    /// Notes that a row came out as the judge has it and as what was recorded says, which is as good as a peer.
    pub(super) fn accepted_as_it_is(&mut self, corpus: &'static str) {
        let line = self.line(corpus);
        line.accepted += 1;
        line.equal += 1;
    }

    /// Notes that a row is refused, by the name of a field that has no counterpart.
    pub(super) fn refused(&mut self, corpus: &'static str, field: &str) {
        self.line(corpus).refused += 1;
        *self.refusals.entry(field.to_owned()).or_default() += 1;
    }

    /// Notes how a row compares with the peers.
    pub(super) fn judged(&mut self, corpus: &'static str, name: &str, judgement: Judgement) {
        let line = self.line(corpus);
        match judgement.standing {
            Standing::Equal => line.equal += 1,
            Standing::EqualToOne => line.equal_to_one += 1,
            Standing::Explained => line.explained += 1,
            Standing::Unexplained => line.unexplained += 1,
        }
        for reason in judgement.reasons {
            *self.reasons.entry(reason).or_default() += 1;
        }
        for (peer, found) in judgement.unexplained {
            let key = format!("{corpus}: {} against {peer}", found.path);
            let show = |value: &Option<Value>| {
                let text = value
                    .as_ref()
                    .map_or("nothing".to_owned(), Value::to_string);
                text.chars().take(LONGEST).collect::<String>()
            };
            let example = format!(
                "{name} at {}: {} here, {} there",
                found.at.join("."),
                show(&found.ours),
                show(&found.theirs),
            );
            self.unexplained
                .entry(key)
                .and_modify(|(count, _)| *count += 1)
                .or_insert((1, example));
        }
    }

    /// Notes something wrong with a row.
    pub(super) fn failure(&mut self, corpus: &'static str, name: &str, what: &str) {
        self.line(corpus).unexplained += 1;
        self.failures.push(format!("{name} ({corpus}): {what}"));
    }

    /// Counts everything, and finds fault with policies that no row needs.
    pub(super) fn settle(&mut self, tables: &[&'static [Reason]], counts: &mut Counts) {
        for (corpus, line) in &self.lines {
            for (name, count) in line.cells() {
                counts.set(format!("oracle.{corpus}.{name}"), count);
            }
        }
        for reason in tables.iter().copied().flatten() {
            let rows = self.reasons.get(reason.name).copied().unwrap_or(0);
            if rows == 0 {
                self.failures
                    .push(format!("the policy {} explains no row", reason.name));
            }
            counts.set(format!("oracle.reason.{}", reason.name), rows);
        }
        for refusal in REFUSALS {
            let rows = self.refusals.get(refusal.field).copied().unwrap_or(0);
            if rows == 0 {
                self.failures
                    .push(format!("no row is refused for {}", refusal.field));
            }
            counts.set(format!("oracle.refused_for.{}", refusal.field), rows);
        }
    }

    /// What is wrong.
    pub(super) fn into_failures(self) -> Vec<String> {
        let unexplained = self.unexplained.into_iter();
        let unexplained = unexplained.map(|(at, (count, example))| {
            format!("{count} differences without a reason in {at}, such as {example}")
        });
        unexplained.chain(self.failures).collect()
    }

    /// The policies, each with its field, its rows and its text.
    pub(super) fn policies(&self, tables: &[&'static [Reason]]) -> String {
        let lines = tables.iter().copied().flatten().map(|reason| {
            let rows = self.reasons.get(reason.name).copied().unwrap_or(0);
            format!(
                "  {rows:>5} rows  {}  at {}\n              {}",
                reason.name, reason.path, reason.why
            )
        });
        let refusals = REFUSALS.iter().map(|refusal| {
            let rows = self.refusals.get(refusal.field).copied().unwrap_or(0);
            format!(
                "  {rows:>5} rows  refused for {}: {}",
                refusal.field, refusal.why
            )
        });
        lines.chain(refusals).collect::<Vec<_>>().join("\n")
    }

    fn line(&mut self, corpus: &'static str) -> &mut Line {
        self.lines.entry(corpus).or_default()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<28}", "corpus")?;
        for (name, _) in Line::default().cells() {
            write!(f, "{name:>14}")?;
        }
        for (corpus, line) in &self.lines {
            write!(f, "\n{corpus:<28}")?;
            for (_, count) in line.cells() {
                write!(f, "{count:>14}")?;
            }
        }
        Ok(())
    }
}

// === impl Line ===

impl Line {
    fn cells(&self) -> [(&'static str, u64); 7] {
        [
            ("rows", self.rows),
            ("accepted", self.accepted),
            ("equal", self.equal),
            ("equal_to_one", self.equal_to_one),
            ("explained", self.explained),
            ("refused", self.refused),
            ("unexplained", self.unexplained),
        ]
    }
}
