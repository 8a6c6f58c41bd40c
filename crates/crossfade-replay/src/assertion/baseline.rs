//! That an answer agrees with the case's baseline, by the same checks as a pair of live answers: the baseline stands where
//! the primary's answer stands.

use bytes::Bytes;
use crossfade_exchange::{
    AnswerReason, Assignment, Caller, Check, CheckOutcome, Exchange, Operation, Recording, Role,
    RouteId, Side, SizeClass, Verdict, VerdictClass,
};
use crossfade_openai::assemble::{assemble, assemble_response};

use serde_json::{Value, json};

use super::{Judged, Seen};
use crate::{answer::CaseAnswer, case::Case, meaning, object::Object};

/// How far an answer may differ from the baseline.
#[derive(Debug)]
pub(super) struct Baseline {
    /// The worst class that passes.
    worst: VerdictClass,
    /// Only these checks count, if there are any: then none of them may fail, whatever the class.
    checks: Vec<Check>,
    /// The least parity.
    threshold: Option<f64>,
}

/// The classes that may be allowed.
const ALLOWED: &[VerdictClass] = &[
    VerdictClass::Equal,
    VerdictClass::Equivalent,
    VerdictClass::DifferentMinor,
    VerdictClass::DifferentMajor,
];

impl Default for Baseline {
    fn default() -> Self {
        Self {
            worst: VerdictClass::DifferentMinor,
            checks: Vec::new(),
            threshold: None,
        }
    }
}

// === impl Baseline ===

impl Baseline {
    pub(super) fn read(object: &mut Object<'_>) -> Option<Self> {
        let worst = object.word("value", ALLOWED, |class: VerdictClass| class.as_str());
        let threshold = object.number("threshold", 0.0..=1.0);
        let names = object.strings("checks").unwrap_or_default();
        let mut checks = Vec::with_capacity(names.len());
        for name in &names {
            match name.parse::<Check>() {
                Ok(check) => checks.push(check),
                Err(why) => {
                    object.wrong("checks", why);
                    return None;
                }
            }
        }
        if worst.is_none() && object.has_problem("value") {
            return None;
        }
        Some(Self {
            worst: worst.unwrap_or(VerdictClass::DifferentMinor),
            checks,
            threshold,
        })
    }

    pub(super) fn judge(&self, seen: &Seen<'_>) -> Judged {
        let Some(baseline) = &seen.case.baseline else {
            return Judged::Error("the case has no baseline".to_owned());
        };
        if let Err(why) = &seen.read
            && seen.answer.is_missing()
        {
            return Judged::Error(format!("no answer: {why}"));
        }
        let exchange = exchange(seen.case, &baseline.answer, seen.answer);
        let checks = seen.context.checks;
        let both = [&baseline.answer, seen.answer];
        let opinions = meaning::opinions(seen.case, both, checks, seen.context.cosine);
        let verdict = checks.compare_with(&exchange, &opinions);
        self.weigh(&verdict)
    }

    fn weigh(&self, verdict: &Verdict) -> Judged {
        let Some(class) = verdict.class else {
            return Judged::Error("nothing to compare".to_owned());
        };
        let failed: Vec<&str> = verdict
            .checks
            .iter()
            .filter(|result| result.outcome == CheckOutcome::Fail)
            .filter(|result| self.checks.is_empty() || self.checks.contains(&result.check))
            .map(|result| result.check.as_str())
            .collect();
        let what = if failed.is_empty() {
            "no check fails".to_owned()
        } else {
            format!("failing: {}", failed.join(", "))
        };
        let reason = format!("{class}; {what}");
        match class {
            VerdictClass::PrimaryBad | VerdictClass::BothBad => {
                return Judged::Error(format!("the baseline itself is bad: {reason}"));
            }
            VerdictClass::Incomparable => return Judged::Error(reason),
            VerdictClass::CandidateInvalid | VerdictClass::CandidateError => {
                return Judged::NoAnswer(reason);
            }
            VerdictClass::Equal
            | VerdictClass::Equivalent
            | VerdictClass::DifferentMinor
            | VerdictClass::DifferentMajor => {}
        }
        let parity = verdict.parity.unwrap_or(1.0);
        let agrees = if self.checks.is_empty() {
            class <= self.worst
        } else {
            failed.is_empty()
        };
        let like = self.threshold.is_none_or(|threshold| parity >= threshold);
        Judged::scored(agrees && like, parity, reason)
    }
}

/// The pair as an exchange. Both sides are taken as whole answers: a baseline was often recorded in the other form.
fn exchange(case: &Case, baseline: &CaseAnswer, answer: &CaseAnswer) -> Exchange {
    let whole = |answer: &CaseAnswer, side: Side, role: Role| {
        Some(as_whole(answer.recording(side, role), case.operation))
    };
    let request = case.request_bytes();
    Exchange {
        id: case.id.clone(),
        route: RouteId::new(case.route.as_deref().unwrap_or(RouteId::UNROUTED)),
        received_unix_ms: 0,
        operation: case.operation,
        path: case.path().to_owned(),
        size: SizeClass::of(request.len()),
        request,
        streamed: false,
        assignment: Assignment {
            answer: Side::Primary,
            shadow: Some(Side::Candidate),
            probability: 0.0,
            salt: 0,
            drawn: false,
            inclusion: 1.0,
            reason: AnswerReason::Named,
        },
        draw: None,
        mirrored: None,
        primary: whole(baseline, Side::Primary, Role::Answering),
        candidate: whole(answer, Side::Candidate, Role::Shadow),
        secondary: None,
        candidate_again: None,
        caller: Caller::default(),
    }
}

/// The recording with its stream put together; what is no whole stream stays as it is, and is judged as such.
fn as_whole(mut recording: Recording, operation: Operation) -> Recording {
    let kind = recording.content_type.as_deref().unwrap_or_default();
    if !kind
        .trim_start()
        .to_ascii_lowercase()
        .starts_with("text/event-stream")
    {
        return recording;
    }
    let body = match operation {
        Operation::Chat => assemble(&recording.body)
            .ok()
            .and_then(|completion| serde_json::to_value(&completion).ok()),
        Operation::Responses => assemble_response(&recording.body)
            .ok()
            .and_then(|response| serde_json::to_value(&response).ok()),
        Operation::Embeddings => None,
    };
    if let Some(mut body) = body {
        // A stream that was not asked for its tokens says none, which is no defect of its form.
        if body.get("usage").is_none_or(Value::is_null) {
            let usage = recording.usage.unwrap_or_default();
            let usage = json!({"prompt_tokens": usage.prompt(), "completion_tokens": usage.output, "total_tokens": usage.total()});
            if let Some(members) = body.as_object_mut() {
                members.insert("usage".to_owned(), usage);
            }
        }
        recording.body = Bytes::from(body.to_string());
        recording.content_type = Some("application/json".to_owned());
    }
    recording
}
