//! The resource-price relaxation: a compact linear programme whose duals drive the whole search.
//!
//! ```text
//! min  sum_t c_t y_t
//! s.t. sum_t z_jt >= q_j                    for each shape j            (dual pi_j >= 0)
//!      sum_j w_jk z_jt <= W_tk y_t          for each kind t, dimension k
//!      z_jt <= u_jt y_t                     where a rule caps the copies per bin
//!      y_t <= s_t                           where kind t has a stock    (dual mu_t <= 0)
//! ```
//!
//! Only few kinds of bin matter; it starts with those that look cheapest for some mix of resources
//! and adds the ones that price out, that is, whose knapsack relaxation under pi is worth more than
//! they cost. Every non-negative pi gives a true bound, so the tolerance here costs quality only.

use rayon::prelude::*;

use super::instance::Instance;
use super::knapsack_lp::{Columns, KnapsackLp};
use super::master::{LpFailure, Programme, Sense};

/// Prices of shapes and resources, and how many bins of each kind the relaxation buys.
#[derive(Debug, Clone)]
pub(super) struct Prices {
    /// Per copy of each shape, nano-dollars per hour.
    pub pi: Vec<f64>,
    /// Per kind: value of its knapsack relaxation under `pi`, nano-dollars per hour.
    pub pattern_value: Vec<f64>,
    /// Per kind and dimension: resource prices that prove it.
    pub lambda: Vec<Vec<f64>>,
    /// Per kind: bins bought, fractional.
    pub bins: Vec<f64>,
    /// `assigned[kind]`: copies of each shape on that kind, fractional; empty where unused.
    pub assigned: Vec<Vec<f64>>,
}

/// Rounds of adding kinds; three suffice in practice, the rest is for odd catalogs.
const MAX_ROUNDS: usize = 12;
/// Kinds added per round.
const ADDED_PER_ROUND: usize = 8;
/// What a copy that takes the share s of a bin leaves unused beside it is taken to be worth this times s^2
/// of the bin's rate. Measured on generated clusters: 0.02 to 0.1 pack alike, none at all worse.
const LOSS: f64 = 0.05;
/// A kind prices out when its value exceeds its rate by more than this share.
const PRICED_OUT: f64 = 1e-6;

/// Prices without a relaxation: what a copy costs at least where its kind of bin holds nothing else.
pub(super) fn by_the_copy(instance: &Instance) -> Prices {
    let per_copy = |j: usize| {
        let fitting = (0..instance.kinds.len()).filter(|&t| instance.fits[t][j] > 0);
        fitting
            .map(|t| instance.kinds[t].rate as f64 / instance.fits[t][j] as f64)
            .fold(f64::INFINITY, f64::min)
    };
    Prices {
        pi: (0..instance.shapes.len()).map(per_copy).collect(),
        pattern_value: instance.kinds.iter().map(|k| k.rate as f64).collect(),
        lambda: vec![vec![0.0; instance.dims]; instance.kinds.len()],
        bins: vec![0.0; instance.kinds.len()],
        assigned: vec![Vec::new(); instance.kinds.len()],
    }
}

/// Knapsack columns of every kind, built once per instance.
pub(super) fn all_columns(instance: &Instance) -> Vec<Columns> {
    (0..instance.kinds.len()).into_par_iter().map(|t| Columns::of(instance, t)).collect()
}

/// Knapsack relaxations of every kind under `pi`.
pub(super) fn price_all(columns: &[Columns], pi: &[f64]) -> Vec<KnapsackLp> {
    columns.par_iter().map(|c| c.solve(pi)).collect()
}

/// Solves the relaxation over all kinds, some of which are known to matter.
pub(super) fn solve(instance: &Instance, columns: &[Columns], known: &[usize]) -> Result<Prices, LpFailure> {
    let mut chosen = promising_kinds(instance);
    chosen.extend(known);
    chosen.sort_unstable();
    chosen.dedup();
    let mut best: Option<Prices> = None;
    for _ in 0..MAX_ROUNDS {
        let Solved { pi, bins, assigned, .. } = solve_over(instance, &chosen)?;
        let priced = price_all(columns, &pi);
        let mut out: Vec<(f64, usize)> = priced
            .iter()
            .enumerate()
            .map(|(t, k)| (k.value / instance.kinds[t].rate.max(1) as f64, t))
            .filter(|&(ratio, t)| ratio > 1.0 + PRICED_OUT && !chosen.contains(&t))
            .collect();
        best = Some(Prices {
            pi,
            pattern_value: priced.iter().map(|k| k.value).collect(),
            lambda: priced.into_iter().map(|k| k.lambda).collect(),
            bins,
            assigned,
        });
        if out.is_empty() {
            break;
        }
        out.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        chosen.extend(out.iter().take(ADDED_PER_ROUND).map(|&(_, t)| t));
        chosen.sort_unstable();
    }
    best.ok_or(LpFailure::Stopped)
}

