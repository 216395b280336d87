//! `plan --tightness`: the plan's cost at several levels of headroom, for the page and JSON.

use std::collections::BTreeMap;

use anyhow::anyhow;
use clap::ValueEnum;
use plimsoll::bill::{ListCost, Ratio};
use plimsoll::report::Format;
use plimsoll::report::view::{PlanReport, Tightness, TightnessRow};
use plimsoll::solver::control::Silent;
use plimsoll::units::{HOURS_PER_MONTH, Money, PartsPerMillion, ResourceName};
use plimsoll::workload::WorkloadSet;

use super::args::{EffortArg, PlanArgs, SearchArgs};
use super::plan::{Anchor, Given};
use super::settings::Settings;
use super::{Failure, plan};

/// Whether the plan's cost is told for other levels of headroom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TightnessArg {
    /// For -f html, plans of up to 2,000 pods on up to 100 nodes
    Auto,
    /// Any plan
    Always,
    /// No plan
    None,
}

/// The most pods and nodes of a plan whose levels are computed without being asked for: each is a search.
const QUICK_PODS: u64 = 2_000;
const QUICK_NODES: u64 = 100;

/// Shares of every node kept free, in percent, the strictest first: each plan holds for the levels after it.
const LEVELS: [u32; 6] = [50, 40, 30, 20, 10, 0];

/// Adds the levels to a report, where they are wanted.
///
/// # Errors
/// A policy that cannot be formulated under another headroom, which is a bug.
pub fn tell(
    report: &mut PlanReport,
    workloads: &WorkloadSet,
    settings: &Settings,
    args: &PlanArgs,
) -> Result<(), Failure> {
    let quick = report.headline.pods <= QUICK_PODS && report.headline.nodes <= QUICK_NODES;
    let simple = report.cluster.is_none() && report.spot.is_none();
    let wanted = match args.tightness {
        TightnessArg::None => false,
        TightnessArg::Always => simple,
        TightnessArg::Auto => simple && quick && args.output.format == Format::Html,
    };
    if !wanted || plan::interrupted() {
        return Ok(());
    }
    let planned = own(&settings.policy.headroom);
    let mut levels: Vec<PartsPerMillion> =
        LEVELS.iter().map(|&percent| PartsPerMillion(percent * 10_000)).collect();
    if let Some(own) = planned.filter(|own| !levels.contains(own)) {
        levels.push(own);
        levels.sort_by_key(|&level| std::cmp::Reverse(level));
    }
    let search = SearchArgs { effort: EffortArg::Quick, ..args.search.clone() };
    let mut told = Tightness { headroom: planned.map(ratio), levels: Vec::new(), left_out: Vec::new() };
    let mut before: Option<Level> = None;
    let mut cheapest: Option<(Money, u64)> = None;
    let mut settings = settings.clone();
    for level in levels {
        for resource in [ResourceName::Cpu, ResourceName::Memory] {
            settings.policy.headroom.insert(resource, level);
        }
        let found = at(workloads, &settings, &search, before.as_ref().map(|before| &before.anchor))?;
        let Some(mut found) = found.filter(|found| found.pods == report.headline.pods) else {
            told.left_out.push(ratio(level));
            continue;
        };
        if planned == Some(level) {
            (found.cost, found.nodes) = (report.solve.cost_hour.money(), report.headline.nodes);
            found.bound = found.bound.max(report.solve.lower_bound_hour.money());
        } else if let Some(strict) = cheapest.filter(|strict| strict.0 < found.cost) {
            (found.cost, found.nodes) = strict;
        }
        if cheapest.is_none_or(|cheapest| found.cost < cheapest.0) {
            cheapest = Some((found.cost, found.nodes));
        }
        let own = report.solve.cost_hour.money();
        told.levels.push(TightnessRow {
            headroom: ratio(level),
            nodes: found.nodes,
            list_month: month(found.cost),
            lower_bound_month: month(found.bound),
            change: Ratio::of_money(found.cost - own, own),
            planned: planned == Some(level),
        });
        before = Some(found);
    }
    report.tightness = (told.levels.len() > 1).then_some(told);
    Ok(())
}

/// What is kept free of cpu and memory alike.
fn own(headroom: &BTreeMap<ResourceName, PartsPerMillion>) -> Option<PartsPerMillion> {
    let of = |resource| headroom.get(&resource).copied().unwrap_or(PartsPerMillion(0));
    let (cpu, memory) = (of(ResourceName::Cpu), of(ResourceName::Memory));
    (cpu == memory).then_some(cpu)
}

fn ratio(share: PartsPerMillion) -> Ratio {
    Ratio::of(u64::from(share.0), 1_000_000).expect("a million is not zero")
}

fn month(hour: Money) -> ListCost {
    ListCost::new(hour.checked_mul(i128::from(HOURS_PER_MONTH)).expect("no bill comes near 10^29 dollars"))
}

/// A plan at one level.
struct Level {
    cost: Money,
    bound: Money,
    nodes: u64,
    pods: u64,
    /// Where the search for the next level starts.
    anchor: Anchor,
}

/// Plans the pods as `plan` does; nothing where there is no plan.
fn at(
    workloads: &WorkloadSet,
    settings: &Settings,
    search: &SearchArgs,
    start: Option<&Anchor>,
) -> Result<Option<Level>, Failure> {
    let free = plan::formulate(workloads, settings)?;
    let pooled = plan::pooled(workloads, settings, &free)?;
    let catalog = &settings.prices.catalog;
    let given = start.map(|anchor| Given { anchor, theirs: catalog, ours: catalog });
    let mut found = match plan::solve_from(&free, pooled.as_ref(), given, search, &Silent) {
        Ok(found) => found,
        Err(Failure::NoPlan(_)) => return Ok(None),
        Err(other) => return Err(other),
    };
    let anchor = Anchor::new(&free, pooled.as_ref(), &found);
    plan::survive(workloads, settings, (&free, pooled.as_ref()), &mut found, search)?;
    let formulation = pooled.as_ref().map_or(&free, |pooled| &pooled.formulation);
    let outcome = &found.outcome;
    let copies = formulation.problem.items().iter().zip(&formulation.legend.items);
    let pods = copies.map(|(_, members)| members.workloads.iter().map(|&(_, n)| n).sum::<u64>()).sum();
    let nodes = outcome.plan().plan().bin_count();
    Ok(Some(Level {
        cost: outcome.plan().hourly_cost(),
        bound: outcome.lower_bound().value,
        nodes: u64::try_from(nodes).map_err(|_| anyhow!("more nodes than can be counted"))?,
        pods,
        anchor,
    }))
}
