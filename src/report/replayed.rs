//! What a replay showed, as rows of the report.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bill::Ratio;
use crate::replay::{Cluster, ExtraNodes, Measures, NodeLimit, Order, Profile, Room, Run};
use crate::units::{HOURS_PER_MONTH, Money};

/// The default scheduler's filters and scores on the planned nodes, and what helps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replayed {
    /// Pods that arrived in every run.
    pub pods: u64,
    /// Runs for each profile and order, each with another seed.
    pub seeds: u64,
    /// Pods left pending on the plan as it is.
    pub before: Vec<PendingRow>,
    /// What was done about it, if that was asked for.
    pub measures: Option<MeasuresRow>,
    /// Updates and drains after day one, with the measures, if they were replayed.
    pub life: Option<LifeRow>,
}

/// A rolling update of each Deployment and StatefulSet in turn, then the drain of each single node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LifeRow {
    /// Workloads whose update gets stuck without more room.
    pub updates_stuck: u64,
    /// Nodes whose drain leaves pods pending without more room.
    pub drains_stuck: u64,
    /// Whether everything goes through with the extra nodes.
    pub settled: bool,
    /// The room for it: nodes beyond the plan and its measures.
    pub extra_nodes: Vec<ExtraNodesRow>,
    /// What those nodes cost an hour on demand.
    pub premium_hour: Money,
    /// The same for a month.
    pub premium_month: Money,
    /// As a share of what the planned nodes cost.
    pub premium: Option<Ratio>,
    /// Workloads whose update gets stuck even so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stuck: Vec<String>,
    /// Nodes whose drain leaves pods pending even so.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub drains_stuck_even_so: u64,
    /// What limits further nodes, where something stays stuck.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<ReachedRow>,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl LifeRow {
    fn of(cluster: &Cluster, room: &Room) -> Self {
        let month = i128::from(HOURS_PER_MONTH);
        LifeRow {
            updates_stuck: room.without.updates.len() as u64,
            drains_stuck: room.without.drains.len() as u64,
            settled: room.with.is_none(),
            extra_nodes: extra_rows(cluster, &room.extra_nodes),
            premium_hour: room.premium,
            premium_month: room.premium.checked_mul(month).expect("no bill reaches 10^29"),
            premium: Ratio::of_money(room.premium, cluster.hourly_cost()),
            stuck: room.with.updates.iter().map(|&(w, _)| cluster.workloads[w].id.clone()).collect(),
            drains_stuck_even_so: room.with.drains.len() as u64,
            limits: if room.with.is_none() { Vec::new() } else { ReachedRow::all(&room.cluster) },
        }
    }
}

/// Pods left pending under one profile in one order of arrival.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PendingRow {
    /// How the scheduler is configured: `default`, `most-allocated`.
    pub profile: String,
    /// How pods arrive: `by-workload`, `random`, `big-first`, `small-first`.
    pub order: String,
    /// In the best run.
    pub fewest: u64,
    /// In the worst run.
    pub most: u64,
}

/// The cheapest measures under which no pod stays pending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeasuresRow {
    /// Whether no run leaves a pod pending.
    pub settled: bool,
    /// Whether all better measures were tried, so that none of these are cheaper.
    #[serde(default)]
    pub proven: bool,
    /// How the scheduler is to be configured.
    pub profile: String,
    /// Workloads pinned to their pool by a nodeSelector.
    pub pins: Vec<PinRow>,
    /// PriorityClasses by size, highest first.
    pub classes: Vec<ClassRow>,
    /// Nodes beyond the plan.
    pub extra_nodes: Vec<ExtraNodesRow>,
    /// What those nodes cost an hour on demand.
    pub premium_hour: Money,
    /// The same for a month.
    pub premium_month: Money,
    /// As a share of what the planned nodes cost.
    pub premium: Option<Ratio>,
    /// Pods left pending with all measures.
    pub after: Vec<PendingRow>,
    /// Whose pods these are, with the most in any run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<PendingPodsRow>,
    /// What limits further nodes, where pods stay pending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<ReachedRow>,
}

/// Pods of one workload that stay pending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PendingPodsRow {
    /// `namespace/Kind/name`.
    pub workload: String,
    /// How many, in the worst run.
    pub pods: u64,
}

/// A limit that allows no further node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReachedRow {
    /// What it is about: `nodes of node pool web`.
    pub limit: String,
    /// The most.
    pub most: u64,
}

impl ReachedRow {
    fn all(cluster: &Cluster) -> Vec<Self> {
        let row = |limit: &NodeLimit| ReachedRow { limit: limit.name.clone(), most: limit.most };
        cluster.exhausted().into_iter().map(row).collect()
    }
}

