//! JSON in one form, so that the same content has the same hash whoever wrote it. Not a general canonical form: numbers
//! are those that [`serde_json::Value`] holds.
//!
//! Members stand in the order of their names (by code point), without white space; strings escape only what JSON requires;
//! a number with no fraction of at most 2^53 is written as a whole number (`1.0` is `1`), every other one in the fewest
//! digits that read back to it.

use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The largest whole number that every reader of JSON keeps exactly.
const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// The value in its one form.
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

/// SHA-256 of a text, in lower-case hexadecimal.
pub fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _ignored = write!(hex, "{byte:02x}");
            hex
        })
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            out.push('{');
            for (place, name) in names.into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write(&Value::String(name.clone()), out);
                out.push(':');
                if let Some(member) = members.get(name) {
                    write(member, out);
                }
            }
            out.push('}');
        }
        Value::Array(list) => {
            out.push('[');
            for (place, element) in list.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write(element, out);
            }
            out.push(']');
        }
        Value::Number(number) => match number.as_f64() {
            Some(real) if number.is_f64() && real.fract() == 0.0 && real.abs() <= LARGEST_WHOLE => {
                // `-0.0` is zero.
                let _ignored = write!(out, "{:.0}", real + 0.0);
            }
            Some(_) | None => {
                let _ignored = write!(out, "{number}");
            }
        },
        Value::Null | Value::Bool(_) | Value::String(_) => {
            let _ignored = write!(out, "{value}");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_form_is_one() {
        let check = |text: &str, expected: &str| {
            assert_eq!(
                canonical(&serde_json::from_str(text).unwrap()),
                expected,
                "{text}"
            );
        };
        check(r#"{"b":1,"a":[true,null]}"#, r#"{"a":[true,null],"b":1}"#);
        check(r#"{ "a" : 1.0 , "b" : 1.50 }"#, r#"{"a":1,"b":1.5}"#);
        check(
            "[-0.0, 1e3, 0.1, 12345678901234567890]",
            "[0,1000,0.1,12345678901234567890]",
        );
        check(r#""\u00e9\n\/""#, "\"é\\n/\"");
        check("{}", "{}");
    }

    #[test]
    fn the_hash_is_sha_256() {
        // The first test vector of FIPS 180-4's examples.
        assert_eq!(
            sha256("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    proptest! {
        #[test]
        fn the_form_reads_back_and_stays(numbers in prop::collection::vec(any::<f64>().prop_filter("finite", |n| n.is_finite()), 0..6), text in "\\PC*") {
            let value = serde_json::json!({"z": numbers, "a": {"t": text}});
            let written = canonical(&value);
            let again: Value = serde_json::from_str(&written).unwrap();
            prop_assert_eq!(canonical(&again), written);
        }
    }
}
