//! Demand over time for `plimsoll plan`: its options, the time series that it reads, and the levels.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::anyhow;
use clap::Args;
use plimsoll::bill::commitment::Holding;
use plimsoll::bill::{self, SizeRatios};
use plimsoll::catalog::Catalog;
use plimsoll::demand::{Horizon, MOST_HOURS, Needed, Scenario, Timeline};
use plimsoll::formulate::Formulation;
use plimsoll::input::{self, Fault, Source};
use plimsoll::levels::{self, Levels, PackError, Packed, PoolOf};
use plimsoll::policy::PlanForm;
use plimsoll::purchase::{self, Joint, JointError, PurchaseError};
use plimsoll::report::committed::{CommittedInputs, committed};
use plimsoll::report::showback::PeriodCost;
use plimsoll::report::view::{
    Accounts, Notice, NoticeKind, OverTime, OverTimeInputs, PlanReport, Purchases, PurchasesInputs,
};
use plimsoll::search::Found;
use plimsoll::solver::control::{Budget, Effort};
use plimsoll::units::{HOURS_PER_MONTH, PartsPerMillion};
use plimsoll::workload::{Workload, WorkloadSet};

use super::args::PlanArgs;
use super::settings::Settings;
use super::{Failure, files, plan};

/// Demand over time.
#[derive(Debug, Args)]
#[command(next_help_heading = "Demand over time")]
pub struct DemandArgs {
    /// For how long to plan: 1y, 3y, or a number of months [default: 1y, where demand varies]
    #[arg(long, value_name = "1y|3y|MONTHS", conflicts_with = "cluster")]
    pub horizon: Option<HorizonArg>,
    /// Replicas or shares hour by hour, CSV with the columns time or hour, workload, and replicas or share
    #[arg(long, value_name = "FILE", conflicts_with = "cluster")]
    pub demand: Vec<PathBuf>,
    /// How demand may turn out: its name, how likely it is, what all replicas are multiplied by; the
    /// weights sum up to 100% [default: as the workload file says]
    #[arg(long, value_name = "NAME=WEIGHT:SHARE", conflicts_with = "cluster")]
    pub scenario: Vec<ScenarioArg>,
    /// The most levels that hours are merged into [default: 12]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=200), conflicts_with = "cluster")]
    pub levels: Option<u16>,
}

/// Levels where nothing is said: enough that a day's curve wastes little, few enough to pack each.
const LEVELS: u16 = 12;

/// A horizon in hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HorizonArg(u32);

impl FromStr for HorizonArg {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let hours = match text {
            "1y" => Some(8_760),
            "3y" => Some(26_280),
            months => months.parse::<u32>().ok().and_then(|n| n.checked_mul(HOURS_PER_MONTH as u32)),
        };
        match hours {
            Some(hours @ 1..=MOST_HOURS) => Ok(HorizonArg(hours)),
            Some(_) => Err("1 to 60 months".to_owned()),
            None => Err("write 1y, 3y or a number of months".to_owned()),
        }
    }
}

/// A scenario on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioArg(Scenario);

impl FromStr for ScenarioArg {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let form = "write NAME=WEIGHT:SHARE, such as low=25%:70%";
        let (name, rest) = text.split_once('=').ok_or(form)?;
        let (weight, share) = rest.split_once(':').unwrap_or((rest, "100%"));
        let part = |text: &str| text.parse::<PartsPerMillion>().map_err(|e| format!("{e}; {form}"));
        if name.is_empty() {
            return Err(form.to_owned());
        }
        Ok(ScenarioArg(Scenario { name: name.to_owned(), weight: part(weight)?, share: part(share)? }))
    }
}

