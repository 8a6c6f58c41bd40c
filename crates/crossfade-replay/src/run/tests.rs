use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use crossfade_compare::{CheckSettings, Price};
use crossfade_exchange::{BoxError, SideRequest, SideResponse, full_body};
use serde_json::json;
use tower::service_fn;

use super::*;
use crate::sides::{LiveSide, SideService};

/// A side that answers with this status as long as `failing` calls are left, then with 200. It counts its calls.
fn side(calls: &Arc<AtomicUsize>, failing: usize, status: u16) -> LiveSide {
    let calls = Arc::clone(calls);
    let service = service_fn(move |request: SideRequest| {
        let call = calls.fetch_add(1, Ordering::SeqCst);
        let status = if call < failing { status } else { 200 };
        async move {
            assert_eq!(
                request.uri().path_and_query().unwrap().as_str(),
                "/openai/deployments/d/chat/completions?api-version=v"
            );
            let body = json!({
                "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
                "choices": [{"index": 0, "finish_reason": "stop",
                    "message": {"role": "assistant", "content": "yes", "refusal": null}}],
                "usage": {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}
            });
            let response = http::Response::builder()
                .status(status)
                .header("content-type", "application/json")
                .header("retry-after-ms", "0")
                .body(full_body(Bytes::from(body.to_string())));
            Ok::<SideResponse, BoxError>(response.unwrap())
        }
    });
    LiveSide {
        service: SideService::new(service),
        identity: "test".to_owned(),
        price: Some(Price {
            input: 1000.0,
            cached: None,
            cache_write: None,
            output: 1000.0,
        }),
        deployment: "d".to_owned(),
        api_version: "v".to_owned(),
    }
}

fn dataset(cases: usize) -> Dataset {
    let line = |at| {
        let case = json!({
            "id": format!("case-{at}"),
            "request": {"messages": [{"role": "user", "content": "yes?"}], "max_tokens": 10},
            "assert": [{"type": "contains", "value": "yes"}],
        });
        format!("{case}\n")
    };
    let text: String = (0..cases).map(line).collect();
    Dataset::parse(text.as_bytes()).unwrap()
}

struct Bench {
    dataset: Dataset,
    sides: Sides,
    checks: Checks,
    recordings: Recordings,
    home: tempfile::TempDir,
    options: RunOptions,
}

impl Bench {
    fn new(cases: usize, live: LiveSide) -> Self {
        Self {
            dataset: dataset(cases),
            sides: Sides {
                primary: SideSource::Absent,
                candidate: SideSource::Live(live),
            },
            checks: Checks::new(CheckSettings::default()).unwrap(),
            recordings: Recordings::default(),
            home: tempfile::tempdir().unwrap(),
            options: RunOptions {
                repeat: 1,
                concurrency: 3,
                patience: Patience {
                    deadline: Duration::from_secs(30),
                    retries: 2,
                },
                caps: Caps::default(),
            },
        }
    }

    fn heading(&self) -> Heading {
        Heading::new(&self.dataset.sha256, "r", "none", "test")
    }

