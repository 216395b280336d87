//! Which pods must lie on one node: required pod affinity over nodes, decided before the search.
//!
//! A workload whose affinity selects its own pods, and nobody else's, lies on one node whole. One that
//! selects others follows the largest of them: its pods are dealt out evenly over that workload's.

use std::collections::BTreeMap;

use crate::workload::Workload;

use super::relations::{Domain, Relations};

/// Pods that lie on one node, and how many times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Workloads by place, ascending, with pods per copy.
    pub pods: Vec<(usize, u64)>,
    /// How many such copies there are; at least one.
    pub copies: u64,
}

/// Pods that no plan can place, for a reason that lies in the rules between pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Which workload, by place.
    pub workload: usize,
    /// How many of its pods.
    pub pods: u64,
    /// Why, as the rule that cannot be satisfied.
    pub rule: String,
}

/// Everything that runs, in units.
#[derive(Debug, Default)]
pub struct Together {
    /// What has to be placed.
    pub units: Vec<Unit>,
    /// What cannot.
    pub left: Vec<Left>,
    /// Workloads that might lie in another way too.
    pub restricted: Vec<usize>,
}

/// Decides who lies with whom.
pub fn units(workloads: &[&Workload], relations: &Relations) -> Together {
    let mut order: Vec<usize> = (0..workloads.len()).collect();
    order.sort_by_key(|&w| (&workloads[w].id, w));
    let mut state =
        State { relations, units: Vec::new(), holding: BTreeMap::new(), out: Together::default() };
    let mut waiting = Vec::new();
    let first = reached(relations, workloads.len());
    for &w in &order {
        let pods = workloads[w].replicas;
        if let Some(rule) = &relations.out_of_scope[w] {
            let rule = format!("{rule}, which is out of scope");
            state.out.left.push(Left { workload: w, pods, rule });
        } else if !first[w] {
            let over = if follows(relations, w) { " over nodes" } else { "" };
            let rule = format!("required pod affinity{over}, for no selected pod can be placed first");
            state.out.left.push(Left { workload: w, pods, rule });
        } else if follows(relations, w) {
            waiting.push(w);
        } else {
            state.push(Unit { pods: vec![(w, 1)], copies: pods });
        }
    }
    let mut grouped = state.whole(&waiting, workloads);
    waiting.retain(|w| !grouped.contains(w));
    // Whoever follows a workload that is placed can be placed next to it.
    loop {
        let before = waiting.len();
        waiting.retain(|&w| !state.follow(w, workloads));
        if waiting.len() == before {
            break;
        }
    }
    for w in waiting {
        let selects_nobody = relations.near[w].as_ref().is_none_or(|near| near.workloads.is_empty());
        let rule = if selects_nobody {
            "required pod affinity over nodes, which selects no pod of the input"
        } else {
            "required pod affinity over nodes, for no selected pod can be placed first"
        };
        state.out.left.push(Left { workload: w, pods: workloads[w].replicas, rule: rule.to_owned() });
    }
    grouped.clear();
    state.out.units = state.units;
    state.out.left.sort_by_key(|l| l.workload);
    state.out.restricted.sort_unstable();
    state.out
}

/// Which workloads the scheduler can place one after the other: those whose required affinity selects
/// themselves, DaemonSets or a workload that can be placed before, whatever the domain of each. A
/// workload that selects nobody is told apart later.
fn reached(relations: &Relations, count: usize) -> Vec<bool> {
    let free = |w: usize| match &relations.near[w] {
        None => true,
        Some(near) => {
            near.workloads.is_empty()
                || !near.daemon_sets.is_empty()
                || near.workloads.binary_search(&(w as u32)).is_ok()
        }
    };
    let mut reached: Vec<bool> = (0..count).map(free).collect();
    loop {
        let next = (0..count).find(|&w| {
            let near = relations.near[w].as_ref();
            !reached[w] && near.is_some_and(|near| near.workloads.iter().any(|&v| reached[v as usize]))
        });
        match next {
            Some(w) => reached[w] = true,
            None => return reached,
        }
    }
}

/// Whether a workload's pods must lie with other pods of the plan. Where a DaemonSet is selected, the
/// nodes that it runs on satisfy the rule.
fn follows(relations: &Relations, w: usize) -> bool {
    let near = relations.near[w].as_ref();
    near.is_some_and(|near| near.domain == Domain::Node && near.daemon_sets.is_empty())
}

struct State<'a> {
    relations: &'a Relations,
    units: Vec<Unit>,
    /// The units that hold pods of a workload.
    holding: BTreeMap<usize, Vec<usize>>,
    out: Together,
}

