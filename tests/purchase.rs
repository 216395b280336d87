//! What the purchase optimiser promises: no worse than anything simpler, and never below its bound.

#[path = "support/market.rs"]
mod market;

use fastrand::Rng;
use plimsoll::bill::commitment::{Covers, Holding, charge};
use plimsoll::bill::{EffectiveCost, NodeUsage, OfferKey, Scenario, SeriesRates, UsageLine};
use plimsoll::catalog::{Catalog, CommitmentOffer, OfferKind, Payment, Provenance, Term};
use plimsoll::input::catalog_file;
use plimsoll::purchase::{Options, PurchasePlan, TailRisk, optimise};
use plimsoll::units::{Money, PartsPerMillion, Rate};

const YEAR: u32 = 8_760;

fn money(text: &str) -> Money {
    text.parse().expect("money")
}

fn one_type() -> Catalog {
    let mut large = market::machine("m5.large", 4, 100_000_000);
    let rate = Rate::from_nanos(60_000_000);
    let (kind, term) = (OfferKind::ReservedStandard, Term::OneYear);
    large.offers = vec![CommitmentOffer::new(kind, term, Payment::NoUpfront, rate, Provenance::Listed)];
    market::listed(vec![large])
}

/// Two nodes in all hours and three more in half of them, reserved at 60 % of on demand: the two pay
/// (100 % of hours > 60 %), the three do not (50 %). A year costs 2 x 0.06 x 8,760 = 1,051.20 reserved
/// and 3 x 0.10 x 4,380 = 1,314 on demand.
#[test]
fn one_pool_by_hand() {
    let catalog = one_type();
    let lines = vec![UsageLine::new(&catalog.types[0])];
    let hours = (0..YEAR).map(|h| h % 2).collect();
    let usage = NodeUsage::new(lines, vec![vec![2], vec![5]], hours).unwrap();
    let scenarios = market::certain(usage);
    let plan = optimise(&catalog, &scenarios, &[], &Options::default()).unwrap();
    assert_eq!(plan.cost.money(), money("2365.2"));
    assert_eq!(plan.without.money(), money("3066"));
    assert_eq!(plan.rows.len(), 1);
    let row = &plan.rows[0];
    assert_eq!((row.quantity, row.net_savings), (2, money("700.8")));
    assert_eq!(row.break_even_utilization.unwrap().percent(0), "60");
    assert_eq!(row.utilization.unwrap().percent(0), "100");
    // The bound is the optimum, but for the roundings that it allows the bill.
    assert!(
        plan.bound <= plan.cost && plan.cost.money() - plan.bound.money() < money("0.001"),
        "{}",
        plan.bound
    );
    let half = &plan.sensitivity[0];
    // 70 % of 5 nodes are 4 in one half of their hours and 3 in the other: 1,051.20 + 1.5 x 0.10 x 4,380.
    assert_eq!((half.demand, half.cost.money()), (PartsPerMillion(700_000), money("1708.2")));
    // And of 2 nodes 1 and 2: one of the two reserved ones is idle in 60 % of 4,380 hours.
    assert_eq!(half.unused.money(), money("157.68"));
}

fn proposal(catalog: &Catalog, rng: &mut Rng, id: usize) -> Holding {
    let t = &catalog.types[rng.usize(0..catalog.types.len())];
    let offer = &t.offers[rng.usize(0..t.offers.len())];
    let id = format!("x-{id}");
    match offer.kind {
        OfferKind::InstanceSavingsPlan | OfferKind::ComputeSavingsPlan => {
            let family = (offer.kind == OfferKind::InstanceSavingsPlan).then(|| t.family.clone());
            let hourly = Rate::from_nanos(offer.effective.nanos() * rng.u64(1..20));
            Holding::spend(id, OfferKey::of(offer), family, hourly, 0)
        }
        _ => Holding::of_offer(id, &UsageLine::new(t), offer, rng.u64(1..8), 0),
    }
}

