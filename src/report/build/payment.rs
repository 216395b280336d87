//! Rows about money: node groups priced, purchase options, commitments.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::ReportError;
use super::placed::Placed;
use super::pools;
use crate::bill::{
    AsUsedLine, Commitment, CommitmentCategory, CommittedLine, EffectiveCost, Fleet, FleetBill, ListCost,
    OfferKey, Purchase, Ratio, category, effective_savings_rate, metrics, pro_rata, provider_wording,
};
use crate::catalog::discount::Pattern;
use crate::catalog::{Catalog, Discount, ListedRate, OfferKind, Payment, Provenance};
use crate::formulate::Legend;
use crate::policy::Policy;
use crate::report::view::{CommitmentRow, DiscountRow, ExtraCostRow, NodeGroupRow, PurchaseRow};
use crate::units::{HOURS_PER_MONTH, HOURS_PER_YEAR, Money, Rate};

/// The way of paying that the headline counts with: what was asked for, or the offer of the widest
/// coverage, see [`super::build`].
pub(super) fn select(
    fleet: &Fleet<'_>,
    purchases: &[Purchase],
    wanted: Option<OfferKey>,
) -> Result<Purchase, ReportError> {
    let keys = || {
        purchases.iter().filter_map(|p| match p {
            Purchase::Commitment(key) => Some(*key),
            _ => None,
        })
    };
    if let Some(wanted) = wanted {
        return keys().find(|&key| key == wanted).map(Purchase::Commitment).ok_or_else(|| {
            ReportError::NoSuchOffer { wanted, available: keys().map(|key| key.to_string()).collect() }
        });
    }
    let preference = |payment: Payment| match payment {
        Payment::PartialUpfront => 0,
        Payment::NoUpfront => 1,
        Payment::AllUpfront => 2,
    };
    let best = keys().min_by_key(|&key| {
        let coverage = fleet.bill(Purchase::Commitment(key)).coverage();
        (key.term, Reverse(coverage), preference(key.payment), key.kind)
    });
    Ok(match best {
        Some(key) => Purchase::Commitment(key),
        None if purchases.contains(&Purchase::SustainedUse) => Purchase::SustainedUse,
        None => Purchase::OnDemand,
    })
}

/// The node groups with their cost under a bill.
pub(super) fn node_rows(
    catalog: &Catalog,
    legend: &Legend,
    placed: &Placed<'_>,
    bill: &FleetBill<'_>,
) -> Vec<NodeGroupRow> {
    let mut as_used: BTreeMap<(&str, bool, Rate), &AsUsedLine<'_>> = BTreeMap::new();
    for used in &bill.as_used {
        as_used.insert((&used.line.instance_type.name, used.line.spot, used.line.surcharge), used);
    }
    let mut covered: BTreeMap<(&str, bool, Rate), (&Commitment<'_>, &CommittedLine<'_>)> = BTreeMap::new();
    for commitment in &bill.commitments {
        for committed in &commitment.lines {
            let line = &committed.line;
            covered.insert((&line.instance_type.name, line.spot, line.surcharge), (commitment, committed));
        }
    }
    (1..)
        .zip(&placed.groups)
        .map(|(ordinal, group)| {
            let instance_type = &catalog.types[group.catalog_type];
            let base = match (group.spot, &instance_type.spot) {
                (true, Some(spot)) => spot,
                _ => &instance_type.on_demand,
            };
            let surcharge = Rate::from_nanos(group.rate.nanos() - base.rate.nanos());
            let key = (instance_type.name.as_str(), group.spot, surcharge);
            let (rate, commitment, offer) = match (covered.get(&key), as_used.get(&key)) {
                (Some((commitment, line)), _) => (surcharge, Some(commitment.id.clone()), Some(line.offer)),
                (None, Some(used)) => (used.rate, None, None),
                (None, None) => unreachable!("a bill has every type of its fleet"),
            };
            let as_used_month = times(rate.for_hours(HOURS_PER_MONTH), group.nodes);
            let committed_month = offer.map_or(Money::ZERO, |offer| {
                let hours = offer.term.hours();
                let term = times(offer.upfront + offer.recurring.for_hours(hours), group.nodes);
                pro_rata(term, HOURS_PER_MONTH, hours).expect("a term has hours, and no bill reaches 10^29")
            });
            NodeGroupRow {
                group: ordinal,
                instance_type: instance_type.name.clone(),
                pool: group.pool.clone(),
                planned_pool: pools::name(catalog, legend, (group.catalog_type, group.node_pool)),
                zone: group.zone.clone(),
                spot: group.spot,
                family: instance_type.family.clone(),
                architecture: instance_type.architecture,
                nodes: group.nodes,
                pods_per_node: group.pods_per_node,
                list_rate: group.rate,
                public_rate: public_rate(base, group.rate),
                surplus_rate: group.surplus,
                node_costs_rate: group.node_costs,
                as_used_rate: rate,
                list_month: ListCost::new(times(group.rate.for_hours(HOURS_PER_MONTH), group.nodes)),
                effective_month: EffectiveCost::new(as_used_month + committed_month),
                commitment,
                binding: group.binding.clone(),
                room_left: group.room_left,
                resources: group.resources.clone(),
                pods: group.pods.clone(),
            }
        })
        .collect()
}

