//! One offer for everything that holdings leave on demand: the plain purchase for a fleet that stays.

use std::collections::BTreeMap;

use super::engine::charge;
use super::holding::Holding;
use crate::bill::offer::{OfferKey, Scope, scope};
use crate::bill::usage::{LineState, NodeUsage, SeriesRates, SizeRatios, UsageLine};
use crate::catalog::{Catalog, OfferKind, Provider};
use crate::units::Rate;

/// The lines of a fleet that stays, one per type, with what commitments to resources need to know.
pub fn lines<'a>(
    catalog: &'a Catalog,
    types: impl IntoIterator<Item = &'a crate::catalog::InstanceType>,
    ratios: &SizeRatios,
) -> Vec<UsageLine<'a>> {
    let rates = SeriesRates::of(catalog, |t| Some(t.on_demand.rate));
    let line = |t: &'a crate::catalog::InstanceType| {
        let split = (catalog.provider == Provider::Gcp).then(|| rates.split(t, t.on_demand.rate));
        let line = UsageLine::new(t).with_components(split);
        let pool = ratios.pool(&line);
        line.in_pool(pool)
    };
    types.into_iter().map(line).collect()
}

/// Pieces of an offer for every whole node that `held` leaves on demand in the first hour of `usage`,
/// from hour zero on: one holding per type, or per family or fleet for plans. Lines without the offer
/// stay on demand.
pub fn fill(catalog: &Catalog, usage: &NodeUsage<'_>, held: &[Holding], key: OfferKey) -> Vec<Holding> {
    let Ok(first) =
        NodeUsage::new(usage.lines().to_vec(), usage.slots().to_vec(), usage.hours()[..1].to_vec())
    else {
        return Vec::new();
    };
    let charges = charge(&first, held);
    let class = &charges.classes()[0];
    let mut pieces: BTreeMap<String, Vec<(usize, u64)>> = BTreeMap::new();
    for (index, line) in usage.lines().iter().enumerate() {
        let t = line.instance_type;
        let each = line.list_hour(1).nanos();
        if key.find(t).is_none() || each == 0 || line.state == LineState::Spot {
            continue;
        }
        let nodes = u64::try_from(class.on_demand[index].nanos() / each).unwrap_or(0);
        if nodes > 0 {
            let covers = match scope(key.kind) {
                Scope::InstanceType => t.name.clone(),
                Scope::Family => t.family.clone(),
                Scope::Fleet => String::new(),
            };
            pieces.entry(covers).or_default().push((index, nodes));
        }
    }
    let committed = SeriesRates::of(catalog, |t| key.find(t).map(|offer| offer.effective));
    let mut bought = Vec::new();
    let mut ids = Holding::proposal_ids(held);
    for (covers, lines) in pieces {
        let id = ids(key.kind);
        match key.kind {
            OfferKind::ReservedStandard | OfferKind::ReservedConvertible | OfferKind::AzureReservation => {
                for (index, nodes) in lines {
                    let line = &usage.lines()[index];
                    if let Some(offer) = key.find(line.instance_type) {
                        bought.push(Holding::of_offer(id.clone(), line, offer, nodes, 0));
                    }
                }
            }
            OfferKind::ResourceCommitment => {
                for (index, nodes) in lines {
                    let t = usage.lines()[index].instance_type;
                    if let Some(offer) = key.find(t) {
                        let id = format!("{id}-{}", t.name);
                        let rates = committed.split(t, offer.effective);
                        bought.extend(Holding::resources(&id, t, offer, rates, nodes, 0));
                    }
                }
            }
            OfferKind::InstanceSavingsPlan
            | OfferKind::ComputeSavingsPlan
            | OfferKind::FlexibleCommitment
            | OfferKind::AzureSavingsPlan => {
                let hourly = lines.iter().filter_map(|&(index, nodes)| {
                    let offer = key.find(usage.lines()[index].instance_type)?;
                    offer.effective.nanos().checked_mul(nodes)
                });
                let family = Some(covers).filter(|family| !family.is_empty());
                bought.push(Holding::spend(id, key, family, Rate::from_nanos(hourly.sum()), 0));
            }
        }
    }
    bought
}
