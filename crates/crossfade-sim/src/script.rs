//! What a simulator does: how fast it answers, what it answers, and which faults it shows.
//!
//! One [`Script`] is shared by a running simulator and whoever directs it; every field may change while requests are
//! being served, and a request follows the script as it stood when the request was read.

use std::{
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::Value;

mod fault;

pub use fault::Fault;

/// How fast answers come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Time from the request's end to the first content.
    pub first_content: Duration,
    /// Tokens (about four characters) a second after that; 0 means as fast as the socket takes them.
    pub tokens_per_second: f64,
}

impl Pace {
    /// How long this many tokens take.
    pub fn tokens(&self, tokens: f64) -> Duration {
        if self.tokens_per_second > 0.0 {
            Duration::try_from_secs_f64(tokens / self.tokens_per_second).unwrap_or_default()
        } else {
            Duration::ZERO
        }
    }

    /// How long an answer of this many tokens takes when it is not streamed.
    pub fn whole(&self, tokens: f64) -> Duration {
        self.first_content.saturating_add(self.tokens(tokens))
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first_content: Duration::ZERO,
            tokens_per_second: 0.0,
        }
    }
}

/// A tool call of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// The tool's name.
    pub name: String,
    /// The arguments as JSON text.
    pub arguments: String,
}

/// Why an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Finish {
    /// The model was done (or called tools, if there are calls).
    #[default]
    Natural,
    /// The token limit was reached.
    Length,
    /// A filter cut it off. Azure takes this without any text to mean that the prompt itself was blocked.
    Filtered,
}

/// What the simulated model says, on either wire.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Answer {
    /// Text, if any.
    pub text: Option<String>,
    /// Reasoning before the text, if any (Bedrock's `reasoningContent`; Azure only counts its tokens).
    pub reasoning: Option<String>,
    /// A refusal by the API's own field (Azure only; Bedrock says it as text).
    pub refusal: Option<String>,
    /// Tool calls, in order.
    pub tool_calls: Vec<ToolCall>,
    /// Why it ends.
    pub finish: Finish,
    /// Prompt tokens read from a cache.
    pub cached_tokens: u64,
}

impl Answer {
    /// An answer of plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: Some(text.into()),
            ..Self::default()
        }
    }

    /// An answer that calls one tool.
    pub fn call(name: impl Into<String>, arguments: impl Into<String>) -> Self {
        let call = ToolCall {
            name: name.into(),
            arguments: arguments.into(),
        };
        Self {
            tool_calls: vec![call],
            ..Self::default()
        }
    }
}

/// What a model is asked, read off either wire.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// The deployment or model id as it came.
    pub model: String,
    /// All system text.
    pub system: String,
    /// The text of the last user turn (tool results excluded).
    pub user: String,
    /// The text of the last tool result, if the conversation ends in one.
    pub tool_result: Option<String>,
    /// Names of the tools offered.
    pub tools: Vec<String>,
    /// The name of the tool that must be called, if one is forced.
    pub forced_tool: Option<String>,
    /// The JSON schema that the answer must fit, if one was given on the wire.
    pub schema: Option<Value>,
    /// The whole request body.
    pub body: Value,
}

/// Where answers come from.
pub trait Answers: Send + Sync {
    /// The answer to a prompt. `sequence` counts the requests this simulator has read, from 0, so that answers may vary
    /// between repeats of a prompt.
    fn answer(&self, prompt: &Prompt, sequence: u64) -> Answer;
}

impl<F: Fn(&Prompt, u64) -> Answer + Send + Sync> Answers for F {
    fn answer(&self, prompt: &Prompt, sequence: u64) -> Answer {
        self(prompt, sequence)
    }
}

/// An answer as recorded, to be played back byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The status code.
    pub status: u16,
    /// The reason phrase, if it is not the standard one.
    pub reason: Option<String>,
    /// Header lines in order and in their own case. `content-length` and `transfer-encoding` are set by the player.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: bytes::Bytes,
    /// Sizes of the pieces the body is written in, cycled; empty means at once. A body in pieces is sent chunked.
    pub pieces: Vec<usize>,
}

/// A request as a simulator received it.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    /// The method.
    pub method: String,
    /// The path with the query, as it came.
    pub target: String,
    /// Header lines in order, in their own case.
    pub headers: Vec<(String, String)>,
    /// The body; empty if it was longer than 64 MiB.
    pub body: bytes::Bytes,
    /// The body's length.
    pub length: u64,
    /// The SHA-256 of a body that was too long to be held.
    pub sha256: Option<[u8; 32]>,
}

impl fmt::Debug for Received {
    /// Header lines carry keys, so they and the body stay out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("method", &self.method)
            .field("target", &self.target)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

impl Received {
    /// The first value of a header, by any case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str())
    }
}

/// What one request meets.
#[derive(Clone)]
pub struct Scene {
    /// Its number, from 0.
    pub sequence: u64,
    /// How fast.
    pub pace: Pace,
    /// What goes wrong.
    pub fault: Fault,
    /// Played instead of a made-up answer, if set.
    pub recorded: Option<Arc<Recorded>>,
    /// Where the answer comes from.
    pub answers: Arc<dyn Answers>,
}

impl Scene {
    /// What the model says to a prompt: from the script's answers, or as much text as [`Fault::Huge`] asks for.
    pub fn answer(&self, prompt: &Prompt) -> Answer {
        match self.fault {
            Fault::Huge { bytes } => Answer::text("huge ".repeat(bytes / 5 + 1).split_at(bytes).0),
            _ => self.answers.answer(prompt, self.sequence),
        }
    }
}

