//! The steps of `plimsoll plan`, each one call of the library with its faults put into place.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::anyhow;
use plimsoll::baselines::{self, Baseline, BaselineKind, Skipped};
use plimsoll::catalog::Catalog;
use plimsoll::formulate::{self, FormulateError, Formulation, Legend, Pooled};
use plimsoll::input::{Fault, certificate_file};
use plimsoll::plan::Plan;
use plimsoll::policy::PlanForm;
use plimsoll::problem::BinTypeId;
use plimsoll::report::solution::Times;
use plimsoll::report::view::{Named, Notice, NoticeKind, PlanReport, SurvivalRow};
use plimsoll::resilience::{self, Resilient, Survival};
use plimsoll::search::{self, Found, PooledStart, SearchError, Start};
use plimsoll::solver::SolveError;
use plimsoll::solver::control::{Budget, Effort, Observer};
use plimsoll::units::{HOURS_PER_MONTH, Money};
use plimsoll::verify::VerifiedOutcome;
use plimsoll::workload::WorkloadSet;

use super::args::{BaselinesArg, EffortArg, PlanArgs, SearchArgs};
use super::settings::Settings;
use super::threshold::Figures;
use super::{Ending, Failure};

mod beside;
mod metadata;

use beside::what_restrictions_cost;
pub use beside::{Beside, report};
pub use metadata::{hex, metadata};

/// Set by Ctrl-C; the search looks at it and stops with the best plan so far.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// The first Ctrl-C asks the search to stop, the second ends the program.
pub fn stop_on_interrupt() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })?;
    Ok(())
}

/// Searches with this many threads, or one per core.
pub fn use_threads(threads: Option<u16>) -> anyhow::Result<()> {
    if let Some(threads) = threads {
        rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build_global()?;
    }
    Ok(())
}

/// What was read, for `-v`.
pub fn summary(workloads: &WorkloadSet, settings: &Settings) -> String {
    let catalog = &settings.prices.catalog;
    let pods: u128 = workloads.workloads.iter().map(|w| u128::from(w.replicas)).sum();
    format!(
        "read {pods} pods of {} workloads and {} DaemonSets; prices of {} ({} types)",
        workloads.workloads.len(),
        workloads.daemon_sets.len(),
        catalog.name,
        catalog.types.len(),
    )
}

/// How large the packing problem is, for `-v`.
pub fn size(formulation: &Formulation) -> String {
    let problem = &formulation.problem;
    format!(
        "packing {} shapes of pods on {} types in the dimensions {}",
        problem.items().len(),
        problem.bins().len(),
        problem.dimensions().join(", "),
    )
}

/// The packing problem of the workloads under the settings.
pub fn formulate(workloads: &WorkloadSet, settings: &Settings) -> Result<Formulation, Failure> {
    let faults = |errors: Vec<FormulateError>| -> Vec<Fault> {
        errors.iter().map(|error| Fault::new("policy", error.to_string())).collect()
    };
    Ok(formulate::formulate(workloads, &settings.prices.catalog, &settings.policy).map_err(faults)?)
}

/// The problem of the pooled plan, where that form is asked for.
pub fn pooled(
    workloads: &WorkloadSet,
    settings: &Settings,
    free: &Formulation,
) -> Result<Option<Pooled>, Failure> {
    if settings.policy.form == PlanForm::Free {
        return Ok(None);
    }
    let faults = |errors: Vec<FormulateError>| -> Vec<Fault> {
        errors.iter().map(|error| Fault::new("policy", error.to_string())).collect()
    };
    let made = formulate::pooled(workloads, &settings.prices.catalog, &settings.policy, free);
    Ok(Some(made.map_err(faults)?))
}

/// A plan that has passed the verifier, with its lower bound.
pub fn solve(
    free: &Formulation,
    pooled: Option<&Pooled>,
    args: &SearchArgs,
    observer: &dyn Observer,
) -> Result<Found, Failure> {
    solve_from(free, pooled, None, args, observer)
}

/// The plans found under some settings, for searches under other settings to start from.
pub struct Anchor {
    free: (Legend, Plan),
    pooled: Option<(Legend, Plan)>,
}

impl Anchor {
    /// What was found, before it is made to survive anything.
    pub fn new(free: &Formulation, pooled: Option<&Pooled>, found: &Found) -> Self {
        let own = found.outcome.plan().plan();
        let best = found.free.as_ref().map_or(own, |plan| plan.plan());
        Anchor {
            free: (free.legend.clone(), best.clone()),
            pooled: pooled.map(|pooled| (pooled.formulation.legend.clone(), own.clone())),
        }
    }
}

/// Where a search starts.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// Plans under other settings.
    pub anchor: &'a Anchor,
    /// The catalog whose types these have.
    pub theirs: &'a Catalog,
    /// That of the search.
    pub ours: &'a Catalog,
}

