//! Spot nodes, and measured use beside requests.

use std::collections::BTreeSet;

use super::length;
use super::money::{capital, spoken};
use super::part::{Block, Cell, Figure, Section, Table, clean, key};
use crate::bill::Ratio;
use crate::report::chart::Tint;
use crate::report::chart::bars::{Bar, Part, bars};
use crate::report::number::{Currency, gap_percent, grouped, percent};
use crate::report::table::count;
use crate::report::table::usage::lines;
use crate::report::view::{PlanReport, SpotReport, UsageReport, UsageRow, UsedResource};
use crate::units::{Money, ResourceName};

/// What spot nodes save, and what it costs when they are taken away.
pub(super) fn spot(report: &PlanReport) -> Option<Section> {
    let spot = report.spot.as_ref()?;
    let remark = "Rates are averages of the region and move by the hour; the provider takes spot nodes back at \
                  short notice.";
    let mut section = Section::new("spot", "Spot nodes", "Spot", remark);
    section.blocks.push(Block::Figure(Box::new(with_and_without(report, spot))));
    let path = |field: &str| format!("/spot/{field}");
    let mut facts = vec![
        ("Pods that may lie on them".to_owned(), Cell::count(spot.pods_allowed, &path("pods_allowed"))),
        ("Of these there".to_owned(), Cell::count(spot.pods, &path("pods"))),
        ("Types".to_owned(), Cell::count(spot.instance_types, &path("instance_types"))),
    ];
    if spot.largest_share.is_some() {
        let share = Cell::share(spot.largest_share, &path("largest_share"));
        facts.push(("Most pods on one type".to_owned(), share));
    }
    section.blocks.push(Block::Facts(facts));
    let currency = Currency::new(&report.catalog.currency);
    let mut types =
        Table::new("Spot nodes by type", &["Type", "#Nodes", "#Pods", "#Spot", "#On demand", "Interrupted"]);
    for (index, row) in spot.types.iter().enumerate() {
        let path = |field: &str| format!("/spot/types/{index}/{field}");
        types.row(vec![
            Cell::text(&row.instance_type),
            Cell::count(row.nodes, &path("nodes")),
            Cell::count(row.pods, &path("pods")),
            Cell::rate(currency, row.spot_rate.for_one_hour(), &path("spot_rate")),
            Cell::rate(currency, row.on_demand_rate.for_one_hour(), &path("on_demand_rate")),
            Cell::text(row.interruption.map_or_else(|| "unknown".to_owned(), |band| band.to_string())),
        ]);
    }
    let mut workloads = Table::new(
        "What of each workload lies on spot nodes",
        &["Workload", "#Pods", "#Allowed", "#On spot", "#Most on one type"],
    );
    for (index, row) in spot.workloads.iter().enumerate() {
        let path = |field: &str| format!("/spot/workloads/{index}/{field}");
        workloads.row(vec![
            Cell::text(&row.workload),
            Cell::count(row.pods, &path("pods")),
            Cell::count(row.allowed, &path("allowed")),
            Cell::count(row.on_spot, &path("on_spot")),
            Cell::count(row.most_on_one_type, &path("most_on_one_type")),
        ]);
    }
    section.blocks.extend((!types.rows.is_empty()).then_some(Block::Table(types)));
    section.blocks.extend((!workloads.rows.is_empty()).then_some(Block::Folded(workloads)));
    if spot.nodes_band_unknown > 0 {
        section.blocks.push(Block::text("How often these types are interrupted is not in the catalog."));
    }
    if spot.types_without_rate > 0 {
        let types = count(spot.types_without_rate, "allowed type");
        section.blocks.push(Block::text(format!("Without a spot rate, and so without spot nodes: {types}.")));
    }
    Some(section)
}

