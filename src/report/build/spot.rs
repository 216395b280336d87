//! The spot nodes of a plan, and the price of doing without.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::placed::Placed;
use crate::bill::{ListCost, Ratio};
use crate::catalog::Catalog;
use crate::formulate::Legend;
use crate::report::view::{SpotReport, SpotTypeRow, SpotWorkloadRow};
use crate::units::{HOURS_PER_MONTH, Money, Rate};
use crate::workload::{WorkloadId, WorkloadSet};

/// The spot part of a plan; nothing where no pod may lie on spot nodes.
pub(super) fn report(
    set: &WorkloadSet,
    catalog: &Catalog,
    legend: &Legend,
    placed: &Placed<'_>,
) -> Option<SpotReport> {
    let parts = || set.workloads.iter().filter(|w| w.pod.rules.spot.is_some());
    parts().next()?;
    let whole = |id: &WorkloadId| WorkloadId { name: id.whole_name().to_owned(), ..id.clone() };
    let ids: BTreeMap<String, WorkloadId> =
        set.workloads.iter().map(|w| (w.id.to_string(), whole(&w.id))).collect();

    let (mut spot, mut on_demand) = (Money::ZERO, Money::ZERO);
    let mut types: BTreeMap<usize, SpotTypeRow> = BTreeMap::new();
    let mut on_types: BTreeMap<&WorkloadId, BTreeMap<usize, u64>> = BTreeMap::new();
    for group in placed.groups.iter().filter(|group| group.spot) {
        let machine = &catalog.types[group.catalog_type];
        let base = machine.spot.as_ref().map_or(machine.on_demand.rate, |listed| listed.rate);
        let beside = group.rate.nanos() - base.nanos();
        let instead = Rate::from_nanos(machine.on_demand.rate.nanos() + beside);
        spot = spot + group.rate.for_hours(group.nodes);
        on_demand = on_demand + instead.for_hours(group.nodes);
        let row = types.entry(group.catalog_type).or_insert_with(|| SpotTypeRow {
            instance_type: machine.name.clone(),
            nodes: 0,
            pods: 0,
            spot_rate: base,
            on_demand_rate: machine.on_demand.rate,
            interruption: machine.interruption,
        });
        row.nodes += group.nodes;
        row.pods += group.nodes * group.pods_per_node;
        for lying in &group.pods {
            let pods = on_types.entry(&ids[&lying.workload]).or_default();
            *pods.entry(group.catalog_type).or_default() += lying.pods * group.nodes;
        }
    }
    let mut workloads: BTreeMap<&WorkloadId, SpotWorkloadRow> = BTreeMap::new();
    for part in parts() {
        let id = &ids[&part.id.to_string()];
        let rule = part.pod.rules.spot.expect("only such are looked at");
        let lying = on_types.get(id);
        workloads.entry(id).or_insert_with(|| SpotWorkloadRow {
            workload: id.to_string(),
            pods: rule.of,
            allowed: rule.share.floor_of(rule.of),
            on_spot: lying.map_or(0, |pods| pods.values().sum()),
            most_on_one_type: lying.and_then(|pods| pods.values().copied().max()).unwrap_or(0),
        });
    }
    let mut rows: Vec<SpotTypeRow> = types.into_values().collect();
    rows.sort_by_key(|row| Reverse(row.spot_rate.for_hours(row.nodes)));
    let nodes: u64 = rows.iter().map(|row| row.nodes).sum();
    let pods: u64 = rows.iter().map(|row| row.pods).sum();
    let all: Money = placed.groups.iter().map(|group| group.rate.for_hours(group.nodes)).sum();
    let month = |hour: Money| hour.checked_mul(i128::from(HOURS_PER_MONTH)).expect("no bill reaches 10^29");
    let unknown = rows.iter().filter(|row| row.interruption.is_none());
    let mut offered: Vec<usize> = legend.nodes.iter().map(|node| node.catalog_type).collect();
    offered.dedup();
    let without = offered.iter().filter(|&&t| catalog.types[t].spot.is_none());
    Some(SpotReport {
        nodes,
        instance_types: rows.len() as u64,
        pods,
        pods_allowed: workloads.values().map(|row| row.allowed).sum(),
        spot_month: ListCost::new(month(spot)),
        on_demand_month: ListCost::new(month(on_demand)),
        saving_month: month(on_demand - spot),
        fallback_month: ListCost::new(month(all - spot + on_demand)),
        largest_share: Ratio::of(rows.iter().map(|row| row.pods).max().unwrap_or(0), pods),
        nodes_band_unknown: unknown.map(|row| row.nodes).sum(),
        types_without_rate: without.count() as u64,
        types: rows,
        workloads: workloads.into_values().collect(),
    })
}
