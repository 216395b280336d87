//! The order of the steps, and the exit code at their end. Only this floor touches files, the terminal
//! and the environment.

mod accounts;
mod args;
mod calibrate;
mod catalog;
mod check;
mod cluster;
mod commit;
mod config;
mod demand;
mod diff;
mod explain;
mod fetch;
mod files;
mod import;
mod output;
mod plan;
mod progress;
mod reading;
mod replay;
mod settings;
mod shell;
mod solve;
mod sweep;
mod threshold;
mod tightness;
mod usage;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::anyhow;
use clap::{ColorChoice, CommandFactory, FromArgMatches};
use plimsoll::input::{self, Fault, catalog_file, policy_file};
use plimsoll::policy::TypeFilter;
use plimsoll::report::view::PlanReport;
use plimsoll::report::{Format, json, pool_limits};

use args::{
    BaselinesArg, CatalogCommand, Cli, Command, ListArgs, MessageArgs, PlanArgs, ReplayArg, ReportArgs,
    SchemaArg, ShowArgs,
};
use progress::Progress;
use reading::Inputs;

/// How a run ended, when it ended with a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Done,
    SomeFitNowhere,
    ThresholdMissed,
    Interrupted,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> ExitCode {
        ExitCode::from(match ending {
            Ending::Done => 0,
            Ending::SomeFitNowhere => 3,
            Ending::ThresholdMissed => 4,
            Ending::Interrupted => 130,
        })
    }
}

/// Why there is no result.
#[derive(Debug)]
enum Failure {
    /// The inputs are wrong: everything that is.
    Invalid(Vec<Fault>),
    /// The rules leave no plan at all.
    NoPlan(String),
    /// Anything else, which no input should bring about.
    Unexpected(anyhow::Error),
}

impl From<Vec<Fault>> for Failure {
    fn from(faults: Vec<Fault>) -> Self {
        Failure::Invalid(faults)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::Unexpected(error)
    }
}

/// Parses the arguments, runs the command, and turns its ending into an exit code.
pub fn main() -> ExitCode {
    match parse().map_err(Failure::from).and_then(|cli| run(&cli)) {
        Ok(ending) => ending.into(),
        Err(Failure::Invalid(faults)) => {
            for fault in &faults {
                say(&format!("error: {fault}"));
            }
            ExitCode::from(2)
        }
        Err(Failure::NoPlan(reason)) => {
            say(&format!("error: {reason}"));
            Ending::SomeFitNowhere.into()
        }
        Err(Failure::Unexpected(error)) => {
            say(&format!("error: {error:#}"));
            ExitCode::from(1)
        }
    }
}

/// The command line with the defaults of environment and files.
///
/// clap colours help and usage errors before the arguments are known, so `--no-color` is looked for first.
fn parse() -> Result<Cli, Vec<Fault>> {
    let plain = std::env::args_os().any(|arg| arg == "--no-color");
    let color = if plain { ColorChoice::Never } else { ColorChoice::Auto };
    let command = Cli::command().color(color);
    let arguments = config::complete(&command, std::env::args_os().collect())?;
    let matches = command.get_matches_from(arguments);
    Ok(Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()))
}

fn run(cli: &Cli) -> Result<Ending, Failure> {
    match &cli.command {
        Command::Plan(args) => plan(args, cli.messages),
        Command::Report(args) => report(args, cli.messages),
        Command::Diff(args) => diff::run(args, cli.messages),
        Command::Explain(command) => explain::run(command, cli.messages),
        Command::Replay(args) => replay::run(args, cli.messages),
        Command::Calibrate(args) => calibrate::run(args),
        Command::Sweep(args) => sweep::run(args, cli.messages),
        Command::Check(args) => check::run(args),
        Command::Solve(args) => solve::run(args, cli.messages),
        Command::Catalog(CatalogCommand::List(args)) => list_catalog(args),
        Command::Catalog(CatalogCommand::Show(args)) => show_catalog(args),
        Command::Catalog(CatalogCommand::Import(args)) => import::run(args),
        Command::Catalog(CatalogCommand::Fetch(args)) => fetch::run(args, cli.messages),
        Command::Schema(args) => print_schema(args.name),
        Command::Completions(args) => shell::completions(args),
        Command::Man(args) => shell::man(args),
    }
}

