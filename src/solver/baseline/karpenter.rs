//! Karpenter's rule (kubernetes-sigs/karpenter v1, `scheduling/queue.go`, `scheduler.go`, `nodeclaim.go`,
//! `disruption/multinodeconsolidation.go`, `singlenodeconsolidation.go`).
//!
//! Pending pods of one batch go by cpu, then memory, descending. Each is tried on the nodes that stand
//! already, then on the batch's claims in order of fewest pods, then on a new claim. A claim keeps
//! every type that still holds all its pods, and its price is looked at once, when the batch is done:
//! it launches the cheapest type left. At the end nodes are consolidated, N to none or N to one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::problem::{BinTypeId, ItemTypeId, Problem};
use crate::units::Resources;

use super::yard::{Partners, Yard, add_to};
use super::{BaselineError, MOST_COPIES, Packed, WORK_LIMIT, dimension, undominated};

/// The most nodes that one multi-node consolidation looks at.
const MOST_CANDIDATES: usize = 100;

/// Steps that consolidation may take before it is stopped: about half a second.
const CONSOLIDATION_LIMIT: u64 = 60_000_000;

/// Schedules batch after batch in a random order of arrival, then consolidates.
pub fn pack(problem: &Problem, batch: Option<u64>, seed: u64) -> Result<Packed, BaselineError> {
    if problem.total_copies() > MOST_COPIES {
        return Err(BaselineError::TooMany(problem.total_copies()));
    }
    let partners = Partners::new(problem);
    let mut cluster = Cluster {
        problem,
        partners: &partners,
        types: undominated(problem),
        yard: Yard::new(problem, &partners),
        rank: ranks(problem),
        work: 0,
    };
    let mut pods: Vec<ItemTypeId> = problem
        .item_ids()
        .flat_map(|id| std::iter::repeat_n(id, usize::try_from(problem.item(id).copies).unwrap_or(0)))
        .collect();
    shuffle(&mut pods, seed);
    let size = batch.and_then(|b| usize::try_from(b).ok()).unwrap_or(pods.len()).max(1);
    for batch in pods.chunks(size) {
        cluster.schedule(batch)?;
    }
    let consolidated = cluster.consolidate();
    Ok(Packed { plan: cluster.yard.plan(), consolidated })
}

/// Fisher and Yates with splitmix64 (Steele, Lea, Flood 2014): the same order on every machine.
fn shuffle(pods: &mut [ItemTypeId], seed: u64) {
    let mut state = seed;
    for i in (1..pods.len()).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        let j = (u128::from(z) * (i as u128 + 1)) >> 64;
        pods.swap(i, j as usize);
    }
}

/// The place of each item type in the scheduler's queue: cpu, then memory, descending.
fn ranks(problem: &Problem) -> Vec<usize> {
    let resources = [dimension(problem, "cpu"), dimension(problem, "memory")];
    let mut order: Vec<ItemTypeId> = problem.item_ids().collect();
    order.sort_by_key(|&id| {
        let amount = |k: Option<usize>| Reverse(k.map_or(0, |k| problem.item(id).demand[k]));
        (amount(resources[0]), amount(resources[1]), id)
    });
    let mut rank = vec![0; order.len()];
    for (place, id) in order.into_iter().enumerate() {
        rank[id.index()] = place;
    }
    rank
}

/// A node that is to be launched, with every type that still holds its pods.
#[derive(Debug, Clone)]
struct Claim {
    used: Resources,
    /// By rate ascending.
    types: Vec<BinTypeId>,
    /// Per dimension, the most that any of the types has left.
    free: Resources,
    content: Vec<(ItemTypeId, u64)>,
    pods: u64,
}

struct Cluster<'a> {
    problem: &'a Problem,
    partners: &'a Partners,
    types: Vec<BinTypeId>,
    yard: Yard<'a>,
    rank: Vec<usize>,
    /// Types looked at.
    work: u64,
}

