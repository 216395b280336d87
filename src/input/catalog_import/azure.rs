//! Azure virtual machines: the table of sstybel/azure-vm-price-importer (Linux, standard tier).

use super::accelerator::Accelerators;
use super::table::{Row, Table, collect, of_region};
use super::{Inputs, accelerator};
use crate::catalog::derivation::rule;
use crate::catalog::{
    Architecture, Burst, Catalog, CommitmentOffer, DerivationRules, InstanceType, NodeLimits, OfferKind,
    Payment, Provenance, Provider, Term,
};
use crate::input::Fault;
use crate::input::catalog_file::effective_of_total;
use crate::units::{MilliCpu, Money, PartsPerMillion};

const SOURCES: [&str; 2] =
    ["sstybel/azure-vm-price-importer, 2026-01-26", "baselines: Microsoft Learn, sizes of the B family"];
const LICENCE: &str = "Apache-2.0";
const TOTALS: &str = "a reservation's price is a whole number of dollars for the term, which the source \
    divides by the term's hours and cuts at ten decimals; the total here is recovered from that, and the \
    hourly rate is the total over 8,760 or 26,280 hours, rounded half up to nano-dollars; paying by month \
    costs the same in all (Microsoft)";
const CONSTRAINED: &str = "constrained-vcpus";
const CONSTRAINED_MEANS: &str = "costs as much as the full size; the source lists the full size's vCPUs, \
    here are those that it really has, the second number of its name";

pub(super) fn import(inputs: &Inputs, region: &str) -> Result<Catalog, Vec<Fault>> {
    let table = Table::read(
        &inputs.prices,
        &[
            "region",
            "offer",
            "series",
            "category",
            "vcpu",
            "memory_gib",
            "disk_gb",
            "gpu",
            "payg",
            "ri_1y",
            "ri_3y",
            "sp_1y",
            "sp_3y",
            "spot",
            "arm_sku",
        ],
    )?;
    let (named, misnamed): (Vec<Row<'_>>, Vec<Row<'_>>) =
        of_region(&table, region, "offer")?.into_iter().partition(|row| is_named_rightly(*row));
    let notes = misnamed
        .iter()
        .map(|row| format!("{} is left out: the source calls it {}", row.text("offer"), row.text("arm_sku")))
        .collect();
    let types = collect(named.into_iter().map(instance_type))?;
    let marks = [(accelerator::PART, accelerator::PART_MEANS), (CONSTRAINED, CONSTRAINED_MEANS)];
    Ok(Catalog {
        name: String::new(),
        provider: Provider::Azure,
        region: region.to_owned(),
        currency: "USD".to_owned(),
        price_date: String::new(),
        sources: SOURCES.map(str::to_owned).to_vec(),
        licence_note: LICENCE.to_owned(),
        rules: DerivationRules { term_totals: Some(TOTALS.to_owned()), ..DerivationRules::default() },
        marks: marks.map(|(mark, text)| (mark.to_owned(), text.to_owned())).into(),
        notes,
        types,
    })
}

/// Letters, digits and, for constrained sizes, a hyphen and digits: `e32-8` of `e32-8sv5`.
fn size_of(name: &str) -> String {
    let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
    let letters = name.bytes().take_while(u8::is_ascii_alphabetic).count();
    let mut end = letters + digits(&name[letters..]);
    if let Some(rest) = name[end..].strip_prefix('-') {
        let more = digits(rest);
        end += if more > 0 { 1 + more } else { 0 };
    }
    name[..end].to_ascii_lowercase()
}

/// Whether the offer and the SKU speak of the same size: one row of the source does not.
fn is_named_rightly(row: Row<'_>) -> bool {
    let offer = row.text("offer").strip_prefix("linux-").unwrap_or_default();
    let sku = row.text("arm_sku").strip_prefix("Standard_").unwrap_or_default();
    !sku.is_empty() && size_of(offer) == size_of(sku)
}

fn instance_type(row: Row<'_>) -> Result<InstanceType, Fault> {
    let name = row.text("arm_sku");
    let size = size_of(name.strip_prefix("Standard_").unwrap_or(name));
    let mut marks = Vec::new();
    let mut cpu = row.cpu("vcpu")?;
    if let Some((_, active)) = size.split_once('-') {
        let active: u64 = active.parse().map_err(|_| row.fault("arm_sku", format!("`{name}` is no SKU")))?;
        cpu = MilliCpu(active * 1000);
        marks.push(CONSTRAINED.to_owned());
    }
    let accelerators = accelerators(row)?;
    if accelerators.in_part {
        marks.push(accelerator::PART.to_owned());
    }
    let on_demand = row.rate("payg")?.ok_or_else(|| row.fault("payg", format!("`{name}` has no rate")))?;
    Ok(InstanceType {
        name: name.to_owned(),
        family: row.text("series").to_owned(),
        current_generation: None,
        category: row.text("category").to_owned(),
        cpu,
        memory: row.memory_floor("memory_gib")?,
        architecture: architecture(row.text("series")),
        bare_metal: false,
        extended: accelerators.resources,
        accelerator: accelerators.name,
        local_storage: row.gigabytes("disk_gb")?,
        limits: NodeLimits::default(),
        burst: baseline(name).map(|baseline| Burst { baseline, surplus_rate: None }),
        on_demand,
        spot: row.rate("spot")?,
        interruption: None,
        sustained_use: None,
        offers: offers(row)?,
        normalized_units: None,
        marks,
        sku: None,
    })
}

