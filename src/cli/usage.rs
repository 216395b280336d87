//! `plan --usage`: measured use beside requests, and plans for other requests.

use std::path::PathBuf;

use clap::Args;
use plimsoll::formulate::{Formulation, Pooled};
use plimsoll::input::{Fault, usage_file};
use plimsoll::policy::PackingBasis;
use plimsoll::report::usage::{Planned, UsageReport, loaded, memory_use};
use plimsoll::report::view::{Named, PlanReport};
use plimsoll::search::Found;
use plimsoll::solver::control::Silent;
use plimsoll::units::{PartsPerMillion, ResourceName};
use plimsoll::usage::risk::{self, Model, Risk, Use};
use plimsoll::usage::{MatchedUsage, RightSize, UsageSet, right_sized, with_requests};
use plimsoll::workload::WorkloadSet;

use super::args::{SearchArgs, share};
use super::settings::Settings;
use super::{Failure, files, plan};

/// What pods were measured to use.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Usage")]
pub struct UsageArgs {
    /// Measured cpu and memory of workloads or pods (CSV, see docs/usage.md): slack in money beside the plan
    #[arg(long, value_name = "FILE")]
    pub usage: Option<PathBuf>,
    /// Plan once more with requests that fit: p95, max or mean, with a margin, such as p95+15%
    #[arg(long, value_name = "FIGURE+MARGIN", requires = "usage")]
    pub right_size: Option<RightSize>,
    /// Plan once more by use: on no node, joint use exceeds memory with more than this chance, such as 0.1%
    #[arg(long, value_name = "CHANCE", value_parser = share, requires = "usage")]
    pub risk: Option<PartsPerMillion>,
    /// How joint use is estimated and drawn: normal, or empirical (samples, or mean, p95 and max)
    #[arg(long, value_name = "MODEL", default_value = "normal", requires = "usage")]
    pub risk_model: Option<Model>,
}

/// Measurements, and what makes them these.
pub struct Measurements {
    /// As read.
    pub usage: UsageSet,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// Reads the measurements, where any are named.
///
/// # Errors
/// Every fault of the file, and a chance that nothing can be packed to.
pub fn read(args: &UsageArgs, settings: Option<&Settings>) -> Result<Option<Measurements>, Vec<Fault>> {
    let Some(path) = &args.usage else { return Ok(None) };
    let mut faults = Vec::new();
    if args.risk.is_some_and(|risk| risk.0 == 0) {
        faults.push(
            Fault::new("--risk", "no chance at all").help("--right-size max plans for what was used ever"),
        );
    }
    if args.risk.is_some() && settings.is_some_and(|s| s.policy.basis != PackingBasis::Requests) {
        faults.push(Fault::new("--risk", "packs by requests made of use").help("leave --basis out"));
    }
    let read = files::read_one(path).and_then(|source| {
        let usage = usage_file::read(&source)?;
        Ok(Measurements { usage, sha256: plan::hex(&source.bytes) })
    });
    match read {
        Ok(measurements) if faults.is_empty() => Ok(Some(measurements)),
        Ok(_) => Err(faults),
        Err(more) => {
            faults.extend(more);
            Err(faults)
        }
    }
}

/// A plan with the workloads and the problem that it is for.
struct Again {
    workloads: WorkloadSet,
    free: Formulation,
    pooled: Option<Pooled>,
    found: Found,
}

impl Again {
    fn of(workloads: WorkloadSet, settings: &Settings, search: &SearchArgs) -> Result<Again, Failure> {
        let free = plan::formulate(&workloads, settings)?;
        let pooled = plan::pooled(&workloads, settings, &free)?;
        let found = plan::solve(&free, pooled.as_ref(), search, &Silent)?;
        let again = Again { workloads, free, pooled, found };
        plan::recheck(&again.workloads, settings, again.formulation(), &again.found)?;
        Ok(again)
    }

    fn formulation(&self) -> &Formulation {
        self.pooled.as_ref().map_or(&self.free, |pooled| &pooled.formulation)
    }

