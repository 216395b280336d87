//! Makes the report of a verified plan: totals, money, words.

use std::collections::BTreeMap;

use super::scheduling::Scheduling;
use super::showback::SharedNodes;
use super::view::{
    CatalogInfo, Headline, InputFile, NodeGroupRow, ObstacleRow, PlanReport, PlanRow, SCHEMA_VERSION,
    SavingsStep, Scenario, Tool, WorkloadRow, uncommitted,
};
use crate::bill::{
    EffectiveCost, Fleet, FleetBill, FleetError, ListCost, OfferKey, Purchase, Ratio, effective_savings_rate,
    saving,
};
use crate::catalog::Catalog;
use crate::formulate::{self, Formulation, Legend, ObstacleReason};
use crate::policy::{PlanForm, Policy};
use crate::problem::Problem;
use crate::replay::Cluster;
use crate::units::{HOURS_PER_MONTH, HOURS_PER_YEAR};
use crate::verify::{VerifiedOutcome, VerifiedPlan};
use crate::workload::WorkloadSet;

mod payment;
mod placed;
mod pools;
mod spot;
mod uses;
mod words;

use placed::Placed;

/// The policy setting `allocatable` of nodes that run Bottlerocket, in words.
pub(super) const EKS_BOTTLEROCKET: &str = "EKS, Bottlerocket";

/// The nodes of a plan that run for so many hours, with what they are used for.
pub(super) fn shared_nodes(
    workloads: &WorkloadSet,
    catalog: &Catalog,
    policy: &Policy,
    (formulation, plan): (&Formulation, &VerifiedPlan),
    hours: u64,
) -> Vec<SharedNodes> {
    let placed = Placed::of(workloads, &formulation.problem, &formulation.legend, plan.plan());
    let of = |group: placed::Group| {
        let machine = &catalog.types[group.catalog_type];
        // At its own rate: a level's problem counts nodes of other levels at other ones.
        let rate = formulate::node_rate(machine, policy, group.spot);
        let count = group.nodes.saturating_mul(hours);
        SharedNodes {
            family: machine.family.clone(),
            count,
            list: rate.for_hours(count),
            resources: group.resources,
            pods: group.pods,
        }
    };
    placed.groups.into_iter().filter(|group| !group.pods.is_empty()).map(of).collect()
}

/// Everything that a report is made of. Only verified plans get in.
#[derive(Debug, Clone, Copy)]
pub struct ReportInputs<'a> {
    /// What had to be placed.
    pub workloads: &'a WorkloadSet,
    /// The prices.
    pub catalog: &'a Catalog,
    /// The settings.
    pub policy: &'a Policy,
    /// The problem and what its numbers stand for.
    pub formulation: &'a Formulation,
    /// The plan and its bound.
    pub outcome: &'a VerifiedOutcome,
    /// Plans to compare with, in the order to show them.
    pub baselines: &'a [BaselineInput<'a>],
    /// The offer to count with in the headline; `None` chooses one, see [`build`].
    pub purchase: Option<OfferKey>,
    /// The free plan and what its problem stands for, where the plan is pooled and both were looked for.
    pub free: Option<(&'a Legend, &'a VerifiedPlan)>,
    /// Names and hashes.
    pub metadata: &'a Metadata,
}

/// A plan to compare with.
#[derive(Debug, Clone)]
pub struct BaselineInput<'a> {
    /// Stable id, such as `one-to-one`.
    pub id: String,
    /// For people, such as `one VM per replica (requests)`.
    pub label: String,
    /// How it was made, one sentence each.
    pub method: Vec<String>,
    /// Whether it is the "before" that savings are counted from; the first one that says so counts.
    pub reference: bool,
    /// Its problem.
    pub problem: &'a Problem,
    /// What the numbers of its problem stand for.
    pub legend: &'a Legend,
    /// The plan.
    pub plan: &'a VerifiedPlan,
    /// Pods that it could not place.
    pub pods_left_out: u64,
}