/// A `p` among the feature letters is Arm: `dpldsv6`, but not the family letters before them.
fn architecture(series: &str) -> Architecture {
    match series.as_bytes() {
        [b'b' | b'd' | b'e', b'p', ..] => Architecture::Arm64,
        _ => Architecture::Amd64,
    }
}

/// Share of each vCPU that sizes of the B family may use for good (Microsoft Learn, sizes of the B
/// family): of version 2, on Intel, AMD (`a`) and Arm (`p`), 20 % of the tiny (`ts`), 30 % of the
/// low-memory (`ls`) and 40 % of the plain (`s`) ones; of version 1 what the credits of an hour allow,
/// a credit being one vCPU for a minute.
fn baseline(name: &str) -> Option<PartsPerMillion> {
    let size = name.strip_prefix("Standard_B")?;
    let digits = size.len() - size.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (vcpus, features) = size.split_at(digits);
    if let Some(features) = features.strip_suffix("_v2") {
        return Some(PartsPerMillion(match features.trim_start_matches(['a', 'p']) {
            "ts" => 200_000,
            "ls" => 300_000,
            "s" => 400_000,
            _ => return None,
        }));
    }
    let credits = match size {
        "1ls" => 3,
        "1s" => 6,
        "1ms" => 12,
        "2s" => 24,
        "2ms" => 36,
        "4ms" => 54,
        "8ms" => 81,
        "12ms" => 121,
        "16ms" => 162,
        "20ms" => 202,
        _ => return None,
    };
    let vcpus: u32 = vcpus.parse().ok()?;
    Some(PartsPerMillion(credits * 1_000_000 / (60 * vcpus)))
}

fn offers(row: Row<'_>) -> Result<Vec<CommitmentOffer>, Fault> {
    let mut offers = Vec::new();
    for (term, reservation, plan) in [(Term::OneYear, "ri_1y", "sp_1y"), (Term::ThreeYears, "ri_3y", "sp_3y")]
    {
        if !row.text(reservation).is_empty() {
            let total = whole_dollars(row, reservation, term)?;
            let effective = effective_of_total(total, term)
                .ok_or_else(|| row.fault(reservation, format!("a total of {total} is out of range")))?;
            offers.extend([Payment::NoUpfront, Payment::AllUpfront].map(|payment| {
                let provenance = Provenance::Derived(rule::TERM_TOTALS.to_owned());
                CommitmentOffer::new(OfferKind::AzureReservation, term, payment, effective, provenance)
            }));
        }
        if let Some(rate) = row.rate(plan)? {
            let (kind, payment) = (OfferKind::AzureSavingsPlan, Payment::NoUpfront);
            offers.push(CommitmentOffer::new(kind, term, payment, rate.rate, rate.provenance));
        }
    }
    Ok(offers)
}

/// The whole number of dollars that, spread over the term and rounded to ten decimals, is the cell.
fn whole_dollars(row: Row<'_>, column: &str, term: Term) -> Result<Money, Fault> {
    const TEN_DECIMALS: u128 = 10_000_000_000;
    const DOLLAR: i128 = 1_000_000_000;
    let text = row.text(column);
    let wrong = |what: &str| row.fault(column, format!("`{text}` {what}"));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 10 {
        return Err(wrong("has more than ten decimals"));
    }
    let hourly: u128 = format!("{whole}{fraction:0<10}").parse().map_err(|_| wrong("is no decimal"))?;
    let hours = u128::from(term.hours());
    let dollars = (hourly * hours + TEN_DECIMALS / 2) / TEN_DECIMALS;
    if (dollars * TEN_DECIMALS + hours / 2) / hours != hourly {
        return Err(wrong("times the term's hours is not a whole number of dollars"));
    }
    let dollars = i128::try_from(dollars).map_err(|_| wrong("is out of range"))?;
    Money::from_nanos(DOLLAR).checked_mul(dollars).ok_or_else(|| wrong("is out of range"))
}

/// `1X T4`, `8x 80GB A100 (NVlink)`, `1/3X A10`.
fn accelerators(row: Row<'_>) -> Result<Accelerators, Fault> {
    const GPU: &str = "nvidia.com/gpu";
    let text = row.text("gpu");
    if text.is_empty() {
        return Ok(Accelerators::default());
    }
    let wrong = || row.fault("gpu", format!("`{text}` is not a number of accelerators"));
    let (count, name) = text.split_once(['X', 'x']).ok_or_else(wrong)?;
    if count.contains('/') {
        return Ok(Accelerators::part(GPU, count, name.trim()));
    }
    Ok(Accelerators::whole(GPU, count.trim().parse().map_err(|_| wrong())?, name.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_the_b_family_have_a_baseline() {
        // 54 credits an hour keep 4 vCPUs at 54 / (4 x 60) = 22.5 %, 81 credits 8 of them at 16.875 %.
        for (size, share) in [
            ("B1ls", 50_000),
            ("B2s", 200_000),
            ("B4ms", 225_000),
            ("B8ms", 168_750),
            ("B2ts_v2", 200_000),
            ("B4als_v2", 300_000),
            ("B16ps_v2", 400_000),
            ("B2pts_v2", 200_000),
        ] {
            assert_eq!(baseline(&format!("Standard_{size}")), Some(PartsPerMillion(share)), "{size}");
        }
        for other in ["Standard_D2s_v5", "Standard_B2xs_v2", "Standard_B3s"] {
            assert_eq!(baseline(other), None, "{other}");
        }
    }
}
