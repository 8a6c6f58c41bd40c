//! Who calls the admin API, and what their role may do. Tokens are known by their SHA-256 only, and never logged.

use std::fmt;

use crossfade_rollout::{Actor, ActorRole};
use http::{HeaderMap, StatusCode, header};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::problem::Problem;

/// One configured token.
#[derive(Clone)]
pub struct Token {
    /// Who holds it; what the ledger shows.
    pub name: String,
    /// SHA-256 of the token.
    pub sha256: [u8; 32],
    /// What its holder may do.
    pub role: ActorRole,
}

/// Every configured token.
#[derive(Clone, Debug, Default)]
pub struct Tokens(Vec<Token>);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    /// The configured tokens.
    pub const fn new(tokens: Vec<Token>) -> Self {
        Self(tokens)
    }

    /// The holder of the bearer token in these headers.
    pub fn identify(&self, headers: &HeaderMap) -> Result<Actor, Problem> {
        if self.0.is_empty() {
            return Err(unauthorized(
                "no admin token is configured, so nobody can be told apart",
                "add [[admin.tokens]] with name, sha256 (`printf %s \"$TOKEN\" | sha256sum`) and role, then restart",
            ));
        }
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| Sha256::digest(token.trim().as_bytes()))
            .ok_or_else(|| {
                unauthorized(
                    "the request carries no bearer token",
                    "send `Authorization: Bearer TOKEN`; the command line takes it from CROSSFADE_ADMIN_TOKEN",
                )
            })?;
        // Every token is looked at, so that the time taken says nothing about which one is near.
        let mut holder = None;
        for token in &self.0 {
            if bool::from(token.sha256.as_slice().ct_eq(given.as_slice())) {
                holder = Some(token);
            }
        }
        holder
            .map(|token| Actor::new(token.name.clone(), token.role))
            .ok_or_else(|| {
                unauthorized(
                    "the bearer token is not one of the configured ones",
                    "check CROSSFADE_ADMIN_TOKEN against the sha256 under [[admin.tokens]]",
                )
            })
    }
}

fn unauthorized(detail: &str, remedy: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail, remedy)
}
