//! The nodes to have, and where their capacity goes.

use std::collections::BTreeMap;

use super::money::{capital, share as on_paper};
use super::part::{Block, Cell, Figure, Section, Table, key, minus};
use super::{map, plain};
use crate::bill::{EffectiveCost, ListCost, Ratio};
use crate::report::chart::Tint;
use crate::report::chart::bars::{Bar, Part, bars};
use crate::report::number::{Currency, grouped, percent};
use crate::report::table::compare::{amount, manifold, share};
use crate::report::table::{resource_name, signed_percent};
use crate::report::view::{NodeGroupRow, PlanReport, UtilizationRow};

/// Node map, types, pools.
pub(super) fn nodes(report: &PlanReport) -> Option<Section> {
    if report.nodes.is_empty() {
        return None;
    }
    let remark = "Fill counts requests and DaemonSets against what is allocatable.";
    let mut section = Section::new("nodes", "The nodes to have", "Nodes", remark);
    section.blocks.push(Block::Table(by_type(report)));
    let names = map::Names::of(report);
    section.blocks.push(Block::Map(Box::new(map::map(report, names.as_ref()))));
    section.blocks.extend(names.map(|names| Block::Folded(names.table())));
    section.blocks.extend(pools(report).map(Block::Folded));
    section.blocks.extend(forms(report).map(Block::Table));
    Some(section)
}

/// Sums over node groups.
#[derive(Default)]
struct Sum {
    nodes: u64,
    pods: u128,
    list: ListCost,
    effective: EffectiveCost,
    /// Taken and allocatable of cpu and memory.
    fill: [(u128, u128); 2],
    /// Nodes by the resource that binds them.
    binding: BTreeMap<String, u64>,
}

impl Sum {
    fn add(&mut self, row: &NodeGroupRow) {
        let nodes = u128::from(row.nodes);
        self.nodes += row.nodes;
        self.pods += u128::from(row.pods_per_node) * nodes;
        self.list = self.list + row.list_month;
        self.effective = self.effective + row.effective_month;
        for (name, sum) in ["cpu", "memory"].into_iter().zip(&mut self.fill) {
            for r in row.resources.iter().filter(|r| r.resource == name) {
                sum.0 += (u128::from(r.demand) + u128::from(r.daemon_sets)) * nodes;
                sum.1 += u128::from(r.allocatable) * nodes;
            }
        }
        if let Some(name) = &row.binding {
            *self.binding.entry(name.clone()).or_default() += row.nodes;
        }
    }

    fn cells(&self, name: &str, currency: Currency<'_>, reserved: bool) -> Vec<Cell> {
        let fill = |(part, whole)| Cell::fill(ratio(part, whole));
        let most = self.binding.iter().max_by_key(|&(name, &nodes)| (nodes, std::cmp::Reverse(name)));
        let density = ratio(self.pods, u128::from(self.nodes)).map(|d| d.fixed(1)).unwrap_or_default();
        let mut cells = vec![
            Cell::text(name),
            Cell::number(grouped(self.nodes)),
            Cell::number(density),
            fill(self.fill[0]),
            fill(self.fill[1]),
            Cell::text(most.map(|(name, _)| resource_name(name, &plain())).unwrap_or_default()),
            Cell::number(currency.short(self.list.money())),
        ];
        if reserved {
            cells.push(Cell::number(currency.short(self.effective.money())));
        }
        cells
    }
}

fn ratio(part: u128, whole: u128) -> Option<Ratio> {
    Ratio::of_wide(i128::try_from(part).ok()?, i128::try_from(whole).ok()?)
}

