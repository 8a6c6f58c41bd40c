//! Why a person should look at a pair. Pure: verdict and counts in, reasons out; what is done about them stands elsewhere.

use crossfade_exchange::{
    Check, CheckOutcome, CheckResult, Opinions, Preference, ReviewReason, Severity, Side, Stance,
    Verdict, VerdictClass,
};
use sha2::{Digest as _, Sha256};

/// Of each new signature of differences, so many are looked at.
const FIRST_OF_SIGNATURE: u64 = 3;
/// The share of pairs that the checks took for the same and that are looked at all the same.
pub(super) const RANDOM_SHARE: f64 = 0.01;
/// Pairs without a signature (all checks pass, and yet the texts are unlike) stand each for themselves: of those that are less
/// alike than the noise, this share is looked at, or a steady primary would fill the queue with good paraphrases.
const UNSIGNED_SHARE: f64 = 0.05;
/// Similarity of texts up to which they share nothing.
const SHARES_NOTHING: f64 = 0.1;

/// What the rules look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    /// The exchange's id.
    pub(super) id: &'a str,
    /// What the checks say.
    pub(super) verdict: &'a Verdict,
    /// What others say.
    pub(super) opinions: &'a Opinions,
    /// Whether the judge said something else when the order was turned round.
    pub(super) judge_contradicts: bool,
    /// Pairs of this signature so far, this one included; `None` without a signature.
    pub(super) seen: Option<u64>,
    /// Less alike than the primary is with itself in 99 of 100 cases.
    pub(super) below_noise: bool,
    /// Somebody has said that differences of this signature do not matter.
    pub(super) accepted: bool,
    /// The share that is drawn for the test on what people say, 0..=1; 0 of a pair that the test does not take.
    pub(super) sample: f64,
}

/// Draws the random share; with the installation's secret, so that nobody can choose what is looked at.
#[derive(Clone)]
pub(super) struct Draw([u8; 32]);

// === impl Facts ===

impl Facts<'_> {
    /// Every reason to look, in the order of their declaration; empty if there is none.
    ///
    /// A recorded word that a difference does not matter ends the asking, with one exception: what a blocker found is
    /// asked about all the same, because like signatures may hide cells of which only some are risky.
    pub(super) fn reasons(&self, draw: &Draw) -> Vec<ReviewReason> {
        let Some(class) = self.verdict.class.filter(|class| has_answers(*class)) else {
            return Vec::new();
        };
        let quiet = self.accepted;
        let agree = matches!(class, VerdictClass::Equal | VerdictClass::Equivalent);
        let holds = |reason: ReviewReason| match reason {
            ReviewReason::RiskyLabel => self.blocker(Check::Label),
            ReviewReason::RefusalFlip => self.flips(quiet),
            ReviewReason::SideEffectingTool => {
                self.blocker(Check::ToolSelection) || self.blocker(Check::ToolArguments)
            }
            ReviewReason::JudgeContradiction => !quiet && self.judge_contradicts,
            ReviewReason::ChecksContradict => !quiet && self.contradicts(class),
            ReviewReason::LowSimilarity => !quiet && self.below_noise && self.is_worth_a_look(draw),
            ReviewReason::NewSignature => {
                !quiet && self.seen.is_some_and(|seen| seen <= FIRST_OF_SIGNATURE)
            }
            ReviewReason::RandomAgreement => agree && draw.falls(self.id, RANDOM_SHARE),
            // Nobody asks while an exchange is judged; it is asked for by its id later.
            ReviewReason::Requested => false,
            // Whatever the checks say: that a pair is drawn says nothing of its answers.
            ReviewReason::Drawn => draw.falls(self.id, self.sample),
        };
        let all = ReviewReason::ALL.iter().copied();
        all.filter(|reason| holds(*reason)).collect()
    }

    /// With a signature it joins those like it; without one it is drawn.
    fn is_worth_a_look(&self, draw: &Draw) -> bool {
        self.seen.is_some() || draw.falls(&format!("{} unlike", self.id), UNSIGNED_SHARE)
    }

    fn failed(&self, check: Check) -> Option<&CheckResult> {
        let result = self.verdict.check(check)?;
        (result.outcome == CheckOutcome::Fail).then_some(result)
    }

    fn blocker(&self, check: Check) -> bool {
        self.failed(check)
            .is_some_and(|result| result.severity == Severity::Blocker)
    }

    /// One side refuses what the other answers, in whole or in part.
    fn flips(&self, quiet: bool) -> bool {
        let refuses = |side: Side| {
            let stance = self.verdict.side(side)?.stance?;
            Some(stance == Stance::Full)
        };
        let differ = match (refuses(Side::Primary), refuses(Side::Candidate)) {
            (Some(primary), Some(candidate)) => primary != candidate,
            (None, _) | (_, None) => false,
        };
        differ && (!quiet || self.blocker(Check::Refusal))
    }

    /// The same label in answers that share nothing, or a judge who sees it the other way than the checks.
    fn contradicts(&self, class: VerdictClass) -> bool {
        let passes = |check: Check| {
            let result = self.verdict.check(check);
            result.is_some_and(|result| result.outcome == CheckOutcome::Pass)
        };
        let applies = |result: &&CheckResult| {
            matches!(result.outcome, CheckOutcome::Pass | CheckOutcome::Fail)
        };
        let nothing_shared = self
            .verdict
            .check(Check::TextSimilarity)
            .filter(applies)
            .is_some_and(|result| result.score <= SHARES_NOTHING);
        let hollow = passes(Check::Label) && nothing_shared && !passes(Check::SemanticSimilarity);
        let judge = self.opinions.judge.filter(|_| !self.judge_contradicts);
        let against = match (judge, class) {
            (Some(Preference::Primary), VerdictClass::Equal | VerdictClass::Equivalent)
            | (
                Some(Preference::Candidate | Preference::Same),
                VerdictClass::DifferentMajor | VerdictClass::CandidateInvalid,
            ) => true,
            (None | Some(Preference::Candidate | Preference::Same | Preference::Primary), _) => {
                false
            }
        };
        hollow || against
    }
}

