//! From the configuration to the parts: every setting goes to the one part that uses it. Starts nothing.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::Arc,
};

use anyhow::Context as _;
use http::Request;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::sync::watch;
use tower::util::BoxCloneSyncService;

use crossfade_azure::{Credential, Endpoint, Primary, PrimaryError};
use crossfade_backplane::DataDirectory;
use crossfade_bedrock::{
    Auth, Candidate, CandidateSettings, Connection, Sealer, Settings as BedrockSettings,
    eligibility, loosened, minted,
};
use crossfade_compare::{CheckSettings, Checks, Price as CheckPrice};
use crossfade_exchange::{BoxError, Metric, RouteId, SideBody};
use crossfade_judge::{
    Asked, Batcher, Embedder, EndpointSettings, Judge, JudgeSettings, StaticModel,
};
use crossfade_proxy::{
    AppliesFn, Caps, EligibilityFn, Forward, LoosenFn, PlaneSettings, Price, ProxyError, Repeats,
    RouteSettings,
};
use crossfade_redact::Redactor;
use crossfade_rollout::{ActorRole, MirrorPlan, Split};
use crossfade_statistics::StatisticsSettings;

use crate::{
    admin::{Token, Tokens},
    config::{
        self, Azure, AzureAuth, Bedrock, BedrockAuth, Config, ModelPlace, Route, Secret,
        Similarity, SimilaritySource, TokenRole,
    },
    opinions::{self, Panel, Rests},
    report::RouteSetup,
    review::{RecordedRoute, RecordsSettings},
    telemetry::Metrics,
};

/// The way to Azure.
pub(crate) fn forward(azure: &Azure) -> io::Result<Forward> {
    let credential = match &azure.auth {
        AzureAuth::Passthrough => Credential::Passthrough,
        AzureAuth::Key(key) => Credential::Key(crossfade_azure::Secret::new(key.expose())),
    };
    let primary = azure_with(azure, credential)?;
    Ok(BoxCloneSyncService::new(tower::service_fn(
        move |request: Request<SideBody>| {
            let primary = primary.clone();
            async move { primary.forward(request).await.map_err(proxy_error) }
        },
    )))
}

/// The primary, asked with a key of our own.
pub(crate) fn primary(azure: &Azure, key: &Secret) -> io::Result<Primary> {
    let key = crossfade_azure::Secret::new(key.expose());
    azure_with(azure, Credential::Key(key))
}

fn azure_with(azure: &Azure, credential: Credential) -> io::Result<Primary> {
    // The endpoint was parsed already; the primary parses it by its own rules.
    let endpoint: Endpoint = azure
        .endpoint
        .to_string()
        .parse()
        .map_err(io::Error::other)?;
    let mut settings = crossfade_azure::Settings::new(endpoint);
    settings.credential = credential;
    settings.connect_timeout = azure.connect_timeout;
    settings.response_timeout = azure.response_timeout;
    settings.roots = azure.ca_file.as_deref().map(roots).transpose()?;
    Primary::new(settings)
}

/// The system's roots, and those of a file.
fn roots(file: &std::path::Path) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let pem = std::fs::read(file)?;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        roots
            .add(certificate.map_err(io::Error::other)?)
            .map_err(io::Error::other)?;
    }
    Ok(roots)
}

fn proxy_error(error: PrimaryError) -> BoxError {
    match error {
        PrimaryError::TimedOut(_) => ProxyError::PrimaryTimedOut(error.into()).into(),
        // A caller's own body may be what broke it; the data plane looks for that in the causes.
        PrimaryError::Connect(_) | PrimaryError::Broken(_) | PrimaryError::Target(_) => {
            ProxyError::PrimaryUnreachable(error.into()).into()
        }
    }
}

/// The way to Bedrock, shared by all routes.
pub(crate) async fn connection(bedrock: &Bedrock) -> Connection {
    let mut settings = BedrockSettings::new(&bedrock.region);
    settings.endpoint = bedrock.endpoint.as_ref().map(ToString::to_string);
    settings.mantle_endpoint = bedrock.mantle_endpoint.as_ref().map(ToString::to_string);
    settings.sigv4_service.clone_from(&bedrock.sigv4_service);
    settings.auth = match &bedrock.auth {
        BedrockAuth::Default => Auth::Default,
        BedrockAuth::ApiKey(key) => Auth::ApiKey(key.expose().to_owned()),
        BedrockAuth::Static {
            access_key,
            secret_key,
            session_token,
        } => Auth::Static {
            access_key: access_key.expose().to_owned(),
            secret: secret_key.expose().to_owned(),
            session_token: session_token
                .as_ref()
                .map(|token| token.expose().to_owned()),
        },
    };
    settings.connect_timeout = bedrock.connect_timeout;
    settings.idle_timeout = bedrock.idle_timeout;
    Connection::new(settings).await
}

