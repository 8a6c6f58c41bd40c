//! `replay`: a golden set against live and recorded sides; interrupted and resumed; every exit code.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use crossfade_sim::{
    azure::AzureSim,
    bedrock::BedrockSim,
    script::{Answer, Pace, Prompt, Script},
};
use crossfade_tests::{
    Setup, eventually,
    process::{Ended, command, run},
};
use serde_json::{Value, json};
use tempfile::TempDir;

mod meaning;

/// What every question of the golden set holds, and no message may.
const SECRET: &str = "parcel of the Okonkwo family";
/// What every good answer says.
const GOOD: &str = "it was sent on Monday";

/// Both providers, a configuration for them, and a golden set.
struct Scene {
    azure: AzureSim,
    bedrock: BedrockSim,
    home: TempDir,
}

/// A side that answers every question well.
fn well() -> Script {
    Script::new(Arc::new(|prompt: &Prompt, _: u64| {
        Answer::text(format!("{GOOD}: {}", prompt.user))
    }))
}

/// A side that answers every question well but the one that is marked.
fn odd() -> Script {
    Script::new(Arc::new(|prompt: &Prompt, _: u64| {
        if prompt.user.contains("[odd]") {
            Answer::text("nobody knows")
        } else {
            Answer::text(format!("{GOOD}: {}", prompt.user))
        }
    }))
}

/// Cases of which one has a question that the candidate cannot answer.
fn golden(cases: usize) -> Vec<Value> {
    let case = |at: usize| {
        let odd = if at == 117 { " [odd]" } else { "" };
        json!({
            "id": format!("parcel-{at:03}"),
            "route": "support",
            "request": {"messages": [{"role": "user", "content": format!("Where is the {SECRET}, no. {at}?{odd}")}], "max_tokens": 50},
            "assert": [{"type": "contains", "value": GOOD}],
        })
    };
    (0..cases).map(case).collect()
}

