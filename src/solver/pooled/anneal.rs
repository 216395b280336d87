//! Simulated annealing on the estimate: groups move and change places between pools, pools change their
//! type, and two pools are split anew along a direction in resource space.

use fastrand::Rng;

use super::estimate::Estimate;
use super::model::Model;
use super::state::{Scratch, State, add, raise};

/// How one annealing is done.
pub(super) struct Schedule<'a> {
    /// Moves tried.
    pub steps: u64,
    /// First temperature, as a share of what a group costs on average.
    pub heat: f64,
    /// Whether the first half sees bins in fractions only: from anywhere, that finds which groups and
    /// pools belong together. The second half then fills whole bins.
    pub fluid: bool,
    /// The most pools with members.
    pub most: usize,
    /// The most bin types that pools with members have in all.
    pub most_bin_types: usize,
    /// Candidates that are tried most often.
    pub favoured: &'a [usize],
}

impl Schedule<'_> {
    /// A candidate to try.
    pub(super) fn draw(&self, model: &Model<'_>, rng: &mut Rng) -> usize {
        if !self.favoured.is_empty() && rng.u8(..4) > 0 {
            self.favoured[rng.usize(..self.favoured.len())]
        } else {
            rng.usize(..model.candidates.len())
        }
    }
}

/// Stages of one annealing, at one temperature each.
const STAGES: u64 = 20;
/// How much whole bins count in each.
const RAMP: [f64; STAGES as usize] = {
    let mut ramp = [1.0; STAGES as usize];
    let (mut i, steps) = (0, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.1, 0.2, 0.3, 0.5, 0.7]);
    while i < steps.len() {
        ramp[i] = steps[i];
        i += 1;
    }
    ramp
};
/// Last temperature, as a share of what a group costs on average.
const COLD: f64 = 2e-3;

/// Improves a state in place, returns the work done.
pub(super) fn anneal(
    estimate: &Estimate<'_>,
    state: &mut State,
    schedule: &Schedule<'_>,
    rng: &mut Rng,
    stop: &(dyn Fn() -> bool + Sync),
) -> u64 {
    let model = estimate.model;
    let groups = model.groups();
    // An empty slot is where further pools open.
    while state.slots.len() < schedule.most.min(groups) {
        state.slots.push(super::state::Slot::empty(model, 0));
    }
    let before = state.clone();
    let mut scratch = Scratch::default();
    let mut work = 0u64;
    let unit = before.cost() / groups as f64;
    let (start, end) = (schedule.heat * unit, (schedule.heat * unit).min(COLD * unit));
    let mut estimate = estimate.clone();
    let mut temperature = start;
    let chunk = schedule.steps.div_ceil(STAGES).max(1);
    for step in 0..schedule.steps {
        if step % 1024 == 0 && stop() {
            break;
        }
        if step % chunk == 0 {
            let stage = step / chunk;
            estimate.whole = if schedule.fluid { RAMP[stage as usize] } else { 1.0 };
            temperature = start * (end / start).powf(stage as f64 / (STAGES - 1) as f64);
            // Sums drift by rounding; they are taken anew.
            state.refresh(&estimate);
        }
        let estimate = &estimate;
        work += 2 * model.terms as u64;
        let accept = |delta: f64, rng: &mut Rng| delta <= 0.0 || rng.f64() < (-delta / temperature).exp();
        let mut kind = rng.u16(..1000);
        if state.used() == 1 && kind < 960 {
            // Nothing can move between pools yet.
            if kind >= 60 {
                continue;
            }
            kind = 999;
        }
        let delta = match kind {
            0..=579 => {
                let (g, to) = (rng.usize(..groups), rng.usize(..state.slots.len()));
                if state.of[g] as usize == to || state.slots[to].members.is_empty() {
                    continue;
                }
                match state.move_delta(estimate, g, to, &mut scratch) {
                    Some(delta) if accept(delta, rng) => {
                        state.move_group(estimate, g, to);
                        delta
                    }
                    _ => continue,
                }
            }
            580..=959 => {
                let (a, b) = (rng.usize(..groups), rng.usize(..groups));
                if state.of[a] == state.of[b] {
                    continue;
                }
                match state.swap_delta(estimate, a, b, &mut scratch) {
                    Some(delta) if accept(delta, rng) => {
                        state.swap(estimate, a, b);
                        delta
                    }
                    _ => continue,
                }
            }
            960..=993 => {
                let (slot, to) = (rng.usize(..state.slots.len()), schedule.draw(model, rng));
                let members = state.slots[slot].members.len();
                if members == 0 || state.uses(to) || !room(state, estimate, &[slot], &[to], schedule) {
                    continue;
                }
                work += (members * model.terms) as u64;
                match state.turn_delta(estimate, slot, to, &mut scratch) {
                    Some(delta) if accept(delta, rng) => {
                        state.turn(estimate, slot, to);
                        delta
                    }
                    _ => continue,
                }
            }
            _ => match split(estimate, state, schedule, rng, &mut work) {
                Some(found) if accept(found.delta, rng) => {
                    let members = [&found.order[..found.cut], &found.order[found.cut..]];
                    state.replace(estimate, found.slots, found.candidates, members);
                    found.delta
                }
                _ => continue,
            },
        };
        debug_assert!(delta.is_finite());
    }
    estimate.whole = 1.0;
    let estimate = &estimate;
    state.refresh(estimate);
    descend(estimate, state, schedule, &mut scratch, &mut work);
    // What looks everywhere ends elsewhere, better or not; what stays at home comes back.
    if !schedule.fluid && state.cost() > before.cost() {
        *state = before;
    }
    work
}

