//! The columns of measured use and of plans for other requests.

use super::super::Sheet;
use crate::report::view::PlanReport;

pub(in super::super) fn workloads(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "workload",
        "replicas",
        "resource",
        "unit",
        "request",
        "mean",
        "p95",
        "max",
        "currency",
        "workload_cost_month",
        "workload_slack_month",
    ]);
    for row in report.usage.iter().flat_map(|usage| &usage.workloads) {
        for (resource, unit, used) in [("cpu", "millicores", &row.cpu), ("memory", "bytes", &row.memory)] {
            let Some(used) = used else { continue };
            sheet.text(&row.workload).number(row.replicas).text(resource).text(unit);
            sheet.number(used.request).number(used.mean).number(used.p95).number(used.max);
            sheet.text(&report.catalog.currency).number(row.cost_month).number(row.slack_month).end();
        }
    }
}

pub(in super::super) fn plans(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "plan",
        "label",
        "nodes",
        "currency",
        "cost_month",
        "change_month",
        "change",
        "gap",
        "workloads_memory_max_above_request",
        "risk_wanted",
        "risk_model",
        "risk_worst_normal",
        "risk_worst_simulated",
        "nodes_over_memory",
        "trials",
        "seed",
    ]);
    for row in report.usage.iter().flat_map(|usage| &usage.plans) {
        let risk = &row.risk;
        sheet.text(&row.plan).text(&row.label).number(row.nodes).text(&report.catalog.currency);
        sheet.number(row.cost_month).number(row.change_month).ratio(row.change).ratio(row.gap);
        sheet.number(row.memory_max_above_request).ratio(risk.wanted).text(&risk.model);
        sheet.number(risk.worst_normal).number(risk.worst_simulated).number(risk.nodes_over);
        sheet.number(risk.trials).number(risk.seed).end();
    }
}
