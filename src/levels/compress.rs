//! Many states of demand merged into few levels, each of which covers every state in it.
//!
//! A level has, of every workload, the most replicas that any of its states has. What that wastes is
//! `sum_s w_s (v . max - v . r_s)` with the states' weights w, replicas r and a value v per replica.
//! Two searches, and the better result counts: the states in the order of their value cut into
//! consecutive runs, optimally (dynamic programming, exact where states only grow in that order); and the
//! most wasteful level split in two again and again. At the end every state moves to the cheapest level
//! that covers it.

/// Hours that are planned for as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// Replicas of each workload: the most of any state in it.
    pub replicas: Vec<u64>,
    /// The weights of its states together.
    pub weight: u64,
}

/// Levels, the least valuable first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels {
    /// In ascending order of value.
    pub levels: Vec<Level>,
    /// The level of each state.
    pub of_state: Vec<u32>,
    /// What the levels have that their states do not need, in value times weight.
    pub waste: u128,
    /// What the states need, in value times weight.
    pub needed: u128,
}

/// States that are merged, as a start for merging more.
#[derive(Debug, Clone)]
struct Group {
    states: Vec<usize>,
    /// Of the varying workloads.
    most: Vec<u64>,
    weight: u128,
    /// Value times weight of the states themselves.
    needed: u128,
}

struct Merging<'a> {
    states: &'a [Vec<u64>],
    weights: &'a [u64],
    /// Value of a replica, of the workloads that vary.
    values: Vec<u128>,
    /// Which workloads vary.
    varying: Vec<usize>,
}

/// States beyond this are split into so many groups before they are cut into runs.
const MOST_RUN_STATES: usize = 400;
/// The workloads whose replicas a split may go by: those whose value varies most.
const MOST_SPLIT_BY: usize = 8;

/// Merges states into at most `most` levels (at least one). `values` is what one replica of each
/// workload is worth, in any unit; weights are those of the states.
pub fn compress(states: &[Vec<u64>], weights: &[u64], values: &[u64], most: usize) -> Levels {
    let most = most.max(1);
    let workloads = states.first().map_or(0, Vec::len);
    let varying: Vec<usize> =
        (0..workloads).filter(|&w| states.iter().any(|state| state[w] != states[0][w])).collect();
    let merging = Merging {
        states,
        weights,
        values: varying.iter().map(|&w| u128::from(values[w].max(1))).collect(),
        varying,
    };
    let groups = if states.len() <= most {
        (0..states.len()).map(|s| merging.group(vec![s])).collect()
    } else {
        let fine = merging.split(MOST_RUN_STATES.max(most));
        let mut by_run = merging.runs(fine, most);
        let mut by_split = merging.split(most);
        merging.settle(&mut by_run);
        merging.settle(&mut by_split);
        if merging.waste(&by_split) < merging.waste(&by_run) { by_split } else { by_run }
    };
    merging.finish(groups, values)
}

