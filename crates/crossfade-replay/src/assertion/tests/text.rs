//! Assertions on texts: what they hold and what they are like.

use super::*;

#[test]
fn equals() {
    check(
        json!({"type": "equals", "value": "Paris"}),
        &says("Paris"),
        PASS,
    );
    check(
        json!({"type": "equals", "value": "Paris"}),
        &says("paris"),
        FAIL,
    );
    check(json!({"type": "equals", "value": 42}), &says("42"), PASS);
    check(
        json!({"type": "equals", "value": {"a": [1, 2], "b": 1.0}}),
        &says("{\"b\": 1, \"a\": [1, 2]}"),
        PASS,
    );
    check(
        json!({"type": "equals", "value": {"a": 1}}),
        &says("{\"a\": 2}"),
        FAIL,
    );
    check(
        json!({"type": "equals", "value": {"a": 1}}),
        &says("no json"),
        FAIL,
    );
    refused(json!({"type": "equals"}), "assert[0].value: it is missing");
}

#[test]
fn contains() {
    let answer = says("The capital is Paris, of course: 1,200 km.");
    check(json!({"type": "contains", "value": "Paris"}), &answer, PASS);
    check(json!({"type": "contains", "value": "paris"}), &answer, FAIL);
    check(
        json!({"type": "icontains", "value": "PARIS"}),
        &answer,
        PASS,
    );
    check(json!({"type": "contains", "value": 200}), &answer, PASS);
    check(
        json!({"type": "contains-any", "value": ["Rome", "Paris"]}),
        &answer,
        PASS,
    );
    check(
        json!({"type": "contains-any", "value": ["Rome", "Oslo"]}),
        &answer,
        FAIL,
    );
    check(
        json!({"type": "contains-all", "value": ["capital", "Paris"]}),
        &answer,
        PASS,
    );
    check(
        json!({"type": "contains-all", "value": ["capital", "Rome"]}),
        &answer,
        FAIL,
    );
    check(
        json!({"type": "icontains-any", "value": "rome, PARIS"}),
        &answer,
        PASS,
    );
    check(
        json!({"type": "icontains-all", "value": "\"paris, OF course\", capital"}),
        &answer,
        PASS,
    );
    check(
        json!({"type": "icontains-all", "value": ["rome"]}),
        &answer,
        FAIL,
    );
    refused(
        json!({"type": "contains", "value": ""}),
        "assert[0].value: it must be a text that is not empty",
    );
    refused(
        json!({"type": "contains-any", "value": []}),
        "assert[0].value: it must be a list of texts, not empty",
    );
    refused(
        json!({"type": "contains-all", "value": [{}]}),
        "assert[0].value: it must be a list of texts",
    );
}

#[test]
fn patterns_and_beginnings() {
    check(
        json!({"type": "regex", "value": "(?i)^paris\\b"}),
        &says("Paris."),
        PASS,
    );
    check(
        json!({"type": "regex", "value": "\\d{3}"}),
        &says("12"),
        FAIL,
    );
    check(
        json!({"type": "starts-with", "value": "Yes"}),
        &says("Yes, it is."),
        PASS,
    );
    check(
        json!({"type": "starts-with", "value": "Yes"}),
        &says("No. Yes"),
        FAIL,
    );
    refused(
        json!({"type": "regex", "value": "("}),
        "assert[0].value: \"(\" is no pattern: unclosed group",
    );
    refused(
        json!({"type": "regex", "value": "(?=a)"}),
        "assert[0].value: \"(?=a)\" is no pattern: look-around",
    );
    refused(
        json!({"type": "starts-with", "value": 7}),
        "assert[0].value: it must be a text, and is a number",
    );
}

#[test]
fn levenshtein() {
    check(
        json!({"type": "levenshtein", "value": "kitten", "threshold": 3}),
        &says("sitting"),
        PASS,
    );
    check(
        json!({"type": "levenshtein", "value": "kitten", "threshold": 2}),
        &says("sitting"),
        FAIL,
    );
    check(
        json!({"type": "levenshtein", "value": "kitten"}),
        &says("kitte"),
        PASS,
    );
    scored(
        json!({"type": "levenshtein", "value": "abcd"}),
        &says("abcx"),
        0.75,
    );
    check(
        json!({"type": "levenshtein", "value": "a"}),
        &says(&"a".repeat(20_000)),
        ERROR,
    );
    refused(
        json!({"type": "levenshtein", "value": "a".repeat(20_000)}),
        "assert[0].value: it is longer than",
    );
}

