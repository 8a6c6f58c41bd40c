//! Every recorded chat request that translates is asked for real: signed by the SDK, verified and validated by the
//! simulated service, and on its socket the very JSON that was judged.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{
    Counts, Record,
    grade::Grade,
    stage::{self, Stage},
};

/// Asks all of them; returns what is wrong.
pub(super) async fn check(records: &[Record], counts: &mut Counts) -> Result<Vec<String>> {
    let stage = Stage::new().await?;
    let settings = stage::settings();
    let mut failures = Vec::new();
    for record in records
        .iter()
        .filter(|record| record.api == "chat/completions")
    {
        if Grade::of(&record.request, record.status) != Grade::Covered {
            continue;
        }
        let Ok(translation) = crossfade_bedrock::translate(&record.request, &settings) else {
            continue;
        };
        let judged = serde_json::to_value(&translation.request).context("a body is no JSON")?;
        match call(&stage, record, &judged).await {
            Ok(()) => counts.add("calls.answered"),
            Err(error) => {
                counts.add("calls.failed");
                failures.push(format!("{}: {error:#}", record.id));
            }
        }
    }
    Ok(failures)
}

async fn call(stage: &Stage, record: &Record, judged: &Value) -> Result<()> {
    let answer = stage.ask(record.request.clone()).await?;
    ensure!(!answer.is_empty(), "an empty answer");
    let received = stage
        .sim
        .received()
        .pop()
        .context("the service received nothing")?;
    let sent: Value = serde_json::from_slice(&received.body).context("what was sent is no JSON")?;
    ensure!(sent == *judged, "another body was sent than was judged");
    Ok(())
}