fn cost(scenarios: &[Scenario<'_>], holdings: &[Holding]) -> i128 {
    scenarios
        .iter()
        .map(|s| charge(&s.usage, holdings).effective().money().nanos() * i128::from(s.weight.0))
        .sum()
}

fn total(cost: EffectiveCost) -> i128 {
    // Expected costs are rounded to a nano-dollar.
    (cost.money().nanos() - 1) * 1_000_000
}

fn case(seed: u64) -> (Catalog, Rng) {
    let mut rng = Rng::with_seed(seed);
    let (instance, compute) = (rng.bool(), rng.bool());
    let catalog = market::catalog(&mut rng, 3, 1 + (seed % 2) as usize, instance, compute);
    (catalog, rng)
}

#[test]
fn never_above_single_instruments_random_purchases_or_none_and_never_below_the_bound() {
    let mut tried = 0;
    let mut gaps = Vec::new();
    for seed in 0..10 {
        let (catalog, mut rng) = case(seed);
        let states = [24, 48][(seed % 2) as usize];
        let scenarios = market::certain(market::usage(&mut rng, &catalog, YEAR, states, 14));
        let plan = optimise(&catalog, &scenarios, &[], &Options::default()).unwrap();
        assert!(plan.bound <= plan.cost, "seed {seed}: bound {} cost {}", plan.bound, plan.cost);
        assert!(plan.cost <= plan.without, "seed {seed}");
        gaps.push((plan.cost.money() - plan.bound.money()).ratio_to(plan.cost.money()).unwrap());
        assert_eq!(cost(&scenarios, &plan.holdings), total(plan.cost) + 1_000_000, "the engine's cost");
        for _ in 0..200 {
            let many = 1 + rng.usize(0..5);
            let holdings: Vec<Holding> = (0..many).map(|i| proposal(&catalog, &mut rng, i)).collect();
            tried += 1;
            assert!(total(plan.cost) <= cost(&scenarios, &holdings), "seed {seed}: {holdings:#?}");
        }
        for holding in singles(&catalog) {
            assert!(total(plan.cost) <= cost(&scenarios, &[holding]), "seed {seed}");
        }
    }
    assert_eq!(tried, 2_000);
    gaps.sort_by(f64::total_cmp);
    eprintln!("gaps {gaps:?}");
    assert!(gaps[5] < 0.01 && gaps[9] < 0.03, "{gaps:?}");
}

/// Every offer of the catalog alone, in many quantities.
fn singles(catalog: &Catalog) -> Vec<Holding> {
    let mut all = Vec::new();
    for t in &catalog.types {
        for offer in &t.offers {
            for n in 1..=30 {
                let key = OfferKey::of(offer);
                all.push(match offer.kind {
                    OfferKind::InstanceSavingsPlan | OfferKind::ComputeSavingsPlan => {
                        let family = (offer.kind == OfferKind::InstanceSavingsPlan).then(|| t.family.clone());
                        Holding::spend("x", key, family, Rate::from_nanos(offer.effective.nanos() * n), 0)
                    }
                    _ => Holding::of_offer("x", &UsageLine::new(t), offer, n, 0),
                });
            }
        }
    }
    all
}

#[test]
fn what_is_owned_is_honoured_and_its_waste_told() {
    for seed in 20..24 {
        let (catalog, mut rng) = case(seed);
        let scenarios = market::certain(market::usage(&mut rng, &catalog, YEAR, 24, 14));
        let owned: Vec<Holding> = (0..3)
            .map(|i| {
                let mut held = proposal(&catalog, &mut rng, i).owned();
                // Begun before, and some of them end within the year.
                let shift = i64::from(rng.u32(100..8_000));
                held.start -= shift;
                held.end -= shift;
                held
            })
            .collect();
        let plan = optimise(&catalog, &scenarios, &owned, &Options::default()).unwrap();
        assert!(plan.bound <= plan.cost && plan.cost <= plan.without, "seed {seed}");
        assert_eq!(cost(&scenarios, &owned), total(plan.without) + 1_000_000);
        assert_eq!(&plan.holdings[..3], &owned[..]);
        assert_eq!(plan.owned.len(), 3);
        for _ in 0..100 {
            let mut holdings = owned.clone();
            holdings.extend((3..5).map(|i| proposal(&catalog, &mut rng, i)));
            assert!(total(plan.cost) <= cost(&scenarios, &holdings), "seed {seed}");
        }
    }
}

fn three_futures<'a>(catalog: &'a Catalog, rng: &mut Rng) -> Vec<Scenario<'a>> {
    let usage = market::usage(rng, catalog, YEAR, 24, 20);
    let scaled = |share: u32| {
        let slots = usage
            .slots()
            .iter()
            .map(|nodes| nodes.iter().map(|&n| PartsPerMillion(share).ceil_of(n)).collect())
            .collect();
        NodeUsage::new(usage.lines().to_vec(), slots, usage.hours().to_vec()).expect("as many nodes as lines")
    };
    [("low", 300_000, 400_000), ("expected", 500_000, 1_000_000), ("high", 200_000, 1_300_000)]
        .into_iter()
        .map(|(name, weight, share)| Scenario {
            name: name.to_owned(),
            weight: PartsPerMillion(weight),
            usage: scaled(share),
        })
        .collect()
}

