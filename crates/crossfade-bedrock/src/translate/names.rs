//! The names and ids of one request's tools, in the form the target takes, and back.
//!
//! A name or id that already fits stays as it is. Any other becomes a readable start plus a hash of the whole, so
//! that equal names stay equal wherever they appear, in this request and in the next one of the conversation, and no
//! state is kept between requests.

use std::collections::HashMap;

/// The longest name or id the target takes.
const LONGEST: usize = 64;
/// Hexadecimal digits of a hash suffix.
const SUFFIX: usize = 12;

/// The two-way map of one request's tool names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    back: HashMap<String, String>,
}

// === impl Names ===

impl Names {
    /// The target's form of a tool's name, remembered for the way back, and whether it differs.
    pub fn to_target(&mut self, name: &str) -> (String, bool) {
        let fitted = fit(name, is_name_char);
        let changed = fitted != name;
        if changed {
            self.back.insert(fitted.clone(), name.to_owned());
        }
        (fitted, changed)
    }

    /// The caller's form of a name the target used.
    pub fn to_caller<'a>(&'a self, name: &'a str) -> &'a str {
        self.back.get(name).map_or(name, String::as_str)
    }
}

/// The target's form of a tool call's id, and whether it differs. The same id always gets the same form.
pub(super) fn tool_use_id(id: &str) -> (String, bool) {
    let fitted = fit(id, is_id_char);
    let changed = fitted != id;
    (fitted, changed)
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

fn is_id_char(c: char) -> bool {
    is_name_char(c) || matches!(c, '.' | ':')
}

/// `text` if it fits, else its fitting characters, cut, with a hash of the whole.
fn fit(text: &str, allowed: fn(char) -> bool) -> String {
    if !text.is_empty() && text.len() <= LONGEST && text.chars().all(allowed) {
        return text.to_owned();
    }
    let hash = blake3::hash(text.as_bytes()).to_hex();
    let readable = text.chars().map(|c| if allowed(c) { c } else { '_' });
    let mut fitted: String = readable.take(LONGEST - SUFFIX - 1).collect();
    fitted.push('_');
    fitted.extend(hash.chars().take(SUFFIX));
    fitted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_fit_stay() {
        let mut names = Names::default();
        let longest = "x".repeat(64);
        for name in ["rain", "get-weather_2", "A", longest.as_str()] {
            assert_eq!(names.to_target(name), (name.to_owned(), false));
            assert_eq!(names.to_caller(name), name);
        }
    }

    #[test]
    fn names_that_do_not_fit_come_back_bug_12() {
        let mut names = Names::default();
        let long = "functions.".to_owned() + &"y".repeat(70);
        for name in ["get weather", "näme", "a.b", long.as_str(), ""] {
            let (target, changed) = names.to_target(name);
            assert!(
                changed && target.len() <= 64 && target.chars().all(is_name_char),
                "{target}"
            );
            assert_eq!(names.to_caller(&target), name);
            assert_eq!(names.to_target(name).0, target, "stable");
        }
        assert_ne!(names.to_target("a.b").0, names.to_target("a:b").0);
    }

    #[test]
    fn ids_are_cut_the_same_way_on_both_sides_bug_13() {
        let check = |id: &str, changed: bool| assert_eq!(tool_use_id(id).1, changed, "{id}");
        check("call_A1", false);
        check("tooluse_x.y:z", false);
        check("a|b", true);
        let long = "c".repeat(65);
        check(&long, true);
        assert_eq!(tool_use_id(&long), tool_use_id(&long));
        assert_eq!(tool_use_id(&long).0.len(), 64);
    }

    proptest! {
        #[test]
        fn whatever_comes_fits_and_returns(text in ".*") {
            let mut names = Names::default();
            let (name, _) = names.to_target(&text);
            prop_assert!((1..=64).contains(&name.len()) && name.chars().all(is_name_char));
            prop_assert_eq!(names.to_caller(&name), text.as_str());
            let (id, _) = tool_use_id(&text);
            prop_assert!((1..=64).contains(&id.len()) && id.chars().all(is_id_char));
        }
    }
}
