//! The header lines that Azure sends, in the case it sends them.

use super::{Call, dice::Dice};
use crate::server::Head;

/// What every answer carries.
pub(super) fn plain(status: u16, call: &mut Call<'_>) -> Head {
    let apim = call.dice.guid();
    let client = call
        .request
        .header("x-ms-client-request-id")
        .unwrap_or(&apim)
        .to_owned();
    Head::new(status)
        .header("Date", call.dice.http_date())
        .header(
            "Strict-Transport-Security",
            "max-age=31536000; includeSubDomains; preload",
        )
        .header("apim-request-id", apim)
        .header("x-content-type-options", "nosniff")
        .header("x-ms-client-request-id", client)
        .header("x-ms-region", &call.options.region)
        .header("x-request-id", call.dice.guid())
}

/// What an answer of a model carries; `tokens` is what the request used.
pub(super) fn of_model(call: &mut Call<'_>, deployment: &str, model: &str, tokens: u64) -> Head {
    let session = session(&mut call.dice);
    limited(call, deployment, tokens)
        .header("azureml-model-session", session)
        .header("x-accel-buffering", "no")
        .header("x-ms-deployment-name", deployment)
        .header("x-ms-rai-invoked", "true")
        .header("x-ms-served-model", model)
}

/// What an answer of the Responses API carries; `tokens` is what it used.
pub(super) fn of_response(call: &mut Call<'_>, deployment: &str, tokens: u64) -> Head {
    limited(call, deployment, tokens)
}

fn limited(call: &mut Call<'_>, deployment: &str, tokens: u64) -> Head {
    let options = call.options;
    let left = options.tokens_per_minute.saturating_sub(tokens);
    plain(200, call)
        .header("skip-error-remapping", "true")
        .header("x-ms-is-spilled-over", "false")
        .header("x-ratelimit-abusepenalty-active", "False")
        .header("x-ratelimit-key", deployment)
        .header(
            "x-ratelimit-limit-requests",
            options.requests_per_minute.to_string(),
        )
        .header(
            "x-ratelimit-limit-tokens",
            options.tokens_per_minute.to_string(),
        )
        .header(
            "x-ratelimit-remaining-requests",
            options.requests_per_minute.saturating_sub(1).to_string(),
        )
        .header("x-ratelimit-remaining-tokens", left.to_string())
        .header("x-ratelimit-renewalperiod-requests", "60")
        .header("x-ratelimit-renewalperiod-tokens", "60")
        .header("x-ratelimit-reset-requests", "10")
        .header("x-ratelimit-reset-tokens", "7")
}

fn session(dice: &mut Dice) -> String {
    format!("d20260301081500-{}", dice.hex(4))
}