/// Reads the time series and settles the scenarios; the sources are the files that were read.
///
/// # Errors
/// Every fault of the files, and scenarios whose weights do not sum up to one.
pub fn read(args: &DemandArgs, set: &mut WorkloadSet) -> Result<Vec<Source>, Vec<Fault>> {
    let mut sources = Vec::new();
    let mut faults = Vec::new();
    for path in &args.demand {
        match files::read(path) {
            Ok(source) => {
                faults.extend(input::demand::read_series(&source, set).err().into_iter().flatten());
                sources.push(source);
            }
            Err(fault) => faults.push(fault),
        }
    }
    if !args.scenario.is_empty() {
        set.scenarios = args.scenario.iter().map(|arg| arg.0.clone()).collect();
        if let Err(message) = input::demand::check_scenarios(&set.scenarios) {
            faults.push(Fault::new("--scenario", message));
        }
        for (index, scenario) in set.scenarios.iter().enumerate() {
            if set.scenarios[..index].iter().any(|other| other.name == scenario.name) {
                faults.push(Fault::new("--scenario", format!("`{}` is given twice", scenario.name)));
            }
        }
    }
    if faults.is_empty() { Ok(sources) } else { Err(faults) }
}

/// The hours to plan for; none where demand does not vary and nothing asks for them.
///
/// # Errors
/// Dates in the workloads without a first day to count from.
pub fn horizon(args: &PlanArgs, set: &WorkloadSet) -> Result<Option<Horizon>, Vec<Fault>> {
    let varies = set.demands.values().any(|demand| !demand.is_constant()) || set.scenarios.len() > 1;
    if !varies && args.demand.horizon.is_none() && !args.commit.commit {
        return Ok(None);
    }
    let start = args.output.as_of.as_deref().and_then(input::demand::parse_date);
    let dated = set.demands.iter().find(|(_, d)| d.start.is_some() || d.end.is_some());
    if let (None, Some((id, _))) = (start, dated) {
        let message = format!("{id} starts or ends on a day, and the plan has no first day");
        return Err(vec![Fault::new("--as-of", message).help("add --as-of DATE")]);
    }
    let hours = args.demand.horizon.map_or(Horizon::YEAR.hours, |horizon| horizon.0);
    Ok(Some(Horizon { start, hours }))
}

/// Demand over time, packed.
pub struct OverTimePlan {
    horizon: Horizon,
    timeline: Timeline,
    levels: Levels,
    packed: Packed,
    peak: Packed,
    ratios: SizeRatios,
    committed: Option<Committed>,
    /// What the plan over time leaves out, since it never runs within the horizon.
    absent: Vec<Notice>,
}

/// What is proposed to commit to.
struct Committed {
    joint: Joint,
    /// Whether what ends may be bought again.
    renew: bool,
}

/// Merges the hours into levels and packs them.
///
/// # Errors
/// No plan for a level.
pub fn levels(
    set: &WorkloadSet,
    settings: &Settings,
    (horizon, owned, ratios): (Horizon, &[Holding], &SizeRatios),
    (formulation, found): (&Formulation, &Found),
    args: &PlanArgs,
) -> Result<OverTimePlan, Failure> {
    let timeline = timeline(set, horizon);
    let weights = timeline.weights();
    let most = usize::from(args.demand.levels.unwrap_or(LEVELS));
    let pools = pools(set, settings, formulation, found);
    let catalog = &settings.prices.catalog;
    let inputs = levels::Inputs {
        set,
        catalog,
        policy: &settings.policy,
        pools: &pools,
        ratios,
        price: &levels::nothing_changed,
        budget: budget(args, most),
        seed: args.search.seed,
    };
    let values = levels::values(&inputs, &timeline).map_err(failure)?;
    let compressed = levels::compress(&timeline.states, &weights, &values, most);
    let options = args.commit.options(horizon, &settings.commitments);
    let joint = if args.commit.commit {
        let joint = purchase::together(&inputs, &compressed, &timeline, owned, &options);
        Some(joint.map_err(|error| not_chosen(error, args))?)
    } else {
        None
    };
    let packed = match &joint {
        Some(joint) => joint.first.packed.clone(),
        None => levels::pack(&inputs, &compressed).map_err(failure)?,
    };
    let everything = levels::compress(&timeline.states, &weights, &values, 1);
    let peak = match compressed.levels.last() {
        Some(top) if compressed.levels.len() == 1 || top.replicas == everything.levels[0].replicas => {
            packed.clone()
        }
        _ => levels::pack(&inputs, &everything).map_err(failure)?,
    };
    let committed = joint.map(|joint| Committed { joint, renew: options.renew });
    let ratios = ratios.clone();
    let absent = absent(set, horizon, &timeline);
    Ok(OverTimePlan { horizon, timeline, levels: compressed, packed, peak, ratios, committed, absent })
}

