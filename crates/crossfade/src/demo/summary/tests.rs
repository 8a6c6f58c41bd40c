//! What the summary looks like.

use super::*;
use crate::demo::facts::tests::facts;

#[test]
fn it_fits_on_a_screen_and_shows_what_was_measured() {
    let facts = facts();
    let text = text(&facts, &[]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() <= 42, "{} lines:\n{text}", lines.len());
    for line in &lines {
        assert!(line.chars().count() <= WIDTH, "{line}");
        assert_eq!(line.trim_end(), *line, "{line:?}");
    }
    for part in [
        "5 440 requests through the proxy, 0 errors",
        "1.23 ms added to a direct answer's 21 ms (median of 120 pairs",
        "210, 21 bad (10.0 %)",
        "5 300 pairs, 98.0 % of what was eligible",
        "equal 2 500",
        "refusal above the margin; 5 300 pairs; 12 reviews open",
        "hint_dropped 61",
        "20 of 2 020 ( 1.0 %)",
        "41 of 541 ( 7.6 %)",
        "found nothing: envelope",
        "4.2 s after the fault began, by R (engine): engine R: refusal bad in 45",
        "21 bad among the 210 answers",
        "wrongful refusal 16, no valid JSON 5",
        "11 of 720 when it was healthy",
        "700 requests sent after the roll-back, 0 answered by Bedrock",
        "Bedrock answered 150, 1 bad (0.7 %); 700 pairs",
        "losses: sampling_dropped 700",
        "5 440 seen = 40 ineligible + 5 400 eligible",
        "primary_failed 100",
        "chain verified from the file, head abababababab",
    ] {
        let joined = lines
            .iter()
            .map(|line| line.trim())
            .collect::<Vec<_>>()
            .join(" ");
        assert!(joined.contains(part), "{part}\n{text}");
    }
}

#[test]
fn failures_come_first() {
    let text = text(&facts(), &["no roll-back happened".to_owned()]);
    let story = text.find("THE STORY DID NOT HAPPEN").unwrap();
    let failure = text.find("FAILED     no roll-back happened").unwrap();
    assert!(
        story < failure && failure < text.find("callers").unwrap(),
        "{text}"
    );
}

#[test]
fn lines_break_between_words_but_not_in_numbers() {
    let check = |text: &str, expected: &[&str]| assert_eq!(words(text), expected);
    check(
        "1 234 567 requests in 5.0 s, all",
        &["1 234 567", "requests", "in", "5.0 s,", "all"],
    );
    check("98.0 % of 12 ms", &["98.0 %", "of", "12 ms"]);
    check("shadow s %", &["shadow", "s", "%"]);
}
