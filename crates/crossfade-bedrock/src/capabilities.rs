//! What a model takes, read from a table: the facts are data (`capabilities.toml`), and no model is named in code.
//! Not a registry of models: an id that no row covers gets the careful defaults.

mod set;
mod table;
mod words;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use set::{Member, Set};
pub(crate) use table::Table;
pub use words::{
    Choice, Endpoints, ImageFormat, Price, Reasoning, Sampling, SoundFormat, Stop, Structured,
};

use crate::{
    compatible::{Compatible, CompatibleOverrides, Effort, Efforts},
    embeddings::{Embeds, Lengths},
    settings::{Api, Surface},
};

/// Makes of each column a member of [`Capabilities`], one of [`Overrides`], and its careful value.
macro_rules! columns {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ty = $careful:expr,)+) => {
        /// What one model takes.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct Capabilities {
            $($(#[doc = $doc])+ pub $name: $kind,)+
            /// What it takes on the OpenAI-compatible endpoints.
            pub compatible: Compatible,
        }

        /// Capabilities as a row or a route's settings state them: what is left out is inherited.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Overrides {
            $(#[doc = concat!("See [`Capabilities::", stringify!($name), "`].")] pub $name: Option<$kind>,)+
            /// See [`Capabilities::compatible`]; inherited member by member.
            pub compatible: CompatibleOverrides,
        }

        /// The careful choice, should a table have no `[default]`: everything a model may refuse is left out.
        const CAREFUL: Capabilities = Capabilities {
            $($name: $careful,)+
            compatible: Compatible::CAREFUL,
        };

        impl Capabilities {
            /// These, with what is stated in their place.
            #[must_use]
            pub fn with(self, stated: &Overrides) -> Self {
                Self {
                    $($name: stated.$name.unwrap_or(self.$name),)+
                    compatible: self.compatible.with(&stated.compatible),
                }
            }
        }
    };
}

columns! {
    /// How a schema for the answer is asked for.
    structured: Structured = Structured::Tool,
    /// A tool's `strict` is taken.
    strict: bool = false,
    /// The most properties of a schema that is enforced; with more it is too complex.
    schema_properties: u32 = 64,
    /// The most properties of an enforced schema that may be left out.
    schema_optional: u32 = 24,
    /// The most unions in an enforced schema.
    schema_unions: u32 = 16,
    /// `$ref` is not followed in a tool's schema, so that what it names must stand in its place.
    inline_refs: bool = true,
    /// Patterns may look around.
    lookaround: bool = false,
    /// It takes tools.
    tools: bool = true,
    /// Tool choices beyond `auto`.
    choice: Choice = Choice::None,
    /// It answers as a stream where the request has tools, if it does at all.
    stream_tools: bool = true,
    /// It sometimes writes a call as the JSON text of its answer.
    text_calls: bool = false,
    /// Parallel tool calls can be switched off.
    parallel_switch: bool = false,
    /// It takes system texts.
    system: bool = true,
    /// A later system text may stand in its place, as a turn of its own.
    system_turns: bool = false,
    /// The first turn must be the user's.
    leading_user: bool = true,
    /// The conversation may end with the assistant.
    prefill: bool = false,
    /// Tool calls and tool results must be alone in their turns.
    result_alone: bool = true,
    /// Tool results must be JSON.
    result_json: bool = false,
    /// Tool results may hold pictures.
    result_images: bool = false,
    /// Documents may stand beside tool results.
    result_documents: bool = false,
    /// Sampling parameters.
    sampling: Sampling = Sampling::Both,
    /// Stop sequences.
    stop: Stop = Stop::Any,
    /// The most stop sequences.
    stops: u32 = 4,
    /// The least `max_tokens`.
    token_floor: u32 = 1,
    /// How effort is asked for.
    reasoning: Reasoning = Reasoning::None,
    /// The efforts it takes, where they are words.
    efforts: Efforts = Efforts::of([false, false, true, true, true, false, false]),
    /// The least budget of thinking tokens.
    budget_least: u32 = 1024,
    /// The most thinking tokens that are asked for.
    budget_most: u32 = 16_384,
    /// It can be asked how many tokens it thought, by a pointer into its own answer.
    reasoning_usage: bool = false,
    /// It answers as a stream.
    streams: bool = true,
    /// The formats of pictures it takes; none: it takes no pictures.
    images: Set<ImageFormat> = Set::EMPTY,
    /// The most pictures of a request.
    images_most: u32 = 20,
    /// The most documents of a request; 0: it takes none.
    documents: u32 = 0,
    /// The formats of sound it takes; none: it takes no sound.
    audio: Set<SoundFormat> = Set::EMPTY,
    /// The most cache points of a request; 0: it takes none.
    cache_points: u32 = 0,
    /// A cache point may live for an hour.
    cache_hour: bool = false,
    /// It has the tiers `priority` and `flex`.
    tiers: bool = false,
    /// In which form it takes texts for embeddings, if at all.
    embeds: Embeds = Embeds::None,
    /// The lengths of its vectors.
    lengths: Lengths = Lengths::NONE,
    /// The most texts of a call for embeddings, where a call takes several.
    texts: u32 = 1,
    /// The most characters of a text for embeddings; 0: not known.
    text_characters: u32 = 0,
    /// Which APIs speak for it.
    endpoints: Endpoints = Endpoints { runtime: Set::EMPTY, mantle: Set::EMPTY },
    /// What it costs, if known: list prices of a third party, dated in the table.
    price: Option<Price> = None,
}

// === impl Capabilities ===

impl Capabilities {
    /// What the model of this id takes. The id may be a base model's, an inference profile's (with a region prefix) or
    /// an ARN that ends in one; the name behind an application profile's ARN is not visible, so routes state it.
    pub fn of(model: &str) -> Self {
        Table::built_in().of(model)
    }

    /// Whether a row of the table covers this id.
    pub fn known(model: &str) -> bool {
        Table::built_in().knows(model)
    }

    /// Whether the table says that this API speaks for the model on this host. For a model that states no endpoints
    /// nothing is known: it is not said that one does not.
    pub fn speaks(&self, api: Api, surface: Surface) -> bool {
        let unknown = self.endpoints == Endpoints::default();
        unknown || self.endpoints.on(surface).has(api)
    }

    /// The effort in place of one that is asked for.
    pub(crate) fn nearest(&self, effort: Effort) -> Effort {
        self.efforts.nearest(effort).unwrap_or(effort)
    }
}
