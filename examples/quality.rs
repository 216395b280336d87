//! Measures how good plans are and how soon: `cargo run --release --example quality -- --help`.
//!
//! `table` packs generated clusters, `one` a single one of them, `literature` vector packing, `file` any
//! problem from a file; `write` prints a generated cluster as problem JSON. Each cluster is packed in a
//! process of its own, whose peak memory is what the kernel calls VmHWM; Markdown goes to standard
//! output, progress to standard error.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};
use plimsoll::baselines::{BaselineKind, baselines};
use plimsoll::check::check_certificate;
use plimsoll::formulate;
use plimsoll::input::{Source, problem_file};
use plimsoll::plan::{ProgressPoint, StopReason, relative_gap};
use plimsoll::policy::Policy;
use plimsoll::problem::Problem;
use plimsoll::search::search_pooled;
use plimsoll::solver::control::{Budget, Event, Observer};
use plimsoll::solver::{pooled_bound, solve};
use plimsoll::units::Money;
use plimsoll::verify::{VerifiedOutcome, verify};
use serde::{Deserialize, Serialize};

#[path = "../benches/common/mod.rs"]
mod common;

use common::clusters::{Cluster, Variant, cluster};
use common::literature::Spec;

/// Pods and shapes of the table's rows, and after how many milliseconds their early plan is looked at.
const ROWS: [(u64, usize, u64); 6] = [
    (1_000, 50, 100),
    (10_000, 200, 500),
    (10_000, 500, 1_000),
    (100_000, 500, 2_000),
    (100_000, 2_000, 5_000),
    (1_000_000, 5_000, 30_000),
];

/// When the early plan of other instances is looked at, in milliseconds.
const EARLY: u64 = 500;

/// Measures plans of generated instances.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Clusters of several sizes as a Markdown table, each in a process of its own.
    Table {
        /// Only rows such as `1000/50`, separated by commas.
        #[arg(long, value_delimiter = ',')]
        rows: Vec<String>,
        /// plain, 16vcpu, apart, gpu, separated by commas, or all.
        #[arg(long, default_value = "plain", value_delimiter = ',')]
        variant: Vec<String>,
        /// How many clusters of each kind, with seeds from --seed on.
        #[arg(long, default_value_t = 1)]
        count: u64,
        /// Without what others would buy.
        #[arg(long)]
        no_baselines: bool,
        #[command(flatten)]
        search: Search,
    },
    /// Pooled plans of clusters beside the free ones, as a Markdown table, in this process.
    Pools {
        /// Rows such as `1000/50`, separated by commas.
        #[arg(long, value_delimiter = ',', default_value = "1000/50,10000/200,10000/500,100000/500")]
        rows: Vec<String>,
        /// plain, 16vcpu, apart, gpu, separated by commas, or all.
        #[arg(long, default_value = "plain", value_delimiter = ',')]
        variant: Vec<String>,
        /// The most pools, separated by commas; 0 for a tenth of the workloads.
        #[arg(long, default_value = "10", value_delimiter = ',')]
        max_pools: Vec<u32>,
        /// How many cases bound pooled plans for themselves, which no limit of time holds; 0 for no such bound.
        #[arg(long, default_value_t = 100)]
        cases: usize,
        /// How many clusters of each kind, with seeds from --seed on.
        #[arg(long, default_value_t = 1)]
        count: u64,
        #[command(flatten)]
        search: Search,
    },
    /// One cluster, in this process; prints the row as text.
    One {
        /// How many pods.
        pods: u64,
        /// How many different shapes.
        shapes: usize,
        /// plain, 16vcpu, apart or gpu.
        #[arg(default_value = "plain")]
        variant: String,
        /// With what others would buy.
        #[arg(long)]
        baselines: bool,
        /// Prints one line of JSON instead.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        search: Search,
    },
    /// A problem from a file (JSON or .vbp), in this process.
    File {
        /// The file.
        path: PathBuf,
        #[command(flatten)]
        search: Search,
    },
    /// Vector packing by class, in this process.
    Literature {
        /// Classes, 1 to 10.
        #[arg(long, value_delimiter = ',', default_values_t = 1..=10u8)]
        class: Vec<u8>,
        /// Dimensions.
        #[arg(long, value_delimiter = ',', default_values_t = [2usize, 3, 5, 10])]
        dimensions: Vec<usize>,
        /// Items.
        #[arg(long, value_delimiter = ',', default_values_t = [20usize, 50, 100, 250])]
        items: Vec<usize>,
        /// How many instances of each kind.
        #[arg(long, default_value_t = 1)]
        count: u64,
        #[command(flatten)]
        search: Search,
    },
    /// Prints a cluster as problem JSON.
    Write {
        /// How many pods.
        pods: u64,
        /// How many different shapes.
        shapes: usize,
        /// plain, 16vcpu, apart or gpu.
        #[arg(default_value = "plain")]
        variant: String,
        /// Which cluster.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Prints an instance of the literature's classes as problem JSON.
    WriteLiterature {
        /// 1 to 10.
        class: u8,
        /// How many.
        dimensions: usize,
        /// How many.
        items: usize,
        /// Which instance.
        #[arg(default_value_t = 0)]
        number: u64,
    },
}

