//! What `check` says of how answers are judged: what is kept for people, and which models are asked.

use super::Fact;
use crate::config::{Config, ModelPlace, SimilaritySource, Size, Span};

/// What is kept, and who is asked.
pub(super) fn facts(config: &Config) -> [Fact; 3] {
    [
        ("evidence", evidence(config)),
        ("similarity", similarity(config)),
        ("judge", judge(config)),
    ]
    .map(|(what, value)| Fact { what, value })
}

/// What is kept of judged exchanges.
fn evidence(config: &Config) -> String {
    let evidence = &config.evidence;
    if !evidence.is_on() {
        return "off, as no key is set ([evidence] key_env or key_file): no request or answer is kept, and reviews show no texts"
            .to_owned();
    }
    let settings = &evidence.settings;
    format!(
        "sealed and redacted, up to {} and {}; summaries for {}",
        Size(settings.max_bytes),
        Span(settings.retention),
        Span(settings.summaries)
    )
}

/// The embeddings that texts are compared by.
fn similarity(config: &Config) -> String {
    match config
        .similarity
        .as_ref()
        .map(|similarity| &similarity.source)
    {
        None => "by words alone, as [similarity] names no model".to_owned(),
        Some(SimilaritySource::Static(path)) => {
            format!("embeddings of the static model in {}", path.display())
        }
        Some(SimilaritySource::Asked(place)) => format!("embeddings of {}", model(place)),
    }
}

/// The model that says which answer is better.
fn judge(config: &Config) -> String {
    let Some(judge) = &config.judge else {
        return "off, as [judge] names no model".to_owned();
    };
    let cap = |usd: Option<f64>, what: &str| usd.map(|usd| format!(", at most {usd} USD {what}"));
    format!(
        "{}, asked in both orders{}{}",
        model(&judge.place),
        cap(judge.caps.hourly, "an hour").unwrap_or_default(),
        cap(judge.caps.daily, "a day").unwrap_or_default()
    )
}

/// A model that is asked, by name and place.
fn model(place: &ModelPlace) -> String {
    match place {
        ModelPlace::Azure {
            azure, deployment, ..
        } => format!("{deployment} at {}", azure.endpoint),
        ModelPlace::Bedrock(settings) => format!("{} on Bedrock", settings.model),
    }
}
