//! The columns of each CSV table.

use super::Sheet;
use crate::report::view::PlanReport;

pub(super) mod accounts;
pub(super) mod cluster;
pub(super) mod over_time;
pub(super) mod pools;
pub(super) mod purchase;
pub(super) mod replay;
pub(super) mod spot;
pub(super) mod sweep;
pub(super) mod usage;

/// A serde name (such as `no-upfront`) as a cell.
fn serde_name(value: impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        other => unreachable!("unit variants serialise as strings, not {other:?}"),
    }
}

pub(super) fn nodes(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "group",
        "instance_type",
        "pool",
        "family",
        "architecture",
        "region",
        "zone",
        "nodes",
        "pods_per_node",
        "binding_resource",
        "commitment",
        "currency",
        "list_rate_per_node_hour",
        "surplus_rate_per_node_hour",
        "list_cost_month",
        "effective_cost_month",
        "capacity_type",
        "node_costs_rate_per_node_hour",
    ]);
    for row in &report.nodes {
        sheet.number(row.group).text(&row.instance_type).text(&row.planned_pool).text(&row.family);
        sheet.number(row.architecture).text(&report.catalog.region).maybe_text(row.zone.as_deref());
        sheet.number(row.nodes).number(row.pods_per_node).maybe_text(row.binding.as_deref());
        sheet.maybe_text(row.commitment.as_deref()).text(&report.catalog.currency);
        sheet.number(row.list_rate).number(row.surplus_rate);
        sheet.number(row.list_month).number(row.effective_month);
        sheet.text(if row.spot { "spot" } else { "on-demand" }).number(row.node_costs_rate).end();
    }
}

pub(super) fn node_resources(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "group",
        "instance_type",
        "nodes",
        "resource",
        "unit",
        "capacity_per_node",
        "allocatable_per_node",
        "daemon_sets_per_node",
        "headroom_per_node",
        "demand_per_node",
        "requests_per_node",
        "limits_per_node",
        "free_per_node",
        "fill",
        "binding",
    ]);
    for row in &report.nodes {
        for resource in &row.resources {
            sheet.number(row.group).text(&row.instance_type).number(row.nodes);
            sheet.text(&resource.resource).text(unit(&resource.resource));
            sheet.number(resource.capacity).number(resource.allocatable).number(resource.daemon_sets);
            sheet.number(resource.headroom).number(resource.demand).number(resource.requests);
            sheet.number(resource.limits).number(resource.free).ratio(resource.fill);
            sheet.number(row.binding.as_deref() == Some(&resource.resource)).end();
        }
    }
}

pub(super) fn placements(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&["group", "instance_type", "nodes", "workload", "pods_per_node", "pods"]);
    for row in &report.nodes {
        for on_node in &row.pods {
            sheet.number(row.group).text(&row.instance_type).number(row.nodes);
            sheet.text(&on_node.workload).number(on_node.pods);
            sheet.number(u128::from(on_node.pods) * u128::from(row.nodes)).end();
        }
    }
}

pub(super) fn workloads(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "workload",
        "namespace",
        "kind",
        "name",
        "replicas",
        "placed",
        "nodes",
        "pool",
        "resource",
        "unit",
        "request_per_pod",
        "limit_per_pod",
    ]);
    for row in &report.workloads {
        let mut resources: Vec<&String> = row.requests.keys().chain(row.limits.keys()).collect();
        resources.sort_unstable();
        resources.dedup();
        // A workload that asks for nothing still has its row.
        let resources: Vec<Option<&String>> =
            if resources.is_empty() { vec![None] } else { resources.into_iter().map(Some).collect() };
        for resource in resources {
            sheet.text(&row.workload).text(&row.namespace).number(row.kind).text(&row.name);
            sheet.number(row.replicas).number(row.placed).number(row.nodes).maybe_text(row.pool.as_deref());
            sheet.maybe_text(resource.map(String::as_str)).text(resource.map_or("", |r| unit(r)));
            sheet.maybe(resource.and_then(|r| row.requests.get(r)));
            sheet.maybe(resource.and_then(|r| row.limits.get(r))).end();
        }
    }
}

pub(super) fn owners(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&["workload", "label", "value"]);
    for row in &report.workloads {
        for (label, value) in &row.owners {
            sheet.text(&row.workload).text(label).text(value).end();
        }
    }
}