fn with_and_without(report: &PlanReport, spot: &SpotReport) -> Figure {
    let amounts = [
        ("Spot nodes as they are", "spot_month", spot.spot_month.money(), Tint::Reserved),
        ("The same nodes on demand", "on_demand_month", spot.on_demand_month.money(), Tint::Before),
        ("Saved", "saving_month", spot.saving_month, Tint::Good),
        ("Plan if all are replaced", "fallback_month", spot.fallback_month.money(), Tint::Bad),
    ];
    let whole = amounts.iter().map(|row| row.2).max().unwrap_or(Money::ZERO);
    let currency = Currency::new(&report.catalog.currency).aligned([whole]);
    let mut table = Table::new("With and without spot nodes", &["What", "#A month"]);
    let mut rows = Vec::new();
    for (name, field, amount, tint) in amounts {
        table.row(vec![Cell::text(name), Cell::money(currency, amount, &format!("/spot/{field}"))]);
        rows.push(Bar {
            label: name.to_owned(),
            value: currency.short(amount),
            strong: field == "spot_month",
            parts: vec![Part { from: 0.0, to: length(amount, whole), tint }],
        });
    }
    let label = format!("Monthly cost with and without spot nodes. {}", spoken(&rows));
    Figure::new(
        "spot-nodes",
        "What spot nodes save, and the way back",
        "A month. The last bar is the plan after all spot capacity is taken away and every such node is bought on \
         demand instead.",
        vec![key(Tint::Reserved, "spot"), key(Tint::Before, "on demand"), key(Tint::Good, "saved")],
        table,
        |size| bars(size, &label, &rows),
    )
}

/// Workloads on the chart; all are in the table.
const SHOWN: usize = 16;

/// Where requests are beyond use, what fitting them would save, and the chance that memory runs out.
pub(super) fn usage(report: &PlanReport) -> Option<Section> {
    let usage = report.usage.as_ref()?;
    let remark =
        "Measured use beside requests; slack is what is paid for requests beyond the 95th percentile.";
    let mut section = Section::new("usage", "Measured use", "Use", remark);
    let currency = Currency::new(&report.catalog.currency);
    section.blocks.push(Block::Facts(vec![
        ("Slack a month".to_owned(), Cell::money(currency, usage.slack_month, "/usage/slack_month")),
        ("Of the plan".to_owned(), Cell::share(usage.slack, "/usage/slack")),
        ("Workloads measured".to_owned(), Cell::count(usage.measured, "/usage/measured")),
        ("Using more than requested".to_owned(), Cell::count(usage.above_request, "/usage/above_request")),
    ]));
    if !usage.workloads.is_empty() {
        section.blocks.push(Block::Figure(Box::new(slack(report, usage))));
    }
    // All workloads are in the chart's table here.
    let told = lines(report, usage).into_iter().filter(|line| !line.contains("--table usage"));
    section.blocks.push(Block::list(told));
    section.blocks.push(Block::Table(what_if(report, usage)));
    if let Some(first) = usage.plans.first() {
        section.blocks.push(Block::text(format!(
            "Risk is the chance that the pods of the worst node use more memory than it has: by the normal \
             approximation, and as drawn in {} draws ({} model, seed {}). Pods are taken to vary \
             independently: load that rises everywhere at once is riskier.",
            grouped(first.risk.trials),
            first.risk.model,
            first.risk.seed
        )));
    }
    let at_risk = usage.plans.iter().filter(|row| row.memory_max_above_request > 0).map(|row| {
        format!(
            "{}: {} once used more memory than requested; short of memory, their pods are evicted first.",
            capital(&row.label),
            count(row.memory_max_above_request, "workload")
        )
    });
    let at_risk: Vec<String> = at_risk.collect();
    section.blocks.extend((!at_risk.is_empty()).then(|| Block::list(at_risk)));
    Some(section)
}

