//! Paths into a JSON answer, as operators write them: `$.a.b`, `$.a[0]`, `$.items[*].price`, `$['odd name']`.
//! A small part of the usual path language on purpose: no filters, no recursive descent, so a path has a bounded cost.

use serde_json::Value;

use crate::leaves::Step as Place;

/// A compiled path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    text: String,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
    All,
}

/// One step of a pattern, which names places by what leads to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The member of that name.
    Key(String),
    /// The element at that place.
    Index(usize),
    /// Any element.
    All,
    /// Any member.
    AnyMember,
    /// Any number of steps, none among them.
    AnyDepth,
}

/// Parses a pattern: a path in which `.*` is any member and `..name` a member of that name at any depth.
pub(crate) fn pattern(text: &str) -> Result<Vec<Part>, &'static str> {
    let mut rest = text
        .trim()
        .strip_prefix('$')
        .ok_or("it does not start with $")?;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix("..") {
            parts.push(Part::AnyDepth);
            // The second dot begins the name.
            let at = rest.len() - tail.len() - 1;
            rest = rest.split_at_checked(at).map_or(tail, |(_, name)| name);
        }
        let any = rest.strip_prefix(".*");
        if let Some(tail) = any.filter(|tail| tail.is_empty() || tail.starts_with(['.', '['])) {
            parts.push(Part::AnyMember);
            rest = tail;
            continue;
        }
        let (step, tail) = next_step(rest)?;
        parts.push(match step {
            Step::Key(key) => Part::Key(key),
            Step::Index(index) => Part::Index(index),
            Step::All => Part::All,
        });
        rest = tail;
    }
    Ok(parts)
}

// === impl Path ===

impl Path {
    /// Parses what an operator wrote; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut rest = text
            .trim()
            .strip_prefix('$')
            .ok_or("it does not start with $")?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, tail) = next_step(rest)?;
            steps.push(step);
            rest = tail;
        }
        Ok(Self {
            text: text.trim().to_owned(),
            steps,
        })
    }

    /// As it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The first value at the path.
    pub(crate) fn first<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        first(&self.steps, value)
    }

    /// Where the first value at the path stands.
    pub(crate) fn first_place(&self, value: &Value) -> Option<Vec<Place<'_>>> {
        let mut place = Vec::new();
        walk(&self.steps, value, &mut place).then_some(place)
    }

    /// Whether the path itself names a member so.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step, Step::Key(key) if key == name))
    }

    /// How many places the path names in this value, and how many of them hold something other than null. A place
    /// under an empty list is not named at all.
    pub(crate) fn coverage(&self, value: &Value) -> Coverage {
        let mut coverage = Coverage::default();
        cover(&self.steps, value, &mut coverage);
        coverage
    }
}

/// Places that a path names, and those of them that are filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Coverage {
    pub(crate) named: usize,
    pub(crate) filled: usize,
}

fn next_step(rest: &str) -> Result<(Step, &str), &'static str> {
    if let Some(tail) = rest.strip_prefix('.') {
        let end = tail.find(['.', '[']).unwrap_or(tail.len());
        let (name, tail) = tail.split_at_checked(end).ok_or("it is cut off")?;
        return match name {
            "" => Err("a name is missing after the dot"),
            "*" => Err("use [*] for every element of a list"),
            name => Ok((Step::Key(name.to_owned()), tail)),
        };
    }
    let tail = rest
        .strip_prefix('[')
        .ok_or("a step starts with a dot or a bracket")?;
    for quote in ['\'', '"'] {
        if let Some(quoted) = tail.strip_prefix(quote) {
            let (name, tail) = quoted.split_once(quote).ok_or("a quote is not closed")?;
            let tail = tail.strip_prefix(']').ok_or("a bracket is not closed")?;
            return Ok((Step::Key(name.to_owned()), tail));
        }
    }
    let (inside, tail) = tail.split_once(']').ok_or("a bracket is not closed")?;
    if inside == "*" {
        return Ok((Step::All, tail));
    }
    let index = inside
        .parse()
        .map_err(|_| "a bracket holds a number, * or a quoted name")?;
    Ok((Step::Index(index), tail))
}

fn first<'v>(steps: &[Step], value: &'v Value) -> Option<&'v Value> {
    let Some((step, rest)) = steps.split_first() else {
        return Some(value);
    };
    match step {
        Step::Key(key) => first(rest, value.as_object()?.get(key)?),
        Step::Index(index) => first(rest, value.as_array()?.get(*index)?),
        Step::All => value
            .as_array()?
            .iter()
            .find_map(|element| first(rest, element)),
    }
}

/// Goes to the first value at the steps and notes the way; whether there is one.
fn walk<'p>(steps: &'p [Step], value: &Value, place: &mut Vec<Place<'p>>) -> bool {
    let Some((step, rest)) = steps.split_first() else {
        return true;
    };
    let mut enter = |at: Place<'p>, next: Option<&Value>| {
        place.push(at);
        let found = next.is_some_and(|next| walk(rest, next, place));
        if !found {
            place.pop();
        }
        found
    };
    match step {
        Step::Key(key) => enter(Place::Key(key), value.get(key.as_str())),
        Step::Index(index) => enter(Place::Index(*index), value.get(*index)),
        Step::All => value.as_array().is_some_and(|list| {
            let mut elements = list.iter().enumerate();
            elements.any(|(index, next)| enter(Place::Index(index), Some(next)))
        }),
    }
}

fn cover(steps: &[Step], value: &Value, coverage: &mut Coverage) {
    let Some((step, rest)) = steps.split_first() else {
        coverage.named += 1;
        coverage.filled += usize::from(!value.is_null());
        return;
    };
    let next = match step {
        Step::Key(key) => value.as_object().and_then(|object| object.get(key)),
        Step::Index(index) => value.as_array().and_then(|list| list.get(*index)),
        Step::All => {
            if let Some(list) = value.as_array() {
                for element in list {
                    cover(rest, element, coverage);
                }
                return;
            }
            None
        }
    };
    match next {
        Some(next) => cover(rest, next, coverage),
        None => coverage.named += 1,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_find_what_they_name() {
        let value = json!({"class": "a", "items": [{"price": 1}, {"price": null}, {}], "odd name": {"x": [7]}, "none": []});
        let check = |path: &str, found: Option<Value>, named: usize, filled: usize| {
            let path = Path::parse(path).unwrap();
            assert_eq!(path.first(&value), found.as_ref(), "{}", path.text());
            assert_eq!(
                path.coverage(&value),
                Coverage { named, filled },
                "{}",
                path.text()
            );
        };
        check("$", Some(value.clone()), 1, 1);
        check("$.class", Some(json!("a")), 1, 1);
        check(" $.class ", Some(json!("a")), 1, 1);
        check("$.class.deeper", None, 1, 0);
        check("$.missing", None, 1, 0);
        check("$.items[0].price", Some(json!(1)), 1, 1);
        check("$.items[9].price", None, 1, 0);
        check("$.items[*].price", Some(json!(1)), 3, 1);
        check("$.class[*]", None, 1, 0);
        check("$.none[*].price", None, 0, 0);
        check("$['odd name'].x[0]", Some(json!(7)), 1, 1);
        check("$[\"odd name\"]", Some(json!({"x": [7]})), 1, 1);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for bad in [
            "", "class", "$class", "$.", "$..a", "$.*", "$[", "$[a]", "$['a]", "$['a'", "$[-1]",
        ] {
            assert!(Path::parse(bad).is_err(), "{bad}");
        }
    }
}
