//! The purchase problem as plain arrays: what is needed in which hours, and what may be committed to.
//!
//! ```text
//! min  sum_c cost_c y_c + sum_s w_s sum_a p_a d_as (1 - sum_g x_gas)
//! s.t. sum_g x_gas <= 1                                               atom a in slot s
//!      sum_a t_ga d_as x_gas <= held_gs + sum_(c in g) step_c act_cs y_c   group g in slot s
//!      x, y >= 0
//! ```
//!
//! An atom is demand with one on-demand price, a slot a set of hours with one demand, a group what
//! commitments cover alike, a candidate of a group something that can be bought. Weights and costs carry
//! the scenarios' weights in parts per million, so that every sum is of integers.

use std::collections::HashMap;

/// One share of a whole in parts per million.
pub(super) const PPM: u64 = 1_000_000;

/// Hours with one demand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    /// How many hours.
    pub hours: u64,
    /// Which scenario.
    pub scenario: usize,
    /// Which segment of the horizon: within one, the same commitments are active.
    pub segment: usize,
    /// Units of each atom.
    pub demand: Vec<u64>,
}

/// Something that can be bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Units of the group that one of it covers per hour.
    pub step: u64,
    /// Nano-dollars over the horizon for one of it.
    pub cost: u128,
    /// How much of it is active in each segment, in parts per million.
    pub active: Vec<u32>,
    /// Nano-dollars that one of it obliges to over its term.
    pub obligation: u128,
    /// Nano-dollars paid at the start for one of it.
    pub upfront: u128,
}

/// Commitments that cover alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// Atoms covered with the units that one unit of demand takes, in the provider's billing order.
    pub takes: Vec<(usize, u64)>,
    /// Its place in the provider's billing order among groups; equal ones in the order of the list.
    pub precedence: u32,
    /// Units per hour already owned, per segment.
    pub held: Vec<u64>,
    /// What can be bought.
    pub candidates: Vec<Candidate>,
}

impl Group {
    /// Whether nothing of it is held and nothing can be bought.
    pub(super) fn is_idle(&self) -> bool {
        self.candidates.is_empty() && self.held.iter().all(|&held| held == 0)
    }
}

/// Limits on what is bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Caps {
    /// Nano-dollars that purchases may oblige to in all.
    pub obligation: Option<u128>,
    /// Nano-dollars that purchases may cost at the start.
    pub upfront: Option<u128>,
    /// Least share of the on-demand equivalent that commitments cover, in parts per million.
    pub coverage: Option<u32>,
}

/// The tail of the scenarios that is looked at besides the expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail {
    /// The share of bad outcomes, in parts per million.
    pub share: u32,
    /// The weight of their mean in the objective, in parts per million.
    pub weight: u32,
}

/// The whole problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Model {
    /// Nano-dollars per unit and hour on demand, per atom.
    pub on_demand: Vec<u64>,
    /// What can cover them.
    pub groups: Vec<Group>,
    /// When they are needed.
    pub slots: Vec<Slot>,
    /// Weights of the scenarios in parts per million; they sum to one.
    pub weights: Vec<u32>,
    /// Limits.
    pub caps: Caps,
    /// Risk aversion.
    pub tail: Option<Tail>,
}

/// Quantities bought: one per group and candidate.
pub(super) type Quantities = Vec<Vec<f64>>;

impl Model {
    /// Merges slots of equal scenario, segment and demand; the order is that of first appearance.
    pub(super) fn merge_slots(&mut self) {
        let mut seen: HashMap<(usize, usize, Vec<u64>), usize> = HashMap::new();
        let mut merged: Vec<Slot> = Vec::new();
        for slot in self.slots.drain(..) {
            match seen.get(&(slot.scenario, slot.segment, slot.demand.clone())) {
                Some(&at) => merged[at].hours += slot.hours,
                None => {
                    seen.insert((slot.scenario, slot.segment, slot.demand.clone()), merged.len());
                    merged.push(slot);
                }
            }
        }
        merged.retain(|slot| slot.hours > 0);
        self.slots = merged;
    }

    /// Hours times the weight of the scenario in parts per million.
    pub(super) fn weight(&self, slot: &Slot) -> u64 {
        slot.hours * u64::from(self.weights[slot.scenario])
    }

    /// Nothing bought.
    pub(super) fn nothing(&self) -> Quantities {
        self.groups.iter().map(|g| vec![0.0; g.candidates.len()]).collect()
    }

