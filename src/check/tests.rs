use super::*;
use crate::plan::ValueStep;
use crate::problem::{BinSet, BinType, ItemType, ItemTypeId};
use crate::units::Rate;

const SMALL: u32 = 0;
const LARGE: u32 = 1;

fn item(demand: [u64; 2], copies: u64) -> ItemType {
    ItemType { demand: demand.into_iter().collect(), copies, max_per_bin: None, eligible: BinSet::all(2) }
}

fn bin(capacity: [u64; 2], rate: u64, stock: Option<u64>) -> BinType {
    BinType { capacity: capacity.into_iter().collect(), rate: Rate::from_nanos(rate), stock }
}

/// web 6x(1,1), db 2x(2,3); small (4,4) at 10, large (8,8) at 18.
fn problem(large_stock: Option<u64>) -> Problem {
    Problem::new(
        vec!["cpu".into(), "memory".into()],
        vec![item([1, 1], 6), item([2, 3], 2)],
        vec![bin([4, 4], 10, None), bin([8, 8], 18, large_stock)],
        [],
        None,
    )
    .unwrap()
}

fn value(bin_type: u32, value: u64, proof: ValueProof) -> PatternValue {
    PatternValue { bin_type, value, proof }
}

fn by_prices(numerators: [u64; 2], denominator: u64) -> ValueProof {
    ValueProof::ResourcePrices { numerators: numerators.to_vec(), denominator }
}

fn prices(item_prices: [u64; 2], pattern_values: Vec<PatternValue>) -> Valuation {
    Valuation { item_prices: item_prices.to_vec(), pattern_values }
}

fn leaf(weights: &[(u32, u64)]) -> BoundStep {
    let weights = weights.iter().map(|&(valuation, weight)| Weight { valuation, weight }).collect();
    BoundStep::Leaf { weights }
}

fn large(bins: u64) -> BoundStep {
    BoundStep::Branch { bin_type: LARGE, bins }
}

fn certificate(valuation: Valuation) -> Certificate {
    Certificate { valuations: vec![valuation], proof: vec![leaf(&[(0, 1)])], ..Certificate::default() }
}

fn check(large_stock: Option<u64>, valuation: Valuation) -> Result<Money, Vec<Objection>> {
    check_certificate(&problem(large_stock), &certificate(valuation))
}

/// Of valuation 0 at prices 2 and 6, and of valuation 1 at those given.
fn check_steps(other: Valuation, proof: Vec<BoundStep>) -> Result<Money, Vec<Objection>> {
    let valuations = vec![two_and_six(16), other];
    check_certificate(&problem(None), &Certificate { valuations, proof, ..Certificate::default() })
}

/// Prices 2 and 6, memory alone priced at 2: small is worth 8, large 16, all items 24.
fn two_and_six(large: u64) -> Valuation {
    let memory = || by_prices([0, 2], 1);
    prices([2, 6], vec![value(SMALL, 8, memory()), value(LARGE, large, memory())])
}

#[test]
fn farley_bound_of_two_types_by_hand() {
    // r = min(10 / 8, 18 / 16) = 9/8; 9/8 x (6 x 2 + 2 x 6) = 27; rates are multiples of 2: 28.
    assert_eq!(check(None, two_and_six(16)), Ok(Money::from_nanos(28)));
}

/// Demands are multiples of 2: of capacities 5 and 9 no more than 4 and 8 are ever in use, so that the
/// prices prove what they prove of those.
#[test]
fn capacity_that_no_copies_add_up_to_counts_for_nothing() {
    let items = vec![item([2, 2], 6), item([4, 6], 2)];
    let bins = vec![bin([5, 9], 10, None), bin([9, 8], 18, None)];
    let odd = Problem::new(vec!["cpu".into(), "memory".into()], items, bins, [], None).unwrap();
    let cpu = || by_prices([1, 0], 1);
    let values = |small| prices([2, 4], vec![value(SMALL, small, cpu()), value(LARGE, 8, cpu())]);
    // r = min(10 / 4, 18 / 8) = 9/4; 9/4 x (6 x 2 + 2 x 4) = 45; rates are multiples of 2: 46.
    assert_eq!(check_certificate(&odd, &certificate(values(4))), Ok(Money::from_nanos(46)));
    let too_small = Objection::ValueTooSmall { bin_type: BinTypeId(SMALL), stated: 3, proven: 4 };
    assert_eq!(check_certificate(&odd, &certificate(values(3))), Err(vec![too_small]));
}

