//! Exchanges and records for tests.

use std::sync::Arc;

use bytes::Bytes;
use crossfade_backplane::{DataDirectory, EvidenceKeys, EvidenceSettings, Key, QueueSettings};
use crossfade_compare::{CheckSettings, Checks};
use crossfade_exchange::{
    AnswerReason, Assignment, Caller, Ending, Exchange, Operation, Recording, Role, RouteId, Side,
    SizeClass, Timings, Unit,
};
use crossfade_redact::{RedactSettings, Redactor};
use crossfade_statistics::StatisticsSettings;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Judged, Keeper, RecordedRoute, Records, RecordsSettings};
use crate::telemetry::Metrics;

/// A key for evidence.
pub(crate) fn keys() -> EvidenceKeys {
    EvidenceKeys {
        current: Some(Key::new([1; 32])),
        previous: None,
    }
}

/// Settings of one route, `support`, nothing of it drawn at random.
pub(crate) fn settings(
    directory: &Arc<DataDirectory>,
    metrics: &Arc<Metrics>,
    keys: EvidenceKeys,
) -> RecordsSettings {
    let month = std::time::Duration::from_secs(30 * 86_400);
    RecordsSettings {
        directory: Arc::clone(directory),
        secret: [7; 32],
        keys,
        evidence: EvidenceSettings {
            max_bytes: 1 << 30,
            retention: month,
            summaries: month,
        },
        reviews: QueueSettings {
            open_per_route: 200,
            max_age: month,
        },
        routes: vec![RecordedRoute {
            id: RouteId::new("support"),
            statistics: StatisticsSettings::default(),
            fingerprint: "1".to_owned(),
            share: 0.0,
            sample: 0.0,
            redactor: Redactor::new(&RedactSettings::default()).unwrap(),
        }],
        decide_after: std::time::Duration::from_secs(3_600),
        metrics: Arc::clone(metrics),
    }
}

/// Writes what waits, and ends.
pub(crate) async fn write_out(keeper: Keeper) {
    let stop = CancellationToken::new();
    stop.cancel();
    keeper.run(stop).await;
}

/// Opens records that somebody has opened before.
pub(crate) fn start(settings: RecordsSettings) -> (Records, Keeper) {
    Records::start(settings).unwrap()
}

/// A compared pair of JSON answers, of one user.
pub(crate) fn judged(id: &str, primary: &str, candidate: &str) -> Judged {
    let exchange = exchange(id, primary, candidate);
    let checks = Checks::new(CheckSettings {
        json: true,
        ..CheckSettings::default()
    });
    let verdict = checks.unwrap().compare(&exchange);
    Judged::new(exchange, verdict)
}

fn exchange(id: &str, primary: &str, candidate: &str) -> Exchange {
    let request =
        json!({"messages": [{"role": "user", "content": "where is ana@example.com's order?"}]});
    Exchange {
        id: id.to_owned(),
        route: RouteId::new("support"),
        received_unix_ms: super::keeper::now_unix_ms(),
        operation: Operation::Chat,
        path: "/openai/deployments/support/chat/completions".to_owned(),
        request: Bytes::from(request.to_string()),
        size: SizeClass::K4,
        streamed: false,
        assignment: Assignment {
            answer: Side::Primary,
            shadow: Some(Side::Candidate),
            probability: 0.0,
            salt: 1,
            drawn: false,
            inclusion: 1.0,
            reason: AnswerReason::Share,
        },
        draw: None,
        mirrored: None,
        primary: Some(recording(Side::Primary, Role::Answering, primary)),
        candidate: Some(recording(Side::Candidate, Role::Shadow, candidate)),
        secondary: None,
        candidate_again: None,
        caller: Caller {
            credential: Some(Unit(1)),
            user: Some(Unit(2)),
        },
    }
}

/// A whole answer of that content.
pub(crate) fn recording(side: Side, role: Role, content: &str) -> Recording {
    let body = json!({
        "choices": [{"finish_reason": "stop", "index": 0,
            "message": {"content": content, "refusal": null, "role": "assistant"}}],
        "created": 1, "id": "chatcmpl-1", "model": "m", "object": "chat.completion",
        "usage": {"completion_tokens": 5, "prompt_tokens": 7, "total_tokens": 12}
    });
    Recording {
        side,
        role,
        ending: Ending::Complete,
        status: Some(200),
        content_type: Some("application/json".to_owned()),
        content_encoding: None,
        body: Bytes::from(body.to_string()),
        truncated: false,
        timings: Timings::default(),
        failover: None,
        losses: Vec::new(),
        usage: None,
    }
}
