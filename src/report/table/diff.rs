//! Two plans set against each other, for a terminal: `~` changed, `+` new, `-` gone.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::short_offer;
use super::draw::{Draw, Tone};
use super::grid::{Column, Grid};
use super::purchase::offer;
use super::{count, signed_percent};
use crate::bill::Ratio;
use crate::report::RenderOptions;
use crate::report::diff::{DiffSide, DiffWorkload, PlanDiff, WorkloadChange, WorkloadState};
use crate::report::number::{Currency, grouped};
use crate::units::{Money, ResourceName};

/// Up to so many types, workloads and commitments are listed; all are in JSON.
const ROWS: usize = 40;

/// Renders all sections.
pub(in crate::report) fn diff(diff: &PlanDiff, options: &RenderOptions) -> String {
    let draw = Draw::new(options);
    let sections = [
        sums(diff, &draw),
        types(diff, &draw),
        workloads(diff, &draw),
        commitments(diff, &draw),
        proposals(diff, &draw),
        notes(diff, &draw),
    ];
    sections.into_iter().filter(|section| !section.is_empty()).collect::<Vec<_>>().join("\n")
}

/// `+$12.00`, `-$3.00`, `$0.00`.
fn signed(currency: Currency<'_>, money: Money) -> String {
    format!("{}{}", if money > Money::ZERO { "+" } else { "" }, currency.cents(money))
}

/// More money is bad news, less is good.
fn tone(change: Money) -> Option<Tone> {
    match change.nanos() {
        0 => None,
        1.. => Some(Tone::Bad),
        _ => Some(Tone::Good),
    }
}

fn painted(draw: &Draw, text: &str, change: Money) -> String {
    tone(change).map_or_else(|| text.to_owned(), |tone| draw.paint(text, tone))
}

fn mark(before: bool, after: bool) -> &'static str {
    match (before, after) {
        (false, _) => "+",
        (_, false) => "-",
        _ => "~",
    }
}

/// `+3`, `-1`, nothing where nothing changed.
fn step(before: u64, after: u64) -> String {
    match after.cmp(&before) {
        std::cmp::Ordering::Greater => format!("+{}", grouped(after - before)),
        std::cmp::Ordering::Less => format!("-{}", grouped(before - after)),
        std::cmp::Ordering::Equal => String::new(),
    }
}

fn sums(diff: &PlanDiff, draw: &Draw) -> String {
    let currency = Currency::new(&diff.after.currency);
    let mut grid = Grid::new(vec![
        Column::left(""),
        Column::right("Before"),
        Column::right("After"),
        Column::right("Change"),
        Column::right(""),
    ]);
    for row in &diff.money {
        grid.row(vec![
            row.label.clone(),
            currency.cents(row.before),
            currency.cents(row.after),
            painted(draw, &signed(currency, row.change), row.change),
            row.ratio.filter(|_| row.change != Money::ZERO).map(signed_percent).unwrap_or_default(),
        ]);
    }
    for row in &diff.counts {
        let label = match row.measure.as_str() {
            "pods_left_out" => "pods that fit nowhere".to_owned(),
            other => other.replace('_', " "),
        };
        let change = step(row.before, row.after);
        grid.row(vec![label, grouped(row.before), grouped(row.after), change, String::new()]);
    }
    let sides = |side: &DiffSide| {
        let hash: String = side.input_hash.chars().take(12).collect();
        format!("{} ({hash})", draw.clean(&side.name))
    };
    let arrow = if draw.ascii { "->" } else { "→" };
    let title = draw.paint("What changed", Tone::Title);
    let between = format!("{} {arrow} {}", sides(&diff.before), sides(&diff.after));
    format!("{title}\n{}{}", draw.hanging("  ", &between), grid.render(draw))
}

