//! Published figures about commitment rates, each with its working and its source.

use plimsoll::bill::metrics::{self, CommitmentUse};
use plimsoll::bill::{
    BilledCost, EffectiveCost, ListCost, Ratio, SustainedUse, by_largest_remainder, effective_savings_rate,
    pro_rata, saving,
};
use plimsoll::units::{HOURS_PER_MONTH, HOURS_PER_YEAR, Money, Rate};

fn money(text: &str) -> Money {
    text.parse().expect("a decimal")
}

fn rate(text: &str) -> Rate {
    text.parse().expect("a decimal")
}

/// RI-LIST, EC2 user guide: 60 upfront and 0.007 an hour for a year.
/// 60 + 0.007 x 8,760 = 60 + 61.32 = 121.32.
#[test]
fn list_value_of_a_reserved_instance() {
    let value = BilledCost::new(money("60")) + BilledCost::new(rate("0.007").for_hours(HOURS_PER_YEAR));
    assert_eq!(value.to_string(), "121.32");
}

/// RI-365, amortised reservation data: 365 all upfront for a year, always used, is 1.00 a day:
/// 365 x 24 / 8,760 = 1.
#[test]
fn all_upfront_amortises_over_the_days_of_the_year() {
    assert_eq!(pro_rata(money("365"), 24, HOURS_PER_YEAR), Some(money("1")));
    let days = by_largest_remainder(money("365"), &[24; 365]).unwrap();
    assert!(days.iter().all(|&day| day == money("1")));
    // By the hour it is 0.041666..., which no decimal holds: the hours still sum to the fee.
    let hours = by_largest_remainder(money("365"), &[1; 8_760]).unwrap();
    assert_eq!(hours.iter().copied().sum::<Money>(), money("365"));
    assert_eq!(hours.iter().max(), Some(&money("0.041666667")));
}

/// RI-T2, Cost Management user guide: 30 upfront and 2.48 a month, in a month of 30 days, is
/// 30 / 365 + 2.48 / 30 = 0.08219178 + 0.08266667 = 0.16485845 a day, printed there as 0.165.
#[test]
fn partial_upfront_amortises_fee_and_month() {
    let fee = pro_rata(money("30"), 1, 365).unwrap();
    let month = pro_rata(money("2.48"), 1, 30).unwrap();
    assert_eq!(EffectiveCost::new(fee + month).to_string(), "0.164858448");
}

/// RI-UTIL-1 to 3, Cost Management user guide: reserved 1.50, on demand 4.00 an hour.
#[test]
fn reservation_utilization_and_savings() {
    let case = |purchased_hours, used_hours| CommitmentUse {
        on_demand: rate("4.00"),
        effective: rate("1.50"),
        purchased_hours,
        used_hours,
    };
    // 100 bought, 50 used: 50 %; 4 x 50 - 1.5 x 100 = 50; 4 x 100 - 1.5 x 100 = 250.
    let half = case(100, 50);
    assert_eq!(half.utilization(), Ratio::of(50, 100));
    assert_eq!(half.net_savings(), money("50"));
    assert_eq!(half.potential_savings(), money("250"));
    // 100 bought, 75 used: 75 %; 300 - 150 = 150; 250.
    let most = case(100, 75);
    assert_eq!(most.utilization(), Ratio::of(75, 100));
    assert_eq!(most.net_savings(), money("150"));
    assert_eq!(most.potential_savings(), money("250"));
    // 50 bought, 50 used: 100 %; 200 - 75 = 125; the same.
    let all = case(50, 50);
    assert_eq!(all.utilization(), Some(Ratio::ONE));
    assert_eq!(all.net_savings(), money("125"));
    assert_eq!(all.potential_savings(), money("125"));
    // At a utilization of u* = 1.5 / 4 = 37.5 % nothing is saved or lost.
    let even = case(1_000, 375);
    assert_eq!(metrics::break_even_utilization(even.effective, even.on_demand), even.utilization());
    assert_eq!(even.net_savings(), Money::ZERO);
}

/// SP-UTIL, Savings Plans user guide: 9.80 used of a commitment of 10 an hour is 98 %.
#[test]
fn savings_plan_utilization() {
    assert_eq!(metrics::spend_utilization(money("9.80"), money("10")), Ratio::of(98, 100));
}

/// SP-COV, Savings Plans user guide: 9 of 10 equal instances covered is 90 %, at any rate.
#[test]
fn savings_plan_coverage() {
    let covered = ListCost::new(rate("0.192").for_hours(9));
    let rest = ListCost::new(rate("0.192").for_hours(1));
    assert_eq!(metrics::coverage(covered, rest), Ratio::of(9, 10));
}

/// ODCR, EC2 user guide: of a capacity reservation of 20 with 15 running, 15 instances and 5 unused
/// slots are charged, all on demand: 20 times the rate, as without any use.
#[test]
fn a_capacity_reservation_is_charged_used_or_not() {
    let odcr =
        CommitmentUse { on_demand: rate("0.1"), effective: rate("0.1"), purchased_hours: 20, used_hours: 15 };
    assert_eq!(odcr.effective_cost().money(), money("2"));
    assert_eq!(odcr.on_demand_equivalent().money(), money("1.5"));
    assert_eq!(odcr.net_savings(), money("-0.5"), "the unused part is a pure cost");
}

