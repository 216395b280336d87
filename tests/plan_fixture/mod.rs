//! A plan of eighteen pods on six nodes, small enough to add up by hand, and a generated large one.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::BTreeMap;

use plimsoll::bill::OfferKey;
use plimsoll::catalog::derivation::rule;
use plimsoll::catalog::{
    Catalog, CommitmentOffer, DerivationRules, InstanceType, OfferKind, Payment, Provenance, Provider, Term,
};
use plimsoll::formulate::{
    Breakdown, Dimension, Formulation, ItemMembers, Legend, Measure, NodeType, Note, Obstacle,
    ObstacleReason, Pool, Shortfall,
};
use plimsoll::plan::{BoundKind, Certificate, LowerBound, Outcome, Pattern, Plan, ProgressPoint, StopReason};
use plimsoll::policy::Policy;
use plimsoll::problem::{BinSet, BinType, BinTypeId, ItemType, ItemTypeId, Problem};
use plimsoll::report::view::{self, BaselineInput, InputFile, Metadata, PlanReport, ReportInputs};
use plimsoll::units::{Bytes, MilliCpu, Money, Rate, ResourceName, Resources};
use plimsoll::verify::{VerifiedOutcome, VerifiedPlan, verify, verify_plan};
use plimsoll::workload::{PodTemplate, Workload, WorkloadId, WorkloadKind, WorkloadSet};

#[path = "../support/prices.rs"]
mod prices;

const MIB: u64 = 1 << 20;

fn rate(text: &str) -> Rate {
    text.parse().expect("a decimal")
}

/// Standard reserved, 1 year, none / partial / all upfront, and an instance savings plan.
fn offers(no_upfront: &str, partial: &str, all: &str) -> Vec<CommitmentOffer> {
    use Payment::{AllUpfront, NoUpfront, PartialUpfront};
    let derived = || Provenance::Derived(rule::INSTANCE_SAVINGS_PLAN.to_owned());
    let offer = |kind, payment, effective: &str, provenance| {
        CommitmentOffer::new(kind, Term::OneYear, payment, rate(effective), provenance)
    };
    let (ri, sp) = (OfferKind::ReservedStandard, OfferKind::InstanceSavingsPlan);
    vec![
        offer(ri, NoUpfront, no_upfront, derived()),
        offer(ri, PartialUpfront, partial, derived()),
        offer(ri, AllUpfront, all, Provenance::Listed),
        offer(sp, NoUpfront, no_upfront, derived()),
    ]
}

fn machine(
    name: &str,
    cpu: u64,
    memory_mib: u64,
    on_demand: &str,
    offers: Vec<CommitmentOffer>,
) -> InstanceType {
    let plain = prices::instance(name, MilliCpu(cpu), Bytes::mib(memory_mib), rate(on_demand));
    InstanceType { current_generation: Some(true), offers, ..plain }
}

/// Three types, by name: the first has no offer.
pub fn catalog() -> Catalog {
    let types = vec![
        machine("c8x.large", 2_000, 4_096, "0.09", vec![]),
        machine("m5.large", 2_000, 8_192, "0.1", offers("0.063", "0.06", "0.0588")),
        machine("m5.xlarge", 4_000, 16_384, "0.2", offers("0.126", "0.12", "0.1176")),
    ];
    Catalog {
        name: "test-2026-05-us-east-1".to_owned(),
        sources: vec!["made up for tests".to_owned()],
        licence_note: "none".to_owned(),
        rules: DerivationRules {
            instance_savings_plan: Some("made up, as everything here".to_owned()),
            ..DerivationRules::default()
        },
        ..prices::catalog(types)
    }
}

fn workload(
    namespace: &str,
    kind: WorkloadKind,
    name: &str,
    replicas: u64,
    amounts: [u64; 4],
    team: &str,
) -> Workload {
    let [cpu, memory, cpu_limit, memory_limit] = amounts;
    let list = |cpu: u64, memory: u64| {
        let entries = [(ResourceName::Cpu, cpu), (ResourceName::Memory, memory * MIB)];
        entries.into_iter().filter(|&(_, amount)| amount > 0).collect::<BTreeMap<_, _>>()
    };
    Workload {
        id: WorkloadId { namespace: namespace.to_owned(), kind, name: name.to_owned() },
        replicas,
        pod: PodTemplate {
            requests: list(cpu, memory),
            limits: list(cpu_limit, memory_limit),
            ..PodTemplate::default()
        },
        owners: BTreeMap::from([("team".to_owned(), team.to_owned())]),
        current_type: None,
    }
}

