//! Large groups that the relaxation splits, settled one after the other: where none of the pools that hold
//! part of such a group holds it whole at much less than a third pool would, rounding is a poor start.
//!
//! A group is set into each of a few pools in turn, and the relaxation solved anew around it; the cheapest
//! stays. Which few: in pool p its copies are worth setting there once their prices rise by the factor
//!
//! ```text
//! s(p) = least s with  max { (s pi_g).a_g + pi.a : a a pattern of p, fractional } >= c_p,
//! ```
//!
//! at the prices pi of the relaxation so far: the smaller, the cheaper.

use rayon::prelude::*;

use super::bound::{Relaxation, relax};
use super::start::Relaxed;
use crate::problem::{PoolId, Pooling, Problem};

/// Groups that are set, at most.
const GROUPS: usize = 8;
/// Pools in which each is tried.
const TRIED: usize = 4;
/// A group matters from this share of all costs on outside the pool where most of it lies.
const MATTERS: f64 = 0.003;

/// The pool of each group, where some group is so large that it was worth diving for. `stop` ends it early.
pub(super) fn dive(
    problem: &Problem,
    pooling: &Pooling,
    (relaxed, cost): (&Relaxed, f64),
    pools: &[PoolId],
    stop: &(dyn Fn() -> bool + Sync),
) -> Option<Vec<Option<PoolId>>> {
    let matters = |relaxed: &Relaxed| {
        let (group, outside, _) = relaxed.most_split()?;
        (outside > MATTERS * cost).then_some(group)
    };
    matters(relaxed)?;
    let may = |group: &Vec<_>| -> Vec<PoolId> {
        pools.iter().copied().filter(|&p| pooling.may_hold(problem, p, group)).collect()
    };
    let mut allowed: Vec<Vec<PoolId>> = pooling.groups().iter().map(may).collect();
    let mut now = relax(problem, pooling, &allowed)?;
    for _ in 0..GROUPS {
        let Some(group) = matters(&now.relaxed).filter(|_| !stop()) else { break };
        let mut tried: Vec<(f64, PoolId)> = allowed[group]
            .par_iter()
            .filter_map(|&pool| Some((rise(&now, pooling, group, pool)?, pool)))
            .collect();
        tried.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let set = |pool: PoolId| {
            let mut allowed = allowed.clone();
            allowed[group] = vec![pool];
            relax(problem, pooling, &allowed)
        };
        let found: Vec<(PoolId, Relaxation)> =
            tried.into_par_iter().take(TRIED).filter_map(|(_, pool)| Some((pool, set(pool)?))).collect();
        let best = found.into_iter().min_by(|a, b| a.1.cost.total_cmp(&b.1.cost).then(a.0.cmp(&b.0)));
        let Some((pool, next)) = best else { break };
        allowed[group] = vec![pool];
        now = next;
    }
    Some(now.relaxed.most_of_each())
}

/// The factor by which the prices of a group rise until a bin of the pool is worth its rate.
fn rise(now: &Relaxation, pooling: &Pooling, group: usize, pool: PoolId) -> Option<f64> {
    /// More than this is dear enough.
    const MOST: f64 = 16.0;
    const HALVINGS: usize = 12;
    let of_group = |item| pooling.groups()[group].contains(item);
    let own: Vec<bool> =
        now.instance.shapes.iter().map(|s| s.members.iter().any(|(i, _)| of_group(i))).collect();
    let kinds = now.instance.kinds.iter().enumerate();
    let kinds: Vec<usize> =
        kinds.filter(|(_, k)| pooling.pool_of(k.id) == Some(pool)).map(|(t, _)| t).collect();
    let pays = |factor: f64| {
        let prices = now.prices.pi.iter().zip(&own);
        let prices: Vec<f64> = prices.map(|(&pi, &own)| if own { pi * factor } else { pi }).collect();
        let rate = |t: usize| now.instance.kinds[t].rate as f64;
        kinds.iter().any(|&t| now.columns[t].solve(&prices).value >= rate(t) * (1.0 - 1e-6))
    };
    let (mut low, mut high) = (1.0, MOST);
    if !pays(high) {
        return None;
    }
    for _ in 0..HALVINGS {
        let middle = (low + high) / 2.0;
        if pays(middle) { high = middle } else { low = middle }
    }
    Some(high)
}
