//! Open bins in the order in which they were opened, with first fit in logarithmic time.

use std::collections::BTreeMap;

use crate::plan::{Pattern, Plan};
use crate::problem::{BinTypeId, ItemTypeId, Problem};
use crate::units::Resources;

/// Which item types an item type must not share a bin with.
pub struct Partners(BTreeMap<ItemTypeId, Vec<ItemTypeId>>);

impl Partners {
    /// Of a problem.
    pub fn new(problem: &Problem) -> Self {
        let mut partners: BTreeMap<ItemTypeId, Vec<ItemTypeId>> = BTreeMap::new();
        for &(a, b) in problem.conflicts() {
            partners.entry(a).or_default().push(b);
            partners.entry(b).or_default().push(a);
        }
        partners.values_mut().for_each(|list| list.sort_unstable());
        Partners(partners)
    }

    /// How many more copies of `item` the rules let a bin with this content take.
    pub fn room(&self, problem: &Problem, content: &[(ItemTypeId, u64)], item: ItemTypeId) -> u64 {
        if let Some(partners) = self.0.get(&item)
            && content.iter().any(|(other, _)| partners.binary_search(other).is_ok())
        {
            return 0;
        }
        match problem.item(item).max_per_bin {
            None => u64::MAX,
            Some(most) => {
                let has = content.iter().find(|(other, _)| *other == item).map_or(0, |&(_, n)| n);
                most.saturating_sub(has)
            }
        }
    }
}

/// Adds copies to a bin's content.
pub fn add_to(content: &mut Vec<(ItemTypeId, u64)>, item: ItemTypeId, count: u64) {
    match content.iter_mut().find(|(other, _)| *other == item) {
        Some((_, n)) => *n += count,
        None => content.push((item, count)),
    }
}

/// One bin that stands there.
#[derive(Debug, Clone)]
pub struct OpenBin {
    /// Its type.
    pub bin_type: BinTypeId,
    /// What is in it.
    pub content: Vec<(ItemTypeId, u64)>,
    /// What is left.
    pub free: Resources,
    /// A closed bin takes nothing and is not part of the plan.
    pub closed: bool,
}

impl OpenBin {
    /// Copies in it.
    pub fn pods(&self) -> u64 {
        self.content.iter().map(|(_, n)| n).sum()
    }
}

/// Open bins under a tournament tree: each inner place holds, per dimension, the most that is free
/// in any bin below it, so that bins too full are passed over many at a time.
pub struct Yard<'a> {
    problem: &'a Problem,
    partners: &'a Partners,
    /// In the order in which they were opened.
    pub bins: Vec<OpenBin>,
    /// Heap order: children of i are 2i and 2i + 1; leaves start at `leaves`.
    tree: Vec<Resources>,
    leaves: usize,
    /// Tree places and bins looked at.
    pub work: u64,
}

impl<'a> Yard<'a> {
    /// No bins yet.
    pub fn new(problem: &'a Problem, partners: &'a Partners) -> Self {
        let zero = Resources::zero(problem.dimensions().len());
        Yard { problem, partners, bins: Vec::new(), tree: vec![zero; 2], leaves: 1, work: 0 }
    }

    /// Opens a bin of this type with this content, which must fit.
    pub fn open(&mut self, bin_type: BinTypeId, content: Vec<(ItemTypeId, u64)>) -> usize {
        let mut free = self.problem.bin(bin_type).capacity.clone();
        for &(item, count) in &content {
            subtract(&mut free, &self.problem.item(item).demand, count);
        }
        let place = self.bins.len();
        self.bins.push(OpenBin { bin_type, content, free, closed: false });
        if place == self.leaves {
            self.grow();
        }
        self.refresh(place);
        place
    }

    /// How many more copies of `item` a bin takes.
    pub fn room(&self, place: usize, item: ItemTypeId) -> u64 {
        let bin = &self.bins[place];
        let it = self.problem.item(item);
        if bin.closed || !it.eligible.contains(bin.bin_type) {
            return 0;
        }
        let fits = it.demand.copies_in(&bin.free);
        if fits == 0 { 0 } else { fits.min(self.partners.room(self.problem, &bin.content, item)) }
    }

