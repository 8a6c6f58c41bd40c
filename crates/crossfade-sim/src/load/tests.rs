use std::{
    collections::{HashMap, HashSet},
    sync::Mutex,
};

use super::*;
use crate::{
    azure::{AzureOptions, AzureSim},
    corpus::{Degraded, Flaw, Voice},
    script::{Answers, Fault, Pace, Script},
};

async fn azure(answers: Arc<dyn Answers>) -> AzureSim {
    let options = AzureOptions {
        script: Script::new(answers),
        ..AzureOptions::default()
    };
    AzureSim::start(options).await.unwrap()
}

fn plan(sim: &AzureSim, corpus: &Arc<Corpus>) -> LoadPlan {
    LoadPlan {
        rate: 2_000.0,
        requests: 400,
        concurrency: 32,
        users: 5,
        credentials: ["k1", "k2", "k3"].map(str::to_owned).to_vec(),
        ..LoadPlan::new(sim.address(), "support", Arc::clone(corpus))
    }
}

#[tokio::test]
async fn healthy_answers_are_read_and_judged() {
    let corpus = Arc::new(Corpus::new());
    let sim = azure(corpus.voice(Voice::Primary)).await;
    let plan = plan(&sim, &corpus);
    let expected: Vec<_> = (0..400)
        .map(|n| plan.call(n).unwrap())
        .map(|call| {
            call.prompt
                .judge(&Voice::Primary.answer(&call.prompt, call.serial))
        })
        .collect();
    let good = expected
        .iter()
        .filter(|j| **j == crate::corpus::Judgement::Good)
        .count() as u64;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let report = run(plan, move |result| {
        sink.lock().unwrap().push(result.clone());
    })
    .await
    .unwrap();
    assert_eq!((report.sent, report.good), (400, good), "{report:?}");
    assert_eq!(report.bad_total(), 400 - good);
    assert_eq!((report.broken, report.refused.len()), (0, 0));
    assert!(report.latency.p99 >= report.latency.p50 && !report.latency.p50.is_zero());
    let seen = seen.lock().unwrap();
    let streamed = seen.iter().filter(|r| r.call.prompt.stream).count();
    assert!((150..330).contains(&streamed), "{streamed}");
    let unfiltered = seen.iter().filter(|r| r.status == Some(200));
    assert!(
        unfiltered.clone().count() > 380 && unfiltered.clone().all(|r| r.first_content.is_some())
    );
    let credentials: HashSet<_> = sim
        .received()
        .iter()
        .map(|r| r.header("api-key").unwrap().to_owned())
        .collect();
    assert_eq!(credentials.len(), 3);
    // How many exactly depends on the machine: one that answers late is not there to be used again.
    assert!(
        sim.server().connections() < 200,
        "kept alive: {}",
        sim.server().connections()
    );
}

#[tokio::test]
async fn a_degraded_model_and_faults_are_noticed() {
    let corpus = Arc::new(Corpus::new());
    let healthy = corpus.voice(Voice::Primary);
    let sim = azure(Arc::new(Degraded::new(healthy, Arc::clone(&corpus), 0.5))).await;
    let report = run(plan(&sim, &corpus), |_| {}).await.unwrap();
    assert!((120..260).contains(&report.bad_total()), "{report:?}");
    for flaw in [Flaw::NoJson, Flaw::WrongShape, Flaw::WronglyRefused] {
        assert!(report.bad.contains_key(&flaw), "{flaw:?}");
    }
    sim.script().set_faults(vec![
        (
            0.25,
            Fault::Status {
                status: 503,
                retry_after: None,
            },
        ),
        (0.25, Fault::Truncate { after: 0 }),
        (0.25, Fault::EndEarly { after: 0 }),
        (0.25, Fault::Reset),
    ]);
    let report = run(plan(&sim, &corpus), |_| {}).await.unwrap();
    assert!((60..140).contains(&report.refused[&503]), "{report:?}");
    // What Azure's filter blocks is an answer that no fault cuts.
    assert!(report.good < 10 && report.broken > 200, "{report:?}");
    assert_eq!(
        report.broken + report.good,
        400 - report.refused[&503],
        "{report:?}"
    );
}

#[tokio::test]
async fn load_is_bounded_in_time_and_number() {
    let corpus = Arc::new(Corpus::new());
    let sim = azure(corpus.voice(Voice::Primary)).await;
    let pace = Pace {
        first_content: Duration::from_millis(50),
        tokens_per_second: 0.0,
    };
    sim.script().set_pace(pace);
    let narrow = LoadPlan {
        concurrency: 2,
        requests: 12,
        ..plan(&sim, &corpus)
    };
    let report = run(narrow, |_| {}).await.unwrap();
    assert!(
        report.delayed >= 5 && report.elapsed >= Duration::from_millis(290),
        "{report:?}"
    );
    sim.script().set_fault(Fault::Hang);
    let stop = CancellationToken::new();
    let hung = LoadPlan {
        timeout: Duration::from_millis(100),
        stop: stop.clone(),
        rate: 500.0,
        requests: u64::MAX,
        duration: Duration::from_secs(60),
        ..plan(&sim, &corpus)
    };
    let report = run(hung, move |_| stop.cancel()).await.unwrap();
    assert_eq!((report.good, report.broken), (0, report.sent));
    assert!(report.elapsed < Duration::from_secs(20));
    let nobody = LoadPlan {
        credentials: Vec::new(),
        ..plan(&sim, &corpus)
    };
    assert!(run(nobody, |_| {}).await.is_err());
}

#[tokio::test]
async fn arrivals_that_had_to_wait_come_at_once_or_are_put_off() {
    let corpus = Arc::new(Corpus::new());
    let sim = azure(corpus.voice(Voice::Primary)).await;
    let slow = Pace {
        first_content: Duration::from_millis(400),
        tokens_per_second: 0.0,
    };
    let mut sent = HashMap::new();
    for late in [Late::CatchUp, Late::PutOff] {
        sim.script().set_pace(slow);
        let script = sim.script().clone();
        let plan = LoadPlan {
            rate: 200.0,
            requests: u64::MAX,
            concurrency: 1,
            duration: Duration::from_millis(800),
            late,
            ..plan(&sim, &corpus)
        };
        // Only the first answer is slow.
        let report = run(plan, move |_| script.set_pace(Pace::default()))
            .await
            .unwrap();
        sent.insert(late == Late::CatchUp, report.sent);
    }
    assert!(sent[&true] > sent[&false] + 30, "{sent:?}");
}

#[tokio::test]
async fn arrivals_are_exponential_and_repeat() {
    let corpus = Arc::new(Corpus::new());
    let sim = azure(corpus.voice(Voice::Primary)).await;
    let plan = plan(&sim, &corpus);
    let gaps: Vec<f64> = (0..20_000)
        .map(|n| plan.gap(n).as_secs_f64() * plan.rate)
        .collect();
    let mean = gaps.iter().sum::<f64>() / 20_000.0;
    let variance = gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / 20_000.0;
    assert!(
        (mean - 1.0).abs() < 0.05 && (variance - 1.0).abs() < 0.1,
        "{mean} {variance}"
    );
    assert_eq!(
        plan.call(7).unwrap().prompt,
        plan.clone().call(7).unwrap().prompt
    );
    let users: HashSet<_> = (0..100).map(|n| plan.call(n).unwrap().user).collect();
    assert_eq!(users.len(), 5);
}