#[test]
fn a_limited_type_stays_out_of_the_ratio_and_is_paid_for_by_its_stock() {
    // r = 10/8; 10/8 x 24 = 30; one large saves 10/8 x 16 - 18 = 2: 28.
    assert_eq!(check(Some(1), two_and_six(16)), Ok(Money::from_nanos(28)));
    // None at all: large is not usable, r and the divisor come from small alone.
    assert_eq!(check(Some(0), two_and_six(16)), Ok(Money::from_nanos(30)));
    // Even without a value for it.
    let small_only = prices([2, 6], vec![value(SMALL, 8, by_prices([0, 2], 1))]);
    assert_eq!(check(Some(0), small_only.clone()), Ok(Money::from_nanos(30)));
    assert_eq!(check(Some(1), small_only), Err(vec![Objection::MissingBinType(BinTypeId(LARGE))]));
}

#[test]
fn branches_take_the_worse_of_their_cases() {
    let check = |proof: Vec<BoundStep>| check_steps(two_and_six(16), proof);
    let (priced, free) = (|| leaf(&[(0, 1)]), || leaf(&[]));
    // At most one large: 30 - 2 = 28 as with a stock of one. At least two: r = 9/8, 27 + 2 x 0 = 27.
    assert_eq!(check(vec![large(1), priced(), priced()]), Ok(Money::from_nanos(28)));
    // At least two large at no prices at all: 2 x 18 = 36.
    assert_eq!(check(vec![large(1), priced(), free()]), Ok(Money::from_nanos(28)));
    // Nothing is known below the branch.
    assert_eq!(check(vec![large(1), free(), priced()]), Ok(Money::ZERO));
    let refused = check(vec![large(1), large(3), free(), free(), free()]);
    let bin_type = BinTypeId(LARGE);
    assert_eq!(refused, Err(vec![Objection::ContradictoryBranch { bin_type, at_least: 4, at_most: 1 }]));
}

#[test]
fn valuations_add_up() {
    // Cpu alone, at 2: web 2, db 4, small 8, large 16, all 20. Twice memory's and once cpu's: all 68,
    // small 24, large 48; r = min(10 / 24, 18 / 48) = 3/8: 25.5, up to 26.
    let cpu = || by_prices([2, 0], 1);
    let other = prices([2, 4], vec![value(SMALL, 8, cpu()), value(LARGE, 16, cpu())]);
    let check = |proof: Vec<BoundStep>| check_steps(other.clone(), proof);
    assert_eq!(check(vec![leaf(&[(0, 2), (1, 1)])]), Ok(Money::from_nanos(26)));
    // How often all of it counts does not matter.
    assert_eq!(check(vec![leaf(&[(0, 2_000), (1, 1_000)])]), Ok(Money::from_nanos(26)));
    assert_eq!(check(vec![leaf(&[(0, 1), (0, 1)])]), Ok(Money::from_nanos(28)));
    assert_eq!(check(vec![leaf(&[(2, 1)])]), Err(vec![Objection::UnknownValuation(2)]));
    let vast = check(vec![leaf(&[(0, u64::MAX)])]);
    assert_eq!(vast, Err(vec![Objection::Overflow("a weighted sum")]));
    // What no leaf counts with must be true as well.
    let low = check_steps(two_and_six(15), vec![leaf(&[(0, 1)])]);
    assert!(matches!(low.unwrap_err()[..], [Objection::ValueTooSmall { stated: 15, .. }]));
}

