//! A model against itself and against a planted shift: what the statistics say of recorded runs.

use std::path::Path;

use anyhow::Result;

use super::table::Table;

/// Measures the section.
pub(super) fn section(_data: &Path, _table: &mut Table) -> Result<()> {
    anyhow::bail!("nothing is measured here yet")
}
