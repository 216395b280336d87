//! The node map: every node a cell, filled as far as the resource that binds it is.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::part::{Cell, Map, MapRow, Table, Tile, clean, key};
use super::plain;
use crate::policy::PlanForm;
use crate::report::chart::Tint;
use crate::report::number::{Currency, grouped, percent};
use crate::report::table::{count, resource_name};
use crate::report::view::{NodeGroupRow, PlanReport, uncommitted};
use crate::units::Money;

/// Pixels of a cell, and from one cell to the next.
const CELL: (u64, u64) = (14, 20);
const STEP: (u64, u64) = (16, 22);
/// The most cells beside each other: what a phone has room for.
const BESIDE: u64 = 18;
/// Up to so many nodes are drawn twice as large.
const FEW: u64 = 40;
/// Up to so many workloads are named when hovering; all of them are in the table.
const NAMED: usize = 6;
/// From so many bytes of workloads' names on, the table has their numbers in a list that has each name once.
const NUMBERED: usize = 1_000_000;

/// The workloads by number, where naming each on every node would make the page too long.
pub(super) struct Names<'a>(BTreeMap<&'a str, usize>);

impl<'a> Names<'a> {
    /// Numbers from 1 on, by name; `None` where names have room.
    pub fn of(report: &'a PlanReport) -> Option<Self> {
        let all = || report.nodes.iter().flat_map(|row| &row.pods);
        if all().map(|pods| pods.workload.len()).sum::<usize>() < NUMBERED {
            return None;
        }
        let mut names: BTreeMap<&str, usize> = all().map(|pods| (pods.workload.as_str(), 0)).collect();
        names.values_mut().zip(1..).for_each(|(number, next)| *number = next);
        Some(Names(names))
    }

    /// The list.
    pub fn table(&self) -> Table {
        let mut table =
            Table::new("Workloads by their numbers in the table of nodes", &["Number", "Workload"]);
        for (name, number) in &self.0 {
            table.row(vec![Cell::text(format!("w{number}")), Cell::text(name)]);
        }
        table
    }
}

/// The map with its table.
pub(super) fn map(report: &PlanReport, names: Option<&Names<'_>>) -> Map {
    let mut types: BTreeMap<&str, Vec<&NodeGroupRow>> = BTreeMap::new();
    for row in &report.nodes {
        types.entry(name(report, row)).or_default().push(row);
    }
    let mut types: Vec<_> = types.into_iter().collect();
    let cost = |rows: &[&NodeGroupRow]| rows.iter().map(|row| row.list_month.money()).sum::<Money>();
    types.sort_by_key(|(name, rows)| (std::cmp::Reverse(cost(rows)), *name));
    let currency = Currency::new(&report.catalog.currency);
    let mut tints: Vec<Tint> = Vec::new();
    let rows = types.into_iter().map(|(name, rows)| MapRow {
        name: clean(name),
        note: format!(
            "{}, {} a month {}",
            count(rows.iter().map(|row| row.nodes).sum(), "node"),
            currency.short(cost(&rows)),
            if rows.iter().any(|row| row.spot) { "on spot" } else { "on demand" },
        ),
        tiles: rows
            .into_iter()
            .map(|row| {
                let tint = tint(row);
                if !tints.contains(&tint) {
                    tints.push(tint);
                }
                tile(row, tint)
            })
            .collect(),
    });
    let rows: Vec<MapRow> = rows.collect();
    let widest = rows.iter().flat_map(|row| &row.tiles).map(|tile| tile.columns).max().unwrap_or(1);
    let few = report.headline.nodes <= FEW && widest <= BESIDE / 2;
    let words = [
        (Tint::Plan, "cpu binds"),
        (Tint::Reserved, "memory binds"),
        (Tint::Headroom, "the number of pods binds"),
        (Tint::Other, "another resource binds"),
        (Tint::Idle, "no pods"),
    ];
    Map {
        title: "Every node".to_owned(),
        caption:
            "A cell is a node, filled as far as the resource that binds it: DaemonSets and pods of what \
                  is allocatable. Nodes that hold the same pods stand together. Hovering shows the pods; all \
                  of them are in the table."
                .to_owned(),
        keys: words.into_iter().filter(|(t, _)| tints.contains(t)).map(|(t, text)| key(t, text)).collect(),
        rows,
        scale: if few { 2 } else { 1 },
        table: table(report, names),
    }
}

/// What a node is called by: its pool in a pooled plan, else its instance type.
pub(super) fn name<'a>(report: &PlanReport, row: &'a NodeGroupRow) -> &'a str {
    // Spot nodes are told apart by their pool.
    if (report.form == PlanForm::Pooled || row.spot) && !row.planned_pool.is_empty() {
        &row.planned_pool
    } else {
        &row.instance_type
    }
}

