//! What is imported from files in the forms of other tools, and what is named as unsupported.

use std::fs;

use tempfile::TempDir;

use super::*;

/// A directory with these files.
fn files(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    directory
}

fn imported(format: Format, all: &[(&str, &str)], options: &Options) -> Imported {
    let directory = files(all);
    let path = directory.path().join(all[0].0);
    import(format, &[path], options).unwrap()
}

fn promptfoo(all: &[(&str, &str)]) -> Imported {
    imported(Format::Promptfoo, all, &Options::default())
}

/// The messages' contents and the assertions of each case.
fn cases(imported: &Imported) -> Vec<(String, Vec<Value>)> {
    let case = |case: &Case| {
        let messages = case.request["messages"].as_array().unwrap();
        let said: Vec<&str> = messages
            .iter()
            .filter_map(|message| message["content"].as_str())
            .collect();
        let assertions = case.written()["assert"].as_array().unwrap().clone();
        (said.join(" | "), assertions)
    };
    imported.cases.iter().map(case).collect()
}

/// What is unsupported, without the directory.
fn unsupported(imported: &Imported) -> Vec<String> {
    let short = |unsupported: &Unsupported| {
        let shown = unsupported.to_string();
        shown
            .rsplit_once('/')
            .map_or(shown.clone(), |(_, name)| name.to_owned())
    };
    imported.unsupported.iter().map(short).collect()
}

const CONFIG: &str = r"
description: travel questions
prompts:
  - 'Which country is {{city}} in?'
  - file://chat.json
providers:
  - id: openai:chat:some-model
    config:
      temperature: 0
      apiKey: not-imported
      tools: file://tools.yaml
defaultTest:
  vars:
    tone: polite
  assert:
    - type: not-icontains
      value: as an AI
tests:
  - description: a capital
    vars:
      city: [Paris, Lyon]
    assert:
      - type: contains
        value: France
        weight: 2
      - type: contains
        value: '{{tone}}'
  - vars: {city: Rome}
    threshold: 0.5
    assert:
      - $ref: '#/assertionTemplates/italian'
assertionTemplates:
  italian:
    type: icontains-any
    value: [Italy, Italia]
";

const CHAT: &str = r#"[{"role": "system", "content": "Be {{tone}}."}, {"role": "user", "content": "Where is {{city}}? Say \"{{city}}\"."}]"#;
const TOOLS: &str = "- type: function\n  function: {name: look_up, parameters: {type: object}}\n";

#[test]
fn prompts_times_tests_make_cases() {
    let imported = promptfoo(&[
        ("promptfooconfig.yaml", CONFIG),
        ("chat.json", CHAT),
        ("tools.yaml", TOOLS),
    ]);
    assert_eq!(unsupported(&imported), Vec::<String>::new());
    let cases = cases(&imported);
    let said: Vec<&str> = cases.iter().map(|(said, _)| said.as_str()).collect();
    assert_eq!(
        said,
        [
            "Which country is Paris in?",
            "Be polite. | Where is Paris? Say \"Paris\".",
            "Which country is Lyon in?",
            "Be polite. | Where is Lyon? Say \"Lyon\".",
            "Which country is Rome in?",
            "Be polite. | Where is Rome? Say \"Rome\".",
        ]
    );
    assert_eq!(cases[0].1.len(), 3);
    assert_eq!(
        cases[0].1[2],
        json!({"type": "contains", "value": "polite"})
    );
    assert_eq!(cases[4].1[0]["type"], "assert-set");
    assert_eq!(
        cases[4].1[0]["assert"][1],
        json!({"type": "icontains-any", "value": ["Italy", "Italia"]})
    );
    let first = &imported.cases[0];
    assert_eq!(first.request["temperature"], 0);
    assert_eq!(first.request["tools"][0]["function"]["name"], "look_up");
    assert_eq!(first.request.get("apiKey"), None);
    assert_eq!(first.metadata["description"], "a capital");
    let ids: Vec<&str> = imported.cases.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(
        ids[..3],
        [
            "promptfooconfig-1-prompt1",
            "promptfooconfig-1-prompt2",
            "promptfooconfig-1-prompt1-2"
        ]
    );
}