    fn risk(&self, uses: &[Use], seed: u64) -> Risk {
        risk::of_plan(&loaded(&self.formulation().legend, self.found.outcome.plan(), uses), seed)
    }
}

/// Writes measured use into the report, with the plans that were asked for.
pub fn tell(
    report: &mut PlanReport,
    measurements: &Measurements,
    (workloads, settings): (&WorkloadSet, &Settings),
    (formulation, found): (&Formulation, &Found),
    (args, search): (&UsageArgs, &SearchArgs),
) -> Result<(), Failure> {
    let usage = measurements.usage.matched(workloads);
    let model = args.risk_model.unwrap_or(Model::Normal);
    let uses = memory_use(workloads, &usage, model);
    let own = risk::of_plan(&loaded(&formulation.legend, found.outcome.plan(), &uses), search.seed);
    let fitted = match args.right_size {
        Some(how) => {
            let set = right_sized(workloads, &usage, how);
            Some((Again::of(set, settings, search)?, format!("fit to {how}")))
        }
        None => None,
    };
    let chance = match args.risk {
        Some(wanted) => {
            // What was fitted of cpu stays so.
            let base = fitted.as_ref().map_or(workloads, |(again, _)| &again.workloads);
            let again = within(wanted, model, base, &usage, settings, search)?;
            Some((again, format!("by use, risk {wanted}"), wanted))
        }
        None => None,
    };
    let mut plans = vec![Planned {
        id: "plan",
        label: "as they are",
        workloads,
        plan: found.outcome.plan(),
        lower_bound: found.outcome.lower_bound().value,
        risk: own,
        model,
        wanted: None,
        seed: search.seed,
    }];
    let fitted = fitted.as_ref().map(|(again, label)| ("right-sized", again, label, None));
    let chance = chance.as_ref().map(|(again, label, wanted)| ("chance", again, label, Some(*wanted)));
    for (id, again, label, wanted) in fitted.into_iter().chain(chance) {
        plans.push(Planned {
            id,
            label,
            workloads: &again.workloads,
            plan: again.found.outcome.plan(),
            lower_bound: again.found.outcome.lower_bound().value,
            risk: again.risk(&uses, search.seed),
            model,
            wanted,
            seed: search.seed,
        });
    }
    let named = Named {
        workloads,
        catalog: &settings.prices.catalog,
        problem: &formulation.problem,
        legend: &formulation.legend,
    };
    report.usage = Some(UsageReport::of(named, &usage, &plans));
    Ok(())
}

/// Parts of the way from the mean to what is safe for every node at once.
const STEPS: u32 = 4;

/// The first of a few plans that keeps the chance on every node. Each pod counts as its mean and a multiple of
/// its deviation: from none, by steps, to the quantile of the chance, with which every node keeps it by the
/// normal approximation, however few pods it has; at last as the most that it ever used.
fn within(
    wanted: PartsPerMillion,
    model: Model,
    base: &WorkloadSet,
    usage: &MatchedUsage,
    settings: &Settings,
    search: &SearchArgs,
) -> Result<Again, Failure> {
    let uses = memory_use(base, usage, model);
    let safe = risk::quantile(wanted);
    let most = f64::from(wanted.0) / 1e6;
    for step in 0..=STEPS + 1 {
        let multiple = safe * f64::from(step) / f64::from(STEPS);
        let set = with_requests(base, usage, |resource, stat| {
            if *resource != ResourceName::Memory {
                return None;
            }
            if step > STEPS {
                return Some(stat.max.max(1));
            }
            let pod = Use::measured(stat, model);
            // Rounded up to the byte; far below 2^53.
            let size = (pod.mean() + multiple * pod.deviation()).ceil() as u64;
            Some(size.min(stat.max).max(1))
        });
        let again = Again::of(set, settings, search)?;
        let risk = again.risk(&uses, search.seed);
        let reached = match model {
            Model::Normal => risk.worst_normal,
            Model::Empirical => risk.worst_simulated,
        };
        if reached <= most || step > STEPS {
            return Ok(again);
        }
    }
    unreachable!("the last step returns")
}
