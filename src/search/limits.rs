//! Limits over several bin types: a plan that breaks them is searched again with stocks that keep them.
//!
//! The solver knows stocks of single bin types. A plan found without the limits often keeps them. Where it
//! does not, what a limit allows is dealt out to the bin types, once as that plan uses them and once to each
//! of the most likely types first; every share is a stock, each is searched, and the cheapest plan wins. The
//! bound stays that of the problem without such limits.

use std::cmp::Reverse;
use std::time::Instant;

use crate::plan::{Outcome, Plan, ProgressPoint, StopReason};
use crate::problem::{BinTypeId, Problem};
use crate::solver::SolveError;
use crate::solver::control::Budget;

/// Of a time limit, what the search without the limits has; the rest is for the searches with stocks.
const FIRST_SHARE: f64 = 0.6;
/// Types that come first in a dealing out, of those used most and of the largest.
const TRIED: usize = 4;

/// The part of a budget for the search that knows nothing of the limits.
pub(super) fn first<'a>(problem: &Problem, budget: &Budget<'a>) -> Budget<'a> {
    if problem.bin_limits().is_empty() {
        return *budget;
    }
    Budget { time_limit: budget.time_limit.map(|limit| limit.mul_f64(FIRST_SHARE)), ..*budget }
}

/// The same outcome where its plan keeps the limits; otherwise that of the cheapest plan found that does,
/// under the same bound.
pub(super) fn within(
    problem: &Problem,
    outcome: Outcome,
    (budget, started): (&Budget<'_>, Instant),
    solve: &dyn Fn(&Problem, &Budget<'_>) -> Result<Outcome, SolveError>,
) -> Result<Outcome, SolveError> {
    let used = used(problem, &outcome.incumbent);
    if keeps(problem, &used) {
        return Ok(outcome);
    }
    let dealt = dealings(problem, &used);
    let rest = budget.time_limit.map(|limit| limit.saturating_sub(started.elapsed()) / dealt.len() as u32);
    let part = Budget { time_limit: rest, ..*budget };
    let mut best: Option<Outcome> = None;
    for stocks in dealt {
        match solve(&problem.with_stocks(&stocks), &part) {
            Ok(found) => {
                let cost = found.incumbent.hourly_cost(problem);
                if best.as_ref().is_none_or(|best| cost < best.incumbent.hourly_cost(problem)) {
                    best = Some(found);
                }
            }
            // These shares hold not everything; others may.
            Err(SolveError::NoPlanFound | SolveError::Unplaceable(_)) => {}
        }
    }
    let best = best.ok_or(SolveError::NoPlanFound)?;
    let cost = best.incumbent.hourly_cost(problem);
    let mut progress = outcome.progress;
    // Plans that break the limits are none.
    progress.iter_mut().for_each(|point| point.incumbent = None);
    let (work, millis) = progress.last().map_or((0, 0), |last| (last.work, last.millis));
    let bound = outcome.lower_bound;
    progress.push(ProgressPoint { work, millis, incumbent: Some(cost), lower_bound: bound.value });
    let stop = if best.stop == StopReason::Optimal { StopReason::BestUnderRestrictions } else { best.stop };
    Ok(Outcome { incumbent: best.incumbent, stop, progress, lower_bound: bound.clone() }
        .under(problem, bound))
}

/// How many bins of each type a plan uses.
fn used(problem: &Problem, plan: &Plan) -> Vec<u64> {
    let mut used = vec![0u64; problem.bins().len()];
    for (pattern, copies) in plan.bins() {
        used[pattern.bin_type().index()] += copies;
    }
    used
}

fn keeps(problem: &Problem, used: &[u64]) -> bool {
    problem.bin_limits().iter().all(|limit| {
        let of = |&(bin, weight): &(BinTypeId, u64)| u128::from(used[bin.index()]) * u128::from(weight);
        limit.weights.iter().map(of).sum::<u128>() <= u128::from(limit.most)
    })
}

/// Stocks that keep every limit, whatever is bought within them.
fn dealings(problem: &Problem, used: &[u64]) -> Vec<Vec<Option<u64>>> {
    let mut limited: Vec<usize> =
        problem.bin_limits().iter().flat_map(|limit| &limit.weights).map(|(bin, _)| bin.index()).collect();
    limited.sort_unstable();
    limited.dedup();
    limited.sort_by_key(|&t| (Reverse(used[t]), t));
    // As many of each as the plan uses, by the share that the tightest limit leaves of that.
    let scaled = |t: usize| -> u64 {
        let of = problem.bin_limits().iter().filter(|l| l.weights.iter().any(|(bin, _)| bin.index() == t));
        let left = of.map(|limit| {
            let all: u128 =
                limit.weights.iter().map(|(bin, w)| u128::from(used[bin.index()]) * u128::from(*w)).sum();
            u128::from(used[t]) * u128::from(limit.most) / all.max(u128::from(limit.most)).max(1)
        });
        left.min().map_or(used[t], |left| u64::try_from(left).unwrap_or(u64::MAX))
    };
    let as_used: Vec<(usize, u64)> = limited.iter().map(|&t| (t, scaled(t))).collect();
    let mut largest = limited.clone();
    largest.sort_by_key(|&t| (Reverse(problem.bins()[t].rate), t));
    let mut leaders: Vec<usize> =
        limited.iter().take(TRIED).chain(largest.iter().take(TRIED)).copied().collect();
    leaders.sort_unstable();
    leaders.dedup();
    let mut found: Vec<Vec<Option<u64>>> = vec![dealt(problem, &limited, &as_used)];
    found.extend(leaders.into_iter().map(|t| dealt(problem, &limited, &[(t, u64::MAX)])));
    found.sort();
    found.dedup();
    found
}

/// Gives the types what they want in this order, as far as the limits go, and the rest of the limits to
/// all in turn.
fn dealt(problem: &Problem, limited: &[usize], wants: &[(usize, u64)]) -> Vec<Option<u64>> {
    let mut left: Vec<u64> = problem.bin_limits().iter().map(|limit| limit.most).collect();
    let mut stocks: Vec<Option<u64>> = problem.bins().iter().map(|bin| bin.stock).collect();
    for &t in limited {
        stocks[t] = Some(0);
    }
    let rest = limited.iter().map(|&t| (t, u64::MAX));
    for (t, want) in wants.iter().copied().chain(rest) {
        let has = stocks[t].unwrap_or(0);
        let stock = problem.bins()[t].stock.unwrap_or(u64::MAX);
        let mut more = want.min(stock.saturating_sub(has));
        let weight = |l: usize| {
            let weights = &problem.bin_limits()[l].weights;
            weights.iter().find(|(bin, _)| bin.index() == t).map(|&(_, weight)| weight)
        };
        for (l, left) in left.iter().enumerate() {
            if let Some(weight) = weight(l) {
                more = more.min(left / weight.max(1));
            }
        }
        for (l, left) in left.iter_mut().enumerate() {
            if let Some(weight) = weight(l) {
                *left -= more * weight;
            }
        }
        stocks[t] = Some(has + more);
    }
    stocks
}
