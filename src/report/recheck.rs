//! Rechecks a saved plan and its lower bound against a certificate file: the nodes' content against the
//! problem, the figures against each other, and the proof of the bound. The solver has no part in it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use super::json;
use super::number::grouped;
use super::solution::{self, Solution};
use super::view::{NodeGroupRow, PlanReport};
use crate::bill::Ratio;
use crate::check::{self, Objection};
use crate::formulate::place_name;
use crate::input::certificate_file::{Certified, Names};
use crate::input::{Fault, Source, form};
use crate::plan::{BoundKind, BoundStep, Pattern, Plan};
use crate::problem::{BinTypeId, ItemTypeId, Problem};
use crate::units::Money;
use crate::verify::{self, Violation};

/// A plan as one of the two commands that make plans wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SavedPlan {
    /// Of workloads.
    Report(Box<PlanReport>),
    /// Of a problem file.
    Solution(Box<Solution>),
}

/// Reads what `plimsoll plan -f json` or `plimsoll solve -f json` wrote.
///
/// # Errors
/// Every place that is not as the file's schema has it.
pub fn read(source: &Source) -> Result<SavedPlan, Vec<Fault>> {
    #[derive(Deserialize)]
    struct Kind {
        format: Option<String>,
    }
    let kind = serde_json::from_slice::<Kind>(&source.bytes);
    if kind.is_ok_and(|kind| kind.format.is_some()) {
        let solution = form::read_json(source, solution::schema)?;
        return Ok(SavedPlan::Solution(Box::new(solution)));
    }
    json::read(source).map(|report| SavedPlan::Report(Box::new(report)))
}

/// What holds, as far as the problem in the certificate file is the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// Bins of the plan.
    pub bins: u128,
    /// Copies that they hold: all of the problem.
    pub copies: u128,
    /// Item types of the problem.
    pub item_types: usize,
    /// Bin types of the problem.
    pub bin_types: usize,
    /// What the plan costs an hour.
    pub cost: Money,
    /// What no plan can undercut, from the certificate.
    pub bound: Money,
    /// Cases of the proof.
    pub cases: usize,
    /// Whether the plan's file states a higher bound, as a solver's word.
    pub stated_bound: Option<Money>,
    /// Rules that the problem of the certificate goes without, so that this check says nothing about them.
    pub restricted: Vec<String>,
}

impl fmt::Display for Proven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "plan   {} bins hold all {} copies of {} item types within every rule of the problem and cost {} an hour",
            grouped(self.bins),
            grouped(self.copies),
            grouped(self.item_types as u64),
            self.cost
        )?;
        let cases = if self.cases == 1 { "one case".to_owned() } else { format!("{} cases", self.cases) };
        writeln!(
            f,
            "bound  no plan on these {} bin types costs less than {} an hour: proven in {cases}",
            grouped(self.bin_types as u64),
            self.bound
        )?;
        match Ratio::gap(self.cost, self.bound) {
            Some(Ratio::ZERO) => writeln!(f, "gap    none: the plan is the cheapest possible")?,
            Some(gap) => writeln!(f, "gap    at most {}", super::number::gap_percent(gap))?,
            None => {}
        }
        if let Some(stated) = self.stated_bound {
            writeln!(
                f,
                "note   the plan states the bound {stated}, which is a solver's word and not proven"
            )?;
        }
        for rule in &self.restricted {
            writeln!(f, "note   not checked here, for the bound's problem goes without it: {rule}")?;
        }
        Ok(())
    }
}

