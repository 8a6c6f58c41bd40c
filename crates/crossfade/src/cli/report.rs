//! `report`: the migration report of a route, as a file or on the terminal. Only shows; what it says is the server's.

use std::{fs, path::Path};

use serde::Deserialize;
use serde_json::Value;

use super::{
    admin::{Admin, Ask, escape},
    args::{Output, ReportArgs, ReportFormat},
    failure::Failure,
    print,
    status::foreign,
};
use crate::{
    report::{MigrationReport, html, markdown},
    text::{plain, plain_json},
};

/// `report`
pub(super) fn run(args: &ReportArgs) -> Result<(), Failure> {
    let format = format(args)?;
    let path = format!("/api/v1/routes/{}/report", escape(&args.route));
    let answer = Admin::new(&args.admin)?.ask(Ask::get(path))?;
    let report = MigrationReport::deserialize(&answer).map_err(|error| foreign(&error))?;
    if !report.is_whole() {
        return Err(Failure::new(
            "the report's hash is not that of what it says",
            "use the program of the server's version, and look for whoever stands between",
        ));
    }
    let text = rendered(format, &report, &answer);
    let Some(file) = &args.out else {
        print::data(&text);
        return Ok(());
    };
    fs::write(file, text).map_err(|error| {
        Failure::plain(format!("{}: cannot be written: {error}", file.display()))
    })?;
    match args.admin.output {
        Output::Json => print::json(&serde_json::json!({
            "file": file.display().to_string(), "hash": report.hash, "answer": report.content.answer,
        })),
        Output::Text => print::data(&format!(
            "{}: report {} (overall: {})",
            file.display(),
            report.hash,
            report.content.answer.text()
        )),
    }
    Ok(())
}

fn rendered(format: ReportFormat, report: &MigrationReport, answer: &Value) -> String {
    match format {
        ReportFormat::Markdown => markdown(report),
        ReportFormat::Html => html(report),
        ReportFormat::Json => plain_json(answer),
    }
}

/// As it was asked for; else as the file's name says; else for people.
fn format(args: &ReportArgs) -> Result<ReportFormat, Failure> {
    if let Some(asked) = args.format {
        return Ok(asked);
    }
    let ending = args.out.as_deref().and_then(Path::extension);
    let ending = ending
        .and_then(|ending| ending.to_str())
        .map(str::to_ascii_lowercase);
    let named = match ending.as_deref() {
        Some("html" | "htm") => Some(ReportFormat::Html),
        Some("json") => Some(ReportFormat::Json),
        Some("md" | "markdown" | "txt") => Some(ReportFormat::Markdown),
        None => None,
        Some(other) => {
            let what = format!("a report is not written as .{}", plain(other));
            return Err(Failure::usage(
                what,
                "name the file .html, .md or .json, or say --format",
            ));
        }
    };
    let json =
        (args.out.is_none() && args.admin.output == Output::Json).then_some(ReportFormat::Json);
    Ok(named.or(json).unwrap_or(ReportFormat::Markdown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::AdminArgs;

    #[test]
    fn the_form_is_what_was_asked_for() {
        let check = |asked, out: Option<&str>, output, expected| {
            let args = ReportArgs {
                route: "support".to_owned(),
                format: asked,
                out: out.map(Into::into),
                admin: AdminArgs {
                    admin: String::new(),
                    output,
                },
            };
            let found = format(&args).map_err(|failure| failure.what().to_owned());
            let expected: Result<_, &str> = expected;
            assert_eq!(found, expected.map_err(str::to_owned), "{asked:?} {out:?}");
        };
        check(None, None, Output::Text, Ok(ReportFormat::Markdown));
        check(None, None, Output::Json, Ok(ReportFormat::Json));
        check(None, Some("a.html"), Output::Text, Ok(ReportFormat::Html));
        check(None, Some("a.HTM"), Output::Text, Ok(ReportFormat::Html));
        check(None, Some("a.json"), Output::Text, Ok(ReportFormat::Json));
        check(None, Some("a.md"), Output::Json, Ok(ReportFormat::Markdown));
        let pdf = Err("a report is not written as .pdf");
        check(None, Some("a.pdf"), Output::Text, pdf);
        let asked = Some(ReportFormat::Html);
        check(asked, Some("a.md"), Output::Text, Ok(ReportFormat::Html));
        check(asked, Some("a.pdf"), Output::Text, Ok(ReportFormat::Html));
        check(asked, None, Output::Json, Ok(ReportFormat::Html));
    }
}
