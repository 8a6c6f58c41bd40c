//! Operations on a response that the candidate keeps: it is asked for by its own id, and answered under the sealed one.

use bytes::Bytes;
use crossfade_openai::{
    chat::Nullable,
    responses::{Item, Response},
};
use http::{HeaderMap, Method};
use serde_json::{Map, Value, json};

use super::{Call, chat::prefix};
use crate::{
    answer::FaultKind,
    responses::{Opened, Sealer},
    settings::CandidateSettings,
};

/// Query parameters that go on; two of them name items.
const PARAMETERS: [&str; 6] = ["include", "limit", "order", "after", "before", "include[]"];

/// What is asked of a kept response.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// The provider's own id.
    pub(crate) theirs: String,
    /// `cancel`, `input_items`, or nothing.
    pub(crate) tail: Option<&'static str>,
}

/// What a path and an id ask for; `None` if the id names nothing that is kept.
pub(crate) fn stored(path: &str, id: &str, sealer: &Sealer) -> Option<Stored> {
    let Opened::Kept(theirs) = sealer.open_id(id)? else {
        return None;
    };
    let last = path.trim_end_matches('/').rsplit('/').next();
    let tail = ["cancel", "input_items"]
        .into_iter()
        .find(|tail| last == Some(tail));
    // It becomes a part of a path.
    let plain = theirs
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    plain.then_some(Stored { theirs, tail })
}

// === impl Stored ===

