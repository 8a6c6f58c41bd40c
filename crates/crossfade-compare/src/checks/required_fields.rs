//! Required fields: the mean over the configured paths of (places that are present and not null ÷ places that the
//! path names); it passes at 1. A path through an empty list names no place and is fulfilled. Every path that is not is told
//! as missing.

use crossfade_exchange::{CheckResult, Difference, DifferenceKind};
use serde_json::Value;

use crate::{
    finding::{Finding, share},
    path::Path,
};

/// Judges a value against the configured paths.
pub(crate) fn own(required: &[Path], value: &Value) -> Finding {
    if required.is_empty() {
        return Finding::na();
    }
    let mut sum = 0.0;
    let mut missing: Vec<&Path> = Vec::new();
    for path in required {
        let coverage = path.coverage(value);
        sum += share(coverage.filled, coverage.named);
        if coverage.filled < coverage.named {
            missing.push(path);
        }
    }
    let Some(first) = missing.first() else {
        return Finding::pass();
    };
    let mut places: Vec<Difference> = missing
        .iter()
        .map(|path| Difference {
            path: path.text().to_owned(),
            kind: DifferenceKind::Missing,
        })
        .collect();
    places.sort();
    places.dedup();
    places.truncate(CheckResult::MOST_DIFFERENCES);
    let score = sum / share(required.len(), 1);
    Finding::fail_with(score, format!("{}: missing", first.text())).with_places(places)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_counted_by_path() {
        let paths: Vec<Path> = ["$.class", "$.items[*].price"]
            .iter()
            .map(|p| Path::parse(p).unwrap())
            .collect();
        let check = |value: Value, score: f64, evidence: Option<&str>| {
            let finding = own(&paths, &value);
            assert!(
                (finding.score - score).abs() < 1e-12,
                "{value}: {}",
                finding.score
            );
            assert_eq!(finding.evidence.as_deref(), evidence, "{value}");
            assert_eq!(finding.failed(), evidence.is_some());
        };
        check(
            json!({"class": "a", "items": [{"price": 1}, {"price": 0}]}),
            1.0,
            None,
        );
        check(json!({"class": "", "items": []}), 1.0, None);
        check(
            json!({"class": null, "items": []}),
            0.5,
            Some("$.class: missing"),
        );
        check(
            json!({"class": 1, "items": [{"price": 1}, {}]}),
            0.75,
            Some("$.items[*].price: missing"),
        );
        check(json!([]), 0.0, Some("$.class: missing"));
        assert_eq!(own(&[], &json!({})), Finding::na());
    }
}
