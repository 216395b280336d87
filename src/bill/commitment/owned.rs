//! Commitments that the user owns, as holdings of the engine.

use jiff::ToSpan;
use jiff::civil::Date;

use super::holding::{Covers, Holding};
use crate::bill::offer::{OfferKey, commitment_id};
use crate::bill::usage::{SeriesRates, SizeRatios, UsageLine};
use crate::catalog::{Catalog, CommitmentOffer, Payment, Provenance};
use crate::policy::{OwnedCommitment, OwnedScope};
use crate::units::{Money, Rate};

/// Why an owned commitment cannot be billed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OwnedError {
    /// The catalog has no such type.
    #[error("the catalog has no instance type `{instance_type}`")]
    UnknownType {
        /// Where it is stated.
        place: String,
        /// Which type.
        instance_type: String,
    },
    /// The catalog has no price for it, and none is stated.
    #[error("the catalog has no {key} for {what}; state `upfront` and `recurring`")]
    NoPrice {
        /// Where it is stated.
        place: String,
        /// Which offer.
        key: OfferKey,
        /// For what.
        what: String,
    },
    /// A reservation in a zone of another region.
    #[error("zone `{zone}` is none of the catalog's region {region}")]
    OtherRegion {
        /// Where it is stated.
        place: String,
        /// Which zone.
        zone: String,
        /// The region of the prices.
        region: String,
    },
    /// A family that no type of the catalog belongs to.
    #[error("the catalog has no family `{family}`")]
    UnknownFamily {
        /// Where it is stated.
        place: String,
        /// Which family.
        family: String,
    },
    /// A plan for which no type has a rate, so that it could cover nothing.
    #[error("the catalog has no rates of {key}, so that nobody can tell what it covers")]
    NoRates {
        /// Where it is stated.
        place: String,
        /// Which offer.
        key: OfferKey,
    },
}

impl OwnedError {
    /// Where the commitment is stated: `policy.yaml:12`.
    pub fn place(&self) -> &str {
        match self {
            OwnedError::UnknownType { place, .. }
            | OwnedError::OtherRegion { place, .. }
            | OwnedError::UnknownFamily { place, .. }
            | OwnedError::NoPrice { place, .. }
            | OwnedError::NoRates { place, .. } => place,
        }
    }
}

