//! `capture`: golden cases out of what is kept as evidence. What a verdict makes of an exchange is decided in
//! [`crossfade_replay::capture`].

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::PathBuf,
};

use clap::Args;
use crossfade_replay::capture::{CaptureOptions, Kept, KeptAnswer, select};
use serde::de::DeserializeOwned;

use crate::{
    cli::{
        admin::{Admin, Ask, escape},
        args::AdminArgs,
        failure::Failure,
        print,
        status::foreign,
    },
    review::{AnswerPage, ExchangeLine, ExchangeList, ExchangePage, ReviewLine, ReviewList},
};

use super::{cases, lines, name, write};

/// The most exchanges that are looked at: what one page of the admin API holds.
const MOST_LOOKED_AT: usize = 1000;

/// Pages that are looked through for what was decided.
const MOST_PAGES: usize = 100;

/// `capture`
#[derive(Debug, Args)]
pub(in crate::cli) struct CaptureArgs {
    /// Only this route
    #[arg(long, value_name = "ROUTE")]
    route: Option<String>,
    /// The golden set that is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write over a file that is there already
    #[arg(long)]
    force: bool,
    /// Only what a person has decided; without it, also pairs that the checks found to agree
    #[arg(long)]
    reviewed: bool,
    /// The most cases; they are drawn by route, risk, length and tool
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// What the draw begins with: the same seed and exchanges give the same set
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    admin: AdminArgs,
}

/// `capture`
pub(in crate::cli) fn run(args: &CaptureArgs) -> Result<(), Failure> {
    let admin = Admin::new(&args.admin)?;
    let reviews = reviews(&admin, args)?;
    let mut kept = Vec::new();
    for id in ids(&admin, args, &reviews)? {
        let page: ExchangePage = ask(&admin, format!("/api/v1/exchanges/{}", escape(&id)))?;
        kept.push(of_page(page, reviews.get(&id)));
    }
    let options = CaptureOptions {
        limit: usize::try_from(args.limit).unwrap_or(usize::MAX),
        reviewed: args.reviewed,
        seed: args.seed,
    };
    let capture = select(kept, &options);
    name(&capture.left_out, 0);
    if capture.over > 0 {
        print::note(&format!(
            "{} more could be captured: see --limit",
            cases(capture.over)
        ));
    }
    if capture.cases.is_empty() {
        return Err(Failure::new(
            "nothing can be captured",
            "decide reviews with `crossfade review`, or capture without --reviewed",
        ));
    }
    write(&args.out, args.force, &lines(&capture.cases))?;
    print::data(&format!(
        "{} written to {}",
        cases(capture.cases.len()),
        args.out.display()
    ));
    Ok(())
}

/// What persons have decided, by the exchange's id.
fn reviews(admin: &Admin, args: &CaptureArgs) -> Result<BTreeMap<String, ReviewLine>, Failure> {
    let path = with_route(
        format!("/api/v1/reviews?state=decided&limit={MOST_LOOKED_AT}"),
        args,
    );
    let list: ReviewList = ask(admin, path)?;
    let mut reviews = BTreeMap::new();
    for review in list.reviews {
        // Newest first: the latest word counts.
        reviews.entry(review.exchange.clone()).or_insert(review);
    }
    Ok(reviews)
}

/// The exchanges that are looked at, each once: the newest, and whatever was decided, however old.
fn ids(
    admin: &Admin,
    args: &CaptureArgs,
    reviews: &BTreeMap<String, ReviewLine>,
) -> Result<Vec<String>, Failure> {
    let mut looked = Looked::new(args.reviewed, reviews.keys().cloned());
    let mut before: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let mut path = with_route(format!("/api/v1/exchanges?limit={MOST_LOOKED_AT}"), args);
        if let Some(id) = &before {
            // Writing to a string cannot fail.
            let _ = write!(path, "&before={}", escape(id));
        }
        let list: ExchangeList = ask(admin, path)?;
        before = list.exchanges.last().map(|line| line.id.clone());
        if !looked.page(list.exchanges, MOST_LOOKED_AT) {
            break;
        }
    }
    if looked.cut {
        print::note(&format!(
            "of those that nobody decided, only the newest {MOST_LOOKED_AT} are looked at"
        ));
    }
    if !looked.wanted.is_empty() {
        print::note(&format!(
            "left out: {} decided, whose bodies are no longer kept",
            looked.wanted.len()
        ));
    }
    Ok(looked.ids)
}

