//! What a plan follows from: names and hashes of everything that decides it.

use plimsoll::input::Source;
use plimsoll::policy::SpotPolicy;
use plimsoll::report::view::{InputFile, Metadata};
use sha2::{Digest, Sha256};

use super::super::args::{BaselinesArg, PlanArgs, ReplayArg};
use super::super::settings::Settings;
use super::super::usage::{Measurements, UsageArgs};

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
