//! The columns of a catalog's table: their names, and what each reads from and writes to a type.

use std::collections::BTreeMap;

use crate::catalog::derivation::rule;
use crate::catalog::{
    Architecture, Burst, CommitmentOffer, DerivationRules, InstanceType, ListedRate, NodeLimits,
    NormalizedUnits, OfferKind, Payment, Provenance, Term,
};
use crate::units::{Bytes, MilliCpu, Money, PartsPerMillion, Rate};

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
    SustainedUse,
    /// The effective rate of an offer.
    Offer(OfferKind, Term, Payment),
    /// The price of a reservation's whole term.
    Total(Term),
    Marks,
}

/// The columns that have one name, in the order in which they are written; offers stand before marks.
const FIXED: [(Column, &str); 20] = [
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

fn derived(name: &str) -> Provenance {
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

/// A row that is being read: what its cells have said so far.
#[derive(Debug, Default)]
pub(super) struct Draft {
    name: Option<String>,
    family: Option<String>,
    cpu: Option<MilliCpu>,
    memory: Option<Bytes>,
    architecture: Option<Architecture>,
    on_demand: Option<ListedRate>,
    category: String,
    current_generation: Option<bool>,
    bare_metal: bool,
    local_storage: Bytes,
    accelerator: Option<String>,
    extended: BTreeMap<String, u64>,
    limits: NodeLimits,
    baseline: Option<PartsPerMillion>,
    surplus: Option<Rate>,
    normalized_units: Option<NormalizedUnits>,
    spot: Option<ListedRate>,
    sustained_use: Option<ListedRate>,
    offers: Vec<CommitmentOffer>,
    marks: Vec<String>,
}

/// What the cells of a row may refer to in the header.
pub(super) struct Header<'a> {
    pub(super) rules: &'a DerivationRules,
    pub(super) marks: &'a BTreeMap<String, String>,
}

impl Draft {
    /// Takes in a cell that is not empty; the error says what is wrong with it.
    pub(super) fn set(&mut self, column: Column, text: &str, header: &Header<'_>) -> Result<(), String> {
        match column {
            Column::Name => self.name = Some(text.to_owned()),
            Column::Family => self.family = Some(text.to_owned()),
            Column::Vcpu => self.cpu = Some(MilliCpu(read_thousandths(text)?)),
            Column::Memory => {
                let bytes = read_count(text)?.checked_mul(1 << 20).ok_or("out of range")?;
                self.memory = Some(Bytes(bytes));
            }
            Column::Arch => {
                self.architecture = Some(match text {
                    "amd64" => Architecture::Amd64,
                    "arm64" => Architecture::Arm64,
                    _ => return Err(format!("`{text}` is neither amd64 nor arm64")),
                });
            }
            Column::Category => text.clone_into(&mut self.category),
            Column::Generation => {
                self.current_generation = Some(match text {
                    "current" => true,
                    "previous" => false,
                    _ => return Err(format!("`{text}` is neither current nor previous")),
                });
            }
            Column::BareMetal => {
                self.bare_metal = match text {
                    "yes" => true,
                    "no" => false,
                    _ => return Err(format!("`{text}` is neither yes nor no")),
                };
            }
            Column::LocalStorage => {
                let gigabytes: Rate = text.parse().map_err(|e| format!("{e}"))?;
                self.local_storage = Bytes(gigabytes.nanos());
            }
            Column::Accelerator => self.accelerator = Some(text.to_owned()),
            Column::Extended => self.extended = read_extended(text)?,
            Column::MaxPods => self.limits.max_pods_eni = Some(read_count(text)?),
            Column::MaxPodsPrefix => self.limits.max_pods_prefix = Some(read_count(text)?),
            Column::Volumes => self.limits.volume_attachments = Some(read_count(text)?),
            Column::Baseline => {
                let share =
                    format!("{text}%").parse().map_err(|_| format!("`{text}` is not a percentage"))?;
                if share == PartsPerMillion(0) || share > PartsPerMillion::ONE {
                    return Err(format!("`{text}` is not above 0 and at most 100"));
                }
                self.baseline = Some(share);
            }
            Column::Surplus => self.surplus = Some(read_rate(text, header.rules)?.rate),
            Column::NormalizedUnits => {
                self.normalized_units = Some(NormalizedUnits(read_thousandths(text)?));
            }
            Column::OnDemand => self.on_demand = Some(read_rate(text, header.rules)?),
            Column::Spot => self.spot = Some(read_rate(text, header.rules)?),
            Column::SustainedUse => self.sustained_use = Some(read_rate(text, header.rules)?),
            Column::Offer(kind, term, payment) => {
                let ListedRate { rate, provenance } = read_rate(text, header.rules)?;
                self.offers.push(CommitmentOffer::new(kind, term, payment, rate, provenance));
            }
            Column::Total(term) => self.offers.extend(read_total(text, term, header.rules)?),
            Column::Marks => {
                let marks: Vec<String> = text.split(';').map(str::to_owned).collect();
                if let Some(unknown) = marks.iter().find(|m| !header.marks.contains_key(*m)) {
                    return Err(format!("mark `{unknown}` is not explained under `marks:` in the header"));
                }
                self.marks = marks;
            }
        }
        Ok(())
    }

    /// The type, or the required columns that are empty.
    pub(super) fn finish(self, rules: &DerivationRules) -> Result<InstanceType, Vec<(Column, &'static str)>> {
        let mut missing = Vec::new();
        let mut need = |there: bool, column, message| {
            if !there {
                missing.push((column, message));
            }
        };
        need(self.name.is_some(), Column::Name, "missing");
        need(self.family.is_some(), Column::Family, "missing");
        need(self.cpu.is_some(), Column::Vcpu, "missing");
        need(self.memory.is_some(), Column::Memory, "missing");
        need(self.architecture.is_some(), Column::Arch, "missing");
        need(self.on_demand.is_some(), Column::OnDemand, "no rate: a type without one is left out");
        need(
            self.baseline.is_some() || self.surplus.is_none(),
            Column::Baseline,
            "missing, though `surplus` is given",
        );
        let (Some(name), Some(family), Some(cpu), Some(memory), Some(architecture), Some(on_demand), true) = (
            self.name,
            self.family,
            self.cpu,
            self.memory,
            self.architecture,
            self.on_demand,
            missing.is_empty(),
        ) else {
            return Err(missing);
        };
        let mut machine = InstanceType {
            name,
            family,
            current_generation: self.current_generation,
            category: self.category,
            cpu,
            memory,
            architecture,
            bare_metal: self.bare_metal,
            extended: self.extended,
            accelerator: self.accelerator,
            local_storage: self.local_storage,
            limits: self.limits,
            burst: self.baseline.map(|baseline| Burst { baseline, surplus_rate: self.surplus }),
            on_demand,
            spot: self.spot,
            sustained_use: self.sustained_use,
            offers: self.offers,
            normalized_units: self.normalized_units,
            marks: self.marks,
        };
        rules.apply(&mut machine);
        Ok(machine)
    }
}

/// A rate above zero; `~` before it says that it was rounded.
fn read_rate(text: &str, rules: &DerivationRules) -> Result<ListedRate, String> {
    let (text, provenance) = match text.strip_prefix('~') {
        None => (text, Provenance::Listed),
        Some(_) if rules.rounded_rates.is_none() => {
            return Err("`~` without `rules: rounded_rates:` in the header".to_owned());
        }
        Some(rest) => (rest, derived(rule::ROUNDED_RATES)),
    };
    let rate: Rate = text.parse().map_err(|e| format!("{e}"))?;
    if rate == Rate::ZERO {
        return Err("a rate of zero: leave the cell empty where there is no offer".to_owned());
    }
    Ok(ListedRate { rate, provenance })
}

/// A reservation by the price of its term, paid at once or by month at the same total.
fn read_total(text: &str, term: Term, rules: &DerivationRules) -> Result<[CommitmentOffer; 2], String> {
    if rules.term_totals.is_none() {
        return Err("a total without `rules: term_totals:` in the header".to_owned());
    }
    let total: Money = text.parse().map_err(|e| format!("{e}"))?;
    let effective = effective_of_total(total, term).ok_or_else(|| format!("`{text}` is out of range"))?;
    Ok([Payment::NoUpfront, Payment::AllUpfront].map(|payment| {
        CommitmentOffer::new(
            OfferKind::AzureReservation,
            term,
            payment,
            effective,
            derived(rule::TERM_TOTALS),
        )
    }))
}

/// A positive total in whole cents, spread over the term and rounded half up to nano-dollars.
pub(in crate::input) fn effective_of_total(total: Money, term: Term) -> Option<Rate> {
    const CENT: i128 = 10_000_000;
    if total.nanos() <= 0 || total.nanos() % CENT != 0 {
        return None;
    }
    let hours = i128::from(term.hours());
    u64::try_from((total.nanos() * 2 + hours) / (hours * 2)).ok().map(Rate::from_nanos)
}

fn read_count(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => Err("zero: leave the cell empty where it is not known".to_owned()),
        Ok(n) => Ok(n),
        Err(_) => Err(format!("`{text}` is not a whole number")),
    }
}

/// `0.25` as 250.
fn read_thousandths(text: &str) -> Result<u64, String> {
    let nanos = text.parse::<Rate>().map_err(|e| format!("{e}"))?.nanos();
    match (nanos, nanos % 1_000_000) {
        (0, _) => Err("must be above zero".to_owned()),
        (_, 0) => Ok(nanos / 1_000_000),
        _ => Err(format!("`{text}` has more than three decimals")),
    }
}

/// `nvidia.com/gpu=8;hugepages-2Mi=2097152`.
fn read_extended(text: &str) -> Result<BTreeMap<String, u64>, String> {
    let mut extended = BTreeMap::new();
    for pair in text.split(';') {
        let (name, count) = pair.split_once('=').ok_or_else(|| format!("`{pair}` is not name=count"))?;
        if extended.insert(name.to_owned(), read_count(count)?).is_some() {
            return Err(format!("`{name}` is given twice"));
        }
    }
    Ok(extended)
}
