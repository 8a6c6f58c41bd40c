//! The events of a response that is being made: numbered in their order, and none at all if nobody wants them.

use crate::{
    chat::Fields,
    responses::{Event, Item, ItemEvent, noise::Noise},
};

/// The events that were not taken yet.
#[derive(Debug)]
pub(super) struct Journal {
    /// Whether events are wanted.
    streaming: bool,
    noise: Option<Noise>,
    sequence: u64,
    events: Vec<Event>,
}

// === impl Journal ===

impl Journal {
    /// Events are wanted; deltas are padded if there is noise.
    pub(super) const fn open(noise: Option<Noise>) -> Self {
        Self {
            streaming: true,
            noise,
            sequence: 0,
            events: Vec::new(),
        }
    }

    /// No events are wanted.
    pub(super) const fn closed() -> Self {
        Self {
            streaming: false,
            noise: None,
            sequence: 0,
            events: Vec::new(),
        }
    }

    pub(super) const fn is_open(&self) -> bool {
        self.streaming
    }

    /// The events that are due.
    pub(super) fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Adds an event, if events are wanted, and numbers it.
    pub(super) fn push(&mut self, event: impl FnOnce() -> Event) {
        if !self.streaming {
            return;
        }
        let mut event = event();
        if let Some(number) = event.sequence_number() {
            *number = self.sequence;
        }
        self.sequence += 1;
        self.events.push(event);
    }

    pub(super) fn added(&mut self, place: usize, item: Item) {
        self.push(|| Event::ItemAdded(item_event(place, item)));
    }

    pub(super) fn done(&mut self, place: usize, item: Item) {
        self.push(|| Event::ItemDone(item_event(place, item)));
    }

    pub(super) fn obfuscation(&mut self, delta: &str) -> Option<String> {
        if !self.streaming {
            return None;
        }
        self.noise.as_mut().map(|noise| noise.beside(delta))
    }
}

fn item_event(place: usize, item: Item) -> ItemEvent {
    ItemEvent {
        sequence_number: 0,
        output_index: number(place),
        item,
        other: Fields::new(),
    }
}

/// A place as the wire's number.
pub(super) fn number(place: usize) -> u64 {
    u64::try_from(place).unwrap_or(u64::MAX)
}
