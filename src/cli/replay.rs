//! `plimsoll replay`: a saved plan, replayed, with the measures that leave nothing pending.

use plimsoll::input::Fault;
use plimsoll::replay::{self, Help, Life, Profile, Settings};
use plimsoll::report::json;
use plimsoll::report::view::{PlanReport, Replayed};

use super::args::{MeasureArg, MessageArgs, ReplayArgs, ReplaySettings};
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
    let cluster = scheduling.cluster().map_err(|error| error.to_string())?;
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
