//! The problem made small: equal shapes merged, bin types that nobody needs dropped, idle dimensions
//! left out, copies per bin capped by what fits.
//!
//! Every rung of the solver works on an [`Instance`]; only [`Instance::expand`] goes back to the
//! caller's item types.

use std::collections::BTreeMap;

use crate::plan::{Pattern, Plan};
use crate::problem::{BinTypeId, ItemTypeId, Problem};

/// A merged item type.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    /// Demand in the instance's dimensions.
    pub demand: Vec<u64>,
    /// Copies of all members together.
    pub copies: u64,
    /// The caller's item types that share this shape, with their copies.
    pub members: Vec<(ItemTypeId, u64)>,
    /// Whether a rule (not capacity) caps the copies per bin.
    pub capped: bool,
    /// Shapes that never share a bin with it, ascending.
    pub conflicts: Vec<usize>,
}

/// A bin type that survived the reduction.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    /// The caller's bin type.
    pub id: BinTypeId,
    /// Capacity in the instance's dimensions, of each the largest multiple of what all demands are
    /// multiples of: nothing can ever lie in the rest.
    pub capacity: Vec<u64>,
    /// Nano-dollars per hour.
    pub rate: u64,
    /// Number available, where that is fewer than there are copies.
    pub stock: Option<u64>,
    /// Whether the problem states a number available at all: such a kind stands in for no other.
    pub limited: bool,
}

/// A reduced problem.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    pub shapes: Vec<Shape>,
    pub kinds: Vec<Kind>,
    pub dims: usize,
    /// The caller's dimension behind each of the instance's.
    pub dimensions: Vec<usize>,
    /// `fits[kind][shape]`: most copies of the shape that one bin of the kind holds on its own.
    pub fits: Vec<Vec<u64>>,
    pub max_kinds: Option<usize>,
    /// Bin types left out although some item could use them: the instance's kinds that are as
    /// large, no dearer, unlimited and eligible for the same items.
    pub dominated_by: Vec<(BinTypeId, usize)>,
    /// Every cost is a multiple of this: the common divisor of all usable rates, nano-dollars.
    pub rate_divisor: u64,
}

