//! The words of reviews: why a person is asked about a pair, and what the person says.

closed_enum! {
    /// Why a pair waits for a person.
    pub enum ReviewReason {
        /// A cell of the label's confusion matrix that the route names risky.
        RiskyLabel = "risky_label",
        /// One side refuses what the other answers.
        RefusalFlip = "refusal_flip",
        /// A tool that changes the world is called on one side only, or otherwise.
        SideEffectingTool = "side_effecting_tool",
        /// The judge contradicts itself when the order is turned round.
        JudgeContradiction = "judge_contradiction",
        /// Checks contradict each other: the same label in answers that share nothing, the judge against a check.
        ChecksContradict = "checks_contradict",
        /// Less alike than the primary is with itself in all but one of a hundred cases.
        LowSimilarity = "low_similarity",
        /// One of the first three exchanges of a new signature of differences.
        NewSignature = "new_signature",
        /// Drawn at random from what the checks took for the same, to measure what they miss.
        RandomAgreement = "random_agreement",
        /// A person asked for it.
        Requested = "requested",
        /// Drawn before anything was known of it, for the test on what people say: the other reasons look at which side differs.
        Drawn = "drawn",
    }
}

closed_enum! {
    /// What a person says of a pair.
    pub enum ReviewVerdict {
        /// The candidate's answer is better.
        CandidateBetter = "candidate_better",
        /// They are as good as each other.
        Same = "same",
        /// The candidate's answer is worse.
        CandidateWorse = "candidate_worse",
        /// Both are wrong.
        BothWrong = "both_wrong",
        /// They differ, and that does not matter.
        Acceptable = "acceptable",
    }
}
