//! Golden cases out of kept exchanges. What is kept has been redacted already; a person's verdict says which answer is good,
//! and so what a new one is held against. Which exchanges are taken is drawn from strata (route, risk, length, tool), so that
//! the rare ones are there, and by a seed, so that the same exchanges give the same set.

use std::collections::BTreeMap;

use crossfade_exchange::{
    Ending, Operation, ReviewReason, ReviewVerdict, RouteId, SizeClass, VerdictClass,
};
use serde_json::{Value, json};

use crate::{canonical::sha256, case::Case, import::Unsupported};

/// A kept exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its id.
    pub id: String,
    /// The route.
    pub route: RouteId,
    /// What was asked for.
    pub operation: Operation,
    /// The request's body, redacted; null if it is gone.
    pub request: Value,
    /// What the primary answered.
    pub primary: Option<KeptAnswer>,
    /// What the candidate answered.
    pub candidate: Option<KeptAnswer>,
    /// What the checks say of the pair.
    pub class: Option<VerdictClass>,
    /// A person's word, if there is one.
    pub review: Option<ReviewVerdict>,
    /// Why a person was asked.
    pub reasons: Vec<ReviewReason>,
    /// The signature of its differences.
    pub signature: Option<String>,
}

/// What one side answered.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptAnswer {
    /// The status code.
    pub status: Option<u16>,
    /// How it ended.
    pub ending: Ending,
    /// The body, redacted and put together.
    pub body: Value,
}

/// Which exchanges are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureOptions {
    /// The most cases.
    pub limit: usize,
    /// Only those that a person has decided.
    pub reviewed: bool,
    /// What the draw begins with.
    pub seed: u64,
}

/// What was captured.
#[derive(Debug, Default)]
pub struct Capture {
    /// The cases, by stratum and draw.
    pub cases: Vec<Case>,
    /// Exchanges that cannot be cases, and why.
    pub left_out: Vec<Unsupported>,
    /// Exchanges that could have been cases and are over the limit.
    pub over: usize,
}

/// How grave a mistake on this exchange would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Risk {
    High,
    Usual,
}

/// Like exchanges.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Stratum {
    risk: Risk,
    route: String,
    tool: String,
    length: usize,
}

/// Takes cases from kept exchanges: one of each stratum in turn, the risky ones first, until the limit.
pub fn select(kept: Vec<Kept>, options: &CaptureOptions) -> Capture {
    let mut capture = Capture::default();
    let mut strata: BTreeMap<Stratum, Vec<(String, Case)>> = BTreeMap::new();
    for exchange in kept {
        let stratum = Stratum::of(&exchange);
        match case(&exchange, &stratum, options.reviewed) {
            Ok(case) => {
                let draw = sha256(&format!("{}\n{}", options.seed, exchange.id));
                strata.entry(stratum).or_default().push((draw, case));
            }
            Err(what) => capture.left_out.push(Unsupported {
                place: exchange.id,
                what,
            }),
        }
    }
    let mut rows: Vec<_> = strata
        .into_values()
        .map(|mut cases| {
            cases.sort_by(|one, other| one.0.cmp(&other.0));
            cases.into_iter().map(|(_, case)| case)
        })
        .collect();
    loop {
        let round: Vec<Case> = rows.iter_mut().filter_map(Iterator::next).collect();
        if round.is_empty() {
            break;
        }
        for case in round {
            if capture.cases.len() < options.limit {
                capture.cases.push(case);
            } else {
                capture.over += 1;
            }
        }
    }
    capture
}

/// The case of an exchange; or why it cannot be one.
fn case(kept: &Kept, stratum: &Stratum, reviewed: bool) -> Result<Case, String> {
    if kept.request.is_null() {
        return Err("its bodies are no longer kept".to_owned());
    }
    if reviewed && kept.review.is_none() {
        return Err("nobody has reviewed it".to_owned());
    }
    let (good, side, worst) = good_answer(kept)?;
    let usable = good.ending == Ending::Complete
        && good
            .status
            .is_some_and(|status| (200..300).contains(&status))
        && good.body.is_object();
    if !usable {
        return Err(format!("the {side}'s answer is no whole answer"));
    }
    let mut request = kept.request.clone();
    if let Value::Object(members) = &mut request {
        // What the baseline is held against came whole.
        members.remove("stream_options");
        members.remove("stream");
    }
    let metadata = json!({
        "captured": kept.id,
        "good": side,
        "review": kept.review,
        "class": kept.class,
        "reasons": kept.reasons,
        "signature": kept.signature,
        "risk": stratum.risk.as_str(),
        "tool": stratum.tool,
    });
    let severity = match stratum.risk {
        Risk::High => "blocker",
        Risk::Usual => "major",
    };
    let written = json!({
        "id": format!("{}-{}", kept.route, kept.id),
        "route": kept.route,
        "operation": kept.operation,
        "request": request,
        "assert": [{"type": "matches-baseline", "value": worst}],
        "baseline": {"response": good.body},
        "severity": severity,
        "metadata": metadata,
    });
    Case::read(written).map_err(|problems| {
        problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ")
    })
}

