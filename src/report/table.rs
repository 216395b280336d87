//! The report for a terminal: the answer first, then what supports it.
//!
//! Fits 80 columns; a wider terminal gets longer bars and more columns. `plain` leaves out lines,
//! bars, folding and wrapping, so that one row is one line for grep and awk.

mod accounts;
pub(super) mod cluster;
pub(super) mod compare;
pub(super) mod diff;
pub(super) mod draw;
pub(super) mod explain;
mod grid;
mod nodes;
mod over_time;
pub(super) mod purchase;
pub(super) mod replay;
mod spot;
pub(super) mod survival;
pub(super) mod sweep;
pub(super) mod usage;

use super::RenderOptions;
use super::number::{Currency, gap_percent, grouped, percent};
use super::view::{FormRow, Forms, NoticeKind, PlanReport, SavingsStep, uncommitted};
use crate::bill::{Ratio, pro_rata};
use crate::plan::BoundKind;
use crate::units::{HOURS_PER_MONTH, Money};
use draw::{Draw, Tone};
use grid::{Column, Grid};

/// Renders all sections.
pub(super) fn render(report: &PlanReport, options: &RenderOptions) -> String {
    let draw = Draw::new(options);
    let sections = [
        headline(report, &draw),
        obstacles(report, &draw),
        cluster::cluster(report, &draw),
        savings(report, &draw),
        nodes::nodes(report, &draw, options.all_nodes),
        compare::utilization(report, &draw),
        replay::replay(report, &draw),
        survival::survival(report, &draw),
        over_time::over_time(report, &draw),
        spot::spot(report, &draw),
        purchase::purchase(report, &draw),
        compare::plans(report, &draw),
        compare::purchases(report, &draw),
        accounts::held(report, &draw),
        accounts::cash(report, &draw),
        accounts::showback(report, &draw),
        usage::usage(report, &draw),
        notices(report, &draw),
        solve(report, &draw),
    ];
    let mut out = sections.into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join("\n");
    if out.is_empty() {
        out.push('\n');
    }
    out
}