/// One row for each type or pool, the dearest first.
fn by_type(report: &PlanReport) -> Table {
    let reserved = report.headline.reserved_month.is_some();
    let mut names = vec!["Nodes of", "#Nodes", "#Pods each", "#CPU", "#Memory", "Mostly binds"];
    names.push(map::uncommitted_column(report));
    names.extend(reserved.then_some("#Amortised"));
    let mut table = Table::new("Nodes by type, cost a month", &names);
    let mut types: BTreeMap<&str, Sum> = BTreeMap::new();
    let mut total = Sum::default();
    for row in &report.nodes {
        types.entry(map::name(report, row)).or_default().add(row);
        total.add(row);
    }
    let currency =
        Currency::new(&report.catalog.currency).aligned(types.values().map(|sum| sum.list.money()));
    let mut order: Vec<(&str, Sum)> = types.into_iter().collect();
    order.sort_by_key(|(name, sum)| (std::cmp::Reverse(sum.list), *name));
    for (name, sum) in &order {
        table.row(sum.cells(name, currency, reserved));
    }
    let mut cells = total.cells("Total", currency, reserved);
    cells[5] = Cell::default();
    let nodes = Cell::count(total.nodes, "/headline/nodes");
    cells[1] = nodes;
    cells[6] = Cell::money(currency, total.list.money(), "/headline/packed_month");
    if reserved {
        cells[7] = Cell::money(currency, total.effective.money(), "/headline/reserved_month");
    }
    table.marked("total", cells);
    table
}

/// The pools with their labels and workloads, of a plan that has some.
fn pools(report: &PlanReport) -> Option<Table> {
    report.forms.as_ref()?;
    let currency = Currency::new(&report.catalog.currency)
        .aligned(report.pools.iter().map(|row| row.list_month.money()));
    let mut table = Table::new(
        "Pools of equal nodes, and who lies in them",
        &["Pool", "#Nodes", "#Pods", "#A month", "Zones", "Taints", "Workloads"],
    );
    for (index, row) in report.pools.iter().enumerate() {
        let path = |field: &str| format!("/pools/{index}/{field}");
        let zones: Vec<String> = row.zones.iter().map(|z| format!("{} x{}", z.zone, z.nodes)).collect();
        table.row(vec![
            Cell::text(&row.pool),
            Cell::count(row.nodes, &path("nodes")),
            Cell::count(row.pods, &path("pods")),
            Cell::money(currency, row.list_month.money(), &path("list_month")),
            Cell::text(zones.join(", ")),
            Cell::text(row.taints.join(", ")),
            Cell::text(row.workloads.join(", ")).class("small"),
        ]);
    }
    Some(table)
}

/// What each form of plan costs.
fn forms(report: &PlanReport) -> Option<Table> {
    let forms = report.forms.as_ref()?;
    let currency = Currency::new(&report.catalog.currency);
    let mut table = Table::new(
        "With and without pools",
        &["Form of plan", "#Nodes", "#Types", "#A month", "#Gap to the bound", "#Dearer by"],
    );
    let premium = forms.premium.map(|p| minus(&signed_percent(p))).unwrap_or_default();
    for (name, key, row, dearer) in [
        ("Pooled: every workload whole in one pool", "pooled", &forms.pooled, premium),
        ("Free: any pod on any node", "free", &forms.free, String::new()),
    ] {
        let path = |field: &str| format!("/forms/{key}/{field}");
        table.row(vec![
            Cell::text(name),
            Cell::count(row.nodes, &path("nodes")),
            Cell::count(row.pools, &path("pools")),
            Cell::money(currency, row.list_month.money(), &path("list_month")),
            Cell::gap(row.gap, &path("gap")),
            Cell::number(dearer),
        ]);
    }
    Some(table)
}

