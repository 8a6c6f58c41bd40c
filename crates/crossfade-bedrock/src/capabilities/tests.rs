//! The table's own rules, and the facts that once cost a refusal.

use super::*;

#[test]
fn the_table_parses_and_every_family_exists() {
    let table = Table::parse(include_str!("../capabilities.toml")).unwrap();
    let families = table.family.values();
    let named = table.model.iter().map(|row| &row.traits).chain(families);
    for family in named.filter_map(|traits| traits.like.as_ref()) {
        assert!(table.family.contains_key(family), "{family}");
    }
    for (earlier, row) in table.model.iter().enumerate() {
        let mut before = table.model.iter().take(earlier);
        let hidden = before.find(|each| row.pattern.contains(&each.pattern));
        assert!(
            hidden.is_none(),
            "{} can never be reached: {hidden:?}",
            row.pattern
        );
    }
}

#[test]
fn a_column_that_is_misspelt_is_an_error() {
    for wrong in [
        "[[model]]\npattern = 'a'\nstrikt = true",
        "[[model]]\nstrict = true",
        "[family.a]\nlike = 3",
        "[default]\nstop = 'some'",
        "[models]\na = 1",
    ] {
        assert!(Table::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn families_inherit_and_circles_of_them_end() {
    let table = Table::parse(
        "[default]\nstops = 7\n[family.a]\nlike = 'b'\nstrict = true\n[family.b]\nlike = 'a'\nprefill = true\nstrict = false\n\
         [[model]]\npattern = 'one'\nlike = 'a'\ntoken_floor = 3",
    );
    let found = table.unwrap().of("us.one-1");
    assert!(found.strict && found.prefill);
    assert_eq!((found.stops, found.token_floor), (7, 3));
}

#[test]
fn ids_find_their_row_through_prefixes_and_arns_bug_53() {
    let check = |id: &str, native: bool, images: bool| {
        let found = Capabilities::of(id);
        let seen = (
            found.structured == Structured::Native,
            !found.images.is_empty(),
        );
        assert_eq!(seen, (native, images), "{id}");
    };
    check("anthropic.claude-3-haiku-20240307-v1:0", false, true);
    check("us.anthropic.claude-haiku-4-5-20251001-v1:0", true, true);
    check("global.anthropic.claude-sonnet-4-6", true, true);
    let profile =
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0";
    check(profile, false, true);
    let model = "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-micro-v1:0";
    check(model, false, false);
    let hidden = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123";
    check(hidden, false, false);
    assert!(!Capabilities::known("acme.rocket-1"));
    assert_eq!(
        Capabilities::of("acme.rocket-1"),
        CAREFUL,
        "the file's default is the code's"
    );
}

#[test]
fn facts_that_once_cost_a_refusal() {
    let of = Capabilities::of;
    assert_eq!(
        of("anthropic.claude-opus-4-8-v1:0").sampling,
        Sampling::None,
        "bug 42"
    );
    assert_eq!(
        of("anthropic.claude-sonnet-4-5-v1:0").sampling,
        Sampling::One,
        "bug 41"
    );
    assert!(!of("anthropic.claude-opus-4-7-v1:0").strict, "bug 47");
    assert!(of("anthropic.claude-opus-4-6-v1:0").strict, "bug 47");
    assert!(!of("anthropic.claude-opus-4-6-v1:0").prefill, "edge 6");
    assert_eq!(of("openai.gpt-5.6-sol").token_floor, 16, "edge 33");
    assert_eq!(of("openai.gpt-5.6-sol").stop, Stop::None, "edge 35");
    assert_eq!(of("mistral.mistral-large-2407-v1:0").choice, Choice::Any);
    let llama = of("us.meta.llama3-3-70b-instruct-v1:0");
    assert!(llama.result_alone, "edge 3");
    assert!(!llama.stream_tools && llama.text_calls, "edge 28");
    assert_eq!(of("us.amazon.nova-2-lite-v1:0").cache_points, 0, "bug 40");
    assert_eq!(of("us.amazon.nova-lite-v1:0").cache_points, 4, "bug 40");
    assert!(
        !of("openai.gpt-6-sol").efforts.has(Effort::Minimal),
        "edge 2.7"
    );
    assert!(!of("amazon.titan-text-express-v1").system, "edge 7");
}

#[test]
fn endpoints_that_do_not_speak_for_a_model_are_known_bug_51() {
    use {Api::*, Surface::*};
    let check = |id: &str, api: Api, surface: Surface, expected: bool| {
        assert_eq!(
            Capabilities::of(id).speaks(api, surface),
            expected,
            "{id} {api:?} {surface:?}"
        );
    };
    check("openai.gpt-5.4", OpenaiChat, Runtime, false);
    check("openai.gpt-5.4", OpenaiResponses, Mantle, true);
    check("us.openai.gpt-5.6-terra", OpenaiChat, Runtime, true);
    check("openai.gpt-oss-120b-1:0", OpenaiChat, Runtime, true);
    check("nvidia.nemotron-nano-2", OpenaiResponses, Mantle, false);
    check("anthropic.claude-sonnet-4-6", OpenaiChat, Runtime, false);
    check("amazon.titan-embed-text-v2:0", Converse, Runtime, false);
    check("acme.rocket-1", OpenaiResponses, Mantle, true);
}

#[test]
fn what_a_route_states_wins() {
    let stated: Overrides =
        toml::from_str("streams = false\ntoken_floor = 4\nimages = ['png']").unwrap();
    let capabilities = Capabilities::of("amazon.nova-lite-v1:0").with(&stated);
    assert!(!capabilities.streams);
    assert_eq!(capabilities.token_floor, 4);
    assert!(
        capabilities.images.has(ImageFormat::Png) && !capabilities.images.has(ImageFormat::Gif)
    );
    assert!(toml::from_str::<Overrides>("stream = false").is_err());
}

#[test]
fn sets_read_as_they_are_written() {
    let text = r#"["jpeg","webp"]"#;
    let set: Set<ImageFormat> = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&set).unwrap(), text);
    assert!(!Set::<ImageFormat>::of(&[ImageFormat::Gif]).is_empty());
    assert!(serde_json::from_str::<Set<ImageFormat>>(r#"["bmp"]"#).is_err());
}