#[derive(Args, Clone, Copy)]
struct Search {
    /// Seconds for each instance.
    #[arg(long, default_value_t = 60.0)]
    limit: f64,
    /// Of the instance and of the search.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Prints phases, plans and bounds as they come.
    #[arg(long)]
    trace: bool,
    /// Rechecks the certificate at the end.
    #[arg(long)]
    check: bool,
}

/// What was measured on one instance. Costs in dollars per hour, times in seconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Row {
    name: String,
    bins: u128,
    types: usize,
    cost: f64,
    bound: f64,
    stop: StopReason,
    first_plan: f64,
    first_gap: f64,
    /// Seconds after which the early plan was looked at.
    early: f64,
    early_gap: f64,
    gap_at_10: f64,
    gap: f64,
    seconds: f64,
    peak_mib: Option<u64>,
    baselines: Vec<(String, f64)>,
}

fn main() {
    match Cli::parse().command {
        Action::Table { rows, variant, count, no_baselines, search } => {
            table(&rows, &variant, count, !no_baselines, search);
        }
        Action::Pools { rows, variant, max_pools, cases, count, search } => {
            pools(&rows, &variants(&variant), (&max_pools, cases), count, search);
        }
        Action::One { pods, shapes, variant, baselines, json, search } => {
            let row = one(pods, shapes, self::variant(&variant), baselines, search);
            if json {
                println!("{}", serde_json::to_string(&row).expect("plain data"));
            } else {
                println!("{HEADER}\n{}", markdown(&row));
            }
        }
        Action::File { path, search } => {
            let bytes = std::fs::read(&path).expect("the file can be read");
            let source = Source { name: path.display().to_string(), bytes };
            let problem = problem_file::read(&source).expect("the file holds a problem");
            let (row, _) = measure(source.name, &problem, EARLY, search);
            println!("{HEADER}\n{}", markdown(&row));
        }
        Action::Literature { class, dimensions, items, count, search } => {
            literature(&class, &dimensions, &items, count, search);
        }
        Action::Write { pods, shapes, variant, seed } => {
            let cluster = cluster(pods, shapes, self::variant(&variant), seed);
            print!("{}", problem_file::write(&cluster.formulate().problem));
        }
        Action::WriteLiterature { class, dimensions, items, number } => {
            print!("{}", problem_file::write(&Spec { class, dimensions, items, number }.problem()));
        }
    }
}

fn variant(name: &str) -> Variant {
    Variant::ALL.into_iter().find(|v| v.name() == name).unwrap_or_else(|| {
        let names: Vec<&str> = Variant::ALL.into_iter().map(Variant::name).collect();
        panic!("`{name}` is not a variant; there are {}", names.join(", "))
    })
}

fn variants(names: &[String]) -> Vec<Variant> {
    if names.iter().any(|v| v == "all") {
        return Variant::ALL.to_vec();
    }
    names.iter().map(|v| variant(v)).collect()
}

/// Pooled plans: what they cost beyond the bound, and when.
fn pools(
    rows: &[String],
    variants: &[Variant],
    (max_pools, cases): (&[u32], usize),
    count: u64,
    search: Search,
) {
    println!("{}\n", machine());
    println!(
        "| instance | pools allowed | used | first pooled plan (s) | best (s) | seconds | pooled gap | to the pooled bound | free gap | premium | nodes pooled / free |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for &variant in variants {
        for row in rows {
            let (pods, shapes) = row.split_once('/').expect("rows are pods/shapes");
            let (pods, shapes): (u64, usize) = (pods.parse().expect("pods"), shapes.parse().expect("shapes"));
            for seed in search.seed..search.seed + count {
                for &most in max_pools {
                    let most = if most == 0 { (shapes as u32 / 10).max(1) } else { most };
                    let made = cluster(pods, shapes, variant, seed);
                    println!(
                        "{}",
                        pooled_row(
                            &made,
                            (most, cases),
                            &format!("{pods} / {shapes} {} seed {seed}", variant.name()),
                            search
                        )
                    );
                    std::io::stdout().flush().expect("standard output is open");
                }
            }
        }
    }
}