/// Solves the relaxation over few kinds only: prices to pack by, not to bound by.
pub(super) fn solve_restricted(
    instance: &Instance,
    columns: &[Columns],
    kinds: &[usize],
) -> Result<Prices, LpFailure> {
    Ok(priced(columns, solve_over(instance, kinds)?))
}

/// A solution with what its prices say about every kind.
fn priced(columns: &[Columns], solved: Solved) -> Prices {
    let Solved { pi, bins, assigned, .. } = solved;
    let priced = price_all(columns, &pi);
    Prices {
        pattern_value: priced.iter().map(|k| k.value).collect(),
        lambda: priced.into_iter().map(|k| k.lambda).collect(),
        pi,
        bins,
        assigned,
    }
}

/// The relaxation once more, over the kinds that it buys and those that nearly pay, where a copy also
/// costs what it is likely to leave unused beside itself: large copies then go to large bins, where that
/// costs next to nothing. To pack by, not to bound by.
pub(super) fn with_loss(
    instance: &Instance,
    columns: &[Columns],
    prices: &Prices,
    allowed: &[usize],
) -> Result<Prices, LpFailure> {
    /// Value for money from which a kind nearly pays.
    const NEARLY: f64 = 0.985;
    const MOST_KINDS: usize = 12;
    let ratio = |t: usize| prices.pattern_value[t] / instance.kinds[t].rate.max(1) as f64;
    let bought = |t: usize| prices.bins[t] > 1e-6;
    let mut kinds: Vec<usize> = allowed.iter().copied().filter(|&t| bought(t) || ratio(t) > NEARLY).collect();
    kinds.sort_by(|&a, &b| bought(b).cmp(&bought(a)).then(ratio(b).total_cmp(&ratio(a))).then(a.cmp(&b)));
    kinds.truncate(MOST_KINDS.max(kinds.iter().filter(|&&t| bought(t)).count()));
    kinds.sort_unstable();
    Ok(priced(columns, solve_with(instance, &kinds, LOSS)?))
}

/// Chooses at most `most` kinds whose relaxation is cheap: the kind that alone is cheapest, then
/// whichever further one saves most, then exchanges as long as they pay. `None` if no such choice
/// that holds every shape was found.
pub(super) fn choose_kinds(instance: &Instance, prices: &Prices, most: usize) -> Option<Vec<usize>> {
    /// Kinds looked at, best value for money first.
    const LOOKED_AT: usize = 40;
    let ratio = |t: &usize| prices.pattern_value[*t] / instance.kinds[*t].rate.max(1) as f64;
    let mut ranked: Vec<usize> = (0..instance.kinds.len()).collect();
    ranked.sort_by(|a, b| ratio(b).total_cmp(&ratio(a)).then(a.cmp(b)));
    let covered = |kinds: &[usize]| {
        (0..instance.shapes.len()).filter(|&j| kinds.iter().any(|&t| instance.fits[t][j] > 0)).count()
    };
    // Kinds that hold what few others do come into view even if they look dear.
    let mut looked_at: Vec<usize> = ranked.iter().copied().take(LOOKED_AT).collect();
    let mut by_cover = ranked.clone();
    by_cover.sort_by_key(|&t| std::cmp::Reverse(covered(&[t])));
    looked_at.extend(by_cover.into_iter().take(LOOKED_AT));
    looked_at.sort_unstable();
    looked_at.dedup();
    // More shapes covered first, then less cost.
    let worth = |kinds: &[usize]| {
        let held = covered(kinds);
        let cost = if held == instance.shapes.len() {
            solve_over(instance, kinds).map_or(f64::INFINITY, |s| s.cost)
        } else {
            f64::INFINITY
        };
        (std::cmp::Reverse(held), cost)
    };
    let better = |a: &(std::cmp::Reverse<usize>, f64), b: &(std::cmp::Reverse<usize>, f64)| {
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).is_lt()
    };
    let best_of = |options: Vec<Vec<usize>>| {
        let rated: Vec<_> = options.into_par_iter().map(|o| (worth(&o), o)).collect();
        rated.into_iter().reduce(|a, b| if better(&b.0, &a.0) { b } else { a })
    };
    let mut chosen: Vec<usize> = Vec::new();
    let mut value = (std::cmp::Reverse(0), f64::INFINITY);
    while chosen.len() < most.min(looked_at.len()) {
        let options = looked_at
            .iter()
            .filter(|t| !chosen.contains(t))
            .map(|&t| chosen.iter().copied().chain([t]).collect())
            .collect();
        let (found, kinds) = best_of(options)?;
        if !better(&found, &value) {
            break;
        }
        (value, chosen) = (found, kinds);
    }
    loop {
        let mut options = Vec::new();
        for out in 0..chosen.len() {
            for &t in looked_at.iter().filter(|t| !chosen.contains(t)) {
                let mut other = chosen.clone();
                other[out] = t;
                options.push(other);
            }
        }
        match best_of(options) {
            Some((found, kinds)) if better(&found, &value) => (value, chosen) = (found, kinds),
            _ => break,
        }
    }
    chosen.sort_unstable();
    (value.0.0 == instance.shapes.len()).then_some(chosen)
}

