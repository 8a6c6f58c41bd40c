//! What each detector looks for: a regular expression for the form, and a check of what has that form.

use std::{ops::Range, sync::Arc};

use regex::Regex;

use crate::{Detector, forms};

/// A compiled detector.
#[derive(Debug)]
pub(crate) struct Compiled {
    name: Arc<str>,
    regex: Regex,
    check: Check,
    /// Where a find is refused, the next is looked for from the character behind its beginning, not from its end: its form has a
    /// greatest length, so that this stays linear.
    again: bool,
}

/// What is left to look at when the form fits.
type Check = fn(&str, Range<usize>) -> Option<Range<usize>>;

const PRIVATE_KEY: &str = "(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?\
    (?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\\z)";

const JWT: &str = r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*";

/// Prefixes that issuers publish so that their keys can be found.
const API_KEY: &str = "(?x)
    sk-[A-Za-z0-9_-]{20,}
  | (?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{16,}
  | gh[oprsu]_[A-Za-z0-9]{30,} | github_pat_[A-Za-z0-9_]{22,} | glpat-[A-Za-z0-9_-]{20,}
  | xox[abeoprs]-[A-Za-z0-9-]{10,}
  | AIza[A-Za-z0-9_-]{35} | ya29\\.[A-Za-z0-9_-]{20,}
  | (?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}
  | ABSK[A-Za-z0-9+/]{40,}={0,2} | bedrock-api-key-[A-Za-z0-9+/=_-]{20,}
  | hf_[A-Za-z0-9]{30,} | npm_[A-Za-z0-9]{36} | pypi-[A-Za-z0-9_-]{40,}
  | SG\\.[A-Za-z0-9_-]{16,}\\.[A-Za-z0-9_-]{16,}
  | gsk_[A-Za-z0-9]{20,} | xai-[A-Za-z0-9]{20,}";

/// A name that announces a secret, in the writing of code and of people: `api_key`, `clientSecret`, `Access Key`.
macro_rules! announcer {
    () => {
        r#"\b (?: [a-z0-9]+[_-] )* (?: [a-z0-9]* (?: api[\ _-]?key | access[\ _-]?key | secret | token | passwd | password )
            | pwd | account[\ _-]?key | sig | signature ) \b"#
    };
}

/// Such a name, and what it announces.
const SECRET: &str = concat!(
    "(?xi) (?: ",
    announcer!(),
    r#" ["']? [\ \t]? [:=]{1,2}>? [\ \t]? ["']?
      | \b bearer [\ \t] )
    ( [^\s"'<>,;&\[\]{}()]{8,} )"#
);

/// The name of a member whose value is announced by it.
const ANNOUNCER: &str = concat!("(?xi)", announcer!(), r"[\ :=]* \z");

/// Such names, ready for use.
pub(crate) fn announcer() -> Result<Regex, regex::Error> {
    Regex::new(ANNOUNCER)
}

const URL_CREDENTIALS: &str = r"[A-Za-z][A-Za-z0-9+.-]*://([^\s/@:\[\]]+:[^\s/@]+)@";
const EMAIL: &str = r"[\w.%+'-]*[\w%+-]@(?:[\w-]+\.)+[A-Za-z][A-Za-z0-9-]*";
const IBAN: &str = r"(?-u:\b)[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,30}";
const CARD: &str = r"[0-9](?:[ -]?[0-9]){12,18}";
const SSN: &str = r"[0-9]{3}-[0-9]{2}-[0-9]{4}";
const IP: &str = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}(?:\.[0-9]{1,3}){0,3}";
const PHONE: &str = r"(?x)
    \+ [0-9] (?: [\ ./()-]{0,2} [0-9] ){7,14}
  | \(? [2-9][0-9]{2} \)? [\ .-]{1,2} [2-9][0-9]{2} [\ .-] [0-9]{4}
  | \(? 0 [1-9][0-9]{1,4} \)? [\ /-]{1,2} [0-9]{2,4} (?: [\ -]? [0-9]{2,4} ){1,3}";

// === impl Compiled ===

impl Compiled {
    /// A pattern of one's own: what its first group holds, or all of it.
    pub(crate) fn own(name: &str, regex: Regex) -> Self {
        Self {
            name: Arc::from(name),
            regex,
            check: anything,
            again: false,
        }
    }

    /// One of the built-in ones.
    pub(crate) fn built_in(detector: Detector) -> Result<Self, regex::Error> {
        let (pattern, check): (&str, Check) = match detector {
            Detector::PrivateKey => (PRIVATE_KEY, anything),
            Detector::Jwt => (JWT, whole_word),
            Detector::ApiKey => (API_KEY, whole_word),
            Detector::Secret => (SECRET, forms::secret),
            Detector::UrlCredentials => (URL_CREDENTIALS, anything),
            Detector::Email => (EMAIL, forms::email),
            Detector::Iban => (IBAN, forms::iban),
            Detector::Card => (CARD, forms::card),
            Detector::Ssn => (SSN, forms::ssn),
            Detector::Ip => (IP, forms::ip),
            Detector::Phone => (PHONE, forms::phone),
        };
        Ok(Self {
            name: Arc::from(detector.as_str()),
            regex: Regex::new(pattern)?,
            check,
            again: match detector {
                Detector::Iban
                | Detector::Card
                | Detector::Ssn
                | Detector::Ip
                | Detector::Phone => true,
                Detector::PrivateKey
                | Detector::Jwt
                | Detector::ApiKey
                | Detector::Secret
                | Detector::UrlCredentials
                | Detector::Email => false,
            },
        })
    }

    /// What stands in a redacted text.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What it finds in a text, in order, without overlaps.
    pub(crate) fn find(&self, text: &str) -> Vec<Range<usize>> {
        if self.again {
            return self.find_again(text);
        }
        if self.regex.captures_len() == 1 {
            let found = self.regex.find_iter(text);
            return found
                .filter_map(|found| (self.check)(text, found.range()))
                .collect();
        }
        let found = self.regex.captures_iter(text);
        found
            .filter_map(|captures| captures.get(1).or_else(|| captures.get(0)))
            .filter_map(|found| (self.check)(text, found.range()))
            .collect()
    }
}

impl Compiled {
    fn find_again(&self, text: &str) -> Vec<Range<usize>> {
        let (mut found, mut from) = (Vec::new(), 0);
        while let Some(form) = self.regex.find_at(text, from) {
            match (self.check)(text, form.range()) {
                Some(at) => {
                    from = at.end;
                    found.push(at);
                }
                // All these forms begin with an ASCII character.
                None => from = form.start() + 1,
            }
        }
        found
    }
}

fn anything(_: &str, at: Range<usize>) -> Option<Range<usize>> {
    (!at.is_empty()).then_some(at)
}

/// Nothing that is only the end of a longer word.
fn whole_word(text: &str, at: Range<usize>) -> Option<Range<usize>> {
    let before = text.get(..at.start)?.chars().next_back();
    let joined = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    (!joined).then_some(at)
}
