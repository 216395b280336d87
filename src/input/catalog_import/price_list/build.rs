//! Products with their rates into a catalog, and notes about everything that was decided.

use std::collections::BTreeMap;

use super::PriceListOptions;
use super::attributes::LeftOut;
use super::facts::Facts;
use super::offers::{Kept, Offers};
use crate::catalog::{
    Architecture, Burst, Catalog, DerivationRules, InstanceType, ListedRate, NodeLimits, NormalizedUnits,
    Provenance, Provider,
};
use crate::input::Fault;
use crate::input::catalog_import::aws;
use crate::input::catalog_import::aws_facts::normalized_units;
use crate::units::{Bytes, Rate};

const LICENCE: &str = "prices: AWS's public price list, which AWS calls informational; types: Apache-2.0, \
    but for generation and category, which are the price list's";

const LIMITS: &str = "limits-unknown";
const LIMITS_MEANS: &str = "not among the types that this program knows: how many pods and volumes a node \
    takes is not known, nor whether it bursts";
const UNNAMED: &str = "accelerator-unnamed";
const UNNAMED_MEANS: &str =
    "sold with accelerators whose maker the price list does not name: offers none here";
const STORAGE: &str = "local-storage-unknown";
const STORAGE_MEANS: &str =
    "the price list's words for its local storage name no size of SSD: counts as none here";

/// The catalog of all kept types that can be described.
pub(super) fn catalog(
    offers: &Offers<'_>,
    kept: Vec<Kept>,
    mut sources: Vec<String>,
    options: &PriceListOptions,
) -> Result<Catalog, Vec<Fault>> {
    let facts = Facts::bundled();
    sources.extend(facts.sources.iter().cloned());
    let mut undescribed = Vec::new();
    let mut free = Vec::new();
    let mut types = Vec::new();
    for product in kept {
        let name = product.attributes.instance_type.clone();
        match product.on_demand {
            Some(rate) if rate > Rate::ZERO => match instance_type(product, rate, &facts, options) {
                Some(machine) => types.push(machine),
                None => undescribed.push(name),
            },
            _ => free.push(name),
        }
    }
    if types.is_empty() {
        let message = "no type whose size and architecture are known has a price";
        return Err(vec![Fault::new(offers.name(), message)]);
    }
    let published = offers.published.get(..10).unwrap_or_default().to_owned();
    let price_date = options.price_date.clone().unwrap_or(published);
    if price_date.is_empty() {
        let fault = Fault::new(offers.name(), "does not say when it was published");
        return Err(vec![fault.at_field("publicationDate").help("give --price-date")]);
    }
    let mut marks = aws::marks();
    marks.extend(
        [(LIMITS, LIMITS_MEANS), (UNNAMED, UNNAMED_MEANS), (STORAGE, STORAGE_MEANS)]
            .map(|(mark, text)| (mark.to_owned(), text.to_owned())),
    );
    Ok(Catalog {
        name: format!("aws-{price_date}-{}", options.region),
        provider: Provider::Aws,
        region: options.region.clone(),
        currency: offers.currency.clone(),
        price_date,
        sources,
        licence_note: LICENCE.to_owned(),
        rules: DerivationRules::default(),
        marks,
        notes: notes(offers, &undescribed, &free, options),
        types,
    })
}

fn notes(offers: &Offers<'_>, undescribed: &[String], free: &[String], o: &PriceListOptions) -> Vec<String> {
    let mut notes = vec![format!(
        "prices hold for {}, {} tenancy, pre-installed software {}; spot rates are in no price list",
        o.operating_system, o.tenancy, o.pre_installed
    )];
    if !offers.left_out.is_empty() {
        let counts: Vec<String> =
            offers.left_out.iter().map(|(why, n): (&LeftOut, _)| why.tell(*n)).collect();
        notes.push(format!("left out of the price list: {}", counts.join(", ")));
    }
    if !undescribed.is_empty() {
        let names = undescribed.join(", ");
        notes.push(format!(
            "left out, since neither the price list nor this program says their size or architecture: {names}"
        ));
    }
    if !free.is_empty() {
        let names = free.join(", ");
        notes.push(format!("left out with a rate of zero, so not sold on demand: {names}"));
    }
    notes
}

/// The type; `None` where its size or architecture is stated nowhere.
fn instance_type(
    product: Kept,
    rate: Rate,
    facts: &Facts,
    options: &PriceListOptions,
) -> Option<InstanceType> {
    let a = &product.attributes;
    let (family, size) = (a.family().to_owned(), a.size().to_owned());
    let known = facts.of(&a.instance_type);
    let mut marks = Vec::new();
    let mut mark = |holds: bool, mark: &str| {
        if holds {
            marks.push(mark.to_owned());
        }
    };
    mark(known.is_none(), LIMITS);
    mark(known.is_none() && !matches!(a.gpu.as_str(), "" | "NA" | "0"), UNNAMED);
    let storage = a.local_storage();
    mark(known.is_none() && storage.is_none(), STORAGE);
    let flexible = options.size_flexible();
    // The list's own factor wins over the rule, but says nothing about who may use it.
    let units = normalized_units(&family, &size)
        .map(|units| product.numbers.normalized_thousandths.map_or(units, NormalizedUnits))
        .filter(|_| flexible);
    let mut machine = InstanceType {
        family,
        current_generation: match a.current_generation.as_str() {
            "Yes" => Some(true),
            "No" => Some(false),
            _ => None,
        },
        category: a.instance_family.clone(),
        cpu: product.numbers.cpu.or_else(|| known.map(|k| k.cpu))?,
        memory: product.numbers.memory.or_else(|| known.map(|k| k.memory))?,
        architecture: known.map(|k| k.architecture).or_else(|| architecture(&a.physical_processor))?,
        bare_metal: size.starts_with("metal"),
        extended: known.map(|k| k.extended.clone()).unwrap_or_default(),
        accelerator: known.and_then(|k| k.accelerator.clone()),
        local_storage: known.map(|k| k.local_storage).or(storage).unwrap_or(Bytes(0)),
        limits: known.map_or_else(NodeLimits::default, |k| k.limits),
        // Surplus credits are priced for Linux there.
        burst: known.and_then(|k| k.burst).map(|burst| Burst {
            surplus_rate: burst.surplus_rate.filter(|_| options.operating_system == "Linux"),
            ..burst
        }),
        on_demand: ListedRate { rate, provenance: Provenance::Listed },
        spot: None,
        interruption: None,
        sustained_use: None,
        offers: product.offers,
        normalized_units: units,
        marks: Vec::new(),
        sku: Some(product.sku),
        name: a.instance_type.clone(),
    };
    // Marks that compare rates between sources are about other prices than these.
    let usual: BTreeMap<String, String> = aws::marks();
    let about_type = |mark: &String| usual.contains_key(mark) && !mark.starts_with("metal-rate");
    marks.extend(aws::marks_of(&machine).into_iter().filter(about_type));
    marks.sort();
    machine.marks = marks;
    Some(machine)
}

/// The architecture of a processor that the list names.
fn architecture(processor: &str) -> Option<Architecture> {
    let is = |maker: &str| processor.contains(maker);
    if is("Graviton") {
        return Some(Architecture::Arm64);
    }
    (is("Intel") || is("AMD")).then_some(Architecture::Amd64)
}