#[test]
fn steps_that_form_no_tree_are_refused() {
    let check = |proof: Vec<BoundStep>| check_steps(two_and_six(16), proof);
    let priced = || leaf(&[(0, 1)]);
    assert_eq!(check(vec![]), Err(vec![Objection::UnfinishedProof(1)]));
    assert_eq!(check(vec![large(1), priced()]), Err(vec![Objection::UnfinishedProof(1)]));
    assert_eq!(check(vec![large(1), large(0), priced()]), Err(vec![Objection::UnfinishedProof(2)]));
    assert_eq!(check(vec![priced(), priced()]), Err(vec![Objection::StrayStep(1)]));
    let foreign = BoundStep::Branch { bin_type: 7, bins: 1 };
    let refused = check(vec![foreign, priced(), priced()]);
    assert_eq!(refused, Err(vec![Objection::UnknownBinType(BinTypeId(7))]));
}

#[test]
fn a_value_below_what_the_prices_prove_is_refused() {
    let bin_type = BinTypeId(LARGE);
    let objection = Objection::ValueTooSmall { bin_type, stated: 15, proven: 16 };
    assert_eq!(check(None, two_and_six(15)), Err(vec![objection]));
}

#[test]
fn copies_that_resource_prices_do_not_cover_count_as_often_as_they_fit() {
    // memory at 1: web gains 1, db 3. Large: 8 + 6 x 1 + 2 x 3 = 20; small: 4 + 4 x 1 + 1 x 3 = 11.
    let proof = || by_prices([0, 1], 1);
    let values = |small, large| vec![value(SMALL, small, proof()), value(LARGE, large, proof())];
    // r = min(10 / 11, 18 / 20) = 9/10: 21.6, up to 22.
    assert_eq!(check(None, prices([2, 6], values(11, 20))), Ok(Money::from_nanos(22)));
    let refused = check(None, prices([2, 6], values(10, 20)));
    assert_eq!(
        refused,
        Err(vec![Objection::ValueTooSmall { bin_type: BinTypeId(SMALL), stated: 10, proven: 11 }])
    );
}

#[test]
fn equal_items_share_the_room_that_there_is() {
    // Two item types (1,1), 6 copies each at 3 and 2: four fit into small, so 12, not 20.
    let problem = Problem::new(
        vec!["cpu".into(), "memory".into()],
        vec![item([1, 1], 6), item([1, 1], 6)],
        vec![bin([4, 4], 12, None), bin([0, 0], 1, None)],
        [],
        None,
    )
    .unwrap();
    let proof = prices([3, 2], vec![value(SMALL, 12, by_prices([0, 0], 1))]);
    // r = 12/12: 18 + 12 = 30, up to 36.
    assert_eq!(check_certificate(&problem, &certificate(proof)), Ok(Money::from_nanos(36)));
}

fn split(items: &[u32], copies: u64) -> ValueStep {
    ValueStep::Split { items: items.to_vec(), copies }
}

fn end(numerators: [u64; 2]) -> ValueStep {
    ValueStep::Prices { numerators: numerators.to_vec() }
}

fn by_cases(steps: Vec<ValueStep>) -> ValueProof {
    ValueProof::Cases { denominator: 1, steps }
}

#[test]
fn the_worst_case_counts() {
    let large = |steps: Vec<ValueStep>, stated: u64| {
        check(
            None,
            prices(
                [2, 6],
                vec![value(SMALL, 8, by_prices([0, 2], 1)), value(LARGE, stated, by_cases(steps))],
            ),
        )
    };
    // Large (8,8), memory at 2. At most one db: 16 + (db gains 0) = 16. Both: 12 + 2 x room (4,2) = 16.
    let both = || vec![split(&[1], 1), end([0, 2]), end([0, 2])];
    assert_eq!(large(both(), 16), Ok(Money::from_nanos(28)));
    // At no price for memory: at most one db and as many web as fit, 6 + 12 = 18; both and 2 web, 16.
    let free = || vec![split(&[1], 1), end([0, 0]), end([0, 0])];
    let bin_type = BinTypeId(LARGE);
    assert_eq!(large(free(), 17), Err(vec![Objection::ValueTooSmall { bin_type, stated: 17, proven: 18 }]));
    assert!(large(free(), 18).is_ok());
    // Three db do not exist, and would not fit.
    assert!(large(vec![split(&[1], 2), end([0, 2]), end([0, 0])], 16).is_ok());
}