    /// Runs; told to stop once `stop_at` askings are done.
    async fn run(&self, resume: bool, stop_at: Option<usize>) -> Gathered {
        let (mut journal, earlier) = if resume {
            Journal::resume(self.home.path(), &self.heading()).unwrap()
        } else {
            (
                Journal::begin(self.home.path(), &self.heading()).unwrap(),
                Kept::default(),
            )
        };
        let run = Run {
            dataset: &self.dataset,
            sides: &self.sides,
            checks: &self.checks,
            recordings: &self.recordings,
            options: self.options,
        };
        let (stop, stopped) = watch::channel(false);
        let mut observe = |progress: Progress| {
            if stop_at.is_some_and(|at| progress.done >= at) {
                stop.send_replace(true);
            }
        };
        run.gather(earlier.answers, &mut journal, stopped, &mut observe)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn an_interrupted_run_asks_only_for_the_rest() {
    let calls = Arc::new(AtomicUsize::new(0));
    let bench = Bench::new(20, side(&calls, 0, 200));
    let first = bench.run(false, Some(7)).await;
    assert_eq!(first.stopped, Stopped::Interrupted);
    let asked = calls.load(Ordering::SeqCst);
    assert!((7..=10).contains(&asked), "{asked}");
    assert_eq!(first.answers.len(), asked, "what was on its way is kept");
    let second = bench.run(true, None).await;
    assert_eq!(second.stopped, Stopped::Done);
    assert_eq!(second.answers.len(), 20);
    assert_eq!(calls.load(Ordering::SeqCst), 20, "nothing is asked twice");
    assert_eq!(second.spent.tokens, 400, "what the first part spent counts");
}

#[tokio::test]
async fn a_cap_stops_before_it_is_passed() {
    let calls = Arc::new(AtomicUsize::new(0));
    let mut bench = Bench::new(20, side(&calls, 0, 200));
    bench.options.caps.tokens = Some(110);
    let run = bench.run(false, None).await;
    assert_eq!(run.stopped, Stopped::Budget);
    assert!(run.spent.tokens <= 110, "{:?}", run.spent);
    assert_eq!(run.answers.len(), 5);
    // With a higher cap the run goes on.
    bench.options.caps = Caps {
        usd: Some(100.0),
        tokens: None,
    };
    let rest = bench.run(true, None).await;
    assert_eq!((rest.stopped, rest.answers.len()), (Stopped::Done, 20));
    assert!((rest.spent.usd - 0.4).abs() < 1e-9, "{:?}", rest.spent);
}

#[tokio::test]
async fn money_is_a_cap_too() {
    let calls = Arc::new(AtomicUsize::new(0));
    let mut bench = Bench::new(20, side(&calls, 0, 200));
    bench.options.caps.usd = Some(0.05);
    let run = bench.run(false, None).await;
    assert_eq!((run.stopped, run.answers.len()), (Stopped::Budget, 2));
}

#[tokio::test]
async fn failures_are_tried_again_and_given_up_in_the_end() {
    for (failing, status, calls_wanted, missing) in [
        (2, 429, 3, false),
        (2, 503, 3, false),
        (9, 500, 3, true),
        (9, 400, 1, false),
    ] {
        let calls = Arc::new(AtomicUsize::new(0));
        let bench = Bench::new(1, side(&calls, failing, status));
        let run = bench.run(false, None).await;
        assert_eq!(calls.load(Ordering::SeqCst), calls_wanted, "{status}");
        let answer = run.answers.values().next().unwrap();
        assert_eq!(answer.is_missing(), missing, "{status}");
        let (_, kept) = Journal::resume(bench.home.path(), &bench.heading()).unwrap();
        assert_eq!(
            kept.answers.is_empty(),
            missing,
            "what is missing is asked again"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_side_that_hangs_is_given_up_at_the_deadline() {
    let hangs =
        service_fn(|_: SideRequest| std::future::pending::<Result<SideResponse, BoxError>>());
    let calls = Arc::new(AtomicUsize::new(0));
    let live = LiveSide {
        service: SideService::new(hangs),
        ..side(&calls, 0, 200)
    };
    let bench = Bench::new(2, live);
    let run = bench.run(false, None).await;
    assert_eq!(run.stopped, Stopped::Done);
    assert!(run.answers.values().all(CaseAnswer::is_missing));
}

#[tokio::test]
async fn recorded_sides_cost_nothing() {
    let calls = Arc::new(AtomicUsize::new(0));
    let mut bench = Bench::new(3, side(&calls, 0, 200));
    let live = bench.run(false, None).await;
    let lines: Vec<String> = live
        .answers
        .iter()
        .map(|(asking, answer)| {
            let case = &bench.dataset.cases[asking.case];
            serde_json::to_string(&recorded(case, *asking, answer.clone())).unwrap()
        })
        .collect();
    bench.recordings = Recordings::parse(&lines.join("\n")).unwrap();
    bench.sides.candidate = SideSource::Recorded;
    bench.options.caps.usd = Some(0.0);
    bench.home = tempfile::tempdir().unwrap();
    let again = bench.run(false, None).await;
    assert_eq!(again.stopped, Stopped::Done);
    assert_eq!(again.answers, live.answers);
    assert_eq!(again.spent, Amount::default());
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}
