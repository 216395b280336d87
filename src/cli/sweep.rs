//! `plimsoll sweep`: many plans of one input, under one or two settings that vary.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use clap::{Args, Parser, ValueEnum};
use plimsoll::bill::OfferKey;
use plimsoll::bill::SizeRatios;
use plimsoll::bill::commitment::Holding;
use plimsoll::catalog::Catalog;
use plimsoll::demand::Horizon;
use plimsoll::input::{self, Fault, Source};
use plimsoll::report::sweep::{
    self, SweepFigures, SweepFormat, SweepPoint, SweepReport, render_csv, render_html, render_json,
    render_table,
};
use plimsoll::report::view::{InputFile, Tool};
use plimsoll::solver::control::Silent;
use plimsoll::workload::WorkloadSet;
use rayon::prelude::*;

use super::args::{
    AutoscaledArg, BaselinesArg, Cli, Command, MessageArgs, NodeArgs, PlanArgs, PriceArgs, ReplayArg,
    SearchArgs, SpotArgs, SurviveArgs, TEMPLATE, TypeArgs, date, offer_key,
};
use super::plan::{Anchor, Given};
use super::progress::PointsBar;
use super::settings::Settings;
use super::{Ending, Failure, accounts, demand, files, output, plan, settings};

mod axis;

use axis::{Change, Setting, Vary};

const EXIT_CODES: &str = "\
What can be varied:
  basis=requests,blend:50%,limits   overcommit=1,1.5,none      headroom=0,10,20%
  replicas=80%,100%,150%            region=us-east-1,eu-west-1 provider=aws,gcp
  family=m5+c5,m6i+c6i,any          arch=amd64,amd64+arm64     max-vcpu=8,16,none
  max-memory=64Gi,none              max-types=1..6,none        max-pools=1..4
  spot=0,50,100%                    spot-types=1..4              max-commitment=0,5000,none
  Ranges: 1..6, or with a step 0..30%:10. A percent sign at the end of a list is for all of it.

Exit codes:
  0    the sweep is printed
  1    unexpected error, such as a full disk
  2    invalid input or usage; every fault is listed, nothing is written
  3    at no point every pod finds a node
  130  interrupted by Ctrl-C; the points that were done are printed";

/// Plan many times with one or two settings varied: what does each step cost or save?
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE,
    before_help = "  plimsoll sweep ./manifests --vary headroom=0,10,20,30%
  plimsoll sweep ./manifests --vary max-types=1..6
  plimsoll sweep ./manifests --vary headroom=0..30%:10 --vary max-types=1..4 -f json -o sweep.json
  plimsoll sweep ./manifests --vary region=us-east-1,eu-west-1 --arch arm64 -f csv
  plimsoll sweep ./manifests --vary headroom=0..50%:10 --vary basis=requests,limits -f html -o sweep.html
",
    after_help = EXIT_CODES
)]
pub struct SweepArgs {
    /// Workloads: files, folders (read recursively: *.yaml *.yml *.json *.csv), or - for standard input
    #[arg(required = true, value_name = "FILES")]
    inputs: Vec<PathBuf>,
    /// A setting and its values, such as headroom=0,10,20% or max-types=1..6; once or twice
    #[arg(long, required = true, value_name = "SETTING=VALUES", help_heading = "Sweep")]
    vary: Vec<Vary>,
    #[command(flatten)]
    prices: PriceArgs,
    #[command(flatten)]
    types: TypeArgs,
    #[command(flatten)]
    nodes: NodeArgs,
    /// Which replicas count where a HorizontalPodAutoscaler scales: declared, min or max [default: declared]
    #[arg(long, value_enum, help_heading = "Workloads")]
    autoscaled: Option<AutoscaledArg>,
    /// The commitment that is counted with beside on demand, such as reserved-standard/1y/no-upfront
    /// [default: the one that covers most]
    #[arg(long, value_name = "KIND/TERM/PAYMENT", value_parser = offer_key, help_heading = "Prices")]
    purchase: Option<OfferKey>,
    #[command(flatten)]
    survive: SurviveArgs,
    #[command(flatten)]
    spot: SpotArgs,
    /// First day of the horizon, such as 2026-08-01, for commitments that are owned already and demand with
    /// dates; for max-commitment
    #[arg(long, value_name = "DATE", value_parser = date, help_heading = "Workloads")]
    as_of: Option<String>,
    #[command(flatten)]
    search: SearchArgs,
    /// table: for people. json: everything; points in an -o file are not computed again. csv: a row per point.
    /// html: one page with the curve, for a browser
    #[arg(short, long, value_enum, default_value_t = SweepFormatArg::Table, help_heading = "Output")]
    format: SweepFormatArg,
    /// Write to FILE instead of standard output; with -f json after every point, so that the same command
    /// goes on where it was stopped
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
    /// Tables without lines and without wrapping, for grep and awk
    #[arg(long, help_heading = "Output")]
    plain: bool,
    /// Tables and bars in ASCII only
    #[arg(long, help_heading = "Output")]
    ascii: bool,
}

