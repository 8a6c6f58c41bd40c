//! `exchanges`: what is kept as evidence, one line each, or one of them with both answers side by side.

use std::fmt::Write as _;

use crossfade_exchange::VerdictClass;
use serde::Deserialize;

use crate::{
    review::{ExchangeLine, ExchangeList, ExchangePage},
    text::plain,
};

use super::{
    admin::{Admin, Ask, escape},
    args::{ExchangesArgs, Output},
    failure::Failure,
    print,
    review::{put_exchange, put_verdict, width},
    status::{ago, count, foreign, now_ms},
};

/// `exchanges`
pub(super) fn run(args: &ExchangesArgs) -> Result<(), Failure> {
    let admin = Admin::new(&args.admin)?;
    let answer = admin.ask(Ask::get(path(args)))?;
    if args.admin.output == Output::Json {
        print::json(&answer);
    } else if args.id.is_some() {
        let page = ExchangePage::deserialize(&answer).map_err(|error| foreign(&error))?;
        print::data(&shown(&page, width(), now_ms()));
    } else {
        let list = ExchangeList::deserialize(&answer).map_err(|error| foreign(&error))?;
        print::data(&text(&list.exchanges, now_ms()));
    }
    Ok(())
}

fn path(args: &ExchangesArgs) -> String {
    if let Some(id) = &args.id {
        return format!("/api/v1/exchanges/{}", escape(id));
    }
    let mut path = format!("/api/v1/exchanges?limit={}", args.limit);
    let class = args.class.map(VerdictClass::as_str);
    for (name, value) in [
        ("route", args.route.as_deref()),
        ("class", class),
        ("signature", args.signature.as_deref()),
    ] {
        if let Some(value) = value {
            let _ = write!(path, "&{name}={}", escape(value));
        }
    }
    path
}

fn text(exchanges: &[ExchangeLine], now_ms: u64) -> String {
    if exchanges.is_empty() {
        return "nothing is kept\n".to_owned();
    }
    let mut out = String::new();
    for line in exchanges {
        let bytes = if line.bodies {
            format!("{} bytes", count(line.bytes))
        } else {
            "bodies gone".to_owned()
        };
        let class = line.class.map_or("unpaired", |class| class.as_str());
        let _ = writeln!(
            out,
            "{}  {:<12} {:<16} {class:<18} {:<7} {bytes}",
            plain(&line.id),
            ago(line.received_unix_ms, now_ms),
            plain(line.route.as_str()),
            plain(&line.why),
        );
    }
    out
}

fn shown(page: &ExchangePage, width: usize, now_ms: u64) -> String {
    let line = &page.line;
    let mut out = format!(
        "{}   {}   received {}   kept for {}\n",
        plain(&line.id),
        plain(line.route.as_str()),
        ago(line.received_unix_ms, now_ms),
        plain(&line.why)
    );
    put_verdict(&mut out, &page.verdict, line.signature.as_deref());
    put_exchange(&mut out, page, width);
    out
}

#[cfg(test)]
mod tests {
    use crossfade_exchange::{Operation, RouteId};

    use super::*;

    #[test]
    fn each_exchange_is_one_line() {
        let line = ExchangeLine {
            id: "e1".to_owned(),
            route: RouteId::new("support"),
            operation: Operation::Chat,
            received_unix_ms: 1_000,
            class: Some(VerdictClass::DifferentMajor),
            parity: None,
            signature: None,
            why: "review".to_owned(),
            bytes: 12_345,
            bodies: true,
        };
        let gone = ExchangeLine {
            bodies: false,
            class: None,
            ..line.clone()
        };
        assert_eq!(
            text(&[line, gone], 61_000),
            "e1  60 s ago     support          different_major    review  12 345 bytes\n\
             e1  60 s ago     support          unpaired           review  bodies gone\n"
        );
        assert_eq!(text(&[], 0), "nothing is kept\n");
    }
}
