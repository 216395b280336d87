//! What the default scheduler makes of plans: `cargo run --release --example realizability -- --help`.
//!
//! Plans generated clusters freely and in pools, replays both, and prints the measures
//! that leave nothing pending as Markdown; `timing` replays 10,000 pods on 1,000 nodes.

use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use plimsoll::formulate::{Formulation, formulate, pooled};
use plimsoll::replay::{
    self, Cluster, Help, Node, Order, Pool, Profile, Replicated, Rules, Run, Settings, measures,
};
use plimsoll::search::search_pooled;
use plimsoll::solver::control::{Budget, Effort, Silent};
use plimsoll::units::{Money, Rate, ResourceName};
use plimsoll::verify::VerifiedPlan;
use plimsoll::workload::{
    LabelExpression, LabelOperator, LabelSelector, TopologySpread, WorkloadKind, WorkloadSet,
};

#[path = "../benches/common/mod.rs"]
mod common;

use common::clusters::{self, Variant};

/// Measures how realizable plans are.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Plans of generated clusters, as a Markdown table.
    Table {
        /// Pods and shapes of the clusters.
        #[arg(long, value_delimiter = ',', default_value = "1000/50,10000/200")]
        rows: Vec<String>,
        /// Limit of one search.
        #[arg(long, default_value_t = 20)]
        seconds: u64,
    },
    /// One arrival of 10,000 pods on 1,000 nodes, per profile and order.
    Timing,
}

fn main() {
    match Cli::parse().command {
        Action::Table { rows, seconds } => table(&rows, Duration::from_secs(seconds)),
        Action::Timing => timing(),
    }
}

/// What is special about a row's cluster.
#[derive(Clone, Copy, PartialEq)]
enum Rows {
    Plain,
    Apart,
    Zones,
}

fn table(rows: &[String], limit: Duration) {
    println!(
        "| pods/shapes | rules | plan | nodes | pools | bound ($/h) | plan ($/h) | over the bound | pending: default | pending: most-allocated | measures (default profile) | then: default | then: most-allocated | premium | with it over the bound |"
    );
    println!("|---|---|---|---:|---:|---:|---:|---:|---|---|---|---|---|---:|---:|");
    for row in rows {
        let (pods, shapes) = row.split_once('/').expect("rows are pods/shapes");
        let (pods, shapes) = (pods.parse().expect("pods"), shapes.parse().expect("shapes"));
        for rules in [Rows::Plain, Rows::Apart, Rows::Zones] {
            let variant = if rules == Rows::Apart { Variant::Apart } else { Variant::Plain };
            let mut made = clusters::cluster(pods, shapes, variant, 1);
            if rules == Rows::Zones {
                spread_over_zones(&mut made.workloads);
            }
            let name = match rules {
                Rows::Plain => "none",
                Rows::Apart => "a fifth apart over nodes",
                Rows::Zones => "a fifth over zones",
            };
            let policy = &made.policy;
            let free = formulate(&made.workloads, &made.catalog, policy).expect("the policy is valid");
            let pooled = pooled(&made.workloads, &made.catalog, policy, &free).expect("the policy is valid");
            let budget = Budget { effort: Effort::Normal, time_limit: Some(limit), ..Budget::default() };
            let Ok(found) = search_pooled(&free, &pooled, &budget, 1, &Silent) else {
                eprintln!("{row}: no plan");
                continue;
            };
            let bound = found.outcome.lower_bound().value;
            let of = |formulation: &Formulation, plan: &VerifiedPlan| {
                Cluster::of_plan(&made.workloads, &made.catalog, policy, formulation, plan)
            };
            let plan = found.free.as_ref().expect("both forms are searched");
            let names = [row.as_str(), name, "free"];
            print_row(&names, &of(&free, plan), &Help::default(), plan.hourly_cost(), bound);
            let plan = found.outcome.plan();
            let cluster = of(&pooled.formulation, plan);
            let help = Help { pinned: true, ..Help::default() };
            print_row(&[row.as_str(), name, "pooled"], &cluster, &help, plan.hourly_cost(), bound);
        }
    }
}

