//! What is found in texts, and in which form.

use proptest::prelude::*;

use super::*;

fn told(text: &str) -> String {
    let facts = facts(text);
    let told: Vec<String> = facts
        .iter()
        .map(|fact| format!("{} {}", fact.kind.as_str(), fact.value))
        .collect();
    told.join("; ")
}

fn check(text: &str, expected: &str) {
    assert_eq!(told(text), expected, "{text}");
}

#[test]
fn numbers_are_found() {
    check("", "");
    check("no facts here", "");
    check("It is 42.", "numbers 42");
    check("1,234.50 and 1234.5", "numbers 1234.5; numbers 1234.5");
    check(
        "5k or 5,000 or 5 thousand",
        "numbers 5000; numbers 5000; numbers 5000",
    );
    check(
        "3 million people, 2.5M views",
        "numbers 3000000; numbers 2500000",
    );
    check("-5 degrees", "numbers -5");
    check("500mg or 500 mg", "numbers 500; numbers 500");
    check("the 3rd floor", "numbers 3");
    check("at 14:30", "numbers 14:30");
    check("10-12 pieces", "numbers 10; numbers 12");
    check("version 1.2.3", "numbers 1.2.3");
    check("3/4 of it", "numbers 3/4");
    check("(42)", "numbers 42");
    check("**42**", "numbers 42");
    check("x=42;", "numbers 42");
    check("3D and B2B", "numbers 3");
}

#[test]
fn signs_and_other_dollars_are_kept() {
    check(
        "-$5.00 and $-5 and \u{2212}€3",
        "amounts USD -5; amounts USD -5; amounts EUR -3",
    );
    check(
        "A$50, C$50.50, US$7",
        "amounts AUD 50; amounts CAD 50.5; amounts USD 7",
    );
    check("$$18$$ or $18$", "numbers 18; numbers 18");
}

#[test]
fn items_and_citations_do_not_count() {
    check("1. one\n2. two\n  3) three\n**4.** four", "");
    check("1. one costs 5", "numbers 5");
    check("5. May be it", "");
    check("as it says [1] and [12]", "");
    check("It was\n42 in all", "numbers 42");
}

#[test]
fn percentages_and_amounts_are_found() {
    let twelve = "percentages 12";
    check("12%", twelve);
    check("12 %", twelve);
    check("12 percent", twelve);
    check("12.0%.", twelve);
    check("１２％", "");
    let amount = "amounts USD 1234.5";
    check("$1,234.50", amount);
    check("US$1234.5", amount);
    check("USD 1,234.50", amount);
    check("1234.50 USD", amount);
    check("1234.5 dollars.", amount);
    check("\u{20ac}5", "amounts EUR 5");
    check("5 \u{20ac}", "amounts EUR 5");
    check("5\u{20ac}", "amounts EUR 5");
    check("$5k", "amounts USD 5000");
    check("$3 million", "amounts USD 3000000");
    check("3 million euros", "amounts EUR 3000000");
    check("5万円", "amounts JPY 50000");
    check("价格是12元。", "amounts CNY 12");
    check("我有3个苹果", "numbers 3");
}

#[test]
fn dates_are_found() {
    let day = "dates 2026-11-12";
    check("2026-11-12", day);
    check("2026/11/12", day);
    check("2026-11-12T08:00:00Z", day);
    check("12 Nov 2026", day);
    check("12 November 2026.", day);
    check("12th of November, 2026", day);
    check("November 12, 2026", day);
    check("Nov. 12th, 2026", day);
    check("11/12/2026", day);
    check("12.11.2026", day);
    check("12. November 2026", day);
    check("12 de noviembre de 2026", day);
    check("2026年11月12日", day);
    check("13/11/2026", "dates 2026-11-13");
    check("November 2026", "dates 2026-11");
    check("November 12 was cold", "dates --11-12");
    check("the 45 of November", "numbers 45");
    check("you may 5 times", "numbers 5");
    check("2026", "numbers 2026");
}

#[test]
fn ids_and_addresses_are_found() {
    check("order ORD-12345", "ids ord-12345");
    check(
        "550e8400-e29b-41d4-a716-446655440000",
        "ids 550e8400-e29b-41d4-a716-446655440000",
    );
    check("4111111111111111", "ids 4111111111111111");
    check("call +1-555-010-0199", "ids 15550100199");
    check("Write to Ann@Example.com.", "emails ann@example.com");
    check("(ann@example.com)", "emails ann@example.com");
    check(
        "see https://www.Example.com/a/?q=1.",
        "links example.com/a/?q=1",
    );
    check("[here](https://example.com/a_(b)", "links example.com/a_(b");
    check("www.example.com/", "links example.com");
    check("@ home", "");
}

#[test]
fn long_texts_cost_a_bounded_amount() {
    assert_eq!(facts(&"7 ".repeat(600_000)).len(), MOST_FACTS);
    assert_eq!(facts(&"a".repeat(1 << 20)).len(), 0);
    assert!(facts(&"1,".repeat(1 << 19)).len() <= MOST_FACTS);
    assert!(facts(&"a@".repeat(1 << 19)).len() <= MOST_FACTS);
    assert!(facts(&"12 of ".repeat(1 << 18)).len() <= MOST_FACTS);
}

proptest! {
    #[test]
    fn white_space_does_not_matter(a in "[a-z]{1,6}", n in 0u32..100_000, b in "[a-z]{4,6}") {
        let (one, other) = (format!("{a} {n} {b}"), format!("{a}   {n}\t{b}"));
        prop_assert_eq!(facts(&one), facts(&other));
    }

    #[test]
    fn any_text_has_facts(text in "\\PC{0,200}", dense in "[0-9.,:/@$% -]{0,80}") {
        facts(&text);
        facts(&dense);
    }
}

/// What this thread has worked so far: on a busy machine little of the time that goes by.
fn worked() -> std::time::Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    now.try_into().unwrap()
}

#[test]
fn words_without_spaces_cost_no_more() {
    let within = |text: String| {
        let before = worked();
        let found = facts(&text).len();
        // Looking for the end of the piece anew at each of its words takes ten times as long.
        assert!(
            worked().checked_sub(before).unwrap() < std::time::Duration::from_secs(5),
            "{}",
            text.len()
        );
        found
    };
    assert!(within("(1".repeat(MOST_BYTES)) > 1000);
    assert_eq!(within(format!("1{}", "*a".repeat(MOST_BYTES))), 1);
    assert_eq!(within(format!("1{}", "*a@".repeat(MOST_BYTES))), 1);
}