/// What a reader who reads five lines should know.
fn headline(report: &PlanReport, draw: &Draw) -> String {
    let head = &report.headline;
    let currency = Currency::new(&report.catalog.currency);
    let title = format!("Plan for {}", draw.clean(&report.scenario.name));
    let mut out = format!("{}\n", draw.paint(&title, Tone::Title));
    let mut lines: Vec<(String, String)> = Vec::new();
    if let (Some(before), Some(nodes)) = (head.before_month, head.nodes_before) {
        let label = head.before_label.as_deref().unwrap_or("before");
        lines.push((
            "Before".to_owned(),
            format!(
                "{} a month, {} nodes, {}",
                currency.short(before.money()),
                grouped(nodes),
                draw.clean(label)
            ),
        ));
    }
    let saved = |saving: Option<Ratio>| match saving {
        Some(saving) => format!(" ({})", draw.paint(&signed_percent(saving.negated()), tone_of(saving))),
        None => String::new(),
    };
    lines.push((
        "Packed".to_owned(),
        format!(
            "{} a month{}, {} of {}, {}{}",
            draw.paint(&currency.short(head.packed_month.money()), Tone::Strong),
            saved(head.saving_packed),
            count(head.nodes, "node"),
            count(head.instance_types, "type"),
            uncommitted(&report.nodes),
            if report.over_time.is_some() { ", at all hours" } else { "" },
        ),
    ));
    if let Some(public) = head.public_list_month {
        let names: Vec<String> = report
            .catalog
            .discounts
            .iter()
            .map(|discount| format!("{} {}", draw.clean(&discount.name), discount.percent))
            .collect();
        let month = currency.short(public.money());
        lines.push(("Listed".to_owned(), format!("{month} a month before {}", names.join(", "))));
    }
    if let (Some(reserved), Some(label)) = (head.reserved_month, &head.reserved_label) {
        lines.push((
            "Reserved".to_owned(),
            format!(
                "{} a month{}, {label}",
                draw.paint(&currency.short(reserved.money()), Tone::Strong),
                saved(head.saving_total),
            ),
        ));
        if let Some(coverage) = head.reserved_coverage.filter(|&c| c < Ratio::ONE) {
            let note =
                format!("covers {} of the on-demand cost; the rest has no such offer", percent(coverage));
            lines.push((String::new(), note));
        }
    }
    lines.extend(over_time_lines(report, draw));
    if let Some(forms) = &report.forms {
        lines.push(("Pools".to_owned(), pooled(report, forms)));
        lines.push(("Free".to_owned(), premium(report, forms)));
    }
    for cost in &report.extra_costs {
        let (name, words) =
            if cost.in_node_rates { ("of that", "") } else { ("beside", ", not in the nodes' rates") };
        let month = currency.cents(cost.list_month.money());
        lines.push((name.to_owned(), format!("{month} a month {}{words}", draw.clean(&cost.name))));
    }
    if let Some(density) = head.pods_per_node {
        let before = report.plans.iter().find(|p| p.reference).and_then(|p| p.pods_per_node);
        let before = before.map(|b| format!(" (before: {})", b.fixed(1))).unwrap_or_default();
        let left_out = match head.pods_left_out {
            0 => String::new(),
            n => format!("; {}", draw.paint(&format!("{} fit nowhere", grouped(n)), Tone::Bad)),
        };
        let pods = grouped(head.pods);
        lines.push((
            "Pods".to_owned(),
            format!("{pods} placed{left_out}, {} a node{before}", density.fixed(1)),
        ));
    }
    if let Some(survival) = &report.survival {
        lines.push(("Survives".to_owned(), survival::line(report, survival, draw)));
    }
    lines.push(("Quality".to_owned(), quality(report)));
    lines.extend(
        report
            .policy
            .iter()
            .find(|s| s.name == "types.default")
            .map(|s| ("Types".to_owned(), draw.clean(&s.value))),
    );
    lines.push(("Replay".to_owned(), replay::line(report)));
    let amount = |money| currency.short(money);
    lines.extend(replay::beyond(report, &amount).into_iter().map(|line| (String::new(), line)));
    let catalog = &report.catalog;
    let prices = format!("{}, {} {}", catalog.price_date, catalog.provider, catalog.region);
    // Bundled catalogs are called by just that.
    let named = catalog.name == format!("{}-{}-{}", catalog.provider, catalog.price_date, catalog.region);
    let prices = if named { prices } else { format!("{prices} ({})", catalog.name) };
    lines.push(("Prices".to_owned(), draw.clean(&prices)));
    let hash: String = report.input_hash.chars().take(12).collect();
    lines.push(("Input".to_owned(), format!("{hash} ({} {})", report.tool.name, report.tool.version)));
    for (name, text) in lines {
        out.push_str(&draw.hanging(&format!("  {name:<9}"), &text));
    }
    out
}

/// What the hours cost with nodes that come and go, and with what is proposed to be bought for them.
fn over_time_lines(report: &PlanReport, draw: &Draw) -> Vec<(String, String)> {
    let currency = Currency::new(&report.catalog.currency);
    let mut lines = Vec::new();
    if let Some(over) = &report.over_time {
        let month = pro_rata(over.list.money(), HOURS_PER_MONTH, over.hours).unwrap_or(over.list.money());
        lines.push((
            "Demand".to_owned(),
            format!(
                "{} a month on demand, with nodes for each of {}",
                draw.paint(&currency.short(month), Tone::Strong),
                count(over.levels.len() as u64, "level"),
            ),
        ));
    }
    if let Some(purchases) = &report.purchases {
        let month = currency.short(purchases.month(purchases.cost.money()));
        let saved = purchases.savings_rate.map(|rate| {
            let words = draw.paint(&signed_percent(rate.negated()), tone_of(rate));
            format!(" ({words} against on demand)")
        });
        let with = match purchases.rows.is_empty() {
            true => "; nothing is worth buying".to_owned(),
            false => ", with the commitments proposed below".to_owned(),
        };
        lines.push((
            "Commit".to_owned(),
            format!("{} a month{}{with}", draw.paint(&month, Tone::Strong), saved.unwrap_or_default()),
        ));
    }
    lines
}