fn with(change: impl Fn(&mut Options), catalog: &Catalog, scenarios: &[Scenario<'_>]) -> PurchasePlan {
    let mut options = Options::default();
    change(&mut options);
    let plan = optimise(catalog, scenarios, &[], &options).expect("purchases");
    assert!(plan.bound <= plan.objective, "bound {} objective {}", plan.bound, plan.objective);
    plan
}

#[test]
fn limits_are_kept_and_never_make_it_cheaper() {
    for seed in 30..33 {
        let (catalog, mut rng) = case(seed);
        let scenarios = three_futures(&catalog, &mut rng);
        let free = with(|_| (), &catalog, &scenarios);
        assert!(free.obligation.money() > Money::ZERO);

        let half = Money::from_nanos(free.obligation.money().nanos() / 2);
        let capped = with(|o| o.most_obligation = Some(half), &catalog, &scenarios);
        assert!(capped.obligation.money() <= half && capped.cost >= free.cost, "seed {seed}");

        let nothing_now = with(|o| o.most_upfront = Some(Money::ZERO), &catalog, &scenarios);
        assert_eq!(nothing_now.upfront.money(), Money::ZERO);

        let short = with(|o| o.longest_term = Term::OneYear, &catalog, &scenarios);
        assert!(short.rows.iter().all(|row| row.key.term == Term::OneYear) && short.cost >= free.cost);

        let only = with(|o| o.payments = Some(vec![Payment::NoUpfront]), &catalog, &scenarios);
        assert!(only.rows.iter().all(|row| row.key.payment == Payment::NoUpfront));

        let much = with(|o| o.least_coverage = Some(PartsPerMillion(950_000)), &catalog, &scenarios);
        assert!(much.coverage.unwrap().nanos() >= 950_000_000, "{:?}", much.coverage);
        assert!(much.cost >= free.cost);

        let careful = TailRisk { share: PartsPerMillion(300_000), weight: PartsPerMillion(900_000) };
        let averse = with(|o| o.tail = Some(careful), &catalog, &scenarios);
        assert!(averse.tail_mean.is_some() && averse.cost >= free.cost);

        let ladder = with(|o| o.ladder_months = 12, &catalog, &scenarios);
        assert!(ladder.cost >= free.cost, "what is bought later saves less");
        assert!(ladder.rows.iter().all(|row| row.starts.len() > 1));
        let starts: i64 = ladder.holdings.iter().map(|h| h.start).max().unwrap();
        assert_eq!(starts % 730, 0);
    }
}

/// Where one pool stands alone, the optimiser buys what the threshold rule says.
#[test]
fn one_pool_alone_follows_the_threshold_rule() {
    let mut rng = Rng::with_seed(12);
    for case in 0..12 {
        let mut catalog = one_type();
        let (on_demand, reserved) = (100_000_000, rng.u64(20_000_000..100_000_000));
        let (kind, term) = (OfferKind::ReservedStandard, Term::OneYear);
        let rate = Rate::from_nanos(reserved);
        catalog.types[0].offers =
            vec![CommitmentOffer::new(kind, term, Payment::NoUpfront, rate, Provenance::Listed)];
        let states: Vec<Vec<u64>> = (0..6).map(|_| vec![rng.u64(0..30)]).collect();
        let hours: Vec<u32> = (0..480).map(|_| rng.u32(0..6)).collect();
        let mut demand: Vec<(u64, u64)> = states.iter().map(|nodes| (nodes[0], 0)).collect();
        hours.iter().for_each(|&state| demand[state as usize].1 += 1);
        let usage = NodeUsage::new(vec![UsageLine::new(&catalog.types[0])], states, hours).unwrap();
        let scenarios = market::certain(usage);
        let plan = optimise(&catalog, &scenarios, &[], &Options::default()).unwrap();
        let bought: u64 = plan.rows.iter().map(|row| row.quantity).sum();
        let rule = plimsoll::purchase::threshold(Rate::from_nanos(on_demand), rate, &demand);
        assert_eq!(bought, rule, "case {case}: reserved {reserved} {demand:?}");
    }
}

/// Six nodes all year in three tranches of two: each saves 0.04 of 0.10 from its own start on, so that half
/// a year's fee of 262.80 at the start is passed when 2 x (73.00 - 21.90) a month have come to 525.60.
#[test]
fn tranches_pay_off_like_what_is_bought_at_once() {
    let mut catalog = one_type();
    let rate = Rate::from_nanos(60_000_000);
    let (kind, term) = (OfferKind::ReservedStandard, Term::OneYear);
    catalog.types[0].offers =
        vec![CommitmentOffer::new(kind, term, Payment::PartialUpfront, rate, Provenance::Listed)];
    let lines = vec![UsageLine::new(&catalog.types[0])];
    let scenarios = market::certain(NodeUsage::steady(lines, vec![6], YEAR).unwrap());
    for ladder_months in [1, 3] {
        let plan = optimise(&catalog, &scenarios, &[], &Options { ladder_months, ..Options::default() });
        let row = &plan.unwrap().rows[0];
        assert_eq!(row.quantity, 6);
        assert_eq!(row.break_even_months.map(|months| months.fixed(3)), Some("5.143".to_owned()));
    }
}

#[test]
fn bought_for_the_expected_case_alone_the_low_one_can_lose() {
    let catalog = one_type();
    let lines = || vec![UsageLine::new(&catalog.types[0])];
    let steady = |nodes| NodeUsage::steady(lines(), vec![nodes], YEAR).unwrap();
    let scenario = |name: &str, weight, nodes| Scenario {
        name: name.to_owned(),
        weight: PartsPerMillion(weight),
        usage: steady(nodes),
    };
    // Ten nodes with 80 %, two with 20 %: units 3 to 10 run 80 % of the time, more than 60 %.
    let scenarios = [scenario("low", 200_000, 2), scenario("expected", 800_000, 10)];
    let plan = optimise(&catalog, &scenarios, &[], &Options::default()).unwrap();
    assert_eq!(plan.rows[0].quantity, 10);
    // Low: ten reserved cost 10 x 0.06 x 8,760 = 5,256, two on demand 1,752.
    assert_eq!(plan.worst_case_loss, money("3504"));
    assert_eq!(plan.rows[0].worst_case_loss, money("3504"));
}

/// The lines and a year's wave of some types of a bundled catalog.
fn bundled<'a>(catalog: &'a Catalog, names: &[&str], by_resource: bool) -> Vec<Scenario<'a>> {
    let series = SeriesRates::of(catalog, |t| Some(t.on_demand.rate));
    let line = |name: &&str| {
        let t = catalog.find(name).expect("a type of the catalog");
        let split = by_resource.then(|| series.split(t, t.on_demand.rate));
        UsageLine::new(t).with_components(split)
    };
    let lines: Vec<UsageLine<'_>> = names.iter().map(line).collect();
    let slots = (0..24u64).map(|hour| names.iter().map(|_| 4 + hour.abs_diff(12)).collect()).collect();
    let usage = NodeUsage::new(lines, slots, (0..YEAR).map(|h| h % 24).collect()).expect("a usage");
    market::certain(usage)
}

