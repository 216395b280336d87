//! The steps of `plimsoll plan`, each one call of the library with its faults put into place.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::anyhow;
use plimsoll::baselines::{self, Baseline, BaselineKind, Skipped};
use plimsoll::catalog::Catalog;
use plimsoll::formulate::{self, FormulateError, Formulation, Legend, Pooled};
use plimsoll::input::{Fault, Source, certificate_file};
use plimsoll::plan::Plan;
use plimsoll::policy::{PlanForm, SpotPolicy};
use plimsoll::problem::BinTypeId;
use plimsoll::report::solution::Times;
use plimsoll::report::view::{
    self, BaselineInput, InputFile, Metadata, Named, Notice, NoticeKind, PlanReport, ReportError,
    ReportInputs, SurvivalRow,
};
use plimsoll::resilience::{self, Resilient, Survival};
use plimsoll::search::{self, Found, PooledStart, SearchError, Start};
use plimsoll::solver::SolveError;
use plimsoll::solver::control::{Budget, Effort, Observer};
use plimsoll::units::{HOURS_PER_MONTH, Money};
use plimsoll::verify::VerifiedOutcome;
use plimsoll::verify::placement;
use plimsoll::workload::WorkloadSet;
use sha2::{Digest, Sha256};

use super::args::{BaselinesArg, EffortArg, PlanArgs, ReplayArg, SearchArgs};
use super::settings::Settings;
use super::threshold::Figures;
use super::usage::{Measurements, UsageArgs};
use super::{Ending, Failure};

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

/// What a plan is shown beside.
pub struct Beside<'a> {
    /// What others would buy.
    pub baselines: &'a [Result<Baseline, Skipped>],
    /// The cluster that runs, as it is first, where one was read.
    pub cluster: Vec<BaselineInput<'a>>,
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

/// The priced plan beside its baselines; the formulations are those of the free plan and of this one.
pub fn report(
    workloads: &WorkloadSet,
    settings: &Settings,
    (free, formulation): (&Formulation, &Formulation),
    found: &Found,
    beside: Beside<'_>,
    metadata: &Metadata,
) -> Result<PlanReport, Failure> {
    let Beside { baselines, cluster } = beside;
    let mut shown = shown(baselines);
    if !cluster.is_empty() {
        // What runs today is what savings are counted from.
        shown.iter_mut().for_each(|baseline| baseline.reference = false);
        shown.splice(0..0, cluster);
    }
    let inputs = ReportInputs {
        workloads,
        catalog: &settings.prices.catalog,
        policy: &settings.policy,
        formulation,
        outcome: &found.outcome,
        baselines: &shown,
        purchase: settings.purchase,
        free: found.free.as_ref().map(|plan| (&free.legend, plan)),
        metadata,
    };
    let mut report = view::build(&inputs).map_err(|error| match error {
        ReportError::NoSuchOffer { .. } => vec![Fault::new("--purchase", error.to_string())].into(),
        ReportError::Fleet(error) => Failure::Unexpected(anyhow!("plan and catalog disagree: {error}")),
    })?;
    for skipped in baselines.iter().filter_map(|baseline| baseline.as_ref().err()) {
        let message = format!("left out of the comparison: {skipped}");
        report.notices.push(Notice { kind: NoticeKind::Warning, workload: None, message });
    }
    let messages = what_restrictions_cost(found)
        .into_iter()
        .chain(preferences(workloads, &inputs))
        .chain(price_of_pools_unknown(workloads, settings))
        .chain(no_pod_for_spot(workloads, settings));
    report.notices.extend(messages.map(|message| Notice {
        kind: NoticeKind::Assumption,
        workload: None,
        message,
    }));
    report.notices.sort_by_key(|notice| notice.kind);
    Ok(report)
}

/// How many preferred rules the plan happens to satisfy, counted for each pod.
fn preferences(workloads: &WorkloadSet, inputs: &ReportInputs<'_>) -> Option<String> {
    let plan = inputs.outcome.plan().plan();
    let standing = placement::standing(&inputs.formulation.legend, inputs.catalog, plan);
    let (held, all) = placement::preferred(&workloads.workloads, &standing);
    (all > 0)
        .then(|| format!("of {all} preferred rules of pods, which do not bind, the plan satisfies {held}"))
}

/// Spot nodes were asked for, and no pod may lie on any.
fn no_pod_for_spot(workloads: &WorkloadSet, settings: &Settings) -> Option<String> {
    let asked = settings.spot.share.0 > 0;
    let some = workloads.workloads.iter().any(|w| w.pod.rules.spot.is_some());
    (asked && !some).then(|| {
        "nothing may lie on spot nodes: a share is rounded down to whole pods, and no workload's is one"
            .to_owned()
    })
}

