//! From verdicts to what is kept, and over a restart.

use std::sync::Arc;

use crossfade_backplane::{DataDirectory, EvidenceKeys, Filter};
use crossfade_exchange::{Caller, ReviewReason, ReviewVerdict, RouteId, Unit};
use tempfile::TempDir;

use super::{
    testing::{judged, keys, settings, start, write_out},
    *,
};
use crate::telemetry::{Metrics, Telemetry};

struct Plant {
    home: TempDir,
    telemetry: Telemetry,
    metrics: Arc<Metrics>,
}

fn plant() -> Plant {
    let telemetry = Telemetry::new().unwrap();
    let metrics = telemetry.metrics(["support"]);
    let home = tempfile::tempdir().unwrap();
    Plant {
        home,
        telemetry,
        metrics,
    }
}

fn support() -> RouteId {
    RouteId::new("support")
}

impl Plant {
    fn settings(&self, keys: EvidenceKeys) -> RecordsSettings {
        let directory = Arc::new(DataDirectory::open(self.home.path()).unwrap());
        settings(&directory, &self.metrics, keys)
    }

    fn metric(&self, line: &str) -> f64 {
        let text = self.telemetry.render(&self.metrics);
        let found = text.lines().find_map(|l| l.strip_prefix(line));
        found.map_or(0.0, |value| value.trim().parse().unwrap())
    }

    fn evidence(&self, outcome: &str) -> f64 {
        let labels = format!("{{route=\"support\",outcome=\"{outcome}\"}}");
        self.metric(&format!("crossfade_evidence_total{labels}"))
    }

    fn reviews(&self, outcome: &str) -> f64 {
        let labels = format!("{{route=\"support\",outcome=\"{outcome}\"}}");
        self.metric(&format!("crossfade_reviews_total{labels}"))
    }
}

fn open(records: &Records) -> Vec<ReviewLine> {
    records.reviews(Some(&support()), Wanted::Open, 100)
}

fn decision(verdict: ReviewVerdict, accept: Option<&str>) -> Decision {
    Decision {
        verdict,
        note: "a note".to_owned(),
        by: "ana".to_owned(),
        accept: accept.map(str::to_owned),
    }
}

const DIFFERENT: (&str, &str) = ("{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":3}");

fn different(id: &str) -> Judged {
    judged(id, DIFFERENT.0, DIFFERENT.1)
}

#[tokio::test]
async fn a_new_difference_is_queued_once_and_kept_redacted() {
    let plant = plant();
    let (records, keeper) = start(plant.settings(keys()));
    for id in ["e1", "e2", "e3", "e4"] {
        records.take(different(id));
    }
    records.take(judged("e5", "{\"a\":1}", "{\"a\":1}"));
    write_out(keeper).await;
    let waiting = open(&records);
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    let line = &waiting[0];
    assert_eq!(line.reasons, [ReviewReason::NewSignature]);
    assert_eq!(line.stands_for, 3, "the fourth is new no more");
    assert!(line.what.contains("json_structure"), "{}", line.what);
    assert_eq!(
        (plant.reviews("opened"), plant.reviews("joined")),
        (1.0, 2.0)
    );
    assert!((plant.evidence("kept") - 1.0).abs() < 0.1);
    let open = "crossfade_reviews_open{route=\"support\"}";
    assert!((plant.metric(open) - 1.0).abs() < 0.1);
    let page = records.review(line.id).unwrap();
    let kept = page.exchange.unwrap();
    assert!(!kept.request.says.contains("ana@"), "{}", kept.request.says);
    assert!(
        kept.request.says.contains("[email"),
        "{}",
        kept.request.says
    );
    assert_eq!(
        kept.candidate.unwrap().body.says,
        "{\n  \"a\": 1,\n  \"b\": 3\n}"
    );
    assert_eq!(records.report(&support()).unwrap().pairs, 5);
}

