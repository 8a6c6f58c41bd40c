//! What each check says of two sides together. Which class and which parity that makes is decided in [`crate::verdict`].

use crossfade_exchange::{Check, Opinions};

use crate::{
    Checks,
    answer::Answer,
    ask::Ask,
    checks::{
        Weighed, citations, cost, embeddings, extraction, finish_reason, first_content, format,
        json_structure, judge, label, language, length, output_rate, refusal, semantic_similarity,
        text_similarity::{self, Compared},
        tokens, tool_arguments, tool_selection, total_time,
    },
    finding::Finding,
    nature::nature,
    side::Side,
};

/// Two sides, and what they are judged by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair<'p> {
    pub(crate) checks: &'p Checks,
    pub(crate) ask: &'p Ask<'p>,
    pub(crate) opinions: &'p Opinions,
    pub(crate) primary: &'p Side<'p>,
    pub(crate) candidate: &'p Side<'p>,
}

// === impl Pair ===

impl Pair<'_> {
    /// What a check says; `compared` says whether another check has compared what both say.
    pub(crate) fn weigh(&self, check: Check, compared: Compared) -> Weighed {
        match check {
            Check::Transport
            | Check::Envelope
            | Check::JsonParse
            | Check::JsonSchema
            | Check::RequiredFields
            | Check::Groundedness => Some(self.validity(check)),
            Check::FinishReason => self.finish_reason(),
            Check::JsonStructure => self.json_structure(),
            Check::ToolSelection => self.tool_selection(),
            Check::ToolArguments => self.tool_arguments(),
            Check::Refusal => Some(refusal::pair(self.primary, self.candidate)),
            Check::Label => self.label(),
            Check::TextSimilarity => self.text_similarity(compared),
            Check::FirstContent => Some(self.first_content()),
            Check::Cost => Some(cost::pair(self.primary, self.candidate)),
            Check::Embeddings => self.embeddings(),
            Check::Citations => self.citations(),
            Check::Extraction => self.extraction(),
            Check::SemanticSimilarity => self.semantic_similarity(),
            Check::Judge => self.judge(),
            Check::Length => self.length(),
            Check::Language => self.texts().map(|(from, to)| language::pair(from, to)),
            Check::Format => self.texts().map(|(from, to)| format::pair(from, to)),
            Check::TotalTime => Some(self.total_time()),
            Check::OutputRate => Some(self.output_rate()),
            Check::Tokens => Some(self.tokens()),
        }
        .unwrap_or_else(|| Weighed::new(Finding::na(), nature(check).severity))
    }

    /// The answers of two sides that took the task up.
    fn answers(&self) -> Option<(&Answer, &Answer)> {
        Some((self.primary.served()?, self.candidate.served()?))
    }

    /// Two free texts.
    fn texts(&self) -> Option<(&str, &str)> {
        Some((self.primary.free_text()?, self.candidate.free_text()?))
    }

    fn finish_reason(&self) -> Option<Weighed> {
        let (from, to) = (self.primary.state.answer()?, self.candidate.state.answer()?);
        Some(finish_reason::pair(from, to))
    }

    fn json_structure(&self) -> Option<Weighed> {
        self.answers()?;
        let (primary, candidate) = (self.primary, self.candidate);
        Some(json_structure::pair(
            self.checks,
            self.ask,
            primary,
            candidate,
        ))
    }

    fn tool_selection(&self) -> Option<Weighed> {
        let (from, to) = self.answers()?;
        Some(tool_selection::pair(self.checks, self.ask, from, to))
    }

    fn tool_arguments(&self) -> Option<Weighed> {
        self.answers()?;
        Some(tool_arguments::pair(
            self.checks,
            self.ask,
            self.primary,
            self.candidate,
        ))
    }

    fn label(&self) -> Option<Weighed> {
        self.answers()?;
        Some(label::pair(self.checks, self.primary, self.candidate))
    }

    fn embeddings(&self) -> Option<Weighed> {
        let (from, to) = (
            self.primary.state.vectors()?,
            self.candidate.state.vectors()?,
        );
        Some(embeddings::pair(from, to, &self.checks.settings.embeddings))
    }

    fn text_similarity(&self, compared: Compared) -> Option<Weighed> {
        let (from, to) = self.answers()?;
        let threshold = self.checks.settings.text_similarity.threshold;
        // What has been compared leaf by leaf need not be compared letter by letter, unless the route asks.
        let as_json = |side: &Side<'_>| {
            side.json
                .as_ref()
                .is_some_and(|json| json.value().is_some())
        };
        let both = as_json(self.primary) && as_json(self.candidate);
        if both && compared == Compared::Yes && threshold.is_none() {
            let finding = Finding::na_because("compared as JSON");
            return Some(Weighed::new(
                finding,
                nature(Check::TextSimilarity).severity,
            ));
        }
        Some(text_similarity::pair(from, to, threshold, compared, !both))
    }

    fn semantic_similarity(&self) -> Option<Weighed> {
        self.answers()?;
        let threshold = self.checks.settings.semantic_similarity.threshold;
        Some(semantic_similarity::pair(self.opinions.cosine, threshold))
    }

    fn judge(&self) -> Option<Weighed> {
        self.answers()?;
        Some(judge::pair(self.opinions.judge))
    }

    fn length(&self) -> Option<Weighed> {
        let (from, to) = self.texts()?;
        Some(length::pair(from, to, &self.checks.settings.length))
    }

    fn citations(&self) -> Option<Weighed> {
        let rule = self.checks.citations.as_ref()?;
        let (from, to) = self.texts()?;
        Some(citations::pair(rule, self.ask.context.as_ref(), from, to))
    }

    fn extraction(&self) -> Option<Weighed> {
        let (from, to) = self.texts()?;
        Some(extraction::pair(
            from,
            to,
            self.checks.settings.extraction.as_ref(),
        ))
    }

    fn first_content(&self) -> Weighed {
        let (from, to) = (self.primary.recording, self.candidate.recording);
        first_content::pair(from, to, self.checks.settings.latency.first_content_ms)
    }

    fn total_time(&self) -> Weighed {
        let (from, to) = (self.primary.recording, self.candidate.recording);
        total_time::pair(from, to, self.checks.settings.latency.total_ms)
    }

    fn output_rate(&self) -> Weighed {
        let least = self.checks.settings.latency.tokens_per_second;
        output_rate::pair(self.primary, self.candidate, self.ask.streamed, least)
    }

    fn tokens(&self) -> Weighed {
        let limit = self.checks.settings.max_output_tokens;
        tokens::pair(self.primary, self.candidate, limit)
    }

    /// On a pair, a check of validity speaks of the candidate; the evidence says where the primary fails.
    fn validity(&self, check: Check) -> Weighed {
        let severity = nature(check).severity;
        let (Some(primary), Some(candidate)) =
            (self.primary.finding(check), self.candidate.finding(check))
        else {
            return Weighed::new(Finding::na(), severity);
        };
        let why = |finding: &Finding| finding.evidence.as_deref().unwrap_or_default().to_owned();
        let finding = match (primary.failed(), candidate.failed()) {
            (true, true) => candidate
                .clone()
                .because(format!("both: {}", why(candidate))),
            (true, false) => candidate
                .clone()
                .because(format!("primary: {}", why(primary))),
            (false, _) => candidate.clone(),
        };
        Weighed::new(finding, severity)
    }
}
