//! Several runs of one model on the same prompts, as pairs of answers.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    path::Path,
    rc::Rc,
};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use crossfade_compare::{CheckSettings, Checks};
use crossfade_exchange::{Exchange, Verdict};
use serde_json::{Value, json};

use super::plant::Plant;
use crate::agreement::{build, recorded};

/// A prompt with its runs' answers, in the order of the runs.
#[derive(Debug)]
pub(super) struct Asked {
    checks: Rc<Checks>,
    request: Rc<Value>,
    pub(super) answers: Vec<Bytes>,
    /// The labels it may be answered with.
    pub(super) labels: Rc<[String]>,
}

/// Two answers to one prompt: which prompt, which run stands for the primary, which for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pair {
    asked: usize,
    from: usize,
    to: usize,
}

/// What one sample of a gate is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// Candidate and primary.
    pub(super) pair: Pair,
    /// The primary and itself.
    pub(super) noise: Pair,
}

/// Verdicts that were asked for before: each takes longer than all of the statistics.
type Verdicts = HashMap<(Pair, Option<Plant>), Rc<Verdict>>;

/// One model's runs.
#[derive(Debug)]
pub(super) struct Runs {
    pub(super) model: String,
    asked: Vec<Rc<Asked>>,
    pub(super) samples: Vec<Sample>,
    verdicts: RefCell<Verdicts>,
}

// === impl Sample ===

impl Sample {
    /// The sample with its runs in other roles, one of six ways; each run is as likely in each role.
    pub(super) fn with_roles(self, way: usize) -> Self {
        let Self { pair, noise } = self;
        if pair.asked == noise.asked {
            // Three runs of one prompt: any may be the first, and either of the others the candidate's.
            let runs = [pair.from, noise.to, pair.to];
            let role = |place: usize| runs.get(place % 3).copied().unwrap_or_default();
            let first = way % 3;
            let (second, third) = if way < 3 { (1, 2) } else { (2, 1) };
            let with = |to| Pair {
                asked: pair.asked,
                from: role(first),
                to: role(first + to),
            };
            return Self {
                noise: with(second),
                pair: with(third),
            };
        }
        if way < 3 {
            self
        } else {
            Self {
                pair: noise,
                noise: pair,
            }
        }
    }
}

// === impl Runs ===

impl Runs {
    fn new(model: &str) -> Self {
        Self {
            model: model.to_owned(),
            asked: Vec::new(),
            samples: Vec::new(),
            verdicts: RefCell::default(),
        }
    }

    /// Samples of three runs each.
    fn add_triples(&mut self, asked: Asked) {
        let place = self.asked.len();
        for first in (0..asked.answers.len().saturating_sub(2)).step_by(3) {
            let with = |to| Pair {
                asked: place,
                from: first,
                to,
            };
            self.samples.push(Sample {
                noise: with(first + 1),
                pair: with(first + 2),
            });
        }
        self.asked.push(Rc::new(asked));
    }

    /// Samples of two prompts each, run twice: one gives the noise, the next one the pair.
    fn halve(&mut self) {
        let with = |asked| Pair {
            asked,
            from: 0,
            to: 1,
        };
        self.samples = (0..self.asked.len() / 2)
            .map(|half| Sample {
                noise: with(2 * half),
                pair: with(2 * half + 1),
            })
            .collect();
    }

    /// The exchange of a pair.
    pub(super) fn exchange(&self, pair: Pair, number: u32) -> Exchange {
        let id = format!("{}-{number}", self.model);
        self.of_pair(pair, &id, None)
    }

    /// What the checks say of a pair, its second answer spoilt where that is asked for and possible.
    pub(super) fn verdict(&self, pair: Pair, plant: Option<Plant>) -> Rc<Verdict> {
        let key = (pair, plant);
        if let Some(known) = self.verdicts.borrow().get(&key) {
            return Rc::clone(known);
        }
        let exchange = self.of_pair(pair, "", plant);
        let verdict = match self.asked.get(pair.asked) {
            Some(asked) => asked.checks.compare(&exchange),
            None => unknown(),
        };
        let verdict = Rc::new(verdict);
        self.verdicts.borrow_mut().insert(key, Rc::clone(&verdict));
        verdict
    }

    fn of_pair(&self, pair: Pair, id: &str, plant: Option<Plant>) -> Exchange {
        let asked = self.asked.get(pair.asked);
        let answer = |run: usize| asked.and_then(|asked| asked.answers.get(run)).cloned();
        let (from, mut to) = (answer(pair.from), answer(pair.to));
        if let (Some(plant), Some(asked), Some(answer)) = (plant, asked, &to) {
            to = Some(plant.spoil(asked, answer));
        }
        let request = asked.map_or(Value::Null, |asked| (*asked.request).clone());
        build::exchange(id, &request, from, to)
    }
}

