//! Opinions about an exchange whose sides were asked twice. How far the candidate is from the primary and how far each side is
//! from itself must be the same measure: either all of these pairs are judged with an opinion, or none of them is.

use std::sync::Arc;

use crossfade_exchange::{Exchange, Opinions, RouteId, Side};
use futures_util::future::join3;
use tokio_util::sync::CancellationToken;

use super::{Checks, Judged, Panel, Sink};

/// The texts of an exchange whose primary was asked twice.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Repeated {
    pair: [String; 2],
    primary: [String; 2],
    /// Where the candidate was asked twice too.
    candidate: Option<[String; 2]>,
}

// === impl Repeated ===

impl Repeated {
    /// Reads the texts; `None` where one of them is missing or says nothing.
    pub(super) fn of(exchange: &Exchange, checks: &Checks) -> Option<Self> {
        let text = |recording| {
            let read = checks.read(exchange.operation, &exchange.request, recording);
            let text = read.ok()?.text;
            (!text.trim().is_empty()).then_some(text)
        };
        let primary = text(exchange.recording(Side::Primary)?)?;
        let candidate = text(exchange.recording(Side::Candidate)?)?;
        let again = |side: Side| text(exchange.repeat(side)?);
        Some(Self {
            primary: [primary.clone(), again(Side::Primary)?],
            candidate: again(Side::Candidate).map(|again| [candidate.clone(), again]),
            pair: [primary, candidate],
        })
    }
}

/// Asks about all of them, forms the verdicts anew if every answer came, and tells them on.
pub(super) async fn ask(
    panel: &Panel,
    route: &RouteId,
    texts: &Repeated,
    (mut judged, sink): (Judged, Sink),
    stop: &CancellationToken,
) {
    let cosines = join3(
        panel.cosine(route, Some(&texts.pair)),
        panel.cosine(route, Some(&texts.primary)),
        panel.cosine(route, texts.candidate.as_ref()),
    );
    let (pair, primary, candidate) = tokio::select! {
        biased;
        () = stop.cancelled() => (None, None, None),
        cosines = cosines => cosines,
    };
    let missing = texts.candidate.is_some() && candidate.is_none();
    let checks = panel
        .routes
        .get(route)
        .map(|(checks, _)| Arc::clone(checks));
    let (Some(checks), Some(pair), Some(primary), false) = (checks, pair, primary, missing) else {
        return sink(judged);
    };
    let formed = tokio::task::spawn_blocking(move || {
        let of = |cosine| Opinions {
            cosine,
            ..Opinions::default()
        };
        let exchange = &judged.exchange;
        let verdict = checks.compare_with(exchange, &of(Some(pair)));
        let noise = checks.compare_repeat_with(exchange, Side::Primary, &of(Some(primary)));
        let again = checks.compare_repeat_with(exchange, Side::Candidate, &of(candidate));
        judged.verdict = verdict;
        judged.noise = noise;
        judged.candidate_noise = again;
        sink(judged);
    });
    if formed.await.is_err() {
        tracing::error!(%route, "opinions.comparison.panicked");
    }
}
