//! The node list: the dearest groups one by one, the rest folded by type, one total row.

use std::collections::BTreeMap;

use super::draw::{Draw, Tone};
use super::grid::{Column, Grid};
use crate::bill::{EffectiveCost, ListCost, Ratio};
use crate::report::number::{Currency, grouped};
use crate::report::view::{NodeGroupRow, PlanReport};

/// Groups shown one by one when there are more than [`FOLD_ABOVE`].
const SHOWN: usize = 12;
/// Up to so many groups, all are shown.
const FOLD_ABOVE: usize = 16;

/// Sums over node groups.
#[derive(Default)]
struct Sum {
    groups: u64,
    nodes: u64,
    pods: u128,
    list: ListCost,
    effective: EffectiveCost,
    /// Taken and allocatable, by resource.
    fill: BTreeMap<String, (u128, u128)>,
}

impl Sum {
    fn add(&mut self, row: &NodeGroupRow) {
        let nodes = u128::from(row.nodes);
        self.groups += 1;
        self.nodes += row.nodes;
        self.pods += u128::from(row.pods_per_node) * nodes;
        self.list = self.list + row.list_month;
        self.effective = self.effective + row.effective_month;
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
const PODS: usize = 20;

impl Layout {
    /// As much as the terminal has room for, the most telling first.
    fn fit(report: &PlanReport, draw: &Draw, shown: usize) -> Layout {
        let reserved = report.headline.reserved_month.is_some();
        let mut layout = Layout { bar: BAR.0, reserved, rate: draw.plain, pods: draw.plain };
        if draw.plain {
            return layout;
        }
        let room = |layout| draw.spare(grid(report, draw, layout, shown).width());
        layout.bar += (room(layout) / 2).min(BAR.1 - BAR.0);
        layout.rate = true;
        if grid(report, draw, layout, shown).width() > draw.width {
            layout.rate = false;
        }
        layout.pods = room(layout) >= PODS;
        layout
    }

    fn columns(self) -> Vec<Column> {
        let mut columns = vec![
            Column::shrinking("Type"),
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
    let every = all || draw.plain || report.nodes.len() <= FOLD_ABOVE;
    let shown = if every { report.nodes.len() } else { SHOWN };
    let layout = Layout::fit(report, draw, shown);
    let remark = if every {
        "fill: requests and DaemonSets of allocatable".to_owned()
    } else {
        format!("the {shown} dearest of {} groups, the rest by type", grouped(report.nodes.len() as u64))
    };
    draw.section("Nodes", &remark, &grid(report, draw, layout, shown).render(draw))
}

fn grid(report: &PlanReport, draw: &Draw, layout: Layout, shown: usize) -> Grid {
    let currency = Currency::new(&report.catalog.currency).aligned([report.headline.packed_month.money()]);
    let mut grid = Grid::new(layout.columns());
    let mut total = Sum::default();
    let mut folded: BTreeMap<&str, Sum> = BTreeMap::new();
    for (index, row) in report.nodes.iter().enumerate() {
        total.add(row);
        if index >= shown {
            folded.entry(&row.instance_type).or_default().add(row);
            continue;
        }
        let fill = |name: &str| row.resources.iter().find(|r| r.resource == name).and_then(|r| r.fill);
        let mut cells = Vec::new();
        if layout.pods {
            cells.push(row.group.to_string());
        }
        cells.extend([
            draw.clean(&row.instance_type),
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
        grid.row(cells);
    }
    let mut folded: Vec<_> = folded.into_iter().collect();
    folded.sort_by_key(|(name, sum)| (std::cmp::Reverse(sum.list), *name));
    for (name, sum) in &folded {
        let remark = super::count(sum.groups, "group");
        grid.row(summed(&format!("+ {}", draw.clean(name)), sum, layout, draw, currency, &remark));
    }
    grid.total(summed("Total", &total, layout, draw, currency, ""));
    grid
}

fn summed(
    name: &str,
    sum: &Sum,
    layout: Layout,
    draw: &Draw,
    currency: Currency<'_>,
    remark: &str,
) -> Vec<String> {
    let mut cells = Vec::new();
    if layout.pods {
        cells.push(String::new());
    }
    cells.extend([
        name.to_owned(),
        grouped(sum.nodes),
        sum.pods_per_node(),
        draw.fill(sum.fill("cpu"), layout.bar),
        draw.fill(sum.fill("memory"), layout.bar),
        remark.to_owned(),
    ]);
    if layout.rate {
        cells.push(String::new());
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
    let short = name.rsplit('/').next().unwrap_or(name);
    let text = draw.cut(&draw.clean(if draw.plain { name } else { short }), 9);
    if row.room_left { draw.paint(&text, Tone::Faint) } else { text }
}

/// `web x3, api x2`, the most frequent first.
fn holds(row: &NodeGroupRow) -> String {
    let mut pods: Vec<_> = row.pods.iter().collect();
    pods.sort_by_key(|p| std::cmp::Reverse(p.pods));
    let name = |workload: &str| workload.rsplit('/').next().unwrap_or(workload).to_owned();
    pods.iter().map(|p| format!("{} x{}", name(&p.workload), p.pods)).collect::<Vec<_>>().join(", ")
}