#[test]
fn google_and_azure_offers_are_bought_in_their_own_units() {
    let read = |name: &str| catalog_file::by_name(name).expect("bundled").read();
    let cases = [
        ("gcp-2026-07-30-us-central1", ["n2-standard-4", "n2-highmem-8", "e2-standard-4"], true),
        (
            "azure-2026-01-26-polandcentral",
            ["Standard_B2as_v2", "Standard_B2s_v2", "Standard_B4als_v2"],
            false,
        ),
    ];
    for (name, types, by_resource) in cases {
        let catalog = read(name);
        let scenarios = bundled(&catalog, &types, by_resource);
        let plan = optimise(&catalog, &scenarios, &[], &Options::default()).unwrap();
        assert!(plan.bound <= plan.cost && plan.cost < plan.without, "{name}");
        let gap = (plan.cost.money() - plan.bound.money()).ratio_to(plan.cost.money()).unwrap();
        // Google's sustained use discount counts in the bound as if every hour had it in full.
        assert!(gap < 0.12, "{name}: gap {gap}");
        let kinds: Vec<OfferKind> = plan.rows.iter().map(|row| row.key.kind).collect();
        let own = [OfferKind::ResourceCommitment, OfferKind::AzureReservation, OfferKind::AzureSavingsPlan];
        assert!(!kinds.is_empty() && kinds.iter().all(|kind| own.contains(kind)), "{name}: {kinds:?}");
        if by_resource {
            let of = |memory: bool| {
                plan.rows.iter().any(|row| matches!(row.covers, Covers::Memory { .. }) == memory)
            };
            assert!(of(true) && of(false), "vCPUs and memory apart");
        }
    }
}
