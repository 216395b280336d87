//! Real workloads on real prices: every figure that several rows state is the same in all of them.

use plimsoll::bill::{EffectiveCost, ListCost, OfferKey};
use plimsoll::catalog::Catalog;
use plimsoll::formulate::{Formulation, formulate};
use plimsoll::input::{ReadOptions, Source, catalog_file, read_workloads};
use plimsoll::policy::Policy;
use plimsoll::report::view::{Metadata, PlanReport, ReportInputs, build};
use plimsoll::report::{Format, RenderOptions, focus, json, render};
use plimsoll::solver::control::{Budget, Effort, Silent};
use plimsoll::solver::solve;
use plimsoll::verify::{VerifiedOutcome, verify};
use plimsoll::workload::WorkloadSet;

/// A workload file and a catalog that it is planned on.
const CASES: [(&str, &str); 5] = [
    ("qbox-2016", "aws-2016-09-27-us-east-1"),
    ("online-boutique", "aws-2026-05-us-east-1"),
    ("kube-prometheus", "gcp-2026-07-30-us-central1"),
    ("deathstarbench-social-network", "azure-2026-01-26-polandcentral"),
    ("online-boutique", "gcp-2026-07-30-europe-west1"),
];

struct Planned {
    workloads: WorkloadSet,
    catalog: Catalog,
    policy: Policy,
    formulation: Formulation,
    outcome: VerifiedOutcome,
}

impl Planned {
    fn new(workload: &str, catalog: &str) -> Self {
        let read = |path: String| std::fs::read(path).expect("the example is there");
        let root = env!("CARGO_MANIFEST_DIR");
        let bytes = read(format!("{root}/workloads/{workload}.yaml"));
        let source = Source { name: format!("{workload}.yaml"), bytes };
        let workloads = read_workloads(&[source], &ReadOptions::default()).expect("valid workloads");
        let catalog = catalog_file::parse(catalog, &read(format!("{root}/catalogs/{catalog}.yaml")))
            .expect("a valid catalog");
        let policy = Policy::default_for(catalog.provider);
        let formulation = formulate(&workloads, &catalog, &policy).expect("a problem");
        let budget = Budget { effort: Effort::Quick, work_limit: Some(20_000), ..Budget::default() };
        let outcome = solve(&formulation.problem, &budget, 0, &Silent).expect("a plan");
        let outcome = verify(&formulation.problem, outcome).expect("a correct plan");
        Planned { workloads, catalog, policy, formulation, outcome }
    }

    fn report(&self, purchase: Option<OfferKey>) -> PlanReport {
        let metadata = Metadata {
            input_hash: "0".repeat(64),
            scenario_name: "example".to_owned(),
            start: Some("2026-08-01".to_owned()),
            ..Metadata::default()
        };
        build(&ReportInputs {
            workloads: &self.workloads,
            catalog: &self.catalog,
            policy: &self.policy,
            formulation: &self.formulation,
            outcome: &self.outcome,
            baselines: &[],
            purchase,
            free: None,
            metadata: &metadata,
        })
        .expect("a report")
    }
}

#[test]
fn rows_of_real_plans_agree_with_each_other() {
    for (workload, catalog) in CASES {
        let planned = Planned::new(workload, catalog);
        let report = planned.report(None);
        let case = format!("{workload} on {catalog}");
        let offers: Vec<OfferKey> = report.purchase_options.iter().filter_map(|row| row.offer).collect();
        for offer in std::iter::once(None).chain(offers.into_iter().map(Some)) {
            check(&planned.report(offer), &format!("{case}, {offer:?}"));
        }
        let saved = json::render(&report);
        assert_eq!(json::parse(&saved).expect("it is ours"), report, "{case}");
        for line in String::from_utf8(rendered(&report, Format::Table)).unwrap().lines() {
            assert!(line.chars().count() <= 80, "{case}: {line}");
        }
    }
}

fn rendered(report: &PlanReport, format: Format) -> Vec<u8> {
    render(report, format, &RenderOptions::default()).expect("it renders")
}

fn check(report: &PlanReport, case: &str) {
    let list: ListCost = report.nodes.iter().map(|n| n.list_month).sum();
    assert_eq!(list, report.headline.packed_month, "{case}");
    let effective: EffectiveCost = report.nodes.iter().map(|n| n.effective_month).sum();
    let selected = report.purchase_options.iter().find(|o| o.selected).expect("one is selected");
    // Each group's month is rounded to a nano-dollar.
    let off = (effective - selected.effective_month).money().nanos().unsigned_abs();
    assert!(off <= report.nodes.len() as u128, "{case}: {effective} {}", selected.effective_month);
    assert_eq!(report.nodes.iter().map(|n| n.nodes).sum::<u64>(), report.headline.nodes, "{case}");
    let pods: u64 = report.nodes.iter().map(|n| n.nodes * n.pods_per_node).sum();
    assert_eq!(pods, report.headline.pods, "{case}");
    for workload in &report.workloads {
        let obstacle = report.obstacles.iter().any(|o| o.workload == workload.workload);
        let wanted = if obstacle { 0 } else { workload.replicas };
        assert_eq!(workload.placed, wanted, "{case}: {}", workload.workload);
    }
    for row in &report.utilization {
        let kept = row.hypervisor + row.beyond_baseline + row.reserved;
        assert_eq!(row.capacity, kept + row.allocatable, "{case}: {row:?}");
        let taken = row.daemon_sets + row.headroom + row.demand + row.free;
        assert_eq!(row.allocatable, taken, "{case}: {row:?}");
    }
    let findings = focus::lint(&rendered(report, Format::Focus));
    assert_eq!(findings, [], "{case}");
}