/// A workload and the pool that it is pinned to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PinRow {
    /// `namespace/Kind/name`.
    pub workload: String,
    /// Value of the label `node.kubernetes.io/instance-type`.
    pub instance_type: String,
    /// The plan's pool, which may share its type with others; absent in plans saved by earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
}

/// A PriorityClass with `preemptionPolicy: Never`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassRow {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: i32,
    /// The workloads that take it; all others stay without.
    pub workloads: Vec<String>,
}

/// Nodes beyond the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtraNodesRow {
    /// Of which pool.
    pub pool: String,
    /// How many.
    pub nodes: u64,
    /// What they cost an hour on demand.
    pub cost_hour: Money,
}

impl Replayed {
    /// The rows of runs and measures of one cluster.
    pub fn of(cluster: &Cluster, before: &[Run], measures: Option<&Measures>, room: Option<&Room>) -> Self {
        let mut seeds: Vec<u64> = before.iter().map(|run| run.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        Replayed {
            pods: cluster.pods(),
            seeds: seeds.len() as u64,
            before: pending_rows(before),
            measures: measures.map(|found| MeasuresRow::of(cluster, found)),
            life: room.map(|room| LifeRow::of(cluster, room)),
        }
    }

    /// The most pods left pending on the plan as it is, by any run of the profile that the measures
    /// are for, or of the first.
    pub fn worst_before(&self) -> u64 {
        let first = self.before.first().map(|row| &row.profile);
        let profile = self.measures.as_ref().map(|m| &m.profile).or(first);
        self.before.iter().filter(|row| Some(&row.profile) == profile).map(|row| row.most).max().unwrap_or(0)
    }
}

impl MeasuresRow {
    fn of(cluster: &Cluster, found: &Measures) -> Self {
        let id = |w: usize| cluster.workloads[w].id.clone();
        let month = i128::from(HOURS_PER_MONTH);
        let mut worst: BTreeMap<usize, u64> = BTreeMap::new();
        for &(w, pods) in found.after.iter().flat_map(|run| &run.pending) {
            let most = worst.entry(w).or_default();
            *most = pods.max(*most);
        }
        MeasuresRow {
            settled: found.settled(),
            proven: found.proven,
            profile: found.profile.to_string(),
            pins: found
                .pins
                .iter()
                .map(|&(workload, pool)| PinRow {
                    workload: id(workload),
                    instance_type: cluster.pools[pool].instance_type.clone(),
                    pool: Some(cluster.pools[pool].name.clone()),
                })
                .collect(),
            classes: found
                .classes
                .iter()
                .map(|class| ClassRow {
                    name: class.name.clone(),
                    value: class.value,
                    workloads: class.workloads.iter().map(|&w| id(w)).collect(),
                })
                .collect(),
            extra_nodes: extra_rows(cluster, &found.extra_nodes),
            premium_hour: found.premium,
            premium_month: found.premium.checked_mul(month).expect("no bill reaches 10^29"),
            premium: Ratio::of_money(found.premium, cluster.hourly_cost()),
            after: pending_rows(&found.after),
            pending: worst.into_iter().map(|(w, pods)| PendingPodsRow { workload: id(w), pods }).collect(),
            limits: if found.settled() { Vec::new() } else { ReachedRow::all(&found.cluster) },
        }
    }
}

fn extra_rows(cluster: &Cluster, extra: &[ExtraNodes]) -> Vec<ExtraNodesRow> {
    let row = |e: &ExtraNodes| ExtraNodesRow {
        pool: cluster.pools[e.pool].name.clone(),
        nodes: e.nodes,
        cost_hour: e.cost,
    };
    extra.iter().map(row).collect()
}

/// One row for each profile and order, in the order in which they ran.
fn pending_rows(runs: &[Run]) -> Vec<PendingRow> {
    let mut rows: Vec<((Profile, Order), PendingRow)> = Vec::new();
    for run in runs {
        let (key, pending) = ((run.profile, run.order), run.pending_pods());
        match rows.iter_mut().find(|(k, _)| *k == key) {
            Some((_, row)) => {
                row.fewest = row.fewest.min(pending);
                row.most = row.most.max(pending);
            }
            None => rows.push((
                key,
                PendingRow {
                    profile: run.profile.to_string(),
                    order: run.order.to_string(),
                    fewest: pending,
                    most: pending,
                },
            )),
        }
    }
    rows.into_iter().map(|(_, row)| row).collect()
}
