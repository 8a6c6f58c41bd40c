//! A page of a migration report: an admin listener of our own answers with a report that holds hostile text, and the program
//! renders what it was told.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context as _, Result, anyhow, ensure};
use crossfade_replay::{canonical, sha256};
use serde_json::{Value, json};

use super::HOSTILE;

/// The questions, in their order.
const QUESTIONS: [&str; 8] = [
    "process",
    "structured_outputs",
    "tools",
    "permissions",
    "logs",
    "checks",
    "way_back",
    "owner",
];

/// Makes the page.
pub(super) fn made(program: &Path, home: &Path) -> Result<PathBuf> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen")?;
    let address = listener.local_addr().context("no address")?;
    let answering = thread::spawn(move || answer(&listener));
    let page = home.join("migration.html");
    let status = Command::new(program)
        .args(["report", "support", "--out"])
        .arg(&page)
        .args(["--admin", &format!("http://{address}")])
        .stdout(Stdio::null())
        .status()
        .context("cannot run crossfade")?;
    let answered = answering
        .join()
        .map_err(|_| anyhow!("the listener panicked"))?;
    answered.context("the listener")?;
    ensure!(status.success(), "report ended with {status}");
    Ok(page)
}

/// Answers one request.
fn answer(listener: &TcpListener) -> Result<()> {
    let (mut stream, _) = listener.accept()?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    while lines
        .next()
        .transpose()?
        .is_some_and(|line| !line.is_empty())
    {}
    let body = report().to_string();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )?;
    Ok(())
}

/// Eight questions with every answer and mark, hostile text wherever a report holds text of others.
fn report() -> Value {
    let answers = ["yes", "not_yet", "no", "not_asked"];
    let marks = ["good", "open", "bad", "note"];
    let sections: Vec<Value> = QUESTIONS
        .iter()
        .zip(answers.iter().cycle())
        .map(|(question, answer)| {
            let lines: Vec<Value> = marks
                .iter()
                .map(|mark| json!({ "what": format!("gate {mark}"), "says": format!("mean +0.12 pp {HOSTILE}"), "mark": mark }))
                .collect();
            json!({ "question": question, "answer": answer, "lines": lines })
        })
        .collect();
    let content = json!({
        "format": 1, "route": format!("support{HOSTILE}"), "owner": HOSTILE, "stage": "ramp", "share": 25.0,
        "candidate": "some-model by converse", "fingerprint": "ab".repeat(32), "attempt": 3, "decided": 120_000,
        "pairs": 34_567, "ledger_entries": 42, "ledger_head": "cd".repeat(32), "answer": "no",
        "next": ["ramp at 50 %, by itself", HOSTILE], "sections": sections
    });
    json!({ "hash": sha256(&canonical(&content)), "made_unix_ms": 1_767_225_599_999_u64, "content": content })
}
