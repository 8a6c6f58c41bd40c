//! Embeddings for a run: who makes them, and the cosines that its judgement still needs.

use std::{io, path::Path, time::Duration};

use crossfade_judge::{Batcher, CallError, EmbedError, Embedder};
use crossfade_replay::{
    meaning::{Cosines, RecordedCosine, Texts, wanted},
    run::{Gathered, Journal},
};
use sha2::{Digest as _, Sha256};

use crate::{
    cli::{failure::Failure, print},
    config::{Config, ModelPlace, Similarity, SimilaritySource},
    wiring,
};

use super::{Prepared, args::ReplayArgs, interrupted, signals};

/// Pairs that are asked about together, and kept together.
const AT_ONCE: usize = 256;
/// The wait before a pair is asked about again; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Whose embeddings texts are compared by.
pub(super) struct Model {
    embedder: Embedder,
    /// The same words for the same vectors: cosines of another are not used. Never a secret.
    identity: String,
}

// === impl Model ===

impl Model {
    /// The configuration's, if it names one, and what makes the calls of its endpoint.
    pub(super) async fn of(config: &Config) -> Result<Option<(Self, Option<Batcher>)>, Failure> {
        let Some(similarity) = &config.similarity else {
            return Ok(None);
        };
        let wrong = |error: anyhow::Error| Failure::config(Failure::from(error).what());
        let (embedder, batcher) = wiring::embedder(similarity, config).await.map_err(wrong)?;
        let identity = identity(similarity, config).map_err(wrong)?;
        Ok(Some((Self { embedder, identity }, batcher)))
    }

    async fn once(&self, pairs: &[&Texts]) -> Vec<Result<f64, EmbedError>> {
        let texts = pairs.iter().map(|[a, b]| (a.as_str(), b.as_str()));
        self.embedder.cosines(&texts.collect::<Vec<_>>()).await
    }

    /// Asks about some pairs, and again about those whose call failed in a way that may pass.
    async fn ask(&self, pairs: &[Texts], retries: u32) -> Vec<Result<f64, EmbedError>> {
        let mut found = self.once(&pairs.iter().collect::<Vec<_>>()).await;
        let mut wait = FIRST_WAIT;
        for _ in 0..retries {
            let again = found.iter().zip(pairs);
            let again: Vec<&Texts> = again
                .filter(|(found, _)| found.as_ref().is_err_and(|error| may_pass(*error)))
                .map(|(_, texts)| texts)
                .collect();
            if again.is_empty() {
                break;
            }
            tokio::time::sleep(wait.min(LONGEST_WAIT)).await;
            wait = wait.saturating_mul(2);
            let mut anew = self.once(&again).await.into_iter();
            for found in &mut found {
                if found.as_ref().is_err_and(|error| may_pass(*error)) {
                    *found = anew.next().unwrap_or(*found);
                }
            }
        }
        found
    }

    /// Asks about all these pairs, some at a time.
    async fn compare(
        &self,
        args: &ReplayArgs,
        pairs: &[Texts],
        journal: &mut Journal,
        cosines: &mut Cosines,
    ) -> Result<(), Failure> {
        let many = pairs.len();
        print::note(&format!(
            "pairs of texts compared by {}: {many}",
            self.identity
        ));
        let mut signals = signals()?;
        let mut last = None;
        for some in pairs.chunks(AT_ONCE) {
            let found = tokio::select! {
                found = self.ask(some, args.retries) => found,
                () = signals.told() => return Err(interrupted(&args.report)),
            };
            let mut kept = Vec::new();
            for (texts, found) in some.iter().zip(found) {
                match found {
                    Ok(cosine) => kept.push(RecordedCosine::new(texts, cosine, &self.identity)),
                    Err(error) => {
                        cosines.lack(texts, error.to_string());
                        last = Some(error);
                    }
                }
            }
            journal.keep_cosines(&kept).map_err(|error| {
                Failure::plain(format!("the journal cannot be written: {error}"))
            })?;
            for cosine in kept {
                cosines.keep(cosine);
            }
        }
        if let Some(why) = last {
            let lacking = cosines.lacking();
            print::note(&format!(
                "pairs without embeddings: {lacking}, such as: {why}"
            ));
        }
        Ok(())
    }
}

/// Whether another call may give what this one did not.
fn may_pass(error: EmbedError) -> bool {
    match error {
        EmbedError::Full | EmbedError::Call(CallError::Transport) => true,
        EmbedError::Call(CallError::Status(status)) => matches!(status, 408 | 429) || status >= 500,
        EmbedError::Empty
        | EmbedError::Closed
        | EmbedError::Call(CallError::Path | CallError::Deadline | CallError::Malformed) => false,
    }
}

/// What makes the vectors, in words.
fn identity(similarity: &Similarity, config: &Config) -> anyhow::Result<String> {
    let length = similarity.dimensions;
    let length = length.map_or_else(String::new, |length| format!(", {length} dimensions"));
    Ok(match &similarity.source {
        SimilaritySource::Static(path) => format!("static model {}", of_files(path)?),
        SimilaritySource::Asked(ModelPlace::Azure {
            azure, deployment, ..
        }) => format!("{deployment} at {}{length}", azure.endpoint),
        SimilaritySource::Asked(ModelPlace::Bedrock(settings)) => {
            let region = &config.bedrock.region;
            format!("{} in {region}{length}", settings.model)
        }
    })
}

/// A static model by its files, wherever they are.
fn of_files(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    for name in ["tokenizer.json", "model.safetensors"] {
        hash.update(Sha256::digest(std::fs::read(path.join(name))?));
    }
    let bytes: Vec<String> = hash
        .finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(bytes.concat())
}

// === impl Prepared ===

impl Prepared {
    /// The cosines that need not be asked for: of the journal, or recorded.
    pub(super) fn known(&self, kept: &[RecordedCosine]) -> Cosines {
        let model = self.model.as_ref().map(|model| model.identity.as_str());
        Cosines::of(self.recordings.cosines().iter().chain(kept), model)
    }

    /// Asks for the cosines that are not known yet. Those that come are on disk at once; an interrupt ends this at once.
    pub(super) async fn compare(
        &self,
        args: &ReplayArgs,
        gathered: &Gathered,
        journal: &mut Journal,
        cosines: &mut Cosines,
        batcher: Option<Batcher>,
    ) -> Result<(), Failure> {
        let Some(model) = &self.model else {
            return Ok(());
        };
        let mut pairs = wanted(&self.dataset, &self.checks, args.repeat, &gathered.answers);
        pairs.retain(|texts| !cosines.knows(texts));
        if pairs.is_empty() {
            return Ok(());
        }
        let calls = async {
            if let Some(batcher) = batcher {
                batcher.run().await;
            }
            std::future::pending().await
        };
        tokio::select! {
            done = model.compare(args, &pairs, journal, cosines) => done,
            never = calls => never,
        }
    }
}