fn tint(row: &NodeGroupRow) -> Tint {
    match row.binding.as_deref() {
        Some("cpu") => Tint::Plan,
        Some("memory") => Tint::Reserved,
        Some("pods") => Tint::Headroom,
        Some(_) => Tint::Other,
        None => Tint::Idle,
    }
}

fn tile(row: &NodeGroupRow, tint: Tint) -> Tile {
    let columns = row.nodes.clamp(1, BESIDE);
    let rows = row.nodes.div_ceil(columns);
    let bound = row.binding.as_ref().and_then(|name| row.resources.iter().find(|r| r.resource == *name));
    // Thousandths, for a place on paper.
    let fill = bound.and_then(|r| r.fill).map_or(0, |fill| fill.nanos().clamp(0, 1_000_000_000) / 1_000_000);
    let height = u64::try_from(fill).unwrap_or(0) * CELL.1 / 1_000;
    let (mut cells, mut filled) = (String::new(), String::new());
    for node in 0..row.nodes {
        let (x, y) = (node % columns * STEP.0, node / columns * STEP.1);
        let _ = write!(cells, "M{x} {y}h{}v{}h-{}z", CELL.0, CELL.1, CELL.0);
        let _ = write!(filled, "M{x} {}h{}v{height}h-{}z", y + CELL.1 - height, CELL.0, CELL.0);
    }
    Tile { columns, rows, cells, filled, tint: tint.name(), title: title(row) }
}

/// What hovering shows.
fn title(row: &NodeGroupRow) -> String {
    let zone = row.zone.as_deref().map(|zone| format!(", {}", clean(zone))).unwrap_or_default();
    let mut out = format!("{}{zone}", clean(&row.instance_type));
    if row.nodes > 1 {
        let _ = write!(out, ", {} alike", grouped(row.nodes));
    }
    let fills = row.resources.iter().filter(|r| r.demand > 0);
    for (resource, fill) in fills.filter_map(|r| r.fill.map(|fill| (&r.resource, fill))) {
        let _ = write!(out, "\n{} {}", clean(&resource_name(resource, &plain())), percent(fill));
    }
    for pods in row.pods.iter().take(NAMED) {
        let _ = write!(out, "\n{} x{}", clean(&pods.workload), pods.pods);
    }
    if row.pods.len() > NAMED {
        let _ = write!(out, "\nand {} more workloads", row.pods.len() - NAMED);
    }
    out
}

/// What the column is called that has nodes without commitments.
pub(super) fn uncommitted_column(report: &PlanReport) -> &'static str {
    match uncommitted(&report.nodes) {
        "on demand" => "#On demand",
        _ => "#On demand, spot",
    }
}

/// Every group of nodes with what it holds.
fn table(report: &PlanReport, numbers: Option<&Names<'_>>) -> Table {
    let currency = Currency::new(&report.catalog.currency)
        .aligned(report.nodes.iter().map(|row| row.list_month.money()));
    let zones = report.nodes.iter().any(|row| row.zone.is_some());
    let reserved = report.headline.reserved_month.is_some();
    let mut names = vec!["Nodes of"];
    names.extend(zones.then_some("Zone"));
    names.extend(["#Nodes", "#Pods each", "#CPU", "#Memory", "Binds"]);
    names.push(uncommitted_column(report));
    names.extend(reserved.then_some("#Amortised"));
    names.push(if numbers.is_some() {
        "Pods on each (workloads by number: list below)"
    } else {
        "Pods on each"
    });
    let mut table = Table::new("Every node, equal ones together", &names);
    for (index, row) in report.nodes.iter().enumerate() {
        let fill =
            |name: &str| Cell::fill(row.resources.iter().find(|r| r.resource == name).and_then(|r| r.fill));
        let mut cells = vec![Cell::text(name(report, row))];
        if zones {
            cells.push(Cell::text(row.zone.as_deref().unwrap_or_default()));
        }
        cells.extend([
            Cell::count(row.nodes, &format!("/nodes/{index}/nodes")),
            Cell::count(row.pods_per_node, &format!("/nodes/{index}/pods_per_node")),
            fill("cpu"),
            fill("memory"),
            Cell::text(row.binding.as_deref().map(|name| resource_name(name, &plain())).unwrap_or_default()),
            Cell::money(currency, row.list_month.money(), &format!("/nodes/{index}/list_month")),
        ]);
        if reserved {
            let path = format!("/nodes/{index}/effective_month");
            cells.push(Cell::money(currency, row.effective_month.money(), &path));
        }
        let pods = row.pods.iter().map(|p| match numbers.and_then(|n| n.0.get(p.workload.as_str())) {
            Some(number) => format!("w{number} x{}", p.pods),
            None => format!("{} x{}", p.workload, p.pods),
        });
        let pods: Vec<String> = pods.collect();
        cells.push(Cell::text(pods.join(", ")).class("small"));
        table.row(cells);
    }
    table
}
