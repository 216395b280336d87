//! The cluster as it runs beside what it could be, as rows of the report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bill::{ListCost, Ratio};
use crate::catalog::Catalog;
use crate::formulate::{
    self,
    standing::{SetAside, Standing},
};
use crate::migration::{Migration, NodeId};
use crate::observed::{CapacityType, ObservedCluster, ObservedNode};
use crate::policy::Policy;
use crate::report::number::{Currency, grouped};
use crate::report::view::{Notice, NoticeKind};
use crate::units::{HOURS_PER_MONTH, Money, Rate, ResourceName};
use crate::verify::VerifiedPlan;
use crate::workload::{ResourceList, WorkloadSet};

/// A running cluster, node by node, and the plans that it is set beside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterReport {
    /// Every node, in input order.
    pub nodes: Vec<ClusterNodeRow>,
    /// The cluster as it is, and what it could be, on nodes priced on demand. All hold the same pods, but for
    /// those that wait for a node as it is.
    pub plans: Vec<ClusterPlanRow>,
    /// Its spot nodes; absent where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<ClusterSpotRow>,
    /// Nodes that have no price on demand, or are none of ours to plan: they stay as they are, and neither
    /// they nor their pods are part of any cost on demand.
    pub nodes_set_aside: u64,
    /// Pods on them, pods of DaemonSets and static pods not counted.
    pub pods_set_aside: u64,
    /// Pods that lie on no node yet; what it could be has nodes for them.
    pub pods_waiting: u64,
    /// The way to the plan that keeps nodes.
    pub migration: MigrationRow,
}

/// The spot nodes that run. They stay as they are in every state, with their pods, and cost the average spot rate of
/// the catalog's snapshot: not what was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterSpotRow {
    /// Spot nodes.
    pub nodes: u64,
    /// Of them, nodes of types that have no spot rate in the catalog, and no price here.
    pub nodes_without_rate: u64,
    /// Pods on spot nodes, pods of DaemonSets and static pods not counted.
    pub pods: u64,
    /// What those with a rate cost a month, with what the policy says that a node costs beside.
    pub spot_month: ListCost,
    /// The cluster as it is a month: on demand, and that.
    pub as_is_month: ListCost,
}

/// The way from the cluster as it is to a cheaper one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MigrationRow {
    /// What each step has to save a month at least.
    pub min_saving_month: Money,
    /// The steps, in order; each may be the last.
    pub steps: Vec<StepRow>,
    /// What is done in them, in order.
    pub actions: Vec<ActionRow>,
    /// Steps that were found and left out, because some rule would not hold on the way.
    pub steps_refused: u64,
    /// Nodes that stay because nobody may move some pod on them.
    pub nodes_held: u64,
    /// PodDisruptionBudgets that are respected.
    pub budgets: u64,
    /// Workloads whose pods stay where they are, with the reason.
    pub fixed: Vec<FixedRow>,
}

/// A workload whose pods stay where they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FixedRow {
    /// `namespace/Kind/name`.
    pub workload: String,
    /// Why.
    pub reason: String,
}

/// N nodes become M.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepRow {
    /// From 1.
    pub step: u64,
    /// Nodes to add.
    pub add: Vec<String>,
    /// Nodes to remove.
    pub remove: Vec<String>,
    /// Pods that waited and get a node.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pods_placed: u64,
    /// Pods that move.
    pub pods_moved: u64,
    /// Waves that they move in, one after the other.
    pub waves: u64,
    /// What the step saves a month; negative where it gives nodes to pods that wait.
    pub saving_month: ListCost,
    /// What the priced nodes cost a month after it.
    pub list_month: ListCost,
    /// Priced nodes after it.
    pub nodes: u64,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActionRow {
    /// The step that it belongs to.
    pub step: u64,
    /// `add`, `cordon`, `place`, `move` or `remove`.
    pub action: String,
    /// For `move`, which wave of the step.
    pub wave: Option<u64>,
    /// The node that is added, cordoned, left or removed; for `place`, the one that takes pods that wait.
    pub node: String,
    /// Its type.
    pub instance_type: String,
    /// Its zone, where that matters.
    pub zone: Option<String>,
    /// For `place` and `move`, whose pods.
    pub workload: Option<String>,
    /// For `place` and `move`, how many.
    pub pods: Option<u64>,
    /// For `move`, to which node.
    pub to: Option<String>,
}

