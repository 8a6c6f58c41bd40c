//! What is detected, and the detectors compiled.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::{
    detectors::{Compiled, announcer},
    session::Session,
};

/// The most patterns of one's own.
const MOST_PATTERNS: usize = 64;
/// The most memory that one of them may take, compiled, in bytes.
const LARGEST_PATTERN: usize = 1 << 20;
/// The longest name of a pattern.
const LONGEST_NAME: usize = 32;

/// What is detected by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detector {
    /// Private keys in PEM, and what follows them if their end is missing.
    PrivateKey,
    /// JSON web tokens.
    Jwt,
    /// Keys and tokens by their issuers' prefixes.
    ApiKey,
    /// What stands behind `password=`, `api_key:`, `Bearer` and the like, and the values of JSON members of such names.
    Secret,
    /// User and password in a URL.
    UrlCredentials,
    /// E-mail addresses.
    Email,
    /// International bank account numbers with a right check sum.
    Iban,
    /// Payment card numbers with a right check digit.
    Card,
    /// US social security numbers.
    Ssn,
    /// IPv4 and IPv6 addresses, except those that every machine has.
    Ip,
    /// Telephone numbers: international, or in the North American or a trunk-zero form with separators.
    Phone,
}

/// What is redacted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedactSettings {
    /// The built-in detectors that are used; all if absent.
    pub detectors: Vec<Detector>,
    /// Patterns of one's own by name: regular expressions; the first group is replaced if there is one, else the whole match,
    /// by `[NAME-1]`. They come before the built-in ones.
    pub patterns: BTreeMap<String, String>,
    /// Whether equal values of an exchange get equal numbers; else each is `[email]`.
    pub numbered: bool,
}

/// Why settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedactError {
    /// A pattern does not compile.
    #[error("pattern {name:?} is no regular expression: {why}")]
    Pattern {
        /// Its name.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// A pattern matches everywhere.
    #[error("pattern {name:?} matches the empty text: let it match at least one character")]
    Empty {
        /// Its name.
        name: String,
    },
    /// A name would not be readable in a text.
    #[error("{name:?} cannot name a pattern: use up to 32 lower-case letters, digits and `_`")]
    Name {
        /// The name.
        name: String,
    },
    /// Too many of them.
    #[error("{0} patterns are too many: use at most 64")]
    TooMany(usize),
}

/// Compiled detectors. Cheap to share, not to make.
#[derive(Debug)]
pub struct Redactor {
    pub(crate) detectors: Vec<Compiled>,
    /// The place of [`Detector::Secret`] among them, and the names of members that announce what it finds.
    pub(crate) announced: Option<(usize, Regex)>,
    pub(crate) numbered: bool,
}

// === impl Detector ===

impl Detector {
    /// Every detector, in the order in which they are asked: what an earlier one finds is not asked of a later one.
    pub const ALL: &'static [Self] = &[
        Self::PrivateKey,
        Self::Jwt,
        Self::ApiKey,
        Self::Secret,
        Self::UrlCredentials,
        Self::Email,
        Self::Iban,
        Self::Card,
        Self::Ssn,
        Self::Ip,
        Self::Phone,
    ];

    /// The name, as it stands in a redacted text and in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PrivateKey => "private_key",
            Self::Jwt => "jwt",
            Self::ApiKey => "api_key",
            Self::Secret => "secret",
            Self::UrlCredentials => "url_credentials",
            Self::Email => "email",
            Self::Iban => "iban",
            Self::Card => "card",
            Self::Ssn => "ssn",
            Self::Ip => "ip",
            Self::Phone => "phone",
        }
    }
}

// === impl RedactSettings ===

impl Default for RedactSettings {
    fn default() -> Self {
        Self {
            detectors: Detector::ALL.to_vec(),
            patterns: BTreeMap::new(),
            numbered: true,
        }
    }
}

// === impl Redactor ===

impl Redactor {
    /// Compiles settings.
    pub fn new(settings: &RedactSettings) -> Result<Self, RedactError> {
        if settings.patterns.len() > MOST_PATTERNS {
            return Err(RedactError::TooMany(settings.patterns.len()));
        }
        let mut detectors = Vec::new();
        for (name, pattern) in &settings.patterns {
            detectors.push(Compiled::own(name, own_pattern(name, pattern)?));
        }
        let mut announced = None;
        for detector in Detector::ALL {
            if settings.detectors.contains(detector) {
                let failed = |error: regex::Error| {
                    let name = detector.as_str().to_owned();
                    let why = error.to_string();
                    RedactError::Pattern { name, why }
                };
                if *detector == Detector::Secret {
                    announced = Some((detectors.len(), announcer().map_err(failed)?));
                }
                detectors.push(Compiled::built_in(*detector).map_err(failed)?);
            }
        }
        Ok(Self {
            detectors,
            announced,
            numbered: settings.numbered,
        })
    }

    /// Begins one exchange.
    pub fn session(&self) -> Session<'_> {
        Session::new(self)
    }
}

fn own_pattern(name: &str, pattern: &str) -> Result<Regex, RedactError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(plain) {
        let name = name.to_owned();
        return Err(RedactError::Name { name });
    }
    let regex = RegexBuilder::new(pattern)
        .size_limit(LARGEST_PATTERN)
        .build()
        .map_err(|error| RedactError::Pattern {
            name: name.to_owned(),
            why: error.to_string(),
        })?;
    if regex.is_match("") {
        let name = name.to_owned();
        return Err(RedactError::Empty { name });
    }
    Ok(regex)
}
