//! `[routes.NAME.rollout]` and `[routes.NAME.internal]`.

#![expect(clippy::float_cmp, reason = "what was written is read as it stands")]

use crossfade_exchange::{Gate, Percent};
use crossfade_rollout::{RoutePlan, Stage};

use super::*;

/// A route with an owner, and these keys of its rollout.
fn owned(keys: &str) -> String {
    format!(
        "{}[routes.support.rollout]\n{keys}",
        ROUTE.replace('}', "}\nowner = \"a@example.com\"")
    )
}

fn plan(text: &str) -> RoutePlan {
    let plan = good(&format!("{REQUIRED}{text}")).plans().remove(0);
    assert!(plan.check().is_ok(), "{text}");
    plan
}

/// These keys of an owned route's rollout are refused with this, less the common beginning.
fn wrong(keys: &str, expected: &str) {
    let expected: Vec<String> = expected
        .lines()
        .map(|line| format!("routes.support.rollout.{line}"))
        .collect();
    check(&owned(keys), &expected.join("\n"));
}

#[test]
fn what_a_plan_has_by_itself() {
    let made = plan(&owned(""));
    let usual = RoutePlan::new(made.route.clone());
    let expected = RoutePlan {
        owner: made.owner.clone(),
        gates: made.gates.clone(),
        metrics_on: made.metrics_on,
        ..usual
    };
    assert_eq!(made, expected, "the file's defaults are the plan's");
    let gates: Vec<&str> = made
        .gates
        .margins
        .keys()
        .map(|gate| gate.as_str())
        .collect();
    assert_eq!(
        gates,
        [
            "transport",
            "slow",
            "stream",
            "envelope",
            "json_parse",
            "json_schema",
            "refusal",
            "answered_refused",
            "refused_answered",
            "json_structure",
            "tool_selection",
            "tool_arguments",
            "text_similarity",
        ]
    );
    assert!(made.gates.named.is_empty());
    assert_eq!(made.gates.fingerprint.len(), 64);
    for (gate, margin) in &made.gates.margins {
        assert_eq!(*margin, gate.margin(), "{gate}");
    }
}

#[test]
fn what_a_file_says_stands_in_the_plan() {
    let made = plan(&format!(
        "[mirror]\nreverse_share = 5\n{}\n[routes.support.internal]\nclaims = {{ roles = [\"tester\"] }}\nheaders = {{ x-team = [\"a\", \"b\"] }}",
        owned(concat!(
            "slice = 2\nramp = [10, 100]\nautomatic_ramp = false\nsuccess = { refusal = 0.02, label = 0.03 }\ngate_alpha = 0.01\n",
            "unit_window = \"5m\"\nminimum_units = 70\ncoverage = 80\nminimum_time = { slice = \"1h\" }\n",
            "[routes.support.checks]\nlabel = { path = \"$.a\", values = [\"x\", \"y\"] }",
        ))
    ));
    assert_eq!(made.slice, Percent::new(2.0).unwrap());
    assert_eq!(made.ramp, [10.0, 100.0].map(|p| Percent::new(p).unwrap()));
    assert!(!made.automatic_ramp && made.has_internal_callers);
    assert_eq!(made.gates.named, [Gate::Refusal, Gate::Label]);
    assert_eq!(made.gates.margins[&Gate::Label], 0.03);
    assert_eq!((made.gates.alpha, made.coverage), (0.01, 0.8));
    assert_eq!(made.gates.unit_window.as_secs(), 300);
    assert_eq!(made.minimum_units, 70);
    assert_eq!(made.minimum_time[&Stage::Slice].as_secs(), 3_600);
    assert_eq!(made.minimum_time[&Stage::Window].as_secs(), 7 * 86_400);
    assert_eq!(made.reverse_share, Percent::new(5.0).unwrap());
    assert!(made.stages.contains(&Stage::Internal), "callers are named");
    let off = plan(&format!(
        "[mirror]\nreverse_share = 5\nenabled = false\n{}",
        owned("")
    ));
    assert!(off.reverse_share.is_zero(), "nothing is mirrored at all");
}

#[test]
fn a_ramp_that_ends_early_ends_the_way() {
    let made = plan(&owned("ramp = [5, 50]"));
    assert_eq!(made.stages, [Stage::Shadow, Stage::Slice, Stage::Ramp]);
    let made = plan(&owned("ramp = [5, 100]"));
    assert!(made.stages.contains(&Stage::Window) && made.stages.contains(&Stage::Complete));
}

