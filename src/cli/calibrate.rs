//! `plimsoll calibrate`: what nodes that run let pods have, beside the model.

use plimsoll::bill::Ratio;
use plimsoll::formulate::calibration::{self, Calibrated};
use plimsoll::input::{self, Fault, ReadOptions};
use plimsoll::policy::Policy;
use plimsoll::units::ResourceName;

use super::args::CalibrateArgs;
use super::{Ending, Failure, catalog, cluster, files, settings};

/// Reads the nodes, prints model and measurement, and saves the latter where that was asked for.
pub fn run(args: &CalibrateArgs) -> Result<Ending, Failure> {
    let (sources, faults) = files::read_all(&args.inputs);
    if !faults.is_empty() {
        return Err(faults.into());
    }
    let file = settings::policy_file(&args.nodes)?;
    let (_, observed) = input::read_cluster(&sources, &ReadOptions::default())?;
    let home = cluster::home_prices(&observed);
    let prices = settings::prices_of(&args.prices, &file, home.as_deref())?;
    let mut policy = file.apply_to(Policy::default_for(prices.catalog.provider));
    settings::adjust(&mut policy, &args.nodes);
    let found = calibration::calibrate(&observed, &prices.catalog, &policy);
    if found.is_empty() {
        let message = format!("no node is of a type that {} has", prices.catalog.name);
        return Err(vec![Fault::new(&sources[0].name, message).help("see --provider and --region")].into());
    }
    files::write(None, table(&found).as_bytes())?;
    if let Some(path) = &args.output {
        files::write(Some(path), yaml(&found).as_bytes())?;
    }
    Ok(Ending::Done)
}

/// Measured over modelled, rounded: `0.9871`.
fn factor(measured: u64, modelled: Option<u64>) -> String {
    let ratio = modelled.and_then(|modelled| Ratio::of(measured, modelled));
    ratio.map(|ratio| ratio.fixed(4)).unwrap_or_default()
}

/// A row for each resource of each type; what nodes report at most only where they differ.
fn table(found: &[Calibrated]) -> String {
    let differ = found.iter().flat_map(|c| &c.resources).any(|r| r.most > r.least);
    let rows = found.iter().flat_map(|c| {
        c.resources.iter().map(|r| {
            let amount = |amount: u64| r.resource.display(amount);
            [
                c.instance_type.clone(),
                c.nodes.to_string(),
                r.resource.to_string(),
                r.modelled.map(amount).unwrap_or_default(),
                amount(r.least),
                amount(r.most),
                factor(r.least, r.modelled),
            ]
        })
    });
    if differ {
        let header = ["TYPE", "NODES", "RESOURCE", "MODEL", "MEASURED", "UP TO", "FACTOR"];
        return catalog::columns(header, rows, &[1, 3, 4, 5, 6]);
    }
    let header = ["TYPE", "NODES", "RESOURCE", "MODEL", "MEASURED", "FACTOR"];
    let rows = rows.map(|[kind, nodes, resource, model, least, _, factor]| {
        [kind, nodes, resource, model, least, factor]
    });
    catalog::columns(header, rows, &[1, 3, 4, 5])
}

/// A policy file that holds nothing else.
fn yaml(found: &[Calibrated]) -> String {
    let mut text =
        "# What nodes that run let pods have, the least of each type; the factor is against the model.\n\
                    plimsoll: policy/v1\nmeasured:\n"
            .to_owned();
    for c in found {
        text +=
            &format!("  {}: # {} node{}\n", c.instance_type, c.nodes, if c.nodes == 1 { "" } else { "s" });
        for r in &c.resources {
            let amount = match r.resource {
                ResourceName::Cpu => format!("{}m", r.least),
                _ => r.least.to_string(),
            };
            let factor = factor(r.least, r.modelled);
            let remark = if factor.is_empty() { String::new() } else { format!(" # x {factor}") };
            text += &format!("    {}: {amount}{remark}\n", r.resource);
        }
    }
    text
}
