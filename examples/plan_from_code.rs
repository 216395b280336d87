//! A plan from code: workloads built as values, bundled prices, the verified plan and its report.
//!
//! `cargo run --example plan_from_code`

use std::collections::BTreeMap;
use std::error::Error;

use plimsoll::formulate;
use plimsoll::input::catalog_file;
use plimsoll::policy::Policy;
use plimsoll::report::view::{self, Metadata, ReportInputs};
use plimsoll::report::{Format, RenderOptions, render};
use plimsoll::search;
use plimsoll::solver::control::{Budget, Effort, Silent};
use plimsoll::units::{Bytes, ResourceName};
use plimsoll::workload::{PodTemplate, Workload, WorkloadId, WorkloadKind, WorkloadSet};

/// Equal pods that request cpu in millicores and memory in MiB.
fn deployment(name: &str, replicas: u64, millicores: u64, mebibytes: u64) -> Workload {
    let requests = [(ResourceName::Cpu, millicores), (ResourceName::Memory, Bytes::mib(mebibytes).0)];
    Workload {
        id: WorkloadId {
            namespace: "shop".to_owned(),
            kind: WorkloadKind::Deployment,
            name: name.to_owned(),
        },
        replicas,
        pod: PodTemplate { requests: BTreeMap::from(requests), ..PodTemplate::default() },
        owners: BTreeMap::from([("team".to_owned(), "storefront".to_owned())]),
        current_type: None,
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let workloads = WorkloadSet {
        workloads: vec![deployment("web", 12, 500, 1_024), deployment("db", 3, 1_500, 6_144)],
        ..WorkloadSet::default()
    };
    let catalog = catalog_file::by_name("aws-2026-05-us-east-1")?.read();
    let policy = Policy::default_for(catalog.provider);

    let formulation =
        formulate::formulate(&workloads, &catalog, &policy).map_err(|errors| format!("{errors:?}"))?;
    let budget = Budget { effort: Effort::Quick, ..Budget::default() };
    let found = search::search(&formulation, &budget, 0, &Silent)?;

    // The outcome has passed the verifier: only such plans are priced and printed.
    let plan = found.outcome.plan();
    println!("{} an hour, at least {}", plan.hourly_cost(), found.outcome.lower_bound().value);
    assert!(found.outcome.lower_bound().value <= plan.hourly_cost());

    let metadata = Metadata { scenario_name: "from code".to_owned(), ..Metadata::default() };
    let report = view::build(&ReportInputs {
        workloads: &workloads,
        catalog: &catalog,
        policy: &policy,
        formulation: &formulation,
        outcome: &found.outcome,
        baselines: &[],
        purchase: None,
        free: None,
        metadata: &metadata,
    })?;
    for row in &report.nodes {
        println!("{} x {} for {} a month", row.nodes, row.instance_type, row.list_month);
    }
    assert_eq!(report.headline.pods, 15);
    let json = render(&report, Format::Json, &RenderOptions::default())?;
    println!("{} bytes of JSON, read again by report::json::parse", json.len());
    Ok(())
}
