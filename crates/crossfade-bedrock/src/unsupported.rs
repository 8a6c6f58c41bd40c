//! How a request is refused: by the name of the field, and never by the caller's own text. A key that no wire has may be such
//! text, and where a field's path goes (logs, error bodies) none belongs.

use std::borrow::Cow;

use crossfade_exchange::{IneligibleReason, Unsupported};
use crossfade_openai::chat::Fields;

/// What stands for a name that is on no list.
pub(crate) const UNKNOWN: &str = "(unknown)";

/// A field that the target cannot be asked.
pub(crate) fn refused(field: impl Into<String>, why: &'static str) -> Unsupported {
    Unsupported {
        field: field.into(),
        why: Cow::Borrowed(why),
        reason: IneligibleReason::Unsupported,
    }
}

/// A field that names state which only the primary holds.
pub(crate) fn stateful(field: impl Into<String>) -> Unsupported {
    Unsupported {
        reason: IneligibleReason::Stateful,
        ..refused(field, "names state that only the primary holds")
    }
}

/// Refuses members that nobody knows, but for harmless ones; `null` says nothing, and is no member. `shown` gives the name
/// itself where it may be shown.
pub(crate) fn no_others_but(
    path: &str,
    others: &Fields,
    harmless: &[&str],
    shown: fn(&str) -> &'static str,
) -> Result<(), Unsupported> {
    let unknown = others
        .iter()
        .find(|(name, value)| !value.is_null() && !harmless.contains(&name.as_str()));
    match unknown {
        None => Ok(()),
        Some((name, _)) => Err(refused(
            within(path, shown(name)),
            "not a field that is known here",
        )),
    }
}

/// A field within another.
pub(crate) fn within(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// The name itself if it is on one of the lists.
pub(crate) fn of_lists(lists: &[&[&'static str]], name: &str) -> &'static str {
    let known = lists.iter().flat_map(|list| list.iter());
    known
        .copied()
        .find(|known| *known == name)
        .unwrap_or(UNKNOWN)
}
