//! `[similarity]`, `[judge]` and `[routes.NAME.opinions]`: which models are asked about pairs, how often, and for how much.

use std::path::PathBuf;

use crossfade_bedrock::CandidateSettings;
use crossfade_exchange::Percent;
use crossfade_judge::{Caps, Price};
use serde::Deserialize;

use super::{
    build::Findings,
    model::{Azure, AzureAuth},
    secret::Secret,
    units::Endpoint,
};

/// The embeddings that texts are compared by.
#[derive(Clone, Debug)]
pub struct Similarity {
    /// Where they come from.
    pub source: SimilaritySource,
    /// The length that vectors shall have; the model's own if absent.
    pub dimensions: Option<u32>,
}

/// Where embeddings come from.
#[derive(Clone, Debug)]
pub enum SimilaritySource {
    /// A model that is asked.
    Asked(ModelPlace),
    /// A static model in a directory.
    Static(PathBuf),
}

/// A model that is asked about pairs.
#[derive(Clone, Debug)]
pub enum ModelPlace {
    /// A deployment of an Azure OpenAI resource.
    Azure {
        /// The resource.
        azure: Box<Azure>,
        /// Its key.
        key: Secret,
        /// The deployment.
        deployment: String,
    },
    /// A model on Bedrock, over the candidates' connection.
    Bedrock(Box<CandidateSettings>),
}

/// The model that says which of two answers is better.
#[derive(Clone, Debug)]
pub struct JudgePlan {
    /// Where it is.
    pub place: ModelPlace,
    /// What its tokens cost.
    pub price: Option<Price>,
    /// What it may cost.
    pub caps: Caps,
    /// The token limit of its answers.
    pub max_tokens: u32,
}

/// How often models are asked about one route's pairs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RouteOpinions {
    /// The share of pairs that embeddings are made of.
    pub similarity: Percent,
    /// The share of pairs that the judge sees.
    pub judge: Percent,
}

/// `[similarity]`
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawSimilarity {
    /// A deployment of an embedding model on Azure.
    pub(crate) azure: Option<RawAzureModel>,
    /// An embedding model on Bedrock; the keys are a candidate's.
    #[cfg_attr(test, schemars(schema_with = "super::schema::some_candidate"))]
    pub(crate) bedrock: Option<CandidateSettings>,
    /// Directory of a static model: model.safetensors and tokenizer.json.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) path: Option<PathBuf>,
    /// The length that vectors shall have, of a model that is asked; its own if absent.
    pub(crate) dimensions: Option<u32>,
    /// The share of pairs that embeddings are made of, in percent.
    #[cfg_attr(test, schemars(schema_with = "super::schema::percent"))]
    pub(crate) share: Percent,
}

/// `[judge]`
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawJudge {
    /// A deployment on Azure.
    pub(crate) azure: Option<RawAzureModel>,
    /// A model on Bedrock; the keys are a candidate's.
    #[cfg_attr(test, schemars(schema_with = "super::schema::some_candidate"))]
    pub(crate) bedrock: Option<CandidateSettings>,
    /// The share of pairs that it sees, in percent; each is asked twice, in both orders.
    #[cfg_attr(test, schemars(schema_with = "super::schema::percent"))]
    pub(crate) share: Percent,
    /// What its tokens cost, in USD per million.
    pub(crate) price: Option<RawJudgePrice>,
    /// The most that it may cost in an hour, in USD; no cap if absent.
    pub(crate) hourly_usd: Option<f64>,
    /// The most that it may cost in a day, in USD; no cap if absent.
    pub(crate) daily_usd: Option<f64>,
    /// The token limit of its answers; a model that thinks needs room for it.
    pub(crate) max_tokens: u32,
}

/// A deployment on Azure.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAzureModel {
    /// Its name.
    pub(crate) deployment: String,
    /// The resource, if it is another than the primary's.
    pub(crate) endpoint: Option<Endpoint>,
    /// Environment variable with the resource's key, where the primary's own is not used.
    pub(crate) key_env: Option<String>,
}

/// `[judge] price`
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RawJudgePrice {
    /// Prompt tokens.
    pub(crate) input: f64,
    /// Completion tokens, reasoning included.
    pub(crate) output: f64,
}

/// `[routes.NAME.opinions]`
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawRouteOpinions {
    /// Instead of similarity.share.
    #[cfg_attr(test, schemars(schema_with = "super::schema::percent"))]
    pub(crate) similarity_share: Option<Percent>,
    /// Instead of judge.share.
    #[cfg_attr(test, schemars(schema_with = "super::schema::percent"))]
    pub(crate) judge_share: Option<Percent>,
}

// === impl Similarity ===

impl Similarity {
    /// Which model it is, and where, for telling one from another.
    pub fn name(&self) -> String {
        match &self.source {
            SimilaritySource::Asked(ModelPlace::Azure {
                azure, deployment, ..
            }) => format!("{deployment} at {}", azure.endpoint),
            SimilaritySource::Asked(ModelPlace::Bedrock(settings)) => settings.model.clone(),
            SimilaritySource::Static(path) => path.display().to_string(),
        }
    }
}

// === defaults ===

