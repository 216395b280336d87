//! From the difference between two fleets to steps: nodes that must change together, and their pods in
//! waves that always find room and never take more pods of a budget at once than it allows.

use std::collections::{BTreeMap, BTreeSet};

use crate::problem::{BinTypeId, ItemTypeId};
use crate::units::Money;

use super::fleet::{Content, Fleet, minus};
use super::{Limits, Move, NodeId, Step};

/// All steps that save at least `least` nano-dollars an hour, those that save most per pod first; and
/// the nodes that they add, numbered on from those that run.
pub fn steps<'a>(
    start: &Fleet<'a>,
    end: &Fleet<'a>,
    limits: &Limits,
    least: i128,
) -> (Vec<Step>, Vec<BinTypeId>) {
    let running = start.nodes.len();
    let bins: Vec<BinTypeId> = end.nodes[running..].iter().map(|node| node.bin).collect();
    let empty = Content::new();
    let before = |n: usize| start.nodes.get(n).map_or(&empty, |node| &node.content);
    let moves = moves(&(0..end.nodes.len()).map(|n| (before(n), &end.nodes[n].content)).collect::<Vec<_>>());
    let mut now = end.clone();
    let mut steps = Vec::new();
    for part in parts(start, end, &moves) {
        let saving: i128 = part
            .iter()
            .map(|&n| match (n < running, end.nodes[n].there) {
                (true, false) => start.rate(n),
                (false, true) => -end.rate(n),
                _ => 0,
            })
            .sum();
        if saving < least {
            continue;
        }
        let own: Vec<Move> = moves.iter().filter(|m| part.contains(&m.from.0)).copied().collect();
        let Some(waves) = waves(start, end, &mut now, &own, limits) else { continue };
        let add = part.iter().copied().filter(|&n| n >= running && end.nodes[n].there).map(NodeId).collect();
        let remove =
            part.iter().copied().filter(|&n| n < running && !end.nodes[n].there).map(NodeId).collect();
        steps.push(Step { add, remove, arrivals: Vec::new(), waves, saving: Money::from_nanos(saving) });
    }
    let pods = |step: &Step| -> i128 {
        step.waves.iter().flatten().map(|m| i128::from(m.pods)).sum::<i128>().max(1)
    };
    // a / p > b / q as a q > b p.
    steps.sort_by(|a, b| {
        let (left, right) = (b.saving.nanos() * pods(a), a.saving.nanos() * pods(b));
        left.cmp(&right).then_with(|| (&a.remove, &a.add).cmp(&(&b.remove, &b.add)))
    });
    (steps, bins)
}

/// Pods in surplus on one node go where they lack; the least number of them.
fn moves(nodes: &[(&Content, &Content)]) -> Vec<Move> {
    let mut lacking: BTreeMap<ItemTypeId, Vec<(usize, u64)>> = BTreeMap::new();
    for (n, (before, after)) in nodes.iter().enumerate() {
        for (item, pods) in minus(after, before) {
            lacking.entry(item).or_default().push((n, pods));
        }
    }
    let mut moves = Vec::new();
    for (n, (before, after)) in nodes.iter().enumerate() {
        for (item, mut pods) in minus(before, after) {
            let targets = lacking.get_mut(&item).expect("every pod lies somewhere in the end");
            while pods > 0 {
                let (to, wanted) = targets.last_mut().expect("every pod lies somewhere in the end");
                let count = pods.min(*wanted);
                moves.push(Move { item, from: NodeId(n), to: NodeId(*to), pods: count });
                pods -= count;
                *wanted -= count;
                if *wanted == 0 {
                    targets.pop();
                }
            }
        }
    }
    moves.sort();
    moves
}

/// Nodes that must change together: who sends pods to a new node, or to a node that sends some itself.
/// A node that only takes pods into the room that it has ties nobody.
fn parts(start: &Fleet<'_>, end: &Fleet<'_>, moves: &[Move]) -> Vec<BTreeSet<usize>> {
    let running = start.nodes.len();
    let mut root: Vec<usize> = (0..end.nodes.len()).collect();
    fn find(root: &mut [usize], n: usize) -> usize {
        let mut at = n;
        while root[at] != at {
            root[at] = root[root[at]];
            at = root[at];
        }
        at
    }
    let gives: BTreeSet<usize> = moves.iter().map(|m| m.from.0).collect();
    for step_move in moves {
        let (from, to) = (step_move.from.0, step_move.to.0);
        if to >= running || gives.contains(&to) {
            let (a, b) = (find(&mut root, from), find(&mut root, to));
            root[a] = b;
        }
    }
    let mut parts: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for n in 0..end.nodes.len() {
        let changes = n >= running && end.nodes[n].there || n < running && !end.nodes[n].there;
        if changes || gives.contains(&n) {
            let at = find(&mut root, n);
            parts.entry(at).or_default().insert(n);
        }
    }
    parts.into_values().collect()
}