/// One plan: what stays pending as it is, and what leaves nothing pending. `help` says what is looked for.
fn print_row(names: &[&str; 3], cluster: &Cluster, help: &Help, cost: Money, bound: Money) {
    let started = Instant::now();
    let runs = replay::replay(cluster, &Settings::default());
    let replayed = started.elapsed();
    let found =
        if help.pinned { measures(&replay::led_to_pools(cluster), help) } else { measures(cluster, help) };
    let searched = started.elapsed() - replayed;
    let over = |cost: Money| match (cost - bound).ratio_to(bound) {
        Some(share) => format!("{:.2} %", share * 100.0),
        None => "?".to_owned(),
    };
    let after = replay::replay(&found.cluster, &Settings::default());
    let counts = [
        (found.pins.len() as u64, "pins"),
        (found.classes.len() as u64, "classes"),
        (found.extra_nodes.iter().map(|e| e.nodes).sum(), "nodes"),
    ];
    let told: Vec<String> =
        counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    println!(
        "| {} | {} | {} | {bound} | {cost} | {} | {} | {} | {} | {} | {} | {:.1} % | {} |",
        names.join(" | "),
        cluster.nodes.len(),
        cluster.pools.len(),
        over(cost),
        pending(&runs, Profile::Default),
        pending(&runs, Profile::MostAllocated),
        if told.is_empty() { "none needed".to_owned() } else { told.join(", ") },
        pending(&after, Profile::Default),
        pending(&after, Profile::MostAllocated),
        found.premium.ratio_to(cluster.hourly_cost()).map_or(0.0, |p| p * 100.0),
        over(cost + found.premium),
    );
    eprintln!("{names:?}: replayed 24 times in {replayed:.1?}, measures in {searched:.1?}");
}

/// The most pods left pending, by workload / random / big first / small first.
fn pending(runs: &[Run], profile: Profile) -> String {
    let worst = |order| {
        let of = runs.iter().filter(|run| run.profile == profile && run.order == order);
        of.map(Run::pending_pods).max().unwrap_or(0).to_string()
    };
    Order::ALL.map(worst).join(" / ")
}

/// Every fifth Deployment spreads over zones with a skew of one.
fn spread_over_zones(set: &mut WorkloadSet) {
    for workload in set.workloads.iter_mut().skip(2).step_by(5) {
        let own = LabelExpression {
            key: "app".to_owned(),
            operator: LabelOperator::In,
            values: vec![workload.id.name.clone()],
        };
        workload.pod.rules.topology_spread.push(TopologySpread {
            topology_key: "topology.kubernetes.io/zone".to_owned(),
            max_skew: 1,
            min_domains: None,
            selector: LabelSelector { expressions: vec![own] },
        });
    }
}

/// 10,000 pods of 200 Deployments on 1,000 equal nodes, as small as the largest pod allows.
fn timing() {
    let cluster = large();
    let fill = |k: usize| {
        let all: u128 = cluster.nodes.iter().map(|n| u128::from(cluster.pools[n.pool].allocatable[k])).sum();
        cluster.demand()[k] as f64 / all as f64 * 100.0
    };
    println!(
        "{} pods, {} nodes, cpu {:.0} %, memory {:.0} %",
        cluster.pods(),
        cluster.nodes.len(),
        fill(0),
        fill(1)
    );
    for profile in Profile::ALL {
        for order in Order::ALL {
            let started = Instant::now();
            let run = replay::run(&cluster, profile, order, 1);
            println!("{profile:15} {order:12} {:5} pending in {:.0?}", run.pending_pods(), started.elapsed());
        }
    }
    let started = Instant::now();
    replay::replay(&cluster, &Settings::default());
    println!("both profiles, all orders, three seeds: {:.2?}", started.elapsed());
}

fn large() -> Cluster {
    let made = clusters::cluster(10_000, 200, Variant::Plain, 1);
    let requests = |w: &plimsoll::workload::Workload, name| w.pod.requests.get(&name).copied().unwrap_or(0);
    let workloads: Vec<Replicated> = made
        .workloads
        .workloads
        .iter()
        .map(|w| Replicated {
            id: w.id.to_string(),
            kind: WorkloadKind::Deployment,
            pods: w.replicas,
            requests: vec![requests(w, ResourceName::Cpu), requests(w, ResourceName::Memory), 1],
            priority: 0,
            planned: Vec::new(),
            update: None,
            rules: Rules::default(),
        })
        .collect();
    let mut cluster = Cluster {
        resources: vec![ResourceName::Cpu, ResourceName::Memory, ResourceName::Pods],
        zones: ["a", "b", "c"].map(str::to_owned).to_vec(),
        pools: Vec::new(),
        nodes: (0..1000).map(|k| Node { pool: 0, zone: k % 3 }).collect(),
        workloads,
        limits: Vec::new(),
    };
    // A thousandth of the demand and three percent more, and no smaller than the largest pod.
    let size = |k: usize| {
        let share = u64::try_from(cluster.demand()[k] * 103 / 100_000).expect("a thousandth of the demand");
        cluster.workloads.iter().map(|w| w.requests[k]).max().unwrap_or(0).max(share)
    };
    let allocatable = vec![size(0), size(1), 110];
    cluster.pools.push(Pool {
        name: "node".to_owned(),
        instance_type: "node".to_owned(),
        allocatable,
        taken: vec![0; 3],
        rate: Rate::from_nanos(1),
    });
    cluster
}
