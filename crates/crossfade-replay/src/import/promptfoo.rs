//! promptfoo: a configuration with prompts and tests, or a file of tests. Prompts times tests make cases; a variable with a
//! list of values makes a case for each. Providers are not imported (the route is what is asked), but for the request's
//! parameters and tools in the first one's configuration.

mod expected;
mod prompts;
mod tests_of;

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{
    Collector, Draft, ImportError,
    files::{self, Kind, Root},
    stem,
    template::{render, render_value},
};
use prompts::Prompt;
use tests_of::{Test, Tests};

/// Keys of a provider's configuration that are parameters of a request.
const PARAMETERS: &[&str] = &[
    "temperature",
    "max_tokens",
    "max_completion_tokens",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "stop",
    "tools",
    "tool_choice",
    "functions",
    "function_call",
    "response_format",
    "parallel_tool_calls",
    "reasoning_effort",
    "verbosity",
];
/// Keys of a configuration that change nothing of what is asked and expected.
const IDLE: &[&str] = &[
    "$schema",
    "description",
    "tags",
    "providers",
    "targets",
    "prompts",
    "tests",
    "defaultTest",
    "assertionTemplates",
    "outputPath",
    "sharing",
    "commandLineOptions",
    "evaluateOptions",
    "env",
    "writeLatestResults",
    "metadata",
];

/// Keys of an assertion that are imported.
const ASSERTION: &[&str] = &["type", "value", "threshold", "weight", "metric", "assert"];
/// Keys that say who grades, and how: they matter only to types that are not imported.
const GRADER: &[&str] = &["provider", "rubricPrompt", "description"];

/// Imports a file.
pub(super) fn import(path: &Path, collector: &mut Collector<'_>) -> Result<(), ImportError> {
    let wrong = |what: String| ImportError::new(path, what);
    let root = Root::of(path).map_err(wrong)?;
    let file = path.display().to_string();
    let text = files::text(path).map_err(|what| ImportError::new(path, what))?;
    let config = match Kind::of(path) {
        Kind::Yaml => files::yaml(&text).map_err(|what| ImportError::new(path, what))?,
        Kind::Json => serde_json::from_str(&text)
            .map_err(|error| ImportError::new(path, format!("not JSON: {error}")))?,
        Kind::JsonLines | Kind::Csv => Value::Null,
        Kind::Text | Kind::Other => {
            let what = "a configuration is .yaml or .json, tests also .jsonl or .csv";
            return Err(ImportError::new(path, what));
        }
    };
    let mut importer = Importer {
        root,
        file,
        name: stem(path),
        collector,
        shared: Shared::default(),
    };
    match config {
        Value::Object(config) => importer.config(&config),
        // A file of tests alone, whose prompt is their variable of that name.
        Value::Array(tests) => importer.tests_alone(Tests::of_list(tests)),
        _other => {
            let tests = Tests::of_file(&text, path);
            importer.tests_alone(tests);
        }
    }
    Ok(())
}

/// What all tests share.
#[derive(Default)]
struct Shared {
    prompts: Vec<Prompt>,
    parameters: Map<String, Value>,
    default: Test,
    /// Whether the default asks for something that is not understood: then no test means what it says.
    broken: bool,
    templates: Map<String, Value>,
}

struct Importer<'i, 'o> {
    root: Root,
    file: String,
    name: String,
    collector: &'i mut Collector<'o>,
    shared: Shared,
}

// === impl Importer ===

impl Importer<'_, '_> {
    fn config(&mut self, config: &Map<String, Value>) {
        for key in config.keys().filter(|key| !IDLE.contains(&key.as_str())) {
            self.unsupported(key, format!("`{key}`"));
        }
        if let Some(Value::Object(templates)) = config.get("assertionTemplates") {
            self.shared.templates.clone_from(templates);
        }
        self.read_prompts(config.get("prompts"));
        self.read_parameters(config.get("providers").or_else(|| config.get("targets")));
        if let Some(default) = config.get("defaultTest") {
            let (test, problems) = Test::read_reference(&self.root, default);
            self.shared.default = test;
            self.shared.broken = !problems.is_empty();
            for what in problems {
                self.unsupported("defaultTest", what);
            }
        }
        let tests = config.get("tests").cloned().unwrap_or_else(|| json!([{}]));
        let tests = Tests::of_value(&self.root, &tests);
        self.add_all(tests);
    }

