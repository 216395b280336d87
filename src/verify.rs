//! Checks an answer against its problem from first principles; only what passes can be billed or printed.
//!
//! Shares no code with the solver: every sum is taken again from the problem and the plan, in
//! widened integers, so that a mistake there cannot repeat itself here.

pub mod placement;
mod pools;
mod violation;

pub use pools::verify_pools;
pub use violation::Violation;

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{LowerBound, Outcome, Pattern, Plan, ProgressPoint, StopReason};
use crate::problem::{BinTypeId, ItemTypeId, Problem};
use crate::units::Money;

/// A plan that holds every rule of its problem. Made only by [`verify_plan`] and [`verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPlan {
    plan: Plan,
    hourly_cost: Money,
}

impl VerifiedPlan {
    /// The plan itself.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What all bins cost for one hour at the problem's rates, summed again by the verifier.
    pub fn hourly_cost(&self) -> Money {
        self.hourly_cost
    }
}

/// A verified plan with its lower bound and how the search went. Made only by [`verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedOutcome {
    plan: VerifiedPlan,
    lower_bound: LowerBound,
    stop: StopReason,
    progress: Vec<ProgressPoint>,
}

impl VerifiedOutcome {
    /// The verified plan.
    pub fn plan(&self) -> &VerifiedPlan {
        &self.plan
    }

    /// What no plan can undercut.
    pub fn lower_bound(&self) -> &LowerBound {
        &self.lower_bound
    }

    /// Why the search ended.
    pub fn stop(&self) -> StopReason {
        self.stop
    }

    /// How the search went.
    pub fn progress(&self) -> &[ProgressPoint] {
        &self.progress
    }
}

/// Checks a plan with its lower bound.
///
/// # Errors
/// Every violation found, in a fixed order.
pub fn verify(problem: &Problem, outcome: Outcome) -> Result<VerifiedOutcome, Vec<Violation>> {
    let Outcome { incumbent, lower_bound, stop, progress } = outcome;
    let plan = verify_plan(problem, incumbent)?;
    let (bound, cost) = (lower_bound.value, plan.hourly_cost);
    let mut violations = Vec::new();
    if lower_bound.certified > bound {
        violations.push(Violation::CertifiedAboveBound { certified: lower_bound.certified, bound });
    }
    if bound > cost {
        violations.push(Violation::BoundAboveCost { bound, cost });
    }
    if stop == StopReason::Optimal && bound < cost {
        violations.push(Violation::FalselyOptimal { bound, cost });
    }
    if violations.is_empty() {
        Ok(VerifiedOutcome { plan, lower_bound, stop, progress })
    } else {
        Err(violations)
    }
}

/// Checks a plan: every copy placed exactly once, and each bin within capacity, rules and stock.
///
/// # Errors
/// Every violation found, in a fixed order.
pub fn verify_plan(problem: &Problem, plan: Plan) -> Result<VerifiedPlan, Vec<Violation>> {
    let mut violations = Vec::new();
    let mut placed = vec![0u128; problem.items().len()];
    let mut bins_used: BTreeMap<BinTypeId, u128> = BTreeMap::new();
    let mut nanos: Option<i128> = Some(0);
    let conflicts = Conflicts::of(problem);

    for (pattern, copies) in plan.bins() {
        if let Some(bin) = problem.bins().get(pattern.bin_type().index()) {
            let cost = i128::from(bin.rate.nanos()) * i128::from(copies);
            nanos = nanos.and_then(|sum| sum.checked_add(cost));
            *bins_used.entry(pattern.bin_type()).or_default() += u128::from(copies);
        } else {
            violations.push(Violation::UnknownBinType(pattern.bin_type()));
            continue;
        }
        for &(item, count) in pattern.content() {
            if let Some(total) = placed.get_mut(item.index()) {
                *total = total.saturating_add(u128::from(count).saturating_mul(u128::from(copies)));
            }
        }
        check_bin(problem, pattern, &conflicts, &mut violations);
    }
    for (item, (&placed, it)) in problem.item_ids().zip(placed.iter().zip(problem.items())) {
        if placed != u128::from(it.copies) {
            violations.push(Violation::Copies { item, placed, wanted: it.copies });
        }
    }
    for (&bin_type, &used) in &bins_used {
        if let Some(stock) = problem.bin(bin_type).stock
            && used > u128::from(stock)
        {
            violations.push(Violation::Stock { bin_type, used, stock });
        }
    }
    for limit in problem.bin_limits() {
        let of =
            |&(bin, weight)| bins_used.get(&bin).map_or(0, |n: &u128| n.saturating_mul(u128::from(weight)));
        let used: u128 = limit.weights.iter().map(of).fold(0, u128::saturating_add);
        if used > u128::from(limit.most) {
            violations.push(Violation::Limit { name: limit.name.clone(), used, most: limit.most });
        }
    }
    if let Some(limit) = problem.max_bin_types()
        && bins_used.len() as u128 > u128::from(limit)
    {
        violations.push(Violation::BinTypes { used: bins_used.len(), limit });
    }
    match nanos {
        Some(nanos) if violations.is_empty() => {
            Ok(VerifiedPlan { plan, hourly_cost: Money::from_nanos(nanos) })
        }
        Some(_) => Err(violations),
        None => {
            violations.push(Violation::CostOutOfRange);
            Err(violations)
        }
    }
}

