//! A row of a catalog's table while it is read: cells to a type, or what is wrong with them.

use std::collections::BTreeMap;

use super::columns::{Column, derived};
use crate::catalog::derivation::rule;
use crate::catalog::{
    Architecture, Burst, CommitmentOffer, DerivationRules, InstanceType, InterruptionBand, ListedRate,
    NodeLimits, NormalizedUnits, OfferKind, Payment, Provenance, Term,
};
use crate::units::{Bytes, MilliCpu, Money, PartsPerMillion, Rate};

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
    interruption: Option<InterruptionBand>,
    sustained_use: Option<ListedRate>,
    offers: Vec<CommitmentOffer>,
    marks: Vec<String>,
    sku: Option<String>,
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
            Column::Interruption => self.interruption = Some(text.parse()?),
            Column::SustainedUse => self.sustained_use = Some(read_rate(text, header.rules)?),
            Column::Sku => self.sku = Some(text.to_owned()),
            Column::Offer(kind, term, payment) if text.contains('+') => {
                self.offers.push(read_payments(text, (kind, term, payment))?);
            }
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
        need(
            self.on_demand.is_some(),
            Column::OnDemand,
            "no rate on demand: give one, or leave the type out",
        );
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
            interruption: self.interruption,
            sustained_use: self.sustained_use,
            offers: self.offers,
            normalized_units: self.normalized_units,
            marks: self.marks,
            sku: self.sku,
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

/// An offer as what is paid at the start and every hour: `263+0.03`.
fn read_payments(text: &str, key: (OfferKind, Term, Payment)) -> Result<CommitmentOffer, String> {
    let (upfront, recurring) = text.split_once('+').ok_or_else(|| format!("`{text}` has no `+`"))?;
    let upfront: Money = upfront.parse().map_err(|e| format!("{e}"))?;
    let recurring: Rate = recurring.parse().map_err(|e| format!("{e}"))?;
    let fits = match key.2 {
        Payment::NoUpfront => upfront == Money::ZERO,
        Payment::PartialUpfront => true,
        Payment::AllUpfront => recurring == Rate::ZERO,
    };
    let offer = CommitmentOffer::listed(key, upfront, recurring, Provenance::Listed).filter(|_| fits);
    match offer {
        Some(offer) if offer.effective > Rate::ZERO => Ok(offer),
        _ => Err(format!("`{text}` is no upfront payment and hourly rate of {}", key.2.as_str())),
    }
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