/// Twelve web, four db, two batch with a name that a spreadsheet would run, and one that fits nowhere.
pub fn workloads() -> WorkloadSet {
    WorkloadSet {
        workloads: vec![
            workload("shop", WorkloadKind::Deployment, "web", 12, [500, 1_024, 1_000, 2_048], "storefront"),
            workload("shop", WorkloadKind::StatefulSet, "db", 4, [1_500, 6_144, 0, 6_144], "storefront"),
            workload("default", WorkloadKind::Component, "=SUM(A1:A9)", 2, [200, 256, 0, 0], "-data"),
            workload("ml", WorkloadKind::Job, "train", 1, [64_000, 524_288, 0, 0], "research"),
        ],
        daemon_sets: vec![],
        skipped_kinds: BTreeMap::from([("ConfigMap".to_owned(), 3), ("Service".to_owned(), 2)]),
        owned_pods: 0,
        finished_pods: 1,
        warnings: vec!["shop.yaml: document 4 is empty".to_owned()],
        ..WorkloadSet::default()
    }
}

/// cpu: raw = 70 reserved + 100 DaemonSets + rest. Memory: 512 MiB hypervisor, 512 reserved, 128 DaemonSets.
fn capacity(cpu: u64, memory_mib: u64) -> BTreeMap<ResourceName, Breakdown> {
    BTreeMap::from([
        (
            ResourceName::Cpu,
            Breakdown {
                raw: cpu,
                reserved: 70,
                daemon_sets: 100,
                for_pods: cpu - 170,
                ..Breakdown::default()
            },
        ),
        (
            ResourceName::Memory,
            Breakdown {
                raw: memory_mib * MIB,
                hypervisor: 512 * MIB,
                reserved: 512 * MIB,
                daemon_sets: 128 * MIB,
                for_pods: (memory_mib - 1_152) * MIB,
                ..Breakdown::default()
            },
        ),
    ])
}

const WEB: ItemTypeId = ItemTypeId(0);
const DB: ItemTypeId = ItemTypeId(1);
const BATCH: ItemTypeId = ItemTypeId(2);

/// The three types, cpu and memory; `whole` gives pods all of a machine, as a VM of its own does.
fn problem(whole: bool) -> (Problem, Legend) {
    let sizes = [(2_000, 4_096, "0.09"), (2_000, 8_192, "0.1"), (4_000, 16_384, "0.2")];
    let nodes: Vec<NodeType> = (0..)
        .zip(sizes)
        .map(|(index, (cpu, memory, _))| NodeType {
            catalog_type: index,
            capacity: if whole {
                let all = |raw| Breakdown { raw, for_pods: raw, ..Breakdown::default() };
                BTreeMap::from([(ResourceName::Cpu, all(cpu)), (ResourceName::Memory, all(memory * MIB))])
            } else {
                capacity(cpu, memory)
            },
            surplus: Rate::ZERO,
            pool: 0,
            zone: None,
            costs: Vec::new(),
        })
        .collect();
    let bins = nodes
        .iter()
        .zip(sizes)
        .map(|(node, (_, _, price))| BinType {
            capacity: node.capacity.values().map(|b| b.for_pods).collect(),
            rate: rate(price),
            stock: None,
        })
        .collect();
    let item = |cpu: u64, memory: u64, copies| ItemType {
        demand: Resources::from_iter([cpu, memory * MIB]),
        copies,
        max_per_bin: None,
        eligible: BinSet::all(3),
    };
    let items = vec![item(500, 1_024, 12), item(1_500, 6_144, 4), item(200, 256, 2)];
    let dimensions = vec!["cpu".to_owned(), "memory".to_owned()];
    let problem = Problem::new(dimensions, items, bins, [], None).expect("the parts agree");
    let dimension = |resource| Dimension { resource, measure: Measure::Demand };
    let legend = Legend {
        dimensions: vec![dimension(ResourceName::Cpu), dimension(ResourceName::Memory)],
        nodes,
        items: [(0, 12), (1, 4), (2, 2)]
            .map(|member| ItemMembers { workloads: vec![member], bundle: vec![] })
            .to_vec(),
        pools: vec![Pool::default()],
        cost_names: Vec::new(),
    };
    (problem, legend)
}

fn formulation() -> Formulation {
    let (problem, legend) = problem(false);
    let workloads = workloads();
    let train = &workloads.workloads[3];
    Formulation {
        problem,
        legend,
        obstacles: vec![Obstacle {
            workload: 3,
            id: train.id.clone(),
            replicas: 1,
            reason: ObstacleReason::TooLarge {
                nearest: 2,
                nearest_name: "m5.xlarge".to_owned(),
                lacks: vec![Shortfall {
                    resource: ResourceName::Cpu,
                    measure: Measure::Demand,
                    needed: 64_000,
                    available: 3_830,
                }],
            },
        }],
        notes: vec![
            Note::LimitsUnbounded { resource: ResourceName::Cpu },
            Note::LabelsAssumed { labels: "disk=ssd".to_owned(), workloads: 1 },
        ],
        relaxed: None,
        restrictions: Vec::new(),
    }
}

