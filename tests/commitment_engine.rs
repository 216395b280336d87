//! The billing engine against published cases, each with its working and its source.

mod machines;

use machines::{listed, machine, money, offered, rate};
use plimsoll::bill::commitment::{Covers, Holding, charge};
use plimsoll::bill::{EffectiveCost, NodeUsage, OfferKey, Ratio, SeriesRates, SizeRatios, UsageLine};
use plimsoll::catalog::{InstanceType, NormalizedUnits, OfferKind, Payment, Term};
use plimsoll::input::{Source, size_ratios};
use plimsoll::units::{Bytes, MilliCpu, Money, Rate};

const RESERVED: OfferKey =
    OfferKey { kind: OfferKind::ReservedStandard, term: Term::OneYear, payment: Payment::NoUpfront };
const INSTANCE_PLAN: OfferKey =
    OfferKey { kind: OfferKind::InstanceSavingsPlan, term: Term::OneYear, payment: Payment::PartialUpfront };
const COMPUTE_PLAN: OfferKey =
    OfferKey { kind: OfferKind::ComputeSavingsPlan, term: Term::OneYear, payment: Payment::PartialUpfront };

/// A type of a family with a factor and a reserved rate of half its price.
fn sized(name: &str, factor: u64, price: &str) -> InstanceType {
    let mut t = machine(name, price);
    t.normalized_units = Some(NormalizedUnits(factor));
    let half = Rate::from_nanos(rate(price).nanos() / 2);
    t.offers.push(listed(RESERVED, half));
    t
}

/// Reserved instances of a type, as many as said.
fn reserved(id: &str, t: &InstanceType, quantity: u64) -> Holding {
    Holding::of_offer(id, &UsageLine::new(t), RESERVED.find(t).expect("an offer"), quantity, 0)
}

/// Units of a holding as instances, or as normalized units where it flexes.
fn hours(units: u128) -> Ratio {
    Ratio::of_wide(i128::try_from(units).expect("small"), 3_600_000).expect("not zero")
}

fn whole(n: u64) -> Ratio {
    Ratio::of(n, 1).expect("not zero")
}

/// RI-HALF, EC2 user guide: one c4.large (4 units) covers half of a c4.xlarge (8 units).
#[test]
fn a_reservation_of_half_the_size_covers_half() {
    let (large, xlarge) = (sized("c4.large", 4_000, "0.1"), sized("c4.xlarge", 8_000, "0.199"));
    let usage = NodeUsage::steady(vec![UsageLine::new(&xlarge)], vec![1], 10).expect("a usage");
    let held = [reserved("ri", &large, 1)];
    let bill = charge(&usage, &held).total();
    // Half of 0.199 x 10 h stays on demand; the reservation is 0.05 x 10 h.
    assert_eq!(bill.as_used[0].money(), money("0.995"));
    assert_eq!(bill.coverage(), Ratio::of(1, 2));
    assert_eq!(bill.holdings[0].utilization(), Some(Ratio::ONE));
    assert_eq!(bill.effective().money(), money("1.495"));
}

/// RI-SMALL, EC2 user guide: one m3.2xlarge (16 units) and 2 m3.large + 2 m3.xlarge running: both
/// large (8) and one xlarge (8) are covered, smallest first; one xlarge is on demand.
#[test]
fn small_instances_are_covered_first() {
    let types = [
        sized("m3.large", 4_000, "0.133"),
        sized("m3.xlarge", 8_000, "0.266"),
        sized("m3.2xlarge", 16_000, "0.532"),
    ];
    let lines = vec![UsageLine::new(&types[1]), UsageLine::new(&types[0])];
    let usage = NodeUsage::steady(lines, vec![2, 2], 1).expect("a usage");
    let held = [reserved("ri", &types[2], 1)];
    let bill = charge(&usage, &held).total();
    assert_eq!(bill.as_used[0].money(), money("0.266"), "one xlarge");
    assert_eq!(bill.as_used[1].money(), Money::ZERO, "no large");
    assert_eq!(bill.unused(), EffectiveCost::ZERO);
}