impl<'a> Given<'a> {
    /// The catalog of the search, the free plan, and the pooled one where there is one.
    fn starts(self) -> (&'a Catalog, Start<'a>, Option<Start<'a>>) {
        let of = |(legend, plan): &'a (Legend, Plan)| Start { legend, catalog: self.theirs, plan };
        (self.ours, of(&self.anchor.free), self.anchor.pooled.as_ref().map(of))
    }
}

/// As [`solve`], from plans of other settings: each form of plan from one of its own form.
pub fn solve_from(
    free: &Formulation,
    pooled: Option<&Pooled>,
    given: Option<Given<'_>>,
    args: &SearchArgs,
    observer: &dyn Observer,
) -> Result<Found, Failure> {
    let budget = budget(args);
    let starts = given.map(|given| given.starts());
    let seed = args.seed;
    let found = match (pooled, &starts) {
        (Some(pooled), Some((ours, start, Some(of_pools)))) => {
            let starts = PooledStart { free: *start, pooled: *of_pools };
            search::search_pooled_from((free, pooled), (ours, &starts), &budget, seed, observer)
        }
        (Some(pooled), _) => search::search_pooled(free, pooled, &budget, seed, observer),
        (None, Some((ours, start, _))) => search::search_from(free, (ours, start), &budget, seed, observer),
        (None, None) => search::search(free, &budget, seed, observer),
    };
    found.map_err(|error| match error {
        SearchError::Solve(error @ SolveError::NoPlanFound) => {
            let help = if pooled.is_some() { "; --form free or more --max-pools may have one" } else { "" };
            Failure::NoPlan(format!("{error}{help}"))
        }
        error => anyhow!("after formulating, which is a bug: {error}").into(),
    })
}

/// Checks the plan's nodes against the workloads' own rules.
pub fn recheck(
    workloads: &WorkloadSet,
    settings: &Settings,
    formulation: &Formulation,
    found: &Found,
) -> Result<(), Failure> {
    let breaches = search::breaches(workloads, &settings.prices.catalog, formulation, found.outcome.plan());
    match breaches.first() {
        None => Ok(()),
        Some(first) => Err(anyhow!(
            "the plan breaks {} rules of the input, which is a bug, the first: {first}",
            breaches.len()
        )
        .into()),
    }
}

/// When plan and bound were found. Wall-clock times are for messages: a report holds none, so that the
/// same input gives the same bytes.
pub fn times(outcome: &VerifiedOutcome, search: Duration) -> String {
    let times = Times::of(outcome, search);
    let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
    format!(
        "best plan after {}, best bound after {}, search ended after {}",
        seconds(times.plan),
        seconds(times.bound),
        seconds(times.search)
    )
}

/// How long to search; Ctrl-C ends it.
pub fn budget(args: &SearchArgs) -> Budget<'static> {
    Budget {
        effort: args.effort.into(),
        time_limit: args.time_limit,
        gap: args.gap.map_or(0.0, |share| f64::from(share.0) / 1e6),
        cancel: Some(&INTERRUPTED),
        ..Budget::default()
    }
}

/// Whether Ctrl-C was pressed.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// The proof of the plan's lower bound, with the names of workloads and instance types.
pub fn certificate(
    workloads: &WorkloadSet,
    settings: &Settings,
    formulation: &Formulation,
    outcome: &VerifiedOutcome,
) -> String {
    // Where the plan holds rules by restriction, the bound is of the problem without these.
    let (problem, legend) = match &formulation.relaxed {
        Some(relaxed) => (&relaxed.problem, &relaxed.legend),
        None => (&formulation.problem, &formulation.legend),
    };
    let types = &settings.prices.catalog.types;
    let names = certificate_file::Names {
        restricted: formulation.restrictions.iter().map(|r| r.kind.to_string()).collect(),
        bins: (0u32..)
            .zip(&legend.nodes)
            .map(|(bin, node)| legend.bin_name(BinTypeId(bin), &types[node.catalog_type].name))
            .collect(),
        items: legend
            .items
            .iter()
            .map(|item| {
                item.workloads.iter().map(|&(w, n)| (workloads.workloads[w].id.to_string(), n)).collect()
            })
            .collect(),
    };
    certificate_file::write(problem, Some(&names), &outcome.lower_bound().certificate)
}

impl From<EffortArg> for Effort {
    fn from(arg: EffortArg) -> Self {
        match arg {
            EffortArg::Quick => Effort::Quick,
            EffortArg::Normal => Effort::Normal,
            EffortArg::Thorough => Effort::Thorough,
        }
    }
}