/// Names and hashes, which the report repeats.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// What was read, with the SHA-256 of each.
    pub inputs: Vec<InputFile>,
    /// SHA-256 (hexadecimal) over everything that decides the plan.
    pub input_hash: String,
    /// Id of the scenario; the first twelve digits of the input hash where absent.
    pub scenario_id: Option<String>,
    /// Name of the scenario, for people.
    pub scenario_name: String,
    /// First day of the plan, `YYYY-MM-DD`.
    pub start: Option<String>,
    /// Seed of the solver.
    pub seed: u64,
}

/// Why no report can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// Plan and catalog contradict each other.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// No node of the plan has the offer that was asked for.
    #[error("no node of the plan can be bought as {wanted}; there are {}", .available.join(", "))]
    NoSuchOffer {
        /// What was asked for.
        wanted: OfferKey,
        /// What there is.
        available: Vec<String>,
    },
}

/// Makes the report of a plan.
///
/// Without [`ReportInputs::purchase`] the headline counts with the offer of the widest coverage;
/// among equals one year before three, partial before no before all upfront, and standard reserved
/// before the others.
///
/// # Errors
/// A plan that pays less than the catalog's on-demand rates, or an offer that no node has.
pub fn build(inputs: &ReportInputs<'_>) -> Result<PlanReport, ReportError> {
    let ReportInputs { workloads, catalog, formulation, outcome, metadata, .. } = *inputs;
    let problem = &formulation.problem;
    let mut placed = Placed::of(workloads, problem, &formulation.legend, outcome.plan().plan());
    if inputs.free.is_some() {
        placed.sort_by_pool();
    }
    let fleet = Fleet::with_spot(catalog, placed.fleet.iter().copied())?;
    let purchases = fleet.purchases();
    let selected = payment::select(&fleet, &purchases, inputs.purchase)?;
    let bill = fleet.bill(selected);

    let used = placed.utilization("plan");
    let mut utilization = used.clone();
    let mut plans = vec![plan_row("plan", "this plan", &placed, &bill, None)];
    plans[0].pods_left_out = formulation.obstacles.iter().map(|o| o.replicas).sum();
    let mut before = None;
    for baseline in inputs.baselines {
        let facts = Placed::of(workloads, baseline.problem, baseline.legend, baseline.plan.plan());
        let baseline_fleet = Fleet::with_spot(catalog, facts.fleet.iter().copied())?;
        let paid = baseline_fleet.bill(selected);
        let mut row = plan_row(&baseline.id, &baseline.label, &facts, &paid, Some(&plans[0]));
        row.method.clone_from(&baseline.method);
        row.pods_left_out = baseline.pods_left_out;
        let bound = outcome.lower_bound().value;
        // The bound is for the plan's own problem: it says nothing about fewer pods, nor about
        // nodes that count differently and end up below it.
        let comparable = row.pods == plans[0].pods && row.list_hour.money() >= bound;
        row.above_bound = comparable.then(|| Ratio::of_money(row.list_hour.money() - bound, bound)).flatten();
        if baseline.reference && before.is_none() {
            row.reference = true;
            before = Some(row.clone());
            // Before comes first: that is how the two are read.
            utilization.splice(0..0, facts.utilization(&baseline.id));
        }
        plans.push(row);
    }
    let bound = outcome.lower_bound().value;
    plans[0].above_bound = Ratio::of_money(plans[0].list_hour.money() - bound, bound);

    let dearer = words::dearer(before.as_ref(), &plans[0], inputs.policy);
    let notices = words::notices(workloads, formulation, catalog, &placed, dearer, &used);
    let extra_costs = payment::extra_costs(inputs.policy, &placed);
    let cluster = Cluster::of_plan(workloads, catalog, inputs.policy, formulation, outcome.plan());
    let scheduling = Scheduling::of(&cluster);
    let legend = &formulation.legend;
    let form = if inputs.free.is_some() { PlanForm::Pooled } else { PlanForm::Free };
    let forms = inputs.free.map(|free| pools::forms(free, (legend, outcome.plan()), outcome.lower_bound()));
    let solve = words::solve(outcome, &catalog.currency);
    let nodes = payment::node_rows(catalog, legend, &placed, &bill);
    Ok(PlanReport {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: "plimsoll".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        scenario: Scenario {
            id: metadata
                .scenario_id
                .clone()
                .unwrap_or_else(|| metadata.input_hash.chars().take(12).collect()),
            name: metadata.scenario_name.clone(),
            start: metadata.start.clone(),
            seed: metadata.seed,
        },
        inputs: metadata.inputs.clone(),
        input_hash: metadata.input_hash.clone(),
        catalog: CatalogInfo {
            name: catalog.name.clone(),
            provider: catalog.provider,
            region: catalog.region.clone(),
            currency: catalog.currency.clone(),
            price_date: catalog.price_date.clone(),
            sources: catalog.sources.clone(),
            licence_note: catalog.licence_note.clone(),
            derivations: payment::derivations(catalog, &fleet, &purchases),
            discounts: payment::discounts(catalog, &fleet),
        },
        policy: words::settings(inputs.policy, catalog.provider),
        headline: headline(before.as_ref(), &plans[0], &bill, solve.gap),
        savings: savings(before.as_ref(), &plans[0], &bill, &nodes),
        extra_costs,
        form,
        forms,
        pools: pools::rows(workloads, catalog, legend, &placed),
        cost_uses: uses::rows(&placed, &nodes),
        nodes,
        workloads: workload_rows(workloads, &placed, &pools::whole_in(catalog, legend, &placed)),
        utilization,
        plans,
        purchase_options: purchases
            .iter()
            .map(|&p| payment::purchase_row(&fleet.bill(p), p == selected))
            .collect(),
        commitments: purchases
            .iter()
            .flat_map(|&p| payment::commitment_rows(&fleet.bill(p), &catalog.currency))
            .collect(),
        obstacles: formulation.obstacles.iter().map(obstacle_row).collect(),
        notices,
        skipped: words::skipped(workloads),
        scheduling: Some(scheduling),
        replay: None,
        accounts: None,
        showback: None,
        spot: spot::report(workloads, catalog, legend, &placed),
        usage: None,
        survival: None,
        over_time: None,
        purchases: None,
        tightness: None,
        cluster: None,
        solve,
    })
}