/// RI-NU, EC2 user guide: 4 m4.large are 16 units, 2 m4.xlarge too: fully covered.
#[test]
fn normalized_units_add_up() {
    let (large, xlarge) = (sized("m4.large", 4_000, "0.1"), sized("m4.xlarge", 8_000, "0.2"));
    let usage = NodeUsage::steady(vec![UsageLine::new(&xlarge)], vec![2], 1).expect("a usage");
    let held = [reserved("ri", &large, 4)];
    let charges = charge(&usage, &held);
    let bill = charges.total();
    assert_eq!(bill.coverage(), Some(Ratio::ONE));
    assert_eq!(hours(bill.holdings[0].units_used), whole(16));
}

/// RI-3600, EC2 user guide: four instances of 900 s each in one hour are 3,600 instance-seconds,
/// which one reservation covers. RI-3600B: four whole hours are one covered and three on demand.
#[test]
fn one_reservation_covers_3600_instance_seconds_an_hour() {
    let t = sized("m4.large", 4_000, "0.1");
    let quarter = UsageLine { seconds: 900, ..UsageLine::new(&t) };
    let held = [reserved("ri", &t, 1)];
    let usage = NodeUsage::steady(vec![quarter], vec![4], 1).expect("a usage");
    let bill = charge(&usage, &held).total();
    assert_eq!((bill.as_used[0].money(), bill.unused().money()), (Money::ZERO, Money::ZERO));
    let usage = NodeUsage::steady(vec![UsageLine::new(&t)], vec![4], 1).expect("a usage");
    let bill = charge(&usage, &held).total();
    assert_eq!(bill.as_used[0].money(), money("0.3"));
    assert_eq!(bill.holdings[0].list_covered.money(), money("0.1"));
}

/// RI-ZONAL, EC2 user guide: with a zonal reservation for zone a and a regional one, and usage in a
/// and b, the zonal one covers a and the regional one b. The guide tells it with two accounts; the
/// engine bills one organisation, in which unused zonal reservations apply first either way.
#[test]
fn a_zonal_reservation_comes_first_and_stays_in_its_zone() {
    let t = sized("m4.large", 4_000, "0.1");
    let zonal = || {
        reserved("zonal", &t, 1)
            .with_covers(Covers::Zonal { instance_type: t.name.clone(), zone: "a".to_owned() })
    };
    let lines = || vec![UsageLine::new(&t).in_zone("b"), UsageLine::new(&t).in_zone("a")];
    // Whichever stands first in the list.
    for held in [[zonal(), reserved("regional", &t, 1)], [reserved("regional", &t, 1), zonal()]] {
        let usage = NodeUsage::steady(lines(), vec![1, 1], 1).expect("a usage");
        let bill = charge(&usage, &held).total();
        assert_eq!(bill.effective_as_used(), EffectiveCost::ZERO);
        let covered = |id: &str| {
            let index = held.iter().position(|h| h.id == id).expect("held");
            bill.holdings[index].lines.iter().map(|l| l.line).collect::<Vec<_>>()
        };
        assert_eq!((covered("zonal"), covered("regional")), (vec![1], vec![0]));
    }
    // In another zone, or for another size, it covers nothing.
    let large = sized("m4.xlarge", 8_000, "0.2");
    let elsewhere = vec![UsageLine::new(&t).in_zone("b"), UsageLine::new(&large).in_zone("a")];
    let held = [zonal()];
    let usage = NodeUsage::steady(elsewhere, vec![1, 1], 1).expect("a usage");
    assert_eq!(charge(&usage, &held).total().holdings[0].utilization(), Some(Ratio::ZERO));
}