/// For several mixes of resources the two kinds that serve the mix at least cost, every kind with a
/// stock, and for every shape its cheapest kind where none of those can hold it.
fn promising_kinds(instance: &Instance) -> Vec<usize> {
    let demand = instance.total_demand();
    let mut chosen: Vec<usize> = Vec::new();
    let kinds = 0..instance.kinds.len();
    // Mixes: all of the demand, and for each dimension the demand with that one weighted up or down.
    // A resource that most kinds lack (GPUs) would leave only the few that have it.
    let common =
        |k: usize| instance.kinds.iter().filter(|t| t.capacity[k] > 0).count() * 2 > instance.kinds.len();
    let mut mixes: Vec<Vec<f64>> =
        vec![demand.iter().enumerate().map(|(k, &d)| if common(k) { d as f64 } else { 0.0 }).collect()];
    for k in 0..instance.dims {
        for weight in [0.25, 0.5, 2.0, 4.0] {
            let mut mix = mixes[0].clone();
            mix[k] *= weight;
            mixes.push(mix);
        }
    }
    for mix in &mixes {
        let mut cost: Vec<(f64, usize)> = kinds
            .clone()
            .map(|t| {
                let kind = &instance.kinds[t];
                let bins = kind
                    .capacity
                    .iter()
                    .zip(mix)
                    .filter(|(_, m)| **m > 0.0)
                    .map(|(&c, m)| m / c as f64)
                    .fold(0.0, f64::max);
                (bins * kind.rate as f64, t)
            })
            .collect();
        cost.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        chosen.extend(cost.iter().take(2).map(|&(_, t)| t));
    }
    chosen.extend(kinds.clone().filter(|&t| instance.kinds[t].stock.is_some()));
    for j in 0..instance.shapes.len() {
        let unlimited = |t: &usize| instance.fits[*t][j] > 0 && instance.kinds[*t].stock.is_none();
        if !chosen.iter().any(&unlimited) {
            let per_copy = |t: &usize| instance.kinds[*t].rate as f64 / instance.fits[*t][j] as f64;
            chosen.extend(
                kinds
                    .clone()
                    .filter(unlimited)
                    .min_by(|a, b| per_copy(a).total_cmp(&per_copy(b)).then(a.cmp(b))),
            );
        }
    }
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

struct Solved {
    pi: Vec<f64>,
    bins: Vec<f64>,
    assigned: Vec<Vec<f64>>,
    cost: f64,
}

/// The programme over the chosen kinds, scaled so that every coefficient lies near one: `z` counts
/// shares of a shape's copies, `y` counts money as a share of a rough total.
fn solve_over(instance: &Instance, chosen: &[usize]) -> Result<Solved, LpFailure> {
    solve_with(instance, chosen, 0.0)
}

/// The same, where each copy also costs `loss` times the square of the share that it takes of its bin.
fn solve_with(instance: &Instance, chosen: &[usize], loss: f64) -> Result<Solved, LpFailure> {
    let shapes = &instance.shapes;
    let total = rough_cost(instance, chosen);
    let mut lp = Programme::default();
    let mut cover: Vec<Vec<(usize, f64)>> = vec![Vec::new(); shapes.len()];
    let parts: Vec<CompactPart> = chosen
        .iter()
        .map(|&t| {
            let part = CompactPart::add(&mut lp, instance, t, total, &mut cover);
            for &(j, v) in &part.copies {
                let shape = &instance.shapes[j];
                let share = instance.share(t, j);
                lp.cost[v] = loss * share * share * shape.copies as f64 * part.scaled_rate;
            }
            if let Some(stock) = instance.kinds[t].stock {
                lp.add_row(vec![(part.bins, 1.0)], Sense::AtMost, stock as f64 * part.scaled_rate);
            }
            part
        })
        .collect();
    let first_cover = lp.rows.len();
    for terms in cover {
        lp.add_row(terms, Sense::AtLeast, 1.0);
    }
    let solution = lp.solve_lp()?;
    let pi = shapes
        .iter()
        .enumerate()
        .map(|(j, s)| (solution.dual[first_cover + j] * total / s.copies as f64).max(0.0))
        .collect();
    let mut bins = vec![0.0; instance.kinds.len()];
    let mut assigned = vec![Vec::new(); instance.kinds.len()];
    for (&t, part) in chosen.iter().zip(&parts) {
        bins[t] = (solution.x[part.bins] / part.scaled_rate).max(0.0);
        if bins[t] > 1e-6 {
            let mut amounts = vec![0.0; shapes.len()];
            for &(j, v) in &part.copies {
                amounts[j] = (solution.x[v] * shapes[j].copies as f64).max(0.0);
            }
            assigned[t] = amounts;
        }
    }
    let cost = bins.iter().zip(&instance.kinds).map(|(y, k)| y * k.rate as f64).sum();
    Ok(Solved { pi, bins, assigned, cost })
}

/// Variables and resource rows of one kind in a programme whose variables are scaled so that every
/// coefficient lies near one: `z` counts shares of a shape's copies, `y` counts money as a share of
/// a rough total.
pub(super) struct CompactPart {
    /// The variable y_t.
    pub bins: usize,
    /// Shape and variable z_jt.
    pub copies: Vec<(usize, usize)>,
    /// One bin's rate as a share of the total.
    pub scaled_rate: f64,
}

impl CompactPart {
    /// Adds the kind to a programme; its terms of the covering rows go to `cover`.
    pub(super) fn add(
        lp: &mut Programme,
        instance: &Instance,
        t: usize,
        total: f64,
        cover: &mut [Vec<(usize, f64)>],
    ) -> Self {
        let kind = &instance.kinds[t];
        // A bin that is free still needs a scale; its cost stays zero.
        let token = (kind.rate as f64).max(total * 1e-9);
        let scaled_rate = token / total;
        let bins = lp.add_variable(kind.rate as f64 / token);
        let mut copies = Vec::new();
        let mut resource: Vec<Vec<(usize, f64)>> = vec![vec![(bins, -1.0)]; instance.dims];
        for (j, shape) in instance.shapes.iter().enumerate() {
            if instance.fits[t][j] == 0 {
                continue;
            }
            let v = lp.add_variable(0.0);
            copies.push((j, v));
            cover[j].push((v, 1.0));
            let all = shape.copies as f64 * scaled_rate;
            for (k, row) in resource.iter_mut().enumerate() {
                if shape.demand[k] > 0 {
                    row.push((v, all * shape.demand[k] as f64 / kind.capacity[k] as f64));
                }
            }
            if shape.capped {
                lp.add_row(vec![(v, all / instance.fits[t][j] as f64), (bins, -1.0)], Sense::AtMost, 0.0);
            }
        }
        for row in resource {
            if row.len() > 1 {
                lp.add_row(row, Sense::AtMost, 0.0);
            }
        }
        CompactPart { bins, copies, scaled_rate }
    }
}

/// Cost of holding the whole demand on the best single kind, resources alone: only a scale.
fn rough_cost(instance: &Instance, chosen: &[usize]) -> f64 {
    let demand = instance.total_demand();
    chosen
        .iter()
        .map(|&t| {
            let kind = &instance.kinds[t];
            let bins = demand
                .iter()
                .zip(&kind.capacity)
                .map(|(&d, &c)| if c == 0 { 0.0 } else { d as f64 / c as f64 })
                .fold(0.0, f64::max);
            bins * kind.rate.max(1) as f64
        })
        .fold(f64::INFINITY, f64::min)
        .max(1.0)
}
