//! `check --probe`: a few real calls show what an endpoint takes, and what to state where the table has it wrong.

use crossfade_sim::bedrock::BedrockSim;
use crossfade_tests::{
    Setup,
    process::{Ended, command, run},
};

/// Probes the tests' route over a simulated service, with these additions to the candidate.
async fn probed(setup: Setup, candidate: &str, verified: bool) -> Ended {
    let mut options = setup.bedrock.clone();
    if !verified {
        options.credentials.clear();
    }
    let bedrock = BedrockSim::start(options).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let azure = "127.0.0.1:9".parse().unwrap();
    let text = setup.config(azure, bedrock.address(), &home.path().join("data"));
    let model = "model = \"us.anthropic.claude-sonnet-4-6\"";
    assert!(text.contains(model));
    let file = home.path().join("crossfade.toml");
    std::fs::write(&file, text.replace(model, candidate)).unwrap();
    let file = file.display().to_string();
    run(command(
        crate::PROGRAM,
        &["check", "--probe", "--config", &file],
    ))
    .await
}

fn check(ended: &Ended, code: i32, parts: &[&str]) {
    assert_eq!(ended.status.code(), Some(code), "{ended:?}");
    for part in parts {
        assert!(
            ended.stdout.contains(part),
            "missing {part}\n{}\n{}",
            ended.stdout,
            ended.stderr
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_table_knows_is_confirmed() {
    let ended = probed(
        Setup::new(),
        "model = \"us.anthropic.claude-sonnet-4-6\"",
        true,
    )
    .await;
    check(
        &ended,
        0,
        &[
            "probed support -> us.anthropic.claude-sonnet-4-6",
            "  reach        answers\n",
            "  streams      true         as the table says\n",
            "  sampling     one          as the table says\n",
            "  stop         visible      as the table says\n",
            "  strict       true         as the table says\n",
            "  token_floor  1            as the table says\n",
        ],
    );
    assert!(ended.stderr.contains("real calls"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_table_has_wrong_is_shown_with_the_line_to_state() {
    let wrong = "model = \"us.anthropic.claude-sonnet-4-6\"\ncapabilities = { sampling = \"both\", stop = \"any\", strict = false, prefill = true }";
    let ended = probed(Setup::new(), wrong, true).await;
    check(
        &ended,
        0,
        &[
            "  sampling     one          the table says both\n",
            "  stop         visible      the table says any\n",
            "  strict       true         the table says false\n",
            "  put under [routes.\"support\".candidate]:\n  capabilities = { ",
            "sampling = \"one\"",
            "stop = \"visible\"",
            "strict = true",
            "prefill = true",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_does_not_answer_is_a_failure_with_its_remedy() {
    let ended = probed(
        Setup::new(),
        "model = \"us.anthropic.claude-sonnet-4-6\"",
        false,
    )
    .await;
    check(
        &ended,
        1,
        &[
            "1 calls",
            "reach        unknown: not allowed, or no such model: check credentials",
        ],
    );
    assert!(
        ended
            .stderr
            .contains("the endpoint of support does not answer"),
        "{}",
        ended.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_apis_are_asked_what_their_translation_reads() {
    let chat = "model = \"openai.gpt-oss-120b-1:0\"\napi = \"openai-chat\"";
    check(
        &probed(Setup::new(), chat, true).await,
        0,
        &[
            "  reach        answers\n",
            "  streams      true ",
            "  token_floor  1 ",
        ],
    );
    let vectors = "model = \"amazon.titan-embed-text-v2:0\"\napi = \"invoke\"";
    check(
        &probed(Setup::new(), vectors, true).await,
        0,
        &["1 calls", "  reach        answers\n"],
    );
}
