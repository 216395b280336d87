//! Commitments that a provider offers: which instrument, how long, how paid, at which rates.

use serde::{Deserialize, Serialize};

use super::Provenance;
use crate::units::{Money, Rate};

/// What kind of commitment an offer is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum OfferKind {
    /// AWS standard reserved instance.
    ReservedStandard,
    /// AWS convertible reserved instance.
    ReservedConvertible,
    /// AWS EC2 Instance Savings Plan: one family in one region.
    InstanceSavingsPlan,
    /// AWS Compute Savings Plan: any family and region.
    ComputeSavingsPlan,
    /// GCP resource-based committed use.
    ResourceCommitment,
    /// GCP flexible committed use.
    FlexibleCommitment,
    /// Azure reservation.
    AzureReservation,
    /// Azure savings plan for compute.
    AzureSavingsPlan,
}

impl OfferKind {
    /// Every kind, in the order of the declaration.
    pub const ALL: [OfferKind; 8] = [
        OfferKind::ReservedStandard,
        OfferKind::ReservedConvertible,
        OfferKind::InstanceSavingsPlan,
        OfferKind::ComputeSavingsPlan,
        OfferKind::ResourceCommitment,
        OfferKind::FlexibleCommitment,
        OfferKind::AzureReservation,
        OfferKind::AzureSavingsPlan,
    ];

    /// The name in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            OfferKind::ReservedStandard => "reserved-standard",
            OfferKind::ReservedConvertible => "reserved-convertible",
            OfferKind::InstanceSavingsPlan => "instance-savings-plan",
            OfferKind::ComputeSavingsPlan => "compute-savings-plan",
            OfferKind::ResourceCommitment => "resource-commitment",
            OfferKind::FlexibleCommitment => "flexible-commitment",
            OfferKind::AzureReservation => "azure-reservation",
            OfferKind::AzureSavingsPlan => "azure-savings-plan",
        }
    }
}

/// Length of a commitment.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub enum Term {
    /// 8,760 hours.
    #[serde(rename = "1y")]
    OneYear,
    /// 26,280 hours.
    #[serde(rename = "3y")]
    ThreeYears,
}

impl Term {
    /// Both terms.
    pub const ALL: [Term; 2] = [Term::OneYear, Term::ThreeYears];

    /// The name in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Term::OneYear => "1y",
            Term::ThreeYears => "3y",
        }
    }

    /// Hours that are paid for.
    pub fn hours(self) -> u64 {
        match self {
            Term::OneYear => 8_760,
            Term::ThreeYears => 26_280,
        }
    }

    /// Months that are paid for.
    pub fn months(self) -> u64 {
        match self {
            Term::OneYear => 12,
            Term::ThreeYears => 36,
        }
    }
}

/// When a commitment is paid.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Payment {
    /// Every hour, nothing at the start.
    NoUpfront,
    /// Part at the start, the rest every hour.
    PartialUpfront,
    /// Everything at the start.
    AllUpfront,
}

impl Payment {
    /// Every way of paying.
    pub const ALL: [Payment; 3] = [Payment::NoUpfront, Payment::PartialUpfront, Payment::AllUpfront];

    /// The name in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Payment::NoUpfront => "no-upfront",
            Payment::PartialUpfront => "partial-upfront",
            Payment::AllUpfront => "all-upfront",
        }
    }
}

/// A commitment that the catalog offers for a type.
///
/// Invariant: upfront + recurring x term hours = effective x term hours, to the nano-dollar.
/// [`CommitmentOffer::new`] keeps it by holding the effective rate and splitting it, so that an
/// upfront price which the provider states in whole dollars can be some micro-dollars off here
/// (half a nano-dollar per hour: less than 0.00002 over three years).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitmentOffer {
    /// Which instrument.
    pub kind: OfferKind,
    /// How long.
    pub term: Term,
    /// How it is paid.
    pub payment: Payment,
    /// Amortised rate per hour: upfront / term hours + recurring.
    pub effective: Rate,
    /// Paid at the start.
    pub upfront: Money,
    /// Paid every hour, used or not.
    pub recurring: Rate,
    /// Listed or derived.
    pub provenance: Provenance,
}

impl CommitmentOffer {
    /// An offer at an effective rate, paid as `payment` says; of a partial upfront payment, half of
    /// the term's total is paid at the start (EC2 user guide).
    pub fn new(
        kind: OfferKind,
        term: Term,
        payment: Payment,
        effective: Rate,
        provenance: Provenance,
    ) -> Self {
        let recurring = match payment {
            Payment::NoUpfront => effective,
            Payment::PartialUpfront => Rate::from_nanos(effective.nanos() / 2),
            Payment::AllUpfront => Rate::ZERO,
        };
        let upfront = Rate::from_nanos(effective.nanos() - recurring.nanos()).for_hours(term.hours());
        CommitmentOffer { kind, term, payment, effective, upfront, recurring, provenance }
    }

    /// What one piece costs by the price list, upfront and every hour, where a negotiated discount
    /// reduced it.
    pub fn public_price(&self) -> Option<(Money, Rate)> {
        let list = self.provenance.list_price()?;
        let per_hour = list.upfront.nanos().max(0).unsigned_abs() / u128::from(self.term.hours());
        let upfront = u64::try_from(per_hour).unwrap_or(u64::MAX);
        Some((list.upfront, Rate::from_nanos(list.rate.nanos().saturating_sub(upfront))))
    }

    /// An offer listed as an upfront payment and a rate for every hour. The effective rate is rounded
    /// to the nearest nano-dollar, and the upfront payment follows it. `None` for negative or
    /// unbounded amounts.
    pub fn listed(
        (kind, term, payment): (OfferKind, Term, Payment),
        upfront: Money,
        recurring: Rate,
        provenance: Provenance,
    ) -> Option<Self> {
        let hours = i128::from(term.hours());
        let per_hour = u64::try_from((upfront.nanos().checked_mul(2)? + hours) / (hours * 2)).ok()?;
        if upfront < Money::ZERO {
            return None;
        }
        let effective = recurring.checked_add(Rate::from_nanos(per_hour))?;
        let upfront = Rate::from_nanos(per_hour).for_hours(term.hours());
        Some(CommitmentOffer { kind, term, payment, effective, upfront, recurring, provenance })
    }
}
