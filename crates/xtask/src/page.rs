//! `cargo xtask page`: the pages that `crossfade replay` and `crossfade report` write, in a real browser without a network: no
//! request, no error, nothing of an answer or a name that becomes markup, wide and narrow, light and dark.

mod report;

use std::{
    ffi::OsStr,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{node::Node, print, workspace};

/// What may be said to `cargo xtask page`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A page that replay wrote; without it one is made from a small golden set with hostile answers, and one of a report
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// Where pictures of it are kept
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
}

/// The browser's program.
const BROWSER: &str = "/usr/bin/chromium";
/// What would run or be fetched if it were taken for markup.
const HOSTILE: &str = "</pre></details><script>alert('script')</script><img src=\"https://example.com/x.png\" onerror=\"alert('image')\"><svg onload=alert(1)><style>@import url(https://example.com/x.css)</style>\u{1b}[2J\u{202e}";

/// Makes a page, or takes the one that is named, and has the browser look at it.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let program = workspace::build_crossfade()?;
    check(
        &program,
        arguments.page.as_deref(),
        arguments.pictures.as_deref(),
    )
}

/// The same with a program that is built already.
pub(crate) fn check(program: &Path, page: Option<&Path>, pictures: Option<&Path>) -> Result<()> {
    ensure!(
        Path::new(BROWSER).exists(),
        "chromium is missing: install it, such as by apt-get install chromium"
    );
    let node = Node::with_programs("page", &workspace::root().join("crates/xtask/e2e/page"))?;
    let home = TempDir::new().context("cannot make a directory")?;
    let pages = match page {
        Some(page) => vec![("page.mjs", fs::canonicalize(page).context("no such page")?)],
        None => vec![
            ("page.mjs", made(program, home.path())?),
            ("report.mjs", report::made(program, home.path())?),
        ],
    };
    let pictures = match pictures {
        Some(pictures) => {
            fs::create_dir_all(pictures).context("cannot make a directory")?;
            fs::canonicalize(pictures).context("no such directory")?
        }
        None => home.path().to_owned(),
    };
    for (script, page) in pages {
        let said = node.run(
            script,
            &[OsStr::new(BROWSER), page.as_os_str(), pictures.as_os_str()],
        )?;
        print::line(said.trim());
    }
    Ok(())
}

/// A page of 60 cases with three repeats each, among them hostile ones.
fn made(program: &Path, home: &Path) -> Result<PathBuf> {
    let mut golden = String::new();
    for at in 0..60 {
        writeln!(golden, "{}", case(at)).context("cannot write a case")?;
    }
    fs::write(home.join("golden.jsonl"), golden).context("cannot write a golden set")?;
    let status = Command::new(program)
        .args(["replay", "--dataset", "golden.jsonl", "--report", "report"])
        .current_dir(home)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .context("cannot run crossfade")?;
    ensure!(
        status.code() == Some(100),
        "replay ended with {status} where cases fail"
    );
    Ok(home.join("report/report.html"))
}

fn case(at: usize) -> Value {
    let hostile = if at % 10 == 3 { HOSTILE } else { "" };
    let side = |well: &dyn Fn(usize) -> bool, slow: f64| -> Vec<Value> {
        let answer = |repeat: usize| {
            let word = if well(repeat) {
                "Monday and cost 12.50 USD"
            } else {
                "Tuesday and cost 19.90 USD"
            };
            let text = format!("The parcel was sent on {word}. {hostile}");
            let time =
                300.0 + f64::from(u32::try_from((at * 37 + repeat * 11) % 97).unwrap_or(0)) * slow;
            json!({"response": completion(&text), "first_content_ms": time, "total_ms": time * 2.5})
        };
        (0..3).map(answer).collect()
    };
    json!({
        "id": format!("parcel-{at:02}{}", if hostile.is_empty() { "" } else { "-<b onclick=alert(2)>" }),
        "request": {"messages": [{"role": "user", "content": format!("When was parcel {at} sent? {hostile}")}]},
        "assert": [{"type": "contains", "value": "Monday"}],
        "severity": if at.is_multiple_of(7) { "blocker" } else { "major" },
        "repeat": 3,
        "min_pass_rate": 0.67,
        "recorded": {
            "primary": side(&|repeat| !at.is_multiple_of(9) || repeat > 0, 4.0),
            "candidate": side(&|repeat| at % 10 != 3 && (!at.is_multiple_of(6) || repeat > 1), 6.0),
        },
    })
}

fn completion(text: &str) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": text, "refusal": null}}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 12, "total_tokens": 32}
    })
}