#[test]
fn what_promptfoo_has_and_this_has_not_is_named() {
    let config = r"
prompts: ['{{q}}', 'file://prompt.py', '{{ q | upper }}']
providers: [one, {id: two, config: {temperature: 1}}]
scenarios: []
tests:
  - vars: {q: hi}
    assert:
      - {type: contains, value: x}
      - {type: javascript, value: 'output.length'}
      - {type: equals, value: x, transform: output.name}
      - {type: regex, value: '(?=x)'}
  - vars: {q: hi}
    options: {transform: output.x}
    assert: [{type: contains, value: x}]
  - vars: {q: hi}
  - vars: {z: hi}
    assert: [{type: is-json, value: 'type: object'}]
  - https://example.com/tests.csv
  - file://../outside.yaml
";
    let imported = promptfoo(&[("config.yaml", config), ("prompt.py", "x")]);
    assert_eq!(cases(&imported).len(), 1);
    let shown = unsupported(&imported).join("\n");
    for part in [
        "config.yaml: scenarios: `scenarios`",
        "config.yaml: prompts[1]: prompt file://prompt.py, which is code",
        "config.yaml: providers[1].config: other parameters",
        "config.yaml: tests[0].assert[1].type: \"javascript\" is no assertion",
        "config.yaml: tests[0].assert[2]: `transform` of an assertion of type equals",
        "assert[2].value: \"(?=x)\" is no pattern",
        "config.yaml: tests[0]: template expression {{ q | upper }}",
        "config.yaml: tests[1]: the test is left out: `options.transform`",
        "config.yaml: tests[2]: a test without assertions",
        "config.yaml: tests[3]: template variable {{ q }}, which no test gives",
        "tests[4]: tests from https:",
        "tests[5]: file:",
    ] {
        let there = shown.contains(part)
            || imported
                .unsupported
                .iter()
                .any(|one| one.to_string().contains(part));
        assert!(there, "{part} is not in\n{shown}");
    }
}

#[test]
fn files_are_read_only_below_the_directory() {
    let directory = files(&[
        (
            "a/config.yaml",
            "prompts: file://../secret.txt\ntests: []\n",
        ),
        ("secret.txt", "s"),
    ]);
    let imported = import(
        Format::Promptfoo,
        &[directory.path().join("a/config.yaml")],
        &Options::default(),
    )
    .unwrap();
    let what = &imported.unsupported[0].what;
    assert!(what.contains("is outside of the directory"), "{what}");
    let link = directory.path().join("a/link.txt");
    std::os::unix::fs::symlink(directory.path().join("secret.txt"), &link).unwrap();
    assert!(files::Root::of(&link).unwrap().find("link.txt").is_err());
}

#[test]
fn tests_alone_bring_their_prompt() {
    let csv =
        "prompt,__expected,__metric\nSay hi,icontains: hi,tone\n\"Say \"\"x\"\"\",fn: output,\n";
    let imported = promptfoo(&[("tests.csv", csv)]);
    assert_eq!(
        cases(&imported),
        [(
            "Say hi".to_owned(),
            vec![json!({"type": "icontains", "value": "hi", "metric": "tone"})]
        )]
    );
    assert!(
        unsupported(&imported)[0].contains("\"javascript\" is no assertion"),
        "{imported:?}"
    );
    let lines = "{\"vars\":{\"prompt\":\"Hi\"},\"assert\":[{\"type\":\"is-json\"}]}\nnot json\n";
    let imported = promptfoo(&[("tests.jsonl", lines)]);
    assert_eq!((imported.cases.len(), imported.unsupported.len()), (1, 1));
}