#[test]
fn stages_that_do_not_fit() {
    wrong(
        "stages = [\"shadow\", \"ramp\", \"slice\"]",
        "stages: not in their order, or one twice: use replay, shadow, internal, slice, ramp, window, complete, without those that the route does not go through",
    );
    wrong(
        "stages = [\"shadow\", \"shadow\"]",
        "stages: not in their order, or one twice: use replay, shadow, internal, slice, ramp, window, complete, without those that the route does not go through",
    );
    wrong(
        "stages = [\"slice\"]",
        "stages: without shadow: nothing moves that was not compared; add it",
    );
    wrong(
        "stages = [\"shadow\", \"internal\"]",
        "stages: internal, and no caller is named: add some under internal, or remove the stage",
    );
    for keys in [
        "stages = [\"shadow\", \"slice\", \"window\"]",
        "stages = [\"shadow\", \"ramp\", \"window\"]\nramp = [50]",
    ] {
        wrong(
            keys,
            "stages: window follows 100 %: add ramp, with 100 as its last step",
        );
    }
    wrong(
        "stages = [\"shadow\", \"ramp\", \"complete\"]",
        "stages: complete follows window: add window, or remove complete",
    );
    wrong(
        "stages = [\"shadow\", \"ramps\"]",
        "stages.1: unknown value \"ramps\"; did you mean \"ramp\"? (known here: replay, shadow, internal, slice, ramp, window, complete)",
    );
    wrong(
        "slice = 0",
        "slice: use a share over 0 and under 100, in percent",
    );
    wrong("ramp = []", "ramp: use from 1 to 20 shares, in percent");
    wrong(
        "ramp = [5, 5]",
        "ramp: each share must be larger than the one before",
    );
    wrong(
        "slice = 5",
        "ramp: the first share must be larger than slice",
    );
}

#[test]
fn what_makes_no_sense_is_refused_with_one_word_each() {
    wrong(
        "coverage = 0",
        "coverage: use a share over 0, in percent, such as 90: with 0 a stage is left though nothing of a size was compared",
    );
    wrong(
        "minimum_units = 65537",
        "minimum_units: use at most 65536: more are not told apart",
    );
    wrong(
        "metrics = [\"transport\", \"refusal\", \"transport\"]",
        "metrics: \"transport\" stands here twice: remove one",
    );
    for limit in ["-1", "0", "nan", "inf"] {
        wrong(
            &format!("cost_limit_usd = {limit}.0")
                .replace("n.0", "n")
                .replace("f.0", "f"),
            "cost_limit_usd: use a number over 0, or remove the key",
        );
    }
    let internal = |keys: &str, expected: &str| {
        check(
            &format!("{}[routes.support.internal]\n{keys}", owned("")),
            &format!("routes.support.internal.{expected}"),
        );
    };
    let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    internal(
        &format!("credentials = [\"{digest}\", \"{digest}\"]"),
        "credentials: holds a digest twice: remove one",
    );
    internal(
        "credentials = [\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"]",
        "credentials: holds the digest of an empty text, which is nobody's: hash the credential itself",
    );
    internal(
        "headers = { x-team = [\"a\", \"a\"] }",
        "headers.x-team: holds a value twice: remove one",
    );
    internal(
        "claims = { roles = [\"a\", \"a\"] }",
        "claims.roles: holds a value twice: remove one",
    );
    check(
        &format!("[mirror]\nhourly_usd = 5\ndaily_usd = 3\n{}", owned("")),
        "mirror.hourly_usd: more than daily_usd, which stops before it: lower it, or raise that",
    );
    check(
        &format!(
            "[[admin.tokens]]\nname = \"ana\"\nrole = \"owner\"\nsha256 = \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"\n{}",
            owned("")
        ),
        "admin.tokens.0.sha256: this is the digest of an empty text: whoever sends no token would hold it; make a token first, as config/crossfade.toml shows",
    );
}