/// Before and after, by resource.
pub(super) fn capacity(report: &PlanReport) -> Option<Section> {
    // Resources that nobody asks for say nothing about packing.
    let mut resources: Vec<&str> = Vec::new();
    for row in report.utilization.iter().filter(|row| row.demand > 0) {
        if !resources.contains(&row.resource.as_str()) {
            resources.push(&row.resource);
        }
    }
    if resources.is_empty() {
        return None;
    }
    let remark = "Shares of the capacity that is paid for, before and after.";
    let mut section = Section::new("capacity", "Where capacity goes", "Capacity", remark);
    let rows: Vec<(String, usize, &UtilizationRow)> = resources
        .iter()
        .flat_map(|&name| {
            let of = report.utilization.iter().enumerate().filter(move |(_, row)| row.resource == name);
            of.map(move |(index, row)| {
                let when = if row.plan == "plan" { "after" } else { "before" };
                (format!("{} {when}", capital(&resource_name(name, &plain()))), index, row)
            })
        })
        .collect();
    let drawn: Vec<Bar> = rows.iter().map(|(name, _, row)| bar(name, row)).collect();
    let label = format!("Use of capacity by resource. {}", super::money::spoken(&drawn));
    let has = |part: fn(&UtilizationRow) -> u128| rows.iter().any(|(_, _, row)| part(row) > 0);
    let mut keys = vec![key(Tint::Plan, "requests")];
    let optional: [(Tint, &str, bool); 6] = [
        (Tint::Agents, "DaemonSets", has(|row| row.daemon_sets)),
        (Tint::Headroom, "headroom", has(|row| row.headroom)),
        (Tint::Idle, "idle", has(|row| row.free - row.stranded.min(row.free))),
        (Tint::Bad, "stranded: no pod fits there any more", has(|row| row.stranded)),
        (Tint::System, "system", has(|row| row.hypervisor + row.reserved)),
        (Tint::Other, "beyond the baseline of burstable types", has(|row| row.beyond_baseline)),
    ];
    keys.extend(optional.into_iter().filter(|o| o.2).map(|(tint, text, _)| key(tint, text)));
    section.blocks.push(Block::Figure(Box::new(Figure::new(
        "utilization",
        "Utilization by resource",
        "Each bar is all of the capacity bought; what pods request is at its left and stands beside it.",
        keys,
        ledger(&rows),
        |size| bars(size, &label, &drawn),
    ))));
    Some(section)
}

fn bar(name: &str, row: &UtilizationRow) -> Bar {
    let idle = row.free - row.stranded.min(row.free);
    let parts = [
        (row.demand, Tint::Plan),
        (row.daemon_sets, Tint::Agents),
        (row.headroom, Tint::Headroom),
        (idle, Tint::Idle),
        (row.stranded, Tint::Bad),
        (row.hypervisor + row.reserved, Tint::System),
        (row.beyond_baseline, Tint::Other),
    ];
    let place = |sum: u128| ratio(sum, row.capacity).map_or(0.0, on_paper);
    let mut sum = 0;
    let mut drawn = Vec::new();
    for (part, tint) in parts {
        drawn.push(Part { from: place(sum), to: place(sum + part), tint });
        sum += part;
    }
    let value = format!("{} of {}", share(row, row.demand), amount(&row.resource, row.capacity));
    Bar { label: name.to_owned(), value, strong: name.ends_with("after"), parts: drawn }
}

fn ledger(rows: &[(String, usize, &UtilizationRow)]) -> Table {
    let mut table = Table::new(
        "Use of capacity; limits as a share of allocatable",
        &[
            "Resource",
            "#Capacity",
            "#Requests",
            "#DaemonSets",
            "#Headroom",
            "#Idle",
            "#Stranded",
            "#System",
            "#Burst only",
            "#Fill",
            "#Limits",
        ],
    );
    for (name, index, row) in rows {
        let part = |part| Cell::number(share(row, part));
        let limits = match row.overcommit.filter(|_| row.limits > 0) {
            Some(ratio) => manifold(ratio).unwrap_or_else(|| percent(ratio)),
            None => "none".to_owned(),
        };
        table.row(vec![
            Cell::text(name),
            Cell::number(amount(&row.resource, row.capacity)),
            part(row.demand),
            part(row.daemon_sets),
            part(row.headroom),
            part(row.free - row.stranded.min(row.free)),
            part(row.stranded),
            part(row.hypervisor + row.reserved),
            part(row.beyond_baseline),
            Cell::share(row.fill, &format!("/utilization/{index}/fill")),
            Cell::number(limits),
        ]);
    }
    table
}