/// What pages of kept exchanges, the newest first, give to capture.
struct Looked {
    /// Only what was decided.
    reviewed: bool,
    /// Decided, and not found yet.
    wanted: BTreeSet<String>,
    ids: Vec<String>,
    pages: usize,
    /// Whether some that nobody decided were not looked at.
    cut: bool,
}

// === impl Looked ===

impl Looked {
    fn new(reviewed: bool, decided: impl Iterator<Item = String>) -> Self {
        Self {
            reviewed,
            wanted: decided.collect(),
            ids: Vec::new(),
            pages: 0,
            cut: false,
        }
    }

    /// Takes a page in; whether another is worth asking for.
    fn page(&mut self, lines: Vec<ExchangeLine>, full: usize) -> bool {
        let more = lines.len() >= full;
        for line in lines.into_iter().filter(|line| line.bodies) {
            let decided = self.wanted.remove(&line.id);
            if decided || (!self.reviewed && self.pages == 0) {
                self.ids.push(line.id);
            }
        }
        self.pages += 1;
        self.cut |= more && !self.reviewed;
        more && !self.wanted.is_empty()
    }
}

fn with_route(mut path: String, args: &CaptureArgs) -> String {
    if let Some(route) = &args.route {
        // Writing to a string cannot fail.
        let _ = write!(path, "&route={}", escape(route));
    }
    path
}

fn ask<T: DeserializeOwned>(admin: &Admin, path: String) -> Result<T, Failure> {
    let answer = admin.ask(Ask::get(path))?;
    T::deserialize(answer).map_err(|error| foreign(&error))
}

fn of_page(page: ExchangePage, review: Option<&ReviewLine>) -> Kept {
    let answer = |answer: AnswerPage| KeptAnswer {
        status: answer.status,
        ending: answer.ending,
        body: answer.body.body,
    };
    Kept {
        id: page.line.id,
        route: page.line.route,
        operation: page.line.operation,
        request: page.request.body,
        primary: page.primary.map(answer),
        candidate: page.candidate.map(answer),
        class: page.line.class,
        review: review
            .and_then(|review| review.decision.as_ref())
            .map(|decision| decision.verdict),
        reasons: review
            .map(|review| review.reasons.clone())
            .unwrap_or_default(),
        signature: page.line.signature,
    }
}

#[cfg(test)]
mod tests {
    use crossfade_exchange::{Operation, RouteId};

    use super::*;

    fn line(id: &str) -> ExchangeLine {
        ExchangeLine {
            id: id.trim_end_matches('-').to_owned(),
            route: RouteId::new("support"),
            operation: Operation::Chat,
            received_unix_ms: 0,
            class: None,
            parity: None,
            signature: None,
            why: "random".to_owned(),
            bytes: 1,
            // A dash stands for bodies that are gone.
            bodies: !id.ends_with('-'),
        }
    }

    /// Pages of two, what was decided, and what is taken of them, not found, and cut.
    fn check(
        reviewed: bool,
        decided: &[&str],
        pages: &[&[&str]],
        taken: &str,
        lost: usize,
        cut: bool,
    ) {
        let decided = decided.iter().map(|id| (*id).to_owned());
        let mut looked = Looked::new(reviewed, decided);
        for page in pages {
            if !looked.page(page.iter().map(|id| line(id)).collect(), 2) {
                break;
            }
        }
        let found = (looked.ids.concat(), looked.wanted.len(), looked.cut);
        assert_eq!(found, (taken.to_owned(), lost, cut), "{pages:?}");
    }

    #[test]
    fn what_was_decided_is_found_however_old() {
        let pages: &[&[&str]] = &[&["f", "e"], &["d", "c-"], &["b"]];
        check(true, &["b", "e"], pages, "eb", 0, false);
        check(true, &["c"], pages, "", 1, false);
        check(false, &["b"], pages, "feb", 0, true);
        check(false, &[], pages, "fe", 0, true);
        check(false, &[], &[&["a"]], "a", 0, false);
    }
}
