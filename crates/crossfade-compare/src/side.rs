//! One side judged alone. Here, and only here, stands what counts where:
//!
//! 1. What was cut off by the client or by us, or not kept in full, says nothing: nothing is judged.
//! 2. A transport that failed before any content is the arrival group's; the content group holds nothing against it.
//! 3. A stream that broke, or ended otherwise than its protocol says, is bad as a *stream*, and nothing else of it is judged.
//! 4. A prompt that the API's own filter refused is a *full refusal*, and nothing else.
//! 5. Another error answer (4xx), and a body that is no answer, are bad as an *envelope*, and nothing else.
//! 6. An answer's form is its *envelope*. One that holds nothing at all, and embeddings, are judged no further.
//! 7. A full refusal is a *refusal*; its missing JSON is not held against it a second time.
//! 8. JSON that does not parse is bad as *JSON*; schema and required fields are judged only of what parses. A call of
//!    a tool instead of JSON is judged as neither.
//! 9. JSON that says nothing but a refusal is a full refusal too: only its form is what was asked for.
//! 10. Cost is judged wherever the tokens are known.

use crossfade_exchange::{
    Check, JsonForm, Metric, MetricSet, Recording, SideVerdict, Stance, Usage,
};

use crate::{
    Checks,
    answer::{Answer, Finish},
    ask::Ask,
    checks::{
        citations, cost, envelope, groundedness, json_parse, json_schema, json_structure, refusal,
        required_fields, tool_arguments,
    },
    finding::Finding,
    json::Json,
    label::LabelRule,
    settings::Price,
    state::{State, Wanted},
};

/// One side with everything that can be said of it alone.
#[derive(Debug)]
pub(crate) struct Side<'e> {
    pub(crate) recording: &'e Recording,
    pub(crate) state: State,
    /// What its text does with the request, if it was judged.
    pub(crate) stance: Option<Stance>,
    /// Its text read as JSON, where JSON is asked for, a label is taken from it, or it looks like it.
    pub(crate) json: Option<Json>,
    /// In which form the JSON that was asked for was written.
    pub(crate) form: Option<JsonForm>,
    pub(crate) usage: Option<Usage>,
    pub(crate) cost_usd: Option<f64>,
    pub(crate) transport: Finding,
    pub(crate) envelope: Finding,
    pub(crate) json_parse: Finding,
    pub(crate) json_schema: Finding,
    pub(crate) required_fields: Finding,
    pub(crate) refusal: Finding,
    pub(crate) tool_arguments: Finding,
    pub(crate) groundedness: Finding,
    pub(crate) citations: Finding,
    pub(crate) cost: Finding,
}

// === impl Side ===

impl<'e> Side<'e> {
    /// Judges one recording.
    pub(crate) fn judge(
        checks: &Checks,
        ask: &Ask<'_>,
        wanted: Wanted,
        recording: &'e Recording,
        price: Option<&Price>,
    ) -> Self {
        let state = State::of(recording, wanted);
        let counted = state.counts().map(cost::usage);
        let usage = recording.usage.or(counted);
        let cost_usd = usage
            .zip(price)
            .map(|(usage, price)| cost::usd(&usage, price));
        let mut side = Self {
            recording,
            // Until it has been judged.
            state: State::Unjudged("not_judged"),
            stance: None,
            json: None,
            form: None,
            usage,
            cost_usd,
            transport: Finding::pass(),
            envelope: Finding::na(),
            json_parse: Finding::na(),
            json_schema: Finding::na(),
            required_fields: Finding::na(),
            refusal: Finding::na(),
            tool_arguments: Finding::na(),
            groundedness: Finding::na(),
            citations: Finding::na(),
            cost: cost::own(cost_usd, checks.settings.max_cost_usd),
        };
        match &state {
            State::Unjudged(why) => {
                side.transport = Finding::na_because(why);
                side.cost = Finding::na();
            }
            State::Failed(why) => side.transport = Finding::fail(why.clone()),
            State::Broken(why) => side.transport = Finding::fail(*why),
            State::Filtered => {
                side.stance = Some(Stance::Full);
                side.refusal = refusal::own(Stance::Full).because("filtered");
            }
            State::Error(what) => side.envelope = Finding::fail(what.clone()),
            State::Malformed(what) => side.envelope = Finding::fail(*what),
            State::Answer(answer) => {
                side.envelope = envelope::own(ask, answer, wanted.streamed);
                side.judge_answer(checks, ask, answer);
            }
            State::Vectors(vectors) => side.envelope = envelope::of_vectors(ask, vectors),
        }
        side.state = state;
        side.judge_text(checks, ask);
        side
    }