impl Instance {
    /// Reduces a problem. The second part lists item types that no bin type can hold.
    pub(super) fn reduce(problem: &Problem) -> Result<Self, Vec<ItemTypeId>> {
        let unplaceable: Vec<ItemTypeId> = problem
            .item_ids()
            .filter(|&j| problem.bin_ids().all(|t| problem.copies_per_bin(j, t) == 0))
            .collect();
        if !unplaceable.is_empty() {
            return Err(unplaceable);
        }
        // A dimension that nobody demands can never bind.
        let dims: Vec<usize> = (0..problem.dimensions().len())
            .filter(|&k| problem.items().iter().any(|i| i.demand[k] > 0))
            .collect();
        let project = |amounts: &[u64]| dims.iter().map(|&k| amounts[k]).collect::<Vec<_>>();
        let steps: Vec<u64> =
            dims.iter().map(|&k| problem.items().iter().fold(0, |g, i| gcd(g, i.demand[k]))).collect();
        let usable =
            |capacity: &[u64]| project(capacity).iter().zip(&steps).map(|(c, s)| c / s * s).collect();

        let mut neighbours: BTreeMap<ItemTypeId, Vec<ItemTypeId>> = BTreeMap::new();
        for &(a, b) in problem.conflicts() {
            neighbours.entry(a).or_default().push(b);
            neighbours.entry(b).or_default().push(a);
        }
        // Item types are merged where neither a cap per bin nor a conflict tells them apart.
        let mut shapes: Vec<Shape> = Vec::new();
        let mut shape_of = vec![0usize; problem.items().len()];
        let mut by_form: BTreeMap<(Vec<u64>, &[bool]), usize> = BTreeMap::new();
        for j in problem.item_ids() {
            let item = problem.item(j);
            let demand = project(item.demand.as_slice());
            let largest_fit = problem
                .bins()
                .iter()
                .enumerate()
                .filter(|(t, _)| item.eligible.contains(BinTypeId(*t as u32)))
                .map(|(_, bin)| item.demand.copies_in(&bin.capacity))
                .max()
                .unwrap_or(0)
                .min(item.copies);
            let capped = item.max_per_bin.is_some_and(|m| m < largest_fit);
            let mergeable = !capped && !neighbours.contains_key(&j);
            let form = (demand.clone(), item.eligible.as_slice());
            if mergeable {
                let merged =
                    by_form.get(&form).and_then(|&s| Some((s, shapes[s].copies.checked_add(item.copies)?)));
                if let Some((s, copies)) = merged {
                    shapes[s].copies = copies;
                    shapes[s].members.push((j, item.copies));
                    shape_of[j.index()] = s;
                    continue;
                }
                by_form.insert(form, shapes.len());
            }
            shape_of[j.index()] = shapes.len();
            shapes.push(Shape {
                demand,
                copies: item.copies,
                members: vec![(j, item.copies)],
                capped,
                conflicts: Vec::new(),
            });
        }
        for (j, others) in &neighbours {
            let mut list: Vec<usize> = others.iter().map(|o| shape_of[o.index()]).collect();
            list.sort_unstable();
            list.dedup();
            shapes[shape_of[j.index()]].conflicts = list;
        }

        let fit = |shape: &Shape, t: BinTypeId| {
            let item = problem.item(shape.members[0].0);
            if !item.eligible.contains(t) {
                return 0;
            }
            let cap = if shape.capped { item.max_per_bin.unwrap_or(u64::MAX) } else { u64::MAX };
            item.demand.copies_in(&problem.bin(t).capacity).min(cap).min(shape.copies)
        };
        // More bins in stock than there are copies are no limit.
        let copies: u128 = shapes.iter().map(|s| u128::from(s.copies)).sum();
        let usable: Vec<(Kind, Vec<u64>)> = problem
            .bin_ids()
            .map(|t| {
                let bin = problem.bin(t);
                let kind = Kind {
                    id: t,
                    capacity: usable(bin.capacity.as_slice()),
                    rate: bin.rate.nanos(),
                    stock: bin.stock.filter(|&s| u128::from(s) < copies),
                    limited: bin.stock.is_some(),
                };
                (kind, shapes.iter().map(|s| fit(s, t)).collect::<Vec<_>>())
            })
            .filter(|(kind, fits)| kind.stock != Some(0) && fits.iter().any(|&f| f > 0))
            .collect();
        let rate_divisor = usable.iter().fold(0, |g, (kind, _)| gcd(g, kind.rate)).max(1);
        let (kinds, fits, dominated_by) = drop_dominated(usable, &shapes);
        let max_kinds = problem.max_bin_types().map(|k| k as usize);
        Ok(Instance {
            shapes,
            kinds,
            dims: dims.len(),
            dimensions: dims,
            fits,
            max_kinds,
            dominated_by,
            rate_divisor,
        })
    }

    /// What so many bins of each kind cost, nano-dollars per hour.
    pub(super) fn cost(&self, bins: &[u64]) -> i128 {
        self.kinds.iter().zip(bins).map(|(kind, &n)| i128::from(kind.rate) * i128::from(n)).sum()
    }

    /// What these bins cost, nano-dollars per hour.
    pub(super) fn cost_of(&self, bins: &[Bin]) -> i128 {
        bins.iter().map(|b| i128::from(self.kinds[b.kind].rate) * i128::from(b.copies)).sum()
    }

    /// The instance with no more than so many bins of each kind, and with the numbers of the kinds of which there
    /// are any in this instance.
    pub(super) fn with_bins(&self, bins: &[u64]) -> (Instance, Vec<usize>) {
        let used: Vec<usize> = (0..bins.len()).filter(|&t| bins[t] > 0).collect();
        let kinds = used.iter().map(|&t| Kind { stock: Some(bins[t]), ..self.kinds[t].clone() }).collect();
        let fits = used.iter().map(|&t| self.fits[t].clone()).collect();
        (Instance { kinds, fits, dominated_by: Vec::new(), ..self.clone() }, used)
    }

