use super::*;

const BASE: &str = r#"
[listen]
address = "127.0.0.1:8080"
[azure]
endpoint = "https://ours.openai.azure.com"
[bedrock]
region = "us-east-1"
"#;

const OWNER: &str = r#"
[[admin.tokens]]
name = "ana"
sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
role = "owner"
"#;

const ROUTE: &str = r#"
[routes.support]
owner = "team@example.com"
candidate = { model = "us.anthropic.claude-sonnet-4-6" }
"#;

pub(super) fn config(text: &str) -> Config {
    Config::parse_with(text, "x.toml", &|name| Some(format!("value-of-{name}"))).unwrap()
}

fn shown(rest: &str) -> String {
    text(&report(
        &config(&format!("{BASE}{rest}")),
        "x.toml".to_owned(),
        None,
    ))
}

/// The report holds the words, in any place.
fn check(rest: &str, parts: &[&str]) {
    let shown = shown(rest);
    for part in parts {
        assert!(shown.contains(part), "missing: {part}\n{rest}\n{shown}");
    }
}

#[test]
fn what_a_route_may_do() {
    check(
        "",
        &[
            "x.toml is valid",
            "no route: everything is passed through",
            "warning: no admin token",
        ],
    );
    let route = format!("{OWNER}{ROUTE}");
    check(
        &route,
        &[
            "support -> us.anthropic.claude-sonnet-4-6",
            "may      shadow: 100 % of its eligible units",
            "may      advance through shadow, slice (1 %), ramp (5 %, 10 %, 25 %, 50 %, 100 %), window, complete; team@example.com answers for it",
            "may      take the steps of the ramp by itself",
            "may      advance where the candidate is worse by less than these percentage points: transport 1, slow 5,",
            "may not  reach 100 %: nothing would compare the candidate any more; set mirror.reverse_share",
            "likely   in nine of ten cases",
            "10 requests/s: shadow ",
            "may      roll back by itself, on transport, slow, stream, envelope, json_parse, json_schema, refusal; a false alarm in at most 1 % of attempts",
            "may      assign by conversation",
            "may not  count what the candidate costs: it has no price; a third party's list had price = { input = 3.0, cached = 0.3, cache_write = 3.75, output = 15.0 }",
        ],
    );
    let all = shown(&route);
    for part in ["may not  shadow", "may not  advance"] {
        assert!(!all.contains(part), "{all}");
    }
    check(
        ROUTE,
        &[
            "may not  advance beyond shadow: no token may advance it",
            "may not  advance beyond shadow: no token may sign off",
        ],
    );
    check(
        &format!("{OWNER}[routes.x]\ncandidate = {{ model = \"m\" }}"),
        &["may not  advance beyond shadow: it has no owner; set owner"],
    );
    check(
        &format!("{}{ROUTE}", OWNER.replace("\"owner\"", "\"operator\"")),
        &[
            "may not  advance beyond shadow: no token may sign off; add one of role owner",
            "no token of role owner",
        ],
    );
    check(
        &format!("{OWNER}{ROUTE}[mirror]\nenabled = false"),
        &["mirroring is off: nothing is compared", "may not  shadow"],
    );
}

/// A route to one model, with these keys of its candidate.
fn with(keys: &str) -> String {
    format!(
        "{OWNER}[routes.x]\nowner = \"a\"\ncandidate = {{ model = \"us.anthropic.claude-sonnet-4-6\", {keys} }}"
    )
}

#[test]
fn what_its_candidate_is_asked() {
    check(
        &with("api = \"converse\""),
        &[
            "may      ask by Converse",
            "may      answer requests with any loss, which is counted",
            "may not  ask about pictures and files behind URLs: fetch is off",
            "may not  answer responses that the provider is to keep (store is not false)",
        ],
    );
    check(
        &with(
            "losses = { default = \"refuse\", seed_dropped = \"allow\", stop_dropped = \"mirror-only\" }",
        ),
        &[
            "may      answer requests with the loss seed_dropped, which is counted",
            "may not  answer requests with the loss stop_dropped: they are copied only",
            "may not  be asked requests with any of ",
        ],
    );
    check(
        &with("store = \"unstored\", late_system = \"in_place\", penalties = \"drop\""),
        &[
            "may      answer responses that the provider is to keep, and keep none",
            "may      leave later system messages in their place",
            "may      drop penalties and biases",
        ],
    );
}

