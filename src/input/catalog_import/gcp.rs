//! Compute Engine: prices and machine types of Cyclenerd/google-cloud-pricing-cost-calculator.

use super::accelerator::Accelerators;
use super::table::{Row, Table, collect, of_region, required};
use super::{Inputs, accelerator};
use crate::catalog::{
    Architecture, Burst, Catalog, CommitmentOffer, DerivationRules, InstanceType, ListedRate, NodeLimits,
    OfferKind, Payment, Provider, Term,
};
use crate::input::Fault;
use crate::units::{Bytes, MilliCpu, PartsPerMillion, Rate};

const SOURCES: [&str; 2] = [
    "Cyclenerd/google-cloud-pricing-cost-calculator, 2026-07-30",
    "shared-core vCPUs: Compute Engine documentation, general-purpose machine family",
];
const LICENCE: &str = "Apache-2.0";
const ROUNDED: &str = "the source adds up a type's price from its parts and states up to 16 significant \
    digits; local SSD is priced per month there and divided by 730 hours, which has no end; rounded half up \
    to nano-dollars per hour, off by at most 0.0000004 a month";
const NOTES: [&str; 3] = [
    "resource-based commitments are listed per type; the sustained use rate is that of a full month and \
     stands only where it is below on demand by more than the source's own rounding to six decimals",
    "f1-micro and g1-small: what the source lists as one and three years committed is the sustained use \
     rate both times; these types cannot be committed to, and no offer is taken over",
    "local SSD of 375 is 375 GiB",
];

/// Shared-core types: vCPUs that the guest sees and the share of each that is its own.
const SHARED_CORE: [(&str, u64, u32); 5] = [
    ("e2-micro", 2_000, 125_000),
    ("e2-small", 2_000, 250_000),
    ("e2-medium", 2_000, 500_000),
    ("f1-micro", 1_000, 200_000),
    ("g1-small", 1_000, 500_000),
];

/// Families on Arm: Ampere Altra and Axion.
const ARM: [&str; 3] = ["t2a", "c4a", "n4a"];

/// Columns that count accelerators.
const ACCELERATORS: [&str; 6] = ["a100", "a100-80gb", "h100-80gb", "h100-80gb-mega", "l4", "rtx6000"];

pub(super) fn import(inputs: &Inputs, region: &str) -> Result<Catalog, Vec<Fault>> {
    let prices = Table::read(
        &inputs.prices,
        &[
            "region",
            "instance_type",
            "ondemand_hourly",
            "spot_hourly",
            "cud_1y_hourly",
            "cud_3y_hourly",
            "sud_effective_hourly",
        ],
    )?;
    let types = Table::read(
        required(&inputs.types, &inputs.prices, "the table of types")?,
        &["instance_type", "family", "vcpu", "memory_gib", "local-ssd"],
    )?;
    let types = types.by("instance_type")?;
    let types = collect(of_region(&prices, region, "instance_type")?.into_iter().map(|price| {
        let name = price.text("instance_type");
        let row = types
            .get(name)
            .ok_or_else(|| price.fault("instance_type", format!("`{name}` is not in the table of types")))?;
        instance_type(*row, price)
    }))?;
    let marks = [(accelerator::PART, accelerator::PART_MEANS)];
    Ok(Catalog {
        name: String::new(),
        provider: Provider::Gcp,
        region: region.to_owned(),
        currency: "USD".to_owned(),
        price_date: String::new(),
        sources: SOURCES.map(str::to_owned).to_vec(),
        licence_note: LICENCE.to_owned(),
        rules: DerivationRules { rounded_rates: Some(ROUNDED.to_owned()), ..DerivationRules::default() },
        marks: marks.map(|(mark, text)| (mark.to_owned(), text.to_owned())).into(),
        notes: NOTES.map(str::to_owned).to_vec(),
        types,
    })
}

