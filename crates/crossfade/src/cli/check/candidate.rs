//! What a route's candidate is asked, and what stays with the primary whatever the share.

use crossfade_bedrock::{Api, CandidateSettings, Embeds, LateSystem, Penalties, Store, Surface};
use crossfade_exchange::{LossKind, LossPolicy};

use crate::config::InternalCallers;

/// Says what the candidate's settings allow and what they leave to the primary.
pub(super) fn say(candidate: &CandidateSettings, may: &mut Vec<String>, may_not: &mut Vec<String>) {
    may.push(format!("ask {}", asked(candidate)));
    losses(candidate, may, may_not);
    let embeds = candidate.api == Api::Invoke;
    if embeds {
        if candidate.index_rebuilt {
            may.push("split embeddings: the index is stated to be rebuilt".to_owned());
        } else {
            may_not.push(
                "split embeddings: vectors of two models do not mix; they are copied and compared, and index_rebuilt says otherwise".to_owned(),
            );
        }
        return;
    }
    match candidate.store {
        Store::Primary => may_not.push(
            "answer responses that the provider is to keep (store is not false): they are copied; see store".to_owned(),
        ),
        Store::Unstored => may.push(
            "answer responses that the provider is to keep, and keep none: counted as the loss unstored".to_owned(),
        ),
        Store::Candidate => may.push(
            "keep responses at the candidate: what continues them is answered by it alone".to_owned(),
        ),
    }
    match &candidate.fetch {
        None => may_not.push("ask about pictures and files behind URLs: fetch is off".to_owned()),
        Some(fetch) => {
            let hosts = if fetch.hosts.is_empty() {
                "any public host".to_owned()
            } else {
                fetch.hosts.join(", ")
            };
            may.push(format!(
                "fetch pictures and files behind URLs, from {hosts}, up to {} bytes and {} ms each",
                fetch.max_bytes, fetch.timeout_ms
            ));
        }
    }
    if candidate.late_system == LateSystem::InPlace {
        may.push("leave later system messages in their place".to_owned());
    }
    if candidate.penalties == Penalties::Drop {
        may.push("drop penalties and biases, counted as losses".to_owned());
    }
    if let Some(guardrail) = &candidate.guardrail {
        may.push(format!(
            "be looked at by guardrail {} version {}",
            guardrail.id, guardrail.version
        ));
    }
}

/// By how many values internal callers are named.
pub(super) fn named(internal: &InternalCallers) -> String {
    let kinds = [
        (internal.credentials.len(), "credentials"),
        (internal.headers.len(), "values of headers"),
        (internal.claims.len(), "values of claims"),
    ];
    let kinds = kinds.into_iter().filter(|(count, _)| *count > 0);
    let said: Vec<String> = kinds
        .map(|(count, kind)| format!("{count} {kind}"))
        .collect();
    said.join(", ")
}

/// Whether any request of the route can be drawn.
pub(super) fn splits(candidate: &CandidateSettings) -> bool {
    candidate.api != Api::Invoke || candidate.index_rebuilt
}

/// What a route without a price cannot do, and what the capability table knows of one.
pub(super) fn unpriced(candidate: &CandidateSettings) -> String {
    let mut said = "count what the candidate costs: it has no price".to_owned();
    match candidate.resolved_capabilities().price {
        None => said.push_str("; set price"),
        Some(price) => {
            let members = [
                ("input", Some(price.input)),
                ("cached", price.cached),
                ("cache_write", price.cache_write),
                ("output", Some(price.output)),
            ];
            let members: Vec<String> = members
                .into_iter()
                .filter_map(|(name, usd)| usd.map(|usd| format!("{name} = {usd:?}")))
                .collect();
            let members = members.join(", ");
            said.push_str("; a third party's list had price = { ");
            said.push_str(&members);
            said.push_str(" }, compare it with your contract");
        }
    }
    said
}

/// The API, and where.
fn asked(candidate: &CandidateSettings) -> String {
    let surface = match candidate.surface {
        Surface::Runtime => "the runtime host",
        Surface::Mantle => "the mantle host",
    };
    match candidate.api {
        Api::Converse => "by Converse".to_owned(),
        Api::OpenaiChat => format!("by chat completions on {surface}"),
        Api::OpenaiResponses => format!("by responses on {surface}"),
        Api::Invoke => "by the model's own form, for embeddings".to_owned(),
    }
}

fn losses(candidate: &CandidateSettings, may: &mut Vec<String>, may_not: &mut Vec<String>) {
    let policies = &candidate.losses;
    let with = |wanted: LossPolicy| -> Vec<&str> {
        let kinds = LossKind::ALL.iter();
        kinds
            .filter(|kind| policies.of(**kind) == wanted)
            .map(|kind| kind.as_str())
            .collect()
    };
    let tell = |kinds: &[&str]| {
        if kinds.len() == LossKind::ALL.len() {
            "any loss".to_owned()
        } else if kinds.len() > LossKind::ALL.len() / 2 {
            format!("any of {} kinds of loss", kinds.len())
        } else {
            format!("the loss {}", kinds.join(", "))
        }
    };
    for policy in LossPolicy::ALL {
        let kinds = with(*policy);
        if kinds.is_empty() {
            continue;
        }
        let what = tell(&kinds);
        match policy {
            LossPolicy::Allow => may.push(format!("answer requests with {what}, which is counted")),
            LossPolicy::MirrorOnly => {
                may_not.push(format!("answer requests with {what}: they are copied only"));
            }
            LossPolicy::Refuse => {
                may_not.push(format!(
                    "be asked requests with {what}: losses refuses them"
                ));
            }
        }
    }
}

/// What the capability table and the settings of a candidate say against each other.
pub(super) fn warnings(candidate: &CandidateSettings) -> Vec<String> {
    let mut warnings = Vec::new();
    let table = candidate.resolved_capabilities();
    if candidate.is_known_model() && !table.speaks(candidate.api, candidate.surface) {
        warnings.push(format!(
            "the capability table says that {} is not to be had {}; ask with `check --probe`, or state candidate.capabilities.endpoints",
            candidate.model,
            asked(candidate)
        ));
    }
    let keeps = candidate.api == Api::OpenaiResponses && candidate.surface == Surface::Mantle;
    if candidate.store == Store::Candidate && !keeps {
        warnings.push(
            "store = \"candidate\" needs api = \"openai-responses\" and surface = \"mantle\": as it is, such responses are copied only".to_owned(),
        );
    }
    if candidate.api == Api::Invoke && table.embeds == Embeds::None {
        warnings.push(format!(
            "the capability table knows no form in which {} embeds, so nothing is asked of it; state candidate.capabilities.embeds, or base_model",
            candidate.model
        ));
    }
    if candidate.index_rebuilt && candidate.api != Api::Invoke {
        warnings.push("index_rebuilt is for embeddings: api = \"invoke\"".to_owned());
    }
    if candidate
        .fetch
        .as_ref()
        .is_some_and(|fetch| fetch.allow_private)
    {
        warnings.push(
            "candidate.fetch.allow_private opens this machine and its networks to whoever writes a prompt: only for tests".to_owned(),
        );
    }
    warnings
}
