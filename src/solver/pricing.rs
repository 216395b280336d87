//! The pricing problem: the pattern of one kind that is worth most under item prices.
//!
//! ```text
//! v_t = max { pi . a :  W a <= C_t,  0 <= a_j <= u_jt,  a integer,  conflicts respected }
//! ```
//!
//! A depth-first search over shapes by falling efficiency, in integers. At each node the rest is
//! bounded by resource prices lambda fixed in advance:
//! `value + lambda . free + sum over shapes to come of u_j max(0, pi_j - lambda . w_j)`.
//! That bound is linear in the copies of the next shape, so the copies are tried in the direction in
//! which it falls and the loop ends at the first that is cut off. The search is in threshold form:
//! it looks for a pattern worth more than a threshold and proves that there is none.

use super::instance::Instance;

/// What a search found.
#[derive(Debug, Clone)]
pub(super) struct Priced {
    /// The best pattern worth more than the threshold, if any.
    pub pattern: Option<(Vec<(usize, u64)>, u64)>,
    /// Whether the search was complete: then no pattern is worth more than the threshold, or than
    /// the pattern found.
    pub complete: bool,
    /// Nodes looked at.
    pub work: u64,
}

struct Search<'a> {
    instance: &'a Instance,
    items: Vec<Candidate>,
    /// `reach[i]`: the most that candidates from i on add beyond their resource prices, scaled.
    reach: Vec<i128>,
    prices: Vec<i128>,
    scale: i128,
    best: i128,
    best_content: Option<Vec<(usize, u64)>>,
    chosen: Vec<(usize, u64)>,
    nodes: u64,
    limit: u64,
}

struct Candidate {
    shape: usize,
    value: i128,
    /// value x scale - lambda . w: what one copy adds beyond its resource prices.
    margin: i128,
    most: u64,
    demand: Vec<u64>,
}

/// Looks for a pattern of `kind` worth more than `threshold` under integer prices `pi`, guided by
/// resource prices `lambda`, within `limit` nodes.
pub(super) fn search(
    instance: &Instance,
    kind: usize,
    pi: &[u64],
    lambda: &[f64],
    threshold: u64,
    limit: u64,
) -> Priced {
    const BITS: u32 = 30;
    let scale = 1i128 << BITS;
    // Any non-negative prices give a true bound; rounding up costs nothing.
    let prices: Vec<i128> =
        lambda.iter().map(|l| (l.max(0.0) * scale as f64).ceil().min(9e18) as i128).collect();
    let mut items: Vec<Candidate> = (0..instance.shapes.len())
        .filter(|&j| instance.fits[kind][j] > 0 && pi[j] > 0)
        .map(|j| {
            let shape = &instance.shapes[j];
            let cost: i128 = dot(&prices, &shape.demand);
            Candidate {
                shape: j,
                value: pi[j].into(),
                margin: (i128::from(pi[j]) * scale).saturating_sub(cost),
                most: instance.fits[kind][j],
                demand: shape.demand.clone(),
            }
        })
        .collect();
    drop_dominated(instance, kind, &mut items);
    // Efficient and large first: the bound falls fastest where they are left out.
    items.sort_by(|a, b| {
        let efficiency = |c: &Candidate| c.margin as f64 / (c.value as f64 * scale as f64);
        efficiency(b).total_cmp(&efficiency(a)).then(b.value.cmp(&a.value)).then(a.shape.cmp(&b.shape))
    });
    let mut reach = vec![0i128; items.len() + 1];
    for i in (0..items.len()).rev() {
        reach[i] = reach[i + 1].saturating_add(items[i].margin.max(0).saturating_mul(items[i].most.into()));
    }
    let mut search = Search {
        instance,
        items,
        reach,
        prices,
        scale,
        best: threshold.into(),
        best_content: None,
        chosen: Vec::new(),
        nodes: 0,
        limit,
    };
    let mut free = instance.kinds[kind].capacity.clone();
    let rest = dot(&search.prices, &free);
    search.descend(0, 0, rest, &mut free);
    let complete = search.nodes < limit;
    let pattern = search.best_content.take().map(|mut content| {
        content.sort_unstable();
        (content, u64::try_from(search.best).unwrap_or(u64::MAX))
    });
    Priced { pattern, complete, work: search.nodes }
}

/// Saturating, so that absurd amounts weaken the bound instead of wrapping it.
fn dot(prices: &[i128], amounts: &[u64]) -> i128 {
    prices.iter().zip(amounts).fold(0i128, |sum, (p, &a)| sum.saturating_add(p.saturating_mul(a.into())))
}

/// Drops shapes that another one replaces everywhere: worth no more, in no dimension smaller, while
/// the other is limited by capacity alone and has the same freedom from conflicts.
fn drop_dominated(instance: &Instance, kind: usize, items: &mut Vec<Candidate>) {
    let capacity = &instance.kinds[kind].capacity;
    let plentiful: Vec<bool> = items
        .iter()
        .map(|c| {
            let by_capacity = capacity
                .iter()
                .zip(&c.demand)
                .filter_map(|(w, d)| w.checked_div(*d))
                .min()
                .unwrap_or(u64::MAX);
            c.most >= by_capacity && instance.shapes[c.shape].conflicts.is_empty()
        })
        .collect();
    let replaced: Vec<bool> = (0..items.len())
        .map(|a| {
            (0..items.len()).any(|b| {
                let (ca, cb) = (&items[a], &items[b]);
                a != b
                    && plentiful[b]
                    && cb.value >= ca.value
                    && cb.demand.iter().zip(&ca.demand).all(|(x, y)| x <= y)
                    && (b < a || !plentiful[a] || cb.value > ca.value || cb.demand != ca.demand)
            })
        })
        .collect();
    let mut keep = replaced.iter().map(|r| !r);
    items.retain(|_| keep.next().unwrap_or(true));
}