/// One reason why a plan or its bound is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The plan is of workloads, and the certificate file names none.
    NoNames,
    /// No bin type of the problem, or several, are of this name.
    InstanceType(String),
    /// No item type of the problem, or several, hold copies of this workload.
    Workload(String),
    /// A node group's rate is not its bin type's.
    Rate {
        /// Number of the node group.
        group: u64,
        /// As the plan has it.
        stated: String,
        /// As the problem has it.
        problem: String,
    },
    /// What a node group has for pods is not its bin type's capacity.
    Room {
        /// Number of the node group.
        group: u64,
        /// Of which resource.
        resource: String,
        /// As the plan has it.
        stated: i128,
        /// As the problem has it.
        problem: u64,
    },
    /// The plan breaks a rule of the problem.
    Violation(Violation),
    /// The nodes do not cost what the plan states.
    Cost {
        /// As the plan has it.
        stated: Money,
        /// The sum over its nodes.
        summed: Money,
    },
    /// The certificate does not hold.
    Objection(Objection),
    /// The certificate proves less than the plan states.
    Bound {
        /// As the plan has it.
        stated: Money,
        /// What is proven.
        proven: Money,
    },
    /// The proven bound is above the plan's cost, so that one of the two is wrong.
    BoundAboveCost {
        /// What is proven.
        proven: Money,
        /// What the plan costs.
        cost: Money,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NoNames => write!(f, "the certificate is not about workloads; the plan is"),
            Refusal::InstanceType(name) => {
                write!(f, "instance type `{name}` is not one bin type of the problem")
            }
            Refusal::Workload(name) => write!(f, "workload `{name}` is not of one item type of the problem"),
            Refusal::Rate { group, stated, problem } => {
                write!(f, "node group {group} costs {stated} an hour and {problem} in the problem")
            }
            Refusal::Room { group, resource, stated, problem } => {
                write!(f, "node group {group} has {stated} {resource} for pods and {problem} in the problem")
            }
            Refusal::Violation(violation) => write!(f, "the plan is not valid: {violation}"),
            Refusal::Cost { stated, summed } => {
                write!(f, "the plan states a cost of {stated} an hour, its nodes add up to {summed}")
            }
            Refusal::Objection(objection) => write!(f, "the proof does not hold: {objection}"),
            Refusal::Bound { stated, proven } => {
                write!(f, "the plan states a certified bound of {stated} an hour, proven is {proven}")
            }
            Refusal::BoundAboveCost { proven, cost } => {
                write!(f, "the proven bound of {proven} an hour is above the plan's cost of {cost}")
            }
        }
    }
}

