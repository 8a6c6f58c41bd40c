//! With everything on that keeps or passes on what was said (evidence of all pairs, reviews, repeats, statistics, embeddings and a judge) and the log at its most
//! talkative, nothing of a prompt or an answer can be found where it should not be: not in the log, the metrics, the status,
//! the findings or the lists, and in no byte of the data directory, in no plain encoding. It is found where it should be: on
//! the pages that an operator asks for.

use std::{fmt::Write as _, fs, path::Path, sync::Arc};

use crossfade_sim::{
    azure::AzureSim,
    bedrock::BedrockSim,
    script::{Answer, Answers, Prompt},
};
use crossfade_tests::{
    Admin, Process, Setup,
    chat::{self, DEPLOYMENT, json_question, question, streamed},
    eventually,
    http::{Request, exchange},
    setup::{ENVIRONMENT, TOKENS},
};
use serde_json::{Value, json};

use crate::PROGRAM;

/// Everything that must not be found: in prompts, in answers as words, as values and as names, in tool calls, as callers.
const CANARIES: &[&str] = &[
    "canary-prompt",
    "canary-system",
    "canary-user",
    "canary-key",
    "canary-primary",
    "canary-candidate",
    "canary-value",
    "canary-name",
    "canary-argument",
];

const TABLES: &str = "[evidence]\nkey_env = \"E2E_EVIDENCE_KEY\"\nshare = 100.0\n\
    [similarity]\nshare = 100.0\nbedrock = { model = \"amazon.titan-embed-text-v2:0\", api = \"invoke\" }\n\
    [judge]\nshare = 100.0\nbedrock = { model = \"us.amazon.nova-pro-v1:0\" }\n\
    [routes.support.checks]\nside_effecting_tools = [\"pay\"]\nretrieval = true\n\
    label = { path = \"$.class\", values = [\"refund\", \"cancel\"], risky = [[\"refund\", \"cancel\"]] }\n";

/// Pairs of every kind.
const ROUNDS: u32 = 4;

/// A text as it would stand in a file that is not sealed: as it is, in hexadecimal, in base64 wherever it begins, and as a
/// list of numbers.
fn disguises(text: &str) -> Vec<String> {
    let mut all = vec![text.to_owned(), text.to_uppercase()];
    let hex = text.bytes().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(hex, "{byte:02x}");
        hex
    });
    all.push(hex);
    let numbers: Vec<String> = text.bytes().map(|byte| byte.to_string()).collect();
    all.extend([numbers.join(","), numbers.join(", ")]);
    all.extend((0..3).map(|skipped| base64_within(text.as_bytes(), skipped)));
    all
}

/// The characters of base64 that some text has wherever it stands, if it stands so many bytes behind a group of three.
fn base64_within(text: &[u8], skipped: usize) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let whole = &text[(3 - skipped) % 3..];
    let groups = whole.chunks_exact(3).flat_map(|group| {
        let bits = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
        [18, 12, 6, 0].map(|shift| DIGITS[(bits >> shift & 63) as usize])
    });
    String::from_utf8(groups.collect()).unwrap()
}

fn assert_clean(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let secrets = TOKENS.iter().chain(ENVIRONMENT).map(|(_, secret)| *secret);
    for secret in CANARIES.iter().copied().chain(secrets) {
        for disguise in disguises(secret) {
            let (_, after) = text.split_once(&disguise).unzip();
            let around = after.map(|after| after.chars().take(200).collect::<String>());
            assert_eq!(around, None, "{secret} in {what}");
        }
    }
}

fn files(directory: &Path, visit: &mut impl FnMut(&Path, Vec<u8>)) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, visit);
        } else {
            visit(&path, fs::read(&path).unwrap());
        }
    }
}