/// One node as it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterNodeRow {
    /// Its name.
    pub node: String,
    /// Its type, where a label tells.
    pub instance_type: Option<String>,
    /// Its zone, where a label tells.
    pub zone: Option<String>,
    /// `on-demand` or `spot`, by its labels.
    pub capacity_type: String,
    /// What it costs an hour on demand; absent where that is not known.
    pub list_rate: Option<Rate>,
    /// The same for a month.
    pub list_month: Option<ListCost>,
    /// What a spot node costs an hour by the average spot rate of the catalog's snapshot, which is not what was
    /// paid; absent for other nodes, and where the catalog has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot_rate: Option<Rate>,
    /// The same for a month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot_month: Option<ListCost>,
    /// Why it is set aside, if it is.
    pub set_aside: Option<String>,
    /// Whether it takes no more pods.
    pub unschedulable: bool,
    /// Pods that could lie elsewhere.
    pub pods: u64,
    /// Of them, pods that nobody may move.
    pub held_pods: u64,
    /// Pods of DaemonSets and static pods.
    pub bound_pods: u64,
    /// Cpu and memory, and what else its pods request.
    pub resources: Vec<ClusterResource>,
}

/// One resource of a running node, in base units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterResource {
    /// Kubernetes name.
    pub resource: String,
    /// What pods may fill, as the node reports it.
    pub allocatable: u64,
    /// Requested by DaemonSets and static pods.
    pub bound: u64,
    /// Requested by the other pods.
    pub requests: u64,
    /// (bound + requests) / allocatable.
    pub fill: Option<Ratio>,
}

/// One state of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterPlanRow {
    /// `as-is`, `kept`, `from-scratch`, or `from-scratch-free` beside a pooled one.
    pub plan: String,
    /// For people.
    pub label: String,
    /// Priced nodes.
    pub nodes: u64,
    /// Of them, nodes that run today.
    pub nodes_kept: u64,
    /// Pods that lie elsewhere than today.
    pub pods_moved: u64,
    /// Pods that wait for a node.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pods_waiting: u64,
    /// On demand, an hour.
    pub list_hour: ListCost,
    /// On demand, a month.
    pub list_month: ListCost,
    /// What it saves a month against the cluster as it is.
    pub saving_month: ListCost,
    /// That as a share of the cluster as it is.
    pub saving: Option<Ratio>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What the rows are made of.
#[derive(Debug, Clone, Copy)]
pub struct ClusterInput<'a> {
    /// All workloads that were read.
    pub workloads: &'a WorkloadSet,
    /// All nodes that were read.
    pub observed: &'a ObservedCluster,
    /// Why nodes are set aside, node by node.
    pub set_aside: &'a [Option<SetAside>],
    /// The workloads on those that are not.
    pub planned: &'a WorkloadSet,
    /// Their problem.
    pub standing: &'a Standing,
    /// These as they are.
    pub as_is: &'a VerifiedPlan,
    /// The plan from scratch.
    pub from_scratch: &'a VerifiedPlan,
    /// Where that one is pooled, the cheapest free plan found.
    pub free: Option<&'a VerifiedPlan>,
    /// Pods that fit no type that may be bought, and are in neither.
    pub left_out: u64,
    /// The plan that keeps nodes where that pays, and the way to it.
    pub migration: &'a Migration,
    /// Pods that wait for a node as it is, and at the end of that way.
    pub waiting: [u64; 2],
    /// What each of its steps had to save a month.
    pub min_saving: Money,
    /// The prices.
    pub catalog: &'a Catalog,
    /// What a node costs beside its instance.
    pub policy: &'a Policy,
}

impl ClusterReport {
    /// The rows.
    pub fn of(input: &ClusterInput<'_>) -> Self {
        let ClusterInput { workloads, observed, set_aside, standing, .. } = *input;
        let mut rates = standing.nodes.iter().map(|node| standing.problem.bin(node.bin).rate);
        let nodes: Vec<ClusterNodeRow> = observed
            .nodes
            .iter()
            .zip(set_aside)
            .map(|(node, reason)| {
                let rate = if reason.is_none() { rates.next() } else { None };
                let spot = reason.as_ref().and_then(|reason| spot_rate(input.catalog, input.policy, reason));
                node_row(workloads, observed, node, reason.as_ref(), [rate, spot])
            })
            .collect();
        let aside = || nodes.iter().filter(|row| row.set_aside.is_some());
        ClusterReport {
            spot: spot_row(&nodes, input.as_is),
            plans: plans(input),
            nodes_set_aside: aside().count() as u64,
            pods_set_aside: aside().map(|row| row.pods).sum(),
            pods_waiting: observed.waiting.iter().map(|&(_, pods)| pods).sum(),
            migration: migration_row(input),
            nodes,
        }
    }

