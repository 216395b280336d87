//! `plimsoll plan --cluster`: a cluster that runs, read, priced, and set beside its plan.

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::anyhow;
use plimsoll::catalog::Architecture;
use plimsoll::formulate::calibration;
use plimsoll::formulate::standing::{self, Remainder, SetAside, Standing};
use plimsoll::input::policy_file::PolicyFile;
use plimsoll::input::{self, Fault, ReadOptions, Source, catalog_file};
use plimsoll::migration::check::Ground;
use plimsoll::migration::{self, Migration};
use plimsoll::observed::{DisruptionBudget, ObservedCluster};
use plimsoll::report::view::{BaselineInput, ClusterInput, ClusterReport};
use plimsoll::search::Found;
use plimsoll::verify::{self, VerifiedPlan};
use plimsoll::workload::WorkloadSet;

use super::args::PlanArgs;
use super::settings::{self, Settings};
use super::{Failure, plan};

/// A running cluster.
pub struct Running {
    workloads: WorkloadSet,
    observed: ObservedCluster,
    set_aside: Vec<Option<SetAside>>,
    /// The pods that are planned: those on nodes with a price, and those that wait for a node.
    pub planned: WorkloadSet,
    standing: Standing,
    /// What runs, without the pods that wait.
    today: Remainder,
    as_is: VerifiedPlan,
    /// Pods that wait.
    waiting: u64,
    budgets: Vec<DisruptionBudget>,
}

/// Reads the cluster and settles what holds for it: prices of its own provider and region, and its
/// zones, unless somebody says otherwise.
pub fn read(
    sources: &[Source],
    options: &ReadOptions,
    args: &PlanArgs,
    file: PolicyFile,
) -> Result<(Running, Settings), Failure> {
    let (mut workloads, observed) = input::read_cluster(sources, options)?;
    if workloads.catalog.is_none() {
        workloads.catalog = home_prices(&observed);
    }
    let mut settings = settings::settle(args, file, Some(&workloads))?;
    if settings.policy.measured.is_empty() {
        // New nodes offer what nodes of their type offer here.
        let found = calibration::calibrate(&observed, &settings.prices.catalog, &settings.policy);
        settings.policy.measured = calibration::measured(&found);
    }
    if settings.policy.zones.is_empty() {
        settings.policy.zones = observed.zones();
    }
    let assessed = standing::assess(&observed, &settings.prices.catalog);
    if settings.policy.types.architectures.is_empty() {
        // What runs shows which processors its images are built for, and nothing else does.
        let found = assessed.iter().filter_map(|a| a.as_ref().ok());
        let all = found.map(|&i| settings.prices.catalog.types[i].architecture);
        let seen: BTreeSet<Architecture> = all.collect();
        settings.policy.types.architectures = seen.into_iter().collect();
    }
    let catalog = &settings.prices.catalog;
    let keep: Vec<bool> = assessed.iter().map(Result::is_ok).collect();
    let types: Vec<usize> = assessed.iter().filter_map(|a| a.as_ref().ok()).copied().collect();
    let (planned, priced) = observed.only(&workloads, &keep);
    if planned.workloads.is_empty() {
        let reason = assessed.iter().find_map(|a| a.as_ref().err());
        let words = reason.map_or_else(|| "no pod lies on a node".to_owned(), |r| format!("the first: {r}"));
        let message = format!("no pod lies on a node with a price on demand in {} ({words})", catalog.name);
        return Err(vec![
            Fault::new(&sources[0].name, message).help("see --provider, --region and --catalog"),
        ]
        .into());
    }
    let standing = standing::standing(&planned, &priced, &types, catalog, &settings.policy).map_err(
        |errors| -> Vec<Fault> {
            errors.iter().map(|error| Fault::new("policy", error.to_string())).collect()
        },
    )?;
    let today = standing.without(&standing.waiting);
    let as_is = verify::verify_plan(&today.problem, today.plan(&standing.as_is())).map_err(|violations| {
        anyhow!("the cluster as it is breaks its own problem, which is a bug: {}", violations[0])
    })?;
    let set_aside = assessed.into_iter().map(Result::err).collect();
    let budgets = observed.budgets.clone();
    let waiting = observed.waiting.iter().map(|&(_, pods)| pods).sum();
    Ok((
        Running { workloads, observed, set_aside, planned, standing, today, as_is, waiting, budgets },
        settings,
    ))
}

