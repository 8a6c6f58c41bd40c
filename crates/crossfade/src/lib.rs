//! Crossfade: moves applications from Azure OpenAI to Amazon Bedrock on evidence.
//!
//! This crate wires the parts together: command line, configuration, listeners, worker, controller, migration report, money, admin API,
//! telemetry. What the parts do stands in their own crates.

pub mod admin;
mod cli;
pub mod config;
pub mod control;
#[cfg(feature = "demo")]
pub mod demo;
mod kill_switch;
mod listen;
pub mod money;
mod opinions;
pub mod report;
pub mod review;
pub mod serve;
mod signals;
pub mod telemetry;
mod text;
pub mod verification;
mod wiring;
pub mod worker;

pub use cli::main;