impl Stored {
    /// The call.
    pub(crate) fn call(
        &self,
        method: Method,
        query: Option<&str>,
        settings: &CandidateSettings,
        sealer: &Sealer,
    ) -> Call {
        let rules = settings.resolved_capabilities().compatible;
        let mut path = format!("{}/responses/{}", prefix(settings, rules), self.theirs);
        if let Some(tail) = self.tail {
            path.push('/');
            path.push_str(tail);
        }
        let mut separator = '?';
        for (name, value) in query
            .unwrap_or_default()
            .split('&')
            .filter_map(|pair| pair.split_once('='))
        {
            if !PARAMETERS.contains(&name) {
                continue;
            }
            let named = match sealer.open_id(value) {
                Some(Opened::Kept(theirs)) => theirs,
                Some(Opened::Unstored) => continue,
                None => value.to_owned(),
            };
            path.push(separator);
            path.push_str(name);
            path.push('=');
            path.push_str(&named);
            separator = '&';
        }
        Call {
            surface: settings.surface,
            method,
            path,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// The answer with sealed ids, and without what is the provider's own.
    pub(crate) fn answer(
        &self,
        theirs: &[u8],
        model: &str,
        sealer: &Sealer,
    ) -> Result<Bytes, FaultKind> {
        let value: Value = serde_json::from_slice(theirs).map_err(|_| FaultKind::Garbage)?;
        match value.get("object").and_then(Value::as_str) {
            Some(Response::OBJECT) => response(value, model, sealer),
            Some("list") => list(&value, sealer),
            Some("response.deleted") => {
                let id = sealer.seal_id(&self.theirs);
                let told = json!({ "id": id, "object": "response.deleted", "deleted": true });
                Ok(told.to_string().into())
            }
            Some(_) | None => Err(FaultKind::Garbage),
        }
    }
}

fn response(theirs: Value, model: &str, sealer: &Sealer) -> Result<Bytes, FaultKind> {
    let mut response: Response = serde_json::from_value(theirs).map_err(|_| FaultKind::Garbage)?;
    response.id = sealer.seal_id(&response.id);
    model.clone_into(&mut response.model);
    if let Nullable::Value(id) = &mut response.previous_response_id {
        *id = sealer.seal_id(id);
    }
    response.other.clear();
    response.output = response
        .output
        .into_iter()
        .filter_map(|item| shown(item, sealer))
        .collect();
    Ok(response.to_body())
}

fn list(theirs: &Value, sealer: &Sealer) -> Result<Bytes, FaultKind> {
    let items = theirs
        .get("data")
        .and_then(Value::as_array)
        .ok_or(FaultKind::Garbage)?;
    let items: Vec<Item> = items
        .iter()
        .filter_map(|item| shown(Item::from(item.clone()), sealer))
        .collect();
    let mut told = Map::new();
    told.insert("object".to_owned(), "list".into());
    told.insert("data".to_owned(), json!(items));
    for name in ["first_id", "last_id"] {
        let id = theirs.get(name).and_then(Value::as_str);
        told.insert(name.to_owned(), id.map(|id| sealer.seal_id(id)).into());
    }
    let more = theirs.get("has_more").and_then(Value::as_bool);
    told.insert("has_more".to_owned(), more.unwrap_or(false).into());
    Ok(Value::Object(told).to_string().into())
}

/// An item with its id sealed; `None` if it is of no kind that is passed on. Reasoning that was not asked for with
/// the answer is not given later.
fn shown(mut item: Item, sealer: &Sealer) -> Option<Item> {
    let (id, other) = match &mut item {
        Item::Message(item) => (&mut item.id, &mut item.other),
        Item::FunctionCall(item) => (&mut item.id, &mut item.other),
        Item::FunctionCallOutput(item) => (&mut item.id, &mut item.other),
        Item::CustomToolCall(item) => (&mut item.id, &mut item.other),
        Item::CustomToolCallOutput(item) => (&mut item.id, &mut item.other),
        Item::Reasoning(item) => {
            item.content = None;
            item.encrypted_content = None;
            (&mut item.id, &mut item.other)
        }
        Item::ItemReference(_) | Item::Other(_) => return None,
    };
    if let Some(id) = id {
        *id = sealer.seal_id(id);
    }
    other.clear();
    Some(item)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Api, Surface};

    fn sealer() -> Sealer {
        Sealer::new(&[9; 32])
    }

    fn settings() -> CandidateSettings {
        let mut settings = CandidateSettings::new("openai.gpt-oss-120b");
        settings.api = Api::OpenaiResponses;
        settings.surface = Surface::Mantle;
        settings
    }

    #[test]
    fn calls_name_what_is_kept() {
        let id = sealer().seal_id("resp_abc");
        let check = |tail: &str, query: Option<&str>, expected: &str| {
            let path = format!("/openai/v1/responses/{id}{tail}");
            let stored = stored(&path, &id, &sealer()).unwrap();
            let call = stored.call(Method::GET, query, &settings(), &sealer());
            assert_eq!(call.path, expected);
        };
        check("", None, "/v1/responses/resp_abc");
        check(
            "/",
            Some("api-version=2025-04-01-preview"),
            "/v1/responses/resp_abc",
        );
        check("/cancel", None, "/v1/responses/resp_abc/cancel");
        let after = format!("limit=2&after={}&x=1", sealer().seal_id("msg_7"));
        check(
            "/input_items",
            Some(&after),
            "/v1/responses/resp_abc/input_items?limit=2&after=msg_7",
        );
        assert!(stored("/responses/resp_1", "resp_1", &sealer()).is_none());
        let sly = sealer().seal_id("resp_../../x");
        assert!(stored("/responses/x", &sly, &sealer()).is_none());
    }

    #[test]
    fn answers_show_nothing_of_the_provider_s() {
        let stored = Stored {
            theirs: "resp_abc".to_owned(),
            tail: None,
        };
        let told = |theirs: Value| {
            let body = stored
                .answer(theirs.to_string().as_bytes(), "gpt-x", &sealer())
                .unwrap();
            serde_json::from_slice::<Value>(&body).unwrap()
        };
        let response = told(
            json!({"id": "resp_abc", "object": "response", "created_at": 1, "model": "openai.x", "billing": {}, "status": "completed",
            "previous_response_id": "resp_before", "output": [{"type": "message", "id": "msg_1", "role": "assistant", "content": [], "acme": 1},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "e"}, {"type": "web_search_call"}]}),
        );
        let shown = response.to_string();
        for theirs in [
            "resp_abc",
            "resp_before",
            "msg_1\"",
            "openai.x",
            "billing",
            "acme",
            "encrypted",
            "web_search",
        ] {
            assert!(!shown.contains(theirs), "{theirs} in {shown}");
        }
        assert_eq!(response["id"], sealer().seal_id("resp_abc"));
        let deleted =
            told(json!({"id": "resp_abc", "object": "response.deleted", "deleted": true}));
        assert_eq!(deleted["id"], sealer().seal_id("resp_abc"));
        let list = told(
            json!({"object": "list", "data": [{"type": "message", "id": "msg_1", "role": "user", "content": "Hi"}], "first_id": "msg_1", "has_more": false}),
        );
        assert_eq!(list["first_id"], list["data"][0]["id"]);
        assert_eq!(
            stored.answer(b"{}", "m", &sealer()),
            Err(FaultKind::Garbage)
        );
    }
}
