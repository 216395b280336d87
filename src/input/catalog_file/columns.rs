//! The columns of a catalog's table: their names, and what each says of a type.

use crate::catalog::derivation::rule;
use crate::catalog::{
    CommitmentOffer, InstanceType, ListedRate, NormalizedUnits, OfferKind, Payment, Provenance, Term,
};
use crate::units::{Bytes, Money, Rate};

/// One column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Name,
    Family,
    Vcpu,
    Memory,
    Arch,
    Category,
    Generation,
    BareMetal,
    LocalStorage,
    Accelerator,
    Extended,
    MaxPods,
    MaxPodsPrefix,
    Volumes,
    Baseline,
    Surplus,
    NormalizedUnits,
    OnDemand,
    Spot,
    Interruption,
    SustainedUse,
    /// The effective rate of an offer.
    Offer(OfferKind, Term, Payment),
    /// The price of a reservation's whole term.
    Total(Term),
    Marks,
    Sku,
}

/// The columns that have one name, in the order in which they are written; offers stand before marks.
const FIXED: [(Column, &str); 22] = [
    (Column::Name, "name"),
    (Column::Family, "family"),
    (Column::Vcpu, "vcpu"),
    (Column::Memory, "memory_mib"),
    (Column::Arch, "arch"),
    (Column::OnDemand, "on_demand"),
    (Column::Category, "category"),
    (Column::Generation, "generation"),
    (Column::BareMetal, "bare_metal"),
    (Column::LocalStorage, "local_storage_gb"),
    (Column::Accelerator, "accelerator"),
    (Column::Extended, "extended"),
    (Column::MaxPods, "max_pods"),
    (Column::MaxPodsPrefix, "max_pods_prefix"),
    (Column::Volumes, "volumes"),
    (Column::Baseline, "baseline_percent"),
    (Column::Surplus, "surplus"),
    (Column::NormalizedUnits, "normalized_units"),
    (Column::Spot, "spot"),
    (Column::Interruption, "spot_interruption"),
    (Column::SustainedUse, "sustained_use"),
    (Column::Sku, "sku"),
];
const MARKS: &str = "marks";
const TOTAL: &str = "total";

impl Column {
    /// Columns without which a row is no type.
    pub(super) const REQUIRED: [Column; 6] =
        [Column::Name, Column::Family, Column::Vcpu, Column::Memory, Column::Arch, Column::OnDemand];

    /// All columns, in the order in which they are written.
    pub(super) fn all() -> Vec<Column> {
        let mut all: Vec<Column> = FIXED.iter().map(|&(column, _)| column).collect();
        for kind in OfferKind::ALL {
            for term in Term::ALL {
                all.extend(Payment::ALL.map(|payment| Column::Offer(kind, term, payment)));
            }
        }
        all.extend(Term::ALL.map(Column::Total));
        all.push(Column::Marks);
        all
    }

    /// The column of this name.
    pub(super) fn from_name(name: &str) -> Option<Column> {
        if let Some(&(column, _)) = FIXED.iter().find(|(_, n)| *n == name) {
            return Some(column);
        }
        if name == MARKS {
            return Some(Column::Marks);
        }
        let mut parts = name.split('/');
        let (kind, term, payment) = (parts.next()?, parts.next()?, parts.next()?);
        let kind = OfferKind::ALL.into_iter().find(|k| k.as_str() == kind)?;
        let term = Term::ALL.into_iter().find(|t| t.as_str() == term)?;
        if parts.next().is_some() {
            return None;
        }
        if payment == TOTAL && kind == OfferKind::AzureReservation {
            return Some(Column::Total(term));
        }
        let payment = Payment::ALL.into_iter().find(|p| p.as_str() == payment)?;
        Some(Column::Offer(kind, term, payment))
    }

    /// Its name in the header row.
    pub(super) fn name(self) -> String {
        match self {
            Column::Offer(kind, term, payment) => {
                format!("{}/{}/{}", kind.as_str(), term.as_str(), payment.as_str())
            }
            Column::Total(term) => {
                format!("{}/{}/{TOTAL}", OfferKind::AzureReservation.as_str(), term.as_str())
            }
            Column::Marks => MARKS.to_owned(),
            fixed => FIXED
                .iter()
                .find(|(column, _)| *column == fixed)
                .map(|(_, name)| (*name).to_owned())
                .expect("every other column has one name"),
        }
    }

