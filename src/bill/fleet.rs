//! A fleet of nodes and its price under each way of paying.
//!
//! "Reserved" means here: all nodes whose type has the offer are covered by it, for its whole term;
//! the others stay on demand, and the share covered says how much that is. Buying less than the
//! fleet needs a demand over time and an optimiser.

use std::collections::BTreeMap;

use super::cost::{BilledCost, ContractedCost, EffectiveCost, ListCost};
use super::offer::{OfferKey, Purchase, Scope, commitment_id, scope};
use super::ratio::Ratio;
use super::split::pro_rata;
use crate::catalog::{Catalog, CommitmentOffer, InstanceType};
use crate::units::{HOURS_PER_MONTH, Money, Rate};

/// Nodes of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FleetLine<'a> {
    /// Which type.
    pub instance_type: &'a InstanceType,
    /// How many.
    pub nodes: u64,
    /// What a node costs per hour beyond its on-demand (or spot) rate and whatever is committed
    /// (surplus credits of a burstable type). No commitment covers it.
    pub surcharge: Rate,
    /// Whether they are spot nodes: paid at the spot rate, whatever is committed.
    pub spot: bool,
}

impl FleetLine<'_> {
    /// With surcharge, after negotiated discounts, per node and hour: on demand, or spot for spot nodes.
    pub fn list_rate(&self) -> Rate {
        let t = self.instance_type;
        let base =
            if self.spot { t.spot.as_ref().map_or(t.on_demand.rate, |s| s.rate) } else { t.on_demand.rate };
        base.checked_add(self.surcharge).expect("rates stay below 10^10 an hour")
    }

    /// That at the public price list.
    pub fn public_rate(&self) -> Rate {
        let t = self.instance_type;
        let base = if self.spot { t.spot.as_ref().unwrap_or(&t.on_demand) } else { &t.on_demand };
        base.list_rate().checked_add(self.surcharge).expect("rates stay below 10^10 an hour")
    }

    fn for_hours(&self, rate: Rate, hours: u64) -> Money {
        times(rate.for_hours(hours), self.nodes)
    }
}

/// Nodes by type, ascending by the type's name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fleet<'a> {
    lines: Vec<FleetLine<'a>>,
}

/// What contradicts the catalog in a fleet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FleetError {
    /// A type index beyond the catalog.
    #[error("the catalog has no type number {0}")]
    UnknownType(usize),
    /// The plan pays less for a node than its on-demand rate.
    #[error("{name} is planned at {planned} an hour, below its on-demand rate {on_demand}")]
    BelowOnDemand {
        /// Type name.
        name: String,
        /// Rate in the plan.
        planned: Rate,
        /// Rate in the catalog.
        on_demand: Rate,
    },
    /// Spot nodes of a type that has no spot rate, or below it.
    #[error("{name} is planned as a spot node at {planned} an hour, for which the catalog has no rate")]
    NoSpotRate {
        /// Type name.
        name: String,
        /// Rate in the plan.
        planned: Rate,
    },
}

impl<'a> Fleet<'a> {
    /// Nodes as `(index into catalog.types, how many, what one costs an hour on demand)`.
    ///
    /// # Errors
    /// A type that the catalog lacks, or a planned rate below on demand.
    pub fn new(
        catalog: &'a Catalog,
        nodes: impl IntoIterator<Item = (usize, u64, Rate)>,
    ) -> Result<Self, FleetError> {
        Fleet::with_spot(catalog, nodes.into_iter().map(|(index, count, rate)| (index, count, rate, false)))
    }

    /// The same with, last, whether the nodes are spot nodes.
    ///
    /// # Errors
    /// As for [`Fleet::new`], and spot nodes without a spot rate.
    pub fn with_spot(
        catalog: &'a Catalog,
        nodes: impl IntoIterator<Item = (usize, u64, Rate, bool)>,
    ) -> Result<Self, FleetError> {
        let mut merged: BTreeMap<(&str, bool, Rate), FleetLine<'a>> = BTreeMap::new();
        for (index, count, rate, spot) in nodes {
            let instance_type = catalog.types.get(index).ok_or(FleetError::UnknownType(index))?;
            let name = || instance_type.name.clone();
            let over = |base: Rate| rate.nanos().checked_sub(base.nanos()).map(Rate::from_nanos);
            let surcharge = if spot {
                let base = instance_type.spot.as_ref().and_then(|listed| over(listed.rate));
                base.ok_or_else(|| FleetError::NoSpotRate { name: name(), planned: rate })?
            } else {
                let on_demand = instance_type.on_demand.rate;
                over(on_demand).ok_or_else(|| FleetError::BelowOnDemand {
                    name: name(),
                    planned: rate,
                    on_demand,
                })?
            };
            if count > 0 {
                merged
                    .entry((&instance_type.name, spot, surcharge))
                    .or_insert(FleetLine { instance_type, nodes: 0, surcharge, spot })
                    .nodes += count;
            }
        }
        Ok(Fleet { lines: merged.into_values().collect() })
    }

