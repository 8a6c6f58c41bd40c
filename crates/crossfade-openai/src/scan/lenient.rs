//! Reading JSON that may have any shape: what is not expected is skipped, and only broken JSON is an error.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// The keys that mean something in any of the objects that are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Background,
    Conversation,
    Format,
    Functions,
    IncludeUsage,
    Input,
    Instructions,
    MaxCompletionTokens,
    MaxOutputTokens,
    MaxTokens,
    Messages,
    Model,
    N,
    PreviousResponseId,
    Prompt,
    ResponseFormat,
    Role,
    SafetyIdentifier,
    Store,
    Stream,
    StreamOptions,
    Text,
    Tools,
    Type,
    User,
    Other,
}

/// Takes an object's fields one after the other. Must read each value, if only to skip it.
pub(super) trait ReadField<'de> {
    fn read<A: MapAccess<'de>>(&mut self, key: Key, map: &mut A) -> Result<(), A::Error>;
}

/// Reads an object into its fields' reader; says whether it was one.
pub(super) struct Object<'a, R>(pub(super) &'a mut R);

/// A value without an inside.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar<'de> {
    Null,
    Boolean(bool),
    /// A whole number from 0.
    Number(u64),
    Text(Cow<'de, str>),
    Object,
    /// A list, or another number.
    Other,
}

/// Whether a list has items; anything else has none.
pub(super) struct Items(bool);

/// The visitor's methods for everything but a list and an object: the default value.
macro_rules! nothing_else {
    () => {
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("any json")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
    };
}
pub(super) use nothing_else;

pub(super) fn skip_map<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

fn skip_seq<'de, A: SeqAccess<'de>>(items: &mut A) -> Result<(), A::Error> {
    while items.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

// === impl Key ===

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl Visitor<'_> for Name {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_str<E>(self, name: &str) -> Result<Key, E> {
                Ok(Key::named(name))
            }
        }

        deserializer.deserialize_str(Name)
    }
}

impl Key {
    fn named(name: &str) -> Self {
        match name {
            "background" => Self::Background,
            "conversation" => Self::Conversation,
            "format" => Self::Format,
            "functions" => Self::Functions,
            "include_usage" => Self::IncludeUsage,
            "input" => Self::Input,
            "instructions" => Self::Instructions,
            "max_completion_tokens" => Self::MaxCompletionTokens,
            "max_output_tokens" => Self::MaxOutputTokens,
            "max_tokens" => Self::MaxTokens,
            "messages" => Self::Messages,
            "model" => Self::Model,
            "n" => Self::N,
            "previous_response_id" => Self::PreviousResponseId,
            "prompt" => Self::Prompt,
            "response_format" => Self::ResponseFormat,
            "role" => Self::Role,
            "safety_identifier" => Self::SafetyIdentifier,
            "store" => Self::Store,
            "stream" => Self::Stream,
            "stream_options" => Self::StreamOptions,
            "text" => Self::Text,
            "tools" => Self::Tools,
            "type" => Self::Type,
            "user" => Self::User,
            _ => Self::Other,
        }
    }
}

// === impl Object ===

impl<'de, R: ReadField<'de>> DeserializeSeed<'de> for Object<'_, R> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: ReadField<'de>> Visitor<'de> for Object<'_, R> {
    type Value = bool;

    nothing_else!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        skip_seq(&mut items)?;
        Ok(false)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        while let Some(key) = map.next_key()? {
            self.0.read(key, &mut map)?;
        }
        Ok(true)
    }
}

// === impl Scalar ===

impl Scalar<'_> {
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(super) fn is_true(&self) -> bool {
        matches!(self, Self::Boolean(true))
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            Self::Null | Self::Number(_) | Self::Text(_) | Self::Object | Self::Other => None,
        }
    }

    pub(super) fn number(&self) -> Option<u64> {
        match self {
            Self::Number(value) => Some(*value),
            Self::Null | Self::Boolean(_) | Self::Text(_) | Self::Object | Self::Other => None,
        }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(value) => Some(value),
            Self::Null | Self::Boolean(_) | Self::Number(_) | Self::Object | Self::Other => None,
        }
    }

    pub(super) fn text(&self) -> Option<String> {
        self.as_text().map(str::to_owned)
    }
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Scalar<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any json")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Scalar::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Scalar::Boolean(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
                Ok(u64::try_from(value).map_or(Scalar::Other, Scalar::Number))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
                Ok(Scalar::Number(value))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Scalar::Other)
            }

            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Owned(value.to_owned())))
            }

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Borrowed(value)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                skip_seq(&mut items)?;
                Ok(Scalar::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                skip_map(&mut map)?;
                Ok(Scalar::Object)
            }
        }

        deserializer.deserialize_any(Any)
    }
}

// === impl Items ===

impl Items {
    pub(super) fn any(&self) -> bool {
        self.0
    }
}

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = bool;

            nothing_else!();

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
                let any = items.next_element::<IgnoredAny>()?.is_some();
                skip_seq(&mut items)?;
                Ok(any)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
                skip_map(&mut map)?;
                Ok(false)
            }
        }

        deserializer.deserialize_any(List).map(Self)
    }
}