    fn judge_answer(&mut self, checks: &Checks, ask: &Ask<'_>, answer: &Answer) {
        // A filter may leave nothing at all: that is a refusal. Otherwise nothing is left to judge, unless the answer
        // ran into its limit, which shows in what it lacks.
        let cut = matches!(answer.finish, Finish::ContentFilter | Finish::Length);
        if answer.is_empty() && !cut {
            return;
        }
        let wants_json = checks.wants_json(ask);
        let label = checks.label.as_ref();
        if wants_json
            || label.is_some_and(LabelRule::needs_json)
            || json_structure::may_be_json(&answer.text)
        {
            self.json = Some(Json::read(&answer.text));
        }
        let asked = self.json.as_ref().filter(|_| wants_json);
        let stance = refusal::stance(answer, asked.and_then(Json::value), &checks.phrases);
        self.stance = Some(stance);
        self.refusal = refusal::own(stance);
        if stance == Stance::Full {
            return;
        }
        self.tool_arguments = tool_arguments::own(checks, ask, answer);
        if !wants_json || !answer.calls.is_empty() {
            return;
        }
        if let Some(json) = &self.json {
            let lenient = checks.settings.lenient_json;
            self.form = Some(json.form());
            self.json_parse = json_parse::own(json, ask, lenient, answer.finish);
            if let (false, Some(value)) = (self.json_parse.failed(), json.value()) {
                self.json_schema = json_schema::own(checks, ask, value);
                self.required_fields = required_fields::own(&checks.required, value);
            }
        }
    }

    /// Holds a free text against what the request brings, where the route asks for it.
    fn judge_text(&mut self, checks: &Checks, ask: &Ask<'_>) {
        let Some(text) = self.free_text() else {
            return;
        };
        let context = ask.context.as_ref();
        let rule = checks
            .citations
            .as_ref()
            .filter(|_| checks.is_on(Check::Citations));
        let citations = rule.map(|rule| citations::own(rule, context, text));
        let grounded = checks.settings.retrieval && checks.is_on(Check::Groundedness);
        let threshold = checks.settings.groundedness.threshold;
        let groundedness = context
            .filter(|_| grounded)
            .map(|context| groundedness::own(context, text, threshold));
        self.citations = citations.unwrap_or_else(Finding::na);
        self.groundedness = groundedness.unwrap_or_else(Finding::na);
    }

    /// What a check says of this side alone, if it judges one side alone.
    pub(crate) const fn finding(&self, check: Check) -> Option<&Finding> {
        match check {
            Check::Transport => Some(&self.transport),
            Check::Envelope => Some(&self.envelope),
            Check::JsonParse => Some(&self.json_parse),
            Check::JsonSchema => Some(&self.json_schema),
            Check::RequiredFields => Some(&self.required_fields),
            Check::Refusal => Some(&self.refusal),
            Check::ToolArguments => Some(&self.tool_arguments),
            Check::Groundedness => Some(&self.groundedness),
            Check::Citations => Some(&self.citations),
            Check::Cost => Some(&self.cost),
            Check::FinishReason
            | Check::JsonStructure
            | Check::ToolSelection
            | Check::Label
            | Check::TextSimilarity
            | Check::FirstContent
            | Check::Embeddings
            | Check::Extraction
            | Check::SemanticSimilarity
            | Check::Judge
            | Check::Length
            | Check::Language
            | Check::Format
            | Check::TotalTime
            | Check::OutputRate
            | Check::Tokens => None,
        }
    }

    /// The answer of a side that took the task up: what a refusal lacks is counted as the refusal.
    pub(crate) fn served(&self) -> Option<&Answer> {
        self.state
            .answer()
            .filter(|_| self.stance.is_some_and(|stance| stance != Stance::Full))
    }

    /// The free text of a side that took the task up: neither JSON, which is compared by its leaves, nor nothing.
    pub(crate) fn free_text(&self) -> Option<&str> {
        let answer = self.served()?;
        let is_json = self.json.as_ref().and_then(Json::value).is_some();
        Some(answer.text.trim()).filter(|text| !is_json && !text.is_empty())
    }

    /// What is said of this side alone. `label` is its label's place in the route's list.
    pub(crate) fn verdict(&self, on: MetricSet, label: Option<u16>) -> SideVerdict {
        SideVerdict {
            bad: self.bad(on),
            json: self.form,
            stance: self.stance,
            label,
            usage: self.usage,
            cost_usd: self.cost_usd,
        }
    }

    /// The content group's bad events among the metrics that are on; `None` if nothing could be judged.
    pub(crate) fn bad(&self, on: MetricSet) -> Option<MetricSet> {
        if matches!(self.state, State::Unjudged(_)) {
            return None;
        }
        let broken = matches!(self.state, State::Broken(_));
        let judged = [
            (Metric::Stream, broken),
            (Metric::Envelope, self.envelope.failed()),
            (Metric::JsonParse, self.json_parse.failed()),
            (Metric::JsonSchema, self.json_schema.failed()),
            (Metric::RequiredFields, self.required_fields.failed()),
            (Metric::Refusal, self.refusal.failed()),
            (Metric::Cost, self.cost.failed()),
        ];
        let bad: MetricSet = judged
            .into_iter()
            .filter(|(_, bad)| *bad)
            .map(|(m, _)| m)
            .collect();
        Some(bad.and(on))
    }
}