/// No size flexibility (EC2 user guide: G4ad, G4dn, G5, G5g, Inf1, and platforms other than
/// Linux/UNIX with shared tenancy): the exact type is covered, another size is not.
#[test]
fn without_flexibility_only_the_exact_type_is_covered() {
    let mut small = sized("g5.xlarge", 8_000, "1");
    let mut large = sized("g5.2xlarge", 16_000, "2");
    (small.normalized_units, large.normalized_units) = (None, None);
    let usage = NodeUsage::steady(vec![UsageLine::new(&small), UsageLine::new(&large)], vec![1, 1], 1)
        .expect("a usage");
    let held = [reserved("ri", &large, 2)];
    assert_eq!(held[0].covers, Covers::Type("g5.2xlarge".to_owned()));
    let bill = charge(&usage, &held).total();
    assert_eq!(bill.as_used[0].money(), money("1"));
    assert_eq!(bill.as_used[1].money(), Money::ZERO);
    assert_eq!(bill.holdings[0].utilization(), Ratio::of(1, 2));
    // A Windows line of a flexible family is in no pool.
    let t = sized("m4.large", 4_000, "0.1");
    let windows = NodeUsage::steady(vec![UsageLine::new(&t).in_pool(None)], vec![1], 1).expect("a usage");
    let held = [reserved("ri", &t, 1)];
    assert_eq!(charge(&windows, &held).total().holdings[0].units_used, 0);
}

/// ODCR, EC2 user guide: 20 reserved and 15 running: 15 instances and 5 unused slots are charged, all
/// on demand. A regional reservation covers running instances before unused ones, a zonal one never
/// covers unused capacity.
#[test]
fn a_capacity_reservation_is_charged_used_or_not() {
    let t = sized("m4.large", 4_000, "0.1");
    let line = || vec![UsageLine::new(&t).in_zone("a")];
    let usage = || NodeUsage::steady(line(), vec![15], 1).expect("a usage").with_capacity_reservation(0, 20);
    let (odcr, none) = (usage(), []);
    let bill = charge(&odcr, &none).total();
    assert_eq!(bill.as_used.iter().map(|c| c.money()).collect::<Vec<_>>(), [money("1.5"), money("0.5")]);
    let held = [reserved("ri", &t, 16)];
    let bill = charge(&odcr, &held).total();
    assert_eq!(bill.as_used.iter().map(|c| c.money()).collect::<Vec<_>>(), [Money::ZERO, money("0.4")]);
    let zone = Covers::Zonal { instance_type: t.name.clone(), zone: "a".to_owned() };
    let held = [reserved("ri", &t, 16).with_covers(zone)];
    let bill = charge(&odcr, &held).total();
    assert_eq!(bill.as_used.iter().map(|c| c.money()).collect::<Vec<_>>(), [Money::ZERO, money("0.5")]);
    assert_eq!(bill.holdings[0].utilization(), Ratio::of(15, 16));
    // Whatever runs beyond the reservation is charged as it runs.
    let more = NodeUsage::steady(line(), vec![25], 1).expect("a usage").with_capacity_reservation(0, 20);
    assert_eq!(charge(&more, &none).total().list.money(), money("2.5"));
}

/// The usage of AWS's example: 4 r5.4xlarge Linux, 1 m5.24xlarge Windows, 400 vCPU and 1,600 GB of
/// Fargate, a million Lambda requests of 3 s at 0.5 GB (1.5 million GB-seconds).
///
/// Rates as the page prints them (it calls them hypothetical): on demand, Compute plan, Instance plan.
fn example() -> (Vec<InstanceType>, Vec<u64>) {
    let rows = [
        ("r5.4xlarge", "1.00", "0.70", Some("0.60"), 4),
        ("m5.24xlarge", "10.00", "8.20", Some("7.80"), 1),
        ("fargate.vcpu", "0.04", "0.03", None, 400),
        ("fargate.gb", "0.004", "0.003", None, 1_600),
        ("lambda.gb-second", "0.000015", "0.00001275", None, 1_500_000),
        ("lambda.million-requests", "0.20", "0.20", None, 1),
    ];
    let (mut types, mut counts) = (Vec::new(), Vec::new());
    for (name, on_demand, compute, instance, count) in rows {
        let mut offers = vec![listed(COMPUTE_PLAN, rate(compute))];
        offers.extend(instance.map(|plan| listed(INSTANCE_PLAN, rate(plan))));
        types.push(offered(name, on_demand, offers));
        counts.push(count);
    }
    (types, counts)
}

