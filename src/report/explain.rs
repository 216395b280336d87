//! Why a workload lies where it does, what one replica more would cost, and what would have to change
//! for an instance type to be bought: from a saved plan and the proof of its lower bound.
//!
//! The proof prices every pod (pi, the duals of the relaxation that the bound came from) and states for
//! every bin type t what a pattern on it is worth at most, V_t. With the largest r that keeps every
//! r V_t within the rate c_t, any plan with y_t bins of type t costs at least
//!
//! ```text
//! r sum_j q_j pi_j + sum_t (c_t - r V_t) y_t,
//! ```
//!
//! so that a type is bought in no plan that costs less than the first sum plus its own c_t - r V_t, and
//! cannot lower that sum unless its rate falls below r V_t. That is exact. What a pod adds to the cost
//! of the best plan, r pi_j, is an estimate: nodes are bought whole. A proof by cases has prices for every
//! case; what patterns are worth does not depend on the case, so any of them serve, and those with the
//! highest first sum are taken.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::view::{NodeGroupRow, PlanReport};
use crate::bill::{ListCost, Ratio};
use crate::input::certificate_file::{Certified, Names};
use crate::plan::PatternValue;
use crate::policy::PlanForm;
use crate::problem::{BinTypeId, ItemTypeId, Problem};
use crate::units::{HOURS_PER_MONTH, Money, Rate};

/// What there is to say about one workload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadExplained {
    /// `namespace/Kind/name`.
    pub workload: String,
    /// ISO 4217, of all amounts.
    pub currency: String,
    /// Pods.
    pub replicas: u64,
    /// Of them placed.
    pub placed: u64,
    /// Request per pod, in base units, by resource.
    pub requests: BTreeMap<String, u64>,
    /// Why pods fit nowhere, if some do.
    pub left_out: Option<String>,
    /// Groups of equal nodes that hold its pods.
    pub places: Vec<PlaceExplained>,
    /// Pods more that the free resources of these nodes hold. Rules between pods are not looked at.
    pub room: u64,
    /// What the proof counts for it; absent without a proof.
    pub price: Option<PodPrice>,
    /// What a node costs at most that holds one pod more by itself, a month on demand.
    pub alone: Option<AloneExplained>,
    /// What the plan costs an hour on demand.
    pub plan_hour: ListCost,
    /// What the report says about it.
    pub notices: Vec<String>,
}

/// Equal nodes that hold pods of the workload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceExplained {
    /// Number of the group in the report.
    pub group: u64,
    /// Type of the nodes.
    pub instance_type: String,
    /// Where they stand, where the plan tells zones apart.
    pub zone: Option<String>,
    /// How many.
    pub nodes: u64,
    /// Pods of the workload on each.
    pub pods_per_node: u64,
    /// The resource with the highest fill: it binds.
    pub binding: Option<String>,
    /// Fill by resource: requests and DaemonSets of allocatable.
    pub fill: BTreeMap<String, Ratio>,
    /// Pods of the workload that the free resources of one of these nodes hold.
    pub room_per_node: u64,
}

/// What the proof of the bound counts for a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PodPrice {
    /// For an hour. An estimate of what one pod more adds to the cost of the cheapest plan.
    pub hour: Money,
    /// For a month.
    pub month: Money,
    /// Pods that are priced together, for they lie together by a rule; usually one.
    pub pods: u64,
    /// What all pods count together an hour: the nearer to the plan's cost, the better the estimate.
    pub all_pods_hour: Money,
}

/// A node that holds one pod by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AloneExplained {
    /// Its type.
    pub instance_type: String,
    /// What it costs an hour on demand.
    pub rate: Rate,
    /// What it costs a month on demand.
    pub month: ListCost,
    /// Whether it is of the pool that the workload lies in whole.
    pub own_pool: bool,
}

