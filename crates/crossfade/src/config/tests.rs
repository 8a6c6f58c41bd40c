use std::fmt::Write as _;

use super::*;

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
            "endpoint, auth, key_env, key_file, access_key_env, secret_key_env, session_token_env, ",
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
        "rotues: unknown key \"rotues\"; did you mean \"routes\"? (known here: listen, admin, data, azure, bedrock, mirror, backplane, logging, routes)",
    );
    check(
        "[data]\ndirectroy = \"x\"",
        "data.directroy: unknown key \"directroy\"; did you mean \"directory\"? (known here: directory, key_env)",
    );
    check(
        "[data]\ncolour = \"x\"",
        "data.colour: unknown key \"colour\" (known here: directory, key_env)",
    );
    check(
        "[routes.a]\ncandidate = { model = \"m\", modle = 1 }",
        "routes.a.candidate.modle: unknown key \"modle\"; did you mean \"model\"? (known here: model, api, base_model, adapt, default_max_tokens, stream_always, annotations, answer_model, capabilities)",
    );
    check(
        "[[admin.tokens]]\nname = \"a\"\nsha256 = \"${HASH_KEY}\"\nrole = \"onwer\"",
        "admin.tokens.0.role: unknown value \"onwer\"; did you mean \"owner\"? (known here: viewer, operator, owner)",
    );
    check(
        "[logging]\nlevel = \"verbose\"",
        "logging.level: unknown value \"verbose\" (known here: error, warn, info, debug)",
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

#[test]
fn routes() {
    let with = |keys: &str| format!("{ROUTE}{keys}");
    let named = |name: &str| format!("[routes.{name:?}]\ncandidate = {{ model = \"m\" }}");
    assert_eq!(
        good(&format!("{REQUIRED}{}", named("support-*")))
            .routes
            .len(),
        1
    );
    check(
        &named("_unrouted"),
        "routes._unrouted: this name is kept for what has no route: use another",
    );
    check(
        &named("a b"),
        "routes.a b: not the name of a deployment, nor a pattern of names: use up to 64 letters, digits, - _ . *",
    );
    check(
        "[routes.a]",
        "routes.a.candidate: missing: this key is required",
    );
    check(
        &with("owner = \" \""),
        "routes.support.owner: empty: name who answers for the route, or remove the key",
    );
    check(
        &with("sticky_by = \"session\""),
        "routes.support.sticky_by: unknown value \"session\": use conversation, user, credential, request or header:NAME",
    );
    check(
        &with("slow_after = \"0s\""),
        "routes.support.slow_after: use a duration over 0",
    );
    check(
        &with("price = { input = -1.0, output = 2.0 }"),
        "routes.support.price.input: use a number of USD per million tokens",
    );
    check(
        &with("adapt = { temperature = 1.5 }"),
        "routes.support.adapt.temperature: use a number from 0 to 1, or remove the key",
    );
    check(
        "[routes.a]\ncandidate = { model = \"m\", api = \"invoke\" }",
        "routes.a.candidate.api: unknown value \"invoke\" (known here: converse)",
    );
}

#[test]
fn rollouts() {
    let with = |keys: &str| format!("{ROUTE}[routes.support.rollout]\n{keys}");
    check(
        &with("alpha = 0.5"),
        "routes.support.rollout.alpha: use a probability over 0 and up to 0.1",
    );
    check(
        &with("metrics = []"),
        "routes.support.rollout.metrics: empty: name at least one, or remove the key",
    );
    check(
        &with("metrics = [\"cost\"]"),
        "routes.support.rollout.metrics: \"cost\" is not judged: add cost_limit_usd",
    );
    check(
        &with("cost_limit_usd = 0.1"),
        "routes.support.rollout.cost_limit_usd: needs the candidate's price: add price to the route",
    );
    check(
        &with("metrics = [\"slow\"]\nshares = { slow = 1, refusal = 1 }"),
        "routes.support.rollout.shares.refusal: this metric is not on: add it to metrics, or remove the share",
    );
    check(
        &with("metrics = [\"slow\", \"refusal\"]\nshares = { slow = 1 }"),
        "routes.support.rollout.shares: gives refusal nothing: add a share for it, or remove all",
    );
    check(
        &with("metrics = [\"slwo\"]"),
        "routes.support.rollout.metrics.0: unknown value \"slwo\"; did you mean \"slow\"? (known here: transport, slow, stream, envelope, json_parse, json_schema, required_fields, refusal, cost)",
    );
    let priced = ROUTE.replace('}', "}\nprice = { input = 1, output = 2 }");
    let config = good(&format!(
        "{REQUIRED}{priced}[routes.support.rollout]\ncost_limit_usd = 0.1"
    ));
    let route = config.routes.first().unwrap();
    assert!(
        route
            .rollout
            .metrics
            .contains(crossfade_exchange::Metric::Cost)
    );
    assert_eq!(route.checks.max_cost_usd, Some(0.1));
    assert!(route.checks.price.is_some());
    let plan = route.plan(std::time::Duration::from_secs(9));
    assert!(plan.check().is_ok());
    assert_eq!(plan.cost_limit_usd, Some(0.1));
    let weighted = format!(
        "{REQUIRED}{}",
        with("metrics = [\"slow\", \"refusal\"]\nshares = { slow = 1, refusal = 3 }")
    );
    let config = good(&weighted);
    let plan = config
        .routes
        .first()
        .unwrap()
        .plan(std::time::Duration::from_secs(9));
    assert!(plan.check().is_ok());
    let share = plan.shares.unwrap()[&crossfade_exchange::Metric::Refusal];
    assert!((share - 0.75).abs() < f64::EPSILON);
}

#[test]
fn checks() {
    let with = |keys: &str| format!("{ROUTE}[routes.support.checks]\n{keys}");
    check(
        &with("lable = {}"),
        "routes.support.checks.lable: unknown key \"lable\"; did you mean \"label\"? (known here: off, severity, json, lenient_json, schema, required_fields, label, side_effecting_tools, tool_arguments, refusal, text_similarity, latency, max_cost_usd, price, primary_price)",
    );
    check(
        &with("required_fields = [\"class\"]"),
        "routes.support.checks: required_fields: \"class\" is not a path: it does not start with $; write it like $.class or $.items[*].price",
    );
    check(
        &with("off = [\"envelope\"]"),
        "routes.support.checks: off: envelope cannot be switched off, the other checks stand on it; lower its severity instead",
    );
    check(
        &with("max_cost_usd = 0.1"),
        "routes.support.checks.max_cost_usd: set rollout.cost_limit_usd",
    );
    check(
        &with("schema = \"nowhere.json\""),
        "routes.support.checks.schema: neither JSON text nor a file that can be read: nowhere.json: No such file or directory (os error 2)",
    );
    check(
        &with(
            "off = [\"refusal\"]\n[routes.support.rollout]\nmetrics = [\"refusal\", \"required_fields\"]",
        ),
        "routes.support.rollout.metrics: \"required_fields\" is not judged: name the fields in checks.required_fields\nroutes.support.rollout.metrics: \"refusal\" is not judged: remove its check from checks.off",
    );
    let inline = with("schema = '{\"type\": \"object\"}'\nrequired_fields = [\"$.class\"]");
    let config = good(&format!("{REQUIRED}{inline}"));
    let route = config.routes.first().unwrap();
    assert_eq!(
        route.checks.schema,
        Some(serde_json::json!({ "type": "object" }))
    );
    assert!(
        route
            .rollout
            .metrics
            .contains(crossfade_exchange::Metric::RequiredFields)
    );
}