/// The pools of a pooled plan.
pub(super) fn pooled(report: &PlanReport, forms: &Forms) -> String {
    let split = report.workloads.iter().filter(|w| w.placed > 0 && w.pool.is_none()).count();
    let whole = match split {
        0 => "every workload lies whole in one of them".to_owned(),
        n => format!("{} could lie whole in none of them", count(n as u64, "workload")),
    };
    format!("{} of equal nodes; {whole}", count(forms.pooled.pools, "pool"))
}

/// What being pooled costs, each form with its gap.
pub(super) fn premium(report: &PlanReport, forms: &Forms) -> String {
    let currency = Currency::new(&report.catalog.currency);
    let gap = |row: &FormRow| match row.gap {
        Some(gap) if gap == Ratio::ZERO => "optimal".to_owned(),
        Some(gap) => format!("within {} of the bound", gap_percent(gap)),
        None => "no bound".to_owned(),
    };
    let share = forms.premium.map(|p| format!(" ({})", signed_percent(p))).unwrap_or_default();
    let more = match forms.premium_month {
        Money::ZERO => "nothing more".to_owned(),
        more => format!("{} more{share}", currency.short(more)),
    };
    format!(
        "{} a month without pools, {}; pools cost {more}, {}",
        currency.short(forms.free.list_month.money()),
        gap(&forms.free),
        gap(&forms.pooled),
    )
}

/// A resource in a few letters: extended ones without their domain. `plain` keeps the Kubernetes name.
pub(super) fn resource_name(name: &str, draw: &Draw) -> String {
    draw.clean(match name {
        _ if draw.plain => name,
        "attachable-volumes" => "volumes",
        "ephemeral-storage" => "disk",
        _ => name.rsplit('/').next().unwrap_or(name),
    })
}

