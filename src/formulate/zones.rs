//! Rules over zones: which copies lie in which zone is decided here, before the search, as the scheduler
//! would place them one after the other: into a zone that every rule admits, of these the one with the
//! fewest counted pods, of these the one with the least load.
//!
//! Only units with a rule over zones, and those that such a rule counts, are decided; all others stay
//! free. What the bound needs is the problem without these rules.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::relations::{Domain, Near, Relations};
use super::together::{Left, Unit};

/// Copies of a unit and the zone that they lie in; `None` where that is free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portion {
    /// What lies together.
    pub unit: Unit,
    /// The zone, as decided.
    pub zone: Option<usize>,
}

/// What is known about the units.
pub struct Facts<'a> {
    /// How many zones there are; one where they are not told apart.
    pub zones: usize,
    /// The zones in which some node can hold one copy, by unit.
    pub fits: &'a dyn Fn(&Unit) -> Vec<bool>,
    /// The zones in which a workload's node rules leave any node, by workload.
    pub domains: &'a dyn Fn(usize) -> Vec<bool>,
    /// The zones in which a DaemonSet runs.
    pub daemon_zones: &'a dyn Fn(usize) -> Vec<bool>,
    /// How much one copy takes, by unit: any measure, for balance.
    pub weight: &'a dyn Fn(&Unit) -> u64,
    /// The place of each workload in the order of names.
    pub rank: &'a [usize],
}

/// All units with their zones.
#[derive(Debug, Default)]
pub struct Split {
    /// What has to be placed.
    pub portions: Vec<Portion>,
    /// What no zone can take.
    pub left: Vec<Left>,
    /// Workloads whose zones were decided.
    pub decided: Vec<usize>,
}

/// More copies of one unit than this are not dealt out one by one.
const MOST_COPIES: u64 = 5_000_000;

/// Decides the zones of the units that rules over zones concern.
pub fn split(units: Vec<Unit>, relations: &Relations, facts: &Facts<'_>) -> Split {
    let mut concerned = vec![false; relations.near.len()];
    for w in 0..concerned.len() {
        let mut counted: Vec<u32> =
            relations.zone_spreads[w].iter().flat_map(|s| s.counted.to_vec()).collect();
        counted.extend(&relations.zone_others[w]);
        counted.extend(&relations.region_others[w]);
        let near = relations.near[w].as_ref().filter(|n| is_wide(n));
        counted.extend(near.iter().flat_map(|n| &n.workloads));
        if near.is_some() || !counted.is_empty() || !relations.zone_spreads[w].is_empty() {
            concerned[w] = true;
            counted.iter().for_each(|&v| concerned[v as usize] = true);
        }
    }
    let mut out = Split::default();
    let (mut asked, free): (Vec<Unit>, Vec<Unit>) =
        units.into_iter().partition(|u| u.pods.iter().any(|&(w, _)| concerned[w]));
    out.portions.extend(free.into_iter().map(|unit| Portion { unit, zone: None }));
    asked.sort_by_cached_key(|u| {
        let zones = (facts.fits)(u).into_iter().filter(|&fits| fits).count();
        let skew = u.pods.iter().flat_map(|&(w, _)| &relations.zone_spreads[w]).map(|s| s.max_skew).min();
        let load = u128::from((facts.weight)(u)) * u128::from(u.copies);
        // Whoever is counted without a spread of its own comes before those that must balance it.
        let balances = skew.is_some();
        let skew = Reverse(skew.unwrap_or(u64::MAX));
        (balances, zones, skew, Reverse(load), u.pods.iter().map(|&(w, _)| facts.rank[w]).collect::<Vec<_>>())
    });
    let mut state = State::new(relations, facts);
    for unit in &asked {
        out.decided.extend(unit.pods.iter().map(|&(w, _)| w));
    }
    out.decided.sort_unstable();
    out.decided.dedup();
    // Whoever must lie near others waits until one of them is placed.
    loop {
        let before = asked.len();
        asked.retain(|unit| !state.place(unit, &mut out));
        if asked.len() == before {
            break;
        }
    }
    for unit in asked {
        leave(&unit, unit.copies, "required pod affinity, for no selected pod can be placed first", &mut out);
    }
    out
}

fn leave(unit: &Unit, copies: u64, rule: &str, out: &mut Split) {
    for &(workload, pods) in &unit.pods {
        out.left.push(Left { workload, pods: pods * copies, rule: rule.to_owned() });
    }
}

