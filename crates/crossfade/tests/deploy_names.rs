//! Dashboards and alerts name only metrics and labels that exist, those of the generated `metrics.md`; and whoever is woken by an
//! alert finds in `rollout.md` what to do.
#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    reason = "the helpers of a test fail by panicking"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every metric of the page with its kind and its labels.
fn known() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let page = fs::read_to_string(root().join("crates/crossfade/metrics.md")).unwrap();
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, name, kind, _unit, labels, ..] = cells.as_slice() else {
            return None;
        };
        let name = name.strip_prefix('`')?.strip_suffix('`')?;
        let labels = labels
            .split(',')
            .map(|label| label.trim().trim_matches('`').to_owned());
        Some((name.to_owned(), ((*kind).to_owned(), labels.collect())))
    });
    let known: BTreeMap<_, _> = rows.collect();
    assert!(
        known.len() > 20,
        "the table of metrics.md is not understood: {known:?}"
    );
    known
}

/// The texts under `deploy/` that may name metrics.
fn texts() -> Vec<(String, String)> {
    let mut texts = Vec::new();
    let mut directories = vec![root().join("deploy")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                texts.push((path.display().to_string(), text));
            }
        }
    }
    assert!(texts.len() >= 3, "deploy/ has lost files");
    texts
}

/// Every metric that a text names, with the label names in the braces after it.
fn named(text: &str) -> Vec<(String, Vec<String>)> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices("crossfade_")
        .filter(|(at, _)| !text[..*at].ends_with(word))
        .map(|(at, _)| {
            let rest = &text[at..];
            let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            let selectors = after
                .strip_prefix('{')
                .and_then(|a| a.split_once('}'))
                .map(|(s, _)| s);
            let labels = selectors
                .unwrap_or_default()
                .split(',')
                .filter_map(|selector| {
                    let label = selector.split(['=', '!']).next()?.trim();
                    (!label.is_empty()).then(|| label.to_owned())
                });
            (name.to_owned(), labels.collect())
        })
        .collect()
}

#[test]
fn every_name_exists() {
    let known = known();
    let mut seen = BTreeSet::new();
    for (file, text) in texts() {
        for (name, labels) in named(&text) {
            let base = ["_bucket", "_sum", "_count"]
                .iter()
                .filter_map(|suffix| name.strip_suffix(suffix))
                .find(|base| {
                    known
                        .get(*base)
                        .is_some_and(|(kind, _)| kind == "histogram")
                })
                .unwrap_or(&name);
            let (kind, has) = known
                .get(base)
                .unwrap_or_else(|| panic!("{file} names {name}, which does not exist"));
            assert!(
                kind != "histogram" || base != name,
                "{file} names the histogram {name} without _bucket, _sum or _count"
            );
            for label in labels {
                assert!(has.contains(&label), "{file}: {name} has no label {label}");
            }
            seen.insert(base.to_owned());
        }
    }
    assert!(seen.len() > 20, "dashboards name hardly anything: {seen:?}");
}

#[test]
fn every_alert_says_what_to_do() {
    let rules = fs::read_to_string(root().join("deploy/prometheus/alerts.yml")).unwrap();
    let guide = fs::read_to_string(root().join("deploy/rollout.md")).unwrap();
    let (_, after) = guide.split_once("\n## When an alert fires\n").unwrap();
    let (section, _) = after.split_once("\n## ").unwrap();
    let told: BTreeMap<&str, bool> = section
        .lines()
        .filter_map(|row| row.strip_prefix("| `")?.split_once(" |"))
        .map(|(first, _)| first)
        .flat_map(|first| {
            let pages = first.ends_with("(page)");
            let names = first.split('`').filter(|name| name.starts_with("Cross"));
            names.map(move |name| (name, pages))
        })
        .collect();
    let alerts: BTreeMap<&str, bool> = rules
        .split("- alert: ")
        .skip(1)
        .map(|rule| {
            let name = rule.lines().next().unwrap_or_default().trim();
            for annotation in ["summary: ", "description: "] {
                assert!(rule.contains(annotation), "{name} has no {annotation}");
            }
            (name, rule.contains("severity: page"))
        })
        .collect();
    assert!(alerts.len() > 15, "{alerts:?}");
    assert_eq!(told, alerts);
}

#[test]
fn names_are_found_where_they_stand() {
    let found =
        named("sum(rate(crossfade_a_total{x=\"1\",y!~\"2\"}[5m])) / crossfade_b > my_crossfade_c");
    let expected = vec![
        (
            "crossfade_a_total".to_owned(),
            vec!["x".to_owned(), "y".to_owned()],
        ),
        ("crossfade_b".to_owned(), vec![]),
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_dashboard_is_json_and_its_panels_do_not_overlap() {
    let text = fs::read_to_string(root().join("deploy/grafana/dashboard.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut taken = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        for x in at("x")..at("x") + at("w") {
            assert!(x < 24, "{}", panel["title"]);
            for y in at("y")..at("y") + at("h") {
                assert!(
                    taken.insert((x, y)),
                    "{} overlaps another panel",
                    panel["title"]
                );
            }
        }
    }
}
