//! Which translation losses change the task, so that a pair cannot be compared. It counts no losses.

use crossfade_exchange::LossKind;

/// Losses after which the candidate was asked for something else.
pub(crate) const fn changes_task(kind: LossKind) -> bool {
    match kind {
        // Without its stop sequence an answer goes on where the primary's ends.
        LossKind::StopDropped => true,
        LossKind::TemperatureClamped
        | LossKind::SamplingDropped
        | LossKind::SeedDropped
        | LossKind::TokenFloor
        | LossKind::SystemReordered
        | LossKind::MessagesMerged
        | LossKind::PlaceholderInserted
        | LossKind::BlankDropped
        | LossKind::NameDropped
        | LossKind::ToolNameMapped
        | LossKind::ToolIdMapped
        | LossKind::ToolDuplicateDropped
        | LossKind::ToolArgumentsWrapped
        | LossKind::ToolArgumentsSplit
        | LossKind::ToolHistoryNeutralised
        | LossKind::StrictDropped
        | LossKind::SchemaChanged
        | LossKind::ToolChoiceEmulated
        | LossKind::ParallelToolsEmulated
        | LossKind::JsonByTool
        | LossKind::JsonByInstruction
        | LossKind::ReasoningMapped
        | LossKind::ReasoningDropped
        | LossKind::RefusalAsText
        | LossKind::HintDropped
        | LossKind::MetadataChanged
        | LossKind::StopReasonUnknown
        | LossKind::BlockDropped
        | LossKind::ToolCallsTrimmed
        | LossKind::Adapted
        | LossKind::SystemInPlace
        | LossKind::DocumentRenamed
        | LossKind::UrlFetched
        | LossKind::FunctionsEmulated
        | LossKind::CustomToolEmulated
        | LossKind::CacheHintMapped
        | LossKind::BudgetClamped
        | LossKind::ThinkingMissing
        | LossKind::ServiceTierMapped
        | LossKind::Unstored
        | LossKind::ReasoningHidden
        | LossKind::JsonUnwrapped
        | LossKind::ToolCallFromText
        | LossKind::EventSkipped
        | LossKind::InputReordered
        | LossKind::TemperatureScaled
        | LossKind::TokensDecoded => false,
    }
}
