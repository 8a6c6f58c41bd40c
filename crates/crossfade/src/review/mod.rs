//! What happens after a verdict: statistics, the rules of who should look, what is kept, what people say of it.
//!
//! [`Records`] is what everybody else holds: the worker tells it verdicts, the admin API asks it and decides. [`Keeper`] is the
//! one task that writes. Nothing here judges an answer, and nothing here is waited for by the data plane.

mod body;
mod desk;
mod forgotten;
mod keeper;
mod records;
mod rules;
mod sampled;
mod says;
mod snapshot;
#[cfg(test)]
pub(crate) mod testing;
mod view;

pub use desk::{Decision, NotDone, Wanted};
pub use keeper::Keeper;
pub use records::{Judged, RecordedRoute, Records, RecordsSettings};
pub use sampled::{SAMPLED, SampleFeed};
pub use view::{
    AnswerPage, BodyPage, DecidedPage, DecisionLine, ExchangeLine, ExchangeList, ExchangePage,
    Forgotten, FoundLine, ReviewLine, ReviewList, ReviewPage, RuleLine, RuleList,
};

#[cfg(test)]
mod tests;
