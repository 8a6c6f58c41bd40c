//! A simulated Bedrock, and the candidate that asks it as it would ask the real one: signed, over a socket.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use crossfade_bedrock::{Auth, Candidate, CandidateSettings, Connection, Settings};
use crossfade_sim::{
    bedrock::{self, BedrockOptions, BedrockSim},
    script::{Answer, Prompt, Recorded, Script},
};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

/// The model that is asked.
pub(super) const MODEL: &str = "us.anthropic.claude-sonnet-4-6";

const TARGET: &str = "/openai/deployments/support/chat/completions?api-version=2024-10-21";

/// Both together.
pub(super) struct Stage {
    pub(super) sim: BedrockSim,
    candidate: Candidate,
}

// === impl Stage ===

impl Stage {
    pub(super) async fn new() -> Result<Self> {
        Self::with(settings()).await
    }

    /// Both, with a candidate of these settings.
    pub(super) async fn with(settings: CandidateSettings) -> Result<Self> {
        let script = Script::new(Arc::new(|_: &Prompt, _: u64| Answer::text("Hello.")));
        let options = BedrockOptions {
            script,
            ..BedrockOptions::default()
        };
        let sim = BedrockSim::start(options)
            .await
            .context("cannot start the simulated Bedrock")?;
        sim.server().keep_received(1);
        let mut connection = Settings::new("us-east-1");
        connection.endpoint = Some(sim.url());
        connection.auth = Auth::Static {
            access_key: bedrock::ACCESS_KEY.to_owned(),
            secret: bedrock::SECRET.to_owned(),
            session_token: None,
        };
        let candidate = Candidate::new(Connection::new(connection).await, settings);
        Ok(Self { sim, candidate })
    }

    /// Lets the service answer with a recording.
    pub(super) fn play(&self, body: &Bytes, content_type: &str, pieces: &[usize]) {
        self.set(
            200,
            vec![("content-type".to_owned(), content_type.to_owned())],
            body.clone(),
            pieces.to_vec(),
        );
    }

    /// Lets the service answer with an error.
    pub(super) fn play_error(&self, status: u16, headers: &[(String, String)], body: &Bytes) {
        self.set(status, headers.to_vec(), body.clone(), Vec::new());
    }

    fn set(&self, status: u16, headers: Vec<(String, String)>, body: Bytes, pieces: Vec<usize>) {
        self.sim.script().set_recorded(Some(Recorded {
            status,
            reason: None,
            headers,
            body,
            pieces,
        }));
    }

    /// Asks the candidate; anything but a success is an error.
    pub(super) async fn ask(&self, body: impl Into<Bytes>) -> Result<Bytes> {
        let (status, body) = self.ask_any(body).await?;
        ensure!(
            status == 200,
            "status {status}: {}",
            String::from_utf8_lossy(&body)
        );
        Ok(body)
    }

    /// Asks the candidate, and returns the status and the body of whatever it answers.
    pub(super) async fn ask_any(&self, body: impl Into<Bytes>) -> Result<(u16, Bytes)> {
        let request = http::Request::post(TARGET)
            .header("content-type", "application/json")
            .body(body.into())?;
        let answer = self.candidate.clone().oneshot(request);
        let answer = answer.await.map_err(anyhow::Error::from_boxed)?;
        let status = answer.status();
        let body = answer
            .into_body()
            .collect()
            .await
            .map_err(anyhow::Error::from_boxed)?
            .to_bytes();
        Ok((status.as_u16(), body))
    }
}

/// The candidate's settings: whole answers are asked for as such, and not as streams.
pub(super) fn settings() -> CandidateSettings {
    let mut settings = CandidateSettings::new(MODEL);
    settings.stream_always = false;
    settings
}
