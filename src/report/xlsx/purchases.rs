//! The sheets of the commitment plan: what to buy, and what it comes to under every scenario. Sums, savings
//! and shares are formulas over the rows; nothing here is bought.

use super::XlsxFailure;
use super::book::{Book, Look, Sheet};
use super::money::months;
use super::summary::Check;
use crate::bill::{BilledCost, EffectiveCost, ListCost, effective_savings_rate};
use crate::catalog::Payment;
use crate::report::view::{PlanReport, Purchases};
use crate::units::Money;

/// The sheet of proposals.
pub(super) const PLAN: &str = "Commitment plan";
/// The sheet of steps, scenarios and what is owned.
pub(super) const OUTCOMES: &str = "Outcomes";

/// Proposals and outcomes; what there is to check about them.
pub(super) fn purchases(book: &mut Book, report: &PlanReport) -> Result<Vec<Check>, XlsxFailure> {
    let Some(purchases) = &report.purchases else { return Ok(Vec::new()) };
    let mut checks = proposals(book, purchases)?;
    checks.extend(outcomes(book, purchases)?);
    Ok(checks)
}

fn proposals(book: &mut Book, purchases: &Purchases) -> Result<Vec<Check>, XlsxFailure> {
    let mut sheet = book.sheet(PLAN)?;
    sheet.header(&[
        ("Commitments", 24),
        ("Offer", 34),
        ("Term, months", 8),
        ("Payment", 16),
        ("Covers", 18),
        ("Quoted for", 18),
        ("Quantity", 10),
        ("Unit", 12),
        ("Amortised, an hour", 14),
        ("Upfront", 14),
        ("Fee an hour", 14),
        ("First hours", 14),
        ("Amortised, these hours", 14),
        ("Of that, unused", 14),
        ("On demand, of what is covered", 14),
        ("Saved", 14),
        ("Used", 9),
        ("Coverage", 9),
        ("Break-even use", 9),
        ("Break-even, months", 10),
        ("Worst-case loss", 14),
        ("Obligation, whole term", 14),
        ("Rate", 12),
        ("Status", 10),
    ])?;
    let first = sheet.line();
    let mut obliged = Vec::new();
    for row in &purchases.rows {
        let line = sheet.line();
        let hours = row.term.hours();
        let fees = row.recurring.for_hours(hours);
        obliged.push(row.upfront + BilledCost::new(fees));
        sheet.text(&row.commitments.join(", "))?;
        sheet.text(&row.commitment_type)?;
        sheet.count(months(Some(row.term)))?;
        sheet.text(payment(row.payment))?;
        sheet.text(&row.covers)?;
        sheet.maybe_text(row.quoted_type.as_deref())?;
        sheet.number(&row.quantity, Look::Decimal)?;
        sheet.text(&row.unit)?;
        sheet.rate(row.rate)?;
        sheet.money(row.upfront.money())?;
        sheet.rate(row.recurring)?;
        sheet.text(&row.starts.iter().map(i64::to_string).collect::<Vec<_>>().join(", "))?;
        sheet.money(row.effective.money())?;
        sheet.money(row.unused.money())?;
        sheet.money(row.list_covered.money())?;
        sheet.formula(&format!("=O{line}-M{line}"), &row.net_savings.to_string(), Look::Money)?;
        sheet.percent(row.utilization)?;
        let coverage = row.coverage.unwrap_or_default().to_string();
        let formula = format!("=IF(commitments_on_demand=0,0,O{line}/commitments_on_demand)");
        sheet.formula(&formula, &coverage, Look::Percent)?;
        sheet.percent(row.break_even_utilization)?;
        match row.break_even_months {
            Some(months) => sheet.number(&months.to_string(), Look::Decimal)?,
            None => sheet.skip()?,
        }
        sheet.money(row.worst_case_loss)?;
        let obligation = row.upfront.money() + fees;
        let formula = format!("=J{line}+K{line}*C{line}/12*hours_per_year");
        sheet.formula(&formula, &obligation.to_string(), Look::Money)?;
        sheet.text(if row.estimate { "ESTIMATE" } else { "listed" })?;
        sheet.text(&row.status)?;
        sheet.end();
    }
    let last = sheet.line() - 1;
    let (effective, unused, listed, saved) = (
        purchases.rows.iter().map(|row| row.effective).sum::<EffectiveCost>(),
        purchases.rows.iter().map(|row| row.unused).sum::<EffectiveCost>(),
        purchases.rows.iter().map(|row| row.list_covered).sum::<ListCost>(),
        purchases.rows.iter().map(|row| row.net_savings).sum::<Money>(),
    );
    let upfront: BilledCost = purchases.rows.iter().map(|row| row.upfront).sum();
    let obligation: BilledCost = obliged.into_iter().sum();
    sheet.label("Total")?;
    (0..8).try_for_each(|_| sheet.skip())?;
    // The title keeps the ranges from being empty.
    let top = first - 1;
    let mut cells = Vec::new();
    for (column, sum) in [
        ("J", Some(upfront.money())),
        ("K", None),
        ("L", None),
        ("M", Some(effective.money())),
        ("N", Some(unused.money())),
        ("O", Some(listed.money())),
        ("P", Some(saved)),
        ("Q", None),
        ("R", None),
        ("S", None),
        ("T", None),
        ("U", None),
        ("V", Some(obligation.money())),
    ] {
        match sum {
            Some(sum) => {
                cells.push((column, sheet.here()));
                let formula = format!("=SUM({column}{top}:{column}{last})");
                sheet.total(&formula, &sum.to_string(), Look::Money)?;
            }
            None => sheet.skip()?,
        }
    }
    let cell = |column: &str| {
        let found = cells.iter().find(|(name, _)| *name == column);
        found.map(|(_, cell)| cell.clone()).expect("it is a sum")
    };
    let mut checks = vec![
        Check::new("Upfront of the proposals", &cell("J"), purchases.upfront.to_string()),
        Check::new(
            "Obligation of the proposals over their terms",
            &cell("V"),
            purchases.obligation.to_string(),
        ),
    ];
    if purchases.owned.is_empty() {
        // Owned commitments save too, and may give way to new ones.
        let formula = format!("commitments_on_demand-{}", cell("P"));
        checks.push(Check::new(
            "On demand less what the proposals save",
            &formula,
            purchases.cost.to_string(),
        ));
    }
    Ok(checks)
}

