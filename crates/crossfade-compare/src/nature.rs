//! What stands fixed about each check, in one place: how much its failure matters unless the settings say otherwise, whether it is
//! about a side's own validity, and whether it compares what two answers say. No judgement of any exchange.

use crossfade_exchange::{Check, Severity};

/// What stands fixed about a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Nature {
    /// How much a failure matters, unless the check or the settings say otherwise.
    pub(crate) severity: Severity,
    /// Whether it is about each side's own validity, so that a pair has nothing to add.
    pub(crate) validity: bool,
    /// When it has compared what two answers say.
    pub(crate) compares: Compares,
}

/// When a check has compared what two answers say, so that their wording no longer counts for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compares {
    /// Never: it looks at something else, or at a part of what they say.
    Never,
    /// Wherever it applies.
    Always,
    /// Where it fails: that neither calls a tool says nothing of what they say instead.
    Failing,
}

/// What stands fixed about a check.
pub(crate) const fn nature(check: Check) -> Nature {
    use Compares::{Always, Failing, Never};
    use Severity::{Blocker, Info, Major, Minor};
    let (severity, validity, compares) = match check {
        Check::Transport
        | Check::Envelope
        | Check::JsonParse
        | Check::JsonSchema
        | Check::RequiredFields => (Blocker, true, Never),
        Check::Embeddings => (Blocker, false, Always),
        Check::Groundedness => (Major, true, Never),
        Check::ToolSelection => (Major, false, Failing),
        Check::ToolArguments | Check::Label | Check::JsonStructure => (Major, false, Always),
        Check::Refusal | Check::Citations | Check::Extraction => (Major, false, Never),
        Check::FinishReason => (Minor, false, Never),
        Check::SemanticSimilarity
        | Check::TextSimilarity
        | Check::FirstContent
        | Check::Cost
        | Check::Judge
        | Check::Length
        | Check::Language
        | Check::Format
        | Check::TotalTime
        | Check::OutputRate
        | Check::Tokens => (Info, false, Never),
    };
    Nature {
        severity,
        validity,
        compares,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_on_comparison_knows_every_check_and_its_severity() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/comparison.md");
        let page = std::fs::read_to_string(page).unwrap();
        for check in Check::ALL {
            let row = page
                .lines()
                .find(|line| {
                    let first = line.split('|').nth(1).unwrap_or_default();
                    first.contains(&format!("`{check}`"))
                })
                .unwrap_or_else(|| panic!("{check} has no row"));
            let severity = row.split('|').nth(3).unwrap();
            let expected = nature(*check).severity;
            // Severities by path or by threshold are told in words.
            let told = severity.contains(expected.as_str())
                || severity.contains("by path")
                || (*check == Check::TextSimilarity && severity.contains("minor"));
            assert!(told, "{check}: {severity} lacks {expected}");
        }
    }
}