fn compute_plan(hourly: &str) -> Holding {
    Holding::spend("sp-compute", COMPUTE_PLAN, None, rate(hourly), 0)
}

/// One hour of the example under some holdings: what is charged on demand, and what each holding used
/// of itself.
fn one_hour(held: &[Holding]) -> (Vec<Money>, Vec<u128>) {
    let (types, counts) = example();
    let lines = types.iter().map(UsageLine::new).collect();
    let usage = NodeUsage::steady(lines, counts, 1).expect("a usage");
    let bill = charge(&usage, held).total();
    assert_eq!(bill.list.money(), money("59.10"), "as the page says");
    (
        bill.as_used.iter().map(|cost| cost.money()).collect(),
        bill.holdings.iter().map(|h| h.units_used).collect(),
    )
}

fn total(costs: &[Money]) -> Money {
    costs.iter().copied().sum()
}

/// AWS Savings Plans User Guide, "Understanding how Savings Plans apply to your usage", scenario 1:
/// $50.00 an hour of Compute Savings Plan covers everything: $47.13 at plan rates
/// (2.80 + 8.20 + 12 + 4.80 + 19.125 + 0.20 = 47.125).
#[test]
fn savings_plans_scenario_1_all_usage() {
    let (on_demand, used) = one_hour(&[compute_plan("50")]);
    assert_eq!(total(&on_demand), Money::ZERO);
    assert_eq!(used, [47_125_000_000]);
}

/// Scenario 2: $2.00 covers about 2.9 of the r5 (30 % is the highest saving); 1.1 stay, $1.14; with the
/// rest $56.24 on demand. 2.00 / 0.70 = 2.857142857 units; 4 - that = 1.142857143.
#[test]
fn savings_plans_scenario_2_some_usage() {
    let (on_demand, used) = one_hour(&[compute_plan("2")]);
    assert_eq!(on_demand[0], money("1.142857143"));
    assert_eq!(total(&on_demand[1..]), money("55.10"));
    assert_eq!(total(&on_demand).to_cents_string(), "56.24");
    assert_eq!(used, [2_000_000_000]);
}

/// Scenario 3: $19.60 covers the r5 (2.80), then Fargate (25 %): memory before vCPU for its lower rate
/// (4.80, then 12.00), which meets the commitment. $32.70 stay on demand.
#[test]
fn savings_plans_scenario_3_across_products() {
    let (on_demand, used) = one_hour(&[compute_plan("19.60")]);
    assert_eq!(total(&on_demand), money("32.70"));
    assert_eq!((on_demand[0], on_demand[2], on_demand[3]), (Money::ZERO, Money::ZERO, Money::ZERO));
    assert_eq!(used, [19_600_000_000]);
    // A dollar less is missed by the vCPUs, which come last: 1.00 / 0.03 x 0.04.
    let (on_demand, _) = one_hour(&[compute_plan("18.60")]);
    assert_eq!((on_demand[2], on_demand[3]), (money("1.333333333"), Money::ZERO));
}

/// Scenario 4: two reserved r5.4xlarge apply first, then $18.20 of plan: 2 x 0.70 + 16.80. $32.70 stay.
#[test]
fn savings_plans_scenario_4_after_reserved_instances() {
    let (types, _) = example();
    let line = UsageLine::new(&types[0]);
    let ri = Holding::of_offer("ri", &line, &listed(RESERVED, rate("0.65")), 2, 0);
    let (on_demand, used) = one_hour(&[compute_plan("18.20"), ri]);
    assert_eq!(total(&on_demand), money("32.70"));
    assert_eq!(used, [18_200_000_000, 2 * 3_600_000]);
}

