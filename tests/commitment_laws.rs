//! What the billing engine holds for any usage and any holdings.

mod machines;

use machines::{listed, machine};
use plimsoll::bill::commitment::{Covers, Holding, charge};
use plimsoll::bill::{BilledCost, EffectiveCost, ListCost, NodeUsage, OfferKey, UsageLine};
use plimsoll::catalog::{InstanceType, NormalizedUnits, OfferKind, Payment, Term};
use plimsoll::units::{Money, Rate};
use proptest::prelude::*;

const KEYS: [OfferKey; 4] = [
    OfferKey { kind: OfferKind::ReservedStandard, term: Term::OneYear, payment: Payment::PartialUpfront },
    OfferKey { kind: OfferKind::InstanceSavingsPlan, term: Term::OneYear, payment: Payment::NoUpfront },
    OfferKey { kind: OfferKind::ComputeSavingsPlan, term: Term::OneYear, payment: Payment::AllUpfront },
    OfferKey { kind: OfferKind::ComputeSavingsPlan, term: Term::ThreeYears, payment: Payment::NoUpfront },
];

/// Two families of three sizes, price in proportion to size; plans at odd rates.
fn types() -> Vec<InstanceType> {
    let mut types = Vec::new();
    for (family, price) in [("m5", 96_000_007u64), ("c6g", 68_000_003)] {
        for (size, factor) in [("large", 4), ("xlarge", 8), ("4xlarge", 32)] {
            let nanos = price * factor / 4;
            let mut t = machine(&format!("{family}.{size}"), &Rate::from_nanos(nanos).to_string());
            t.normalized_units = Some(NormalizedUnits(factor * 1_000));
            for (key, percent) in KEYS.iter().zip([60, 61 + factor / 4, 70 + factor / 8, 51 + factor / 2]) {
                t.offers.push(listed(*key, Rate::from_nanos(nanos * percent / 100)));
            }
            types.push(t);
        }
    }
    types
}

/// What is bought: which key, at which type, how much, when it starts and for how long.
type Bought = (usize, usize, u64, i64, i64);

fn holdings(types: &[InstanceType], bought: &[Bought]) -> Vec<Holding> {
    let of = |(index, &(key, t, quantity, start, hours)): (usize, &Bought)| {
        let offer = KEYS[key].find(&types[t]).expect("every type has every offer");
        let mut held =
            Holding::of_offer(format!("h-{index}"), &UsageLine::new(&types[t]), offer, quantity, start);
        if key == 0 && quantity % 3 == 0 {
            let zone = if quantity % 2 == 0 { "a" } else { "b" }.to_owned();
            held.covers = Covers::Zonal { instance_type: types[t].name.clone(), zone };
        }
        held.end = start + hours;
        // The upfront payment of so short a term.
        let prepaid = offer.effective.nanos() - offer.recurring.nanos();
        held.upfront = Rate::from_nanos(prepaid).for_hours(hours.unsigned_abs());
        held
    };
    bought.iter().enumerate().map(of).collect()
}

fn usage<'a>(types: &'a [InstanceType], slots: &[Vec<u64>], hours: &[u32]) -> NodeUsage<'a> {
    let zone = |index: usize| if index.is_multiple_of(2) { "a" } else { "b" };
    let lines = types.iter().enumerate().map(|(i, t)| UsageLine::new(t).in_zone(zone(i))).collect();
    NodeUsage::new(lines, slots.to_vec(), hours.to_vec())
        .and_then(|usage| usage.with_months(vec![20, 20]))
        .expect("a usage")
}

prop_compose! {
    fn slots()(slots in prop::collection::vec(prop::collection::vec(0u64..6, 6), 3)) -> Vec<Vec<u64>> {
        slots
    }
}

fn bought() -> impl Strategy<Value = Vec<Bought>> {
    prop::collection::vec((0usize..4, 0usize..6, 1u64..9, -30i64..30, 1i64..60), 0..7)
}

fn hours() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(0u32..3, 40)
}