/// How a sweep prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SweepFormatArg {
    Table,
    Json,
    Csv,
    Html,
}

/// A point before it is computed.
struct Task {
    values: Vec<String>,
    args: PlanArgs,
    workloads: WorkloadSet,
    settings: Settings,
    input_hash: String,
    /// The hours to commit for, and what is owned in them, where commitments are varied.
    commits: Option<Commits>,
}

/// Reads, plans every point that is not known yet, and prints all of them.
pub fn run(args: &SweepArgs, messages: MessageArgs) -> Result<Ending, Failure> {
    plan::stop_on_interrupt()?;
    plan::use_threads(args.search.threads)?;
    check(args)?;
    let (sources, mut faults) = files::read_all(&args.inputs);
    let base = options(args);
    let tasks = tasks(args, &base, &sources, &mut faults);
    let known = match earlier(args) {
        Ok(known) => known,
        Err(more) => {
            faults.extend(more);
            HashMap::new()
        }
    };
    if !faults.is_empty() {
        return Err(faults.into());
    }
    let report = empty(args, &sources, &tasks);
    let done: Mutex<Vec<Option<SweepPoint>>> = Mutex::new(
        tasks
            .iter()
            .zip(1..)
            .map(|(task, number)| known.get(&task.input_hash).map(|p| again(p, task, number)))
            .collect(),
    );
    let open: Vec<usize> = {
        let done = done.lock().expect("nothing holds it yet");
        (0..tasks.len()).filter(|&t| done[t].is_none()).collect()
    };
    let bar = PointsBar::start(messages, tasks.len(), tasks.len() - open.len());
    let keep = |t: usize, point: Option<SweepPoint>| -> Result<(), Failure> {
        let Some(point) = point else { return Ok(()) };
        let mut done = done.lock().map_err(|_| anyhow::anyhow!("another point has failed"))?;
        if done[t].is_some() {
            return Ok(());
        }
        bar.done(&point);
        done[t] = Some(point);
        match resumable(args) {
            Some(path) => Ok(files::write(Some(path), &render_json(&with(&report, &done)))?),
            None => Ok(()),
        }
    };
    let first = strictest(&args.vary);
    let anchor = if open.is_empty() || tasks.len() == 1 {
        None
    } else {
        let (point, anchor) = compute(&tasks[first], first, &sources, None)?;
        keep(first, point)?;
        anchor
    };
    // What all others start from: the strictest point's plan.
    let start = anchor.as_ref().map(|anchor| (&tasks[first].settings.prices.catalog, anchor));
    let computed: Result<Vec<()>, Failure> = open
        .par_iter()
        .filter(|&&t| t != first || tasks.len() == 1)
        .map(|&t| keep(t, compute(&tasks[t], t, &sources, start)?.0))
        .collect();
    drop(bar);
    computed?;
    let done = done.into_inner().expect("every thread has ended");
    let report = with(&report, &done);
    write(args, &report, messages)?;
    let whole = |p: &SweepPoint| p.found.as_ref().is_some_and(|f| f.pods_left_out == 0);
    Ok(match () {
        () if plan::interrupted() => Ending::Interrupted,
        () if report.points.iter().any(whole) => Ending::Done,
        () => Ending::SomeFitNowhere,
    })
}