    /// What is left of the instance when some copies are placed and some bins taken: the same kinds, and
    /// the shapes with copies left, with their numbers in this instance.
    pub(super) fn residual(&self, left: &[u64], available: &[u64]) -> (Instance, Vec<usize>) {
        let kept: Vec<usize> = (0..left.len()).filter(|&j| left[j] > 0).collect();
        let shapes = kept
            .iter()
            .map(|&j| {
                let shape = &self.shapes[j];
                let conflicts = shape.conflicts.iter().filter_map(|i| kept.binary_search(i).ok()).collect();
                // Nobody expands a residual: its members are those of this instance.
                Shape { copies: left[j], members: Vec::new(), conflicts, ..shape.clone() }
            })
            .collect();
        let fits = self.fits.iter().map(|f| kept.iter().map(|&j| f[j].min(left[j])).collect()).collect();
        let kinds = self
            .kinds
            .iter()
            .zip(available)
            .map(|(kind, &n)| Kind { stock: kind.stock.map(|_| n), ..kind.clone() })
            .collect();
        (
            Instance {
                shapes,
                kinds,
                fits,
                dimensions: self.dimensions.clone(),
                dominated_by: Vec::new(),
                ..*self
            },
            kept,
        )
    }

    /// The share of a bin that a copy takes, in the dimension where it takes most.
    pub(super) fn share(&self, kind: usize, shape: usize) -> f64 {
        let parts = self.shapes[shape].demand.iter().zip(&self.kinds[kind].capacity);
        parts.filter(|(d, _)| **d > 0).map(|(&d, &c)| d as f64 / c as f64).fold(0.0, f64::max)
    }

    /// Whether the content of a bin keeps to its capacity and to the rules.
    pub(super) fn holds(&self, bin: &Bin) -> bool {
        let fits = bin.content.iter().all(|&(j, n)| n <= self.fits[bin.kind][j]);
        let alone = bin.content.iter().all(|&(j, _)| {
            bin.content.iter().all(|&(i, _)| self.shapes[j].conflicts.binary_search(&i).is_err())
        });
        let room = (0..self.dims).all(|k| {
            let needed =
                bin.content.iter().map(|&(j, n)| u128::from(self.shapes[j].demand[k]) * u128::from(n));
            needed.sum::<u128>() <= u128::from(self.kinds[bin.kind].capacity[k])
        });
        fits && alone && room
    }

    /// Total demand per dimension.
    pub(super) fn total_demand(&self) -> Vec<u128> {
        (0..self.dims)
            .map(|k| self.shapes.iter().map(|s| u128::from(s.demand[k]) * u128::from(s.copies)).sum())
            .collect()
    }

    /// How many bins of each kind may be opened; `u64::MAX` for as many as one likes.
    pub(super) fn stock(&self) -> Vec<u64> {
        self.kinds.iter().map(|k| k.stock.unwrap_or(u64::MAX)).collect()
    }

    /// Bins in terms of the caller's item types: copies of merged members are dealt out in order.
    pub(super) fn expand(&self, bins: &[Bin]) -> Plan {
        // What is not dealt out yet, last member first.
        let mut left: Vec<Vec<(ItemTypeId, u64)>> =
            self.shapes.iter().map(|s| s.members.iter().rev().copied().collect()).collect();
        let mut plan = Plan::new();
        for bin in bins {
            let mut remaining = bin.copies;
            while remaining > 0 {
                // As many bins as the current members last for share one pattern.
                let mut batch = remaining;
                for &(s, n) in &bin.content {
                    let (_, available) =
                        *left[s].last().expect("a plan places no more copies than there are");
                    if available >= n {
                        batch = batch.min(available / n);
                    } else {
                        batch = 1;
                    }
                }
                let mut content = Vec::with_capacity(bin.content.len());
                for &(s, n) in &bin.content {
                    let mut wanted = n * batch;
                    while wanted > 0 {
                        let (member, available) =
                            left[s].last_mut().expect("a plan places no more copies than there are");
                        let take = wanted.min(*available);
                        content.push((*member, take / batch));
                        debug_assert_eq!(take % batch, 0);
                        *available -= take;
                        wanted -= take;
                        if *available == 0 {
                            left[s].pop();
                        }
                    }
                }
                plan.add(Pattern::new(self.kinds[bin.kind].id, content), batch);
                remaining -= batch;
            }
        }
        plan
    }
}

