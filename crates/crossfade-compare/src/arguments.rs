//! Arguments of tool calls: which rules hold for them, and how far those of two calls agree. Which call answers which is
//! found here too: among calls of one tool the assignment whose agreement is largest on the whole.

use std::collections::HashMap;

use crate::{
    answer::Call,
    document::{Document, Node},
    leaves::Leaves,
    rules::PathRules,
    settings::{SettingsError, ToolArgumentSettings, ValueRule, ValueRuleSettings},
    similarity,
};
use crossfade_exchange::Severity;

/// Calls of one answer that are compared; more are cut off, on both sides alike.
pub(crate) const MOST_CALLS: usize = 64;
/// Calls of one tool on the side that has fewer of them, up to which the best assignment is found for certain. With more,
/// calls that agree best are matched first.
const MOST_CERTAIN: usize = 10;

/// The settings, compiled: rules by tool.
#[derive(Debug, Default)]
pub(crate) struct ArgumentRules {
    by_tool: HashMap<String, PathRules>,
    none: PathRules,
}

// === impl ArgumentRules ===

impl ArgumentRules {
    /// Compiles the settings. A tool's name may hold dots, so an entry is kept for every way to read it.
    pub(crate) fn compile(settings: &ToolArgumentSettings) -> Result<Self, SettingsError> {
        let short = |rule: ValueRule| {
            move |path: &String| ValueRuleSettings {
                rule,
                ..ValueRuleSettings::at(path)
            }
        };
        let ignored = settings.ignore.iter().map(short(ValueRule::Ignore));
        let folded = settings.casefold.iter().map(short(ValueRule::Casefold));
        let all: Vec<ValueRuleSettings> = ignored
            .chain(folded)
            .chain(settings.rules.iter().cloned())
            .collect();
        let mut readings = HashMap::<&str, Vec<(String, &ValueRuleSettings)>>::new();
        for entry in &all {
            let splits = entry.path.match_indices('.').filter_map(|(at, _)| {
                let (tool, rest) = entry.path.split_at_checked(at)?;
                let path = format!("${rest}");
                let usable = !tool.is_empty() && crate::path::pattern(&path).is_ok();
                usable.then_some((tool, path))
            });
            let mut found = false;
            for (tool, path) in splits {
                found = true;
                readings.entry(tool).or_default().push((path, entry));
            }
            if !found {
                return Err(SettingsError::Parameter(entry.path.clone()));
            }
        }
        let compiled = readings.into_iter().map(|(tool, rules)| {
            let rules = rules.iter().map(|(path, entry)| (path.as_str(), *entry));
            Ok((
                tool.to_owned(),
                PathRules::compile("tool_arguments", rules)?,
            ))
        });
        Ok(Self {
            by_tool: compiled.collect::<Result<_, SettingsError>>()?,
            none: PathRules::default(),
        })
    }

    /// The rules for the arguments of a tool.
    pub(crate) fn of(&self, tool: &str) -> &PathRules {
        self.by_tool.get(tool).unwrap_or(&self.none)
    }
}

/// Bytes of arguments that are compared to find which calls belong together, at most.
const MOST_WORK: usize = 2 * 1024 * 1024;

/// A call with its arguments as they were read.
#[derive(Debug)]
pub(crate) struct Read<'c> {
    pub(crate) call: &'c Call,
    /// `None` if they are no JSON object.
    pub(crate) arguments: Option<Document>,
}

// === impl Read ===

impl<'c> Read<'c> {
    /// Reads a call.
    pub(crate) fn of(call: &'c Call) -> Self {
        Self {
            call,
            arguments: parse(call),
        }
    }
}

/// Arguments as an object. An empty text is what some models write for a call without arguments.
pub(crate) fn parse(call: &Call) -> Option<Document> {
    let text = match call.arguments.trim() {
        "" => "{}",
        _ => &call.arguments,
    };
    Document::parse(text).filter(|document| matches!(document.root, Node::Object(_)))
}

/// The arguments of two calls of the same tool, leaf by leaf; `None` where they are not both JSON.
pub(crate) fn leaves<'c>(
    rules: &'c ArgumentRules,
    from: &'c Read<'_>,
    to: &'c Read<'_>,
) -> Option<Leaves<'c>> {
    let (a, b) = (from.arguments.as_ref()?, to.arguments.as_ref()?);
    let mut leaves = Leaves::new(rules.of(&from.call.name), Severity::Major);
    leaves.compare(&a.root, &b.root);
    Some(leaves)
}

/// How far the arguments of two calls of the same tool agree, 0..=1.
pub(crate) fn agreement(rules: &ArgumentRules, from: &Read<'_>, to: &Read<'_>) -> f64 {
    if from.call.arguments == to.call.arguments {
        return 1.0;
    }
    if from.call.free_text && to.call.free_text {
        let (a, b) = (from.call.arguments.trim(), to.call.arguments.trim());
        return if a == b {
            1.0
        } else {
            similarity::similarity(a, b).min(0.999)
        };
    }
    leaves(rules, from, to).map_or(0.0, |leaves| leaves.score())
}

