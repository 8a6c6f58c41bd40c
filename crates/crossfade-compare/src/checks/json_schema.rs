//! JSON schema: the value validates against the schema that the request brought, or else the route's. A schema that
//! cannot be compiled is an error of the check, never of an answer.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    Checks,
    ask::{Ask, JsonAsk},
    finding::Finding,
    schema::{Schema, SchemaError},
};

/// Validates a value.
pub(crate) fn own(checks: &Checks, ask: &Ask<'_>, value: &Value) -> Finding {
    match of(checks, ask) {
        None => Finding::na(),
        Some(Ok(schema)) => schema.check(value),
        Some(Err(error)) => Finding::error(error.as_str()),
    }
}

/// The schema that an answer to this request must keep, if there is one.
pub(crate) fn of(checks: &Checks, ask: &Ask<'_>) -> Option<Result<Arc<Schema>, SchemaError>> {
    match (ask.json, &checks.schema) {
        (JsonAsk::Schema(Some(text)), _) => Some(checks.schemas.get(text)),
        (JsonAsk::Schema(None) | JsonAsk::Object | JsonAsk::No, Some(schema)) => {
            Some(Ok(Arc::clone(schema)))
        }
        (JsonAsk::Schema(None) | JsonAsk::Object | JsonAsk::No, None) => None,
    }
}
