//! The unit that is assigned as a whole (interfaces: `sticky_by`).

use http::request;

use crossfade_exchange::Unit;
use crossfade_openai::scan::Scan;

use crate::{
    credentials::Caller,
    plane::Plane,
    route::{Route, StickyBy},
};

/// The unit of a request. Of a response that continues no other, the conversation is its instructions and its first user input, so
/// that a caller who sends the whole history each time stays on one side.
pub(crate) fn unit(
    plane: &Plane,
    route: &Route,
    caller: Caller,
    parts: &request::Parts,
    body: &[u8],
    scan: &Scan,
) -> Unit {
    let key = &plane.key;
    let credential = || key.unit("credential", caller, []);
    match &route.settings.sticky_by {
        StickyBy::Conversation => {
            let messages = scan.conversation.iter().filter_map(|r| body.get(r.clone()));
            key.unit("conversation", caller, messages)
        }
        StickyBy::User => match &scan.user {
            Some(user) => key.unit("user", 0, [user.as_bytes()]),
            None => credential(),
        },
        StickyBy::Credential => credential(),
        StickyBy::Request => Unit(rand::random()),
        StickyBy::Header(name) => match parts.headers.get(name) {
            Some(value) => key.unit("header", 0, [value.as_bytes()]),
            None => credential(),
        },
    }
}
