use crossfade_exchange::LossKind;

use super::*;

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
        "[routes.a]\ncandidate = { model = \"m\", api = \"other\" }",
        "routes.a.candidate.api: unknown value \"other\" (known here: converse, openai-chat, openai-responses, invoke)",
    );
}

#[test]
fn guardrails_and_fetching() {
    let with = |keys: &str| format!("[routes.a]\ncandidate = {{ model = \"m\", {keys} }}");
    check(
        &with("guardrail = { id = \"\", version = \"1\" }"),
        "routes.a.candidate.guardrail.id: empty: name the guardrail and its version",
    );
    for api in [
        "invoke\"",
        "openai-responses\"",
        "openai-chat\", surface = \"mantle\"",
    ] {
        check(
            &with(&format!(
                "api = \"{api}, guardrail = {{ id = \"g\", version = \"1\" }}"
            )),
            "routes.a.candidate.guardrail: no guardrail acts on this api and surface: use api = \"converse\", or \"openai-chat\" on the runtime surface, or remove it",
        );
    }
    check(
        &with("fetch = { max_bytes = 0 }"),
        "routes.a.candidate.fetch.max_bytes: nothing could be fetched: raise it, or remove fetch",
    );
    for host in [
        "*",
        "https://a.example/",
        "a.example:443",
        "*.",
        "b.*.example",
        "",
    ] {
        check(
            &with(&format!("fetch = {{ hosts = [\"b.example\", {host:?}] }}")),
            &format!(
                "routes.a.candidate.fetch.hosts: {host:?} is no host: use a name, or *. and a domain; an empty list is any host"
            ),
        );
    }
    check(
        &with("fetch = { ports = [] }"),
        "routes.a.candidate.fetch.ports: nothing could be fetched: raise it, or remove fetch",
    );
}

#[test]
fn candidates() {
    let with = |keys: &str| format!("[routes.a]\ncandidate = {{ model = \"m\", {keys} }}");
    let only = "only for api = \"openai-chat\" and \"openai-responses\": remove it";
    check(
        &with("surface = \"mantle\""),
        &format!("routes.a.candidate.surface: {only}"),
    );
    check(
        &with("api = \"invoke\", path_prefix = \"/v1\""),
        &format!("routes.a.candidate.path_prefix: {only}"),
    );
    for prefix in ["v1", "/v1/", "/v1?x"] {
        check(
            &with(&format!("api = \"openai-chat\", path_prefix = {prefix:?}")),
            "routes.a.candidate.path_prefix: not a path before the operation: use one such as \"/openai/v1\"",
        );
    }
    let kinds: Vec<&str> = LossKind::ALL.iter().map(|kind| kind.as_str()).collect();
    check(
        &with("losses = { stop_droped = \"mirror-only\" }"),
        &format!(
            "routes.a.candidate.losses: unknown value \"stop_droped\"; did you mean \"stop_dropped\"? (known here: {})",
            kinds.join(", ")
        ),
    );
    check(
        &with("losses = { stop_dropped = \"mirror\" }"),
        "routes.a.candidate.losses: unknown value \"mirror\" (known here: allow, mirror-only, refuse)",
    );
    check(
        "sigv4_service = \"Bed rock\"",
        "bedrock.sigv4_service: not the name of an AWS service: use one such as \"bedrock\", or remove the key",
    );
    let keys = "api = \"openai-responses\", surface = \"mantle\", path_prefix = \"/openai/v1\", fetch = {}";
    let config = good(&format!("{REQUIRED}{}", with(keys)));
    assert!(
        config
            .routes
            .iter()
            .all(|route| route.candidate.fetch.is_some())
    );
}

#[test]
fn rollouts() {
    let with = |keys: &str| format!("{ROUTE}[routes.support.rollout]\n{keys}");
    check(
        &with("alpha = 0.5"),
        "routes.support.rollout.alpha: use a probability from 1e-12 to 0.1, such as 0.01",
    );
    check(
        &with("alpha = 1e-300"),
        "routes.support.rollout.alpha: use a probability from 1e-12 to 0.1, such as 0.01",
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
        "routes.support.rollout.metrics.0: unknown value \"slwo\"; did you mean \"slow\"? (known here: transport, slow, stream, envelope, json_parse, json_schema, required_fields, refusal, cost, review)",
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
    let plan = config.plans().remove(0);
    assert!(plan.check().is_ok());
    assert_eq!(plan.cost_limit_usd, Some(0.1));
    let weighted = format!(
        "{REQUIRED}{}",
        with("metrics = [\"slow\", \"refusal\"]\nshares = { slow = 1, refusal = 3 }")
    );
    let config = good(&weighted);
    let plan = config.plans().remove(0);
    assert!(plan.check().is_ok());
    let share = plan.shares.unwrap()[&crossfade_exchange::Metric::Refusal];
    assert!((share - 0.75).abs() < f64::EPSILON);
}

#[test]
fn checks() {
    let with = |keys: &str| format!("{ROUTE}[routes.support.checks]\n{keys}");
    check(
        &with("lable = {}"),
        "routes.support.checks.lable: unknown key \"lable\"; did you mean \"label\"? (known here: off, severity, json, lenient_json, schema, required_fields, json_paths, label, side_effecting_tools, tool_arguments, refusal, text_similarity, semantic_similarity, retrieval, groundedness, citations, extraction, length, latency, max_output_tokens, embeddings)",
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