    /// What formats without these rows must say of spot nodes.
    pub fn spot_notice(&self, currency: &str) -> Option<Notice> {
        let spot = self.spot.as_ref()?;
        let what = match spot.nodes {
            1 => "1 spot node runs and stays as it is with its pods".to_owned(),
            n => format!("{} spot nodes run and stay as they are with their pods", grouped(n)),
        };
        let price = match spot.nodes_without_rate {
            n if n == spot.nodes => "the catalog has no spot rate for that".to_owned(),
            n => {
                let month = Currency::new(currency).cents(spot.spot_month.money());
                let rest = if n > 0 { format!(" ({} without any)", grouped(n)) } else { String::new() };
                format!(
                    "{month} a month by the catalog's average spot rate{rest}, which is not what was paid"
                )
            }
        };
        let message = format!("{what}: {price}; in no cost on demand, and in no saving");
        Some(Notice { kind: NoticeKind::Assumption, workload: None, message })
    }
}

/// What a spot node costs an hour on average, where the catalog knows.
fn spot_rate(catalog: &Catalog, policy: &Policy, reason: &SetAside) -> Option<Rate> {
    match *reason {
        SetAside::Spot(Some(known)) => Some(formulate::node_rate(&catalog.types[known], policy, true)),
        _ => None,
    }
}

fn spot_row(nodes: &[ClusterNodeRow], as_is: &VerifiedPlan) -> Option<ClusterSpotRow> {
    let spot = || nodes.iter().filter(|row| row.capacity_type == CapacityType::Spot.as_str());
    let spot_month: Money = spot().filter_map(|row| row.spot_month).map(ListCost::money).sum();
    let on_demand = month(as_is.hourly_cost()).money();
    (spot().count() > 0).then(|| ClusterSpotRow {
        nodes: spot().count() as u64,
        nodes_without_rate: spot().filter(|row| row.spot_rate.is_none()).count() as u64,
        pods: spot().map(|row| row.pods).sum(),
        spot_month: ListCost::new(spot_month),
        as_is_month: ListCost::new(on_demand + spot_month),
    })
}

