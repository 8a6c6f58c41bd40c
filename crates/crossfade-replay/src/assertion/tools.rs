//! Assertions on the tools that an answer calls.

use std::collections::{BTreeMap, BTreeSet};

use crossfade_compare::{BadCalls, ReadAnswer};
use serde_json::{Map, Value};

use super::{Judged, Kind, text};
use crate::{canonical::canonical, object::Object};

/// Calls of an answer that are looked at.
const MOST_CALLS: usize = 64;

/// What is expected of calls.
#[derive(Debug)]
pub(super) enum Tools {
    Valid,
    Names {
        wanted: BTreeSet<String>,
        threshold: f64,
    },
    Arguments {
        tool: String,
        wanted: Map<String, Value>,
        ignored: Vec<String>,
        any_case: bool,
        threshold: f64,
    },
}

// === impl Tools ===

impl Tools {
    pub(super) fn read(of: Kind, object: &mut Object<'_>) -> Option<Self> {
        match of {
            Kind::ToolCallF1 => {
                let threshold = object.number("threshold", 0.0..=1.0).unwrap_or(1.0);
                let wanted = text::words(object)?.into_iter().collect();
                Some(Self::Names { wanted, threshold })
            }
            Kind::ToolArgs => {
                let threshold = object.number("threshold", 0.0..=1.0).unwrap_or(1.0);
                let ignored = object.strings("ignore").unwrap_or_default();
                let any_case = object.boolean("any_case").unwrap_or(false);
                let tool = object.string("tool");
                if tool.is_none() && !object.has_problem("tool") {
                    object.wrong("tool", "it is missing; give the name of a tool");
                }
                let wanted = object.object("value");
                if wanted.is_none() && !object.has_problem("value") {
                    object.wrong("value", "it is missing; give the arguments as an object");
                }
                Some(Self::Arguments {
                    tool: tool?,
                    wanted: wanted?,
                    ignored,
                    any_case,
                    threshold,
                })
            }
            // Every other type is read elsewhere.
            _other => Some(Self::Valid),
        }
    }

    pub(super) fn judge(&self, read: &ReadAnswer) -> Judged {
        match self {
            Self::Valid => match &read.bad_calls {
                _ if read.calls.is_empty() => Judged::plain(false, "no tool is called"),
                None => Judged::plain(true, "every call is as its tool wants it"),
                Some(BadCalls::Wrong(place)) => Judged::plain(false, place.clone()),
                Some(BadCalls::Unjudged(why)) => Judged::Error(why.clone()),
            },
            Self::Names { wanted, threshold } => names(read, wanted, *threshold),
            Self::Arguments {
                tool,
                wanted,
                ignored,
                any_case,
                threshold,
            } => {
                let compared = |name: &String| !ignored.contains(name);
                let best = read
                    .calls
                    .iter()
                    .filter(|call| call.name == *tool)
                    .take(MOST_CALLS)
                    .map(|call| agreement(wanted, &call.arguments, &compared, *any_case))
                    .max_by(f64::total_cmp);
                match best {
                    Some(score) => Judged::scored(
                        score >= *threshold,
                        score,
                        format!("arguments agree to {score:.3}"),
                    ),
                    None => Judged::plain(false, "the tool is not called"),
                }
            }
        }
    }
}

/// F1 of the sets of names: how often and in which order a tool is called does not matter.
fn names(read: &ReadAnswer, wanted: &BTreeSet<String>, threshold: f64) -> Judged {
    let called: BTreeSet<&String> = read.calls.iter().map(|call| &call.name).collect();
    let shared = wanted.iter().filter(|name| called.contains(name)).count();
    let score = super::content::f1(shared, wanted.len(), called.len());
    let reason = format!(
        "{shared} of {} expected tools among {} called",
        wanted.len(),
        called.len()
    );
    Judged::scored(score >= threshold, score, reason)
}

/// The share of equal leaves in the union of both sides' leaves. Numbers are equal by value; a missing leaf is null.
fn agreement(
    wanted: &Map<String, Value>,
    written: &str,
    compared: &dyn Fn(&String) -> bool,
    any_case: bool,
) -> f64 {
    let written = if written.trim().is_empty() {
        "{}"
    } else {
        written
    };
    let Ok(Value::Object(found)) = serde_json::from_str::<Value>(written) else {
        return 0.0;
    };
    let mut places = BTreeMap::new();
    for (members, side) in [(wanted, 0), (&found, 1)] {
        for (name, value) in members.iter().filter(|(name, _)| compared(name)) {
            collect(value, format!("{name:?}"), any_case, side, &mut places);
        }
    }
    let null = || "null".to_owned();
    let (mut equal, mut all) = (0.0, 0.0);
    for (one, other) in places.into_values() {
        all += 1.0;
        if one.unwrap_or_else(null) == other.unwrap_or_else(null) {
            equal += 1.0;
        }
    }
    if all > 0.0 { equal / all } else { 1.0 }
}

/// Each leaf in its one form, by its place and side.
fn collect(
    value: &Value,
    place: String,
    any_case: bool,
    side: usize,
    places: &mut BTreeMap<String, (Option<String>, Option<String>)>,
) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                collect(value, format!("{place}.{name:?}"), any_case, side, places);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for (index, value) in list.iter().enumerate() {
                collect(value, format!("{place}[{index}]"), any_case, side, places);
            }
        }
        leaf => {
            let text = match leaf {
                Value::String(text) if any_case => {
                    let words: Vec<&str> = text.split_whitespace().collect();
                    canonical(&Value::String(words.join(" ").to_lowercase()))
                }
                leaf => canonical(leaf),
            };
            let leaves = places.entry(place).or_default();
            if side == 0 {
                leaves.0 = Some(text);
            } else {
                leaves.1 = Some(text);
            }
        }
    }
}
