//! A process whose disk hangs while it starts: signals are heard, callers are answered, and it can be told to end. A pipe in a file's
//! place is such a disk: it gives nothing until somebody writes.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    process::{Child, Command},
};

use crossfade_sim::{azure::AzureSim, bedrock::BedrockSim};
use crossfade_tests::{
    Process, Setup,
    chat::{self, PRIMARY_SAYS, question},
    eventually,
    http::exchange,
    process::command,
};
use tempfile::TempDir;

use crate::PROGRAM;

/// A process that may never come to serve.
struct Begun {
    child: Child,
    log: PathBuf,
}

struct Home {
    _azure: AzureSim,
    _bedrock: BedrockSim,
    folder: TempDir,
}

impl Home {
    async fn new() -> Self {
        let setup = Setup::new();
        let azure = AzureSim::start(setup.azure.clone()).await.unwrap();
        let bedrock = BedrockSim::start(setup.bedrock.clone()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = setup.config(
            azure.address(),
            bedrock.address(),
            &folder.path().join("data"),
        );
        fs::write(folder.path().join("crossfade.toml"), config).unwrap();
        Self {
            _azure: azure,
            _bedrock: bedrock,
            folder,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A run that leaves a data directory with a shadow watch behind.
    async fn run_once(&self) {
        let process = Process::serve(PROGRAM, &self.path("crossfade.toml")).await;
        eventually("a watch", async || {
            let ledger = process.admin().ledger().await;
            let begun = |entry: &serde_json::Value| entry["change"]["kind"] == "observe";
            ledger.iter().any(begun).then_some(())
        })
        .await;
        process.kill().await;
    }

    fn begin(&self) -> Begun {
        let config = self.path("crossfade.toml");
        let log = self.path("log");
        let mut serve = command(PROGRAM, &["serve", "--config", config.to_str().unwrap()]);
        let child = serve.stderr(File::create(&log).unwrap()).spawn().unwrap();
        Begun { child, log }
    }
}

impl Begun {
    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status();
        assert!(status.unwrap().success());
    }

    /// The first line of the log with these words.
    async fn says(&self, words: &str) -> String {
        eventually(words, async || {
            let log = fs::read_to_string(&self.log).unwrap();
            let mut lines = log.lines().map(str::to_owned);
            lines.find(|line| line.contains(words))
        })
        .await
    }

    async fn ends(mut self) {
        let status = eventually("the end", async || self.child.try_wait().unwrap()).await;
        assert!(status.success(), "{status}");
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing to kill.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A pipe in a file's place.
fn pipe(path: &Path) {
    drop(fs::remove_file(path));
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

/// Waits until somebody reads the pipe, who then waits for as long as what this gives back is there.
async fn read(path: PathBuf) -> File {
    let opened = tokio::task::spawn_blocking(move || OpenOptions::new().write(true).open(path));
    opened.await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kill_switch_is_heard_before_anybody_is_answered() {
    let home = Home::new().await;
    home.run_once().await;
    let marks = home.path("data/rolled-back.json");
    pipe(&marks);
    let begun = home.begin();
    let reading = read(marks).await;
    begun.signal("USR1");
    drop(reading);
    let switched = begun.says("kill_switch.switched").await;
    assert!(switched.contains("\"on\":true"), "{switched}");
    begun.signal("TERM");
    begun.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_hangs_keeps_no_process_from_ending() {
    let home = Home::new().await;
    home.run_once().await;
    // While the ledger is read, nobody is answered yet.
    let marks = home.path("data/rolled-back.json");
    pipe(&marks);
    let begun = home.begin();
    let reading = read(marks.clone()).await;
    begun.signal("TERM");
    begun.ends().await;
    drop(reading);
    fs::remove_file(marks).unwrap();
    // While outcomes are folded, callers are.
    let log = home.path("data/outcomes/support.1.log");
    pipe(&log);
    let begun = home.begin();
    let _reading = read(log).await;
    let line: serde_json::Value =
        serde_json::from_str(&begun.says("serve.answering").await).unwrap();
    let address = line["address"].as_str().unwrap().parse().unwrap();
    let answer = exchange(address, &chat::request(&question("hi"))).await;
    assert_eq!(chat::text(&answer), PRIMARY_SAYS);
    begun.signal("TERM");
    begun.says("serve.draining").await;
    begun.ends().await;
}