/// The best pool for each slot and the best slot for each group, until nothing is gained.
fn descend(
    estimate: &Estimate<'_>,
    state: &mut State,
    schedule: &Schedule<'_>,
    scratch: &mut Scratch,
    work: &mut u64,
) {
    const PASSES: usize = 4;
    let model = estimate.model;
    for _ in 0..PASSES {
        let before = state.cost();
        for slot in 0..state.slots.len() {
            if state.slots[slot].members.is_empty() {
                continue;
            }
            *work += (state.slots[slot].members.len() * model.terms * model.candidates.len()) as u64;
            let mut best: Option<(f64, usize)> = None;
            for to in 0..model.candidates.len() {
                if state.uses(to) || !room(state, estimate, &[slot], &[to], schedule) {
                    continue;
                }
                if let Some(delta) = state.turn_delta(estimate, slot, to, scratch)
                    && delta < best.map_or(-1e-9 * before, |(least, _)| least)
                {
                    best = Some((delta, to));
                }
            }
            if let Some((_, to)) = best {
                state.turn(estimate, slot, to);
            }
        }
        for g in 0..model.groups() {
            *work += (state.slots.len() * model.terms) as u64;
            if let Some((delta, to)) = state.best_move(estimate, g, 0..state.slots.len(), scratch)
                && delta < -1e-9 * before
            {
                state.move_group(estimate, g, to);
            }
        }
        if state.cost() >= before * (1.0 - 1e-9) {
            break;
        }
    }
}

/// Whether the caps on pools and bin types hold once slots stand for other candidates.
pub(super) fn room(
    state: &State,
    estimate: &Estimate<'_>,
    slots: &[usize],
    to: &[usize],
    schedule: &Schedule<'_>,
) -> bool {
    if schedule.most_bin_types == usize::MAX {
        return true;
    }
    let types = |c: usize| estimate.model.candidates[c].bins.len();
    let others = state.slots.iter().enumerate().filter(|(i, s)| !slots.contains(i) && !s.members.is_empty());
    let sum: usize = others.map(|(_, s)| types(s.candidate)).sum();
    sum + to.iter().map(|&c| types(c)).sum::<usize>() <= schedule.most_bin_types
}

/// Two slots and how their members are shared out anew: the first `cut` go to the first.
pub(super) struct Split {
    pub slots: [usize; 2],
    pub candidates: [usize; 2],
    pub order: Vec<u32>,
    pub cut: usize,
    pub delta: f64,
}

