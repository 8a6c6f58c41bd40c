//! Inspect: samples with `input`, `target` and `choices`. A data set does not say how it is scored, its task does: the
//! caller names the scorer. Samples that need a sandbox, files or a set-up are named as unsupported.

use std::{fmt::Write as _, path::Path};

use serde_json::{Map, Value, json};

use super::{
    Collector, Draft, ImportError, Scorer, any_of,
    files::{self, Kind, csv_rows, json_lines},
    one_passes, stem,
};

/// What a sample has that a request alone cannot give.
const NEEDS: &[&str] = &["sandbox", "files", "setup"];
/// The most choices: letters of the alphabet.
const MOST_CHOICES: usize = 26;

/// Imports a file of samples.
pub(super) fn import(path: &Path, collector: &mut Collector<'_>) -> Result<(), ImportError> {
    let text = files::text(path).map_err(|what| ImportError::new(path, what))?;
    let wrong = |what: String| ImportError::new(path, what);
    let file = path.display().to_string();
    let records: Vec<(String, Result<Value, String>)> = match Kind::of(path) {
        Kind::JsonLines => json_lines(&text)
            .map(|(line, value)| (format!("{file}:{line}"), value))
            .collect(),
        Kind::Csv => csv_rows(&text)
            .map_err(wrong)?
            .into_iter()
            .map(|(line, row)| (format!("{file}:{line}"), Ok(Value::Object(row))))
            .collect(),
        Kind::Json => match serde_json::from_str(&text) {
            Ok(Value::Array(list)) => {
                let numbered = list.into_iter().enumerate();
                numbered
                    .map(|(place, value)| (format!("{file}: [{place}]"), Ok(value)))
                    .collect()
            }
            Ok(_other) => return Err(wrong("it is not a list of samples".to_owned())),
            Err(error) => return Err(wrong(format!("not JSON: {error}"))),
        },
        Kind::Yaml | Kind::Text | Kind::Other => {
            return Err(wrong("samples are .json, .jsonl or .csv".to_owned()));
        }
    };
    let name = stem(path);
    for (number, (place, record)) in records.into_iter().enumerate() {
        let id = format!("{name}-{}", number + 1);
        match record.and_then(|record| draft(&record, &place, id, collector)) {
            Ok(draft) => collector.add(draft),
            Err(what) => collector.unsupported(place, what),
        }
    }
    Ok(())
}

fn draft(
    record: &Value,
    place: &str,
    id: String,
    collector: &Collector<'_>,
) -> Result<Draft, String> {
    let field = |name: &str| {
        let column = collector
            .options
            .fields
            .get(name)
            .map_or(name, String::as_str);
        let value = record.get(column)?;
        let is_filled = !value.is_null() && *value != Value::String(String::new());
        is_filled.then_some(value)
    };
    if let Some(needs) = NEEDS.iter().find(|needs| field(needs).is_some()) {
        return Err(format!("`{needs}`"));
    }
    let mut messages = read_input(field("input").ok_or("a sample without `input`")?)?;
    let targets = texts(field("target").ok_or("a sample without `target`")?)
        .ok_or("`target` that is no text")?;
    let assertion = match field("choices") {
        None => assertion(
            &targets,
            collector.options.scorer.unwrap_or(Scorer::Includes),
        )?,
        Some(choices) => {
            let choices = choices_of(choices).ok_or("`choices` that are no list of texts")?;
            offer(&mut messages, &choices)?;
            chosen(&targets, choices.len())?
        }
    };
    let id = match field("id") {
        Some(Value::String(own)) => format!("{id}-{own}"),
        Some(Value::Number(own)) => format!("{id}-{own}"),
        _other => id,
    };
    Ok(Draft {
        place: place.to_owned(),
        id,
        request: json!({"messages": messages}),
        assertions: vec![assertion],
        metadata: metadata(record.get("metadata")),
    })
}

fn read_input(input: &Value) -> Result<Vec<Value>, String> {
    match input {
        Value::String(text) => {
            // CSV files hold conversations as JSON.
            let messages = text
                .trim_start()
                .starts_with('[')
                .then(|| serde_json::from_str(text));
            match messages {
                Some(Ok(Value::Array(messages))) if is_conversation(&messages) => Ok(messages),
                _other => Ok(vec![json!({"role": "user", "content": text})]),
            }
        }
        Value::Array(messages) if is_conversation(messages) => Ok(messages.clone()),
        _other => Err("`input` that is neither a text nor a list of messages".to_owned()),
    }
}

