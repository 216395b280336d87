//! The columns of a catalog's table: their names, and what each says of a type.

use crate::catalog::derivation::rule;
use crate::catalog::{InstanceType, NormalizedUnits, OfferKind, Payment, Provenance, Term};
use crate::units::{Bytes, Rate};

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
}

/// The columns that have one name, in the order in which they are written; offers stand before marks.
const FIXED: [(Column, &str); 21] = [
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
            Column::OnDemand => listed(machine.on_demand.rate, &machine.on_demand.provenance),
            Column::Spot => machine.spot.as_ref().map(|r| listed(r.rate, &r.provenance)).unwrap_or_default(),
            Column::Interruption => machine.interruption.map(|b| b.to_string()).unwrap_or_default(),
            Column::SustainedUse => {
                machine.sustained_use.as_ref().map(|r| listed(r.rate, &r.provenance)).unwrap_or_default()
            }
            Column::Offer(kind, term, payment) => machine
                .offer(kind, term, payment)
                .map(|o| listed(o.effective, &o.provenance))
                .unwrap_or_default(),
            Column::Total(term) => machine
                .offer(OfferKind::AzureReservation, term, Payment::AllUpfront)
                .filter(|o| o.provenance == derived(rule::TERM_TOTALS))
                .map(|o| o.upfront.to_cents_string().trim_end_matches('0').trim_end_matches('.').to_owned())
                .unwrap_or_default(),
            Column::Marks => machine.marks.join(";"),
        }
    }
}

pub(super) fn derived(name: &str) -> Provenance {
    Provenance::Derived(name.to_owned())
}

/// A rate that the source states, with `~` where it was rounded; nothing where another rule made it.
fn listed(rate: Rate, provenance: &Provenance) -> String {
    match provenance {
        Provenance::Listed => rate.to_string(),
        Provenance::Derived(name) if name == rule::ROUNDED_RATES => format!("~{rate}"),
        Provenance::Derived(_) => String::new(),
    }
}

/// `4000` as `4`, `250` as `0.25`.
fn thousandths(n: u64) -> String {
    Rate::from_nanos(n.saturating_mul(1_000_000)).to_string()
}
