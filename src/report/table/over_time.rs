//! Demand over time: levels, their nodes, and load-duration curves.

use super::draw::Draw;
use super::grid::{Column, Grid};
use super::{count, signed_percent};
use crate::bill::Ratio;
use crate::report::number::{Currency, grouped, percent};
use crate::report::view::{LoadRow, OverTime, PackedFrom, PlanReport};

pub(super) fn over_time(report: &PlanReport, draw: &Draw) -> String {
    let Some(over) = &report.over_time else { return String::new() };
    let currency = Currency::new(&report.catalog.currency);
    let mut grid = Grid::new(vec![
        Column::right("Level"),
        Column::right("Hours"),
        Column::right("Share"),
        Column::right("Pods"),
        Column::right("Nodes"),
        Column::right("Hour"),
        Column::shrinking("Which"),
    ]);
    for row in &over.levels {
        let which: Vec<String> = row
            .types
            .iter()
            .filter(|t| t.nodes > 0)
            .map(|t| format!("{} {}", t.nodes, draw.clean(&t.pool)))
            .collect();
        grid.row(vec![
            row.level.to_string(),
            hours(over, &row.hours, row.share),
            percent(row.share),
            grouped(row.pods),
            grouped(row.nodes),
            currency.cents(row.list_hour.money()),
            which.join(", "),
        ]);
    }
    let cut = !draw.fits(grid.width());
    let mut body = grid.render(draw);
    if cut {
        body.push_str(
            &draw.hanging("  ", "The nodes of every level in full: --plain, or -f csv --table levels."),
        );
    }
    let from = match over.direction {
        PackedFrom::BottomUp => {
            "the least level up: each level has the nodes of those below and adds to them"
        }
        PackedFrom::TopDown => "the highest level down: each level removes nodes of the level above",
    };
    body.push_str(&draw.hanging("  ", &format!("Packed from {from}.")));
    let waste = over.waste.map(|w| format!("; these hold {} more than the hours need", percent(w)));
    body.push_str(&draw.hanging(
        "  ",
        &format!(
            "{} of demand in {}{}.",
            count(over.states, "distinct state"),
            count(over.levels.len() as u64, "level"),
            waste.unwrap_or_default()
        ),
    ));
    let change = Ratio::of_money(over.list.money() - over.peak_list.money(), over.peak_list.money());
    body.push_str(&draw.hanging(
        "  ",
        &format!(
            "On demand {} for these hours; a fleet for every peak at all hours ({}) {}{}.",
            currency.short(over.list.money()),
            count(over.peak_nodes, "node"),
            currency.short(over.peak_list.money()),
            change.map(|c| format!(": {}", signed_percent(c))).unwrap_or_default(),
        ),
    ));
    if over.scenarios.len() > 1 {
        for s in &over.scenarios {
            let text = format!(
                "{}: weight {}, {} of the replicas, {} on demand",
                draw.clean(&s.name),
                percent(s.weight),
                percent(s.share),
                currency.short(s.list.money())
            );
            body.push_str(&draw.hanging("  - ", &text));
        }
    }
    let title = match &over.start {
        Some(start) => format!("{} hours from {start}, UTC", grouped(over.hours)),
        None => format!("{} hours from a Monday, 1 January, UTC", grouped(over.hours)),
    };
    let mut out = draw.section("Demand over time", &title, &body);
    out.push('\n');
    out.push_str(&curves(report, over, draw));
    out
}

/// Hours of one scenario; of several, by weight.
fn hours(over: &OverTime, hours: &[u64], share: Ratio) -> String {
    match hours {
        [hours] => grouped(*hours),
        _ => {
            let nanos = share.nanos().unsigned_abs() * u128::from(over.hours);
            grouped((nanos + 500_000_000) / 1_000_000_000)
        }
    }
}

fn curves(report: &PlanReport, over: &OverTime, draw: &Draw) -> String {
    let currency = Currency::new(&report.catalog.currency);
    // Of several scenarios the likeliest; all are in JSON and CSV.
    let likeliest = over.scenarios.iter().rev().max_by_key(|s| s.weight).map(|s| s.name.as_str());
    let rows: Vec<&LoadRow> =
        over.load.iter().filter(|row| Some(row.scenario.as_str()) == likeliest).collect();
    let bare = curve_grid(&rows, draw, currency, 0);
    let bar = draw.spare(bare.width() + 2).min(30);
    let grid = curve_grid(&rows, draw, currency, if bar < 6 { 0 } else { bar });
    let scenario = match over.scenarios.len() {
        1 => String::new(),
        _ => format!("; scenario {}", draw.clean(likeliest.unwrap_or_default())),
    };
    let subtitle = format!("for how many hours a family runs how much at least{scenario}");
    draw.section("Load-duration curves", &subtitle, &grid.render(draw))
}

fn curve_grid(rows: &[&LoadRow], draw: &Draw, currency: Currency<'_>, bar: usize) -> Grid {
    let columns = vec![
        Column::left("Family"),
        Column::right("vCPU"),
        Column::right("Nodes"),
        Column::right("Hour"),
        Column::right("Hours"),
        Column::right("Share"),
        Column::left(""),
    ];
    let mut grid = Grid::new(columns);
    let mut before: Option<&LoadRow> = None;
    for &row in rows {
        let first = draw.plain || before.is_none_or(|b| b.family != row.family);
        before = Some(row);
        grid.row(vec![
            if first { draw.clean(&row.family) } else { String::new() },
            crate::units::MilliCpu(row.cpu).to_string(),
            grouped(row.nodes),
            currency.cents(row.list_hour.money()),
            grouped(row.hours),
            percent(row.share),
            draw.bar(row.share, bar, None),
        ]);
    }
    grid
}
