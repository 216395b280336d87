//! Catalogs as flat rows for people: `catalog list` and `catalog show`.

use serde::Serialize;

use super::{Catalog, InstanceType, Payment, Provenance, Provider, Term};
use crate::units::{Bytes, MilliCpu, Money, PartsPerMillion, Rate};

/// One catalog in a list of catalogs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CatalogRow {
    /// Its name.
    pub name: String,
    /// Whose prices these are.
    pub provider: Provider,
    /// Their region.
    pub region: String,
    /// ISO 4217 code.
    pub currency: String,
    /// Their date as the source gives it.
    pub price_date: String,
    /// How many types have a rate.
    pub types: usize,
    /// How many of them have a commitment offer.
    pub with_commitments: usize,
}

/// One type in a list of types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TypeRow {
    /// Its name.
    pub name: String,
    /// vCPUs in millicores.
    pub cpu: MilliCpu,
    /// Memory as the price list states it.
    pub memory: Bytes,
    /// Processor architecture.
    pub architecture: super::Architecture,
    /// Extended resources, such as `8 nvidia.com/gpu (a100)`; empty for none.
    pub accelerators: String,
    /// On demand, per hour.
    pub on_demand: Rate,
    /// Spot, per hour.
    pub spot: Option<Rate>,
    /// The lowest effective rate of a one-year offer.
    pub best_one_year: Option<Rate>,
    /// The lowest effective rate of a three-year offer.
    pub best_three_years: Option<Rate>,
    /// Marks that its price carries.
    pub marks: Vec<String>,
}

/// All that a catalog knows of one type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TypeDetail {
    /// Its name.
    pub name: String,
    /// The catalog's name.
    pub catalog: String,
    /// Currency of all rates.
    pub currency: String,
    /// What it is: label and value, in the order of print.
    pub facts: Vec<(&'static str, String)>,
    /// What it costs, on demand first.
    pub rates: Vec<RateRow>,
    /// Marks with their meanings.
    pub marks: Vec<(String, String)>,
}

/// One way to pay for a type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RateRow {
    /// `on-demand`, `spot`, `sustained-use` or the kind of commitment.
    pub purchase: &'static str,
    /// Length of the commitment.
    pub term: Option<Term>,
    /// How the commitment is paid.
    pub payment: Option<Payment>,
    /// Paid at the start.
    pub upfront: Money,
    /// Paid every hour.
    pub recurring: Rate,
    /// Amortised rate per hour.
    pub effective: Rate,
    /// Share saved against on demand, rounded down; none where nothing is saved.
    pub saving: Option<PartsPerMillion>,
    /// Listed or derived.
    pub provenance: Provenance,
    /// What the rule says that a derived rate follows.
    pub reason: Option<String>,
}

/// A catalog has no type of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("catalog {catalog} has no instance type `{asked}`{}", .nearest.as_ref().map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
pub struct UnknownType {
    /// The catalog's name.
    pub catalog: String,
    /// What was asked for.
    pub asked: String,
    /// The nearest name, where one is near.
    pub nearest: Option<String>,
}

impl Catalog {
    /// The catalog as one row.
    pub fn row(&self) -> CatalogRow {
        CatalogRow {
            name: self.name.clone(),
            provider: self.provider,
            region: self.region.clone(),
            currency: self.currency.clone(),
            price_date: self.price_date.clone(),
            types: self.types.len(),
            with_commitments: self.types.iter().filter(|t| !t.offers.is_empty()).count(),
        }
    }

    /// The types that `wanted` holds for, by name.
    pub fn type_rows(&self, wanted: impl Fn(&InstanceType) -> bool) -> Vec<TypeRow> {
        self.types.iter().filter(|t| wanted(t)).map(type_row).collect()
    }

    /// All about one type.
    ///
    /// # Errors
    /// There is none of this name; says which is nearest.
    pub fn detail(&self, name: &str) -> Result<TypeDetail, UnknownType> {
        let machine = self.find(name).ok_or_else(|| UnknownType {
            catalog: self.name.clone(),
            asked: name.to_owned(),
            nearest: nearest(name, self.types.iter().map(|t| t.name.as_str())).map(str::to_owned),
        })?;
        let meaning = |mark: &String| self.marks.get(mark).cloned().unwrap_or_default();
        Ok(TypeDetail {
            name: machine.name.clone(),
            catalog: self.name.clone(),
            currency: self.currency.clone(),
            facts: facts(machine),
            rates: self.rates(machine),
            marks: machine.marks.iter().map(|m| (m.clone(), meaning(m))).collect(),
        })
    }