fn instance_type(row: Row<'_>, price: Row<'_>) -> Result<InstanceType, Fault> {
    let name = row.text("instance_type");
    let family = row.text("family");
    let shared = SHARED_CORE.iter().find(|(shared, _, _)| *shared == name);
    let (cpu, burst) = match shared {
        Some(&(_, cpu, own)) => {
            (MilliCpu(cpu), Some(Burst { baseline: PartsPerMillion(own), surplus_rate: None }))
        }
        None => (row.cpu("vcpu")?, None),
    };
    let category = match shared {
        Some(_) => "shared-core",
        None => name.split('-').nth(1).filter(|_| family != "custom").unwrap_or("custom"),
    };
    let accelerators = accelerators(row)?;
    let on_demand = price
        .rounded_rate("ondemand_hourly")?
        .ok_or_else(|| price.fault("ondemand_hourly", format!("`{name}` has no rate")))?;
    Ok(InstanceType {
        name: name.to_owned(),
        family: family.to_owned(),
        current_generation: None,
        category: category.to_owned(),
        cpu,
        memory: row.memory_floor("memory_gib")?,
        architecture: if ARM.contains(&family) { Architecture::Arm64 } else { Architecture::Amd64 },
        bare_metal: name.ends_with("-metal"),
        extended: accelerators.resources,
        accelerator: accelerators.name,
        local_storage: gibibytes(row, "local-ssd")?,
        limits: NodeLimits::default(),
        burst,
        sustained_use: sustained_use(price, on_demand.rate)?,
        on_demand,
        spot: price.rounded_rate("spot_hourly")?,
        interruption: None,
        offers: commitments(price)?,
        normalized_units: None,
        marks: if accelerators.in_part { vec![accelerator::PART.to_owned()] } else { Vec::new() },
        sku: None,
    })
}

/// The rate of a full month, where it is below on demand by more than half of the sixth decimal.
fn sustained_use(price: Row<'_>, on_demand: Rate) -> Result<Option<ListedRate>, Fault> {
    const HALF_SIXTH_DECIMAL: u64 = 500;
    let rate = price.rounded_rate("sud_effective_hourly")?;
    Ok(rate.filter(|r| r.rate.nanos() + HALF_SIXTH_DECIMAL < on_demand.nanos()))
}

fn commitments(price: Row<'_>) -> Result<Vec<CommitmentOffer>, Fault> {
    let one = price.rounded_rate("cud_1y_hourly")?;
    let three = price.rounded_rate("cud_3y_hourly")?;
    let sustained = price.rounded_rate("sud_effective_hourly")?;
    // A discount that needs no commitment is none.
    if one.is_some() && one == three && one == sustained {
        return Ok(Vec::new());
    }
    let offer = |term, rate: Option<ListedRate>| {
        rate.map(|r| {
            CommitmentOffer::new(
                OfferKind::ResourceCommitment,
                term,
                Payment::NoUpfront,
                r.rate,
                r.provenance,
            )
        })
    };
    Ok([offer(Term::OneYear, one), offer(Term::ThreeYears, three)].into_iter().flatten().collect())
}

fn accelerators(row: Row<'_>) -> Result<Accelerators, Fault> {
    const GPU: &str = "nvidia.com/gpu";
    for column in ACCELERATORS {
        let text = row.text(column);
        if text.is_empty() {
            continue;
        }
        let whole = text.split_once('.').is_none_or(|(_, fraction)| fraction.bytes().all(|b| b == b'0'));
        return Ok(match row.count(column) {
            Ok(Some(count)) if whole => Accelerators::whole(GPU, count, column),
            Err(fault) if whole => return Err(fault),
            _ => Accelerators::part(GPU, text, column),
        });
    }
    Ok(Accelerators::default())
}

fn gibibytes(row: Row<'_>, column: &str) -> Result<Bytes, Fault> {
    Ok(Bytes(row.count(column)?.unwrap_or(0) << 30))
}
