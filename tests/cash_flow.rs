//! Cash against accrual, worked out by hand.

mod machines;

use machines::{listed, money, offered, rate};
use plimsoll::bill::cash::{CashFlow, renewed};
use plimsoll::bill::commitment::{Covers, Holding, charge};
use plimsoll::bill::{BilledCost, EffectiveCost, NodeUsage, OfferKey, Ratio, UsageLine};
use plimsoll::catalog::{InstanceType, OfferKind, Payment, Term};
use plimsoll::units::Money;

const ALL_UPFRONT: OfferKey =
    OfferKey { kind: OfferKind::ReservedStandard, term: Term::OneYear, payment: Payment::AllUpfront };
const NO_UPFRONT: OfferKey = OfferKey { payment: Payment::NoUpfront, ..ALL_UPFRONT };

/// 1.00 an hour on demand, 0.60 reserved.
fn machine() -> InstanceType {
    offered("m5.large", "1", vec![listed(ALL_UPFRONT, rate("0.6")), listed(NO_UPFRONT, rate("0.63"))])
}

fn reserved(t: &InstanceType, key: OfferKey, quantity: u64, start: i64) -> Holding {
    Holding::of_offer("ri-0001", &UsageLine::new(t), key.find(t).expect("an offer"), quantity, start)
}

/// One node for a year, reserved all upfront: 5,256 at once, 438 a month (0.60 x 730). On demand would
/// be 730 a month: 5,256 / 730 = 7.2, so that in the eighth month less has been paid.
#[test]
fn an_upfront_payment_is_cash_at_once_and_accrues_by_the_hour() {
    let t = machine();
    let usage = NodeUsage::steady(vec![UsageLine::new(&t)], vec![1], 8_760).expect("a usage");
    let held = [reserved(&t, ALL_UPFRONT, 1, 0)];
    let flow = CashFlow::of(&charge(&usage, &held));
    assert_eq!(flow.months.len(), 12);
    assert_eq!(flow.months[0].billed().money(), money("5256"));
    assert_eq!(flow.months[1].billed(), BilledCost::ZERO);
    assert!(flow.months.iter().all(|m| m.effective.money() == money("438")));
    let prepaid: Vec<Money> = flow.months.iter().map(|m| m.prepaid.closing).collect();
    assert_eq!((prepaid[0], prepaid[11]), (money("4818"), Money::ZERO));
    assert_eq!(flow.months[0].prepaid.additions, money("5256"));
    assert_eq!(flow.billed(12).money(), flow.effective(12).money());
    assert_eq!(flow.effective_savings_rate(12), Ratio::of(40, 100));
    assert_eq!(flow.break_even_month(), Some(8));
}

/// Without upfront payment the first month saves already; on demand nothing breaks even.
#[test]
fn what_is_paid_by_the_month_breaks_even_at_once() {
    let t = machine();
    let usage = NodeUsage::steady(vec![UsageLine::new(&t)], vec![1], 8_760).expect("a usage");
    let held = [reserved(&t, NO_UPFRONT, 1, 0)];
    assert_eq!(CashFlow::of(&charge(&usage, &held)).break_even_month(), Some(1));
    assert_eq!(CashFlow::of(&charge(&usage, &[])).break_even_month(), None);
}

/// Bought half a year ago: half of the payment is the opening balance, and none of it is cash here;
/// after its end the node is on demand.
#[test]
fn a_commitment_of_before_opens_with_what_is_left_of_it() {
    let t = machine();
    let usage = NodeUsage::steady(vec![UsageLine::new(&t)], vec![1], 8_760).expect("a usage");
    let held = [reserved(&t, ALL_UPFRONT, 1, -4_380).owned()];
    let flow = CashFlow::of(&charge(&usage, &held));
    assert_eq!(flow.months[0].prepaid.opening, money("2628"));
    assert_eq!(flow.months[5].prepaid.closing, Money::ZERO);
    assert_eq!(flow.billed(6), BilledCost::ZERO);
    assert_eq!(flow.effective(6).money(), money("2628"));
    assert_eq!(flow.months[6].effective.money(), money("730"));
    assert_eq!(flow.months[6].billed().money(), money("730"));
}

/// Two nodes reserved and one running: half of the accrual is unused, month by month.
#[test]
fn what_nobody_uses_is_shown() {
    let t = machine();
    let usage = NodeUsage::steady(vec![UsageLine::new(&t)], vec![1], 1_460).expect("a usage");
    let held = [reserved(&t, ALL_UPFRONT, 2, 0).with_covers(Covers::Type("m5.large".to_owned()))];
    let charges = charge(&usage, &held);
    let flow = CashFlow::of(&charges);
    assert!(flow.months.iter().all(|m| m.unused.money() == money("438")));
    assert_eq!(charges.waste(held[0].origin), EffectiveCost::new(money("876")));
}

/// Three years of a one-year commitment are three purchases; an owned one is not bought again.
#[test]
fn proposals_are_bought_again() {
    let t = machine();
    let held = [reserved(&t, ALL_UPFRONT, 1, 0)];
    let all = renewed(&held, 26_280);
    let ids: Vec<(&str, i64)> = all.iter().map(|h| (h.id.as_str(), h.start)).collect();
    assert_eq!(ids, [("ri-0001", 0), ("ri-0001-2", 8_760), ("ri-0001-3", 17_520)]);
    let usage = NodeUsage::steady(vec![UsageLine::new(&t)], vec![1], 26_280).expect("a usage");
    let flow = CashFlow::of(&charge(&usage, &all));
    assert_eq!(flow.billed(36).money(), money("15768"));
    assert_eq!(flow.months[12].billed().money(), money("5256"));
    assert_eq!(flow.months[35].prepaid.closing, Money::ZERO);
    assert_eq!(renewed(&[held[0].clone().owned()], 26_280).len(), 1);
}