/// 2 x m5.xlarge: two db, web, batch. 2 x m5.large: three web. 2 x c8x.large: two web.
/// 2 x (0.2 + 0.1 + 0.09) = 0.78 an hour. Cpu alone needs 12,400m at 0.09 for 1,830m: 0.6098, so
/// that 0.6 is a bound.
fn outcome(problem: &Problem) -> VerifiedOutcome {
    let incumbent = Plan::from_iter([
        (Pattern::new(BinTypeId(2), [(DB, 2), (WEB, 1), (BATCH, 1)]), 2),
        (Pattern::new(BinTypeId(1), [(WEB, 3)]), 2),
        (Pattern::new(BinTypeId(0), [(WEB, 2)]), 2),
    ]);
    let bound: Money = "0.6".parse().expect("a decimal");
    let point = |work, incumbent: Option<&str>, bound: &str| ProgressPoint {
        work,
        millis: 17,
        incumbent: incumbent.map(|i| i.parse().expect("a decimal")),
        lower_bound: bound.parse().expect("a decimal"),
    };
    let outcome = Outcome {
        incumbent,
        lower_bound: LowerBound {
            value: bound,
            kind: BoundKind::Certified,
            certified: bound,
            certificate: Certificate::default(),
        },
        stop: StopReason::WorkLimit,
        progress: vec![
            point(10, None, "0.4"),
            point(25, Some("0.5"), "0.45"),
            point(40, Some("0.49"), "0.45"),
        ],
    };
    verify(problem, outcome).expect("the plan holds")
}

/// One machine for each pod: web and batch on c8x.large, db on m5.large: 14 x 0.09 + 4 x 0.1 = 1.66.
fn one_to_one(problem: &Problem) -> VerifiedPlan {
    let plan = Plan::from_iter([
        (Pattern::new(BinTypeId(0), [(WEB, 1)]), 12),
        (Pattern::new(BinTypeId(0), [(BATCH, 1)]), 2),
        (Pattern::new(BinTypeId(1), [(DB, 1)]), 4),
    ]);
    verify_plan(problem, plan).expect("the plan holds")
}

/// First fit on m5.xlarge: 4 x 0.2 = 0.8.
fn first_fit(problem: &Problem) -> VerifiedPlan {
    let plan = Plan::from_iter([
        (Pattern::new(BinTypeId(2), [(WEB, 7), (BATCH, 1)]), 1),
        (Pattern::new(BinTypeId(2), [(WEB, 5), (BATCH, 1)]), 1),
        (Pattern::new(BinTypeId(2), [(DB, 2)]), 2),
    ]);
    verify_plan(problem, plan).expect("the plan holds")
}

pub fn metadata() -> Metadata {
    Metadata {
        inputs: vec![InputFile { name: "shop.yaml".to_owned(), sha256: "ab".repeat(32) }],
        input_hash: "0123456789abcdef".repeat(4),
        scenario_id: None,
        scenario_name: "shop.yaml".to_owned(),
        start: Some("2026-08-01".to_owned()),
        seed: 7,
    }
}

/// The small report, counting with an offer.
pub fn report(purchase: Option<OfferKey>) -> PlanReport {
    let (workloads, catalog, formulation) = (workloads(), catalog(), formulation());
    let policy = Policy::default_for(Provider::Aws);
    let outcome = outcome(&formulation.problem);
    let (whole, whole_legend) = problem(true);
    let single = one_to_one(&whole);
    let fitted = first_fit(&formulation.problem);
    let baselines = [
        BaselineInput {
            id: "one-to-one".to_owned(),
            label: "one VM per replica, by requests".to_owned(),
            method: vec!["the cheapest type whose raw size holds the requests".to_owned()],
            reference: true,
            problem: &whole,
            legend: &whole_legend,
            plan: &single,
            pods_left_out: 1,
        },
        BaselineInput {
            id: "first-fit".to_owned(),
            label: "first fit".to_owned(),
            method: vec![],
            reference: false,
            problem: &formulation.problem,
            legend: &formulation.legend,
            plan: &fitted,
            pods_left_out: 1,
        },
    ];
    view::build(&ReportInputs {
        workloads: &workloads,
        catalog: &catalog,
        policy: &policy,
        formulation: &formulation,
        outcome: &outcome,
        baselines: &baselines,
        purchase,
        free: None,
        metadata: &metadata(),
    })
    .expect("the parts agree")
}

/// A report of `nodes` nodes in as many groups, made by repeating the small one's groups.
pub fn large(nodes: u64) -> PlanReport {
    let mut report = report(None);
    let singles = report.nodes.clone();
    report.nodes = (1..=nodes)
        .zip(singles.iter().cycle())
        .map(|(group, row)| view::NodeGroupRow { group, nodes: 1, ..row.clone() })
        .collect();
    for commitment in &mut report.commitments {
        let used = report.nodes.iter().filter(|n| n.instance_type == commitment.instance_type).count() as u64;
        commitment.used = used;
        commitment.quantity = used;
    }
    report.commitments.retain(|c| c.quantity > 0);
    report
}
