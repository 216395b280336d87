//! Which group lies in which pool, with what that costs by the estimate, kept up to date move by move.

use super::estimate::Estimate;
use super::model::Model;

/// A pool in use; without members it costs nothing.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub candidate: usize,
    pub members: Vec<u32>,
    load: Vec<f64>,
    need: Vec<f64>,
    pub cost: f64,
}

/// An assignment of all groups.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub slots: Vec<Slot>,
    /// Slot of each group.
    pub of: Vec<u32>,
    /// Place of each group among its slot's members.
    place: Vec<u32>,
}

/// Buffers of one search, so that trying a move allocates nothing.
#[derive(Default)]
pub(super) struct Scratch {
    load: Vec<f64>,
    need: Vec<f64>,
}

impl State {
    /// From the candidate of each group: one slot for each candidate that is named.
    pub(super) fn new(estimate: &Estimate<'_>, of: &[usize]) -> Self {
        let mut named: Vec<usize> = of.to_vec();
        named.sort_unstable();
        named.dedup();
        let slots: Vec<Slot> = named.iter().map(|&c| Slot::empty(estimate.model, c)).collect();
        let mut state = State { slots, of: vec![u32::MAX; of.len()], place: vec![0; of.len()] };
        for (g, c) in of.iter().enumerate() {
            let slot = named.binary_search(c).expect("every candidate that is named has a slot");
            state.enter(estimate, g, slot);
        }
        for slot in 0..state.slots.len() {
            state.recount(estimate, slot);
        }
        state
    }

    pub(super) fn cost(&self) -> f64 {
        self.slots.iter().map(|s| s.cost).sum()
    }

    /// Whether some slot with members stands for the candidate.
    pub(super) fn uses(&self, candidate: usize) -> bool {
        self.slots.iter().any(|s| s.candidate == candidate && !s.members.is_empty())
    }

    /// Slots with members.
    pub(super) fn used(&self) -> usize {
        self.slots.iter().filter(|s| !s.members.is_empty()).count()
    }

    fn enter(&mut self, estimate: &Estimate<'_>, g: usize, to: usize) {
        debug_assert!(estimate.model.may(self.slots[to].candidate, g), "group {g} may not lie there");
        let slot = &mut self.slots[to];
        self.of[g] = to as u32;
        self.place[g] = slot.members.len() as u32;
        slot.members.push(g as u32);
        add(&mut slot.load, estimate.model.load(slot.candidate, g), 1.0);
        raise(&mut slot.need, estimate.model.need(slot.candidate, g));
    }

    fn leave(&mut self, estimate: &Estimate<'_>, g: usize) {
        let slot = &mut self.slots[self.of[g] as usize];
        let place = self.place[g] as usize;
        slot.members.swap_remove(place);
        if let Some(&moved) = slot.members.get(place) {
            self.place[moved as usize] = place as u32;
        }
        add(&mut slot.load, estimate.model.load(slot.candidate, g), -1.0);
        if touches(&slot.need, estimate.model.need(slot.candidate, g)) {
            slot.need = needs(estimate.model, slot.candidate, &slot.members, &[]);
        }
        if slot.members.is_empty() {
            // No dust of rounding stays behind.
            slot.load.fill(0.0);
        }
    }

    fn recount(&mut self, estimate: &Estimate<'_>, slot: usize) {
        let slot = &mut self.slots[slot];
        slot.cost =
            if slot.members.is_empty() { 0.0 } else { estimate.cost(slot.candidate, &slot.load, &slot.need) };
    }

    /// Cost of a slot after `out` left it and `enter` came; `None` where a rule forbids it.
    fn cost_with(
        &self,
        estimate: &Estimate<'_>,
        slot: usize,
        out: &[usize],
        enter: &[usize],
        scratch: &mut Scratch,
    ) -> Option<f64> {
        let slot = &self.slots[slot];
        let model = estimate.model;
        let c = slot.candidate;
        if slot.members.len() + enter.len() == out.len() {
            return Some(0.0);
        }
        scratch.load.clear();
        scratch.load.extend_from_slice(&slot.load);
        scratch.need.clear();
        if out.iter().any(|&g| touches(&slot.need, model.need(c, g))) {
            scratch.need = needs(model, c, &slot.members, out);
        } else {
            scratch.need.extend_from_slice(&slot.need);
        }
        out.iter().for_each(|&g| add(&mut scratch.load, model.load(c, g), -1.0));
        for &g in enter {
            if !model.may(c, g) {
                return None;
            }
            add(&mut scratch.load, model.load(c, g), 1.0);
            raise(&mut scratch.need, model.need(c, g));
        }
        Some(estimate.cost(c, &scratch.load, &scratch.need))
    }

    /// What it changes to move a group to another slot.
    pub(super) fn move_delta(
        &self,
        estimate: &Estimate<'_>,
        g: usize,
        to: usize,
        scratch: &mut Scratch,
    ) -> Option<f64> {
        let from = self.of[g] as usize;
        let without = self.cost_with(estimate, from, &[g], &[], scratch)?;
        let with = self.cost_with(estimate, to, &[], &[g], scratch)?;
        Some(without + with - self.slots[from].cost - self.slots[to].cost)
    }

