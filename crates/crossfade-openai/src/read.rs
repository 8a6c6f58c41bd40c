//! Reading a request's body into a type, with errors that name a field and never show what the caller wrote.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A body that is not the request it should be. Says where, and never what the caller wrote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Not JSON, or not in UTF-8, or nested too deeply.
    #[error("the body is not valid json: see line {line}, column {column}")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// JSON, and not an object.
    #[error("the body is not a json object: send the request's fields in one object")]
    NotAnObject,
    /// A field is missing or of the wrong type.
    #[error("{field}: missing or of the wrong type")]
    Field {
        /// The field's name: one that the request's type has.
        field: &'static str,
    },
}

/// A request's type: which fields it knows, and which one it cannot be without.
pub(crate) trait Body: DeserializeOwned {
    /// The names of all fields that the type knows.
    const NAMES: &'static [&'static str];
    /// The field that is always there, and the smallest value that it takes.
    fn required() -> (&'static str, Value);
}

/// Reads a body. Of a key that stands there twice the last one counts.
pub(crate) fn read<T: Body>(body: &[u8]) -> Result<T, RequestError> {
    let value: Value = serde_json::from_slice(body).map_err(|error| RequestError::NotJson {
        line: error.line(),
        column: error.column(),
    })?;
    let Value::Object(fields) = &value else {
        return Err(RequestError::NotAnObject);
    };
    T::deserialize(&value).map_err(|_| RequestError::Field {
        field: culprit::<T>(fields),
    })
}

/// The first field that is wrong by itself. The parser's own message would show the caller's value.
fn culprit<T: Body>(fields: &Map<String, Value>) -> &'static str {
    let (required, smallest) = T::required();
    let wrong = T::NAMES.iter().find(|name| {
        fields.get(**name).is_some_and(|value| {
            let mut alone = Map::new();
            alone.insert(required.to_owned(), smallest.clone());
            alone.insert((**name).to_owned(), value.clone());
            T::deserialize(&Value::Object(alone)).is_err()
        })
    });
    wrong.copied().unwrap_or(required)
}
