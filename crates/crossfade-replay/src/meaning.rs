//! How near texts are in meaning: which cosines of embeddings a run's judgement needs, and those that it was given. Asks nobody.
//!
//! An endpoint does not give the same vectors twice to the last digit. So cosines are kept like answers, beside them: a run
//! that goes on, and a later one with recorded answers, judges by the same numbers.

use std::collections::BTreeMap;

use crossfade_compare::Checks;
use crossfade_exchange::{Opinions, Role, Side};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    answer::CaseAnswer,
    assertion::{Cosine, answer_text, texts_to_embed},
    canonical::sha256,
    case::Case,
    dataset::Dataset,
    run::repeats,
    sides::{Answers, Asking},
};

/// Two texts; which stands first does not matter.
pub type Texts = [String; 2];

/// How a kept cosine's line begins, among lines of answers.
pub(crate) const BEGINNING: &str = "{\"cosine\":";

/// A cosine as it is kept: a line of a journal or of a file of recordings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedCosine {
    /// The cosine, -1..=1, to the millionth. It stands first: by that such a line is known.
    pub cosine: f64,
    /// SHA-256 of both texts.
    pub texts: String,
    /// Whose embeddings these are.
    pub model: String,
}

/// The cosines of a run.
#[derive(Clone, Debug, Default)]
pub struct Cosines {
    known: BTreeMap<String, RecordedCosine>,
    /// Why others have none.
    missing: BTreeMap<String, String>,
}

// === impl RecordedCosine ===

impl RecordedCosine {
    /// The cosine that a model gave for two texts.
    pub fn new(texts: &Texts, cosine: f64, model: &str) -> Self {
        let [a, b] = texts;
        Self {
            cosine: (cosine * 1e6).round() / 1e6,
            texts: digest(a, b),
            model: model.to_owned(),
        }
    }
}

// === impl Cosines ===

impl Cosines {
    /// Those of a model among kept ones; of any, where no model is at hand to make others.
    pub fn of<'k>(kept: impl IntoIterator<Item = &'k RecordedCosine>, model: Option<&str>) -> Self {
        let mut cosines = Self::default();
        for cosine in kept {
            if model.is_none_or(|model| model == cosine.model) {
                cosines.keep(cosine.clone());
            }
        }
        cosines
    }

    /// Takes one in.
    pub fn keep(&mut self, cosine: RecordedCosine) {
        self.missing.remove(&cosine.texts);
        self.known.insert(cosine.texts.clone(), cosine);
    }

    /// There is none of these texts, and why.
    pub fn lack(&mut self, texts: &Texts, why: String) {
        let [a, b] = texts;
        self.missing.insert(digest(a, b), why);
    }

    /// Whether there is one of these texts.
    pub fn knows(&self, texts: &Texts) -> bool {
        let [a, b] = texts;
        self.known.contains_key(&digest(a, b))
    }

    /// All that are known, in an order that does not depend on when they came.
    pub fn known(&self) -> impl Iterator<Item = &RecordedCosine> {
        self.known.values()
    }

    /// How many texts have none though they were asked about.
    pub fn lacking(&self) -> usize {
        self.missing.len()
    }

    /// The cosine of two texts, or why there is none.
    pub fn find(&self, a: &str, b: &str) -> Result<f64, String> {
        if a == b && !a.trim().is_empty() {
            return Ok(1.0);
        }
        let texts = digest(a, b);
        let why = || self.missing.get(&texts).cloned();
        match self.known.get(&texts) {
            Some(kept) => Ok(kept.cosine),
            None => Err(why().unwrap_or_else(|| NOWHERE.to_owned())),
        }
    }
}

/// Why a cosine is not known.
const NOWHERE: &str = "none was recorded for these texts; set [similarity] path, azure or bedrock in the configuration, and \
    name that with --config";

/// Whether any judgement of these cases needs cosines.
pub fn is_wanted(dataset: &Dataset, checks: &Checks) -> bool {
    let mut cases = dataset.cases.iter();
    checks.by_meaning() || cases.any(|case| !texts_to_embed(case).is_empty())
}

