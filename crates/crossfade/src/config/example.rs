//! `config/crossfade.toml` holds every key, shows true defaults, and is valid.

use std::{collections::BTreeSet, path::PathBuf};

use serde_json::Value;

use super::{Config, document::Document, raw::RawConfig, schema};

fn example() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../config/crossfade.toml");
    std::fs::read_to_string(path).unwrap()
}

/// The example with every key that is off until it is given.
fn everything() -> String {
    let example = example();
    let lines: Vec<&str> = example
        .lines()
        .map(|line| {
            let key = line
                .strip_prefix('#')
                .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '['));
            key.unwrap_or(line)
        })
        .collect();
    lines.join("\n")
}

fn parse(text: &str) -> Config {
    Config::parse_with(text, "crossfade.toml", &|_| None).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn what_it_shows_as_default_is_the_default() {
    let required = r#"
        [azure]
        endpoint = "https://RESOURCE.openai.azure.com"
        [bedrock]
        region = "us-east-1"
        [routes.support]
        candidate = { model = "us.anthropic.claude-sonnet-4-6" }
    "#;
    assert_eq!(
        format!("{:#?}", parse(&example())),
        format!("{:#?}", parse(required))
    );
}

#[test]
fn keys_that_are_off_are_keys() {
    let text = everything();
    let document = Document::parse(&text, "everything.toml", &|_| None).unwrap();
    if let Err(error) = document.read::<RawConfig>(super::REFUSED) {
        panic!("{error}");
    }
}

/// Every key that the schema knows, with its tables; tables by name are shown as `*`.
fn known(schema: &Value, root: &Value, path: &str, keys: &mut BTreeSet<String>) {
    let reference = schema["$ref"]
        .as_str()
        .and_then(|at| root.pointer(at.strip_prefix('#')?));
    let schema = reference.unwrap_or(schema);
    for key in ["anyOf", "oneOf", "allOf"] {
        for inner in schema[key].as_array().into_iter().flatten() {
            known(inner, root, path, keys);
        }
    }
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        known(inner, root, &path, keys);
        keys.insert(path);
    }
    for (key, inner) in [
        ("*", &schema["additionalProperties"]),
        ("0", &schema["items"]),
    ] {
        if inner["$ref"].is_string() {
            known(inner, root, &format!("{path}.{key}"), keys);
        }
    }
}

/// Every key that a file holds, in the same form.
fn held(value: &toml::Value, path: &str, keys: &mut BTreeSet<String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, inner) in table {
                let key = if path == ".routes" { "*" } else { key };
                let path = format!("{path}.{key}");
                held(inner, &path, keys);
                keys.insert(path);
            }
        }
        toml::Value::Array(items) => {
            for item in items.iter().filter(|item| item.is_table()) {
                held(item, &format!("{path}.0"), keys);
            }
        }
        _ => {}
    }
}

#[test]
fn every_key_is_explained() {
    let schema = schema::generate();
    let (mut known_keys, mut held_keys) = (BTreeSet::new(), BTreeSet::new());
    known(&schema, &schema, "", &mut known_keys);
    held(&toml::from_str(&everything()).unwrap(), "", &mut held_keys);
    // A key that excludes another is explained in the text beside it.
    let told = |path: &str| {
        example().contains(&format!(
            " {} = ",
            path.rsplit('.').next().unwrap_or_default()
        ))
    };
    let missing: Vec<&String> = known_keys
        .difference(&held_keys)
        .filter(|path| !told(path))
        .collect();
    assert!(
        missing.is_empty(),
        "config/crossfade.toml does not show {missing:#?}"
    );
    assert!(known_keys.len() > 80, "{known_keys:#?}");
}

/// The first configuration that the README shows is one.
#[test]
fn the_readme_can_be_followed() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (_, after) = readme.split_once("```toml\n").unwrap();
    let (block, _) = after.split_once("```").unwrap();
    let digest = |name: &str| (name == "CROSSFADE_ANA_SHA256").then(|| "0a".repeat(32));
    let config = Config::parse_with(block, "README.md", &digest).unwrap();
    assert!(config.routes.iter().all(|route| route.owner.is_some()));
    assert_eq!(config.admin.tokens.len(), 1);
}

/// A file that lost lines, or its end, is refused or read; it never ends the process.
#[test]
fn a_mutilated_file_is_answered() {
    let text = everything();
    let lines: Vec<&str> = text.lines().collect();
    let (mut read, mut refused) = (0, 0);
    let mut parse = |text: &str| match Config::parse_with(text, "x.toml", &|_| None) {
        Ok(_) => read += 1,
        Err(error) => {
            assert!(!error.problems.is_empty());
            refused += 1;
        }
    };
    for at in 0..lines.len() {
        parse(&lines[..at].join("\n"));
        let (before, after) = lines.split_at(at);
        let without = [before, after.get(1..).unwrap_or_default()].concat();
        parse(&without.join("\n"));
        let half = lines[at].char_indices().nth(lines[at].chars().count() / 2);
        let (kept, _) = lines[at].split_at(half.map_or(0, |(index, _)| index));
        parse(&[before, &[kept]].concat().join("\n"));
    }
    // With every key given some exclude each other, so hardly anything is read.
    assert!(refused > read, "{read} read, {refused} refused");
}