/// Whether there are two answers that a person can put side by side.
const fn has_answers(class: VerdictClass) -> bool {
    match class {
        VerdictClass::Equal
        | VerdictClass::Equivalent
        | VerdictClass::DifferentMinor
        | VerdictClass::DifferentMajor
        | VerdictClass::CandidateInvalid
        | VerdictClass::PrimaryBad
        | VerdictClass::BothBad => true,
        VerdictClass::CandidateError | VerdictClass::Incomparable => false,
    }
}

// === impl Draw ===

impl std::fmt::Debug for Draw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Draw(..)")
    }
}

impl Draw {
    /// Under the installation's secret; `purpose` keeps two draws of one exchange apart.
    pub(super) fn new(secret: &[u8; 32], purpose: &str) -> Self {
        let digest = Sha256::new()
            .chain_update(secret)
            .chain_update(purpose.as_bytes());
        Self(digest.finalize().into())
    }

    /// Whether an exchange falls into a share, 0..=1, of all. The same exchange always answers the same, and what falls into
    /// a share falls into every larger one.
    #[expect(
        clippy::cast_precision_loss,
        reason = "53 bits of a hash are a float without loss"
    )]
    pub(super) fn falls(&self, id: &str, share: f64) -> bool {
        let digest = Sha256::new()
            .chain_update(self.0)
            .chain_update(id.as_bytes())
            .finalize();
        let bits = digest
            .iter()
            .take(8)
            .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        ((bits >> 11) as f64) / ((1_u64 << 53) as f64) < share
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossfade_exchange::SideVerdict;

    fn result(check: Check, outcome: CheckOutcome, severity: Severity, score: f64) -> CheckResult {
        CheckResult {
            check,
            outcome,
            score,
            severity,
            evidence: None,
            differences: Vec::new(),
        }
    }

    fn failed(check: Check, severity: Severity) -> Vec<CheckResult> {
        vec![result(check, CheckOutcome::Fail, severity, 0.0)]
    }

    fn verdict(class: VerdictClass, checks: Vec<CheckResult>) -> Verdict {
        Verdict {
            class: Some(class),
            parity: None,
            checks,
            primary: None,
            candidate: None,
        }
    }

    fn stances(primary: Stance, candidate: Stance, checks: Vec<CheckResult>) -> Verdict {
        let side = |stance| {
            Some(SideVerdict {
                stance: Some(stance),
                ..SideVerdict::default()
            })
        };
        Verdict {
            primary: side(primary),
            candidate: side(candidate),
            ..verdict(VerdictClass::DifferentMajor, checks)
        }
    }

    /// An id that the draw takes, or does not take.
    fn id(draw: &Draw, taken: bool) -> String {
        (0..100_000)
            .map(|n| format!("id-{n}"))
            .find(|id| draw.falls(id, RANDOM_SHARE) == taken)
            .unwrap()
    }

    fn check(change: impl Fn(&mut Facts<'_>), verdict: &Verdict, expected: &[ReviewReason]) {
        let draw = Draw::new(&[7; 32], "review");
        let id = id(&draw, false);
        let mut facts = Facts {
            id: &id,
            verdict,
            opinions: &Opinions::default(),
            judge_contradicts: false,
            seen: Some(4),
            below_noise: false,
            accepted: false,
            sample: 0.0,
        };
        change(&mut facts);
        assert_eq!(facts.reasons(&draw), expected, "{verdict:?}");
    }

    const MAJOR: VerdictClass = VerdictClass::DifferentMajor;

    #[test]
    fn blockers_are_looked_at_and_lesser_failures_are_not() {
        use ReviewReason::{RiskyLabel, SideEffectingTool};
        let of = |name, severity| verdict(MAJOR, failed(name, severity));
        check(|_| (), &of(Check::Label, Severity::Blocker), &[RiskyLabel]);
        check(|_| (), &of(Check::Label, Severity::Major), &[]);
        let tool = of(Check::ToolSelection, Severity::Blocker);
        check(|_| (), &tool, &[SideEffectingTool]);
        let arguments = of(Check::ToolArguments, Severity::Blocker);
        check(|_| (), &arguments, &[SideEffectingTool]);
        check(|_| (), &of(Check::ToolSelection, Severity::Major), &[]);
        check(|_| (), &of(Check::JsonSchema, Severity::Blocker), &[]);
    }

    #[test]
    fn refusals_count_in_both_directions() {
        use ReviewReason::RefusalFlip;
        let of = |primary, candidate| stances(primary, candidate, Vec::new());
        check(|_| (), &of(Stance::Comply, Stance::Full), &[RefusalFlip]);
        check(|_| (), &of(Stance::Full, Stance::Comply), &[RefusalFlip]);
        check(|_| (), &of(Stance::Full, Stance::Partial), &[RefusalFlip]);
        check(|_| (), &of(Stance::Comply, Stance::Partial), &[]);
        check(|_| (), &of(Stance::Full, Stance::Full), &[]);
    }

    #[test]
    fn others_opinions_count_where_they_contradict() {
        use ReviewReason::{ChecksContradict, JudgeContradiction};
        let judged = |preference| Opinions {
            cosine: None,
            judge: Some(preference),
        };
        let same = judged(Preference::Same);
        let primary = judged(Preference::Primary);
        let equivalent = verdict(VerdictClass::Equivalent, Vec::new());
        let major = verdict(MAJOR, Vec::new());
        let minor = verdict(VerdictClass::DifferentMinor, Vec::new());
        let with = |verdict: &Verdict, opinions: &Opinions, expected: &[ReviewReason]| {
            let draw = Draw::new(&[7; 32], "review");
            let id = id(&draw, false);
            let facts = Facts {
                id: &id,
                verdict,
                opinions,
                judge_contradicts: false,
                seen: None,
                below_noise: false,
                accepted: false,
                sample: 0.0,
            };
            assert_eq!(facts.reasons(&draw), expected, "{verdict:?} {opinions:?}");
        };
        with(&major, &same, &[ChecksContradict]);
        with(&major, &primary, &[]);
        with(&minor, &same, &[]);
        with(&equivalent, &primary, &[ChecksContradict]);
        with(&equivalent, &same, &[]);
        let turned = |facts: &mut Facts<'_>| facts.judge_contradicts = true;
        check(turned, &minor, &[JudgeContradiction]);
    }

    #[test]
    fn a_label_in_answers_that_share_nothing_contradicts() {
        let of = |score: f64, more: Option<CheckResult>| {
            let pass = CheckOutcome::Pass;
            let mut checks = vec![
                result(Check::Label, pass, Severity::Major, 1.0),
                result(Check::TextSimilarity, pass, Severity::Info, score),
            ];
            checks.extend(more);
            verdict(VerdictClass::Equivalent, checks)
        };
        check(|_| (), &of(0.05, None), &[ReviewReason::ChecksContradict]);
        check(|_| (), &of(0.4, None), &[]);
        let near = result(
            Check::SemanticSimilarity,
            CheckOutcome::Pass,
            Severity::Info,
            0.9,
        );
        check(|_| (), &of(0.05, Some(near)), &[]);
    }

    #[test]
    fn new_signatures_are_looked_at_three_times() {
        let major = verdict(MAJOR, Vec::new());
        for (seen, expected) in [
            (Some(1), true),
            (Some(3), true),
            (Some(4), false),
            (None, false),
        ] {
            let expected: &[ReviewReason] = if expected {
                &[ReviewReason::NewSignature]
            } else {
                &[]
            };
            check(|facts| facts.seen = seen, &major, expected);
        }
        let below = |facts: &mut Facts<'_>| facts.below_noise = true;
        check(below, &major, &[ReviewReason::LowSimilarity]);
    }

    #[test]
    fn of_unlike_texts_that_every_check_passes_a_share_is_looked_at() {
        let draw = Draw::new(&[7; 32], "review");
        let verdict = verdict(VerdictClass::Equivalent, Vec::new());
        let looked_at = (0..10_000).filter(|n| {
            let facts = Facts {
                id: &n.to_string(),
                verdict: &verdict,
                opinions: &Opinions::default(),
                judge_contradicts: false,
                seen: None,
                below_noise: true,
                accepted: false,
                sample: 0.0,
            };
            facts.reasons(&draw).contains(&ReviewReason::LowSimilarity)
        });
        let looked_at = looked_at.count();
        assert!((400..600).contains(&looked_at), "{looked_at} of 10 000");
    }

    #[test]
    fn accepted_differences_are_quiet_unless_a_blocker_found_them() {
        use ReviewReason::{RefusalFlip, RiskyLabel};
        let accepted = |facts: &mut Facts<'_>| {
            facts.accepted = true;
            facts.seen = Some(1);
            facts.below_noise = true;
        };
        check(accepted, &verdict(MAJOR, Vec::new()), &[]);
        let risky = verdict(MAJOR, failed(Check::Label, Severity::Blocker));
        check(accepted, &risky, &[RiskyLabel]);
        let flip = stances(Stance::Full, Stance::Comply, Vec::new());
        check(accepted, &flip, &[]);
        let checks = failed(Check::Refusal, Severity::Blocker);
        let blocked = stances(Stance::Comply, Stance::Full, checks);
        check(accepted, &blocked, &[RefusalFlip]);
    }

    #[test]
    fn where_there_is_no_answer_there_is_nothing_to_look_at() {
        for class in [VerdictClass::CandidateError, VerdictClass::Incomparable] {
            let failed = failed(Check::Label, Severity::Blocker);
            check(|facts| facts.seen = Some(1), &verdict(class, failed), &[]);
        }
        let alone = Verdict {
            class: None,
            ..verdict(MAJOR, Vec::new())
        };
        check(|facts| facts.seen = Some(1), &alone, &[]);
    }

    #[test]
    fn what_is_drawn_for_people_is_drawn_whatever_the_checks_say() {
        use ReviewReason::{Drawn, RandomAgreement, RiskyLabel};
        let sampled = |share: f64| move |facts: &mut Facts<'_>| facts.sample = share;
        let risky = verdict(MAJOR, failed(Check::Label, Severity::Blocker));
        let primary_bad = verdict(VerdictClass::PrimaryBad, Vec::new());
        check(sampled(1.0), &risky, &[RiskyLabel, Drawn]);
        check(sampled(1.0), &primary_bad, &[Drawn]);
        check(sampled(0.0), &primary_bad, &[]);
        let accepted = |facts: &mut Facts<'_>| {
            facts.accepted = true;
            facts.sample = 1.0;
        };
        check(accepted, &verdict(MAJOR, Vec::new()), &[Drawn]);
        // Where there are no two answers there is nothing to look at.
        let error = verdict(VerdictClass::CandidateError, Vec::new());
        check(sampled(1.0), &error, &[]);
        // What agrees and is drawn anyhow is drawn for both: nobody is asked twice.
        let draw = Draw::new(&[7; 32], "review");
        let agrees = verdict(VerdictClass::Equal, Vec::new());
        let taken = id(&draw, true);
        let facts = Facts {
            id: &taken,
            verdict: &agrees,
            opinions: &Opinions::default(),
            judge_contradicts: false,
            seen: None,
            below_noise: false,
            accepted: false,
            sample: RANDOM_SHARE,
        };
        assert_eq!(facts.reasons(&draw), [RandomAgreement, Drawn]);
    }

    #[test]
    fn agreement_is_drawn_at_its_share_and_always_alike() {
        let draw = Draw::new(&[7; 32], "review");
        let fallen = (0..100_000)
            .filter(|n| draw.falls(&n.to_string(), RANDOM_SHARE))
            .count();
        assert!((850..1_150).contains(&fallen), "{fallen} of 100 000");
        let taken = id(&draw, true);
        for (class, expected) in [
            (VerdictClass::Equal, true),
            (VerdictClass::Equivalent, true),
            (VerdictClass::DifferentMinor, false),
        ] {
            let verdict = verdict(class, Vec::new());
            let facts = Facts {
                id: &taken,
                verdict: &verdict,
                opinions: &Opinions::default(),
                judge_contradicts: false,
                seen: None,
                below_noise: false,
                accepted: false,
                sample: 0.0,
            };
            let drawn = facts.reasons(&draw) == [ReviewReason::RandomAgreement];
            assert_eq!(drawn, expected, "{class}");
        }
        let other = Draw::new(&[7; 32], "evidence");
        let both = (0..10_000)
            .map(|n| n.to_string())
            .filter(|id| draw.falls(id, 0.5) && other.falls(id, 0.5))
            .count();
        assert!((2_300..2_700).contains(&both), "{both}: draws are apart");
        assert!(!draw.falls("x", 0.0) && draw.falls("x", 1.0));
    }
}
