//! openai/evals: samples with `input` and `ideal`, and the registry's YAML, which says how they are judged. What grades with
//! a model or runs code of its own is named as unsupported.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{
    Collector, Draft, ImportError, Scorer, any_of,
    files::{self, Kind, Root, json_lines},
    one_passes, stem,
};

/// One eval of the registry.
struct Eval {
    name: String,
    scorer: Scorer,
    any_case: bool,
    samples: String,
    few_shot: Option<(String, usize)>,
}

/// Imports a file of samples, or all evals of a file of the registry.
pub(super) fn import(path: &Path, collector: &mut Collector<'_>) -> Result<(), ImportError> {
    let text = files::text(path).map_err(|what| ImportError::new(path, what))?;
    if Kind::of(path) != Kind::Yaml {
        let scorer = collector.options.scorer.unwrap_or(Scorer::Match);
        let place = path.display().to_string();
        samples(
            &text,
            &place,
            &stem(path),
            Judge {
                scorer,
                any_case: false,
                few_shot: &[],
            },
            collector,
        );
        return Ok(());
    }
    let registry = files::yaml(&text).map_err(|what| ImportError::new(path, what))?;
    let Value::Object(registry) = registry else {
        return Err(ImportError::new(path, "it names no evals"));
    };
    let root = data_root(path).map_err(|what| ImportError::new(path, what))?;
    for (name, entry) in registry {
        let place = format!("{}: {name}", path.display());
        match read_eval(&name, &entry) {
            Ok(Some(eval)) => {
                if let Err(what) = import_eval(&root, &eval, &place, collector) {
                    collector.unsupported(place, what);
                }
            }
            // An alias of another entry.
            Ok(None) => {}
            Err(what) => collector.unsupported(place, what),
        }
    }
    Ok(())
}

/// The registry keeps samples in `data` beside the directory of its YAML files; otherwise they stand beside the file.
fn data_root(path: &Path) -> Result<Root, String> {
    let beside = path
        .parent()
        .and_then(Path::parent)
        .map(|registry| registry.join("data"));
    match beside.filter(|data| data.is_dir()) {
        Some(data) => Root::at(&data),
        None => Root::of(path),
    }
}

/// Reads an entry; none if it only names another one.
fn read_eval(name: &str, entry: &Value) -> Result<Option<Eval>, String> {
    let Some(class) = entry.get("class").and_then(Value::as_str) else {
        return Ok(None);
    };
    let empty = Map::new();
    let arguments = entry
        .get("args")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let kind = class.trim().rsplit(':').next().unwrap_or_default();
    let scorer = match kind {
        "Match" => Scorer::Match,
        "Includes" => Scorer::Includes,
        "FuzzyMatch" => Scorer::Fuzzy,
        "JsonMatch" => Scorer::Json,
        _other => return Err(format!("class {class}")),
    };
    let text = |key: &str| {
        arguments
            .get(key)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let count = arguments
        .get("num_few_shot")
        .and_then(Value::as_u64)
        .unwrap_or(0);
    let few_shot = match (usize::try_from(count), text("few_shot_jsonl")) {
        (Ok(0), _) => None,
        (Ok(count), Some(file)) => Some((file, count)),
        (Ok(_) | Err(_), _) => return Err("num_few_shot without few_shot_jsonl".to_owned()),
    };
    Ok(Some(Eval {
        name: name.to_owned(),
        scorer,
        any_case: arguments.get("ignore_case") == Some(&Value::Bool(true)),
        samples: text("samples_jsonl").ok_or("no samples_jsonl")?,
        few_shot,
    }))
}

fn import_eval(
    root: &Root,
    eval: &Eval,
    place: &str,
    collector: &mut Collector<'_>,
) -> Result<(), String> {
    let text = root.text(&eval.samples)?;
    let mut examples = Vec::new();
    if let Some((file, count)) = &eval.few_shot {
        for (_, line) in json_lines(&root.text(file)?).take(*count) {
            match line?.get("sample") {
                Some(Value::Array(messages)) => examples.extend(messages.iter().cloned()),
                _other => {
                    return Err(format!(
                        "{file} has a line without a list of messages in `sample`"
                    ));
                }
            }
        }
    }
    let judge = Judge {
        scorer: eval.scorer,
        any_case: eval.any_case,
        few_shot: &examples,
    };
    samples(&text, place, &eval.name, judge, collector);
    Ok(())
}

/// How samples are judged, and what stands before the last message.
#[derive(Clone, Copy)]
struct Judge<'e> {
    scorer: Scorer,
    any_case: bool,
    few_shot: &'e [Value],
}

fn samples(text: &str, place: &str, name: &str, judge: Judge<'_>, collector: &mut Collector<'_>) {
    for (line, value) in json_lines(text) {
        let place = format!("{place}:{line}");
        match value.and_then(|sample| draft(&sample, &place, format!("{name}-{line}"), judge)) {
            Ok(draft) => collector.add(draft),
            Err(what) => collector.unsupported(place, what),
        }
    }
}

fn draft(sample: &Value, place: &str, id: String, judge: Judge<'_>) -> Result<Draft, String> {
    let mut messages = match sample.get("input") {
        Some(Value::String(text)) => vec![json!({"role": "user", "content": text})],
        Some(Value::Array(messages)) => messages.clone(),
        _other => return Err("a sample without `input`".to_owned()),
    };
    if !judge.few_shot.is_empty() {
        let last = messages.len().saturating_sub(1);
        messages.splice(last..last, judge.few_shot.iter().cloned());
    }
    let ideals: Option<Vec<String>> = match sample.get("ideal") {
        Some(Value::String(ideal)) => Some(vec![ideal.clone()]),
        Some(Value::Array(list)) => list
            .iter()
            .map(|ideal| ideal.as_str().map(str::to_owned))
            .collect(),
        _other => None,
    };
    let ideals = ideals
        .filter(|ideals| !ideals.is_empty())
        .ok_or("a sample without `ideal`")?;
    if ideals.iter().any(String::is_empty) {
        return Err("a sample with an empty `ideal`, which any answer fulfils".to_owned());
    }
    Ok(Draft {
        place: place.to_owned(),
        id,
        request: json!({"messages": messages}),
        assertions: vec![assertion(&ideals, judge)?],
        metadata: Map::new(),
    })
}

fn assertion(ideals: &[String], judge: Judge<'_>) -> Result<Value, String> {
    Ok(match judge.scorer {
        Scorer::Match => match ideals {
            [one] => json!({"type": "starts-with", "value": one}),
            many => json!({"type": "regex", "value": format!("\\A{}", any_of(many))}),
        },
        Scorer::Includes if judge.any_case => json!({"type": "icontains-any", "value": ideals}),
        Scorer::Includes => json!({"type": "contains-any", "value": ideals}),
        Scorer::Fuzzy => json!({"type": "fuzzy-match", "value": ideals}),
        Scorer::Exact => {
            json!({"type": "regex", "value": format!("(?i)\\A\\W*{}\\W*\\z", any_of(ideals))})
        }
        Scorer::Json => {
            let values: Result<Vec<Value>, _> = ideals
                .iter()
                .map(|ideal| serde_json::from_str::<Value>(ideal))
                .collect();
            let values = values.map_err(|_| "an `ideal` that is not JSON".to_owned())?;
            let equals = values
                .into_iter()
                .map(|value| json!({"type": "equals", "value": value}));
            one_passes(equals.collect())
        }
    })
}