/// What there is to say about one instance type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TypeExplained {
    /// Its name.
    pub instance_type: String,
    /// ISO 4217, of all amounts.
    pub currency: String,
    /// Its nodes in the plan.
    pub nodes: u64,
    /// What they cost a month on demand.
    pub list_month: ListCost,
    /// Pods on them by workload.
    pub pods: BTreeMap<String, u64>,
    /// Nodes by the resource that binds on them.
    pub binding: BTreeMap<String, u64>,
    /// What the plan costs an hour on demand.
    pub plan_hour: ListCost,
    /// Instance types that the plan may use; absent without a proof.
    pub allowed_types: Option<u64>,
    /// The type as the proof has it, once for each node pool and zone; none where the plan may not use it.
    pub prices: Vec<TypePrice>,
}

/// What the proof of the bound says about a type in one node pool and zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TypePrice {
    /// `m5.large`, with node pool and zone where there are any.
    pub place: String,
    /// What one node costs an hour.
    pub rate: Rate,
    /// How many there are at most, where that is limited.
    pub stock: Option<u64>,
    /// The type that stands in for it in the proof, being no smaller, no dearer and allowed for the same
    /// pods.
    pub dominated_by: Option<String>,
    /// What a node of it can be worth at most by the proof's prices; above this rate it cannot lower the
    /// bound. Absent where no pod that has a price may lie on it.
    pub worth: Option<Money>,
    /// worth / rate - 1: by how much its rate would have to change, where that is downwards.
    pub change_to_enter: Option<Ratio>,
    /// Every plan with a node of this type costs at least so much an hour; absent where it has no worth
    /// that is known.
    pub plans_with_it_cost: Option<ListCost>,
    /// From this rate on no plan with a node of this type is cheaper than this plan, all other rates being
    /// what they are: the worth and what this plan costs above the bound. Nodes are bought whole, so that it
    /// may enter at any rate below.
    pub enters_below: Option<Money>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explained {
    /// A workload.
    Workload(WorkloadExplained),
    /// An instance type.
    Type(TypeExplained),
}

/// Why nothing can be said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// No workload of that name.
    #[error("no workload is called `{0}`")]
    NoSuchWorkload(String),
    /// Several.
    #[error("`{0}` may be any of {1}")]
    Ambiguous(String, String),
    /// The proof is of another problem, or of none with names.
    #[error("the proof is not of this plan: {0}")]
    OtherProof(String),
}

/// Explains a workload, named in full, by namespace and name, or by name alone where that is unique.
///
/// # Errors
/// A name that none or several have, and a proof that is not of this plan.
pub fn workload(
    report: &PlanReport,
    proof: Option<&Certified>,
    name: &str,
) -> Result<WorkloadExplained, ExplainError> {
    let row = {
        let named = |row: &&super::view::WorkloadRow| {
            row.workload == name || format!("{}/{}", row.namespace, row.name) == name || row.name == name
        };
        let exact = report.workloads.iter().find(|row| row.workload == name);
        let found: Vec<_> = exact.into_iter().chain(report.workloads.iter().filter(named)).collect();
        match found.as_slice() {
            [] => return Err(ExplainError::NoSuchWorkload(name.to_owned())),
            [one] => *one,
            [one, ..] if exact.is_some() => *one,
            several => {
                let names: Vec<&str> = several.iter().map(|row| row.workload.as_str()).collect();
                return Err(ExplainError::Ambiguous(name.to_owned(), names.join(", ")));
            }
        }
    };
    let proof = proof.map(|certified| Proof::of(report, certified)).transpose()?;
    let item = proof.as_ref().and_then(|proof| proof.item_of(&row.workload));
    let demand: BTreeMap<&str, u64> = match (&proof, item) {
        (Some(proof), Some((item, 1))) => proof.demand(item),
        _ => row.requests.iter().map(|(name, &amount)| (name.as_str(), amount)).collect(),
    };
    let mut places = Vec::new();
    for group in &report.nodes {
        let Some(pods) = group.pods.iter().find(|pods| pods.workload == row.workload) else { continue };
        places.push(PlaceExplained {
            group: group.group,
            instance_type: group.instance_type.clone(),
            zone: group.zone.clone(),
            nodes: group.nodes,
            pods_per_node: pods.pods,
            binding: group.binding.clone(),
            fill: group.resources.iter().filter_map(|r| Some((r.resource.clone(), r.fill?))).collect(),
            room_per_node: room(group, &demand),
        });
    }
    let pooled = report.form == PlanForm::Pooled;
    Ok(WorkloadExplained {
        workload: row.workload.clone(),
        currency: report.catalog.currency.clone(),
        replicas: row.replicas,
        placed: row.placed,
        requests: row.requests.clone(),
        left_out: report.obstacles.iter().find(|o| o.workload == row.workload).map(|o| o.reason.clone()),
        room: places.iter().map(|place| place.room_per_node * place.nodes).sum(),
        price: proof.as_ref().zip(item).map(|(proof, (item, pods))| proof.pod_price(item, pods)),
        alone: if pooled {
            own_pool(report, &places)
        } else {
            proof.as_ref().zip(item).and_then(|(p, (i, _))| p.alone(i))
        },
        places,
        plan_hour: report.solve.cost_hour,
        notices: report
            .notices
            .iter()
            .filter(|notice| notice.workload.as_deref() == Some(&row.workload))
            .map(|notice| notice.message.clone())
            .collect(),
    })
}

