//! What people do with the records: look at reviews and exchanges, decide, accept differences. Every call may wait for the
//! disk, so none is for an asynchronous task.

use std::sync::atomic::Ordering;

use crossfade_backplane::{
    DifferenceRule, EvidenceError, Filter, KeptExchange, KeptSummary, ReviewItem, ReviewState,
};
use crossfade_exchange::{
    CheckOutcome, Recording, ReviewReason, ReviewVerdict, RouteId, Severity, Verdict,
};
use crossfade_statistics::{Reviewed, Signature};
use serde_json::Value;

use super::{
    AnswerPage, BodyPage, DecidedPage, DecisionLine, ExchangeLine, ExchangePage, ReviewLine,
    ReviewPage, RuleLine, keeper::now_unix_ms, records::Records, rules::RANDOM_SHARE, says,
    snapshot,
};
use crate::telemetry::ReviewOutcome;

/// Checks that are named in the line of a review.
const MOST_NAMED: usize = 4;

/// What a person decides.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Of the pair.
    pub verdict: ReviewVerdict,
    /// In their own words.
    pub note: String,
    /// Who.
    pub by: String,
    /// Why differences of this signature do not matter from now on, if they do not.
    pub accept: Option<String>,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// There is no such review.
    #[error("there is no review {0}")]
    Unknown(u64),
    /// It was decided otherwise, and a second word does not take the first one's place.
    #[error("review {id} was decided {verdict} by {by}")]
    Decided {
        /// Which.
        id: u64,
        /// How.
        verdict: ReviewVerdict,
        /// By whom.
        by: String,
    },
    /// Nobody decided it in time.
    #[error("review {0} has expired")]
    Expired(u64),
    /// There is nothing that a rule could be about.
    #[error("review {0} has no signature of differences that could be accepted")]
    NoSignature(u64),
    /// There are as many rules as there may be.
    #[error("there are as many rules as there may be")]
    TooManyRules,
    /// The disk refused, or what is on it is damaged.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The process is stopping.
    #[error("the process is stopping")]
    Stopping,
}

/// Which reviews are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Nobody has decided them.
    Open,
    /// Somebody has.
    Decided,
    /// Nobody did in time.
    Expired,
    /// All.
    Any,
}

// === impl Records ===

impl Records {
    /// Reviews: those that are open first, the most urgent first, then the others, newest first.
    pub fn reviews(
        &self,
        route: Option<&RouteId>,
        wanted: Wanted,
        limit: usize,
    ) -> Vec<ReviewLine> {
        let queue = &self.shared.reviews;
        let mut items = match wanted {
            Wanted::Open | Wanted::Any => queue.open_items(route, now_unix_ms()),
            Wanted::Decided | Wanted::Expired => Vec::new(),
        };
        if wanted != Wanted::Open {
            // All that is closed is bounded, and filtered here.
            items.extend(queue.closed_items(route, usize::MAX));
        }
        let fits = |item: &ReviewItem| match (&item.state, wanted) {
            (_, Wanted::Any)
            | (ReviewState::Open, Wanted::Open)
            | (ReviewState::Decided { .. }, Wanted::Decided)
            | (ReviewState::Expired { .. }, Wanted::Expired) => true,
            (
                ReviewState::Open | ReviewState::Decided { .. } | ReviewState::Expired { .. },
                Wanted::Open | Wanted::Decided | Wanted::Expired,
            ) => false,
        };
        let items = items.into_iter().filter(fits).take(limit);
        items.map(|item| review_line(&item)).collect()
    }

    /// Reviews that are open on a route; at least one where it could not be read which are, so that nothing is concluded from none.
    pub fn open_reviews(&self, route: &RouteId) -> usize {
        let reviews = &self.shared.reviews;
        let unread = usize::from(!reviews.is_known());
        reviews.open_count(Some(route)).max(unread)
    }

    /// Of them, those that wait for a person; what was only drawn does not.
    pub fn waiting_reviews(&self, route: &RouteId) -> usize {
        self.shared.reviews.waiting_count(route)
    }

    /// One review with its exchange, if that is kept.
    pub fn review(&self, id: u64) -> Result<ReviewPage, NotDone> {
        let item = self.shared.reviews.get(id).ok_or(NotDone::Unknown(id))?;
        Ok(ReviewPage {
            review: review_line(&item),
            exchange: self.exchange(&item.exchange)?,
            verdict: item.verdict,
        })
    }

