//! Carries out one failure: the lost nodes' pods are put onto those that remain.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::replay::Scheduler;

/// What is lost and what must find a place.
pub(super) struct Loss<'a> {
    /// Nodes that are lost together.
    pub nodes: &'a [usize],
    /// By workload, whether its pods must find a place.
    pub must: &'a [bool],
    /// Places of workloads, those first whose pods are largest.
    pub largest_first: &'a [usize],
    /// Places of the workloads that need none, lowest priority first.
    pub may_go: &'a [usize],
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Replaced {
    /// Workload, node and pods of those that must find a place.
    pub moved: BTreeMap<(usize, usize), u64>,
    /// By workload, pods that must find a place and did not.
    pub pending: BTreeMap<usize, u64>,
    /// By workload, the others that have no place.
    pub waiting: BTreeMap<usize, u64>,
    /// How many pods were lost.
    pub lost: u64,
}

/// Which of the nodes that may take a pod gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    /// The fullest, which keeps room for large pods together.
    Fullest,
    /// The emptiest, which keeps pods together that belong together.
    Emptiest,
}

/// Tries to place what a loss leaves over, in two ways; the scheduler is afterwards as before. The first
/// way that leaves nothing pending counts, else the one that leaves least.
pub(super) fn replace(scheduler: &mut Scheduler<'_>, loss: &Loss<'_>) -> Replaced {
    let mut best: Option<(u64, Replaced)> = None;
    for choice in [Choice::Fullest, Choice::Emptiest] {
        let mut trial = Trial { scheduler, loss, choice, undo: Vec::new(), out: Replaced::default() };
        trial.run();
        let found = trial.undone();
        let pending: u64 = found.pending.values().sum();
        if best.as_ref().is_none_or(|(least, _)| pending < *least) {
            best = Some((pending, found));
        }
        if pending == 0 {
            break;
        }
    }
    best.expect("there are two ways").1
}

struct Trial<'s, 'c, 'l> {
    scheduler: &'s mut Scheduler<'c>,
    loss: &'l Loss<'l>,
    choice: Choice,
    /// Workload and node, put there (true) or taken off.
    undo: Vec<(usize, usize, bool)>,
    out: Replaced,
}

impl Trial<'_, '_, '_> {
    fn run(&mut self) {
        let mut lost: BTreeMap<usize, u64> = BTreeMap::new();
        for &node in self.loss.nodes {
            for workload in 0..self.loss.must.len() {
                let pods = self.scheduler.pods_on(workload, node);
                (0..pods).for_each(|_| self.take(workload, node));
                if pods > 0 {
                    *lost.entry(workload).or_default() += pods;
                }
            }
            self.scheduler.lose(node, true);
        }
        self.out.lost = lost.values().sum();
        let (must, others): (Vec<usize>, Vec<usize>) = self
            .loss
            .largest_first
            .iter()
            .copied()
            .filter(|w| lost.contains_key(w))
            .partition(|&w| self.loss.must[w]);
        self.out.pending = self.place_all(&must, &lost, true);
        // Only then is it known what room the others may have.
        for (workload, pods) in std::mem::take(&mut self.out.waiting) {
            *lost.entry(workload).or_default() += pods;
        }
        let mut others = others;
        let evicted =
            self.loss.largest_first.iter().copied().filter(|&w| !self.loss.must[w] && lost.contains_key(&w));
        let evicted: Vec<usize> = evicted.filter(|w| !others.contains(w)).collect();
        others.extend(evicted);
        self.out.waiting = self.place_all(&others, &lost, false);
    }

    /// Gives the pods that find no place. Pods that may lie only beside others may find one in a later
    /// round.
    fn place_all(
        &mut self,
        workloads: &[usize],
        lost: &BTreeMap<usize, u64>,
        must: bool,
    ) -> BTreeMap<usize, u64> {
        let mut left: Vec<(usize, u64)> = workloads.iter().map(|w| (*w, lost[w])).collect();
        loop {
            let before: u64 = left.iter().map(|&(_, pods)| pods).sum();
            for (workload, pods) in &mut left {
                while *pods > 0 && self.place(*workload, must) {
                    *pods -= 1;
                }
            }
            left.retain(|&(_, pods)| pods > 0);
            if left.is_empty() || left.iter().map(|&(_, pods)| pods).sum::<u64>() == before {
                return left.into_iter().collect();
            }
        }
    }

    fn place(&mut self, workload: usize, must: bool) -> bool {
        let node = self.scheduler.fitting(workload, |scheduler, node| {
            let left = scheduler.left_over(workload, node);
            if self.choice == Choice::Fullest { left } else { u64::MAX - left }
        });
        let node = match node {
            Some(node) => node,
            None if must => match self.make_room(workload) {
                Some(node) => node,
                None => return false,
            },
            None => return false,
        };
        self.scheduler.put(workload, node);
        self.undo.push((workload, node, true));
        if must {
            *self.out.moved.entry((workload, node)).or_default() += 1;
        }
        true
    }

    /// Takes pods that need no place off the node where fewest must go, as the scheduler's preemption
    /// does; gives the node.
    fn make_room(&mut self, workload: usize) -> Option<usize> {
        if self.loss.may_go.is_empty() {
            return None;
        }
        let mut best: Option<(usize, usize)> = None;
        for node in 0..self.scheduler.node_count() {
            let mark = self.undo.len();
            if !self.scheduler.is_lost(node) && self.evict(workload, node) {
                let evicted = self.undo.len() - mark;
                if best.is_none_or(|(least, _)| evicted < least) {
                    best = Some((evicted, node));
                }
            }
            self.back_to(mark);
            if best.is_some_and(|(least, _)| least == 1) {
                break;
            }
        }
        let (_, node) = best?;
        let mark = self.undo.len();
        self.evict(workload, node);
        for &(evicted, _, _) in &self.undo[mark..] {
            *self.out.waiting.entry(evicted).or_default() += 1;
        }
        Some(node)
    }

    /// Takes pods off a node until one of the workload fits; tells whether it does.
    fn evict(&mut self, workload: usize, node: usize) -> bool {
        for &other in self.loss.may_go {
            while self.scheduler.pods_on(other, node) > 0 {
                self.take(other, node);
                if self.scheduler.fits(workload, node) {
                    return true;
                }
            }
        }
        false
    }

    fn take(&mut self, workload: usize, node: usize) {
        self.scheduler.remove(workload, node);
        self.undo.push((workload, node, false));
    }

    fn back_to(&mut self, mark: usize) {
        for (workload, node, put) in self.undo.drain(mark..).rev() {
            if put { self.scheduler.remove(workload, node) } else { self.scheduler.put(workload, node) }
        }
    }

    fn undone(mut self) -> Replaced {
        self.back_to(0);
        self.loss.nodes.iter().for_each(|&node| self.scheduler.lose(node, false));
        self.out
    }
}

/// Places of workloads by the largest share of the average node that one pod takes, largest first.
pub(super) fn by_size(requests: &[&[u64]], average: &[u64]) -> Vec<usize> {
    let size = |w: usize| -> u64 {
        let shares = requests[w].iter().zip(average).filter(|&(_, &node)| node > 0);
        shares
            .map(|(&amount, &node)| (u128::from(amount) * 1_000_000 / u128::from(node)) as u64)
            .max()
            .unwrap_or(0)
    };
    let mut order: Vec<usize> = (0..requests.len()).collect();
    order.sort_by_key(|&w| (Reverse(size(w)), w));
    order
}
