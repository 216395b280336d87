//! What happens when a node or a zone is lost, and what it costs that pods find another place.

use super::draw::{Draw, Tone};
use super::grid::{Column, Grid};
use super::{count, signed_percent};
use crate::policy::FailureScope;
use crate::report::number::{Currency, grouped};
use crate::report::view::{FailureRow, PlanReport, PodsRow, SurvivalRow};

/// The most losses in the table; those that hurt come first.
const MOST_ROWS: usize = 12;

/// Each distinct loss with what becomes of its pods.
pub(super) fn survival(report: &PlanReport, draw: &Draw) -> String {
    let Some(survival) = &report.survival else { return String::new() };
    let node = survival.scope == FailureScope::Node;
    let mut grid = Grid::new(vec![
        Column::left(if node { "Lost node" } else { "Lost zone" }),
        Column::right(if node { "Alike" } else { "Nodes" }),
        Column::right("Pods"),
        Column::right("Moved"),
        Column::right("Wait"),
        Column::right("Pending"),
    ]);
    let mut rows: Vec<&FailureRow> = survival.failures.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse((pods(&row.pending), row.pods)));
    for row in rows.iter().take(MOST_ROWS) {
        let pending = pods(&row.pending);
        let tone = if pending == 0 { Tone::Good } else { Tone::Bad };
        grid.row(vec![
            draw.clean(&name(row)),
            grouped(if node { row.alike } else { row.nodes }),
            grouped(row.pods),
            grouped(row.moved.iter().map(|m| m.pods).sum::<u64>()),
            grouped(pods(&row.waiting)),
            draw.paint(&grouped(pending), tone),
        ]);
    }
    let mut body = grid.render(draw);
    let mut say = |text: &str| body.push_str(&draw.hanging("  ", &draw.clean(text)));
    if rows.len() > MOST_ROWS {
        say(&format!(
            "{} more of these rows are in -f json and in --table failures.",
            grouped((rows.len() - MOST_ROWS) as u64)
        ));
    }
    for spare in &survival.spare {
        let zone = spare.zone.as_deref().map(|zone| format!(" in {zone}")).unwrap_or_default();
        let currency = Currency::new(&report.catalog.currency);
        say(&format!(
            "Spare: {} of {}{zone}, {} a month",
            count(spare.nodes, "node"),
            spare.pool,
            currency.short(spare.list_month.money())
        ));
    }
    let mut stuck: Vec<(&str, u64)> = Vec::new();
    for row in rows.iter().flat_map(|row| &row.pending) {
        match stuck.iter_mut().find(|(workload, _)| *workload == row.workload) {
            Some((_, most)) => *most = row.pods.max(*most),
            None => stuck.push((&row.workload, row.pods)),
        }
    }
    for (workload, most) in stuck.iter().take(MOST_ROWS) {
        say(&format!(
            "No nodes help {workload}: up to {} find no place that its rules allow.",
            count(*most, "pod")
        ));
    }
    let priority = survival.priority.map(|p| format!(" of priority {p} and above")).unwrap_or_default();
    draw.section(
        if node { "What if a node is lost?" } else { "What if a zone is lost?" },
        &format!("pods{priority} on the nodes that remain, by the scheduler's filters"),
        &body,
    )
}

/// The answer for the headline.
pub(in crate::report) fn line(report: &PlanReport, survival: &SurvivalRow, draw: &Draw) -> String {
    let currency = Currency::new(&report.catalog.currency);
    let premium = survival.premium.map(|p| format!(" ({})", signed_percent(p))).unwrap_or_default();
    let what = match survival.scope {
        FailureScope::Node => "any one node",
        FailureScope::Zone => "any one zone",
    };
    let cost =
        format!("{} a month{premium} against the plan without", currency.short(survival.premium_month));
    let failing = survival.failures.iter().filter(|row| !row.pending.is_empty()).count() as u64;
    match failing {
        0 => format!("{what}, for {cost}"),
        n => draw.paint(&format!("not {what}: {} leave pods pending; {cost}", count_losses(n)), Tone::Bad),
    }
}

fn count_losses(n: u64) -> String {
    if n == 1 { "1 loss would".to_owned() } else { format!("{} losses would", grouped(n)) }
}

pub(in crate::report) fn name(row: &FailureRow) -> String {
    match (&row.pool, &row.zone) {
        (Some(pool), Some(zone)) => format!("{pool}, {zone}"),
        (Some(pool), None) => pool.clone(),
        (None, zone) => zone.clone().unwrap_or_default(),
    }
}

pub(in crate::report) fn pods(rows: &[PodsRow]) -> u64 {
    rows.iter().map(|row| row.pods).sum()
}