fn plan_row(
    id: &str,
    label: &str,
    placed: &Placed<'_>,
    bill: &FleetBill<'_>,
    plan: Option<&PlanRow>,
) -> PlanRow {
    let list_hour = bill.list(1);
    PlanRow {
        plan: id.to_owned(),
        label: label.to_owned(),
        method: Vec::new(),
        reference: false,
        nodes: placed.nodes,
        instance_types: placed.instance_types,
        pods: placed.pods,
        pods_left_out: 0,
        pods_per_node: Ratio::of(placed.pods, placed.nodes),
        list_hour,
        list_month: bill.list(HOURS_PER_MONTH),
        effective_month: bill.effective(HOURS_PER_MONTH),
        above_plan: plan
            .and_then(|p| Ratio::of_money((list_hour - p.list_hour).money(), p.list_hour.money())),
        above_bound: None,
    }
}

fn headline(before: Option<&PlanRow>, plan: &PlanRow, bill: &FleetBill<'_>, gap: Option<Ratio>) -> Headline {
    let reserved = (bill.purchase != Purchase::OnDemand).then(|| bill.effective(HOURS_PER_MONTH));
    let packed = undiscounted(plan.list_month);
    let last = reserved.unwrap_or(packed);
    Headline {
        before_label: before.map(|b| b.label.clone()),
        before_month: before.map(|b| b.list_month),
        packed_month: plan.list_month,
        public_list_month: {
            let public = bill.public_list(HOURS_PER_MONTH);
            (public != plan.list_month).then_some(public)
        },
        reserved_month: reserved,
        reserved_label: reserved.map(|_| payment::label(bill)),
        reserved_coverage: reserved.and_then(|_| bill.coverage()),
        saving_packed: before.and_then(|b| effective_savings_rate(b.list_month, packed)),
        saving_total: before.and_then(|b| effective_savings_rate(b.list_month, last)),
        saving_total_month: before.map(|b| saving(b.list_month, last)),
        nodes_before: before.map(|b| b.nodes),
        nodes: plan.nodes,
        instance_types: plan.instance_types,
        pods: plan.pods,
        pods_left_out: plan.pods_left_out,
        pods_per_node: plan.pods_per_node,
        gap,
    }
}