/// The bounds of the data plane.
pub(crate) fn plane_settings(config: &Config) -> PlaneSettings {
    PlaneSettings {
        max_in_flight: config.listen.max_in_flight,
        max_body: config.listen.max_body,
        expose_side: config.listen.expose_side,
        mirror: config.mirror.enabled,
        slots: config.mirror.slots,
        bytes: config.mirror.bytes,
        request_bytes: config.mirror.request_bytes,
        answer_bytes: config.mirror.answer_bytes,
        rate: config.mirror.rate,
        deadline: config.mirror.deadline,
        repeats: Repeats {
            primary: config.mirror.ask_primary_twice,
            candidate: config.mirror.ask_candidate_twice,
            ..Repeats::default()
        },
    }
}

/// What all routes' candidates share.
#[derive(Debug)]
pub(crate) struct Provider {
    /// The way to Bedrock.
    pub(crate) connection: Connection,
    /// What makes and knows the ids of what the candidates keep.
    pub(crate) sealer: Sealer,
}

/// One route of the data plane.
pub(crate) fn route(
    config: &Config,
    route: &Route,
    checks: &Arc<Checks>,
    provider: &Provider,
    split: watch::Receiver<Arc<Split>>,
) -> (String, RouteSettings, watch::Receiver<Arc<Split>>) {
    let mut asked = route.candidate.clone();
    asked.sealer = Some(provider.sealer.clone());
    let candidate = Candidate::new(provider.connection.clone(), asked.clone());
    let candidate_streams = candidate.always_streams();
    let settings = RouteSettings {
        id: route.id.clone(),
        sticky_by: route.sticky_by.clone(),
        mirror: mirror_plan(config),
        eligibility: eligible(asked.clone()),
        loosen: loosen(asked.clone()),
        minted: Arc::new(move |id| minted(id, &asked)),
        applies: applies(checks),
        candidate: BoxCloneSyncService::new(candidate),
        candidate_streams,
        fallback_after: config.bedrock.fallback_after,
        price: route.checks.price.map(price),
        primary_price: route.checks.primary_price.map(price),
        caps: Caps {
            hourly: config.mirror.hourly_usd,
            daily: config.mirror.daily_usd,
            attempt: config.mirror.attempt_usd,
        },
        internal: route.internal.clone(),
    };
    (route.id.as_str().to_owned(), settings, split)
}

/// What may become of a request on a route.
fn eligible(settings: CandidateSettings) -> EligibilityFn {
    Arc::new(move |operation, body| eligibility(operation, body, &settings))
}

/// What the primary can be asked of a conversation that the candidate had a part in.
fn loosen(settings: CandidateSettings) -> LoosenFn {
    Arc::new(move |body| loosened(body, &settings))
}

/// What a route's checks are made of.
pub(crate) fn check_settings(route: &Route) -> CheckSettings {
    let mut settings = route.checks.clone();
    // Whoever rebuilt the index did it for vectors of the candidate's length.
    settings.embeddings.any_dimensions |= route.candidate.index_rebuilt;
    settings
}

/// Each route's checks, compiled.
pub(crate) fn checks(config: &Config) -> anyhow::Result<HashMap<RouteId, Arc<Checks>>> {
    let compile = |route: &Route| {
        let checks = Checks::new(check_settings(route))?;
        Ok((route.id.clone(), Arc::new(checks)))
    };
    config.routes.iter().map(compile).collect()
}

/// What reports say of the configuration.
pub(crate) fn setups(config: &Config) -> BTreeMap<RouteId, RouteSetup> {
    let routes = config.routes.iter();
    routes
        .map(|route| (route.id.clone(), RouteSetup::of(route, config)))
        .collect()
}

/// What is kept of verdicts, and how.
pub(crate) fn records(
    config: &Config,
    directory: &Arc<DataDirectory>,
    secret: [u8; 32],
    metrics: Arc<Metrics>,
) -> anyhow::Result<RecordsSettings> {
    let record = |route: &Route| {
        let labels = route.checks.label.as_ref();
        let window = route.rollout.unit_window.as_millis();
        let statistics = StatisticsSettings {
            labels: labels.map(|label| label.values.clone()).unwrap_or_default(),
            unit_window_ms: u64::try_from(window).unwrap_or(u64::MAX),
            ..StatisticsSettings::default()
        };
        // Without the margins: they are only held against what was counted.
        let comparable = (&route.checks, &statistics, &route.candidate.model);
        anyhow::Ok(RecordedRoute {
            id: route.id.clone(),
            fingerprint: config::fingerprint(&comparable),
            statistics: StatisticsSettings {
                margins: route.rollout.margins.clone(),
                ..statistics
            },
            share: route.evidence.share.percent() / 100.0,
            sample: if route.rollout.metrics.contains(Metric::Review) {
                config.review.sample.ratio()
            } else {
                0.0
            },
            redactor: Redactor::new(&route.evidence.redact)?,
        })
    };
    Ok(RecordsSettings {
        directory: Arc::clone(directory),
        secret,
        keys: config.evidence.keys.clone(),
        evidence: config.evidence.settings,
        reviews: config.review.queue,
        decide_after: config.review.decide_after,
        routes: config.routes.iter().map(record).collect::<Result<_, _>>()?,
        metrics,
    })
}

