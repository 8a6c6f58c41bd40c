//! While Bedrock shadows, nothing that it does reaches a caller: whatever fault it shows, Azure's answer comes whole, the
//! counts add up, and nothing stays held.

use std::time::Duration;

use crossfade_exchange::SkipReason;
use crossfade_sim::script::Fault;
use crossfade_tests::{
    Setup, World,
    chat::{question, streamed},
    eventually,
};

/// Questions that each fault meets; fewer than the breaker looks at.
const QUESTIONS: u64 = 4;

/// What becomes of a pair.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Compared,
    Skipped(&'static [SkipReason]),
}

const UNAVAILABLE: Fate = Fate::Skipped(&[SkipReason::CandidateUnavailable]);
/// The mirror's deadline; the candidate's own limit may run out in the same instant.
const TOO_LATE: Fate = Fate::Skipped(&[SkipReason::Deadline, SkipReason::CandidateUnavailable]);

/// With a deadline that hanging shadows reach soon, and others on the busiest machine do not.
async fn check(fault: Fault, whole: Fate, stream: Fate) {
    for (body, fate) in [(question("hi"), whole), (streamed("hi"), stream)] {
        let mirror = match fate {
            Fate::Skipped(reasons) if reasons.contains(&SkipReason::Deadline) => {
                "deadline = \"2s\""
            }
            Fate::Compared | Fate::Skipped(_) => "",
        };
        let world = World::start(Setup::new().mirror(mirror)).await;
        world.bedrock.script().set_fault(fault.clone());
        for _ in 0..QUESTIONS {
            world.primary_answers(&body).await;
        }
        world.quiet().await;
        let what = format!("{fault:?}, {body}");
        let counts = world.counts();
        match fate {
            Fate::Compared => assert_eq!(world.compared(), QUESTIONS, "{what}: {counts:?}"),
            Fate::Skipped(reasons) => {
                let skipped: u64 = reasons.iter().map(|reason| world.skipped(*reason)).sum();
                assert_eq!(skipped, QUESTIONS, "{what}: {counts:?}");
            }
        }
        assert!(
            world.bedrock.script().requests() >= QUESTIONS,
            "{what}: the shadow was asked"
        );
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_shadow_is_compared() {
    check(Fault::None, Fate::Compared, Fate::Compared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_shadow() {
    check(Fault::Hang, TOO_LATE, TOO_LATE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_that_reads_nothing() {
    check(Fault::NoRead, TOO_LATE, TOO_LATE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_that_resets() {
    check(Fault::Reset, UNAVAILABLE, UNAVAILABLE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dripping_shadow() {
    let interval = Duration::from_millis(50);
    check(Fault::SlowDrip { interval }, TOO_LATE, TOO_LATE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_shadow() {
    for status in [500, 503] {
        let fault = Fault::Status {
            status,
            retry_after: None,
        };
        check(fault, UNAVAILABLE, UNAVAILABLE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_shadow() {
    let fault = Fault::Status {
        status: 429,
        retry_after: Some(60),
    };
    check(fault, UNAVAILABLE, UNAVAILABLE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_without_rights() {
    let fault = Fault::Exception {
        name: "AccessDeniedException".to_owned(),
    };
    check(fault, UNAVAILABLE, UNAVAILABLE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_that_talks_garbage() {
    check(Fault::Garbage, UNAVAILABLE, UNAVAILABLE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_that_breaks_off() {
    check(Fault::Truncate { after: 0 }, UNAVAILABLE, UNAVAILABLE).await;
    // After its first content a stream that breaks is an answer, and a bad one: that is compared.
    check(Fault::Truncate { after: 1 }, UNAVAILABLE, Fate::Compared).await;
    check(Fault::EndEarly { after: 1 }, UNAVAILABLE, Fate::Compared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_that_fails_in_the_middle() {
    let fault = Fault::ExceptionInStream {
        name: "throttlingException".to_owned(),
        after: 1,
    };
    check(fault, UNAVAILABLE, Fate::Compared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_that_falls_silent() {
    const DEADLINE: Fate = Fate::Skipped(&[SkipReason::Deadline]);
    check(Fault::Stall { after: 1 }, TOO_LATE, DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_shadow() {
    // More than is kept of one answer.
    let fault = Fault::Huge { bytes: 5 << 18 };
    check(fault, Fate::Compared, Fate::Compared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_caller_waits_for_the_shadow() {
    let world = World::start(Setup::new()).await;
    world.bedrock.script().set_fault(Fault::Hang);
    for n in 1..=8 {
        world.primary_answers(&streamed("hi")).await;
        // The answer is whole, and its copy is still under way: thirty seconds at least, by the deadline's rule.
        eventually("the copy under way", async || {
            (world.bedrock.script().requests() == n).then_some(())
        })
        .await;
        assert_eq!(world.counts().mirror_in_flight, n);
    }
    // The kill switch of operators ends what is under way in no time, but copies that hang already are left to their end.
    assert!(world.counts().holds());
    world.assert_identity().await;
    world.bedrock.server().stop().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_is_not_there_at_all() {
    let world = World::start(Setup::new()).await;
    world.bedrock.server().stop().await;
    for _ in 0..QUESTIONS {
        world.primary_answers(&question("hi")).await;
        world.primary_answers(&streamed("hi")).await;
    }
    world.quiet().await;
    assert_eq!(
        world.skipped(SkipReason::CandidateUnavailable),
        2 * QUESTIONS
    );
    world.finish().await;
}

/// After cutover the mirror turns round: what the candidate answers is copied to Azure, as far as that is configured.
#[tokio::test(flavor = "multi_thread")]
async fn the_mirror_turns_round() {
    for (mirror, compared, sampled_out) in [
        ("reverse_share = 100.0", QUESTIONS, 0),
        ("reverse_share = 0.0", 0, QUESTIONS),
    ] {
        let world = World::start(Setup::new().mirror(mirror)).await;
        world.prime().await;
        world.quiet().await;
        world.raise(100.0).await;
        let (asked, before) = (world.azure.script().requests(), world.compared());
        for _ in 0..QUESTIONS {
            world.candidate_answers(&question("hi")).await;
        }
        world.quiet().await;
        assert_eq!(
            world.compared() - before,
            compared,
            "{mirror}: {:?}",
            world.counts()
        );
        assert_eq!(
            world.skipped(SkipReason::SampledOut),
            sampled_out,
            "{mirror}"
        );
        assert_eq!(
            world.azure.script().requests() - asked,
            compared,
            "{mirror}"
        );
        world.finish().await;
    }
}

/// An Azure that hangs as the shadow hurts nobody either.
#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_hangs_as_the_shadow() {
    let world = World::start(Setup::new().mirror("reverse_share = 100.0\ndeadline = \"1s\"")).await;
    world.prime().await;
    world.raise(100.0).await;
    world.azure.script().set_fault(Fault::Hang);
    for _ in 0..QUESTIONS {
        world.candidate_answers(&question("hi")).await;
        world.candidate_answers(&streamed("hi")).await;
    }
    world.quiet().await;
    assert_eq!(
        world.skipped(SkipReason::Deadline),
        2 * QUESTIONS,
        "{:?}",
        world.counts()
    );
    world.finish().await;
}
