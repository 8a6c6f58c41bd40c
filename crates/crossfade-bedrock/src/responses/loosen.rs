//! A conversation that the candidate had a part in, for the primary: without what nobody but the candidate can read.
//!
//! A caller that keeps the conversation itself sends every item back, the candidate's reasoning and ids among them. The primary
//! refuses reasoning that it did not encrypt, and ids longer than its own; without both the conversation is whole for it.

use bytes::Bytes;
use crossfade_openai::responses::Request;
use serde_json::value::RawValue;

use super::{Sealer, state::names_kept};
use crate::{compatible::RawObject, settings::CandidateSettings};

/// A request of the Responses API without the candidate's reasoning and ids; the rest stays as it came, byte for byte.
/// `None` if there is nothing of the candidate's in it, or if it names something that only the candidate keeps: then nobody
/// else can answer it.
pub fn loosened(body: &Bytes, settings: &CandidateSettings) -> Option<Bytes> {
    let sealer = settings.sealer.as_ref()?;
    if names_kept(&Request::from_slice(body).ok()?, sealer) {
        return None;
    }
    let mut object: RawObject = serde_json::from_slice(body).ok()?;
    let items: Vec<Box<RawValue>> = serde_json::from_str(object.get("input")?.get()).ok()?;
    let mut told = Vec::with_capacity(items.len());
    let mut changed = false;
    for item in items {
        let Some(mut members) = RawObject::of(&item) else {
            told.push(item);
            continue;
        };
        let is_ours = members.text("id").is_some_and(|id| ours(&id, sealer));
        if members.text("type").as_deref() == Some("reasoning") {
            let encrypted = members.text("encrypted_content");
            if is_ours || encrypted.is_some_and(|text| sealer.open_reasoning(&text).is_some()) {
                changed = true;
            } else {
                told.push(item);
            }
        } else if is_ours {
            changed = true;
            members.take("id");
            told.push(members.to_raw());
        } else {
            told.push(item);
        }
    }
    if !changed {
        return None;
    }
    object.set("input", &told);
    serde_json::to_vec(&object).ok().map(Bytes::from)
}

fn ours(id: &str, sealer: &Sealer) -> bool {
    sealer.open_id(id).is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::responses::SealedReasoning;

    fn settings() -> CandidateSettings {
        let mut settings = CandidateSettings::new("openai.gpt-oss-120b");
        settings.sealer = Some(Sealer::new(&[9; 32]));
        settings
    }

    fn told(body: &str) -> Option<String> {
        let told = loosened(&Bytes::copy_from_slice(body.as_bytes()), &settings())?;
        Some(String::from_utf8(told.to_vec()).unwrap())
    }

    #[test]
    fn what_only_the_candidate_reads_is_left_out() {
        let sealer = settings().sealer.unwrap();
        let thought = sealer.seal_reasoning(&SealedReasoning::Encrypted("theirs".to_owned()));
        let (rs, msg) = (sealer.seal_id("rs_1"), sealer.seal_id("msg_1"));
        let body = format!(
            r#"{{"model":"m", "input":[{{"role":"user","content":"Hi"}},{{"type":"reasoning","id":"{rs}","summary":[],"encrypted_content":"{thought}"}},{{"type":"reasoning","id":"{rs}","summary":[]}},{{"type":"reasoning","id":"rs_9","summary":[],"encrypted_content":"gAAA"}},{{"type":"message","id":"{msg}","role":"assistant","content":[ ]}},{{"type":"function_call","id":"fc_9","call_id":"call_1","name":"f","arguments":"{{}}"}}],"temperature":1.0e0}}"#
        );
        assert_eq!(
            told(&body).unwrap(),
            r#"{"model":"m","input":[{"role":"user","content":"Hi"},{"type":"reasoning","id":"rs_9","summary":[],"encrypted_content":"gAAA"},{"type":"message","role":"assistant","content":[ ]},{"type":"function_call","id":"fc_9","call_id":"call_1","name":"f","arguments":"{}"}],"temperature":1.0e0}"#
        );
    }

    #[test]
    fn what_names_kept_state_or_nothing_of_ours_stays() {
        let sealer = settings().sealer.unwrap();
        let (resp, msg) = (sealer.seal_id("resp_1"), sealer.seal_id("msg_1"));
        let item = json!({"type": "message", "id": msg, "role": "assistant", "content": "x"});
        let check = |body: &Value| assert_eq!(told(&body.to_string()), None, "{body}");
        check(&json!({"model": "m", "input": "Hi"}));
        check(&json!({"model": "m", "input": [{"role": "user", "content": "Hi"}]}));
        check(&json!({"model": "m", "input": [item], "previous_response_id": resp}));
        check(&json!({"model": "m", "input": [item], "conversation": {"id": resp}}));
        check(&json!({"model": "m", "input": [item, {"type": "item_reference", "id": msg}]}));
        assert_eq!(told("no json"), None);
    }
}