    /// Records a decision, which is durable when this returns; the statistics learn it. Said again, it changes nothing.
    pub fn decide(&self, id: u64, decision: Decision) -> Result<DecidedPage, NotDone> {
        let queue = &self.shared.reviews;
        let item = queue.get(id).ok_or(NotDone::Unknown(id))?;
        let unchanged = undecided(&item, &decision)?;
        let signature = match (&decision.accept, &item.signature) {
            (None, _) => None,
            (Some(_), None) => return Err(NotDone::NoSignature(id)),
            (Some(reason), Some(signature)) => Some((signature.clone(), reason.clone())),
        };
        let decided = if unchanged {
            item
        } else {
            let (note, by) = (&decision.note, &decision.by);
            match queue.decide(id, decision.verdict, note, by, now_unix_ms())? {
                Some(decided) => {
                    self.learn(&decided, decision.verdict);
                    decided
                }
                // Somebody else was quicker, or its time has just run out: then it is to be said what it is now.
                None => {
                    let now = queue.get(id).ok_or(NotDone::Unknown(id))?;
                    undecided(&now, &decision)?;
                    now
                }
            }
        };
        let rule = match signature {
            Some((signature, reason)) => {
                Some(self.accept(&decided.route, signature, decision.by, reason)?)
            }
            None => None,
        };
        self.write_down(&decided.route);
        self.export_metrics();
        Ok(DecidedPage {
            review: review_line(&decided),
            unchanged,
            rule,
        })
    }

    /// What people say is rare and dear: the statistics that learnt it are written down at once.
    fn write_down(&self, route: &RouteId) {
        let Some(record) = self.shared.routes.get(route) else {
            return;
        };
        if let Err(error) = snapshot::save(&self.shared.snapshots, route, record) {
            // The next sweep tries again; the decision itself is on disk.
            tracing::error!(%route, %error, "review.statistics.not_written");
        }
    }

    fn learn(&self, item: &ReviewItem, human: ReviewVerdict) {
        self.shared
            .count_review(&item.route, ReviewOutcome::Decided);
        let Some(record) = self.shared.routes.get(&item.route) else {
            return;
        };
        let kept = self.shared.evidence.as_ref().map(|e| e.get(&item.exchange));
        let judge = match kept {
            Some(Ok(Some(kept))) => kept.opinions.judge,
            // The decision counts for the checks all the same.
            Some(Ok(None) | Err(_)) | None => None,
        };
        let drawn = item.reasons.contains(&ReviewReason::RandomAgreement);
        let reviewed = Reviewed {
            verdict: &item.verdict,
            human,
            reasons: &item.reasons,
            inclusion: if drawn { RANDOM_SHARE } else { 1.0 },
            judge,
        };
        record.statistics().reviewed(&reviewed);
        record.told.store(true, Ordering::Relaxed);
    }

    fn accept(
        &self,
        route: &RouteId,
        signature: String,
        by: String,
        reason: String,
    ) -> Result<RuleLine, NotDone> {
        let rule = DifferenceRule {
            route: route.clone(),
            signature,
            by,
            reason,
            at_unix_ms: now_unix_ms(),
        };
        if !self.shared.reviews.accept(rule.clone())? {
            return Err(NotDone::TooManyRules);
        }
        if let (Some(record), Ok(signature)) = (
            self.shared.routes.get(route),
            rule.signature.parse::<Signature>(),
        ) {
            record.statistics().accept(signature);
            record.told.store(true, Ordering::Relaxed);
        }
        Ok(rule_line(rule))
    }

    /// The rules of a route.
    pub fn rules(&self, route: &RouteId) -> Vec<RuleLine> {
        let rules = self.shared.reviews.rules(Some(route));
        rules.into_iter().map(rule_line).collect()
    }

    /// Takes a rule back, durably. `false` if there is none.
    pub fn withdraw(&self, route: &RouteId, signature: &str) -> Result<bool, NotDone> {
        let withdrawn = self.shared.reviews.no_longer_accept(route, signature)?;
        if let (true, Some(record), Ok(signature)) = (
            withdrawn,
            self.shared.routes.get(route),
            signature.parse::<Signature>(),
        ) {
            record.statistics().withdraw(signature);
            record.told.store(true, Ordering::Relaxed);
            self.write_down(route);
        }
        Ok(withdrawn)
    }

    /// Kept exchanges, newest first; `None` if evidence is off, because no key is configured.
    pub fn exchanges(&self, filter: &Filter, limit: usize) -> Option<Vec<ExchangeLine>> {
        let evidence = self.shared.evidence.as_ref()?;
        let summaries = evidence.list(filter, limit);
        Some(summaries.into_iter().map(exchange_line).collect())
    }

