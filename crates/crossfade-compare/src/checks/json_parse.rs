//! JSON parse: where JSON is asked for, the text parses as it stands. The evidence names the repair after which it
//! would have parsed (a code fence stripped, a raw line break escaped), or why none helps; a route may let repaired
//! JSON pass. A name that stands twice is noted as well, and is no failure: see [`crate::document`]. `response_format` of type `json_object` promises an object.

use crate::{
    answer::Finish,
    ask::{Ask, JsonAsk},
    finding::Finding,
    json::Json,
};

/// Judges a text that should be JSON.
pub(crate) fn own(json: &Json, ask: &Ask<'_>, lenient: bool, finish: Finish) -> Finding {
    let finding = match json {
        Json::Strict(document) if document.duplicate_key => {
            Finding::pass().because("duplicate_key")
        }
        Json::Strict(_) => Finding::pass(),
        Json::Lenient(_, repair) if lenient => Finding::pass().because(*repair),
        // Half: an application that repairs could use it.
        Json::Lenient(_, repair) => Finding::fail_with(0.5, *repair),
        Json::No(_) if finish == Finish::Length => Finding::fail("cut_off_by_length"),
        Json::No(why) => Finding::fail(*why),
        Json::TooDeep => Finding::error("too_deep"),
    };
    let wants_object = ask.json == JsonAsk::Object;
    let is_object = json.value().is_none_or(serde_json::Value::is_object);
    if wants_object && !is_object && !finding.failed() {
        Finding::fail("not_an_object")
    } else {
        finding
    }
}