/// The point whose plan keeps the rules of most others: the first of those with the strictest values.
fn strictest(vary: &[Vary]) -> usize {
    vary.iter().fold(0, |index, axis| index * axis.values.len() + axis.strictest())
}

/// What contradicts itself in the options.
fn check(args: &SweepArgs) -> Result<(), Vec<Fault>> {
    let mut faults = Vec::new();
    if args.vary.len() > 2 {
        faults.push(Fault::new("--vary", "more than two settings; sweep twice"));
    }
    let varies = |setting| args.vary.iter().filter(|v| v.setting == setting).count();
    for vary in args.vary.iter().filter(|v| varies(v.setting) > 1).take(1) {
        faults.push(Fault::new("--vary", format!("{} is varied twice", vary.setting.name())));
    }
    if args.prices.catalog.is_some() && (varies(Setting::Region) > 0 || varies(Setting::Provider) > 0) {
        faults
            .push(Fault::new("--vary", "a catalog has one region and provider").help("leave --catalog out"));
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// The options of `plan` that every point begins with.
fn options(args: &SweepArgs) -> PlanArgs {
    let Cli { command: Command::Plan(mut plan), .. } = Cli::parse_from(["plimsoll", "plan", "-"]) else {
        unreachable!("`plan -` is the command plan")
    };
    plan.inputs.clone_from(&args.inputs);
    plan.prices = args.prices.clone();
    plan.types = args.types.clone();
    plan.nodes = args.nodes.clone();
    plan.autoscaled = args.autoscaled;
    plan.purchase = args.purchase;
    plan.survive = args.survive.clone();
    plan.spot = args.spot.clone();
    plan.search = args.search.clone();
    plan.output.as_of.clone_from(&args.as_of);
    plan.commit.commit = args.vary.iter().any(|vary| vary.setting == Setting::MaxCommitment);
    // What a plan is compared with is the other points.
    plan.baselines = BaselinesArg::None;
    plan.replay = ReplayArg::None;
    *plan
}

/// All points with their settings; every fault of any of them.
fn tasks(args: &SweepArgs, base: &PlanArgs, sources: &[Source], faults: &mut Vec<Fault>) -> Vec<Task> {
    if sources.is_empty() {
        return Vec::new();
    }
    let policy_file =
        settings::policy_file(&base.nodes).map_err(|more| faults.extend(more)).unwrap_or_default();
    let workloads = input::read_workloads(sources, &settings::read_options(base, &policy_file));
    let Ok(workloads) = workloads.map_err(|more| faults.extend(more)) else { return Vec::new() };
    let mut tasks = Vec::new();
    for changes in combinations(&args.vary) {
        let mut task_args = options(args);
        let mut set = workloads.clone();
        for (_, change) in &changes {
            change.apply_to_options(&mut task_args);
            change.apply_to_workloads(&mut set);
        }
        match settings::settle(&task_args, policy_file.clone(), Some(&set)) {
            Ok(mut settings) => {
                let commits = match commits(&task_args, &set, &settings) {
                    Ok(commits) => commits,
                    Err(more) => {
                        more.into_iter().for_each(|fault| {
                            if !faults.contains(&fault) {
                                faults.push(fault);
                            }
                        });
                        continue;
                    }
                };
                // What is committed to runs on demand, as `plan` has it.
                let set = if commits.is_some() { set } else { settings.divide(set) };
                changes.iter().for_each(|(_, change)| change.apply_to_policy(&mut settings.policy));
                if let Err(more) = settings::matcher(&settings.policy.types) {
                    faults.extend(more);
                }
                let input_hash = hash(sources, &settings, &task_args, &changes);
                let values = changes.iter().map(|(text, _)| (*text).to_owned()).collect();
                tasks.push(Task { values, args: task_args, workloads: set, settings, input_hash, commits });
            }
            Err(more) => more.into_iter().for_each(|fault| {
                if !faults.contains(&fault) {
                    faults.push(fault);
                }
            }),
        }
    }
    // Where a point starts is part of what decides it.
    if let Some(first) = tasks.get(strictest(&args.vary)).map(|task| task.input_hash.clone()) {
        for task in tasks.iter_mut().filter(|task| task.input_hash != first) {
            task.input_hash = plan::hex(format!("{}\nstart {first}\n", task.input_hash).as_bytes());
        }
    }
    tasks
}

/// The hours to commit for, and beside what.
struct Commits {
    horizon: Horizon,
    owned: Vec<Holding>,
    ratios: SizeRatios,
}

/// The hours to commit for, where that is asked for.
fn commits(args: &PlanArgs, set: &WorkloadSet, settings: &Settings) -> Result<Option<Commits>, Vec<Fault>> {
    if !args.commit.commit {
        return Ok(None);
    }
    if settings.spot.share.0 > 0 {
        let fault = Fault::new("--spot", "what is committed to is planned on demand");
        return Err(vec![fault.help("leave the share out")]);
    }
    let Some(horizon) = demand::horizon(args, set)? else { return Ok(None) };
    let ratios = accounts::ratios(&args.accounts)?;
    let owned = args.commit.owned(settings, horizon, &ratios)?;
    Ok(Some(Commits { horizon, owned, ratios }))
}

/// Every combination of values, the last setting changing fastest.
fn combinations(vary: &[Vary]) -> Vec<Vec<(&str, &Change)>> {
    let mut all = vec![Vec::new()];
    for axis in vary {
        all = all
            .iter()
            .flat_map(|before: &Vec<(&str, &Change)>| {
                axis.values.iter().map(move |value| {
                    let mut point = before.clone();
                    point.push((value.text.as_str(), &value.change));
                    point
                })
            })
            .collect();
    }
    all
}

/// Over everything that decides a point. Policy and prices are in the hash of the plan; how many pods there
/// are is not.
fn hash(sources: &[Source], settings: &Settings, args: &PlanArgs, changes: &[(&str, &Change)]) -> String {
    let plan = plan::metadata(sources, settings, None, args).input_hash;
    let pods: Vec<&Change> =
        changes.iter().map(|(_, change)| *change).filter(|c| matches!(c, Change::Replicas(_))).collect();
    let day = args.output.as_of.as_ref().filter(|_| args.commit.commit);
    let more = day.map(|day| format!("from {day}\n")).unwrap_or_default();
    plan::hex(format!("sweep {plan}\nreplicas {pods:?}\nautoscaled {:?}\n{more}", args.autoscaled).as_bytes())
}

/// Where points are kept as they are done.
fn resumable(args: &SweepArgs) -> Option<&Path> {
    let path = args.output.as_deref().filter(|path| path.as_os_str() != "-")?;
    (args.format == SweepFormatArg::Json).then_some(path)
}

/// The points of an earlier run in the output file, by their hash.
fn earlier(args: &SweepArgs) -> Result<HashMap<String, SweepPoint>, Vec<Fault>> {
    let Some(path) = resumable(args).filter(|path| path.is_file()) else { return Ok(HashMap::new()) };
    let source = files::read(path).map_err(|fault| vec![fault])?;
    let report = sweep::read(&source).map_err(|mut faults| {
        let note = "is there and is no sweep of this version, so it is not written over";
        faults.insert(0, Fault::new(&source.name, note).help("remove it, or name another -o file"));
        faults.truncate(3);
        faults
    })?;
    Ok(report.points.into_iter().map(|point| (point.input_hash.clone(), point)).collect())
}

fn again(known: &SweepPoint, task: &Task, number: u64) -> SweepPoint {
    SweepPoint { point: number, values: task.values.clone(), taken: None, ..known.clone() }
}

fn empty(args: &SweepArgs, sources: &[Source], tasks: &[Task]) -> SweepReport {
    let inputs: Vec<InputFile> = sources
        .iter()
        .map(|source| InputFile { name: source.name.clone(), sha256: plan::hex(&source.bytes) })
        .collect();
    let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
    let currency = tasks.first().map(|task| task.settings.prices.catalog.currency.clone());
    SweepReport {
        format: SweepFormat::V1,
        tool: Tool { name: "plimsoll".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        name: names.join(" "),
        inputs,
        currency: currency.unwrap_or_default(),
        seed: args.search.seed,
        axes: args.vary.iter().map(Vary::axis).collect(),
        complete: false,
        points: Vec::new(),
    }
}

/// The report with the points that are done.
fn with(report: &SweepReport, done: &[Option<SweepPoint>]) -> SweepReport {
    let points: Vec<SweepPoint> = done.iter().flatten().cloned().collect();
    let mut report = SweepReport { complete: points.len() == done.len(), points, ..report.clone() };
    report.relate();
    report
}

/// Plans with the catalog of their types, to start from.
type First<'a> = Option<(&'a Catalog, &'a Anchor)>;

/// Plans one point as `plan` does, from a given plan where there is one; nothing where that was interrupted.
fn compute(
    task: &Task,
    index: usize,
    sources: &[Source],
    start: First<'_>,
) -> Result<(Option<SweepPoint>, Option<Anchor>), Failure> {
    if plan::interrupted() {
        return Ok((None, None));
    }
    let found = match figures(task, sources, start) {
        _ if plan::interrupted() => return Ok((None, None)),
        Ok(found) => Ok(found),
        Err(Failure::NoPlan(reason)) => Err(reason),
        Err(Failure::Invalid(faults)) => {
            Err(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
        }
        Err(unexpected) => return Err(unexpected),
    };
    let (found, anchor, failure) = match found {
        Ok((found, anchor)) => (Some(found), Some(anchor), None),
        Err(reason) => (None, None, Some(reason)),
    };
    let point = SweepPoint {
        point: index as u64 + 1,
        values: task.values.clone(),
        input_hash: task.input_hash.clone(),
        catalog: task.settings.prices.catalog.name.clone(),
        found,
        failure,
        taken: None,
    };
    Ok((Some(point), anchor))
}

fn figures(task: &Task, sources: &[Source], start: First<'_>) -> Result<(SweepFigures, Anchor), Failure> {
    let Task { args, workloads, settings, .. } = task;
    let free = plan::formulate(workloads, settings)?;
    let pooled = plan::pooled(workloads, settings, &free)?;
    let formulation = pooled.as_ref().map_or(&free, |pooled| &pooled.formulation);
    let given = start.map(|(theirs, anchor)| Given { anchor, theirs, ours: &settings.prices.catalog });
    let mut found = plan::solve_from(&free, pooled.as_ref(), given, &args.search, &Silent)?;
    let anchor = Anchor::new(&free, pooled.as_ref(), &found);
    plan::survive(workloads, settings, (&free, pooled.as_ref()), &mut found, &args.search)?;
    plan::recheck(workloads, settings, formulation, &found)?;
    let metadata = plan::metadata(sources, settings, None, args);
    let beside = plan::Beside { baselines: &[], cluster: Vec::new() };
    let mut report = plan::report(workloads, settings, (&free, formulation), &found, beside, &metadata)?;
    if let Some(Commits { horizon, owned, ratios }) = &task.commits {
        demand::levels(workloads, settings, (*horizon, owned, ratios), (formulation, &found), args)?
            .tell(&mut report, settings)?;
    }
    let figures = SweepFigures::of(&report);
    Ok((figures, anchor))
}

fn write(args: &SweepArgs, report: &SweepReport, messages: MessageArgs) -> Result<(), Failure> {
    let bytes = match args.format {
        SweepFormatArg::Json => render_json(report),
        SweepFormatArg::Csv => render_csv(report),
        SweepFormatArg::Html => render_html(report).into_bytes(),
        SweepFormatArg::Table => {
            let options = output::drawn(args.output.is_none(), args.plain, args.ascii, messages);
            render_table(report, &options).into_bytes()
        }
    };
    files::write(args.output.as_deref(), &bytes)?;
    Ok(())
}