/// Scenario 5: an Instance plan for r5 of $3.00 covers all r5 for $2.40 and leaves 0.60 unused; then
/// $16.80 of Compute plan cover Fargate. $32.70 stay.
#[test]
fn savings_plans_scenario_5_instance_plan_before_compute_plan() {
    let instance = Holding::spend("sp-r5", INSTANCE_PLAN, Some("r5".to_owned()), rate("3"), 0);
    let (on_demand, used) = one_hour(&[compute_plan("16.80"), instance]);
    assert_eq!(total(&on_demand), money("32.70"));
    assert_eq!(used, [16_800_000_000, 2_400_000_000]);
}

/// FOCUS-75, FOCUS 1.2 usage scenario 3, and SP-UTIL: 0.75 used of 1.00 an hour.
#[test]
fn what_a_plan_does_not_use_is_its_own_cost() {
    let t = offered("m5.large", "1", vec![listed(COMPUTE_PLAN, rate("0.75"))]);
    let usage = NodeUsage::steady(vec![UsageLine::new(&t)], vec![1], 8_760).expect("a usage");
    let held = [compute_plan("1")];
    let bill = charge(&usage, &held).total();
    assert_eq!(bill.holdings[0].utilization(), Ratio::of(75, 100));
    assert_eq!((bill.holdings[0].used().money(), bill.unused().money()), (money("6570"), money("2190")));
    // FOCUS-PU: half upfront is 4,380, the rest 0.50 an hour.
    assert_eq!((held[0].upfront, held[0].recurring), (money("4380"), rate("0.5")));
    assert_eq!(bill.billed().money(), bill.effective().money(), "over the whole term");
}

/// AZ-RATIO and the example of azure-docs: a reservation of DS4_v2 (ratio 8) covers half a DS5_v2
/// (16), or 8 DS1_v2 (1), or 2 DS2_v2 (2) and 1 DS3_v2 (4).
#[test]
fn azure_reservations_flex_by_ratio() {
    const AZURE: OfferKey =
        OfferKey { kind: OfferKind::AzureReservation, term: Term::OneYear, payment: Payment::NoUpfront };
    let sizes = [("DS1_v2", 1), ("DS2_v2", 2), ("DS3_v2", 4), ("DS4_v2", 8), ("DS5_v2", 16)];
    let types: Vec<InstanceType> = sizes
        .iter()
        .map(|(name, ratio)| machine(&format!("Standard_{name}"), &format!("0.{ratio:02}")))
        .collect();
    // Ratios come from a file, in Microsoft's own columns.
    let rows = sizes.iter().map(|(name, ratio)| format!("DSv2 Series,Standard_{name},{ratio}\n"));
    let file = format!("InstanceSizeFlexibilityGroup,ArmSkuName,Ratio\n{}", rows.collect::<String>());
    let file = Source { name: "isf.csv".to_owned(), bytes: file.into_bytes() };
    let read = size_ratios::parse(&file).expect("ratios");
    let ratios = SizeRatios::new(read.into_iter().map(|r| (r.group, r.instance_type, r.thousandths)));
    let line = |index: usize| {
        let line = UsageLine::new(&types[index]);
        let pool = ratios.pool(&line);
        assert_eq!(pool.as_ref().map(|pool| pool.name.as_str()), Some("DSv2 Series"));
        line.in_pool(pool)
    };
    let held = [Holding::of_offer("rsv", &line(3), &listed(AZURE, rate("0.05")), 1, 0)];
    let cases: [(&[(usize, u64)], u64); 4] =
        [(&[(4, 1)], 50), (&[(0, 8)], 100), (&[(1, 2), (2, 1)], 100), (&[(3, 1)], 100)];
    for (nodes, percent) in cases {
        let lines = nodes.iter().map(|&(index, _)| line(index)).collect();
        let usage = NodeUsage::steady(lines, nodes.iter().map(|n| n.1).collect(), 1).expect("a usage");
        let bill = charge(&usage, &held).total();
        assert_eq!(bill.coverage(), Ratio::of(percent, 100), "{nodes:?}");
        assert_eq!(bill.holdings[0].utilization(), Some(Ratio::ONE), "{nodes:?}");
    }
}

