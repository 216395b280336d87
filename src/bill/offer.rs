//! The ways to pay for a fleet: on demand, with automatic discounts, or under one commitment offer.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::catalog::{CommitmentOffer, InstanceType, OfferKind, Payment, Term};

/// Names an offer without its rate: which instrument, how long, how paid.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct OfferKey {
    /// Which instrument.
    pub kind: OfferKind,
    /// How long.
    pub term: Term,
    /// How it is paid.
    pub payment: Payment,
}

impl OfferKey {
    /// The key of an offer of the catalog.
    pub fn of(offer: &CommitmentOffer) -> Self {
        OfferKey { kind: offer.kind, term: offer.term, payment: offer.payment }
    }

    /// The offer of this key for a type, where the catalog has one.
    pub fn find(self, instance_type: &InstanceType) -> Option<&CommitmentOffer> {
        instance_type.offers.iter().find(|offer| OfferKey::of(offer) == self)
    }
}

impl fmt::Display for OfferKey {
    /// `reserved-standard/1y/partial-upfront`, as settings name it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let term = match self.term {
            Term::OneYear => "1y",
            Term::ThreeYears => "3y",
        };
        let payment = match self.payment {
            Payment::NoUpfront => "no-upfront",
            Payment::PartialUpfront => "partial-upfront",
            Payment::AllUpfront => "all-upfront",
        };
        f.pad(&format!("{}/{term}/{payment}", self.kind.as_str()))
    }
}

/// How a fleet is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purchase {
    /// As used, no commitment.
    OnDemand,
    /// As used, with GCP's automatic discount for whole months.
    SustainedUse,
    /// Every node that has the offer under it, the rest on demand.
    Commitment(OfferKey),
}

impl Purchase {
    /// `1-year standard reserved, partial upfront`.
    pub fn label(self) -> String {
        match self {
            Purchase::OnDemand => "on demand".to_owned(),
            Purchase::SustainedUse => "sustained use (automatic)".to_owned(),
            Purchase::Commitment(key) => {
                let term = match key.term {
                    Term::OneYear => "1-year",
                    Term::ThreeYears => "3-year",
                };
                let payment = match key.payment {
                    Payment::NoUpfront => "no upfront",
                    Payment::PartialUpfront => "partial upfront",
                    Payment::AllUpfront => "all upfront",
                };
                format!("{term} {}, {payment}", kind_label(key.kind))
            }
        }
    }
}

impl fmt::Display for Purchase {
    /// `on-demand`, `sustained-use`, or the key of the offer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Purchase::OnDemand => f.pad("on-demand"),
            Purchase::SustainedUse => f.pad("sustained-use"),
            Purchase::Commitment(key) => key.fmt(f),
        }
    }
}

/// The name of an instrument in a sentence.
fn kind_label(kind: OfferKind) -> &'static str {
    match kind {
        OfferKind::ReservedStandard => "standard reserved",
        OfferKind::ReservedConvertible => "convertible reserved",
        OfferKind::InstanceSavingsPlan => "EC2 Instance Savings Plan",
        OfferKind::ComputeSavingsPlan => "Compute Savings Plan",
        OfferKind::ResourceCommitment => "resource commitment",
        OfferKind::FlexibleCommitment => "flexible commitment",
        OfferKind::AzureReservation => "reservation",
        OfferKind::AzureSavingsPlan => "savings plan",
    }
}

/// What one commitment of an instrument covers, hence how many are bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One instance type.
    InstanceType,
    /// One family in the region.
    Family,
    /// The whole fleet.
    Fleet,
}

/// Whether an instrument obliges to units or to money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum CommitmentCategory {
    /// Units: reserved instances, reservations, resource commitments.
    Usage,
    /// Money per hour: savings plans, flexible commitments.
    Spend,
}

/// What one commitment of this kind covers, by the providers' rules.
pub fn scope(kind: OfferKind) -> Scope {
    match kind {
        OfferKind::ReservedStandard | OfferKind::ReservedConvertible | OfferKind::AzureReservation => {
            Scope::InstanceType
        }
        // An EC2 Instance Savings Plan is for one family in one region, a GCP resource commitment
        // for one series in one region.
        OfferKind::InstanceSavingsPlan | OfferKind::ResourceCommitment => Scope::Family,
        OfferKind::ComputeSavingsPlan | OfferKind::FlexibleCommitment | OfferKind::AzureSavingsPlan => {
            Scope::Fleet
        }
    }
}

/// Whether a commitment of this kind is to units or to money, as FOCUS tells them apart.
pub fn category(kind: OfferKind) -> CommitmentCategory {
    match kind {
        OfferKind::ReservedStandard
        | OfferKind::ReservedConvertible
        | OfferKind::ResourceCommitment
        | OfferKind::AzureReservation => CommitmentCategory::Usage,
        OfferKind::InstanceSavingsPlan
        | OfferKind::ComputeSavingsPlan
        | OfferKind::FlexibleCommitment
        | OfferKind::AzureSavingsPlan => CommitmentCategory::Spend,
    }
}

/// The provider's wording for the type of commitment.
pub fn provider_wording(kind: OfferKind) -> &'static str {
    match kind {
        OfferKind::ReservedStandard => "Standard Reserved Instance",
        OfferKind::ReservedConvertible => "Convertible Reserved Instance",
        OfferKind::InstanceSavingsPlan => "EC2 Instance Savings Plan",
        OfferKind::ComputeSavingsPlan => "Compute Savings Plan",
        OfferKind::ResourceCommitment => "Resource-based committed use discount",
        OfferKind::FlexibleCommitment => "Flexible committed use discount",
        OfferKind::AzureReservation => "Reservation",
        OfferKind::AzureSavingsPlan => "Savings plan for compute",
    }
}

/// The id that the `ordinal`-th commitment of a kind gets: `ri-0001`.
pub(crate) fn commitment_id(kind: OfferKind, ordinal: usize) -> String {
    let prefix = match kind {
        OfferKind::ReservedStandard | OfferKind::ReservedConvertible => "ri",
        OfferKind::InstanceSavingsPlan | OfferKind::ComputeSavingsPlan | OfferKind::AzureSavingsPlan => "sp",
        OfferKind::ResourceCommitment | OfferKind::FlexibleCommitment => "cud",
        OfferKind::AzureReservation => "rsv",
    };
    format!("{prefix}-{ordinal:04}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_reads_like_its_serde_form() {
        for kind in OfferKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        let key = OfferKey {
            kind: OfferKind::ReservedStandard,
            term: Term::OneYear,
            payment: Payment::PartialUpfront,
        };
        assert_eq!(key.to_string(), "reserved-standard/1y/partial-upfront");
        assert_eq!(Purchase::Commitment(key).label(), "1-year standard reserved, partial upfront");
    }
}