    /// What the column says of a type; empty where it says nothing or what the rules derive.
    pub(super) fn write(self, machine: &InstanceType) -> String {
        let count = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
        match self {
            Column::Name => machine.name.clone(),
            Column::Family => machine.family.clone(),
            Column::Vcpu => thousandths(machine.cpu.0),
            Column::Memory => (machine.memory.0 >> 20).to_string(),
            Column::Arch => machine.architecture.to_string(),
            Column::Category => machine.category.clone(),
            Column::Generation => match machine.current_generation {
                Some(true) => "current".to_owned(),
                Some(false) => "previous".to_owned(),
                None => String::new(),
            },
            Column::BareMetal => if machine.bare_metal { "yes" } else { "" }.to_owned(),
            Column::LocalStorage if machine.local_storage == Bytes(0) => String::new(),
            // 10^-9 GB is one byte.
            Column::LocalStorage => Rate::from_nanos(machine.local_storage.0).to_string(),
            Column::Accelerator => machine.accelerator.clone().unwrap_or_default(),
            Column::Extended => {
                let pairs: Vec<String> = machine.extended.iter().map(|(k, v)| format!("{k}={v}")).collect();
                pairs.join(";")
            }
            Column::MaxPods => count(machine.limits.max_pods_eni),
            Column::MaxPodsPrefix => count(machine.limits.max_pods_prefix),
            Column::Volumes => count(machine.limits.volume_attachments),
            Column::Baseline => machine
                .burst
                .map(|b| b.baseline.to_string().trim_end_matches([' ', '%']).to_owned())
                .unwrap_or_default(),
            Column::Surplus => {
                machine.burst.and_then(|b| b.surplus_rate).map(|r| r.to_string()).unwrap_or_default()
            }
            Column::NormalizedUnits => {
                machine.normalized_units.map(|NormalizedUnits(n)| thousandths(n)).unwrap_or_default()
            }
            Column::OnDemand => listed(&machine.on_demand),
            Column::Spot => machine.spot.as_ref().map(listed).unwrap_or_default(),
            Column::Interruption => machine.interruption.map(|b| b.to_string()).unwrap_or_default(),
            Column::SustainedUse => machine.sustained_use.as_ref().map(listed).unwrap_or_default(),
            Column::Offer(kind, term, payment) => {
                machine.offer(kind, term, payment).map(listed_offer).unwrap_or_default()
            }
            Column::Total(term) => machine
                .offer(OfferKind::AzureReservation, term, Payment::AllUpfront)
                .filter(|o| o.provenance.rule() == Some(rule::TERM_TOTALS))
                .map(|o| plain_cents(o.provenance.list_price().map_or(o.upfront, |list| list.upfront)))
                .unwrap_or_default(),
            Column::Sku => machine.sku.clone().unwrap_or_default(),
            Column::Marks => machine.marks.join(";"),
        }
    }
}

pub(super) fn derived(name: &str) -> Provenance {
    Provenance::Derived(name.to_owned())
}

/// A rate as the price list states it, with `~` where it was rounded; nothing where another rule made
/// it. Negotiated discounts are no part of a table.
fn listed(rate: &ListedRate) -> String {
    let list = rate.provenance.list_price().map_or(rate.rate, |list| list.rate);
    match rate.provenance.of_list() {
        Provenance::Derived(name) if name == rule::ROUNDED_RATES => format!("~{list}"),
        Provenance::Derived(_) => String::new(),
        _ => list.to_string(),
    }
}

/// An offer's effective rate, or `UPFRONT+RECURRING` where that says more.
fn listed_offer(offer: &CommitmentOffer) -> String {
    let (kind, term, payment) = (offer.kind, offer.term, offer.payment);
    let (effective, upfront) = match offer.provenance.list_price() {
        Some(list) => (list.rate, list.upfront),
        None => (offer.effective, offer.upfront),
    };
    let provenance = offer.provenance.of_list().clone();
    let usual = CommitmentOffer::new(kind, term, payment, effective, provenance.clone());
    if usual.upfront == upfront || provenance.rule().is_some() {
        return listed(&ListedRate { rate: effective, provenance });
    }
    let prepaid = u64::try_from(upfront.nanos() / i128::from(term.hours())).unwrap_or_default();
    let recurring = Rate::from_nanos(effective.nanos().saturating_sub(prepaid));
    let cents = plain_cents(upfront);
    let same = |text: &str| {
        let read = text.parse().ok().and_then(|upfront| {
            CommitmentOffer::listed((kind, term, payment), upfront, recurring, provenance.clone())
        });
        read.is_some_and(|read| (read.effective, read.upfront) == (effective, upfront))
    };
    let upfront = if same(&cents) { cents } else { upfront.to_string() };
    format!("{upfront}+{recurring}")
}

/// `263.00` as `263`.
fn plain_cents(amount: Money) -> String {
    amount.to_cents_string().trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `4000` as `4`, `250` as `0.25`.
fn thousandths(n: u64) -> String {
    Rate::from_nanos(n.saturating_mul(1_000_000)).to_string()
}
