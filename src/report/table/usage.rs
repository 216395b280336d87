//! Measured use beside requests: where slack is, what other requests would cost, and at what risk.

use std::collections::BTreeSet;

use super::draw::{Draw, Tone};
use super::grid::{Column, Grid};
use super::{count, signed_percent, tone_of};
use crate::bill::Ratio;
use crate::report::number::{Currency, gap_percent, grouped, percent};
use crate::report::view::{PlanReport, UsageReport, UsedResource};
use crate::units::ResourceName;

/// Workloads that are shown; all are in JSON and CSV.
const SHOWN: usize = 8;

/// The section on measured use; nothing where none was read.
pub(super) fn usage(report: &PlanReport, draw: &Draw) -> String {
    let Some(usage) = &report.usage else { return String::new() };
    let mut body = workloads(report, usage, draw);
    for line in lines(report, usage) {
        body += &draw.hanging("  ", &draw.clean(&line));
    }
    let what_if = draw.section(
        "Other requests",
        "each packed anew; risk: that a node's pods use more memory than it has",
        &plans(report, usage, draw),
    );
    let use_section = draw.section("Measured use  (per pod, 95th percentile of request)", "", &body);
    format!("{use_section}\n{what_if}")
}

fn workloads(report: &PlanReport, usage: &UsageReport, draw: &Draw) -> String {
    let currency = Currency::new(&report.catalog.currency);
    let columns = vec![
        Column::shrinking("Workload"),
        Column::right("Pods"),
        Column::right("CPU"),
        Column::right(""),
        Column::right("Memory"),
        Column::right(""),
        Column::right("Month"),
        Column::right("Slack"),
    ];
    let rows = if draw.plain { usage.workloads.len() } else { SHOWN.min(usage.workloads.len()) };
    let shown = &usage.workloads[..rows];
    // The end of a name says more than its namespace and kind; where there is no room for all, it stands alone.
    let short = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    let distinct = shown.iter().map(|row| short(&row.workload)).collect::<BTreeSet<_>>().len() == rows;
    let pair = |used: &Option<UsedResource>, resource: ResourceName| match used {
        Some(used) => {
            let share = Ratio::of(used.p95, used.request).map(|r| format!("{}%", r.percent(0)));
            [resource.display(used.p95), share.unwrap_or_else(|| "no request".to_owned())]
        }
        None => ["unknown".to_owned(), String::new()],
    };
    let made = |name: &dyn Fn(&str) -> String| {
        let mut grid = Grid::new(columns.clone());
        for row in shown {
            let [cpu, cpu_share] = pair(&row.cpu, ResourceName::Cpu);
            let [memory, memory_share] = pair(&row.memory, ResourceName::Memory);
            grid.row(vec![
                draw.clean(&name(&row.workload)),
                grouped(row.replicas),
                cpu,
                cpu_share,
                memory,
                memory_share,
                currency.short(row.cost_month.money()),
                currency.short(row.slack_month),
            ]);
        }
        grid
    };
    let whole = made(&str::to_owned);
    let grid = if distinct && !draw.fits(whole.width()) { made(&short) } else { whole };
    if rows == 0 { String::new() } else { grid.render(draw) }
}

pub(in crate::report) fn lines(report: &PlanReport, usage: &UsageReport) -> Vec<String> {
    let currency = Currency::new(&report.catalog.currency);
    let mut lines = Vec::new();
    if usage.workloads.len() > SHOWN {
        lines.push(format!("The {SHOWN} with most slack; all are in -f csv --table usage."));
    }
    let share = usage.slack.map(|share| format!(" ({})", percent(share))).unwrap_or_default();
    lines.push(format!(
        "Slack: {} a month{share} is paid for requests beyond the 95th percentile of use.",
        currency.short(usage.slack_month)
    ));
    let workloads = |n: u64| count(n, "workload");
    if usage.above_request > 0 {
        let more = if usage.above_request == 1 { "uses" } else { "use" };
        lines.push(format!("{} {more} more than requested.", workloads(usage.above_request)));
    }
    if !usage.unmeasured.is_empty() {
        let first = &usage.unmeasured[0];
        lines.push(format!("Not measured: {}, such as {first}.", workloads(usage.unmeasured.len() as u64)));
    }
    if !usage.unmatched.is_empty() {
        let first = &usage.unmatched[0];
        let rows = count(usage.unmatched.len() as u64, "measurement");
        lines.push(format!("In no workload of the plan: {rows}, such as {first}."));
    }
    lines
}

fn plans(report: &PlanReport, usage: &UsageReport, draw: &Draw) -> String {
    let currency =
        Currency::new(&report.catalog.currency).aligned(usage.plans.iter().map(|p| p.cost_month.money()));
    let columns = vec![
        Column::shrinking("Requests"),
        Column::right("Nodes"),
        Column::right("Month"),
        Column::right("Change"),
        Column::right("Gap"),
        Column::right("Risk"),
        Column::right("Drawn"),
    ];
    let mut grid = Grid::new(columns);
    for row in &usage.plans {
        let change = match row.change {
            Some(change) if row.plan != "plan" => {
                draw.paint(&signed_percent(change), tone_of(change.negated()))
            }
            _ => String::new(),
        };
        let over = row.risk.wanted.is_some_and(|wanted| row.risk.worst_simulated > wanted);
        let drawn = gap_percent(row.risk.worst_simulated);
        grid.row(vec![
            draw.clean(&row.label),
            grouped(row.nodes),
            currency.short(row.cost_month.money()),
            change,
            row.gap.map(gap_percent).unwrap_or_default(),
            gap_percent(row.risk.worst_normal),
            if over { draw.paint(&drawn, Tone::Bad) } else { drawn },
        ]);
    }
    let mut body = grid.render(draw);
    if let Some(first) = usage.plans.first() {
        let text = format!(
            "Risk: of the worst node, by the normal approximation; Drawn: the same in {} draws ({} model, seed {}). Pods are taken to vary independently: load that rises everywhere at once is riskier.",
            grouped(first.risk.trials),
            first.risk.model,
            first.risk.seed
        );
        body += &draw.hanging("  ", &text);
    }
    for row in usage.plans.iter().filter(|row| row.memory_max_above_request > 0) {
        let text = format!(
            "{}: {} once used more memory than requested; short of memory, their pods are evicted first.",
            row.label,
            count(row.memory_max_above_request, "workload")
        );
        body += &draw.hanging("  ", &draw.clean(&text));
    }
    body
}
