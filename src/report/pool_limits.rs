//! Node pools of a running cluster that are beyond their limits already, and stay so.

use std::collections::BTreeMap;

use super::view::{Notice, NoticeKind};
use crate::catalog::{Catalog, InstanceType};
use crate::formulate::Legend;
use crate::migration::Migration;
use crate::policy::{NodePool, Policy};
use crate::units::ResourceName;

/// Equal nodes of one pool.
struct Nodes<'a> {
    /// Name of the pool in the plan; empty for nodes that ran before.
    pool: &'a str,
    labels: &'a BTreeMap<String, String>,
    machine: &'a InstanceType,
    nodes: u64,
}

/// Warnings of where a migration ends: it adds no node beyond a limit, but keeps those that run.
pub fn of_migration(policy: &Policy, catalog: &Catalog, migration: &Migration) -> Vec<Notice> {
    let legend: &Legend = &migration.of.legend;
    let nodes = migration.end.plan().bins().map(|(pattern, nodes)| {
        let node = &legend.nodes[pattern.bin_type().index()];
        let pool = &legend.pools[node.pool];
        let machine = &catalog.types[node.catalog_type];
        Nodes { pool: &pool.name, labels: &pool.labels, machine, nodes }
    });
    beyond(policy, &[nodes.collect()], "at the end of the migration", "more ran before")
}

/// One warning for each limit that is exceeded at any of the times, with the most that is used of it.
fn beyond(policy: &Policy, times: &[Vec<Nodes<'_>>], when: &str, why: &str) -> Vec<Notice> {
    let mut notices = Vec::new();
    for pool in &policy.pools {
        let mut check =
            |most: Option<u64>, weight: fn(&InstanceType) -> u64, words: &dyn Fn(u64) -> String| {
                let Some(most) = most else { return };
                let used = |nodes: &Vec<Nodes<'_>>| -> u128 {
                    let own = nodes.iter().filter(|nodes| belongs(nodes, pool, policy));
                    own.map(|n| u128::from(n.nodes) * u128::from(weight(n.machine))).sum()
                };
                let used = times.iter().map(used).max().unwrap_or(0);
                if used > u128::from(most) {
                    let used = words(u64::try_from(used).unwrap_or(u64::MAX));
                    let message = format!(
                        "{when} node pool {} has {used}, beyond its limit of {}: {why}",
                        pool.name,
                        words(most),
                    );
                    notices.push(Notice { kind: NoticeKind::Warning, workload: None, message });
                }
            };
        let limits = &pool.limits;
        check(limits.nodes, |_| 1, &|n| super::table::count(n, "node"));
        let cpu = |n| format!("{} cpu", ResourceName::Cpu.display(n));
        check(limits.cpu.map(|most| most.0), |machine| machine.cpu.0, &cpu);
        let memory = |n| format!("{} of memory", ResourceName::Memory.display(n));
        check(limits.memory.map(|most| most.0), |machine| machine.memory.0, &memory);
    }
    notices
}

/// Whether nodes count in a pool of the policy: by its name, as its spot nodes, or, where they ran before,
/// by its labels.
fn belongs(nodes: &Nodes<'_>, pool: &NodePool, policy: &Policy) -> bool {
    if nodes.pool.is_empty() && !pool.name.is_empty() {
        let has = |(key, value): (&String, &String)| nodes.labels.get(key) == Some(value);
        return !pool.labels.is_empty() && pool.labels.iter().all(has);
    }
    if policy.pools.iter().any(|other| other.name == nodes.pool) {
        return nodes.pool == pool.name;
    }
    // Spot nodes are `NAME-spot`, or `NAME-spot-2` where types differ in how they are interrupted.
    let spot = nodes.pool.strip_prefix(pool.name.as_str()).and_then(|rest| rest.strip_prefix("-spot"));
    spot.is_some_and(|rest| {
        rest.strip_prefix('-').map_or(rest.is_empty(), |group| group.bytes().all(|b| b.is_ascii_digit()))
    })
}
