//! The columns of what a plan's pools and forms are.

use super::super::Sheet;
use crate::policy::PlanForm;
use crate::report::view::PlanReport;

pub(in crate::report::csv) fn pools(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "pool",
        "instance_type",
        "node_pool",
        "zones",
        "nodes",
        "pods",
        "workloads",
        "currency",
        "list_rate_per_node_hour",
        "list_cost_month",
    ]);
    for row in &report.pools {
        let zones: Vec<String> = row.zones.iter().map(|z| format!("{}={}", z.zone, z.nodes)).collect();
        sheet.text(&row.pool).text(&row.instance_type).maybe_text(row.node_pool.as_deref());
        sheet.text(&zones.join(" ")).number(row.nodes).number(row.pods).number(row.workloads.len());
        sheet.text(&report.catalog.currency).number(row.list_rate).number(row.list_month).end();
    }
}

pub(in crate::report::csv) fn forms(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "form",
        "chosen",
        "nodes",
        "pools",
        "currency",
        "list_cost_hour",
        "list_cost_month",
        "gap",
        "above_free_month",
        "above_free",
    ]);
    let Some(forms) = &report.forms else { return };
    for form in [PlanForm::Free, PlanForm::Pooled] {
        let row = forms.row(form);
        sheet.text(form.as_str()).number(form == report.form).number(row.nodes).number(row.pools);
        sheet.text(&report.catalog.currency).number(row.list_hour).number(row.list_month).ratio(row.gap);
        let pooled = form == PlanForm::Pooled;
        sheet.maybe(pooled.then_some(forms.premium_month));
        sheet.ratio(forms.premium.filter(|_| pooled)).end();
    }
}