fn timeline(set: &WorkloadSet, horizon: Horizon) -> Timeline {
    let needed: Vec<Needed<'_>> = set
        .workloads
        .iter()
        .map(|workload| Needed { replicas: workload.replicas, demand: set.demands.get(&workload.id) })
        .collect();
    let certain = [Scenario::expected()];
    let scenarios = if set.scenarios.is_empty() { &certain[..] } else { &set.scenarios };
    Timeline::new(&needed, scenarios, horizon)
}

/// A warning for each workload that no hour of the horizon has, with the reason: nodes and commitments over
/// time are without it.
fn absent(set: &WorkloadSet, horizon: Horizon, timeline: &Timeline) -> Vec<Notice> {
    let (first, last) = (horizon.first_day(), horizon.last_day());
    let notice = |w: usize| {
        let Workload { id, .. } = &set.workloads[w];
        let (start, end) = set.demands.get(id).map_or((None, None), |demand| (demand.start, demand.end));
        let reason = match (start, end) {
            (Some(start), _) if last.is_some_and(|last| start > last) => format!("it starts on {start}"),
            (_, Some(end)) if end <= first => format!("it ended on {end}"),
            _ => "its replicas are 0 in every hour".to_owned(),
        };
        let until = last.map(|last| format!(", which ends with {last}")).unwrap_or_default();
        let message = format!(
            "never runs within the horizon{until}: {reason}; demand over time and commitments are without it"
        );
        Notice { kind: NoticeKind::Warning, workload: Some(id.to_string()), message }
    };
    timeline.absent().into_iter().map(notice).collect()
}

/// A part of the search's limits for each level, so that all of them together take about as long as the
/// plan itself.
fn budget(args: &PlanArgs, levels: usize) -> Budget<'static> {
    let whole = plan::budget(&args.search);
    let parts = levels as u64;
    Budget {
        effort: Effort::Quick,
        work_limit: Some((whole.work_limit() / parts).max(2_000_000)),
        time_limit: whole.time_limit.map(|limit| limit / u32::try_from(parts).unwrap_or(u32::MAX)),
        ..whole
    }
}

/// The pool in which each workload lies whole, where the plan is pooled.
fn pools(set: &WorkloadSet, settings: &Settings, formulation: &Formulation, found: &Found) -> Vec<PoolOf> {
    if settings.policy.form == PlanForm::Free {
        return Vec::new();
    }
    let legend = &formulation.legend;
    let mut pools: Vec<Option<PoolOf>> = vec![None; set.workloads.len()];
    for group in legend.assign(found.outcome.plan().plan()) {
        let node = &legend.nodes[group.bin_type.index()];
        let here = (node.catalog_type, legend.pools[node.pool].name.clone());
        for (workload, _) in group.pods {
            let pool = &mut pools[workload];
            match pool {
                None => *pool = Some(Some(here.clone())),
                // In several pools: in none whole.
                Some(other) if other.as_ref() != Some(&here) => *other = None,
                Some(_) => {}
            }
        }
    }
    pools.into_iter().map(Option::flatten).collect()
}