    /// Units of a group per hour in a segment under quantities.
    pub(super) fn capacity(&self, group: usize, segment: usize, quantities: &[f64]) -> f64 {
        let g = &self.groups[group];
        let bought: f64 = g
            .candidates
            .iter()
            .zip(quantities)
            .map(|(c, q)| c.step as f64 * f64::from(c.active[segment]) / PPM as f64 * q)
            .sum();
        g.held[segment] as f64 + bought
    }

    /// The most units of a group that any slot can use.
    pub(super) fn peak(&self, group: usize) -> u128 {
        let units = |slot: &Slot| {
            let takes = &self.groups[group].takes;
            takes.iter().map(|&(a, t)| u128::from(slot.demand[a]) * u128::from(t)).sum::<u128>()
        };
        self.slots.iter().map(units).max().unwrap_or(0)
    }

    /// The cost of everything on demand and of nothing else, in nano-dollars times parts per million.
    pub(super) fn on_demand_cost(&self) -> u128 {
        let cost = |slot: &Slot| -> u128 {
            let hourly: u128 =
                self.on_demand.iter().zip(&slot.demand).map(|(&p, &d)| u128::from(p) * u128::from(d)).sum();
            hourly * u128::from(self.weight(slot))
        };
        self.slots.iter().map(cost).sum()
    }

    /// Drops candidates that another one of any group can stand in for at no more cost, whatever the
    /// demand: it covers the same atoms and more, is as active, and covering a unit of any atom with it
    /// costs no more, obliges to no more and has no more paid at the start, where these are capped.
    /// Of equals the one with the smaller step stays. Returns what stays: group and candidate.
    pub(super) fn undominated(&self) -> Vec<(usize, usize)> {
        let all: Vec<(usize, usize)> = self
            .groups
            .iter()
            .enumerate()
            .flat_map(|(g, group)| (0..group.candidates.len()).map(move |c| (g, c)))
            .collect();
        let takes: Vec<HashMap<usize, u64>> =
            self.groups.iter().map(|g| g.takes.iter().copied().collect()).collect();
        // j is at least as good as i.
        let beats = |j: (usize, usize), i: (usize, usize)| -> Option<()> {
            let (cj, ci) = (&self.groups[j.0].candidates[j.1], &self.groups[i.0].candidates[i.1]);
            if cj.active != ci.active {
                return None;
            }
            for &(a, ti) in &self.groups[i.0].takes {
                let &tj = takes[j.0].get(&a)?;
                let no_more = |of_j: u128, of_i: u128| {
                    // of / step * take, as cross products; out of range counts as worse.
                    let left = of_j.checked_mul(u128::from(tj))?.checked_mul(u128::from(ci.step))?;
                    let right = of_i.checked_mul(u128::from(ti))?.checked_mul(u128::from(cj.step))?;
                    (left <= right).then_some(())
                };
                no_more(cj.cost, ci.cost)?;
                if self.caps.obligation.is_some() {
                    no_more(cj.obligation, ci.obligation)?;
                }
                if self.caps.upfront.is_some() {
                    no_more(cj.upfront, ci.upfront)?;
                }
            }
            Some(())
        };
        // Of equals the finer one stays.
        let fineness = |x: (usize, usize)| {
            let group = &self.groups[x.0];
            let take = group.takes.iter().map(|&(_, t)| t).max().unwrap_or(1).max(1);
            (group.candidates[x.1].step as f64 / take as f64, x)
        };
        let stays = |&i: &(usize, usize)| {
            !all.iter().any(|&j| {
                j != i && beats(j, i).is_some() && (beats(i, j).is_none() || fineness(j) < fineness(i))
            })
        };
        all.iter().copied().filter(stays).collect()
    }

    /// The model with only these candidates; groups without any stay for what is held.
    pub(super) fn restricted(&self, kept: &[(usize, usize)]) -> Model {
        let mut places = vec![Vec::new(); self.groups.len()];
        for &(g, c) in kept {
            places[g].push(c);
        }
        let groups = self
            .groups
            .iter()
            .zip(&places)
            .map(|(group, kept)| Group {
                candidates: kept.iter().map(|&c| group.candidates[c].clone()).collect(),
                ..group.clone()
            })
            .collect();
        Model { groups, ..self.clone() }
    }
}
