//! The node list: groups one by one, or summed up by instance type where they are many, and a total row.

use std::collections::{BTreeMap, BTreeSet};

use super::draw::{Draw, Tone};
use super::grid::{Column, Grid};
use super::resource_name;
use crate::bill::{EffectiveCost, ListCost, Ratio};
use crate::policy::PlanForm;
use crate::report::number::{Currency, grouped};
use crate::report::view::{NodeGroupRow, PlanReport};
use crate::units::Rate;

/// Up to so many groups are shown one by one; more are summed up by instance type.
const GROUPS: usize = 12;
/// The most instance types that have a row of their own.
const TYPES: usize = 16;

/// Sums over node groups.
#[derive(Default)]
struct Sum {
    nodes: u64,
    pods: u128,
    /// Fewest and most pods on a node.
    range: Option<(u64, u64)>,
    /// Nodes by binding resource.
    binding: BTreeMap<String, u64>,
    list: ListCost,
    effective: EffectiveCost,
    /// What a node costs an hour, each rate that there is.
    rates: BTreeSet<Rate>,
    /// Taken and allocatable, by resource.
    fill: BTreeMap<String, (u128, u128)>,
}

impl Sum {
    fn add(&mut self, row: &NodeGroupRow) {
        let nodes = u128::from(row.nodes);
        self.nodes += row.nodes;
        self.pods += u128::from(row.pods_per_node) * nodes;
        let (fewest, most) = self.range.unwrap_or((row.pods_per_node, row.pods_per_node));
        self.range = Some((fewest.min(row.pods_per_node), most.max(row.pods_per_node)));
        if let Some(name) = &row.binding {
            *self.binding.entry(name.clone()).or_default() += row.nodes;
        }
        self.list = self.list + row.list_month;
        self.effective = self.effective + row.effective_month;
        self.rates.insert(row.list_rate);
        for resource in &row.resources {
            let sum = self.fill.entry(resource.resource.clone()).or_default();
            sum.0 += (u128::from(resource.demand) + u128::from(resource.daemon_sets)) * nodes;
            sum.1 += u128::from(resource.allocatable) * nodes;
        }
    }

    fn fill(&self, resource: &str) -> Option<Ratio> {
        let &(taken, allocatable) = self.fill.get(resource)?;
        Ratio::of_wide(i128::try_from(taken).ok()?, i128::try_from(allocatable).ok()?)
    }

    /// `37-39`, or one number where all nodes hold as many.
    fn pod_range(&self) -> String {
        match self.range {
            Some((fewest, most)) if fewest < most => format!("{}-{}", grouped(fewest), grouped(most)),
            Some((_, most)) => grouped(most),
            None => String::new(),
        }
    }

    /// What each node costs an hour, where that is one amount.
    fn rate(&self, currency: Currency<'_>) -> String {
        match self.rates.first().filter(|_| self.rates.len() == 1) {
            Some(rate) => currency.rate(rate.for_one_hour()),
            None => String::new(),
        }
    }

    /// What binds most of the nodes.
    fn binding(&self, draw: &Draw) -> String {
        let most = self.binding.iter().max_by_key(|&(name, &nodes)| (nodes, std::cmp::Reverse(name)));
        most.map(|(name, _)| resource_name(name, draw)).unwrap_or_default()
    }

    fn pods_per_node(&self) -> String {
        let density = i128::try_from(self.pods).ok().and_then(|p| Ratio::of_wide(p, i128::from(self.nodes)));
        density.map(|d| d.fixed(1)).unwrap_or_default()
    }
}

/// Which columns there are, and how wide.
#[derive(Clone, Copy)]
struct Layout {
    bar: usize,
    reserved: bool,
    rate: bool,
    pods: bool,
}

/// Bars take at least and at most so many columns.
const BAR: (usize, usize) = (4, 10);
/// What the column of pods is worth having from.
const PODS: usize = 30;

impl Layout {
    /// As much as the terminal has room for, the most telling first.
    fn fit(report: &PlanReport, draw: &Draw, every: bool) -> Layout {
        let reserved = report.headline.reserved_month.is_some();
        let mut layout = Layout { bar: BAR.0, reserved, rate: draw.plain, pods: draw.plain };
        if draw.plain {
            return layout;
        }
        let room = |layout| draw.spare(grid(report, draw, layout, every).width());
        let too_wide = |layout| grid(report, draw, layout, every).width() > draw.width;
        // Names of types are never cut for the sake of bars or of what other tables say too.
        if too_wide(layout) {
            layout.bar = 0;
            layout.reserved = reserved && !too_wide(layout);
            return layout;
        }
        layout.bar += (room(layout) / 2).min(BAR.1 - BAR.0);
        layout.rate = true;
        if too_wide(layout) {
            layout.rate = false;
        }
        layout.pods = every && room(layout) >= PODS;
        layout
    }

    fn columns(self, form: PlanForm) -> Vec<Column> {
        let mut columns = vec![
            Column::shrinking(if form == PlanForm::Pooled { "Pool" } else { "Type" }),
            Column::right("Nodes"),
            Column::right("Pods"),
            Column::left("CPU"),
            Column::left("Memory"),
            Column::left("Binding"),
        ];
        if self.rate {
            columns.push(Column::right("Hour each"));
        }
        columns.push(Column::right("Month"));
        if self.reserved {
            columns.push(Column::right("Reserved"));
        }
        if self.pods {
            columns.insert(0, Column::left("Group"));
            columns.push(Column::shrinking("Each node holds"));
        }
        columns
    }
}