/// Why nothing can be proposed.
fn not_chosen(error: JointError, args: &PlanArgs) -> Failure {
    match error {
        JointError::Pack(error) => failure(error),
        JointError::Formulate(errors) => failure(PackError::Formulate(errors)),
        JointError::Purchase(PurchaseError::Limits) => {
            let help = if args.commit.min_coverage.is_some() {
                "; a lower --min-coverage may have some"
            } else {
                ""
            };
            Failure::NoPlan(format!("{}{help}", PurchaseError::Limits))
        }
        error => anyhow!("choosing commitments: {error}").into(),
    }
}

fn failure(error: PackError) -> Failure {
    match error {
        PackError::Formulate(errors) => {
            let faults: Vec<Fault> = errors.iter().map(|e| Fault::new("policy", e.to_string())).collect();
            faults.into()
        }
        error @ PackError::Solve { .. } => Failure::NoPlan(error.to_string()),
        error @ PackError::Refused { .. } => anyhow!("{error}").into(),
    }
}

/// Warnings of pods that limits of node pools leave without a node as the demand grows.
fn pending(report: &PlanReport, packed: &Packed) -> Vec<Notice> {
    let mut most: BTreeMap<usize, u64> = BTreeMap::new();
    for &(workload, pods) in packed.levels.iter().flat_map(|level| &level.pending) {
        let seen = most.entry(workload).or_default();
        *seen = pods.max(*seen);
    }
    let named = most.into_iter().filter_map(|(w, pods)| {
        let message = format!(
            "up to {pods} of its pods stay pending at the levels of its demand that the limits of node pools leave no nodes for; these levels are priced without them"
        );
        let workload = Some(report.workloads.get(w)?.workload.clone());
        Some(Notice { kind: NoticeKind::Warning, workload, message })
    });
    named.collect()
}

impl OverTimePlan {
    /// Writes it into the report.
    ///
    /// # Errors
    /// Levels and hours that do not fit together, which is a bug.
    pub fn tell(&self, report: &mut PlanReport, settings: &Settings) -> Result<(), Failure> {
        let catalog = &settings.prices.catalog;
        let inputs = |c: &'_ Committed| Purchases::of(&PurchasesInputs { joint: &c.joint, catalog });
        report.purchases = self.committed.as_ref().map(inputs);
        let packed = self.chosen();
        let usage = self.usage(catalog)?;
        report.notices.extend(self.absent.iter().cloned());
        report.notices.extend(pending(report, packed));
        report.notices.sort_by_key(|notice| notice.kind);
        report.over_time = Some(OverTime::of(&OverTimeInputs {
            horizon: self.horizon,
            timeline: &self.timeline,
            levels: &self.levels,
            packed,
            peak: &self.peak,
            usage: &usage,
            catalog,
        }));
        Ok(())
    }

    /// The nodes that the report tells.
    fn chosen(&self) -> &Packed {
        self.committed.as_ref().map_or(&self.packed, |c| &c.joint.together.packed)
    }

    fn usage<'a>(&self, catalog: &'a Catalog) -> Result<Vec<bill::Scenario<'a>>, Failure> {
        levels::usage(self.chosen(), &self.levels, &self.timeline, catalog, &self.ratios)
            .map_err(|error| anyhow!("nodes over time, which is a bug: {error}").into())
    }

    /// Accounts under the purchases, and what the horizon costs; none where nothing was to be bought.
    ///
    /// # Errors
    /// A first day that is too late for so many months.
    pub fn accounts(
        &self,
        report: &PlanReport,
        workloads: &WorkloadSet,
        settings: &Settings,
    ) -> Result<Option<(Accounts, PeriodCost)>, Failure> {
        let Some(Committed { joint, renew }) = &self.committed else { return Ok(None) };
        let catalog = &settings.prices.catalog;
        let usage = self.usage(catalog)?;
        let inputs = CommittedInputs {
            workloads,
            catalog,
            policy: &settings.policy,
            packed: self.chosen(),
            usage: &usage,
            purchases: &joint.together.purchases,
            renew: *renew,
        };
        let made = committed(report, &inputs);
        Ok(Some(made.map_err(|error| vec![Fault::new("--as-of", error.to_string())])?))
    }
}
