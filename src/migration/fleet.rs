//! Nodes with what lies on them while the search changes both.

use std::collections::{BTreeMap, BTreeSet};

use crate::formulate::standing::Standing;
use crate::problem::{BinTypeId, ItemTypeId, Problem};
use crate::units::Resources;

/// Kinds of pods with their number, none of them zero.
pub type Content = BTreeMap<ItemTypeId, u64>;

/// All nodes at one time of the search.
#[derive(Debug, Clone)]
pub struct Fleet<'a> {
    /// Their problem.
    pub standing: &'a Standing,
    /// Those that run, in order, then those that were added.
    pub nodes: Vec<Live>,
    /// For each item type, those that it keeps away from.
    pub apart: std::rc::Rc<Vec<Vec<ItemTypeId>>>,
    /// What some nodes may be together.
    pub limits: std::rc::Rc<Vec<Limit>>,
}

/// A limit over nodes of several bin types.
#[derive(Debug)]
pub struct Limit {
    /// What a node of each bin type counts.
    pub weights: Vec<u64>,
    /// The most in all.
    pub most: u128,
}

impl Limit {
    /// What these bins count together.
    pub fn used(&self, bins: impl Iterator<Item = BinTypeId>) -> u128 {
        bins.map(|bin| u128::from(self.weights[bin.index()])).sum()
    }
}

/// One node.
#[derive(Debug, Clone)]
pub struct Live {
    /// Its bin type.
    pub bin: BinTypeId,
    /// What lies on it, held pods included.
    pub content: Content,
    /// What may not be moved.
    pub held: Content,
    /// Whether it takes pods that were not there.
    pub open: bool,
    /// Whether it is part of the fleet (still, or already).
    pub there: bool,
}

impl<'a> Fleet<'a> {
    /// The cluster as it is; pods of kinds in `never` are held.
    pub fn start(standing: &'a Standing, never: &BTreeSet<ItemTypeId>) -> Self {
        let nodes = standing.nodes.iter().map(|node| {
            let content: Content = node.content.iter().copied().collect();
            let mut held: Content = node.held.iter().copied().collect();
            held.extend(content.iter().filter(|(item, _)| never.contains(item)).map(|(&i, &n)| (i, n)));
            Live { bin: node.bin, content, held, open: node.open, there: true }
        });
        let mut apart = vec![Vec::new(); standing.problem.items().len()];
        for &(a, b) in standing.problem.conflicts() {
            apart[a.index()].push(b);
            apart[b.index()].push(a);
        }
        let limits = standing.problem.bin_limits().iter().map(|limit| {
            let mut weights = vec![0; standing.problem.bins().len()];
            limit.weights.iter().for_each(|&(bin, weight)| weights[bin.index()] = weight);
            Limit { weights, most: limit.most.into() }
        });
        let (apart, limits) = (std::rc::Rc::new(apart), std::rc::Rc::new(limits.collect()));
        Fleet { standing, nodes: nodes.collect(), apart, limits }
    }