const fn unknown() -> Verdict {
    Verdict {
        class: None,
        parity: None,
        checks: Vec::new(),
        primary: None,
        candidate: None,
    }
}

/// Several models' runs as one route's.
pub(super) fn pooled(models: &[Runs]) -> Runs {
    let mut all = Runs::new("pooled");
    for runs in models {
        let first = all.asked.len();
        all.asked.extend(runs.asked.iter().map(Rc::clone));
        let moved = |pair: Pair| Pair {
            asked: pair.asked + first,
            ..pair
        };
        all.samples.extend(runs.samples.iter().map(|sample| Sample {
            pair: moved(sample.pair),
            noise: moved(sample.noise),
        }));
        let known = runs.verdicts.borrow();
        let known = known
            .iter()
            .map(|((pair, plant), verdict)| ((moved(*pair), *plant), Rc::clone(verdict)));
        all.verdicts.borrow_mut().extend(known);
    }
    all
}

/// One prompt up to 44 times at temperature 0, with a multiple choice for the label: by model, three runs a sample.
pub(super) fn stability(data: &Path) -> Result<Vec<Runs>> {
    let labels: Rc<[String]> = ["A", "B", "C", "D", "E", "F", "G", "Yes", "No"]
        .map(str::to_owned)
        .into();
    let settings = |json: bool| {
        let label = if json {
            json!({"path": "$.Answer", "values": labels})
        } else {
            json!({"pattern": r"\b([A-G]|Yes|No)\b", "values": labels})
        };
        let settings = settings_of(json!({"json": json, "label": label}))?;
        anyhow::Ok(Rc::new(Checks::new(settings)?))
    };
    let (as_json, as_text) = (settings(true)?, settings(false)?);
    let mut models = BTreeMap::<String, Runs>::new();
    for prompt in recorded::prompts(data, "llm_stability")? {
        let request = Rc::new(json!({"messages": prompt.messages}));
        for (model, outputs) in &prompt.outputs {
            // Runs under one configuration, in the order in which they were made.
            let mut by_config = BTreeMap::<(String, String), Vec<(String, Bytes, bool)>>::new();
            for output in outputs {
                let of = |name: &str| {
                    let value = output.more.get(name).and_then(Value::as_str);
                    value.unwrap_or_default().to_owned()
                };
                let text = output.text();
                let order = format!("{} {:>6}", of("date"), of("run"));
                let json = text.trim_start().starts_with('{');
                let runs = by_config.entry((of("config_name"), of("model_config")));
                runs.or_default().push((order, build::text(text), json));
            }
            for mut runs in by_config.into_values() {
                runs.sort_by(|a, b| a.0.cmp(&b.0));
                let json = runs.iter().all(|(_, _, json)| *json);
                let found = models.entry(model.clone());
                found
                    .or_insert_with(|| Runs::new(model))
                    .add_triples(Asked {
                        checks: Rc::clone(if json { &as_json } else { &as_text }),
                        request: Rc::clone(&request),
                        answers: runs.into_iter().map(|(_, body, _)| body).collect(),
                        labels: Rc::clone(&labels),
                    });
            }
        }
    }
    Ok(models.into_values().collect())
}

/// Which of two numbers is larger: one run at temperature 0, one at 1. The number is the label, the reasoning is not compared.
pub(super) fn numersense(data: &Path) -> Result<Vec<Runs>> {
    let again = recorded::prompts(data, "zeroeval_numersense_sampling")?;
    let again: HashMap<String, recorded::Prompt> = again
        .into_iter()
        .map(|prompt| (prompt.id.clone(), prompt))
        .collect();
    let mut models = BTreeMap::<String, Runs>::new();
    for prompt in shuffled(recorded::prompts(data, "zeroeval_numersense-v2")?) {
        let Some(again) = again.get(&prompt.id) else {
            continue;
        };
        let values: Vec<String> = prompt
            .id
            .split('\'')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect();
        let settings = settings_of(json!({
            "json": true,
            "lenient_json": true,
            "required_fields": ["$.answer"],
            "json_paths": [{"path": "$.reasoning", "rule": "ignore"}],
            "label": {"path": "$.answer", "number": {}},
        }))?;
        let checks = Checks::new(settings);
        let checks = Rc::new(checks.with_context(|| format!("numersense {}", prompt.id))?);
        let request = Rc::new(json!({"messages": prompt.messages}));
        for (model, second) in &again.outputs {
            let first = prompt
                .outputs
                .get(model)
                .and_then(|outputs| outputs.first());
            let (Some(first), Some(second)) = (first, second.first()) else {
                continue;
            };
            let runs = models
                .entry(model.clone())
                .or_insert_with(|| Runs::new(model));
            runs.asked.push(Rc::new(Asked {
                checks: Rc::clone(&checks),
                request: Rc::clone(&request),
                answers: vec![build::text(first.text()), build::text(second.text())],
                labels: values.clone().into(),
            }));
        }
    }
    Ok(halved(models))
}

