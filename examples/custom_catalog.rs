//! Prices of one's own: a catalog and workloads as text, as they would come from files or a service.
//!
//! `cargo run --example custom_catalog`

use std::error::Error;

use plimsoll::formulate;
use plimsoll::input::{self, Fault, ReadOptions, Source, catalog_file};
use plimsoll::policy::{AllocatableModel, Policy};
use plimsoll::search;
use plimsoll::solver::control::{Budget, Effort, Silent};

/// Two machines of a data centre, with what each costs an hour. The format is that of `catalogs/`;
/// `plimsoll schema catalog` has its JSON Schema.
const CATALOG: &str = "\
format: plimsoll-catalog/1
name: our-data-centre
provider: other
region: basement
currency: EUR
price_date: \"2026-01\"
sources: [our own accounts]
licence_note: ours
rules: {}
marks: {}
notes: []
types: |
  name,family,vcpu,memory_mib,arch,on_demand,category
  rack-small,rack,16,65536,amd64,0.42,General purpose
  rack-large,rack,64,262144,amd64,1.55,General purpose
";

const WORKLOADS: &str = "\
plimsoll: workloads/v1
name: our cluster
components:
  - {name: web, replicas: 30, requests: {cpu: 750m, memory: 2Gi}}
  - {name: search, replicas: 6, requests: {cpu: 4, memory: 24Gi}}
";

/// Every fault of a text, one a line: each names file, line and field.
fn told(faults: Vec<Fault>) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn main() -> Result<(), Box<dyn Error>> {
    let catalog = catalog_file::parse("our-prices.yaml", CATALOG.as_bytes()).map_err(told)?;
    let source = Source { name: "cluster.yaml".to_owned(), bytes: WORKLOADS.as_bytes().to_vec() };
    let workloads = input::read_workloads(&[source], &ReadOptions::default()).map_err(told)?;

    let mut policy = Policy::default_for(catalog.provider);
    policy.allocatable = AllocatableModel::None;
    let formulation =
        formulate::formulate(&workloads, &catalog, &policy).map_err(|errors| format!("{errors:?}"))?;
    let budget = Budget { effort: Effort::Quick, ..Budget::default() };
    let found = search::search(&formulation, &budget, 0, &Silent)?;

    let plan = found.outcome.plan();
    for (bin, nodes) in plan.plan().bins_by_type() {
        let node = &formulation.legend.nodes[bin.index()];
        println!("{nodes} x {}", catalog.types[node.catalog_type].name);
    }
    println!("{} {} an hour", plan.hourly_cost(), catalog.currency);
    // 46.5 vCPU and 204 GiB fit on three small machines (48 and 192 GiB) no more; four cost 1.68.
    assert!(plan.hourly_cost() <= "1.68".parse()?);

    // Faults are found all at once and say where they are.
    let broken = CATALOG.replace("0.42", "a lot");
    let faults = catalog_file::parse("our-prices.yaml", broken.as_bytes()).expect_err("no price");
    println!("refused: {}", told(faults));
    Ok(())
}
