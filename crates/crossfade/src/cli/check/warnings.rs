//! What is allowed in a configuration and still deserves a thought. None of it stops anything.

use std::net::IpAddr;

use crossfade_exchange::Check;

use super::{candidate, log, stages};
use crate::config::{
    AzureAuth, Config, Route, SimilaritySource, StickyBy, TokenRole, show_sticky_by,
};

/// Every warning, the most serious kinds first.
pub(super) fn of(config: &Config, rate: Option<f64>) -> Vec<String> {
    let mut warnings = Vec::new();
    exposure(config, &mut warnings);
    tokens(config, &mut warnings);
    money(config, &mut warnings);
    models(config, &mut warnings);
    without_models(config, &mut warnings);
    for route in &config.routes {
        of_route(route, &mut warnings);
        if !route.internal.claims.is_empty() && matches!(config.azure.auth, AzureAuth::Key(_)) {
            warnings.push(format!(
                "route {}: internal callers are named by claims, and with azure.auth = \"key\" nobody checks a token: any caller can claim it",
                route.id
            ));
        }
    }
    overlaps(config, &mut warnings);
    for plan in config.plans() {
        stages::warnings(&config.mirror, &plan, rate, &mut warnings);
        if let Some(rate) = rate {
            log::warning(config, &plan, rate, &mut warnings);
        }
    }
    warnings
}

/// Who can listen in, and who can call.
fn exposure(config: &Config, warnings: &mut Vec<String>) {
    let listen = &config.listen;
    let local = listen.address.ip().is_loopback();
    if listen.tls.is_none() && !local {
        warnings.push(
            "listen has no tls: credentials and prompts travel unencrypted between applications and the proxy".to_owned(),
        );
    }
    let certified = listen
        .tls
        .as_ref()
        .is_some_and(|tls| tls.client_ca.is_some());
    match &config.azure.auth {
        AzureAuth::Key(_) if !certified && !local => warnings.push(
            "azure.auth = \"key\" without listen.tls.client_ca: whoever reaches the listener calls Azure with your key".to_owned(),
        ),
        AzureAuth::Key(_) | AzureAuth::Passthrough => {}
    }
    if !is_private(config.admin.address.ip()) {
        warnings.push(
            "admin.address is not this machine's own: tokens travel unencrypted to it; put a TLS proxy or a tunnel before it".to_owned(),
        );
    }
    let azure = &config.azure.endpoint;
    if !azure.is_https() && !azure.is_loopback() {
        warnings.push(format!("azure.endpoint {azure} is not encrypted"));
    }
    if azure
        .uri()
        .host()
        .is_some_and(|host| host.eq_ignore_ascii_case("resource.openai.azure.com"))
    {
        warnings.push("azure.endpoint is the example's: name your resource".to_owned());
    }
    if let Some(bedrock) = &config.bedrock.endpoint
        && !bedrock.is_https()
        && !bedrock.is_loopback()
    {
        warnings.push(format!("bedrock.endpoint {bedrock} is not encrypted"));
    }
}

fn is_private(ip: IpAddr) -> bool {
    ip.is_loopback()
}

/// Who may act when it matters.
fn tokens(config: &Config, warnings: &mut Vec<String>) {
    let tokens = &config.admin.tokens;
    if tokens.is_empty() {
        warnings.push(
            "no admin token: nobody can look, move or roll back; add [[admin.tokens]]".to_owned(),
        );
    } else if !tokens.iter().any(|token| token.role == TokenRole::Owner) {
        warnings.push("no token of role owner: after a roll-back nobody can resume".to_owned());
    }
}

fn money(config: &Config, warnings: &mut Vec<String>) {
    let mirror = &config.mirror;
    let capped =
        mirror.hourly_usd.is_some() || mirror.daily_usd.is_some() || mirror.attempt_usd.is_some();
    if mirror.enabled && !mirror.share.is_zero() && !config.routes.is_empty() && !capped {
        warnings.push(
            "mirror has no money cap: every copy is paid for; set hourly_usd or daily_usd"
                .to_owned(),
        );
    }
    if capped {
        for route in config
            .routes
            .iter()
            .filter(|route| route.checks.price.is_none())
        {
            warnings.push(format!(
                "route {} has no price: the mirror's money caps cannot count it",
                route.id
            ));
        }
        let unpriced = config
            .routes
            .iter()
            .filter(|route| route.checks.primary_price.is_none());
        for route in unpriced.filter(|_| !mirror.ask_primary_twice.is_zero()) {
            warnings.push(format!(
                "route {} has no primary_price: the mirror's money caps cannot count what asking the primary twice costs",
                route.id
            ));
        }
    }
}

