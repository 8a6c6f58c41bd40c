#![allow(warnings)]
#[path = "../src/compare/tests/build.rs"]
mod build;
use crossfade_compare::*;
use crossfade_exchange::*;
use std::io::BufRead;
fn main() {
    let checks = Checks::new(CheckSettings::default()).unwrap();
    for line in std::io::stdin().lock().lines() {
        let text: String = serde_json::from_str(&line.unwrap()).unwrap();
        let e = build::exchange(
            &serde_json::json!({}),
            None,
            Some(build::recorded(200, &build::body(&text))),
        );
        let v = checks.compare(&e);
        println!(
            "{}",
            v.candidate.unwrap().stance.map_or("none", |s| s.as_str())
        );
    }
}