#[test]
fn cases_that_are_no_whole_are_refused() {
    let large = |steps: Vec<ValueStep>| {
        check(
            None,
            prices([2, 6], vec![value(SMALL, 8, by_prices([0, 2], 1)), value(LARGE, 99, by_cases(steps))]),
        )
    };
    let bin_type = BinTypeId(LARGE);
    assert!(large(vec![end([0, 2])]).is_ok());
    for steps in [
        vec![],
        vec![split(&[1], 1), end([0, 2])],
        vec![end([0, 2]), end([0, 2])],
        vec![split(&[], 1), end([0, 2]), end([0, 2])],
        vec![split(&[9], 1), end([0, 2]), end([0, 2])],
        vec![split(&[1, 1], 1), end([0, 2]), end([0, 2])],
        // Unequal items do not count as one.
        vec![split(&[0, 1], 1), end([0, 2]), end([0, 2])],
        vec![split(&[1], u64::MAX), end([0, 2]), end([0, 2])],
    ] {
        assert_eq!(large(steps.clone()), Err(vec![Objection::Cases(bin_type)]), "{steps:?}");
    }
    let flat = vec![ValueStep::Prices { numerators: vec![1] }];
    assert_eq!(large(flat), Err(vec![Objection::ResourcePrices(bin_type)]));
}

#[test]
fn equal_items_may_be_split_as_one() {
    // Two item types (1,1), 3 copies each at 3 and 2; four fit. Together at most 2: 6. At least 3: 9 + 3.
    let problem = |items: Vec<ItemType>| {
        Problem::new(
            vec!["cpu".into(), "memory".into()],
            items,
            vec![bin([4, 4], 12, None), bin([0, 0], 1, None)],
            [],
            None,
        )
        .unwrap()
    };
    let equal = problem(vec![item([1, 1], 3), item([1, 1], 3)]);
    let proof = |stated, steps| certificate(prices([3, 2], vec![value(SMALL, stated, by_cases(steps))]));
    let steps = || vec![split(&[0, 1], 2), end([0, 0]), end([0, 0])];
    assert!(check_certificate(&equal, &proof(12, steps())).is_ok());
    assert!(check_certificate(&equal, &proof(11, steps())).is_err());
    // A member of a group is not split again by itself.
    let twice = vec![split(&[0, 1], 2), split(&[0], 1), end([0, 0]), end([0, 0]), end([0, 0])];
    assert!(check_certificate(&equal, &proof(99, twice)).is_err());
}

#[test]
fn an_exhaustive_value_is_searched_again() {
    // Small holds web and db (3,4) for 8, no more; large db db web web (6,8) for 16.
    let exhaustive = |small, large| {
        let values =
            vec![value(SMALL, small, ValueProof::Exhaustive), value(LARGE, large, ValueProof::Exhaustive)];
        prices([2, 6], values)
    };
    assert_eq!(check(None, exhaustive(8, 16)), Ok(Money::from_nanos(28)));
    let refused = check(None, exhaustive(8, 15)).unwrap_err();
    let [Objection::BetterPattern { pattern, stated: 15, worth: 16 }] = &refused[..] else {
        panic!("{refused:?}")
    };
    assert_eq!(pattern.content(), [(ItemTypeId(0), 2), (ItemTypeId(1), 2)]);
    let unfinished = check_within(&problem(None), &certificate(exhaustive(8, 16)), 0).unwrap_err();
    assert_eq!(unfinished[0], Objection::NotRechecked { bin_type: BinTypeId(SMALL), steps: 0 });
}

