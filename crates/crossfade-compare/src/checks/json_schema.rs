//! JSON schema: the value validates against the schema that the request brought, or else the route's. A schema that
//! cannot be compiled is an error of the check, never of an answer.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    Checks,
    ask::{Ask, JsonAsk},
    finding::Finding,
};

/// Validates a value.
pub(crate) fn own(checks: &Checks, ask: &Ask<'_>, value: &Value) -> Finding {
    let schema = match (ask.json, &checks.schema) {
        (JsonAsk::Schema(Some(text)), _) => checks.schemas.get(text),
        (JsonAsk::Schema(None) | JsonAsk::Object | JsonAsk::No, Some(schema)) => {
            Ok(Arc::clone(schema))
        }
        (JsonAsk::Schema(None) | JsonAsk::Object | JsonAsk::No, None) => return Finding::na(),
    };
    match schema {
        Ok(schema) => schema.check(value),
        Err(error) => Finding::error(error.as_str()),
    }
}
