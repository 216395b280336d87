//! The plan beside other plans, and beside the bound that no plan can undercut.

use super::answer::gap_words;
use super::length;
use super::money::{scaled, spoken};
use super::part::{Block, Cell, Figure, Section, Table, clean, key};
use crate::bill::Ratio;
use crate::plan::BoundKind;
use crate::report::chart::Tint;
use crate::report::chart::bars::{Bar, Part, bars};
use crate::report::chart::lines::{Axes, Line, lines};
use crate::report::number::{Currency, grouped};
use crate::report::table::compare::on_list_sizes;
use crate::report::view::PlanReport;
use crate::units::Money;

/// Baselines side by side.
pub(super) fn plans(report: &PlanReport) -> Option<Section> {
    if report.plans.len() < 2 {
        return None;
    }
    let mut section = Section::new(
        "plans",
        "Beside other ways to plan",
        "Other plans",
        "The same pods, on demand, a month.",
    );
    let currency = Currency::new(&report.catalog.currency)
        .aligned(report.plans.iter().map(|row| row.list_month.money()));
    let whole = report.plans.iter().map(|row| row.list_month.money()).max().unwrap_or(Money::ZERO);
    let mut table = Table::new(
        "Plans side by side, on demand",
        &["Plan", "#Nodes", "#Types", "#Pods a node", "#A month", "#To this plan", "#To the bound"],
    );
    let mut rows = Vec::new();
    for (index, row) in report.plans.iter().enumerate() {
        let path = |field: &str| format!("/plans/{index}/{field}");
        let fewer = row.pods_left_out > report.headline.pods_left_out;
        let left_out = match row.pods_left_out {
            n if fewer => format!(" ({} pods fewer)", grouped(n)),
            _ => String::new(),
        };
        let cells = vec![
            Cell::text(format!("{}{left_out}", super::money::capital(&row.label))),
            Cell::count(row.nodes, &path("nodes")),
            Cell::count(row.instance_types, &path("instance_types")),
            Cell::fixed(row.pods_per_node, &path("pods_per_node")),
            Cell::money(currency, row.list_month.money(), &path("list_month")),
            if fewer { Cell::default() } else { Cell::change(row.above_plan, &path("above_plan")) },
            Cell::change(row.above_bound, &path("above_bound")),
        ];
        let this = row.plan == "plan";
        if this {
            table.marked("chosen", cells)
        } else {
            table.row(cells)
        }
        let tint = if this { Tint::Plan } else { Tint::Before };
        rows.push(Bar {
            label: format!("{}{left_out}", super::money::capital(&clean(&row.label))),
            value: currency.short(row.list_month.money()),
            strong: this,
            parts: vec![Part { from: 0.0, to: length(row.list_month.money(), whole), tint }],
        });
    }
    let label = format!("Monthly cost of each plan. {}", spoken(&rows));
    section.blocks.push(Block::Figure(Box::new(Figure::new(
        "others",
        "What each way to plan costs",
        "On demand. Every plan is checked like this one.",
        vec![key(Tint::Plan, "this plan"), key(Tint::Before, "others")],
        table,
        |size| bars(size, &label, &rows),
    ))));
    if report.plans.iter().any(|row| on_list_sizes(&row.plan)) {
        section.blocks.push(Block::text(
            "One VM per replica and Supergiant-style fill machines to the size on the price list: nothing is \
             kept for the system or for DaemonSets, so they may cost less than any cluster. The others plan \
             for the same allocatable amounts.",
        ));
    }
    if report.survival.is_some() {
        section
            .blocks
            .push(Block::text("This plan has room for a loss; the others are not asked to survive one."));
    }
    Some(section)
}

/// The bound, what it means, and how plan and bound came closer.
pub(super) fn quality(report: &PlanReport) -> Option<Section> {
    let info = &report.solve;
    let currency = Currency::new(&report.catalog.currency);
    let mut section = Section::new("quality", "How good is this plan?", "Quality", "");
    section.blocks.push(Block::text(meaning(report)));
    let mut facts = vec![
        ("Cost".to_owned(), Cell::rate(currency, info.cost_hour.money(), "/solve/cost_hour")),
        (
            "Lower bound".to_owned(),
            Cell::rate(currency, info.lower_bound_hour.money(), "/solve/lower_bound_hour"),
        ),
        ("Gap".to_owned(), Cell::gap(info.gap, "/solve/gap")),
    ];
    facts[0].1.text.push_str(" an hour");
    facts[1].1.text.push_str(" an hour");
    if info.gap.is_some_and(|gap| gap > Ratio::ZERO) {
        let mut gap = Cell::money(currency, info.gap_month, "/solve/gap_month");
        gap.text.push_str(" a month");
        facts.push(("At most to gain".to_owned(), gap));
    }
    section.blocks.push(Block::Facts(facts));
    section.blocks.push(Block::list(&info.explanation));
    section.blocks.extend(progress(report).map(|figure| Block::Figure(Box::new(figure))));
    Some(section)
}

