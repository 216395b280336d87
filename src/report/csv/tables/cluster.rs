//! Tables of a running cluster; without one they have their header only.

use super::{Sheet, unit};
use crate::report::view::PlanReport;

pub(in crate::report::csv) fn nodes(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "node",
        "instance_type",
        "zone",
        "capacity_type",
        "currency",
        "list_rate_per_hour",
        "list_cost_month",
        "spot_rate_per_hour",
        "spot_cost_month",
        "set_aside",
        "unschedulable",
        "pods",
        "held_pods",
        "bound_pods",
        "resource",
        "unit",
        "allocatable",
        "bound",
        "requests",
        "fill",
    ]);
    for row in report.cluster.iter().flat_map(|cluster| &cluster.nodes) {
        for resource in &row.resources {
            sheet.text(&row.node).maybe_text(row.instance_type.as_deref()).maybe_text(row.zone.as_deref());
            sheet.text(&row.capacity_type).text(&report.catalog.currency);
            sheet.maybe(row.list_rate).maybe(row.list_month).maybe(row.spot_rate).maybe(row.spot_month);
            sheet.maybe_text(row.set_aside.as_deref());
            sheet.number(row.unschedulable).number(row.pods).number(row.held_pods).number(row.bound_pods);
            sheet.text(&resource.resource).text(unit(&resource.resource)).number(resource.allocatable);
            sheet.number(resource.bound).number(resource.requests).ratio(resource.fill).end();
        }
    }
}

pub(in crate::report::csv) fn plans(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "plan",
        "label",
        "nodes",
        "nodes_kept",
        "pods_moved",
        "currency",
        "list_cost_hour",
        "list_cost_month",
        "saving_month",
        "saving",
        "spot_cost_month",
    ]);
    // Spot nodes stay in every state.
    let spot = report.cluster.as_ref().and_then(|cluster| cluster.spot.as_ref());
    let spot = spot.filter(|spot| spot.nodes > spot.nodes_without_rate).map(|spot| spot.spot_month);
    for row in report.cluster.iter().flat_map(|cluster| &cluster.plans) {
        sheet.text(&row.plan).text(&row.label).number(row.nodes).number(row.nodes_kept);
        sheet.number(row.pods_moved).text(&report.catalog.currency).number(row.list_hour);
        sheet.number(row.list_month).number(row.saving_month).ratio(row.saving).maybe(spot).end();
    }
}

pub(in crate::report::csv) fn migration(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "step",
        "action",
        "wave",
        "node",
        "instance_type",
        "zone",
        "workload",
        "pods",
        "to",
        "currency",
        "step_saving_month",
    ]);
    let Some(cluster) = &report.cluster else { return };
    for row in &cluster.migration.actions {
        let step = cluster.migration.steps.iter().find(|step| step.step == row.step);
        sheet.number(row.step).text(&row.action).maybe(row.wave).text(&row.node).text(&row.instance_type);
        sheet.maybe_text(row.zone.as_deref()).maybe_text(row.workload.as_deref()).maybe(row.pods);
        sheet.maybe_text(row.to.as_deref()).text(&report.catalog.currency);
        sheet.maybe(step.map(|step| step.saving_month)).end();
    }
}