/// The texts whose cosines the judgement of these answers needs, each pair once: what `similar` expects against each answer
/// and, where the route judges by meaning, answers against each other and against the baseline.
pub fn wanted(dataset: &Dataset, checks: &Checks, repeat: u32, answers: &Answers) -> Vec<Texts> {
    let mut wanted = Wanted::default();
    for (index, case) in dataset.cases.iter().enumerate() {
        let expected = texts_to_embed(case);
        if expected.is_empty() && !checks.by_meaning() {
            continue;
        }
        let mut said: BTreeMap<(Side, u32), Option<String>> = BTreeMap::new();
        for repeat in 0..repeats(case, repeat) {
            for side in Side::ALL.iter().copied() {
                let asking = Asking {
                    case: index,
                    repeat,
                    side,
                };
                let Some(answer) = answers.get(&asking) else {
                    continue;
                };
                if let Some(text) = answer_text(case, answer, checks) {
                    for other in &expected {
                        wanted.add(other, &text);
                    }
                }
                said.insert((side, repeat), text(case, answer, checks));
            }
        }
        if checks.by_meaning() {
            let baseline = case.baseline.as_ref();
            let baseline = baseline.and_then(|baseline| text(case, &baseline.answer, checks));
            wanted.among(&said, baseline.as_deref());
        }
    }
    wanted.0.into_values().collect()
}

/// Pairs of texts, each once.
#[derive(Default)]
struct Wanted(BTreeMap<String, Texts>);

// === impl Wanted ===

impl Wanted {
    fn add(&mut self, a: &str, b: &str) {
        if a != b && ![a, b].iter().any(|text| text.trim().is_empty()) {
            let texts = || [a.to_owned(), b.to_owned()];
            self.0.entry(digest(a, b)).or_insert_with(texts);
        }
    }

    /// The answers to one case: each repeat's pair, each side's answers in a ring, and all against the baseline.
    fn among(&mut self, said: &BTreeMap<(Side, u32), Option<String>>, baseline: Option<&str>) {
        for side in Side::ALL.iter().copied() {
            let of_side = said.iter().filter(|((of, _), _)| *of == side);
            let own: Vec<&Option<String>> = of_side.map(|(_, text)| text).collect();
            for (one, next) in own.iter().zip(own.iter().cycle().skip(1)) {
                if let (Some(one), Some(next)) = (one, next) {
                    self.add(one, next);
                }
            }
        }
        for ((side, repeat), text) in said {
            let Some(text) = text else { continue };
            if let Some(baseline) = baseline {
                self.add(baseline, text);
            }
            let beside = said.get(&(side.other(), *repeat));
            if let Some(Some(beside)) = beside {
                self.add(text, beside);
            }
        }
    }
}

/// What models say of two answers to a case, where the route judges by meaning.
pub(crate) fn opinions(
    case: &Case,
    answers: [&CaseAnswer; 2],
    checks: &Checks,
    cosine: Option<Cosine<'_>>,
) -> Opinions {
    let found = || {
        let cosine = cosine.filter(|_| checks.by_meaning())?;
        let [a, b] = answers.map(|answer| text(case, answer, checks));
        cosine(&a?, &b?).ok()
    };
    Opinions {
        cosine: found(),
        ..Opinions::default()
    }
}

/// The text that an answer says, if it says some.
fn text(case: &Case, answer: &CaseAnswer, checks: &Checks) -> Option<String> {
    let recording = answer.recording(Side::Candidate, Role::Answering);
    let read = checks.read(case.operation, &case.request_bytes(), &recording);
    let text = read.ok()?.text;
    (!text.trim().is_empty()).then_some(text)
}

