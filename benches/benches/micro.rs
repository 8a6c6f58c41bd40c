//! Micro-benchmarks of the functions that every request, every chunk or every pair goes through. For comparing two versions on one
//! machine; what a change is held to is counted elsewhere, in instructions.

use std::{hint::black_box, time::Duration};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput};

use crossfade_benches::{comparison::Case, samples};
use crossfade_exchange::{
    Drawn, Group, Metric, MetricSet, OutcomeKey, Percent, RouteId, Settled, Settlement, Side, Unit,
};
use crossfade_openai::{first_content::FirstContent, scan::scan, sse::Decoder};
use crossfade_rollout::{
    Ages, DecideFacts, EngineR, MirrorPlan, OrderBuffer, Split, Stage, decide,
};

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    wire(&mut criterion);
    rollout(&mut criterion);
    comparison(&mut criterion);
    #[cfg(feature = "bedrock")]
    translation(&mut criterion);
    criterion.final_summary();
}

/// What every request and every chunk goes through.
fn wire(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scan");
    for size in [1 << 10, 64 << 10] {
        let body = samples::request(size, true);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_with_input(BenchmarkId::from_parameter(size), &body, |bencher, body| {
            bencher.iter(|| scan(black_box(body)));
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("stream of 50 chunks");
    let stream = samples::stream(50);
    let events = samples::events(&stream);
    group.throughput(Throughput::Bytes(stream.len() as u64));
    group.bench_function("decode", |bencher| {
        bencher.iter(|| decode(black_box(&events)));
    });
    group.bench_function("find the first content", |bencher| {
        bencher.iter(|| {
            let mut first = FirstContent::new();
            black_box(&events)
                .iter()
                .filter(|event| first.feed(event))
                .count()
        });
    });
    group.finish();
}

fn decode(events: &[Bytes]) -> usize {
    let mut decoder = Decoder::new();
    events.iter().map(|event| decoder.feed(event).len()).sum()
}

/// What every drawn answer goes through.
fn rollout(criterion: &mut Criterion) {
    let split = Split {
        share: Percent::new(10.0).unwrap_or(Percent::ZERO),
        salt: 42,
        stage: Stage::Ramp,
        ..Split::initial(RouteId::new("bench"))
    };
    let mirror = MirrorPlan {
        share: Percent::HUNDRED,
        reverse_share: Percent::ZERO,
    };
    let mut unit = 0;
    criterion.bench_function("decide", |bencher| {
        bencher.iter(|| {
            unit += 1;
            let facts = DecideFacts {
                unit: Unit(unit),
                eligible: true,
                mirror_only: false,
                admitted: true,
                lease_valid: true,
                breaker_open: false,
                killed: false,
                named: None,
                internal: false,
                outcomes_room: true,
            };
            decide(&split, &mirror, black_box(&facts))
        });
    });
    let mut engine = EngineR::new(Metric::Transport);
    let mut count = 0_u64;
    criterion.bench_function("engine R, one answer", |bencher| {
        bencher.iter(|| {
            count += 1;
            let side = if count.is_multiple_of(10) {
                Side::Candidate
            } else {
                Side::Primary
            };
            engine.answer(side, count.is_multiple_of(97), black_box(0.1))
        });
    });
    let mut order = Order::default();
    criterion.bench_function("order, one answer", |bencher| bencher.iter(|| order.one()));
}

/// A buffer in which 256 answers are always under way.
struct Order {
    buffer: OrderBuffer,
    next: u64,
    ages: Ages,
}

impl Default for Order {
    fn default() -> Self {
        let age = Duration::from_secs(30);
        Self {
            buffer: OrderBuffer::new(),
            next: 0,
            ages: Ages {
                arrival: age,
                content: age,
            },
        }
    }
}

impl Order {
    const UNDER_WAY: u64 = 256;

    /// Announces one answer, settles an older one in both groups, and takes what is decided.
    fn one(&mut self) -> usize {
        let key = |sequence: u64| OutcomeKey {
            sent_unix_micros: sequence * 1_000,
            replica: 1,
            sequence,
        };
        self.buffer.drawn(&Drawn {
            key: key(self.next),
            route: RouteId::new("bench"),
            attempt: 1,
            side: Side::Primary,
            probability: 0.1,
            salt: 42,
            unit: Unit(u128::from(self.next)),
            applies: MetricSet::of_checks(),
        });
        if let Some(settled) = self.next.checked_sub(Self::UNDER_WAY) {
            for group in [Group::Arrival, Group::Content] {
                self.buffer.settled(&Settled {
                    key: key(settled),
                    group,
                    settlement: Settlement::Answer(MetricSet::EMPTY),
                });
            }
        }
        self.next += 1;
        self.buffer.advance(self.next * 1_000, self.ages).len()
    }
}

/// What every pair goes through, off the data plane: a pair a time, so exchanges a second for each core are its inverse.
fn comparison(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compare");
    for case in Case::ALL {
        let Ok(work) = case.work() else {
            continue;
        };
        group.throughput(Throughput::Elements(1));
        group.bench_function(case.as_str(), |bencher| {
            bencher.iter(|| black_box(&work).compare());
        });
    }
    group.finish();
}

/// What every request to the candidate and its answer go through, by direction and size.
#[cfg(feature = "bedrock")]
fn translation(criterion: &mut Criterion) {
    use crossfade_benches::translation::Case;

    let mut group = criterion.benchmark_group("translate");
    for case in Case::ALL {
        let Ok(work) = case.work() else {
            continue;
        };
        group.bench_function(case.as_str(), |bencher| {
            bencher.iter(|| black_box(&work).translate().is_ok());
        });
    }
    group.finish();
}
