use super::*;
use crate::script::Prompt;

const REPEATS: u64 = 400;

fn judged(voice: Voice) -> HashMap<(Family, Option<Flaw>), f64> {
    let corpus = Corpus::new();
    let mut counts = HashMap::new();
    for prompt in corpus.prompts() {
        for serial in 0..REPEATS {
            let flaw = match prompt.judge(&voice.answer(prompt, serial)) {
                Judgement::Good => None,
                Judgement::Bad(flaw) => Some(flaw),
            };
            *counts.entry((prompt.family, flaw)).or_insert(0.0) += 1.0;
        }
    }
    counts
}

/// The share of a family's answers that have a flaw.
fn share(counts: &HashMap<(Family, Option<Flaw>), f64>, family: Family, flaw: Flaw) -> f64 {
    let all: f64 = counts
        .iter()
        .filter(|((f, _), _)| *f == family)
        .map(|(_, n)| n)
        .sum();
    counts.get(&(family, Some(flaw))).unwrap_or(&0.0) / all
}

fn prompt_of(known: &CorpusPrompt, serial: u64) -> Prompt {
    let body = known.request("support", serial);
    Prompt {
        model: "support".to_owned(),
        system: String::new(),
        user: body["messages"][1]["content"].as_str().unwrap().to_owned(),
        tool_result: None,
        tools: Vec::new(),
        forced_tool: None,
        schema: None,
        body,
    }
}

#[test]
fn the_corpus_is_large_mixed_and_unambiguous() {
    let corpus = Corpus::new();
    assert!(corpus.prompts().len() >= 120, "{}", corpus.prompts().len());
    let ids: std::collections::HashSet<_> = corpus.prompts().iter().map(|p| &p.id).collect();
    assert_eq!(ids.len(), corpus.prompts().len());
    for prompt in corpus.prompts() {
        let wire = prompt_of(prompt, 17);
        assert_eq!(corpus.find(&wire.user), Some((prompt, 17)));
        assert_eq!(corpus.find(&prompt.user), Some((prompt, 0)));
        let around = format!("Answer in JSON. {}", prompt.user);
        assert_eq!(
            corpus.find(&around).map(|(found, _)| &found.id),
            Some(&prompt.id)
        );
    }
    assert_eq!(corpus.find("something else"), None);
    let streamed =
        corpus.prompts().iter().filter(|p| p.stream).count() * 100 / corpus.prompts().len();
    assert!((45..75).contains(&streamed), "{streamed} %");
}

#[test]
fn picking_follows_the_weights() {
    let corpus = Corpus::new();
    let picks = 20_000;
    let refused = (0..picks)
        .filter(|n| corpus.pick(unit_interval(*n)).unwrap().family == Family::Refuse)
        .count();
    assert!((200..800).contains(&refused), "1 to 4 %: {refused}");
    assert!(corpus.pick(1.0).is_some());
}

#[test]
fn voices_slip_as_often_as_they_should() {
    for voice in [Voice::Primary, Voice::Candidate] {
        let counts = judged(voice);
        let check = |family, flaw, range: std::ops::Range<f64>| {
            let found = share(&counts, family, flaw);
            assert!(
                range.contains(&found),
                "{voice:?} {family:?} {flaw:?}: {found}"
            );
        };
        check(Family::Label, Flaw::WrongLabel, 0.008..0.025);
        check(Family::Label, Flaw::NoJson, 0.004..0.010);
        check(Family::Extraction, Flaw::NoJson, 0.006..0.014);
        check(Family::Borderline, Flaw::WronglyRefused, 0.005..0.025);
        check(Family::Text, Flaw::WronglyRefused, 0.001..0.006);
        check(Family::Tools, Flaw::WrongCall, 0.001..0.008);
        for (family, flaw) in [
            (Family::Refuse, Flaw::WronglyAnswered),
            (Family::Extraction, Flaw::WrongShape),
            (Family::Extraction, Flaw::WrongValue),
            (Family::Text, Flaw::Empty),
        ] {
            check(family, flaw, 0.0..f64::MIN_POSITIVE);
        }
    }
}

#[test]
fn labels_disagree_between_two_and_four_in_a_hundred() {
    let corpus = Corpus::new();
    let labels: Vec<_> = corpus
        .prompts()
        .iter()
        .filter(|p| p.family == Family::Label && !p.wants_json())
        .collect();
    let (mut differ, mut total) = (0.0, 0.0);
    for prompt in &labels {
        for serial in 0..REPEATS {
            let (a, b) = (
                Voice::Primary.answer(prompt, serial),
                Voice::Candidate.answer(prompt, serial),
            );
            differ += f64::from(u8::from(a != b));
            total += 1.0;
        }
    }
    let share = differ / total;
    assert!((0.02..0.04).contains(&share), "{share}");
}

#[test]
fn free_text_differs_in_words_between_the_voices() {
    let corpus = Corpus::new();
    for prompt in corpus.prompts() {
        if let Truth::Says { primary, candidate } = &prompt.truth {
            assert_ne!(primary, candidate, "{}", prompt.id);
        }
    }
}