/// On demand, list and effective cost are the same money.
fn undiscounted(cost: ListCost) -> EffectiveCost {
    EffectiveCost::new(cost.money())
}

fn savings(
    before: Option<&PlanRow>,
    plan: &PlanRow,
    bill: &FleetBill<'_>,
    nodes: &[NodeGroupRow],
) -> Vec<SavingsStep> {
    let mut steps: Vec<SavingsStep> = Vec::new();
    let mut push = |step: &str, label: String, nodes: u64, list_month, hour, month, year| {
        let previous = steps.last().map(|s| s.effective_month);
        let first = steps.first().map_or(month, |s| s.effective_month);
        let change = previous.map(|p: EffectiveCost| (month - p).money());
        steps.push(SavingsStep {
            step: step.to_owned(),
            label,
            nodes,
            list_month,
            effective_hour: hour,
            effective_month: month,
            effective_year: year,
            change_month: change,
            change: previous.and_then(|p| Ratio::of_money((month - p).money(), p.money())),
            share_of_first: Ratio::of_money(month.money(), first.money()),
        });
    };
    // On-demand costs are whole nano-dollars an hour, so a year is 8,760 times the hour.
    let year = |row: &PlanRow| {
        let hours = i128::from(HOURS_PER_YEAR);
        EffectiveCost::new(row.list_hour.money().checked_mul(hours).expect("no bill reaches 10^29"))
    };
    if let Some(row) = before {
        let (hour, month) = (undiscounted(row.list_hour), undiscounted(row.list_month));
        push("before", row.label.clone(), row.nodes, row.list_month, hour, month, year(row));
    }
    let (hour, month) = (undiscounted(plan.list_hour), undiscounted(plan.list_month));
    push(
        "packed",
        format!("packed, {}", uncommitted(nodes)),
        plan.nodes,
        plan.list_month,
        hour,
        month,
        year(plan),
    );
    if bill.purchase != Purchase::OnDemand {
        let at = |hours| bill.effective(hours);
        push(
            "reserved",
            format!("packed, {}", payment::label(bill)),
            plan.nodes,
            plan.list_month,
            at(1),
            at(HOURS_PER_MONTH),
            at(HOURS_PER_YEAR),
        );
    }
    steps
}

fn workload_rows(
    workloads: &WorkloadSet,
    placed: &Placed<'_>,
    whole_in: &BTreeMap<usize, String>,
) -> Vec<WorkloadRow> {
    let amounts = |list: &crate::workload::ResourceList| {
        list.iter().map(|(name, &amount)| (name.to_string(), amount)).collect()
    };
    let rows = workloads.workloads.iter().zip(&placed.per_workload).enumerate();
    rows.map(|(w, (workload, &(pods, nodes)))| WorkloadRow {
        workload: workload.id.to_string(),
        namespace: workload.id.namespace.clone(),
        kind: workload.id.kind,
        name: workload.id.name.clone(),
        replicas: workload.replicas,
        placed: pods,
        nodes,
        pool: whole_in.get(&w).cloned(),
        requests: amounts(&workload.pod.requests),
        limits: amounts(&workload.pod.limits),
        owners: workload.owners.clone(),
    })
    .collect()
}

fn obstacle_row(obstacle: &crate::formulate::Obstacle) -> ObstacleRow {
    let nearest_type = match &obstacle.reason {
        ObstacleReason::TooLarge { nearest_name, .. } => Some(nearest_name.clone()),
        _ => None,
    };
    ObstacleRow {
        workload: obstacle.id.to_string(),
        pods: obstacle.replicas,
        reason: obstacle.reason.to_string(),
        nearest_type,
    }
}