/// The bundled prices of the region that most nodes stand in. Without any, nodes are set aside and say so.
pub fn home_prices(observed: &ObservedCluster) -> Option<String> {
    let (provider, region) = observed.home()?;
    catalog_file::by_region(provider, &region).ok().map(|bundled| bundled.name.to_owned())
}

impl Running {
    /// The way to a cheaper cluster that keeps nodes where that pays.
    pub fn migrate(&self, settings: &Settings, args: &PlanArgs) -> Result<Migration, Failure> {
        let ground = Ground {
            standing: &self.standing,
            set: &self.planned,
            catalog: &settings.prices.catalog,
            budgets: &self.budgets,
        };
        let wanted = migration::Settings {
            min_saving: args.min_saving,
            effort: args.search.effort.into(),
            seed: args.search.seed,
            // As long again as the plan from scratch may take.
            deadline: args.search.time_limit.map(|limit| Instant::now() + limit),
            cancel: plan::budget(&args.search).cancel,
        };
        migration::migrate(&ground, &wanted).map_err(|error| anyhow!("which is a bug: {error}").into())
    }

    /// Pods that wait at the end of a migration too.
    fn still_waiting(&self, migration: &Migration) -> u64 {
        let pods = |list: &[(plimsoll::problem::ItemTypeId, u64)]| list.iter().map(|&(_, n)| n).sum::<u64>();
        self.waiting - pods(&self.standing.waiting) + pods(&migration.waiting)
    }

    /// The cluster as it is and with nodes kept, for the comparison.
    pub fn baselines<'a>(&'a self, migration: &'a Migration) -> Vec<BaselineInput<'a>> {
        let mut method =
            vec!["the nodes that run, at on-demand prices, with what they report as allocatable".to_owned()];
        if self.set_aside.iter().any(|reason| matches!(reason, Some(SetAside::Spot(_)))) {
            method.push("without the spot nodes, which stay in every plan".to_owned());
        }
        let as_is = BaselineInput {
            id: "as-is".to_owned(),
            label: "the cluster as it is".to_owned(),
            method,
            reference: true,
            problem: &self.today.problem,
            legend: &self.today.legend,
            plan: &self.as_is,
            pods_left_out: self.waiting,
        };
        let kept = BaselineInput {
            id: "kept".to_owned(),
            label: "nodes kept where that pays".to_owned(),
            method: vec!["the steps of the migration carried out".to_owned()],
            reference: false,
            problem: &migration.of.problem,
            legend: &migration.of.legend,
            plan: &migration.end,
            pods_left_out: self.still_waiting(migration),
        };
        vec![as_is, kept]
    }

    /// The rows of the report.
    pub fn report(
        &self,
        found: &Found,
        left_out: u64,
        migration: &Migration,
        settings: &Settings,
        args: &PlanArgs,
    ) -> ClusterReport {
        ClusterReport::of(&ClusterInput {
            workloads: &self.workloads,
            observed: &self.observed,
            set_aside: &self.set_aside,
            standing: &self.standing,
            as_is: &self.as_is,
            planned: &self.planned,
            from_scratch: found.outcome.plan(),
            free: found.free.as_ref(),
            left_out,
            migration,
            waiting: [self.waiting, self.still_waiting(migration)],
            min_saving: args.min_saving,
            catalog: &settings.prices.catalog,
            policy: &settings.policy,
        })
    }
}
