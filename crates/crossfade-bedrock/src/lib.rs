//! The candidate: Bedrock wearing Azure's face.
//!
//! [`Candidate`] takes a collected request on the Azure OpenAI wire (a chat completion, a response, embeddings) and answers
//! on that wire, by way of the API that its route states: Converse, an OpenAI-compatible endpoint, or a model's own form.
//! [`eligibility`] says beforehand, by the request alone, whether it can be asked faithfully, and who may answer. The
//! translation between is pure and drops nothing without naming it. What mirrors, splits and compares are others' business.

mod answer;
mod capabilities;
mod compatible;
pub mod converse;
mod embeddings;
mod fetch;
mod prepare;
pub mod probe;
pub mod rehearse;
mod responses;
mod sdk;
mod service;
mod settings;
mod thoughts;
mod tls;
mod translate;
mod unsupported;

pub use answer::{Delivery, Reply};
pub use capabilities::{
    Capabilities, Choice, Endpoints, ImageFormat, Member, Overrides, Price, Reasoning, Sampling,
    Set, SoundFormat, Stop, Structured,
};
pub use compatible::{Compatible, CompatibleOverrides, Effort, Efforts, Prefix};
pub use embeddings::{Embeds, Lengths};
pub use fetch::{FetchError, FetchFailure, FetchSettings, Fetcher, Range};
pub use prepare::eligibility;
pub use responses::{Opened, Sealer, loosened, minted};
pub use sdk::{Auth, Connection, Settings};
pub use service::Candidate;
pub use settings::{
    Adapt, Annotations, Api, CandidateSettings, GuardrailSettings, GuardrailTrace, LateSystem,
    Misconduct, Penalties, Store, StreamMode, Surface, TemperatureScale,
};
pub use translate::{Names, Translation, translate};
