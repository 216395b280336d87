//! Everything that `plimsoll plan` is made from: where one file is faulty the others are read all the
//! same, so that every fault is told at once.

use plimsoll::bill::SizeRatios;
use plimsoll::bill::commitment::Holding;
use plimsoll::demand::Horizon;
use plimsoll::input::{self, Fault, Source};
use plimsoll::workload::WorkloadSet;

use super::args::PlanArgs;
use super::cluster::{self, Running};
use super::settings::{self, Settings};
use super::usage::{self, Measurements};
use super::{Failure, accounts, demand, files, output};

/// What a plan is made from.
pub struct Inputs {
    /// The files, for their hashes.
    pub sources: Vec<Source>,
    /// What is to be planned.
    pub workloads: WorkloadSet,
    /// The cluster that runs them, where the files are one.
    pub running: Option<Running>,
    /// The hours to plan for, where demand varies.
    pub horizon: Option<Horizon>,
    /// Commitments that are owned.
    pub owned: Vec<Holding>,
    /// Ratios of sizes that reservations flex over.
    pub ratios: SizeRatios,
    /// Prices and policy.
    pub settings: Settings,
    /// Measured use, where some was named.
    pub usage: Option<Measurements>,
}

/// Reads files, policy and prices, and looks whether the output that is asked for can be made.
///
/// # Errors
/// Every fault of all of them.
pub fn read(args: &PlanArgs) -> Result<Inputs, Failure> {
    let (mut sources, mut faults) = files::read_all(&args.inputs);
    let file = kept(settings::policy_file(&args.nodes), &mut faults).unwrap_or_default();
    let options = settings::read_options(args, &file);
    let (workloads, running, settings) = if sources.is_empty() {
        (None, None, kept(settings::settle(args, file, None), &mut faults))
    } else if args.cluster {
        match cluster::read(&sources, &options, args, file) {
            Ok((running, settings)) => (Some(running.planned.clone()), Some(running), Some(settings)),
            Err(Failure::Invalid(more)) => {
                faults.extend(more);
                (None, None, None)
            }
            Err(other) => return Err(other),
        }
    } else {
        let workloads = kept(input::read_workloads(&sources, &options), &mut faults);
        let settings = kept(settings::settle(args, file, workloads.as_ref()), &mut faults);
        (workloads, None, settings)
    };
    let mut workloads = workloads;
    let mut horizon = None;
    if let Some(set) = workloads.as_mut().filter(|_| !args.cluster) {
        sources.extend(kept(demand::read(&args.demand, set), &mut faults).unwrap_or_default());
        horizon = kept(demand::horizon(args, set), &mut faults).flatten();
    }
    let ratios = kept(accounts::ratios(&args.accounts), &mut faults).unwrap_or_default();
    let mut owned = Vec::new();
    if let (Some(settings), Some(horizon)) = (&settings, horizon) {
        owned = kept(args.commit.owned(settings, horizon, &ratios), &mut faults).unwrap_or_default();
    }
    let provider = settings.as_ref().map(|settings| settings.prices.catalog.provider);
    let usage = kept(usage::read(&args.usage, settings.as_ref()), &mut faults).flatten();
    if settings.as_ref().is_some_and(|s| s.spot.share.0 > 0) && (args.cluster || horizon.is_some()) {
        let message = "a running cluster and demand over time are planned on demand";
        faults.push(Fault::new("--spot", message).help("leave the share out"));
    }
    kept(output::check(&args.output, args.replay, provider), &mut faults);
    for (option, output) in [("-o", &args.output.output), ("--certificate", &args.certificate)] {
        if let Some(path) = output.as_ref().filter(|path| files::is_one_of(path, &args.inputs)) {
            let message = format!("{} is an input, which would be written over", path.display());
            faults.push(Fault::new(option, message).help("name another file"));
        }
    }
    match (workloads, settings) {
        (Some(workloads), Some(settings)) if faults.is_empty() => {
            // A running cluster and demand over time are planned on demand; a note says so.
            let whole = running.is_some() || horizon.is_some();
            let workloads = if whole { workloads } else { settings.divide(workloads) };
            Ok(Inputs { sources, workloads, running, horizon, owned, ratios, settings, usage })
        }
        _ => Err(faults.into()),
    }
}

fn kept<T>(result: Result<T, Vec<Fault>>, faults: &mut Vec<Fault>) -> Option<T> {
    result.map_err(|more| faults.extend(more)).ok()
}
