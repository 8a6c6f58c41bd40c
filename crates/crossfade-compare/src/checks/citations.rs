//! Citations: two free texts cite the same sources: the set of what the route's patterns find, or else of web addresses, `[1]`,
//! `[1, 2]`, `[doc3]`, `[^note]` and `【…】` outside code. The score is F1 of the two sets. It fails under the route's
//! threshold, by default where anything differs, and where the candidate cites what neither the request holds nor the
//! primary cites. On one side alone what is cited must stand in the request. It applies to routes that ask for it; where neither text
//! cites anything: `na`.

use std::{collections::BTreeSet, sync::LazyLock};

use crossfade_exchange::{DifferenceKind, Severity};
use regex::Regex;

use super::Weighed;
use crate::{
    context::Context,
    finding::Finding,
    multiset::Overlap,
    settings::{CitationSettings, SettingsError},
};

/// Of a text, the bytes that are searched.
const MOST_BYTES: usize = 256 * 1024;
/// Of a text, the citations that count.
const MOST_CITATIONS: usize = 1024;

/// `[1]`, `[1, 2]`, `[doc3]`, `[^note]`; `【…】`; web addresses.
static USUAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"\[((?:\^[^\]\s]{1,40})|(?:[A-Za-z]{1,12}[ _-]?)?[0-9]{1,4}(?:\s*[,;]\s*[0-9]{1,4})*)\]",
        r"|【([^】\n]{1,200})】",
        r#"|(https?://[^\s)\]>"'】`|]+)"#,
    ))
    .ok()
});

/// What a route takes for a citation.
#[derive(Debug)]
pub(crate) struct CitationRule {
    /// Without any: the usual ones.
    patterns: Vec<Regex>,
    threshold: f64,
}

// === impl CitationRule ===

impl CitationRule {
    /// Compiles settings.
    pub(crate) fn compile(settings: &CitationSettings) -> Result<Self, SettingsError> {
        let patterns = settings.patterns.iter().map(|pattern| {
            Regex::new(pattern).map_err(|why| SettingsError::Citation(pattern.clone(), why))
        });
        Ok(Self {
            patterns: patterns.collect::<Result<_, _>>()?,
            threshold: settings.threshold.unwrap_or(1.0),
        })
    }

    /// What a text cites.
    fn find(&self, text: &str) -> BTreeSet<String> {
        let text = text
            .split_at_checked(text.floor_char_boundary(MOST_BYTES))
            .map_or(text, |(head, _)| head);
        let prose = without_code(text);
        let usual = self.patterns.is_empty().then_some(&*USUAL);
        let patterns = self.patterns.iter().chain(usual.and_then(Option::as_ref));
        let mut cited = BTreeSet::new();
        for pattern in patterns {
            for found in pattern.captures_iter(&prose) {
                let whole = found.get(0);
                let Some(place) = found.iter().skip(1).flatten().next().or(whole) else {
                    continue;
                };
                for source in sources(place.as_str()) {
                    if cited.len() >= MOST_CITATIONS {
                        return cited;
                    }
                    cited.insert(source);
                }
            }
        }
        cited
    }
}

/// Judges one side: what is cited must stand in the request.
pub(crate) fn own(rule: &CitationRule, context: Option<&Context>, text: &str) -> Finding {
    let cited = rule.find(text);
    let Some(context) = context.filter(|context| !context.is_empty() && !cited.is_empty()) else {
        return Finding::na();
    };
    let invented = cited
        .iter()
        .filter(|source| !holds(context, source))
        .count();
    if invented == 0 {
        return Finding::pass();
    }
    let score = crate::finding::share(cited.len() - invented, cited.len());
    let told = format!("{invented} of {} cited are not in the request", cited.len());
    Finding::fail_with(score, told)
}

/// Compares what two free texts cite.
pub(crate) fn pair(
    rule: &CitationRule,
    context: Option<&Context>,
    primary: &str,
    candidate: &str,
) -> Weighed {
    let (from, to) = (rule.find(primary), rule.find(candidate));
    let overlap = Overlap::of(&from, &to);
    if overlap.is_empty() {
        return Weighed::new(Finding::na(), Severity::Major);
    }
    let Overlap { missing, extra, .. } = overlap;
    let invented = context.map_or(0, |context| {
        to.difference(&from)
            .filter(|source| !holds(context, source))
            .count()
    });
    if overlap.f1() >= rule.threshold && invented == 0 {
        let finding = Finding::pass().scored(overlap.f1());
        return Weighed::new(finding, Severity::Major);
    }
    let told = match invented {
        0 => format!("{missing} missing, {extra} extra"),
        _ => format!("{missing} missing, {extra} extra, {invented} not in the request"),
    };
    let mut finding = Finding::fail_with(overlap.f1(), told);
    if missing > 0 {
        finding = finding.at("text.citations", DifferenceKind::Missing);
    }
    if extra > 0 {
        finding = finding.at("text.citations", DifferenceKind::Extra);
    }
    if invented > 0 {
        finding = finding.at("text.citations.invented", DifferenceKind::Extra);
    }
    Weighed::new(finding, Severity::Major)
}

