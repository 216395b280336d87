//! FOCUS 1.2 rows of a plan: what the bill would be, month by month, labelled as a plan.
//!
//! Rows follow the FOCUS 1.2 columns and its appendix on commitment discounts: on-demand nodes are
//! usage; a commitment is a purchase (upfront once, recurring by month), its nodes are covered usage,
//! what no node uses is an unused row. A commitment appears with its whole term, so that over it the
//! effective cost of usage equals the billed cost of purchases to the nano-dollar. Without one the
//! rows cover 8,760 hours. A plan with accounts (`ledger.rs`) has a row per commitment, instance type and
//! month instead of one per node, for the 36 months of its accounts. Amounts have at most nine decimals and always a fraction; absent values
//! are empty cells. There is no `x_PlanGeneratedAt`: the same plan gives the same bytes.

use super::view::PlanReport;
use crate::bill::CalendarError;

mod columns;
pub mod contracts;
mod ledger;
pub mod lint;
mod row;
mod schedule;

pub use lint::{Finding, lint};

/// Why a plan has no FOCUS rows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FocusError {
    /// Rows lie in months, and no first day is known.
    #[error("FOCUS rows need the first day of the plan, such as 2026-08-01")]
    NoStart,
    /// What is proposed stands in a plan's accounts.
    #[error("commitments are told of a plan with accounts: plan again with --accounts")]
    NoAccounts,
    /// The first day is no date, or too late.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    /// A spreadsheet would run a name as a formula, and FOCUS values may not be altered.
    #[error("{column}: `{value}` starts like a spreadsheet formula; give it another name")]
    Formula {
        /// Which column.
        column: &'static str,
        /// The text.
        value: String,
    },
    /// Nodes and commitments of the report contradict each other.
    #[error("the report contradicts itself: {0}")]
    Inconsistent(String),
}

/// Writes the rows from midnight UTC of `start`, or of the report's own first day.
///
/// # Errors
/// [`FocusError`]: no first day, a name that looks like a formula, a report that was changed by hand.
pub fn render(report: &PlanReport, start: Option<&str>) -> Result<Vec<u8>, FocusError> {
    let start = start.or(report.scenario.start.as_deref()).ok_or(FocusError::NoStart)?;
    let mut rows = row::Rows::new(report)?;
    match &report.accounts {
        Some(accounts) => ledger::write(report, accounts, start, &mut rows)?,
        None => schedule::Schedule::new(report, start)?.write(&mut rows)?,
    }
    Ok(rows.into_bytes())
}