/// The answer that is good, whose it is, and the worst class that a new one may have against it.
fn good_answer(kept: &Kept) -> Result<(&KeptAnswer, &'static str, VerdictClass), String> {
    let (side, worst) = match kept.review {
        Some(ReviewVerdict::CandidateBetter) => ("candidate", VerdictClass::DifferentMinor),
        Some(ReviewVerdict::CandidateWorse | ReviewVerdict::Same) => {
            ("primary", VerdictClass::DifferentMinor)
        }
        Some(ReviewVerdict::Acceptable) => ("primary", VerdictClass::DifferentMajor),
        Some(ReviewVerdict::BothWrong) => {
            return Err("both answers are wrong: there is none to match".to_owned());
        }
        None => match kept.class {
            Some(VerdictClass::Equal | VerdictClass::Equivalent) => {
                ("primary", VerdictClass::DifferentMinor)
            }
            Some(
                VerdictClass::DifferentMinor
                | VerdictClass::DifferentMajor
                | VerdictClass::CandidateInvalid
                | VerdictClass::CandidateError
                | VerdictClass::PrimaryBad
                | VerdictClass::BothBad
                | VerdictClass::Incomparable,
            )
            | None => {
                return Err(
                    "the answers differ and nobody has said which is good: review it".to_owned(),
                );
            }
        },
    };
    let answer = if side == "candidate" {
        &kept.candidate
    } else {
        &kept.primary
    };
    let answer = answer
        .as_ref()
        .ok_or_else(|| format!("the {side} did not answer"))?;
    Ok((answer, side, worst))
}

// === impl Stratum ===

impl Stratum {
    fn of(kept: &Kept) -> Self {
        let bytes = kept.request.to_string().len();
        Self {
            risk: Risk::of(kept),
            route: kept.route.to_string(),
            tool: tool(kept),
            length: SizeClass::of(bytes).index(),
        }
    }
}

/// The first tool that either side calls.
fn tool(kept: &Kept) -> String {
    let called = |answer: &KeptAnswer| {
        let body = &answer.body;
        let chat = body.pointer("/choices/0/message/tool_calls/0/function/name");
        let mut items = body
            .get("output")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let call = items.find(|item| item.get("type").is_some_and(|kind| kind == "function_call"));
        let name = chat.or_else(|| call.and_then(|call| call.get("name")));
        name.and_then(Value::as_str).map(str::to_owned)
    };
    let answers = [&kept.primary, &kept.candidate];
    answers
        .into_iter()
        .flatten()
        .find_map(called)
        .unwrap_or_default()
}

// === impl Risk ===

