//! `ledger`: the history, newest last. Only shows; the chain is the server's to check.

use std::fmt::Write as _;

use serde::Deserialize;

use crossfade_rollout::Entry;

use crate::text::plain;

use super::{
    admin::{Admin, Ask, escape},
    args::{LedgerArgs, Output},
    failure::Failure,
    print,
    status::{foreign, now_ms},
};

#[derive(Debug, Deserialize)]
struct Page {
    entries: Vec<Entry>,
}

/// `ledger`
pub(super) fn run(args: &LedgerArgs) -> Result<(), Failure> {
    let mut path = format!("/api/v1/ledger?limit={}", args.limit);
    if let Some(route) = &args.route {
        let _ = write!(path, "&route={}", escape(route));
    }
    let answer = Admin::new(&args.admin)?.ask(Ask::get(path))?;
    match args.admin.output {
        Output::Json => print::json(&answer),
        Output::Text => {
            let page = Page::deserialize(&answer).map_err(|error| foreign(&error))?;
            print::data(&text(&page.entries, now_ms()));
        }
    }
    Ok(())
}

fn text(entries: &[Entry], now_ms: u64) -> String {
    if entries.is_empty() {
        return "nothing has been changed yet\n".to_owned();
    }
    let mut out = String::new();
    for entry in entries {
        let route = entry
            .route
            .as_ref()
            .map_or("all routes", |route| route.as_str());
        let when = super::status::ago(entry.at_unix_ms, now_ms);
        let _ = writeln!(
            out,
            "{:>5}  {:<12} {:<24} {}\n       by {}: {}",
            entry.sequence,
            when,
            route,
            entry.change,
            plain(&entry.actor.to_string()),
            plain(&entry.reason),
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use crossfade_exchange::{Percent, RouteId};
    use crossfade_rollout::{Actor, ActorRole, Change, Evidence};

    use super::*;

    #[test]
    fn entries_show_who_and_why() {
        let entry = Entry {
            sequence: 4,
            at_unix_ms: 1_000,
            route: Some(RouteId::new("support")),
            actor: Actor::new("ana", ActorRole::Operator),
            reason: "first\nstep".to_owned(),
            change: Change::Split {
                from: Percent::ZERO,
                to: Percent::new(5.0).unwrap(),
                salt: 1,
                attempt: Some(1),
                new_attempt: None,
                override_: false,
                stage: None,
            },
            evidence: Evidence::default(),
        };
        let shown = text(&[entry, Entry::started(5, 2_000, "restart")], 61_000);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(
            lines,
            [
                "    4  60 s ago     support                  split from 0 % to 5 %",
                "       by ana (operator): first\\nstep",
                "    5  59 s ago     all routes               controller started",
                "       by controller (controller): restart",
            ]
        );
        assert_eq!(text(&[], 0), "nothing has been changed yet\n");
    }
}
