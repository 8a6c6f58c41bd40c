//! `rules`: the differences of a route that do not matter, by whose word, and taking one back.

use std::fmt::Write as _;

use http::Method;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    review::{RuleLine, RuleList},
    text::plain,
};

use super::{
    admin::{Admin, Ask, escape},
    args::{Output, RulesArgs},
    failure::Failure,
    print,
    status::{ago, foreign, now_ms},
};

/// `rules`
pub(super) fn run(args: &RulesArgs) -> Result<(), Failure> {
    let path = format!("/api/v1/routes/{}/rules", escape(&args.route));
    let ask = match &args.withdraw {
        Some(signature) => {
            let path = format!("{path}/{}", escape(signature));
            Ask::change(Method::DELETE, path, Value::Null)
        }
        None => Ask::get(path),
    };
    let answer = Admin::new(&args.admin)?.ask(ask)?;
    match args.admin.output {
        Output::Json => print::json(&answer),
        Output::Text => {
            let list = RuleList::deserialize(&answer).map_err(|error| foreign(&error))?;
            print::data(&text(&list.rules, now_ms()));
        }
    }
    Ok(())
}

fn text(rules: &[RuleLine], now_ms: u64) -> String {
    if rules.is_empty() {
        return "no difference is accepted\n".to_owned();
    }
    let mut out = String::new();
    for rule in rules {
        let _ = writeln!(
            out,
            "{}  accepted by {}, {}: {}",
            plain(&rule.signature),
            plain(&rule.by),
            ago(rule.at_unix_ms, now_ms),
            plain(&rule.reason)
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use crossfade_exchange::RouteId;

    use super::*;

    #[test]
    fn rules_say_who_and_why() {
        let rule = RuleLine {
            route: RouteId::new("support"),
            signature: "8d".to_owned(),
            by: "ana".to_owned(),
            reason: "dates are ISO now".to_owned(),
            at_unix_ms: 1_000,
        };
        assert_eq!(
            text(&[rule], 61_000),
            "8d  accepted by ana, 60 s ago: dates are ISO now\n"
        );
        assert_eq!(text(&[], 0), "no difference is accepted\n");
    }
}