    /// One kept exchange with its redacted bodies; `None` if it is not kept.
    pub fn exchange(&self, id: &str) -> Result<Option<ExchangePage>, NotDone> {
        let Some(evidence) = &self.shared.evidence else {
            return Ok(None);
        };
        Ok(evidence.get(id)?.map(exchange_page))
    }
}

/// Whether the same was decided already; an error if it was decided otherwise.
fn undecided(item: &ReviewItem, decision: &Decision) -> Result<bool, NotDone> {
    match &item.state {
        ReviewState::Open => Ok(false),
        ReviewState::Expired { .. } => Err(NotDone::Expired(item.id)),
        ReviewState::Decided {
            verdict, note, by, ..
        } => {
            if (*verdict, note, by) == (decision.verdict, &decision.note, &decision.by) {
                Ok(true)
            } else {
                Err(NotDone::Decided {
                    id: item.id,
                    verdict: *verdict,
                    by: by.clone(),
                })
            }
        }
    }
}

fn review_line(item: &ReviewItem) -> ReviewLine {
    let (state, decision) = match &item.state {
        ReviewState::Open => ("open", None),
        ReviewState::Expired { .. } => ("expired", None),
        ReviewState::Decided {
            verdict,
            note,
            by,
            at_unix_ms,
        } => {
            let decision = DecisionLine {
                verdict: *verdict,
                note: note.clone(),
                by: by.clone(),
                at_unix_ms: *at_unix_ms,
            };
            ("decided", Some(decision))
        }
    };
    ReviewLine {
        id: item.id,
        exchange: item.exchange.clone(),
        route: item.route.clone(),
        reasons: item.reasons.clone(),
        class: item.verdict.class,
        signature: item.signature.clone(),
        what: what(&item.verdict),
        stands_for: item.stands_for,
        opened_unix_ms: item.opened_unix_ms,
        state: state.to_owned(),
        decision,
    }
}

/// The checks that failed, the worst first, each with its first place.
fn what(verdict: &Verdict) -> String {
    let mut failed: Vec<_> = verdict
        .checks
        .iter()
        .filter(|result| result.outcome == CheckOutcome::Fail && result.severity > Severity::Info)
        .collect();
    failed.sort_by_key(|result| std::cmp::Reverse(result.severity));
    let more = failed.len().saturating_sub(MOST_NAMED);
    let mut named: Vec<String> = failed
        .into_iter()
        .take(MOST_NAMED)
        .map(|result| match result.differences.first() {
            Some(place) => format!("{} {} {}", result.check, place.path, place.kind),
            None => result.check.to_string(),
        })
        .collect();
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    named.join(", ")
}

fn rule_line(rule: DifferenceRule) -> RuleLine {
    RuleLine {
        route: rule.route,
        signature: rule.signature,
        by: rule.by,
        reason: rule.reason,
        at_unix_ms: rule.at_unix_ms,
    }
}

fn exchange_line(summary: KeptSummary) -> ExchangeLine {
    ExchangeLine {
        id: summary.id,
        route: summary.route,
        operation: summary.operation,
        received_unix_ms: summary.received_unix_ms,
        class: summary.class,
        parity: summary.parity,
        signature: summary.signature,
        why: summary.why.to_string(),
        bytes: summary.bytes,
        bodies: summary.bodies,
    }
}

fn exchange_page(kept: KeptExchange) -> ExchangePage {
    let line = exchange_line(kept.summary());
    let exchange = kept.exchange;
    let usage = |side: &Option<crossfade_exchange::SideVerdict>| side.as_ref()?.usage;
    let (of_primary, of_candidate) = (usage(&kept.verdict.primary), usage(&kept.verdict.candidate));
    let answer = |recording: Option<Recording>, usage| {
        let recording = recording?;
        Some(AnswerPage {
            role: recording.role,
            ending: recording.ending,
            status: recording.status,
            first_content_seconds: recording.timings.first_content.map(|d| d.as_secs_f64()),
            total_seconds: recording.timings.total.map(|d| d.as_secs_f64()),
            usage,
            losses: recording.losses,
            body: BodyPage {
                says: says::answer(&recording.body),
                body: json(&recording.body),
            },
        })
    };
    ExchangePage {
        line,
        streamed: exchange.streamed,
        request: BodyPage {
            says: says::request(&exchange.request),
            body: json(&exchange.request),
        },
        primary: answer(exchange.primary, of_primary),
        candidate: answer(exchange.candidate, of_candidate),
        verdict: kept.verdict,
        opinions: kept.opinions,
    }
}

/// A body as JSON, or as a text where it is none.
fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()))
}
