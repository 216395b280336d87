//! The cluster as it runs beside what it could be.

use std::collections::{BTreeMap, BTreeSet};

use super::draw::{Draw, Tone};
use super::grid::{Column, Grid};
use super::{count, signed_percent};
use crate::bill::Ratio;
use crate::report::number::{Currency, grouped, percent};
use crate::report::view::{ClusterNodeRow, ClusterReport, PlanReport, StepRow};
use crate::units::Money;

/// Up to so many nodes are shown one by one; more are summed up by type and zone.
const NODES: usize = 16;

/// As it is, what it could be, and the nodes.
pub(super) fn cluster(report: &PlanReport, draw: &Draw) -> String {
    let Some(cluster) = &report.cluster else { return String::new() };
    let pods = if cluster.pods_waiting > 0 { "on demand" } else { "on demand, the same pods" };
    let mut out = draw.section("The cluster that runs", pods, &plans(report, cluster, draw));
    out.push('\n');
    out.push_str(&draw.section(
        "Its nodes",
        "fill by requests, DaemonSets included",
        &nodes(report, cluster, draw),
    ));
    let steps = steps(report, cluster, draw);
    if !steps.is_empty() {
        out.push('\n');
        let remark = "each step may be the last; every state on the way holds all pods";
        out.push_str(&draw.section("From here to there", remark, &steps));
    }
    out
}

/// The steps that are shown one by one; all are in JSON and CSV.
const STEPS: usize = 12;

fn steps(report: &PlanReport, cluster: &ClusterReport, draw: &Draw) -> String {
    let migration = &cluster.migration;
    let currency = Currency::new(&report.catalog.currency);
    let shown = if draw.plain { migration.steps.len() } else { STEPS };
    let mut grid = Grid::new(vec![
        Column::right("Step"),
        Column::right("Add"),
        Column::right("Remove"),
        Column::right("Pods"),
        Column::right("Waves"),
        Column::right("Saves"),
        Column::right("Month then"),
    ]);
    for row in migration.steps.iter().take(shown) {
        grid.row(vec![
            grouped(row.step),
            grouped(row.add.len() as u64),
            grouped(row.remove.len() as u64),
            grouped(row.pods_moved),
            grouped(row.waves),
            currency.short(row.saving_month.money()),
            currency.short(row.list_month.money()),
        ]);
    }
    let mut body = if migration.steps.is_empty() { String::new() } else { grid.render(draw) };
    for row in migration.steps.iter().take(shown) {
        let add = if row.add.is_empty() {
            String::new()
        } else {
            format!("add {}; ", draw.clean(&added(cluster, &row.add)))
        };
        let place = match row.pods_placed {
            0 => String::new(),
            1 => "place 1 pod that waits; ".to_owned(),
            n => format!("place {} pods that wait; ", grouped(n)),
        };
        let remove = if row.remove.is_empty() {
            String::new()
        } else {
            format!("drain and remove {}", draw.clean(&few(&row.remove)))
        };
        let text = format!("{add}{place}{remove}");
        let text = text.trim_end_matches("; ").to_owned();
        body.push_str(&draw.hanging(&format!("  {:>4}  ", row.step), &text));
    }
    let mut lines = Vec::new();
    let saves = |row: &StepRow| row.saving_month.money() > Money::ZERO;
    if !migration.steps.iter().any(saves) {
        let least = match migration.min_saving_month {
            Money::ZERO => "anything".to_owned(),
            least => currency.cents(least),
        };
        lines.push(format!("No step was found that saves {least} a month or more."));
    }
    if migration.steps.len() > shown {
        let more = migration.steps.len() - shown;
        lines.push(format!("{more} more steps; every pod's move is in -f csv --table migration."));
    } else if !migration.steps.is_empty() {
        lines.push("Every pod's move is in -f csv --table migration.".to_owned());
    }
    let removed: BTreeSet<&String> = migration.steps.iter().flat_map(|step| &step.remove).collect();
    let moves = migration.actions.iter().filter(|row| row.action == "move" && !removed.contains(&row.node));
    let leave: u64 = moves.filter_map(|row| row.pods).sum();
    if leave > 0 {
        let verb = if leave == 1 { "moves" } else { "move" };
        lines.push(format!("{} {verb} from nodes that stay; these are counted too.", count(leave, "pod")));
    }
    if migration.nodes_held > 0 {
        let (stay, them) = if migration.nodes_held == 1 { ("stays", "it") } else { ("stay", "them") };
        lines.push(format!(
            "{} {stay}: some pod on {them} may not be moved (no controller, an annotation, or its budget).",
            count(migration.nodes_held, "node"),
        ));
    }
    let mut fixed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for row in &migration.fixed {
        fixed.entry(&row.reason).or_default().push(draw.clean(&row.workload));
    }
    for (reason, names) in fixed {
        lines.push(format!("Not moved for {reason}: {}.", few(&names)));
    }
    if migration.steps_refused > 0 {
        let were = if migration.steps_refused == 1 { "was" } else { "were" };
        lines.push(format!(
            "{} {were} left out, for some rule between pods would not hold on the way.",
            count(migration.steps_refused, "step"),
        ));
    }
    lines.iter().for_each(|line| body.push_str(&draw.hanging("  ", line)));
    body
}

