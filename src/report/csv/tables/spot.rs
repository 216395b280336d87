//! The columns of the spot part of a plan.

use super::super::Sheet;
use crate::report::view::PlanReport;

pub(in super::super) fn types(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "instance_type",
        "nodes",
        "pods",
        "currency",
        "spot_rate_per_node_hour",
        "on_demand_rate_per_node_hour",
        "interruption",
    ]);
    for row in report.spot.iter().flat_map(|spot| &spot.types) {
        sheet.text(&row.instance_type).number(row.nodes).number(row.pods).text(&report.catalog.currency);
        sheet.number(row.spot_rate).number(row.on_demand_rate).maybe(row.interruption).end();
    }
}

pub(in super::super) fn workloads(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&["workload", "pods", "allowed_on_spot", "on_spot", "most_on_one_type"]);
    for row in report.spot.iter().flat_map(|spot| &spot.workloads) {
        sheet.text(&row.workload).number(row.pods).number(row.allowed).number(row.on_spot);
        sheet.number(row.most_on_one_type).end();
    }
}