/// azure-docs: reservations before savings plans, three-year plans before one-year plans, the greatest
/// discount first.
#[test]
fn azure_plans_apply_long_terms_first() {
    let key = |term| OfferKey { kind: OfferKind::AzureSavingsPlan, term, payment: Payment::NoUpfront };
    let (one, three) = (key(Term::OneYear), key(Term::ThreeYears));
    // The one-year saving on a (40 %) is greater than the three-year saving on b (30 %).
    let a = offered("a", "1", vec![listed(one, rate("0.6")), listed(three, rate("0.5"))]);
    let b = offered("b", "1", vec![listed(one, rate("0.8")), listed(three, rate("0.7"))]);
    let usage =
        NodeUsage::steady(vec![UsageLine::new(&b), UsageLine::new(&a)], vec![1, 1], 1).expect("a usage");
    let held = [
        Holding::spend("sp-1", one, None, rate("0.4"), 0),
        Holding::spend("sp-3", three, None, rate("0.6"), 0),
    ];
    let bill = charge(&usage, &held).total();
    // Three years: a for 0.5, then 0.1 / 0.7 of b; one year: 0.4 / 0.8 of b; the rest on demand:
    // 1 - 0.142857143 - 0.5 = 0.357142857.
    assert_eq!(bill.as_used[1].money(), Money::ZERO);
    assert_eq!(bill.as_used[0].money(), money("0.357142857"));
}

/// Types of one series at 0.03 per vCPU and 0.004 per GiB, committed at 0.02 and 0.003.
fn series() -> Vec<InstanceType> {
    let key =
        OfferKey { kind: OfferKind::ResourceCommitment, term: Term::OneYear, payment: Payment::NoUpfront };
    [("n2-standard-4", 4, 16), ("n2-highcpu-4", 4, 4), ("n2-highmem-4", 4, 32)]
        .into_iter()
        .map(|(name, cpu, gib)| {
            let price = Rate::from_nanos(30_000_000 * cpu + 4_000_000 * gib);
            let committed = Rate::from_nanos(20_000_000 * cpu + 3_000_000 * gib);
            let mut t = offered(name, &price.to_string(), vec![listed(key, committed)]);
            t.family = "n2".to_owned();
            t.cpu = MilliCpu(cpu * 1_000);
            t.memory = Bytes::mib(gib * 1_024);
            t
        })
        .collect()
}

/// Google Cloud documentation, committed use discounts: vCPU and memory are committed apart, in
/// amounts for a series, and cover any machine type of it. Hand-worked with the rates above.
#[test]
fn google_commitments_cover_vcpus_and_memory_apart() {
    let catalog = machines::catalog(series());
    let list = SeriesRates::of(&catalog, |t| Some(t.on_demand.rate));
    let committed = SeriesRates::of(&catalog, |t| t.offers.first().map(|o| o.effective));
    let t = |name: &str| catalog.types.iter().find(|t| t.name == name).expect("a type");
    let split = |name: &str| list.split(t(name), t(name).on_demand.rate);
    assert_eq!((split("n2-standard-4").cpu, split("n2-standard-4").memory), (rate("0.12"), rate("0.064")));
    // Committed: one n2-standard-4, 4 vCPU and 16 GiB. Running: one n2-highmem-4, 4 vCPU and 32 GiB.
    let offer = &t("n2-standard-4").offers[0];
    let rates = committed.split(t("n2-standard-4"), offer.effective);
    let held = Holding::resources("cud", t("n2-standard-4"), offer, rates, 1, 0);
    assert_eq!(held.iter().map(|h| h.recurring).collect::<Vec<_>>(), [rate("0.08"), rate("0.048")]);
    let highmem = UsageLine::new(t("n2-highmem-4")).with_components(Some(split("n2-highmem-4")));
    let usage = NodeUsage::steady(vec![highmem], vec![1], 1).expect("a usage");
    let bill = charge(&usage, &held).total();
    // Of 0.12 + 0.128 the vCPUs and half of the memory are covered: 0.064 stays.
    assert_eq!(bill.as_used[0].money(), money("0.064"));
    assert_eq!(bill.effective().money(), money("0.192"));
    // Running: two n2-highcpu-4, 8 vCPU and 8 GiB: half of the vCPUs stay, half of the commitment to
    // memory is unused: 8 GiB x 0.003.
    let highcpu = UsageLine::new(t("n2-highcpu-4")).with_components(Some(split("n2-highcpu-4")));
    let usage = NodeUsage::steady(vec![highcpu], vec![2], 1).expect("a usage");
    let bill = charge(&usage, &held).total();
    assert_eq!(bill.as_used[0].money(), money("0.12"));
    assert_eq!(bill.unused().money(), money("0.024"));
}