fn is_conversation(messages: &[Value]) -> bool {
    let said = |message: &Value| {
        let content = message.get("content");
        message.get("role").is_some_and(Value::is_string)
            && content.is_some_and(|content| content.is_string() || content.is_array())
    };
    !messages.is_empty() && messages.iter().all(said)
}

fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Number(number) => Some(vec![number.to_string()]),
        Value::Bool(truth) => Some(vec![truth.to_string()]),
        Value::Array(list) if !list.is_empty() => {
            let texts = list.iter().map(texts);
            let texts: Option<Vec<Vec<String>>> = texts.collect();
            texts.map(|texts| texts.into_iter().flatten().collect())
        }
        _other => None,
    }
}

/// A list, JSON of a list, or a text with commas between.
fn choices_of(value: &Value) -> Option<Vec<String>> {
    let Value::String(text) = value else {
        return texts(value);
    };
    if let Ok(list @ Value::Array(_)) = serde_json::from_str::<Value>(text) {
        return texts(&list);
    }
    Some(
        text.split(',')
            .map(|choice| choice.trim().to_owned())
            .collect(),
    )
}

fn letter(place: usize) -> char {
    u8::try_from(place).map_or('?', |place| char::from(b'A'.saturating_add(place)))
}

/// Puts the choices after the question, with how to answer.
fn offer(messages: &mut [Value], choices: &[String]) -> Result<(), String> {
    if choices.is_empty() || choices.len() > MOST_CHOICES {
        return Err(format!("`choices` of which there are {}", choices.len()));
    }
    let question = messages
        .iter_mut()
        .rfind(|message| message["role"] == "user");
    let Some(Value::String(question)) = question.and_then(|message| message.get_mut("content"))
    else {
        return Err("`choices` without a question in words".to_owned());
    };
    question.push_str("\n\n");
    for (place, choice) in choices.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ignored = writeln!(question, "{}) {choice}", letter(place));
    }
    question
        .push_str("\nEnd your answer with a line \"ANSWER: \" and the letter of the right choice.");
    Ok(())
}

fn chosen(targets: &[String], choices: usize) -> Result<Value, String> {
    let offered = |target: &String| {
        let mut letters = target.chars();
        let one = letters.next().filter(|_| letters.next().is_none());
        one.is_some_and(|letter| (0..choices).any(|place| self::letter(place) == letter))
    };
    match targets {
        [one] if offered(one) => {
            Ok(json!({"type": "regex", "value": format!("(?i)answer\\s*:\\s*\\W*{one}\\b")}))
        }
        _other => Err("`target` that is not the letter of one choice".to_owned()),
    }
}

fn assertion(targets: &[String], scorer: Scorer) -> Result<Value, String> {
    if targets.iter().any(String::is_empty) {
        return Err("an empty `target`".to_owned());
    }
    let pattern = |before: &str, after: &str| json!({"type": "regex", "value": format!("(?i){before}{}{after}", any_of(targets))});
    Ok(match scorer {
        Scorer::Includes => json!({"type": "icontains-any", "value": targets}),
        Scorer::Match => pattern("", "\\W*\\z"),
        Scorer::Exact => pattern("\\A\\W*", "\\W*\\z"),
        Scorer::Fuzzy => json!({"type": "fuzzy-match", "value": targets}),
        Scorer::Json => {
            let values: Result<Vec<Value>, _> = targets
                .iter()
                .map(|target| serde_json::from_str::<Value>(target))
                .collect();
            let values = values.map_err(|_| "a `target` that is not JSON".to_owned())?;
            one_passes(
                values
                    .into_iter()
                    .map(|value| json!({"type": "equals", "value": value}))
                    .collect(),
            )
        }
    })
}

fn metadata(value: Option<&Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(members)) => members.clone(),
        Some(Value::String(text)) => match serde_json::from_str(text) {
            Ok(Value::Object(members)) => members,
            _other => Map::new(),
        },
        _other => Map::new(),
    }
}