/// The models that are asked about pairs, and what makes the calls of the embeddings' endpoint; `None` if no model is named.
pub(crate) async fn panel(
    config: &Config,
    checks: &HashMap<RouteId, Arc<Checks>>,
    metrics: &Arc<Metrics>,
) -> anyhow::Result<Option<(Panel, Option<Batcher>)>> {
    if config.similarity.is_none() && config.judge.is_none() {
        return Ok(None);
    }
    let (embedder, batcher) = match &config.similarity {
        None => (None, None),
        Some(similarity) => {
            let (embedder, batcher) = embedder(similarity, config).await?;
            (Some(embedder), batcher)
        }
    };
    let judge = match &config.judge {
        None => None,
        Some(plan) => {
            let (service, model) = asked(&plan.place, config).await.context("[judge]")?;
            let mut settings = JudgeSettings::new("/openai/v1/chat/completions");
            settings.model = Some(model);
            settings.max_tokens = plan.max_tokens;
            settings.price = plan.price;
            settings.caps = plan.caps;
            settings.concurrency = opinions::AT_ONCE;
            Some(Judge::new(service, settings))
        }
    };
    let routes = config.routes.iter().filter_map(|route| {
        let checks = Arc::clone(checks.get(&route.id)?);
        Some((route.id.clone(), (checks, route.opinions)))
    });
    let panel = Panel {
        embedder,
        judge,
        routes: routes.collect(),
        metrics: Arc::clone(metrics),
        rests: Rests::default(),
    };
    Ok(Some((panel, batcher)))
}

/// The embeddings of `[similarity]`, and what makes the calls of their endpoint.
pub(crate) async fn embedder(
    similarity: &Similarity,
    config: &Config,
) -> anyhow::Result<(Embedder, Option<Batcher>)> {
    match &similarity.source {
        SimilaritySource::Static(path) => {
            let path = path.clone();
            let model = tokio::task::spawn_blocking(move || StaticModel::read(&path)).await?;
            let model = model.context("[similarity] path")?;
            Ok((Embedder::static_model(model), None))
        }
        SimilaritySource::Asked(place) => {
            let (service, model) = asked(place, config).await.context("[similarity]")?;
            let mut settings = EndpointSettings::new("/openai/v1/embeddings");
            settings.model = Some(model);
            settings.dimensions = similarity.dimensions;
            let (embedder, batcher) = Embedder::endpoint(service, settings);
            Ok((embedder, Some(batcher)))
        }
    }
}

/// A model that is asked, and what it is called in a request's body.
async fn asked(place: &ModelPlace, config: &Config) -> io::Result<(Asked, String)> {
    Ok(match place {
        ModelPlace::Azure {
            azure,
            key,
            deployment,
        } => (
            BoxCloneSyncService::new(primary(azure, key)?),
            deployment.clone(),
        ),
        ModelPlace::Bedrock(settings) => {
            let connection = connection(&config.bedrock).await;
            let candidate = Candidate::new(connection, (**settings).clone());
            (BoxCloneSyncService::new(candidate), settings.model.clone())
        }
    })
}

/// Who may use the admin API.
pub(crate) fn tokens(config: &Config) -> Tokens {
    let tokens = config.admin.tokens.iter().map(|token| Token {
        name: token.name.clone(),
        sha256: token.sha256.0,
        role: match token.role {
            TokenRole::Viewer => ActorRole::Viewer,
            TokenRole::Operator => ActorRole::Operator,
            TokenRole::Owner => ActorRole::Owner,
        },
    });
    Tokens::new(tokens.collect())
}

fn mirror_plan(config: &Config) -> MirrorPlan {
    let mirror = &config.mirror;
    if mirror.enabled {
        MirrorPlan {
            share: mirror.share,
            reverse_share: mirror.reverse_share,
        }
    } else {
        MirrorPlan {
            share: crossfade_exchange::Percent::ZERO,
            reverse_share: crossfade_exchange::Percent::ZERO,
        }
    }
}

/// Whether a metric applies is decided by the request alone: by the route's checks, its operation, and what JSON it asks for.
fn applies(checks: &Arc<Checks>) -> AppliesFn {
    let checks = Arc::clone(checks);
    Arc::new(move |operation, mode| checks.applies(operation, mode))
}

fn price(price: CheckPrice) -> Price {
    Price {
        input: price.input,
        cached: price.cached.unwrap_or(price.input),
        cache_write: price.cache_write.unwrap_or(price.input),
        output: price.output,
    }
}
