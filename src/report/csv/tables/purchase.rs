//! What to commit to.

use super::super::Sheet;
use super::serde_name;
use crate::report::view::PlanReport;

pub(in crate::report::csv) fn steps(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "step",
        "label",
        "hours",
        "currency",
        "list_cost",
        "effective_cost",
        "change",
        "change_share",
        "chosen",
    ]);
    let Some(purchases) = &report.purchases else { return };
    for row in &purchases.steps {
        sheet.text(&row.step).text(&row.label).number(purchases.hours).text(&report.catalog.currency);
        sheet.number(row.list).number(row.cost).number(row.change).ratio(row.change_share);
        sheet.number(row.chosen).end();
    }
}

pub(in crate::report::csv) fn proposals(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "commitments",
        "commitment_type",
        "category",
        "term",
        "payment",
        "covers",
        "quoted_type",
        "quantity",
        "unit",
        "currency",
        "effective_rate",
        "upfront",
        "recurring_rate",
        "effective_cost",
        "unused_cost",
        "list_covered",
        "net_savings",
        "utilization",
        "coverage",
        "break_even_utilization",
        "break_even_months",
        "worst_case_loss",
        "estimate",
        "status",
        "start_hours",
        "begins",
    ]);
    let start = report.scenario.start.as_deref();
    for row in report.purchases.iter().flat_map(|p| &p.rows) {
        sheet.text(&row.commitments.join(" ")).text(&row.commitment_type);
        sheet.number(serde_name(row.category)).number(serde_name(row.term)).number(serde_name(row.payment));
        sheet.text(&row.covers).maybe_text(row.quoted_type.as_deref()).number(&row.quantity).text(&row.unit);
        sheet.text(&report.catalog.currency).number(row.rate).number(row.upfront).number(row.recurring);
        sheet.number(row.effective).number(row.unused).number(row.list_covered).number(row.net_savings);
        sheet.ratio(row.utilization).ratio(row.coverage).ratio(row.break_even_utilization);
        sheet.ratio(row.break_even_months).number(row.worst_case_loss).number(row.estimate);
        let starts: Vec<String> = row.starts.iter().map(i64::to_string).collect();
        sheet.text(&row.status).text(&starts.join(" ")).text(&row.begins(start)).end();
    }
}

pub(in crate::report::csv) fn scenarios(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "scenario",
        "weight",
        "hours",
        "currency",
        "list_cost",
        "cost_without",
        "cost_with",
        "unused_cost",
    ]);
    let Some(purchases) = &report.purchases else { return };
    for row in &purchases.scenarios {
        sheet.text(&row.name).number(row.weight).number(purchases.hours).text(&report.catalog.currency);
        sheet.number(row.list).number(row.without).number(row.cost).number(row.unused).end();
    }
}

pub(in crate::report::csv) fn sensitivity(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&["demand_change", "currency", "cost_without", "cost_with", "saving", "unused_cost"]);
    for row in report.purchases.iter().flat_map(|p| &p.sensitivity) {
        sheet.number(row.change).text(&report.catalog.currency).number(row.without).number(row.cost);
        sheet.number(row.saving).number(row.unused).end();
    }
}

pub(in crate::report::csv) fn owned(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "commitment",
        "commitment_type",
        "end_hour",
        "utilization",
        "currency",
        "effective_cost",
        "waste",
    ]);
    for row in report.purchases.iter().flat_map(|p| &p.owned) {
        sheet.text(&row.commitment).text(&row.commitment_type).number(row.end_hour);
        sheet.ratio(row.utilization).text(&report.catalog.currency).number(row.effective);
        sheet.number(row.waste).end();
    }
}
