//! From what was typed and the configuration to the two sides of a run.

use std::sync::Arc;

use crossfade_bedrock::Candidate;
use crossfade_compare::{CheckSettings, Checks, Price};
use crossfade_exchange::RouteId;
use crossfade_replay::sides::{LiveSide, SideService, SideSource, Sides};

use crate::{
    cli::failure::Failure,
    config::{AzureAuth, Config, Route, Secret, environment},
    wiring,
};

use super::args::{CandidateFrom, From, ReplayArgs};

/// The key of an Azure resource where the configuration leaves that to the callers.
const KEY: &str = "AZURE_OPENAI_API_KEY";

/// The route's checks and who answers.
pub(super) async fn of(
    args: &ReplayArgs,
    config: Option<&Config>,
    route: &RouteId,
) -> Result<(Arc<Checks>, Sides), Failure> {
    let configured = config.map(|config| find(config, route)).transpose()?;
    let settings = configured.map_or_else(CheckSettings::default, wiring::check_settings);
    let (of_primary, of_candidate) = (settings.primary_price, settings.price);
    let checks = Checks::new(settings).map_err(|error| Failure::config(error.to_string()))?;
    let deployment = args.deployment.as_deref().unwrap_or(route.as_str());
    let place = config.zip(configured);
    let sides = Sides {
        primary: match args.primary {
            From::None => SideSource::Absent,
            From::Recorded => SideSource::Recorded,
            From::Live => primary(
                args,
                place,
                deployment,
                priced(args, of_primary, "primary_price")?,
            )?,
        },
        candidate: match args.candidate {
            CandidateFrom::Recorded => SideSource::Recorded,
            CandidateFrom::Live => {
                candidate(
                    args,
                    place,
                    deployment,
                    priced(args, of_candidate, "price")?,
                )
                .await?
            }
        },
    };
    Ok((Arc::new(checks), sides))
}

fn find<'c>(config: &'c Config, route: &RouteId) -> Result<&'c Route, Failure> {
    let mut routes = config.routes.iter();
    routes.find(|known| known.id == *route).ok_or_else(|| {
        let known: Vec<&str> = config
            .routes
            .iter()
            .map(|known| known.id.as_str())
            .collect();
        Failure::usage(
            format!("the configuration has no route {route}"),
            format!("name one of its routes with --route: {}", known.join(", ")),
        )
    })
}

/// A limit on money means nothing where nothing has a price.
fn priced(args: &ReplayArgs, price: Option<Price>, key: &str) -> Result<Option<Price>, Failure> {
    if args.max_usd.is_some() && price.is_none() {
        return Err(Failure::usage(
            "--max-usd cannot be kept: a live side has no price",
            format!("set {key} of the route, or limit --max-tokens"),
        ));
    }
    Ok(price)
}

fn placed<'c>(place: Option<(&'c Config, &'c Route)>) -> Result<(&'c Config, &'c Route), Failure> {
    place.ok_or_else(|| {
        Failure::usage(
            "a live side needs a configuration",
            "add --config FILE, or take recorded answers",
        )
    })
}

/// A name that goes into the path of a request.
fn named(deployment: &str) -> Result<String, Failure> {
    let fits = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    if deployment.is_empty() || !deployment.chars().all(fits) {
        return Err(Failure::usage(
            format!("{deployment:?} is no name of a deployment"),
            "name one with --deployment",
        ));
    }
    Ok(deployment.to_owned())
}

fn primary(
    args: &ReplayArgs,
    place: Option<(&Config, &Route)>,
    deployment: &str,
    price: Option<Price>,
) -> Result<SideSource, Failure> {
    let (config, _) = placed(place)?;
    let key = match &config.azure.auth {
        AzureAuth::Key(key) => key.clone(),
        AzureAuth::Passthrough => environment(KEY).map(Secret::new).ok_or_else(|| {
            Failure::config(format!(
                "the primary cannot be asked: [azure] auth is passthrough and {KEY} is not set; set it, or use auth = \"key\""
            ))
        })?,
    };
    let service = wiring::primary(&config.azure, &key)
        .map_err(|error| Failure::plain(format!("the primary cannot be asked: {error}")))?;
    Ok(SideSource::Live(LiveSide {
        service: SideService::new(service),
        identity: format!("{} {deployment}", config.azure.endpoint),
        price,
        deployment: named(deployment)?,
        api_version: args.api_version.clone(),
    }))
}

async fn candidate(
    args: &ReplayArgs,
    place: Option<(&Config, &Route)>,
    deployment: &str,
    price: Option<Price>,
) -> Result<SideSource, Failure> {
    let (config, route) = placed(place)?;
    let connection = wiring::connection(&config.bedrock).await;
    let service = Candidate::new(connection, route.candidate.clone());
    // Whatever is changed for the model changes what is asked.
    let settings = serde_json::to_string(&route.candidate)
        .map_err(|error| Failure::plain(error.to_string()))?;
    let short: String = crossfade_replay::sha256(&settings)
        .chars()
        .take(12)
        .collect();
    Ok(SideSource::Live(LiveSide {
        service: SideService::new(service),
        identity: format!(
            "{} in {} (settings {short})",
            route.candidate.model, config.bedrock.region
        ),
        price,
        deployment: named(deployment)?,
        api_version: args.api_version.clone(),
    }))
}