#[tokio::test]
async fn a_decision_feeds_the_statistics_and_its_rule_ends_the_asking() {
    let plant = plant();
    let mut settings = plant.settings(keys());
    settings.routes[0].share = 0.0;
    let (records, keeper) = start(settings);
    records.take(different("e1"));
    write_out(keeper).await;
    let id = open(&records)[0].id;
    let page = records
        .decide(id, decision(ReviewVerdict::Acceptable, Some("agreed")))
        .unwrap();
    assert_eq!(page.review.state, "decided");
    assert_eq!(page.rule.unwrap().reason, "agreed");
    let again = records.decide(id, decision(ReviewVerdict::Acceptable, None));
    assert!(again.unwrap().unchanged);
    let other = records.decide(id, decision(ReviewVerdict::Same, None));
    assert!(matches!(other, Err(NotDone::Decided { .. })), "{other:?}");
    let unknown = records.decide(99, decision(ReviewVerdict::Same, None));
    assert!(matches!(unknown, Err(NotDone::Unknown(99))), "{unknown:?}");
    let report = records.report(&support()).unwrap();
    let said = [(ReviewVerdict::Acceptable, 1)];
    assert_eq!(report.reviews.verdicts, said, "learnt once");
    assert_eq!(report.accepted.len(), 1);
    // The second of its kind would be new enough to be asked about. Nobody writes any more, so what is offered is dropped.
    records.take(different("e2"));
    assert!(plant.evidence("dropped") < 0.1, "nothing is offered");
    let signature = page.review.signature.unwrap();
    assert!(records.withdraw(&support(), &signature).unwrap());
    assert!(!records.withdraw(&support(), &signature).unwrap());
    records.take(different("e3"));
    assert!(
        (plant.evidence("dropped") - 1.0).abs() < 0.1,
        "asked about again"
    );
}

#[tokio::test]
async fn a_restart_forgets_nothing_unless_the_checks_have_changed() {
    let plant = plant();
    let (records, keeper) = start(plant.settings(keys()));
    records.take(different("e1"));
    records.take(judged("e2", "{\"a\":1}", "no json"));
    write_out(keeper).await;
    let before = open(&records);
    let rule = before.iter().find(|line| line.exchange == "e1").unwrap();
    let accept = decision(ReviewVerdict::Acceptable, Some("agreed"));
    records.decide(rule.id, accept).unwrap();
    let pairs = records.report(&support()).unwrap().pairs;
    drop(records);

    let (records, keeper) = start(plant.settings(keys()));
    let report = records.report(&support()).unwrap();
    assert_eq!((report.pairs, report.accepted.len()), (pairs, 1));
    assert_eq!(open(&records).len(), before.len() - 1);
    assert_eq!(records.rules(&support()).len(), 1);
    assert!(records.exchange("e1").unwrap().is_some());
    drop((records, keeper));

    let mut changed = plant.settings(keys());
    changed.routes[0].fingerprint = "2".to_owned();
    let (records, _keeper) = start(changed);
    let report = records.report(&support()).unwrap();
    assert_eq!((report.pairs, report.accepted.len()), (0, 1));
}

#[tokio::test]
async fn a_damaged_snapshot_costs_the_statistics_and_not_the_start() {
    let plant = plant();
    let (records, keeper) = start(plant.settings(keys()));
    records.take(different("e1"));
    write_out(keeper).await;
    drop(records);
    let snapshots = plant.home.path().join("statistics");
    for entry in std::fs::read_dir(&snapshots).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&path, bytes).unwrap();
    }
    let (records, _keeper) = start(plant.settings(keys()));
    assert_eq!(records.report(&support()).unwrap().pairs, 0);
    assert_eq!(open(&records).len(), 1, "the queue stands");
}

