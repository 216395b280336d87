//! EC2: the price list of jawaadjariwala/AWS-EC2-Pricing-Landscape-Analysis (Linux, shared tenancy),
//! joined with the instance types as Karpenter's reference lists them.

use std::collections::{BTreeMap, HashMap};

use super::accelerator::Accelerators;
use super::aws_facts::{METAL_DIFFERS, METAL_UNCHECKED, NO_PAYMENT_RATIOS, normalized_units};
use super::table::{Row, Table, collect, of_region, required};
use super::{Inputs, accelerator};
use crate::catalog::derivation::{PaymentRatio, PaymentRatios, Ratio};
use crate::catalog::{
    Architecture, Burst, Catalog, CommitmentOffer, DerivationRules, InstanceType, NodeLimits, OfferKind,
    Payment, Provider, Term,
};
use crate::input::{Fault, Source};
use crate::units::{PartsPerMillion, Rate};

const SOURCES: [&str; 5] = [
    "prices: jawaadjariwala/AWS-EC2-Pricing-Landscape-Analysis, about 2026-05, Linux, shared tenancy",
    "types and pod limits: aws/karpenter-provider-aws (instance-types reference, vpclimits), 2026-07",
    "bare metal rates compared with: aws/karpenter-provider-aws (zz_generated.pricing_aws.go), 2026-02-09",
    "volume limits: kubernetes-sigs/aws-ebs-csi-driver, 2026-07",
    "burstable baselines: EC2 User Guide, key concepts for burstable instances; surplus credits: on-demand price page, Linux, 2026-09",
];
const LICENCE: &str = "types: Apache-2.0, but for generation and category, whose repository states none; \
    prices: the repository states none (facts of AWS's public price list)";

const RATIO_REASON: &str = "measured on EC2 rates that list all three payment options: all upfront to \
    partial to none is 0.98 : 1 : 1.05 for one year, 0.94 : 1 : 1.08 for three years standard, \
    0.98 : 1 : 1.08 for three years convertible; checked on 789 one-year rates, median error 0.006 %, \
    99th percentile 0.76 %. It does not hold for c1 c3 d2 g2 i2 m1 m2 m3 r3 and p4d, nor can it for t1 \
    and x1, whose all-upfront rate has not moved since 2016-09-27, when no upfront cost 1.17 x partial";
const SAVINGS_PLAN_REASON: &str = "an EC2 Instance Savings Plan costs what a standard reserved instance \
    of the same term and payment costs (six observations of the AWS pricing calculator, about 2025)";

const METAL: &str = "metal-rate-differs";
const METAL_MEANS: &str = "Karpenter's table of 2026-02-09 has a higher on-demand rate for this bare \
    metal type (us-east-1); here it costs what the virtual type of its size costs";
const METAL_OPEN: &str = "metal-rate-unchecked";
const METAL_OPEN_MEANS: &str = "a bare metal type of a family whose siblings' on-demand rates differ \
    between sources, and that the source compared with does not have";
const NO_BASELINE: &str = "baseline-unknown";
const NO_BASELINE_MEANS: &str = "burstable, but its baseline is not known here: its vCPUs count in full";

/// Categories that are sold for an accelerator.
const ACCELERATED: [&str; 5] = [
    "GPU instance",
    "GPU instances",
    "Machine Learning ASIC Instances",
    "FPGA Instances",
    "Media Accelerator Instances",
];

