//! Finish reason: both answers ended for the same class of reason (stop, length, tool calls, content filter). A call
//! of a tool counts as such whatever the reason is called, because a forced call ends with `stop`.

use crossfade_exchange::Severity;

use super::Weighed;
use crate::{
    answer::{Answer, Finish},
    finding::Finding,
};

/// Compares why two answers ended.
pub(crate) fn pair(primary: &Answer, candidate: &Answer) -> Weighed {
    let (from, to) = (primary.finish, candidate.finish);
    if from == Finish::Unknown || to == Finish::Unknown {
        return Weighed::new(Finding::na(), Severity::Minor);
    }
    let grave = [from, to]
        .iter()
        .any(|f| matches!(f, Finish::Length | Finish::ContentFilter));
    let severity = if grave {
        Severity::Major
    } else {
        Severity::Minor
    };
    let finding = if from == to {
        Finding::pass()
    } else {
        Finding::fail(format!("{} -> {}", from.as_str(), to.as_str()))
    };
    Weighed::new(finding, severity)
}
