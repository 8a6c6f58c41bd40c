//! The admin API: health, metrics, and the operator's verbs over HTTP. It looks and asks; what happens is the
//! controller's to say.

mod auth;
mod door;
mod extract;
mod handlers;
mod operate;
mod problem;
mod reporting;
mod reviews;
mod router;
mod view;

pub use auth::{Token, Tokens};
pub use door::Door;
pub(crate) use door::is_ready;
pub use problem::Problem;
pub use router::{AdminState, router};
pub use view::{Changes, FindingsPage, LedgerPage, RouteReport, RouteReports, StatusReport};

#[cfg(test)]
mod tests;