    fn tests_alone(&mut self, tests: Tests) {
        self.shared.prompts = vec![Prompt::Text("{{prompt}}".to_owned())];
        self.add_all(tests);
    }

    fn unsupported(&mut self, place: &str, what: impl Into<String>) {
        let place = format!("{}: {place}", self.file);
        self.collector.unsupported(place, what);
    }

    fn read_prompts(&mut self, prompts: Option<&Value>) {
        let (read, problems) = prompts::read(&self.root, prompts);
        for (place, what) in problems {
            self.unsupported(&place, what);
        }
        self.shared.prompts = read;
    }

    /// The first provider's parameters; that others have different ones is noted.
    fn read_parameters(&mut self, providers: Option<&Value>) {
        let list = match providers {
            Some(Value::Array(list)) => list.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        for (place, provider) in list.iter().enumerate() {
            let mut parameters = match config_of(provider) {
                Some(config) => config.clone(),
                None => Map::new(),
            };
            parameters.retain(|key, value| PARAMETERS.contains(&key.as_str()) && !value.is_null());
            match self.resolved(parameters) {
                Ok(parameters) if place == 0 => self.shared.parameters = parameters,
                Ok(parameters) if parameters == self.shared.parameters => {}
                Ok(_) => {
                    let what = "other parameters than the first provider's, which are taken";
                    self.unsupported(&format!("providers[{place}].config"), what);
                }
                Err(what) => self.unsupported(&format!("providers[{place}].config"), what),
            }
        }
    }

    /// Parameters with the files that they name.
    fn resolved(&self, parameters: Map<String, Value>) -> Result<Map<String, Value>, String> {
        let mut resolved = Map::new();
        for (key, value) in parameters {
            let value = match &value {
                Value::String(reference) if reference.starts_with("file://") => {
                    self.root.value(reference)?
                }
                _other => value,
            };
            resolved.insert(key, value);
        }
        Ok(resolved)
    }

    fn add_all(&mut self, tests: Tests) {
        for (place, what) in tests.problems {
            self.unsupported(&place, what);
        }
        let several = self.shared.prompts.len() > 1;
        for (number, (place, test, problems)) in tests.tests.into_iter().enumerate() {
            // What a test asks for besides would change what its assertions mean.
            if self.shared.broken || !problems.is_empty() {
                let why = if problems.is_empty() {
                    "what defaultTest asks for".to_owned()
                } else {
                    problems.join(", ")
                };
                self.unsupported(&place, format!("the test is left out: {why}"));
                continue;
            }
            let test = test.with_default(&self.shared.default);
            let (expanded, more) = test.expanded();
            if more > 0 {
                let what = format!("{more} more combinations of its variables: use fewer values");
                self.unsupported(&place, what);
            }
            for variables in expanded {
                for index in 0..self.shared.prompts.len() {
                    let prompt = if several {
                        format!("-prompt{}", index + 1)
                    } else {
                        String::new()
                    };
                    let id = format!("{}-{}{prompt}", self.name, number + 1);
                    if let Err(what) = self.add(&test, &variables, index, &place, id) {
                        self.unsupported(&place, what);
                    }
                }
            }
        }
    }

    fn add(
        &mut self,
        test: &Test,
        variables: &Map<String, Value>,
        prompt: usize,
        place: &str,
        id: String,
    ) -> Result<(), String> {
        let Some(prompt) = self.shared.prompts.get(prompt) else {
            return Ok(());
        };
        let variables = self.resolved(variables.clone())?;
        let mut request = self.shared.parameters.clone();
        if let Value::Object(options) = render_value(&Value::Object(request), &variables)? {
            request = options;
        } else {
            request = Map::new();
        }
        request.insert("messages".to_owned(), prompt.messages(&variables, test)?);
        let mut assertions = Vec::with_capacity(test.assertions.len());
        for (index, written) in test.assertions.iter().enumerate() {
            match self.assertion(written, &variables) {
                Ok(assertion) => assertions.push(assertion),
                Err(what) => self.unsupported(&format!("{place}.assert[{index}]"), what),
            }
        }
        if test.assertions.is_empty() {
            return Err("a test without assertions".to_owned());
        }
        if let Some(threshold) = test.threshold.filter(|_| !assertions.is_empty()) {
            assertions =
                vec![json!({"type": "assert-set", "threshold": threshold, "assert": assertions})];
        }
        let mut metadata = test.metadata.clone();
        if let Some(description) = &test.description {
            metadata.insert("description".to_owned(), json!(description));
        }
        self.collector.add(Draft {
            place: format!("{}: {place}", self.file),
            id,
            request: Value::Object(request),
            assertions,
            metadata,
        });
        Ok(())
    }

    /// An assertion in the form of this format.
    fn assertion(&self, written: &Value, variables: &Map<String, Value>) -> Result<Value, String> {
        let Value::Object(written) = written else {
            return Err("an assertion that is no object".to_owned());
        };
        let mut members = self.with_template(written)?;
        let kind = members.get("type").and_then(Value::as_str);
        let kind = kind.unwrap_or_default();
        let kind = kind.strip_suffix(":cosine").unwrap_or(kind).to_owned();
        for (key, value) in &members {
            let idle = value.is_null() || *value == Value::Bool(false);
            if !idle && !ASSERTION.contains(&key.as_str()) && !GRADER.contains(&key.as_str()) {
                return Err(format!("`{key}` of an assertion of type {kind}"));
            }
        }
        members.retain(|key, _| ASSERTION.contains(&key.as_str()));
        if kind == "assert-set" {
            let parts = members.get("assert").and_then(Value::as_array);
            let parts = parts.into_iter().flatten();
            let parts: Result<Vec<Value>, String> =
                parts.map(|part| self.assertion(part, variables)).collect();
            members.insert("assert".to_owned(), Value::Array(parts?));
        }
        if let Some(value) = members.remove("value").filter(|value| !value.is_null()) {
            let value = self.assertion_value(&kind, &value, variables)?;
            members.insert("value".to_owned(), value);
        }
        if let Some(Value::String(metric)) = members.get("metric") {
            let metric = render(metric, variables)?;
            members.insert("metric".to_owned(), json!(metric));
        }
        members.insert("type".to_owned(), json!(kind));
        Ok(Value::Object(members))
    }

    /// The members of an assertion, with those of the template that it refers to.
    fn with_template(&self, written: &Map<String, Value>) -> Result<Map<String, Value>, String> {
        let mut members = match written.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.template(reference)?.clone(),
            None => Map::new(),
        };
        let own = written.iter().filter(|(key, _)| *key != "$ref");
        members.extend(own.map(|(key, value)| (key.clone(), value.clone())));
        Ok(members)
    }

