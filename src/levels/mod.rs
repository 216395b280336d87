//! Demand over time as few levels, and a fleet for each whose nodes are added and removed, not swapped.
//!
//! `compress` merges hours into levels that cover them; `pack` packs each level on nodes that the levels
//! share, and has every plan verified.

mod compress;
mod pack;

pub use compress::{Level, Levels, compress};
pub use pack::{
    Direction, Inputs, LevelPlan, NodeKind, PackError, Packed, PoolOf, directions, nothing_changed, pack,
    pack_from, values,
};

use crate::bill::{NodeUsage, Scenario, SeriesRates, UsageError, UsageLine};
use crate::catalog::{Catalog, Provider};
use crate::demand::Timeline;
use crate::units::Rate;

/// The nodes of each hour in each scenario, for bills and purchases.
///
/// # Errors
/// None in fact, for every hour has a level and every level counts every kind of node.
pub fn usage<'a>(
    packed: &Packed,
    levels: &Levels,
    timeline: &Timeline,
    catalog: &'a Catalog,
) -> Result<Vec<Scenario<'a>>, UsageError> {
    // What is billed alike is one line, whatever the pool.
    let billed = |kind: &NodeKind| (kind.catalog_type, kind.zone.clone(), kind.surcharge(catalog));
    let mut keys: Vec<(usize, Option<String>, Rate)> = packed.kinds.iter().map(billed).collect();
    keys.sort();
    keys.dedup();
    let series = SeriesRates::of(catalog, |machine| Some(machine.on_demand.rate));
    let lines: Vec<UsageLine<'a>> = keys
        .iter()
        .map(|(catalog_type, zone, surcharge)| {
            let machine = &catalog.types[*catalog_type];
            let by_resource =
                (catalog.provider == Provider::Gcp).then(|| series.split(machine, machine.on_demand.rate));
            let mut line = UsageLine::new(machine).with_components(by_resource);
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
            Ok(Scenario {
                name: s.scenario.name.clone(),
                weight: s.scenario.weight,
                usage: NodeUsage::new(lines.clone(), slots.clone(), hours)?,
            })
        })
        .collect()
}
