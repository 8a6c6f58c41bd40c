//! What is asked, what becomes of it, and that everything goes on.

use std::sync::Mutex;

use bytes::Bytes;
use crossfade_compare::CheckSettings;
use crossfade_exchange::{
    BoxError, Check, CheckOutcome, Percent, Recording, SideRequest, full_body,
};
use crossfade_judge::{Asked, EndpointSettings, JudgeSettings};
use serde_json::json;
use tower::util::BoxCloneSyncService;

use super::*;
use crate::{review::testing, telemetry::Telemetry};

/// A service that answers by a closure over the request's body.
fn service(answer: impl Fn(&Value) -> Value + Clone + Send + Sync + 'static) -> Asked {
    BoxCloneSyncService::new(tower::service_fn(move |request: SideRequest| {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let answer = Bytes::from(answer(&body).to_string());
        async move { Ok::<_, BoxError>(http::Response::new(full_body(answer))) }
    }))
}

fn silent() -> Asked {
    BoxCloneSyncService::new(tower::service_fn(|_: SideRequest| std::future::pending()))
}

/// Vectors of 60 degrees between.
fn vectors(body: &Value) -> Value {
    let texts = body["input"].as_array().unwrap().iter().enumerate();
    let data: Vec<Value> = texts
        .map(|(index, text)| {
            let other = text.as_str().unwrap().contains("money");
            let vector = if other {
                [1.0, 0.0]
            } else {
                [0.5, 0.75_f64.sqrt()]
            };
            json!({ "index": index, "embedding": vector })
        })
        .collect();
    json!({ "data": data })
}

fn says(better: &'static str) -> impl Fn(&Value) -> Value + Clone {
    move |_| {
        let content = json!({ "better": better }).to_string();
        let usage = json!({ "prompt_tokens": 1_000_000, "completion_tokens": 0 });
        json!({ "choices": [{ "message": { "content": content } }], "usage": usage })
    }
}

fn checks() -> Arc<Checks> {
    Arc::new(Checks::new(CheckSettings::default()).unwrap())
}

fn pair(primary: &str, candidate: &str) -> Judged {
    let mut judged = testing::judged("x1", primary, candidate);
    judged.verdict = checks().compare(&judged.exchange);
    judged
}

fn different() -> Judged {
    pair(
        "Your money comes back in five days.",
        "The refund takes a working week, sorry for that.",
    )
}

struct Asking {
    telemetry: Telemetry,
    metrics: Arc<Metrics>,
    told: Arc<Mutex<Vec<Judged>>>,
}

fn asking() -> Asking {
    let telemetry = Telemetry::new().unwrap();
    let metrics = telemetry.metrics(["support"]);
    Asking {
        telemetry,
        metrics,
        told: Arc::default(),
    }
}

impl Asking {
    fn panel(&self, embedder: Option<Embedder>, judge: Option<Asked>, share: f64) -> Panel {
        let share = Percent::new(share).unwrap();
        let shares = RouteOpinions {
            similarity: share,
            judge: share,
        };
        let mut settings = JudgeSettings::new("/judge");
        settings.price = Some(crossfade_judge::Price {
            input: 1.5,
            output: 1.0,
        });
        Panel {
            embedder,
            judge: judge.map(|service| Judge::new(service, settings)),
            routes: [(RouteId::new("support"), (checks(), shares))].into(),
            metrics: Arc::clone(&self.metrics),
            rests: Rests::default(),
        }
    }

    fn sink(&self) -> Sink {
        let told = Arc::clone(&self.told);
        Arc::new(move |judged| told.lock().unwrap().push(judged))
    }

    /// What is told of pairs, when all of it was.
    async fn told(&self, panel: Panel, pairs: Vec<Judged>, stopped: bool) -> Vec<Judged> {
        let (before, asker) = panel.before(self.sink());
        let stop = CancellationToken::new();
        if stopped {
            stop.cancel();
        }
        for pair in pairs {
            before(pair);
        }
        drop(before);
        asker.run(stop).await;
        std::mem::take(&mut self.told.lock().unwrap())
    }

    #[track_caller]
    fn counted(&self, kind: &str, outcome: &str, times: u64) {
        let text = self.telemetry.render(&self.metrics);
        let line = format!(
            "crossfade_opinions_total{{route=\"support\",kind=\"{kind}\",outcome=\"{outcome}\"}} {times}"
        );
        assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
    }
}

fn outcome(judged: &Judged, check: Check) -> CheckOutcome {
    judged
        .verdict
        .check(check)
        .map_or(CheckOutcome::Na, |result| result.outcome)
}

#[tokio::test]
async fn both_models_are_asked_and_the_verdict_is_formed_anew() {
    let asking = asking();
    let (embedder, batcher) = Embedder::endpoint(service(vectors), EndpointSettings::new("/e"));
    let panel = asking.panel(Some(embedder), Some(service(says("A"))), 100.0);
    assert_eq!(
        outcome(&different(), Check::SemanticSimilarity),
        CheckOutcome::Na
    );
    let (told, ()) = tokio::join!(asking.told(panel, vec![different()], false), batcher.run());
    let [judged] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert!((judged.opinions.cosine.unwrap() - 0.5).abs() < 1e-6);
    // Whoever is shown first is preferred: the judge contradicts itself.
    assert_eq!(judged.opinions.judge, Some(Preference::Same));
    assert!(judged.judge_contradicts);
    assert_ne!(outcome(judged, Check::SemanticSimilarity), CheckOutcome::Na);
    asking.counted("similarity", "given", 1);
    asking.counted("judge", "contradiction", 1);
    let text = asking.telemetry.render(&asking.metrics);
    assert!(
        text.contains("crossfade_judge_cost_usd_total{route=\"support\"} 3\n"),
        "{text}"
    );
}