/// What a side answers: by the question, and another word each time, so that a side disagrees with itself too.
fn answers(side: &'static str) -> Arc<dyn Answers> {
    Arc::new(move |prompt: &Prompt, n: u64| {
        let primary = side == "primary";
        // The judge is asked the same service, and does not always keep to what it may say.
        let asked = prompt.body.to_string();
        if asked.contains("{\\\"better\\\"") {
            return Answer::text(if asked.contains("json canary-prompt") {
                "canary-candidate is better, of canary-prompt"
            } else if asked.contains("pay canary-prompt") {
                "{\"better\":\"A\"}"
            } else {
                "{\"better\":\"same\"}"
            });
        }
        match prompt.user.split(' ').next().unwrap_or_default() {
            "json" => {
                let class = if primary { "refund" } else { "cancel" };
                let answer = json!({"class": class, "canary-name": "canary-value", "of": format!("canary-{side}"), "n": n});
                Answer::text(answer.to_string())
            }
            "broken" if !primary => Answer::text("{\"canary-name\": \"canary-value"),
            "refused" if !primary => {
                Answer::text("I'm sorry, but I can't help with canary-candidate.")
            }
            "pay" if primary => Answer::call("pay", "{\"note\":\"canary-argument\"}"),
            "pay" => Answer::text("Shall I pay canary-candidate?"),
            _ => Answer::text(format!("canary-{side} says {n} things of {}.", n * 7)),
        }
    })
}

fn bodies() -> Vec<Value> {
    let mut pay = question("pay canary-prompt");
    pay["tools"] = json!([{"type": "function", "function": {"name": "pay", "description": "canary-prompt",
        "parameters": {"type": "object", "properties": {"note": {"type": "string"}}}}}]);
    let mut all = vec![
        question("plain canary-prompt"),
        streamed("plain canary-prompt"),
        json_question("json canary-prompt"),
        json_question("broken canary-prompt"),
        question("refused canary-prompt"),
        pay,
    ];
    for body in &mut all {
        let system = json!({"role": "system", "content": "canary-system"});
        body["messages"].as_array_mut().unwrap().insert(0, system);
        body["user"] = "canary-user".into();
    }
    all
}

async fn look(admin: &Admin, role: &str, path: &str) -> String {
    let answer = admin.ask_as(role, Request::get(path)).await;
    assert_eq!(answer.status(), 200, "{path}: {}", answer.text());
    answer.text()
}

/// Asks until something of every kind is kept: pairs, repeats of both sides, reviews.
async fn fill(process: &Process, admin: &Admin) -> Vec<Value> {
    let questions = u32::try_from(bodies().len()).unwrap();
    for round in 1..=ROUNDS {
        for body in bodies() {
            let request = chat::request_as("canary-key", &body);
            assert_eq!(exchange(process.address(), &request).await.status(), 200);
        }
        // There is room for a few repeats at once only.
        let asked = f64::from(round * questions);
        for side in ["primary", "candidate"] {
            let series = format!(
                "crossfade_repeats_total{{route=\"{DEPLOYMENT}\",side=\"{side}\",outcome=\"asked\"}}"
            );
            eventually(&format!("every {side} asked twice"), async || {
                (admin.metric(&series).await >= asked).then_some(())
            })
            .await;
        }
    }
    eventually("every pair kept, and reviews of each kind", async || {
        let kept: Value = serde_json::from_str(
            &look(
                admin,
                "operator",
                "/api/v1/exchanges?route=support&limit=100",
            )
            .await,
        )
        .unwrap();
        let reviews: Value =
            serde_json::from_str(&look(admin, "viewer", "/api/v1/reviews?route=support").await)
                .unwrap();
        let reviews = reviews["reviews"].as_array()?.clone();
        let all = kept["exchanges"].as_array()?.len() >= (ROUNDS * questions) as usize;
        (all && reviews.len() >= 3).then_some(reviews)
    })
    .await
}

