//! Which pools to have: kicks that open, close and exchange pools, each followed by a descent of the
//! groups, kept where the estimate does not get much worse.
//!
//! Annealing moves groups; a pool of another type pays only once many groups have moved there, so that
//! it seldom sees the way. A kick with the descent behind it costs about as much as a few hundred moves.

use fastrand::Rng;

use super::anneal::{Schedule, room, split};
use super::estimate::Estimate;
use super::state::{Scratch, Slot, State};

/// How much whole bins count while pools are chosen: later moves fill most of a bin begun.
const WHOLE: f64 = 0.3;
/// How much worse a state may be to go on from it, as a share of its cost, at first; nothing at the end.
const TOLERANCE: f64 = 0.004;
/// Passes over all groups after a kick.
const PASSES: usize = 2;

/// Improves a state in place by so many kicks, returns the work done.
pub(super) fn explore(
    estimate: &Estimate<'_>,
    state: &mut State,
    schedule: &Schedule<'_>,
    kicks: u64,
    rng: &mut Rng,
    stop: &(dyn Fn() -> bool + Sync),
) -> u64 {
    let model = estimate.model;
    let estimate = &estimate.counting(WHOLE);
    while state.slots.len() < schedule.most.min(model.groups()) {
        state.slots.push(Slot::empty(model, 0));
    }
    state.refresh(estimate);
    let mut scratch = Scratch::default();
    let mut work = 0;
    let mut best = state.clone();
    for kick in 0..kicks {
        if stop() {
            break;
        }
        let mut next = state.clone();
        if !kicked(estimate, &mut next, schedule, rng, &mut scratch, &mut work) {
            continue;
        }
        settle(estimate, &mut next, rng, &mut scratch, &mut work);
        let left = 1.0 - kick as f64 / kicks as f64;
        if next.cost() < state.cost() * (1.0 + TOLERANCE * left * rng.f64()) {
            *state = next;
            if state.cost() < best.cost() {
                best = state.clone();
            }
        }
    }
    *state = best;
    work
}

/// Opens, exchanges or closes a pool; says whether anything changed.
fn kicked(
    estimate: &Estimate<'_>,
    state: &mut State,
    schedule: &Schedule<'_>,
    rng: &mut Rng,
    scratch: &mut Scratch,
    work: &mut u64,
) -> bool {
    let used: Vec<usize> =
        (0..state.slots.len()).filter(|&slot| !state.slots[slot].members.is_empty()).collect();
    match rng.u8(..10) {
        0..=1 if used.len() > 1 => {
            let slot = used[rng.usize(..used.len())];
            *work += (state.slots[slot].members.len() * used.len() * estimate.model.terms) as u64;
            match super::start::without(estimate, state, slot, &used, scratch) {
                Some(next) => *state = next,
                None => return false,
            }
        }
        2..=3 => {
            let (slot, to) = (used[rng.usize(..used.len())], schedule.draw(estimate.model, rng));
            if state.uses(to) || !room(state, estimate, &[slot], &[to], schedule) {
                return false;
            }
            *work += (state.slots[slot].members.len() * estimate.model.terms) as u64;
            if state.turn_delta(estimate, slot, to, scratch).is_none() {
                return false;
            }
            state.turn(estimate, slot, to);
        }
        _ => {
            let Some(found) = split(estimate, state, schedule, rng, work) else { return false };
            let members = [&found.order[..found.cut], &found.order[found.cut..]];
            state.replace(estimate, found.slots, found.candidates, members);
        }
    }
    true
}

/// The best slot for each group, in random order.
fn settle(estimate: &Estimate<'_>, state: &mut State, rng: &mut Rng, scratch: &mut Scratch, work: &mut u64) {
    let model = estimate.model;
    let used: Vec<usize> =
        (0..state.slots.len()).filter(|&slot| !state.slots[slot].members.is_empty()).collect();
    let mut order: Vec<usize> = (0..model.groups()).collect();
    for _ in 0..PASSES {
        rng.shuffle(&mut order);
        let before = state.cost();
        *work += (order.len() * used.len() * model.terms) as u64;
        for &g in &order {
            if let Some((delta, to)) = state.best_move(estimate, g, used.iter().copied(), scratch)
                && delta < -1e-9 * before
            {
                state.move_group(estimate, g, to);
            }
        }
        if state.cost() >= before * (1.0 - 1e-6) {
            break;
        }
    }
}
