//! One hour after the other, each distinct one once: who covers what.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::charges::{Charges, HourClass, Use};
use super::holding::{Covers, Holding};
use super::sustained;
use crate::bill::usage::{LineState, NodeUsage, UsageLine};
use crate::catalog::{OfferKind, Term};
use crate::units::{Money, Rate};

/// What a node weighs where nothing flexes, in thousandths.
const WHOLE: u64 = 1_000;

/// What a reservation can cover of a line: all of it, or one resource that is billed apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resource {
    Node,
    Cpu,
    Memory,
    Rest,
}

/// A part of a line that is covered by itself.
#[derive(Debug, Clone, Copy)]
struct Part {
    line: usize,
    resource: Resource,
    /// Per node and hour.
    rate: Rate,
    /// What one node weighs, in the units of [`Holding::units_per_hour`] per second.
    unit: u64,
}

impl Part {
    fn value(&self, amount: u64) -> Money {
        UsageLine::value(self.rate, amount, self.unit)
    }
}

/// A reservation and the parts that it may cover, in the provider's order.
struct Reservation {
    holding: usize,
    parts: Vec<usize>,
}

/// A plan and a usage that it has a rate for.
struct Pair {
    holding: usize,
    line: usize,
    plan: Rate,
    list: Rate,
}

/// Everything that does not change from hour to hour.
struct Engine<'u, 'a> {
    usage: &'u NodeUsage<'a>,
    holdings: &'u [Holding],
    parts: Vec<Part>,
    reservations: Vec<Reservation>,
    pairs: Vec<Pair>,
}

/// Charges a usage under commitments in the provider's own order, to the nano-dollar.
///
/// Money is rounded half up to a nano-dollar once per line and hour, and once more where a plan covers
/// a node in part; hours are then only counted, so that any months sum to the whole exactly.
pub fn charge<'u, 'a>(usage: &'u NodeUsage<'a>, holdings: &'u [Holding]) -> Charges<'u, 'a> {
    let engine = Engine::new(usage, holdings);
    let mut classes: Vec<HourClass> = Vec::new();
    let mut hours: Vec<u32> = Vec::with_capacity(usage.hours().len());
    for (start, end) in segments(usage.len(), holdings) {
        let active: Vec<bool> =
            holdings.iter().map(|h| h.start <= i64::from(start) && i64::from(start) < h.end).collect();
        let mut known: Vec<Option<u32>> = vec![None; usage.slots().len()];
        for &slot in &usage.hours()[start as usize..end as usize] {
            let class = *known[slot as usize].get_or_insert_with(|| {
                classes.push(engine.hour(slot, &active));
                u32::try_from(classes.len() - 1).expect("fewer classes than hours")
            });
            hours.push(class);
        }
    }
    let sustained = sustained::discounts(usage, &classes, &hours);
    Charges::new(usage, holdings, classes, hours, sustained)
}