    fn rates(&self, machine: &InstanceType) -> Vec<RateRow> {
        let on_demand = machine.on_demand.rate;
        let row = |purchase, effective: Rate, provenance: &Provenance| RateRow {
            purchase,
            term: None,
            payment: None,
            upfront: Money::ZERO,
            recurring: effective,
            effective,
            saving: saving(effective, on_demand),
            reason: self.reason(provenance),
            provenance: provenance.clone(),
        };
        let mut rates = vec![row("on-demand", on_demand, &machine.on_demand.provenance)];
        let others = [("sustained-use", &machine.sustained_use), ("spot", &machine.spot)];
        rates.extend(
            others
                .into_iter()
                .filter_map(|(name, rate)| rate.as_ref().map(|r| row(name, r.rate, &r.provenance))),
        );
        rates.extend(machine.offers.iter().map(|o| RateRow {
            term: Some(o.term),
            payment: Some(o.payment),
            upfront: o.upfront,
            recurring: o.recurring,
            ..row(o.kind.as_str(), o.effective, &o.provenance)
        }));
        rates
    }

    fn reason(&self, provenance: &Provenance) -> Option<String> {
        provenance.rule().and_then(|name| self.rules.reason(name)).map(str::to_owned)
    }
}

/// The name most like the one asked for, unless none is much like it.
pub fn nearest<'a>(asked: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Below this, Jaro-Winkler finds likeness in names that share but their first letters.
    const MUCH_ALIKE: f64 = 0.8;
    known
        .map(|name| (strsim::jaro_winkler(asked, name), name))
        .filter(|(score, _)| *score > MUCH_ALIKE)
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, name)| name)
}

fn type_row(machine: &InstanceType) -> TypeRow {
    let best = |term: Term| {
        // A savings plan of the same rate is the same price, so the kind does not matter here.
        machine.offers.iter().filter(|o| o.term == term).map(|o| o.effective).min()
    };
    TypeRow {
        name: machine.name.clone(),
        cpu: machine.cpu,
        memory: machine.memory,
        architecture: machine.architecture,
        accelerators: accelerators(machine),
        on_demand: machine.on_demand.rate,
        spot: machine.spot.as_ref().map(|s| s.rate),
        best_one_year: best(Term::OneYear),
        best_three_years: best(Term::ThreeYears),
        marks: machine.marks.clone(),
    }
}

fn accelerators(machine: &InstanceType) -> String {
    let counts: Vec<String> = machine.extended.iter().map(|(name, n)| format!("{n} {name}")).collect();
    match &machine.accelerator {
        Some(name) => format!("{} ({name})", counts.join(", ")),
        None => counts.join(", "),
    }
}

fn saving(effective: Rate, on_demand: Rate) -> Option<PartsPerMillion> {
    let saved = on_demand.nanos().checked_sub(effective.nanos()).filter(|s| *s > 0)?;
    let share = u128::from(saved) * 1_000_000 / u128::from(on_demand.nanos());
    u32::try_from(share).ok().map(PartsPerMillion)
}

fn facts(machine: &InstanceType) -> Vec<(&'static str, String)> {
    let count = |n: Option<u64>| n.map_or_else(|| "unknown".to_owned(), |n| n.to_string());
    let mut facts = vec![
        ("family", machine.family.clone()),
        ("category", if machine.category.is_empty() { "unknown" } else { &machine.category }.to_owned()),
        (
            "generation",
            match machine.current_generation {
                Some(true) => "current",
                Some(false) => "previous",
                None => "unknown",
            }
            .to_owned(),
        ),
        ("vCPU", machine.cpu.to_string()),
        ("memory", machine.memory.to_string()),
        ("architecture", machine.architecture.to_string()),
        ("bare metal", if machine.bare_metal { "yes" } else { "no" }.to_owned()),
    ];
    if !machine.extended.is_empty() {
        facts.push(("accelerators", accelerators(machine)));
    }
    if machine.local_storage > Bytes(0) {
        facts.push(("local storage", machine.local_storage.to_string()));
    }
    facts.push(("pods (secondary addresses)", count(machine.limits.max_pods_eni)));
    facts.push(("pods (prefix delegation)", count(machine.limits.max_pods_prefix)));
    facts.push(("attachable volumes", count(machine.limits.volume_attachments)));
    if let Some(burst) = machine.burst {
        facts.push(("baseline per vCPU", burst.baseline.to_string()));
        if let Some(rate) = burst.surplus_rate {
            facts.push(("surplus per vCPU-hour", rate.to_string()));
        }
    }
    if let Some(units) = machine.normalized_units {
        let units = Rate::from_nanos(units.0.saturating_mul(1_000_000));
        facts.push(("normalized units", units.to_string()));
    }
    facts
}
