//! What holds for every sequence of events.

use proptest::prelude::*;

use super::{streams::agrees_with_the_whole, *};
use crate::converse::{Citation, CitationLocation, Guarded, WebLocation};

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z{}\\[\\]\":`\n é😀]{0,8}",
        Just("```json\n".to_owned()),
        Just("{\"name\":\"f\",\"parameters\":{}}".to_owned()),
        Just("{\"properties\":{".to_owned()),
    ]
}

fn delta() -> impl Strategy<Value = Delta> {
    prop_oneof![
        4 => piece().prop_map(Delta::Text),
        4 => piece().prop_map(Delta::ToolInput),
        1 => piece().prop_map(|text| Delta::Reasoning(ReasoningDelta::Text(text))),
        1 => piece().prop_map(|text| Delta::Reasoning(ReasoningDelta::Signature(text))),
        1 => piece().prop_map(|text| Delta::Reasoning(ReasoningDelta::Redacted(text))),
        1 => Just(Delta::Reasoning(ReasoningDelta::Other)),
        1 => piece().prop_map(|url| Delta::Citation(Citation {
            title: None,
            location: Some(CitationLocation { web: Some(WebLocation { url }) }),
        })),
        1 => Just(Delta::Other("image")),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![Just("f"), Just("g"), Just("j"), Just("")].prop_map(str::to_owned)
}

fn any_event() -> impl Strategy<Value = Event> {
    let index = -1..4i32;
    prop_oneof![
        1 => Just(Event::MessageStart),
        1 => Just(Event::Other),
        3 => (index.clone(), name(), any::<bool>()).prop_map(|(index, name, server)| {
            Event::BlockStart { index, start: Start::ToolUse { name, server } }
        }),
        1 => (index.clone(), name()).prop_map(|(index, name)| {
            Event::BlockStart { index, start: Start::Other(name) }
        }),
        8 => (index.clone(), delta()).prop_map(|(index, delta)| Event::BlockDelta { index, delta }),
        3 => index.prop_map(|index| Event::BlockStop { index }),
    ]
}

fn reason() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("end_turn"),
        Just("tool_use"),
        Just("max_tokens"),
        Just("guardrail_intervened"),
        Just("content_filtered"),
        Just("malformed_tool_use"),
        Just("new"),
    ]
}

fn ending() -> impl Strategy<Value = Vec<Event>> {
    let guarded = any::<Option<(bool, bool)>>();
    (reason(), guarded, any::<bool>()).prop_map(|(reason, guarded, told)| {
        let mut events = vec![stop(reason)];
        let guardrail = guarded.map(|(input_blocked, output_blocked)| Guarded {
            input_blocked,
            output_blocked,
            assessed: true,
            ..Guarded::default()
        });
        if told {
            let usage = Some(TokenUsage::default());
            events.push(Event::Metadata { usage, guardrail });
        }
        events
    })
}

fn reply() -> impl Strategy<Value = Reply> {
    (any::<[bool; 6]>(), any::<bool>()).prop_map(|(on, include_usage)| {
        let [json, unfence, one_call, functions, custom, as_text] = on;
        Reply {
            delivery: Delivery::Stream { include_usage },
            json_tool: json.then(|| "j".to_owned()),
            json_unwrap: json,
            unfence,
            one_call,
            functions,
            custom: custom.then(|| "g".to_owned()).into_iter().collect(),
            calls_as_text: as_text.then(|| "f".to_owned()).into_iter().collect(),
            ..Reply::default()
        }
    })
}

