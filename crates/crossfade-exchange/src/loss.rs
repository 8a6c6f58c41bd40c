//! What a translation had to drop, emulate or change. Never silent: each is named, counted and kept; and what a route does
//! about it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

closed_enum! {
    /// The kinds of loss: a closed set, because each is a metric label.
    pub enum LossKind {
        /// `temperature` above the target's range was clamped.
        TemperatureClamped = "temperature_clamped",
        /// A sampling parameter was dropped because the target refuses it, or refuses it beside another.
        SamplingDropped = "sampling_dropped",
        /// `seed` was dropped: the target has none.
        SeedDropped = "seed_dropped",
        /// A stop sequence the target refuses was dropped.
        StopDropped = "stop_dropped",
        /// The token limit was raised to the target's floor.
        TokenFloor = "token_floor",
        /// Later system or developer messages were moved to the front.
        SystemReordered = "system_reordered",
        /// Neighbouring messages of one role were merged.
        MessagesMerged = "messages_merged",
        /// A placeholder turn or text was inserted because the target demands one.
        PlaceholderInserted = "placeholder_inserted",
        /// Blank text was dropped.
        BlankDropped = "blank_dropped",
        /// A participant's `name` was dropped.
        NameDropped = "name_dropped",
        /// A tool's name was changed for the target and restored in the answer.
        ToolNameMapped = "tool_name_mapped",
        /// A tool call's id was changed for the target.
        ToolIdMapped = "tool_id_mapped",
        /// A tool call's or result's duplicate was dropped.
        ToolDuplicateDropped = "tool_duplicate_dropped",
        /// Tool arguments that are no JSON object were wrapped.
        ToolArgumentsWrapped = "tool_arguments_wrapped",
        /// Tool arguments that held several JSON objects were split into several calls.
        ToolArgumentsSplit = "tool_arguments_split",
        /// Tool calls in the history were turned to text because the request brings no tools.
        ToolHistoryNeutralised = "tool_history_neutralised",
        /// `strict` was dropped from a tool.
        StrictDropped = "strict_dropped",
        /// A tool's or format's schema was changed to what the target accepts.
        SchemaChanged = "schema_changed",
        /// Tool choice was weakened or emulated.
        ToolChoiceEmulated = "tool_choice_emulated",
        /// `parallel_tool_calls: false` was emulated.
        ParallelToolsEmulated = "parallel_tools_emulated",
        /// A JSON answer was asked for by a forced tool.
        JsonByTool = "json_by_tool",
        /// A JSON answer was asked for by instruction only.
        JsonByInstruction = "json_by_instruction",
        /// Reasoning effort was mapped to the nearest the target has.
        ReasoningMapped = "reasoning_mapped",
        /// Reasoning effort was dropped.
        ReasoningDropped = "reasoning_dropped",
        /// A refusal in the history was sent as text.
        RefusalAsText = "refusal_as_text",
        /// A hint (verbosity, prediction, cache key, service tier, metadata, user, image detail) was dropped.
        HintDropped = "hint_dropped",
        /// `metadata` was changed to the target's charset or length.
        MetadataChanged = "metadata_changed",
        /// An answer's stop reason is unknown; content was present, so it reads `stop`.
        StopReasonUnknown = "stop_reason_unknown",
        /// A block of the answer has no place on the Azure wire and was dropped.
        BlockDropped = "block_dropped",
        /// The answer's extra tool calls were dropped to keep one.
        ToolCallsTrimmed = "tool_calls_trimmed",
        /// The route's `adapt` settings changed the request for the candidate.
        Adapted = "adapted",
        /// A later system or developer message was sent in its place, as the target's own kind of turn or as the user's text.
        SystemInPlace = "system_in_place",
        /// A document's name was changed to what the target accepts.
        DocumentRenamed = "document_renamed",
        /// A file or picture behind a URL was fetched by the proxy and sent inline.
        UrlFetched = "url_fetched",
        /// Functions of the older form were asked for as tools, and answered in the older form.
        FunctionsEmulated = "functions_emulated",
        /// A custom tool was asked for as a function with one text parameter.
        CustomToolEmulated = "custom_tool_emulated",
        /// A hint about the prompt cache was mapped to the nearest the target has.
        CacheHintMapped = "cache_hint_mapped",
        /// A budget of thinking tokens was clamped to what the token limit or the target allows.
        BudgetClamped = "budget_clamped",
        /// Thinking of an earlier turn is not at hand, so that the target thinks without it, or not at all.
        ThinkingMissing = "thinking_missing",
        /// The service tier was mapped to the nearest the target has.
        ServiceTierMapped = "service_tier_mapped",
        /// The answer was not kept, though the caller left it to the provider to keep it.
        Unstored = "unstored",
        /// Reasoning in the answer was not shown, as the caller's wire has no place for it.
        ReasoningHidden = "reasoning_hidden",
        /// JSON of the answer was taken out of what the model put around it.
        JsonUnwrapped = "json_unwrapped",
        /// A tool call that the model wrote as text was turned into a call.
        ToolCallFromText = "tool_call_from_text",
        /// An event of the answer's stream is unknown and was skipped.
        EventSkipped = "event_skipped",
        /// Items of the input were put into the order that the target demands: text, calls, their results.
        InputReordered = "input_reordered",
        /// `temperature` was scaled to the target's range.
        TemperatureScaled = "temperature_scaled",
        /// Tokens in place of text were decoded by the primary's vocabulary.
        TokensDecoded = "tokens_decoded",
    }
}

