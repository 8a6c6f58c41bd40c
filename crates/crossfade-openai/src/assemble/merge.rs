//! How pieces of JSON become one: text and lists grow, objects are merged, anything else is replaced.

use serde_json::Value;

use crate::chat::Fields;

/// Adds every field of `more`.
pub(super) fn fields(kept: &mut Fields, more: &Fields) {
    for (name, more) in more {
        match kept.get_mut(name) {
            Some(kept) => value(kept, more),
            None => {
                kept.insert(name.clone(), more.clone());
            }
        }
    }
}

/// Adds `more` to what there is.
pub(super) fn value(kept: &mut Value, more: &Value) {
    match (kept, more) {
        (_, Value::Null) => {}
        (Value::String(kept), Value::String(more)) => kept.push_str(more),
        (Value::Array(kept), Value::Array(more)) => kept.extend_from_slice(more),
        (Value::Object(kept), Value::Object(more)) => fields(kept, more),
        (kept, more) => kept.clone_from(more),
    }
}

/// Adds what the filter says of a further piece. A category that was filtered once stays so.
pub(super) fn filter_results(kept: &mut Value, more: &Value) {
    let (Value::Object(kept), Value::Object(more)) = (&mut *kept, more) else {
        if !more.is_null() {
            kept.clone_from(more);
        }
        return;
    };
    for (category, more) in more {
        let filtered = kept.get(category).and_then(|kept| kept.get("filtered"));
        if filtered != Some(&Value::Bool(true)) {
            kept.insert(category.clone(), more.clone());
        }
    }
}
