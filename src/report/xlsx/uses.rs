//! The sheets of spot nodes and of measured use, where the report has them.

use super::XlsxFailure;
use super::book::{Book, Look, Sheet};
use super::summary::Check;
use crate::report::view::{PlanReport, UsedResource};
use crate::units::{HOURS_PER_MONTH, Money};

/// Spot nodes by type, and what of each workload lies on them.
pub(super) fn spot(book: &mut Book, report: &PlanReport) -> Result<Vec<Check>, XlsxFailure> {
    let Some(spot) = &report.spot else { return Ok(Vec::new()) };
    let mut sheet = book.sheet("Spot")?;
    sheet.header(&[
        ("Type or workload", 36),
        ("Nodes", 9),
        ("Pods", 9),
        ("Spot, an hour each", 14),
        ("On demand, an hour each", 14),
        ("Spot, a month", 14),
        ("On demand, a month", 14),
        ("Saved", 14),
        ("Interrupted", 12),
    ])?;
    let first = sheet.line();
    let top = first - 1;
    let month = |hour: Money| hour.checked_mul(i128::from(HOURS_PER_MONTH)).expect("no bill reaches 10^29");
    for row in &spot.types {
        let line = sheet.line();
        let paid = month(row.spot_rate.for_hours(row.nodes));
        let listed = month(row.on_demand_rate.for_hours(row.nodes));
        sheet.text(&row.instance_type)?;
        sheet.count(row.nodes)?;
        sheet.count(row.pods)?;
        sheet.rate(row.spot_rate)?;
        sheet.rate(row.on_demand_rate)?;
        sheet.formula(&format!("=B{line}*D{line}*hours_per_month"), &paid.to_string(), Look::Money)?;
        sheet.formula(&format!("=B{line}*E{line}*hours_per_month"), &listed.to_string(), Look::Money)?;
        sheet.formula(&format!("=G{line}-F{line}"), &(listed - paid).to_string(), Look::Money)?;
        let band = row.interruption.map(|band| band.to_string());
        sheet.text(band.as_deref().unwrap_or("unknown"))?;
        sheet.end();
    }
    let last = sheet.line() - 1;
    let total = sheet.line();
    sheet.label("Total")?;
    for (column, sum) in [("B", spot.nodes), ("C", spot.pods)] {
        sheet.total(&format!("=SUM({column}{top}:{column}{last})"), &sum.to_string(), Look::Count)?;
    }
    (0..2).try_for_each(|_| sheet.skip())?;
    let paid: Money = spot.types.iter().map(|row| month(row.spot_rate.for_hours(row.nodes))).sum();
    let listed: Money = spot.types.iter().map(|row| month(row.on_demand_rate.for_hours(row.nodes))).sum();
    for (column, sum) in [("F", paid), ("G", listed), ("H", listed - paid)] {
        sheet.total(&format!("=SUM({column}{top}:{column}{last})"), &sum.to_string(), Look::Money)?;
    }
    sheet.end();
    // Costs beside the instances are the same for spot nodes and for those that replace them.
    sheet.text("What such nodes cost beside the instance")?;
    (0..4).try_for_each(|_| sheet.skip())?;
    sheet.money(spot.spot_month.money() - paid)?;
    sheet.money(spot.on_demand_month.money() - listed)?;
    sheet.end();
    sheet.text("All of the plan, if spot capacity is replaced on demand")?;
    (0..5).try_for_each(|_| sheet.skip())?;
    let fallback = sheet.here();
    let formula = format!("=on_demand_month+H{total}");
    sheet.total(&formula, &spot.fallback_month.to_string(), Look::Money)?;
    sheet.end();
    sheet.end();
    for title in ["Workload", "Pods", "May be on spot", "On spot", "Most on one type"] {
        sheet.label(title)?;
    }
    sheet.end();
    for row in &spot.workloads {
        sheet.text(&row.workload)?;
        for count in [row.pods, row.allowed, row.on_spot, row.most_on_one_type] {
            sheet.count(count)?;
        }
        sheet.end();
    }
    Ok(vec![
        Check::new("Saved by spot nodes, a month", &format!("Spot!H{total}"), spot.saving_month.to_string()),
        Check::new("The plan without spot capacity, a month", &fallback, spot.fallback_month.to_string()),
    ])
}

