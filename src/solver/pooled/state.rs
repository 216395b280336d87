//! Which group lies in which pool, with what that costs by the estimate, kept up to date move by move.

use super::model::Model;

/// An estimate: lower bounds on bins, and what packing takes beyond them.
#[derive(Clone)]
pub(super) struct Estimate<'a> {
    pub model: &'a Model<'a>,
    /// How much whole bins count, beside bins in fractions: 1 for what is paid, less where the search
    /// should see past the steps from one bin to the next.
    pub whole: f64,
    /// Bins that packing takes beyond the bound for each unit of grain; learned.
    pub per_grain: f64,
    /// Share by which packing exceeds that, by candidate; learned.
    pub loss: Vec<f64>,
}

/// Part of a bin that counts before a whole one is needed: tells plans of as many bins apart.
const SLOPE: f64 = 0.02;
/// How fast the estimate follows what packing takes, and the most that it says for each unit of grain.
const PACE: f64 = 0.05;
const MOST_PER_GRAIN: f64 = 0.2;
const LOSS_PACE: f64 = 0.25;
const MOST_LOSS: f64 = 0.1;
/// What a bin beyond the stock counts, in bins.
const BEYOND_STOCK: f64 = 1e4;

impl Estimate<'_> {
    /// What a pool with these sums costs, nano-dollars per hour.
    pub(super) fn cost(&self, c: usize, load: &[f64], need: &[f64]) -> f64 {
        let bins = self.expected(c, load, need);
        let candidate = &self.model.candidates[c];
        let whole = (bins - 1e-6).ceil().max(1.0);
        let beyond = (whole - candidate.stock).max(0.0);
        let counted = self.whole * whole + (1.0 - self.whole + SLOPE) * bins;
        candidate.rate.max(1e-3) * (counted + BEYOND_STOCK * beyond)
    }

    /// Bins that packing is expected to take, fractional.
    pub(super) fn expected(&self, c: usize, load: &[f64], need: &[f64]) -> f64 {
        let grain = load[load.len() - 1];
        (self.model.bins(load, need) + self.per_grain * grain) * (1.0 + self.loss[c])
    }

    /// The same with only so much of what was learned.
    pub(super) fn believed(&self, share: f64) -> Self {
        let loss = self.loss.iter().map(|loss| share * loss).collect();
        Estimate { per_grain: share * self.per_grain, loss, ..self.clone() }
    }

    /// From now on a candidate counts as many bins as packing took, if less was expected.
    pub(super) fn learn(&mut self, c: usize, load: &[f64], need: &[f64], took: u64) {
        let (bound, grain) = (self.model.bins(load, need), load[load.len() - 1]);
        if grain > 1e-9 {
            // Somewhere in the last bin begins what packing takes.
            let seen = ((took as f64 - 0.5 - bound) / grain).clamp(0.0, MOST_PER_GRAIN);
            self.per_grain += PACE * (seen - self.per_grain);
        }
        // What the grain does not explain.
        let least = bound + self.per_grain * grain;
        let beyond = ((took as f64 - 0.5) / least.max(0.5) - 1.0).clamp(0.0, MOST_LOSS);
        self.loss[c] += LOSS_PACE * (beyond - self.loss[c]);
    }
}

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
