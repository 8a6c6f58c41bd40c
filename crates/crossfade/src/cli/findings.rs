//! `findings`: what the comparison of a route has found. Only shows; every number is the server's.

use std::fmt::Write as _;

use crossfade_statistics::RouteReport;
use serde::Deserialize;

use crate::{review::RuleLine, text::is_control};

use super::{
    admin::{Admin, Ask, escape},
    args::{FindingsArgs, Output},
    failure::Failure,
    print,
    status::{count, foreign},
};

#[derive(Debug, Deserialize)]
struct Page {
    route: String,
    reviews_open: u64,
    rules: Vec<RuleLine>,
    report: RouteReport,
}

/// `findings`
pub(super) fn run(args: &FindingsArgs) -> Result<(), Failure> {
    let path = format!("/api/v1/routes/{}/findings", escape(&args.route));
    let answer = Admin::new(&args.admin)?.ask(Ask::get(path))?;
    match args.admin.output {
        Output::Json => print::json(&answer),
        Output::Text => {
            let page = Page::deserialize(&answer).map_err(|error| foreign(&error))?;
            print::data(&text(&page));
        }
    }
    Ok(())
}

fn text(page: &Page) -> String {
    let mut out = tame(&page.report.text());
    if !out.ends_with('\n') {
        out.push('\n');
    }
    let route = tame(&page.route);
    let open = page.reviews_open;
    if open > 0 {
        let waits = if open == 1 { "waits" } else { "wait" };
        let _ = writeln!(
            out,
            "{} {waits} for a person: crossfade reviews --route {route}",
            count(open)
        );
    }
    if !page.rules.is_empty() {
        let rules = page.rules.len() as u64;
        let _ = writeln!(
            out,
            "{} accepted kinds of difference: crossfade rules {route}",
            count(rules)
        );
    }
    out
}

/// Several lines without what controls a terminal.
fn tame(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter != '\n' && is_control(letter) {
            out.extend(letter.escape_default());
        } else {
            out.push(letter);
        }
    }
    out
}