/// `rates`: on demand, and spot.
fn node_row(
    workloads: &WorkloadSet,
    observed: &ObservedCluster,
    node: &ObservedNode,
    reason: Option<&SetAside>,
    rates: [Option<Rate>; 2],
) -> ClusterNodeRow {
    let [rate, spot_rate] = rates;
    let month_of = |rate: Rate| ListCost::new(rate.for_hours(HOURS_PER_MONTH));
    let moving = || node.pods.iter().map(|p| (&workloads.workloads[p.workload].pod, p.pods));
    let staying = || node.bound.iter().map(|&(b, n)| (&observed.bound[b].pod, n));
    let mut names = vec![ResourceName::Cpu, ResourceName::Memory];
    for requests in moving().chain(staying()).map(|(pod, _)| &pod.requests) {
        names.extend(requests.keys().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
    }
    let resources = names.iter().map(|name| {
        let of = |list: &ResourceList, n: u64| list.get(name).copied().unwrap_or(0).saturating_mul(n);
        let allocatable = node.allocatable.get(name).copied().unwrap_or(0);
        let bound = staying().map(|(pod, n)| of(&pod.requests, n)).sum();
        let requests = moving().map(|(pod, n)| of(&pod.requests, n)).sum();
        let fill = Ratio::of(bound + requests, allocatable);
        ClusterResource { resource: name.to_string(), allocatable, bound, requests, fill }
    });
    ClusterNodeRow {
        node: node.name.clone(),
        instance_type: node.instance_type().map(str::to_owned),
        zone: node.zone().map(str::to_owned),
        capacity_type: node.capacity_type().as_str().to_owned(),
        list_rate: rate,
        list_month: rate.map(month_of),
        spot_rate,
        spot_month: spot_rate.map(month_of),
        set_aside: reason.map(ToString::to_string),
        unschedulable: node.unschedulable,
        pods: node.pods.iter().map(|p| p.pods).sum(),
        held_pods: node.pods.iter().map(|p| p.held).sum(),
        bound_pods: node.bound.iter().map(|&(_, n)| n).sum(),
        resources: resources.collect(),
    }
}

fn plans(input: &ClusterInput<'_>) -> Vec<ClusterPlanRow> {
    let today = input.as_is.hourly_cost();
    let pods: u64 = input.standing.nodes.iter().flat_map(|n| &n.content).map(|&(_, n)| n).sum();
    let row = |plan: &str, label: &str, verified: &VerifiedPlan, kept: u64, moved: u64, waiting: u64| {
        let hour = verified.hourly_cost();
        ClusterPlanRow {
            plan: plan.to_owned(),
            label: label.to_owned(),
            nodes: u64::try_from(verified.plan().bin_count()).unwrap_or(u64::MAX),
            nodes_kept: kept,
            pods_moved: moved,
            pods_waiting: waiting,
            list_hour: ListCost::new(hour),
            list_month: month(hour),
            saving_month: month(today - hour),
            saving: Ratio::of_money(today - hour, today),
        }
    };
    let standing = input.standing.nodes.len() as u64;
    let migration = input.migration;
    let running = |node: &&NodeId| node.0 < input.standing.nodes.len();
    let removed = migration.steps.iter().flat_map(|step| &step.remove).filter(running).count() as u64;
    let [waiting, still] = input.waiting;
    let kept = standing - removed;
    let scratch = |plan, label, verified| row(plan, label, verified, 0, pods, input.left_out);
    let mut rows = vec![
        row("as-is", "as it is", input.as_is, standing, 0, waiting),
        row("kept", "nodes kept where that pays", &migration.end, kept, migration.pods_moved, still),
    ];
    match input.free {
        None => rows.push(scratch("from-scratch", "from scratch", input.from_scratch)),
        Some(free) => {
            rows.push(scratch("from-scratch", "from scratch, pooled", input.from_scratch));
            rows.push(scratch("from-scratch-free", "from scratch, free", free));
        }
    }
    rows
}

fn month(hour: Money) -> ListCost {
    ListCost::new(hour.checked_mul(i128::from(HOURS_PER_MONTH)).expect("no bill reaches 10^29"))
}

fn migration_row(input: &ClusterInput<'_>) -> MigrationRow {
    let ClusterInput { standing, migration, catalog, .. } = *input;
    let running = standing.nodes.len();
    let bin = |node: NodeId| match standing.nodes.get(node.0) {
        Some(known) => known.bin,
        None => migration.added[node.0 - running],
    };
    let name = |node: NodeId| match standing.nodes.get(node.0) {
        Some(known) => known.name.clone(),
        None => format!("new-{}", node.0 - running + 1),
    };
    let mut steps = Vec::new();
    let mut actions = Vec::new();
    let (mut cost, mut nodes) = (input.as_is.hourly_cost(), running as u64);
    for (number, step) in (1u64..).zip(&migration.steps) {
        let action = |action: &str, node: NodeId| {
            let it = &standing.legend.nodes[bin(node).index()];
            ActionRow {
                step: number,
                action: action.to_owned(),
                wave: None,
                node: name(node),
                instance_type: catalog.types[it.catalog_type].name.clone(),
                zone: it.zone.clone(),
                workload: None,
                pods: None,
                to: None,
            }
        };
        actions.extend(step.add.iter().map(|&node| action("add", node)));
        actions.extend(step.remove.iter().map(|&node| action("cordon", node)));
        let whose = |item: crate::problem::ItemTypeId| {
            let workload = standing.legend.items[item.index()].workloads[0].0;
            Some(input.planned.workloads[workload].id.to_string())
        };
        actions.extend(step.arrivals.iter().map(|arrival| ActionRow {
            workload: whose(arrival.item),
            pods: Some(arrival.pods),
            ..action("place", arrival.to)
        }));
        let mut moved = 0;
        for (wave, moves) in (1u64..).zip(&step.waves) {
            for m in moves {
                moved += m.pods;
                actions.push(ActionRow {
                    wave: Some(wave),
                    workload: whose(m.item),
                    pods: Some(m.pods),
                    to: Some(name(m.to)),
                    ..action("move", m.from)
                });
            }
        }
        actions.extend(step.remove.iter().map(|&node| action("remove", node)));
        cost = cost - step.saving;
        nodes = nodes + step.add.len() as u64 - step.remove.len() as u64;
        steps.push(StepRow {
            step: number,
            add: step.add.iter().map(|&node| name(node)).collect(),
            remove: step.remove.iter().map(|&node| name(node)).collect(),
            pods_placed: step.arrivals.iter().map(|arrival| arrival.pods).sum(),
            pods_moved: moved,
            waves: step.waves.len() as u64,
            saving_month: month(step.saving),
            list_month: month(cost),
            nodes,
        });
    }
    MigrationRow {
        min_saving_month: input.min_saving,
        steps,
        actions,
        steps_refused: migration.refused.len() as u64,
        nodes_held: migration.held_nodes,
        budgets: input.observed.budgets.len() as u64,
        fixed: standing
            .fixed
            .iter()
            .map(|(id, reason)| FixedRow { workload: id.to_string(), reason: (*reason).to_owned() })
            .collect(),
    }
}