    /// Its nodes by type.
    pub fn lines(&self) -> &[FleetLine<'a>] {
        &self.lines
    }

    /// How many nodes there are.
    pub fn nodes(&self) -> u64 {
        self.lines.iter().map(|l| l.nodes).sum()
    }

    /// At public rates: on demand, and spot for spot nodes.
    pub fn list(&self, hours: u64) -> ListCost {
        self.lines.iter().map(|l| ListCost::new(l.for_hours(l.list_rate(), hours))).sum()
    }

    /// Every way of paying that the catalog has for at least one node: on demand first, then
    /// sustained use, then the offers in the order of their keys.
    pub fn purchases(&self) -> Vec<Purchase> {
        // Nothing that is bought in advance covers spot nodes.
        let types = || self.lines.iter().filter(|l| !l.spot).map(|l| l.instance_type);
        let mut keys: Vec<OfferKey> = types().flat_map(|t| t.offers.iter().map(OfferKey::of)).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut purchases = vec![Purchase::OnDemand];
        if types().any(|t| t.sustained_use.is_some()) {
            purchases.push(Purchase::SustainedUse);
        }
        purchases.extend(keys.into_iter().map(Purchase::Commitment));
        purchases
    }

    /// The bill under one way of paying.
    pub fn bill(&self, purchase: Purchase) -> FleetBill<'a> {
        let mut commitments: BTreeMap<String, Vec<CommittedLine<'a>>> = BTreeMap::new();
        let mut as_used = Vec::new();
        for line in &self.lines {
            let t = line.instance_type;
            match purchase {
                _ if line.spot => as_used.push(AsUsedLine { line: *line, rate: line.list_rate() }),
                Purchase::Commitment(key) => match key.find(t) {
                    Some(offer) => {
                        let covers = match scope(key.kind) {
                            Scope::InstanceType => t.name.clone(),
                            Scope::Family => t.family.clone(),
                            Scope::Fleet => "all".to_owned(),
                        };
                        commitments.entry(covers).or_default().push(CommittedLine { line: *line, offer });
                    }
                    None => as_used.push(AsUsedLine { line: *line, rate: line.list_rate() }),
                },
                Purchase::SustainedUse => {
                    let base = t.sustained_use.as_ref().map_or(t.on_demand.rate, |listed| listed.rate);
                    let rate = base.checked_add(line.surcharge).expect("rates stay below 10^10 an hour");
                    as_used.push(AsUsedLine { line: *line, rate });
                }
                Purchase::OnDemand => as_used.push(AsUsedLine { line: *line, rate: line.list_rate() }),
            }
        }
        let commitments = (1..)
            .zip(commitments)
            .map(|(ordinal, (covers, lines))| {
                let key = OfferKey::of(lines[0].offer);
                Commitment { id: commitment_id(key.kind, ordinal), key, covers, lines }
            })
            .collect();
        FleetBill { purchase, commitments, as_used }
    }
}

/// Nodes that are paid as they are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AsUsedLine<'a> {
    /// Which nodes.
    pub line: FleetLine<'a>,
    /// What is paid per node and hour, after automatic discounts.
    pub rate: Rate,
}

/// Nodes under one offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommittedLine<'a> {
    /// Which nodes.
    pub line: FleetLine<'a>,
    /// At which terms, per node.
    pub offer: &'a CommitmentOffer,
}

impl CommittedLine<'_> {
    /// Paid at the start.
    pub fn upfront(&self) -> BilledCost {
        BilledCost::new(times(self.offer.upfront, self.line.nodes))
    }

    /// Owed over these hours, used or not.
    pub fn recurring(&self, hours: u64) -> BilledCost {
        BilledCost::new(self.line.for_hours(self.offer.recurring, hours))
    }

    /// All payments of the term, as the cost of its hours.
    pub fn effective_term(&self) -> EffectiveCost {
        let cash = self.upfront() + self.recurring(self.offer.term.hours());
        // The one place where cash becomes accrual: over the whole term both are the same money.
        EffectiveCost::new(cash.money())
    }
}

/// One commitment that is bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commitment<'a> {
    /// `ri-0001`: unique within the bill, the same for the same fleet. A proposal beside what is owned is a holding
    /// and has another id.
    pub id: String,
    /// Which offer.
    pub key: OfferKey,
    /// The type or family that it is for, or `all`.
    pub covers: String,
    /// The nodes under it.
    pub lines: Vec<CommittedLine<'a>>,
}

impl Commitment<'_> {
    /// How many nodes it covers.
    pub fn nodes(&self) -> u64 {
        self.lines.iter().map(|l| l.line.nodes).sum()
    }

    /// Paid at the start.
    pub fn upfront(&self) -> BilledCost {
        self.lines.iter().map(CommittedLine::upfront).sum()
    }

    /// Owed over these hours, used or not.
    pub fn recurring(&self, hours: u64) -> BilledCost {
        self.lines.iter().map(|l| l.recurring(hours)).sum()
    }

    /// All payments of the term, as the cost of its hours.
    pub fn effective_term(&self) -> EffectiveCost {
        self.lines.iter().map(CommittedLine::effective_term).sum()
    }
}

