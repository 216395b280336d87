//! Random catalogs with commitment offers and random usage over time, from a seed.

#![allow(dead_code, reason = "each test binary uses its own part")]

use fastrand::Rng;
use plimsoll::bill::{NodeUsage, Scenario, UsageLine};
use plimsoll::catalog::{
    Catalog, CommitmentOffer, InstanceType, NormalizedUnits, OfferKind, Payment, Provenance, Term,
};
use plimsoll::units::{Bytes, MilliCpu, PartsPerMillion, Rate};

#[path = "prices.rs"]
mod prices;

/// Sizes of a family with their normalized units.
const SIZES: [(&str, u64); 3] = [("large", 4), ("xlarge", 8), ("2xlarge", 16)];

/// A catalog of `families` families with `sizes` sizes each. Every type has reserved instances of both
/// terms, and the plans asked for: `instance` plans of both terms, `compute` plans of both terms.
pub fn catalog(rng: &mut Rng, families: usize, sizes: usize, instance: bool, compute: bool) -> Catalog {
    let mut offers: Vec<(OfferKind, Term, Payment, u64)> = vec![
        (OfferKind::ReservedStandard, Term::OneYear, Payment::NoUpfront, 66),
        (OfferKind::ReservedStandard, Term::OneYear, Payment::PartialUpfront, 63),
        (OfferKind::ReservedStandard, Term::ThreeYears, Payment::AllUpfront, 41),
        (OfferKind::ReservedConvertible, Term::ThreeYears, Payment::NoUpfront, 52),
    ];
    if instance {
        offers.push((OfferKind::InstanceSavingsPlan, Term::OneYear, Payment::NoUpfront, 65));
        offers.push((OfferKind::InstanceSavingsPlan, Term::ThreeYears, Payment::NoUpfront, 45));
    }
    if compute {
        offers.push((OfferKind::ComputeSavingsPlan, Term::OneYear, Payment::NoUpfront, 73));
        offers.push((OfferKind::ComputeSavingsPlan, Term::ThreeYears, Payment::NoUpfront, 54));
    }
    let mut types = Vec::new();
    for family in 0..families {
        let per_unit = rng.u64(12_000..60_000) * 1_000;
        let shares: Vec<u64> = offers.iter().map(|o| o.3 * 10 + rng.u64(0..60)).collect();
        for (size, units) in &SIZES[..sizes] {
            let on_demand = per_unit * units;
            let of = |&(kind, term, payment, _): &(OfferKind, Term, Payment, u64), per_mille: &u64| {
                let rate = Rate::from_nanos(on_demand / 1_000 * per_mille);
                CommitmentOffer::new(kind, term, payment, rate, Provenance::Listed)
            };
            let mut made = machine(&format!("f{family:02}.{size}"), *units, on_demand);
            made.offers = offers.iter().zip(&shares).map(|(offer, share)| of(offer, share)).collect();
            types.push(made);
        }
    }
    listed(types)
}

/// A type of the family before the dot, with so many normalized units.
pub fn machine(name: &str, units: u64, on_demand: u64) -> InstanceType {
    let rate = Rate::from_nanos(on_demand);
    let plain = prices::instance(name, MilliCpu(units * 500), Bytes(units << 31), rate);
    InstanceType { normalized_units: Some(NormalizedUnits(units * 1_000)), ..plain }
}

/// A catalog of these types.
pub fn listed(types: Vec<InstanceType>) -> Catalog {
    prices::catalog(types)
}

/// Nodes of every type of the catalog over `hours` hours in `states` distinct states: a base, a day's
/// wave and noise.
pub fn usage<'a>(rng: &mut Rng, catalog: &'a Catalog, hours: u32, states: u32, most: u64) -> NodeUsage<'a> {
    let lines: Vec<UsageLine<'_>> = catalog.types.iter().map(UsageLine::new).collect();
    let shape: Vec<(u64, u64, u64)> =
        lines.iter().map(|_| (rng.u64(0..=most / 2), rng.u64(0..=most / 2), rng.u64(0..24))).collect();
    let slots = (0..states)
        .map(|state| {
            let hour = u64::from(state) * 24 / u64::from(states.min(24)) % 24;
            let nodes = |&(base, wave, phase): &(u64, u64, u64)| {
                let up = 12 - (hour + phase).rem_euclid(24).abs_diff(12);
                base + wave * up / 12 + rng.u64(0..=1 + most / 10)
            };
            shape.iter().map(nodes).collect()
        })
        .collect();
    let order = (0..hours).map(|hour| hour % states).collect();
    NodeUsage::new(lines, slots, order).expect("as many nodes as lines")
}

/// One way for certain.
pub fn certain(usage: NodeUsage<'_>) -> Vec<Scenario<'_>> {
    vec![Scenario { name: "expected".to_owned(), weight: PartsPerMillion::ONE, usage }]
}