#[test]
fn dominance_is_not_taken_on_trust() {
    let exact = |dominated: Vec<(u32, u32)>, problem: &Problem| {
        let dominated = dominated.into_iter().map(|(bin_type, by)| Dominance { bin_type, by }).collect();
        check_certificate(problem, &Certificate { dominated, ..Certificate::default() })
    };
    let flaw = |found: Result<Money, Vec<Objection>>| match &found.unwrap_err()[..] {
        [Objection::FalseDominance { flaw, .. }] => flaw.clone(),
        other => panic!("{other:?}"),
    };
    let plain = problem(None);
    assert_eq!(flaw(exact(vec![(SMALL, LARGE)], &plain)), DominanceFlaw::Dearer);
    assert_eq!(flaw(exact(vec![(LARGE, SMALL)], &plain)), DominanceFlaw::Smaller("cpu".into()));
    assert_eq!(flaw(exact(vec![(SMALL, LARGE)], &problem(Some(9)))), DominanceFlaw::Limited);
    assert_eq!(flaw(exact(vec![(SMALL, SMALL)], &plain)), DominanceFlaw::LeftOutItself);
    let unknown = exact(vec![(SMALL, 7)], &plain);
    assert_eq!(unknown, Err(vec![Objection::UnknownBinType(BinTypeId(7))]));

    let mut barred = item([1, 1], 1);
    barred.eligible = BinSet::new(vec![true, false]);
    let bins = vec![bin([4, 4], 10, None), bin([8, 8], 10, None)];
    let labelled =
        Problem::new(vec!["cpu".into(), "memory".into()], vec![barred], bins.clone(), [], None).unwrap();
    assert_eq!(flaw(exact(vec![(SMALL, LARGE)], &labelled)), DominanceFlaw::NotEligible(ItemTypeId(0)));
    let open = Problem::new(vec!["cpu".into(), "memory".into()], vec![item([1, 1], 1)], bins, [], None);
    assert!(exact(vec![(SMALL, LARGE)], &open.unwrap()).is_ok());
}

#[test]
fn what_does_not_belong_to_the_problem_is_refused() {
    let short = Valuation { item_prices: vec![1], pattern_values: vec![] };
    assert_eq!(check(None, short), Err(vec![Objection::PriceCount { found: 1, expected: 2 }]));
    let twice = prices([0, 0], vec![value(SMALL, 0, by_prices([0, 0], 1)); 2]);
    assert_eq!(check(None, twice), Err(vec![Objection::RepeatedBinType(BinTypeId(SMALL))]));
    let foreign = prices([0, 0], vec![value(5, 0, by_prices([0, 0], 1))]);
    assert_eq!(check(None, foreign), Err(vec![Objection::UnknownBinType(BinTypeId(5))]));
    let mut flat = two_and_six(16);
    flat.pattern_values[0].proof = by_prices([0, 2], 0);
    assert_eq!(check(None, flat), Err(vec![Objection::ResourcePrices(BinTypeId(SMALL))]));
}

#[test]
fn the_empty_certificate_proves_nothing_and_is_true() {
    assert_eq!(check_certificate(&problem(None), &Certificate::default()), Ok(Money::ZERO));
}

#[test]
fn sums_past_128_bits_are_an_objection() {
    let many = ItemType {
        demand: [0, 1].into_iter().collect(),
        copies: u64::MAX,
        max_per_bin: None,
        eligible: BinSet::all(1),
    };
    let bins = vec![bin([u64::MAX, u64::MAX], u64::MAX, None)];
    let problem = Problem::new(vec!["cpu".into(), "memory".into()], vec![many], bins, [], None).unwrap();
    let proof = Valuation {
        item_prices: vec![u64::MAX],
        pattern_values: vec![value(0, u64::MAX - 1, by_prices([0, u64::MAX], 1))],
    };
    let refused = check_certificate(&problem, &certificate(proof)).unwrap_err();
    assert!(refused.contains(&Objection::Overflow("the worth of all items")), "{refused:?}");
}

#[test]
fn proofs_may_be_deep() {
    let steps = (0..5_000).flat_map(|bins| [large(bins), leaf(&[])]);
    assert_eq!(check_steps(two_and_six(16), steps.chain([leaf(&[(0, 1)])]).collect()), Ok(Money::ZERO));
}
