//! The harness of the end-to-end tests: simulated providers, a proxy in this process or in one of its own, and clients that
//! see what stands on the socket.
//!
//! It judges nothing by itself, with one exception: a world that ends checks the accounting identity. Nothing here sleeps to
//! wait for something: [`eventually`] looks until it is so, within a bound.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a harness fails loudly: whatever it cannot do fails the test that asked for it"
)]

pub mod admin;
pub mod chat;
pub mod http;
pub mod process;
pub mod setup;
pub mod upstream;
mod wait;
pub mod world;

pub use admin::Admin;
pub use process::Process;
pub use setup::Setup;
pub use upstream::Upstream;
pub use wait::{PATIENCE, eventually, within};
pub use world::World;