    fn assertion_value(
        &self,
        kind: &str,
        value: &Value,
        variables: &Map<String, Value>,
    ) -> Result<Value, String> {
        let value = render_value(value, variables)?;
        let value = match &value {
            Value::String(reference) if reference.starts_with("file://") => self
                .root
                .value(reference)
                .map_err(|what| format!("assertion of type {kind}: {what}"))?,
            _other => value,
        };
        // A schema may be written as a text of YAML.
        match &value {
            Value::String(schema)
                if kind.ends_with("is-json") || kind.ends_with("contains-json") =>
            {
                files::yaml(schema)
            }
            _other => Ok(value),
        }
    }

    fn template(&self, reference: &str) -> Result<&Map<String, Value>, String> {
        let name = reference.strip_prefix("#/assertionTemplates/");
        let template = name
            .and_then(|name| self.shared.templates.get(name))
            .and_then(Value::as_object);
        template.ok_or_else(|| format!("reference {reference}"))
    }
}

/// A provider's configuration, in either way of writing it.
fn config_of(provider: &Value) -> Option<&Map<String, Value>> {
    let provider = provider.as_object()?;
    if let Some(config) = provider.get("config") {
        return config.as_object();
    }
    let (_, inner) = provider.iter().next().filter(|_| provider.len() == 1)?;
    inner.get("config")?.as_object()
}