pub(super) fn savings(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "step",
        "label",
        "nodes",
        "currency",
        "list_cost_month",
        "effective_cost_hour",
        "effective_cost_month",
        "effective_cost_year",
        "change_month",
        "change",
        "share_of_first",
    ]);
    for row in &report.savings {
        sheet.text(&row.step).text(&row.label).number(row.nodes).text(&report.catalog.currency);
        sheet.number(row.list_month).number(row.effective_hour).number(row.effective_month);
        sheet.number(row.effective_year).maybe(row.change_month).ratio(row.change);
        sheet.ratio(row.share_of_first).end();
    }
}

pub(super) fn plans(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "plan",
        "label",
        "reference",
        "nodes",
        "instance_types",
        "pods",
        "pods_left_out",
        "pods_per_node",
        "currency",
        "list_cost_hour",
        "list_cost_month",
        "effective_cost_month",
        "above_plan",
        "above_bound",
    ]);
    for row in &report.plans {
        sheet.text(&row.plan).text(&row.label).number(row.reference);
        sheet.number(row.nodes).number(row.instance_types).number(row.pods).number(row.pods_left_out);
        sheet.ratio(row.pods_per_node).text(&report.catalog.currency);
        sheet.number(row.list_hour).number(row.list_month).number(row.effective_month);
        sheet.ratio(row.above_plan).ratio(row.above_bound).end();
    }
}

pub(super) fn utilization(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&["plan", "resource", "unit", "measure", "amount"]);
    for row in &report.utilization {
        let amounts = [
            ("capacity", row.capacity),
            ("hypervisor", row.hypervisor),
            ("beyond_baseline", row.beyond_baseline),
            ("reserved", row.reserved),
            ("allocatable", row.allocatable),
            ("daemon_sets", row.daemon_sets),
            ("headroom", row.headroom),
            ("demand", row.demand),
            ("requests", row.requests),
            ("limits", row.limits),
            ("free", row.free),
            ("stranded", row.stranded),
        ];
        for (measure, amount) in amounts {
            sheet.text(&row.plan).text(&row.resource).text(unit(&row.resource));
            sheet.text(measure).number(amount).end();
        }
    }
}

pub(super) fn purchase_options(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "option",
        "label",
        "kind",
        "term",
        "payment",
        "selected",
        "nodes_covered",
        "nodes_on_demand",
        "coverage",
        "derived",
        "currency",
        "list_cost_month",
        "contracted_cost_month",
        "billed_upfront",
        "billed_recurring_month",
        "billed_first_year",
        "effective_cost_hour",
        "effective_cost_month",
        "effective_cost_year",
        "effective_cost_term",
        "saving",
        "break_even_utilization",
        "break_even_months",
    ]);
    for row in &report.purchase_options {
        sheet.text(&row.option).text(&row.label);
        sheet.maybe(row.offer.map(|o| serde_name(o.kind))).maybe(row.offer.map(|o| serde_name(o.term)));
        sheet.maybe(row.offer.map(|o| serde_name(o.payment))).number(row.selected);
        sheet.number(row.nodes_covered).number(row.nodes_on_demand).ratio(row.coverage);
        sheet.number(!row.derived.is_empty()).text(&report.catalog.currency);
        sheet.number(row.list_month).number(row.contracted_month);
        sheet.number(row.upfront).number(row.recurring_month).number(row.billed_first_year);
        sheet.number(row.effective_hour).number(row.effective_month).number(row.effective_year);
        sheet.maybe(row.effective_term).ratio(row.saving);
        sheet.ratio(row.break_even_utilization).ratio(row.break_even_months).end();
    }
}

pub(super) fn commitments(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "option",
        "commitment",
        "commitment_type",
        "category",
        "term",
        "payment",
        "covers",
        "instance_type",
        "quantity",
        "used",
        "currency",
        "upfront_each",
        "recurring_rate",
        "effective_rate",
        "on_demand_rate",
        "break_even_utilization",
        "provenance",
        "status",
    ]);
    for row in &report.commitments {
        sheet.text(&row.option).text(&row.commitment).text(&row.commitment_type);
        sheet.number(serde_name(row.category)).number(serde_name(row.term));
        sheet.number(serde_name(row.payment)).text(&row.covers).text(&row.instance_type);
        sheet.number(row.quantity).number(row.used).text(&report.catalog.currency);
        sheet.number(row.upfront_each).number(row.recurring_rate).number(row.effective_rate);
        sheet.number(row.on_demand_rate).ratio(row.break_even_utilization);
        sheet.text(&row.provenance).text(&row.status).end();
    }
}

