//! Repeats an exhaustive search: is any pattern of a bin type worth more than stated?
//!
//! Depth first over item types, in integers. What is left of a branch is bounded by resource prices
//! lambda fixed in advance: value so far + lambda . room left + sum over the item types to come of the
//! most copies that still fit x max(0, pi_j - lambda . w_j), all times a common scale.

use std::collections::BTreeMap;

use super::guide::{self, Column};
use super::value::Items;
use crate::problem::{BinTypeId, ItemTypeId};

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Recheck {
    /// No pattern is worth more.
    NothingBetter,
    /// This one is.
    Better {
        /// What it holds.
        content: Vec<(ItemTypeId, u64)>,
        /// Its worth.
        worth: u128,
    },
    /// The search was cut short.
    StepLimit,
    /// Amounts beyond 128 bits.
    Overflow,
}

/// Item types that are the same to a pattern: equal demand, equal price, no conflicts; or just one.
struct Choice {
    members: Vec<(ItemTypeId, u64)>,
    price: i128,
    most: u64,
    demand: Vec<u64>,
    /// Choices that may not share the bin, as indices.
    conflicts: Vec<usize>,
    /// price x scale - lambda . w
    margin: i128,
    /// lambda . w
    used: i128,
}

/// Looks for a pattern worth more than `stated`, in at most `limit` steps.
pub(super) fn recheck(items: &Items<'_>, t: BinTypeId, prices: &[u64], stated: u64, limit: u64) -> Recheck {
    let (free_of_charge, mut choices) = split(items, t, prices);
    drop_replaceable(items, t, &mut choices);
    let capacity: Vec<u64> = select(items, items.usable(t));
    let given: Option<i128> = free_of_charge.iter().try_fold(0i128, |sum, &(j, n)| {
        sum.checked_add(i128::from(prices[j.index()]).checked_mul(n.into())?)
    });
    let Some(given) = given else { return Recheck::Overflow };
    let Some((scale, rest)) = set_scale(&mut choices, &capacity, given) else { return Recheck::Overflow };
    // The most promising first, so that leaving them out lowers the bound soonest.
    choices.sort_by(|a, b| (b.margin, b.price).cmp(&(a.margin, a.price)).then(a.members.cmp(&b.members)));
    link_conflicts(items, &mut choices);
    let open: Vec<usize> = (0..choices.len()).collect();
    let mut search = Search {
        choices: &choices,
        scale,
        wanted: i128::from(stated) + 1,
        chosen: Vec::new(),
        steps: 0,
        limit,
    };
    match search.descend(&open, given, rest, &mut capacity.clone()) {
        Verdict::Nothing => Recheck::NothingBetter,
        Verdict::Limit => Recheck::StepLimit,
        Verdict::Found(worth) => {
            let mut content = free_of_charge;
            for &(c, mut copies) in &search.chosen {
                for &(j, most) in &choices[c].members {
                    let taken = copies.min(most);
                    copies -= taken;
                    content.push((j, taken));
                }
            }
            content.retain(|&(_, n)| n > 0);
            Recheck::Better { content, worth: worth.unsigned_abs() }
        }
    }
}

/// Amounts in the dimensions that some item demands.
fn select(items: &Items<'_>, amounts: &[u64]) -> Vec<u64> {
    items.demanded().iter().map(|&k| amounts[k]).collect()
}

/// Item types that take nothing and conflict with nothing, all copies of which are in a best pattern;
/// and the others of any worth, merged.
fn split(items: &Items<'_>, t: BinTypeId, prices: &[u64]) -> (Vec<(ItemTypeId, u64)>, Vec<Choice>) {
    let counts = |j: ItemTypeId| prices[j.index()] > 0 && items.most(j, t) > 0;
    let mut free_of_charge = Vec::new();
    let mut choices: Vec<Choice> = Vec::new();
    let mut merged: BTreeMap<(Vec<u64>, u64), usize> = BTreeMap::new();
    for j in items.problem.item_ids().filter(|&j| counts(j)) {
        let demand = select(items, items.problem.item(j).demand.as_slice());
        let most = items.most(j, t);
        let alone = items.conflicts.get(&j).is_some_and(|others| others.iter().any(|&o| counts(o)));
        if !alone {
            if demand.iter().all(|&d| d == 0) {
                free_of_charge.push((j, most));
                continue;
            }
            let room = items.room(items.problem.item(j).demand.as_slice(), t);
            let next = choices.len();
            let at = *merged.entry((demand.clone(), prices[j.index()])).or_insert(next);
            if at < next {
                choices[at].members.push((j, most));
                choices[at].most = choices[at].most.saturating_add(most).min(room);
                continue;
            }
        }
        choices.push(Choice {
            members: vec![(j, most)],
            price: prices[j.index()].into(),
            most,
            demand,
            conflicts: if alone { vec![usize::MAX] } else { Vec::new() },
            margin: 0,
            used: 0,
        });
    }
    (free_of_charge, choices)
}