    /// Its problem.
    pub fn problem(&self) -> &'a Problem {
        &self.standing.problem
    }

    /// How many nodes run at the start.
    pub fn running(&self) -> usize {
        self.standing.nodes.len()
    }

    /// Nodes that are there.
    pub fn there(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.nodes.len()).filter(|&n| self.nodes[n].there)
    }

    /// Whether the nodes keep to every limit over several of them.
    pub fn keeps_limits(&self) -> bool {
        let bins = || self.there().map(|n| self.nodes[n].bin);
        self.limits.iter().all(|limit| limit.used(bins()) <= limit.most)
    }

    /// The instance type of a bin type, as the catalog numbers it.
    pub fn type_of(&self, bin: BinTypeId) -> usize {
        self.standing.legend.nodes[bin.index()].catalog_type
    }

    /// The instance types of the nodes that are there, some apart.
    pub fn types(&self, apart: &BTreeSet<usize>) -> BTreeSet<usize> {
        self.there().filter(|n| !apart.contains(n)).map(|n| self.type_of(self.nodes[n].bin)).collect()
    }

    /// The most instance types that the nodes may have: what is wanted, or what they have already.
    pub fn most_types(&self) -> Option<usize> {
        self.standing.max_types.map(|most| (most as usize).max(self.types(&BTreeSet::new()).len()))
    }

    /// What a node costs an hour, in nano-dollars.
    pub fn rate(&self, node: usize) -> i128 {
        i128::from(self.problem().bin(self.nodes[node].bin).rate.nanos())
    }

    /// What all nodes cost an hour, in nano-dollars.
    pub fn cost(&self) -> i128 {
        self.there().map(|node| self.rate(node)).sum()
    }

    /// What some pods take together.
    pub fn used(&self, content: &Content) -> Resources {
        let mut sum = Resources::zero(self.problem().dimensions().len());
        for (&item, &n) in content {
            let demand = &self.problem().item(item).demand;
            sum = sum.checked_add_times(demand, n).expect("sums over a node's pods stay in range");
        }
        sum
    }

    /// What a node still offers.
    pub fn room(&self, node: usize) -> Resources {
        let node = &self.nodes[node];
        let capacity = &self.problem().bin(node.bin).capacity;
        capacity.checked_sub(&self.used(&node.content)).unwrap_or_else(|| Resources::zero(capacity.len()))
    }

    /// How many more pods of a kind a node may take by its rules, apart from the room that they need.
    pub fn allowed(&self, node: usize, item: ItemTypeId, content: &Content) -> u64 {
        let live = &self.nodes[node];
        let it = self.problem().item(item);
        if !it.eligible.contains(live.bin) || self.apart[item.index()].iter().any(|o| content.contains_key(o))
        {
            return 0;
        }
        let here = content.get(&item).copied().unwrap_or(0);
        it.max_per_bin.map_or(u64::MAX, |most| most.saturating_sub(here))
    }

    /// Whether a node may hold just this.
    pub fn may_hold(&self, node: usize, content: &Content) -> bool {
        let live = &self.nodes[node];
        let known = |item: &ItemTypeId, n: u64| live.content.get(item).is_some_and(|&here| n <= here);
        (live.open || content.iter().all(|(item, &n)| known(item, n)))
            && live.held.iter().all(|(item, held)| content.get(item).is_some_and(|n| n >= held))
            && self.suits(live.bin, content)
    }

    /// Whether a node of a bin type may hold just this.
    pub fn suits(&self, bin: BinTypeId, content: &Content) -> bool {
        let problem = self.problem();
        content.iter().all(|(&item, &n)| {
            let it = problem.item(item);
            it.eligible.contains(bin)
                && it.max_per_bin.is_none_or(|most| n <= most)
                && !self.apart[item.index()].iter().any(|other| content.contains_key(other))
        }) && self.used(content).fits_in(&problem.bin(bin).capacity)
    }

    /// Pods of a node that may be moved.
    pub fn movable(&self, node: usize) -> Content {
        minus(&self.nodes[node].content, &self.nodes[node].held)
    }
}

/// What is in the first and not in the second.
pub fn minus(a: &Content, b: &Content) -> Content {
    let left = a.iter().map(|(&item, &n)| (item, n.saturating_sub(b.get(&item).copied().unwrap_or(0))));
    left.filter(|&(_, n)| n > 0).collect()
}

/// Both together.
pub fn plus(a: &Content, b: &Content) -> Content {
    let mut sum = a.clone();
    for (&item, &n) in b {
        *sum.entry(item).or_default() += n;
    }
    sum
}

/// Pods that both have.
pub fn overlap(a: &Content, b: &Content) -> u64 {
    a.iter().map(|(item, &n)| n.min(b.get(item).copied().unwrap_or(0))).sum()
}
