//! The table as it stands in a file: rows by pattern, which inherit from families and from a default.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use super::{CAREFUL, Capabilities, Overrides};

/// How many families may stand between a row and the default.
const LONGEST_LINE: usize = 8;

/// A table of models.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    #[serde(default)]
    default: Overrides,
    #[serde(default)]
    pub(crate) model: Vec<Row>,
    #[serde(default)]
    pub(crate) family: BTreeMap<String, Traits>,
}

/// A model, or all whose ids hold the pattern.
#[derive(Debug, Deserialize)]
#[serde(try_from = "toml::Table")]
pub(crate) struct Row {
    pub(crate) pattern: String,
    pub(crate) traits: Traits,
}

/// What a row or a family states.
#[derive(Debug, Deserialize)]
#[serde(try_from = "toml::Table")]
pub(crate) struct Traits {
    pub(crate) like: Option<String>,
    overrides: Overrides,
}

static BUILT_IN: LazyLock<Table> =
    LazyLock::new(|| Table::parse(include_str!("../capabilities.toml")).unwrap_or_default());

// === impl Table ===

impl Table {
    /// The table that is part of the program.
    pub(crate) fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// Reads a table; a column that is not known is an error.
    pub(crate) fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// What the model of this id takes.
    pub(crate) fn of(&self, model: &str) -> Capabilities {
        let careful = CAREFUL.with(&self.default);
        match self.row(model) {
            Some(row) => self.inherit(careful, &row.traits, LONGEST_LINE),
            None => careful,
        }
    }

    /// Whether a row covers the id.
    pub(crate) fn knows(&self, model: &str) -> bool {
        self.row(model).is_some()
    }

    fn row(&self, model: &str) -> Option<&Row> {
        let id = bare_id(model);
        self.model.iter().find(|row| id.contains(&row.pattern))
    }

    fn inherit(&self, from: Capabilities, traits: &Traits, left: usize) -> Capabilities {
        let family = traits.like.as_ref().and_then(|name| self.family.get(name));
        let from = match (family, left.checked_sub(1)) {
            (Some(family), Some(left)) => self.inherit(from, family, left),
            _ => from,
        };
        from.with(&traits.overrides)
    }
}

// === impl Row ===

impl TryFrom<toml::Table> for Row {
    type Error = String;

    fn try_from(mut table: toml::Table) -> Result<Self, Self::Error> {
        let Some(toml::Value::String(pattern)) = table.remove("pattern") else {
            return Err("a row needs a pattern".to_owned());
        };
        let traits = Traits::try_from(table).map_err(|error| format!("{pattern}: {error}"))?;
        Ok(Self { pattern, traits })
    }
}

// === impl Traits ===

impl TryFrom<toml::Table> for Traits {
    type Error = String;

    fn try_from(mut table: toml::Table) -> Result<Self, Self::Error> {
        let like = match table.remove("like") {
            None => None,
            Some(toml::Value::String(family)) => Some(family),
            Some(_) => return Err("like names a family".to_owned()),
        };
        let overrides = table
            .try_into()
            .map_err(|error: toml::de::Error| error.to_string())?;
        Ok(Self { like, overrides })
    }
}

/// The id without an ARN or a region prefix around it: everything after the last `/`.
fn bare_id(model: &str) -> &str {
    model.rsplit('/').next().unwrap_or(model)
}
