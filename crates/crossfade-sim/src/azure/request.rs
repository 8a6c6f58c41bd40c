//! Which deployment a request is for, and what only Azure takes in its body.

use serde_json::{Map, Value};

use super::{Call, error::Refusal};
use crate::openai::{Wrong, chat};

/// The arguments of a chat completion that only Azure has.
const OF_AZURE: &[&str] = &["data_sources", "user_security_context"];

/// The body as a JSON object.
pub(super) fn parse(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    Ok(chat::object(body)?)
}

/// The deployment in the path, or the one that the body's `model` names.
pub(super) fn deployment(call: &Call<'_>, body: &Map<String, Value>) -> Result<String, Refusal> {
    if let Some(name) = &call.target.deployment {
        return Ok(name.clone());
    }
    let Some(name) = body.get("model").and_then(Value::as_str) else {
        return Err(Wrong::missing("model").into());
    };
    call.options.knows(name)?;
    Ok(name.to_owned())
}

/// Checks a chat completion's arguments.
pub(super) fn check_chat(body: &Map<String, Value>) -> Result<(), Refusal> {
    chat::known_arguments(body, &[chat::ARGUMENTS, OF_AZURE])?;
    Ok(chat::check(body)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn azures_own_arguments_are_known() {
        let messages = json!([{"role": "user", "content": "hi"}]);
        let check = |name: &str, expected: bool| {
            let body = json!({"messages": messages, name: []});
            let body = body.as_object().cloned().unwrap();
            assert_eq!(check_chat(&body).is_ok(), expected, "{name}");
        };
        check("data_sources", true);
        check("datasources", false);
    }
}