    /// The cheapest move of a group to another of these slots that has members, and what it changes; of equals
    /// the first.
    pub(super) fn best_move(
        &self,
        estimate: &Estimate<'_>,
        g: usize,
        among: impl IntoIterator<Item = usize>,
        scratch: &mut Scratch,
    ) -> Option<(f64, usize)> {
        let mut best: Option<(f64, usize)> = None;
        for to in among {
            if self.of[g] as usize == to || self.slots[to].members.is_empty() {
                continue;
            }
            if let Some(delta) = self.move_delta(estimate, g, to, scratch)
                && best.is_none_or(|(least, _)| delta < least)
            {
                best = Some((delta, to));
            }
        }
        best
    }

    pub(super) fn move_group(&mut self, estimate: &Estimate<'_>, g: usize, to: usize) {
        let from = self.of[g] as usize;
        self.leave(estimate, g);
        self.enter(estimate, g, to);
        self.recount(estimate, from);
        self.recount(estimate, to);
    }

    /// What it changes to let two groups of different slots change places.
    pub(super) fn swap_delta(
        &self,
        estimate: &Estimate<'_>,
        a: usize,
        b: usize,
        scratch: &mut Scratch,
    ) -> Option<f64> {
        let (of_a, of_b) = (self.of[a] as usize, self.of[b] as usize);
        let there = self.cost_with(estimate, of_a, &[a], &[b], scratch)?;
        let here = self.cost_with(estimate, of_b, &[b], &[a], scratch)?;
        Some(there + here - self.slots[of_a].cost - self.slots[of_b].cost)
    }

    pub(super) fn swap(&mut self, estimate: &Estimate<'_>, a: usize, b: usize) {
        let (of_a, of_b) = (self.of[a] as usize, self.of[b] as usize);
        self.leave(estimate, a);
        self.leave(estimate, b);
        self.enter(estimate, a, of_b);
        self.enter(estimate, b, of_a);
        self.recount(estimate, of_a);
        self.recount(estimate, of_b);
    }

    /// What it changes to turn a slot into another pool; `None` where some member may not lie there.
    pub(super) fn turn_delta(
        &self,
        estimate: &Estimate<'_>,
        slot: usize,
        candidate: usize,
        scratch: &mut Scratch,
    ) -> Option<f64> {
        let model = estimate.model;
        let members = &self.slots[slot].members;
        if !members.iter().all(|&g| model.may(candidate, g as usize)) {
            return None;
        }
        scratch.load.clear();
        scratch.load.resize(model.terms, 0.0);
        members.iter().for_each(|&g| add(&mut scratch.load, model.load(candidate, g as usize), 1.0));
        scratch.need = needs(model, candidate, members, &[]);
        Some(estimate.cost(candidate, &scratch.load, &scratch.need) - self.slots[slot].cost)
    }

    pub(super) fn turn(&mut self, estimate: &Estimate<'_>, slot: usize, candidate: usize) {
        let members = std::mem::take(&mut self.slots[slot].members);
        self.slots[slot] = Slot::empty(estimate.model, candidate);
        for g in members {
            self.enter(estimate, g as usize, slot);
        }
        self.recount(estimate, slot);
    }

    /// Replaces the content of two slots: candidates, and members of each.
    pub(super) fn replace(
        &mut self,
        estimate: &Estimate<'_>,
        slots: [usize; 2],
        candidates: [usize; 2],
        members: [&[u32]; 2],
    ) {
        for ((slot, candidate), members) in slots.into_iter().zip(candidates).zip(members) {
            self.slots[slot] = Slot::empty(estimate.model, candidate);
            for &g in members {
                self.enter(estimate, g as usize, slot);
            }
            self.recount(estimate, slot);
        }
    }

    /// Sums again from scratch, under an estimate that may have changed.
    pub(super) fn refresh(&mut self, estimate: &Estimate<'_>) {
        for slot in 0..self.slots.len() {
            let candidate = self.slots[slot].candidate;
            self.turn(estimate, slot, candidate);
        }
    }

    /// The candidate of each group.
    pub(super) fn assignment(&self) -> Vec<usize> {
        self.of.iter().map(|&slot| self.slots[slot as usize].candidate).collect()
    }
}

impl Slot {
    pub(super) fn empty(model: &Model<'_>, candidate: usize) -> Self {
        let (load, need) = (vec![0.0; model.terms], vec![0.0; model.needs]);
        Slot { candidate, members: Vec::new(), load, need, cost: 0.0 }
    }
}

pub(super) fn add(sum: &mut [f64], load: &[f64], sign: f64) {
    sum.iter_mut().zip(load).for_each(|(sum, l)| *sum += sign * l);
}

pub(super) fn raise(most: &mut [f64], need: &[f64]) {
    most.iter_mut().zip(need).for_each(|(most, &n)| *most = most.max(n));
}

/// Whether the largest need may be this one's, and matter: a need of one bin never does.
fn touches(most: &[f64], need: &[f64]) -> bool {
    most.iter().zip(need).any(|(&most, &n)| n > 1.0 && n >= most)
}

fn needs(model: &Model<'_>, candidate: usize, members: &[u32], without: &[usize]) -> Vec<f64> {
    let mut most = vec![0.0; model.needs];
    for &g in members.iter().filter(|&&g| !without.contains(&(g as usize))) {
        raise(&mut most, model.need(candidate, g as usize));
    }
    most
}