impl Default for RawSimilarity {
    fn default() -> Self {
        Self {
            azure: None,
            bedrock: None,
            path: None,
            dimensions: None,
            share: percent(10.0),
        }
    }
}

impl Default for RawJudge {
    fn default() -> Self {
        Self {
            azure: None,
            bedrock: None,
            share: percent(1.0),
            price: None,
            hourly_usd: None,
            daily_usd: None,
            max_tokens: 1_024,
        }
    }
}

fn percent(value: f64) -> Percent {
    Percent::new(value).unwrap_or(Percent::ZERO)
}

// === building ===

/// Checks and converts `[similarity]`; `None` where no model is named or it cannot be used.
pub(super) fn build_similarity(
    raw: &RawSimilarity,
    primary: Option<&Azure>,
    at: &mut Findings<'_>,
) -> Option<Similarity> {
    if raw.dimensions == Some(0) {
        let message = "use a number of at least 1, or remove the key";
        at.wrong(&["similarity", "dimensions"], message);
    }
    let source = if let Some(path) = &raw.path {
        if raw.azure.is_some() || raw.bedrock.is_some() {
            let message = "another source is named too: keep one of azure, bedrock and path";
            at.wrong(&["similarity", "path"], message);
        }
        SimilaritySource::Static(path.clone())
    } else {
        let named = (raw.azure.as_ref(), raw.bedrock.as_ref());
        SimilaritySource::Asked(place("similarity", named, primary, at)?)
    };
    Some(Similarity {
        source,
        dimensions: raw.dimensions,
    })
}

/// Checks and converts `[judge]`; `None` where no model is named or it cannot be used.
pub(super) fn build_judge(
    raw: &RawJudge,
    primary: Option<&Azure>,
    at: &mut Findings<'_>,
) -> Option<JudgePlan> {
    at.positive(&["judge", "hourly_usd"], raw.hourly_usd);
    at.positive(&["judge", "daily_usd"], raw.daily_usd);
    let caps = Caps {
        hourly: raw.hourly_usd,
        daily: raw.daily_usd,
    };
    if caps != Caps::default() && raw.price.is_none() {
        let key = if raw.daily_usd.is_some() {
            "daily_usd"
        } else {
            "hourly_usd"
        };
        let message = "needs the judge's price: add price = { input = …, output = … }";
        at.wrong(&["judge", key], message);
    }
    if let Some(price) = raw.price {
        for (key, value) in [("input", price.input), ("output", price.output)] {
            if !(value.is_finite() && value >= 0.0) {
                let message = "use a number of USD per million tokens";
                at.wrong(&["judge", "price", key], message);
            }
        }
    }
    if raw.max_tokens == 0 {
        at.wrong(&["judge", "max_tokens"], "use a number of at least 1");
    }
    let named = (raw.azure.as_ref(), raw.bedrock.as_ref());
    Some(JudgePlan {
        place: place("judge", named, primary, at)?,
        price: raw.price.map(|price| Price {
            input: price.input,
            output: price.output,
        }),
        caps,
        max_tokens: raw.max_tokens,
    })
}

fn place(
    table: &str,
    named: (Option<&RawAzureModel>, Option<&CandidateSettings>),
    primary: Option<&Azure>,
    at: &mut Findings<'_>,
) -> Option<ModelPlace> {
    match named {
        (None, None) => None,
        (Some(_), Some(_)) => {
            let message = "azure is named too: keep one of them";
            at.wrong(&[table, "bedrock"], message);
            None
        }
        (None, Some(settings)) => {
            if settings.model.trim().is_empty() {
                at.wrong(&[table, "bedrock", "model"], "empty: name a model");
            }
            Some(ModelPlace::Bedrock(Box::new(settings.clone())))
        }
        (Some(model), None) => azure_place(table, model, primary?, at),
    }
}

fn azure_place(
    table: &str,
    model: &RawAzureModel,
    primary: &Azure,
    at: &mut Findings<'_>,
) -> Option<ModelPlace> {
    if model.deployment.trim().is_empty() {
        at.wrong(&[table, "azure", "deployment"], "empty: name a deployment");
    }
    let path = [table, "azure", "key_env"];
    let key = match (&model.key_env, &primary.auth) {
        (Some(name), _) => at.variable(&path, name)?,
        // Another resource never gets the primary's key.
        (None, AzureAuth::Key(key)) if model.endpoint.is_none() => key.clone(),
        (None, AzureAuth::Key(_) | AzureAuth::Passthrough) => {
            let message = "missing: nobody's credential is at hand here, so name the environment variable with the resource's key";
            at.wrong(&path, message);
            return None;
        }
    };
    let mut azure = primary.clone();
    if let Some(endpoint) = &model.endpoint {
        azure.endpoint = endpoint.clone();
    }
    Some(ModelPlace::Azure {
        azure: Box::new(azure),
        key,
        deployment: model.deployment.clone(),
    })
}

/// One route's shares: what it says itself, or what is said for all.
pub(super) fn build_route_opinions(
    route: RawRouteOpinions,
    shares: RouteOpinions,
) -> RouteOpinions {
    RouteOpinions {
        similarity: route.similarity_share.unwrap_or(shares.similarity),
        judge: route.judge_share.unwrap_or(shares.judge),
    }
}
