//! What a translation had to drop, emulate or change. Never silent: each is named, counted and kept.

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