/// One loss, with the field it concerns.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Loss {
    /// What happened.
    pub kind: LossKind,
    /// The path of the field, without the caller's values.
    pub field: String,
}

impl Loss {
    /// A loss at a field.
    pub fn new(kind: LossKind, field: impl Into<String>) -> Self {
        Self {
            kind,
            field: field.into(),
        }
    }
}

closed_enum! {
    /// What a route does with a request whose translation has a loss.
    pub enum LossPolicy {
        /// Mirrored, and answered by either side.
        Allow = "allow",
        /// Mirrored, and answered by the primary only.
        MirrorOnly = "mirror-only",
        /// Not for the candidate at all.
        Refuse = "refuse",
    }
}

/// A route's policies: one for all losses, and others for single kinds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LossPolicies {
    /// For a kind that has none of its own; written `default`.
    #[serde(rename = "default", default = "allow")]
    pub otherwise: LossPolicy,
    /// By kind.
    #[serde(flatten)]
    pub by_kind: BTreeMap<LossKind, LossPolicy>,
}

const fn allow() -> LossPolicy {
    LossPolicy::Allow
}

impl Default for LossPolicies {
    /// Every loss is allowed.
    fn default() -> Self {
        Self {
            otherwise: allow(),
            by_kind: BTreeMap::new(),
        }
    }
}

impl LossPolicies {
    /// The policy for a kind.
    pub fn of(&self, kind: LossKind) -> LossPolicy {
        self.by_kind.get(&kind).copied().unwrap_or(self.otherwise)
    }

    /// The strictest policy among losses, with the first loss that has it; `None` where all are allowed.
    pub fn strictest<'l>(&self, losses: &'l [Loss]) -> Option<(LossPolicy, &'l Loss)> {
        let mut found: Option<(LossPolicy, &Loss)> = None;
        for loss in losses {
            let policy = self.of(loss.kind);
            if policy > found.map_or(LossPolicy::Allow, |(policy, _)| policy) {
                found = Some((policy, loss));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_policy_decides() {
        let mut policies = LossPolicies::default();
        let losses = [
            Loss::new(LossKind::SeedDropped, "seed"),
            Loss::new(LossKind::StopDropped, "stop"),
            Loss::new(LossKind::HintDropped, "user"),
        ];
        assert_eq!(policies.strictest(&losses), None);
        policies
            .by_kind
            .insert(LossKind::StopDropped, LossPolicy::MirrorOnly);
        let found = policies.strictest(&losses);
        assert_eq!(
            found,
            losses.get(1).map(|loss| (LossPolicy::MirrorOnly, loss))
        );
        policies
            .by_kind
            .insert(LossKind::HintDropped, LossPolicy::Refuse);
        let found = policies
            .strictest(&losses)
            .map(|(policy, loss)| (policy, loss.kind));
        assert_eq!(found, Some((LossPolicy::Refuse, LossKind::HintDropped)));
        policies.otherwise = LossPolicy::Refuse;
        let found = policies.strictest(&losses).map(|(_, loss)| loss.kind);
        assert_eq!(found, Some(LossKind::SeedDropped));
    }
}
