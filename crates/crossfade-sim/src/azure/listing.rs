//! The small answers: the list of models, and the receipt of an upload.

use serde_json::json;

use super::{AzureOptions, dice::Dice, sha256_hex};
use crate::{script::Received, text::hex};

/// `GET /openai/models`.
pub(super) fn models(options: &AzureOptions) -> String {
    let model = |id: &str, chat: bool| {
        json!({
            "capabilities": {
                "chat_completion": chat, "completion": false, "embeddings": !chat, "fine_tune": false,
                "inference": true,
            },
            "created_at": 1_744_588_800,
            "deprecation": {"inference": 1_791_936_000},
            "id": id,
            "lifecycle_status": "generally-available",
            "object": "model",
            "status": "succeeded",
        })
    };
    let data = [
        model(&options.model, true),
        model(&options.embedding_model, false),
    ];
    json!({"data": data, "object": "list"}).to_string()
}

/// An upload is answered with its size and hash, so that a test can tell what arrived.
pub(super) fn uploaded(request: &Received, dice: &mut Dice) -> String {
    let sha256 = match request.sha256 {
        Some(hash) => hex(&hash),
        None => sha256_hex(&request.body),
    };
    json!({
        "bytes": request.length,
        "created_at": dice.created(),
        "filename": "upload.bin",
        "id": dice.id("file-", 24),
        "object": "file",
        "purpose": "assistants",
        "sha256": sha256,
        "status": "processed",
    })
    .to_string()
}