#[test]
fn rouge() {
    let near = |value: &str, n: u32| json!({"type": "rouge-n", "value": value, "n": n});
    check(
        near("the cat sat on the mat", 1),
        &says("The cat sat, on the mat."),
        PASS,
    );
    check(near("the cat sat on the mat", 1), &says("a dog"), FAIL);
    // Of six words each, five are shared; of five pairs each, three.
    scored(
        near("the cat sat on the mat", 1),
        &says("the cat lay on the mat"),
        5.0 / 6.0,
    );
    scored(
        near("the cat sat on the mat", 2),
        &says("the cat lay on the mat"),
        3.0 / 5.0,
    );
    scored(near("one", 2), &says("one"), 0.0);
    refused(
        json!({"type": "rouge-n", "value": "a", "n": 0}),
        "assert[0].n: it must be a whole number",
    );
}

#[test]
fn similar() {
    check(
        json!({"type": "similar", "value": "Paris"}),
        &says("Paris"),
        PASS,
    );
    check(
        json!({"type": "similar", "value": "Paris"}),
        &says("Rome"),
        FAIL,
    );
    check(
        json!({"type": "similar", "value": ["Paris", "Rome"], "threshold": 0.9}),
        &says("Rome"),
        PASS,
    );
    check(
        json!({"type": "similar", "value": "Paris"}),
        &says("unknown"),
        ERROR,
    );
    refused(
        json!({"type": "similar", "value": 7}),
        "assert[0].value: it must be a text or a list",
    );
    let case = case(
        &json!({"type": "assert-set", "assert": [{"type": "similar", "value": ["a", "b"]}]}),
        None,
    )
    .unwrap();
    assert_eq!(texts_to_embed(&case), ["a", "b"]);
    let checks = Checks::new(CheckSettings::default()).unwrap();
    let without = Context {
        checks: &checks,
        cost_usd: None,
        cosine: None,
    };
    let found = &judge(&case, &says("a"), &without)[0];
    assert_eq!(found.outcome, ERROR);
    assert!(
        found.reason.contains("no model of embeddings"),
        "{}",
        found.reason
    );
}

#[test]
fn citations() {
    let cited = json!({"type": "citations", "pattern": "\\[(\\w+)\\]", "value": ["a", "b"]});
    check(cited.clone(), &says("So it is [a], and so [b][a]."), PASS);
    check(cited.clone(), &says("So it is [a]."), FAIL);
    scored(cited.clone(), &says("[a] [c]"), 0.5);
    check(cited, &says("none"), FAIL);
    refused(
        json!({"type": "citations", "value": ["a"]}),
        "assert[0].pattern: it is missing",
    );
}

#[test]
fn numbers() {
    let wanted = json!({"type": "numbers", "value": [1200, "3.5", -4]});
    check(wanted.clone(), &says("It is 1,200 and 3.50, or -4."), PASS);
    check(wanted.clone(), &says("It is 1200 and v3.5 (−4)."), FAIL);
    scored(wanted, &says("1200."), 1.0 / 3.0);
    check(
        json!({"type": "numbers", "value": 2.5, "tolerance": 0.01}),
        &says("about 2.505"),
        PASS,
    );
    check(
        json!({"type": "numbers", "value": [10, 20], "threshold": 0.5}),
        &says("10"),
        PASS,
    );
    check(
        json!({"type": "numbers", "value": 10}),
        &says("$10, 5%"),
        PASS,
    );
    refused(
        json!({"type": "numbers", "value": ["many"]}),
        "assert[0].value: it must be a number",
    );
}

#[test]
fn fuzzy_match() {
    let fuzzy = json!({"type": "fuzzy-match", "value": ["The Eiffel Tower", "Louvre"]});
    check(
        &fuzzy,
        &says("It is the eiffel-tower? No: Eiffel Tower!"),
        PASS,
    );
    check(&fuzzy, &says("eiffel"), PASS);
    check(&fuzzy, &says("Notre-Dame"), FAIL);
    check(&fuzzy, &says("..."), FAIL);
    refused(
        json!({"type": "fuzzy-match", "value": []}),
        "assert[0].value: ",
    );
}
