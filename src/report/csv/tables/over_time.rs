//! Demand over time.

use super::super::Sheet;
use crate::report::view::PlanReport;

pub(in crate::report::csv) fn levels(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "level",
        "scenario",
        "weight",
        "hours",
        "pods",
        "pool",
        "instance_type",
        "zone",
        "nodes",
        "fleet_nodes",
        "currency",
        "list_cost_hour_of_level",
    ]);
    let Some(over) = &report.over_time else { return };
    for row in &over.levels {
        for (scenario, &hours) in over.scenarios.iter().zip(&row.hours) {
            for kind in &row.types {
                sheet.number(row.level).text(&scenario.name).number(scenario.weight).number(hours);
                sheet.number(row.pods).text(&kind.pool).text(&kind.instance_type);
                sheet.maybe_text(kind.zone.as_deref()).number(kind.nodes).number(kind.fleet);
                sheet.text(&report.catalog.currency).number(row.list_hour).end();
            }
        }
    }
}

pub(in crate::report::csv) fn load(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "scenario",
        "family",
        "cpu_millicores",
        "nodes",
        "currency",
        "list_cost_hour",
        "hours_at_least",
        "share_of_hours",
    ]);
    for row in report.over_time.iter().flat_map(|over| &over.load) {
        sheet.text(&row.scenario).text(&row.family).number(row.cpu).number(row.nodes);
        sheet.text(&report.catalog.currency).number(row.list_hour);
        sheet.number(row.hours).number(row.share).end();
    }
}