/// `1 node`, `1,234 nodes`.
pub(super) fn count(number: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// The gap in a few words.
pub(super) fn quality(report: &PlanReport) -> String {
    let kind = match report.solve.bound_kind {
        BoundKind::Certified => "certified",
        BoundKind::SolverReported => "solver-reported",
    };
    match report.solve.gap {
        Some(gap) if gap == Ratio::ZERO => format!("optimal: no cheaper plan exists ({kind})"),
        Some(gap) => format!("within {} of the cheapest possible plan ({kind})", gap_percent(gap)),
        None => "no bound is known".to_owned(),
    }
}

fn tone_of(saving: Ratio) -> Tone {
    if saving < Ratio::ZERO { Tone::Bad } else { Tone::Good }
}

fn savings(report: &PlanReport, draw: &Draw) -> String {
    if report.savings.len() < 2 {
        return String::new();
    }
    let bare = savings_grid(report, draw, 0);
    let bar = draw.spare(bare.width() + 2).min(24);
    let grid = savings_grid(report, draw, if bar < 6 { 0 } else { bar });
    draw.section("Savings", "amortised; year of 8,760 h; change: against the line above", &grid.render(draw))
}

fn savings_grid(report: &PlanReport, draw: &Draw, bar: usize) -> Grid {
    let currency = Currency::new(&report.catalog.currency);
    let hours = currency;
    let currency = currency.aligned(report.savings.iter().map(|s| s.effective_year.money()));
    // Bars are of the dearest step, so that none is cut short.
    let dearest = report.savings.iter().map(|s| s.effective_year.money()).max();
    let share = |year: Money| dearest.and_then(|dearest| Ratio::of_money(year, dearest));
    let mut grid = Grid::new(vec![
        Column::left("Step"),
        Column::right("Nodes"),
        Column::right("Hour"),
        Column::right("Month"),
        Column::right("Year"),
        Column::right("Change"),
        Column::left(""),
    ]);
    for step in &report.savings {
        let SavingsStep { effective_hour, effective_month, effective_year, .. } = step;
        let name = match step.step.as_str() {
            "packed" => format!("packed, {}", uncommitted(&report.nodes)),
            "reserved" => "packed, reserved".to_owned(),
            other => other.to_owned(),
        };
        grid.row(vec![
            draw.clean(&name),
            grouped(step.nodes),
            hours.cents(effective_hour.money()),
            currency.short(effective_month.money()),
            currency.short(effective_year.money()),
            step.change.map(signed_percent).unwrap_or_default(),
            share(effective_year.money()).map(|share| draw.bar(share, bar, None)).unwrap_or_default(),
        ]);
    }
    grid
}

/// `-54.4 %`, `+3.0 %`.
pub(super) fn signed_percent(ratio: Ratio) -> String {
    let sign = if ratio > Ratio::ZERO { "+" } else { "" };
    format!("{sign}{}", percent(ratio))
}

fn obstacles(report: &PlanReport, draw: &Draw) -> String {
    if report.obstacles.is_empty() {
        return String::new();
    }
    let mut body = String::new();
    for row in &report.obstacles {
        let text = format!(
            "{} ({}): {}",
            draw.clean(&row.workload),
            count(row.pods, "pod"),
            draw.clean(&row.reason)
        );
        body.push_str(&draw.hanging("  ! ", &text));
    }
    draw.section(&draw.paint("Fits nowhere", Tone::Bad), "not in the plan, nor in its cost", &body)
}

/// The most rules, warnings and assumptions that are listed one by one; all are in JSON and CSV.
const NOTICES: usize = 12;

fn notices(report: &PlanReport, draw: &Draw) -> String {
    if report.notices.is_empty() && report.skipped.is_empty() {
        return String::new();
    }
    let mut body = String::new();
    let shown = if draw.plain { report.notices.len() } else { NOTICES };
    for notice in report.notices.iter().take(shown) {
        let mark = match notice.kind {
            NoticeKind::Warning => draw.paint("warning", Tone::Fair),
            NoticeKind::Assumption => "assumed".to_owned(),
        };
        let text = format!("{mark}: {}", draw.clean(&notice.message));
        body.push_str(&draw.hanging("  - ", &text));
    }
    if report.notices.len() > shown {
        let more = format!("{} more; all of them are in -f json and csv", report.notices.len() - shown);
        body.push_str(&draw.hanging("  - ", &more));
    }
    for row in &report.skipped {
        let text = format!("not counted: {} {}", grouped(row.count), draw.clean(&row.what));
        body.push_str(&draw.hanging("  - ", &text));
    }
    draw.section("Notes", "", &body)
}

fn solve(report: &PlanReport, draw: &Draw) -> String {
    let info = &report.solve;
    let currency = Currency::new(&report.catalog.currency);
    let mut lines = vec![("Cost", format!("{} an hour on demand", currency.rate(info.cost_hour.money())))];
    let kind = match info.bound_kind {
        BoundKind::Certified => "certified",
        BoundKind::SolverReported => "solver-reported",
    };
    lines.push(("Bound", format!("{} an hour, {kind}", currency.rate(info.lower_bound_hour.money()))));
    if let Some(gap) = info.gap.filter(|&gap| gap > Ratio::ZERO) {
        lines.push(("Gap", format!("{}, {} a month", gap_percent(gap), currency.cents(info.gap_month))));
    }
    if let (Some(plan), Some(bound)) = (info.work_to_plan(), info.work_to_bound()) {
        let bound = match bound {
            0 => "bound before the first".to_owned(),
            bound => format!("bound after {}", grouped(bound)),
        };
        lines.push(("Found", format!("plan after {} steps of search, {bound}", grouped(plan))));
    }
    let mut body: String =
        lines.iter().map(|(name, text)| draw.hanging(&format!("  {name:<9}"), text)).collect();
    body.extend(info.explanation.iter().map(|s| draw.hanging("  ", &draw.clean(s))));
    draw.section("How good is this plan", "", &body)
}
