//! Demand over time: the levels, their nodes, and for how many hours how much runs.

use super::money::share as on_paper;
use super::part::{Block, Cell, Figure, Key, Section, Table, clean, key, minus};
use crate::bill::Ratio;
use crate::report::chart::Tint;
use crate::report::chart::lines::{Axes, Line, Mark, lines};
use crate::report::number::{Currency, grouped, percent};
use crate::report::table::{count, signed_percent};
use crate::report::view::{LoadRow, OverTime, PackedFrom, PlanReport};
use crate::units::MilliCpu;

/// Levels and load-duration curves.
pub(super) fn over_time(report: &PlanReport) -> Option<Section> {
    let over = report.over_time.as_ref()?;
    let from = over.start.as_deref().unwrap_or("a Monday, 1 January");
    let remark = format!("{} hours from {from}, UTC.", grouped(over.hours));
    let mut section = Section::new("time", "Demand over time", "Over time", &remark);
    let currency = Currency::new(&report.catalog.currency);
    let change = Ratio::of_money(over.list.money() - over.peak_list.money(), over.peak_list.money());
    let change = change.map(|c| format!(" ({})", minus(&signed_percent(c)))).unwrap_or_default();
    section.blocks.push(Block::text(format!(
        "On demand {} for these hours with the nodes of each level{change}, against {} for a fleet of {} that \
         holds every peak at all hours.",
        currency.short(over.list.money()),
        currency.short(over.peak_list.money()),
        count(over.peak_nodes, "node"),
    )));
    section.blocks.extend(curves(report, over).map(|figure| Block::Figure(Box::new(figure))));
    section.blocks.push(Block::Table(levels(over, currency)));
    let packed = match over.direction {
        PackedFrom::BottomUp => "from the least level up: each has the nodes of those below and adds to them",
        PackedFrom::TopDown => "from the highest level down: each removes nodes of the level above",
    };
    let waste = over.waste.map(|w| format!(", which hold {} more than the hours need", percent(w)));
    section.blocks.push(Block::text(format!(
        "Packed {packed}. {} of demand in {}{}.",
        count(over.states, "distinct state"),
        count(over.levels.len() as u64, "level"),
        waste.unwrap_or_default(),
    )));
    if over.scenarios.len() > 1 {
        let mut table =
            Table::new("Scenarios of demand", &["Scenario", "#Weight", "#Of the replicas", "#On demand"]);
        for (index, row) in over.scenarios.iter().enumerate() {
            let path = |field: &str| format!("/over_time/scenarios/{index}/{field}");
            table.row(vec![
                Cell::text(&row.name),
                Cell::share(Some(row.weight), &path("weight")),
                Cell::share(Some(row.share), &path("share")),
                Cell::money(currency, row.list.money(), &path("list")),
            ]);
        }
        section.blocks.push(Block::Table(table));
    }
    Some(section)
}

fn levels(over: &OverTime, currency: Currency<'_>) -> Table {
    let mut table = Table::new(
        "Levels, the least first",
        &["#Level", "#Share of the hours", "#Pods", "#Nodes", "#An hour", "Nodes by pool"],
    );
    for (index, row) in over.levels.iter().enumerate() {
        let path = |field: &str| format!("/over_time/levels/{index}/{field}");
        let nodes = row.types.iter().filter(|t| t.nodes > 0).map(|t| {
            let zone = t.zone.as_deref().map(|zone| format!(" in {zone}")).unwrap_or_default();
            format!("{} x{}{zone}", t.pool, t.nodes)
        });
        table.row(vec![
            Cell::count(row.level, &path("level")),
            Cell::share(Some(row.share), &path("share")),
            Cell::count(row.pods, &path("pods")),
            Cell::count(row.nodes, &path("nodes")),
            Cell::money(currency, row.list_hour.money(), &path("list_hour")),
            Cell::text(nodes.collect::<Vec<_>>().join(", ")).class("small"),
        ]);
    }
    table
}

/// Load-duration curves of the likeliest scenario, cut where the chosen commitment begins to pay.
fn curves(report: &PlanReport, over: &OverTime) -> Option<Figure> {
    let likeliest = over.scenarios.iter().rev().max_by_key(|s| s.weight).map(|s| s.name.as_str());
    let rows: Vec<(usize, &LoadRow)> =
        over.load.iter().enumerate().filter(|(_, row)| Some(row.scenario.as_str()) == likeliest).collect();
    let most = rows.iter().map(|(_, row)| row.cpu).max().filter(|&cpu| cpu > 0)?;
    let currency = Currency::new(&report.catalog.currency);
    let mut table = Table::new(
        "For how many hours a family runs how much at least",
        &["Family", "#vCPU", "#Nodes", "#An hour", "#Hours", "#Share"],
    );
    let tints = [Tint::Plan, Tint::Reserved, Tint::Headroom, Tint::Other, Tint::Agents, Tint::Before];
    let (mut curves, mut keys): (Vec<Line>, Vec<Key>) = (Vec::new(), Vec::new());
    let mut family: Option<&str> = None;
    for (index, row) in rows {
        let y = Ratio::of(row.cpu, most).map_or(0.0, on_paper);
        let x = on_paper(row.share) * 100.0;
        if family != Some(&row.family) {
            family = Some(&row.family);
            let tint = tints[curves.len() % tints.len()];
            keys.push(key(tint, &row.family));
            let dashed = curves.len() % 2 == 1;
            curves.push(Line { tint, points: vec![(0.0, y)], filled: false, dashed, dots: Vec::new() });
        }
        if let Some(curve) = curves.last_mut() {
            let before = curve.points.last().map_or(0.0, |point| point.0);
            curve.points.extend([(before, y), (x, y)]);
        }
        let path = |field: &str| format!("/over_time/load/{index}/{field}");
        table.row(vec![
            Cell::text(&row.family),
            Cell::number(MilliCpu(row.cpu).to_string()),
            Cell::count(row.nodes, &path("nodes")),
            Cell::money(currency, row.list_hour.money(), &path("list_hour")),
            Cell::count(row.hours, &path("hours")),
            Cell::share(Some(row.share), &path("share")),
        ]);
    }
    for curve in &mut curves {
        let end = curve.points.last().map_or(0.0, |point| point.0);
        curve.points.push((end, 0.0));
    }
    if let [curve] = &mut curves[..] {
        curve.filled = true;
    }
    let chosen = report.purchase_options.iter().find(|row| row.selected);
    let cut = chosen.and_then(|row| row.break_even_utilization).map(|least| Mark {
        x: on_paper(least) * 100.0,
        label: format!("commitments pay from {}", percent(least)),
    });
    let caption = match chosen.filter(|_| cut.is_some()) {
        Some(row) => format!(
            "What runs in more of the hours than the cut line is cheaper under {}; what ends left of it is \
             cheaper on demand.",
            clean(&row.label)
        ),
        None => "How much runs, in how many of the hours.".to_owned(),
    };
    let marks: Vec<Mark> = cut.into_iter().collect();
    #[allow(clippy::cast_precision_loss, reason = "figures of an axis")]
    let cores = move |y: f64| format!("{:.0} vCPU", y * most as f64 / 1_000.0);
    let axes = Axes {
        x: (0.0, 100.0),
        y: (0.0, 1.06),
        x_title: "share of the hours",
        x_words: &|x| format!("{x:.0} %"),
        x_ticks: &[],
        y_words: &cores,
    };
    Some(Figure::new("load-duration", "Load-duration curves", &caption, keys, table, |size| {
        lines(size, "For which share of the hours each family runs how many cores.", &axes, &curves, &marks)
    }))
}