impl fmt::Debug for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scene")
            .field("sequence", &self.sequence)
            .field("pace", &self.pace)
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}

struct State {
    pace: Pace,
    faults: Vec<(f64, Fault)>,
    recorded: Option<Arc<Recorded>>,
    answers: Arc<dyn Answers>,
}

impl State {
    fn fault(&self, sequence: u64) -> Fault {
        let mut at = unit_interval(sequence);
        let hit = self.faults.iter().find(|(share, _)| {
            at -= share;
            at < 0.0
        });
        hit.map_or(Fault::None, |(_, fault)| fault.clone())
    }
}

/// The script of one simulator; cheap to clone, shared by all clones.
#[derive(Clone)]
pub struct Script {
    state: Arc<RwLock<State>>,
    sequence: Arc<AtomicU64>,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("requests", &self.requests())
            .finish_non_exhaustive()
    }
}

impl Default for Script {
    /// Answers every prompt with the same short sentence, or calls the tool that is forced.
    fn default() -> Self {
        Self::new(Arc::new(|prompt: &Prompt, _: u64| {
            match &prompt.forced_tool {
                Some(name) => Answer::call(name, "{}"),
                None => Answer::text("The simulator has received your message."),
            }
        }))
    }
}

impl Script {
    /// A script that answers at once, without faults.
    pub fn new(answers: Arc<dyn Answers>) -> Self {
        let state = State {
            pace: Pace::default(),
            faults: Vec::new(),
            recorded: None,
            answers,
        };
        Self {
            state: Arc::new(RwLock::new(state)),
            sequence: Arc::default(),
        }
    }

    /// Sets the pace.
    pub fn set_pace(&self, pace: Pace) {
        self.write(|s| s.pace = pace);
    }

    /// Shows this fault on every request; [`Fault::None`] ends all faults.
    pub fn set_fault(&self, fault: Fault) {
        self.set_faults(vec![(1.0, fault)]);
    }

    /// Shows each fault on its share (0..=1) of the requests; the rest are answered. Which request meets which fault
    /// depends only on its number.
    pub fn set_faults(&self, faults: Vec<(f64, Fault)>) {
        self.write(|s| s.faults = faults);
    }

    /// Changes where answers come from.
    pub fn set_answers(&self, answers: Arc<dyn Answers>) {
        self.write(|s| s.answers = answers);
    }

    /// Plays this instead of made-up answers, until set to `None`.
    pub fn set_recorded(&self, recorded: Option<Recorded>) {
        self.write(|s| s.recorded = recorded.map(Arc::new));
    }

    /// Requests read so far.
    pub fn requests(&self) -> u64 {
        self.sequence.load(Ordering::Relaxed)
    }

    /// What the next request meets. Called once for each request that was read.
    pub fn next(&self) -> Scene {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        Scene {
            sequence,
            pace: state.pace,
            fault: state.fault(sequence),
            recorded: state.recorded.clone(),
            answers: Arc::clone(&state.answers),
        }
    }

    /// Whether a connection that is opened now meets [`Fault::NoRead`]; if so it has used up its number.
    pub(crate) fn refuses_to_read(&self) -> bool {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.fault(self.requests()) != Fault::NoRead {
            return false;
        }
        self.sequence.fetch_add(1, Ordering::Relaxed);
        true
    }

    fn write(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A number in [0, 1) that looks random and depends only on `n` (`SplitMix64`, Steele et al. 2014).
#[expect(clippy::cast_precision_loss, reason = "53 bits are kept")]
pub fn unit_interval(n: u64) -> f64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    (z >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_take_their_shares() {
        let script = Script::default();
        let status = Fault::Status {
            status: 500,
            retry_after: None,
        };
        script.set_faults(vec![(0.2, Fault::Reset), (0.1, status.clone())]);
        let met: Vec<Fault> = (0..10_000).map(|_| script.next().fault).collect();
        let count = |fault: &Fault| met.iter().filter(|met| *met == fault).count();
        for (fault, range) in [
            (Fault::Reset, 1_900..2_100),
            (status, 900..1_100),
            (Fault::None, 6_850..7_150),
        ] {
            assert!(
                range.contains(&count(&fault)),
                "{fault:?}: {}",
                count(&fault)
            );
        }
        let again = Script::default();
        again.set_faults(vec![(0.2, Fault::Reset)]);
        let repeated = (0..10_000)
            .filter(|_| again.next().fault == Fault::Reset)
            .count();
        assert_eq!(repeated, count(&Fault::Reset), "by number alone");
    }

    #[test]
    fn a_connection_that_is_not_read_uses_up_a_number() {
        let script = Script::default();
        assert!(!script.refuses_to_read());
        script.set_fault(Fault::NoRead);
        assert!(script.refuses_to_read());
        assert_eq!((script.requests(), script.next().sequence), (1, 1));
    }

    #[test]
    fn a_pace_is_reckoned_in_tokens() {
        let pace = Pace {
            first_content: Duration::from_secs(1),
            tokens_per_second: 20.0,
        };
        assert_eq!(pace.whole(10.0), Duration::from_millis(1_500));
        assert_eq!(Pace::default().whole(10.0), Duration::ZERO);
    }

    #[test]
    fn keys_stay_out_of_debug_output() {
        let received = Received {
            method: "GET".to_owned(),
            target: "/".to_owned(),
            headers: vec![("api-key".to_owned(), "hidden".to_owned())],
            body: bytes::Bytes::from_static(b"hidden"),
            length: 6,
            sha256: None,
        };
        assert_eq!(received.header("Api-Key"), Some("hidden"));
        assert!(!format!("{received:?}").contains("hidden"));
    }
}
