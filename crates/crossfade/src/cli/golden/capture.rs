//! `capture`: golden cases out of what is kept as evidence. What a verdict makes of an exchange is decided in
//! [`crossfade_replay::capture`].

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

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
    review::{AnswerPage, ExchangeList, ExchangePage, ReviewLine, ReviewList},
};

use super::{cases, lines, name, write};

/// The most exchanges that are looked at: what one page of the admin API holds.
const MOST_LOOKED_AT: usize = 1000;

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

/// The exchanges that are looked at, each once.
fn ids(
    admin: &Admin,
    args: &CaptureArgs,
    reviews: &BTreeMap<String, ReviewLine>,
) -> Result<Vec<String>, Failure> {
    let path = with_route(format!("/api/v1/exchanges?limit={MOST_LOOKED_AT}"), args);
    let list: ExchangeList = ask(admin, path)?;
    if list.exchanges.len() >= MOST_LOOKED_AT {
        print::note(&format!(
            "only the newest {MOST_LOOKED_AT} exchanges are looked at"
        ));
    }
    let wanted = |id: &String| !args.reviewed || reviews.contains_key(id);
    Ok(list
        .exchanges
        .into_iter()
        .filter(|line| line.bodies)
        .map(|line| line.id)
        .filter(wanted)
        .collect())
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
