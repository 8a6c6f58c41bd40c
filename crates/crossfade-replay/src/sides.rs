//! Where a side's answers come from: a live service, recordings, or nowhere. It asks nobody by itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crossfade_compare::Price;
use crossfade_exchange::{BoxError, Operation, Side, SideRequest, SideResponse};
use tower::util::BoxCloneSyncService;

use crate::{
    answer::{CaseAnswer, RecordedAnswer},
    case::Case,
    dataset::Dataset,
    meaning::{BEGINNING, RecordedCosine},
};

/// A service with a side's face.
pub type SideService = BoxCloneSyncService<SideRequest, SideResponse, BoxError>;

/// A side that is asked.
#[derive(Clone)]
pub struct LiveSide {
    /// Who answers.
    pub service: SideService,
    /// What is asked, such as an endpoint with its deployment or a model with a digest of what is changed for it: a run is
    /// only resumed with the same. Never a secret.
    pub identity: String,
    /// What its tokens cost, if that is configured.
    pub price: Option<Price>,
    /// The deployment that requests name.
    pub deployment: String,
    /// The `api-version` of dated paths.
    pub api_version: String,
}

/// Where a side's answers come from.
#[derive(Clone, Debug)]
pub enum SideSource {
    /// It is not part of the run.
    Absent,
    /// From recordings, the cases' own or those of a file.
    Recorded,
    /// It is asked.
    Live(LiveSide),
}

/// Both sides of a run.
#[derive(Clone, Debug)]
pub struct Sides {
    /// The side that is known good.
    pub primary: SideSource,
    /// The side under test.
    pub candidate: SideSource,
}

/// One asking: of a case by its position in the data set, of a side, and which repeat from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asking {
    /// The case's position in the data set.
    pub case: usize,
    /// Which repeat, from 0.
    pub repeat: u32,
    /// Who is asked.
    pub side: Side,
}

/// Answers by what they are the answer to, in the data set's order.
pub type Answers = BTreeMap<Asking, CaseAnswer>;

/// Recordings of a file, by case.
#[derive(Clone, Debug, Default)]
pub struct Recordings {
    answers: BTreeMap<(String, Side, u32), RecordedAnswer>,
    cosines: Vec<RecordedCosine>,
}

/// Recordings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordingsError {
    /// A line that is no recording.
    #[error("line {line}: {why}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// Two recordings of the same asking.
    #[error("line {line}: {case} of the {side}, repeat {repeat}, is recorded twice: remove one")]
    Twice {
        /// The line, from 1.
        line: usize,
        /// The case's id.
        case: String,
        /// The side.
        side: Side,
        /// The repeat.
        repeat: u32,
    },
    /// A recording of a request that the case no longer makes.
    #[error(
        "{case}: the {side}'s answer was recorded for another request than the data set's: record it again"
    )]
    Stale {
        /// The case's id.
        case: String,
        /// The side.
        side: Side,
    },
}

// === impl LiveSide ===

impl fmt::Debug for LiveSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveSide")
            .field("identity", &self.identity)
            .field("deployment", &self.deployment)
            .finish_non_exhaustive()
    }
}

impl LiveSide {
    /// The path and query of a request of this kind. Responses have only undated paths here, and name the deployment in
    /// their body.
    pub(crate) fn target(&self, operation: Operation) -> String {
        let Self {
            deployment,
            api_version,
            ..
        } = self;
        match operation {
            Operation::Chat => format!(
                "/openai/deployments/{deployment}/chat/completions?api-version={api_version}"
            ),
            Operation::Embeddings => {
                format!("/openai/deployments/{deployment}/embeddings?api-version={api_version}")
            }
            Operation::Responses => "/openai/v1/responses".to_owned(),
        }
    }
}

// === impl SideSource ===

impl SideSource {
    /// What is asked, in words that stay the same for the same thing.
    pub fn identity(&self) -> &str {
        match self {
            Self::Absent => "none",
            Self::Recorded => "recorded",
            Self::Live(live) => &live.identity,
        }
    }

    /// The live side, if it is one.
    pub fn live(&self) -> Option<&LiveSide> {
        match self {
            Self::Absent | Self::Recorded => None,
            Self::Live(live) => Some(live),
        }
    }
}

// === impl Sides ===

impl Sides {
    /// Where a side's answers come from.
    pub const fn of(&self, side: Side) -> &SideSource {
        match side {
            Side::Primary => &self.primary,
            Side::Candidate => &self.candidate,
        }
    }
}

// === impl Recordings ===