/// Orders the members of two slots along a random direction and looks for the best cut.
pub(super) fn split(
    estimate: &Estimate<'_>,
    state: &State,
    schedule: &Schedule<'_>,
    rng: &mut Rng,
    work: &mut u64,
) -> Option<Split> {
    let model = estimate.model;
    // One pool in use, and another one or an empty slot.
    let (used, empty): (Vec<usize>, Vec<usize>) =
        (0..state.slots.len()).partition(|&slot| !state.slots[slot].members.is_empty());
    let a = used[rng.usize(..used.len())];
    let b = match empty.first() {
        Some(&slot) if used.len() == 1 || rng.bool() => slot,
        _ => used[rng.usize(..used.len())],
    };
    if a == b {
        return None;
    }
    let before = [state.slots[a].candidate, state.slots[b].candidate];
    let free = |c: usize| {
        !state
            .slots
            .iter()
            .enumerate()
            .any(|(i, s)| i != a && i != b && s.candidate == c && !s.members.is_empty())
    };
    let draw = |now: usize, keep: bool, rng: &mut Rng| {
        if keep && rng.bool() { now } else { schedule.draw(model, rng) }
    };
    let opened = state.slots[b].members.is_empty();
    let candidates = [draw(before[0], true, rng), draw(before[1], !opened, rng)];
    if candidates[0] == candidates[1] || !candidates.iter().all(|&c| free(c)) {
        return None;
    }
    if !room(state, estimate, &[a, b], &candidates, schedule) {
        return None;
    }
    let mut order: Vec<u32> = state.slots[a].members.iter().chain(&state.slots[b].members).copied().collect();
    let may = |slot: usize, g: u32| model.may(candidates[slot], g as usize);
    if order.iter().any(|&g| !may(0, g) && !may(1, g)) {
        return None;
    }
    let weight: Vec<f64> = (0..model.terms).map(|_| rng.f64() - 0.5).collect();
    let key = |g: u32| {
        let load = model.load(candidates[0], g as usize);
        let (mut along, mut size) = (0.0, 1e-12);
        for (w, l) in weight.iter().zip(load) {
            along += w * l;
            size += l;
        }
        // Those that only one of the two may hold stand at its end.
        match (may(0, g), may(1, g)) {
            (true, false) => f64::NEG_INFINITY,
            (false, _) => f64::INFINITY,
            _ => along / size,
        }
    };
    let mut keyed: Vec<(f64, u32)> = order.iter().map(|&g| (key(g), g)).collect();
    keyed.sort_unstable_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)));
    order.clear();
    order.extend(keyed.iter().map(|&(_, g)| g));
    *work += (order.len() * model.terms * 3) as u64;
    let least = order.iter().filter(|&&g| !may(1, g)).count();
    let most = order.iter().filter(|&&g| may(0, g)).count();
    // Costs of every beginning and of every end.
    let sweep = |c: usize, order: &mut dyn Iterator<Item = u32>, count: usize| {
        let (mut load, mut need) = (vec![0.0; model.terms], vec![0.0; model.needs]);
        let mut costs = Vec::with_capacity(count + 1);
        costs.push(0.0);
        for g in order.take(count) {
            add(&mut load, model.load(c, g as usize), 1.0);
            raise(&mut need, model.need(c, g as usize));
            costs.push(estimate.cost(c, &load, &need));
        }
        costs
    };
    let first = sweep(candidates[0], &mut order.iter().copied(), most);
    let second = sweep(candidates[1], &mut order.iter().rev().copied(), order.len() - least);
    let total = |cut: usize| first[cut] + second[order.len() - cut];
    let cut = (least..=most).min_by(|&x, &y| total(x).total_cmp(&total(y)))?;
    let delta = total(cut) - state.slots[a].cost - state.slots[b].cost;
    Some(Split { slots: [a, b], candidates, cut, delta, order })
}