fn plan(args: &PlanArgs, messages: MessageArgs) -> Result<Ending, Failure> {
    let progress = Progress::start(messages);
    let Planned { report, certificate } = make_plan(args, &progress, Want::Report)?;
    progress.step("rendering");
    let rendered = output::render(&report, &args.output, messages)?;
    drop(progress);
    if let (Some(path), Some(text)) = (&args.certificate, certificate) {
        files::write(Some(path), text.as_bytes())?;
    }
    rendered.write()?;

    let (ending, words) = plan::judge(&report, args);
    words.iter().filter(|_| !messages.quiet).for_each(|word| say(word));
    Ok(ending)
}

/// What a plan is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    /// To be printed as the options say.
    Report,
    /// To be explained: with its proof, and beside nothing else.
    Explanation,
}

/// A plan before it is printed.
struct Planned {
    report: PlanReport,
    /// The proof of its bound as a file, where that is wanted.
    certificate: Option<String>,
}

/// All steps up to the report.
fn make_plan(args: &PlanArgs, progress: &Progress, want: Want) -> Result<Planned, Failure> {
    plan::stop_on_interrupt()?;
    plan::use_threads(args.search.threads)?;

    progress.step("reading workloads");
    let Inputs { sources, workloads, running, horizon, owned, ratios, settings, usage } =
        reading::read(args)?;

    progress.told(&plan::summary(&workloads, &settings));
    progress.step("formulating");
    let free = plan::formulate(&workloads, &settings)?;
    let pooled = plan::pooled(&workloads, &settings, &free)?;
    let formulation = pooled.as_ref().map_or(&free, |pooled| &pooled.formulation);
    progress.told(&plan::size(formulation));
    let started = Instant::now();
    let mut found = plan::solve(&free, pooled.as_ref(), &args.search, progress)?;
    progress.summed_up(&plan::times(&found.outcome, started.elapsed()));
    if settings.policy.survive.is_some() {
        progress.step("trying every failure");
    }
    let survival = plan::survive(&workloads, &settings, (&free, pooled.as_ref()), &mut found, &args.search)?;
    plan::recheck(&workloads, &settings, formulation, &found)?;

    progress.step("comparing with what others would buy");
    let explained = want == Want::Explanation;
    let beside = if explained { BaselinesArg::None } else { args.baselines };
    let baselines = plan::baselines(&workloads, &settings, &free, beside, args.search.seed);

    progress.step("working out the cost");
    let metadata = plan::metadata(&sources, &settings, usage.as_ref(), args);
    if running.is_some() {
        progress.step("looking for a way from the cluster that runs");
    }
    let migration = running.as_ref().map(|r| r.migrate(&settings, args)).transpose()?;
    let as_is = running.as_ref().zip(migration.as_ref());
    let cluster = as_is.map_or_else(Vec::new, |(running, migration)| running.baselines(migration));
    let beside = plan::Beside { baselines: &baselines, cluster };
    let mut report = plan::report(&workloads, &settings, (&free, formulation), &found, beside, &metadata)?;
    if let Some(survived) = survival {
        survived.tell(&mut report, &workloads, &settings, formulation, &found);
    }
    let left_out = report.headline.pods_left_out;
    report.cluster = running
        .as_ref()
        .zip(migration.as_ref())
        .map(|(running, migration)| running.report(&found, left_out, migration, &settings, args));
    let currency = &report.catalog.currency;
    let spot = report.cluster.as_ref().and_then(|cluster| cluster.spot_notice(currency));
    report.notices.extend(spot);
    if let Some(migration) = &migration {
        let beyond = pool_limits::of_migration(&settings.policy, &settings.prices.catalog, migration);
        report.notices.splice(0..0, beyond);
    }
    let mut over_time = None;
    if let Some(horizon) = horizon {
        progress.step("packing demand over time");
        let asked = (horizon, owned.as_slice(), &ratios);
        let plan = demand::levels(&workloads, &settings, asked, (formulation, &found), args)?;
        plan.tell(&mut report, &settings)?;
        over_time = Some(plan);
    }
    let planned = (&workloads, &settings, &ratios);
    accounts::tell(&mut report, planned, over_time.as_ref(), &args.accounts, args.output.format)?;
    if let Some(usage) = &usage {
        progress.step("setting measured use beside requests");
        let (planned, found) = ((&workloads, &settings), (formulation, &found));
        usage::tell(&mut report, usage, planned, found, (&args.usage, &args.search))?;
    }
    if !explained {
        progress.step("packing more and less tightly");
        tightness::tell(&mut report, &workloads, &settings, args)?;
    }
    progress.step("replaying");
    let wanted = match (args.replay, args.output.format) {
        _ if explained => ReplayArg::None,
        // What the cluster needs is known by replay alone.
        (ReplayArg::Auto, Format::Kubernetes) => ReplayArg::Always,
        (wanted, _) => wanted,
    };
    replay::in_passing(&mut report, wanted).map_err(|message| anyhow!("replaying the plan: {message}"))?;
    let proof = || plan::certificate(&workloads, &settings, formulation, &found.outcome);
    let wanted = explained || args.certificate.is_some();
    Ok(Planned { report, certificate: wanted.then(proof) })
}