impl Risk {
    fn of(kept: &Kept) -> Self {
        let grave = kept.reasons.iter().any(|reason| match reason {
            ReviewReason::RiskyLabel
            | ReviewReason::RefusalFlip
            | ReviewReason::SideEffectingTool => true,
            ReviewReason::JudgeContradiction
            | ReviewReason::ChecksContradict
            | ReviewReason::LowSimilarity
            | ReviewReason::NewSignature
            | ReviewReason::RandomAgreement
            | ReviewReason::Requested
            | ReviewReason::Drawn => false,
        });
        if grave || kept.review == Some(ReviewVerdict::CandidateWorse) {
            Self::High
        } else {
            Self::Usual
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Usual => "usual",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> KeptAnswer {
        KeptAnswer {
            status: Some(200),
            ending: Ending::Complete,
            body: json!({"id": "x", "object": "chat.completion",
                "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}]}),
        }
    }

    fn kept(id: &str, review: Option<ReviewVerdict>) -> Kept {
        Kept {
            id: id.to_owned(),
            route: RouteId::new("support"),
            operation: Operation::Chat,
            request: json!({"messages": [{"role": "user", "content": "Hi"}], "stream": true}),
            primary: Some(answer("of the primary")),
            candidate: Some(answer("of the candidate")),
            class: Some(VerdictClass::DifferentMajor),
            review,
            reasons: vec![ReviewReason::NewSignature],
            signature: None,
        }
    }

    fn options(limit: usize) -> CaptureOptions {
        CaptureOptions {
            limit,
            reviewed: false,
            seed: 7,
        }
    }

    #[test]
    fn a_persons_verdict_says_what_is_good() {
        let check = |review: ReviewVerdict, good: Option<&str>, worst: &str, severity: &str| {
            let mut capture = select(vec![kept("e1", Some(review))], &options(9));
            let Some(good) = good else {
                assert_eq!(
                    (capture.cases.len(), capture.left_out.len()),
                    (0, 1),
                    "{review}"
                );
                return;
            };
            let case = capture.cases.remove(0);
            let written = case.written();
            assert_eq!(
                written["baseline"]["response"]["choices"][0]["message"]["content"], good,
                "{review}"
            );
            assert_eq!(
                written["assert"],
                json!([{"type": "matches-baseline", "value": worst}]),
                "{review}"
            );
            assert_eq!(
                (&written["severity"], &written["metadata"]["review"]),
                (&json!(severity), &json!(review))
            );
            assert!(!case.streamed());
        };
        check(
            ReviewVerdict::CandidateWorse,
            Some("of the primary"),
            "different_minor",
            "blocker",
        );
        check(
            ReviewVerdict::Same,
            Some("of the primary"),
            "different_minor",
            "major",
        );
        check(
            ReviewVerdict::CandidateBetter,
            Some("of the candidate"),
            "different_minor",
            "major",
        );
        check(
            ReviewVerdict::Acceptable,
            Some("of the primary"),
            "different_major",
            "major",
        );
        check(ReviewVerdict::BothWrong, None, "", "");
    }

    #[test]
    fn what_cannot_be_a_case_is_left_out_by_name() {
        let check = |change: fn(&mut Kept), expected: &str| {
            let mut exchange = kept("e1", Some(ReviewVerdict::Same));
            change(&mut exchange);
            let capture = select(
                vec![exchange],
                &CaptureOptions {
                    reviewed: true,
                    ..options(9)
                },
            );
            let shown: Vec<String> = capture.left_out.iter().map(ToString::to_string).collect();
            assert!(
                shown.len() == 1 && shown[0].contains(expected),
                "{expected}: {shown:?}"
            );
        };
        check(
            |kept| kept.request = Value::Null,
            "e1: its bodies are no longer kept",
        );
        check(|kept| kept.review = None, "nobody has reviewed it");
        check(|kept| kept.primary = None, "the primary did not answer");
        check(
            |kept| kept.primary.as_mut().unwrap().status = Some(429),
            "the primary's answer is no whole answer",
        );
        check(
            |kept| kept.primary.as_mut().unwrap().ending = Ending::Broken,
            "the primary's answer is no whole answer",
        );
        check(
            |kept| kept.request = json!({"messages": []}),
            "request.messages: ",
        );
        let unreviewed = select(vec![kept("e1", None)], &options(9));
        assert!(unreviewed.left_out[0].what.contains("review it"));
        let mut equal = kept("e1", None);
        equal.class = Some(VerdictClass::Equal);
        assert_eq!(select(vec![equal], &options(9)).cases.len(), 1);
    }

    #[test]
    fn strata_are_taken_in_turn_and_the_draw_is_the_seeds() {
        let mut all: Vec<Kept> = (0..20)
            .map(|n| kept(&format!("e{n}"), Some(ReviewVerdict::Same)))
            .collect();
        let mut rare = kept("rare", Some(ReviewVerdict::Same));
        rare.reasons = vec![ReviewReason::RefusalFlip];
        all.push(rare);
        let mut tool = kept("tool", Some(ReviewVerdict::Same));
        let call = json!([{"id": "1", "type": "function", "function": {"name": "find", "arguments": "{}"}}]);
        tool.candidate.as_mut().unwrap().body["choices"][0]["message"]["tool_calls"] = call;
        all.push(tool);
        let ids = |capture: &Capture| {
            capture
                .cases
                .iter()
                .map(|case| case.id.clone())
                .collect::<Vec<_>>()
        };
        let taken = select(all.clone(), &options(4));
        assert_eq!((taken.cases.len(), taken.over), (4, 18));
        assert_eq!(taken.cases[0].id, "support-rare");
        assert!(
            ids(&taken).contains(&"support-tool".to_owned()),
            "{:?}",
            ids(&taken)
        );
        all.reverse();
        assert_eq!(ids(&select(all.clone(), &options(4))), ids(&taken));
        let other = select(
            all,
            &CaptureOptions {
                seed: 8,
                ..options(4)
            },
        );
        assert_ne!(ids(&other), ids(&taken));
    }
}
