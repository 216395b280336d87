//! What the catalog offers for the lines of some usage.

use std::collections::{BTreeMap, BTreeSet};

use crate::bill::commitment::Holding;
use crate::bill::{LineState, OfferKey, SeriesRates, UsageLine};
use crate::catalog::{Catalog, CommitmentOffer, InstanceType, OfferKind, Provenance};
use crate::purchase::Options;
use crate::units::{HOURS_PER_MONTH, Rate};

use super::{Coverage, Recipe, SPEND_STEP, Tranches};

/// Everything that may be bought for the lines.
pub(super) fn candidates(
    catalog: &Catalog,
    lines: &[&UsageLine<'_>],
    options: &Options,
    tranches: Tranches,
    hours: u32,
) -> Vec<(Coverage, Recipe)> {
    let mut made = Vec::new();
    let mut types: BTreeMap<&str, (&InstanceType, Option<String>)> = BTreeMap::new();
    // Nothing that is bought in advance covers spot nodes.
    let lines: Vec<&UsageLine<'_>> =
        lines.iter().copied().filter(|line| line.state != LineState::Spot).collect();
    for line in &lines {
        types.insert(
            &line.instance_type.name,
            (line.instance_type, line.pool.as_ref().map(|p| p.name.clone())),
        );
    }
    let start_lists = |offer: &CommitmentOffer| starts(offer, options, tranches, hours);
    let mut push = |coverage: Coverage,
                    piece: Holding,
                    quoted: Option<(String, Rate)>,
                    offer: &CommitmentOffer| {
        for starts in start_lists(offer) {
            made.push((coverage.clone(), Recipe { piece: piece.clone(), starts, quoted: quoted.clone() }));
        }
    };
    let allowed = |offer: &&CommitmentOffer| options.allows(OfferKey::of(offer));

    // Reservations that flex: the size that is cheapest per unit and the smallest one, per offer.
    let pools: BTreeSet<&String> = types.values().filter_map(|(_, pool)| pool.as_ref()).collect();
    for pool in pools {
        let members = catalog
            .types
            .iter()
            .map(UsageLine::new)
            .chain(lines.iter().map(|&line| line.clone()))
            .filter(|line| line.pool.as_ref().is_some_and(|p| p.name == *pool));
        let mut best: BTreeMap<OfferKey, BTreeMap<String, (u64, UsageLine<'_>, &CommitmentOffer)>> =
            BTreeMap::new();
        for line in members {
            let units = line.pool.as_ref().map_or(0, |p| p.units.0);
            let t: &InstanceType = line.instance_type;
            for offer in t.offers.iter().filter(allowed).filter(|o| is_reservation(o.kind)) {
                best.entry(OfferKey::of(offer))
                    .or_default()
                    .insert(t.name.clone(), (units, line.clone(), offer));
            }
        }
        for sizes in best.into_values() {
            let per_unit =
                |s: &(u64, UsageLine<'_>, &CommitmentOffer)| s.2.effective.nanos() as f64 / s.0 as f64;
            let smallest = sizes.values().min_by_key(|s| s.0);
            let cheapest =
                sizes.values().min_by(|a, b| per_unit(a).total_cmp(&per_unit(b)).then(a.0.cmp(&b.0)));
            let mut chosen: Vec<_> = smallest.into_iter().chain(cheapest).collect();
            chosen.dedup_by_key(|s| s.0);
            for (_, line, offer) in chosen {
                let piece = Holding::of_offer("", line, offer, 1, 0);
                let quoted = Some((line.instance_type.name.clone(), offer.effective));
                push(Coverage::of(&piece), piece, quoted, offer);
            }
        }
    }
    for (t, pool) in types.values() {
        for offer in t.offers.iter().filter(allowed) {
            if is_reservation(offer.kind) && pool.is_none() {
                let line = UsageLine::new(t).in_pool(None);
                let piece = Holding::of_offer("", &line, offer, 1, 0);
                push(Coverage::of(&piece), piece, Some((t.name.clone(), offer.effective)), offer);
            }
        }
    }

    // Commitments to resources: a vCPU and memory apart, at the rates of the smallest plain type.
    let series: BTreeSet<&str> = lines
        .iter()
        .filter(|line| line.components.is_some())
        .map(|line| line.instance_type.family.as_str())
        .collect();
    let keys: BTreeSet<OfferKey> = lines
        .iter()
        .flat_map(|line| line.instance_type.offers.iter())
        .filter(allowed)
        .map(OfferKey::of)
        .collect();
    for key in keys.iter().filter(|key| key.kind == OfferKind::ResourceCommitment) {
        let rates = SeriesRates::of(catalog, |t| key.find(t).map(|offer| offer.effective));
        for family in &series {
            let plain = catalog
                .types
                .iter()
                .filter(|t| t.family == *family && t.accelerator.is_none() && t.local_storage.0 == 0)
                .filter(|t| t.burst.is_none() && key.find(t).is_some())
                .min_by_key(|t| (t.cpu, t.memory));
            let Some((t, offer)) = plain.and_then(|t| Some((t, key.find(t)?))) else { continue };
            let split = rates.split(t, offer.effective);
            for piece in Holding::resources("", t, offer, split, 1, 0) {
                push(Coverage::of(&piece), piece, Some((t.name.clone(), offer.effective)), offer);
            }
        }
    }

    // Plans to spend.
    let mut plans: BTreeSet<(Option<String>, OfferKey)> = BTreeSet::new();
    for key in &keys {
        match key.kind {
            OfferKind::InstanceSavingsPlan => {
                for line in lines.iter().filter(|line| key.find(line.instance_type).is_some()) {
                    plans.insert((Some(line.instance_type.family.clone()), *key));
                }
            }
            OfferKind::ComputeSavingsPlan | OfferKind::FlexibleCommitment | OfferKind::AzureSavingsPlan => {
                plans.insert((None, *key));
            }
            _ => {}
        }
    }
    for (family, key) in plans {
        let piece = Holding::spend("", key, family, SPEND_STEP, 0);
        let terms = CommitmentOffer::new(key.kind, key.term, key.payment, SPEND_STEP, Provenance::Listed);
        push(Coverage::of(&piece), piece, None, &terms);
    }
    made
}

fn is_reservation(kind: OfferKind) -> bool {
    matches!(kind, OfferKind::ReservedStandard | OfferKind::ReservedConvertible | OfferKind::AzureReservation)
}

/// The first hours of the tranches of each purchase of an offer: now, and where renewals are allowed,
/// whenever the one before has ended.
fn starts(offer: &CommitmentOffer, options: &Options, tranches: Tranches, hours: u32) -> Vec<Vec<i64>> {
    let term = i64::try_from(offer.term.hours()).expect("a term of hours");
    let month = i64::try_from(HOURS_PER_MONTH).expect("730");
    let horizon = i64::from(hours);
    let mut all = Vec::new();
    let mut first = 0;
    loop {
        let tranche = |i: u32| first + i64::from(i) * month;
        let starts: Vec<i64> =
            (0..options.ladder_months.max(1)).map(tranche).filter(|&start| start < horizon).collect();
        match tranches {
            Tranches::Even => all.push(starts),
            Tranches::Free => all.extend(starts.into_iter().map(|start| vec![start])),
        }
        first += term;
        if !options.renew || first >= horizon {
            return all;
        }
    }
}
