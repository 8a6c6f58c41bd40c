//! Every recorded answer passes through the proxy byte for byte: once under its own path, which nobody needs to
//! understand, and once as the answer of a mirrored deployment, which is recorded on its way.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use crossfade_sim::{
    azure::{AzureOptions, AzureSim},
    bedrock::{BedrockOptions, BedrockSim},
    script::{Answer, Prompt, Recorded, Script},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::{
    Counts, Record,
    client::{self, Raw},
    proxy::{self, Proxy},
};

/// Headers that concern one connection, or the framing on it, and not the message.
const OF_THE_CONNECTION: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
    "transfer-encoding",
    "content-length",
];

/// A request that can be mirrored, and so is recorded on its way.
const MIRRORED: &[u8] = br#"{"messages":[{"role":"user","content":"Say hello."}],"stream":true}"#;

/// Plays all of them; returns what came out different.
pub(super) async fn check(
    records: &[Record],
    seed: u64,
    counts: &mut Counts,
) -> Result<Vec<String>> {
    let script = Script::default();
    let azure = AzureSim::start(AzureOptions {
        script: script.clone(),
        ..AzureOptions::default()
    })
    .await
    .context("cannot start the simulated Azure")?;
    azure.server().keep_received(1);
    let says = Script::new(std::sync::Arc::new(|_: &Prompt, _: u64| {
        Answer::text("Hello.")
    }));
    let bedrock = BedrockSim::start(BedrockOptions {
        script: says,
        ..BedrockOptions::default()
    })
    .await
    .context("cannot start the simulated Bedrock")?;
    bedrock.server().keep_received(0);
    let proxy = Proxy::start(&azure.url(), &bedrock.url()).await?;
    let mut random = StdRng::seed_from_u64(seed);
    let mut failures = Vec::new();
    for record in records {
        let own = (
            record.method.as_str(),
            record.target.as_str(),
            &record.request,
        );
        let path = format!(
            "/openai/deployments/{}/chat/completions?api-version=2024-10-21",
            proxy::ROUTE
        );
        let mirrored = ("POST", path.as_str(), &Bytes::from_static(MIRRORED));
        for (name, (method, target, body)) in [("forwarded", own), ("mirrored", mirrored)] {
            let played = recorded(record, &mut random);
            script.set_recorded(Some(played.clone()));
            let kind = record.request_type.as_deref().unwrap_or("application/json");
            let headers = [("Content-Type", kind), ("api-key", "conformance")];
            let answer = client::ask(proxy.address, method, target, &headers, body).await;
            let difference = match answer {
                Ok(answer) => difference(&played, &answer),
                Err(error) => Some(format!("{error:#}")),
            };
            let received = azure.received().pop();
            let kept = received
                .is_some_and(|r| r.target == target && r.body == *body && r.method == method);
            let difference =
                difference.or((!kept).then(|| "the request came out changed".to_owned()));
            match difference {
                None => counts.add(format!("transparency.{name}.equal")),
                Some(difference) => {
                    counts.add(format!("transparency.{name}.different"));
                    failures.push(format!("{} ({name}): {difference}", record.id));
                }
            }
        }
    }
    // Without copies, nothing would have been recorded on its way.
    ensure!(bedrock.script().requests() > 0, "nothing was mirrored");
    Ok(failures)
}

/// A recorded answer in random pieces: none for a quarter of them, single bytes for a few.
fn recorded(record: &Record, random: &mut StdRng) -> Recorded {
    let most = match random.random_range(0..8) {
        0 | 1 => 0,
        2 if record.body.len() < 4096 => 1,
        3 | 4 => 64,
        _ => 4096,
    };
    let pieces = match most {
        0 => Vec::new(),
        most => (0..16).map(|_| random.random_range(1..=most)).collect(),
    };
    Recorded {
        status: record.status,
        reason: random.random_bool(0.5).then(|| "As Recorded".to_owned()),
        headers: record.headers.clone(),
        body: record.body.clone(),
        pieces,
    }
}

/// What differs between what was played and what came, if anything.
fn difference(played: &Recorded, came: &Raw) -> Option<String> {
    let standard = http::StatusCode::from_u16(played.status)
        .ok()
        .and_then(|s| s.canonical_reason());
    let reason = played.reason.as_deref().or(standard).unwrap_or_default();
    let status_line = format!("HTTP/1.1 {} {reason}", played.status);
    if came.status_line != status_line {
        return Some(format!(
            "status line {:?} instead of {status_line:?}",
            came.status_line
        ));
    }
    let (sent, received) = (lines(&played.headers), lines(&came.headers));
    if let Some(lost) = sent.iter().find(|line| !received.contains(line)) {
        return Some(format!("header line of {:?} is lost", lost.0));
    }
    if received != sent {
        let names: Vec<&str> = received.iter().map(|(name, _)| name.as_str()).collect();
        return Some(format!("header lines differ: {names:?}"));
    }
    let expected: &[u8] = if played.status == 204 {
        b""
    } else {
        &played.body
    };
    (came.body != expected).then(|| {
        let same = came
            .body
            .iter()
            .zip(expected)
            .take_while(|(a, b)| a == b)
            .count();
        format!(
            "{} bytes of body instead of {}, the same up to {same}",
            came.body.len(),
            expected.len()
        )
    })
}

/// Header lines as a multiset, without those of the connection.
fn lines(headers: &[(String, String)]) -> Vec<(String, String)> {
    let of_connection = |name: &str| {
        OF_THE_CONNECTION
            .iter()
            .any(|h| name.eq_ignore_ascii_case(h))
    };
    let mut lines: Vec<(String, String)> = headers
        .iter()
        .filter(|(name, _)| !of_connection(name))
        .cloned()
        .collect();
    lines.sort();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_is_seen() {
        fn check(change: impl FnOnce(&mut Raw), expected: Option<&str>) {
            let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            let played = Recorded {
                status: 200,
                reason: None,
                headers: vec![
                    header("X-A", "1"),
                    header("x-b", "2"),
                    header("Connection", "close"),
                ],
                body: Bytes::from_static(b"abc"),
                pieces: Vec::new(),
            };
            let mut came = Raw {
                status_line: "HTTP/1.1 200 OK".to_owned(),
                headers: vec![
                    header("x-b", "2"),
                    header("X-A", "1"),
                    header("content-length", "3"),
                ],
                body: b"abc".to_vec(),
            };
            change(&mut came);
            let found = difference(&played, &came);
            assert!(
                match (&found, expected) {
                    (None, None) => true,
                    (Some(found), Some(expected)) => found.contains(expected),
                    _ => false,
                },
                "{found:?} for {expected:?}"
            );
        }
        check(|_| {}, None);
        check(
            |came| came.status_line = "HTTP/1.1 200 ok".to_owned(),
            Some("status line"),
        );
        check(
            |came| came.headers[1].0 = "x-a".to_owned(),
            Some("\"X-A\" is lost"),
        );
        check(
            |came| came.headers[0].1 = "3".to_owned(),
            Some("\"x-b\" is lost"),
        );
        check(
            |came| came.headers.push(("date".to_owned(), String::new())),
            Some("differ"),
        );
        check(
            |came| came.headers.push(("x-b".to_owned(), "2".to_owned())),
            Some("differ"),
        );
        check(|came| came.body[2] = b'd', Some("the same up to 2"));
        check(
            |came| came.body.truncate(1),
            Some("1 bytes of body instead of 3"),
        );
    }
}