/// The same whichever text stands first, because a cosine is.
fn digest(a: &str, b: &str) -> String {
    let (first, second) = if a <= b { (a, b) } else { (b, a) };
    sha256(&Value::from(vec![first, second]).to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crossfade_compare::{CheckSettings, SemanticSimilaritySettings};

    fn says(text: &str) -> Value {
        json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": text, "refusal": null}}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        })
    }

    /// What is wanted of one case with a baseline that says `base` and these answers of the candidate.
    fn check(more: &Value, threshold: Option<f64>, said: &[&str], expected: &[[&str; 2]]) {
        let mut case = json!({
            "id": "a",
            "request": {"messages": [{"role": "user", "content": "x"}]},
            "baseline": {"response": says("base")},
        });
        for (key, value) in more.as_object().unwrap() {
            case[key] = value.clone();
        }
        let dataset = Dataset::parse(case.to_string().as_bytes()).unwrap();
        let settings = CheckSettings {
            semantic_similarity: SemanticSimilaritySettings { threshold },
            ..CheckSettings::default()
        };
        let checks = Checks::new(settings).unwrap();
        let answers = said.iter().enumerate().map(|(repeat, text)| {
            let asking = Asking {
                case: 0,
                repeat: u32::try_from(repeat).unwrap(),
                side: Side::Candidate,
            };
            (asking, CaseAnswer::of_response(says(text)))
        });
        let found = wanted(&dataset, &checks, 3, &answers.collect());
        let mut found: Vec<[&str; 2]> = found
            .iter()
            .map(|texts| {
                let mut texts = [texts[0].as_str(), texts[1].as_str()];
                texts.sort_unstable();
                texts
            })
            .collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{more} {threshold:?} {said:?}");
        assert!(found.is_empty() || is_wanted(&dataset, &checks));
    }

    #[test]
    fn what_is_wanted_is_what_judging_looks_up() {
        let similar = |value: Value| json!({"assert": [{"type": "similar", "value": value}]});
        check(&json!({}), None, &["one"], &[]);
        check(&similar(json!("w")), None, &["one"], &[["one", "w"]]);
        check(&similar(json!("w")), None, &["one", "one"], &[["one", "w"]]);
        check(&similar(json!("w")), None, &["w", " "], &[]);
        check(
            &similar(json!(["v", "w"])),
            None,
            &["one"],
            &[["one", "v"], ["one", "w"]],
        );
        check(&json!({}), Some(0.8), &["one"], &[["base", "one"]]);
        check(&json!({}), Some(0.8), &["base"], &[]);
        check(
            &json!({}),
            Some(0.8),
            &["one", "two"],
            &[["base", "one"], ["base", "two"], ["one", "two"]],
        );
    }

    #[test]
    fn cosines_are_found_whichever_text_stands_first() {
        let texts = ["a".to_owned(), "b".to_owned()];
        let kept = RecordedCosine::new(&texts, 0.123_456_789, "m");
        let line = serde_json::to_string(&kept).unwrap();
        assert!(line.starts_with(BEGINNING), "{line}");
        assert!(!line.contains("\"a\""), "{line}");
        let again: RecordedCosine = serde_json::from_str(&line).unwrap();
        assert_eq!(again, kept);
        let cosines = Cosines::of([&kept], Some("m"));
        assert_eq!(cosines.find("a", "b"), Ok(0.123_457));
        assert_eq!(cosines.find("b", "a"), Ok(0.123_457));
        assert_eq!(cosines.find("c", "c"), Ok(1.0));
        assert!(cosines.find(" ", " ").is_err());
        let other = Cosines::of([&kept], Some("n"));
        assert!(other.find("a", "b").unwrap_err().contains("[similarity]"));
        assert!(Cosines::of([&kept], None).knows(&texts));
    }

    #[test]
    fn why_there_is_none_is_said_until_there_is_one() {
        let texts = ["a".to_owned(), "b".to_owned()];
        let mut cosines = Cosines::default();
        cosines.lack(&texts, "asleep".to_owned());
        assert_eq!(cosines.find("b", "a"), Err("asleep".to_owned()));
        assert_eq!(cosines.lacking(), 1);
        cosines.keep(RecordedCosine::new(&texts, 0.5, "m"));
        assert_eq!(cosines.find("b", "a"), Ok(0.5));
        assert_eq!(cosines.lacking(), 0);
    }
}
