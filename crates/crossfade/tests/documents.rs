//! The top-level documents link only to what exists.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The targets of a Markdown text's inline links that lie in the repository, without their fragments.
fn links(text: &str) -> Vec<&str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
        .filter(|target| !target.contains("://") && !target.starts_with('#'))
        .map(|target| target.split('#').next().unwrap_or(target))
        .collect()
}

/// Paths that stand in a text as code: what begins like one of the repository's directories.
fn paths(text: &str) -> Vec<&str> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter(|code| {
            ["crates/", "config/", "deploy/"]
                .iter()
                .any(|start| code.starts_with(start))
        })
        .filter(|code| !code.contains([' ', '*', '<']))
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut followed = 0;
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "SECURITY.md",
    ] {
        let text = fs::read_to_string(root().join(name)).unwrap();
        for target in links(&text).into_iter().chain(paths(&text)) {
            assert!(
                root().join(target).exists(),
                "{name} names {target}, which does not exist"
            );
            followed += 1;
        }
    }
    assert!(followed > 30, "{followed}");
}

#[test]
fn links_are_found() {
    let text = "[a](b/c.md#d) [x](https://e.example) [y](#z) `crates/f` `crates/g h` `cargo`";
    assert_eq!(links(text), ["b/c.md"]);
    assert_eq!(paths(text), ["crates/f"]);
}
