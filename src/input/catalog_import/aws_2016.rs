//! EC2 as ec2instances.info had it on 2016-09-27: effective hourly rates to three decimals, every
//! payment option listed.

use std::collections::BTreeMap;

use super::Inputs;
use super::aws::{bursts, generation, marks, marks_of};
use super::aws_facts::normalized_units;
use super::table::{Row, Table, collect, required};
use crate::catalog::{
    Architecture, Catalog, CommitmentOffer, DerivationRules, InstanceType, NodeLimits, OfferKind, Payment,
    Provider, Term,
};
use crate::input::Fault;
use crate::units::Bytes;

const SOURCES: [&str; 2] = [
    "vantage-sh/ec2instances.info at 630e1a33, 2016-09-27",
    "burstable baselines: EC2 User Guide, key concepts for burstable instances",
];
const LICENCE: &str = "MIT";
const NOTES: [&str; 3] = [
    "reserved rates are effective hourly rates to three decimals, as listed; of partial upfront, half of \
     the term's total is taken to be paid at the start",
    "three years with no upfront was not sold",
    "types that also run i386 are amd64 here; magnetic instance store is left out of local storage",
];

/// What the EBS driver allows on types that are not on Nitro, which came in 2017.
const VOLUMES_BEFORE_NITRO: u64 = 39;

pub(super) fn import(inputs: &Inputs, region: &str) -> Result<Catalog, Vec<Fault>> {
    let terms = Table::read(
        &inputs.prices,
        &["region", "instance_type", "model", "term_years", "payment", "effective_hourly"],
    )?;
    let types = Table::read(
        required(&inputs.types, &inputs.prices, "the table of types")?,
        &[
            "instance_type",
            "generation",
            "family_label",
            "vcpu",
            "memory_gib",
            "arch",
            "storage_devices",
            "storage_size_gb",
            "storage_ssd",
            "max_eni",
            "ips_per_eni",
        ],
    )?;
    let types = types.by("instance_type")?;
    let bursts = bursts(inputs.burstable.as_ref(), false)?;

    let mut by_type: BTreeMap<&str, Vec<Row<'_>>> = BTreeMap::new();
    for row in terms.rows().filter(|row| row.text("region") == region) {
        by_type.entry(row.text("instance_type")).or_default().push(row);
    }
    let types = collect(by_type.into_iter().map(|(name, terms)| {
        let row = *types.get(name).ok_or_else(|| {
            terms[0].fault("instance_type", format!("`{name}` is not in the table of types"))
        })?;
        let mut machine = instance_type(row, &terms)?;
        machine.burst = bursts.get(name).copied();
        machine.marks = marks_of(&machine);
        Ok(machine)
    }))?;
    Ok(Catalog {
        name: String::new(),
        provider: Provider::Aws,
        region: region.to_owned(),
        currency: "USD".to_owned(),
        price_date: String::new(),
        sources: SOURCES.map(str::to_owned).to_vec(),
        licence_note: LICENCE.to_owned(),
        rules: DerivationRules::default(),
        marks: marks(),
        notes: NOTES.map(str::to_owned).to_vec(),
        types,
    })
}

fn instance_type(row: Row<'_>, terms: &[Row<'_>]) -> Result<InstanceType, Fault> {
    let name = row.text("instance_type");
    let (family, size) = name.split_once('.').unwrap_or((name, ""));
    let mut on_demand = None;
    let mut offers = Vec::new();
    for term in terms {
        let rate = term
            .rate("effective_hourly")?
            .ok_or_else(|| term.fault("effective_hourly", format!("`{name}` has no rate")))?;
        if term.text("model") == "on_demand" {
            if on_demand.replace(rate).is_some() {
                return Err(term.fault("model", format!("`{name}` has two on-demand rates")));
            }
            continue;
        }
        let years = match term.text("term_years") {
            "1" => Term::OneYear,
            "3" => Term::ThreeYears,
            other => return Err(term.fault("term_years", format!("`{other}` is neither 1 nor 3"))),
        };
        let payment = match term.text("payment") {
            "no_upfront" => Payment::NoUpfront,
            "partial_upfront" => Payment::PartialUpfront,
            "all_upfront" => Payment::AllUpfront,
            other => return Err(term.fault("payment", format!("`{other}` is no payment option"))),
        };
        let kind = OfferKind::ReservedStandard;
        if offers.iter().any(|o: &CommitmentOffer| (o.term, o.payment) == (years, payment)) {
            return Err(term.fault("payment", format!("`{name}` has this offer twice")));
        }
        offers.push(CommitmentOffer::new(kind, years, payment, rate.rate, rate.provenance));
    }
    let on_demand =
        on_demand.ok_or_else(|| row.fault("instance_type", format!("`{name}` has no on-demand rate")))?;
    Ok(InstanceType {
        name: name.to_owned(),
        family: family.to_owned(),
        current_generation: generation(row)?,
        category: row.text("family_label").to_owned(),
        cpu: row.cpu("vcpu")?,
        memory: row.memory_floor("memory_gib")?,
        architecture: architecture(row)?,
        bare_metal: false,
        extended: BTreeMap::new(),
        accelerator: None,
        local_storage: ssd(row)?,
        limits: NodeLimits {
            max_pods_eni: max_pods(row)?,
            max_pods_prefix: None,
            volume_attachments: Some(VOLUMES_BEFORE_NITRO),
        },
        burst: None,
        on_demand,
        spot: None,
        interruption: None,
        sustained_use: None,
        offers,
        normalized_units: normalized_units(family, size),
        marks: Vec::new(),
        sku: None,
    })
}

/// `x86_64`, or with `i386` beside it.
fn architecture(row: Row<'_>) -> Result<Architecture, Fault> {
    let arch = row.text("arch");
    if arch.split('|').any(|a| a == "x86_64") {
        Ok(Architecture::Amd64)
    } else {
        Err(row.fault("arch", format!("`{arch}` has no 64-bit architecture")))
    }
}

/// ENIs x (IPv4 per ENI - 1) + 2.
fn max_pods(row: Row<'_>) -> Result<Option<u64>, Fault> {
    let (Some(enis), Some(ips)) = (row.count("max_eni")?, row.count("ips_per_eni")?) else {
        return Ok(None);
    };
    Ok(Some(enis * ips.saturating_sub(1) + 2))
}

fn ssd(row: Row<'_>) -> Result<Bytes, Fault> {
    if row.text("storage_ssd") != "True" {
        return Ok(Bytes(0));
    }
    let devices = row.count("storage_devices")?.unwrap_or(0);
    Ok(Bytes(row.gigabytes("storage_size_gb")?.0.saturating_mul(devices)))
}
