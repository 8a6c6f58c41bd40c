//! A JSON object whose values stay as they came, byte for byte: what goes from one endpoint of a wire to another of the
//! same wire is not written anew. Only what a rule changes is.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::{Value, value::RawValue};

/// The most members one object may have: all of them are looked at.
const MOST_MEMBERS: usize = 256;

/// An object's members in their order. Of a key that stands there twice the last one counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct RawObject(Vec<(String, Box<RawValue>)>);

/// A value as raw JSON.
pub(super) fn raw<T: Serialize + ?Sized>(value: &T) -> Box<RawValue> {
    #[expect(
        clippy::expect_used,
        reason = "plain values with string keys always are JSON"
    )]
    serde_json::value::to_raw_value(value).expect("plain values with string keys always are JSON")
}

/// Raw JSON as a value; `null` where it is nested too deeply.
pub(super) fn value(raw: &RawValue) -> Value {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

/// Raw JSON as text, if it is a string.
pub(super) fn text(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

/// Whether it is `null`.
pub(super) fn is_null(raw: &RawValue) -> bool {
    raw.get() == "null"
}

// === impl RawObject ===

impl RawObject {
    /// Reads an object.
    pub(crate) fn of(raw: &RawValue) -> Option<Self> {
        serde_json::from_str(raw.get()).ok()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&RawValue> {
        let member = self.0.iter().find(|(key, _)| key == name);
        member.map(|(_, value)| &**value)
    }

    /// The text of a member that is a string.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(text)
    }

    /// Puts a member in its place, or at the end.
    pub(crate) fn set<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        let value = raw(value);
        match self.0.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Takes a member out. `null` says nothing, and is none.
    pub(crate) fn take(&mut self, name: &str) -> Option<Box<RawValue>> {
        let at = self.0.iter().position(|(key, _)| key == name)?;
        let (_, value) = self.0.remove(at);
        (!is_null(&value)).then_some(value)
    }

    /// Takes out all that is `null`.
    pub(crate) fn drop_nulls(&mut self) {
        self.0.retain(|(_, value)| !is_null(value));
    }

    /// As raw JSON.
    pub(crate) fn to_raw(&self) -> Box<RawValue> {
        raw(self)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

impl Serialize for RawObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for RawObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = RawObject;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawObject, A::Error> {
                let mut object = RawObject::default();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    let full = object.0.len() == MOST_MEMBERS;
                    match object.0.iter_mut().find(|(key, _)| *key == name) {
                        Some((_, old)) => *old = value,
                        None if full => return Err(A::Error::custom("too many members")),
                        None => object.0.push((name, value)),
                    }
                }
                Ok(object)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_touched_stays_as_it_came() {
        let text = r#"{"b":1.0e3, "a":{"z":1,"y":[ 1,2 ]},"b":12345678901234567890123,"n":null}"#;
        let mut object: RawObject = serde_json::from_str(text).unwrap();
        object.set("c", &true);
        assert!(object.take("n").is_none());
        assert_eq!(
            serde_json::to_string(&object).unwrap(),
            r#"{"b":12345678901234567890123,"a":{"z":1,"y":[ 1,2 ]},"c":true}"#
        );
    }

    #[test]
    fn members_are_bounded() {
        let members: Vec<String> = (0..300).map(|n| format!("\"k{n}\":0")).collect();
        let text = format!("{{{}}}", members.join(","));
        assert!(serde_json::from_str::<RawObject>(&text).is_err());
        assert!(serde_json::from_str::<RawObject>("[]").is_err());
    }
}
