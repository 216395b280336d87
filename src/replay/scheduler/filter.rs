//! The filters beside resources: pools and zones, pod affinity and anti-affinity, topology spread.

use super::Scheduler;
use crate::replay::cluster::Rules;

/// What holds for all nodes in one cycle, so that it is counted once.
pub(super) struct Reach {
    /// Per constraint of the workload, the fewest matching pods in a domain.
    fewest: Vec<u64>,
    /// Whether the pod may be the first of its required affinities, per rule on nodes and in zones.
    first_on_node: Vec<bool>,
    first_in_zone: Vec<bool>,
}

/// Whether there is anything to look at beside resources.
pub(super) fn has_rules(rules: &Rules) -> bool {
    let Rules {
        pools,
        zones,
        max_per_node,
        apart_on_node,
        apart_in_zone,
        near_on_node,
        near_in_zone,
        spread,
        own_spread: _,
    } = rules;
    pools.is_some()
        || zones.is_some()
        || max_per_node.is_some()
        || !apart_on_node.is_empty()
        || !apart_in_zone.is_empty()
        || !near_on_node.is_empty()
        || !near_in_zone.is_empty()
        || !spread.is_empty()
}

impl Scheduler<'_> {
    /// Counts what the rules of a workload need to know of the whole cluster.
    pub(super) fn reach(&self, workload: usize) -> Reach {
        let rules = &self.cluster.workloads[workload].rules;
        let (nodes, zones) = (self.nodes.len(), self.cluster.zones.len());
        let fewest = rules
            .spread
            .iter()
            .map(|spread| {
                // Only domains with a node that the pod's node rules allow count.
                let mut eligible = (0..nodes).filter(|&n| self.may_use(workload, n));
                let counts: Vec<u64> = if spread.zones {
                    let mut there = vec![false; zones];
                    eligible.for_each(|n| there[self.nodes[n].zone] = true);
                    (0..zones).filter(|&z| there[z]).map(|z| self.in_zone_of(&spread.counts, z)).collect()
                } else {
                    eligible.by_ref().map(|n| self.on_node_of(&spread.counts, n)).collect()
                };
                match spread.min_domains {
                    Some(least) if (counts.len() as u64) < least => 0,
                    _ => counts.into_iter().min().unwrap_or(0),
                }
            })
            .collect();
        // The first pod of a group that selects itself goes anywhere, as long as none of it runs.
        let first = |groups: &[Vec<usize>]| -> Vec<bool> {
            let runs = |group: &[usize]| (0..zones).any(|z| self.in_zone_of(group, z) > 0);
            groups.iter().map(|group| group.contains(&workload) && !runs(group)).collect()
        };
        Reach { fewest, first_on_node: first(&rules.near_on_node), first_in_zone: first(&rules.near_in_zone) }
    }

    /// Whether the rules of a workload allow a node.
    pub(super) fn allows(&self, workload: usize, node: usize, reach: &Reach) -> bool {
        let rules = &self.cluster.workloads[workload].rules;
        let zone = self.nodes[node].zone;
        self.may_use(workload, node)
            && rules.max_per_node.is_none_or(|most| self.pods_on(workload, node) < most)
            && self.on_node_of(&rules.apart_on_node, node) == 0
            && self.in_zone_of(&rules.apart_in_zone, zone) == 0
            && rules
                .near_on_node
                .iter()
                .zip(&reach.first_on_node)
                .all(|(group, &first)| first || self.on_node_of(group, node) > 0)
            && rules
                .near_in_zone
                .iter()
                .zip(&reach.first_in_zone)
                .all(|(group, &first)| first || self.in_zone_of(group, zone) > 0)
            && rules.spread.iter().zip(&reach.fewest).all(|(spread, &fewest)| {
                let here = if spread.zones {
                    self.in_zone_of(&spread.counts, zone)
                } else {
                    self.on_node_of(&spread.counts, node)
                };
                here + u64::from(spread.counts.contains(&workload)) <= fewest + spread.max_skew
            })
    }

    /// Whether node selector and affinity allow a node.
    fn may_use(&self, workload: usize, node: usize) -> bool {
        let rules = &self.cluster.workloads[workload].rules;
        let state = &self.nodes[node];
        !state.lost
            && rules.pools.as_ref().is_none_or(|pools| pools[state.pool])
            && rules.zones.as_ref().is_none_or(|zones| zones[state.zone])
    }

    fn on_node_of(&self, workloads: &[usize], node: usize) -> u64 {
        workloads.iter().map(|&w| self.pods_on(w, node)).sum()
    }

    fn in_zone_of(&self, workloads: &[usize], zone: usize) -> u64 {
        let zones = self.cluster.zones.len();
        workloads.iter().map(|&w| u64::from(self.in_zone[w * zones + zone])).sum()
    }
}
