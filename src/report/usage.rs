//! Measured use beside requests: slack in money, what fitting requests would save, and the chance that pods on
//! one node use more memory than it has.

use std::cmp::Reverse;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::view::Named;
use crate::bill::{ListCost, Ratio};
use crate::formulate::Legend;
use crate::units::{HOURS_PER_MONTH, Money, PartsPerMillion, ResourceName};
use crate::usage::risk::{LoadedNode, Model, Risk, Use};
use crate::usage::{MatchedUsage, Stat, weight};
use crate::verify::VerifiedPlan;
use crate::workload::{Workload, WorkloadSet};

/// Measured use beside a plan. Months have 730 hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageReport {
    /// Workloads of which use was measured.
    pub measured: u64,
    /// Workloads of which it was not: their requests count.
    pub unmeasured: Vec<String>,
    /// Measurements of nobody in the plan.
    pub unmatched: Vec<String>,
    /// Of what the plan costs a month, the part paid for requests beyond the 95th percentile of use.
    pub slack_month: Money,
    /// That as a share of the plan.
    pub slack: Option<Ratio>,
    /// Workloads that use more at the 95th percentile than they request, of cpu or memory.
    pub above_request: u64,
    /// The measured workloads, the most slack first.
    pub workloads: Vec<UsageRow>,
    /// The plan itself (first) and plans for other requests.
    pub plans: Vec<WhatIfRow>,
}

/// One measured workload, amounts per pod in base units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageRow {
    /// `namespace/Kind/name`.
    pub workload: String,
    /// Its pods.
    pub replicas: u64,
    /// Millicores.
    pub cpu: Option<UsedResource>,
    /// Bytes.
    pub memory: Option<UsedResource>,
    /// Its share of the plan's cost by what it requests, a month.
    pub cost_month: ListCost,
    /// Of that, what is paid for requests beyond the 95th percentile of use.
    pub slack_month: Money,
}

/// Use of one resource by one pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsedResource {
    /// What it requests.
    pub request: u64,
    /// On average.
    pub mean: u64,
    /// Not exceeded for 95 % of the time.
    pub p95: u64,
    /// Ever.
    pub max: u64,
}

/// A plan for the same pods under other requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhatIfRow {
    /// `plan`, `right-sized` or `chance`.
    pub plan: String,
    /// For people.
    pub label: String,
    /// Nodes.
    pub nodes: u64,
    /// A month.
    pub cost_month: ListCost,
    /// Change against the plan.
    pub change_month: Money,
    /// That as a share.
    pub change: Option<Ratio>,
    /// (cost - bound) / cost, rounded up.
    pub gap: Option<Ratio>,
    /// Workloads whose measured maximum of memory is above their request: what may be evicted or killed where a
    /// node runs out.
    pub memory_max_above_request: u64,
    /// The chance that pods on a node use more memory than it has.
    pub risk: RiskRow,
}

/// A chance, estimated and drawn. Pods are taken to vary independently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskRow {
    /// What was asked for, where the plan was made for a chance.
    pub wanted: Option<Ratio>,
    /// `normal` or `empirical`: what is drawn from.
    pub model: String,
    /// Of the node where it is highest, by the normal approximation.
    pub worst_normal: Ratio,
    /// The same as drawn (Monte Carlo).
    pub worst_simulated: Ratio,
    /// Nodes over their memory at a time, on average, as drawn.
    pub nodes_over: Ratio,
    /// Draws for each kind of node.
    pub trials: u32,
    /// Seed of the draws.
    pub seed: u64,
}

/// A plan whose risk is told.
#[derive(Debug, Clone, Copy)]
pub struct Planned<'a> {
    /// `plan`, `right-sized` or `chance`.
    pub id: &'a str,
    /// For people.
    pub label: &'a str,
    /// Its workloads, with the requests that it is made for.
    pub workloads: &'a WorkloadSet,
    /// The plan.
    pub plan: &'a VerifiedPlan,
    /// Lower bound of its own problem, an hour.
    pub lower_bound: Money,
    /// Its risk and how that was estimated.
    pub risk: Risk,
    /// What is drawn from.
    pub model: Model,
    /// What was asked for.
    pub wanted: Option<PartsPerMillion>,
    /// Seed of the draws.
    pub seed: u64,
}

/// How each pod of each workload uses memory; what was not measured uses its request.
pub fn memory_use(set: &WorkloadSet, usage: &MatchedUsage, model: Model) -> Vec<Use> {
    let of = |(workload, measured): (&Workload, &crate::usage::Measured)| match measured
        .get(&ResourceName::Memory)
    {
        Some(stat) => Use::measured(stat, model),
        None => Use::fixed(workload.pod.requests.get(&ResourceName::Memory).copied().unwrap_or(0)),
    };
    set.workloads.iter().zip(&usage.of).map(of).collect()
}