/// Explains an instance type, whether the plan has it or not.
///
/// # Errors
/// A proof that is not of this plan.
pub fn instance_type(
    report: &PlanReport,
    proof: Option<&Certified>,
    name: &str,
) -> Result<TypeExplained, ExplainError> {
    let proof = proof.map(|certified| Proof::of(report, certified)).transpose()?;
    let mut explained = TypeExplained {
        instance_type: name.to_owned(),
        currency: report.catalog.currency.clone(),
        nodes: 0,
        list_month: ListCost::ZERO,
        pods: BTreeMap::new(),
        binding: BTreeMap::new(),
        plan_hour: report.solve.cost_hour,
        allowed_types: proof.as_ref().map(Proof::types),
        prices: proof.as_ref().map(|proof| proof.type_prices(name)).unwrap_or_default(),
    };
    for group in report.nodes.iter().filter(|group| group.instance_type == name) {
        explained.nodes += group.nodes;
        explained.list_month = explained.list_month + group.list_month;
        for pods in &group.pods {
            *explained.pods.entry(pods.workload.clone()).or_default() += pods.pods * group.nodes;
        }
        if let Some(resource) = &group.binding {
            *explained.binding.entry(resource.clone()).or_default() += group.nodes;
        }
    }
    Ok(explained)
}

/// Pods of this demand that the free resources of one node of the group hold.
fn room(group: &NodeGroupRow, demand: &BTreeMap<&str, u64>) -> u64 {
    let free = |name: &str| group.resources.iter().find(|r| r.resource == name).map(|r| r.free);
    let mut demand: Vec<(&str, u64)> = demand.iter().map(|(&name, &amount)| (name, amount)).collect();
    // Every pod takes a pod's place, whether it says so or not.
    if demand.iter().all(|&(name, _)| name != "pods") {
        demand.push(("pods", 1));
    }
    let fits = demand
        .iter()
        .filter(|&&(_, amount)| amount > 0)
        .filter_map(|&(name, amount)| free(name).map(|free| free / amount));
    fits.min().unwrap_or(0)
}

/// The cheapest node of those that the workload lies on already: each holds a pod of it.
fn own_pool(report: &PlanReport, places: &[PlaceExplained]) -> Option<AloneExplained> {
    let groups = report.nodes.iter().filter(|g| places.iter().any(|place| place.group == g.group));
    groups.min_by_key(|group| group.list_rate).map(|group| alone(&group.instance_type, group.list_rate, true))
}

