//! Random catalogs with commitment offers and random usage over time, from a seed.

use fastrand::Rng;
use plimsoll::bill::{NodeUsage, Scenario, UsageLine};
use plimsoll::catalog::{Catalog, OfferKind, Payment, Term};
use plimsoll::input::catalog_file;
use plimsoll::units::PartsPerMillion;

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
    let mut text = String::from(
        "format: plimsoll-catalog/1\nname: random\nprovider: aws\nregion: nowhere\ncurrency: USD\nprice_date: 2026-05\ntypes: |\n  name,family,vcpu,memory_mib,arch,on_demand,normalized_units",
    );
    for (kind, term, payment, _) in &offers {
        text += &format!(",{}/{}/{}", kind.as_str(), term.as_str(), payment.as_str());
    }
    text.push('\n');
    for family in 0..families {
        let per_unit = rng.u64(12_000..60_000);
        let cents: Vec<u64> = offers.iter().map(|o| o.3 * 10 + rng.u64(0..60)).collect();
        for (size, units) in &SIZES[..sizes] {
            let on_demand = per_unit * units;
            let micros = |amount: u64| format!("{}.{:06}", amount / 1_000_000, amount % 1_000_000);
            text += &format!(
                "  f{family:02}.{size},f{family:02},{},{},amd64,{},{units}",
                units / 2,
                units * 2048,
                micros(on_demand)
            );
            for per_mille in &cents {
                text += &format!(",{}", micros(on_demand * per_mille / 1_000));
            }
            text.push('\n');
        }
    }
    catalog_file::parse("random", text.as_bytes()).expect("a valid catalog")
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
