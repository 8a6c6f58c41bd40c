//! A route's checks, compiled: the crate's one entrance.

use std::sync::Arc;

use crossfade_exchange::{
    Check, Exchange, Metric, MetricSet, Operation, Opinions, Recording, Side as Which, Verdict,
};
use crossfade_openai::scan::JsonMode;

use crate::{
    arguments::ArgumentRules,
    ask::{Ask, JsonAsk},
    checks::citations::CitationRule,
    context::Context,
    feeds::feeds,
    label::LabelRule,
    path::Path,
    rules::PathRules,
    schema::{Schema, SchemaCache},
    settings::{CheckSettings, CitationSettings, Price, SettingsError},
    side::Side,
    stance,
    state::Wanted,
    verdict,
};

/// The checks of one route. Cheap to share, safe to use from several threads.
#[derive(Debug)]
pub struct Checks {
    pub(crate) settings: CheckSettings,
    pub(crate) schema: Option<Arc<Schema>>,
    pub(crate) schemas: SchemaCache,
    pub(crate) required: Vec<Path>,
    pub(crate) label: Option<LabelRule>,
    pub(crate) phrases: Vec<String>,
    pub(crate) arguments: ArgumentRules,
    pub(crate) citations: Option<CitationRule>,
    pub(crate) json_rules: PathRules,
}

// === impl Checks ===

impl Checks {
    /// Compiles settings.
    pub fn new(settings: CheckSettings) -> Result<Self, SettingsError> {
        settings.check_ranges()?;
        let always = [Check::Transport, Check::Envelope];
        if let Some(check) = settings.off.iter().find(|check| always.contains(check)) {
            return Err(SettingsError::AlwaysOn(*check));
        }
        let schema = settings
            .schema
            .as_ref()
            .map(|schema| Schema::compile(&schema.to_string()));
        let required = settings.required_fields.iter().map(|path| {
            Path::parse(path).map_err(|why| SettingsError::Path {
                key: "required_fields",
                path: path.clone(),
                why,
            })
        });
        let usual = CitationSettings::default();
        let citations = settings
            .citations
            .as_ref()
            .or(settings.retrieval.then_some(&usual));
        let phrases = settings.refusal.phrases.iter().map(|phrase| {
            let normal = stance::normal(phrase);
            let holds_words = normal.chars().any(char::is_alphanumeric);
            if holds_words {
                Ok(normal)
            } else {
                Err(SettingsError::EmptyPhrase(phrase.clone()))
            }
        });
        Ok(Self {
            schema: schema
                .transpose()
                .map_err(SettingsError::Schema)?
                .map(Arc::new),
            schemas: SchemaCache::default(),
            required: required.collect::<Result<_, _>>()?,
            label: settings
                .label
                .as_ref()
                .map(LabelRule::compile)
                .transpose()?,
            phrases: phrases.collect::<Result<_, _>>()?,
            arguments: ArgumentRules::compile(&settings.tool_arguments)?,
            citations: citations.map(CitationRule::compile).transpose()?,
            json_rules: PathRules::compile(
                "json_paths",
                settings
                    .json_paths
                    .iter()
                    .map(|rule| (rule.path.as_str(), rule)),
            )?,
            settings,
        })
    }

    /// Compares what both sides answered; with one recording, judges that side alone.
    pub fn compare(&self, exchange: &Exchange) -> Verdict {
        self.compare_with(exchange, &Opinions::default())
    }

    /// Compares what both sides answered, with what others were asked about the pair.
    pub fn compare_with(&self, exchange: &Exchange, opinions: &Opinions) -> Verdict {
        let recording = |which: Which| exchange.recording(which);
        self.judge(exchange, recording, opinions)
    }

    /// Compares what one side answered with what it answered when it was asked the same once more: how far it disagrees
    /// with itself. The first answer stands where the primary's stands, the second where the candidate's stands. `None` if
    /// either is missing.
    pub fn compare_repeat(&self, exchange: &Exchange, side: Which) -> Option<Verdict> {
        self.compare_repeat_with(exchange, side, &Opinions::default())
    }

