//! What two plans commit to: commitments of the selected ways to pay, and commitment plans over time.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::selected;
use crate::bill::{CommitmentCategory, OfferKey, Ratio};
use crate::catalog::{Payment, Term};
use crate::report::view::{PlanReport, ProposalRow, PurchaseRow};
use crate::units::{HOURS_PER_MONTH, Money};

/// Commitments of one kind for one type or family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiffCommitment {
    /// Its offer: `kind/term/payment`.
    pub option: String,
    /// The same in parts.
    pub offer: Option<OfferKey>,
    /// For people.
    pub label: String,
    /// Units or money.
    pub category: CommitmentCategory,
    /// The type or family that the commitment is for, or `all`.
    pub covers: String,
    /// How many in the first plan.
    pub quantity_before: u64,
    /// How many in the second plan.
    pub quantity_after: u64,
    /// Upfront payments: after - before.
    pub upfront_change: Money,
    /// Recurring fees, a month: after - before.
    pub recurring_month_change: Money,
}

/// Commitments of one kind that commitment plans over time propose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiffProposal {
    /// The provider's wording.
    pub commitment_type: String,
    /// How long.
    pub term: Term,
    /// How it is paid.
    pub payment: Payment,
    /// What it covers.
    pub covers: String,
    /// The type that it is quoted for.
    pub quoted_type: Option<String>,
    /// What the quantities count: `instances`, or money an hour.
    pub unit: String,
    /// How much in the first plan.
    pub quantity_before: Ratio,
    /// How much in the second plan.
    pub quantity_after: Ratio,
    /// Upfront payments: after - before.
    pub upfront_change: Money,
    /// Amortised, a month of 730 hours: after - before.
    pub effective_month_change: Money,
}

/// What tells commitments apart: the offer, and what is covered.
type CommitmentKey<'a> = (&'a str, &'a str);

/// Commitments of one kind: how many, paid upfront, and paid a month.
struct Bought<'a> {
    label: &'a str,
    offer: Option<OfferKey>,
    category: CommitmentCategory,
    quantity: u64,
    upfront: Money,
    recurring: Money,
}

fn bought(report: &PlanReport) -> BTreeMap<CommitmentKey<'_>, Bought<'_>> {
    let mut all: BTreeMap<CommitmentKey<'_>, Bought<'_>> = BTreeMap::new();
    let Some(PurchaseRow { option, label, offer, .. }) = selected(report) else { return all };
    for row in report.commitments.iter().filter(|row| row.option == *option) {
        let key = (row.option.as_str(), row.covers.as_str());
        let none = Bought {
            label,
            offer: *offer,
            category: row.category,
            quantity: 0,
            upfront: Money::ZERO,
            recurring: Money::ZERO,
        };
        let sum = all.entry(key).or_insert(none);
        let times =
            |money: Money| money.checked_mul(i128::from(row.quantity)).expect("no bill reaches 10^29");
        sum.quantity += row.quantity;
        sum.upfront = sum.upfront + times(row.upfront_each);
        sum.recurring = sum.recurring + times(row.recurring_rate.for_hours(HOURS_PER_MONTH));
    }
    all
}

pub(super) fn commitments(before: &PlanReport, after: &PlanReport) -> Vec<DiffCommitment> {
    let (a, b) = (bought(before), bought(after));
    let keys: BTreeSet<&CommitmentKey<'_>> = a.keys().chain(b.keys()).collect();
    let mut rows = Vec::new();
    for key in keys {
        let (a, b) = (a.get(key), b.get(key));
        let quantity = |side: Option<&Bought<'_>>| side.map_or(0, |bought| bought.quantity);
        let upfront = |side: Option<&Bought<'_>>| side.map_or(Money::ZERO, |bought| bought.upfront);
        let recurring = |side: Option<&Bought<'_>>| side.map_or(Money::ZERO, |bought| bought.recurring);
        let same = quantity(a) == quantity(b) && upfront(a) == upfront(b) && recurring(a) == recurring(b);
        let Some(either) = a.or(b).filter(|_| !same) else { continue };
        let &(option, covers) = key;
        rows.push(DiffCommitment {
            option: option.to_owned(),
            offer: either.offer,
            label: either.label.to_owned(),
            category: either.category,
            covers: covers.to_owned(),
            quantity_before: quantity(a),
            quantity_after: quantity(b),
            upfront_change: upfront(b) - upfront(a),
            recurring_month_change: recurring(b) - recurring(a),
        });
    }
    rows
}

/// What tells proposals apart: the offer, what it covers, and the type that it is quoted for.
type ProposalKey<'a> = (&'a str, Term, Payment, &'a str, Option<&'a str>);

fn proposed(report: &PlanReport) -> BTreeMap<ProposalKey<'_>, Vec<&ProposalRow>> {
    let mut all: BTreeMap<ProposalKey<'_>, Vec<&ProposalRow>> = BTreeMap::new();
    for row in report.purchases.iter().flat_map(|purchases| &purchases.rows) {
        let quoted = row.quoted_type.as_deref();
        let key = (row.commitment_type.as_str(), row.term, row.payment, row.covers.as_str(), quoted);
        all.entry(key).or_default().push(row);
    }
    all
}

/// Proposals that one of the plans has and the other has not, or not as much of.
pub(super) fn proposals(before: &PlanReport, after: &PlanReport) -> Vec<DiffProposal> {
    let (a, b) = (proposed(before), proposed(after));
    let keys: BTreeSet<&ProposalKey<'_>> = a.keys().chain(b.keys()).collect();
    let none = Vec::new();
    let mut rows = Vec::new();
    for key in keys {
        let (a, b) = (a.get(key).unwrap_or(&none), b.get(key).unwrap_or(&none));
        let quantity = |side: &[&ProposalRow]| -> Ratio {
            let nanos: i128 =
                side.iter().filter_map(|row| row.quantity.parse::<Ratio>().ok()).map(Ratio::nanos).sum();
            Ratio::of_wide(nanos, 1_000_000_000).unwrap_or_default()
        };
        let upfront = |side: &[&ProposalRow]| -> Money { side.iter().map(|row| row.upfront.money()).sum() };
        let month = |side: &[&ProposalRow]| -> Money {
            side.iter().map(|row| row.rate.for_hours(HOURS_PER_MONTH)).sum()
        };
        let same = quantity(a) == quantity(b) && upfront(a) == upfront(b) && month(a) == month(b);
        let Some(either) = a.first().or(b.first()).filter(|_| !same) else { continue };
        rows.push(DiffProposal {
            commitment_type: either.commitment_type.clone(),
            term: either.term,
            payment: either.payment,
            covers: either.covers.clone(),
            quoted_type: either.quoted_type.clone(),
            unit: either.unit.clone(),
            quantity_before: quantity(a),
            quantity_after: quantity(b),
            upfront_change: upfront(b) - upfront(a),
            effective_month_change: month(b) - month(a),
        });
    }
    rows
}
