//! Spot nodes: what they save, and what it costs when they are taken away.

use super::count;
use super::draw::Draw;
use super::grid::{Column, Grid};
use crate::report::number::{Currency, grouped, percent};
use crate::report::view::PlanReport;

/// The section on spot nodes; nothing where no pod may lie on one.
pub(super) fn spot(report: &PlanReport, draw: &Draw) -> String {
    let Some(spot) = &report.spot else { return String::new() };
    let currency = Currency::new(&report.catalog.currency);
    let mut body = String::new();
    if spot.nodes > 0 {
        let columns = vec![
            Column::shrinking("Type"),
            Column::right("Nodes"),
            Column::right("Pods"),
            Column::right("Spot"),
            Column::right("On demand"),
            Column::left("Interrupted"),
        ];
        let mut grid = Grid::new(columns);
        for row in &spot.types {
            grid.row(vec![
                draw.clean(&row.instance_type),
                grouped(row.nodes),
                grouped(row.pods),
                currency.rate(row.spot_rate.for_one_hour()),
                currency.rate(row.on_demand_rate.for_one_hour()),
                row.interruption.map_or_else(|| "unknown".to_owned(), |band| band.to_string()),
            ]);
        }
        body += &grid.render(draw);
    }
    let mut lines = vec![format!(
        "Of {} that may lie on spot nodes {} do, on {}: {} a month instead of {} on demand (saves {}).",
        count(spot.pods_allowed, "pod"),
        grouped(spot.pods),
        count(spot.nodes, "node"),
        currency.short(spot.spot_month.money()),
        currency.short(spot.on_demand_month.money()),
        currency.short(spot.saving_month),
    )];
    if spot.nodes > 0 {
        lines.push(format!(
            "If all of it is taken away and replaced on demand, the plan costs {} a month.",
            currency.short(spot.fallback_month.money())
        ));
        let share = spot.largest_share.map(percent).unwrap_or_default();
        lines.push(format!(
            "{}; one of them holds {share} of the pods on spot nodes at most.",
            count(spot.instance_types, "type"),
        ));
    }
    if spot.nodes_band_unknown > 0 {
        lines.push(
            "How often these types are interrupted is not in the catalog (spot_interruption).".to_owned(),
        );
    }
    if spot.types_without_rate > 0 {
        let types = count(spot.types_without_rate, "allowed type");
        let have = if spot.types_without_rate == 1 { "has" } else { "have" };
        lines.push(format!("{types} {have} no spot rate, and so no spot nodes."));
    }
    body.extend(lines.iter().map(|line| draw.hanging("  ", line)));
    draw.section("Spot", "rates are averages of the region and move by the hour", &body)
}