#[test]
fn what_its_candidate_reaches_and_what_does_not_fit() {
    check(
        &with(
            "fetch = { hosts = [\"files.example.com\"], allow_private = true }, guardrail = { id = \"g\", version = \"1\" }",
        ),
        &[
            "may      fetch pictures and files behind URLs, from files.example.com, up to 3750000 bytes",
            "may      be looked at by guardrail g version 1",
            "warning: route x: candidate.fetch.allow_private opens this machine",
        ],
    );
    check(
        &with("api = \"openai-responses\", store = \"candidate\", index_rebuilt = true"),
        &[
            "may      ask by responses on the runtime host",
            "warning: route x: the capability table says that us.anthropic.claude-sonnet-4-6 is not to be had by responses",
            "warning: route x: store = \"candidate\" needs api",
            "warning: route x: index_rebuilt is for embeddings",
        ],
    );
    let embeddings = |rebuilt: bool| {
        let shown = shown(&format!(
            "{OWNER}[routes.e]\nowner = \"a\"\ncandidate = {{ model = \"amazon.titan-embed-text-v2:0\", api = \"invoke\", index_rebuilt = {rebuilt} }}"
        ));
        let split = "may not  split embeddings: vectors of two models do not mix";
        assert_eq!(shown.contains(split), !rebuilt, "{shown}");
        assert_eq!(
            shown.contains("may      advance through"),
            rebuilt,
            "{shown}"
        );
    };
    embeddings(false);
    embeddings(true);
    check(
        &with("api = \"invoke\", losses = { tokens_decoded = \"refuse\" }"),
        &[
            "may not  be asked requests with ",
            "warning: route x: the capability table knows no form in which us.anthropic.claude-sonnet-4-6 embeds",
        ],
    );
}

#[test]
fn what_the_bounds_carry() {
    check(
        "",
        &[
            "1024 copies in flight carry 1024 a second at 1 s each, 204 a second at 5 s each, 51 a second at 20 s each",
            "256MiB hold 8192 exchanges of 32KiB (request and both answers): 8192 a second at 1 s each, 1638 a second at 5 s each",
            "256MiB hold 64 exchanges of the largest size, 4MiB: 64 a second at 1 s each",
        ],
    );
    check(
        "[mirror]\nrate = 2.5",
        &["at most 2.5 copies are begun a second"],
    );
}

#[test]
fn what_deserves_a_thought() {
    let route = format!("{OWNER}{ROUTE}");
    check(
        &route,
        &["mirror has no money cap", "mirror.reverse_share is 0"],
    );
    check(
        &format!("{route}[mirror]\ndaily_usd = 5"),
        &["route support has no price"],
    );
    check(
        &format!("{OWNER}[routes.x]\ncandidate = {{ model = \"unheard.of-1\" }}"),
        &["route x: what unheard.of-1 takes is not known"],
    );
    assert!(!shown(&route).contains("is not known"), "{}", shown(&route));
    let by = |sticky: &str| format!("{OWNER}{ROUTE}sticky_by = \"{sticky}\"");
    check(
        &by("credential"),
        &["assigns by credential: with fewer than about 200"],
    );
    check(&by("header:x-user"), &["assigns by header:x-user"]);
    for (from, to, warning) in [
        ("127.0.0.1:8080", "0.0.0.0:8080", "listen has no tls"),
        (
            "https://ours",
            "http://ours",
            "azure.endpoint http://ours.openai.azure.com is not encrypted",
        ),
        ("https://ours", "https://RESOURCE", "is the example's"),
        (
            "[bedrock]",
            "[bedrock]\nendpoint = \"http://10.0.0.1\"",
            "bedrock.endpoint http://10.0.0.1 is not",
        ),
        (
            "[bedrock]",
            "[admin]\naddress = \"0.0.0.0:9901\"\n[bedrock]",
            "admin.address is not this machine's",
        ),
    ] {
        let shown = text(&report(
            &config(&BASE.replace(from, to)),
            "x.toml".to_owned(),
            None,
        ));
        assert!(shown.contains(warning), "{warning}\n{shown}");
    }
    let open = BASE
        .replace("127.0.0.1", "0.0.0.0")
        .replace("[bedrock]", "auth = \"key\"\nkey_env = \"K\"\n[bedrock]");
    let shown = text(&report(&config(&open), "x.toml".to_owned(), None));
    assert!(
        shown.contains("whoever reaches the listener calls Azure with your key"),
        "{shown}"
    );
    assert!(!shown.contains("value-of-K"), "{shown}");
}