fn alone(instance_type: &str, rate: Rate, own_pool: bool) -> AloneExplained {
    AloneExplained {
        instance_type: instance_type.to_owned(),
        rate,
        month: ListCost::new(rate.for_hours(HOURS_PER_MONTH)),
        own_pool,
    }
}

/// A proof with the prices that count.
struct Proof<'a> {
    certified: &'a Certified,
    names: &'a Names,
    dominated: BTreeMap<BinTypeId, BinTypeId>,
    prices: Prices<'a>,
    /// What the plan costs.
    plan_hour: Money,
}

/// Prices of pods, what they make nodes worth, and r as a fraction.
struct Prices<'a> {
    items: &'a [u64],
    values: BTreeMap<BinTypeId, u64>,
    scale: (i128, i128),
    /// r sum_j q_j pi_j less what limited types may take off it: what any plan costs at least.
    base: Money,
}

impl<'a> Proof<'a> {
    fn of(report: &PlanReport, certified: &'a Certified) -> Result<Self, ExplainError> {
        let other = |why: &str| ExplainError::OtherProof(why.to_owned());
        let names = certified.names.as_ref().ok_or_else(|| other("it names no workload"))?;
        let known: BTreeSet<&str> = names.items.iter().flat_map(BTreeMap::keys).map(String::as_str).collect();
        let placed = report.workloads.iter().filter(|row| row.placed > 0);
        if let Some(row) = placed.into_iter().find(|row| !known.contains(row.workload.as_str())) {
            return Err(other(&format!("it has no workload {}", row.workload)));
        }
        let dominated = certified.certificate.dominated.iter();
        let dominated = dominated.map(|d| (BinTypeId(d.bin_type), BinTypeId(d.by))).collect();
        let mut best = Prices::of(&certified.problem, &[], &[]);
        for valuation in &certified.certificate.valuations {
            let found = Prices::of(&certified.problem, &valuation.item_prices, &valuation.pattern_values);
            let found = found.ok_or_else(|| other("its prices are not of its own problem"))?;
            if best.as_ref().is_none_or(|best| found.base > best.base) {
                best = Some(found);
            }
        }
        let prices = best.expect("that nothing is worth anything is true of every problem");
        Ok(Proof { certified, names, dominated, prices, plan_hour: report.solve.cost_hour.money() })
    }

    /// The item type that a workload's pods belong to, and how many of them one copy is.
    fn item_of(&self, workload: &str) -> Option<(ItemTypeId, u64)> {
        let items = self.names.items_of_workload();
        let [item] = items.get(workload)?.as_slice() else { return None };
        let members = &self.names.items[item.index()];
        let copies = self.certified.problem.item(*item).copies;
        let all: u64 = members.values().sum();
        Some((*item, if all == copies { 1 } else { all / copies }))
    }