/// Plans for other requests, and measured use of each workload.
pub(super) fn usage(book: &mut Book, report: &PlanReport) -> Result<Vec<Check>, XlsxFailure> {
    let Some(usage) = &report.usage else { return Ok(Vec::new()) };
    let mut sheet = book.sheet("Other requests")?;
    sheet.header(&[
        ("Requests", 44),
        ("Nodes", 9),
        ("On demand, a month", 14),
        ("Change", 14),
        ("Change, share", 9),
        ("Gap", 9),
        ("Workloads that once used more memory", 14),
        ("Risk asked for", 9),
        ("Risk of the worst node", 12),
        ("The same, drawn", 12),
        ("Nodes over their memory, drawn", 12),
        ("Model", 12),
        ("Draws", 9),
        ("Seed", 7),
    ])?;
    for row in &usage.plans {
        let line = sheet.line();
        sheet.text(&row.label)?;
        sheet.count(row.nodes)?;
        sheet.money(row.cost_month.money())?;
        sheet.formula(&format!("=C{line}-C$2"), &row.change_month.to_string(), Look::Money)?;
        let change = row.change.unwrap_or_default().to_string();
        sheet.formula(&format!("=IF(C$2=0,0,C{line}/C$2-1)"), &change, Look::Percent)?;
        sheet.percent(row.gap)?;
        sheet.count(row.memory_max_above_request)?;
        match row.risk.wanted {
            Some(wanted) => sheet.number(&wanted.to_string(), Look::Decimal)?,
            None => sheet.skip()?,
        }
        for risk in [row.risk.worst_normal, row.risk.worst_simulated, row.risk.nodes_over] {
            sheet.number(&risk.to_string(), Look::Decimal)?;
        }
        sheet.text(&row.risk.model)?;
        sheet.count(u64::from(row.risk.trials))?;
        sheet.count(row.risk.seed)?;
        sheet.end();
    }

    let mut sheet = book.sheet("Measured use")?;
    sheet.header(&[
        ("Workload", 36),
        ("Pods", 9),
        ("cpu request, millicores", 12),
        ("cpu mean", 12),
        ("cpu 95th percentile", 12),
        ("cpu maximum", 12),
        ("memory request, bytes", 16),
        ("memory mean", 16),
        ("memory 95th percentile", 16),
        ("memory maximum", 16),
        ("Cost by requests, a month", 14),
        ("Slack, a month", 14),
    ])?;
    let top = sheet.line() - 1;
    for row in &usage.workloads {
        sheet.text(&row.workload)?;
        sheet.count(row.replicas)?;
        used(&mut sheet, row.cpu.as_ref())?;
        used(&mut sheet, row.memory.as_ref())?;
        sheet.money(row.cost_month.money())?;
        sheet.money(row.slack_month)?;
        sheet.end();
    }
    let last = sheet.line() - 1;
    sheet.label("Total")?;
    (0..10).try_for_each(|_| sheet.skip())?;
    let slack = sheet.here();
    sheet.total(&format!("=SUM(L{top}:L{last})"), &usage.slack_month.to_string(), Look::Money)?;
    sheet.end();
    for name in &usage.unmeasured {
        sheet.text(name)?;
        sheet.text("not measured: its requests count")?;
        sheet.end();
    }
    Ok(vec![Check::new("Slack of all workloads, a month", &slack, usage.slack_month.to_string())])
}

fn used(sheet: &mut Sheet<'_>, used: Option<&UsedResource>) -> Result<(), XlsxFailure> {
    match used {
        Some(UsedResource { request, mean, p95, max }) => {
            [request, mean, p95, max].into_iter().try_for_each(|&amount| sheet.count(amount))?;
        }
        None => (0..4).try_for_each(|_| sheet.skip())?,
    }
    Ok(())
}
