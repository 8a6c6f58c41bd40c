//! The floors: a crate depends only on lower ones, the simulators know nothing of the translation, and one crate knows AWS.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// The floor of each crate. Whatever stands on top (automation, tests, benchmarks) is depended on by nobody.
const FLOORS: &[(&str, u8)] = &[
    ("crossfade-openai", 0),
    ("crossfade-exchange", 0),
    ("crossfade-redact", 0),
    ("crossfade-sim", 0),
    ("crossfade-rollout", 1),
    ("crossfade-statistics", 1),
    ("crossfade-compare", 1),
    ("crossfade-azure", 1),
    ("crossfade-bedrock", 1),
    ("crossfade-proxy", 2),
    ("crossfade-backplane", 2),
    ("crossfade-judge", 2),
    ("crossfade-replay", 2),
    ("crossfade", 3),
    ("crossfade-decisions", 4),
    ("xtask", 4),
    ("crossfade-tests", 4),
    ("crossfade-benches", 5),
    ("crossfade-fuzz", 5),
];

/// Crates that must not be compiled into what need not know them.
const APART: &[(&str, &str)] = &[
    ("crossfade-sim", "crossfade-bedrock"),
    ("crossfade-sim", "crossfade-openai"),
    ("crossfade-proxy", "crossfade-bedrock"),
    ("crossfade-proxy", "crossfade-azure"),
    ("crossfade-rollout", "tokio"),
    ("crossfade-compare", "tokio"),
    ("crossfade-statistics", "tokio"),
    ("crossfade-redact", "tokio"),
];

fn packages() -> Vec<Package> {
    let mut command = MetadataCommand::new();
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    command
        .manifest_path(manifest)
        .no_deps()
        .other_options(vec!["--offline".to_owned()]);
    command.exec().unwrap().packages
}

/// What a package names in its manifest, for building or for its tests.
fn depends_on(package: &Package) -> impl Iterator<Item = (&str, DependencyKind)> {
    package
        .dependencies
        .iter()
        .map(|dependency| (dependency.name.as_str(), dependency.kind))
}

#[test]
fn a_crate_depends_only_on_lower_floors() {
    let floors: BTreeMap<&str, u8> = FLOORS.iter().copied().collect();
    let packages = packages();
    for package in &packages {
        let name = package.name.as_str();
        let floor = floors
            .get(name)
            .unwrap_or_else(|| panic!("{name} has no floor: give it one here"));
        for (dependency, kind) in depends_on(package) {
            if let Some(lower) = floors.get(dependency) {
                assert!(
                    lower < floor,
                    "{name} (floor {floor}) depends on {dependency} (floor {lower}, {kind})"
                );
            }
        }
    }
    let known: Vec<&str> = packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    for (name, _) in FLOORS {
        assert!(known.contains(name), "{name} stands here, and nowhere else");
    }
}

#[test]
fn some_crates_stay_apart() {
    let packages = packages();
    for (name, apart) in APART {
        let package = packages
            .iter()
            .find(|package| package.name.as_str() == *name)
            .unwrap();
        let mut normal = depends_on(package).filter(|(_, kind)| *kind == DependencyKind::Normal);
        assert!(
            !normal.any(|(dependency, _)| dependency == *apart),
            "{name} depends on {apart}"
        );
    }
}

#[test]
fn one_crate_knows_aws() {
    let mut knows = Vec::new();
    for package in packages() {
        // What TLS and sealing are made with is cryptography, and knows no cloud.
        let knows_aws = |name: &str| name.starts_with("aws-") && name != "aws-lc-rs";
        if depends_on(&package).any(|(dependency, _)| knows_aws(dependency)) {
            knows.push(package.name.to_string());
        }
    }
    assert_eq!(knows, ["crossfade-bedrock"]);
}

/// The most lines of a file of code: more wants splitting by noun.
const LONGEST_FILE: usize = 500;

#[test]
fn no_file_of_code_is_longer_than_a_reader_bears() {
    let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut directories: Vec<_> = ["crates", "tests", "benches"]
        .map(|top| root.join(top))
        .into();
    let mut read = 0;
    let mut too_long = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                read += 1;
                let lines = std::fs::read_to_string(&path).unwrap().lines().count();
                if lines > LONGEST_FILE {
                    too_long.push((path, lines));
                }
            }
        }
    }
    assert!(read > 100, "looked in the wrong place");
    assert_eq!(too_long, []);
}