    fn demand(&self, item: ItemTypeId) -> BTreeMap<&'a str, u64> {
        let problem = &self.certified.problem;
        let demand = problem.item(item).demand.as_slice();
        problem.dimensions().iter().map(String::as_str).zip(demand.iter().copied()).collect()
    }

    fn pod_price(&self, item: ItemTypeId, pods: u64) -> PodPrice {
        let hour = self.prices.scaled(self.prices.items.get(item.index()).copied().unwrap_or(0));
        let month = hour.checked_mul(i128::from(HOURS_PER_MONTH)).expect("no bill reaches 10^29");
        PodPrice { hour, month, pods, all_pods_hour: self.prices.base }
    }

    /// The cheapest type without a limit that one copy fits by itself.
    fn alone(&self, item: ItemTypeId) -> Option<AloneExplained> {
        let problem = &self.certified.problem;
        let demand = &problem.item(item).demand;
        let holds = |&t: &BinTypeId| {
            let bin = problem.bin(t);
            bin.stock.is_none() && problem.item(item).eligible.contains(t) && demand.fits_in(&bin.capacity)
        };
        let cheapest = problem.bin_ids().filter(holds).min_by_key(|&t| problem.bin(t).rate)?;
        Some(alone(&self.names.bins[cheapest.index()], problem.bin(cheapest).rate, false))
    }

    /// Distinct instance types of the problem.
    fn types(&self) -> u64 {
        let names: BTreeSet<&str> = self.names.bins.iter().map(|name| type_of(name)).collect();
        names.len() as u64
    }

    fn type_prices(&self, name: &str) -> Vec<TypePrice> {
        let problem = &self.certified.problem;
        let of_name = problem.bin_ids().filter(|t| type_of(&self.names.bins[t.index()]) == name);
        of_name.map(|t| self.type_price(t)).collect()
    }

    fn type_price(&self, t: BinTypeId) -> TypePrice {
        let bin = self.certified.problem.bin(t);
        let by = self.dominated.get(&t);
        // What fits on a type fits on the one that stands in for it, which is worth no less.
        let value = self.prices.values.get(by.unwrap_or(&t)).copied().filter(|&value| value > 0);
        let worth = value.map(|value| self.prices.scaled(value));
        let rate = bin.rate.for_one_hour();
        let change = worth.and_then(|worth| Ratio::of_money(worth - rate, rate));
        let above = worth.map(|worth| rate - worth).filter(|above| above.nanos() >= 0);
        TypePrice {
            place: self.names.bins[t.index()].clone(),
            rate: bin.rate,
            stock: bin.stock,
            dominated_by: by.map(|by| self.names.bins[by.index()].clone()),
            worth,
            change_to_enter: change.filter(|&change| change < Ratio::ZERO),
            plans_with_it_cost: above.map(|above| ListCost::new(self.prices.base + above)),
            enters_below: worth.map(|worth| worth + (self.plan_hour - self.prices.base)),
        }
    }
}

impl<'a> Prices<'a> {
    /// None where they are of another problem, or sums leave the range.
    fn of(problem: &Problem, items: &'a [u64], values: &[PatternValue]) -> Option<Self> {
        if !items.is_empty() && items.len() != problem.items().len() {
            return None;
        }
        let values: BTreeMap<BinTypeId, u64> =
            values.iter().map(|value| (BinTypeId(value.bin_type), value.value)).collect();
        if values.keys().any(|t| t.index() >= problem.bins().len()) {
            return None;
        }
        // The largest r, or 1 where every type with a value is limited.
        let unlimited = values.iter().filter(|&(&t, &v)| v > 0 && problem.bin(t).stock.is_none());
        let largest = unlimited
            .map(|(&t, &v)| (i128::from(problem.bin(t).rate.nanos()), i128::from(v)))
            .min_by(|a, b| (a.0 * b.1).cmp(&(b.0 * a.1)))
            .unwrap_or((1, 1));
        // With limits r = 1 is the solver's other choice, and the one that its prices are scaled for.
        let limited = problem.bins().iter().any(|bin| bin.stock.is_some());
        let (numerator, denominator) = if limited && largest.0 > largest.1 { (1, 1) } else { largest };
        let counted = items.iter().zip(problem.items());
        let sum: i128 = counted.map(|(&price, item)| i128::from(price) * i128::from(item.copies)).sum();
        let mut base = sum.checked_mul(numerator)? / denominator;
        for (&t, &value) in &values {
            let bin = problem.bin(t);
            if let Some(stock) = bin.stock {
                // Rounded up, so that the base stays below.
                let worth = (i128::from(value) * numerator + denominator - 1) / denominator;
                base -= (worth - i128::from(bin.rate.nanos())).max(0) * i128::from(stock);
            }
        }
        Some(Prices { items, values, scale: (numerator, denominator), base: Money::from_nanos(base) })
    }

    /// `r * value`, rounded up: nothing is worth more.
    fn scaled(&self, value: u64) -> Money {
        let (numerator, denominator) = self.scale;
        Money::from_nanos((i128::from(value) * numerator + denominator - 1) / denominator)
    }
}

/// The instance type in the name of a bin type.
fn type_of(bin: &str) -> &str {
    bin.split(", ").next().unwrap_or(bin)
}
