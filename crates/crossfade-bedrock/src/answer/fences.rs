//! Takes a code fence off an answer that was asked to be bare JSON, piece by piece, so that it works in a stream.
//! Text that does not begin with a fence passes unchanged.

/// The longest word after an opening fence.
const LONGEST_INFO: usize = 32;
/// The longest run of blanks that is held while it is not known what follows: some models write them without end, and
/// each piece is judged together with what is held.
pub(super) const LONGEST_BLANK: usize = 4096;
/// What may stand around the end of a fence.
const CLOSERS: [char; 5] = ['`', ' ', '\t', '\r', '\n'];

/// Takes off one fence around the whole text.
#[derive(Debug, Default)]
pub(super) struct Unfence {
    state: State,
    held: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Whether there is a fence is not known yet.
    #[default]
    Opening,
    /// Inside a fence.
    Inside,
    /// There is none.
    Plain,
}

// === impl Unfence ===

impl Unfence {
    /// Takes a piece; gives what is certain to be kept.
    pub(super) fn feed(&mut self, piece: &str) -> String {
        self.held.push_str(piece);
        // What is held is of these alone, and need not be looked at again.
        if self.state == State::Inside && piece.trim_matches(CLOSERS).is_empty() {
            return String::new();
        }
        if self.state == State::Opening {
            self.open();
        }
        match self.state {
            State::Opening => String::new(),
            State::Plain => std::mem::take(&mut self.held),
            State::Inside => {
                let kept = self.held.trim_end_matches(CLOSERS).len();
                let closing = self.held.split_off(kept);
                std::mem::replace(&mut self.held, closing)
            }
        }
    }

    /// What is left at the end.
    pub(super) fn finish(&mut self) -> String {
        let held = std::mem::take(&mut self.held);
        match self.state {
            State::Opening | State::Plain => held,
            State::Inside => match held.trim_end().strip_suffix("```") {
                Some(before) => before.trim_end().to_owned(),
                None => held,
            },
        }
    }

    /// Whether something is held back.
    pub(super) fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether there was a fence.
    pub(super) fn is_inside(&self) -> bool {
        self.state == State::Inside
    }

    fn open(&mut self) {
        let text = self.held.trim_start();
        if self.held.len() - text.len() > LONGEST_BLANK {
            self.state = State::Plain;
        } else if let Some(after) = text.strip_prefix("```") {
            match after.split_once('\n') {
                Some((info, rest)) if is_info(info) => {
                    self.held = rest.to_owned();
                    self.state = State::Inside;
                }
                None if is_info(after) => {}
                Some(_) | None => self.state = State::Plain,
            }
        } else if !"```".starts_with(text) {
            self.state = State::Plain;
        }
    }
}

fn is_info(info: &str) -> bool {
    info.len() <= LONGEST_INFO && !info.contains(['{', '[', '"', '`'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(pieces: &[&str]) -> String {
        let mut unfence = Unfence::default();
        let mut text: String = pieces.iter().map(|piece| unfence.feed(piece)).collect();
        text.push_str(&unfence.finish());
        text
    }

    #[test]
    fn one_fence_around_everything_goes() {
        for (text, expected) in [
            ("{\"a\":1}", "{\"a\":1}"),
            ("```json\n{\"a\":1}\n```", "{\"a\":1}"),
            ("\n```\n{}\n```\n", "{}"),
            ("```json\n{\"a\":1}", "{\"a\":1}"),
            ("Sure:\n```json\n{}\n```", "Sure:\n```json\n{}\n```"),
            ("```{}```", "```{}```"),
            ("``", "``"),
            ("", ""),
            ("```json\n{\"code\":\"```\"}\n```", "{\"code\":\"```\"}"),
        ] {
            assert_eq!(whole(&[text]), expected, "{text}");
            let pieces: Vec<String> = text.chars().map(String::from).collect();
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            assert_eq!(whole(&pieces), expected, "{text} in pieces");
        }
    }

    /// What this thread has worked so far: on a busy machine little of the time that goes by.
    fn worked() -> std::time::Duration {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        now.try_into().unwrap()
    }

    #[test]
    fn blanks_without_end_are_not_held_nor_looked_at_again() {
        let mut unfence = Unfence::default();
        let given: String = (0..=LONGEST_BLANK).map(|_| unfence.feed("\n")).collect();
        assert_eq!(given.len(), LONGEST_BLANK + 1);
        let mut unfence = Unfence::default();
        unfence.feed("```json\n{}");
        let before = worked();
        for _ in 0..300_000 {
            assert_eq!(unfence.feed("\n"), "");
        }
        let took = worked().checked_sub(before).unwrap();
        assert!(took < std::time::Duration::from_secs(5), "{took:?}");
        assert_eq!(unfence.feed("x").len(), 300_001);
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(pieces in proptest::collection::vec("[`\n a{}json]{0,6}", 0..12)) {
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let joined = pieces.concat();
            prop_assert_eq!(whole(&pieces), whole(&[joined.as_str()]));
        }
    }
}
