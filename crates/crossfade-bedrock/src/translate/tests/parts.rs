//! Parts beside text: documents, pictures, sound, and marks for the cache.

use super::*;
use crate::capabilities::SoundFormat;

const PDF: &str = "JVBERi0xLjcK";

/// A model that takes every kind of part.
fn sensing(change: impl FnOnce(&mut Overrides)) -> CandidateSettings {
    with(|c| {
        c.documents = Some(5);
        c.audio = Some(Set::of(&[SoundFormat::Wav, SoundFormat::Mp3]));
        c.cache_points = Some(4);
        change(c);
    })
}

fn said(parts: Value) -> Value {
    chat(json!([{"role": "user", "content": parts}]))
}

fn file(data: &str, name: Option<&str>) -> Value {
    json!({"type": "file", "file": {"file_data": data, "filename": name}})
}

#[track_caller]
fn check_parts(settings: &CandidateSettings, parts: Value, expected: Value, losses: &[LossKind]) {
    let (found, found_losses) = translated(settings, &said(parts));
    assert_eq!(found["messages"][0]["content"], expected);
    assert_eq!(found_losses, losses);
}

#[track_caller]
fn check_part_refused(settings: &CandidateSettings, part: Value, field: &str) {
    let error = translate(&body(&said(json!([part]))), settings).expect_err("refused");
    let expected = format!("messages[0].content[0].{field}");
    assert_eq!(
        (error.field, error.reason),
        (expected, IneligibleReason::Unsupported)
    );
}

fn document(format: &str, name: &str) -> Value {
    json!({"document": {"format": format, "name": name, "source": {"bytes": PDF}}})
}