#[test]
fn samples_of_openai_evals() {
    let samples = "{\"input\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user\",\"content\":\"Q\"}],\"ideal\":\"yes\"}\n\
        {\"input\":\"Q\",\"ideal\":[\"a.b\",\"c\"]}\n{\"input\":\"Q\"}\n{\"ideal\":\"x\"}\n{\"input\":\"Q\",\"ideal\":\"\"}\n";
    let check = |scorer: Option<Scorer>, first: Value, second: Value| {
        let options = Options {
            scorer,
            ..Options::default()
        };
        let imported = imported(Format::OpenaiEvals, &[("s.jsonl", samples)], &options);
        assert_eq!(
            cases(&imported),
            [
                ("S | Q".to_owned(), vec![first]),
                ("Q".to_owned(), vec![second])
            ]
        );
        assert_eq!(imported.unsupported.len(), 3, "{imported:?}");
    };
    check(
        None,
        json!({"type": "starts-with", "value": "yes"}),
        json!({"type": "regex", "value": "\\A(?:a\\.b|c)"}),
    );
    check(
        Some(Scorer::Includes),
        json!({"type": "contains-any", "value": ["yes"]}),
        json!({"type": "contains-any", "value": ["a.b", "c"]}),
    );
    check(
        Some(Scorer::Fuzzy),
        json!({"type": "fuzzy-match", "value": ["yes"]}),
        json!({"type": "fuzzy-match", "value": ["a.b", "c"]}),
    );
}

#[test]
fn the_registry_of_openai_evals_names_class_and_samples() {
    let registry = r"
colours:
  id: colours.dev.v0
colours.dev.v0:
  class: evals.elsuite.basic.includes:Includes
  args: {samples_jsonl: colours/samples.jsonl, ignore_case: true}
shapes.dev.v0:
  class: evals.elsuite.basic.match:Match
  args: {samples_jsonl: colours/samples.jsonl, num_few_shot: 1, few_shot_jsonl: colours/few.jsonl}
judged.dev.v0:
  class: evals.elsuite.modelgraded.classify:ModelBasedClassify
  args: {samples_jsonl: colours/samples.jsonl}
json.dev.v0:
  class: evals.elsuite.basic.json_match:JsonMatch
  args: {samples_jsonl: colours/json.jsonl}
";
    let imported = imported(
        Format::OpenaiEvals,
        &[
            ("evals/colours.yaml", registry),
            (
                "data/colours/samples.jsonl",
                "{\"input\":[{\"role\":\"user\",\"content\":\"Q\"}],\"ideal\":\"red\"}\n",
            ),
            (
                "data/colours/few.jsonl",
                "{\"sample\":[{\"role\":\"user\",\"content\":\"F\"}]}\n{\"sample\":[]}\n",
            ),
            (
                "data/colours/json.jsonl",
                "{\"input\":\"Q\",\"ideal\":[\"{\\\"a\\\":1}\",\"[2]\"]}\n",
            ),
        ],
        &Options::default(),
    );
    let mut cases = cases(&imported);
    cases.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(cases[0].0, "F | Q");
    assert_eq!(cases[0].1, [json!({"type": "starts-with", "value": "red"})]);
    let wanted = json!({"type": "icontains-any", "value": ["red"]});
    let either = json!({"type": "assert-set", "threshold": 0.5,
        "assert": [{"type": "equals", "value": {"a": 1}}, {"type": "equals", "value": [2]}]});
    for assertion in [wanted, either] {
        assert!(
            cases.iter().any(|(_, all)| *all == [assertion.clone()]),
            "{assertion}"
        );
    }
    assert!(
        unsupported(&imported)[0].contains("judged.dev.v0: class evals.elsuite.modelgraded"),
        "{imported:?}"
    );
}