pub(super) fn import(inputs: &Inputs, region: &str) -> Result<Catalog, Vec<Fault>> {
    let prices = Table::read(
        &inputs.prices,
        &["region", "instance_type", "ondemand", "spot_avg", "ri_std_1y_all", "ri_std_3y_all"],
    )?;
    let types = Table::read(
        required(&inputs.types, &inputs.prices, "the table of types")?,
        &[
            "instance_type",
            "family",
            "size",
            "generation",
            "family_label",
            "vcpu",
            "memory_gib",
            "arch",
            "hypervisor",
            "gpu_count",
            "gpu_name",
            "gpu_manufacturer",
            "accelerator_count",
            "accelerator_name",
            "local_nvme_gb",
            "max_pods_eni",
            "max_pods_prefix_delegation",
            "ebs_attach_limit",
        ],
    )?;
    let types = types.by("instance_type")?;
    let bursts = bursts(inputs.burstable.as_ref(), true)?;
    let payment_ratios = inputs.payment_ratios.as_ref().map(payment_ratios).transpose()?;

    let (free, offered): (Vec<Row<'_>>, Vec<Row<'_>>) = of_region(&prices, region, "instance_type")?
        .into_iter()
        .partition(|row| matches!(row.rate("ondemand"), Ok(Some(r)) if r.rate == Rate::ZERO));
    let notes = free
        .iter()
        .map(|row| {
            let name = row.text("instance_type");
            format!("{name} is left out: the source gives it a rate of zero, so it is not sold on demand")
        })
        .collect();
    let types = collect(offered.into_iter().map(|price| {
        let name = price.text("instance_type");
        let row = types
            .get(name)
            .ok_or_else(|| price.fault("instance_type", format!("`{name}` is not in the table of types")))?;
        instance_type(*row, price, &bursts)
    }))?;
    Ok(Catalog {
        name: String::new(),
        provider: Provider::Aws,
        region: region.to_owned(),
        currency: "USD".to_owned(),
        price_date: String::new(),
        sources: SOURCES.map(str::to_owned).to_vec(),
        licence_note: LICENCE.to_owned(),
        rules: DerivationRules {
            payment_ratios,
            instance_savings_plan: Some(SAVINGS_PLAN_REASON.to_owned()),
            ..DerivationRules::default()
        },
        marks: marks(),
        notes,
        types,
    })
}

/// All marks that AWS types may carry.
pub(super) fn marks() -> BTreeMap<String, String> {
    [
        (METAL, METAL_MEANS),
        (METAL_OPEN, METAL_OPEN_MEANS),
        (NO_BASELINE, NO_BASELINE_MEANS),
        (accelerator::UNKNOWN, accelerator::UNKNOWN_MEANS),
    ]
    .map(|(mark, text)| (mark.to_owned(), text.to_owned()))
    .into()
}

/// Marks that follow from what a type is sold as and what it turned out to have.
pub(super) fn marks_of(machine: &InstanceType) -> Vec<String> {
    let name = machine.name.as_str();
    let sold_accelerated = ACCELERATED.contains(&machine.category.as_str());
    [
        (accelerator::UNKNOWN, sold_accelerated && machine.extended.is_empty()),
        (NO_BASELINE, machine.family.starts_with('t') && is_burstable(name) && machine.burst.is_none()),
        (METAL, METAL_DIFFERS.contains(&name)),
        (METAL_OPEN, METAL_UNCHECKED.contains(&name)),
    ]
    .into_iter()
    .filter(|(_, holds)| *holds)
    .map(|(mark, _)| mark.to_owned())
    .collect()
}

/// t1 to t4g, but not trn1.
fn is_burstable(name: &str) -> bool {
    name.as_bytes().get(1).is_some_and(u8::is_ascii_digit)
}

fn instance_type(
    row: Row<'_>,
    price: Row<'_>,
    bursts: &HashMap<String, Burst>,
) -> Result<InstanceType, Fault> {
    let name = row.text("instance_type").to_owned();
    let (family, size) = (row.text("family"), row.text("size"));
    let bare_metal = size.starts_with("metal");
    let accelerators = accelerators(row)?;
    // Prefix delegation needs Nitro; Karpenter's table computes it for every type.
    let nitro = bare_metal || row.text("hypervisor") == "nitro";
    let max_pods_prefix = row.count("max_pods_prefix_delegation")?.filter(|_| nitro);
    let mut offers = Vec::new();
    for (term, column) in [(Term::OneYear, "ri_std_1y_all"), (Term::ThreeYears, "ri_std_3y_all")] {
        if let Some(rate) = price.rate(column)? {
            let (kind, payment) = (OfferKind::ReservedStandard, Payment::AllUpfront);
            offers.push(CommitmentOffer::new(kind, term, payment, rate.rate, rate.provenance));
        }
    }
    let on_demand =
        price.rate("ondemand")?.ok_or_else(|| price.fault("ondemand", format!("`{name}` has no rate")))?;
    let mut machine = InstanceType {
        family: family.to_owned(),
        current_generation: generation(row)?,
        category: row.text("family_label").to_owned(),
        cpu: row.cpu("vcpu")?,
        memory: row.memory_nearest("memory_gib")?,
        architecture: architecture(row)?,
        bare_metal,
        extended: accelerators.resources,
        accelerator: accelerators.name,
        local_storage: row.gigabytes("local_nvme_gb")?,
        limits: NodeLimits {
            max_pods_eni: row.count("max_pods_eni")?,
            max_pods_prefix,
            volume_attachments: row.count("ebs_attach_limit")?,
        },
        burst: bursts.get(&name).copied(),
        on_demand,
        spot: price.rate("spot_avg")?,
        interruption: None,
        sustained_use: None,
        offers,
        normalized_units: normalized_units(family, size),
        marks: Vec::new(),
        sku: None,
        name,
    };
    machine.marks = marks_of(&machine);
    Ok(machine)
}