/// Drops a choice where another one can take its place in any pattern: worth no less, nowhere larger,
/// free of conflicts, and never in short supply.
fn drop_replaceable(items: &Items<'_>, t: BinTypeId, choices: &mut Vec<Choice>) {
    let plenty: Vec<bool> = choices
        .iter()
        .map(|c| {
            c.conflicts.is_empty() && {
                let (j, _) = c.members[0];
                c.most >= items.room(items.problem.item(j).demand.as_slice(), t)
            }
        })
        .collect();
    let keep: Vec<bool> = (0..choices.len())
        .map(|a| {
            let replaced = (0..choices.len()).any(|b| {
                let (out, stand_in) = (&choices[a], &choices[b]);
                let no_worse = stand_in.price >= out.price
                    && stand_in.demand.iter().zip(&out.demand).all(|(x, y)| x <= y);
                let equal = stand_in.price == out.price && stand_in.demand == out.demand;
                // Two that could replace each other are equal: the first stays.
                a != b && plenty[b] && no_worse && !(equal && plenty[a] && a < b)
            });
            !replaced
        })
        .collect();
    let mut keep = keep.into_iter();
    choices.retain(|_| keep.next().unwrap_or(true));
}

/// Fills in who conflicts with whom, by index.
fn link_conflicts(items: &Items<'_>, choices: &mut [Choice]) {
    let index: BTreeMap<ItemTypeId, usize> = choices
        .iter()
        .enumerate()
        .filter(|(_, c)| !c.conflicts.is_empty())
        .map(|(i, c)| (c.members[0].0, i))
        .collect();
    for choice in choices.iter_mut().filter(|c| !c.conflicts.is_empty()) {
        let others = &items.conflicts[&choice.members[0].0];
        choice.conflicts = others.iter().filter_map(|o| index.get(o).copied()).collect();
    }
}

/// Sets margins under guiding resource prices, at the largest scale at which nothing can overflow.
/// Returns the scale and lambda . capacity.
fn set_scale(choices: &mut [Choice], capacity: &[u64], given: i128) -> Option<(i128, i128)> {
    let rows: Vec<usize> = (0..capacity.len()).filter(|&k| capacity[k] > 0).collect();
    let columns: Vec<Column> = choices
        .iter()
        .map(|c| Column {
            price: c.price as f64,
            shares: rows.iter().map(|&k| c.demand[k] as f64 / capacity[k] as f64).collect(),
            most: c.most as f64,
        })
        .collect();
    let whole = guide::resource_prices(&columns, rows.len());
    let mut lambda = vec![0.0; capacity.len()];
    for (&k, price) in rows.iter().zip(whole) {
        lambda[k] = price / capacity[k] as f64;
    }
    for bits in [50u32, 40, 30, 20, 10, 0] {
        if let Some(rest) = set_margins(choices, capacity, &lambda, bits, given) {
            return Some((1 << bits, rest));
        }
    }
    // No guide at all: every copy counts in full.
    set_margins(choices, capacity, &vec![0.0; capacity.len()], 0, given).map(|rest| (1, rest))
}