fn pooled_row(made: &Cluster, (most, cases): (u32, usize), name: &str, search: Search) -> String {
    let free = made.formulate();
    let policy = Policy { max_pools: Some(most), ..made.policy.clone() };
    let pooled =
        formulate::pooled(&made.workloads, &made.catalog, &policy, &free).expect("the policy is valid");
    let budget = Budget {
        work_limit: Some(u64::MAX),
        time_limit: Some(Duration::from_secs_f64(search.limit)),
        ..Budget::default()
    };
    let trace = Trace { started: Instant::now(), on: search.trace, last: Mutex::new((None, None)) };
    let found = search_pooled(&free, &pooled, &budget, search.seed, &trace);
    let found = found.unwrap_or_else(|error| panic!("{name}: {error}"));
    let seconds = trace.started.elapsed().as_secs_f64();
    let outcome = &found.outcome;
    let (cost, bound) = (outcome.plan().hourly_cost(), outcome.lower_bound().value);
    // Pooled plans are plans, so that the better of both bounds holds for them.
    let own_bound = (cases > 0).then(|| {
        let own = pooled_bound(&pooled.formulation.problem, &pooled.pooling, cases);
        own.unwrap_or_else(|error| panic!("{name}: {error}")).max(bound)
    });
    let without = found.free.expect("a pooled plan stands beside a free one");
    let plans = || outcome.progress().iter().filter(|point| point.incumbent.is_some());
    let first = plans().next().map_or(0, |point| point.millis);
    let best = plans().find(|point| point.incumbent == Some(cost)).map_or(0, |point| point.millis);
    let used = outcome
        .plan()
        .plan()
        .bins_by_type()
        .keys()
        .filter_map(|&bin| pooled.pooling.pool_of(bin))
        .collect::<std::collections::BTreeSet<_>>()
        .len();
    let percent = |share: f64| format!("{:.3} %", share * 100.0);
    format!(
        "| {name} | {most} | {used} | {:.2} | {:.2} | {seconds:.1} | {} | {} | {} | {} | {} / {} |",
        first as f64 / 1e3,
        best as f64 / 1e3,
        percent(relative_gap(cost, bound)),
        own_bound.map_or_else(|| "-".to_owned(), |own| percent(relative_gap(cost, own))),
        percent(relative_gap(without.hourly_cost(), bound)),
        percent((cost - without.hourly_cost()).ratio_to(without.hourly_cost()).unwrap_or(0.0)),
        outcome.plan().plan().bin_count(),
        without.plan().bin_count(),
    )
}

const HEADER: &str = "| instance | first plan (s) | its gap | gap early on | gap at 10 s | gap at end | seconds | stop | cost ($/h) | bound ($/h) | bins | types | memory (MiB) | others, above the bound |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|";

fn markdown(row: &Row) -> String {
    let percent = |gap: f64| format!("{:.3} %", gap * 100.0);
    let above = |cost: f64| format!("{:.1} %", (cost / row.bound - 1.0) * 100.0);
    let others: Vec<String> =
        row.baselines.iter().map(|(name, cost)| format!("{name} {}", above(*cost))).collect();
    let stop = serde_json::to_value(row.stop).expect("plain data");
    format!(
        "| {} | {:.2} | {} | {} at {} s | {} | {} | {:.1} | {} | {:.4} | {:.4} | {} | {} | {} | {} |",
        row.name,
        row.first_plan,
        percent(row.first_gap),
        percent(row.early_gap),
        row.early,
        percent(row.gap_at_10),
        percent(row.gap),
        row.seconds,
        stop.as_str().unwrap_or_default(),
        row.cost,
        row.bound,
        row.bins,
        row.types,
        row.peak_mib.map_or_else(|| "-".to_owned(), |mib| mib.to_string()),
        others.join(", "),
    )
}