/// Calls of the same tool, matched: the places of the primary's and the candidate's, with their agreement.
pub(crate) fn assign(
    rules: &ArgumentRules,
    primary: &[Read<'_>],
    candidate: &[Read<'_>],
) -> Vec<(usize, usize, f64)> {
    let mut tools: Vec<&str> = Vec::new();
    for read in primary {
        if !tools.contains(&read.call.name.as_str()) {
            tools.push(&read.call.name);
        }
    }
    let mut matched = Vec::new();
    for tool in tools {
        let of = |reads: &[Read<'_>]| -> Vec<usize> {
            let named = reads.iter().enumerate();
            named
                .filter(|(_, read)| read.call.name == tool)
                .map(|(place, _)| place)
                .collect()
        };
        let (rows, columns) = (of(primary), of(candidate));
        if work(primary, &rows, candidate, &columns) > MOST_WORK {
            in_order(&mut matched, rules, (primary, &rows), (candidate, &columns));
            continue;
        }
        let mut cells = Vec::with_capacity(rows.len() * columns.len());
        for row in &rows {
            for column in &columns {
                if let (Some(from), Some(to)) = (primary.get(*row), candidate.get(*column)) {
                    cells.push((*row, *column, agreement(rules, from, to)));
                }
            }
        }
        if rows.len().min(columns.len()) <= MOST_CERTAIN {
            best(&mut matched, &rows, &columns, &cells);
        } else {
            greedy(&mut matched, cells);
        }
    }
    matched.sort_by_key(|(row, column, _)| (*row, *column));
    matched
}

/// The bytes that are compared if every call of one side is held against every one of the other.
fn work(primary: &[Read<'_>], rows: &[usize], candidate: &[Read<'_>], columns: &[usize]) -> usize {
    let bytes = |reads: &[Read<'_>], places: &[usize]| -> usize {
        let of = |place: &usize| {
            reads
                .get(*place)
                .map_or(0, |read| read.call.arguments.len())
        };
        places.iter().map(of).sum()
    };
    let (from, to) = (bytes(primary, rows), bytes(candidate, columns));
    if rows.len().min(columns.len()) < 2 {
        return 0;
    }
    from.saturating_mul(columns.len())
        .saturating_add(to.saturating_mul(rows.len()))
}

/// Calls with large arguments: those that are equal to the letter, then the others in their order.
fn in_order(
    matched: &mut Vec<(usize, usize, f64)>,
    rules: &ArgumentRules,
    (primary, rows): (&[Read<'_>], &[usize]),
    (candidate, columns): (&[Read<'_>], &[usize]),
) {
    let text = |reads: &'_ [Read<'_>], place: usize| {
        reads
            .get(place)
            .map(|read| blake3::hash(read.call.arguments.as_bytes()))
    };
    let mut free: Vec<usize> = columns.to_vec();
    let mut others = Vec::new();
    for row in rows.iter().copied() {
        let wanted = text(primary, row);
        match free.iter().position(|at| text(candidate, *at) == wanted) {
            Some(place) => matched.push((row, free.remove(place), 1.0)),
            None => others.push(row),
        }
    }
    for (row, column) in others.into_iter().zip(free) {
        if let (Some(from), Some(to)) = (primary.get(row), candidate.get(column)) {
            matched.push((row, column, agreement(rules, from, to)));
        }
    }
}

/// The best assignment, by dynamic programming over which calls of the side with fewer are taken: n·2ᵐ·m steps for n calls
/// against m ≤ [`MOST_CERTAIN`].
fn best(
    matched: &mut Vec<(usize, usize, f64)>,
    rows: &[usize],
    columns: &[usize],
    cells: &[(usize, usize, f64)],
) {
    let turned = columns.len() > rows.len();
    let (many, few) = if turned {
        (columns, rows)
    } else {
        (rows, columns)
    };
    let scores: HashMap<(usize, usize), f64> = cells
        .iter()
        .map(|(row, column, score)| {
            let key = if turned {
                (*column, *row)
            } else {
                (*row, *column)
            };
            (key, *score)
        })
        .collect();
    let sets = 1_usize << few.len();
    // By the set of the few that are taken: the largest sum so far.
    let mut sums = vec![f64::NEG_INFINITY; sets];
    if let Some(none) = sums.first_mut() {
        *none = 0.0;
    }
    // By each of the many and the set: whom it took, if anyone.
    let mut choices: Vec<Vec<Option<usize>>> = Vec::with_capacity(many.len());
    for one in many {
        let mut next = sums.clone();
        let mut chosen = vec![None; sets];
        for (set, sum) in sums.iter().enumerate().filter(|(_, sum)| sum.is_finite()) {
            for (bit, other) in few.iter().enumerate() {
                let with = set | (1 << bit);
                let score = scores.get(&(*one, *other)).copied().unwrap_or(0.0);
                if let (true, Some(known), Some(choice)) =
                    (with != set, next.get_mut(with), chosen.get_mut(with))
                    && sum + score > *known
                {
                    *known = sum + score;
                    *choice = Some(bit);
                }
            }
        }
        sums = next;
        choices.push(chosen);
    }
    let mut set = sets - 1;
    for (one, chosen) in many.iter().zip(&choices).rev() {
        if let Some(bit) = chosen.get(set).copied().flatten()
            && let Some(other) = few.get(bit)
        {
            let score = scores.get(&(*one, *other)).copied().unwrap_or(0.0);
            let (row, column) = if turned {
                (*other, *one)
            } else {
                (*one, *other)
            };
            matched.push((row, column, score));
            set &= !(1 << bit);
        }
    }
}

/// The pairs that agree best first.
fn greedy(matched: &mut Vec<(usize, usize, f64)>, mut cells: Vec<(usize, usize, f64)>) {
    cells.sort_by(|a, b| b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1))));
    let begin = matched.len();
    for (row, column, score) in cells {
        let taken = matched
            .iter()
            .skip(begin)
            .any(|(r, c, _)| *r == row || *c == column);
        if !taken {
            matched.push((row, column, score));
        }
    }
}

#[cfg(test)]
mod tests;