/// FOCUS-PU, FOCUS 1.2 appendix: a commitment to spend 1.00 an hour for a year, half of it upfront:
/// 24 x 365 x 1.00 x 0.5 = 4,380 once; the other half is 0.50 x 8,760 / 12 = 365.00 a month; 1.00 an
/// hour effective.
///
/// The appendix prints 182.50 a month, with a working (24 x 365 x 1.00 / 12) that gives 730. Neither
/// makes up the other half: 4,380 + 12 x 182.50 = 6,570 is 0.75 an hour. Its own rows of the same
/// example bill 0.50 an hour, which is what is asserted here.
#[test]
fn half_upfront_spend_commitment() {
    let term = rate("1").for_hours(HOURS_PER_YEAR);
    let upfront = pro_rata(term, 1, 2).unwrap();
    assert_eq!(upfront, money("4380"));
    let monthly = rate("0.5").for_hours(HOURS_PER_MONTH);
    assert_eq!(monthly, money("365"));
    let effective = |month: Money| pro_rata(upfront + month.checked_mul(12).unwrap(), 1, HOURS_PER_YEAR);
    assert_eq!(effective(monthly), Some(money("1")));
    assert_eq!(effective(money("182.50")), Some(money("0.75")), "the printed figure is short");
}

/// FOCUS-75, FOCUS 1.2 usage scenario 3: usage takes 0.75 of a commitment of 1.00 an hour.
#[test]
fn a_spend_commitment_used_to_three_quarters() {
    let parts = by_largest_remainder(money("1.00"), &[75, 25]).unwrap();
    assert_eq!(parts, [money("0.75"), money("0.25")]);
    assert_eq!(metrics::spend_utilization(parts[0], money("1.00")), Ratio::of(3, 4));
}

/// AZ-TRADE, azure-docs: 250 outstanding, traded into a 1-year plan, needs a commitment of at least
/// 250 / 8,760 = 0.0285..., printed there as 0.029 an hour.
#[test]
fn a_traded_in_reservation_sets_the_least_commitment() {
    let least = metrics::hourly_for(money("250"), HOURS_PER_YEAR).unwrap();
    assert_eq!(least, rate("0.028538813"));
    assert!(least.for_hours(HOURS_PER_YEAR) >= money("250"));
    assert!(Rate::from_nanos(least.nanos() - 1).for_hours(HOURS_PER_YEAR) < money("250"));
}

/// SUD-50 and SUD-100, Google's table: N1 for half a month (0.25 x 1 + 0.25 x 0.8) / 0.5 = 0.9, a
/// discount of 10 %; for all of it (1 + 0.8 + 0.6 + 0.4) / 4 = 0.7, a discount of 30 %.
#[test]
fn sustained_use_of_n1() {
    let n1 = SustainedUse::THIRTY_PERCENT;
    assert_eq!(n1.discount(365, HOURS_PER_MONTH), Ratio::of(10, 100));
    assert_eq!(n1.discount(730, HOURS_PER_MONTH), Ratio::of(30, 100));
    assert_eq!(n1.discount(182, HOURS_PER_MONTH), Some(Ratio::ZERO), "nothing below a quarter of the month");
    assert_eq!(n1.discount(0, HOURS_PER_MONTH), None);
    assert_eq!(n1.discount(731, HOURS_PER_MONTH), None);
    // N2: (1 + 0.8678 + 0.733 + 0.6) / 4 = 0.8002, the published cap of 20 %.
    let n2 = SustainedUse::TWENTY_PERCENT.discount(730, HOURS_PER_MONTH).unwrap();
    assert_eq!(n2.to_string(), "0.1998");
    assert_eq!(SustainedUse::NONE.discount(730, HOURS_PER_MONTH), Some(Ratio::ZERO));
}

/// QBOX, kubernetes.io blog of 2016-09-27: packing takes 25 % off 100, reservations 40 % off the
/// rest: 100 -> 75 -> 45, a saving of 55 % (the post claims about 50 %, which is an average discount
/// of 1 - 50 / 75 = 33 % on the remainder).
#[test]
fn the_published_chain_of_savings() {
    let before = ListCost::new(money("100"));
    let packed = EffectiveCost::new(money("75"));
    let reserved = EffectiveCost::new(pro_rata(packed.money(), 60, 100).unwrap());
    assert_eq!(reserved.money(), money("45"));
    assert_eq!(saving(before, reserved), money("55"));
    assert_eq!(effective_savings_rate(before, reserved), Ratio::of(55, 100));
    assert_eq!(effective_savings_rate(ListCost::new(packed.money()), reserved), Ratio::of(40, 100));
    // 50 % in all needs 33.3 % off the remainder.
    let claimed = EffectiveCost::new(money("50"));
    assert_eq!(effective_savings_rate(ListCost::new(packed.money()), claimed), Ratio::of(1, 3));
}