fn table(rows: &[String], variants: &[String], count: u64, with_baselines: bool, search: Search) {
    let variants = self::variants(variants);
    let wanted = |pods: u64, shapes: usize| rows.is_empty() || rows.contains(&format!("{pods}/{shapes}"));
    println!("{}\n", machine());
    println!("{HEADER}");
    let program = std::env::current_exe().expect("this program has a path");
    for variant in variants {
        for (pods, shapes, _) in ROWS.into_iter().filter(|&(pods, shapes, _)| wanted(pods, shapes)) {
            for seed in search.seed..search.seed + count {
                let run = |extra: &[&str], limit: f64| -> Row {
                    let (pods, shapes) = (pods.to_string(), shapes.to_string());
                    let (seed, limit) = (seed.to_string(), limit.to_string());
                    let mut command = Command::new(&program);
                    command.args(["one", &pods, &shapes, variant.name(), "--json"]);
                    command.args(["--seed", &seed, "--limit", &limit]).args(extra);
                    command.args(search.trace.then_some("--trace")).args(search.check.then_some("--check"));
                    let output = command.stderr(Stdio::inherit()).output().expect("it starts");
                    assert!(output.status.success(), "{pods}/{shapes} {}: {}", variant.name(), output.status);
                    serde_json::from_slice(&output.stdout).expect("a row as JSON")
                };
                let mut row = run(&[], search.limit);
                if with_baselines {
                    // In a process of their own, so that their memory is not the solver's.
                    row.baselines = run(&["--baselines"], 0.0).baselines;
                }
                println!("{}", markdown(&row));
                std::io::stdout().flush().expect("standard output is open");
            }
        }
    }
}

fn one(pods: u64, shapes: usize, variant: Variant, with_baselines: bool, search: Search) -> Row {
    let cluster = cluster(pods, shapes, variant, search.seed);
    let formulation = cluster.formulate();
    let name = format!("{pods} / {shapes} {} seed {}", variant.name(), search.seed);
    let early = ROWS.iter().find(|row| (row.0, row.1) == (pods, shapes)).map_or(EARLY, |row| row.2);
    let (mut row, _) = measure(name, &formulation.problem, early, search);
    if with_baselines {
        row.baselines = others(&cluster, &formulation);
    }
    row
}

/// What others would buy, by name, in dollars per hour.
fn others(cluster: &Cluster, formulation: &plimsoll::formulate::Formulation) -> Vec<(String, f64)> {
    let Cluster { workloads, catalog, policy } = cluster;
    let kinds: Vec<BaselineKind> = BaselineKind::usual(workloads)
        .into_iter()
        // Nothing here has limits, so that both ways of one VM per replica are the same.
        .filter(|kind| *kind != BaselineKind::OneVmByLimits)
        .collect();
    baselines(workloads, catalog, policy, formulation, &kinds, 1)
        .into_iter()
        .filter_map(|made| match made {
            Ok(baseline) => Some((baseline.kind.id(), dollars(baseline.hourly_cost()))),
            Err(skipped) => {
                eprintln!("left out: {skipped}");
                None
            }
        })
        .collect()
}

fn measure(name: String, problem: &Problem, early: u64, search: Search) -> (Row, VerifiedOutcome) {
    let budget = Budget {
        work_limit: Some(u64::MAX),
        time_limit: Some(Duration::from_secs_f64(search.limit)),
        ..Budget::default()
    };
    let trace = Trace { started: Instant::now(), on: search.trace, last: Mutex::new((None, None)) };
    let outcome =
        solve(problem, &budget, search.seed, &trace).unwrap_or_else(|error| panic!("{name}: {error}"));
    let seconds = trace.started.elapsed().as_secs_f64();
    let outcome = verify(problem, outcome).unwrap_or_else(|violations| panic!("{name}: {}", violations[0]));
    let peak_mib = peak_mib();
    if search.check {
        let started = Instant::now();
        let proven = check_certificate(problem, &outcome.lower_bound().certificate)
            .unwrap_or_else(|objections| panic!("{name}: {}", objections[0]));
        assert!(proven >= outcome.lower_bound().certified, "{name}: the certificate proves {proven}");
        eprintln!("{name}: certificate rechecked in {:.1} s", started.elapsed().as_secs_f64());
    }
    let progress = outcome.progress();
    let cost = outcome.plan().hourly_cost();
    let bound = outcome.lower_bound().value;
    // Plans made side by side are handed over in one go: the best of them counts.
    let found = progress.iter().find(|point| point.incumbent.is_some()).map_or(0, |point| point.millis);
    let first = progress.iter().take_while(|point| point.millis <= found + 1).last();
    let at = |millis: u64| progress.iter().take_while(|point| point.millis <= millis).last();
    let gap_of = |point: Option<&ProgressPoint>| {
        point.and_then(|p| Some(relative_gap(p.incumbent?, p.lower_bound))).unwrap_or(1.0)
    };
    let row = Row {
        name,
        bins: outcome.plan().plan().bin_count(),
        types: outcome.plan().plan().bins_by_type().len(),
        cost: dollars(cost),
        bound: dollars(bound),
        stop: outcome.stop(),
        first_plan: first.map_or(seconds, |point| point.millis as f64 / 1e3),
        first_gap: gap_of(first),
        early: early as f64 / 1e3,
        early_gap: gap_of(at(early)),
        gap_at_10: gap_of(at(10_000)),
        gap: relative_gap(cost, bound),
        seconds,
        peak_mib,
        baselines: Vec::new(),
    };
    (row, outcome)
}