/// Which item types conflict with which, by item type.
struct Conflicts(BTreeMap<ItemTypeId, BTreeSet<ItemTypeId>>);

impl Conflicts {
    fn of(problem: &Problem) -> Self {
        let mut partners: BTreeMap<ItemTypeId, BTreeSet<ItemTypeId>> = BTreeMap::new();
        for &(a, b) in problem.conflicts() {
            partners.entry(a).or_default().insert(b);
        }
        Conflicts(partners)
    }
}

/// Checks one bin by itself: known items, eligibility, copies per bin, conflicts, capacity.
fn check_bin(problem: &Problem, pattern: &Pattern, conflicts: &Conflicts, violations: &mut Vec<Violation>) {
    let bin_type = pattern.bin_type();
    let capacity = &problem.bin(bin_type).capacity;
    let mut used = vec![0u128; problem.dimensions().len()];
    for &(item, count) in pattern.content() {
        let Some(it) = problem.items().get(item.index()) else {
            violations.push(Violation::UnknownItemType(item));
            continue;
        };
        for (sum, &amount) in used.iter_mut().zip(it.demand.as_slice()) {
            *sum = sum.saturating_add(u128::from(amount) * u128::from(count));
        }
        if !it.eligible.contains(bin_type) {
            violations.push(Violation::Eligibility { item, bin_type });
        }
        if let Some(limit) = it.max_per_bin
            && count > limit
        {
            violations.push(Violation::PerBin { pattern: pattern.clone(), item, count, limit });
        }
        if let Some(partners) = conflicts.0.get(&item) {
            for &(other, _) in pattern.content() {
                if partners.contains(&other) {
                    violations.push(Violation::Conflict {
                        pattern: pattern.clone(),
                        first: item,
                        second: other,
                    });
                }
            }
        }
    }
    for ((dimension, &used), &capacity) in problem.dimensions().iter().zip(&used).zip(capacity.as_slice()) {
        if used > u128::from(capacity) {
            violations.push(Violation::Capacity {
                pattern: pattern.clone(),
                dimension: dimension.clone(),
                used,
                capacity,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{BoundKind, Certificate};
    use crate::problem::{BinSet, BinType, ItemType};
    use crate::units::{Rate, Resources};

    const SMALL: BinTypeId = BinTypeId(0);
    const LARGE: BinTypeId = BinTypeId(1);
    const SPARE: BinTypeId = BinTypeId(2);
    const WEB: ItemTypeId = ItemTypeId(0);
    const DB: ItemTypeId = ItemTypeId(1);
    const JOB: ItemTypeId = ItemTypeId(2);

    fn item(demand: [u64; 2], copies: u64, max_per_bin: Option<u64>, eligible: [bool; 3]) -> ItemType {
        ItemType {
            demand: Resources::from_iter(demand),
            copies,
            max_per_bin,
            eligible: BinSet::new(eligible.to_vec()),
        }
    }

    fn bin(capacity: [u64; 2], rate: u64, stock: Option<u64>) -> BinType {
        BinType { capacity: Resources::from_iter(capacity), rate: Rate::from_nanos(rate), stock }
    }

    /// web 4x(1,1) anywhere; db 2x(2,3), one per bin, not on small, not beside job; job 1x(1,4).
    fn problem(max_bin_types: Option<u32>) -> Problem {
        Problem::new(
            vec!["cpu".into(), "memory".into()],
            vec![
                item([1, 1], 4, None, [true, true, true]),
                item([2, 3], 2, Some(1), [false, true, true]),
                item([1, 4], 1, None, [true, true, true]),
            ],
            vec![bin([2, 4], 10, None), bin([4, 8], 25, None), bin([4, 8], 5, Some(1))],
            [(JOB, DB)],
            max_bin_types,
        )
        .unwrap()
    }

    /// large: db web web; spare: db web web; small: job. Cost 25 + 5 + 10 = 40.
    fn good() -> Plan {
        Plan::from_iter([
            (Pattern::new(LARGE, [(DB, 1), (WEB, 2)]), 1),
            (Pattern::new(SPARE, [(DB, 1), (WEB, 2)]), 1),
            (Pattern::new(SMALL, [(JOB, 1)]), 1),
        ])
    }

    fn outcome(plan: Plan, bound: i128, stop: StopReason) -> Outcome {
        Outcome {
            incumbent: plan,
            lower_bound: LowerBound {
                value: Money::from_nanos(bound),
                kind: BoundKind::Certified,
                certified: Money::from_nanos(bound),
                certificate: Certificate::default(),
            },
            stop,
            progress: vec![],
        }
    }

    fn faults(plan: impl IntoIterator<Item = (Pattern, u64)>) -> Vec<Violation> {
        verify_plan(&problem(None), Plan::from_iter(plan)).unwrap_err()
    }

    #[test]
    fn a_good_plan_passes_with_its_cost_summed_again() {
        let verified = verify(&problem(Some(3)), outcome(good(), 40, StopReason::Optimal)).unwrap();
        assert_eq!(verified.plan().hourly_cost(), Money::from_nanos(40));
        assert_eq!(verified.plan().plan(), &good());
    }

    #[test]
    fn a_copy_too_few_and_a_copy_too_many_are_found() {
        let mut short: Vec<_> = good().bins().map(|(p, n)| (p.clone(), n)).collect();
        short.retain(|(p, _)| p.bin_type() != SMALL);
        assert_eq!(faults(short), [Violation::Copies { item: JOB, placed: 0, wanted: 1 }]);
        let plan = good();
        let twice = plan.bins().map(|(p, n)| (p.clone(), n + u64::from(p.bin_type() == SMALL)));
        assert_eq!(
            faults(twice.collect::<Vec<_>>()),
            [Violation::Copies { item: JOB, placed: 2, wanted: 1 }]
        );
    }

    #[test]
    fn an_overfull_bin_is_found_in_the_dimension_that_overflows() {
        // db and 3 web: cpu 2 + 3 = 5 of 4, memory 3 + 3 = 6 of 8.
        let full = Pattern::new(LARGE, [(DB, 1), (WEB, 3)]);
        let found = faults([
            (full.clone(), 1),
            (Pattern::new(SPARE, [(DB, 1), (WEB, 1)]), 1),
            (Pattern::new(SMALL, [(JOB, 1)]), 1),
        ]);
        let expected = Violation::Capacity { pattern: full, dimension: "cpu".into(), used: 5, capacity: 4 };
        assert_eq!(found, [expected]);
    }

    #[test]
    fn copies_per_bin_are_found() {
        let both = Pattern::new(LARGE, [(DB, 2)]);
        let found = faults([
            (both.clone(), 1),
            (Pattern::new(SMALL, [(WEB, 2)]), 2),
            (Pattern::new(SMALL, [(JOB, 1)]), 1),
        ]);
        assert_eq!(found, [Violation::PerBin { pattern: both, item: DB, count: 2, limit: 1 }]);
    }

    #[test]
    fn an_item_on_a_bin_type_that_may_not_hold_it_is_found() {
        let found = faults([
            (Pattern::new(SMALL, [(DB, 1)]), 1),
            (Pattern::new(SPARE, [(DB, 1), (WEB, 2)]), 1),
            (Pattern::new(SMALL, [(WEB, 2)]), 1),
            (Pattern::new(SMALL, [(JOB, 1)]), 1),
        ]);
        assert_eq!(found, [Violation::Eligibility { item: DB, bin_type: SMALL }]);
    }

    #[test]
    fn items_that_conflict_are_found_once() {
        let shared = Pattern::new(LARGE, [(DB, 1), (JOB, 1)]);
        let found = faults([
            (shared.clone(), 1),
            (Pattern::new(SPARE, [(DB, 1), (WEB, 2)]), 1),
            (Pattern::new(SMALL, [(WEB, 2)]), 1),
        ]);
        assert_eq!(found, [Violation::Conflict { pattern: shared, first: DB, second: JOB }]);
    }

    #[test]
    fn more_bins_than_stock_are_found() {
        let found =
            faults([(Pattern::new(SPARE, [(DB, 1), (WEB, 2)]), 2), (Pattern::new(SMALL, [(JOB, 1)]), 1)]);
        assert_eq!(found, [Violation::Stock { bin_type: SPARE, used: 2, stock: 1 }]);
    }

    #[test]
    fn more_bin_types_than_the_cap_are_found() {
        let found = verify_plan(&problem(Some(2)), good()).unwrap_err();
        assert_eq!(found, [Violation::BinTypes { used: 3, limit: 2 }]);
    }

    #[test]
    fn types_that_do_not_exist_are_found() {
        let all = good().bins().map(|(p, n)| (p.clone(), n)).collect::<Vec<_>>();
        let (no_bin, no_item) = (BinTypeId(9), ItemTypeId(9));
        let mut plan = all.clone();
        plan.push((Pattern::new(no_bin, []), 1));
        assert_eq!(faults(plan), [Violation::UnknownBinType(no_bin)]);
        let mut plan = all;
        plan.push((Pattern::new(SMALL, [(no_item, 1)]), 1));
        assert_eq!(faults(plan), [Violation::UnknownItemType(no_item)]);
    }

    #[test]
    fn a_false_bound_is_found() {
        let cost = Money::from_nanos(40);
        let found = verify(&problem(None), outcome(good(), 41, StopReason::GapReached)).unwrap_err();
        assert_eq!(found, [Violation::BoundAboveCost { bound: Money::from_nanos(41), cost }]);
        let found = verify(&problem(None), outcome(good(), 39, StopReason::Optimal)).unwrap_err();
        assert_eq!(found, [Violation::FalselyOptimal { bound: Money::from_nanos(39), cost }]);
        let mut uncertified = outcome(good(), 39, StopReason::WorkLimit);
        uncertified.lower_bound.certified = cost;
        let found = verify(&problem(None), uncertified).unwrap_err();
        let bound = Money::from_nanos(39);
        assert_eq!(found, [Violation::CertifiedAboveBound { certified: cost, bound }]);
    }

    #[test]
    fn sums_past_64_bits_do_not_wrap() {
        let huge = u64::MAX / 2 + 1;
        let problem = Problem::new(
            vec!["memory".into()],
            vec![ItemType {
                demand: Resources::from_iter([huge]),
                copies: 2,
                max_per_bin: None,
                eligible: BinSet::all(1),
            }],
            vec![BinType {
                capacity: Resources::from_iter([u64::MAX]),
                rate: Rate::from_nanos(u64::MAX),
                stock: None,
            }],
            [],
            None,
        )
        .unwrap();
        let both = Pattern::new(BinTypeId(0), [(ItemTypeId(0), 2)]);
        let found = verify_plan(&problem, Plan::from_iter([(both.clone(), 1)])).unwrap_err();
        let (used, capacity) = (1u128 << 64, u64::MAX);
        assert_eq!(
            found,
            [Violation::Capacity { pattern: both, dimension: "memory".into(), used, capacity }]
        );
        let apart = Pattern::new(BinTypeId(0), [(ItemTypeId(0), 1)]);
        let verified = verify_plan(&problem, Plan::from_iter([(apart, 2)])).unwrap();
        assert_eq!(verified.hourly_cost().nanos(), 2 * i128::from(u64::MAX));
    }

    #[test]
    fn every_violation_reads_as_a_sentence() {
        let pattern = Pattern::new(LARGE, [(DB, 2)]);
        let text = Violation::PerBin { pattern, item: DB, count: 2, limit: 1 }.to_string();
        assert_eq!(text, "a bin of type 1 holds 2 copies of item type 1 where 1 are allowed");
    }
}