fn types(diff: &PlanDiff, draw: &Draw) -> String {
    let currency = Currency::new(&diff.after.currency);
    let mut grid = Grid::new(vec![
        Column::left(""),
        Column::shrinking("Type"),
        Column::right("Before"),
        Column::right("After"),
        Column::right("Nodes"),
        Column::right("On demand"),
        Column::right("As paid for"),
    ]);
    for row in diff.types.iter().take(limit(draw)) {
        grid.row(vec![
            mark(row.nodes_before > 0, row.nodes_after > 0).to_owned(),
            draw.clean(&row.instance_type),
            grouped(row.nodes_before),
            grouped(row.nodes_after),
            step(row.nodes_before, row.nodes_after),
            painted(draw, &signed(currency, row.list_month_change), row.list_month_change),
            painted(draw, &signed(currency, row.effective_month_change), row.effective_month_change),
        ]);
    }
    body(draw, "Node types", "change a month", grid, diff.types.len())
}

fn limit(draw: &Draw) -> usize {
    if draw.plain { usize::MAX } else { ROWS }
}

/// The section of a grid; nothing where there is no row.
fn body(draw: &Draw, title: &str, remark: &str, grid: Grid, rows: usize) -> String {
    if rows == 0 {
        return String::new();
    }
    let mut body = grid.render(draw);
    if rows > limit(draw) {
        body += &format!("  {} more; all of them are in -f json\n", rows - limit(draw));
    }
    draw.section(title, remark, &body)
}

/// A line for each workload, for what changed may be long.
fn workloads(diff: &PlanDiff, draw: &Draw) -> String {
    let arrow = if draw.ascii { "->" } else { "→" };
    let mut body = String::new();
    for row in diff.workloads.iter().take(limit(draw)) {
        let pods = |state: &Option<WorkloadState>| state.as_ref().map_or(0, |state| state.replicas);
        let (before, after) = (pods(&row.before), pods(&row.after));
        let pods = if before == after {
            count(after, "pod")
        } else {
            format!("{}{arrow}{}", grouped(before), count(after, "pod"))
        };
        let mark = mark(row.before.is_some(), row.after.is_some());
        let name = draw.paint(&draw.clean(&row.workload), Tone::Strong);
        let what = in_words(row, arrow);
        let colon = if what.is_empty() { "" } else { ": " };
        body += &draw.hanging(&format!("  {mark} "), &format!("{name} {pods}{colon}{}", draw.clean(&what)));
    }
    if diff.workloads.len() > limit(draw) {
        body += &format!("  {} more; all of them are in -f json\n", diff.workloads.len() - limit(draw));
    }
    let remark = match diff.workloads_unchanged {
        0 => String::new(),
        n => format!("{} more are as they were", grouped(n)),
    };
    draw.section("Workloads", &remark, &body)
}

/// What of a workload changed: `requests cpu 500m→1, memory 1 GiB→2 GiB; moved: 3 m5.large→4 m5.xlarge`.
pub(in crate::report) fn in_words(row: &DiffWorkload, arrow: &str) -> String {
    let (Some(a), Some(b)) = (&row.before, &row.after) else {
        let word = if row.before.is_none() { "new" } else { "gone" };
        let state = row.after.as_ref().or(row.before.as_ref());
        let on = state.map(on_types).unwrap_or_default();
        return if on.is_empty() { word.to_owned() } else { format!("{word}, {on}") };
    };
    let lists = |what: &str, a: &BTreeMap<String, u64>, b: &BTreeMap<String, u64>| {
        let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
        let amount = |list: &BTreeMap<String, u64>, name: &String| {
            let resource = ResourceName::from(name.as_str());
            list.get(name).map_or_else(|| "none".to_owned(), |&amount| resource.display(amount))
        };
        let parts: Vec<String> = names
            .into_iter()
            .filter(|&name| a.get(name) != b.get(name))
            .map(|name| format!("{name} {}{arrow}{}", amount(a, name), amount(b, name)))
            .collect();
        format!("{what} {}", parts.join(", "))
    };
    let parts = row.changes.iter().filter_map(|change| match change {
        // Told by the number of pods.
        WorkloadChange::Added | WorkloadChange::Removed | WorkloadChange::Replicas => None,
        WorkloadChange::Requests => Some(lists("requests", &a.requests, &b.requests)),
        WorkloadChange::Limits => Some(lists("limits", &a.limits, &b.limits)),
        WorkloadChange::LeftOut => {
            Some(format!("fit nowhere {}{arrow}{}", a.replicas - a.placed, b.replicas - b.placed))
        }
        WorkloadChange::Owners => Some("other owners".to_owned()),
        WorkloadChange::Moved => Some(moved(a, b, arrow)),
    });
    parts.collect::<Vec<_>>().join("; ")
}