impl Merging<'_> {
    fn group(&self, states: Vec<usize>) -> Group {
        let most = self.varying.iter().map(|&w| states.iter().map(|&s| self.states[s][w]).max().unwrap_or(0));
        let most = most.collect();
        let weight = states.iter().map(|&s| u128::from(self.weights[s])).sum();
        let needed = states.iter().map(|&s| u128::from(self.weights[s]) * self.value_of(s)).sum();
        Group { states, most, weight, needed }
    }

    fn value_of(&self, state: usize) -> u128 {
        let state = &self.states[state];
        self.varying.iter().zip(&self.values).map(|(&w, value)| u128::from(state[w]) * value).sum()
    }

    fn value(&self, replicas: &[u64]) -> u128 {
        replicas.iter().zip(&self.values).map(|(&r, value)| u128::from(r) * value).sum()
    }

    fn waste_of(&self, group: &Group) -> u128 {
        group.weight * self.value(&group.most) - group.needed
    }

    fn waste(&self, groups: &[Group]) -> u128 {
        groups.iter().map(|group| self.waste_of(group)).sum()
    }

    /// Splits the most wasteful group, over and over.
    fn split(&self, most: usize) -> Vec<Group> {
        let mut groups = vec![self.group((0..self.states.len()).collect())];
        while groups.len() < most {
            let worst = (0..groups.len()).max_by_key(|&g| (self.waste_of(&groups[g]), std::cmp::Reverse(g)));
            let Some(worst) = worst.filter(|&g| self.waste_of(&groups[g]) > 0) else { break };
            let group = groups.swap_remove(worst);
            let (low, high) = self.halves(&group);
            groups.extend([low, high]);
        }
        groups
    }

    /// The split of a group in two that wastes least, by the replicas of one workload or by value.
    fn halves(&self, group: &Group) -> (Group, Group) {
        let spread = |v: &usize| {
            let least = group.states.iter().map(|&s| self.states[s][self.varying[*v]]).min().unwrap_or(0);
            u128::from(group.most[*v] - least) * self.values[*v]
        };
        let mut by: Vec<usize> = (0..self.varying.len()).filter(|v| spread(v) > 0).collect();
        by.sort_by_key(|v| std::cmp::Reverse(spread(v)));
        by.truncate(MOST_SPLIT_BY);
        let mut best: Option<(u128, Vec<usize>, usize)> = None;
        for key in by.into_iter().map(Some).chain([None]) {
            let mut states = group.states.clone();
            states.sort_by_cached_key(|&s| match key {
                Some(v) => (u128::from(self.states[s][self.varying[v]]), self.value_of(s), s),
                None => (self.value_of(s), 0, s),
            });
            let below = self.costs_of_heads(states.iter().copied());
            let mut above = self.costs_of_heads(states.iter().rev().copied());
            above.reverse();
            for cut in 1..states.len() {
                let cost = below[cut - 1] + above[cut];
                if best.as_ref().is_none_or(|(least, _, _)| cost < *least) {
                    best = Some((cost, states.clone(), cut));
                }
            }
        }
        let (_, states, cut) = best.expect("a group that wastes has two states that differ");
        (self.group(states[..cut].to_vec()), self.group(states[cut..].to_vec()))
    }

    /// For each head of the list, what a level for it costs.
    fn costs_of_heads(&self, states: impl Iterator<Item = usize>) -> Vec<u128> {
        let mut most = vec![0u64; self.varying.len()];
        let mut weight = 0u128;
        let costs = states.map(|s| {
            weight += u128::from(self.weights[s]);
            for (most, &w) in most.iter_mut().zip(&self.varying) {
                *most = self.states[s][w].max(*most);
            }
            weight * self.value(&most)
        });
        costs.collect()
    }

    /// Cuts groups, in the order of their value, into at most `most` runs that waste least together.
    fn runs(&self, mut groups: Vec<Group>, most: usize) -> Vec<Group> {
        groups.sort_by_cached_key(|group| (self.value(&group.most), group.states.clone()));
        let count = groups.len();
        // cost[i][j]: a level of the groups i..=j, without what they need, which is the same for all cuts.
        let cost: Vec<Vec<u128>> = (0..count)
            .map(|from| {
                let mut most = vec![0u64; self.varying.len()];
                let mut weight = 0;
                groups[from..]
                    .iter()
                    .map(|group| {
                        weight += group.weight;
                        most.iter_mut().zip(&group.most).for_each(|(a, &b)| *a = b.max(*a));
                        weight * self.value(&most)
                    })
                    .collect()
            })
            .collect();
        // least[i]: the first i groups in so many runs; cut[k][i]: where the last of them begins.
        let mut least: Vec<Option<u128>> = vec![None; count + 1];
        least[0] = Some(0);
        let mut cuts: Vec<Vec<usize>> = Vec::new();
        for _ in 0..most.min(count) {
            let mut next = vec![None; count + 1];
            let mut cut = vec![0; count + 1];
            for end in 1..=count {
                for begin in 0..end {
                    let Some(before) = least[begin] else { continue };
                    let total = before + cost[begin][end - 1 - begin];
                    if next[end].is_none_or(|best| total < best) {
                        next[end] = Some(total);
                        cut[end] = begin;
                    }
                }
            }
            least = next;
            cuts.push(cut);
        }
        // More runs never waste more, so all that are allowed are used.
        let mut runs = Vec::new();
        let mut end = count;
        for cut in cuts.iter().rev() {
            let begin = cut[end];
            runs.push(self.group(groups[begin..end].iter().flat_map(|g| g.states.iter().copied()).collect()));
            end = begin;
        }
        runs
    }

    /// Moves every state to the cheapest group that covers it, until none moves.
    fn settle(&self, groups: &mut Vec<Group>) {
        const ROUNDS: usize = 20;
        for _ in 0..ROUNDS {
            groups.sort_by_cached_key(|group| (self.value(&group.most), group.most.clone()));
            let mut members: Vec<Vec<usize>> = vec![Vec::new(); groups.len()];
            let mut moved = false;
            for (g, group) in groups.iter().enumerate() {
                for &s in &group.states {
                    let covers = |other: &&Group| {
                        other.most.iter().zip(&self.varying).all(|(&most, &w)| self.states[s][w] <= most)
                    };
                    let cheapest = groups.iter().position(|other| covers(&other)).unwrap_or(g);
                    moved |= cheapest != g;
                    members[cheapest].push(s);
                }
            }
            if !moved {
                break;
            }
            *groups = members.into_iter().filter(|m| !m.is_empty()).map(|m| self.group(m)).collect();
        }
    }

    fn finish(&self, groups: Vec<Group>, values: &[u64]) -> Levels {
        let waste = self.waste(&groups);
        let mut made: Vec<(u128, Vec<u64>, Group)> = groups
            .into_iter()
            .map(|group| {
                let mut replicas = self.states[group.states[0]].clone();
                self.varying.iter().zip(&group.most).for_each(|(&w, &most)| replicas[w] = most);
                (self.value(&group.most), replicas, group)
            })
            .collect();
        made.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let mut of_state = vec![0; self.states.len()];
        for (level, (_, _, group)) in (0u32..).zip(&made) {
            group.states.iter().for_each(|&s| of_state[s] = level);
        }
        let all = |state: &Vec<u64>| -> u128 {
            state.iter().zip(values).map(|(&r, &value)| u128::from(r) * u128::from(value.max(1))).sum()
        };
        let needed = self.states.iter().zip(self.weights).map(|(s, &w)| u128::from(w) * all(s)).sum();
        let level = |(_, replicas, group): (u128, Vec<u64>, Group)| Level {
            replicas,
            weight: u64::try_from(group.weight).unwrap_or(u64::MAX),
        };
        Levels { levels: made.into_iter().map(level).collect(), of_state, waste, needed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every state is covered by its level, weights sum up, the waste is what it says.
    fn check(states: &[Vec<u64>], weights: &[u64], values: &[u64], levels: &Levels) {
        let value =
            |r: &[u64]| -> u128 { r.iter().zip(values).map(|(&r, &v)| u128::from(r) * u128::from(v)).sum() };
        let mut of_level = vec![0u64; levels.levels.len()];
        let mut waste = 0;
        for ((state, &weight), &level) in states.iter().zip(weights).zip(&levels.of_state) {
            let level = level as usize;
            of_level[level] += weight;
            let covering = &levels.levels[level].replicas;
            assert!(state.iter().zip(covering).all(|(s, c)| s <= c), "{state:?} in {covering:?}");
            waste += u128::from(weight) * (value(covering) - value(state));
        }
        assert_eq!(levels.levels.iter().map(|l| l.weight).collect::<Vec<_>>(), of_level);
        assert_eq!(levels.waste, waste);
        let order: Vec<u128> = levels.levels.iter().map(|l| value(&l.replicas)).collect();
        assert!(order.is_sorted());
    }

    #[test]
    fn few_states_are_levels_of_their_own() {
        let states = [vec![3, 1], vec![1, 1]];
        let levels = compress(&states, &[5, 7], &[1, 1], 4);
        check(&states, &[5, 7], &[1, 1], &levels);
        assert_eq!(levels.of_state, [1, 0]);
        assert_eq!((levels.waste, levels.needed), (0, 5 * 4 + 7 * 2));
    }

    #[test]
    fn one_workload_is_cut_where_it_wastes_least() {
        // 1 1 2 | 8 9: (2-1) x 2 + (9-8) = 3. Any other cut in two wastes more.
        let states: Vec<Vec<u64>> = [1, 9, 2, 8].map(|n| vec![n]).to_vec();
        let weights = [2, 1, 1, 1];
        let levels = compress(&states, &weights, &[1], 2);
        check(&states, &weights, &[1], &levels);
        assert_eq!(levels.waste, 3);
        assert_eq!(levels.levels[0].replicas, [2]);
    }

    #[test]
    fn day_and_night_are_kept_apart() {
        // Two workloads by turns: merged by total value they would waste half.
        let states = [vec![10, 1], vec![1, 10], vec![9, 1], vec![1, 9]];
        let levels = compress(&states, &[1; 4], &[1, 1], 2);
        check(&states, &[1; 4], &[1, 1], &levels);
        assert_eq!(levels.waste, 2, "9 is covered by 10, twice");
    }

    #[test]
    fn one_level_is_the_peak_of_everything() {
        let states = [vec![10, 1], vec![1, 10]];
        let levels = compress(&states, &[1, 3], &[2, 1], 1);
        check(&states, &[1, 3], &[2, 1], &levels);
        assert_eq!(levels.levels[0].replicas, [10, 10]);
    }

    #[test]
    fn random_states_keep_the_laws_and_more_levels_never_waste_more_by_much() {
        let mut rng = fastrand::Rng::with_seed(11);
        for _ in 0..60 {
            let workloads = rng.usize(1..4);
            let mut states: Vec<Vec<u64>> =
                (0..rng.usize(1..40)).map(|_| (0..workloads).map(|_| rng.u64(0..12)).collect()).collect();
            states.sort();
            states.dedup();
            let weights: Vec<u64> = states.iter().map(|_| rng.u64(1..9)).collect();
            let values: Vec<u64> = (0..workloads).map(|_| rng.u64(1..5)).collect();
            let one = compress(&states, &weights, &values, 1);
            for most in [2, 5, 50] {
                let levels = compress(&states, &weights, &values, most);
                check(&states, &weights, &values, &levels);
                assert!(levels.levels.len() <= most);
                assert!(levels.waste <= one.waste);
            }
        }
    }

    #[test]
    fn a_chain_is_cut_as_brute_force_cuts_it() {
        let mut rng = fastrand::Rng::with_seed(3);
        for _ in 0..40 {
            let mut all: Vec<u64> = (0..9).map(|_| rng.u64(0..60)).collect();
            all.sort_unstable();
            all.dedup();
            let weights: Vec<u64> = all.iter().map(|_| rng.u64(1..9)).collect();
            let states: Vec<Vec<u64>> = all.iter().map(|&n| vec![n]).collect();
            let levels = compress(&states, &weights, &[1], 3);
            let cost = |from: usize, to: usize| -> u128 {
                (from..to).map(|i| u128::from(weights[i]) * u128::from(all[to - 1] - all[i])).sum()
            };
            let n = all.len();
            let brute = (0..=n).flat_map(|a| (a..=n).map(move |b| (a, b)));
            let waste = |from: usize, to: usize| if from == to { 0 } else { cost(from, to) };
            let least = brute.map(|(a, b)| waste(0, a) + waste(a, b) + waste(b, n)).min().unwrap();
            assert_eq!(levels.waste, least, "{all:?} {weights:?}");
        }
    }
}
