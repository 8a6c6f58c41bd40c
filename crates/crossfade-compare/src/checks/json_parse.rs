//! JSON parse: where JSON is asked for, the text parses as it stands, by RFC 8259 and the decisions of [`crate::document`].
//! 1 if it does; 0.5 if it does after a repair that applications commonly make, which the evidence names and [`crate::json`]
//! lists; 0 if none helps, with the reason. A route may let repaired JSON pass. Both forms are reported for each side
//! (`SideVerdict::json`), whatever passes. A name that stands twice is noted, and is no failure. `response_format` of type
//! `json_object` promises an object.

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
        Json::Lenient(_, repair) if lenient => Finding::pass().because(repair.clone()),
        // Half: an application that repairs could use it.
        Json::Lenient(_, repair) => Finding::fail_with(0.5, repair.clone()),
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