/// Google Cloud documentation: flexible commitments apply to what resource commitments leave.
#[test]
fn google_flexible_commitments_come_after_resource_commitments() {
    let flexible =
        OfferKey { kind: OfferKind::FlexibleCommitment, term: Term::OneYear, payment: Payment::NoUpfront };
    let mut types = series();
    types[0].offers.push(listed(flexible, rate("0.13248"))); // 28 % off 0.184
    let catalog = machines::catalog(types);
    let t = catalog.types.iter().find(|t| t.name == "n2-standard-4").expect("a type");
    let list = SeriesRates::of(&catalog, |t| Some(t.on_demand.rate)).split(t, t.on_demand.rate);
    let key = OfferKey::of(&t.offers[0]);
    let cpu = Holding {
        covers: Covers::Cpu { series: "n2".to_owned(), amount: MilliCpu(4_000) },
        ..Holding::spend("cud-cpu", key, None, rate("0.08"), 0)
    };
    let held = [Holding::spend("cud-flex", flexible, None, rate("0.1"), 0), cpu];
    let line = UsageLine::new(t).with_components(Some(list));
    let usage = NodeUsage::steady(vec![line], vec![1], 1).expect("a usage");
    let bill = charge(&usage, &held).total();
    // The vCPUs (0.12) are covered; 0.064 of memory takes 0.064 x 0.72 = 0.04608 of the 0.1.
    assert_eq!(bill.as_used[0].money(), Money::ZERO);
    assert_eq!(bill.holdings[0].units_used, 46_080_000);
    assert_eq!(bill.holdings[0].list_covered.money(), money("0.064"));
}

/// SUD-50 and SUD-100, Google's table of sustained use discounts, through the engine: an N1 node for
/// half a month is 10 % off, for all of it 30 %; two half months of different machines are one whole
/// month; what a commitment covers earns nothing.
#[test]
fn sustained_use_follows_the_share_of_the_month() {
    let mut n1 = machine("n1-standard-1", "0.1");
    n1.sustained_use = Some(plimsoll::catalog::ListedRate {
        rate: rate("0.07"),
        provenance: plimsoll::catalog::Provenance::Listed,
    });
    let month = |first: u64, second: u64| {
        let hours = (0..730).map(|hour| u32::from(hour >= 365)).collect();
        NodeUsage::new(vec![UsageLine::new(&n1)], vec![vec![first], vec![second]], hours).expect("a usage")
    };
    let (all, half, two) = (month(1, 1), month(1, 0), month(2, 1));
    assert_eq!(charge(&all, &[]).total().as_used[0].money(), money("51.1"), "0.07 x 730");
    assert_eq!(charge(&half, &[]).total().as_used[0].money(), money("32.85"), "0.1 x 365 x 0.9");
    // A whole month and half a month: 51.1 + 32.85.
    assert_eq!(charge(&two, &[]).total().as_used[0].money(), money("83.95"));
    assert_eq!(charge(&two, &[]).total().sustained, money("25.55"), "21.9 + 3.65");
    let held = [Holding {
        covers: Covers::Type(n1.name.clone()),
        ..Holding::spend("cud", RESERVED, None, rate("0.05"), 0)
    }];
    assert_eq!(charge(&two, &held).total().as_used[0].money(), money("32.85"), "the upper half month");
}
