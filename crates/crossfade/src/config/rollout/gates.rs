//! Which success metrics a route can have: what its checks can judge, and what it takes for the others.

use std::collections::BTreeMap;

use crossfade_bedrock::Api;
use crossfade_exchange::{Gate, Metric, MetricSet, Severity};

use super::{super::build::Findings, Beside};

/// What can be judged of a route.
#[derive(Debug)]
pub(super) struct Judges<'a> {
    beside: Beside<'a>,
    metrics: MetricSet,
}

/// The margins, and which of them the route names.
pub(super) fn margins(
    name: &str,
    success: Option<&BTreeMap<Gate, f64>>,
    judges: &Judges<'_>,
    at: &mut Findings<'_>,
) -> (BTreeMap<Gate, f64>, Vec<Gate>) {
    let Some(success) = success else {
        let usual = Gate::ALL
            .iter()
            .filter(|gate| judges.gates_by_default(**gate));
        return (
            usual.map(|gate| (*gate, gate.margin())).collect(),
            Vec::new(),
        );
    };
    for (gate, margin) in success {
        let path = ["routes", name, "rollout", "success", gate.as_str()];
        if !(*margin > 0.0 && *margin < 1.0) {
            let message = format!(
                "use a margin over 0 and under 1, such as {} for {} percentage points",
                gate.margin(),
                gate.margin() * 100.0
            );
            at.wrong(&path, message);
        }
        if let Some(why) = judges.why_not(*gate) {
            at.wrong(&path, format!("cannot be judged: {why}"));
        }
    }
    (success.clone(), success.keys().copied().collect())
}

/// What it takes to judge a metric that is not.
pub(super) const fn why_no_metric(metric: Metric) -> &'static str {
    match metric {
        Metric::Cost => "add cost_limit_usd",
        Metric::RequiredFields => "name the fields in checks.required_fields",
        Metric::Review => "nothing can be mirrored: enable [mirror]",
        Metric::Transport
        | Metric::Slow
        | Metric::Stream
        | Metric::Envelope
        | Metric::JsonParse
        | Metric::JsonSchema
        | Metric::Refusal => "remove its check from checks.off",
    }
}

// === impl Judges ===

impl<'a> Judges<'a> {
    pub(super) fn of(beside: Beside<'a>) -> Self {
        let metrics = beside.checks.metrics_on();
        Self { beside, metrics }
    }

    /// Whether a gate stands where the route names none. Wording and meaning measure the same, so only one of them does.
    fn gates_by_default(&self, gate: Gate) -> bool {
        let by_meaning = self.beside.has_similarity && self.beside.checks.by_meaning();
        let chosen = match gate {
            Gate::TextSimilarity => !by_meaning,
            Gate::SemanticSimilarity => by_meaning,
            Gate::Transport
            | Gate::Slow
            | Gate::Stream
            | Gate::Envelope
            | Gate::JsonParse
            | Gate::JsonSchema
            | Gate::RequiredFields
            | Gate::Refusal
            | Gate::Cost
            | Gate::AnsweredRefused
            | Gate::RefusedAnswered
            | Gate::JsonStructure
            | Gate::Label
            | Gate::ToolSelection
            | Gate::ToolArguments
            | Gate::Citations
            | Gate::Extraction
            | Gate::Embeddings => true,
        };
        chosen && self.why_not(gate).is_none()
    }

    /// What it takes to judge a gate's number; `None` if it can be.
    fn why_not(&self, gate: Gate) -> Option<&'static str> {
        if self.beside.api == Api::Invoke && !of_vectors(gate) {
            return Some("embeddings have nothing of the kind; remove it");
        }
        if let Some(metric) = gate.metric() {
            return (!self.metrics.contains(metric)).then_some(why_no_metric(metric));
        }
        let settings = self.beside.settings;
        let check = gate.check()?;
        if settings.off.contains(&check) {
            return Some("remove its check from checks.off");
        }
        if settings.severity.get(&check) == Some(&Severity::Info) {
            return Some("checks.severity has its check as info, which is only reported; raise it");
        }
        let missing = match gate {
            Gate::Label => settings.label.is_none().then_some("set checks.label"),
            Gate::Citations => (settings.citations.is_none() && !settings.retrieval)
                .then_some("set checks.citations, or checks.retrieval"),
            Gate::Extraction => settings
                .extraction
                .is_none()
                .then_some("set checks.extraction"),
            Gate::SemanticSimilarity => (!self.beside.has_similarity)
                .then_some("name a model under [similarity], and a share of pairs over 0"),
            Gate::Embeddings => Some(
                "embeddings are never asked twice, so that the primary's disagreement with itself stays unknown; remove it",
            ),
            Gate::Transport
            | Gate::Slow
            | Gate::Stream
            | Gate::Envelope
            | Gate::JsonParse
            | Gate::JsonSchema
            | Gate::RequiredFields
            | Gate::Refusal
            | Gate::Cost
            | Gate::AnsweredRefused
            | Gate::RefusedAnswered
            | Gate::JsonStructure
            | Gate::ToolSelection
            | Gate::ToolArguments
            | Gate::TextSimilarity => None,
        };
        missing.or_else(|| {
            self.beside.ask_primary_twice.is_zero().then_some(
                "it is measured above the primary's disagreement with itself; set mirror.ask_primary_twice over 0",
            )
        })
    }
}

/// Whether answers with vectors can be judged so.
const fn of_vectors(gate: Gate) -> bool {
    match gate {
        Gate::Transport | Gate::Slow | Gate::Envelope | Gate::Cost | Gate::Embeddings => true,
        Gate::Stream
        | Gate::JsonParse
        | Gate::JsonSchema
        | Gate::RequiredFields
        | Gate::Refusal
        | Gate::AnsweredRefused
        | Gate::RefusedAnswered
        | Gate::JsonStructure
        | Gate::Label
        | Gate::ToolSelection
        | Gate::ToolArguments
        | Gate::Citations
        | Gate::Extraction
        | Gate::TextSimilarity
        | Gate::SemanticSimilarity => false,
    }
}