/// Half a nano-dollar for each rounding: one per line, pair and hour, and one per split.
fn roundings(holdings: usize) -> Money {
    Money::from_nanos(40 * 6 * (holdings as i128 + 1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_covered_and_what_is_not_are_the_usage(slots in slots(), hours in hours(), bought in bought()) {
        let types = types();
        let (usage, held) = (usage(&types, &slots, &hours), holdings(&types, &bought));
        let charges = charge(&usage, &held);
        let bill = charges.total();
        let as_used: Money = bill.as_used.iter().map(|cost| cost.money()).sum();
        prop_assert_eq!(bill.list.money(), as_used + bill.list_covered().money());
        for line in 0..types.len() {
            let covered: Money = bill.holdings.iter().flat_map(|h| &h.lines).filter(|l| l.line == line).map(|l| l.list.money()).sum();
            prop_assert_eq!(bill.list_by_line[line].money(), covered + bill.as_used[line].money());
        }
        for used in &bill.holdings {
            prop_assert!(used.units_used <= used.units_held);
            let parts: EffectiveCost = used.lines.iter().map(|l| l.effective).sum();
            prop_assert_eq!(parts + used.unused, used.effective);
        }
        prop_assert_eq!(charges.effective(), bill.effective());
    }

    #[test]
    fn commitments_never_cost_more_than_on_demand_and_what_is_unused(slots in slots(), hours in hours(), bought in bought()) {
        let types = types();
        let (usage, held) = (usage(&types, &slots, &hours), holdings(&types, &bought));
        let bill = charge(&usage, &held).total();
        let most = bill.list.money() + bill.unused().money() + roundings(held.len());
        prop_assert!(bill.effective().money() <= most);
    }

    #[test]
    fn a_further_node_never_costs_less_than_nothing(
        slots in slots(), hours in hours(), bought in bought(), slot in 0usize..3, line in 0usize..6,
    ) {
        let types = types();
        let held = holdings(&types, &bought);
        let before = usage(&types, &slots, &hours);
        let mut more = slots;
        more[slot][line] += 1;
        let after = usage(&types, &more, &hours);
        let (before, after) = (charge(&before, &held).effective(), charge(&after, &held).effective());
        prop_assert!(before.money() <= after.money() + roundings(held.len()));
    }

    #[test]
    fn months_sum_to_the_whole(slots in slots(), hours in hours(), bought in bought()) {
        let types = types();
        let (usage, held) = (usage(&types, &slots, &hours), holdings(&types, &bought));
        let charges = charge(&usage, &held);
        let (total, months) = (charges.total(), [charges.month(0), charges.month(1)]);
        prop_assert_eq!(months.iter().map(|m| m.billed()).sum::<BilledCost>(), total.billed());
        prop_assert_eq!(months.iter().map(|m| m.effective()).sum::<EffectiveCost>(), total.effective());
        prop_assert_eq!(months.iter().map(|m| m.list).sum::<ListCost>(), total.list);
    }

    #[test]
    fn over_its_term_a_holding_costs_what_is_paid_for_it(bought in bought()) {
        let types = types();
        for held in holdings(&types, &bought) {
            let term = held.start..held.end;
            prop_assert_eq!(held.billed(term.clone()).money(), held.effective(term.clone()).money());
            let middle = (held.start + held.end) / 2;
            let halves = held.effective(held.start..middle) + held.effective(middle..held.end);
            prop_assert_eq!(halves, held.effective(term));
        }
    }

    #[test]
    fn equal_hours_are_computed_once_and_in_any_order_alike(slots in slots(), hours in hours(), bought in bought()) {
        let types = types();
        // Holdings for the whole time: then only the states matter, not their order.
        let whole: Vec<Bought> = bought.into_iter().map(|(k, t, q, _, _)| (k, t, q, 0, 40)).collect();
        let held = holdings(&types, &whole);
        let mut sorted = hours.clone();
        sorted.sort_unstable();
        let (some, other) = (usage(&types, &slots, &hours), usage(&types, &slots, &sorted));
        let charges = charge(&some, &held);
        prop_assert!(charges.classes().len() <= 3);
        prop_assert_eq!(charges.effective(), charge(&other, &held).effective());
    }
}