impl Search<'_> {
    /// Tries every way to go on from candidate `from`; `rest` is lambda . free, scaled.
    fn descend(&mut self, from: usize, value: i128, rest: i128, free: &mut [u64]) {
        if value > self.best {
            self.best = value;
            self.best_content = Some(self.chosen.clone());
        }
        // Candidate i is the next one of which at least one copy is taken.
        for i in from..self.items.len() {
            if value * self.scale + rest.saturating_add(self.reach[i]) <= self.best * self.scale {
                return;
            }
            self.nodes += 1;
            if self.nodes >= self.limit {
                return;
            }
            let item = &self.items[i];
            let mut most = item.most;
            for (f, d) in free.iter().zip(&item.demand) {
                if d > f {
                    most = 0;
                    break;
                }
                if most > 1 && *d > 0 {
                    most = most.min(f / d);
                }
            }
            if most == 0 {
                continue;
            }
            let (margin, unit_value, shape) = (item.margin, item.value, item.shape);
            // With n copies: value + n pi + lambda . (free - n w) + reach = base + n margin.
            let base = value * self.scale + rest.saturating_add(self.reach[i + 1]);
            let scale = self.scale;
            let cut_off =
                |best: i128, n: u64| base.saturating_add(margin.saturating_mul(n.into())) <= best * scale;
            let falling = margin >= 0;
            if cut_off(self.best, if falling { most } else { 1 }) {
                continue;
            }
            let conflicts = &self.instance.shapes[shape].conflicts;
            if !conflicts.is_empty() && self.chosen.iter().any(|(j, _)| conflicts.binary_search(j).is_ok()) {
                continue;
            }
            let unit_price = unit_value * self.scale - margin;
            // In the direction in which the bound falls, so that the first cut-off ends the loop.
            for step in 0..most {
                let n = if falling { most - step } else { 1 + step };
                if cut_off(self.best, n) || self.nodes >= self.limit {
                    break;
                }
                let taken = i128::from(n);
                for (f, d) in free.iter_mut().zip(&self.items[i].demand) {
                    *f -= d * n;
                }
                self.chosen.push((shape, n));
                self.descend(i + 1, value + unit_value * taken, rest - unit_price * taken, free);
                self.chosen.pop();
                for (f, d) in free.iter_mut().zip(&self.items[i].demand) {
                    *f += d * n;
                }
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::problem::{BinSet, BinType, ItemType, ItemTypeId, Problem};
    use crate::units::Rate;

    pub(in crate::solver) fn instance(
        items: &[([u64; 2], u64)],
        capacity: [u64; 2],
        conflicts: &[(u32, u32)],
    ) -> Instance {
        let items = items
            .iter()
            .map(|&(demand, copies)| ItemType {
                demand: demand.into_iter().collect(),
                copies,
                max_per_bin: None,
                eligible: BinSet::all(1),
            })
            .collect();
        let bin =
            BinType { capacity: capacity.into_iter().collect(), rate: Rate::from_nanos(1), stock: None };
        let conflicts = conflicts.iter().map(|&(a, b)| (ItemTypeId(a), ItemTypeId(b)));
        let problem =
            Problem::new(vec!["cpu".into(), "memory".into()], items, vec![bin], conflicts, None).unwrap();
        Instance::reduce(&problem).unwrap()
    }

    /// The worth of the best pattern of the first kind that holds shapes from `j` on, beside those taken.
    pub(in crate::solver) fn brute_force(
        instance: &Instance,
        pi: &[u64],
        j: usize,
        free: &[u64],
        taken: &mut Vec<usize>,
    ) -> u64 {
        if j == instance.shapes.len() {
            return 0;
        }
        let shape = &instance.shapes[j];
        let mut free = free.to_vec();
        let mut best = brute_force(instance, pi, j + 1, &free, taken);
        if taken.iter().any(|t| shape.conflicts.contains(t)) {
            return best;
        }
        taken.push(j);
        for n in 1..=instance.fits[0][j] {
            if !free.iter().zip(&shape.demand).all(|(f, d)| f >= d) {
                break;
            }
            for (f, d) in free.iter_mut().zip(&shape.demand) {
                *f -= d;
            }
            best = best.max(n * pi[j] + brute_force(instance, pi, j + 1, &free, taken));
        }
        taken.pop();
        best
    }

    #[test]
    fn agrees_with_brute_force_whatever_the_guide() {
        let mut rng = fastrand::Rng::with_seed(7);
        for case in 0..2000 {
            let n = rng.usize(1..6);
            let items: Vec<([u64; 2], u64)> =
                (0..n).map(|_| ([rng.u64(0..6), rng.u64(1..6)], rng.u64(1..4))).collect();
            let conflicts: Vec<(u32, u32)> =
                if n > 2 && rng.bool() { vec![(0, 1), (1, n as u32 - 1)] } else { vec![] };
            let instance = instance(&items, [rng.u64(5..14), rng.u64(5..14)], &conflicts);
            let pi: Vec<u64> = instance.shapes.iter().map(|_| rng.u64(0..20)).collect();
            let lambda = [rng.f64() * 3.0, rng.f64() * 3.0];
            let want = brute_force(&instance, &pi, 0, &instance.kinds[0].capacity, &mut Vec::new());
            let found = search(&instance, 0, &pi, &lambda, 0, u64::MAX);
            assert!(found.complete);
            assert_eq!(found.pattern.map_or(0, |(_, v)| v), want, "case {case}");
            assert!(search(&instance, 0, &pi, &lambda, want, u64::MAX).pattern.is_none(), "case {case}");
        }
    }
}
