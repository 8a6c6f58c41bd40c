//! `verify-ledger`: what the verification found, printed.

use std::{fmt::Write as _, thread, time::Duration};

use crossfade_exchange::RouteId;
use serde_json::json;

use super::{
    args::{Output, VerifyArgs},
    failure::{Failure, OTHER},
    print,
};
use crate::{
    config::Config,
    text::plain,
    verification::{NotVerified, VerifiedLedger, knows_head, verify_directory},
};

/// A running controller may be between an outcome and the roll-back that it demands: so often it is looked at again.
const LOOKS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// `verify-ledger`
pub(super) fn run(args: &VerifyArgs) -> Result<(), Failure> {
    let directory = match (&args.source.config, &args.source.data) {
        (Some(file), _) => Config::load(file)?.data.directory,
        (None, Some(directory)) => directory.clone(),
        (None, None) => {
            return Err(Failure::usage(
                "no data directory is named",
                "use --config FILE or --data DIR",
            ));
        }
    };
    if !directory.is_dir() {
        return Err(Failure::new(
            format!("{} is no directory", directory.display()),
            "name the [data] directory of the configuration, or a copy of it",
        ));
    }
    let route = args.route.as_deref().map(RouteId::new);
    let mut looks = 1;
    let result = loop {
        let result = verify_directory(&directory, route.as_ref());
        if looks == LOOKS || !matches!(result, Err(NotVerified::Due { .. })) {
            break result;
        }
        looks += 1;
        thread::sleep(PAUSE);
    };
    let result = result.and_then(|verified| match &args.head {
        Some(head) => knows_head(&directory, head).map(|()| verified),
        None => Ok(verified),
    });
    match (result, args.output) {
        (Ok(verified), Output::Text) => print::data(&text(&verified)),
        (Ok(verified), Output::Json) => {
            let mut value = json!(verified);
            if let Some(object) = value.as_object_mut() {
                object.insert("verified".to_owned(), true.into());
            }
            print::json(&value);
        }
        (Err(problem), output) => {
            if output == Output::Json {
                print::json(&found(&problem));
            }
            return Err(Failure::ended(OTHER, plain(&chain(&problem))));
        }
    }
    Ok(())
}

fn text(verified: &VerifiedLedger) -> String {
    let VerifiedLedger { head, history } = verified;
    let mut out = String::new();
    for attempt in &history.attempts {
        let what = if attempt.out_of_turn {
            "LOG MISSING though an earlier one is kept, so that neither age nor size took it: its evidence was not computed again"
                .to_owned()
        } else if attempt.pruned {
            "log not kept: its evidence was not computed again".to_owned()
        } else {
            format!(
                "{} outcomes computed again, {} behind its last entry",
                attempt.outcomes, attempt.behind
            )
        };
        let _ = writeln!(
            out,
            "{:<24} {:<8} {:>4}  {what}",
            plain(attempt.route.as_str()),
            attempt.phase,
            attempt.id,
        );
    }
    let taken_as_told = match history.attempts.iter().filter(|a| a.pruned).count() {
        0 => String::new(),
        some => format!(", the evidence of {some} attempts as it stands in them"),
    };
    let _ = writeln!(
        out,
        "verified: {} entries hold{taken_as_told}; the head is {}\nkeep the head elsewhere: only with it a ledger that was cut or written anew as a whole is told apart (--head)",
        history.entries,
        if head.is_empty() { "none yet" } else { head },
    );
    out
}

fn found(problem: &NotVerified) -> serde_json::Value {
    let (entry, route) = match problem {
        NotVerified::Chain(crossfade_backplane::LedgerError::Broken { sequence, .. }) => {
            (Some(*sequence), None)
        }
        NotVerified::Entry(mismatch) => (mismatch.entry, mismatch.route.clone()),
        NotVerified::Due { route, .. } => (None, Some(route.clone())),
        NotVerified::Chain(_) | NotVerified::Head(_) | NotVerified::Gone | NotVerified::Read(_) => {
            (None, None)
        }
    };
    json!({ "verified": false, "entry": entry, "route": route, "what": chain(problem) })
}

fn chain(problem: &NotVerified) -> String {
    let mut text = problem.to_string();
    let mut source = std::error::Error::source(problem);
    while let Some(cause) = source {
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}
