//! Nodes beyond the plan: as few as leave no pod pending.

use std::cmp::Reverse;

use super::ExtraNodes;
use super::trials::Trials;
use crate::replay::cluster::Cluster;
use crate::replay::{Run, Settings};
use crate::units::Money;

/// Rounds of adding nodes before giving up; each adds at least half of what was added before.
const MOST_ROUNDS: usize = 16;

/// With as few further nodes as leave nothing pending, pool by pool; unchanged where none help. Where limits allow
/// fewer, as few as leave no more pending than all that they allow.
pub(super) fn with_extra(cluster: &Cluster, settings: &Settings, trials: &Trials) -> Cluster {
    let grown = |extra: &[u64]| {
        let pools = extra.iter().enumerate().filter(|&(_, &count)| count > 0);
        pools.fold(cluster.clone(), |grown, (pool, &count)| grown.with_more(pool, count))
    };
    let pending = |runs: &[Run]| -> u64 { runs.iter().map(Run::pending_pods).sum() };
    let mut extra = vec![0u64; cluster.pools.len()];
    let mut begun = None;
    let mut left = 0;
    for round in 0.. {
        let now = grown(&extra);
        let runs = trials.replay(&now, settings);
        left = pending(&runs);
        begun = begun.or(Some(left));
        if left == 0 {
            break;
        }
        let missing = missing(&now, &runs);
        let mut room = now.clone();
        for (pool, nodes) in missing.into_iter().enumerate().filter(|&(_, nodes)| nodes > 0) {
            let more = nodes.max(extra[pool] / 2).min(room.may_add(pool));
            if more > 0 {
                room = room.with_more(pool, more);
                extra[pool] += more;
            }
        }
        let stuck = room.nodes.len() == now.nodes.len();
        if stuck && left < begun.unwrap_or(0) && !cluster.limits.is_empty() {
            break;
        }
        if stuck || round == MOST_ROUNDS {
            return cluster.clone();
        }
    }
    let suffice = |cluster: &Cluster| match left {
        0 => settings.profiles.iter().all(|&profile| trials.settles(cluster, profile)),
        left => pending(&trials.replay(cluster, settings)) <= left,
    };
    // Dear pools first: a node less there saves most.
    let mut pools: Vec<usize> = (0..extra.len()).filter(|&p| extra[p] > 0).collect();
    pools.sort_by_key(|&p| Reverse(cluster.pools[p].rate));
    for pool in pools {
        // From none, taken to be too few until shown otherwise, to what is known to suffice.
        let (mut least, mut most) = (0, extra[pool]);
        while least < most {
            extra[pool] = least + (most - least) / 2;
            if suffice(&grown(&extra)) { most = extra[pool] } else { least = extra[pool] + 1 }
        }
        extra[pool] = most;
    }
    grown(&extra)
}

/// What the nodes would cost that hold what stays pending in the worst run, if it were poured in.
pub(super) fn shortfall(cluster: &Cluster, settings: &Settings, trials: &Trials) -> Money {
    let missing = missing(cluster, &trials.replay(cluster, settings));
    missing.iter().zip(&cluster.pools).map(|(&nodes, pool)| pool.rate.for_hours(nodes)).sum()
}

/// Nodes of each pool that would hold what stays pending in the worst run, if it were poured in.
fn missing(cluster: &Cluster, runs: &[Run]) -> Vec<u64> {
    let mut worst = vec![0u64; cluster.pools.len()];
    for run in runs {
        let mut amounts = vec![vec![0u128; cluster.resources.len()]; cluster.pools.len()];
        for &(w, pods) in &run.pending {
            if let Some(pool) = cheapest(cluster, w) {
                for (sum, &amount) in amounts[pool].iter_mut().zip(&cluster.workloads[w].requests) {
                    *sum += u128::from(amount) * u128::from(pods);
                }
            }
        }
        for (pool, amounts) in amounts.iter().enumerate() {
            let room = room(cluster, pool);
            let nodes = amounts.iter().zip(room).filter(|&(&amount, _)| amount > 0);
            let nodes = nodes.map(|(&amount, room)| amount.div_ceil(u128::from(room.max(1)))).max();
            worst[pool] = worst[pool].max(u64::try_from(nodes.unwrap_or(0)).unwrap_or(u64::MAX));
        }
    }
    worst
}

/// The cheapest pool whose nodes may hold a pod of a workload, and of which there may be more.
fn cheapest(cluster: &Cluster, workload: usize) -> Option<usize> {
    let w = &cluster.workloads[workload];
    let fits = |&pool: &usize| {
        w.rules.pools.as_ref().is_none_or(|pools| pools[pool])
            && w.requests.iter().zip(room(cluster, pool)).all(|(&amount, room)| amount <= room)
            && cluster.may_add(pool) > 0
    };
    (0..cluster.pools.len()).filter(fits).min_by_key(|&pool| cluster.pools[pool].rate)
}

fn room(cluster: &Cluster, pool: usize) -> impl Iterator<Item = u64> + '_ {
    let pool = &cluster.pools[pool];
    pool.allocatable.iter().zip(&pool.taken).map(|(&all, &taken)| all.saturating_sub(taken))
}

/// What one cluster has beyond another one of the same pools.
pub(in crate::replay) fn extra_nodes(planned: &Cluster, grown: &Cluster) -> Vec<ExtraNodes> {
    let counts = planned.nodes_by_pool().into_iter().zip(grown.nodes_by_pool()).enumerate();
    counts
        .filter(|&(_, (before, after))| after > before)
        .map(|(pool, (before, after))| {
            let nodes = after - before;
            ExtraNodes { pool, nodes, cost: planned.pools[pool].rate.for_hours(nodes) }
        })
        .collect()
}