#[test]
fn samples_of_inspect() {
    let lines = r#"{"id": "q1", "question": "Largest organ?", "answer": "Skin", "metadata": {"topic": "body"}}
{"question": [{"role": "user", "content": "Which?"}], "answer": "B", "choices": ["One", "Two"]}
{"question": "Q", "answer": "x", "sandbox": "docker"}
{"question": "Q", "answer": "C", "choices": ["One", "Two"]}
"#;
    let fields = [("input", "question"), ("target", "answer")];
    let options = |scorer: Option<Scorer>| Options {
        scorer,
        fields: fields
            .iter()
            .map(|(name, column)| ((*name).to_owned(), (*column).to_owned()))
            .collect(),
        ..Options::default()
    };
    let imported = imported(Format::Inspect, &[("qa.jsonl", lines)], &options(None));
    let cases = cases(&imported);
    assert_eq!(
        cases[0],
        (
            "Largest organ?".to_owned(),
            vec![json!({"type": "icontains-any", "value": ["Skin"]})]
        )
    );
    assert!(
        cases[1].0.starts_with("Which?\n\nA) One\nB) Two\n"),
        "{}",
        cases[1].0
    );
    assert_eq!(cases[1].1[0]["value"], "(?i)answer\\s*:\\s*\\W*B\\b");
    assert_eq!(
        (
            imported.cases[0].id.as_str(),
            &imported.cases[0].metadata["topic"]
        ),
        ("qa-1-q1", &json!("body"))
    );
    assert_eq!(unsupported(&imported).len(), 2, "{imported:?}");
    let exact = super::tests::imported(
        Format::Inspect,
        &[("qa.jsonl", lines)],
        &options(Some(Scorer::Match)),
    );
    assert_eq!(
        super::tests::cases(&exact)[0].1[0]["value"],
        "(?i)(?:Skin)\\W*\\z"
    );
}

#[test]
fn samples_of_inspect_in_csv_and_json() {
    let csv = "input,target,choices\n\"What is 1+1?\",2,\n\"Pick\",A,\"[\"\"x\"\",\"\"y\"\"]\"\n";
    let imported = imported(Format::Inspect, &[("q.csv", csv)], &Options::default());
    assert_eq!(
        (imported.cases.len(), imported.unsupported.len()),
        (2, 0),
        "{imported:?}"
    );
    let json = r#"[{"input": "Q", "target": ["a", "b"]}, 7]"#;
    let imported =
        super::tests::imported(Format::Inspect, &[("q.json", json)], &Options::default());
    assert_eq!((imported.cases.len(), imported.unsupported.len()), (1, 1));
    let directory = files(&[("q.txt", "x")]);
    let error = import(
        Format::Inspect,
        &[directory.path().join("q.txt")],
        &Options::default(),
    )
    .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("samples are .json, .jsonl or .csv"),
        "{error}"
    );
}

#[test]
fn broken_files_are_errors() {
    let check = |format: Format, name: &str, content: &str| {
        let directory = files(&[(name, content)]);
        assert!(
            import(format, &[directory.path().join(name)], &Options::default()).is_err(),
            "{name}"
        );
    };
    check(Format::Promptfoo, "a.yaml", "a: [");
    check(Format::Promptfoo, "a.json", "{");
    check(Format::Promptfoo, "a.txt", "x");
    check(Format::OpenaiEvals, "a.yaml", "- x");
    check(Format::Inspect, "a.json", "{}");
    check(
        Format::Inspect,
        "a.jsonl",
        "version https://git-lfs.github.com/spec/v1\n",
    );
    let missing = import(
        Format::Promptfoo,
        &["/does/not/exist.yaml".into()],
        &Options::default(),
    );
    assert!(missing.is_err());
}

#[test]
fn combinations_that_are_too_many_are_counted() {
    let test = |a: usize, b: usize| {
        let list = |many: usize| format!("[{}]", vec!["x"; many].join(","));
        let text = format!(
            "prompts: ['{{{{a}}}}{{{{b}}}}']\ntests: [{{vars: {{a: {}, b: {}}}, assert: [{{type: is-json}}]}}]\n",
            list(a),
            list(b)
        );
        let imported = promptfoo(&[("promptfooconfig.yaml", &text)]);
        (imported.cases.len(), unsupported(&imported).concat())
    };
    assert_eq!(test(50, 20), (1000, String::new()));
    let (cases, more) = test(60, 20);
    assert_eq!(cases, 1000);
    assert!(more.contains("200 more combinations"), "{more}");
}