fn literature(classes: &[u8], dimensions: &[usize], items: &[usize], count: u64, search: Search) {
    println!("{}\n", machine());
    println!(
        "| class | dimensions | items | instances | plan = bound | bins above the bound | mean seconds | most |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let mut all = Tally::default();
    for &class in classes {
        for &dimensions in dimensions {
            for &items in items {
                let mut tally = Tally::default();
                for number in 0..count {
                    let spec = Spec { class, dimensions, items, number };
                    let name = format!("{class} {dimensions} {items} {number}");
                    let (row, _) = measure(name, &spec.problem(), EARLY, search);
                    let above = (row.cost - row.bound).round() as u64;
                    assert!(
                        spec.known_optimum().is_none_or(|known| row.bound <= known as f64),
                        "{}",
                        row.name
                    );
                    if above > 0 {
                        let known = spec.known_optimum().map_or(String::new(), |k| format!(", optimum {k}"));
                        eprintln!("open: {}: plan {}, bound {}{known}", row.name, row.cost, row.bound);
                    }
                    tally.add(&row, above);
                    all.add(&row, above);
                }
                println!("| {class} | {dimensions} | {items} {tally}");
                std::io::stdout().flush().expect("standard output is open");
            }
        }
    }
    println!("| all | | {all}");
}

#[derive(Default)]
struct Tally {
    instances: u64,
    proved: u64,
    above: u64,
    seconds: f64,
    most: f64,
}

impl Tally {
    fn add(&mut self, row: &Row, above: u64) {
        self.instances += 1;
        self.proved += u64::from(above == 0);
        self.above += above;
        self.seconds += row.seconds;
        self.most = self.most.max(row.seconds);
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = self.instances.max(1) as f64;
        let share = 100.0 * self.proved as f64 / count;
        let mean = self.seconds / count;
        write!(
            f,
            "| {} | {} ({share:.0} %) | {} | {mean:.2} | {:.2} |",
            self.instances, self.proved, self.above, self.most
        )
    }
}

/// Says on standard error what happens, at most ten times a second.
struct Trace {
    started: Instant,
    on: bool,
    last: Mutex<(Option<Money>, Option<Money>)>,
}

impl Observer for Trace {
    fn on(&self, event: &Event) {
        if !self.on {
            return;
        }
        let mut last = self.last.lock().expect("nobody panics here");
        let what = match event {
            Event::Phase(phase) => phase.name(),
            Event::Incumbent(cost) => {
                last.0 = Some(*cost);
                "plan"
            }
            Event::Bound(bound) => {
                last.1 = Some(*bound);
                "bound"
            }
            _ => "",
        };
        let seconds = self.started.elapsed().as_secs_f64();
        let gap = match *last {
            (Some(cost), Some(bound)) => format!("{:.4} %", 100.0 * relative_gap(cost, bound)),
            _ => "-".to_owned(),
        };
        let show =
            |money: Option<Money>| money.map_or_else(|| "-".to_owned(), |m| format!("{:.4}", dollars(m)));
        eprintln!("{seconds:8.2} s  {what:18} cost {}  bound {}  gap {gap}", show(last.0), show(last.1));
    }
}

/// For printing alone.
fn dollars(money: Money) -> f64 {
    money.nanos() as f64 / 1e9
}

/// The most memory this process ever held, where the kernel tells (Linux).
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1024)
}

/// Processor, cores and memory, where the kernel tells.
fn machine() -> String {
    let field = |file: &str, key: &str| -> Option<String> {
        let text = std::fs::read_to_string(file).ok()?;
        let line = text.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = field("/proc/meminfo", "MemTotal")
        .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok())
        .map_or(0, |kib| kib / (1 << 20));
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned());
    format!("{processor}, {cores} cores, {memory} GiB")
}