/// Pods that rules count together, by zone.
struct Group {
    members: Vec<u32>,
    zones: Vec<u64>,
}

impl Group {
    fn total(&self) -> u64 {
        self.zones.iter().sum()
    }

    fn counts(&self, w: usize) -> bool {
        self.members.binary_search(&(w as u32)).is_ok()
    }

    /// Pods of one copy that it counts.
    fn of(&self, unit: &Unit) -> u64 {
        unit.pods.iter().filter(|&&(w, _)| self.counts(w)).map(|&(_, pods)| pods).sum()
    }
}

struct State<'a> {
    relations: &'a Relations,
    facts: &'a Facts<'a>,
    groups: Vec<Group>,
    by_members: HashMap<Vec<u32>, usize>,
    /// The groups that count a workload.
    member_of: Vec<Vec<usize>>,
    load: Vec<u128>,
}

/// The rules of one unit, with groups by place.
struct Checks {
    /// Each workload with the groups that none of its pods may meet in a zone and in the region.
    apart: Vec<(usize, usize, usize)>,
    near: Vec<NearCheck>,
    spreads: Vec<SpreadCheck>,
}

struct NearCheck {
    group: usize,
    in_zone: bool,
    /// The zones in which a selected DaemonSet runs.
    daemons: Vec<bool>,
    only_daemons: bool,
}

struct SpreadCheck {
    group: usize,
    max_skew: u64,
    min_domains: u64,
    domains: Vec<bool>,
}

impl<'a> State<'a> {
    fn new(relations: &'a Relations, facts: &'a Facts<'a>) -> Self {
        let mut state = State {
            relations,
            facts,
            groups: Vec::new(),
            by_members: HashMap::new(),
            member_of: vec![Vec::new(); relations.near.len()],
            load: vec![0; facts.zones],
        };
        for w in 0..relations.near.len() {
            for spread in &relations.zone_spreads[w] {
                state.group(&spread.counted);
            }
            if let Some(near) = &relations.near[w] {
                state.group(&near.workloads);
            }
            state.group(&relations.zone_others[w]);
            state.group(&relations.region_others[w]);
        }
        state
    }

    fn group(&mut self, members: &[u32]) {
        if self.by_members.contains_key(members) {
            return;
        }
        let place = self.groups.len();
        members.iter().for_each(|&w| self.member_of[w as usize].push(place));
        self.groups.push(Group { members: members.to_vec(), zones: vec![0; self.facts.zones] });
        self.by_members.insert(members.to_vec(), place);
    }

    fn checks(&self, unit: &Unit) -> Checks {
        let find = |members: &[u32]| self.by_members[members];
        let mut checks = Checks { apart: Vec::new(), near: Vec::new(), spreads: Vec::new() };
        for &(w, _) in &unit.pods {
            let (in_zone, in_region) = (&self.relations.zone_others[w], &self.relations.region_others[w]);
            if !in_zone.is_empty() || !in_region.is_empty() {
                checks.apart.push((w, find(in_zone), find(in_region)));
            }
            let near = self.relations.near[w].as_ref();
            checks.near.extend(near.filter(|n| is_wide(n)).map(|near| {
                let mut daemons = vec![false; self.facts.zones];
                for &daemon in &near.daemon_sets {
                    let zones = (self.facts.daemon_zones)(daemon);
                    daemons.iter_mut().zip(zones).for_each(|(any, runs)| *any |= runs);
                }
                NearCheck {
                    group: find(&near.workloads),
                    in_zone: near.domain == Domain::Zone,
                    only_daemons: near.workloads.is_empty(),
                    daemons,
                }
            }));
            checks.spreads.extend(self.relations.zone_spreads[w].iter().map(|spread| SpreadCheck {
                group: find(&spread.counted),
                max_skew: spread.max_skew,
                min_domains: spread.min_domains,
                domains: (self.facts.domains)(w),
            }));
        }
        checks
    }