#[tokio::test]
async fn a_decision_is_in_the_statistics_that_a_crash_leaves() {
    let plant = plant();
    let (records, keeper) = start(plant.settings(keys()));
    records.take(different("e1"));
    write_out(keeper).await;
    let id = open(&records)[0].id;
    let said = decision(ReviewVerdict::CandidateWorse, None);
    records.decide(id, said).unwrap();
    // Nobody writes any more.
    drop(records);
    let (records, _keeper) = start(plant.settings(keys()));
    let said = records.report(&support()).unwrap().reviews.verdicts;
    assert_eq!(said, [(ReviewVerdict::CandidateWorse, 1)]);
}

#[tokio::test]
async fn without_a_key_reviews_hold_no_exchange() {
    let plant = plant();
    let none = EvidenceKeys {
        current: None,
        previous: None,
    };
    let (records, keeper) = start(plant.settings(none));
    records.take(different("e1"));
    write_out(keeper).await;
    let waiting = open(&records);
    let page = records.review(waiting[0].id).unwrap();
    assert_eq!(page.exchange, None);
    assert!((plant.evidence("no_key") - 1.0).abs() < 0.1);
    assert_eq!(records.exchanges(&Filter::default(), 10), None);
}

#[tokio::test]
async fn what_finds_no_room_is_dropped_and_counted() {
    let plant = plant();
    let mut settings = plant.settings(keys());
    settings.routes[0].share = 1.0;
    let (records, keeper) = start(settings);
    for n in 0..1_100 {
        records.take(judged(&n.to_string(), "{\"a\":1}", "{\"a\":1}"));
    }
    assert!((plant.evidence("dropped") - 76.0).abs() < 0.1);
    assert_eq!(
        records.report(&support()).unwrap().pairs,
        1_100,
        "counted all the same"
    );
    write_out(keeper).await;
    assert!((plant.evidence("kept") - 1_024.0).abs() < 0.1);
    let mut kept = judged("large", "{}", "{}");
    kept.exchange.request = vec![b'x'; 65 << 20].into();
    records.take(kept);
    assert!(
        (plant.evidence("dropped") - 77.0).abs() < 0.1,
        "larger than all the room"
    );
}

#[tokio::test]
async fn a_caller_is_forgotten_with_what_waits() {
    let plant = plant();
    let (records, keeper) = start(plant.settings(keys()));
    records.take(different("e1"));
    let mut other = judged("e2", "{\"a\":1}", "no json");
    other.exchange.caller = Caller::default();
    records.take(other);
    let stop = tokio_util::sync::CancellationToken::new();
    let late = judged("e3", "{\"b\":1}", "none either");
    let story = async {
        let user = Caller {
            credential: None,
            user: Some(Unit(2)),
        };
        assert_eq!(records.forget(user).await.unwrap(), 1);
        // Asked before, and under way at a judge until now.
        records.take(late);
        stop.cancel();
    };
    tokio::join!(keeper.run(stop.clone()), story);
    assert!(records.exchange("e1").unwrap().is_none());
    assert!(records.exchange("e3").unwrap().is_none());
    assert!((plant.evidence("forgotten") - 1.0).abs() < 0.1);
    assert!(records.exchange("e2").unwrap().is_some());
    let left: Vec<String> = open(&records).into_iter().map(|r| r.exchange).collect();
    assert_eq!(left, ["e2"]);
    let gone = records.forget(Caller::default()).await;
    assert!(matches!(gone, Err(NotDone::Stopping)), "{gone:?}");
}

#[tokio::test]
async fn what_is_told_again_is_counted_as_noise_only() {
    let plant = plant();
    let (records, keeper) = start(plant.settings(keys()));
    records.take(different("e1"));
    let noise = different("e1").verdict;
    records.take(Judged {
        telling: crossfade_statistics::Telling::Again,
        noise: Some(noise),
        ..different("e1")
    });
    write_out(keeper).await;
    assert_eq!(records.report(&support()).unwrap().pairs, 1);
    assert_eq!(open(&records)[0].stands_for, 1);
}