impl Cluster<'_> {
    /// One solve over the pending pods of a batch; its claims are launched.
    fn schedule(&mut self, batch: &[ItemTypeId]) -> Result<(), BaselineError> {
        let mut queue = batch.to_vec();
        queue.sort_by_key(|id| self.rank[id.index()]);
        let mut claims: Vec<Claim> = Vec::new();
        for run in queue.chunk_by(|a, b| a == b) {
            let item = run[0];
            let left = self.yard.fill(item, run.len() as u64, |_, _| {});
            self.claim(&mut claims, item, left)?;
            if self.work + self.yard.work > WORK_LIMIT {
                return Err(BaselineError::WorkLimit(self.work + self.yard.work));
            }
        }
        for claim in claims {
            // The types stand by rate.
            self.yard.open(claim.types[0], claim.content);
        }
        Ok(())
    }

    /// Puts equal pods on claims, each on the one with the fewest pods that takes it.
    fn claim(&mut self, claims: &mut Vec<Claim>, item: ItemTypeId, copies: u64) -> Result<(), BaselineError> {
        if copies == 0 {
            return Ok(());
        }
        // A claim that refuses one of these pods refuses the others too.
        let mut open: BinaryHeap<Reverse<(u64, usize)>> =
            claims.iter().enumerate().map(|(i, c)| Reverse((c.pods, i))).collect();
        for _ in 0..copies {
            loop {
                let Some(Reverse((_, place))) = open.pop() else {
                    let mut claim = self.empty_claim();
                    if !self.add(&mut claim, item) {
                        return Err(BaselineError::Unplaceable(item));
                    }
                    open.push(Reverse((claim.pods, claims.len())));
                    claims.push(claim);
                    break;
                };
                if self.add(&mut claims[place], item) {
                    open.push(Reverse((claims[place].pods, place)));
                    break;
                }
            }
        }
        Ok(())
    }

    fn empty_claim(&self) -> Claim {
        let dimensions = self.problem.dimensions().len();
        let mut claim = Claim {
            used: Resources::zero(dimensions),
            types: self.types.clone(),
            free: Resources::zero(dimensions),
            content: Vec::new(),
            pods: 0,
        };
        claim.free = self.most_free(&claim);
        claim
    }

    fn most_free(&self, claim: &Claim) -> Resources {
        (0..claim.used.len())
            .map(|k| {
                let most = claim.types.iter().map(|&t| self.problem.bin(t).capacity[k]).max();
                most.unwrap_or(0) - claim.used[k]
            })
            .collect()
    }

    /// Adds a pod to a claim if some type is left that holds all its pods then.
    fn add(&mut self, claim: &mut Claim, item: ItemTypeId) -> bool {
        self.work += 1;
        let it = self.problem.item(item);
        if !it.demand.fits_in(&claim.free) || self.partners.room(self.problem, &claim.content, item) == 0 {
            return false;
        }
        let used =
            claim.used.checked_add_times(&it.demand, 1).expect("what fits into a capacity is within 64 bits");
        let holds = |t: &BinTypeId| it.eligible.contains(*t) && used.fits_in(&self.problem.bin(*t).capacity);
        self.work += claim.types.len() as u64;
        let Some(first) = claim.types.iter().position(holds) else { return false };
        let mut place = 0;
        claim.types.retain(|t| {
            place += 1;
            place > first && holds(t)
        });
        claim.used = used;
        add_to(&mut claim.content, item, 1);
        claim.pods += 1;
        claim.free = self.most_free(claim);
        true
    }

    /// Deletes nodes, or replaces them by one cheaper node, until nothing more can be gained. Says
    /// whether it came to an end within its limit.
    fn consolidate(&mut self) -> bool {
        let limit = self.work + self.yard.work + CONSOLIDATION_LIMIT;
        let mut gained = true;
        while gained {
            gained = self.consolidate_many(limit);
            // Karpenter takes one command per pass; going on through the list ends in the same state.
            for place in self.by_disruption() {
                if self.work + self.yard.work > limit {
                    return false;
                }
                if !self.yard.bins[place].closed {
                    gained |= self.replace(&[place]);
                }
            }
        }
        self.work + self.yard.work <= limit
    }

    /// The most nodes of the cheapest to disrupt that can go together, by binary search.
    fn consolidate_many(&mut self, limit: u64) -> bool {
        let candidates = self.by_disruption();
        let (mut low, mut high) = (2, candidates.len().min(MOST_CANDIDATES));
        let mut best = None;
        while low <= high && self.work + self.yard.work <= limit {
            let middle = low.midpoint(high);
            if let Some(undo) = self.try_replace(&candidates[..middle]) {
                self.undo(undo);
                best = Some(middle);
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        best.is_some_and(|count| self.replace(&candidates[..count]))
    }

    /// Nodes by what disrupting them costs: their pods.
    fn by_disruption(&self) -> Vec<usize> {
        let mut places: Vec<usize> =
            (0..self.yard.bins.len()).filter(|&p| !self.yard.bins[p].closed).collect();
        places.sort_by_key(|&p| (self.yard.bins[p].pods(), p));
        places
    }

    fn replace(&mut self, places: &[usize]) -> bool {
        self.try_replace(places).is_some()
    }

    /// Moves the pods of these nodes to the others and to at most one new node that is cheaper than
    /// these together; changes nothing when that cannot be done.
    fn try_replace(&mut self, places: &[usize]) -> Option<Undo> {
        let mut undo = Undo { closed: places.to_vec(), moved: Vec::new(), opened: None };
        let mut pods: Vec<(ItemTypeId, u64)> = Vec::new();
        let mut price = 0u128;
        for &place in places {
            let bin = &self.yard.bins[place];
            price += u128::from(self.problem.bin(bin.bin_type).rate.nanos());
            for &(item, count) in &bin.content {
                add_to(&mut pods, item, count);
            }
            self.yard.set_closed(place, true);
        }
        pods.sort_by_key(|(item, _)| self.rank[item.index()]);
        let mut claim: Option<Claim> = None;
        for (item, count) in pods {
            let left = self.yard.fill(item, count, |place, n| undo.moved.push((place, item, n)));
            for _ in 0..left {
                let mut extended = claim.take().unwrap_or_else(|| self.empty_claim());
                let added = self.add(&mut extended, item);
                let cheaper = |t: &BinTypeId| u128::from(self.problem.bin(*t).rate.nanos()) < price;
                if !added || !extended.types.first().is_some_and(cheaper) {
                    self.undo(undo);
                    return None;
                }
                claim = Some(extended);
            }
        }
        if let Some(claim) = claim {
            undo.opened = Some(self.yard.open(claim.types[0], claim.content));
        }
        Some(undo)
    }

    fn undo(&mut self, undo: Undo) {
        if let Some(place) = undo.opened {
            self.yard.set_closed(place, true);
        }
        for (place, item, count) in undo.moved {
            self.yard.take(place, item, count);
        }
        for place in undo.closed {
            self.yard.set_closed(place, false);
        }
    }
}

/// What a replacement changed.
struct Undo {
    closed: Vec<usize>,
    moved: Vec<(usize, ItemTypeId, u64)>,
    opened: Option<usize>,
}
