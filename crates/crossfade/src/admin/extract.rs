//! What handlers take from a request, each refusal being a problem with a remedy.

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Path, Query, Request, rejection::JsonRejection},
};
use crossfade_exchange::RouteId;
use crossfade_rollout::Actor;
use http::{StatusCode, header, request::Parts};
use serde::de::DeserializeOwned;

use super::{problem::Problem, router::AdminState};

/// The holder of a valid token.
pub(super) struct Caller(pub(super) Actor);

/// A JSON body without unknown fields.
pub(super) struct Body<T>(pub(super) T);

/// A query string without unknown fields.
pub(super) struct Params<T>(pub(super) T);

/// The route that the path names.
pub(super) struct Named(pub(super) RouteId);

/// The revision that a caller knew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IfMatch {
    /// It said nothing, or that any will do.
    Any,
    /// This one.
    Revision(u64),
    /// Nothing that is a revision.
    Malformed,
}

impl FromRequestParts<Arc<AdminState>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &Arc<AdminState>,
    ) -> Result<Self, Problem> {
        state.tokens.identify(&parts.headers).map(Self)
    }
}

impl FromRequestParts<Arc<AdminState>> for Named {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &Arc<AdminState>,
    ) -> Result<Self, Problem> {
        let Path(name) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| {
                Problem::malformed(
                    "the route's name is not UTF-8",
                    "percent-encode it as UTF-8",
                )
            })?;
        Ok(Self(RouteId::new(&name)))
    }
}

impl<T: DeserializeOwned> FromRequestParts<Arc<AdminState>> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &Arc<AdminState>,
    ) -> Result<Self, Problem> {
        let asked = Query::<T>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| {
                let remedy = "see /api/v1/openapi.json for the parameters";
                Problem::malformed(
                    format!("the query is not understood: {}", rejection.body_text()),
                    remedy,
                )
            })?;
        Ok(Self(asked.0))
    }
}

impl<T: DeserializeOwned> FromRequest<Arc<AdminState>> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Arc<AdminState>) -> Result<Self, Problem> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(refusal(&rejection)),
        }
    }
}

fn refusal(rejection: &JsonRejection) -> Problem {
    let see = "see /api/v1/openapi.json for the fields";
    match rejection {
        JsonRejection::MissingJsonContentType(_) => Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "the body is not declared as JSON",
            "send `Content-Type: application/json`",
        ),
        JsonRejection::BytesRejection(_) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                "the body is over 64 KiB",
                "send only the fields of /api/v1/openapi.json",
            )
        }
        _ => Problem::malformed(
            format!("the body is not understood: {}", rejection.body_text()),
            see,
        ),
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts
            .headers
            .get(header::IF_MATCH)
            .map_or(Self::Any, |value| {
                value.to_str().map_or(Self::Malformed, Self::parse)
            }))
    }
}

impl IfMatch {
    fn parse(text: &str) -> Self {
        let text = text.trim();
        let bare = text.strip_prefix("W/").unwrap_or(text);
        let bare = bare
            .strip_prefix('"')
            .and_then(|t| t.strip_suffix('"'))
            .unwrap_or(bare);
        match bare {
            "*" => Self::Any,
            number => number.parse().map_or(Self::Malformed, Self::Revision),
        }
    }

    /// For the controller: what is no revision fits none, and only raises look.
    pub(super) const fn revision(self) -> Option<u64> {
        match self {
            Self::Any => None,
            Self::Revision(revision) => Some(revision),
            Self::Malformed => Some(u64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_read_in_every_usual_spelling() {
        let check =
            |text: &str, expected: IfMatch| assert_eq!(IfMatch::parse(text), expected, "{text}");
        check("7", IfMatch::Revision(7));
        check("\"7\"", IfMatch::Revision(7));
        check("W/\"7\"", IfMatch::Revision(7));
        check(" \"0\" ", IfMatch::Revision(0));
        check("*", IfMatch::Any);
        check("\"7", IfMatch::Malformed);
        check("-1", IfMatch::Malformed);
        check("", IfMatch::Malformed);
    }
}