pub(super) fn obstacles(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&["workload", "pods", "nearest_type", "reason"]);
    for row in &report.obstacles {
        sheet.text(&row.workload).number(row.pods).maybe_text(row.nearest_type.as_deref());
        sheet.text(&row.reason).end();
    }
}

pub(super) fn extra_costs(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&["name", "in_node_rates", "currency", "list_cost_month"]);
    for row in &report.extra_costs {
        sheet.text(&row.name).number(row.in_node_rates).text(&report.catalog.currency);
        sheet.number(row.list_month).end();
    }
}

pub(super) fn failures(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&[
        "lost_pool",
        "lost_zone",
        "lost_nodes",
        "alike",
        "workload",
        "outcome",
        "to_pool",
        "to_zone",
        "pods",
    ]);
    for row in report.survival.iter().flat_map(|survival| &survival.failures) {
        let mut line = |workload: &str, outcome: &str, pool: Option<&str>, zone: Option<&str>, pods: u64| {
            sheet.maybe_text(row.pool.as_deref()).maybe_text(row.zone.as_deref());
            sheet.number(row.nodes).number(row.alike).text(workload).text(outcome);
            sheet.maybe_text(pool).maybe_text(zone).number(pods).end();
        };
        for moved in &row.moved {
            line(&moved.workload, "moved", Some(&moved.pool), moved.zone.as_deref(), moved.pods);
        }
        row.waiting.iter().for_each(|w| line(&w.workload, "waiting", None, None, w.pods));
        row.pending.iter().for_each(|w| line(&w.workload, "pending", None, None, w.pods));
    }
}

pub(super) fn notices(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&["kind", "workload", "message"]);
    for row in &report.notices {
        sheet.number(serde_name(row.kind)).maybe_text(row.workload.as_deref()).text(&row.message).end();
    }
    for row in &report.skipped {
        sheet.text("skipped").text("").text(&format!("{}: {}", row.what, row.count)).end();
    }
}

pub(super) fn assumptions(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&["topic", "name", "value"]);
    let mut line = |topic: &str, name: &str, value: &str| {
        sheet.text(topic).text(name).text(value).end();
    };
    line("tool", &report.tool.name, &report.tool.version);
    line("scenario", "id", &report.scenario.id);
    line("scenario", "name", &report.scenario.name);
    line("scenario", "start", report.scenario.start.as_deref().unwrap_or_default());
    line("scenario", "input_hash", &report.input_hash);
    for input in &report.inputs {
        line("input", &input.name, &input.sha256);
    }
    line("prices", "catalog", &report.catalog.name);
    line("prices", "provider", &report.catalog.provider.to_string());
    line("prices", "region", &report.catalog.region);
    line("prices", "currency", &report.catalog.currency);
    line("prices", "price_date", &report.catalog.price_date);
    for source in &report.catalog.sources {
        line("prices", "source", source);
    }
    line("prices", "licence", &report.catalog.licence_note);
    for (rule, reason) in &report.catalog.derivations {
        line("derived rates", rule, reason);
    }
    for setting in &report.policy {
        line("policy", &setting.name, &setting.value);
    }
    line("solve", "cost_hour", &report.solve.cost_hour.to_string());
    line("solve", "lower_bound_hour", &report.solve.lower_bound_hour.to_string());
    line("solve", "bound_kind", &serde_name(report.solve.bound_kind));
    line("solve", "gap", &report.solve.gap.map(|g| g.to_string()).unwrap_or_default());
    line("solve", "stop", &serde_name(report.solve.stop));
}

/// The base unit of a resource.
fn unit(resource: &str) -> &'static str {
    use crate::units::ResourceName;
    match ResourceName::from(resource) {
        ResourceName::Cpu => "millicores",
        name if name.is_bytes() => "bytes",
        _ => "count",
    }
}