fn slack(report: &PlanReport, usage: &UsageReport) -> Figure {
    let whole = usage.workloads.iter().map(|row| row.cost_month.money()).max().unwrap_or(Money::ZERO);
    let currency = Currency::new(&report.catalog.currency).aligned([whole]);
    let mut table = Table::new(
        "Measured workloads, amounts of a pod",
        &[
            "Workload",
            "#Pods",
            "#cpu requested",
            "#Mean",
            "#95 %",
            "#Most",
            "#Memory requested",
            "#Mean",
            "#95 %",
            "#Most",
            "#A month",
            "#Slack",
        ],
    );
    for (index, row) in usage.workloads.iter().enumerate() {
        let path = |field: &str| format!("/usage/workloads/{index}/{field}");
        let mut cells = vec![Cell::text(&row.workload), Cell::count(row.replicas, &path("replicas"))];
        for (used, resource) in [(&row.cpu, ResourceName::Cpu), (&row.memory, ResourceName::Memory)] {
            cells.extend(amounts(used.as_ref(), &resource));
        }
        cells.push(Cell::money(currency, row.cost_month.money(), &path("cost_month")));
        cells.push(Cell::money(currency, row.slack_month, &path("slack_month")));
        table.row(cells);
    }
    // Names alone where they tell workloads apart: there is little room.
    let short = |row: &UsageRow| row.workload.rsplit('/').next().unwrap_or_default().to_owned();
    let apart = usage.workloads.iter().map(short).collect::<BTreeSet<_>>().len() == usage.workloads.len();
    let bar = |row: &UsageRow| {
        let used = row.cost_month.money() - row.slack_month;
        let share = Ratio::of_money(row.slack_month, row.cost_month.money());
        let share = share.map(|share| format!(" ({})", percent(share))).unwrap_or_default();
        Bar {
            label: clean(&if apart { short(row) } else { row.workload.clone() }),
            value: format!("{}{share}", currency.short(row.slack_month)),
            strong: false,
            parts: vec![
                Part { from: 0.0, to: length(used, whole), tint: Tint::Plan },
                Part {
                    from: length(used, whole),
                    to: length(row.cost_month.money(), whole),
                    tint: Tint::Idle,
                },
            ],
        }
    };
    let rows: Vec<Bar> = usage.workloads.iter().take(SHOWN).map(bar).collect();
    let label = format!("Slack of the workloads a month. {}", spoken(&rows));
    Figure::new(
        "slack",
        "Slack by workload",
        "A month. Each bar is what the workload's requests cost; its end, with the figure, is what they are beyond \
         the 95th percentile of use.",
        vec![key(Tint::Plan, "used"), key(Tint::Idle, "slack")],
        table,
        |size| bars(size, &label, &rows),
    )
}

/// Requested, mean, 95th percentile, most.
fn amounts(used: Option<&UsedResource>, resource: &ResourceName) -> [Cell; 4] {
    match used {
        Some(used) => [used.request, used.mean, used.p95, used.max]
            .map(|amount| Cell::number(clean(&resource.display(amount)))),
        None => ["unknown", "", "", ""].map(Cell::number),
    }
}

/// The plan, and plans for other requests.
fn what_if(report: &PlanReport, usage: &UsageReport) -> Table {
    let currency =
        Currency::new(&report.catalog.currency).aligned(usage.plans.iter().map(|row| row.cost_month.money()));
    let mut table = Table::new(
        "Other requests, each packed anew",
        &[
            "Requests",
            "#Nodes",
            "#A month",
            "#Change",
            "#Gap to the bound",
            "#Risk asked for",
            "#Risk",
            "#Drawn",
        ],
    );
    for (index, row) in usage.plans.iter().enumerate() {
        let path = |field: &str| format!("/usage/plans/{index}/{field}");
        let over = row.risk.wanted.is_some_and(|wanted| row.risk.worst_simulated > wanted);
        let drawn = Cell::gap(Some(row.risk.worst_simulated), &path("risk/worst_simulated"));
        table.row(vec![
            Cell::text(capital(&row.label)),
            Cell::count(row.nodes, &path("nodes")),
            Cell::money(currency, row.cost_month.money(), &path("cost_month")),
            if row.plan == "plan" { Cell::default() } else { Cell::change(row.change, &path("change")) },
            Cell::gap(row.gap, &path("gap")),
            Cell::number(row.risk.wanted.map(gap_percent).unwrap_or_default()),
            Cell::gap(Some(row.risk.worst_normal), &path("risk/worst_normal")),
            if over { drawn.class("num bad") } else { drawn },
        ]);
    }
    table
}