/// Native calls of tools, on two dates. What is not called natively is left to the section on tools.
pub(super) fn calls(data: &Path) -> Result<Vec<Runs>> {
    let checks = Rc::new(Checks::new(CheckSettings::default())?);
    let mut models = BTreeMap::<String, Runs>::new();
    for prompt in shuffled(recorded::prompts(data, "bfcl_2024")?) {
        let request = Rc::new(json!({"messages": prompt.messages, "tools": tools(&prompt.tools)}));
        for (model, outputs) in &prompt.outputs {
            let native = model.split('-').any(|part| part == "FC");
            let [first, second] = outputs.as_slice() else {
                continue;
            };
            if !native {
                continue;
            }
            let runs = models
                .entry(model.clone())
                .or_insert_with(|| Runs::new(model));
            runs.asked.push(Rc::new(Asked {
                checks: Rc::clone(&checks),
                request: Rc::clone(&request),
                answers: vec![answer(&first.result), answer(&second.result)],
                labels: Vec::new().into(),
            }));
        }
    }
    Ok(halved(models))
}

fn settings_of(settings: Value) -> Result<CheckSettings> {
    serde_json::from_value(settings).context("cannot read the checks' settings")
}

fn halved(models: BTreeMap<String, Runs>) -> Vec<Runs> {
    let halved = models.into_values().map(|mut runs| {
        runs.halve();
        runs
    });
    halved.collect()
}

/// In an order that has nothing to do with what is asked.
fn shuffled(mut prompts: Vec<recorded::Prompt>) -> Vec<recorded::Prompt> {
    /// FNV-1a: the order must be the same on every machine.
    fn hash(id: &str) -> u64 {
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        id.bytes().fold(0xcbf2_9ce4_8422_2325, step)
    }
    prompts.sort_by_key(|prompt| hash(&prompt.id));
    prompts
}

/// An answer with calls, or with text where nothing was called.
fn answer(result: &Value) -> Bytes {
    match result {
        Value::Array(calls) if !calls.is_empty() => {
            let calls = calls.iter().filter_map(Value::as_object).flatten();
            build::calls(calls.map(|(name, arguments)| {
                let arguments = arguments
                    .as_str()
                    .map_or_else(|| arguments.to_string(), str::to_owned);
                (name.as_str(), arguments)
            }))
        }
        Value::String(text) => build::text(text),
        other => build::text(&other.to_string()),
    }
}

/// The benchmark's tools as chat tools: names without dots, types as JSON schema names them.
fn tools(tools: &Value) -> Value {
    let tools = tools.as_array().into_iter().flatten();
    let tools = tools.map(|tool| {
        let mut tool = tool.clone();
        rename(&mut tool);
        if let Some(name) = tool.get("name").and_then(Value::as_str) {
            let name = name.replace('.', "_");
            tool = match tool {
                Value::Object(mut parts) => {
                    parts.insert("name".to_owned(), name.into());
                    Value::Object(parts)
                }
                other => other,
            };
        }
        json!({"type": "function", "function": tool})
    });
    tools.collect()
}

fn rename(value: &mut Value) {
    match value {
        Value::Object(parts) => {
            if let Some(kind) = parts.get("type").and_then(Value::as_str) {
                let named = match kind {
                    "dict" | "HashMap" | "Hashtable" => Some("object"),
                    "float" | "double" | "long" => Some("number"),
                    "tuple" | "list" | "ArrayList" | "Array" | "Queue" | "Stack" | "Set" => {
                        Some("array")
                    }
                    "string" | "integer" | "number" | "boolean" | "array" | "object" => Some(kind),
                    "String" | "char" => Some("string"),
                    "Boolean" => Some("boolean"),
                    _ => None,
                };
                let named = named.map(|named| Value::from(named.to_owned()));
                match named {
                    Some(named) => parts.insert("type".to_owned(), named),
                    None => parts.remove("type"),
                };
            }
            parts.values_mut().for_each(rename);
        }
        Value::Array(items) => items.iter_mut().for_each(rename),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