/// What others would buy: one VM per replica, today's VMs, the tools that people run.
pub fn baselines(
    workloads: &WorkloadSet,
    settings: &Settings,
    formulation: &Formulation,
    wanted: BaselinesArg,
    seed: u64,
) -> Vec<Result<Baseline, Skipped>> {
    let before = |kind: &BaselineKind| {
        use BaselineKind::{CurrentTypes, OneVmByLimits, OneVmByRequests};
        matches!(kind, OneVmByRequests | OneVmByLimits | CurrentTypes)
    };
    let mut kinds = BaselineKind::usual(workloads);
    match wanted {
        BaselinesArg::All => {}
        BaselinesArg::Before => kinds.retain(before),
        BaselinesArg::None => kinds.clear(),
    }
    baselines::baselines(workloads, &settings.prices.catalog, &settings.policy, formulation, &kinds, seed)
}

/// How a plan survives, and what its rules cost before it did.
pub struct Survived {
    survival: Survival,
    restrictions: Option<String>,
}

/// Makes the plan survive what the policy names; of a pooled plan, also the free one beside it.
pub fn survive(
    workloads: &WorkloadSet,
    settings: &Settings,
    (free, pooled): (&Formulation, Option<&Pooled>),
    found: &mut Found,
    args: &SearchArgs,
) -> Result<Option<Survived>, Failure> {
    let Some(wanted) = settings.policy.survive else { return Ok(None) };
    let inputs = |formulation, pooling| resilience::Inputs {
        set: workloads,
        catalog: &settings.prices.catalog,
        policy: &settings.policy,
        formulation,
        pooling,
        wanted,
    };
    let made = match pooled {
        Some(pooled) => inputs(&pooled.formulation, Some(&pooled.pooling)),
        None => inputs(free, None),
    };
    let bug = |error| anyhow!("making the plan survive, which is a bug: {error}");
    let budget = budget(args);
    let Resilient { outcome, survival } =
        resilience::survive(&made, &found.outcome, &budget, args.seed).map_err(bug)?;
    let restrictions = what_restrictions_cost(found);
    if let Some(plan) = &found.free {
        // Like is compared with like.
        let plan = resilience::plan(&inputs(free, None), plan, &budget, args.seed).map_err(bug)?;
        found.free = Some(plan.0);
    }
    found.outcome = outcome;
    // Spare nodes are no cost of the rules.
    found.relaxed = None;
    Ok(Some(Survived { survival, restrictions }))
}

impl Survived {
    /// Writes it into the report.
    pub fn tell(
        self,
        report: &mut PlanReport,
        workloads: &WorkloadSet,
        settings: &Settings,
        formulation: &Formulation,
        found: &Found,
    ) {
        let named = Named {
            workloads,
            catalog: &settings.prices.catalog,
            problem: &formulation.problem,
            legend: &formulation.legend,
        };
        report.survival = Some(SurvivalRow::of(&self.survival, found.outcome.plan(), named));
        let bound = "the lower bound is that of plans that need not survive anything: part of the gap to it is what resilience costs";
        let messages = self.restrictions.into_iter().chain([bound.to_owned()]);
        let notice = |message| Notice { kind: NoticeKind::Assumption, workload: None, message };
        report.notices.extend(messages.map(notice));
    }
}

/// How the run ends once the plan is printed, with what to say about it.
pub fn judge(report: &PlanReport, args: &PlanArgs) -> (Ending, Vec<String>) {
    let figures = figures(report);
    let missed = args.fail_on.iter().filter(|threshold| threshold.is_missed(&figures));
    let mut words: Vec<String> =
        missed.map(|threshold| format!("--fail-on {threshold}: {}", figures.describe())).collect();
    let left_out = report.headline.pods_left_out;
    if left_out > 0 {
        let (pods, fit) = if left_out == 1 { ("pod", "fits") } else { ("pods", "fit") };
        words.insert(0, format!("{left_out} {pods} {fit} no allowed instance type; the rest is planned"));
    }
    let falls = report.survival.as_ref().is_some_and(|survival| !survival.holds);
    if falls {
        words.insert(
            0,
            "not every pod survives what --survive names; the report says which do not".to_owned(),
        );
    }
    let ending = if interrupted() {
        Ending::Interrupted
    } else if left_out > 0 || falls {
        Ending::SomeFitNowhere
    } else if words.is_empty() {
        Ending::Done
    } else {
        Ending::ThresholdMissed
    };
    (ending, words)
}

fn figures(report: &PlanReport) -> Figures {
    let month = |hour: Money| {
        hour.checked_mul(i128::from(HOURS_PER_MONTH)).expect("no bill comes near 10^29 dollars")
    };
    Figures {
        before: report.headline.before_month.map(|cost| cost.money()),
        cost: report.headline.packed_month.money(),
        lower_bound: month(report.solve.lower_bound_hour.money()),
    }
}
