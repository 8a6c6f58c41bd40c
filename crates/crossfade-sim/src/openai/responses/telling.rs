//! Speaks the events of a response, with the faults that stand between them.

use std::{io, time::Duration};

use super::{Draft, Event};
use crate::openai::sse::Speaker;

/// Speaks all events; the first item waits for `wait`. `line` writes an event.
pub(crate) async fn tell(
    mut speaker: Speaker<'_, '_>,
    draft: &Draft,
    events: &[Event],
    wait: Duration,
    line: fn(&Event) -> String,
) -> io::Result<()> {
    let (mut written, mut waited) = (0, false);
    for event in events {
        if event.name == "response.output_item.added" && !waited {
            speaker.pause(wait).await?;
            waited = true;
        }
        if written + 1 == events.len() {
            speaker.ending().await?;
        }
        match &event.said {
            Some(said) => speaker.content(&line(event), said).await?,
            None => speaker.event(&line(event)).await?,
        }
        if speaker.is_over() {
            break;
        }
        written += 1;
    }
    if let Some(name) = speaker.error() {
        // It has the number of the event whose place it takes.
        let error = Event::error(name, Some(draft), written);
        speaker.last_words(&line(&error)).await?;
    }
    speaker.finish().await
}
