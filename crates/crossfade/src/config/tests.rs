use std::fmt::Write as _;

use super::*;

mod evidence;
mod opinions;
mod rollout;
mod routes;

const REQUIRED: &str = r#"
[azure]
endpoint = "https://resource.openai.azure.com"
[bedrock]
region = "us-east-1"
"#;

const ROUTE: &str = r#"
[routes.support]
candidate = { model = "example.model-1" }
"#;

fn environment(name: &str) -> Option<String> {
    match name {
        "HOST" => Some("resource.openai.azure.com".to_owned()),
        "KEY" => Some("hunter2-key".to_owned()),
        "HASH_KEY" => Some("ab".repeat(32)),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse_with(text, "x.toml", &environment)
}

fn good(text: &str) -> Config {
    parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The text is refused with exactly these lines.
fn refused(text: &str, expected: &[&str]) {
    let error = parse(text).expect_err(text).to_string();
    assert_eq!(error.lines().collect::<Vec<_>>(), expected, "{text}");
}

/// Required keys, then `text`; what is wrong with it, without the file's name and position.
fn check(text: &str, expected: &str) {
    let text = format!("{REQUIRED}{text}");
    let error = parse(&text).expect_err(&text);
    let mut said = String::new();
    for problem in &error.problems {
        assert!(problem.position.is_some(), "{text}: {error}");
        let _ = writeln!(said, "{}: {}", problem.key, problem.message);
    }
    assert_eq!(said.trim_end(), expected, "{text}");
}

#[test]
fn every_default() {
    let config = good(&format!("{REQUIRED}{ROUTE}"));
    assert_eq!(config.listen.address.to_string(), "0.0.0.0:8080");
    assert_eq!(config.admin.address.to_string(), "127.0.0.1:9901");
    assert_eq!(config.azure.auth, AzureAuth::Passthrough);
    assert_eq!(config.bedrock.auth, BedrockAuth::Default);
    assert_eq!(config.mirror.bytes, 256 << 20);
    let [route] = config.routes.as_slice() else {
        panic!("{:?}", config.routes)
    };
    assert_eq!(route.id.as_str(), "support");
    assert_eq!(route.owner, None);
    assert_eq!(route.sticky_by, StickyBy::Conversation);
    assert!(
        !route
            .rollout
            .metrics
            .contains(crossfade_exchange::Metric::Cost)
    );
}

#[test]
fn errors_stand_where_they_are() {
    refused(
        "[azure\n",
        &["x.toml:1:7: not TOML: unclosed table, expected `]`"],
    );
    refused(
        "[azure]\nendpoint = \"https://a.example.com\"\n\n[bedrock]\n  regoin = \"us-east-1\"\n",
        &[concat!(
            "x.toml:5:3: bedrock.regoin: unknown key \"regoin\"; did you mean \"region\"? (known here: region, ",
            "endpoint, mantle_endpoint, sigv4_service, auth, key_env, key_file, access_key_env, secret_key_env, session_token_env, ",
            "connect_timeout, idle_timeout, fallback_after)"
        )],
    );
    refused(
        "[azure]\nendpoint = \"https://a.example.com\"\n",
        &["x.toml:1:1: bedrock: missing: this key is required"],
    );
    refused(
        &format!("{REQUIRED}\n[mirror]\nslots = 0\n[listen]\nmax_in_flight = 0\n"),
        &[
            "x.toml:8:1: mirror.slots: use a number of at least 1",
            "x.toml:10:1: listen.max_in_flight: use a number of at least 1",
        ],
    );
}

#[test]
fn unknown_keys_and_values_name_the_nearest() {
    check(
        "[rotues.x]",
        "rotues: unknown key \"rotues\"; did you mean \"routes\"? (known here: listen, admin, data, azure, bedrock, mirror, evidence, review, similarity, judge, backplane, logging, routes)",
    );
    check(
        "[data]\ndirectroy = \"x\"",
        "data.directroy: unknown key \"directroy\"; did you mean \"directory\"? (known here: directory, outcome_log_bytes, key_env)",
    );
    check(
        "[data]\ncolour = \"x\"",
        "data.colour: unknown key \"colour\" (known here: directory, outcome_log_bytes, key_env)",
    );
    check(
        "[routes.a]\ncandidate = { model = \"m\", modle = 1 }",
        "routes.a.candidate.modle: unknown key \"modle\"; did you mean \"model\"? (known here: model, api, surface, path_prefix, base_model, default_max_tokens, stream_always, annotations, answer_model, fetch, capabilities, losses, late_system, temperature_scale, penalties, guardrail, store, index_rebuilt)",
    );
    check(
        "[[admin.tokens]]\nname = \"a\"\nsha256 = \"${HASH_KEY}\"\nrole = \"onwer\"",
        "admin.tokens.0.role: unknown value \"onwer\"; did you mean \"owner\"? (known here: viewer, operator, owner)",
    );
    check(
        "[logging]\nlevel = \"verbose\"",
        "logging.level: unknown value \"verbose\" (known here: error, warn, info, debug)",
    );
    check(
        "[backplane]\nkind = \"redis\"",
        "backplane.kind: unknown value \"redis\" (known here: local)",
    );
}

#[test]
fn values_of_the_wrong_kind() {
    check(
        "[mirror]\nshare = 101",
        "mirror.share: 101 is not a percentage: use a number from 0 to 100",
    );
    check(
        "[mirror]\nshare = -1.5",
        "mirror.share: -1.5 is not a percentage: use a number from 0 to 100",
    );
    check(
        "[mirror]\nshare = nan",
        "mirror.share: NaN is not a percentage: use a number from 0 to 100",
    );
    check(
        "[mirror]\nask_candidate_twice = 6.0",
        "mirror.ask_candidate_twice: more than ask_primary_twice: the candidate is asked again only where the primary is; lower it",
    );
    check(
        "[mirror]\nask_primary_twice = 200",
        "mirror.ask_primary_twice: 200 is not a percentage: use a number from 0 to 100",
    );
    check(
        "[mirror]\nshare = \"ten\"",
        "mirror.share: invalid type: string \"ten\", expected a number",
    );
    check(
        "[listen]\ndrain = 30",
        "listen.drain: invalid type: integer `30`, expected a duration such as \"30s\"",
    );
    check(
        "[listen]\ndrain = \"30\"",
        "listen.drain: \"30\" is not a duration: use a whole number with ms, s, m, h or d, such as \"30s\"",
    );
    check(
        "[listen]\nmax_body = \"1GB\"",
        "listen.max_body: \"1GB\" is not a size: use a whole number with B, KiB, MiB or GiB, such as \"2MiB\"",
    );
    check(
        "[listen]\naddress = \"nowhere\"",
        "listen.address: invalid socket address syntax",
    );
    check(
        "[[admin.tokens]]\nname = \"a\"\nrole = \"viewer\"",
        "admin.tokens.0.sha256: missing: this key is required",
    );
    check(
        "[mirror]\nslots = -1",
        "mirror.slots: invalid value: integer `-1`, expected a whole number",
    );
}

#[test]
fn environment_variables() {
    let text = REQUIRED.replace("resource.openai.azure.com", "${HOST}");
    assert_eq!(
        good(&text).azure.endpoint.to_string(),
        "https://resource.openai.azure.com"
    );
    let config = good(&format!(
        "{REQUIRED}[data]\ndirectory = \"a-$${{HOST}}-${{EMPTY}}-b$\""
    ));
    assert_eq!(config.data.directory.to_str(), Some("a-${HOST}--b$"));

    let directory = |value: &str| format!("[data]\ndirectory = \"{value}\"");
    check(
        &directory("x${NOPE}"),
        "data.directory: environment variable NOPE is not set: set it",
    );
    check(
        &directory("${HOST"),
        "data.directory: \"${\" without \"}\": close it, or write \"$${\" for a plain \"${\"",
    );
    check(
        &directory("${}"),
        "data.directory: \"\" is not the name of an environment variable",
    );
    check(
        &directory("${1A}"),
        "data.directory: \"1A\" is not the name of an environment variable",
    );
    let list =
        "[routes.a]\ncandidate = { model = \"m\" }\ninternal = { credentials = [\"${NOPE}\"] }";
    check(
        list,
        "routes.a.internal.credentials.0: environment variable NOPE is not set: set it",
    );
    // A variable's value never shows in an error.
    check(
        "[logging]\nlevel = \"${KEY}\"",
        "logging.level: unknown value \"${KEY}\" (known here: error, warn, info, debug)",
    );
}

#[test]
fn credentials_come_from_the_environment_or_a_file() {
    let azure = |keys: &str| REQUIRED.replace("[bedrock]", &format!("{keys}\n[bedrock]"));
    let key = |text: &str| match good(&azure(text)).azure.auth {
        AzureAuth::Key(secret) => secret.expose().to_owned(),
        AzureAuth::Passthrough => panic!("{text}"),
    };
    assert_eq!(key("auth = \"key\"\nkey_env = \"KEY\""), "hunter2-key");
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, b"from-a-file\n").unwrap();
    assert_eq!(
        key(&format!("auth = \"key\"\nkey_file = {:?}", file.path())),
        "from-a-file"
    );

    let config = good(&azure("auth = \"key\"\nkey_env = \"KEY\""));
    assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");

    for (keys, expected) in [
        (
            "auth = \"key\"",
            "azure.auth: needs key_env or key_file: add one of them",
        ),
        (
            "auth = \"key\"\nkey_env = \"NOPE\"",
            "azure.key_env: environment variable NOPE is not set: set it",
        ),
        (
            "auth = \"key\"\nkey_env = \"EMPTY\"",
            "azure.key_env: environment variable EMPTY is empty: set it",
        ),
        (
            "auth = \"key\"\nkey_env = \"KEY\"\nkey_file = \"f\"",
            "azure.key_file: key_env is set too: remove one of them",
        ),
        (
            "key_env = \"KEY\"",
            "azure.key_env: not used with auth = \"passthrough\": remove it",
        ),
        (
            "auth = \"entra\"",
            "azure.auth: \"entra\" is not available yet: use \"passthrough\" or \"key\"",
        ),
        (
            "connect_timeout = \"0s\"",
            "azure.connect_timeout: use a duration over 0",
        ),
    ] {
        let error = parse(&azure(keys)).expect_err(keys);
        assert!(error.to_string().ends_with(expected), "{keys}: {error}");
    }
}

#[test]
fn bedrock_credentials() {
    let names = "auth = \"static\"\naccess_key_env = \"KEY\"\nsecret_key_env = \"KEY\"\n";
    let config = good(&format!("{REQUIRED}{names}session_token_env = \"KEY\""));
    let BedrockAuth::Static { session_token, .. } = &config.bedrock.auth else {
        panic!()
    };
    assert!(session_token.is_some());
    assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
    assert!(matches!(
        good(&format!("{REQUIRED}auth = \"api_key\"\nkey_env = \"KEY\""))
            .bedrock
            .auth,
        BedrockAuth::ApiKey(_)
    ));

    check(
        "auth = \"static\"\naccess_key_env = \"KEY\"",
        "bedrock.auth: \"static\" needs secret_key_env: add it",
    );
    check(
        "auth = \"api_key\"",
        "bedrock.auth: needs key_env or key_file: add one of them",
    );
    check(
        "key_env = \"KEY\"",
        "bedrock.key_env: not used with auth = \"default\": remove it",
    );
    check(
        "auth = \"api_key\"\nkey_env = \"KEY\"\naccess_key_env = \"KEY\"",
        "bedrock.access_key_env: not used with auth = \"api_key\": remove it",
    );
    let region = REQUIRED.replace("us-east-1", "US East");
    let error = parse(&region).unwrap_err().to_string();
    assert!(
        error.contains("bedrock.region: not an AWS region"),
        "{error}"
    );
}

#[test]
fn rules_between_keys() {
    check(
        "[admin]\naddress = \"0.0.0.0:8080\"",
        "admin.address: the same as listen.address: use another port",
    );
    check(
        "[backplane]\nkind = \"nats\"",
        "backplane.kind: \"nats\" is not available yet: use \"local\"",
    );
    check(
        "[mirror]\nbytes = \"1MiB\"",
        "mirror.bytes: less than one request and its two answers (request_bytes + 2 × answer_bytes): raise it",
    );
    let small = good(&format!("{REQUIRED}[listen]\nmax_body = \"1MiB\""));
    assert_eq!(
        small.mirror.request_bytes,
        1 << 20,
        "nothing larger can arrive"
    );
    check(
        "[mirror]\nhourly_usd = 0",
        "mirror.hourly_usd: use a number over 0, or remove the key",
    );
    check(
        "[mirror]\nrate = inf",
        "mirror.rate: use a number over 0, or remove the key",
    );
    check(
        "[data]\nkey_env = \"KEY\"",
        "data.key_env: environment variable KEY is no key: use 64 hexadecimal digits, as `openssl rand -hex 32` prints",
    );
    assert!(
        good(&format!("{REQUIRED}[data]\nkey_env = \"HASH_KEY\""))
            .data
            .key
            .is_some()
    );
    let token = |name: &str, digest: &str| {
        format!("[[admin.tokens]]\nname = {name:?}\nsha256 = {digest:?}\nrole = \"viewer\"\n")
    };
    let (one, two) = ("01".repeat(32), "02".repeat(32));
    check(
        &(token("a", &one) + &token("a", &two)),
        "admin.tokens.1.name: used twice: give each token its name",
    );
    check(
        &(token("a", &one) + &token("b", &one)),
        "admin.tokens.1.sha256: the same token as another one's: give each holder a token",
    );
    check(
        &token(" ", &one),
        "admin.tokens.0.name: name the holder: the ledger shows it",
    );
    assert_eq!(
        good(&format!("{REQUIRED}{}", token("a", &one)))
            .admin
            .tokens
            .len(),
        1
    );
}
