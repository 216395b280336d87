//! What the pods cost packed more and less tightly.

use super::length;
use super::money::{scaled, share};
use super::part::{Block, Cell, Figure, Section, Table, key, minus};
use crate::report::chart::Tint;
use crate::report::chart::lines::{Axes, Dot, Line, lines};
use crate::report::number::{Currency, percent};
use crate::report::table::signed_percent;
use crate::report::view::{PlanReport, Tightness};
use crate::units::Money;

/// Cost against what is kept free on every node.
pub(super) fn tightness(report: &PlanReport) -> Option<Section> {
    let tight = report.tightness.as_ref()?;
    let remark =
        "The same pods, with more and less of every node's cpu and memory kept free; all else as planned.";
    let mut section = Section::new("tightness", "How tightly to pack", "Tightness", remark);
    section.blocks.push(Block::Figure(Box::new(figure(report, tight))));
    section.blocks.push(Block::text(
        "Each level is packed anew with a quick search, starting from the next stricter one; a plan that keeps \
         more free is a plan for less, too. Where the line is flat, headroom costs nothing.",
    ));
    if let Some(least) = tight.left_out.iter().min() {
        section.blocks.push(Block::text(format!("From {} on, not every pod fits a node.", percent(*least))));
    }
    Some(section)
}

fn figure(report: &PlanReport, tight: &Tightness) -> Figure {
    let months = || tight.levels.iter().map(|row| row.list_month.money());
    let whole = months().max().unwrap_or(Money::ZERO);
    let currency = Currency::new(&report.catalog.currency).aligned(months());
    let mut table = Table::new(
        "Levels of headroom, the most first",
        &["#Kept free", "#Nodes", "#A month", "#Change", "#No plan costs less than"],
    );
    let place = |row: &crate::report::view::TightnessRow| share(row.headroom) * 100.0;
    for (index, row) in tight.levels.iter().enumerate() {
        let path = |field: &str| format!("/tightness/levels/{index}/{field}");
        let cells = vec![
            Cell::share(Some(row.headroom), &path("headroom")),
            Cell::count(row.nodes, &path("nodes")),
            Cell::money(currency, row.list_month.money(), &path("list_month")),
            if row.planned { Cell::number("this plan") } else { Cell::change(row.change, &path("change")) },
            Cell::money(currency, row.lower_bound_month.money(), &path("lower_bound_month")),
        ];
        if row.planned { table.marked("chosen", cells) } else { table.row(cells) }
    }
    let at = |cost: Money, row| (place(row), length(cost, whole));
    let cost: Vec<(f64, f64)> =
        tight.levels.iter().rev().map(|row| at(row.list_month.money(), row)).collect();
    let bound = tight.levels.iter().rev().map(|row| at(row.lower_bound_month.money(), row)).collect();
    let planned: Vec<bool> = tight.levels.iter().rev().map(|row| row.planned).collect();
    let dots = cost.iter().zip(planned).map(|(&at, full)| Dot { at, full }).collect();
    let mut keys = vec![key(Tint::Plan, "cheapest plan found"), key(Tint::Good, "no plan costs less")];
    let mut curves = vec![
        Line { tint: Tint::Good, points: bound, filled: false, dashed: true, dots: Vec::new() },
        Line { tint: Tint::Plan, points: cost, filled: false, dashed: false, dots },
    ];
    let (first, last) = (tight.levels.last().map_or(0.0, place), tight.levels.first().map_or(1.0, place));
    if tight.headroom.is_none() {
        let own = length(report.headline.packed_month.money(), whole);
        let points = vec![(first, own), (last, own)];
        curves.push(Line { tint: Tint::Before, points, filled: false, dashed: false, dots: Vec::new() });
        keys.push(key(Tint::Before, "this plan, whose headroom differs by resource"));
    }
    let margin = (last - first).max(1.0) * 0.04;
    let high = curves.iter().flat_map(|line| &line.points).map(|point| point.1).fold(0.0, f64::max);
    let mut ticks: Vec<(f64, String)> =
        tight.levels.iter().map(|row| (place(row), format!("{} %", row.headroom.percent(0)))).collect();
    ticks.reverse();
    let axes = Axes {
        x: (first - margin, last + margin),
        y: (0.0, high.max(f64::MIN_POSITIVE) * 1.08),
        x_title: "kept free of every node; tighter to the left",
        x_words: &|_| String::new(),
        x_ticks: &ticks,
        y_words: &|y| currency.short(scaled(whole, y)),
    };
    let told = tight.levels.iter().map(|row| {
        let change = row.change.map(|change| minus(&signed_percent(change))).unwrap_or_default();
        format!("{} free: {} ({change})", percent(row.headroom), currency.short(row.list_month.money()))
    });
    let label = format!("Monthly cost by headroom. {}", told.collect::<Vec<_>>().join("; "));
    Figure::new(
        "headroom",
        "Cost against packing tightness",
        "On demand, a month. The filled dot is this plan.",
        keys,
        table,
        |size| lines(size, &label, &axes, &curves, &[]),
    )
}