/// An exchange told again: the primary said it with other words, the candidate too.
fn repeated() -> Judged {
    let mut judged = different();
    judged.telling = Telling::Again;
    judged.exchange.secondary = judged.exchange.candidate.clone().map(|again| Recording {
        side: Side::Primary,
        ..again
    });
    judged.noise = checks().compare_repeat(&judged.exchange, Side::Primary);
    assert_ne!(judged.noise, None);
    judged
}

#[tokio::test]
async fn both_answers_of_a_side_are_asked_about_or_nothing_is() {
    let asking = asking();
    let (embedder, batcher) = Embedder::endpoint(service(vectors), EndpointSettings::new("/e"));
    let panel = asking.panel(Some(embedder), Some(silent()), 100.0);
    let (told, ()) = tokio::join!(asking.told(panel, vec![repeated()], false), batcher.run());
    let [judged] = told.as_slice() else {
        panic!("{told:?}")
    };
    let semantic = |verdict: &Verdict| verdict.check(Check::SemanticSimilarity).unwrap().score;
    let noise = judged.noise.as_ref().unwrap();
    assert!((semantic(&judged.verdict) - 0.5).abs() < 1e-6);
    assert!((semantic(noise) - 0.5).abs() < 1e-6);
    assert_eq!(judged.candidate_noise, None);
    asking.counted("similarity", "given", 2);

    // Vectors for one text of three: nothing is formed anew.
    let some = |body: &Value| {
        if body["input"].to_string().contains("money") {
            json!({})
        } else {
            vectors(body)
        }
    };
    let (embedder, batcher) = Embedder::endpoint(service(some), EndpointSettings::new("/e"));
    let panel = asking.panel(Some(embedder), None, 100.0);
    let (told, ()) = tokio::join!(asking.told(panel, vec![repeated()], false), batcher.run());
    assert_eq!(told[0].verdict, repeated().verdict);
    assert_eq!(told[0].noise, repeated().noise);
}

#[tokio::test]
async fn a_failure_leaves_the_verdict_as_it_was() {
    let asking = asking();
    let panel = asking.panel(None, Some(service(|_| json!({}))), 100.0);
    let told = asking.told(panel, vec![different()], false).await;
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].opinions, &told[0].verdict),
        (Opinions::default(), &different().verdict)
    );
    asking.counted("judge", "failed", 1);
}

#[tokio::test]
async fn equal_answers_need_no_opinion_and_others_fall_by_their_share() {
    let asking = asking();
    let equal = pair("Yes.", "Yes.");
    assert_eq!(equal.verdict.class, Some(VerdictClass::Equal));
    let again = Judged {
        telling: Telling::Again,
        ..different()
    };
    let refused = pair("Your money comes back.", "");
    // Nobody answers: whoever were asked would wait for ever.
    let panel = asking.panel(None, Some(silent()), 100.0);
    let told = asking.told(panel, vec![equal, again, refused], false).await;
    let judged: Vec<Option<Preference>> = told.iter().map(|judged| judged.opinions.judge).collect();
    assert_eq!(judged, [Some(Preference::Same), None, None]);
    let panel = asking.panel(None, Some(silent()), 0.0);
    assert_eq!(asking.told(panel, vec![different()], false).await.len(), 1);
}

#[tokio::test]
async fn what_finds_no_room_and_what_waits_at_the_end_goes_on_without() {
    let asking = asking();
    let panel = asking.panel(None, Some(silent()), 100.0);
    let pairs: Vec<Judged> = (0..QUEUE + 7).map(|_| different()).collect();
    let told = asking.told(panel, pairs, true).await;
    assert_eq!(told.len(), QUEUE + 7);
    assert!(
        told.iter()
            .all(|judged| judged.opinions == Opinions::default())
    );
    asking.counted("judge", "full", 7);
}

#[test]
fn the_judge_is_shown_what_was_asked() {
    let request =
        json!({ "model": "m", "messages": [{ "role": "user", "content": "hi" }], "user": "u" });
    let expected = json!({ "messages": [{ "role": "user", "content": "hi" }] });
    assert_eq!(
        shown(request.to_string().as_bytes()),
        Some(expected.to_string())
    );
    assert_eq!(shown(b"{\"user\":1}"), None);
    assert_eq!(shown(b"no"), None);
}

#[tokio::test]
async fn a_judge_whose_calls_fail_is_left_alone_and_everything_goes_on() {
    let asking = asking();
    let broken = tower::service_fn(|_: SideRequest| async {
        Err::<http::Response<crossfade_exchange::SideBody>, _>(BoxError::from("no"))
    });
    let panel = asking.panel(None, Some(BoxCloneSyncService::new(broken)), 100.0);
    let told = asking.told(panel, vec![different(); 400], false).await;
    assert_eq!(told.len(), 400);
    asking.counted("judge", "failed", 8);
    asking.counted("judge", "resting", 392);
}