/// lambda . capacity, or `None` if any bound that the search may form is beyond 126 bits.
fn set_margins(
    choices: &mut [Choice],
    capacity: &[u64],
    lambda: &[f64],
    bits: u32,
    given: i128,
) -> Option<i128> {
    let scale = 1i128 << bits;
    let scaled: Vec<i128> = lambda
        .iter()
        .map(|l| (l * scale as f64).ceil())
        .map(|l| (l.is_finite() && l < 1e30).then_some(l as i128))
        .collect::<Option<_>>()?;
    let dot = |amounts: &[u64]| {
        scaled.iter().zip(amounts).try_fold(0i128, |sum, (&l, &a)| sum.checked_add(l.checked_mul(a.into())?))
    };
    let rest = dot(capacity)?;
    let mut reach = rest.checked_add(given.checked_mul(scale)?)?;
    for choice in choices.iter_mut() {
        choice.used = dot(&choice.demand)?;
        let worth = choice.price.checked_mul(scale)?;
        choice.margin = worth.checked_sub(choice.used)?;
        // Both the value of all copies and what they take, so that no sum in between can overflow.
        reach = reach.checked_add(worth.checked_mul(choice.most.into())?)?;
    }
    (reach < i128::MAX / 4).then_some(rest)
}

enum Verdict {
    Nothing,
    Found(i128),
    Limit,
}

struct Search<'a> {
    choices: &'a [Choice],
    scale: i128,
    /// The least worth that refutes.
    wanted: i128,
    chosen: Vec<(usize, u64)>,
    steps: u64,
    limit: u64,
}

impl Search<'_> {
    /// Tries every way to add copies of `open`; `rest` is lambda . free, scaled.
    fn descend(&mut self, open: &[usize], value: i128, rest: i128, free: &mut [u64]) -> Verdict {
        if value >= self.wanted {
            return Verdict::Found(value);
        }
        self.steps = self.steps.saturating_add(1 + open.len() as u64);
        if self.steps > self.limit {
            return Verdict::Limit;
        }
        let mut fitting: Vec<usize> = Vec::new();
        let mut copies: Vec<u64> = Vec::new();
        for &c in open {
            let choice = &self.choices[c];
            let room =
                choice.demand.iter().zip(free.iter()).filter(|(d, _)| **d > 0).map(|(d, f)| f / d).min();
            let most = choice.most.min(room.unwrap_or(u64::MAX));
            if most > 0 && !self.chosen.iter().any(|(other, _)| choice.conflicts.contains(other)) {
                fitting.push(c);
                copies.push(most);
            }
        }
        let mut reach = vec![0i128; fitting.len() + 1];
        for i in (0..fitting.len()).rev() {
            let margin = self.choices[fitting[i]].margin.max(0);
            reach[i] = reach[i + 1] + margin * i128::from(copies[i]);
        }
        let wanted = self.wanted * self.scale;
        for (i, &c) in fitting.iter().enumerate() {
            let (margin, price, used) = {
                let choice = &self.choices[c];
                (choice.margin, choice.price, choice.used)
            };
            if value * self.scale + rest + reach[i] < wanted {
                return Verdict::Nothing;
            }
            // With n copies of this one and none of those before it, at most this much:
            let base = value * self.scale + rest + reach[i + 1];
            let too_low = |n: u64| base + margin * i128::from(n) < wanted;
            let most = copies[i];
            if margin < 0 && too_low(1) {
                // Margins fall from here on, and what is to come adds nothing.
                return Verdict::Nothing;
            }
            // In the direction in which the bound falls, so that the first miss ends the row.
            // What takes no room is taken in full or, for a conflict's sake, not at all.
            let ways = if self.choices[c].demand.iter().all(|&d| d == 0) { 1 } else { most };
            for step in 0..ways {
                let n = if margin >= 0 { most - step } else { step + 1 };
                if too_low(n) {
                    break;
                }
                let demand = &self.choices[c].demand;
                free.iter_mut().zip(demand).for_each(|(f, d)| *f -= d * n);
                self.chosen.push((c, n));
                let taken = i128::from(n);
                let verdict =
                    self.descend(&fitting[i + 1..], value + price * taken, rest - used * taken, free);
                if !matches!(verdict, Verdict::Nothing) {
                    return verdict;
                }
                self.chosen.pop();
                let demand = &self.choices[c].demand;
                free.iter_mut().zip(demand).for_each(|(f, d)| *f += d * n);
            }
        }
        Verdict::Nothing
    }
}
