//! `{{name}}` in a text replaced by a variable. Nothing else of the template language is understood: filters, loops,
//! conditions and expressions are refused by name, because a half-rendered prompt would be another test.

use serde_json::{Map, Value};

/// The text with its variables; the error names what is not understood.
pub(super) fn render(text: &str, variables: &Map<String, Value>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, opened)) = next_mark(rest) {
        out.push_str(before);
        let inside = match opened {
            Mark::Statement(tag) => return Err(format!("template statement {{% {tag} %}}")),
            Mark::Comment(after) => {
                rest = after.split_once("#}").map_or("", |(_, after)| after);
                continue;
            }
            Mark::Variable(inside) => inside,
        };
        let Some((expression, after)) = inside.split_once("}}") else {
            return Err("template that is not closed".to_owned());
        };
        out.push_str(&value(expression, variables)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// A value with the variables in all its texts.
pub(super) fn render_value(value: &Value, variables: &Map<String, Value>) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => Value::String(render(text, variables)?),
        Value::Array(list) => {
            let list: Result<Vec<Value>, String> = list
                .iter()
                .map(|value| render_value(value, variables))
                .collect();
            Value::Array(list?)
        }
        Value::Object(members) => {
            let mut rendered = Map::new();
            for (name, value) in members {
                rendered.insert(name.clone(), render_value(value, variables)?);
            }
            Value::Object(rendered)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    })
}

/// What opens next in a text.
enum Mark<'t> {
    /// `{{`, and what follows.
    Variable(&'t str),
    /// `{%`: the statement's name.
    Statement(&'t str),
    /// `{#`, and what follows.
    Comment(&'t str),
}

fn next_mark(text: &str) -> Option<(&str, Mark<'_>)> {
    let mut from = 0;
    while let Some(found) = text.get(from..)?.find('{') {
        let at = from + found;
        let (before, opened) = text.split_at_checked(at)?;
        let mark = if let Some(inside) = opened.strip_prefix("{{") {
            Some(Mark::Variable(inside))
        } else if let Some(inside) = opened.strip_prefix("{%") {
            let tag = inside.trim_start_matches('-').split_whitespace().next();
            Some(Mark::Statement(tag.unwrap_or_default()))
        } else {
            opened.strip_prefix("{#").map(Mark::Comment)
        };
        if let Some(mark) = mark {
            return Some((before, mark));
        }
        from = at + 1;
    }
    None
}

fn value(expression: &str, variables: &Map<String, Value>) -> Result<String, String> {
    let name = expression.trim_matches('-').trim();
    if !name
        .chars()
        .all(|letter| letter.is_alphanumeric() || letter == '_')
        || name.is_empty()
    {
        return Err(format!("template expression {{{{ {name} }}}}"));
    }
    match variables.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Null) => Ok(String::new()),
        Some(other) => Ok(other.to_string()),
        None => Err(format!(
            "template variable {{{{ {name} }}}}, which no test gives"
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_plain_variables_are_rendered() {
        let Value::Object(variables) = json!({"city": "Paris", "n": 3, "list": [1], "none": null})
        else {
            panic!()
        };
        let check = |text: &str, expected: Result<&str, &str>| {
            let found = render(text, &variables);
            assert_eq!(found.as_deref().map_err(String::as_str), expected, "{text}");
        };
        check("no {braces} here", Ok("no {braces} here"));
        check("{{city}}, {{ n }}; {{list}}{{none}}.", Ok("Paris, 3; [1]."));
        check("{{- city -}}", Ok("Paris"));
        check("a{# a note #}b", Ok("ab"));
        check("{ {{city}}", Ok("{ Paris"));
        check(
            "{{ town }}",
            Err("template variable {{ town }}, which no test gives"),
        );
        check(
            "{{ city | upper }}",
            Err("template expression {{ city | upper }}"),
        );
        check(
            "{{ user.name }}",
            Err("template expression {{ user.name }}"),
        );
        check("{% if x %}a{% endif %}", Err("template statement {% if %}"));
        check("{{city", Err("template that is not closed"));
    }
}