/// Checks a saved plan and its lower bound.
///
/// # Errors
/// Every reason to refuse one of the two.
pub fn recheck(saved: &SavedPlan, certified: &Certified) -> Result<Proven, Vec<Refusal>> {
    let mut refusals = Vec::new();
    let problem = &certified.problem;
    let figures = Figures::of(saved);
    let plan = match saved {
        SavedPlan::Solution(solution) => Some(solution.plan()),
        SavedPlan::Report(report) => match &certified.names {
            Some(names) => plan_of_report(report, certified, names, &mut refusals),
            None => {
                refusals.push(Refusal::NoNames);
                None
            }
        },
    };
    let verified = plan.and_then(|plan| {
        let verified = verify::verify_plan(problem, plan);
        verified.map_err(|v| refusals.extend(v.into_iter().map(Refusal::Violation))).ok()
    });
    if let Some(verified) = &verified
        && verified.hourly_cost() != figures.cost
    {
        refusals.push(Refusal::Cost { stated: figures.cost, summed: verified.hourly_cost() });
    }
    let proven = check::check_certificate(problem, &certified.certificate)
        .map_err(|o| refusals.extend(o.into_iter().map(Refusal::Objection)))
        .ok();
    if let Some(proven) = proven
        && proven < figures.certified
    {
        refusals.push(Refusal::Bound { stated: figures.certified, proven });
    }
    let (Some(verified), Some(bound)) = (verified, proven) else { return Err(refusals) };
    let cost = verified.hourly_cost();
    if bound > cost {
        refusals.push(Refusal::BoundAboveCost { proven: bound, cost });
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let steps = certified.certificate.proof.iter();
    let leaves = steps.filter(|step| matches!(step, BoundStep::Leaf { .. }));
    Ok(Proven {
        bins: verified.plan().bin_count(),
        copies: problem.total_copies(),
        item_types: problem.items().len(),
        bin_types: problem.bins().len(),
        cost,
        bound,
        cases: leaves.count(),
        stated_bound: (figures.kind == BoundKind::SolverReported && figures.bound > bound)
            .then_some(figures.bound),
        restricted: certified.names.as_ref().map(|names| names.restricted.clone()).unwrap_or_default(),
    })
}

/// The figures that a saved plan states.
struct Figures {
    cost: Money,
    bound: Money,
    kind: BoundKind,
    certified: Money,
}

impl Figures {
    fn of(saved: &SavedPlan) -> Self {
        match saved {
            SavedPlan::Report(report) => Figures {
                cost: report.solve.cost_hour.money(),
                bound: report.solve.lower_bound_hour.money(),
                kind: report.solve.bound_kind,
                certified: report.solve.certified_bound_hour.money(),
            },
            SavedPlan::Solution(solution) => Figures {
                cost: solution.cost_hour,
                bound: solution.lower_bound_hour,
                kind: solution.bound_kind,
                certified: solution.certified_bound_hour,
            },
        }
    }
}

/// The plan of a report in the numbers of the problem; none if a name is unknown.
fn plan_of_report(
    report: &PlanReport,
    certified: &Certified,
    names: &Names,
    refusals: &mut Vec<Refusal>,
) -> Option<Plan> {
    let problem = &certified.problem;
    let items = names.items_of_workload();
    let before = refusals.len();
    let mut plan = Plan::new();
    for row in &report.nodes {
        let Some(bin_type) = bin_of_row(row, names) else {
            refusals.push(Refusal::InstanceType(row.instance_type.clone()));
            continue;
        };
        let bin = problem.bin(bin_type);
        if row.list_rate != bin.rate {
            let (stated, problem) = (row.list_rate.to_string(), bin.rate.to_string());
            refusals.push(Refusal::Rate { group: row.group, stated, problem });
        }
        for resource in &row.resources {
            let dimension = problem.dimensions().iter().position(|name| *name == resource.resource);
            let stated = i128::from(resource.allocatable)
                - i128::from(resource.daemon_sets)
                - i128::from(resource.headroom);
            if let Some(capacity) = dimension.map(|k| bin.capacity[k])
                && stated != i128::from(capacity)
            {
                let resource = resource.resource.clone();
                refusals.push(Refusal::Room { group: row.group, resource, stated, problem: capacity });
            }
        }
        let mut content = Vec::with_capacity(row.pods.len());
        for pods in &row.pods {
            let known = items.get(pods.workload.as_str()).map_or(&[][..], Vec::as_slice);
            let mut may = known.iter().filter(|&&item| problem.item(item).eligible.contains(bin_type));
            match (may.next(), may.next()) {
                (Some(&item), None) => content.push((item, &pods.workload, pods.pods)),
                // On a type that may not hold it, which the verifier says.
                (None, _) if known.len() == 1 => content.push((known[0], &pods.workload, pods.pods)),
                _ => refusals.push(Refusal::Workload(pods.workload.clone())),
            }
        }
        let content = copies_of_pods(content, problem, names, refusals);
        plan.add(Pattern::new(bin_type, content), row.nodes);
    }
    (refusals.len() == before).then_some(plan)
}

/// The bin type of a row: by type, pool and zone, or by fewer of these where the problem tells fewer apart.
pub(super) fn bin_of_row(row: &NodeGroupRow, names: &Names) -> Option<BinTypeId> {
    let pool = row.pool.as_deref().unwrap_or_default();
    let places = [(pool, row.zone.as_deref()), (pool, None), ("", row.zone.as_deref()), ("", None)];
    places.into_iter().find_map(|(pool, zone)| names.bin(&place_name(&row.instance_type, pool, zone)))
}

/// Copies of item types from pods: each pod is a copy, unless a copy is several pods that lie together.
fn copies_of_pods(
    content: Vec<(ItemTypeId, &String, u64)>,
    problem: &Problem,
    names: &Names,
    refusals: &mut Vec<Refusal>,
) -> Vec<(ItemTypeId, u64)> {
    let mut copies: BTreeMap<ItemTypeId, u64> = BTreeMap::new();
    for (item, workload, pods) in content {
        let members = &names.items[item.index()];
        let all = members.values().fold(0u128, |sum, &n| sum + u128::from(n));
        if all == u128::from(problem.item(item).copies) {
            *copies.entry(item).or_default() += pods;
            continue;
        }
        let each = members[workload] / problem.item(item).copies;
        let whole = pods.checked_div(each).filter(|whole| whole * each == pods);
        match (whole, copies.get(&item)) {
            (Some(whole), known) if known.is_none_or(|&known| known == whole) => {
                copies.insert(item, whole);
            }
            _ => refusals.push(Refusal::Workload(workload.clone())),
        }
    }
    copies.into_iter().collect()
}