impl Recordings {
    /// Reads recordings, one a line. Blank lines and a run's own heading are passed over.
    pub fn parse(text: &str) -> Result<Self, RecordingsError> {
        let mut answers = BTreeMap::new();
        let mut cosines = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            if line.trim().is_empty() || line.starts_with("{\"format\":") {
                continue;
            }
            let unread = |error: serde_json::Error| RecordingsError::Line {
                line: number,
                why: error.to_string(),
            };
            if line.starts_with(BEGINNING) {
                cosines.push(serde_json::from_str(line).map_err(unread)?);
                continue;
            }
            let recorded: RecordedAnswer = serde_json::from_str(line).map_err(unread)?;
            let key = (recorded.case.clone(), recorded.side, recorded.repeat);
            let (case, side, repeat) = key.clone();
            if answers.insert(key, recorded).is_some() {
                return Err(RecordingsError::Twice {
                    line: number,
                    case,
                    side,
                    repeat,
                });
            }
        }
        Ok(Self { answers, cosines })
    }

    /// Of answers that a journal kept.
    pub(crate) fn of(answers: Vec<RecordedAnswer>) -> Self {
        let key = |kept: &RecordedAnswer| (kept.case.clone(), kept.side, kept.repeat);
        let answers = answers.into_iter().map(|kept| (key(&kept), kept));
        Self {
            answers: answers.collect(),
            cosines: Vec::new(),
        }
    }

    /// The answer to an asking, of this file alone.
    pub(crate) fn kept(&self, case: &str, side: Side, repeat: u32) -> Option<&CaseAnswer> {
        let found = self.answers.get(&(case.to_owned(), side, repeat));
        found.map(|kept| &kept.answer)
    }

    /// The cosines that were recorded beside them.
    pub fn cosines(&self) -> &[RecordedCosine] {
        &self.cosines
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// Cases that recordings speak of and the data set does not.
    pub fn unknown(&self, dataset: &Dataset) -> BTreeSet<&str> {
        let known: BTreeSet<&str> = dataset.cases.iter().map(|case| case.id.as_str()).collect();
        let named = self.answers.keys().map(|(case, _, _)| case.as_str());
        named.filter(|case| !known.contains(case)).collect()
    }

    /// The answer to an asking: from this file, from the case itself, or for the primary's first the case's baseline.
    pub fn find(
        &self,
        case: &Case,
        side: Side,
        repeat: u32,
    ) -> Result<Option<CaseAnswer>, RecordingsError> {
        if let Some(recorded) = self.answers.get(&(case.id.clone(), side, repeat)) {
            if recorded
                .request
                .as_ref()
                .is_some_and(|request| *request != request_digest(case))
            {
                return Err(RecordingsError::Stale {
                    case: case.id.clone(),
                    side,
                });
            }
            return Ok(Some(recorded.answer.clone()));
        }
        let own = match side {
            Side::Primary => &case.recorded.primary,
            Side::Candidate => &case.recorded.candidate,
        };
        let at = usize::try_from(repeat).ok();
        let found = at.and_then(|at| own.get(at));
        let baseline = (side == Side::Primary && repeat == 0 && own.is_empty())
            .then_some(case.baseline.as_ref().map(|baseline| &baseline.answer))
            .flatten();
        Ok(found.or(baseline).cloned())
    }
}

/// SHA-256 of the request a case makes, in lower-case hexadecimal.
pub fn request_digest(case: &Case) -> String {
    case.request_sha256()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn dataset() -> Dataset {
        let case = json!({
            "id": "a",
            "request": {"messages": [{"role": "user", "content": "x"}]},
            "baseline": {"response": {"says": "baseline"}},
            "recorded": {"candidate": [{"response": {"says": 0}}, {"response": {"says": 1}}]},
        });
        Dataset::parse(case.to_string().as_bytes()).unwrap()
    }

    fn line(case: &str, side: &str, repeat: u32, request: Option<&str>) -> String {
        json!({"case": case, "side": side, "repeat": repeat, "request": request,
            "answer": {"response": {"says": "file"}}})
        .to_string()
    }

    fn check(file: &str, side: Side, repeat: u32, says: Option<&serde_json::Value>) {
        let recordings = Recordings::parse(file).unwrap();
        let found = recordings.find(&dataset().cases[0], side, repeat).unwrap();
        let said = found.map(|answer| answer.response.unwrap()["says"].clone());
        assert_eq!(said.as_ref(), says, "{file} {side} {repeat}");
    }

    #[test]
    fn a_file_stands_before_the_case_and_that_before_the_baseline() {
        check("", Side::Primary, 0, Some(&json!("baseline")));
        check("", Side::Primary, 1, None);
        check("", Side::Candidate, 1, Some(&json!(1)));
        check("", Side::Candidate, 2, None);
        let file = line("a", "candidate", 1, None);
        check(&file, Side::Candidate, 1, Some(&json!("file")));
        check(&file, Side::Candidate, 0, Some(&json!(0)));
        check(
            &line("a", "primary", 0, None),
            Side::Primary,
            0,
            Some(&json!("file")),
        );
    }

    #[test]
    fn recordings_that_are_refused() {
        let twice = [line("a", "primary", 0, None), line("a", "primary", 0, None)].join("\n");
        for (file, part) in [
            ("{}", "line 1: missing field `case`"),
            ("\n{\"case\":1}", "line 2: "),
            (
                twice.as_str(),
                "line 2: a of the primary, repeat 0, is recorded twice",
            ),
        ] {
            let error = Recordings::parse(file).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        let stale = Recordings::parse(&line("a", "primary", 0, Some("00"))).unwrap();
        let error = stale
            .find(&dataset().cases[0], Side::Primary, 0)
            .unwrap_err();
        assert!(error.to_string().contains("record it again"), "{error}");
        let digest = dataset().cases[0].request_sha256();
        let fresh = Recordings::parse(&line("a", "primary", 0, Some(&digest))).unwrap();
        assert!(
            fresh
                .find(&dataset().cases[0], Side::Primary, 0)
                .unwrap()
                .is_some()
        );
    }

    #[test]
    fn a_journal_is_a_file_of_recordings_too() {
        let heading = "{\"format\":1,\"dataset\":\"d\",\"route\":\"r\",\"primary\":\"p\",\"candidate\":\"c\"}";
        let end = "{\"format\":1,\"finished\":true}";
        let text = [heading, &line("b", "primary", 0, None), end, ""].join("\n");
        let recordings = Recordings::parse(&text).unwrap();
        assert_eq!(recordings.len(), 1);
        assert_eq!(
            recordings
                .unknown(&dataset())
                .into_iter()
                .collect::<Vec<_>>(),
            ["b"]
        );
    }
}