/// `on m5.large 6→3, m5.xlarge 0→2`.
fn moved(a: &WorkloadState, b: &WorkloadState, arrow: &str) -> String {
    let names: BTreeSet<&String> = a.pods.keys().chain(b.pods.keys()).collect();
    let pods = |state: &WorkloadState, name: &String| state.pods.get(name).copied().unwrap_or(0);
    let parts: Vec<String> = names
        .into_iter()
        .map(|name| (name, pods(a, name), pods(b, name)))
        .filter(|(_, before, after)| before != after)
        .map(|(name, before, after)| format!("{name} {before}{arrow}{after}"))
        .collect();
    format!("on {}", parts.join(", "))
}

/// `3 on m5.large, 1 on c6i.xlarge`.
fn on_types(state: &WorkloadState) -> String {
    let parts: Vec<String> = state.pods.iter().map(|(name, pods)| format!("{pods} on {name}")).collect();
    if parts.is_empty() { "fits nowhere".to_owned() } else { parts.join(", ") }
}

fn commitments(diff: &PlanDiff, draw: &Draw) -> String {
    let currency = Currency::new(&diff.after.currency);
    let mut grid = Grid::new(vec![
        Column::left(""),
        Column::shrinking("Commitment"),
        Column::left("For"),
        Column::right("Before"),
        Column::right("After"),
        Column::right("Upfront"),
        Column::right("Month"),
    ]);
    for row in diff.commitments.iter().take(limit(draw)) {
        grid.row(vec![
            mark(row.quantity_before > 0, row.quantity_after > 0).to_owned(),
            row.offer.map_or_else(|| draw.clean(&row.label), short_offer),
            draw.clean(&row.covers),
            grouped(row.quantity_before),
            grouped(row.quantity_after),
            painted(draw, &signed(currency, row.upfront_change), row.upfront_change),
            painted(draw, &signed(currency, row.recurring_month_change), row.recurring_month_change),
        ]);
    }
    body(draw, "Commitments", "of the selected ways to pay; cash", grid, diff.commitments.len())
}

/// What commitment plans over time propose.
fn proposals(diff: &PlanDiff, draw: &Draw) -> String {
    let currency = Currency::new(&diff.after.currency);
    let mut grid = Grid::new(vec![
        Column::left(""),
        Column::shrinking("Proposed"),
        Column::left("For"),
        Column::right("Before"),
        Column::right("After"),
        Column::right("Upfront"),
        Column::right("Month"),
    ]);
    for row in diff.proposals.iter().take(limit(draw)) {
        grid.row(vec![
            mark(row.quantity_before > Ratio::ZERO, row.quantity_after > Ratio::ZERO).to_owned(),
            offer(&row.commitment_type, row.term, row.payment, draw),
            draw.clean(row.quoted_type.as_deref().unwrap_or(&row.covers)),
            row.quantity_before.to_string(),
            row.quantity_after.to_string(),
            painted(draw, &signed(currency, row.upfront_change), row.upfront_change),
            painted(draw, &signed(currency, row.effective_month_change), row.effective_month_change),
        ]);
    }
    body(draw, "Commitment plan", "proposed; amortised, a month", grid, diff.proposals.len())
}

fn notes(diff: &PlanDiff, draw: &Draw) -> String {
    let body: String = diff.notes.iter().map(|note| draw.hanging("  - ", &draw.clean(note))).collect();
    draw.section("What else differs", "part of the change may come from here", &body)
}
