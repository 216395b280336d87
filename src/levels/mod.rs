//! Demand over time as few levels, and a fleet for each whose nodes are added and removed, not swapped.
//!
//! `compress` merges hours into levels that cover them; `pack` packs each level on nodes that the levels
//! share, and has every plan verified; `within` says which pods limits of node pools leave out.

mod compress;
mod pack;
mod within;

pub use compress::{Level, Levels, compress};
pub use pack::{
    Direction, Inputs, LevelPlan, NodeKind, PackError, Packed, PoolOf, directions, nothing_changed, pack,
    pack_from, values,
};

use crate::bill::{NodeUsage, Scenario, SeriesRates, SizeRatios, UsageError, UsageLine, charge_periods};
use crate::catalog::{Catalog, Provider};
use crate::demand::Timeline;
use crate::units::Rate;

/// The nodes of each hour in each scenario, for bills and purchases; in calendar months where the
/// first day is known.
///
/// # Errors
/// None in fact, for every hour has a level and every level counts every kind of node.
pub fn usage<'a>(
    packed: &Packed,
    levels: &Levels,
    timeline: &Timeline,
    catalog: &'a Catalog,
    ratios: &SizeRatios,
) -> Result<Vec<Scenario<'a>>, UsageError> {
    // What is billed alike is one line, whatever the pool.
    let billed =
        |kind: &NodeKind| (kind.catalog_type, kind.is_spot(), kind.zone.clone(), kind.surcharge(catalog));
    let mut keys: Vec<(usize, bool, Option<String>, Rate)> = packed.kinds.iter().map(billed).collect();
    keys.sort();
    keys.dedup();
    let series = SeriesRates::of(catalog, |machine| Some(machine.on_demand.rate));
    let lines: Vec<UsageLine<'a>> = keys
        .iter()
        .map(|(catalog_type, spot, zone, surcharge)| {
            let machine = &catalog.types[*catalog_type];
            let by_resource =
                (catalog.provider == Provider::Gcp).then(|| series.split(machine, machine.on_demand.rate));
            let line = UsageLine::new(machine).with_components(by_resource);
            let pool = ratios.pool(&line);
            let mut line = UsageLine::spot(machine).filter(|_| *spot).unwrap_or(line.in_pool(pool));
            line.zone.clone_from(zone);
            line.surcharge = *surcharge;
            line
        })
        .collect();
    let line_of: Vec<usize> = packed
        .kinds
        .iter()
        .map(|kind| keys.binary_search(&billed(kind)).expect("every kind has its line"))
        .collect();
    let slots: Vec<Vec<u64>> = packed
        .levels
        .iter()
        .map(|level| {
            let mut nodes = vec![0; lines.len()];
            level.nodes.iter().zip(&line_of).for_each(|(n, &line)| nodes[line] += n);
            nodes
        })
        .collect();
    timeline
        .scenarios
        .iter()
        .map(|s| {
            let hours = s.hours.iter().map(|&state| levels.of_state[state as usize]).collect();
            let mut usage = NodeUsage::new(lines.clone(), slots.clone(), hours)?;
            if let Some(months) = months(timeline, usage.len()) {
                usage = usage.with_months(months)?;
            }
            Ok(Scenario { name: s.scenario.name.clone(), weight: s.scenario.weight, usage })
        })
        .collect()
}

/// The lengths of the calendar months that so many hours of a timeline lie in.
fn months(timeline: &Timeline, hours: u32) -> Option<Vec<u32>> {
    let first = timeline.start?.to_string();
    let periods = charge_periods(&first, u64::from(hours)).ok()?;
    periods.iter().map(|period| u32::try_from(period.hours).ok()).collect()
}
