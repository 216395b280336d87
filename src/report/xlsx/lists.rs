//! The sheets of nodes, workloads and other plans.

use super::XlsxFailure;
use super::book::{Book, Look};
use crate::report::view::PlanReport;
use crate::units::Money;

/// Where the totals of the nodes are.
pub(super) struct Nodes {
    /// Nodes.
    pub count: String,
    /// Pods.
    pub pods: String,
    /// On demand, a month.
    pub list: String,
    /// As the report's selected purchase has it, a month.
    pub effective: String,
}

/// A row per group of equal nodes, and their totals.
pub(super) fn nodes(book: &mut Book, report: &PlanReport) -> Result<Nodes, XlsxFailure> {
    let mut sheet = book.sheet("Nodes")?;
    sheet.header(&[
        ("Group", 7),
        ("Type", 18),
        ("Pool", 18),
        ("Zone", 12),
        ("Family", 10),
        ("Architecture", 12),
        ("Nodes", 8),
        ("Pods each", 8),
        ("Pods", 8),
        ("cpu fill", 8),
        ("memory fill", 8),
        ("Binding", 12),
        ("On demand, an hour each", 12),
        ("On demand, a month", 14),
        ("Commitment", 16),
        ("As paid for, a month", 14),
    ])?;
    for row in &report.nodes {
        let line = sheet.line();
        let fill = |name: &str| row.resources.iter().find(|r| r.resource == name).and_then(|r| r.fill);
        let pods = u128::from(row.nodes) * u128::from(row.pods_per_node);
        sheet.count(row.group)?;
        sheet.text(&row.instance_type)?;
        sheet.text(&row.planned_pool)?;
        sheet.maybe_text(row.zone.as_deref())?;
        sheet.text(&row.family)?;
        sheet.text(&row.architecture.to_string())?;
        sheet.count(row.nodes)?;
        sheet.count(row.pods_per_node)?;
        sheet.formula(&format!("=G{line}*H{line}"), &pods.to_string(), Look::Count)?;
        sheet.percent(fill("cpu"))?;
        sheet.percent(fill("memory"))?;
        sheet.maybe_text(row.binding.as_deref())?;
        sheet.rate(row.list_rate)?;
        let month = format!("=G{line}*M{line}*hours_per_month");
        sheet.formula(&month, &row.list_month.to_string(), Look::Money)?;
        sheet.maybe_text(row.commitment.as_deref())?;
        sheet.money(row.effective_month.money())?;
        sheet.end();
    }
    // The title keeps the ranges from being empty.
    let last = sheet.line() - 1;
    let sum = |column: &str| format!("=SUM({column}1:{column}{last})");
    let effective: Money = report.nodes.iter().map(|row| row.effective_month.money()).sum();
    let list: Money = report.nodes.iter().map(|row| row.list_month.money()).sum();
    let nodes: u128 = report.nodes.iter().map(|row| u128::from(row.nodes)).sum();
    let pods: u128 =
        report.nodes.iter().map(|row| u128::from(row.nodes) * u128::from(row.pods_per_node)).sum();
    sheet.label("Total")?;
    (0..5).try_for_each(|_| sheet.skip())?;
    let count = sheet.here();
    sheet.total(&sum("G"), &nodes.to_string(), Look::Count)?;
    sheet.skip()?;
    let all_pods = sheet.here();
    sheet.total(&sum("I"), &pods.to_string(), Look::Count)?;
    (0..4).try_for_each(|_| sheet.skip())?;
    let list_cell = sheet.here();
    sheet.total(&sum("N"), &list.to_string(), Look::Money)?;
    sheet.skip()?;
    let effective_cell = sheet.here();
    sheet.total(&sum("P"), &effective.to_string(), Look::Money)?;
    Ok(Nodes { count, pods: all_pods, list: list_cell, effective: effective_cell })
}

/// A row per workload.
pub(super) fn workloads(book: &mut Book, report: &PlanReport) -> Result<(), XlsxFailure> {
    let mut sheet = book.sheet("Workloads")?;
    sheet.header(&[
        ("Workload", 36),
        ("Namespace", 16),
        ("Kind", 14),
        ("Name", 24),
        ("Pods", 8),
        ("Placed", 8),
        ("On nodes", 8),
        ("Pool", 18),
        ("cpu request, millicores", 12),
        ("memory request, bytes", 16),
        ("cpu limit, millicores", 12),
        ("memory limit, bytes", 16),
        ("Other requests, base units", 24),
        ("Owners", 30),
    ])?;
    for row in &report.workloads {
        sheet.text(&row.workload)?;
        sheet.text(&row.namespace)?;
        sheet.text(&row.kind.to_string())?;
        sheet.text(&row.name)?;
        sheet.count(row.replicas)?;
        sheet.count(row.placed)?;
        sheet.count(row.nodes)?;
        sheet.maybe_text(row.pool.as_deref())?;
        for list in [&row.requests, &row.limits] {
            for resource in ["cpu", "memory"] {
                match list.get(resource) {
                    Some(&amount) => sheet.count(amount)?,
                    None => sheet.skip()?,
                }
            }
        }
        let other = row.requests.iter().filter(|(name, _)| !["cpu", "memory"].contains(&name.as_str()));
        let other: Vec<String> = other.map(|(name, amount)| format!("{name}={amount}")).collect();
        sheet.text(&other.join(", "))?;
        let owners: Vec<String> =
            row.owners.iter().map(|(label, value)| format!("{label}={value}")).collect();
        sheet.text(&owners.join(", "))?;
        sheet.end();
    }
    let last = sheet.line() - 1;
    let replicas: u128 = report.workloads.iter().map(|row| u128::from(row.replicas)).sum();
    let placed: u128 = report.workloads.iter().map(|row| u128::from(row.placed)).sum();
    sheet.label("Total")?;
    (0..3).try_for_each(|_| sheet.skip())?;
    let asked_for = sheet.here();
    sheet.total(&format!("=SUM(E1:E{last})"), &replicas.to_string(), Look::Count)?;
    let lying = sheet.here();
    sheet.total(&format!("=SUM(F1:F{last})"), &placed.to_string(), Look::Count)?;
    book.name("pods_asked_for", &asked_for);
    book.name("pods_placed", &lying);
    Ok(())
}

/// This plan beside the others.
pub(super) fn plans(book: &mut Book, report: &PlanReport) -> Result<(), XlsxFailure> {
    let mut sheet = book.sheet("Other plans")?;
    sheet.header(&[
        ("Plan", 24),
        ("Label", 40),
        ("Nodes", 8),
        ("Types", 8),
        ("Pods", 8),
        ("Pods left out", 8),
        ("On demand, an hour", 12),
        ("On demand, a month", 14),
        ("To this plan", 10),
    ])?;
    for row in &report.plans {
        let line = sheet.line();
        sheet.text(&row.plan)?;
        sheet.text(&row.label)?;
        sheet.count(row.nodes)?;
        sheet.count(row.instance_types)?;
        sheet.count(row.pods)?;
        sheet.count(row.pods_left_out)?;
        sheet.number(&row.list_hour.to_string(), Look::Rate)?;
        sheet.formula(&format!("=G{line}*hours_per_month"), &row.list_month.to_string(), Look::Money)?;
        match row.above_plan {
            Some(above) => {
                sheet.formula(&format!("=IF(G$2=0,0,G{line}/G$2-1)"), &above.to_string(), Look::Percent)?;
            }
            None => sheet.skip()?,
        }
        sheet.end();
    }
    Ok(())
}
