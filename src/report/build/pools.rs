//! The pools of a plan, and both forms of plan side by side.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::placed::Placed;
use crate::bill::{ListCost, Ratio};
use crate::catalog::Catalog;
use crate::formulate::{Legend, is_spot_label, pool_name};
use crate::plan::{LowerBound, Plan};
use crate::report::view::{FormRow, Forms, PlannedPool, ZoneNodes};
use crate::units::{HOURS_PER_MONTH, Money, Rate};
use crate::verify::VerifiedPlan;
use crate::workload::WorkloadSet;

/// What a plan has in one pool. Names are index into the catalog's types and into the legend's pools.
#[derive(Debug, Default)]
pub(super) struct PoolFacts {
    pub nodes: u64,
    pub zones: BTreeMap<String, u64>,
    pub pods: u64,
    pub rate: Rate,
    /// Index into the set's workloads.
    pub workloads: BTreeSet<usize>,
}

/// The name of a pool in every table.
pub(super) fn name(catalog: &Catalog, legend: &Legend, (catalog_type, node_pool): (usize, usize)) -> String {
    pool_name(&catalog.types[catalog_type].name, &legend.pools[node_pool].name)
}

/// The pools of a plan, the dearest first.
pub(super) fn rows(
    workloads: &WorkloadSet,
    catalog: &Catalog,
    legend: &Legend,
    placed: &Placed<'_>,
) -> Vec<PlannedPool> {
    let mut rows: Vec<PlannedPool> = placed
        .pools
        .iter()
        .map(|(&key, facts)| {
            let node_pool = &legend.pools[key.1];
            PlannedPool {
                pool: name(catalog, legend, key),
                instance_type: catalog.types[key.0].name.clone(),
                node_pool: Some(node_pool.name.clone()).filter(|name| !name.is_empty()),
                // Whoever makes spot nodes labels them as such.
                labels: node_pool
                    .labels
                    .iter()
                    .filter(|(key, _)| node_pool.spot.is_none() || !is_spot_label(key))
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect(),
                taints: node_pool.taints.iter().map(ToString::to_string).collect(),
                spot: node_pool.spot.is_some(),
                nodes: facts.nodes,
                zones: facts
                    .zones
                    .iter()
                    .map(|(zone, &nodes)| ZoneNodes { zone: zone.clone(), nodes })
                    .collect(),
                pods: facts.pods,
                list_rate: facts.rate,
                list_month: ListCost::new(month(facts.rate.for_hours(facts.nodes))),
                workloads: facts.workloads.iter().map(|&w| workloads.workloads[w].id.to_string()).collect(),
            }
        })
        .collect();
    rows.sort_by_key(|row| Reverse(row.list_month));
    rows
}

/// By workload, the pool that it lies in whole.
pub(super) fn whole_in(catalog: &Catalog, legend: &Legend, placed: &Placed<'_>) -> BTreeMap<usize, String> {
    let mut lies_in: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    for (&key, facts) in &placed.pools {
        facts.workloads.iter().for_each(|&w| lies_in.entry(w).or_default().push(key));
    }
    let whole = |(w, keys): (usize, Vec<(usize, usize)>)| match keys[..] {
        [key] => Some((w, name(catalog, legend, key))),
        _ => None,
    };
    lies_in.into_iter().filter_map(whole).collect()
}

/// Both forms under one bound.
pub(super) fn forms(
    (free_legend, free): (&Legend, &VerifiedPlan),
    (pooled_legend, pooled): (&Legend, &VerifiedPlan),
    bound: &LowerBound,
) -> Forms {
    let (free, pooled) = (row(free_legend, free, bound), row(pooled_legend, pooled, bound));
    let premium = (pooled.list_hour - free.list_hour).money();
    Forms {
        premium_month: month(premium),
        premium: Ratio::of_money(premium, free.list_hour.money()),
        free,
        pooled,
    }
}

fn row(legend: &Legend, plan: &VerifiedPlan, bound: &LowerBound) -> FormRow {
    let pools: BTreeSet<(usize, usize)> = used(legend, plan.plan()).collect();
    let cost = plan.hourly_cost();
    FormRow {
        nodes: u64::try_from(plan.plan().bin_count()).unwrap_or(u64::MAX),
        pools: pools.len() as u64,
        list_hour: ListCost::new(cost),
        list_month: ListCost::new(month(cost)),
        gap: Ratio::gap(cost, bound.value),
    }
}

fn used<'a>(legend: &'a Legend, plan: &'a Plan) -> impl Iterator<Item = (usize, usize)> + 'a {
    plan.bins().map(|(pattern, _)| {
        let node = &legend.nodes[pattern.bin_type().index()];
        (node.catalog_type, node.pool)
    })
}

fn month(hour: Money) -> Money {
    hour.checked_mul(i128::from(HOURS_PER_MONTH)).expect("no bill comes near 10^29 dollars")
}