#[test]
fn documents_edges_11_12_bug_49() {
    use LossKind::{DocumentRenamed, PlaceholderInserted};
    let takes = sensing(|_| {});
    let text = json!({"type": "text", "text": "Sum up."});
    let data = |kind: &str| format!("data:{kind};base64,{PDF}");
    let check = |parts, expected, losses: &[LossKind]| check_parts(&takes, parts, expected, losses);
    check(
        json!([text, file(&data("application/pdf"), Some("report.pdf"))]),
        json!([{"text": "Sum up."}, document("pdf", "report")]),
        &[],
    );
    // Without text beside it, there must be some.
    check(
        json!([file(PDF, Some("Q3/2026 (final).pdf"))]),
        json!([document("pdf", "Q3-2026 (final)"), {"text": "."}]),
        &[DocumentRenamed, PlaceholderInserted],
    );
    // Two of one name; the first keeps it, in this turn and in the next one's history.
    check(
        json!([text, file(PDF, Some("a.pdf")), file(PDF, Some("a.docx"))]),
        json!([{"text": "Sum up."}, document("pdf", "a"), document("docx", "a 2")]),
        &[DocumentRenamed],
    );
    let (found, _) = translated(&takes, &said(json!([text, file(PDF, None)])));
    let name = found["messages"][0]["content"][1]["document"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    let (again, _) = translated(&takes, &said(json!([file(PDF, None), text])));
    assert!(name.starts_with("document-"));
    assert_eq!(again["messages"][0]["content"][0]["document"]["name"], name);
    // A picture that comes as a file is one.
    check(
        json!([file(&data("image/png"), Some("a.png"))]),
        json!([{"image": {"format": "png", "source": {"bytes": PDF}}}]),
        &[],
    );
}

#[test]
fn documents_that_are_not_taken_are_named() {
    let takes = sensing(|_| {});
    let check = |part, field| check_part_refused(&takes, part, field);
    check(
        file("data:application/zip;base64,UEs=", Some("a.zip")),
        "file.file_data",
    );
    check(file("*", Some("a.pdf")), "file.file_data");
    check(file("", Some("a.pdf")), "file.file_data");
    check(
        json!({"type": "file", "file": {"filename": "a.pdf"}}),
        "file.file_data",
    );
    let by_url = json!({"type": "file", "file": {"file_url": "https://example.com/a.pdf"}});
    check(by_url, "file.file_url");
    let blind = with(|c| c.documents = Some(0));
    check_part_refused(&blind, file(PDF, Some("a.pdf")), "file");
    let parts: Vec<Value> = (0..6).map(|_| file(PDF, Some("a.pdf"))).collect();
    let error = translate(&body(&said(json!(parts))), &takes).unwrap_err();
    assert_eq!(error.field, "messages[0].content[5].file");
    let large = file(&"AAAA".repeat(4_718_592 / 3 + 1), Some("a.pdf"));
    check(large, "file.file_data");
}

#[test]
fn sound_for_models_that_hear() {
    let sound = |format: &str, data: &str| json!({"type": "input_audio", "input_audio": {"format": format, "data": data}});
    let hears = sensing(|c| c.audio = Some(Set::of(&[SoundFormat::Wav])));
    check_parts(
        &hears,
        json!([sound("wav", "AAAA")]),
        json!([{"audio": {"format": "wav", "source": {"bytes": "AAAA"}}}]),
        &[],
    );
    check_part_refused(&hears, sound("mp3", "AAAA"), "input_audio.format");
    check_part_refused(&hears, sound("wav", "*"), "input_audio.data");
    check_part_refused(&able(), sound("wav", "AAAA"), "input_audio");
}

#[test]
fn pictures_by_the_model_s_formats_and_count() {
    let picture = |kind: &str| json!({"type": "image_url", "image_url": {"url": format!("data:image/{kind};base64,AAAA")}});
    let few = with(|c| {
        c.images = Some(Set::of(&[ImageFormat::Png]));
        c.images_most = Some(2);
    });
    check_part_refused(&few, picture("webp"), "image_url.url");
    let (found, losses) = translated(&few, &said(json!([picture("png"), picture("png")])));
    assert_eq!(found["messages"][0]["content"].as_array().unwrap().len(), 2);
    assert_eq!(losses, []);
    let three = said(json!([picture("png"), picture("png"), picture("png")]));
    let error = translate(&body(&three), &few).unwrap_err();
    assert_eq!(error.field, "messages[0].content[2].image_url.url");
}

fn marked(text: &str) -> Value {
    json!({"type": "text", "text": text, "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}})
}

#[test]
fn marks_for_the_cache_bugs_38_40() {
    use LossKind::{CacheHintMapped, HintDropped, PlaceholderInserted};
    let point = json!({"cachePoint": {"type": "default"}});
    let takes = sensing(|_| {});
    let check = |parts, expected, losses: &[LossKind]| check_parts(&takes, parts, expected, losses);
    check(
        json!([marked("a")]),
        json!([{"text": "a"}, point]),
        &[CacheHintMapped],
    );
    // After nothing, a mark marks nothing.
    check(
        json!([marked(" "), {"type": "text", "text": "a"}]),
        json!([{"text": "a"}]),
        &[LossKind::BlankDropped, HintDropped],
    );
    let mut part = file(PDF, Some("a.pdf"));
    part["prompt_cache_breakpoint"] = json!({"mode": "explicit", "ttl": "12h"});
    check(
        json!([{"type": "text", "text": "a"}, part]),
        json!([{"text": "a"}, document("pdf", "a"), {"text": "."}, point]),
        &[CacheHintMapped, PlaceholderInserted],
    );
    let hour = sensing(|c| c.cache_hour = Some(true));
    let for_an_hour = json!([{"text": "a"}, {"cachePoint": {"type": "default", "ttl": "1h"}}]);
    check_parts(&hour, json!([marked("a")]), for_an_hour, &[CacheHintMapped]);
    let none = sensing(|c| c.cache_points = Some(0));
    check_parts(
        &none,
        json!([marked("a")]),
        json!([{"text": "a"}]),
        &[HintDropped],
    );
    // Of too many the last four stay.
    let parts: Vec<Value> = (0..6).map(|i| marked(&format!("p{i}"))).collect();
    let (found, losses) = translated(&takes, &said(json!(parts)));
    let kinds = found["messages"][0]["content"].as_array().unwrap().iter();
    let kinds: String = kinds
        .map(|b| if b.get("text").is_some() { 't' } else { 'c' })
        .collect();
    assert_eq!(kinds, "tttctctctc");
    assert_eq!(losses.last(), Some(&HintDropped));
    // On system, assistant and tool messages, too.
    let mut request = chat(json!([
        {"role": "system", "content": [marked("s")]},
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [marked("b")], "tool_calls": [call("c1", "f", "{}")]},
        {"role": "tool", "tool_call_id": "c1", "content": [marked("r")]}]));
    request["tools"] = json!([tool("f")]);
    let (found, _) = translated(&takes, &request);
    assert_eq!(found["system"], json!([{"text": "s"}, point]));
    assert_eq!(found["messages"][1]["content"][1], point);
    let result = json!({"toolResult": {"toolUseId": "c1", "content": [{"text": "r"}]}});
    assert_eq!(found["messages"][2]["content"], json!([result, point]));
}

/// Edge 26: what a result cannot hold stands beside it.
#[test]
fn pictures_and_documents_of_results_edge_26() {
    let picture = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}});
    let ask = |parts: Value| {
        let mut request = chat(json!([
            {"role": "user", "content": "a"},
            {"role": "assistant", "tool_calls": [call("c1", "f", "{}")]},
            {"role": "tool", "tool_call_id": "c1", "content": parts}]));
        request["tools"] = json!([tool("f")]);
        request
    };
    let image = json!({"image": {"format": "png", "source": {"bytes": "AAAA"}}});
    let texts_and_picture = json!([{"type": "text", "text": "see"}, picture]);
    let within = sensing(|c| c.result_images = Some(true));
    let (found, _) = translated(&within, &ask(texts_and_picture.clone()));
    let content = &found["messages"][2]["content"];
    assert_eq!(
        content[0]["toolResult"]["content"],
        json!([{"text": "see"}, image])
    );
    let (found, _) = translated(&sensing(|_| {}), &ask(texts_and_picture.clone()));
    assert_eq!(found["messages"][2]["content"][1], image);
    let alone = sensing(|c| c.result_alone = Some(true));
    let (found, _) = translated(&alone, &ask(texts_and_picture));
    assert_eq!(found["messages"][4]["content"], json!([image]));
    // Documents do not stand beside results, unless the model takes that.
    let (found, _) = translated(&sensing(|_| {}), &ask(json!([file(PDF, Some("a.pdf"))])));
    assert_eq!(
        found["messages"][2]["content"][0]["toolResult"]["content"],
        json!([{"text": "(empty)"}])
    );
    assert_eq!(
        found["messages"][4]["content"],
        json!([document("pdf", "a"), {"text": "."}])
    );
}