    /// Deals the copies of a unit out. False when it waits for somebody else.
    fn place(&mut self, unit: &Unit, out: &mut Split) -> bool {
        let checks = self.checks(unit);
        let waits = |near: &NearCheck| {
            let group = &self.groups[near.group];
            !near.daemons.contains(&true) && group.total() == 0 && group.of(unit) == 0
        };
        if checks.near.iter().any(waits) {
            return false;
        }
        if unit.copies > MOST_COPIES {
            leave(unit, unit.copies, "rules over zones, for so many copies are not dealt out", out);
            return true;
        }
        let weight = u128::from((self.facts.weight)(unit));
        let open: Vec<usize> =
            (self.facts.fits)(unit).iter().enumerate().filter(|&(_, &fits)| fits).map(|(z, _)| z).collect();
        // Whoever refuses others leaves them zones.
        let gathers = checks.apart.iter().any(|&(w, in_zone, _)| {
            let group = &self.groups[in_zone];
            group.members.len() > usize::from(group.counts(w))
        });
        let mut copies = vec![0u64; self.facts.zones];
        let mut done = 0;
        while done < unit.copies {
            let admitted = open.iter().copied().filter(|&zone| self.admits(unit, &checks, zone));
            let crowd = |zone: usize| {
                checks.spreads.iter().map(|s| self.groups[s.group].zones[zone]).max().unwrap_or(0)
            };
            let Some(zone) = admitted
                .min_by_key(|&zone| (gathers && copies[zone] == 0, crowd(zone), self.load[zone], zone))
            else {
                break;
            };
            for &(w, pods) in &unit.pods {
                for &group in &self.member_of[w] {
                    self.groups[group].zones[zone] += pods;
                }
            }
            self.load[zone] += weight;
            copies[zone] += 1;
            done += 1;
        }
        for (zone, &copies) in copies.iter().enumerate().filter(|&(_, &copies)| copies > 0) {
            out.portions.push(Portion { unit: Unit { copies, ..unit.clone() }, zone: Some(zone) });
        }
        if done < unit.copies {
            leave(unit, unit.copies - done, &self.why(&checks, open.len()), out);
        }
        true
    }

    /// Whether the scheduler would place one more copy here.
    fn admits(&self, unit: &Unit, checks: &Checks, zone: usize) -> bool {
        let near = |near: &NearCheck| {
            let group = &self.groups[near.group];
            let here = if near.in_zone { group.zones[zone] } else { group.total() };
            let first = group.total() == 0 && group.of(unit) > 0;
            here > 0 || first || near.daemons[zone] || (!near.in_zone && near.daemons.contains(&true))
        };
        let apart = |&(w, in_zone, in_region): &(usize, usize, usize)| {
            let (in_zone, in_region) = (&self.groups[in_zone], &self.groups[in_region]);
            // Of pods in one unit, none may refuse another; one pod does not refuse itself.
            let inside = |group: &Group| group.of(unit) > u64::from(group.counts(w));
            in_zone.zones[zone] == 0 && in_region.total() == 0 && !inside(in_zone) && !inside(in_region)
        };
        let balanced = |spread: &SpreadCheck| {
            let group = &self.groups[spread.group];
            let counts = || spread.domains.iter().zip(&group.zones).filter(|(is, _)| **is).map(|(_, &n)| n);
            let enough = counts().count() as u64 >= spread.min_domains;
            let least = if enough { counts().min().unwrap_or(0) } else { 0 };
            group.zones[zone] + group.of(unit) <= least + spread.max_skew
        };
        checks.apart.iter().all(apart) && checks.near.iter().all(near) && checks.spreads.iter().all(balanced)
    }

    fn why(&self, checks: &Checks, open: usize) -> String {
        let mut rules = Vec::new();
        if checks.apart.iter().any(|&(_, group, _)| !self.groups[group].members.is_empty()) {
            rules.push("pod anti-affinity over zones");
        }
        if checks.apart.iter().any(|&(_, _, group)| !self.groups[group].members.is_empty()) {
            rules.push("pod anti-affinity over the region");
        }
        if checks.near.iter().any(|near| near.in_zone) {
            rules.push("required pod affinity over zones");
        }
        if checks.near.iter().any(|near| near.only_daemons) {
            rules.push("required pod affinity to a DaemonSet");
        }
        if !checks.spreads.is_empty() {
            rules.push("topology spread over zones");
        }
        let s = if open == 1 { "" } else { "s" };
        format!("{} with {open} zone{s} to choose from", rules.join(" and "))
    }
}

/// Whether an affinity is over domains wider than a node.
fn is_wide(near: &Near) -> bool {
    matches!(near.domain, Domain::Zone | Domain::Region)
}
