//! The report as a workbook for finance: figures as numbers, sums as live formulas, ids as text.
//!
//! Formulas carry their results, so that a reader without recalculation sees them too; the sheet
//! `Checks` sets what the workbook computes against what the report states, and every difference there
//! must read zero. There is no macro, no link and no clock in it: the same report gives the same bytes.
//! Spreadsheets compute in floating point; the exact decimals are in JSON and CSV.

mod accounts;
mod book;
mod lists;
mod money;
mod over_time;
mod purchases;
mod summary;
mod uses;

use rust_xlsxwriter::XlsxError;

use super::view::PlanReport;
use book::Book;

/// A workbook that does not hold the report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a workbook does not hold this plan: {0}; csv has room for any")]
pub struct XlsxFailure(String);

impl From<XlsxError> for XlsxFailure {
    fn from(error: XlsxError) -> Self {
        XlsxFailure(error.to_string())
    }
}

/// Writes the workbook.
///
/// # Errors
/// More rows than a sheet has.
pub(super) fn render(report: &PlanReport) -> Result<Vec<u8>, XlsxFailure> {
    let mut book = Book::new(report)?;
    let nodes = lists::nodes(&mut book, report)?;
    lists::workloads(&mut book, report)?;
    let options = money::options(&mut book, report)?;
    money::commitments(&mut book, report)?;
    money::cash_flow(&mut book, report)?;
    lists::plans(&mut book, report)?;
    let mut more = over_time::over_time(&mut book, report)?;
    more.extend(purchases::purchases(&mut book, report)?);
    more.extend(accounts::accounts(&mut book, report)?);
    more.extend(accounts::showback(&mut book, report)?);
    more.extend(uses::spot(&mut book, report)?);
    more.extend(uses::usage(&mut book, report)?);
    summary::summary(&mut book, report, &nodes, &options)?;
    summary::checks(&mut book, report, (&nodes, &options), more)?;
    Ok(book.save()?)
}