/// The stretches of hours in which no holding begins or ends.
fn segments(hours: u32, holdings: &[Holding]) -> Vec<(u32, u32)> {
    let within = |hour: i64| u32::try_from(hour).ok().filter(|&hour| hour < hours);
    let mut cuts: Vec<u32> =
        holdings.iter().flat_map(|h| [within(h.start), within(h.end)]).flatten().collect();
    cuts.extend([0, hours]);
    cuts.sort_unstable();
    cuts.dedup();
    cuts.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

impl<'u, 'a> Engine<'u, 'a> {
    fn new(usage: &'u NodeUsage<'a>, holdings: &'u [Holding]) -> Self {
        let parts = parts(usage.lines());
        let reservations = reservations(usage.lines(), &parts, holdings);
        let pairs = pairs(usage.lines(), holdings);
        Engine { usage, holdings, parts, reservations, pairs }
    }

    /// One hour in a state with some of the holdings active.
    fn hour(&self, slot: u32, active: &[bool]) -> HourClass {
        let lines = self.usage.lines();
        let nodes = &self.usage.slots()[slot as usize];
        let mut left: Vec<u64> = self
            .parts
            .iter()
            .map(|part| nodes[part.line] * u64::from(lines[part.line].seconds) * part.unit)
            .collect();
        let mut list = vec![Money::ZERO; lines.len()];
        for (part, &amount) in self.parts.iter().zip(&left) {
            list[part.line] = list[part.line] + part.value(amount);
        }
        let mut uses = Vec::new();
        for reservation in self.reservations.iter().filter(|r| active[r.holding]) {
            self.reserve(reservation, &mut left, &mut uses);
        }
        let mut on_demand = vec![Money::ZERO; lines.len()];
        for (part, &amount) in self.parts.iter().zip(&left) {
            on_demand[part.line] = on_demand[part.line] + part.value(amount);
        }
        self.spend(active, &mut on_demand, &mut uses);
        let surcharge = lines.iter().zip(nodes).map(|(line, &n)| line.surcharge_hour(n)).collect();
        HourClass { slot, uses, list, on_demand, surcharge }
    }

    fn reserve(&self, reservation: &Reservation, left: &mut [u64], uses: &mut Vec<Use>) {
        let held = &self.holdings[reservation.holding];
        let mut units = held.units_per_hour();
        let exact = matches!(held.covers, Covers::Zonal { .. } | Covers::Type(_));
        for &index in &reservation.parts {
            if units == 0 {
                return;
            }
            let part = &self.parts[index];
            // A reservation of a type counts instances, whatever one weighs in its pool.
            let (weight, unit) = if exact { (WHOLE, part.unit) } else { (1, 1) };
            let reach = u128::from(units) * u128::from(unit) / u128::from(weight);
            let covered = u64::try_from(reach).map_or(left[index], |reach| reach.min(left[index]));
            if covered > 0 {
                let before = part.value(left[index]);
                left[index] -= covered;
                let taken = u128::from(covered) * u128::from(weight) / u128::from(unit);
                let taken = u64::try_from(taken).expect("no more than it has");
                units -= taken;
                // A difference of what is left, so that roundings never add up.
                let list = before - part.value(left[index]);
                uses.push(Use { holding: reservation.holding, line: part.line, units: taken, list });
            }
        }
    }

    fn spend(&self, active: &[bool], on_demand: &mut [Money], uses: &mut Vec<Use>) {
        let mut budget: Vec<u64> = self
            .holdings
            .iter()
            .map(|h| match h.covers {
                Covers::Spend { .. } => h.units_per_hour(),
                _ => 0,
            })
            .collect();
        for pair in self.pairs.iter().filter(|pair| active[pair.holding]) {
            let left = on_demand[pair.line].nanos().unsigned_abs();
            let purse = u128::from(budget[pair.holding]);
            if left == 0 || purse == 0 {
                continue;
            }
            let (plan, list) = (u128::from(pair.plan.nanos()), u128::from(pair.list.nanos()));
            let needed = (left * plan + list / 2) / list;
            let (paid, covered) = if needed <= purse {
                (needed, left)
            } else {
                (purse, ((purse * list + plan / 2) / plan).min(left))
            };
            let covered = Money::from_nanos(i128::try_from(covered).expect("no bill reaches 10^29"));
            let paid = u64::try_from(paid).expect("no more than the plan");
            budget[pair.holding] -= paid;
            on_demand[pair.line] = on_demand[pair.line] - covered;
            uses.push(Use { holding: pair.holding, line: pair.line, units: paid, list: covered });
        }
    }
}

fn parts(lines: &[UsageLine<'_>]) -> Vec<Part> {
    let mut parts = Vec::new();
    for (line, usage) in lines.iter().enumerate() {
        let t = usage.instance_type;
        match usage.components {
            Some(split) => {
                let mut part = |resource, rate, unit| parts.push(Part { line, resource, rate, unit });
                part(Resource::Cpu, split.cpu, t.cpu.0.max(1));
                part(Resource::Memory, split.memory, (t.memory.0 >> 20).max(1));
                part(Resource::Rest, split.rest, WHOLE);
            }
            None => {
                let unit = usage.pool.as_ref().map_or(WHOLE, |pool| pool.units.0.max(1));
                parts.push(Part { line, resource: Resource::Node, rate: usage.rate(), unit });
            }
        }
    }
    parts
}

/// Zonal first, then exact types, then pools, then resources; among equals as they are given.
fn reservations(lines: &[UsageLine<'_>], parts: &[Part], holdings: &[Holding]) -> Vec<Reservation> {
    let rank = |covers: &Covers| match covers {
        Covers::Zonal { .. } => 0,
        Covers::Type(_) => 1,
        Covers::Pool(_) => 2,
        Covers::Cpu { .. } | Covers::Memory { .. } => 3,
        Covers::Spend { .. } => 4,
    };
    // Smallest size first, running nodes before unused capacity, then as the lines stand.
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&index| (parts[index].unit, lines[parts[index].line].state, index));
    let mut pools: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for &index in &order {
        if let (Resource::Node, Some(pool)) = (parts[index].resource, &lines[parts[index].line].pool) {
            pools.entry(&pool.name).or_default().push(index);
        }
    }
    let matching = |wanted: &dyn Fn(&UsageLine<'_>, Resource) -> bool| -> Vec<usize> {
        let matches = |&&index: &&usize| wanted(&lines[parts[index].line], parts[index].resource);
        order.iter().filter(matches).copied().collect()
    };
    let mut reservations: Vec<(u8, Reservation)> = Vec::new();
    for (holding, held) in holdings.iter().enumerate() {
        let parts = match &held.covers {
            Covers::Zonal { instance_type, zone } => {
                let mut found = matching(&|line, resource| {
                    resource == Resource::Node
                        && line.instance_type.name == *instance_type
                        && line.may_stand_in(zone)
                        && line.state == LineState::Running
                });
                // Nodes that may stand anywhere are left to other zones as long as possible.
                found.sort_by_key(|&index| lines[parts[index].line].zone.is_none());
                found
            }
            Covers::Type(name) => matching(&|line, resource| {
                resource == Resource::Node
                    && line.instance_type.name == *name
                    && line.state != LineState::Spot
            }),
            Covers::Pool(pool) => pools.get(pool.name.as_str()).cloned().unwrap_or_default(),
            Covers::Cpu { series, .. } => {
                matching(&|line, resource| resource == Resource::Cpu && line.instance_type.family == *series)
            }
            Covers::Memory { series, .. } => matching(&|line, resource| {
                resource == Resource::Memory && line.instance_type.family == *series
            }),
            Covers::Spend { .. } => continue,
        };
        reservations.push((rank(&held.covers), Reservation { holding, parts }));
    }
    reservations.sort_by_key(|(rank, reservation)| (*rank, reservation.holding));
    reservations.into_iter().map(|(_, reservation)| reservation).collect()
}

/// The step in which a plan applies: narrow plans before wide ones.
fn step(kind: OfferKind, family: bool) -> u8 {
    match (kind, family) {
        (OfferKind::InstanceSavingsPlan, _) | (_, true) => 0,
        _ => 1,
    }
}

/// Every plan with every usage that it has a rate for and saves on, in the order of application.
fn pairs(lines: &[UsageLine<'_>], holdings: &[Holding]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (holding, held) in holdings.iter().enumerate() {
        let Covers::Spend { family, .. } = &held.covers else { continue };
        for (line, usage) in lines.iter().enumerate() {
            let t = usage.instance_type;
            let other = family.as_ref().is_some_and(|family| *family != t.family);
            if other || usage.state == LineState::Spot {
                continue;
            }
            let Some(offer) = held.key.find(t) else { continue };
            let list = t.on_demand.rate;
            if offer.effective > Rate::ZERO && offer.effective <= list {
                pairs.push(Pair { holding, line, plan: offer.effective, list });
            }
        }
    }
    pairs.sort_by(|a, b| {
        let first = |pair: &Pair| {
            let held = &holdings[pair.holding];
            let family = matches!(&held.covers, Covers::Spend { family: Some(_), .. });
            // Azure applies three-year plans before one-year plans; AWS takes all terms together.
            let long = held.key.kind == OfferKind::AzureSavingsPlan && held.key.term == Term::ThreeYears;
            (step(held.key.kind, family), Reverse(long))
        };
        // plan / list ascending is saving descending; compared crosswise, so exactly.
        let saving = |x: &Pair, y: &Pair| {
            (u128::from(x.plan.nanos()) * u128::from(y.list.nanos()))
                .cmp(&(u128::from(y.plan.nanos()) * u128::from(x.list.nanos())))
        };
        let last = |pair: &Pair| (pair.plan, lines[pair.line].state, pair.holding, pair.line);
        first(a).cmp(&first(b)).then_with(|| saving(a, b)).then_with(|| last(a).cmp(&last(b)))
    });
    pairs
}
