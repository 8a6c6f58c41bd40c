//! A disk that cannot be written stops neither Azure's answers nor a roll-back: raises are refused, and the share falls to
//! nothing with the lease.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};

use crossfade::control::LeaseTimes;
use crossfade_sim::{azure::AzureSim, bedrock::BedrockSim, script::Fault};
use crossfade_tests::{
    PATIENCE, Process, Setup, World,
    chat::{self, CANDIDATE_SAYS, PRIMARY_SAYS, question},
    eventually,
    http::exchange,
    process::command,
    within,
};
use tokio::net::TcpStream;

use crate::PROGRAM;

const QUICK: LeaseTimes = LeaseTimes {
    duration: Duration::from_secs(4),
    renew: Duration::from_millis(100),
    retry: Duration::from_millis(50),
};

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_cannot_be_renewed_ends_the_share_until_it_can() {
    let world = World::start_with(Setup::new(), QUICK).await;
    world.prime().await;
    world.raise(100.0).await;
    world.candidate_answers(&question("hi")).await;
    world.raise(50.0).await;
    let entries = world.admin().ledger().await.len();
    let (here, away) = (world.data(), world.data().with_extension("away"));
    fs::rename(&here, &away).unwrap();
    world.admin().effective(0.0).await;
    for _ in 0..10 {
        world.primary_answers(&question("hi")).await;
    }
    let status = world.admin().status().await;
    assert_eq!(status["ledger"]["writable"], false, "{status}");
    assert_eq!(
        status["routes"][0]["rollout"]["share"], 50.0,
        "the split itself stands"
    );
    let refused = world.admin().override_split(60.0).await;
    assert_eq!(refused.status(), 503, "{}", refused.text());
    fs::rename(&away, &here).unwrap();
    world.admin().effective(50.0).await;
    assert_eq!(
        world.admin().ledger().await.len(),
        entries,
        "an expired lease is no entry"
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_waits_for_no_disk() {
    let world = World::start_with(Setup::new(), QUICK).await;
    world.prime().await;
    world.raise(100.0).await;
    fs::rename(world.data(), world.data().with_extension("away")).unwrap();
    let answer = world.admin().rollback("odd answers").await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    world.primary_answers(&question("hi")).await;
    assert_eq!(world.admin().resume_as("owner").await.status(), 503);
    world.finish().await;
}

/// A program on a small disk, which can be filled. Where nothing may be mounted, the directory is taken away instead: as
/// little can be written then.
struct SmallDisk {
    process: Process,
    /// A file on the disk, by the way that leads there from outside.
    filler: Option<PathBuf>,
    data: PathBuf,
}

impl SmallDisk {
    /// Starts the program on a file system of its own, of one mebibyte.
    async fn serve(config: &Path, data: &Path) -> Self {
        let mounts = Command::new("unshare").args(["-rm", "true"]).status();
        if !mounts.is_ok_and(|status| status.success()) {
            let process = Process::serve(PROGRAM, config).await;
            return Self {
                process,
                filler: None,
                data: data.to_owned(),
            };
        }
        let mount = "mount -t tmpfs -o size=1m tmpfs \"$1\" && shift && exec \"$@\"";
        let (path, config) = (data.to_str().unwrap(), config.to_str().unwrap());
        let arguments = [
            "-rm", "sh", "-c", mount, "sh", path, PROGRAM, "serve", "--config", config,
        ];
        let process = Process::start(command("unshare", &arguments)).await;
        // The process sees a file system that nobody else does; its root leads there.
        let filler = format!("/proc/{}/root{path}/filler", process.id());
        Self {
            process,
            filler: Some(filler.into()),
            data: data.to_owned(),
        }
    }

    fn fill(&self) {
        if let Some(filler) = &self.filler {
            let full = fs::write(filler, vec![0x5a; 2 << 20]).unwrap_err();
            assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
        } else {
            fs::rename(&self.data, self.data.with_extension("away")).unwrap();
        }
    }

    fn make_room(&self) {
        if let Some(filler) = &self.filler {
            fs::remove_file(filler).unwrap();
        } else {
            fs::rename(self.data.with_extension("away"), &self.data).unwrap();
        }
    }
}

/// With the lease of sixty seconds that everybody gets.
#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn a_full_disk_stops_neither_azure_nor_a_rollback() {
    let setup = Setup::new();
    let azure = AzureSim::start(setup.azure.clone()).await.unwrap();
    let bedrock = BedrockSim::start(setup.bedrock.clone()).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let (file, data) = (home.path().join("crossfade.toml"), home.path().join("disk"));
    fs::create_dir(&data).unwrap();
    fs::write(
        &file,
        setup.config(azure.address(), bedrock.address(), &data.join("data")),
    )
    .unwrap();
    let disk = SmallDisk::serve(&file, &data).await;
    let process = &disk.process;
    let admin = process.admin();
    let says = async || {
        let answer = exchange(process.address(), &chat::request(&question("hi"))).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        chat::text(&answer)
    };
    assert_eq!(says().await, PRIMARY_SAYS);
    assert_eq!(admin.override_split(99.999_999).await.status(), 200);
    admin.effective(99.999_999).await;
    assert_eq!(says().await, CANDIDATE_SAYS);

    disk.fill();
    let since = Instant::now();
    let refused = admin.override_split(100.0).await;
    assert_eq!(refused.status(), 503, "{}", refused.text());
    assert!(
        refused.text().contains("roll-backs work meanwhile"),
        "{}",
        refused.text()
    );
    within(
        Duration::from_secs(60) + PATIENCE,
        "the lease's end",
        async {
            while says().await != PRIMARY_SAYS {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        },
    )
    .await;
    assert!(
        since.elapsed() > Duration::from_secs(30),
        "not before the lease ran out"
    );
    assert!(
        admin.route().await["effective_percent"]
            .as_f64()
            .unwrap()
            .abs()
            < 1e-9
    );
    let refused = admin.override_split(5.0).await;
    assert_eq!(
        refused.status(),
        200,
        "toward the primary a full disk refuses nothing: {}",
        refused.text()
    );
    let answer = admin.rollback("odd answers").await;
    assert_eq!(
        (answer.status(), &answer.json()["recorded"]),
        (200, &true.into()),
        "the reserve is for this"
    );
    assert_eq!(says().await, PRIMARY_SAYS);
    assert_eq!(admin.resume_as("owner").await.status(), 503);

    disk.make_room();
    eventually("room again", async || {
        (admin.resume_as("owner").await.status() == 200).then_some(())
    })
    .await;
    let status = admin.status().await;
    crossfade_tests::world::assert_adds_up(&status["routes"][0]["accounting"]);
    let kinds: Vec<String> = admin
        .ledger()
        .await
        .iter()
        .map(|entry| entry["change"]["kind"].to_string())
        // Whether counting began before the share was raised is a matter of moments.
        .filter(|kind| kind != "\"observe\"")
        .collect();
    assert_eq!(
        kinds,
        [
            "\"started\"",
            "\"split\"",
            "\"split\"",
            "\"rollback\"",
            "\"resume\""
        ]
    );
}

/// Makes its first argument read-only for the command that follows.
const READ_ONLY: &str =
    "mount --bind \"$1\" \"$1\" && mount -o remount,ro,bind \"$1\" && shift && exec \"$@\"";

/// Starts the program where its data directory cannot be written: mounted so, or, where nothing may be mounted, by its mode.
async fn serve_read_only(config: &Path, data: &Path) -> Process {
    let (config, path) = (config.to_str().unwrap(), data.to_str().unwrap());
    let serve = [PROGRAM, "serve", "--config", config];
    let mount = ["-rm", "sh", "-c", READ_ONLY, "sh", path];
    let tried = Command::new("unshare").args(mount).arg("true").status();
    if tried.is_ok_and(|status| status.success()) {
        let mounted = [&mount[..], &serve].concat();
        return Process::start(command("unshare", &mounted)).await;
    }
    mode("a-w", data);
    Process::start(command("env", &serve)).await
}

fn mode(change: &str, data: &Path) {
    let changed = Command::new("chmod")
        .args(["-R", change])
        .arg(data)
        .status();
    assert!(changed.unwrap().success());
}

/// As after a restart by whoever found that nothing could be written any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_starts_on_a_read_only_disk_answers_by_what_it_reads() {
    let setup = Setup::new();
    let azure = AzureSim::start(setup.azure.clone()).await.unwrap();
    let bedrock = BedrockSim::start(setup.bedrock.clone()).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let (file, data) = (home.path().join("crossfade.toml"), home.path().join("data"));
    fs::write(
        &file,
        setup.config(azure.address(), bedrock.address(), &data),
    )
    .unwrap();
    let process = Process::serve(PROGRAM, &file).await;
    assert_eq!(process.admin().override_split(25.0).await.status(), 200);
    process.kill().await;
    let before = fs::read(data.join("ledger.jsonl")).unwrap();

    let process = serve_read_only(&file, &data).await;
    let answer = exchange(process.address(), &chat::request(&question("hi"))).await;
    assert_eq!(chat::text(&answer), PRIMARY_SAYS);
    let admin = process.admin();
    eventually("that nothing can be written", async || {
        let ledger = &admin.status().await["ledger"];
        (ledger["writable"] == false).then_some(())
    })
    .await;
    let route = admin.route().await;
    assert_eq!(route["rollout"]["share"], 25.0, "{route}");
    assert!(route["effective_percent"].as_f64().unwrap().abs() < 1e-9);
    assert_eq!(admin.override_split(30.0).await.status(), 503);
    let answer = admin.rollback("odd answers").await;
    assert_eq!(
        (answer.status(), &answer.json()["recorded"]),
        (200, &false.into())
    );
    process.kill().await;
    mode("u+w", &data);
    assert_eq!(fs::read(data.join("ledger.jsonl")).unwrap(), before);
    let process = Process::serve(PROGRAM, &file).await;
    process.admin().effective(25.0).await;
}

/// A child that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing to kill.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A log on a full disk: nothing can be written to standard error, and nothing else suffers.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_stops_nothing() {
    let setup = Setup::new();
    let azure = AzureSim::start(setup.azure.clone()).await.unwrap();
    let bedrock = BedrockSim::start(setup.bedrock.clone()).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("crossfade.toml");
    // Without a log nothing tells the address, so it is one that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let data = home.path().join("data");
    let text = setup.config(azure.address(), bedrock.address(), &data);
    let ours = format!("[listen]\naddress = \"{free}\"");
    fs::write(
        &file,
        text.replace("[listen]\naddress = \"127.0.0.1:0\"", &ours),
    )
    .unwrap();
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut serve = command(PROGRAM, &["serve", "--config", file.to_str().unwrap()]);
    let mut child = Killed(serve.stderr(full).spawn().unwrap());
    let listening = eventually("a listener, or an end", async || {
        match child.0.try_wait().unwrap() {
            Some(status) => Some(Err(status)),
            None => TcpStream::connect(free).await.ok().map(|_| Ok(())),
        }
    });
    assert_eq!(listening.await, Ok(()));
    // Refused, failing and in good health: each of these is logged.
    for fault in [Fault::Reset, Fault::None] {
        azure.script().set_fault(fault.clone());
        let answer = exchange(free, &chat::request(&question("hi"))).await;
        let expected = if fault == Fault::None { 200 } else { 503 };
        assert_eq!(answer.status(), expected);
    }
}
