//! FOCUS 1.4 ContractCommitment rows of what a plan proposes to buy.
//!
//! Status `Proposed`: being modelled, without legal or financial effect. A plan holds no clock, so
//! that rows are created and last updated on its first day. The format of
//! `ContractCommitmentDurationType` is not settled in the public text that we have; here it is
//! `1 Year` or `3 Years`. Columns after FOCUS 1.4 (2026-06-04), and one of our own: whether the plan was replayed.

use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::json;

use super::FocusError;
use super::row::check;
use crate::bill::{CommitmentCategory, Ratio};
use crate::catalog::{Payment, Provider, Term};
use crate::report::accounts::HeldRow;
use crate::report::table;
use crate::report::view::PlanReport;
use crate::units::Money;

/// Every column, in the order of the specification's table; ours is the last.
pub const COLUMNS: [&str; 29] = [
    "BillingCurrency",
    "ContractCommitmentApplicability",
    "ContractCommitmentBenefitCategory",
    "ContractCommitmentCategory",
    "ContractCommitmentCost",
    "ContractCommitmentCreated",
    "ContractCommitmentDescription",
    "ContractCommitmentDiscountPercentage",
    "ContractCommitmentDurationType",
    "ContractCommitmentFulfillmentInterval",
    "ContractCommitmentId",
    "ContractCommitmentLastUpdated",
    "ContractCommitmentLifecycleStatus",
    "ContractCommitmentModel",
    "ContractCommitmentOfferCategory",
    "ContractCommitmentPaymentInterval",
    "ContractCommitmentPaymentModel",
    "ContractCommitmentPaymentUpfrontPercentage",
    "ContractCommitmentPeriodEnd",
    "ContractCommitmentPeriodStart",
    "ContractCommitmentQuantity",
    "ContractCommitmentType",
    "ContractCommitmentUnit",
    "ContractId",
    "ContractPeriodEnd",
    "ContractPeriodStart",
    "InvoiceIssuerName",
    "ServiceProviderName",
    "x_Replay",
];

/// Writes one row per proposed commitment, from midnight UTC of `start`, or of the report's first day.
///
/// # Errors
/// No first day, no accounts, or a name that looks like a formula.
pub fn render(report: &PlanReport, start: Option<&str>) -> Result<Vec<u8>, FocusError> {
    let accounts = report.accounts.as_ref().ok_or(FocusError::NoAccounts)?;
    let start = start.or(report.scenario.start.as_deref()).ok_or(FocusError::NoStart)?;
    let first: Date = start.parse().map_err(|_| crate::bill::CalendarError::Date(start.to_owned()))?;
    let instant = |hour: i64| -> Result<String, FocusError> {
        let at = first.at(0, 0, 0, 0).checked_add(hour.hours()).map_err(|_| {
            crate::bill::CalendarError::Range { start: start.to_owned(), hours: hour.unsigned_abs() }
        })?;
        Ok(format!("{at}Z"))
    };
    let mut writer = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(COLUMNS).expect(TO_MEMORY);
    // The modelled contract has all of its commitments, and some of these may end after the last month.
    let last = accounts.proposed().map(|row| row.end_hour).max().unwrap_or(0);
    let last = last.max(i64::try_from(accounts.hours).unwrap_or(i64::MAX));
    let (plan_start, plan_end) = (instant(0)?, instant(last)?);
    for row in accounts.proposed() {
        let period = (instant(row.start_hour)?, instant(row.end_hour)?);
        writer.write_record(cells(report, row, (&plan_start, &plan_end), &period)?).expect(TO_MEMORY);
    }
    Ok(writer.into_inner().unwrap_or_else(|_| unreachable!("{TO_MEMORY}")))
}

const TO_MEMORY: &str = "writing rows of equal length to memory does not fail";

fn cells(
    report: &PlanReport,
    row: &HeldRow,
    (plan_start, plan_end): (&str, &str),
    (start, end): &(String, String),
) -> Result<Vec<String>, FocusError> {
    let catalog = &report.catalog;
    check("ContractCommitmentId", &row.id)?;
    check("ContractCommitmentApplicability", &row.covers)?;
    let provider = match catalog.provider {
        Provider::Aws => "AWS",
        Provider::Gcp => "Google Cloud",
        Provider::Azure => "Microsoft",
        Provider::Other => catalog.name.as_str(),
    };
    check("ServiceProviderName", provider)?;
    let hours = i128::from((row.end_hour - row.start_hour).max(0));
    let recurring = row.recurring_hour.money().checked_mul(hours).unwrap_or(Money::ZERO);
    let cost = row.upfront.money() + recurring;
    let covers = json!({
        "Covers": row.covers,
        "OperatingSystem": "Linux",
        "Region": catalog.region,
        "Tenancy": "Shared",
    });
    let discount = row.break_even_utilization.map(|share| Ratio::ONE.nanos() - share.nanos());
    let (spend, category) = match row.category {
        CommitmentCategory::Usage => (false, "Usage"),
        CommitmentCategory::Spend => (true, "Spend"),
    };
    let (model, interval) = match row.offer.payment {
        Payment::NoUpfront => ("No Upfront", "Monthly"),
        Payment::PartialUpfront => ("Partial Upfront", "Monthly"),
        Payment::AllUpfront => ("All Upfront", "One-Time"),
    };
    let upfront = match row.offer.payment {
        Payment::NoUpfront => Some(Ratio::ZERO),
        Payment::AllUpfront => Some(Ratio::ONE),
        Payment::PartialUpfront => Ratio::of_money(row.upfront.money(), cost),
    };
    let quantity = row.units_per_hour.nanos().checked_mul(hours).map(Money::from_nanos);
    let duration = match row.offer.term {
        Term::OneYear => "1 Year",
        Term::ThreeYears => "3 Years",
    };
    let id = format!("plan:{}:{}", report.scenario.id, row.id);
    let description = format!("{} for {} (plan)", row.commitment_type, row.covers);
    let decimal = |amount: Money| {
        let text = amount.to_string();
        // A column of whole numbers would be taken for integers by readers that guess types.
        if text.contains('.') { text } else { format!("{text}.0") }
    };
    let nanos = |nanos: i128| decimal(Money::from_nanos(nanos));
    let made = plan_start.to_owned();
    let replayed = table::replay::line(report);
    check("x_Replay", &replayed)?;
    Ok(vec![
        catalog.currency.clone(),
        covers.to_string(),
        "Discount".to_owned(),
        category.to_owned(),
        decimal(cost),
        made.clone(),
        description,
        discount.map(nanos).unwrap_or_default(),
        duration.to_owned(),
        "Hourly".to_owned(),
        id,
        made,
        "Proposed".to_owned(),
        "Continuous".to_owned(),
        "Public".to_owned(),
        interval.to_owned(),
        model.to_owned(),
        upfront.map(|share| nanos(share.nanos())).unwrap_or_default(),
        end.clone(),
        start.clone(),
        quantity.filter(|_| !spend).map(decimal).unwrap_or_default(),
        row.commitment_type.clone(),
        row.unit.clone(),
        format!("plan:{}", report.scenario.id),
        plan_end.to_owned(),
        plan_start.to_owned(),
        provider.to_owned(),
        provider.to_owned(),
        replayed,
    ])
}