/// Of Kubernetes objects both forms of plan are priced unless somebody asks for the free one alone.
fn price_of_pools_unknown(workloads: &WorkloadSet, settings: &Settings) -> Option<String> {
    let alone = settings.policy.form == PlanForm::Free && workloads.from_kubernetes;
    alone.then(|| {
        "the plan is free: what it costs more to keep every workload whole in one pool, which is what the \
         scheduler brings about, is not computed; --form pooled prices both"
            .to_owned()
    })
}

/// The plan against the cheapest one found without restrictions.
fn what_restrictions_cost(found: &Found) -> Option<String> {
    // Of a pooled plan, the price of the pools is told by itself.
    let plan = found.free.as_ref().unwrap_or(found.outcome.plan()).hourly_cost();
    let without = found.relaxed.as_ref()?.hourly_cost();
    Some(match (plan - without).ratio_to(plan) {
        Some(share) if plan > without => format!(
            "the rules held by restriction cost {} an hour ({:.2} % of the plan): the cheapest plan found without them costs {without}",
            plan - without,
            share * 100.0,
        ),
        _ => "the rules held by restriction cost nothing: no cheaper plan was found without them".to_owned(),
    })
}

/// The baselines as the report shows them. What runs today is the "before" where the input names it
/// for every workload, one VM per replica by requests otherwise. Of Karpenter's arrival batches the
/// cheapest and the dearest tell the range.
fn shown(baselines: &[Result<Baseline, Skipped>]) -> Vec<BaselineInput<'_>> {
    let made: Vec<&Baseline> = baselines.iter().filter_map(|baseline| baseline.as_ref().ok()).collect();
    let is_before = |b: &&&Baseline| b.is_complete() && b.kind == BaselineKind::CurrentTypes;
    let before = made.iter().find(is_before).map_or(BaselineKind::OneVmByRequests, |b| b.kind);
    let batches = made.iter().filter(|b| is_karpenter(b)).map(|b| (b.hourly_cost(), b.kind));
    let range = [batches.clone().min(), batches.max()];
    made.iter()
        .filter(|b| !is_karpenter(b) || range.contains(&Some((b.hourly_cost(), b.kind))))
        .map(|b| BaselineInput {
            id: b.kind.id(),
            label: b.kind.label(),
            method: b.notes.iter().map(ToString::to_string).collect(),
            reference: b.kind == before,
            problem: &b.formulation.problem,
            legend: &b.formulation.legend,
            plan: &b.plan,
            pods_left_out: b.missing().iter().map(|obstacle| obstacle.replicas).sum(),
        })
        .collect()
}

fn is_karpenter(baseline: &Baseline) -> bool {
    matches!(baseline.kind, BaselineKind::Karpenter { .. })
}

/// Names and hashes of everything that decides the plan. The number of threads does not.
pub fn metadata(
    sources: &[Source],
    settings: &Settings,
    usage: Option<&Measurements>,
    args: &PlanArgs,
) -> Metadata {
    let inputs: Vec<InputFile> = sources
        .iter()
        .map(|source| InputFile { name: source.name.clone(), sha256: hex(&source.bytes) })
        .collect();
    let mut decisive = format!("plimsoll {}\n", env!("CARGO_PKG_VERSION"));
    for input in &inputs {
        decisive += &format!("input {}\n", input.sha256);
    }
    decisive += &format!("catalog {}\n", hex(settings.prices.text()));
    decisive += &format!("policy {:?}\n", settings.policy);
    decisive += &format!("purchase {:?}\n", settings.purchase);
    if !settings.owned.is_empty() {
        decisive += &format!("owned {:?}\n", settings.owned);
    }
    if settings.spot != SpotPolicy::default() {
        decisive += &format!("spot {:?}\n", settings.spot);
    }
    if let Some(usage) = usage {
        let UsageArgs { right_size, risk, risk_model, .. } = &args.usage;
        decisive += &format!("usage {} {right_size:?} {risk:?} {risk_model:?}\n", usage.sha256);
    }
    if args.baselines != BaselinesArg::All {
        decisive += &format!("baselines {:?}\n", args.baselines);
    }
    if args.replay != ReplayArg::Auto {
        decisive += &format!("replay {:?}\n", args.replay);
    }
    let over_time = &args.demand;
    if over_time.horizon.is_some() || !over_time.scenario.is_empty() || over_time.levels.is_some() {
        decisive +=
            &format!("demand {:?} {:?} {:?}\n", over_time.horizon, over_time.scenario, over_time.levels);
    }
    if args.commit.commit {
        decisive += &format!("commit {:?} {:?}\n", args.commit, settings.commitments);
    }
    let search = &args.search;
    decisive +=
        &format!("search {:?} {:?} {:?} {}\n", search.effort, search.time_limit, search.gap, search.seed);
    let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
    Metadata {
        scenario_name: names.join(" "),
        inputs,
        input_hash: hex(decisive.as_bytes()),
        scenario_id: None,
        start: args.output.as_of.clone(),
        seed: search.seed,
    }
}

/// SHA-256 in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
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