#[test]
fn what_a_route_lacks_keeps_it_in_shadow() {
    let more = "stages = [\"shadow\", \"slice\"]";
    check(
        &format!("{ROUTE}[routes.support.rollout]\n{more}"),
        "routes.support.rollout.stages: more than replay and shadow needs an owner: set owner on the route; or ask for no more",
    );
    wrong(
        &format!("{more}\nsuccess = {{}}\nmetrics = []"),
        "stages: more than replay and shadow needs a success metric: name one under success; or ask for no more\nstages: more than replay and shadow needs a roll-back trigger: name one under metrics; or ask for no more",
    );
    let vectors = owned(more).replace("\"example.model-1\"", "\"m\", api = \"invoke\"");
    check(
        &vectors,
        "routes.support.rollout.stages: more than replay and shadow needs vectors that the candidate may answer with: set candidate.index_rebuilt; or ask for no more",
    );
    // Who asks for no more lacks nothing.
    for keys in [
        "stages = [\"replay\", \"shadow\"]\nmetrics = []",
        "metrics = []",
        "success = {}",
    ] {
        let plan = plan(&owned(keys));
        assert!(
            plan.metrics_on.is_empty() || plan.gates.margins.is_empty(),
            "{keys}"
        );
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn success_metrics_that_cannot_be_judged() {
    let cannot = |gate: &str, rest: &str, why: &str| {
        wrong(
            &format!("success = {{ {gate} = 0.02 }}{rest}"),
            &format!("success.{gate}: cannot be judged: {why}"),
        );
    };
    cannot("label", "", "set checks.label");
    cannot("citations", "", "set checks.citations, or checks.retrieval");
    cannot("extraction", "", "set checks.extraction");
    cannot("cost", "", "add cost_limit_usd");
    cannot(
        "required_fields",
        "",
        "name the fields in checks.required_fields",
    );
    cannot(
        "refusal",
        "\n[routes.support.checks]\noff = [\"refusal\"]",
        "remove its check from checks.off",
    );
    cannot(
        "answered_refused",
        "\n[routes.support.checks]\noff = [\"refusal\"]",
        "remove its check from checks.off",
    );
    cannot(
        "json_structure",
        "\n[routes.support.checks]\nseverity = { json_structure = \"info\" }",
        "checks.severity has its check as info, which is only reported; raise it",
    );
    cannot(
        "semantic_similarity",
        "",
        "name a model under [similarity], and a share of pairs over 0",
    );
    cannot(
        "embeddings",
        "",
        "embeddings are never asked twice, so that the primary's disagreement with itself stays unknown; remove it",
    );
    cannot(
        "tool_selection",
        "\n[mirror]\nask_primary_twice = 0",
        "it is measured above the primary's disagreement with itself; set mirror.ask_primary_twice over 0",
    );
    wrong(
        "success = { refusal = 1 }",
        "success.refusal: use a margin over 0 and under 1, such as 0.01 for 1 percentage points",
    );
    wrong(
        "gate_alpha = 0.5",
        "gate_alpha: use a probability from 1e-12 to 0.2, such as 0.05",
    );
    wrong(
        "minimum_units = 0",
        "minimum_units: use a number of at least 1",
    );
    wrong(
        "minimum_time = { complete = \"1d\" }",
        "minimum_time.complete: unknown key \"complete\" (known here: shadow, internal, slice, ramp, window)",
    );
}

#[test]
fn asking_nobody_twice_takes_one_key() {
    let config = good(&format!(
        "{REQUIRED}[mirror]\nask_primary_twice = 0\n{}",
        owned("")
    ));
    assert!(config.mirror.ask_candidate_twice.is_zero());
    let margins = config.plans().remove(0).gates.margins;
    assert!(
        margins.keys().all(|gate| !gate.needs_repeats()),
        "{margins:?}"
    );
    assert!(margins.contains_key(&Gate::Refusal));
    check(
        "[mirror]\nask_primary_twice = 0\nask_candidate_twice = 1",
        "mirror.ask_candidate_twice: more than ask_primary_twice: the candidate is asked again only where the primary is; lower it",
    );
}

#[test]
fn an_embeddings_route_is_judged_by_its_events() {
    let text = owned("").replace(
        "\"example.model-1\"",
        "\"m\", api = \"invoke\", index_rebuilt = true",
    );
    let gates: Vec<Gate> = plan(&text).gates.margins.into_keys().collect();
    assert_eq!(gates, [Gate::Transport, Gate::Slow, Gate::Envelope]);
}

#[test]
fn the_fingerprint_follows_what_evidence_means() {
    let of = |text: &str| plan(text).gates.fingerprint;
    let base = of(&owned(""));
    assert_eq!(base, of(&owned("")), "it does not change by itself");
    let same = [
        owned("").replace("a@example.com", "b@example.com"),
        format!("[listen]\nmax_in_flight = 7\n{}", owned("")),
        format!("[mirror]\nshare = 50\n{}", owned("")),
        owned("slice = 1"),
    ];
    for text in same {
        assert_eq!(of(&text), base, "{text}");
    }
    let others = [
        owned("").replace("example.model-1", "example.model-2"),
        owned("").replace("}\n", "}\nadapt = { system_append = \"Be brief.\" }\n"),
        owned("").replace("}\n", "}\nprice = { input = 1, output = 2 }\n"),
        owned("").replace("}\n", "}\nsticky_by = \"user\"\n"),
        owned("slice = 2"),
        owned("success = { refusal = 0.01 }"),
        owned("[routes.support.checks]\njson = true"),
        format!("[mirror]\nask_primary_twice = 0\n{}", owned("")),
    ];
    let mut seen = vec![base];
    for text in others {
        let fingerprint = of(&text);
        assert!(!seen.contains(&fingerprint), "{text}");
        seen.push(fingerprint);
    }
}

#[test]
fn internal_callers() {
    let with = |keys: &str| format!("{ROUTE}[routes.support.internal]\n{keys}");
    let config = good(&format!(
        "{REQUIRED}{}",
        with("headers = { X-Team = [\"hunter2\"] }\nclaims = { roles = [\"a\", \"b\"] }")
    ));
    let internal = &config.routes[0].internal;
    assert_eq!((internal.headers.len(), internal.claims.len()), (1, 2));
    assert!(!format!("{config:?}").contains("hunter2"));
    let own = |key: &str, message: &str| {
        check(
            &with(&format!("headers = {{ {key} }}")),
            &format!("routes.support.internal.headers.{message}"),
        );
    };
    own(
        "x-team = []",
        "x-team: empty: list the values that count, or remove the key",
    );
    own(
        "x-team = [\"\"]",
        "x-team: holds an empty value, or one that no header can have",
    );
    own("\"x team\" = [\"a\"]", "x team: not the name of a header");
    own(
        "Api-Key = [\"hunter2\"]",
        "Api-Key: holds a secret, which has no place in this file: use credentials or claims",
    );
    own(
        "x-crossfade-side = [\"candidate\"]",
        "x-crossfade-side: has a meaning of its own: use another header",
    );
    check(
        &with("claims = { roles = [\"\"] }"),
        "routes.support.internal.claims.roles: holds an empty value: name what the claim must say",
    );
    check(
        &with("claim = {}"),
        "routes.support.internal.claim: unknown key \"claim\"; did you mean \"claims\"? (known here: credentials, headers, claims)",
    );
}

/// `deploy/rollout.md` has every key and every stage, and no other.
#[test]
fn the_guide_knows_every_key_and_stage() {
    let root = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let guide = std::fs::read_to_string(root.join("deploy/rollout.md")).unwrap();
    let named = |heading: &str| -> Vec<String> {
        let (_, after) = guide.split_once(&format!("\n## {heading}\n")).unwrap();
        let (section, _) = after.split_once("\n## ").unwrap();
        let cells = section.lines().filter_map(|line| line.strip_prefix("| `"));
        cells
            .map(|cell| cell.split_once('`').unwrap().0.to_owned())
            .collect()
    };
    let stages: Vec<&str> = Stage::ALL.iter().map(|stage| stage.as_str()).collect();
    assert_eq!(named("Stages"), stages);
    let schema = schema::generate();
    let keys = schema["$defs"]["RawRollout"]["properties"]
        .as_object()
        .unwrap();
    let mut keys: Vec<&String> = keys.keys().collect();
    let mut told = named("Keys");
    keys.sort();
    told.sort();
    assert_eq!(told.iter().collect::<Vec<_>>(), keys);
}

#[test]
fn people_roll_back_where_they_are_named_and_can_see() {
    use crossfade_exchange::Metric;
    let usual = plan(&owned(""));
    assert!(!usual.metrics_on.contains(Metric::Review));
    let key = "[evidence]\nkey_env = \"HASH_KEY\"\n";
    let named = owned("metrics = [\"refusal\", \"review\"]\nshares = { refusal = 3, review = 1 }");
    let made = plan(&format!("{key}{named}"));
    assert!(made.metrics().contains(Metric::Review));
    assert_eq!(made.shares.unwrap()[&Metric::Review], 0.25);
    wrong(
        "metrics = [\"review\"]",
        "metrics: review, and no exchange is kept for people to look at: set evidence.key_env or evidence.key_file",
    );
    check(
        &format!(
            "{key}[review]\nsample = 0\n{}",
            owned("metrics = [\"review\"]")
        ),
        "routes.support.rollout.metrics: review, and no pair is drawn for it: set review.sample above 0",
    );
}