/// Text and arguments cut into pieces at other places.
fn recut(events: &[Event], cuts: &[prop::sample::Index]) -> Vec<Event> {
    let mut cuts = cuts.iter().cycle();
    let mut cut = |text: &str| -> [String; 2] {
        let mut places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
        places.push(text.len());
        let place = cuts.next().map_or(0, |cut| places[cut.index(places.len())]);
        let (before, after) = text.split_at(place);
        [before.to_owned(), after.to_owned()]
    };
    let mut recut = Vec::new();
    for event in events {
        match event {
            Event::BlockDelta {
                index,
                delta: Delta::Text(text),
            } => {
                let deltas = cut(text).map(Delta::Text);
                recut.extend(deltas.map(|delta| Event::BlockDelta {
                    index: *index,
                    delta,
                }));
            }
            Event::BlockDelta {
                index,
                delta: Delta::ToolInput(text),
            } => {
                let deltas = cut(text).map(Delta::ToolInput);
                recut.extend(deltas.map(|delta| Event::BlockDelta {
                    index: *index,
                    delta,
                }));
            }
            event => recut.push(event.clone()),
        }
    }
    recut
}

proptest! {
    #[test]
    fn no_sequence_of_events_panics_and_the_end_mark_means_an_end(
        reply in reply(),
        whole in any::<bool>(),
        guarded in any::<bool>(),
        events in proptest::collection::vec(any_event(), 0..24),
        ending in proptest::option::of(ending()),
    ) {
        let reply = if whole { Reply { delivery: Delivery::Whole, ..reply } } else { reply };
        let has_end = ending.is_some();
        let events = [events, ending.unwrap_or_default()].concat();
        let stamp = Stamp { annotations: Annotations::NotRun, guarded, ..stamp() };
        let (bytes, result, _) = run_stamped(&reply, stamp, events);
        prop_assert!(has_end || result.is_err());
        if whole {
            prop_assert_eq!(result.is_ok(), !bytes.is_empty());
            prop_assert!(bytes.is_empty() || chat::Completion::from_slice(&bytes).is_ok());
        } else {
            let done = short(&bytes).iter().filter(|said| *said == "done").count();
            prop_assert_eq!(done, usize::from(result.is_ok()));
        }
    }

    #[test]
    fn responses_have_one_end_whatever_comes(
        streamed in any::<bool>(),
        guarded in any::<bool>(),
        summary in any::<bool>(),
        events in proptest::collection::vec(any_event(), 0..24),
        ending in proptest::option::of(ending()),
    ) {
        let wanted = responses::wanted(streamed, |wanted| {
            wanted.summary = summary;
            wanted.encrypted = true;
            wanted.obfuscated = true;
        });
        let events = [events, ending.unwrap_or_default()].concat();
        let stamp = Stamp { annotations: Annotations::NotRun, guarded, ..stamp() };
        let (out, result) = responses::run_wanted(wanted, &stamp, events);
        if !streamed {
            prop_assert_eq!(result.is_ok(), !out.is_empty());
            return Ok(());
        }
        let said = responses::short_events(&out);
        let ends = ["completed", "incomplete", "error"];
        let ended = said.iter().filter(|event| ends.iter().any(|end| **event == *end)).count();
        prop_assert_eq!(ended, usize::from(!said.is_empty()));
        prop_assert!(result.is_err() || ended == 1);
    }

    #[test]
    fn it_does_not_matter_how_text_and_arguments_are_cut(
        reply in reply(),
        events in proptest::collection::vec(any_event(), 0..16),
        reason in reason(),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 1..8),
    ) {
        let events = [events, end(reason)].concat();
        let again = recut(&events, &cuts);
        let (bytes, result, losses) = run(&reply, events.clone());
        let (bytes_again, result_again, losses_again) = run(&reply, again);
        prop_assert_eq!(&result, &result_again);
        if result.is_ok() {
            let shown = |bytes: &[u8]| {
                let mut completion = crossfade_openai::assemble::assemble(bytes).unwrap();
                completion.prompt_filter_results = None;
                completion
            };
            prop_assert_eq!(shown(&bytes), shown(&bytes_again));
            prop_assert_eq!(losses, losses_again);
            agrees_with_the_whole(&reply, events, &bytes);
        }
    }
}