impl State<'_> {
    fn push(&mut self, unit: Unit) {
        for &(w, _) in &unit.pods {
            self.holding.entry(w).or_default().push(self.units.len());
        }
        self.units.push(unit);
    }

    /// Puts workloads on one node each that select their own pods and, if any, only others that do so
    /// with them. Returns all these workloads.
    fn whole(&mut self, waiting: &[usize], workloads: &[&Workload]) -> Vec<usize> {
        let targets = |w: usize| -> &[u32] {
            self.relations.near[w].as_ref().map_or(&[], |near| near.workloads.as_slice())
        };
        let selects = |a: usize, b: usize| targets(a).binary_search(&(b as u32)).is_ok();
        let mut done: Vec<usize> = Vec::new();
        let mut found: Vec<Vec<usize>> = Vec::new();
        for &w in waiting {
            if done.contains(&w) || !selects(w, w) {
                continue;
            }
            let group: Vec<usize> = targets(w).iter().map(|&v| v as usize).collect();
            let mutual = group.iter().all(|&v| waiting.contains(&v) && targets(v) == targets(w));
            if mutual {
                done.extend(&group);
                found.push(group);
            }
        }
        for group in found {
            let refuses = |a: usize, b: usize| self.relations.others[a].binary_search(&(b as u32)).is_ok();
            let together = |&w: &usize| {
                let alone = self.relations.alone[w] && workloads[w].replicas > 1;
                !alone && !group.iter().any(|&v| refuses(w, v))
            };
            let pods: Vec<(usize, u64)> = group.iter().map(|&w| (w, workloads[w].replicas)).collect();
            if group.iter().all(together) {
                self.push(Unit { pods, copies: 1 });
            } else {
                let rule = "required pod affinity and anti-affinity over nodes, which contradict each other";
                for (workload, pods) in pods {
                    self.out.left.push(Left { workload, pods, rule: rule.to_owned() });
                }
            }
        }
        done
    }

    /// Deals the pods of `w` out over those of a workload that it selects. False when none of these is
    /// placed yet.
    fn follow(&mut self, w: usize, workloads: &[&Workload]) -> bool {
        let Some(near) = &self.relations.near[w] else { return false };
        let placed = |v: &usize| *v != w && self.holding.contains_key(v);
        let candidates = near.workloads.iter().map(|&v| v as usize).filter(placed);
        let largest =
            candidates.min_by_key(|&v| (std::cmp::Reverse(workloads[v].replicas), &workloads[v].id));
        let Some(leader) = largest else { return false };
        let refuses = |unit: &Unit| {
            unit.pods.iter().any(|&(v, _)| self.relations.others[w].binary_search(&(v as u32)).is_ok())
        };
        let hosts: Vec<usize> =
            self.holding[&leader].iter().copied().filter(|&u| !refuses(&self.units[u])).collect();
        let copies: u64 = hosts.iter().map(|&u| self.units[u].copies).sum();
        let mut pods = workloads[w].replicas;
        self.out.restricted.push(w);
        let most = if self.relations.alone[w] {
            copies
        } else if copies == 0 {
            0
        } else {
            pods
        };
        if pods > most {
            let rule =
                format!("required pod affinity over nodes to {} beside anti-affinity", workloads[leader].id);
            self.out.left.push(Left { workload: w, pods: pods - most, rule });
            pods = most;
        }
        if pods == 0 {
            return true;
        }
        let (each, mut extra) = (pods / copies, pods % copies);
        for u in hosts {
            let with_extra = extra.min(self.units[u].copies);
            extra -= with_extra;
            let rest = self.units[u].copies - with_extra;
            // The unit itself becomes the part with one pod more, if there is one.
            let (mine, other) = if with_extra > 0 { (each + 1, (rest, each)) } else { (each, (0, 0)) };
            if other.0 > 0 {
                let mut part = Unit { copies: other.0, ..self.units[u].clone() };
                let place = self.units.len();
                for &(v, _) in &part.pods {
                    self.holding.entry(v).or_default().push(place);
                }
                if other.1 > 0 {
                    add(&mut part, w, other.1);
                    self.holding.entry(w).or_default().push(place);
                }
                self.units.push(part);
                self.units[u].copies = with_extra;
            }
            if mine > 0 {
                add(&mut self.units[u], w, mine);
                self.holding.entry(w).or_default().push(u);
            }
        }
        true
    }
}

fn add(unit: &mut Unit, workload: usize, pods: u64) {
    let place = unit.pods.partition_point(|&(w, _)| w < workload);
    unit.pods.insert(place, (workload, pods));
}
