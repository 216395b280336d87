//! The cluster as it runs beside what it could be.

use std::collections::BTreeMap;

use super::draw::{Draw, Tone};
use super::grid::{Column, Grid};
use super::{count, signed_percent};
use crate::bill::Ratio;
use crate::report::number::{Currency, grouped, percent};
use crate::report::view::{ClusterNodeRow, ClusterReport, PlanReport};

/// Up to so many nodes are shown one by one; more are summed up by type and zone.
const NODES: usize = 16;

/// As it is, what it could be, and the nodes.
pub(super) fn cluster(report: &PlanReport, draw: &Draw) -> String {
    let Some(cluster) = &report.cluster else { return String::new() };
    let mut out =
        draw.section("The cluster that runs", "on demand, the same pods", &plans(report, cluster, draw));
    out.push('\n');
    out.push_str(&draw.section(
        "Its nodes",
        "fill by requests, DaemonSets included",
        &nodes(report, cluster, draw),
    ));
    out
}

fn plans(report: &PlanReport, cluster: &ClusterReport, draw: &Draw) -> String {
    let currency = Currency::new(&report.catalog.currency);
    let aligned = currency.aligned(cluster.plans.iter().map(|row| row.list_month.money()));
    let mut grid = Grid::new(vec![
        Column::left("State"),
        Column::right("Nodes"),
        Column::right("Of today's"),
        Column::right("Pods moved"),
        Column::right("Month"),
        Column::right("Change"),
    ]);
    for row in &cluster.plans {
        grid.row(vec![
            row.label.clone(),
            grouped(row.nodes),
            grouped(row.nodes_kept),
            grouped(row.pods_moved),
            aligned.short(row.list_month.money()),
            if row.plan == "as-is" { String::new() } else { change(row.saving) },
        ]);
    }
    let mut body = grid.render(draw);
    for line in remarks(cluster) {
        body.push_str(&draw.hanging("  ! ", &line));
    }
    body
}

fn change(saving: Option<Ratio>) -> String {
    saving.map(|saving| signed_percent(saving.negated())).unwrap_or_default()
}

/// What the costs leave out.
fn remarks(cluster: &ClusterReport) -> Vec<String> {
    let mut lines = Vec::new();
    if cluster.nodes_set_aside > 0 {
        let (stay, are) = if cluster.nodes_set_aside == 1 { ("stays", "is") } else { ("stay", "are") };
        lines.push(format!(
            "{} with {} {stay} and {are} in no cost: see Price",
            count(cluster.nodes_set_aside, "node"),
            count(cluster.pods_set_aside, "pod"),
        ));
    }
    if cluster.pods_waiting > 0 {
        lines.push(format!(
            "{} on no node yet, and in none of these plans",
            if cluster.pods_waiting == 1 {
                "1 pod is".to_owned()
            } else {
                format!("{} pods are", grouped(cluster.pods_waiting))
            }
        ));
    }
    lines
}

fn nodes(report: &PlanReport, cluster: &ClusterReport, draw: &Draw) -> String {
    let single = draw.plain || cluster.nodes.len() <= NODES;
    let mut grid = Grid::new(vec![
        Column::shrinking(if single { "Node" } else { "Nodes" }),
        Column::left("Type"),
        Column::left("Zone"),
        Column::right("Pods"),
        Column::right("CPU"),
        Column::right("Memory"),
        Column::right("Price"),
    ]);
    if single {
        for row in &cluster.nodes {
            grid.row(cells(report, &[row], draw.clean(&row.node), draw));
        }
    } else {
        let mut alike: BTreeMap<_, Vec<&ClusterNodeRow>> = BTreeMap::new();
        for row in &cluster.nodes {
            let key = (&row.instance_type, &row.zone, &row.capacity_type, &row.set_aside);
            alike.entry(key).or_default().push(row);
        }
        for rows in alike.into_values() {
            grid.row(cells(report, &rows, grouped(rows.len() as u64), draw));
        }
    }
    let mut body = grid.render(draw);
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    for reason in cluster.nodes.iter().filter_map(|row| row.set_aside.as_deref()) {
        *reasons.entry(reason).or_default() += 1;
    }
    for (reason, nodes) in reasons {
        body.push_str(
            &draw.hanging("  ! ", &format!("{} set aside: {}", count(nodes, "node"), draw.clean(reason))),
        );
    }
    body
}

/// One line for nodes that are alike.
fn cells(report: &PlanReport, rows: &[&ClusterNodeRow], name: String, draw: &Draw) -> Vec<String> {
    let first = rows[0];
    let currency = Currency::new(&report.catalog.currency);
    let fill = |wanted: &str| {
        let of = rows.iter().flat_map(|row| &row.resources).filter(|r| r.resource == wanted);
        let (taken, all) = of.fold((0u128, 0u128), |(taken, all), r| {
            (taken + u128::from(r.bound) + u128::from(r.requests), all + u128::from(r.allocatable))
        });
        let fill = Ratio::of_wide(i128::try_from(taken).ok()?, i128::try_from(all).ok()?)?;
        let tone = if fill < Ratio::of(1, 2)? { Tone::Bad } else { Tone::Fair };
        Some(draw.paint(&percent(fill), tone))
    };
    let price = match (&first.set_aside, first.list_rate) {
        (None, Some(_)) => currency.short(rows.iter().filter_map(|r| r.list_month).map(|m| m.money()).sum()),
        _ if first.capacity_type == "spot" => "spot: unknown".to_owned(),
        _ => "unknown".to_owned(),
    };
    let cordoned = if rows.len() == 1 && first.unschedulable { " (cordoned)" } else { "" };
    vec![
        format!("{name}{cordoned}"),
        draw.clean(first.instance_type.as_deref().unwrap_or("?")),
        draw.clean(first.zone.as_deref().unwrap_or("")),
        grouped(rows.iter().map(|row| row.pods + row.bound_pods).sum::<u64>()),
        fill("cpu").unwrap_or_default(),
        fill("memory").unwrap_or_default(),
        price,
    ]
}
