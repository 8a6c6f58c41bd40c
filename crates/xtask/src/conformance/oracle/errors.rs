//! Errors: the service's on one side, Azure's shape on the other, with the status that lets clients retry.

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::{
    super::{answers, stage::Stage},
    cases::Case,
    table::Table,
};

const CORPUS: &str = "fixtures.errors";

/// Words that are the service's, or another proxy's, and no business of an Azure client.
const FOREIGN: &[&str] = &["bedrock", "aws", "amazon", "arn:", "exception"];

/// Plays every error.
pub(super) async fn check(cases: &[Case], stage: &Stage, table: &mut Table) -> Result<()> {
    for case in cases.iter().filter(|case| case.kind == "error") {
        table.row(CORPUS);
        let headers = case.response_headers.as_ref().context("no headers")?;
        let output = case.output.as_ref().context("no output")?;
        let said = output.pointer("/error/message").and_then(Value::as_str);
        let body = serde_json::json!({ "message": said.unwrap_or_default() }).to_string();
        let status = status(headers)?;
        let sent = sent(headers);
        stage.play_error(status, &sent, &Bytes::from(body));
        let (came, body) = stage.ask_any(answers::WHOLE).await?;
        match wrong(status, came, &body) {
            None => table.accepted_as_it_is(CORPUS),
            Some(what) => table.failure(CORPUS, &case.name(), &what),
        }
    }
    Ok(())
}

/// What is wrong with an error as the client sees it.
fn wrong(sent: u16, came: u16, body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    if came != sent {
        return Some(format!("status {came} for {sent}"));
    }
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return Some(format!("no JSON: {text}"));
    };
    let error = body.get("error").and_then(Value::as_object);
    let shown = error.is_some_and(|error| {
        let text = |name: &str| {
            error
                .get(name)
                .is_none_or(|it| it.is_null() || it.is_string())
        };
        error.get("message").is_some_and(Value::is_string) && text("code") && text("type")
    });
    if !shown {
        return Some(format!("not of Azure's shape: {text}"));
    }
    let lower = text.to_lowercase();
    let mut foreign = FOREIGN.iter().filter(|word| lower.contains(**word));
    foreign.next().map(|word| format!("it says {word}: {text}"))
}

fn status(headers: &Map<String, Value>) -> Result<u16> {
    let status = headers.get(":status").and_then(Value::as_str);
    let Some(status) = status.and_then(|status| status.parse().ok()) else {
        bail!("a status is no number");
    };
    Ok(status)
}

/// The headers as the service would send them: the name of the kind of error is a constant that was not read.
fn sent(headers: &Map<String, Value>) -> Vec<(String, String)> {
    let headers = headers.iter().filter(|(name, _)| !name.starts_with(':'));
    let headers = headers.filter_map(|(name, value)| {
        let name = if name.starts_with("<<opaque>>") {
            "x-amzn-errortype"
        } else {
            name
        };
        Some((name.to_owned(), value.as_str()?.to_owned()))
    });
    headers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_azures_shape_and_words() {
        fn check(came: u16, body: &str, wrong_with: Option<&str>) {
            let found = wrong(429, came, body.as_bytes());
            match (&found, wrong_with) {
                (None, None) => {}
                (Some(found), Some(expected)) => assert!(found.contains(expected), "{found}"),
                _ => panic!("{found:?} for {body}"),
            }
        }
        check(
            429,
            r#"{"error":{"code":"429","message":"Slow down."}}"#,
            None,
        );
        check(
            500,
            r#"{"error":{"code":"429","message":"Slow down."}}"#,
            Some("status"),
        );
        check(429, "slow down", Some("no JSON"));
        check(429, r#"{"message":"Slow down."}"#, Some("shape"));
        check(
            429,
            r#"{"error":{"code":429,"message":"Slow down."}}"#,
            Some("shape"),
        );
        check(
            429,
            r#"{"error":{"message":"ThrottlingException"}}"#,
            Some("exception"),
        );
    }
}