/// The section; `all` shows every group.
pub(super) fn nodes(report: &PlanReport, draw: &Draw, all: bool) -> String {
    if report.nodes.is_empty() {
        return String::new();
    }
    let every = all || draw.plain || report.nodes.len() <= GROUPS;
    let layout = Layout::fit(report, draw, every);
    let remark = if every {
        "fill: requests and DaemonSets of allocatable".to_owned()
    } else {
        let groups = grouped(report.nodes.len() as u64);
        let by = if report.form == PlanForm::Pooled { "pool" } else { "type" };
        format!("by {by}; {groups} groups hold different pods, see --all-nodes")
    };
    draw.section("Nodes", &remark, &grid(report, draw, layout, every).render(draw))
}

fn grid(report: &PlanReport, draw: &Draw, layout: Layout, every: bool) -> Grid {
    let currency = Currency::new(&report.catalog.currency).aligned([report.headline.packed_month.money()]);
    let mut grid = Grid::new(layout.columns(report.form));
    if every {
        for row in &report.nodes {
            let zone = row.zone.as_deref().map(|zone| format!(", {zone}")).unwrap_or_default();
            let name = format!("{}{zone}", name(report, row));
            grid.row(group(row, &name, layout, draw, currency));
        }
    } else {
        by_type(report, layout, draw, currency, &mut grid);
    }
    let mut total = Sum::default();
    report.nodes.iter().for_each(|row| total.add(row));
    // Of one node, which a total does not speak of.
    total.rates.clear();
    grid.total(summed("Total", &total, &total.pods_per_node(), layout, draw, currency, ""));
    grid
}

/// What a node is called by: its pool in a pooled plan, else its instance type.
fn name<'a>(report: &PlanReport, row: &'a NodeGroupRow) -> &'a str {
    // Spot nodes are told apart by their pool.
    if report.form == PlanForm::Pooled || row.spot { &row.planned_pool } else { &row.instance_type }
}

/// One row per instance type or pool, the dearest first; what is beyond [`TYPES`] in one row.
fn by_type(report: &PlanReport, layout: Layout, draw: &Draw, currency: Currency<'_>, grid: &mut Grid) {
    let mut types: BTreeMap<&str, Sum> = BTreeMap::new();
    for row in &report.nodes {
        types.entry(name(report, row)).or_default().add(row);
    }
    let mut order: Vec<(&str, ListCost)> = types.iter().map(|(&name, sum)| (name, sum.list)).collect();
    order.sort_by_key(|&(name, list)| (std::cmp::Reverse(list), name));
    let shown = if order.len() > TYPES { TYPES - 1 } else { order.len() };
    for (name, _) in &order[..shown] {
        let sum = &types[name];
        let binding = sum.binding(draw);
        grid.row(summed(&draw.clean(name), sum, &sum.pod_range(), layout, draw, currency, &binding));
    }
    let beyond: Vec<&str> = order[shown..].iter().map(|&(name, _)| name).collect();
    if !beyond.is_empty() {
        let mut rest = Sum::default();
        report.nodes.iter().filter(|row| beyond.contains(&name(report, row))).for_each(|row| rest.add(row));
        let more = format!("{} more", beyond.len());
        grid.row(summed(&more, &rest, &rest.pod_range(), layout, draw, currency, &rest.binding(draw)));
    }
}

/// One node group.
fn group(row: &NodeGroupRow, name: &str, layout: Layout, draw: &Draw, currency: Currency<'_>) -> Vec<String> {
    let fill = |name: &str| row.resources.iter().find(|r| r.resource == name).and_then(|r| r.fill);
    let mut cells = Vec::new();
    if layout.pods {
        cells.push(row.group.to_string());
    }
    cells.extend([
        draw.clean(name),
        grouped(row.nodes),
        grouped(row.pods_per_node),
        draw.fill(fill("cpu"), layout.bar),
        draw.fill(fill("memory"), layout.bar),
        binding(row, draw),
    ]);
    if layout.rate {
        cells.push(currency.rate(row.list_rate.for_one_hour()));
    }
    cells.push(currency.short(row.list_month.money()));
    if layout.reserved {
        cells.push(currency.short(row.effective_month.money()));
    }
    if layout.pods {
        cells.push(draw.clean(&holds(row)));
    }
    cells
}

fn summed(
    name: &str,
    sum: &Sum,
    pods: &str,
    layout: Layout,
    draw: &Draw,
    currency: Currency<'_>,
    binding: &str,
) -> Vec<String> {
    let mut cells = Vec::new();
    if layout.pods {
        cells.push(String::new());
    }
    cells.extend([
        name.to_owned(),
        grouped(sum.nodes),
        pods.to_owned(),
        draw.fill(sum.fill("cpu"), layout.bar),
        draw.fill(sum.fill("memory"), layout.bar),
        binding.to_owned(),
    ]);
    if layout.rate {
        cells.push(sum.rate(currency));
    }
    cells.push(currency.short(sum.list.money()));
    if layout.reserved {
        cells.push(currency.short(sum.effective.money()));
    }
    if layout.pods {
        cells.push(String::new());
    }
    cells
}

/// The binding resource; faint where a pod would still fit.
fn binding(row: &NodeGroupRow, draw: &Draw) -> String {
    let Some(name) = &row.binding else {
        return String::new();
    };
    let text = resource_name(name, draw);
    if row.room_left { draw.paint(&text, Tone::Faint) } else { text }
}

/// `web x3, api x2`, the most frequent first.
fn holds(row: &NodeGroupRow) -> String {
    let mut pods: Vec<_> = row.pods.iter().collect();
    pods.sort_by_key(|p| std::cmp::Reverse(p.pods));
    let name = |workload: &str| workload.rsplit('/').next().unwrap_or(workload).to_owned();
    pods.iter().map(|p| format!("{} x{}", name(&p.workload), p.pods)).collect::<Vec<_>>().join(", ")
}
