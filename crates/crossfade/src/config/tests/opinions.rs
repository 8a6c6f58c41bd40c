//! `[similarity]`, `[judge]` and what routes say of them.

use super::*;

#[test]
fn nobody_is_asked_by_default() {
    let config = good(&format!("{REQUIRED}{ROUTE}"));
    assert!(config.similarity.is_none() && config.judge.is_none());
    let opinions = config.routes[0].opinions;
    assert!((opinions.similarity.percent() - 10.0).abs() < f64::EPSILON);
    assert!((opinions.judge.percent() - 1.0).abs() < f64::EPSILON);
}

#[test]
fn a_model_is_on_azure_on_bedrock_or_on_disk() {
    let config = good(&format!(
        "{REQUIRED}{ROUTE}
        [similarity]
        path = \"/models/small\"
        [judge]
        azure = {{ deployment = \"judge\", endpoint = \"https://other.example.com\", key_env = \"KEY\" }}
        price = {{ input = 1, output = 4 }}
        daily_usd = 5.0
        [routes.support.opinions]
        judge_share = 50.0"
    ));
    let similarity = config.similarity.unwrap();
    assert!(matches!(similarity.source, SimilaritySource::Static(_)));
    let judge = config.judge.unwrap();
    assert!(!format!("{judge:?}").contains("hunter2"));
    let ModelPlace::Azure {
        azure, deployment, ..
    } = judge.place
    else {
        panic!("{:?}", judge.place)
    };
    assert_eq!(
        (azure.endpoint.to_string().as_str(), deployment.as_str()),
        ("https://other.example.com", "judge")
    );
    let share = config.routes[0].opinions.judge.percent();
    assert!((share - 50.0).abs() < f64::EPSILON);
    let text = format!(
        "{REQUIRED}[similarity]\nbedrock = {{ model = \"m\", api = \"invoke\" }}\ndimensions = 512"
    );
    let similarity = good(&text).similarity.unwrap();
    assert_eq!(similarity.dimensions, Some(512));
    assert!(matches!(
        similarity.source,
        SimilaritySource::Asked(ModelPlace::Bedrock(_))
    ));
}

#[test]
fn the_primarys_key_goes_to_the_primarys_resource_alone() {
    let with_key = REQUIRED.replace("[bedrock]", "auth = \"key\"\nkey_env = \"KEY\"\n[bedrock]");
    let here = format!("{with_key}[judge]\nazure = {{ deployment = \"judge\" }}");
    assert!(good(&here).judge.is_some());
    let there = here.replace(
        "\"judge\" }",
        "\"judge\", endpoint = \"https://other.example.com\" }",
    );
    let error = parse(&there).unwrap_err().to_string();
    assert!(error.contains("judge.azure.key_env: missing"), "{error}");
    check(
        "[judge]\nazure = { deployment = \"judge\" }",
        "judge.azure.key_env: missing: nobody's credential is at hand here, so name the environment variable with the resource's key",
    );
}

#[test]
fn what_is_wrong_with_models_is_said() {
    check(
        "[judge]\nazure = { deployment = \"a\", key_env = \"KEY\" }\nbedrock = { model = \"m\" }",
        "judge.bedrock: azure is named too: keep one of them",
    );
    check(
        "[similarity]\npath = \"x\"\nbedrock = { model = \"m\" }\ndimensions = 0",
        "similarity.path: another source is named too: keep one of azure, bedrock and path\nsimilarity.dimensions: use a number of at least 1, or remove the key",
    );
    check(
        "[judge]\nbedrock = { model = \"\" }\nhourly_usd = 1.0\nmax_tokens = 0",
        "judge.bedrock.model: empty: name a model\njudge.hourly_usd: needs the judge's price: add price = { input = …, output = … }\njudge.max_tokens: use a number of at least 1",
    );
    check(
        "[judge]\nprice = { input = -1, output = 1 }\ndaily_usd = 0.0",
        "judge.price.input: use a number of USD per million tokens\njudge.daily_usd: use a number over 0, or remove the key",
    );
}
