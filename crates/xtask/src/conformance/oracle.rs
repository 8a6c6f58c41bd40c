//! What other people's translators make of real requests, answers and streams, and the fixtures that they are tested
//! with, held against ours: equal, or different by a written policy about the field, or refused by the name of a field
//! that has no counterpart. Anything else is a finding.

use std::path::Path;

use anyhow::Result;

use super::{Counts, stage::Stage};
use crate::{print, python::Python, reason::Reason};

mod answer_reasons;
mod answers;
mod anthropic;
mod cases;
mod completion;
mod converse;
mod errors;
mod refusals;
mod request_reasons;
mod requests;
mod response_reasons;
mod responses;
mod table;
mod vercel;

use table::Table;

/// All policies.
const REASONS: &[&[Reason]] = &[
    request_reasons::REASONS,
    answer_reasons::REASONS,
    response_reasons::REASONS,
];

/// Compares all of them; returns what is wrong.
pub(super) async fn check(
    data: &Path,
    python: &Python,
    counts: &mut Counts,
) -> Result<Vec<String>> {
    let cases = cases::read(data)?;
    let mut table = Table::default();
    requests::check(&cases, data, python, &mut table)?;
    let stage = Stage::new().await?;
    answers::check(&cases, &stage, python, &mut table).await?;
    errors::check(&cases, &stage, &mut table).await?;
    responses::check(&cases, &mut table)?;
    vercel::check(data, &stage, python, &mut table).await?;
    table.settle(REASONS, counts);
    print::line(&table);
    print::line("policies:");
    print::line(table.policies(REASONS));
    Ok(table.into_failures())
}
