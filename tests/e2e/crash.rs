//! A process that dies in the middle of a ramp: what it has acknowledged is there when it comes back.

use std::{
    fs,
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
};

use crossfade_sim::{azure::AzureSim, bedrock::BedrockSim};
use crossfade_tests::{
    Process, Setup,
    chat::{self, question},
    http::Connection,
    process::{command, run},
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinSet};

use crate::PROGRAM;

struct Place {
    home: TempDir,
    _azure: AzureSim,
    _bedrock: BedrockSim,
}

impl Place {
    async fn new(setup: Setup) -> Self {
        let azure = AzureSim::start(setup.azure.clone()).await.unwrap();
        let bedrock = BedrockSim::start(setup.bedrock.clone()).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        let text = setup.config(
            azure.address(),
            bedrock.address(),
            &home.path().join("data"),
        );
        fs::write(home.path().join("crossfade.toml"), text).unwrap();
        Self {
            home,
            _azure: azure,
            _bedrock: bedrock,
        }
    }

    async fn serve(&self) -> Process {
        Process::serve(PROGRAM, &self.home.path().join("crossfade.toml")).await
    }
}

/// What an acknowledged state is made of: share, revision, attempt, roll-back.
fn state(route: &Value) -> [Value; 4] {
    let rollout = &route["rollout"];
    [
        rollout["share"].clone(),
        rollout["revision"].clone(),
        rollout["attempt"]["facts"].clone(),
        rollout["rolled_back"]["reason"].clone(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_during_a_ramp_it_comes_back_as_acknowledged() {
    let place = Place::new(Setup::new()).await;
    let mut process = place.serve().await;
    for (n, percent) in [10.0, 25.0, 50.0].into_iter().enumerate() {
        let stop = Arc::new(AtomicBool::new(false));
        let mut traffic = JoinSet::new();
        for _ in 0..4 {
            let (address, stop) = (process.address(), Arc::clone(&stop));
            traffic.spawn(async move {
                let mut sent = 0;
                while !stop.load(Ordering::Relaxed) {
                    // Whatever becomes of these while the process dies is not what is looked at.
                    let Ok(mut socket) = TcpStream::connect(address).await else {
                        break;
                    };
                    let ask = chat::request(&question("under way")).render(address);
                    if socket.write_all(&ask).await.is_err() {
                        break;
                    }
                    let mut answer = [0; 512];
                    if !matches!(
                        tokio::io::AsyncReadExt::read(&mut socket, &mut answer).await,
                        Ok(1..)
                    ) {
                        break;
                    }
                    sent += 1;
                }
                sent
            });
        }
        let admin = process.admin();
        let answer = admin.override_split(percent).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        let (before, history) = (state(&admin.route().await), admin.ledger().await);
        process.kill().await;
        stop.store(true, Ordering::Relaxed);
        let _sent: u64 = traffic.join_all().await.into_iter().sum();

        process = place.serve().await;
        let admin = process.admin();
        assert_eq!(state(&admin.route().await), before, "crash {n}");
        let again = admin.ledger().await;
        assert_eq!(again.get(..history.len()), Some(&history[..]), "crash {n}");
        admin.effective(percent).await;
    }
    let admin = process.admin();
    assert_eq!(admin.rollback("seen enough").await.status(), 200);
    let before = state(&admin.route().await);
    process.kill().await;
    let process = place.serve().await;
    assert_eq!(
        state(&process.admin().route().await),
        before,
        "rolled back for the same reason"
    );
    assert_eq!(process.admin().override_split(5.0).await.status(), 409);
    let mut caller = Connection::open(process.address()).await;
    assert_eq!(
        caller.ask(&chat::request(&question("hi"))).await.status(),
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_at_a_time_has_the_data_directory() {
    let place = Place::new(Setup::new()).await;
    let first = place.serve().await;
    let config = place.home.path().join("crossfade.toml");
    let second = run(command(
        PROGRAM,
        &["serve", "--config", config.to_str().unwrap()],
    ))
    .await;
    assert!(!second.status.success());
    assert!(
        second.stderr.contains("in use by another process"),
        "{}",
        second.stderr
    );
    assert!(
        second.stderr.contains("[data] directory"),
        "{}",
        second.stderr
    );
    assert_eq!(
        first.admin().override_split(5.0).await.status(),
        200,
        "the first goes on"
    );
}