/// Whether the request holds a source.
fn holds(context: &Context, source: &str) -> bool {
    context.holds_value(source) || context.holds_phrase(source)
}

/// The sources that one citation names, in their one form.
fn sources(cited: &str) -> Vec<String> {
    if let Some((_, link)) = cited.split_once("://") {
        let link = link.trim_end_matches(['.', ',', ';', ':', '!', '?', '/']);
        return vec![link.strip_prefix("www.").unwrap_or(link).to_lowercase()];
    }
    let numbers = cited
        .split([',', ';'])
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let several = numbers
        .clone()
        .all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let normal = |text: &str| text.trim().trim_start_matches('^').to_lowercase();
    if several {
        numbers.map(normal).collect()
    } else {
        vec![normal(cited)]
    }
}

/// A text without its blocks of code, in which brackets are indices.
fn without_code(text: &str) -> String {
    let mut in_code = false;
    let prose = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !fence && !in_code
    });
    prose.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule(patterns: &[&str], threshold: Option<f64>) -> CitationRule {
        let patterns = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        CitationRule::compile(&CitationSettings {
            patterns,
            threshold,
        })
        .unwrap()
    }

    fn told(finding: &Finding) -> String {
        let evidence = finding.evidence.as_deref().unwrap_or("-");
        format!("{} {:.2} {evidence}", finding.outcome, finding.score)
    }

    #[test]
    fn sources_are_found() {
        let check = |text: &str, expected: &str| {
            let found: Vec<String> = rule(&[], None).find(text).into_iter().collect();
            assert_eq!(found.join(" "), expected, "{text}");
        };
        check("It is so [1]. And so [2][3].", "1 2 3");
        check("It is so [1, 4; 12].", "1 12 4");
        check("It is so [doc3] [Doc 3] [^a-note].", "a-note doc 3 doc3");
        check("It is so 【4:0†source】.", "4:0†source");
        check(
            "See https://www.Example.com/a/. And (http://example.com/a)",
            "example.com/a",
        );
        check("[link](https://example.com)", "example.com");
        check("a[x] [TODO] [see below]", "");
        check("```\na[1]\n```\n[2]", "2");
        let own = rule(&[r"\(source: ([^)]+)\)"], None);
        let found: Vec<String> = own
            .find("It is (source: Q3 Report) [1]")
            .into_iter()
            .collect();
        assert_eq!(found, ["q3 report"]);
    }

    #[test]
    fn patterns_that_do_not_compile_are_refused() {
        let settings = CitationSettings {
            patterns: vec!["(".to_owned()],
            threshold: None,
        };
        let error = CitationRule::compile(&settings).unwrap_err().to_string();
        assert!(error.starts_with("citations.patterns: \"(\""), "{error}");
    }

    #[test]
    fn both_cite_the_same() {
        let check = |primary: &str, candidate: &str, expected: &str| {
            let found = pair(&rule(&[], None), None, primary, candidate).finding;
            assert_eq!(told(&found), expected, "{candidate}");
        };
        check("a", "b", "na 0.00 -");
        check("a [1] b [2]", "c [2] [1]", "pass 1.00 -");
        check("a [1] b [2]", "c [2]", "fail 0.67 1 missing, 0 extra");
        check("a [1]", "c", "fail 0.00 1 missing, 0 extra");
        let loose = pair(&rule(&[], Some(0.5)), None, "a [1] [2]", "c [2]").finding;
        assert_eq!(told(&loose), "pass 0.67 -");
    }

    #[test]
    fn what_is_cited_stands_in_the_request() {
        let context = Context::of("[1] The first. [2] The second. See https://example.com/a.");
        let check = |candidate: &str, alone: &str, beside: &str| {
            let rule = rule(&[], Some(0.5));
            assert_eq!(
                told(&own(&rule, Some(&context), candidate)),
                alone,
                "{candidate}"
            );
            let found = pair(&rule, Some(&context), "so [1] [2]", candidate).finding;
            assert_eq!(told(&found), beside, "{candidate}");
        };
        check("so [1] [2]", "pass 1.00 -", "pass 1.00 -");
        check("so [2]", "pass 1.00 -", "pass 0.67 -");
        check(
            "https://www.example.com/a/ [1] [2]",
            "pass 1.00 -",
            "pass 0.80 -",
        );
        check(
            "so [1] [2] [7]",
            "fail 0.67 1 of 3 cited are not in the request",
            "fail 0.80 0 missing, 1 extra, 1 not in the request",
        );
        check("so", "na 0.00 -", "fail 0.00 2 missing, 0 extra");
        let nothing = own(&rule(&[], None), None, "so [1]");
        assert_eq!(told(&nothing), "na 0.00 -");
    }

    proptest! {
        #[test]
        fn citations_are_symmetric(a in "[\\[\\]1-4a ,]{0,30}", b in "[\\[\\]1-4a ,]{0,30}") {
            let rule = rule(&[], None);
            let (there, back) = (pair(&rule, None, &a, &b).finding, pair(&rule, None, &b, &a).finding);
            prop_assert_eq!((there.outcome, there.score.to_bits()), (back.outcome, back.score.to_bits()));
            prop_assert!(!pair(&rule, None, &a, &a).finding.failed());
        }
    }
}