/// What a fleet costs under one way of paying, in steady use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetBill<'a> {
    /// How it is paid.
    pub purchase: Purchase,
    /// What is bought.
    pub commitments: Vec<Commitment<'a>>,
    /// What stays paid as used.
    pub as_used: Vec<AsUsedLine<'a>>,
}

impl<'a> FleetBill<'a> {
    fn committed(&self) -> impl Iterator<Item = &CommittedLine<'a>> {
        self.commitments.iter().flat_map(|c| &c.lines)
    }

    fn lines(&self) -> impl Iterator<Item = &FleetLine<'a>> {
        self.committed().map(|l| &l.line).chain(self.as_used.iter().map(|l| &l.line))
    }

    /// The on-demand equivalent of everything, which is what savings are counted from: after negotiated
    /// discounts, since nobody pays more than that.
    pub fn list(&self, hours: u64) -> ListCost {
        self.lines().map(|line| ListCost::new(line.for_hours(line.list_rate(), hours))).sum()
    }

    /// Everything on demand at the public price list.
    pub fn public_list(&self, hours: u64) -> ListCost {
        self.lines().map(|line| ListCost::new(line.for_hours(line.public_rate(), hours))).sum()
    }

    /// On demand after negotiated discounts.
    pub fn contracted(&self, hours: u64) -> ContractedCost {
        ContractedCost::new(self.list(hours).money())
    }

    /// The on-demand equivalent of what the commitments cover (surcharges are never covered).
    pub fn list_covered(&self, hours: u64) -> ListCost {
        let on_demand = |l: &CommittedLine<'_>| l.line.for_hours(l.line.instance_type.on_demand.rate, hours);
        self.committed().map(|l| ListCost::new(on_demand(l))).sum()
    }

    /// Amortised cost of some hours of the term; exact to half a nano-dollar.
    pub fn effective(&self, hours: u64) -> EffectiveCost {
        self.effective_as_used(hours) + self.effective_committed(hours)
    }

    /// Amortised cost of the commitments over some hours of their term.
    pub fn effective_committed(&self, hours: u64) -> EffectiveCost {
        let share = |c: &Commitment<'_>| {
            let term = c.effective_term().money();
            pro_rata(term, hours, c.key.term.hours()).expect("a term has hours, and no bill reaches 10^29")
        };
        EffectiveCost::new(self.commitments.iter().map(share).sum())
    }

    /// What is paid as used over some hours, surcharges of covered nodes included.
    pub fn effective_as_used(&self, hours: u64) -> EffectiveCost {
        EffectiveCost::new(self.billed_as_used(hours).money())
    }

    /// Due at the start.
    pub fn upfront(&self) -> BilledCost {
        self.commitments.iter().map(Commitment::upfront).sum()
    }

    /// Due over these hours: recurring fees and what is paid as used.
    pub fn recurring(&self, hours: u64) -> BilledCost {
        self.commitments.iter().map(|c| c.recurring(hours)).sum::<BilledCost>() + self.billed_as_used(hours)
    }

    fn billed_as_used(&self, hours: u64) -> BilledCost {
        let used = self.as_used.iter().map(|l| l.line.for_hours(l.rate, hours));
        let surcharges = self.committed().map(|l| l.line.for_hours(l.line.surcharge, hours));
        BilledCost::new(used.chain(surcharges).sum())
    }

    /// Covered nodes.
    pub fn nodes_covered(&self) -> u64 {
        self.commitments.iter().map(Commitment::nodes).sum()
    }

    /// The share of the on-demand equivalent that commitments cover. `None` for an empty fleet.
    pub fn coverage(&self) -> Option<Ratio> {
        Ratio::of_money(self.list_covered(1).money(), self.list(1).money())
    }

    /// The use of the commitments below which on demand is cheaper: effective over on-demand cost of
    /// the covered nodes, without surcharges, which are paid either way. `None` without commitments.
    pub fn break_even_utilization(&self) -> Option<Ratio> {
        let hours = self.commitments.first()?.key.term.hours();
        let on_demand = self.list_covered(hours).money();
        Ratio::of_money(
            self.committed().map(CommittedLine::effective_term).sum::<EffectiveCost>().money(),
            on_demand,
        )
    }

    /// Months until the cumulative saving passes the upfront payment. Zero without upfront payment;
    /// `None` without commitments, or when it never does within the term.
    pub fn break_even_months(&self) -> Option<Ratio> {
        let term = self.commitments.first()?.key.term;
        let displaced = self.list_covered(HOURS_PER_MONTH).money();
        let recurring: BilledCost = self.commitments.iter().map(|c| c.recurring(HOURS_PER_MONTH)).sum();
        let months = super::metrics::break_even_months(self.upfront(), displaced, recurring.money())?;
        (months <= Ratio::of(term.months(), 1)?).then_some(months)
    }
}

fn times(amount: Money, count: u64) -> Money {
    amount.checked_mul(i128::from(count)).expect("no bill reaches 10^29")
}