/// Names, as long as they are not too many.
pub(in crate::report) fn few(names: &[String]) -> String {
    const NAMES: usize = 8;
    let more = names.len().saturating_sub(NAMES);
    let shown = names[..names.len() - more].join(", ");
    if more > 0 { format!("{shown} and {} more", grouped(more as u64)) } else { shown }
}

/// `2 m5.large, m5.xlarge`.
pub(in crate::report) fn added(cluster: &ClusterReport, names: &[String]) -> String {
    let mut types: BTreeMap<&str, u64> = BTreeMap::new();
    for row in cluster.migration.actions.iter().filter(|a| a.action == "add" && names.contains(&a.node)) {
        *types.entry(&row.instance_type).or_default() += 1;
    }
    let words =
        types.into_iter().map(|(name, n)| if n == 1 { name.to_owned() } else { format!("{n} {name}") });
    words.collect::<Vec<_>>().join(", ")
}

fn plans(report: &PlanReport, cluster: &ClusterReport, draw: &Draw) -> String {
    let currency = Currency::new(&report.catalog.currency);
    let aligned = currency.aligned(cluster.plans.iter().map(|row| row.list_month.money()));
    let wait = cluster.plans.iter().any(|row| row.pods_waiting > 0);
    // One column more has to fit beside the others.
    let (kept, moved) = if wait { ("Kept", "Moved") } else { ("Of today's", "Pods moved") };
    let mut columns =
        vec![Column::shrinking("State"), Column::right("Nodes"), Column::right(kept), Column::right(moved)];
    if wait {
        columns.push(Column::right("Waiting"));
    }
    columns.extend([Column::right("Month"), Column::right("Change")]);
    let mut grid = Grid::new(columns);
    for row in &cluster.plans {
        let mut cells =
            vec![row.label.clone(), grouped(row.nodes), grouped(row.nodes_kept), grouped(row.pods_moved)];
        if wait {
            cells.push(grouped(row.pods_waiting));
        }
        cells.push(aligned.short(row.list_month.money()));
        cells.push(if row.plan == "as-is" { String::new() } else { change(row.saving) });
        grid.row(cells);
    }
    let mut body = grid.render(draw);
    for line in remarks(report, cluster) {
        body.push_str(&draw.hanging("  ! ", &line));
    }
    body
}

pub(in crate::report) fn change(saving: Option<Ratio>) -> String {
    saving.map(|saving| signed_percent(saving.negated())).unwrap_or_default()
}

/// What the costs leave out.
pub(in crate::report) fn remarks(report: &PlanReport, cluster: &ClusterReport) -> Vec<String> {
    let mut lines = Vec::new();
    let spot = cluster.spot.as_ref();
    let (spot_nodes, spot_pods) = spot.map_or((0, 0), |spot| (spot.nodes, spot.pods));
    let without = cluster.nodes_set_aside - spot_nodes;
    if without > 0 {
        lines.push(format!(
            "{} with {} {} and {} in no cost: see below",
            count(without, "node"),
            count(cluster.pods_set_aside - spot_pods, "pod"),
            if without == 1 { "stays" } else { "stay" },
            if without == 1 { "is" } else { "are" },
        ));
    }
    if let Some(spot) = spot {
        let currency = Currency::new(&report.catalog.currency);
        let mut words = format!(
            "{} with {} {} in every state, beside these costs on demand: ",
            count(spot.nodes, "spot node"),
            count(spot.pods, "pod"),
            if spot.nodes == 1 { "stays" } else { "stay" },
        );
        if spot.nodes > spot.nodes_without_rate {
            words += &format!(
                "{} a month by the catalog's average spot rate, which is not what was paid; as it is {} in all",
                currency.cents(spot.spot_month.money()),
                currency.cents(spot.as_is_month.money()),
            );
        }
        words += &match spot.nodes_without_rate {
            0 => String::new(),
            n if n == spot.nodes => "the catalog has no spot rate for that".to_owned(),
            n => format!(", without {} of which the catalog has no spot rate", count(n, "spot node")),
        };
        lines.push(words);
    }
    if cluster.pods_waiting > 0 {
        lines.push(format!(
            "{} for a node as it is; what it could be has nodes for {}",
            if cluster.pods_waiting == 1 {
                "1 pod waits".to_owned()
            } else {
                format!("{} pods wait", grouped(cluster.pods_waiting))
            },
            if cluster.pods_waiting == 1 { "it" } else { "them" },
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
        Column::right("Month"),
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
        _ if first.spot_month.is_some() => {
            let months = rows.iter().filter_map(|row| row.spot_month).map(|month| month.money());
            format!("spot: {}", currency.short(months.sum()))
        }
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