#[test]
fn chances_are_short() {
    for (chance, shown) in [
        (0.01, "1 %"),
        (0.1, "10 %"),
        (0.07, "7 %"),
        (0.001, "0.1 %"),
        (1e-6, "0.0001 %"),
        (1e-12, "1e-12"),
    ] {
        assert_eq!(show_chance(chance), shown);
    }
}

#[test]
fn patterns_that_can_meet_are_named() {
    let routes = |names: &[&str]| -> String {
        let table = |name: &&str| {
            format!("[routes.\"{name}\"]\nowner = \"t\"\ncandidate = {{ model = \"m\" }}\n")
        };
        names.iter().map(table).collect()
    };
    for (names, meet) in [
        (["gpt-*-a", "gpt-*-b"], false),
        (["a*", "*a"], true),
        (["a*c*", "ab*c"], true),
        (["ab*", "cd*"], false),
        (["a*", "ab*"], false),
        (["a", "a*"], false),
    ] {
        let shown = shown(&routes(&names));
        assert_eq!(
            shown.contains("can cover the same deployment"),
            meet,
            "{names:?}\n{shown}"
        );
    }
    check(
        &routes(&["b*", "*b"]),
        &[
            "routes *b and b* are patterns of equal length that can cover the same deployment: *b wins, the first by name",
        ],
    );
}

#[test]
fn one_token_is_one() {
    check(OWNER, &["127.0.0.1:9901, 1 token\n"]);
    check("", &["127.0.0.1:9901, 0 tokens\n"]);
}

#[test]
fn what_asking_twice_takes() {
    let prices =
        "price = { input = 3.0, output = 15.0 }\nprimary_price = { input = 2.0, output = 8.0 }\n";
    let config = format!("{OWNER}{ROUTE}{prices}");
    check(
        &config,
        &[
            "5 % have their primary asked once more, 1 % their candidate too: at one pair a second, 4320 and 864 a day",
            "only while Azure shows more than half of its quota left",
            // 5 % of 4 USD and 1 % of 6.75 USD.
            "route support: asking twice costs about 0.27 USD for each 1 000 pairs",
        ],
    );
    let of = |mirror: &str| format!("{OWNER}{ROUTE}[mirror]\n{mirror}");
    check(
        &of("rate = 20.0\nask_primary_twice = 10.0\nask_candidate_twice = 0.0"),
        &[
            "10 % have their primary asked once more, 0 % their candidate too: at the limit on copies, 172800 and 0 a day",
        ],
    );
    check(
        &of("ask_primary_twice = 0.0\nask_candidate_twice = 0.0"),
        &["nothing is asked twice"],
    );
    check(
        &of("daily_usd = 5.0"),
        &["warning: route support has no primary_price: the mirror's money caps cannot count"],
    );
}

#[test]
fn settings_of_models_that_are_not_there_are_said() {
    let checks = "[routes.support.checks]\nsemantic_similarity = { threshold = 0.8 }\nseverity = { judge = \"major\" }";
    check(
        &format!("{OWNER}{ROUTE}\n{checks}"),
        &[
            "warning: route support: checks.semantic_similarity has a threshold and judges nothing",
            "warning: route support: checks.severity has judge, and [judge] names no model",
        ],
    );
    check(
        "[similarity]\npath = \"/nowhere/model\"\ndimensions = 512",
        &[
            "warning: similarity.path: there is no /nowhere/model/model.safetensors",
            "warning: similarity.path: there is no /nowhere/model/tokenizer.json",
            "warning: similarity.dimensions does nothing with path",
        ],
    );
}