/// `current`, `previous` or nothing.
pub(super) fn generation(row: Row<'_>) -> Result<Option<bool>, Fault> {
    match row.text("generation") {
        "current" => Ok(Some(true)),
        "previous" => Ok(Some(false)),
        "" => Ok(None),
        other => Err(row.fault("generation", format!("`{other}` is neither current nor previous"))),
    }
}

fn architecture(row: Row<'_>) -> Result<Architecture, Fault> {
    match row.text("arch") {
        "amd64" => Ok(Architecture::Amd64),
        "arm64" => Ok(Architecture::Arm64),
        other => Err(row.fault("arch", format!("`{other}` is neither amd64 nor arm64"))),
    }
}

fn accelerators(row: Row<'_>) -> Result<Accelerators, Fault> {
    for (count, maker, name) in [
        ("gpu_count", "gpu_manufacturer", "gpu_name"),
        ("accelerator_count", "accelerator_name", "accelerator_name"),
    ] {
        if let Some(n) = row.count(count)?.filter(|n| *n > 0) {
            let resource = accelerator::resource(row.text(maker)).ok_or_else(|| {
                row.fault(maker, format!("no device plugin known for `{}`", row.text(maker)))
            })?;
            return Ok(Accelerators::whole(resource, n, row.text(name)));
        }
    }
    Ok(Accelerators::default())
}

/// What burstable types' prices buy; unlimited mode, and with it a price of surplus credits, came
/// in late 2017.
pub(super) fn bursts(
    source: Option<&Source>,
    unlimited_mode: bool,
) -> Result<HashMap<String, Burst>, Vec<Fault>> {
    let Some(source) = source else { return Ok(HashMap::new()) };
    let table =
        Table::read(source, &["instance_type", "baseline_pct_per_vcpu", "surplus_usd_per_vcpu_hour_linux"])?;
    let bursts = collect(table.rows().map(|row| {
        let percent = row.text("baseline_pct_per_vcpu");
        let baseline: PartsPerMillion = format!("{percent}%")
            .parse()
            .map_err(|_| row.fault("baseline_pct_per_vcpu", format!("`{percent}` is no percentage")))?;
        let surplus = row.rate("surplus_usd_per_vcpu_hour_linux")?.filter(|_| unlimited_mode);
        Ok((row.text("instance_type").to_owned(), Burst { baseline, surplus_rate: surplus.map(|r| r.rate) }))
    }))?;
    Ok(bursts.into_iter().collect())
}

fn payment_ratios(source: &Source) -> Result<PaymentRatios, Vec<Fault>> {
    let table = Table::read(
        source,
        &["offering_class", "term_years", "no_upfront_over_partial", "partial", "all_upfront_over_partial"],
    )?;
    let ratios = collect(table.rows().map(|row| {
        let kind = match row.text("offering_class") {
            "standard" => OfferKind::ReservedStandard,
            "convertible" => OfferKind::ReservedConvertible,
            other => return Err(row.fault("offering_class", format!("`{other}` is no offering class"))),
        };
        let term = match row.text("term_years") {
            "1" => Term::OneYear,
            "3" => Term::ThreeYears,
            other => return Err(row.fault("term_years", format!("`{other}` is neither 1 nor 3"))),
        };
        let ratio = |column: &str| {
            Ratio::try_from(row.text(column).to_owned()).map_err(|e| row.fault(column, e.to_string()))
        };
        Ok(PaymentRatio {
            kind,
            term,
            no_upfront: ratio("no_upfront_over_partial")?,
            partial_upfront: ratio("partial")?,
            all_upfront: ratio("all_upfront_over_partial")?,
        })
    }))?;
    Ok(PaymentRatios {
        reason: RATIO_REASON.to_owned(),
        except_families: NO_PAYMENT_RATIOS.map(str::to_owned).to_vec(),
        ratios,
    })
}
