//! A small fleet under every way of paying, worked out by hand.

mod machines;

use plimsoll::bill::{EffectiveCost, Fleet, FleetError, OfferKey, Purchase, Ratio};
use plimsoll::catalog::{Catalog, CommitmentOffer, ListedRate, OfferKind, Payment, Provenance, Term};
use plimsoll::units::Money;

use machines::{catalog as catalog_of, money, offered, rate};

fn offer(
    kind: OfferKind,
    payment: Payment,
    upfront: &str,
    recurring: &str,
    effective: &str,
) -> CommitmentOffer {
    CommitmentOffer {
        kind,
        term: Term::OneYear,
        payment,
        effective: rate(effective),
        upfront: money(upfront),
        recurring: rate(recurring),
        provenance: Provenance::Listed,
    }
}

/// m.a: 0.1 on demand; partial upfront 219 + 0.035 an hour = 0.025 + 0.035 = 0.06 effective.
/// m.b: 0.2 on demand, savings plan only. x.c: 0.4 on demand, no offer.
fn catalog() -> Catalog {
    let ri = |up, rec, eff| offer(OfferKind::ReservedStandard, Payment::PartialUpfront, up, rec, eff);
    let sp = |rec: &str| offer(OfferKind::InstanceSavingsPlan, Payment::NoUpfront, "0", rec, rec);
    catalog_of(vec![
        offered("m.a", "0.1", vec![ri("219", "0.035", "0.06"), sp("0.07")]),
        offered("m.b", "0.2", vec![sp("0.14")]),
        offered("x.c", "0.4", vec![]),
    ])
}

const RESERVED: OfferKey =
    OfferKey { kind: OfferKind::ReservedStandard, term: Term::OneYear, payment: Payment::PartialUpfront };
const PLAN: OfferKey =
    OfferKey { kind: OfferKind::InstanceSavingsPlan, term: Term::OneYear, payment: Payment::NoUpfront };

fn fleet(catalog: &Catalog) -> Fleet<'_> {
    Fleet::new(catalog, [(0, 3, rate("0.1")), (1, 2, rate("0.2")), (2, 1, rate("0.4"))]).expect("a fleet")
}

#[test]
fn on_demand_is_rate_times_nodes_times_hours() {
    let catalog = catalog();
    let fleet = fleet(&catalog);
    // 3 x 0.1 + 2 x 0.2 + 0.4 = 1.1 an hour, 803 a month of 730 h, 9,636 a year.
    assert_eq!(fleet.list(1).money(), money("1.1"));
    assert_eq!(fleet.list(730).money(), money("803"));
    let bill = fleet.bill(Purchase::OnDemand);
    assert_eq!(bill.effective(8_760).money(), money("9636"));
    assert_eq!(bill.recurring(8_760).money(), money("9636"));
    assert_eq!(bill.upfront().money(), Money::ZERO);
    assert_eq!(bill.coverage(), Some(Ratio::ZERO));
    assert_eq!(bill.break_even_utilization(), None);
    assert_eq!(
        fleet.purchases(),
        [Purchase::OnDemand, Purchase::Commitment(RESERVED), Purchase::Commitment(PLAN)]
    );
}

#[test]
fn what_has_no_offer_stays_on_demand_and_is_counted() {
    let catalog = catalog();
    let bill = fleet(&catalog).bill(Purchase::Commitment(RESERVED));
    // Only the three m.a are covered: 0.3 of 1.1 an hour.
    assert_eq!(bill.nodes_covered(), 3);
    assert_eq!(bill.coverage(), Ratio::of(3, 11));
    // Cash: 3 x 219 = 657 now; 3 x 0.035 + 0.8 = 0.905 an hour.
    assert_eq!(bill.upfront().money(), money("657"));
    assert_eq!(bill.recurring(1).money(), money("0.905"));
    // Accrual: 3 x 0.06 + 0.8 = 0.98 an hour.
    assert_eq!(bill.effective(1).money(), money("0.98"));
    // Over the term both views are the same money: 657 + 0.905 x 8,760 = 0.98 x 8,760.
    let cash = bill.upfront() + bill.recurring(8_760);
    assert_eq!(EffectiveCost::new(cash.money()), bill.effective(8_760));
    // u* = 0.06 / 0.1; a month displaces 219 and costs 76.65 recurring: 657 / 142.35 = 4.615.
    assert_eq!(bill.break_even_utilization(), Ratio::of(6, 10));
    assert_eq!(bill.break_even_months().unwrap().fixed(3), "4.615");
}

#[test]
fn a_savings_plan_is_one_commitment_per_family() {
    let catalog = catalog();
    let bill = fleet(&catalog).bill(Purchase::Commitment(PLAN));
    assert_eq!(bill.commitments.len(), 1);
    let plan = &bill.commitments[0];
    assert_eq!((plan.id.as_str(), plan.covers.as_str(), plan.nodes()), ("sp-0001", "m", 5));
    // 3 x 0.07 + 2 x 0.14 = 0.49 an hour.
    assert_eq!(plan.recurring(1).money(), money("0.49"));
    assert_eq!(bill.break_even_months(), Some(Ratio::ZERO), "nothing upfront pays off at once");
}

#[test]
fn surplus_credits_are_paid_beside_the_commitment() {
    let catalog = catalog();
    // 0.01 an hour above on demand: surplus credits of a burstable type.
    let fleet = Fleet::new(&catalog, [(0, 1, rate("0.11"))]).unwrap();
    let bill = fleet.bill(Purchase::Commitment(RESERVED));
    assert_eq!(bill.effective(1).money(), money("0.07"));
    assert_eq!(bill.list(1).money(), money("0.11"));
    assert_eq!(bill.break_even_utilization(), Ratio::of(6, 10), "the surcharge is paid either way");
}

#[test]
fn sustained_use_needs_no_commitment() {
    let mut catalog = catalog();
    catalog.types[0].sustained_use = Some(ListedRate { rate: rate("0.07"), provenance: Provenance::Listed });
    let fleet = fleet(&catalog);
    assert!(fleet.purchases().contains(&Purchase::SustainedUse));
    let bill = fleet.bill(Purchase::SustainedUse);
    assert_eq!(bill.effective(1).money(), money("1.01"));
    assert!(bill.commitments.is_empty());
    assert_eq!(bill.list(1), fleet.list(1));
}

#[test]
fn a_fleet_below_the_price_list_is_refused() {
    let catalog = catalog();
    assert_eq!(Fleet::new(&catalog, [(9, 1, rate("1"))]).unwrap_err(), FleetError::UnknownType(9));
    let error = Fleet::new(&catalog, [(0, 1, rate("0.05"))]).unwrap_err();
    assert_eq!(error.to_string(), "m.a is planned at 0.05 an hour, below its on-demand rate 0.1");
}