fn payment(payment: Payment) -> &'static str {
    match payment {
        Payment::NoUpfront => "no upfront",
        Payment::PartialUpfront => "partial upfront",
        Payment::AllUpfront => "all upfront",
    }
}

fn titles(sheet: &mut Sheet<'_>, titles: &[&str]) -> Result<(), XlsxFailure> {
    for title in titles {
        sheet.label(title)?;
    }
    sheet.end();
    Ok(())
}

fn outcomes(book: &mut Book, purchases: &Purchases) -> Result<Vec<Check>, XlsxFailure> {
    let mut names: Vec<(&'static str, String)> = Vec::new();
    let mut checks = Vec::new();
    let mut sheet = book.sheet(OUTCOMES)?;
    sheet.widths(&[56, 16, 16, 16, 16, 16, 16, 10])?;
    sheet.title("What to commit to: amortised cost of all hours, expected over the scenarios")?;
    for (label, name, figure, look) in [
        ("Hours", "commitments_hours", purchases.hours.to_string(), Look::Count),
        ("On demand", "commitments_on_demand", purchases.list.to_string(), Look::Money),
        ("With what is owned only", "commitments_without", purchases.without.to_string(), Look::Money),
        ("With the proposals", "commitments_cost", purchases.cost.to_string(), Look::Money),
        (
            "No purchases for these nodes cost less",
            "commitments_bound",
            purchases.bound.to_string(),
            Look::Money,
        ),
    ] {
        sheet.text(label)?;
        names.push((name, sheet.here()));
        sheet.number(&figure, look)?;
        sheet.end();
    }
    if purchases.joint_bound.money() > Money::ZERO {
        sheet.text("No nodes with any purchases cost less")?;
        sheet.money(purchases.joint_bound.money())?;
        sheet.end();
    }
    sheet.text("Saved to on demand")?;
    let saved = purchases.savings_rate.unwrap_or_default().to_string();
    let formula = "=IF(commitments_on_demand=0,0,1-commitments_cost/commitments_on_demand)";
    sheet.formula(formula, &saved, Look::Percent)?;
    sheet.end();
    sheet.text("With the proposals, a month")?;
    names.push(("commitments_month", sheet.here()));
    let month = purchases.month(purchases.cost.money()).to_string();
    sheet.formula("=commitments_cost*hours_per_month/commitments_hours", &month, Look::Money)?;
    sheet.end();
    sheet.text("Coverage")?;
    sheet.percent(purchases.coverage)?;
    sheet.end();
    sheet.text("More than without them if demand is the lowest")?;
    sheet.money(purchases.worst_case_loss)?;
    sheet.end();
    if let Some(mean) = purchases.tail_mean {
        sheet.text("Mean of the worst outcomes asked about")?;
        sheet.money(mean.money())?;
        sheet.end();
    }
    sheet.end();

    let columns =
        ["Step", "On demand of its nodes", "Amortised", "Amortised, a month", "Change", "Saved", "Chosen"];
    titles(&mut sheet, &columns)?;
    for (index, step) in purchases.steps.iter().enumerate() {
        let line = sheet.line();
        sheet.text(&step.label)?;
        sheet.money(step.list.money())?;
        sheet.money(step.cost.money())?;
        let month = purchases.month(step.cost.money()).to_string();
        sheet.formula(&format!("=C{line}*hours_per_month/commitments_hours"), &month, Look::Money)?;
        match index {
            0 => sheet.money(step.change)?,
            _ => {
                sheet.formula(&format!("=C{line}-C{}", line - 1), &step.change.to_string(), Look::Money)?;
            }
        }
        let rate = effective_savings_rate(step.list, step.cost).unwrap_or_default().to_string();
        sheet.formula(&format!("=IF(B{line}=0,0,1-C{line}/B{line})"), &rate, Look::Percent)?;
        sheet.text(if step.chosen { "yes" } else { "" })?;
        sheet.end();
    }
    sheet.end();

    titles(&mut sheet, &["Scenario", "Weight", "On demand", "Owned only", "With the proposals", "Unused"])?;
    let first = sheet.line();
    for row in &purchases.scenarios {
        sheet.text(&row.name)?;
        sheet.percent(Some(row.weight))?;
        sheet.money(row.list.money())?;
        sheet.money(row.without.money())?;
        sheet.money(row.cost.money())?;
        sheet.money(row.unused.money())?;
        sheet.end();
    }
    let last = sheet.line() - 1;
    sheet.label("Expected")?;
    sheet.skip()?;
    for (column, what, stated) in [
        ("C", "On demand, expected over the scenarios", purchases.list.to_string()),
        ("D", "With what is owned only, expected", purchases.without.to_string()),
        ("E", "With the proposals, expected", purchases.cost.to_string()),
    ] {
        let cell = sheet.here();
        let formula = format!("=SUMPRODUCT(B{first}:B{last},{column}{first}:{column}{last})");
        sheet.total(&formula, &stated, Look::Money)?;
        checks.push(Check::new(what, &cell, stated));
    }
    sheet.end();
    sheet.end();

    titles(&mut sheet, &["If demand turns out otherwise", "Owned only", "With", "Saving", "Unused"])?;
    for row in &purchases.sensitivity {
        let line = sheet.line();
        sheet.number(&row.change.to_string(), Look::Percent)?;
        sheet.money(row.without.money())?;
        sheet.money(row.cost.money())?;
        sheet.formula(&format!("=B{line}-C{line}"), &row.saving.to_string(), Look::Money)?;
        sheet.money(row.unused.money())?;
        sheet.end();
    }
    if !purchases.owned.is_empty() {
        sheet.end();
        titles(&mut sheet, &["Owned", "Ends with hour", "Used", "Cost", "Waste", "Kind"])?;
        for row in &purchases.owned {
            sheet.text(&row.commitment)?;
            sheet.number(&row.end_hour.to_string(), Look::Count)?;
            sheet.percent(row.utilization)?;
            sheet.money(row.effective.money())?;
            sheet.money(row.waste.money())?;
            sheet.text(&row.commitment_type)?;
            sheet.end();
        }
    }
    sheet.end();
    for text in &purchases.assumptions {
        sheet.text(text)?;
        sheet.end();
    }
    for (name, cell) in names {
        book.name(name, &cell);
    }
    Ok(checks)
}