impl Scene {
    async fn new(cases: &[Value]) -> Self {
        let mut setup = Setup::new();
        setup.azure.script = well();
        setup.bedrock.script = odd();
        let azure = AzureSim::start(setup.azure.clone()).await.unwrap();
        let bedrock = BedrockSim::start(setup.bedrock.clone()).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        let config = setup.config(
            azure.address(),
            bedrock.address(),
            &home.path().join("data"),
        );
        fs::write(home.path().join("crossfade.toml"), config).unwrap();
        let scene = Self {
            azure,
            bedrock,
            home,
        };
        scene.golden(cases);
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn golden(&self, cases: &[Value]) {
        let lines: Vec<String> = cases.iter().map(Value::to_string).collect();
        fs::write(self.path("golden.jsonl"), lines.join("\n")).unwrap();
    }

    /// `replay` with the golden set, a report's directory and these arguments.
    fn command(&self, report: &str, arguments: &[&str]) -> Command {
        let mut command = command(crate::PROGRAM, &["replay"]);
        command
            .args(["--dataset", "golden.jsonl", "--report", report])
            .args(arguments)
            .env("AZURE_OPENAI_API_KEY", "key-of-the-tests")
            .current_dir(self.home.path());
        command
    }

    async fn replay(&self, report: &str, arguments: &[&str]) -> Ended {
        run(self.command(report, arguments)).await
    }

    /// The report, without what differs from run to run.
    fn report(&self, directory: &str) -> Value {
        let text = fs::read(self.path(directory).join("report.json")).unwrap();
        let mut report: Value = serde_json::from_slice(&text).unwrap();
        report.as_object_mut().unwrap().remove("measured").unwrap();
        report
    }

    fn asked(&self) -> u64 {
        self.azure.script().requests() + self.bedrock.script().requests()
    }
}

const LIVE: &[&str] = &[
    "--config",
    "crossfade.toml",
    "--primary",
    "live",
    "--candidate",
    "live",
    "--concurrency",
    "4",
];

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

/// It ended with this code, said these things, and nothing of what was asked or answered.
fn check(ended: &Ended, code: i32, parts: &[&str]) {
    assert_eq!(ended.status.code(), Some(code), "{ended:?}");
    let said = format!("{}{}", ended.stdout, ended.stderr);
    for part in parts {
        assert!(said.contains(part), "missing {part}\n{said}");
    }
    for never in [SECRET, GOOD] {
        assert!(!said.contains(never), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_and_resumed_it_gives_the_same_report() {
    let scene = Scene::new(&golden(200)).await;
    let whole = scene.replay("whole", LIVE).await;
    let one = "1 case failed every time, whatever the mean pass rate of 99.5 % says: parcel-117";
    check(&whole, 100, &["199 passed, 1 failed (1 every time)", one]);
    assert_eq!(scene.asked(), 400);

    // Slow enough to be stopped halfway.
    let pace = Pace {
        first_content: Duration::from_millis(15),
        tokens_per_second: 0.0,
    };
    scene.azure.script().set_pace(pace);
    scene.bedrock.script().set_pace(pace);
    let journal = scene.path("parts").join("answers.jsonl");
    let mut child = scene
        .command("parts", LIVE)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    eventually("some answers", async || {
        (lines(&journal) > 60).then_some(())
    })
    .await;
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-s", "INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let status = eventually("the end", async || child.try_wait().unwrap()).await;
    assert_eq!(status.code(), Some(1));
    let kept = lines(&journal) - 1;
    assert!(kept < 400, "it was stopped too late");
    assert!(!scene.path("parts").join("report.json").exists());
    assert_eq!(
        scene.asked(),
        400 + kept as u64,
        "what was on its way is kept"
    );

    let again = scene.replay("parts", LIVE).await;
    check(&again, 64, &["holds an unfinished run", "--resume"]);
    let resumed: Vec<&str> = [LIVE, &["--resume"]].concat();
    let ended = scene.replay("parts", &resumed).await;
    check(&ended, 100, &[one, "answers are there already"]);
    assert_eq!(scene.asked(), 800, "nothing is asked twice");
    assert_eq!(scene.report("parts"), scene.report("whole"));
    for form in ["summary.md", "junit.xml"] {
        let read = |of: &str| fs::read_to_string(scene.path(of).join(form)).unwrap();
        assert_eq!(read("parts"), read("whole"), "{form}");
    }

    // Another data set is not what was begun.
    scene.golden(&golden(199));
    let ended = scene.replay("parts", &resumed).await;
    check(&ended, 64, &["begun with another data set"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_answers_are_free_and_give_the_same_bytes() {
    let scene = Scene::new(&golden(12)).await;
    let record: Vec<&str> = [LIVE, &["--record", "answers.jsonl", "--repeat", "2"]].concat();
    check(
        &scene.replay("live", &record).await,
        0,
        &["12 passed", "spent: "],
    );
    let asked = scene.asked();
    assert_eq!(asked, 48);
    let recorded = ["--recordings", "answers.jsonl", "--repeat", "2"];
    check(&scene.replay("first", &recorded).await, 0, &["12 passed"]);
    check(&scene.replay("second", &recorded).await, 0, &["12 passed"]);
    assert_eq!(scene.asked(), asked, "nobody is asked");
    for form in ["report.json", "report.html", "summary.md", "junit.xml"] {
        let read = |of: &str| fs::read(scene.path(of).join(form)).unwrap();
        assert_eq!(read("first"), read("second"), "{form}");
    }
    assert_eq!(
        scene.report("first")["cases"],
        scene.report("live")["cases"]
    );
    let json = [
        "--recordings",
        "answers.jsonl",
        "--repeat",
        "2",
        "--output",
        "json",
    ];
    let ended = scene.replay("third", &json).await;
    let printed: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(printed["verdict"], "pass");
    assert_eq!(
        printed["agreement"][0]["noise"]["estimate"], 0.0,
        "the primary was asked twice"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::new(&golden(2)).await;
    let record: Vec<&str> = [LIVE, &["--record", "answers.jsonl"]].concat();
    check(&scene.replay("out", &record).await, 0, &[]);
    let report = scene.path("out");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&report), 0o700);
    assert_eq!(mode(&scene.path("answers.jsonl")), 0o600);
    let files: Vec<PathBuf> = fs::read_dir(&report)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 5);
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_budget_ends_the_run_and_a_higher_one_goes_on() {
    let scene = Scene::new(&golden(40)).await;
    let capped: Vec<&str> = [LIVE, &["--max-tokens", "1500"]].concat();
    let ended = scene.replay("out", &capped).await;
    check(
        &ended,
        4,
        &[
            "stopped before it would spend more",
            "look at out/report.html",
        ],
    );
    let report = scene.report("out");
    assert_eq!(report["verdict"], "budget_spent");
    assert!(report["spent"]["tokens"].as_u64().unwrap() <= 1500);
    let asked = scene.asked();
    assert!((1..80).contains(&asked), "{asked}");
    let more: Vec<&str> = [LIVE, &["--max-tokens", "100000", "--resume"]].concat();
    check(&scene.replay("out", &more).await, 0, &["40 passed"]);
    assert_eq!(scene.asked(), 80);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_answers_nothing_can_be_said() {
    let scene = Scene::new(&golden(3)).await;
    let ended = scene.replay("out", &[]).await;
    check(
        &ended,
        3,
        &["3 inconclusive", "3 cases got no answer: parcel-000"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_wrongly_is_a_mistake_of_usage() {
    let scene = Scene::new(&golden(3)).await;
    for (arguments, part) in [
        (&["--repeat", "0"][..], "0 is not in 1..=100"),
        (&["--max-usd", "-1"], "use a number of USD"),
        (
            &["--candidate", "live"],
            "a live side needs a configuration",
        ),
        (
            &["--config", "crossfade.toml", "--route", "sales"],
            "no case of route sales",
        ),
        (&["--resume"], "there is no run to resume"),
        (
            &[
                "--config",
                "crossfade.toml",
                "--candidate",
                "live",
                "--max-usd",
                "1",
            ],
            "--max-usd cannot be kept",
        ),
        (
            &[
                "--config",
                "crossfade.toml",
                "--candidate",
                "live",
                "--deployment",
                "a/b",
            ],
            "is no name of a deployment",
        ),
    ] {
        check(&scene.replay("out", arguments).await, 64, &[part]);
    }
    let mut cases = golden(3);
    cases[1]["route"] = json!("sales");
    scene.golden(&cases);
    check(
        &scene.replay("out", &[]).await,
        64,
        &["several routes: sales, support"],
    );
    assert_eq!(scene.asked(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_configured_wrongly_is_told_apart() {
    let scene = Scene::new(&golden(3)).await;
    fs::write(scene.path("bad.toml"), "[listen]\nnonsense = 1\n").unwrap();
    fs::write(scene.path("bad.jsonl"), "{}\n").unwrap();
    for (arguments, part) in [
        (&["--config", "bad.toml"][..], "nonsense"),
        (
            &["--recordings", "bad.jsonl"],
            "bad.jsonl: line 1: missing field",
        ),
        (
            &["--recordings", "nothing.jsonl"],
            "nothing.jsonl: cannot be read",
        ),
    ] {
        check(&scene.replay("out", arguments).await, 78, &[part]);
    }
    let mut keyless = scene.command("out", &["--config", "crossfade.toml", "--primary", "live"]);
    keyless.env_remove("AZURE_OPENAI_API_KEY");
    check(
        &run(keyless).await,
        78,
        &["AZURE_OPENAI_API_KEY is not set"],
    );
    let mut cases = golden(3);
    cases[2]["asert"] = json!([]);
    scene.golden(&cases);
    check(&scene.replay("out", &[]).await, 78, &["asert"]);
    scene.golden(&golden(3));
    fs::write(scene.path("file"), "").unwrap();
    check(&scene.replay("file", &[]).await, 1, &["cannot be written"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_of_other_routes_are_left_out_and_counted() {
    let mut cases = golden(4);
    cases[0]["route"] = json!("sales");
    let scene = Scene::new(&cases).await;
    let live: Vec<&str> = [LIVE, &["--route", "support"]].concat();
    let ended = scene.replay("out", &live).await;
    check(
        &ended,
        0,
        &[
            "3 cases of route support",
            "left out, as they are of other routes: 1",
        ],
    );
}