#[test]
fn a_degraded_model_is_bad_where_it_says_so() {
    let corpus = Arc::new(Corpus::new());
    let healthy = corpus.voice(Voice::Candidate);
    let degraded = Degraded::new(Arc::clone(&healthy), Arc::clone(&corpus), 0.1);
    let (mut bad, mut before, mut total) = (0.0, 0.0, 0.0);
    let mut flaws = std::collections::HashSet::new();
    for known in corpus.prompts() {
        for serial in 0..100 {
            let prompt = prompt_of(known, serial);
            let good = known.judge(&healthy.answer(&prompt, 0)) == Judgement::Good;
            let judgement = known.judge(&degraded.answer(&prompt, 0));
            if let Judgement::Bad(flaw) = judgement {
                bad += 1.0;
                flaws.insert(flaw);
            }
            before += f64::from(u8::from(!good));
            total += 1.0;
        }
    }
    let added = (bad - before) / total;
    assert!((0.07..0.11).contains(&added), "{added}");
    for flaw in [Flaw::NoJson, Flaw::WrongShape, Flaw::WronglyRefused] {
        assert!(flaws.contains(&flaw), "{flaw:?}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn answers_are_judged_by_the_truth() {
    let corpus = Corpus::new();
    let check = |id: &str, answer: Answer, expected: Judgement| {
        let prompt = corpus.prompts().iter().find(|p| p.id == id).unwrap();
        assert_eq!(prompt.judge(&answer), expected, "{id}: {answer:?}");
    };
    let bad = Judgement::Bad;
    check("label-02", Answer::text("Billing."), Judgement::Good);
    check("label-02", Answer::text("delivery"), bad(Flaw::WrongLabel));
    check(
        "label-00",
        Answer::text(r#"{"confidence":1,"category":"billing"}"#),
        Judgement::Good,
    );
    check(
        "label-00",
        Answer::text(r#"{"category":"billing"}"#),
        bad(Flaw::WrongShape),
    );
    check(
        "label-00",
        Answer::text(r#"{"category":"money","confidence":1}"#),
        bad(Flaw::WrongShape),
    );
    check("label-00", Answer::text("billing"), bad(Flaw::NoJson));
    check(
        "extract-contact-10",
        Answer::text("{}"),
        bad(Flaw::WrongShape),
    );
    check(
        "tools-00",
        Answer::call("look_up_order", r#"{"order_id":"A-1001"}"#),
        Judgement::Good,
    );
    check(
        "tools-00",
        Answer::call("look_up_order", r#"{"order_id":"A-1002"}"#),
        bad(Flaw::WrongCall),
    );
    check(
        "tools-00",
        Answer::text("It is on its way."),
        bad(Flaw::WrongCall),
    );
    check(
        "tools-08",
        Answer::call(
            "issue_refund",
            r#"{"order_id":"A-1001","amount":24.9,"reason":"x"}"#,
        ),
        Judgement::Good,
    );
    check("text-00", Answer::text(" "), bad(Flaw::Empty));
    check(
        "text-00",
        Answer {
            refusal: Some("No.".into()),
            ..Answer::default()
        },
        bad(Flaw::WronglyRefused),
    );
    check(
        "refuse-00",
        Answer::text("Sure: use the window."),
        bad(Flaw::WronglyAnswered),
    );
    let blocked = Answer {
        finish: crate::script::Finish::Filtered,
        ..Answer::default()
    };
    check("refuse-00", blocked, Judgement::Good);
}

#[tokio::test]
async fn both_wires_say_what_their_voice_says() {
    use crate::{
        azure::{AzureOptions, AzureSim},
        bedrock::{BedrockOptions, BedrockSim},
        script::Script,
        testing,
    };
    let corpus = Arc::new(Corpus::new());
    let script = Script::new(corpus.voice(Voice::Primary));
    let azure = AzureSim::start(AzureOptions {
        script,
        ..AzureOptions::default()
    })
    .await
    .unwrap();
    let script = Script::new(corpus.voice(Voice::Candidate));
    let options = BedrockOptions {
        script,
        verify: false,
        ..BedrockOptions::default()
    };
    let bedrock = BedrockSim::start(options).await.unwrap();
    let key = [("api-key", "k")];
    for prompt in corpus
        .prompts()
        .iter()
        .filter(|p| p.family == Family::Text && p.history.is_empty())
    {
        let mut body = prompt.request("support", 3);
        body["stream"] = json!(false);
        body.as_object_mut().unwrap().remove("stream_options");
        let target = "/openai/v1/chat/completions";
        let sent = body.to_string();
        let raw = testing::request(azure.address(), "POST", target, &key, sent.as_bytes()).await;
        let said = &raw.json()["choices"][0]["message"]["content"];
        assert_eq!(
            said.as_str().map(str::to_owned),
            Voice::Primary.answer(prompt, 3).text
        );
        let content = json!([{"text": body["messages"][1]["content"]}]);
        let sent = json!({"messages": [{"role": "user", "content": content}]}).to_string();
        let target = "/model/us.anthropic.claude-sonnet-4-6/converse";
        let raw = testing::request(bedrock.address(), "POST", target, &[], sent.as_bytes()).await;
        let said = &raw.json()["output"]["message"]["content"][0]["text"];
        assert_eq!(
            said.as_str().map(str::to_owned),
            Voice::Candidate.answer(prompt, 3).text
        );
    }
}

#[test]
fn the_same_model_says_the_same_and_slips_apart() {
    let corpus = Arc::new(Corpus::new());
    let (primary, same) = (corpus.voice(Voice::Primary), corpus.same_model());
    let (mut equal, mut all) = (0.0, 0.0);
    for known in corpus.prompts() {
        for serial in 0..40 {
            let asked = prompt_of(known, serial);
            let said = same.answer(&asked, 0);
            assert_ne!(
                said,
                blocked(),
                "{}: it has no filter of the primary's",
                known.id
            );
            all += 1.0;
            equal += f64::from(u8::from(said == primary.answer(&asked, 0)));
        }
    }
    let share = equal / all;
    assert!((0.85..1.0).contains(&share), "{share}");
}
