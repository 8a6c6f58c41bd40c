//! A golden set as a configuration of promptfoo. Each case becomes a test whose prompt is its conversation; what promptfoo has
//! no counterpart for is named.

use serde_json::{Map, Value, json};

use crossfade_exchange::Operation;

use crate::{
    assertion::Kind, canonical::canonical, case::Case, dataset::Dataset, import::Unsupported,
};

/// What came of an export.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// The configuration, in YAML.
    pub config: String,
    /// How many cases are in it.
    pub cases: usize,
    /// What is not in it.
    pub unsupported: Vec<Unsupported>,
}

/// A configuration that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the configuration cannot be written as YAML: {0}")]
pub struct ExportError(String);

/// Exports to promptfoo; `provider` is the id of the provider that it will ask.
pub fn to_promptfoo(dataset: &Dataset, provider: &str) -> Result<Exported, ExportError> {
    let mut unsupported = Vec::new();
    let mut tests = Vec::new();
    let mut shared: Option<Map<String, Value>> = None;
    for case in &dataset.cases {
        match test(case, &mut shared, &mut unsupported) {
            Ok(test) => tests.push(test),
            Err(what) => note(
                &mut unsupported,
                case,
                format!("the case is left out: {what}"),
            ),
        }
    }
    let cases = tests.len();
    let config = json!({
        "description": format!("golden set {}", dataset.sha256),
        "prompts": ["{{prompt}}"],
        "providers": [{"id": provider, "config": shared.unwrap_or_default()}],
        "tests": tests,
    });
    let config =
        serde_saphyr::to_string(&config).map_err(|error| ExportError(error.to_string()))?;
    Ok(Exported {
        config,
        cases,
        unsupported,
    })
}

fn note(unsupported: &mut Vec<Unsupported>, case: &Case, what: impl Into<String>) {
    unsupported.push(Unsupported {
        place: case.id.clone(),
        what: what.into(),
    });
}

/// A case as a test. The request's parameters are the provider's, so they must be those of the first case.
fn test(
    case: &Case,
    shared: &mut Option<Map<String, Value>>,
    unsupported: &mut Vec<Unsupported>,
) -> Result<Value, String> {
    if case.operation != Operation::Chat {
        return Err(format!("a request of {}", case.operation));
    }
    let mut parameters = case.request.as_object().cloned().unwrap_or_default();
    let messages = parameters
        .remove("messages")
        .unwrap_or_default()
        .to_string();
    for key in ["model", "stream", "stream_options", "user"] {
        parameters.remove(key);
    }
    if is_template(&messages) {
        return Err("its messages hold the marks of a template".to_owned());
    }
    let before = shared.get_or_insert_with(|| parameters.clone());
    let (ours, theirs) = (Value::Object(parameters), Value::Object(before.clone()));
    if canonical(&ours) != canonical(&theirs) {
        return Err("its parameters are not those of the first case: export it apart".to_owned());
    }
    let written = case.written();
    for key in ["repeat", "min_pass_rate", "weight", "baseline", "recorded"] {
        if written.get(key).is_some() {
            note(unsupported, case, format!("`{key}`"));
        }
    }
    let list = written.get("assert").and_then(Value::as_array);
    let mut assertions = Vec::new();
    for (place, assertion) in list.into_iter().flatten().enumerate() {
        match exported(assertion) {
            Ok(assertion) => assertions.push(assertion),
            Err(what) => note(unsupported, case, format!("assert[{place}]: {what}")),
        }
    }
    if assertions.is_empty() {
        return Err("no assertion is left".to_owned());
    }
    let mut metadata = case.metadata.clone();
    metadata.insert("case".to_owned(), json!(case.id));
    metadata.insert("severity".to_owned(), json!(case.severity));
    if let Some(route) = &case.route {
        metadata.insert("route".to_owned(), json!(route));
    }
    Ok(
        json!({"description": case.id, "vars": {"prompt": messages}, "assert": assertions, "metadata": metadata}),
    )
}

/// An assertion, if promptfoo has it and understands its value in the same way.
fn exported(assertion: &Value) -> Result<Value, String> {
    let name = assertion
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let kind = Kind::of(name.strip_prefix("not-").unwrap_or(name));
    let Some(kind) = kind.filter(|kind| is_promptfoos(*kind)) else {
        return Err(format!("assertion {name}"));
    };
    if kind == Kind::AssertSet {
        let parts = assertion.get("assert").and_then(Value::as_array);
        let parts: Result<Vec<Value>, String> = parts.into_iter().flatten().map(exported).collect();
        let mut set = assertion.clone();
        if let Value::Object(members) = &mut set {
            members.insert("assert".to_owned(), Value::Array(parts?));
        }
        return Ok(set);
    }
    if kind == Kind::RougeN && assertion.get("n").is_some_and(|n| *n != json!(1)) {
        return Err("assertion rouge-n of more than single words".to_owned());
    }
    if assertion
        .get("value")
        .is_some_and(|value| is_template(&value.to_string()))
    {
        return Err(format!(
            "assertion {name}, whose value holds the marks of a template"
        ));
    }
    if kind == Kind::Regex
        && assertion
            .get("value")
            .and_then(Value::as_str)
            .is_some_and(is_foreign_pattern)
    {
        return Err("assertion regex, whose pattern JavaScript reads otherwise".to_owned());
    }
    let mut exported = assertion.clone();
    if let Value::Object(members) = &mut exported {
        members.remove("n");
    }
    Ok(exported)
}