fn report(args: &ReportArgs, messages: MessageArgs) -> Result<Ending, Failure> {
    let report = json::read(&files::read_one(&args.plan)?)?;
    output::render(&report, &args.output, messages)?.write()?;
    Ok(Ending::Done)
}

fn list_catalog(args: &ListArgs) -> Result<Ending, Failure> {
    let mut filter = TypeFilter::default();
    settings::restrict(&mut filter, &args.types);
    let named = args.name.is_some() || args.prices.names_any();
    if !named && filter == TypeFilter::default() {
        return print(catalog::catalogs(catalog_file::bundled().iter().map(|bundled| bundled.read().row())));
    }
    let matcher = settings::matcher(&filter)?;
    let prices = match &args.name {
        Some(name) => settings::prices_named(&args.prices, name)?,
        None => settings::prices(&args.prices)?,
    };
    let rows = prices.catalog.type_rows(|machine| matcher.matches(machine));
    if rows.is_empty() {
        say(&format!("no instance type of {} is as asked for", prices.catalog.name));
    }
    print(catalog::types(&prices.catalog, rows))
}

fn show_catalog(args: &ShowArgs) -> Result<Ending, Failure> {
    if let Ok(bundled) = catalog_file::by_name(&args.name) {
        return print(bundled.text.to_owned());
    }
    let prices = settings::prices(&args.prices)?;
    let detail = prices.catalog.detail(&args.name);
    print(catalog::one_type(&detail.map_err(|e| vec![Fault::new(&args.name, e.to_string())])?))
}

fn print_schema(name: SchemaArg) -> Result<Ending, Failure> {
    let schema = match name {
        SchemaArg::Workload => input::workload_file::schema(),
        SchemaArg::Plan => json::schema(),
        SchemaArg::Diff => plimsoll::report::diff::schema(),
        SchemaArg::Catalog => catalog_file::schema(),
        SchemaArg::Policy => policy_file::schema(),
        SchemaArg::Problem => input::problem_file::schema(),
        SchemaArg::Solution => plimsoll::report::solution::schema(),
        SchemaArg::Certificate => input::certificate_file::schema(),
        SchemaArg::Sweep => plimsoll::report::sweep::schema(),
    };
    let text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
    print(text + "\n")
}

fn print(text: String) -> Result<Ending, Failure> {
    files::write(None, text.as_bytes())?;
    Ok(Ending::Done)
}

/// One line on standard error. Nobody is left to be told when that fails.
fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "plimsoll: {line}");
}