/// Moves in waves. In a wave pods leave at the same time, so that the room that one of them frees is
/// there for the next wave only. `None` where no order works, not even over other nodes.
///
/// `now` is the end but for the part: there, receivers of other parts hold all that they get.
fn waves<'a>(
    start: &Fleet<'a>,
    end: &Fleet<'a>,
    now: &mut Fleet<'a>,
    moves: &[Move],
    limits: &Limits,
) -> Option<Vec<Vec<Move>>> {
    let touched: BTreeSet<usize> = moves.iter().flat_map(|m| [m.from.0, m.to.0]).collect();
    let gives: BTreeSet<usize> = moves.iter().map(|m| m.from.0).collect();
    for &n in &touched {
        let live = &mut now.nodes[n];
        live.there = true;
        if n >= start.nodes.len() {
            live.content.clear();
        } else if gives.contains(&n) {
            live.content = start.nodes[n].content.clone();
        }
    }
    // A node that only receives keeps what others bring it, and lacks what comes now.
    for step_move in moves.iter().filter(|m| m.to.0 < start.nodes.len() && !gives.contains(&m.to.0)) {
        take(&mut now.nodes[step_move.to.0].content, step_move.item, step_move.pods);
    }
    let waves = in_waves(now, end, moves, limits);
    // As at the end, for the parts to come.
    for n in 0..now.nodes.len() {
        if touched.contains(&n) || waves.as_ref().is_none_or(|w| w.detours) {
            now.nodes[n] = end.nodes[n].clone();
        }
    }
    waves.map(|found| found.waves)
}

/// Waves, and whether nodes outside the part were used on the way.
struct Found {
    waves: Vec<Vec<Move>>,
    detours: bool,
}

fn in_waves(now: &mut Fleet<'_>, end: &Fleet<'_>, moves: &[Move], limits: &Limits) -> Option<Found> {
    let mut open: Vec<Move> = moves.to_vec();
    let mut waves = Vec::new();
    let mut detours = 0;
    while !open.is_empty() {
        let mut wave: Vec<Move> = Vec::new();
        let mut away: BTreeMap<usize, u64> = BTreeMap::new();
        for step_move in &mut open {
            let n = step_move.pods.min(fitting(now, step_move.to.0, step_move.item)).min(permitted(
                limits,
                &away,
                step_move.item,
            ));
            if n > 0 {
                put(now, step_move.to.0, step_move.item, n);
                count(limits, &mut away, step_move.item, n);
                step_move.pods -= n;
                wave.push(Move { pods: n, ..*step_move });
            }
        }
        if wave.is_empty() {
            // Somebody steps aside, onto any node with room, to move on later.
            detours += 1;
            if detours > 64 {
                return None;
            }
            let (at, to) = detour(now, end, &open)?;
            let blocked = open[at];
            wave.push(Move { to: NodeId(to), pods: 1, ..blocked });
            put(now, to, blocked.item, 1);
            open[at].pods -= 1;
            open.push(Move { from: NodeId(to), pods: 1, ..blocked });
        }
        for done in &wave {
            take(&mut now.nodes[done.from.0].content, done.item, done.pods);
        }
        open.retain(|m| m.pods > 0);
        waves.push(wave);
    }
    Some(Found { waves, detours: detours > 0 })
}

/// A blocked pod and a node that would take it for a while.
fn detour(now: &Fleet<'_>, end: &Fleet<'_>, open: &[Move]) -> Option<(usize, usize)> {
    let targets: BTreeSet<usize> = open.iter().map(|m| m.to.0).collect();
    open.iter().enumerate().find_map(|(at, blocked)| {
        let free =
            |&n: &usize| n != blocked.from.0 && !targets.contains(&n) && fitting(now, n, blocked.item) > 0;
        end.there().find(free).map(|to| (at, to))
    })
}

/// How many more pods of a kind a node takes now.
fn fitting(now: &Fleet<'_>, node: usize, item: ItemTypeId) -> u64 {
    let live = &now.nodes[node];
    if !live.there || !live.open {
        return 0;
    }
    let by_room = now.problem().item(item).demand.copies_in(&now.room(node));
    by_room.min(now.allowed(node, item, &live.content))
}

fn permitted(limits: &Limits, away: &BTreeMap<usize, u64>, item: ItemTypeId) -> u64 {
    let covering = limits.budgets.iter().enumerate().filter(|(_, (items, _))| items.contains(&item));
    let left = covering.map(|(at, (_, allowed))| allowed - away.get(&at).copied().unwrap_or(0));
    left.min().unwrap_or(u64::MAX)
}

fn count(limits: &Limits, away: &mut BTreeMap<usize, u64>, item: ItemTypeId, pods: u64) {
    for (at, _) in limits.budgets.iter().enumerate().filter(|(_, (items, _))| items.contains(&item)) {
        *away.entry(at).or_default() += pods;
    }
}

fn put(now: &mut Fleet<'_>, node: usize, item: ItemTypeId, pods: u64) {
    *now.nodes[node].content.entry(item).or_default() += pods;
}

fn take(content: &mut Content, item: ItemTypeId, pods: u64) {
    let here = content.get_mut(&item).expect("only pods that lie there go");
    *here -= pods;
    if *here == 0 {
        content.remove(&item);
    }
}
