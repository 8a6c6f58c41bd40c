//! Which check feeds which decision: the one table, from which the documentation's is generated.

use std::fmt::Write as _;

use crossfade_exchange::{Check, Metric, MetricSet};

/// What a check feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feeds {
    /// The bad events that count for a roll-back: each side judged alone, so that "bad" means the same on both.
    pub rollback: MetricSet,
    /// What counts for an advance.
    pub advance: Advance,
}

/// What counts for an advance to the next stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// The candidate's bad events less the primary's: `x = c − p`.
    BadEvents,
    /// Bad events, and beside them the flips on pairs above the noise floor, each direction apart.
    BadEventsAndFlips,
    /// Disagreement above the noise floor: `x = D − N`.
    Disagreement,
    /// Nothing: it is reported.
    Reported,
}

/// What a check feeds. Disagreement with the primary is no failure: its base rate would roll back healthy candidates.
pub fn feeds(check: Check) -> Feeds {
    let bad = |metrics: &[Metric]| Feeds {
        rollback: metrics.iter().copied().collect(),
        advance: Advance::BadEvents,
    };
    let none = |advance| Feeds {
        rollback: MetricSet::EMPTY,
        advance,
    };
    match check {
        Check::Transport => bad(&[Metric::Transport, Metric::Stream]),
        Check::Envelope => bad(&[Metric::Envelope]),
        Check::JsonParse => bad(&[Metric::JsonParse]),
        Check::JsonSchema => bad(&[Metric::JsonSchema]),
        Check::RequiredFields => bad(&[Metric::RequiredFields]),
        Check::FirstContent => bad(&[Metric::Slow]),
        Check::Cost => bad(&[Metric::Cost]),
        Check::Refusal => Feeds {
            advance: Advance::BadEventsAndFlips,
            ..bad(&[Metric::Refusal])
        },
        Check::JsonStructure
        | Check::Label
        | Check::ToolSelection
        | Check::ToolArguments
        | Check::TextSimilarity
        | Check::Citations
        | Check::Extraction
        | Check::SemanticSimilarity
        | Check::Embeddings => none(Advance::Disagreement),
        Check::FinishReason
        | Check::Groundedness
        | Check::Judge
        | Check::Length
        | Check::Language
        | Check::Format
        | Check::TotalTime
        | Check::OutputRate
        | Check::Tokens => none(Advance::Reported),
    }
}

/// The table in Markdown, one check a line, for the metrics reference.
pub fn feeds_table() -> String {
    let mut table = String::from("| check | roll-back | advance |\n|---|---|---|\n");
    for check in Check::ALL {
        let Feeds { rollback, advance } = feeds(*check);
        let metrics: Vec<&str> = rollback.iter().map(Metric::as_str).collect();
        let metrics = if metrics.is_empty() {
            "no".to_owned()
        } else {
            metrics.join(", ")
        };
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| {check} | {metrics} | {} |", advance.as_str());
    }
    table
}

// === impl Advance ===

impl Advance {
    /// As the table says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadEvents => "yes, x = c - p",
            Self::BadEventsAndFlips => "yes, x = c - p, and flips x = D - N",
            Self::Disagreement => "yes, x = D - N",
            Self::Reported => "reported",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_fed_by_one_check() {
        for metric in MetricSet::of_checks().iter() {
            let feeding = Check::ALL
                .iter()
                .filter(|check| feeds(**check).rollback.contains(metric));
            assert_eq!(feeding.count(), 1, "{metric}");
        }
    }

    #[test]
    fn the_table_stays_what_it_is() {
        let expected = "\
| check | roll-back | advance |
|---|---|---|
| transport | transport, stream | yes, x = c - p |
| envelope | envelope | yes, x = c - p |
| finish_reason | no | reported |
| json_parse | json_parse | yes, x = c - p |
| json_schema | json_schema | yes, x = c - p |
| required_fields | required_fields | yes, x = c - p |
| json_structure | no | yes, x = D - N |
| tool_selection | no | yes, x = D - N |
| tool_arguments | no | yes, x = D - N |
| refusal | refusal | yes, x = c - p, and flips x = D - N |
| label | no | yes, x = D - N |
| text_similarity | no | yes, x = D - N |
| first_content | slow | yes, x = c - p |
| cost | cost | yes, x = c - p |
| embeddings | no | yes, x = D - N |
| citations | no | yes, x = D - N |
| extraction | no | yes, x = D - N |
| groundedness | no | reported |
| semantic_similarity | no | yes, x = D - N |
| judge | no | reported |
| length | no | reported |
| language | no | reported |
| format | no | reported |
| total_time | no | reported |
| output_rate | no | reported |
| tokens | no | reported |
";
        assert_eq!(feeds_table(), expected);
    }
}