    /// The same, with what others were asked about these two answers. The pair's own verdict is measured alike only if it was
    /// formed with opinions too.
    pub fn compare_repeat_with(
        &self,
        exchange: &Exchange,
        side: Which,
        opinions: &Opinions,
    ) -> Option<Verdict> {
        let (first, second) = (exchange.recording(side)?, exchange.repeat(side)?);
        let recording = |which: Which| match which {
            Which::Primary => Some(first),
            Which::Candidate => Some(second),
        };
        Some(self.judge(exchange, recording, opinions))
    }

    /// The route's closed list of labels, as configured; empty without one.
    pub fn labels(&self) -> &[String] {
        self.settings
            .label
            .as_ref()
            .map_or(&[], |label| label.values.as_slice())
    }

    fn judge<'e>(
        &self,
        exchange: &Exchange,
        recording: impl Fn(Which) -> Option<&'e Recording>,
        opinions: &Opinions,
    ) -> Verdict {
        let mut ask = Ask::read(exchange.operation, &exchange.request);
        ask.streamed = exchange.streamed;
        ask.context = (self.settings.retrieval || self.citations.is_some())
            .then(|| Context::read(exchange.operation, &exchange.request));
        let wanted = Wanted {
            operation: exchange.operation,
            streamed: exchange.streamed,
        };
        let judge = |which: Which| {
            let recording = recording(which)?;
            Some(Side::judge(
                self,
                &ask,
                wanted,
                recording,
                // Of a side that was asked twice, both answers have its price.
                self.price(recording.side),
            ))
        };
        let (primary, candidate) = (judge(Which::Primary), judge(Which::Candidate));
        verdict::of(self, &ask, primary.as_ref(), candidate.as_ref(), opinions)
    }

    /// The bad events that this route counts. A check that is switched off takes its metrics with it; required fields and
    /// cost count only where the route sets them.
    pub fn metrics_on(&self) -> MetricSet {
        let checks = Check::ALL.iter().filter(|check| self.is_on(**check));
        let mut on = checks.fold(MetricSet::EMPTY, |on, check| on.or(feeds(*check).rollback));
        if self.required.is_empty() {
            on.remove(Metric::RequiredFields);
        }
        if self.settings.max_cost_usd.is_none() {
            on.remove(Metric::Cost);
        }
        on
    }

    /// Of the metrics that are on, those that apply to a request, by the request alone: its operation, and what JSON it asks
    /// for. A schema counts only where there is one, the request's or the route's: an answer that cannot break it says
    /// nothing of it. Embeddings are never streamed, refused or JSON of a model's making.
    pub fn applies(&self, operation: Operation, mode: JsonMode) -> MetricSet {
        let mut applies = self.metrics_on();
        match operation {
            Operation::Chat | Operation::Responses => {}
            Operation::Embeddings => {
                for metric in [
                    Metric::Stream,
                    Metric::JsonParse,
                    Metric::JsonSchema,
                    Metric::RequiredFields,
                    Metric::Refusal,
                ] {
                    applies.remove(metric);
                }
                return applies;
            }
        }
        let (asked, brings_schema) = match mode {
            JsonMode::None => (self.settings.json, false),
            JsonMode::Object => (true, false),
            JsonMode::Schema => (true, true),
        };
        if !asked {
            applies.remove(Metric::JsonParse);
            applies.remove(Metric::RequiredFields);
        }
        if !asked || !(brings_schema || self.schema.is_some()) {
            applies.remove(Metric::JsonSchema);
        }
        applies
    }

    /// Whether free texts are judged by the cosine of their embeddings: with a threshold that takes the place of the wording.
    pub fn by_meaning(&self) -> bool {
        self.is_on(Check::SemanticSimilarity)
            && self.settings.semantic_similarity.threshold.is_some()
    }

    /// Whether a check is on.
    pub(crate) fn is_on(&self, check: Check) -> bool {
        !self.settings.off.contains(&check)
    }

    /// Whether an answer to this request must be JSON.
    pub(crate) fn wants_json(&self, ask: &Ask<'_>) -> bool {
        match ask.json {
            JsonAsk::Object | JsonAsk::Schema(_) => true,
            JsonAsk::No => self.settings.json,
        }
    }

    fn price(&self, which: Which) -> Option<&Price> {
        match which {
            Which::Primary => self.settings.primary_price.as_ref(),
            Which::Candidate => self.settings.price.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests;