/// What leaves for other models, and what that may cost.
fn models(config: &Config, warnings: &mut Vec<String>) {
    if let Some(judge) = &config.judge
        && judge.caps.hourly.is_none()
        && judge.caps.daily.is_none()
    {
        warnings.push(
            "judge has no money cap: every pair that it sees is paid for twice; set hourly_usd or daily_usd"
                .to_owned(),
        );
    }
}

/// Settings of models that are not named, or not there: they do nothing, or nothing starts.
fn without_models(config: &Config, warnings: &mut Vec<String>) {
    for route in &config.routes {
        let (id, checks) = (&route.id, &route.checks);
        if config.similarity.is_none() && checks.semantic_similarity.threshold.is_some() {
            warnings.push(format!(
                "route {id}: checks.semantic_similarity has a threshold and judges nothing, as [similarity] names no model"
            ));
        }
        if config.judge.is_none() && checks.severity.contains_key(&Check::Judge) {
            warnings.push(format!(
                "route {id}: checks.severity has judge, and [judge] names no model"
            ));
        }
    }
    let Some(similarity) = &config.similarity else {
        return;
    };
    if let SimilaritySource::Static(path) = &similarity.source {
        for file in ["model.safetensors", "tokenizer.json"] {
            let file = path.join(file);
            if !file.is_file() {
                warnings.push(format!(
                    "similarity.path: there is no {}: `crossfade serve` will not start with it",
                    file.display()
                ));
            }
        }
        if similarity.dimensions.is_some() {
            warnings.push(
                "similarity.dimensions does nothing with path: a static model has one length"
                    .to_owned(),
            );
        }
    }
}

/// The longest pattern wins; among equals the first by name, which is hardly what anybody means.
fn overlaps(config: &Config, warnings: &mut Vec<String>) {
    let patterns: Vec<&str> = config
        .routes
        .iter()
        .map(|route| route.id.as_str())
        .filter(|name| name.contains('*'))
        .collect();
    for (index, first) in patterns.iter().enumerate() {
        for second in patterns.iter().skip(index + 1) {
            if first.len() == second.len() && can_meet(first.as_bytes(), second.as_bytes()) {
                warnings.push(format!(
                    "routes {first} and {second} are patterns of equal length that can cover the same deployment: {first} wins, the first by name; make one longer"
                ));
            }
        }
    }
}

/// Whether some name fits both patterns, in which `*` stands for any run of characters.
fn can_meet(left: &[u8], right: &[u8]) -> bool {
    // Which rests of `right` can still meet the rest of `left`, from its end to its beginning.
    let empty = |rest: &[u8]| rest.iter().all(|byte| *byte == b'*');
    let mut after: Vec<bool> = (0..=right.len())
        .map(|at| empty(right.get(at..).unwrap_or_default()))
        .collect();
    for (row, from) in left.iter().enumerate().rev() {
        let left_empty = empty(left.get(row..).unwrap_or_default());
        let mut now = vec![false; right.len() + 1];
        for at in (0..=right.len()).rev() {
            let get = |line: &[bool], index: usize| line.get(index).copied().unwrap_or(false);
            let meets = match right.get(at) {
                None => left_empty,
                // A star takes nothing, or one more character of the other.
                Some(b'*') => get(&now, at + 1) || get(&after, at),
                Some(_) if *from == b'*' => get(&after, at) || get(&now, at + 1),
                Some(to) => from == to && get(&after, at + 1),
            };
            if let Some(cell) = now.get_mut(at) {
                *cell = meets;
            }
        }
        after = now;
    }
    after.first().copied().unwrap_or(false)
}

fn of_route(route: &Route, warnings: &mut Vec<String>) {
    if !route.candidate.is_known_model() {
        warnings.push(format!(
            "route {}: what {} takes is not known, so it is asked with care; name candidate.base_model, or what it takes under candidate.capabilities",
            route.id, route.candidate.model
        ));
    }
    for warning in candidate::warnings(&route.candidate) {
        warnings.push(format!("route {}: {warning}", route.id));
    }
    match route.sticky_by {
        StickyBy::Credential => warnings.push(format!(
            "route {} assigns by credential: with fewer than about 200 of them the roll-back test is nearly blind",
            route.id
        )),
        StickyBy::User | StickyBy::Header(_) => warnings.push(format!(
            "route {} assigns by {}: with fewer than about 200 different ones the roll-back test is nearly blind",
            route.id,
            show_sticky_by(&route.sticky_by)
        )),
        StickyBy::Conversation | StickyBy::Request => {}
    }
}
