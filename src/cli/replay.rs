//! `plimsoll replay`: a saved plan, replayed, with the measures that leave nothing pending.

use plimsoll::input::Fault;
use plimsoll::policy::PlanForm;
use plimsoll::replay::{self, Help, Life, Order, Profile, Settings};
use plimsoll::report::json;
use plimsoll::report::view::{PlanReport, Replayed};

use super::args::{MeasureArg, MessageArgs, ReplayArg, ReplayArgs, ReplaySettings};
use super::{Ending, Failure, files, output};

/// Reads the plan, replays it and prints it with what was found.
pub fn run(args: &ReplayArgs, messages: MessageArgs) -> Result<Ending, Failure> {
    let source = files::read_one(&args.plan)?;
    let mut report = json::read(&source)?;
    replayed(&mut report, &args.settings).map_err(|message| vec![Fault::new(&source.name, message)])?;
    output::render(&report, &args.output, messages)?.write()?;
    Ok(Ending::Done)
}

/// Writes what a replay finds into a report.
///
/// # Errors
/// A report without what the scheduler sees, or one that contradicts itself.
pub fn replayed(report: &mut PlanReport, args: &ReplaySettings) -> Result<(), String> {
    let scheduling = report
        .scheduling
        .as_ref()
        .ok_or("the plan does not say what the scheduler sees of it; plan again with this version")?;
    let mut cluster = scheduling.cluster().map_err(|error| error.to_string())?;
    let pinned = report.form == PlanForm::Pooled;
    if pinned {
        cluster = replay::led_to_pools(&cluster);
    }
    let seeds: Vec<u64> = (0..u64::from(args.seeds)).collect();
    let settings =
        Settings { profiles: args.profile.clone(), orders: args.order.clone(), seeds: seeds.clone() };
    let runs = replay::replay(&cluster, &settings);
    let may = |measure| args.measures.contains(&measure);
    let help = Help {
        // The scheduler as it comes, unless it may be configured or only the other one was asked for.
        profiles: match args.profile.as_slice() {
            [only] => vec![*only],
            _ if may(MeasureArg::Profile) => Profile::ALL.to_vec(),
            _ => vec![Profile::Default],
        },
        orders: args.order.clone(),
        seeds,
        pins: may(MeasureArg::Pins),
        pinned,
        classes: if may(MeasureArg::Classes) { Help::default().classes } else { 0 },
        nodes: may(MeasureArg::Nodes),
    };
    let measures = (!may(MeasureArg::None)).then(|| replay::measures(&cluster, &help));
    let ready = measures.as_ref().map_or(&cluster, |found| &found.cluster);
    let profile = measures.as_ref().map(|found| found.profile).or(args.profile.first().copied());
    let life = Life { profile: profile.unwrap_or(Profile::Default), ..Life::default() };
    let room = (!args.no_updates).then(|| replay::room(ready, &life));
    report.replay = Some(Replayed::of(&cluster, &runs, measures.as_ref(), room.as_ref()));
    Ok(())
}

/// The most pods and nodes that `plan` replays by itself: what takes a second or two.
const QUICK_PODS: u64 = 20_000;
const QUICK_NODES: u64 = 500;

/// The replay that `plan` does by itself: the scheduler as it comes, every order of arrival, one seed.
///
/// # Errors
/// A report that contradicts itself.
pub fn in_passing(report: &mut PlanReport, wanted: ReplayArg) -> Result<(), String> {
    let quick = report.headline.pods <= QUICK_PODS && report.headline.nodes <= QUICK_NODES;
    let wanted = match wanted {
        ReplayArg::None => false,
        ReplayArg::Always => true,
        ReplayArg::Auto => report.form == PlanForm::Pooled && quick,
    };
    if !wanted {
        return Ok(());
    }
    let settings = ReplaySettings {
        profile: vec![Profile::Default],
        order: Order::ALL.to_vec(),
        seeds: 1,
        measures: vec![MeasureArg::Pins, MeasureArg::Classes, MeasureArg::Nodes],
        no_updates: true,
    };
    replayed(report, &settings)
}