/// Whether promptfoo has this type, with this meaning.
const fn is_promptfoos(kind: Kind) -> bool {
    match kind {
        Kind::Equals
        | Kind::Contains
        | Kind::ContainsAny
        | Kind::ContainsAll
        | Kind::Icontains
        | Kind::IcontainsAny
        | Kind::IcontainsAll
        | Kind::Regex
        | Kind::StartsWith
        | Kind::IsJson
        | Kind::ContainsJson
        | Kind::IsValidOpenaiToolsCall
        | Kind::IsValidOpenaiFunctionCall
        | Kind::IsValidFunctionCall
        | Kind::ToolCallF1
        | Kind::FinishReason
        | Kind::IsRefusal
        | Kind::Levenshtein
        | Kind::RougeN
        | Kind::Similar
        | Kind::Latency
        | Kind::Cost
        | Kind::AssertSet => true,
        Kind::FuzzyMatch
        | Kind::Label
        | Kind::RequiredFields
        | Kind::ToolArgs
        | Kind::Citations
        | Kind::Numbers
        | Kind::MatchesBaseline => false,
    }
}

/// Whether a template language would change the text.
fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark))
}

/// Whether a pattern has parts that JavaScript does not read in the same way.
fn is_foreign_pattern(pattern: &str) -> bool {
    ["(?", "\\A", "\\z", "[:", "\\p", "\\x{"]
        .iter()
        .any(|part| pattern.replace("(?:", "").contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::{Format, Options, import};

    fn dataset(cases: &[Value]) -> Dataset {
        let lines: Vec<String> = cases.iter().map(ToString::to_string).collect();
        Dataset::parse(lines.join("\n").as_bytes()).unwrap()
    }

    fn case(id: &str, assert: &Value) -> Value {
        json!({"id": id, "request": {"messages": [{"role": "user", "content": "Say \"no\": 1.0 #x\n- y"}], "temperature": 0},
            "assert": assert})
    }

    #[test]
    fn what_is_exported_comes_back_the_same() {
        let assertions = json!([
            {"type": "not-contains", "value": "yes", "weight": 2, "metric": "tone"},
            {"type": "is-json", "value": {"type": "object", "required": ["on"]}},
            {"type": "assert-set", "threshold": 0.5, "assert": [{"type": "equals", "value": "no"}, {"type": "regex", "value": "^a: 'b'$"}]},
            {"type": "latency", "threshold": 900}
        ]);
        let exported = to_promptfoo(&dataset(&[case("a", &assertions)]), "some:provider").unwrap();
        assert_eq!(
            (exported.cases, exported.unsupported.len()),
            (1, 0),
            "{exported:?}"
        );
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("promptfooconfig.yaml");
        std::fs::write(&path, &exported.config).unwrap();
        let back = import(Format::Promptfoo, &[path], &Options::default()).unwrap();
        assert_eq!(back.unsupported, []);
        assert_eq!(
            back.cases[0].request,
            dataset(&[case("a", &assertions)]).cases[0].request
        );
        assert_eq!(back.cases[0].written()["assert"], assertions);
    }

    #[test]
    fn what_has_no_counterpart_is_named() {
        let ok = json!([{"type": "contains", "value": "x"}]);
        let mut repeated = case("c", &ok);
        repeated["repeat"] = json!(3);
        let mut warm = case("d", &ok);
        warm["request"]["temperature"] = json!(1);
        let mut template = case("e", &ok);
        template["request"]["messages"][0]["content"] = json!("{{x}}");
        let response = json!({"id": "f", "request": {"input": "Hi"}, "assert": ok});
        let ours = json!([{"type": "label", "path": "$.a", "value": "x"}, {"type": "contains", "value": "x"},
            {"type": "regex", "value": "(?i)x"}, {"type": "rouge-n", "value": "x", "n": 2}]);
        let cases = [
            case("a", &ours),
            case("b", &json!([{"type": "numbers", "value": 1}])),
            repeated,
            warm,
            template,
            response,
        ];
        let exported = to_promptfoo(&dataset(&cases), "p").unwrap();
        let shown: Vec<String> = exported
            .unsupported
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(exported.cases, 2, "{shown:?}");
        assert_eq!(
            shown,
            [
                "a: assert[0]: assertion label",
                "a: assert[2]: assertion regex, whose pattern JavaScript reads otherwise",
                "a: assert[3]: assertion rouge-n of more than single words",
                "b: assert[0]: assertion numbers",
                "b: the case is left out: no assertion is left",
                "c: `repeat`",
                "d: the case is left out: its parameters are not those of the first case: export it apart",
                "e: the case is left out: its messages hold the marks of a template",
                "f: the case is left out: a request of responses",
            ]
        );
    }
}
