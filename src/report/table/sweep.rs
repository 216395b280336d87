//! A sweep as one table: a row per point, with bars of what it costs.

use super::draw::{Draw, Tone};
use super::grid::{Column, Grid};
use super::{count, signed_percent, tone_of};
use crate::bill::Ratio;
use crate::report::RenderOptions;
use crate::report::number::{Currency, gap_percent, grouped};
use crate::report::sweep::{SweepPoint, SweepReport};
use crate::units::Money;

/// Columns of the bars at most.
const WIDEST_BAR: usize = 24;

/// Renders the table, then what its marks mean and what has no plan.
pub fn render(report: &SweepReport, options: &RenderOptions) -> String {
    let draw = Draw::new(options);
    let title = format!("Sweep of {}", draw.clean(&report.name));
    let mut out = format!("{}\n", draw.paint(&title, Tone::Title));
    out += &points(report, &draw);
    for line in remarks(report) {
        out += &draw.hanging("  ", &draw.clean(&line));
    }
    for point in &report.points {
        if let Some(why) = &point.failure {
            let text = format!("{}: {why}", report.name_of(point));
            out += &draw.hanging("  - ", &draw.clean(&text));
        }
    }
    out
}

fn points(report: &SweepReport, draw: &Draw) -> String {
    let taken = || report.points.iter().filter_map(|point| point.taken.as_ref());
    let widest = grid(report, draw, true, 0);
    // A column less where the terminal is narrow; every figure is in JSON and CSV.
    let committed =
        report.commits() || taken().any(|t| t.committed_month.is_some()) && draw.fits(widest.width());
    // What is left of the line is for bars.
    let spare = draw.spare(grid(report, draw, committed, 0).width() + 2);
    grid(report, draw, committed, spare.min(WIDEST_BAR)).render(draw)
}

fn grid(report: &SweepReport, draw: &Draw, committed: bool, bar: usize) -> Grid {
    let taken = || report.points.iter().filter_map(|point| point.taken.as_ref());
    let months = || taken().map(|t| t.cost_month.money());
    let longest = || taken().map(|t| t.decides(report.commits())).max();
    let currency = Currency::new(&report.currency).aligned(months());
    let mut columns: Vec<Column> = report.axes.iter().map(|axis| Column::shrinking(&axis.name)).collect();
    columns.extend(["Month", "Change", "Step"].map(Column::right));
    if committed {
        columns.push(Column::right("Committed"));
    }
    columns.extend(["Gap", "Nodes", "Types"].map(Column::right));
    columns.push(Column::left(""));
    let mark = if draw.ascii { "*" } else { "◆" };
    let cells =
        |point: &SweepPoint| {
            let mut cells: Vec<String> = point.values.iter().map(|value| draw.clean(value)).collect();
            let Some(taken) = &point.taken else {
                cells.push(draw.paint("no plan", Tone::Bad));
                cells.resize(columns.len(), String::new());
                return cells;
            };
            let month = taken.cost_month.money();
            cells.push(currency.short(month));
            cells.push(taken.change_first.map_or(String::new(), |change| {
                draw.paint(&signed_percent(change), tone_of(change.negated()))
            }));
            cells.push(taken.change_step_month.map_or(String::new(), |change| signed(currency, change)));
            if committed {
                cells.push(taken.committed_month.map_or(String::new(), |cost| currency.short(cost.money())));
            }
            cells.push(taken.gap.map_or(String::new(), gap_percent));
            cells.push(grouped(taken.nodes));
            cells.push(grouped(taken.instance_types));
            let mark = if taken.frontier { mark } else { " " };
            let decides = taken.decides(report.commits());
            let share = Ratio::of_money(decides, longest().unwrap_or(decides)).unwrap_or(Ratio::ZERO);
            cells.push(match (draw.plain, bar) {
                (true, _) | (_, 0) => mark.trim_end().to_owned(),
                (false, bar) => format!("{mark} {}", draw.bar(share, bar, None)),
            });
            cells
        };
    let mut grid = Grid::new(columns.clone());
    report.points.iter().for_each(|point| grid.row(cells(point)));
    grid
}

/// `+$12.00`.
fn signed(currency: Currency<'_>, change: Money) -> String {
    let sign = if change > Money::ZERO { "+" } else { "" };
    format!("{sign}{}", currency.short(change))
}

fn remarks(report: &SweepReport) -> Vec<String> {
    let mut lines = vec![format!("Marked: {}.", report.frontier_in_words())];
    lines.push("Change: against the first point; Step: against the row above.".to_owned());
    if report.commits() {
        lines.push(
            "Both, and what is marked, are of the committed cost: with the purchases proposed.".to_owned(),
        );
    }
    lines.extend(report.carried_in_words());
    let left_out: u64 =
        report.points.iter().filter_map(|p| p.found.as_ref()).map(|f| f.pods_left_out).max().unwrap_or(0);
    if left_out > 0 {
        lines.push(format!("Up to {} fit nowhere; see pods_left_out in -f csv.", count(left_out, "pod")));
    }
    if !report.complete {
        lines.push(
            "Stopped before all points were done; the same command goes on from an -o file.".to_owned(),
        );
    }
    lines
}