/// The nodes of a plan with what lies on each; headroom is there to be used.
pub fn loaded<'a>(legend: &Legend, plan: &VerifiedPlan, uses: &'a [Use]) -> Vec<LoadedNode<'a>> {
    legend
        .assign(plan.plan())
        .into_iter()
        .map(|group| {
            let memory = legend.nodes[group.bin_type.index()].capacity.get(&ResourceName::Memory);
            LoadedNode {
                nodes: group.nodes,
                capacity: memory.map_or(0, |b| b.for_pods + b.headroom),
                pods: group.pods.iter().map(|&(w, n)| (&uses[w], n)).collect(),
            }
        })
        .collect()
}

impl UsageReport {
    /// Of the plan, which comes first, and of the others.
    pub fn of(named: Named<'_>, usage: &MatchedUsage, plans: &[Planned<'_>]) -> UsageReport {
        let set = named.workloads;
        let cost = plans.first().map_or(Money::ZERO, |plan| month(plan.plan.hourly_cost()));
        let request = |w: &Workload, r: &ResourceName| w.pod.requests.get(r).copied().unwrap_or(0);
        let weights = |w: &Workload| -> u128 {
            let each: u128 = w.pod.requests.iter().map(|(r, &amount)| weight(r, amount)).sum();
            each * u128::from(w.replicas)
        };
        let total: u128 = set.workloads.iter().map(weights).sum();
        let share = |part: u128| -> Money {
            let part = i128::try_from(part).expect("weights of pods stay far below 2^127");
            let total = i128::try_from(total).expect("weights of pods stay far below 2^127");
            let whole =
                cost.checked_mul(part).expect("a bill times the weight of all pods stays below 2^127");
            if total == 0 { Money::ZERO } else { Money::from_nanos(whole.nanos() / total) }
        };
        let mut rows = Vec::new();
        let mut above = 0;
        for (workload, measured) in set.workloads.iter().zip(&usage.of).filter(|(_, m)| !m.is_empty()) {
            let slack: u128 = measured
                .iter()
                .map(|(r, stat)| weight(r, request(workload, r).saturating_sub(stat.p95)))
                .sum();
            above += u64::from(measured.iter().any(|(r, stat)| stat.p95 > request(workload, r)));
            let used = |r: ResourceName| {
                let Stat { mean, p95, max, .. } = *measured.get(&r)?;
                Some(UsedResource { request: request(workload, &r), mean, p95, max })
            };
            rows.push(UsageRow {
                workload: workload.id.to_string(),
                replicas: workload.replicas,
                cpu: used(ResourceName::Cpu),
                memory: used(ResourceName::Memory),
                cost_month: ListCost::new(share(weights(workload))),
                slack_month: share(slack * u128::from(workload.replicas)),
            });
        }
        // Equal slack keeps the input's order.
        rows.sort_by_key(|row| Reverse(row.slack_month));
        let slack_month: Money = rows.iter().map(|row| row.slack_month).sum();
        let unmeasured = set.workloads.iter().zip(&usage.of).filter(|(w, m)| m.is_empty() && w.replicas > 0);
        UsageReport {
            measured: rows.len() as u64,
            unmeasured: unmeasured.map(|(w, _)| w.id.to_string()).collect(),
            unmatched: usage.unmatched.clone(),
            slack_month,
            slack: Ratio::of_money(slack_month, cost),
            above_request: above,
            workloads: rows,
            plans: plans.iter().map(|plan| plan.row(usage, cost)).collect(),
        }
    }
}

impl Planned<'_> {
    fn row(&self, usage: &MatchedUsage, base: Money) -> WhatIfRow {
        let cost = month(self.plan.hourly_cost());
        let above = self.workloads.workloads.iter().zip(&usage.of).filter(|(w, measured)| {
            let request = w.pod.requests.get(&ResourceName::Memory).copied().unwrap_or(0);
            measured.get(&ResourceName::Memory).is_some_and(|stat| stat.max > request)
        });
        WhatIfRow {
            plan: self.id.to_owned(),
            label: self.label.to_owned(),
            nodes: u64::try_from(self.plan.plan().bin_count()).unwrap_or(u64::MAX),
            cost_month: ListCost::new(cost),
            change_month: cost - base,
            change: Ratio::of_money(cost - base, base),
            gap: Ratio::gap(self.plan.hourly_cost(), self.lower_bound),
            memory_max_above_request: above.count() as u64,
            risk: RiskRow {
                wanted: self.wanted.and_then(|risk| Ratio::of(u64::from(risk.0), 1_000_000)),
                model: self.model.to_string(),
                worst_normal: estimate(self.risk.worst_normal),
                worst_simulated: estimate(self.risk.worst_simulated),
                nodes_over: estimate(self.risk.nodes_over),
                trials: self.risk.trials,
                seed: self.seed,
            },
        }
    }
}

/// An estimate as a decimal with nine digits.
fn estimate(value: f64) -> Ratio {
    // In range: chances, and counts of nodes.
    Ratio::of_wide((value * 1e9).round() as i128, 1_000_000_000).unwrap_or_default()
}

fn month(hour: Money) -> Money {
    hour.checked_mul(i128::from(HOURS_PER_MONTH)).expect("no bill comes near 10^29 dollars")
}
