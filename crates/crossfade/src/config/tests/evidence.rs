//! `[evidence]`, `[review]` and what routes say of them.

use std::time::Duration;

use crossfade_redact::Detector;

use super::*;

#[test]
fn evidence_is_off_without_a_key() {
    let config = good(&format!("{REQUIRED}{ROUTE}"));
    assert!(!config.evidence.is_on());
    assert_eq!(config.evidence.settings.max_bytes, 1 << 30);
    assert_eq!(config.review.queue.open_per_route, 200);
    assert_eq!(config.review.decide_after, Duration::from_secs(72 * 3_600));
    assert!((config.review.sample.percent() - 1.0).abs() < f64::EPSILON);
    let evidence = &config.routes[0].evidence;
    assert!((evidence.share.percent() - 1.0).abs() < f64::EPSILON);
    assert_eq!(evidence.redact.detectors, Detector::ALL);
}

#[test]
fn the_key_comes_from_the_environment_or_a_file() {
    let config = good(&format!(
        "{REQUIRED}{ROUTE}[evidence]\nkey_env = \"HASH_KEY\"\nprevious_key_env = \"HASH_KEY\""
    ));
    assert!(config.evidence.is_on() && config.evidence.keys.previous.is_some());
    assert!(!format!("{config:?}").contains("171") && !format!("{config:?}").contains("abab"));
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("key");
    std::fs::write(&file, format!("{}\n", "0f".repeat(32))).unwrap();
    let from_file = format!("{REQUIRED}{ROUTE}[evidence]\nkey_file = {file:?}");
    assert!(good(&from_file).evidence.is_on());
}

#[test]
fn what_is_wrong_with_evidence_is_said() {
    check(
        "[evidence]\nkey_env = \"KEY\"",
        "evidence.key_env: the environment variable holds no key: use 64 hexadecimal digits, as `openssl rand -hex 32` prints",
    );
    check(
        "[evidence]\nkey_env = \"MISSING\"",
        "evidence.key_env: environment variable MISSING is not set: set it",
    );
    check(
        "[evidence]\nkey_env = \"HASH_KEY\"\nkey_file = \"x\"",
        "evidence.key_file: key_env is set too: remove one of them",
    );
    check(
        "[evidence]\nprevious_key_env = \"HASH_KEY\"",
        "evidence.previous_key_env: needs key_env or key_file, for what is kept from now on",
    );
    check(
        "[evidence]\nmax_bytes = \"1KiB\"\nretention = \"0s\"",
        "evidence.max_bytes: too small: use at least \"1MiB\"\nevidence.retention: use a duration over 0",
    );
    check(
        "[evidence]\nretention = \"60d\"\nsummaries = \"30d\"",
        "evidence.summaries: shorter than retention: what an exchange was judged stays as long as the exchange",
    );
    check(
        "[evidence.redact]\npatterns = { x = \"a*\" }",
        "evidence.redact.patterns: pattern \"x\" matches the empty text: let it match at least one character",
    );
    check(
        "[review]\nopen_per_route = 0\nmax_age = \"0s\"",
        "review.open_per_route: use a number of at least 1\nreview.max_age: use a duration over 0",
    );
    for out in ["59m", "15d"] {
        check(
            &format!("[review]\ndecide_after = \"{out}\""),
            "review.decide_after: use a time from \"1h\" to \"14d\", such as \"72h\"",
        );
    }
    check(
        "[review]\nmax_age = \"2d\"",
        "review.decide_after: longer than max_age: what waits must not be closed before its time is over",
    );
}

#[test]
fn an_unknown_detector_is_named() {
    let error = parse(&format!(
        "{REQUIRED}[evidence.redact]\ndetectors = [\"e-mail\"]"
    ));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("did you mean \"email\"?"), "{error}");
}

#[test]
fn a_route_says_its_own() {
    let all = "[evidence]\nshare = 2.0\n[evidence.redact]\npatterns = { a = \"A\" }\n";
    let own = "[routes.support.evidence]\nshare = 50.0\ndetectors = []\npatterns = { b = \"B\" }\n";
    let config = good(&format!("{REQUIRED}{all}{ROUTE}{own}"));
    let evidence = &config.routes[0].evidence;
    assert!((evidence.share.percent() - 50.0).abs() < f64::EPSILON);
    assert_eq!(evidence.redact.detectors, []);
    assert_eq!(evidence.redact.patterns.len(), 2);
    check(
        &format!("{ROUTE}[routes.support.evidence]\npatterns = {{ B = \"B\" }}"),
        "routes.support.evidence.patterns: \"B\" cannot name a pattern: use up to 32 lower-case letters, digits and `_`",
    );
    let inherits = good(&format!("{REQUIRED}{all}{ROUTE}"));
    let duration = Duration::from_secs(30 * 86_400);
    assert_eq!(inherits.evidence.settings.retention, duration);
    assert_eq!(inherits.routes[0].evidence.redact.patterns.len(), 1);
}