    /// The first bin from `start` on that takes a copy of `item`.
    pub fn first_fit(&mut self, item: ItemTypeId, start: usize) -> Option<usize> {
        if start >= self.bins.len() {
            return None;
        }
        self.search(item, start, 1, 0, self.leaves)
    }

    fn search(
        &mut self,
        item: ItemTypeId,
        start: usize,
        node: usize,
        low: usize,
        width: usize,
    ) -> Option<usize> {
        self.work += 1;
        if low + width <= start || !self.problem.item(item).demand.fits_in(&self.tree[node]) {
            return None;
        }
        if width == 1 {
            return (low < self.bins.len() && self.room(low, item) > 0).then_some(low);
        }
        let half = width / 2;
        self.search(item, start, 2 * node, low, half)
            .or_else(|| self.search(item, start, 2 * node + 1, low + half, half))
    }

    /// Puts copies into bins by first fit until none is left or none takes any; says how many are left.
    /// `log` hears of every placement.
    pub fn fill(&mut self, item: ItemTypeId, copies: u64, mut log: impl FnMut(usize, u64)) -> u64 {
        let (mut left, mut start) = (copies, 0);
        while left > 0 {
            let Some(place) = self.first_fit(item, start) else { break };
            let count = self.room(place, item).min(left);
            self.put(place, item, count);
            log(place, count);
            left -= count;
            start = place + 1;
        }
        left
    }

    /// Puts copies into a bin that takes them.
    pub fn put(&mut self, place: usize, item: ItemTypeId, count: u64) {
        let bin = &mut self.bins[place];
        add_to(&mut bin.content, item, count);
        subtract(&mut bin.free, &self.problem.item(item).demand, count);
        self.refresh(place);
    }

    /// Takes back what was put.
    pub fn take(&mut self, place: usize, item: ItemTypeId, count: u64) {
        let bin = &mut self.bins[place];
        let at = bin.content.iter().position(|(i, _)| *i == item).expect("it was put there");
        bin.content[at].1 -= count;
        if bin.content[at].1 == 0 {
            bin.content.remove(at);
        }
        bin.free = bin
            .free
            .checked_add_times(&self.problem.item(item).demand, count)
            .expect("free space stays within the capacity");
        self.refresh(place);
    }

    /// Closes a bin, or opens it again.
    pub fn set_closed(&mut self, place: usize, closed: bool) {
        self.bins[place].closed = closed;
        self.refresh(place);
    }

    /// The open bins as a plan.
    pub fn plan(&self) -> Plan {
        let open = self.bins.iter().filter(|b| !b.closed && !b.content.is_empty());
        open.map(|b| (Pattern::new(b.bin_type, b.content.iter().copied()), 1)).collect()
    }

    fn refresh(&mut self, place: usize) {
        let mut node = self.leaves + place;
        let bin = &self.bins[place];
        if bin.closed {
            self.tree[node].as_mut_slice().fill(0);
        } else {
            self.tree[node].as_mut_slice().copy_from_slice(bin.free.as_slice());
        }
        while node > 1 {
            node /= 2;
            self.join(node);
        }
    }

    fn join(&mut self, node: usize) {
        let (above, below) = self.tree.split_at_mut(2 * node);
        let children = below[0].as_slice().iter().zip(below[1].as_slice());
        for (most, (&a, &b)) in above[node].as_mut_slice().iter_mut().zip(children) {
            *most = a.max(b);
        }
    }

    fn grow(&mut self) {
        self.leaves *= 2;
        let zero = Resources::zero(self.problem.dimensions().len());
        self.tree = vec![zero; 2 * self.leaves];
        for (place, bin) in self.bins.iter().enumerate().filter(|(_, b)| !b.closed) {
            self.tree[self.leaves + place] = bin.free.clone();
        }
        for node in (1..self.leaves).rev() {
            self.join(node);
        }
    }
}

fn subtract(free: &mut Resources, demand: &Resources, count: u64) {
    for (free, &amount) in free.as_mut_slice().iter_mut().zip(demand.as_slice()) {
        *free -= amount * count;
    }
}
