//! What was measured, row by row, and the baseline it is compared with.

use std::{fmt, fs, path::Path};

use anyhow::{Context as _, Result};

use super::Section;
use crate::print;

const HEADER: &str = "# What `cargo xtask agreement DATA` measures over the recorded outputs, and the goals. A change that moves a\n\
                      # number freezes this file anew, by `--freeze`, and says why.\n";

/// Rows in the order in which they were measured.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
    section: Option<Section>,
}

/// What a measured value must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    /// Reported only.
    None,
    /// Not less.
    AtLeast(f64),
    /// Not more.
    AtMost(f64),
}

#[derive(Debug)]
struct Row {
    section: &'static str,
    what: String,
    measured: String,
    goal: Goal,
    met: bool,
}

// === impl Table ===

impl Table {
    /// Rows from here on belong to this section.
    pub(super) const fn begin(&mut self, section: Section) {
        self.section = Some(section);
    }

    /// A count that is only reported.
    pub(crate) fn count(&mut self, what: impl Into<String>, count: usize) {
        self.push(what, count.to_string(), Goal::None, 0.0);
    }

    /// A count that must be none.
    pub(crate) fn none(&mut self, what: impl Into<String>, count: usize) {
        self.push(what, count.to_string(), Goal::AtMost(0.0), real(count));
    }

    /// A share, as `0.9876 (79 of 80)`. Of nothing it is not measured, and meets no goal.
    pub(crate) fn share(&mut self, what: impl Into<String>, part: usize, whole: usize, goal: Goal) {
        let share = if whole == 0 {
            f64::NAN
        } else {
            real(part) / real(whole)
        };
        self.push(what, format!("{share:.4} ({part} of {whole})"), goal, share);
    }

    /// A number.
    pub(crate) fn number(&mut self, what: impl Into<String>, number: f64, goal: Goal) {
        self.push(what, format!("{number:.4}"), goal, number);
    }

    /// Something that is either so or not; not so is a goal missed.
    pub(crate) fn holds(&mut self, what: impl Into<String>, holds: bool) {
        let measured = if holds { "yes" } else { "no" };
        self.push(
            what,
            measured.to_owned(),
            Goal::AtLeast(1.0),
            f64::from(u8::from(holds)),
        );
    }

    fn push(&mut self, what: impl Into<String>, measured: String, goal: Goal, value: f64) {
        self.rows.push(Row {
            section: self.section.map_or("", Section::name),
            what: what.into(),
            measured,
            goal,
            met: goal.is_met(value),
        });
    }

    /// How many goals are missed.
    pub(super) fn missed(&self) -> usize {
        self.rows.iter().filter(|row| !row.met).count()
    }

    /// Prints how the measured sections drift from the baseline, or makes them the baseline.
    pub(super) fn settle(&self, file: &Path, freeze: bool) -> Result<()> {
        let frozen = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", file.display()));
            }
        };
        let measured = |line: &str| {
            let section = line.split_whitespace().next();
            section.is_some_and(|name| self.rows.iter().any(|row| row.section == name))
        };
        let (old, others): (Vec<&str>, Vec<&str>) = frozen
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .partition(|line| measured(line));
        let new: Vec<String> = self.rows.iter().map(Row::line).collect();
        if freeze {
            let mut lines = others;
            lines.extend(new.iter().map(String::as_str));
            // Sections in the order of their names, rows in the order of measuring: the sort is stable.
            lines.sort_by_key(|line| line.split_whitespace().next().map(str::to_owned));
            let text = format!("{HEADER}{}\n", lines.join("\n"));
            return fs::write(file, text)
                .with_context(|| format!("cannot write {}", file.display()));
        }
        for line in old.iter().filter(|line| !new.iter().any(|n| n == *line)) {
            print::line(format_args!("- {line}"));
        }
        for line in new.iter().filter(|line| !old.contains(&line.as_str())) {
            print::line(format_args!("+ {line}"));
        }
        Ok(())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |cell: fn(&Row) -> usize| self.rows.iter().map(cell).max().unwrap_or(0);
        let (section, what, measured) = (
            width(|row| row.section.len()),
            width(|row| row.what.chars().count()),
            width(|row| row.measured.len()),
        );
        for row in &self.rows {
            let met = match (row.goal, row.met) {
                (Goal::None, _) => "",
                (_, true) => "met",
                (_, false) => "MISSED",
            };
            let line = format!(
                "{:section$}  {:what$}  {:measured$}  {:>8}  {met}",
                row.section,
                row.what,
                row.measured,
                row.goal.to_string(),
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

// === impl Row ===

impl Row {
    /// As it stands in the baseline.
    fn line(&self) -> String {
        let goal = match self.goal {
            Goal::None => String::new(),
            goal => format!("  [{goal}]"),
        };
        format!("{} {} = {}{goal}", self.section, self.what, self.measured)
    }
}

// === impl Goal ===

impl Goal {
    /// What is no number meets no goal.
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::None => true,
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::AtLeast(least) => write!(f, ">= {least}"),
            Self::AtMost(most) => write!(f, "<= {most}"),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of recorded outputs")]
fn real(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured() -> Table {
        let mut table = Table::default();
        table.begin(Section::Json);
        table.share("strict", 3, 4, Goal::AtLeast(0.75));
        table.share("nothing", 0, 0, Goal::AtLeast(0.0));
        table.none("wrong", 1);
        table.holds("so", true);
        table.count("rows", 7);
        table
    }

    #[test]
    fn goals_that_are_missed_are_counted_and_shown() {
        let table = measured();
        assert_eq!(table.missed(), 2);
        let text = table.to_string();
        assert!(text.contains("0.7500 (3 of 4)   >= 0.75  met"), "{text}");
        assert!(
            text.contains("NaN (0 of 0)") && text.contains("MISSED"),
            "{text}"
        );
    }

    #[test]
    fn freezing_keeps_what_other_sections_froze() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("expected");
        fs::write(&file, "# old\njson gone = 1\ntools kept = 2\n").unwrap();
        measured().settle(&file, true).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("# What"), "{text}");
        assert!(
            text.contains("\njson strict = 0.7500 (3 of 4)  [>= 0.75]\n"),
            "{text}"
        );
        assert!(text.ends_with("\ntools kept = 2\n"), "{text}");
        assert!(!text.contains("gone"), "{text}");
    }
}
