//! The columns of a sweep's points.

use super::super::Sheet;
use crate::report::sweep::SweepReport;

pub(in super::super) fn points(report: &SweepReport, sheet: &mut Sheet) {
    let mut columns = vec!["point"];
    columns.extend(report.axes.iter().map(|axis| axis.name.as_str()));
    columns.extend([
        "catalog",
        "currency",
        "cost_month",
        "committed_cost_month",
        "own_cost_hour",
        "lower_bound_hour",
        "gap",
        "nodes",
        "instance_types",
        "pods",
        "pods_left_out",
        "change_first_month",
        "change_first",
        "change_step_month",
        "frontier",
        "plan_of_point",
        "obligation",
        "upfront",
        "worst_case_loss",
        "types",
        "failure",
    ]);
    sheet.header(&columns);
    for point in &report.points {
        sheet.number(point.point);
        for value in &point.values {
            sheet.text(value);
        }
        let (found, taken) = (point.found.as_ref(), point.taken.as_ref());
        sheet.text(&point.catalog).text(&report.currency);
        sheet.maybe(taken.map(|t| t.cost_month)).maybe(taken.and_then(|t| t.committed_month));
        sheet.maybe(found.map(|f| f.cost_hour)).maybe(found.map(|f| f.lower_bound_hour));
        sheet.ratio(taken.and_then(|t| t.gap)).maybe(taken.map(|t| t.nodes));
        sheet.maybe(taken.map(|t| t.instance_types)).maybe(found.map(|f| f.pods));
        sheet.maybe(found.map(|f| f.pods_left_out));
        sheet.maybe(taken.and_then(|t| t.change_first_month)).ratio(taken.and_then(|t| t.change_first));
        sheet.maybe(taken.and_then(|t| t.change_step_month)).maybe(taken.map(|t| t.frontier));
        sheet.maybe(taken.and_then(|t| t.plan_of));
        let purchases = found.and_then(|f| f.purchases.as_ref());
        sheet.maybe(purchases.map(|p| p.obligation)).maybe(purchases.map(|p| p.upfront));
        sheet.maybe(purchases.map(|p| p.worst_case_loss));
        sheet.text(&found.map(|f| f.types.join(" ")).unwrap_or_default());
        sheet.maybe_text(point.failure.as_deref()).end();
    }
}
