//! The columns of commitments held, cash and accrual, charges and showback.

use super::super::Sheet;
use super::serde_name;
use crate::report::view::PlanReport;

pub(in crate::report::csv) fn held(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "commitment",
        "status",
        "offer",
        "commitment_type",
        "category",
        "covers",
        "quantity",
        "unit",
        "units_per_hour",
        "start_hour",
        "end_hour",
        "currency",
        "upfront",
        "recurring_hour",
        "prepaid_opening",
        "prepaid_closing",
        "effective_cost",
        "effective_cost_unused",
        "list_cost_covered",
        "net_savings",
        "utilization",
        "break_even_utilization",
    ]);
    for row in report.accounts.iter().flat_map(|accounts| &accounts.held) {
        sheet.text(&row.id).text(&row.status).number(row.offer).text(&row.commitment_type);
        sheet.text(&serde_name(row.category)).text(&row.covers).number(row.quantity).text(&row.unit);
        sheet.number(row.units_per_hour).number(row.start_hour).number(row.end_hour);
        sheet.text(&report.catalog.currency).number(row.upfront).number(row.recurring_hour);
        sheet.number(row.prepaid_opening).number(row.prepaid_closing);
        sheet.number(row.effective).number(row.unused).number(row.list_covered).number(row.net_savings);
        sheet.ratio(row.utilization).ratio(row.break_even_utilization).end();
    }
}

pub(in crate::report::csv) fn cash_flow(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "month",
        "hours",
        "currency",
        "list_cost",
        "billed_upfront",
        "billed_recurring",
        "billed_as_used",
        "billed_cost",
        "effective_cost",
        "effective_cost_unused",
        "prepaid_opening",
        "prepaid_additions",
        "prepaid_amortisation",
        "prepaid_closing",
    ]);
    for row in report.accounts.iter().flat_map(|accounts| &accounts.months) {
        sheet.text(&row.month).number(row.hours).text(&report.catalog.currency).number(row.list);
        sheet.number(row.upfront).number(row.recurring).number(row.as_used).number(row.billed);
        sheet.number(row.effective).number(row.unused).number(row.prepaid_opening);
        sheet.number(row.prepaid_additions).number(row.prepaid_amortisation);
        sheet.number(row.prepaid_closing).end();
    }
}

pub(in crate::report::csv) fn charges(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "month",
        "kind",
        "commitment",
        "instance_type",
        "units",
        "currency",
        "list_cost",
        "billed_cost",
        "effective_cost",
    ]);
    if let Some(accounts) = &report.accounts {
        for row in &accounts.charges {
            let month = usize::try_from(row.month).ok().and_then(|month| accounts.months.get(month));
            sheet.maybe_text(month.map(|m| m.month.as_str())).text(&serde_name(row.kind));
            sheet.maybe_text(row.commitment.as_deref()).maybe_text(row.instance_type.as_deref());
            sheet.ratio(row.units).text(&report.catalog.currency);
            sheet.number(row.list).number(row.billed).number(row.effective).end();
        }
    }
}

pub(in crate::report::csv) fn showback(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "label",
        "line",
        "owner",
        "currency",
        "effective_cost_cpu",
        "effective_cost_memory",
        "effective_cost_accelerator",
        "effective_cost",
        "share",
        "shared_idle_cost",
        "effective_cost_with_idle",
    ]);
    if let Some(showback) = &report.showback {
        for row in &showback.rows {
            sheet.text(&showback.label).text(&serde_name(row.line)).maybe_text(row.owner.as_deref());
            sheet.text(&report.catalog.currency).maybe(row.cpu).maybe(row.memory).maybe(row.accelerator);
            sheet.number(row.direct).ratio(row.share).maybe(row.shared).maybe(row.with_shared).end();
        }
    }
}