/// Waits until both models were asked about pairs, and gave an opinion.
async fn opinions(admin: &Admin) {
    for kind in ["similarity", "judge"] {
        let series = format!(
            "crossfade_opinions_total{{route=\"{DEPLOYMENT}\",kind=\"{kind}\",outcome=\"given\"}}"
        );
        eventually(&format!("an opinion: {kind}"), async || {
            (admin.metric(&series).await > 0.5).then_some(())
        })
        .await;
    }
}

/// What operators look at is clean, but for the pages that show the two answers.
async fn look_around(admin: &Admin, reviews: &[Value]) {
    for path in [
        "/metrics",
        "/api/v1/status",
        "/api/v1/routes",
        "/api/v1/routes/support",
        "/api/v1/routes/support/findings",
        "/api/v1/routes/support/rules",
        "/api/v1/reviews?route=support",
        "/api/v1/exchanges?route=support&limit=100",
        "/api/v1/ledger",
    ] {
        assert_clean(path, look(admin, "operator", path).await.as_bytes());
    }
    let mut shown = String::new();
    for review in reviews {
        let path = format!("/api/v1/reviews/{}", review["id"]);
        shown += &look(admin, "operator", &path).await;
    }
    for canary in [
        "canary-prompt",
        "canary-primary",
        "canary-candidate",
        "canary-argument",
    ] {
        assert!(
            shown.contains(canary),
            "{canary} is kept for whoever decides"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_sealed() {
    let setup = Setup::new()
        .level("debug")
        .twice(100.0, 100.0)
        .tables(TABLES);
    let azure = AzureSim::start(setup.azure.clone()).await.unwrap();
    let bedrock = BedrockSim::start(setup.bedrock.clone()).await.unwrap();
    azure.script().set_answers(answers("primary"));
    bedrock.script().set_answers(answers("candidate"));
    let home = tempfile::tempdir().unwrap();
    let (file, data) = (home.path().join("crossfade.toml"), home.path().join("data"));
    let text = setup.config(azure.address(), bedrock.address(), &data);
    fs::write(&file, text).unwrap();
    let process = Process::serve(PROGRAM, &file).await;
    let admin = process.admin();
    let reviews = fill(&process, &admin).await;
    opinions(&admin).await;
    look_around(&admin, &reviews).await;
    let decided = format!("/api/v1/reviews/{}", reviews[0]["id"]);
    let verdict = json!({"verdict": "acceptable", "note": "seen", "accept_signature": true, "reason": "agreed"});
    let answer = admin
        .change_as("operator", "POST", &decided, &verdict)
        .await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    look_around(&admin, &reviews).await;

    process.signal("TERM");
    let (status, log) = process.ended().await;
    assert!(status.success(), "{log}");
    assert!(log.contains("admin.review.read"), "the log is there: {log}");
    assert_clean("the log", log.as_bytes());
    let (mut names, mut sealed) = (Vec::new(), 0);
    files(&data, &mut |path, bytes| {
        let name = path.strip_prefix(&data).unwrap().display().to_string();
        assert_clean(&name, &bytes);
        if name.starts_with("evidence") {
            sealed += bytes.len();
        }
        names.push(name);
    });
    // Two dozen pairs of some hundred bytes, and as many repeats.
    assert!(sealed > 10_000, "{sealed} bytes of evidence in {names:?}");
}

#[test]
fn disguises_are_found() {
    for (text, disguised) in [
        ("canary", "a canary here"),
        ("canary", "63616e617279"),
        ("canary", "[1,99,97,110,97,114,121]"),
        ("canary-prompt", "Y2FuYXJ5LXByb21wdA=="),
        ("canary-prompt", "eGNhbmFyeS1wcm9tcHQ="),
        ("canary-prompt", "eHhjYW5hcnktcHJvbXB0"),
    ] {
        let found = disguises(text).iter().any(|form| disguised.contains(form));
        assert!(found, "{text} in {disguised}: {:?}", disguises(text));
    }
}