/// What the plan costs beside instances.
pub(super) fn extra_costs(policy: &Policy, placed: &Placed<'_>) -> Vec<ExtraCostRow> {
    let mut rows: Vec<ExtraCostRow> = placed
        .extra
        .iter()
        .map(|(name, hour)| ExtraCostRow {
            name: name.clone(),
            list_month: ListCost::new(times(*hour, HOURS_PER_MONTH)),
            in_node_rates: true,
        })
        .collect();
    let surplus: Money = placed.groups.iter().map(|group| group.surplus.for_hours(group.nodes)).sum();
    if surplus > Money::ZERO {
        rows.push(ExtraCostRow {
            name: "surplus cpu credits, were all vCPUs used".to_owned(),
            list_month: ListCost::new(times(surplus, HOURS_PER_MONTH)),
            in_node_rates: true,
        });
    }
    if policy.cluster_fee != Rate::ZERO {
        rows.push(ExtraCostRow {
            name: "cluster fee".to_owned(),
            list_month: ListCost::new(policy.cluster_fee.for_hours(HOURS_PER_MONTH)),
            in_node_rates: false,
        });
    }
    rows
}

/// One purchase option.
pub(super) fn purchase_row(bill: &FleetBill<'_>, selected: bool) -> PurchaseRow {
    let offer = match bill.purchase {
        Purchase::Commitment(key) => Some(key),
        _ => None,
    };
    // On demand nothing is covered, and nothing is missing either.
    let uncovered: &[AsUsedLine<'_>] = if offer.is_some() { &bill.as_used } else { &[] };
    let mut types_on_demand: Vec<String> =
        uncovered.iter().map(|l| l.line.instance_type.name.clone()).collect();
    types_on_demand.dedup();
    PurchaseRow {
        option: bill.purchase.to_string(),
        label: label(bill),
        offer,
        selected,
        nodes_covered: bill.nodes_covered(),
        nodes_on_demand: bill.as_used.iter().filter(|l| !l.line.spot).map(|l| l.line.nodes).sum(),
        types_on_demand,
        coverage: offer.and_then(|_| bill.coverage()),
        derived: rules(bill).into_iter().collect(),
        list_month: bill.public_list(HOURS_PER_MONTH),
        contracted_month: bill.contracted(HOURS_PER_MONTH),
        upfront: bill.upfront(),
        recurring_month: bill.recurring(HOURS_PER_MONTH),
        billed_first_year: bill.upfront() + bill.recurring(HOURS_PER_YEAR),
        effective_hour: bill.effective(1),
        effective_month: bill.effective(HOURS_PER_MONTH),
        effective_year: bill.effective(HOURS_PER_YEAR),
        effective_term: offer.map(|key| bill.effective(key.term.hours())),
        saving: effective_savings_rate(bill.list(HOURS_PER_YEAR), bill.effective(HOURS_PER_YEAR)),
        break_even_utilization: bill.break_even_utilization(),
        break_even_months: bill.break_even_months(),
    }
}

/// The name of a way of paying, which says so where it counts with estimates.
pub(super) fn label(bill: &FleetBill<'_>) -> String {
    let estimated = bill.commitments.iter().flat_map(|c| &c.lines).any(|l| l.offer.provenance.is_estimate());
    if estimated { format!("{} (ESTIMATE)", bill.purchase.label()) } else { bill.purchase.label() }
}

/// The discounts that reduce a rate of the plan's types, and what the plan costs on demand without them.
pub(super) fn discounts(catalog: &Catalog, fleet: &Fleet<'_>) -> Vec<DiscountRow> {
    let types = |discount: &Discount| fleet.lines().iter().any(|line| discount.is_for(line.instance_type));
    let text = |patterns: &[Pattern]| patterns.iter().cloned().map(String::from).collect::<Vec<_>>();
    let rows = catalog.rules.discounts.iter().filter(|discount| types(discount));
    rows.map(|discount| DiscountRow {
        name: discount.name.clone(),
        percent: discount.percent.share().to_string(),
        types: text(&discount.types),
        families: text(&discount.families),
        skus: discount.skus.clone(),
        on: discount.on.iter().map(|on| on.as_str().to_owned()).collect(),
    })
    .collect()
}

/// A public rate where it differs from what the plan counts with.
fn public_rate(base: &ListedRate, rate: Rate) -> Option<Rate> {
    let taken_off = base.list_rate().nanos().checked_sub(base.rate.nanos())?;
    (taken_off > 0).then(|| rate.checked_add(Rate::from_nanos(taken_off))).flatten()
}

/// The names of the rules by which a bill's rates are derived.
fn rules(bill: &FleetBill<'_>) -> BTreeSet<String> {
    bill.commitments.iter().flat_map(|c| &c.lines).filter_map(|l| rule(&l.offer.provenance)).collect()
}

/// The rules behind all purchase options, with the catalog's reason for each.
pub(super) fn derivations(
    catalog: &Catalog,
    fleet: &Fleet<'_>,
    purchases: &[Purchase],
) -> BTreeMap<String, String> {
    let names: BTreeSet<String> = purchases.iter().flat_map(|&p| rules(&fleet.bill(p))).collect();
    let reason = |name: &str| catalog.rules.reason(name).unwrap_or_default().to_owned();
    names.into_iter().map(|name| (name.clone(), reason(&name))).collect()
}

/// What an option commits to, one row per commitment and type.
pub(super) fn commitment_rows(bill: &FleetBill<'_>, currency: &str) -> Vec<CommitmentRow> {
    let row = |commitment: &Commitment<'_>, line: &CommittedLine<'_>| {
        let key = commitment.key;
        let offer = line.offer;
        let on_demand_rate = line.line.instance_type.on_demand.rate;
        let (unit, units_per_hour) = unit(key.kind, line, currency);
        CommitmentRow {
            option: bill.purchase.to_string(),
            commitment: commitment.id.clone(),
            commitment_type: provider_wording(key.kind).to_owned(),
            category: category(key.kind),
            term: key.term,
            payment: key.payment,
            covers: commitment.covers.clone(),
            instance_type: line.line.instance_type.name.clone(),
            quantity: line.line.nodes,
            // The whole fleet is covered, so nothing is bought in excess.
            used: line.line.nodes,
            unit,
            units_per_hour,
            upfront_each: offer.upfront,
            recurring_rate: offer.recurring,
            effective_rate: offer.effective,
            on_demand_rate,
            public_rate: public_rate(&line.line.instance_type.on_demand, on_demand_rate),
            break_even_utilization: metrics::break_even_utilization(offer.effective, on_demand_rate),
            provenance: rule(&offer.provenance).unwrap_or_else(|| "listed".to_owned()),
            status: "Proposed".to_owned(),
        }
    };
    bill.commitments.iter().flat_map(|c| c.lines.iter().map(move |l| row(c, l))).collect()
}

/// What a commitment is counted in, and how much of it one node takes an hour.
fn unit(kind: OfferKind, line: &CommittedLine<'_>, currency: &str) -> (String, Ratio) {
    let ratio = |nanos: u64| Ratio::of(nanos, 1_000_000_000).expect("the divisor is not zero");
    if category(kind) == CommitmentCategory::Spend {
        return (currency.to_owned(), ratio(line.offer.effective.nanos()));
    }
    match kind {
        // GCP commits amounts of vCPU and memory; the vCPUs stand for both.
        OfferKind::ResourceCommitment => {
            let cores = Ratio::of(line.line.instance_type.cpu.0, 1_000).expect("the divisor is not zero");
            ("Core-Hours".to_owned(), cores)
        }
        _ => ("Hours".to_owned(), Ratio::ONE),
    }
}

/// The rule that a rate is derived by; `None` for listed rates.
fn rule(provenance: &Provenance) -> Option<String> {
    provenance.rule().map(str::to_owned)
}

fn times(amount: Money, count: u64) -> Money {
    amount.checked_mul(i128::from(count)).expect("no bill reaches 10^29")
}