/// What a bound is, for those who never met one.
fn meaning(report: &PlanReport) -> String {
    let proof = match report.solve.bound_kind {
        BoundKind::Certified => {
            "It was proven in exact integer arithmetic, and anybody can check the proof again."
        }
        BoundKind::SolverReported => "It is the word of a solver and was not proven in exact arithmetic.",
    };
    let distance = match report.solve.gap {
        Some(gap) if gap == Ratio::ZERO => "This plan costs just that: it cannot be beaten.".to_owned(),
        Some(gap) => format!(
            "It lies {} below what this plan costs: a cheaper plan, if there is one, saves no more than that.",
            gap_words(Some(gap))
        ),
        None => "None is known for this plan.".to_owned(),
    };
    format!(
        "The lower bound is an amount that no plan for these pods at these prices can undercut, whoever makes \
         it. {distance} {proof}"
    )
}

/// How plan and bound came closer.
fn progress(report: &PlanReport) -> Option<Figure> {
    let rows = &report.solve.progress;
    if rows.iter().filter(|row| row.cost_hour.is_some()).count() < 2 {
        return None;
    }
    let currency = Currency::new(&report.catalog.currency);
    let month = |hour: Money| hour.checked_mul(i128::from(crate::units::HOURS_PER_MONTH));
    let costs = rows.iter().filter_map(|row| row.cost_hour).map(|cost| cost.money());
    let whole = costs.max().unwrap_or(Money::ZERO);
    let mut table =
        Table::new("Plan and bound on the way, an hour", &["#Steps of search", "#Best plan", "#Best bound"]);
    let (mut plan, mut bound) = (Vec::new(), Vec::new());
    for (index, row) in rows.iter().enumerate() {
        #[allow(clippy::cast_precision_loss, reason = "a place on paper")]
        let x = row.work as f64;
        step(&mut bound, x, length(row.lower_bound_hour.money(), whole));
        if let Some(cost) = row.cost_hour {
            step(&mut plan, x, length(cost.money(), whole));
        }
        let path = |field: &str| format!("/solve/progress/{index}/{field}");
        table.row(vec![
            Cell::count(row.work, &path("work")),
            row.cost_hour
                .map(|cost| Cell::rate(currency, cost.money(), &path("cost_hour")))
                .unwrap_or_default(),
            Cell::rate(currency, row.lower_bound_hour.money(), &path("lower_bound_hour")),
        ]);
    }
    let end = plan.iter().chain(&bound).map(|point: &(f64, f64)| point.0).fold(1.0, f64::max);
    for line in [&mut plan, &mut bound] {
        if let Some(&(_, y)) = line.last() {
            line.push((end, y));
        }
    }
    let low = plan.iter().chain(&bound).map(|point| point.1).fold(1.0, f64::min);
    let span = (1.0 - low).max(0.01);
    let bottom = (low - 0.1 * span).max(0.0);
    let curve = |tint, points, dashed| Line { tint, points, filled: false, dashed, dots: Vec::new() };
    let curves = [curve(Tint::Plan, plan, false), curve(Tint::Good, bound, true)];
    let axes = Axes {
        x: (0.0, end),
        y: (bottom, 1.0 + 0.1 * span),
        x_title: "steps of search",
        x_words: &|x| if x >= 1e6 { format!("{:.1} M", x / 1e6) } else { grouped(whole_number(x)) },
        x_ticks: &[],
        y_words: &|y| month(scaled(whole, y)).map(|money| currency.short(money)).unwrap_or_default(),
    };
    Some(Figure::new(
        "progress",
        "How plan and bound came closer",
        "On demand, a month; the scale does not start at zero. The cheapest possible plan lies between the lines.",
        vec![key(Tint::Plan, "best plan found"), key(Tint::Good, "best bound proven")],
        table,
        |size| lines(size, "Cost of the best plan and the lower bound over the search.", &axes, &curves, &[]),
    ))
}

/// The nearest whole number of a place on an axis.
fn whole_number(x: f64) -> u64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "figures of an axis")]
    {
        x.max(0.0).round() as u64
    }
}

/// Goes on level and then up or down.
fn step(line: &mut Vec<(f64, f64)>, x: f64, y: f64) {
    if let Some(&(_, before)) = line.last() {
        line.push((x, before));
    }
    line.push((x, y));
}