/// The holdings that `owned` are when hour zero is midnight UTC of `first_day`. One that ended before
/// is no holding any more.
///
/// # Errors
/// Every commitment that the catalog contradicts.
pub fn holdings(
    owned: &[OwnedCommitment],
    catalog: &Catalog,
    first_day: Date,
    ratios: &SizeRatios,
) -> Result<Vec<Holding>, Vec<OwnedError>> {
    let (mut holdings, mut errors) = (Vec::new(), Vec::new());
    for (index, commitment) in owned.iter().enumerate() {
        match holding(commitment, index, catalog, (first_day, ratios)) {
            Ok(made) => holdings.extend(made.into_iter().filter(|h| h.end > 0)),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(holdings) } else { Err(errors) }
}

/// What to tell of those that ended before the first day, a sentence each.
pub fn ended(owned: &[OwnedCommitment], first_day: Date) -> Vec<String> {
    let mut told = Vec::new();
    for (index, commitment) in owned.iter().enumerate() {
        let key = key_of(commitment);
        let days = i64::try_from(key.term.hours() / 24).expect("a term of days");
        let end = commitment.end.or_else(|| commitment.start.checked_add(days.days()).ok());
        if let Some(end) = end.filter(|end| *end <= first_day) {
            let id = id_of(commitment, index);
            told.push(format!(
                "the owned commitment {id} ({key}) ended {end}, before the plan's first day: it counts for nothing"
            ));
        }
    }
    told
}

fn key_of(owned: &OwnedCommitment) -> OfferKey {
    OfferKey { kind: owned.kind, term: owned.term, payment: owned.payment }
}

fn id_of(owned: &OwnedCommitment, index: usize) -> String {
    let made = || format!("owned-{}", commitment_id(owned.kind, index + 1));
    owned.id.clone().unwrap_or_else(made)
}

fn holding(
    owned: &OwnedCommitment,
    index: usize,
    catalog: &Catalog,
    (first_day, ratios): (Date, &SizeRatios),
) -> Result<Vec<Holding>, OwnedError> {
    let key = key_of(owned);
    let place = || owned.place.clone();
    let id = id_of(owned, index);
    let hour = |day: Date| i64::from(first_day.until(day).map_or(0, |span| span.get_days())) * 24;
    let start = hour(owned.start);
    let term = i64::try_from(key.term.hours()).expect("a term of hours");
    let end = owned.end.map_or(start + term, hour);
    // What is stated wins over the catalog's price; what is not stated is never nothing but where the way of
    // paying says so.
    let priced = |offer: Option<&CommitmentOffer>, what: &str| {
        let no_upfront = (key.payment == Payment::NoUpfront).then_some(Money::ZERO);
        let no_recurring = (key.payment == Payment::AllUpfront).then_some(Rate::ZERO);
        let upfront = owned.upfront.or(no_upfront).or(offer.map(|offer| offer.upfront));
        let recurring = owned.recurring.or(no_recurring).or(offer.map(|offer| offer.recurring));
        match (upfront, recurring) {
            (Some(upfront), Some(recurring)) => Ok((upfront, recurring)),
            _ => Err(OwnedError::NoPrice { place: place(), key, what: what.to_owned() }),
        }
    };
    // A price that is stated is the user's own: no list is known for it.
    let listed = |offer: Option<&CommitmentOffer>| {
        offer
            .filter(|_| owned.upfront.is_none() && owned.recurring.is_none())
            .and_then(CommitmentOffer::public_price)
    };
    let make = |id: String, covers: Covers, quantity: u64, (upfront, recurring): (Money, Rate)| Holding {
        id,
        key,
        covers,
        quantity,
        start,
        end,
        upfront,
        recurring,
        public: None,
        origin: super::Origin::Owned,
    };
    match &owned.scope {
        OwnedScope::Type { instance_type, zone } => {
            let found = catalog.find(instance_type).ok_or_else(|| OwnedError::UnknownType {
                place: place(),
                instance_type: instance_type.clone(),
            })?;
            let price = priced(key.find(found), instance_type)?;
            if let Some(zone) = zone.as_ref().filter(|zone| !catalog.may_have_zone(zone)) {
                let (zone, region) = (zone.clone(), catalog.region.clone());
                return Err(OwnedError::OtherRegion { place: place(), zone, region });
            }
            let covers = match (zone, ratios.pool(&UsageLine::new(found))) {
                (Some(zone), _) => Covers::Zonal { instance_type: instance_type.clone(), zone: zone.clone() },
                (None, Some(pool)) => Covers::Pool(pool),
                (None, None) => Covers::Type(instance_type.clone()),
            };
            let public = listed(key.find(found));
            Ok(vec![Holding { public, ..make(id, covers, owned.quantity, price) }])
        }
        OwnedScope::Spend { family, hourly } => {
            if let Some(family) = family.as_ref().filter(|f| catalog.types.iter().all(|t| t.family != **f)) {
                return Err(OwnedError::UnknownFamily { place: place(), family: family.clone() });
            }
            let eligible = catalog.types.iter().filter(|t| family.as_ref().is_none_or(|f| *f == t.family));
            if !eligible.into_iter().any(|t| key.find(t).is_some()) {
                return Err(OwnedError::NoRates { place: place(), key });
            }
            let terms = CommitmentOffer::new(key.kind, key.term, key.payment, *hourly, Provenance::Listed);
            let covers = Covers::Spend { family: family.clone(), hourly: *hourly };
            Ok(vec![make(id, covers, owned.quantity, priced(Some(&terms), "")?)])
        }
        OwnedScope::Resources { series, cpu, memory } => {
            // Stated prices are for all of it; they stand with the vCPUs.
            let rates = SeriesRates::of(catalog, |t| key.find(t).map(|offer| offer.effective));
            let unit = catalog.types.iter().find(|t| t.family == *series && key.find(t).is_some());
            if catalog.types.iter().all(|t| t.family != *series) {
                return Err(OwnedError::UnknownFamily { place: place(), family: series.clone() });
            }
            let stated = owned.upfront.is_some() || owned.recurring.is_some();
            let per = |amount: u64, whole: u64, rate: Rate| {
                let nanos = u128::from(rate.nanos()) * u128::from(amount) / u128::from(whole.max(1));
                Rate::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
            };
            let (for_cpu, for_memory) = match unit {
                Some(t) if !stated => {
                    let split = rates.split(t, key.find(t).map_or(Rate::ZERO, |offer| offer.effective));
                    (per(cpu.0, t.cpu.0, split.cpu), per(memory.0 >> 20, t.memory.0 >> 20, split.memory))
                }
                _ => (Rate::ZERO, Rate::ZERO),
            };
            let terms =
                |rate| CommitmentOffer::new(key.kind, key.term, key.payment, rate, Provenance::Listed);
            let price = priced(unit.map(|_| terms(for_cpu)).as_ref(), series)?;
            let mut made = vec![make(
                format!("{id}-cpu"),
                Covers::Cpu { series: series.clone(), amount: *cpu },
                owned.quantity,
                price,
            )];
            if memory.0 > 0 {
                let terms = terms(for_memory);
                made.push(make(
                    format!("{id}-memory"),
                    Covers::Memory { series: series.clone(), amount: *memory },
                    owned.quantity,
                    (terms.upfront, terms.recurring),
                ));
            }
            Ok(made)
        }
    }
}