/// Kinds kept, their fits, and for each bin type dropped the kind that stands in for it.
type Undominated = (Vec<Kind>, Vec<Vec<u64>>, Vec<(BinTypeId, usize)>);

/// Keeps a kind only if no other kind is at least as large, no dearer, unlimited, and allowed for
/// everything that may lie on it. Of equals the first stays. Returns the kinds left, their fits, and
/// for each dropped bin type the index of one that stands in for it.
fn drop_dominated(usable: Vec<(Kind, Vec<u64>)>, shapes: &[Shape]) -> Undominated {
    let dominates = |b: usize, a: usize| {
        let ((kb, fb), (ka, fa)) = (&usable[b], &usable[a]);
        !kb.limited
            && kb.rate <= ka.rate
            && kb.capacity.iter().zip(&ka.capacity).all(|(x, y)| x >= y)
            && (0..shapes.len()).all(|j| fb[j] >= fa[j])
    };
    // Dominance is transitive, and between equals the smaller index wins: no cycle can form.
    let stands_in: Vec<Option<usize>> = (0..usable.len())
        .map(|a| (0..usable.len()).find(|&b| b != a && dominates(b, a) && (b < a || !dominates(a, b))))
        .collect();
    let mut new_index = vec![usize::MAX; usable.len()];
    let mut next = 0;
    for (old, stand_in) in stands_in.iter().enumerate() {
        if stand_in.is_none() {
            new_index[old] = next;
            next += 1;
        }
    }
    let mut dominated_by = Vec::new();
    for (old, stand_in) in stands_in.iter().enumerate() {
        if let Some(mut b) = *stand_in {
            while let Some(further) = stands_in[b] {
                b = further;
            }
            dominated_by.push((usable[old].0.id, new_index[b]));
        }
    }
    let (kinds, fits) = usable
        .into_iter()
        .zip(&stands_in)
        .filter(|(_, stand_in)| stand_in.is_none())
        .map(|(kind, _)| kind)
        .unzip();
    (kinds, fits, dominated_by)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Bins of one kind with the same content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bin {
    pub kind: usize,
    /// Shape and count, by shape ascending, counts at least one.
    pub content: Vec<(usize, u64)>,
    pub copies: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{BinSet, BinType, ItemType};
    use crate::units::Rate;

    fn bin(capacity: [u64; 2], rate: u64, stock: Option<u64>) -> BinType {
        BinType { capacity: capacity.into_iter().collect(), rate: Rate::from_nanos(rate), stock }
    }

    fn item(demand: [u64; 2], copies: u64, eligible: Vec<bool>) -> ItemType {
        ItemType {
            demand: demand.into_iter().collect(),
            copies,
            max_per_bin: None,
            eligible: BinSet::new(eligible),
        }
    }

    fn problem(items: Vec<ItemType>, bins: Vec<BinType>, conflicts: &[(u32, u32)]) -> Problem {
        let conflicts = conflicts.iter().map(|&(a, b)| (ItemTypeId(a), ItemTypeId(b)));
        Problem::new(vec!["cpu".into(), "memory".into()], items, bins, conflicts, None).unwrap()
    }

    #[test]
    fn a_dearer_and_no_larger_bin_type_is_dropped() {
        let bins = vec![bin([4, 4], 10, None), bin([4, 4], 9, None), bin([4, 4], 9, None)];
        let instance = Instance::reduce(&problem(vec![item([1, 1], 3, vec![true; 3])], bins, &[])).unwrap();
        assert_eq!(instance.kinds.iter().map(|k| k.id.0).collect::<Vec<_>>(), [1]);
        assert_eq!(instance.dominated_by, [(BinTypeId(0), 0), (BinTypeId(2), 0)]);
    }

    /// Demands are multiples of 3 and of 4: of 10 and 10 no more than 9 and 8 can be used, which is what
    /// the cheaper bin has too.
    #[test]
    fn capacity_that_no_demands_add_up_to_is_none() {
        let bins = vec![bin([10, 10], 9, None), bin([9, 8], 8, None), bin([8, 11], 7, None)];
        let all = vec![true; 3];
        let items = vec![item([3, 4], 3, all.clone()), item([6, 0], 1, all)];
        let instance = Instance::reduce(&problem(items, bins, &[])).unwrap();
        let left: Vec<(u32, &[u64])> = instance.kinds.iter().map(|k| (k.id.0, &k.capacity[..])).collect();
        assert_eq!(left, [(1, &[9, 8][..]), (2, &[6, 8][..])]);
        assert_eq!(instance.dominated_by, [(BinTypeId(0), 0)]);
    }

    #[test]
    fn stock_and_eligibility_keep_a_bin_type() {
        // The cheap one is limited; the dear one is the only one that the second item may use.
        let bins = vec![bin([4, 4], 5, Some(2)), bin([4, 4], 9, None), bin([4, 4], 10, None)];
        let items = vec![item([1, 1], 3, vec![true; 3]), item([2, 1], 1, vec![false, false, true])];
        let instance = Instance::reduce(&problem(items, bins, &[])).unwrap();
        assert_eq!(instance.kinds.len(), 3);
        assert!(instance.dominated_by.is_empty());
    }

    #[test]
    fn equal_shapes_merge_unless_a_rule_tells_them_apart() {
        let all = vec![true];
        let items = vec![
            item([1, 0], 2, all.clone()),
            item([1, 0], 3, all.clone()),
            item([1, 0], 4, all.clone()),
            item([2, 0], 1, all),
        ];
        let instance = Instance::reduce(&problem(items, vec![bin([9, 9], 1, None)], &[(2, 3)])).unwrap();
        assert_eq!(instance.dims, 1, "nobody demands memory");
        assert_eq!(instance.shapes.iter().map(|s| s.copies).collect::<Vec<_>>(), [5, 4, 1]);
        assert_eq!(instance.shapes[1].conflicts, [2]);
        assert_eq!(instance.shapes[2].conflicts, [1]);
    }

    #[test]
    fn expanding_deals_merged_copies_out_exactly() {
        let items = vec![item([1, 0], 5, vec![true]), item([1, 0], 2, vec![true])];
        let problem = problem(items, vec![bin([3, 0], 1, None)], &[]);
        let instance = Instance::reduce(&problem).unwrap();
        let bins = [
            Bin { kind: 0, content: vec![(0, 3)], copies: 2 },
            Bin { kind: 0, content: vec![(0, 1)], copies: 1 },
        ];
        let plan = instance.expand(&bins);
        let placed = |j: u32| -> u64 {
            plan.bins()
                .flat_map(|(p, n)| p.content().iter().map(move |&(i, c)| (i, c * n)))
                .filter(|(i, _)| i.0 == j)
                .map(|(_, c)| c)
                .sum()
        };
        assert_eq!((placed(0), placed(1)), (5, 2));
        assert_eq!(plan.bin_count(), 3);
    }

    #[test]
    fn what_fits_nowhere_is_named() {
        let items = vec![item([1, 1], 1, vec![true]), item([10, 1], 1, vec![true])];
        let refused = Instance::reduce(&problem(items, vec![bin([4, 4], 1, None)], &[])).unwrap_err();
        assert_eq!(refused, [ItemTypeId(1)]);
    }
}
